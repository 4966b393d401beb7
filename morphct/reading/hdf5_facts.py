"""What an HDF5 file says of a dataset: names and coordinates of its axes, its voxel size, or that it is projections."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .coordinates import Coordinates
from .hdf5_links import Files, Node
from .projections import refuse_projections
from .stated import Stated, state

NABU = "reconstruction/results/data"
_NABU_SIZE = "reconstruction/configuration/processing_options/reconstruction"
_RECONSTRUCTED = re.compile(r"recon|result|process|volume", re.IGNORECASE)
# where acquisitions keep their angles, seen from the entry
_ANGLE_PLACES: tuple[str, ...] = (
    "sample/rotation_angle",
    "instrument/detector/image_key",
    "instrument/detector/rotation_angle",
)
_ANGLE_PLACES += (
    "tomo_entry/sample/rotation_angle",
    "data/rotation_angle",
    "exchange/theta",
    "measurement/rotation_angle",
)


def parents(files: Files, node: Node, shown: str) -> list[Node]:
    """The groups above a dataset, nearest first: by the path that was named, and where it really lies."""
    found: list[Node] = []
    for start, name in ((files.top(files.root), shown), (files.top(node.path), node.name)):
        parts = name.split("/")[:-1]
        for n in range(len(parts), -1, -1):
            group = files.try_walk(start, "/".join(parts[:n])) if n else start
            if group is not None and not any(g.path == group.path and g.name == group.name for g in found):
                found.append(group)
    return found


def refuse_raw(files: Files, node: Node, groups: Sequence[Node], shown: str, what: str) -> None:
    """Refuse a dataset of projections, by its own group, then by the entry it lies in.

    Raises
    ------
    InputError
        One sentence.
    """
    for group in groups:
        if group.name in _directly_above(node, shown):
            refuse_projections(what, node.item.shape, dict(_neighbours(files, group)))
    if _RECONSTRUCTED.search(shown) or _RECONSTRUCTED.search(node.name):
        return
    for group in groups:
        beside = {
            name: found.item.shape
            for name in _ANGLE_PLACES
            if (found := files.try_walk(group, name)) is not None and found.is_dataset and found.item.shape
        }
        definition = files.try_walk(group, "definition")
        word = (
            text_of(definition.item[()]) if definition and definition.is_dataset and definition.item.size == 1 else ""
        )
        refuse_projections(what, node.item.shape, beside, word)


def axis_facts(files: Files, node: Node, groups: Sequence[Node]) -> tuple[list[str] | None, list[Coordinates], str]:
    """Names of the axes, coordinates along them, and the place that states them; None where nothing does."""
    item = node.item
    for tell in (_tagged, _labelled):
        if (facts := tell(item)) is not None:
            return facts
    for group in [*groups[:1], *(g for g in groups[1:] if g.name == node.name.rpartition("/")[0])]:
        facts = _nexus(files, group, node) or _electron_microscopy(files, group, node)
        if facts is not None:
            return facts
    for _, group in files.objects(files.top(files.root), []):
        if not group.is_dataset and text_of(group.item.attrs.get("NX_class")) == "NXdata":
            signal = "signal" in group.item.attrs and _is_signal(files, group, node)
            if signal and (facts := _nexus(files, group, node)) is not None:
                return facts
    return None, [], ""


def default_signal(files: Files) -> tuple[str, Node] | None:
    """The dataset that NeXus plots by default: `default` down to an NXdata group, whose `signal` names it."""
    at, shown = files.top(files.root), ""
    for _ in range(8):
        signal = text_of(at.item.attrs.get("signal"))
        step = signal or text_of(at.item.attrs.get("default"))
        following = files.try_walk(at, step) if step else None
        if following is None:
            return None
        shown = f"{shown}/{step}".strip("/")
        if following.is_dataset:
            return (shown, following) if signal and sum(n > 1 for n in following.item.shape or ()) >= 3 else None
        at = following
    return None


def sizes_in_file(files: Files, node: Node) -> list[Stated]:
    """Voxel sizes of the dataset's attribute (ilastik, Fiji; along the stored axes) and of nabu's configuration."""
    stated = []
    size = node.item.attrs.get("element_size_um")
    if size is not None:
        stated.append(state(numbers_of(size), "um", f"element_size_um of {node.path.name}"))
    full = f"{node.name}/"
    entry = full.split("/reconstruction/")[0] if "/reconstruction/" in full else None
    for key in ("voxel_size_cm", "pixel_size_cm"):
        item = files.try_walk(files.top(node.path), f"/{entry}/{_NABU_SIZE}/{key}") if entry else None
        if item is not None and item.is_dataset:
            unit = text_of(item.item.attrs.get("units")) or "cm"
            stated.append(state(numbers_of(item.item[()]), unit, f"{key} of {node.path.name}"))
            break
    return stated


def text_of(value: Any) -> str:
    """A text attribute, "" for none; the first of several."""
    if value is None:
        return ""
    if isinstance(value, np.ndarray):
        value = value.flat[0] if value.size else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def numbers_of(value: Any) -> list[float | None]:
    """One or three numbers from a scalar, an array or a text; [None] when there are others."""
    if isinstance(value, bytes | str):
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        value = [float(n) for n in re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", text)]
    array = np.ravel(value)
    if array.dtype.kind not in "iuf" or array.size not in (1, 3):
        return [None]
    # float32 values are written out with the digits they have
    digits = 7 if array.dtype == np.float32 else 12
    return [float(f"{float(v):.{digits}g}") for v in array]


def _directly_above(node: Node, shown: str) -> set[str]:
    return {node.name.rpartition("/")[0], shown.rpartition("/")[0]}


def _neighbours(files: Files, group: Node) -> Iterator[tuple[str, tuple[int, ...]]]:
    for name in group.item:
        found = files.try_walk(group, name)
        if found is not None and found.is_dataset and not found.item.is_virtual and found.item.shape:
            yield name, found.item.shape


def _tagged(item: Any) -> tuple[list[str], list[Coordinates], str] | None:
    """ilastik's `axistags`, a JSON text."""
    names = re.findall(r'"key"\s*:\s*"(\w+)"', text_of(item.attrs.get("axistags")))
    return (names, [], "axistags") if len(names) == item.ndim else None


