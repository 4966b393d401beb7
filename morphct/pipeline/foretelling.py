"""What a run will take: seconds by stage, memory and scratch, from what runs on this machine took.

Every finished run leaves its figures in the user's cache. What a new one will take is a model of two figures a stage
(so much at the start, so much a voxel) scaled by how fast like runs were here; before the first run, by how fast this
machine smooths a small block.
"""

import json
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..ground import user_cache
from ..ground.errors import OutputError
from ..ground.scratch import PLAIN_VOXEL_BYTES
from ..ground.units import format_bytes
from ..reading import costly_boxes
from ..reading.volume import Volume
from .job import Job
from .machine import free_disk, resident, same_disk
from .memory_plan import LIBRARY_BYTES, WorkPlan
from .settings import Settings

RATES, RECORD = "rates", "runs.json"  # in the user's cache folder
RUNS_KEPT, RUNS_LOOKED_AT = 60, 3

# stage -> (seconds of a run of any size, seconds a million voxels) with two workers, from runs of phantoms of 160^3,
# 512^3 and 480 x 1280 x 2560 voxels on the machine of docs/bench.md, the last two with scratch in chunks
MODEL: dict[str, tuple[float, float]] = {
    "look at the values": (0.2, 0.0),
    "look at a sample": (1.5, 0.0),
    "denoise": (0.1, 0.009),
    "threshold": (0.3, 0.010),
    "envelope": (0.1, 0.038),
    "split": (0.2, 0.062),
    "voids": (0.8, 0.065),
    "write labels": (0.1, 0.015),
    "read grey": (0.02, 0.005),
    "measure": (0.5, 0.25),
    "calibrate": (6.0, 0.0),
    "tables": (0.3, 0.002),
    "review": (0.3, 0.002),
    "pictures and figures": (8.0, 0.015),
    "meshes": (1.0, 0.01),
    "page": (0.5, 0.0005),
    "figures and page": (3.0, 0.002),
}
OF_GREY = ("look at the values", "look at a sample", "denoise", "threshold", "envelope", "split")
USUAL_SOLID_SHARE = 0.35  # of a packed powder's volume: what the model's phantoms hold
OF_THE_SOLID = ("voids", "measure", "tables", "pictures and figures", "meshes")  # as much work as there are particles
WORKERS_OF_MODEL = 2
# of scratch volumes as chunks, measured on the reference phantom: grey values once or twice, everything else together
GREY_VOXEL_BYTES, LABEL_VOXEL_BYTES = 1.4, 0.5
OUTPUT_VOXEL_BYTES = 0.35  # labels and voids (zarr), tables, meshes and pictures of the reference phantom
PROBE_SECONDS = 0.045  # for `_probe` on the machine of the model


