"""Time and peak memory of morphct, end to end, beside the same outputs from SciPy + scikit-image + edt.

    scripts/bench                    a 256^3 phantom: both, as ratios
    scripts/bench --size 512 --memory 2GiB --write
    scripts/bench --scale            256^3, 512^3, 1024^3 and the study's volume: seconds, memory, traffic by stage
    scripts/bench --scale --sizes 256,512 --memory 4GiB
    scripts/bench --imports          how long `import morphct` and `morphct --help` take
    scripts/bench --stages           Mvoxel/s of every stage, from run.json
    scripts/bench --descriptors      particles per second, beside scikit-image and PoreSpy; 3200 particles of the study

Each program runs in a process of its own, one after the other; kernels are compiled (and cached) beforehand.
`--write` puts the tables into docs/bench.md; sections that were not measured stay as they are there.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import bench_scale

ROOT = Path(__file__).parents[1]
WORK = ROOT / "bench-run"
PAGE = ROOT / "docs" / "bench.md"
MORPHCT = [sys.executable, "-m", "morphct"]
# what scripts/bench_peers.py measures too; local thickness, silhouettes, roundness and uncertainties have no peer in it
_COLUMNS = (
    "identity size ellipsoid surface spheres sphericity sphericity_wadell isoperimetric_quotient solidity feret_max "
    "feret_min void_fraction void_count void_volume_um3 void_largest_diameter_um grey_mean grey_std contacts"
)
PEERS_COLUMNS = ["--set", f"descriptors.names={','.join(_COLUMNS.split())}", "--set", "calibrate.method=none"]


@dataclass(frozen=True)
class Measured:
    """What one process took."""

    seconds: float
    peak_bytes: int
    stdout: str


def measured(command: list[str], environment: dict[str, str] | None = None) -> Measured:
    """Run a command; wall time and the largest memory of it or any of its children. A failure ends the benchmark."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=os.environ | (environment or {}))
    assert process.stdout is not None
    stdout = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{' '.join(command)} failed with status {os.waitstatus_to_exitcode(status)}")
    return Measured(seconds, usage.ru_maxrss * 1024, stdout)


def phantom(size: int, seed: int) -> Path:
    """A phantom of size^3 voxels, made once."""
    path = WORK / f"phantom-{size}-{seed}.tif"
    if not path.exists():
        print(f"making {path.name}", file=sys.stderr)
        measured([*MORPHCT, "phantom", "-q", "--size", str(size), "--seed", str(seed), "-o", str(path)])
    return path


def run_morphct(volume: Path, extra: list[str]) -> Measured:
    """The main job, all outputs."""
    out = WORK / f"{volume.stem}-morphct"
    return measured([*MORPHCT, "run", str(volume), "-o", str(out), "--overwrite", "-q", "--no-progress", *extra])


def run_peers(volume: Path) -> Measured:
    """The same outputs from the peers."""
    out = WORK / f"{volume.stem}-peers"
    shutil.rmtree(out, ignore_errors=True)
    return measured([sys.executable, str(ROOT / "scripts" / "bench_peers.py"), str(volume), str(out)])


def end_to_end(size: int, seed: int, memory: str | None, peers: bool) -> list[str]:
    """Markdown of both programs on one phantom."""
    run_morphct(phantom(64, seed), [])  # compiles
    volume = phantom(size, seed)
    cap = ["--memory", memory] if memory else []
    rows = []
    for name, settings in {"morphct, the peers' columns": PEERS_COLUMNS, "morphct, everything": []}.items():
        ours = run_morphct(volume, [*cap, *settings])
        found = json.loads((WORK / f"{volume.stem}-morphct" / "summary.json").read_text())["counts"]
        rows.append((" ".join([name, *cap]), ours, found["particles"], found["voids"]))
    if peers:
        theirs = run_peers(volume)
        told = json.loads(theirs.stdout)
        rows.append(("SciPy + scikit-image + edt", theirs, told["particles"], told["voids"]))
    lines = [
        f"## End to end, {size}^3 voxels",
        "",
        "| | seconds | peak memory, GiB | particles | voids |",
        "|---|---|---|---|---|",
        *(f"| {name} | {m.seconds:.1f} | {m.peak_bytes / 2**30:.2f} | {n} | {v} |" for name, m, n, v in rows),
    ]
    if not peers:
        return lines
    # scikit-image draws every particle's hull as a volume: for who would take the hull's volume instead
    quick = theirs.seconds - told["seconds"]["regionprops: solidity"]
    lines += ["", "| peers over morphct | seconds | without the peers' solidity | peak memory |", "|---|---|---|---|"]
    for name, m, _, _ in rows[:2]:
        ratios = (theirs.seconds / m.seconds, quick / m.seconds, theirs.peak_bytes / m.peak_bytes)
        lines.append(f"| {name} | " + " | ".join(f"{ratio:.1f}" for ratio in ratios) + " |")
    steps = ", ".join(f"{k} {v:.1f}" for k, v in told["seconds"].items())
    return [*lines, "", f"Seconds of the peers, by step: {steps}."]


