"""Where a result came from: input and its hash, settings, versions, timings, peak memory, warnings."""

import datetime
import platform
from importlib import metadata
from typing import Any

from .. import __version__
from ..ground.units import VoxelSize
from ..reading.volume import Volume, summary_of
from .job import Job, peak_memory
from .memory_plan import describe
from .settings import Settings

LIBRARIES = (
    "numpy", "scipy", "scikit-image", "numba", "pandas", "pyarrow", "connected-components-3d",
    "tifffile", "zarr", "h5py", "matplotlib", "pyvista", "vtk",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that have a part in the numbers or the pictures."""
    found = {"morphct": __version__, "python": platform.python_version(), "platform": platform.platform()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def now() -> str:
    """The time, to the second, with its zone."""
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


def input_record(volume: Volume, voxel_size: VoxelSize, digest: tuple[str, str] | None) -> dict[str, Any]:
    """Facts about the input for `run.json`."""
    facts = summary_of(volume)
    for name in ("voxel_size_unit", "voxel_size_source", "notes"):
        facts.pop(name, None)
    z, y, x = voxel_size.spacing
    facts["voxel_size"] = {"z": z, "y": y, "x": x, "unit": voxel_size.unit, "source": voxel_size.source}
    if digest:
        facts[digest[0]] = digest[1]
    return facts


def channel_record(volume: Volume, digest: tuple[str, str] | None) -> dict[str, Any]:
    """Facts about a co-registered map for `run.json`."""
    facts = {"path": str(volume.path), "dataset": volume.dataset, "dtype": str(volume.dtype)}
    return facts | (dict([digest]) if digest else {})


def record(
    command: str, job: Job, settings: Settings, inputs: dict[str, Any], started: str, **facts: Any
) -> dict[str, Any]:
    """The content of `run.json`."""
    return {
        "command": command,
        "version": __version__,
        "started": started,
        "finished": now(),
        "input": inputs,
        "settings": settings.to_mapping(),
        "plan": describe(job.plan),
        "scratch": job.scratch_record(),
        "versions": versions(),
        "stages": job.stages,
        "timings": {s["name"]: s["seconds"] for s in job.stages},
        "peak_memory": peak_memory(),
        "peak_memory_together": job.peak_together,
        "memory_cap_kept": job.peak_together <= job.plan.cap,
        "warnings": job.warnings,
        "notes": job.notes,
        **facts,
    }