@dataclass(frozen=True)
class Foretold:
    """What a run will take.

    Attributes
    ----------
    stages : mapping of str to float
        Seconds of each stage, in order.
    memory : int
        Bytes at the peak, at most.
    scratch_disk : int
        Bytes of scratch in files.
    output : int
        Bytes of the run folder.
    source : str
        Where the rates come from, in words.
    """

    stages: Mapping[str, float]
    memory: int
    scratch_disk: int
    output: int
    source: str

    @property
    def seconds(self) -> float:
        """Of all stages."""
        return sum(self.stages.values())

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for `inspect`, `check` and `run.json`."""
        return {
            "seconds": round(self.seconds, 1),
            "memory_bytes": self.memory,
            "scratch_disk_bytes": self.scratch_disk,
            "output_bytes": self.output,
            "rates_from": self.source,
        }


def foretell(
    plan: WorkPlan, settings: Settings, command: str = "run", grey_copies: int = 1, solid: float | None = None
) -> Foretold:
    """What a run of this plan will take.

    Parameters
    ----------
    plan : WorkPlan
    settings : Settings
    command : {"run", "measure"}
    grey_copies : int
        Volumes of grey values in scratch: the smoothed one, and a copy of a file that is slow to cut boxes out of.
    solid : float, optional
        Share of the volume in particles, where it is known; else as the runs on record, or a usual powder.
    """
    kind = _kind(settings, command)
    like = _like(plan, kind)
    if like:
        source = f"{len(like)} run{'s' * (len(like) > 1)} on this machine"
        solid = solid or float(np.mean([run["solid"] for run in like]))
    else:
        source = "another machine's runs, by how fast this one smooths a small block"
    names = [name for name in MODEL if name not in kind["left_out"]]
    at = _Size(_voxels(plan.shape), solid or USUAL_SOLID_SHARE, plan.workers)
    speed = 1.0 if like else _probe() / PROBE_SECONDS
    stages = {name: _seconds(name, at, like, speed) for name in names}
    memory, disk = _rooms(plan, grey_copies)
    return Foretold(stages, memory, disk, int(OUTPUT_VOXEL_BYTES * at.voxels), source)


def copies_of_grey(volumes: Iterable[Volume], smoothed: bool = True) -> int:
    """Volumes of grey values in scratch: the smoothed one, and copies of files that are slow to cut boxes out of."""
    return smoothed + sum(costly_boxes(volume) for volume in volumes)


@dataclass(frozen=True)
class _Size:
    """What the seconds of a stage hang on."""

    voxels: float
    solid: float
    workers: int

    def modelled(self, name: str) -> float:
        """Seconds of a stage on the machine of the model."""
        fixed, rate = MODEL[name]
        share = self.solid / USUAL_SOLID_SHARE if name in OF_THE_SOLID else 1.0
        return fixed + rate * self.voxels / 1e6 * share * (WORKERS_OF_MODEL / self.workers) ** 0.8


def _seconds(name: str, at: _Size, like: list[dict[str, Any]], speed: float) -> float:
    ratios = [
        run["stages"][name] / _Size(run["voxels"], run["solid"], run["workers"]).modelled(name)
        for run in like
        if run["stages"].get(name, 0) > 0
    ]
    scale = math.exp(float(np.mean(np.log(ratios)))) if ratios else speed
    return scale * at.modelled(name)


def _rooms(plan: WorkPlan, grey_copies: int) -> tuple[int, int]:
    """Bytes of memory at the peak, and of scratch in files."""
    voxels = _voxels(plan.shape)
    base = resident() + LIBRARY_BYTES + plan.under_way
    if PLAIN_VOXEL_BYTES * voxels <= plan.scratch:
        return min(plan.cap, base + PLAIN_VOXEL_BYTES * voxels), 0
    grey, labels = int(GREY_VOXEL_BYTES * grey_copies * voxels), int(LABEL_VOXEL_BYTES * voxels)
    of_grey = min(grey, plan.scratch // 2)
    of_labels = min(labels, plan.scratch - of_grey)
    return min(plan.cap, base + of_grey + of_labels), grey - of_grey + labels - of_labels


def _left_out(settings: Settings, command: str) -> set[str]:
    output = settings.output
    left_out = set(OF_GREY) if command == "measure" else set()
    if settings.calibrate.method == "none" or output.tables_only:
        left_out.add("calibrate")
    drawn = output.renders and not output.tables_only
    left_out |= {"meshes", "figures and page"} if drawn else {"pictures and figures", "page"}
    if output.tables_only or not output.meshes:
        left_out.add("meshes")
    if output.tables_only:
        left_out.add("figures and page")
    return left_out


def _kind(settings: Settings, command: str) -> dict[str, Any]:
    """What makes runs alike: their stages do the same."""
    return {
        "left_out": sorted(_left_out(settings, command)),
        "calibrate": settings.calibrate.method,
        "names": list(settings.descriptors.names),
        "split": settings.split.method,
    }


def _like(plan: WorkPlan, kind: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs on record that are most like the one asked for: of its kind, nearest in voxels."""
    runs = [run for run in _record() if run.get("kind") == kind]
    distance = [abs(math.log(run["voxels"] / _voxels(plan.shape))) for run in runs]
    order = np.argsort(distance, kind="stable")
    return [runs[i] for i in order[:RUNS_LOOKED_AT]]


def _record() -> list[dict[str, Any]]:
    """The runs on record; what cannot be read is none."""
    try:
        place = user_cache.folder(RATES)
        runs = json.loads((place and user_cache.read(place / RECORD)) or b"[]")
        return [run for run in runs if run["voxels"] > 0 and run["workers"] > 0 and 0 < run["solid"] <= 1]
    except (ValueError, TypeError, LookupError):
        return []


def remember(job: Job, settings: Settings, command: str, solid: float | None) -> None:
    """Leave what a finished run took to those that come; `solid`: share of its volume in particles, if it is known."""
    seconds: dict[str, float] = {}
    for stage in job.stages:
        seconds[stage["name"]] = seconds.get(stage["name"], 0.0) + stage["seconds"]
    run = {
        "kind": _kind(settings, command),
        "voxels": job.voxels,
        "workers": job.plan.workers,
        "solid": min(max(float(solid or USUAL_SOLID_SHARE), 1e-3), 1.0),
        "stages": seconds,
    }
    place = user_cache.folder(RATES)
    if place is not None:
        user_cache.write(place / RECORD, json.dumps([*_record(), run][-RUNS_KEPT:]).encode())


def refuse_full_disk(foretold: Foretold, out: Path | str, scratch: Path | str | None) -> None:
    """Refuse work whose files do not fit the disks they go to.

    Raises
    ------
    OutputError
    """
    apart = scratch is not None and not same_disk(out, scratch)
    wanted = [(out, "the run folder", foretold.output + (0 if apart else foretold.scratch_disk))]
    if apart:
        wanted.append((str(scratch), "intermediate volumes", foretold.scratch_disk))
    for folder, what, size in wanted:
        free = free_disk(folder)
        if size > free:
            also = " and intermediate volumes" if folder is out and foretold.scratch_disk and not apart else ""
            raise OutputError(
                f"{what}{also} will take about {format_bytes(size)}, and {format_bytes(free)} are free where {folder} "
                "is; free some room, choose another place (--out, --scratch DIR), or allow more memory with --memory"
            )


def _voxels(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))


def _probe() -> float:
    """Seconds in which this machine smooths a small block, the best of three."""
    from scipy import ndimage

    block = np.random.default_rng(0).random((80, 80, 80), np.float32)
    best = math.inf
    for _ in range(3):
        start = time.perf_counter()
        ndimage.gaussian_filter(block, 1.5)
        best = min(best, time.perf_counter() - start)
    return best
