"""Zarr version 2 and 3, and OME-Zarr 0.1 to 0.5: `store.zarr`, `store.zarr::path/inside`, `store.zarr.zip`."""

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..ground.errors import InputError
from .contract import Found, Location, Reader, Request, reading
from .coordinates import Coordinates, size_of_coordinates
from .hierarchy import IndexedSource, fold, near_names, only_one
from .projections import refuse_projections
from .reopened import Reopened
from .stated import Stated, one_unit, state
from .volume import check_dtype
from .zarr_files import ZARR, Store, check_inside, is_chunk, regular_files, store_at


def open_zarr(location: Location, request: Request) -> Found:
    """An array of a Zarr store.

    Raises
    ------
    InputError
        When it is no Zarr store, the array is not there, it leads outside, or it is no grey volume.
    """
    path = location.path
    store = store_at(path)
    listed = [] if store.zipped else regular_files(path, request.follow_links)
    with reading(path, ZARR):
        asked = (location.dataset or "").strip("/")
        notes = check_inside(store, asked, request.follow_links)
        image, name = _choose(store, asked)
        notes += check_inside(store, name, request.follow_links)
        if not store.has(name):
            raise InputError(f"{path.name} names {name} as its image, and it is not there; copy the store again")
        array = store.open(name)
        what = f"{path.name}::{name}" if name else path.name
        if not hasattr(array, "shape"):
            raise InputError(f"{what} is no array; name one of {near_names(name, _arrays(store, ''))}")
        _check_codecs(array, what)
        beside = _beside(store, name)
        refuse_projections(what, array.shape, {n: a.shape for n, a in beside.items()})
        names = _axis_names(image) or _dimension_names(array)
        folded = fold(array.shape, names, what)
        check_dtype(np.dtype(array.dtype), what)
        chunks = getattr(array, "shards", None) or array.chunks
        stated = _stated(array, image, name, folded.kept, path.name)
        if names and not stated:
            stated = _coordinates(names, beside, folded.kept, folded.shape, path.name)
        files = (path,) if store.zipped else _files_of(path / name if name else path, listed, request)
        stored = store.chunks(name) if store.zipped else sum(is_chunk(f.name) for f in files)
        notes += folded.notes + _missing_chunks(stored, array, chunks, what)
    source = IndexedSource(Reopened(partial(store.open, name)), folded, array.dtype, chunks, array.ndim)
    return Found(source, ZARR.name, axes=folded.axes, stated=stated, notes=notes, dataset=name or None, files=files)


def _choose(store: Store, asked: str) -> tuple[dict | None, str]:
    """The image (an entry of `multiscales`, None for a plain array) and the path of its array in the store."""
    import zarr

    if not store.has(asked):
        raise InputError(f"{store.path.name} has no array {asked}; {near_names(asked, _arrays(store, ''))}")
    node = store.open(asked)
    if isinstance(node, zarr.Array):
        return _image_of(store, asked), asked
    prefix = f"{asked}/" if asked else ""
    image = _multiscales(node)
    if image is None:  # bioformats2raw puts the images one level down, in groups named 0, 1, ...
        images = [(key, scales) for key, group in node.groups() if (scales := _multiscales(group)) is not None]
        if len(images) == 1:
            image = images[0][1]
            prefix = f"{prefix}{images[0][0]}/"
    if image is not None:
        return image, f"{prefix}{image['datasets'][0]['path']}"
    where = f"{store.path.name}::{asked}" if asked else store.path.name
    return None, f"{prefix}{only_one(_arrays(store, asked, deep=3), where, 'array', '')}"


def _arrays(store: Store, name: str, deep: int = 1) -> list[str]:
    """Paths of the arrays below a group with at least `deep` axes longer than 1."""
    import zarr

    node = store.open(name)
    if isinstance(node, zarr.Array):
        return []
    members = node.members(max_depth=None)
    return sorted(n for n, m in members if isinstance(m, zarr.Array) and sum(k > 1 for k in m.shape) >= deep)


def _beside(store: Store, name: str) -> dict[str, Any]:
    """The other arrays of the group an array lies in."""
    import zarr

    parent, _, own = name.rpartition("/")
    if not name or not store.has(parent):
        return {}
    group = store.open(parent)
    return {} if isinstance(group, zarr.Array) else {n: a for n, a in group.arrays() if n != own}


