"""Where the voxels of an HDF5 dataset are: every source of a virtual dataset, every external file, checked to be there.

The library itself reads what is missing as fill values, without a word.
"""

import math
import os
import re
from pathlib import Path
from typing import Any

from ..ground.errors import InputError, MissingLibraryError
from .contract import check_size
from .hdf5_links import Files, Node, NotThereError

_MOST_NESTED = 8
_FIRST_FOREIGN_FILTER = 256
_LZF = 32000  # comes with h5py


def check_storage(files: Files, node: Node, what: str, nested: int = 0) -> list[Path]:
    """The files that hold the voxels of a dataset.

    Raises
    ------
    InputError
        When one of them, or a dataset in one of them, is not there, not regular, outside, or too small.
    MissingLibraryError
        When the compression needs a plug-in.
    """
    if nested > _MOST_NESTED:
        raise InputError(f"{what} is made of virtual datasets within each other; save it as one dataset")
    plan = node.item.id.get_create_plist()
    if plan.get_external_count():
        return _external(files, node, plan)
    if node.item.is_virtual:
        return _virtual(files, node, plan, what, nested)
    check_filters(node.item, what)
    _check_written(files, node, what)
    return [node.path]


def file_names_checked(files: Files, node: Node) -> None:
    """Check the files a dataset is made of by their names alone, before anything of it is asked.

    Raises
    ------
    InputError
        When one is not to be read.
    """
    plan = node.item.id.get_create_plist()
    for i in range(plan.get_external_count()):
        files.other(node.path, os.fsdecode(plan.get_external(i)[0]), "a part of its raw data", exact=True)
    if node.item.is_virtual:
        for name in {plan.get_virtual_filename(i) for i in range(plan.get_virtual_count())}:
            _source_file(files, node, name)


def _external(files: Files, node: Node, plan: Any) -> list[Path]:
    found, wanted = [node.path], node.item.size * node.item.dtype.itemsize
    for i in range(plan.get_external_count()):
        name, offset, size = plan.get_external(i)
        path = files.other(node.path, os.fsdecode(name), "a part of its raw data", exact=True)
        bytes_of_part = min(int(size), wanted)  # the last part may be of any size
        check_size(path, path.stat().st_size, int(offset) + bytes_of_part, node.path.name)
        wanted -= bytes_of_part
        found.append(path)
    if wanted > 0:
        raise InputError(f"the raw data of /{node.name} in {node.path.name} is {wanted:,} bytes short; write it again")
    return found


def _virtual(files: Files, node: Node, plan: Any, what: str, nested: int) -> list[Path]:
    found, known = [node.path], {}
    covered: float = 0
    for i in range(plan.get_virtual_count()):
        name, inside = plan.get_virtual_filename(i), plan.get_virtual_dsetname(i)
        if (name, inside) not in known:
            path = _source_file(files, node, name)
            try:
                source = files.walk(files.top(path), _first_block(inside), exact=True)
            except (NotThereError, OSError) as error:
                where = "itself" if path == node.path else path.name
                raise InputError(
                    f"{what} is made of parts and /{inside.strip('/')} of {where} is not there; HDF5 would read zeros, "
                    "copy the whole set again"
                ) from error
            if not source.is_dataset:
                raise InputError(f"{what} is made of parts and {path.name}::{inside} is no dataset; write it again")
            found += check_storage(files, source, f"{path.name}::{inside}", nested + 1)
            known[name, inside] = source
        points = _points(plan.get_virtual_vspace(i))
        _check_bounds(plan.get_virtual_srcspace(i), known[name, inside], points, what)
        covered += points
    if covered < node.item.size:
        share = 1 - covered / node.item.size
        files.notes.append(f"{share:.1%} of {what} lies in no source: HDF5 reads it as {node.item.fillvalue:g}")
    return list(dict.fromkeys(found))


def _source_file(files: Files, node: Node, name: str) -> Path:
    if name == ".":
        return node.path
    return files.other(node.path, _first_block(name), "a source of its voxels", exact=True)


def _first_block(name: str) -> str:
    """Names of numbered blocks (`part%b.h5`) stand for the first of them."""
    return re.sub(r"%\d*b", "0", name).replace("%%", "%")


def _points(space: Any) -> float:
    try:
        return int(space.get_select_npoints())
    except (RuntimeError, ValueError):
        return math.inf  # a selection that grows with its source


def _check_bounds(selected: Any, source: Node, points: float, what: str) -> None:
    """Refuse a source that is smaller than what is taken of it."""
    shape = source.item.shape
    try:
        last = selected.get_select_bounds()[1]
    except (RuntimeError, ValueError):
        last = ()
    beyond = shape is None or (len(last) == len(shape) and any(at >= n for at, n in zip(last, shape)))
    if beyond or (math.isfinite(points) and points > source.item.size):
        text = " x ".join(str(n) for n in shape or ())
        raise InputError(
            f"{what} takes more than there is of {source.path.name}::/{source.name} ({text}); copy that file again"
        )


def _check_written(files: Files, node: Node, what: str) -> None:
    """Refuse a dataset nobody wrote to, and say when pieces of it are missing."""
    item = node.item
    if not item.size:
        return
    if item.id.get_storage_size() == 0:
        raise InputError(f"{what} was made but never written to; the program that wrote it did not finish")
    if item.chunks is None:
        return
    wanted = math.prod(-(-n // c) for n, c in zip(item.shape, item.chunks))
    there = int(item.id.get_num_chunks())
    if there < wanted:
        files.notes.append(
            f"{wanted - there} of the {wanted} chunks of {what} were never written: they read as {item.fillvalue:g}"
        )


def filters_of(dataset: Any) -> list[tuple[int, str]]:
    """Number and name of each filter of a dataset."""
    plan = dataset.id.get_create_plist()
    filters = [plan.get_filter(i) for i in range(plan.get_nfilters())]
    return [(f[0], f[3].decode(errors="replace") or str(f[0])) for f in filters]


def load_plugins(dataset: Any) -> None:
    """Import the compression plug-ins when a dataset needs one."""
    if any(number >= _FIRST_FOREIGN_FILTER and number != _LZF for number, _ in filters_of(dataset)):
        try:
            import hdf5plugin  # noqa: F401 - registers its filters
        except ImportError:
            return


def check_filters(dataset: Any, what: str) -> None:
    """Refuse a compression nobody here can read.

    Raises
    ------
    MissingLibraryError
        One sentence.
    """
    import h5py

    load_plugins(dataset)
    missing = [name for number, name in filters_of(dataset) if not h5py.h5z.filter_avail(number)]
    if missing:
        raise MissingLibraryError(
            f"{what} is compressed with {missing[0]} and the library hdf5plugin is not installed; "
            "pip install 'morphct[formats]'"
        )