def _labelled(item: Any) -> tuple[list[str], list[Coordinates], str] | None:
    """Labels of dimensions and the scales attached to them (HDF5, netCDF 4)."""
    names, axes = [], []
    if "DIMENSION_LIST" not in item.attrs and "DIMENSION_LABELS" not in item.attrs:
        return None
    for dimension in item.dims:
        scale = dimension[0] if len(dimension) else None
        own = str(scale.name).rpartition("/")[2] if scale is not None else ""
        names.append(dimension.label or own)
        has_values = scale is not None and scale.ndim == 1 and scale.dtype.kind in "iuf"
        axes.append(_coordinates(scale) if has_values else Coordinates(None, None))
    return (names, axes, "dimension scales") if any(names) else None


def _coordinates(item: Any) -> Coordinates:
    unit = text_of(item.attrs.get("units", item.attrs.get("unit")))
    return Coordinates(np.asarray(item[()]), unit or None)


def _nexus(files: Files, group: Node, node: Node) -> tuple[list[str], list[Coordinates], str] | None:
    """`axes` of an NXdata group (or, as it was, of its signal), and the datasets of those names."""
    facts, item = group.item.attrs, node.item
    written = facts.get("axes") if "axes" in facts else item.attrs.get("axes")
    if written is None or ("axes" in facts and not _is_signal(files, group, node)):
        return None
    if isinstance(written, np.ndarray) and written.ndim:
        names = [text_of(n) for n in written]
    else:
        names = re.split(r"[:,\s]+", text_of(written).strip("[] "))
    if len(names) != item.ndim:
        return None
    placed = list(names)
    for name in names:  # @name_indices says which axis it belongs to
        index = np.ravel(facts.get(f"{name}_indices", ()))
        if index.size == 1 and index.dtype.kind in "iu" and 0 <= int(index[0]) < item.ndim:
            placed[int(index[0])] = name
    if len(set(placed) - {"."}) + placed.count(".") != len(placed):
        placed = names
    axes = []
    for name in placed:
        found = files.try_walk(group, name) if name != "." else None
        is_axis = found is not None and found.is_dataset and found.item.ndim == 1 and found.item.dtype.kind in "iuf"
        axes.append(_coordinates(found.item) if found is not None and is_axis else Coordinates(None, None))
    return placed, axes, f"axes of /{group.name}"


def _is_signal(files: Files, group: Node, node: Node) -> bool:
    """Whether a dataset is the signal of its group; a group that names none has one."""
    signal = text_of(group.item.attrs.get("signal"))
    if not signal:
        return True
    found = files.try_walk(group, signal)
    return found is not None and (found.path, found.name) == (node.path, node.name)


def _electron_microscopy(files: Files, group: Node, node: Node) -> tuple[list[str], list[Coordinates], str] | None:
    """EMD: a group with `emd_group_type`, and `dim1`, `dim2`, ... beside its data."""
    if "emd_group_type" not in group.item.attrs:
        return None
    first = 0 if files.try_walk(group, "dim0") is not None else 1
    found = [files.try_walk(group, f"dim{first + i}") for i in range(node.item.ndim)]
    if any(f is None or not f.is_dataset for f in found):
        return None
    dims = [f.item for f in found if f is not None]
    names = [text_of(d.attrs.get("name")) for d in dims]
    return names, [_coordinates(d) for d in dims], f"dim{first} to dim{first + len(dims) - 1} of /{group.name}"
