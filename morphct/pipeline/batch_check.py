"""Whether a batch can start: everything that can be known before the first voxel of the first sample, in one go."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..ground.errors import UserError, can_be_mended
from ..results.run_folder import resumable
from .batch import own_settings
from .inspection import check
from .manifest import Manifest, Sample
from .settings import Settings

TABLE, PAGE = "batch.csv", "batch.html"
MOST_LISTED = 4


def faults(manifest: Manifest, settings: Settings, out: str | Path | None = None) -> list[str]:
    """What keeps a batch from starting, each fault a sentence with its lines of the manifest; none: it can.

    Every sample's file is opened (no voxel is read), its settings, limits, columns, channels, voxel size and memory
    plan are looked at, that all have one unit, and that nothing finished would be replaced.
    """
    found: dict[str, list[Sample]] = {}
    units: dict[str, list[Sample]] = {}
    for sample in manifest.samples:
        fault, unit = _look(sample, settings)
        if fault:
            found.setdefault(fault, []).append(sample)
        else:
            units.setdefault(unit, []).append(sample)
    told = [f"{places(samples)}: {fault}" for fault, samples in found.items()]
    if len(units) > 1:
        told.append(
            f"{places(units['um'])} in micrometres, {places(units['px'])} in voxels (1px): one table cannot hold both; "
            "give every sample a voxel size, or none"
        )
    return [*manifest.faults, *told, *([] if out is None else _in_the_way(manifest.samples, Path(out), settings))]


def _look(sample: Sample, settings: Settings) -> tuple[str, str]:
    """What is wrong with a sample, and the unit of its lengths."""
    try:
        own = own_settings(sample, settings)
        return "", check(sample.path, own)["volume"]["voxel_size_unit"]
    except UserError as error:
        return str(error), ""
    except Exception as error:
        if can_be_mended(error):
            return f"{sample.path[:200]}: {getattr(error, 'strerror', None) or error}; check the path", ""
        return f"{sample.path[:200]} cannot be opened, by a defect of morphct ({type(error).__name__}: {error})", ""


def _in_the_way(samples: Sequence[Sample], out: Path, settings: Settings) -> Iterator[str]:
    """What of the output folder would be replaced, or cannot be written."""
    there = next((p for p in (out, *out.absolute().parents) if p.exists()), out)
    if not there.is_dir():
        yield f"{there} is a file, a folder is wanted for the batch; choose another one with -o"
        return
    if not os.access(there, os.W_OK | os.X_OK):
        yield f"{there} cannot be written (read-only, or not yours); choose another output folder with -o"
        return
    if settings.run.overwrite:
        return
    held = [s for s in samples if _holds_a_run(out / s.name)]
    others = [s for s in samples if s not in held and _holds(out / s.name)]
    if not settings.run.resume and (held or (out / TABLE).exists() or (out / PAGE).exists()):
        what = f"runs of {len(held)} of these samples" if held else f"{TABLE} of another batch"
        yield (
            f"{out} already holds {what}; --resume keeps what is done, --overwrite replaces it, or choose another "
            "folder with -o"
        )
    elif others:
        yield f"{places(others)}: the run folder in {out} holds something already; give --overwrite or empty it"


def _holds_a_run(folder: Path) -> bool:
    return (folder / "run.json").exists() or resumable(folder)


def _holds(folder: Path) -> bool:
    """Whether a run could not begin here; a log of a failed one does not count."""
    if not folder.is_dir():
        return folder.exists()
    return any(not p.name.startswith(".morphct") and not p.name.endswith(".log") for p in folder.iterdir())


def places(samples: Sequence[Sample]) -> str:
    """Where samples stand in the manifest: `line 3 (A)`, `lines 3, 4, 5`, or their names."""
    if len(samples) == 1:
        return samples[0].place
    listed = [str(s.line) if s.line else s.called for s in samples[:MOST_LISTED]]
    more = f" and {len(samples) - MOST_LISTED} more" if len(samples) > MOST_LISTED else ""
    return ("lines " if samples[0].line else "") + ", ".join(listed) + more
