"""How time, memory and traffic grow with the volume: `scripts/bench --scale` (its tables of docs/bench.md).

Each size is a phantom made once and a run of all outputs in a process of its own; its traffic is what the process asked
the system to read and write (files, cached or not), its memory that of all its processes together.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

REFERENCE = "reference"
# the study's volume; particles of this mean size make as many of them as it has
REFERENCE_OPTIONS = ("--depth", "960", "--height", "2560", "--width", "2560", "--diameter", "93")
SIZES = ("256", "512", "1024", REFERENCE)
LARGEST_OF_PEERS = 512  # voxels along an edge; beyond, they do not fit the memory of a laptop
LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Scaled:
    """What a run of one size took.

    Attributes
    ----------
    name : str
    record : dict
        Its `run.json`.
    seconds : float
    peak_bytes : int
        Of all its processes together.
    read, written : int
        Bytes.
    peers : float or None
        Seconds of the peers on the same volume.
    """

    name: str
    record: dict[str, Any]
    seconds: float
    peak_bytes: int
    read: int
    written: int
    peers: float | None = None

    @property
    def voxels(self) -> int:
        """Of the volume."""
        z, y, x = self.record["input"]["shape"]
        return int(z) * int(y) * int(x)


def watched(command: Sequence[str]) -> tuple[float, int, int, int]:
    """Run a command: seconds, largest memory of all its processes at one time, bytes read and written by the first."""
    start, peak, read, written = time.perf_counter(), 0, 0, 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    seen = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            peak = max(peak, sum(p.memory_info().rss for p in (seen, *seen.children(recursive=True))))
            traffic = seen.io_counters()
            read, written = traffic.read_chars, traffic.write_chars
        except (psutil.Error, AttributeError):
            pass
        time.sleep(LOOK_SECONDS)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed with status {process.returncode}")
    return time.perf_counter() - start, peak, read, written


def phantom_of(size: str, work: Path, morphct: Sequence[str], seed: int) -> Path:
    """The phantom of a size, made once."""
    path = work / f"scale-{size}-{seed}.tif"
    if not path.exists():
        print(f"making {path.name}", file=sys.stderr)
        shape = REFERENCE_OPTIONS if size == REFERENCE else ("--size", size)
        command = [*morphct, "phantom", "-q", *shape, "--seed", str(seed), "-o", str(path)]
        if subprocess.run(command, check=False).returncode:
            sys.exit(f"{' '.join(command)} failed")
    return path


def measure_size(volume: Path, name: str, morphct: Sequence[str], memory: str | None) -> Scaled:
    """Run morphct on a volume, everything included."""
    out = volume.with_suffix("")
    cap = ["--memory", memory] if memory else []
    found = watched([*morphct, "run", str(volume), "-o", str(out), "--overwrite", "-q", "--no-progress", *cap])
    return Scaled(name, json.loads((out / "run.json").read_text()), *found)


def tables(runs: Sequence[Scaled], memory: str | None) -> list[str]:
    """Markdown: sizes side by side, then stages."""
    cap = f" --memory {memory}" if memory else ""
    lines = [
        "## Scale",
        "",
        f"`scripts/bench --scale{cap}`: everything included; bytes a voxel of the volume.",
        "",
        "| volume | Mvoxel | seconds | Mvoxel/s | peak, GiB | read | written | scratch on disk | peers, s | ratio |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        scratch = run.record["scratch"]["disk_bytes"]
        peers = ("", "") if run.peers is None else (f"{run.peers:.0f}", f"{run.peers / run.seconds:.1f}")
        cells = [
            run.name,
            f"{run.voxels / 1e6:.0f}",
            f"{run.seconds:.1f}",
            f"{run.voxels / 1e6 / run.seconds:.2f}",
            f"{run.peak_bytes / 2**30:.2f}",
            *(f"{count / run.voxels:.1f}" for count in (run.read, run.written, scratch)),
            *peers,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    names = list(dict.fromkeys(stage["name"] for run in runs for stage in run.record["stages"]))
    lines += [
        "",
        "| seconds (ns a voxel) | " + " | ".join(run.name for run in runs) + " |",
        "|---" * (len(runs) + 1) + "|",
    ]
    for name in names:
        cells = []
        for run in runs:
            seconds = sum(s["seconds"] for s in run.record["stages"] if s["name"] == name)
            cells.append(f"{seconds:.1f} ({1e9 * seconds / run.voxels:.1f})")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines
