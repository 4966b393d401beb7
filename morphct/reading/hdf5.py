"""HDF5, NeXus and MATLAB 7.3: `file.h5::/path/to/dataset`, the nabu layout, or the only three-dimensional dataset."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..ground.errors import InputError
from .contract import Format, Found, Location, Reader, Request, check_magic, head_of, reading
from .coordinates import size_of_coordinates
from .hdf5_facts import NABU, axis_facts, default_signal, parents, refuse_raw, sizes_in_file
from .hdf5_links import Files, Node, NotThereError, open_dataset, open_file
from .hdf5_storage import check_storage, file_names_checked, load_plugins
from .hierarchy import Folded, IndexedSource, fold, near_names, only_one
from .projections import is_field
from .reopened import Reopened
from .volume import check_dtype

HDF5 = Format(
    "HDF5 / NeXus",
    (".h5", ".hdf5", ".hdf", ".nx", ".nxs", ".nexus", ".he5", ".emd"),
    "file.h5::/path/to/dataset, the nabu layout, or the only 3D dataset; links and virtual datasets",
    (b"\x89HDF\r\n\x1a\n",),
)
MATLAB = Format("MATLAB 7.3", (".mat",), "arrays saved with -v7.3, file.mat::name", (b"MATLAB 7.3 MAT-file",))
_MATLAB_OLD = b"MATLAB 5.0 MAT-file"
_MATLAB_OWN = ("#refs#", "#subsystem#")


def open_hdf5(location: Location, request: Request) -> Found:
    """A dataset of an HDF5 file.

    Raises
    ------
    InputError
        When the file is damaged, the dataset is not there, part of it is missing, or it is no grey volume.
    MissingLibraryError
        When its compression needs a plug-in.
    """
    path = location.path
    matlab = path.suffix.lower() in MATLAB.suffixes or head_of(path, 32).startswith(MATLAB.magic)
    kind = MATLAB if matlab else HDF5
    if head_of(path, 32).startswith(_MATLAB_OLD):
        raise InputError(f"{path.name} is a MATLAB file of an older kind; save it with save('x.mat', 'V', '-v7.3')")
    if not _is_hdf5(path):
        check_magic(path, kind)
    with reading(path, kind), Files(path, request.follow_links) as files:
        asked = (location.dataset or "").strip("/")
        shown, node = _named(files, asked) if asked else _choose(files)
        what = f"{path.name}::{shown}"
        file_names_checked(files, node)
        item = node.item
        if not isinstance(item.dtype, np.dtype) or item.dtype.kind not in "biufc" or item.shape is None:
            raise InputError(f"{what} holds {_word(item.dtype)}, not grey values; name another dataset")
        groups = parents(files, node, shown)
        refuse_raw(files, node, groups, shown, what)
        names, coordinates, place = axis_facts(files, node, groups)
        folded = fold(item.shape, names, what)
        check_dtype(item.dtype, what)
        storage = check_storage(files, node, what)
        notes = [*folded.notes, *files.notes]
        axes = folded.axes
        if matlab and names is None:
            axes = "zxy"
            notes.append(
                f"{what} is read as MATLAB stores it: rows are y, columns x, pages z; say --axes for another order"
            )
        stated = sizes_in_file(files, node)
        if coordinates:
            kept = [coordinates[i] for i in folded.kept]
            stated += size_of_coordinates(kept, folded.shape, f"{place} of {path.name}")
        source = _source(node, folded)
    found_in = tuple(dict.fromkeys((path, *storage)))
    return Found(source, kind.name, axes=axes, stated=stated, notes=notes, dataset=f"/{shown}", files=found_in)


def _is_hdf5(path: Path) -> bool:
    """Whether the library finds its mark, which may lie behind a block of the user's own."""
    import h5py

    return bool(h5py.is_hdf5(path))