def _check_codecs(array: Any, what: str) -> None:
    """Refuse a codec that runs what it unpacks.

    Raises
    ------
    InputError
        One sentence.
    """
    if "pickle" in str(array.metadata.to_dict()).lower():
        raise InputError(f"{what} is packed with pickle, which can run any program; it is not read, save it as numbers")


def _multiscales(group: Any) -> dict | None:
    attributes = dict(group.attrs)
    images = (attributes.get("ome") or attributes).get("multiscales")
    if not isinstance(images, list) or not images or not images[0].get("datasets"):
        return None
    return images[0]


def _image_of(store: Store, name: str) -> dict | None:
    """The image an array belongs to: the `multiscales` of the group above it, in or above the store that was named."""
    import zarr

    parent, _, own = name.rpartition("/")
    above = store if name else Store(store.path.parent)
    if not name:
        own = store.path.name
    if (store.zipped and not name) or not above.has(parent):
        return None
    group = above.open(parent)
    image = _multiscales(group) if isinstance(group, zarr.Group) else None
    return image if image and any(d.get("path") == own for d in image["datasets"]) else None


def _axis_names(image: dict | None) -> list[str] | None:
    axes = (image or {}).get("axes")
    return [str(a["name"]) if isinstance(a, dict) else str(a) for a in axes] if axes else None


def _dimension_names(array: Any) -> list[str] | None:
    """Names of the axes of version 3, or as xarray writes them in version 2."""
    names = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    return [str(n or "") for n in names] if names and any(names) else None


def _coordinates(
    names: list[str], beside: dict[str, Any], kept: tuple[int, ...], shape: tuple[int, int, int], store: str
) -> list[Stated]:
    """What the arrays named like the axes say (xarray)."""
    axes = []
    for i in kept:
        array = beside.get(names[i])
        if array is None or array.ndim != 1 or np.dtype(array.dtype).kind not in "iuf":
            axes.append(Coordinates(None, None))
            continue
        _check_codecs(array, f"{store}::{names[i]}")
        unit = str(array.attrs.get("units") or array.attrs.get("unit") or "")
        axes.append(Coordinates(np.asarray(array[:]), unit or None))
    return size_of_coordinates(axes, shape, f"coordinates of {store}")


def _files_of(root: Path, listed: list[Path], request: Request) -> tuple[Path, ...]:
    """The files of an array among those of its store; an array outside the store is looked through by itself."""
    inside = tuple(f for f in listed if f.is_relative_to(root))
    return inside or tuple(regular_files(root, request.follow_links))


def _missing_chunks(there: int, array: Any, chunks: Any, what: str) -> list[str]:
    """Chunks that are not stored read as one value; mostly they are empty, but they may be lost."""
    wanted = math.prod(-(-n // c) for n, c in zip(array.shape, chunks))
    if there >= wanted:
        return []
    if there == 0:
        raise InputError(f"{what} has none of its {wanted} chunks; copy the store again")
    return [f"{wanted - there} of the {wanted} chunks of {what} are not there: they read as {array.fill_value}"]


def _stated(array: Any, image: dict | None, name: str, kept: tuple[int, ...], store: str) -> list[Stated]:
    """Voxel sizes of the scale of the image, and of the attribute ilastik and Fiji use."""
    stated = []
    size = array.attrs.get("element_size_um")
    if isinstance(size, list) and len(size) in (1, 3):
        stated.append(state([float(s) for s in size], "um", f"element_size_um of {store}"))
    if image is None or not image.get("axes"):
        return stated
    units = [a.get("unit") if isinstance(a, dict) else None for a in image["axes"]]
    levels = image["datasets"]
    level_name = name.rpartition("/")[2]
    level: dict = next((d for d in levels if str(d.get("path", "")).split("/")[-1] == level_name), {})
    if not name:
        level = levels[0] if len(levels) == 1 else next((d for d in levels if store == d.get("path")), {})
    given = [*level.get("coordinateTransformations", []), *image.get("coordinateTransformations", [])]
    scales = [transformation["scale"] for transformation in given if transformation.get("type") == "scale"]
    if not scales:  # a unit without a scale is no size
        return stated
    scale = [1.0] * len(units)
    for factors in scales:
        scale = [a * float(b) for a, b in zip(scale, factors)]
    edges, unit = one_unit([scale[i] for i in kept], [units[i] for i in kept])
    return [*stated, state(edges, unit, f"multiscales of {store}", placeholders=False)]


READER = Reader((ZARR,), open_zarr)