def stages(size: int, seed: int) -> list[str]:
    """Markdown of the last run's stages."""
    record = WORK / f"phantom-{size}-{seed}-morphct" / "run.json"
    if not record.exists():
        run_morphct(phantom(size, seed), [])
    told = json.loads(record.read_text())
    lines = [
        f"## Stages, {size}^3 voxels",
        "",
        "| stage | seconds | Mvoxel/s | peak memory so far, GiB |",
        "|---|---|---|---|",
    ]
    for stage in told["stages"]:
        name, seconds, rate, peak = (stage[k] for k in ("name", "seconds", "mvoxel_per_s", "peak_bytes"))
        lines.append(f"| {name} | {seconds:.2f} | {rate:.0f} | {peak / 2**30:.2f} |")
    return lines


def imports() -> list[str]:
    """Markdown of start-up times, the best of five."""
    commands = {
        "python alone": [sys.executable, "-c", "pass"],
        "import morphct": [sys.executable, "-c", "import morphct"],
        "morphct --help": [*MORPHCT, "--help"],
        "morphct run --help": [*MORPHCT, "run", "--help"],
    }
    lines = ["## Start-up", "", "| | seconds |", "|---|---|"]
    for name, command in commands.items():
        lines.append(f"| `{name}` | {min(measured(command).seconds for _ in range(5)):.2f} |")
    return lines


def descriptors() -> list[str]:
    """Markdown of what `bench_particles.py` measures."""
    script = str(ROOT / "scripts" / "bench_particles.py")
    alone = {f"{pool}_NUM_THREADS": "1" for pool in ("NUMBA", "OMP", "OPENBLAS")}  # one thread for everybody
    return measured([sys.executable, script, "--compare", "--costs", "--population", "60"], alone).stdout.splitlines()


def scale(sizes: Sequence[str], seed: int, memory: str | None, peers: bool) -> list[str]:
    """Markdown of what `bench_scale.py` measures."""
    run_morphct(phantom(64, seed), [])  # compiles
    runs = []
    for size in sizes:
        volume = bench_scale.phantom_of(size, WORK, MORPHCT, seed)
        name = f"{size}^3" if size.isdigit() else "2560 x 2560 x 960"
        run = bench_scale.measure_size(volume, name, MORPHCT, memory)
        beside = peers and size.isdigit() and int(size) <= bench_scale.LARGEST_OF_PEERS
        runs.append(replace(run, peers=run_peers(volume).seconds) if beside else run)
    return bench_scale.tables(runs, memory)


def heading() -> list[str]:
    """What it was measured on."""
    from importlib.metadata import version

    libraries = ", ".join(f"{n} {version(n)}" for n in ("numpy", "scipy", "scikit-image", "edt", "numba"))
    return [
        "# How fast, in how much memory",
        "",
        f"Written by `scripts/bench`, last on {time.strftime('%Y-%m-%d')}: {os.cpu_count()} processors "
        f"({platform.machine()}), "
        f"Python {platform.python_version()}, {libraries}. Phantoms of `morphct phantom`, default settings.",
    ]


def merged(old: str, new: str) -> str:
    """The new page, and those sections of the old one that it does not have, in the old order."""

    def sections(page: str) -> dict[str, str]:
        parts = re.split(r"^(?=## )", page, flags=re.M)
        return {part.partition("\n")[0]: part.rstrip() for part in parts if part.strip()}

    found = sections(new)
    top, *rest = found
    kept = {name: text for name, text in sections(old).items() if name.startswith("## ")}
    order = [top, *kept, *(name for name in rest if name not in kept)]
    return "\n\n".join(found.get(name, kept.get(name, "")) for name in order) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256, help="edge of the phantom in voxels (default 256)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory", help="cap for morphct, as 2GiB")
    parser.add_argument("--no-peers", action="store_true", help="morphct alone")
    parser.add_argument("--imports", action="store_true", help="start-up times only")
    parser.add_argument("--stages", action="store_true", help="speed of the stages only")
    parser.add_argument("--descriptors", action="store_true", help="speed of the descriptors only")
    parser.add_argument("--scale", action="store_true", help="how time, memory and traffic grow with the volume")
    parser.add_argument(
        "--sizes", default=",".join(bench_scale.SIZES), help="of --scale: edges in voxels, or `reference`"
    )
    parser.add_argument("--write", action="store_true", help=f"write the tables to {PAGE.relative_to(ROOT)}")
    given = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    wanted = [given.imports, given.stages, given.descriptors, given.scale]
    parts = [] if any(wanted) else [end_to_end(given.size, given.seed, given.memory, not given.no_peers)]
    if given.stages or not any(wanted):
        parts.append(stages(given.size, given.seed))
    if given.imports or not any(wanted):
        parts.append(imports())
    if given.scale:
        parts.append(scale(given.sizes.split(","), given.seed, given.memory, not given.no_peers))
    if given.descriptors:
        parts.append(descriptors())
    text = "\n\n".join("\n".join(lines) for lines in [heading(), *parts]) + "\n"
    print(text)
    if given.write:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(merged(PAGE.read_text(), text) if PAGE.exists() else text)


if __name__ == "__main__":
    main()