def _source(node: Node, folded: Folded) -> IndexedSource:
    handle = Reopened(partial(_open_dataset, node.path, node.name))
    return IndexedSource(handle, folded, node.item.dtype, node.item.chunks, node.item.ndim)


def _open_dataset(path: Path, name: str) -> Any:
    dataset = open_dataset(open_file(path), name)
    load_plugins(dataset)
    return dataset


def _choose(files: Files) -> tuple[str, Node]:
    """The dataset of the nabu layout, the one NeXus shows by default, or the only volume."""
    top = files.top(files.root)
    nabu = [(f"{e}/{NABU}", n) for e in sorted(top.item) if (n := files.try_walk(top, f"{e}/{NABU}")) is not None]
    nabu = [(shown, node) for shown, node in nabu if node.is_dataset]
    if len(nabu) == 1:
        return nabu[0]
    troubles: list[str] = []
    volumes = dict(nabu) or _volumes(files, top, troubles)
    default = default_signal(files)
    if len(volumes) > 1 and default is not None:
        return default
    if not volumes and troubles:
        raise InputError(f"{files.root.name} holds no volume that can be read: {troubles[0]}")
    # a broken link may have led to the very volume that is wanted
    files.notes += [f"a link was not followed: {trouble}" for trouble in troubles[:3]]
    name = only_one(list(volumes), files.root.name, "dataset", "/")
    return name, volumes[name]


def _volumes(files: Files, top: Node, troubles: list[str]) -> dict[str, Node]:
    """All datasets of numbers with three axes longer than 1; projections only when there is nothing else."""
    found: dict[str, Node] = {}
    for shown, node in files.datasets(top, troubles):
        if shown.startswith(_MATLAB_OWN):
            continue
        try:
            file_names_checked(files, node)
        except InputError as error:
            troubles.append(str(error))
            continue
        item = node.item
        if item.shape and item.dtype.kind in "biuf" and sum(n > 1 for n in item.shape) >= 3:
            found[shown] = node
    if len(found) < 2:
        return found
    kept = {s: n for s, n in found.items() if not is_field(s) and not _raw(files, n, s)}
    if not kept:
        shown, node = next(((s, n) for s, n in found.items() if _raw(files, n, s)), next(iter(found.items())))
        refuse_raw(files, node, parents(files, node, shown), shown, f"{files.root.name}::{shown}")
    return kept or found


def _raw(files: Files, node: Node, shown: str) -> bool:
    try:
        refuse_raw(files, node, parents(files, node, shown), shown, shown)
    except InputError:
        return True
    return False


def _named(files: Files, name: str) -> tuple[str, Node]:
    """The dataset of this name; of a group the default, nabu's, or the only volume inside."""
    top = files.top(files.root)
    try:
        node = files.walk(top, name)
    except NotThereError as error:
        known = near_names(name, _volumes(files, top, []))
        direct = str(error).startswith(f"{files.root.name} has no /{name};")
        why = "" if direct else f" ({str(error).split(';')[0]})"
        raise InputError(f"{files.root.name} has no dataset /{name}{why}; {known}") from None
    if node.is_dataset:
        return name, node
    nabu = files.try_walk(node, NABU)
    if nabu is not None:
        return f"{name}/{NABU}", nabu
    inside = {f"{name}/{n}": found for n, found in _volumes(files, node, []).items()}
    signal = node.item.attrs.get("signal") if len(inside) > 1 else None
    word = signal.decode() if isinstance(signal, bytes) else str(signal)
    if signal is not None and f"{name}/{word}" in inside:
        return f"{name}/{word}", inside[f"{name}/{word}"]
    chosen = only_one(list(inside), f"{files.root.name}::/{name}", "dataset", "/")
    return chosen, inside[chosen]


def _word(dtype: Any) -> str:
    return "records" if getattr(dtype, "names", None) else "text" if dtype.kind in "OSU" else f"values of type {dtype}"


READER = Reader((HDF5, MATLAB), open_hdf5)
