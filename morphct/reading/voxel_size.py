"""The voxel size and where it was read: what the user says, then a file beside the volume, then the volume's header."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from ..ground.errors import InputError
from ..ground.units import (
    MOST_EDGE_RATIO,
    REMEDY,
    UNUSUAL_EDGE_RATIO,
    VoxelSize,
    check_length_um,
    edge_ratio,
    parse_voxel_size,
)
from .stated import Stated, state
from .volume import Volume

log = logging.getLogger(__name__)

# relative difference beyond which two stated sizes are both shown
TOLERANCE = 0.01
_UNUSED = ": it is not used"


def choose(
    given: str | VoxelSize | None, stated: Sequence[Stated], axes: str, name: str
) -> tuple[VoxelSize | None, list[str]]:
    """The voxel size to use, and notes about what does not fit it.

    Parameters
    ----------
    given : str or VoxelSize, optional
        What the user says; it wins.
    stated : sequence of Stated
        What files say, along the stored axes.
    axes : str
        Order of the stored axes.
    name : str
        The volume, for messages.

    Returns
    -------
    VoxelSize or None
        None when nothing trustworthy was stated.
    list of str
        Sentences: what was set aside and why, or two sizes that differ by more than 1 %.

    Raises
    ------
    InputError
        When the user's own value makes no sense.
    """
    usable = [_sized(s, axes) for s in sorted(stated, key=lambda s: not s.sidecar) if s.edges is not None]
    sizes = [_given(given), *usable] if given is not None else usable
    # who gave a size need not hear why that of the file is useless
    unusable = [f"{s.source} {s.trouble}{_UNUSED}" for s in stated if s.trouble and given is None]
    if not sizes:
        return None, unusable or [f"{name} states no voxel size"]
    size = sizes[0]
    log.info("voxel size of %s: %s (%s)", name, size, size.source)
    differences = [
        f"the voxel size {size} ({size.source}) is used, but {other.source} says {other}: they differ by more than 1 %"
        for other in sizes[1:]
        if size.unit == "um" and _differ(size, other)
    ]
    ratio = edge_ratio(size.spacing)
    if ratio > UNUSUAL_EDGE_RATIO:
        differences.append(
            f"the edges of the voxel {size} ({size.source}) differ {round(ratio, 1):g} times: check the units"
        )
    return size, unusable + differences


def require_voxel_size(volume: Volume) -> VoxelSize:
    """The voxel size of a volume.

    Raises
    ------
    InputError
        When there is none, with the reason and the way to give it.
    """
    if volume.voxel_size is not None:
        return volume.voxel_size
    reasons = [note.removesuffix(_UNUSED) for note in volume.notes if note.endswith(_UNUSED)]
    why = f" ({'; '.join(reasons)})" if reasons else ""
    raise InputError(f"{volume.name} has no usable voxel size{why}; {REMEDY}")


def sidecar_sizes(path: Path) -> list[Stated]:
    """Voxel sizes that files beside (or in) a volume state.

    `<name>_infos.txt` of nabu and tomoscan (centimetres), `<name>_rec.log` of SkyScan's NRecon (micrometres).
    """
    folders = [path, path.parent] if path.is_dir() else [path.parent]
    stem = path.name if path.is_dir() else re.sub(r"(\.ome)?\.[^.]+$", "", path.name)
    for folder in folders:
        sidecar = folder / f"{stem}_infos.txt"
        if sidecar.is_file():
            return _read_infos(sidecar)
    if path.is_dir():
        others = sorted(p for p in path.glob("*_infos.txt") if p.is_file())
        if len(others) == 1:
            return _read_infos(others[0])
        logs = sorted(p for p in path.glob("*.log") if p.is_file())
        logs = [p for p in logs if p.stem.lower().endswith("_rec")] or logs
        if len(logs) == 1:
            return _read_skyscan(logs[0])
    return []


def _read_skyscan(log_file: Path) -> list[Stated]:
    """`Pixel Size (um)` of the reconstruction; `Image Pixel Size (um)` is that of the projections."""
    text = log_file.read_text(encoding="utf-8", errors="replace")
    match = re.search(r"^\s*Pixel Size \((\w+)\)\s*=\s*([-+.\deE]+)", text, re.MULTILINE | re.IGNORECASE)
    if not match or not re.search(r"^\s*\[Reconstruction\]", text, re.MULTILINE | re.IGNORECASE):
        return []
    try:
        edge = float(match[2])
    except ValueError:
        return []
    return [state([edge], match[1], f"sidecar {log_file.name}", sidecar=True)]


def _read_infos(sidecar: Path) -> list[Stated]:
    text = sidecar.read_text(encoding="utf-8", errors="replace")
    # the file has a section per processing step; the voxel size stands once
    match = re.search(r"^\s*(?:voxel|pixel)_size_cm\s*[=:]\s*(.+)$", text, re.MULTILINE)
    if not match:
        return []
    numbers = [float(n) for n in re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", match[1])]
    edges = numbers if len(numbers) in (1, 3) else [None]
    return [state(edges, "cm", f"sidecar {sidecar.name}", sidecar=True)]


def _given(given: str | VoxelSize) -> VoxelSize:
    size = parse_voxel_size(given) if isinstance(given, str) else given
    if size.unit == "um" and not all(check_length_um(e) for e in size.spacing):
        raise InputError(f"the voxel size {size} is outside 1 nm to 100 um; {REMEDY}")
    if edge_ratio(size.spacing) > MOST_EDGE_RATIO:
        raise InputError(
            f"the edges of the voxel size {size} differ {round(edge_ratio(size.spacing), 1):g} times, at most "
            f"{MOST_EDGE_RATIO:g} are taken; check the units and the order z,y,x"
        )
    return size if size.source else size.with_source("given by the caller")


def _sized(stated: Stated, axes: str) -> VoxelSize:
    edges = dict(zip(axes, stated.edges or ()))
    return VoxelSize(edges["z"], edges["y"], edges["x"], "um", stated.source)


def _differ(one: VoxelSize, other: VoxelSize) -> bool:
    return any(abs(a - b) > TOLERANCE * max(a, b) for a, b in zip(one.spacing, other.spacing))
