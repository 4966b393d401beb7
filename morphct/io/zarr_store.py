"""Zarr version 2 and 3, and OME-Zarr 0.1 to 0.5: `store.zarr`, `store.zarr::path/inside`."""

from functools import partial
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..volume import check_dtype
from .datasets import IndexedSource, fold, near_names, only_one
from .found import Format, Found, Location, Reader, Request, Stated, one_unit, reading, state
from .reopened import Reopened

ZARR = Format("Zarr / OME-Zarr", (".zarr",), "version 2 and 3, store.zarr[::path], full resolution of multiscales")
_MARKS = ("zarr.json", ".zarray", ".zgroup")


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr store or lies in one."""
    return any((path / mark).is_file() for mark in _MARKS)


def open_zarr(location: Location, request: Request) -> Found:
    """An array of a Zarr store.

    Raises
    ------
    InputError
        When it is no Zarr store, the array is not there, or it is no grey volume.
    """
    path = location.path
    if not is_zarr(path):
        raise InputError(f"{path.name} is not a Zarr store (no zarr.json, .zarray or .zgroup in it); check the path")
    asked = (location.dataset or "").strip("/")
    image, name = _choose(path, asked)
    array = _open_array(path, name)
    what = f"{path.name}::{name}" if name else path.name
    folded = fold(array.shape, _axis_names(image), what)
    check_dtype(array.dtype, what)
    handle = Reopened(partial(_open_array, path, name))
    chunks = getattr(array, "shards", None) or array.chunks
    source = IndexedSource(handle, folded, array.dtype, chunks, array.ndim)
    root = path / name if name else path
    stated = _stated(array, image, root.name, folded.kept, path)
    files = tuple(sorted(p for p in root.rglob("*") if p.is_file()))
    return Found(
        source, ZARR.name, axes=folded.axes, stated=stated, notes=folded.notes, dataset=name or None, files=files
    )


def _open(path: Path) -> Any:
    import zarr

    with reading(path, ZARR):
        return zarr.open(store=str(path), mode="r")


def _open_array(path: Path, name: str) -> Any:
    return _open(path / name if name else path)


def _choose(path: Path, asked: str) -> tuple[dict | None, str]:
    """The image (an entry of `multiscales`, None for a plain array) and the path of its array in the store."""
    import zarr

    folder = path / asked if asked else path
    if not is_zarr(folder):
        raise InputError(f"{path.name} has no array {asked}; {near_names(asked, _arrays(path))}")
    node = _open(folder)
    if isinstance(node, zarr.Array):
        return _image_of(path, asked), asked
    prefix = f"{asked}/" if asked else ""
    image = _multiscales(node)
    if image is None:  # bioformats2raw puts the images one level down, in groups named 0, 1, ...
        images = [(key, scales) for key, group in node.groups() if (scales := _multiscales(group)) is not None]
        if len(images) == 1:
            image = images[0][1]
            prefix = f"{prefix}{images[0][0]}/"
    if image is not None:
        return image, f"{prefix}{image['datasets'][0]['path']}"
    found = only_one(_arrays(folder, deep=3), f"{path.name}::{asked}" if asked else path.name, "array", "")
    return None, f"{prefix}{found}"


def _arrays(path: Path, deep: int = 1) -> list[str]:
    """Paths of the arrays of a store with at least `deep` axes longer than 1."""
    import zarr

    node = _open(path)
    if isinstance(node, zarr.Array):
        return []
    members = node.members(max_depth=None)
    return sorted(n for n, m in members if isinstance(m, zarr.Array) and sum(k > 1 for k in m.shape) >= deep)


def _multiscales(group: Any) -> dict | None:
    attributes = dict(group.attrs)
    images = (attributes.get("ome") or attributes).get("multiscales")
    if not isinstance(images, list) or not images or not images[0].get("datasets"):
        return None
    return images[0]


def _image_of(path: Path, name: str) -> dict | None:
    """The image an array belongs to: the `multiscales` of the group above it, in or above the store that was named."""
    import zarr

    folder = (path / name) if name else path
    if not is_zarr(folder.parent):
        return None
    group = _open(folder.parent)
    image = _multiscales(group) if isinstance(group, zarr.Group) else None
    return image if image and any(d.get("path") == folder.name for d in image["datasets"]) else None


def _axis_names(image: dict | None) -> str | None:
    axes = (image or {}).get("axes")
    if not axes:
        return None
    names = [a["name"] if isinstance(a, dict) else str(a) for a in axes]
    return "".join(n[0].lower() for n in names)


def _stated(array: Any, image: dict | None, level_name: str, kept: tuple[int, ...], path: Path) -> list[Stated]:
    """Voxel sizes of the scale of the image, and of the attribute ilastik and Fiji use."""
    stated = []
    size = array.attrs.get("element_size_um")
    if isinstance(size, list) and len(size) in (1, 3):
        stated.append(state(size, "um", f"element_size_um of {path.name}"))
    if image is None or not image.get("axes"):
        return stated
    units = [a.get("unit") if isinstance(a, dict) else None for a in image["axes"]]
    level: dict = next((d for d in image["datasets"] if level_name == d.get("path", "").split("/")[-1]), {})
    scale = [1.0] * len(units)
    for transformation in [*level.get("coordinateTransformations", []), *image.get("coordinateTransformations", [])]:
        if transformation.get("type") == "scale":
            scale = [a * float(b) for a, b in zip(scale, transformation["scale"])]
    edges, unit = one_unit([scale[i] for i in kept], [units[i] for i in kept])
    return [*stated, state(edges, unit, f"multiscales of {path.name}", placeholders=False)]


READER = Reader((ZARR,), open_zarr)
