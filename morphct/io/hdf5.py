"""HDF5 and NeXus: `file.h5::/path/to/dataset`, the nabu layout, or the only three-dimensional dataset."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, MissingLibraryError
from ..volume import check_dtype
from .datasets import IndexedSource, fold, near_names, only_one
from .found import Format, Found, Location, Reader, Request, Stated, check_magic, check_size, reading, state
from .reopened import Reopened

HDF5 = Format(
    "HDF5 / NeXus",
    (".h5", ".hdf5", ".hdf", ".nx", ".nxs", ".nexus", ".he5"),
    "file.h5::/path/to/dataset, the nabu layout, or the only 3D dataset",
    (b"\x89HDF\r\n\x1a\n",),
)
_NABU = "reconstruction/results/data"
_NABU_SIZE = "reconstruction/configuration/processing_options/reconstruction"
_FIRST_FOREIGN_FILTER = 256
_LZF = 32000  # comes with h5py


def open_hdf5(location: Location, request: Request) -> Found:
    """A dataset of an HDF5 file.

    Raises
    ------
    InputError
        When the file is damaged, the dataset is not there, or it is no grey volume.
    MissingLibraryError
        When its compression needs a plug-in.
    """
    path = location.path
    check_magic(path, HDF5)
    with reading(path, HDF5), _open_file(path) as file:
        name = (location.dataset or "").strip("/") or _choose(file, path)
        dataset = _get(file, name, path)
        name = str(dataset.name).strip("/")  # of the dataset inside, when a group was named
        what = f"{path.name}::{name}"
        if not isinstance(dataset.dtype, np.dtype) or dataset.dtype.kind not in "biufc":
            raise InputError(f"{what} holds {_word(dataset.dtype)}, not grey values; name another dataset")
        folded = fold(dataset.shape, _axis_names(dataset), what)
        check_dtype(dataset.dtype, what)
        _check_filters(dataset, what)
        files = (path, *_check_virtual(dataset, path, what))
        handle = Reopened(partial(_open_dataset, path, name))
        source = IndexedSource(handle, folded, dataset.dtype, dataset.chunks, dataset.ndim)
        stated = _stated(file, dataset, name, path)
    return Found(
        source, HDF5.name, axes=folded.axes, stated=stated, notes=folded.notes, dataset=f"/{name}", files=files
    )


def _open_file(path: Path) -> Any:
    import h5py

    try:
        # no lock: beamline disks are often mounted without, and nothing is written
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        sizes = re.search(r"eof = (\d+).*?stored_eof = (\d+)", str(error))
        if sizes:
            check_size(path, int(sizes[1]), int(sizes[2]), "its header")
        raise


def _open_dataset(path: Path, name: str) -> Any:
    dataset = _open_file(path)[name]
    _plugins(dataset)
    return dataset


def _choose(file: Any, path: Path) -> str:
    """The dataset of the nabu layout, or the only volume."""
    nabu = [f"{entry}/{_NABU}" for entry in file if f"{entry}/{_NABU}" in file]
    return only_one(nabu or _volumes(file), path.name, "dataset", "/")


def _volumes(file: Any) -> list[str]:
    """Paths of all datasets of numbers with three axes longer than 1."""
    import h5py

    found: list[str] = []

    def visit(name: str, item: Any) -> None:
        is_numbers = isinstance(item, h5py.Dataset) and item.shape and item.dtype.kind in "biuf"
        if is_numbers and sum(n > 1 for n in item.shape) >= 3:
            found.append(name)

    file.visititems(visit)
    return found


def _get(file: Any, name: str, path: Path) -> Any:
    import h5py

    try:
        item = file[name]
    except KeyError:
        raise InputError(f"{path.name} has no dataset /{name}; {near_names(name, _volumes(file))}") from None
    if isinstance(item, h5py.Dataset):
        return item
    # a group: an entry of nabu, or one with a single volume inside
    if _NABU in item:
        return item[_NABU]
    inside = [f"{name}/{n}" for n in _volumes(item)]
    return file[only_one(inside, f"{path.name}::/{name}", "dataset", "/")]


def _word(dtype: Any) -> str:
    return "records" if getattr(dtype, "names", None) else "text" if dtype.kind in "OSU" else f"values of type {dtype}"


def _axis_names(dataset: Any) -> str | None:
    """A letter an axis when ilastik's `axistags` say so."""
    tags = dataset.attrs.get("axistags")
    if tags is None:
        return None
    text = tags.decode() if isinstance(tags, bytes) else str(tags)
    letters = "".join(re.findall(r'"key"\s*:\s*"(\w)"', text))
    return letters if len(letters) == dataset.ndim and {"y", "x"} <= set(letters) else None


def _filters(dataset: Any) -> list[tuple[int, str]]:
    plan = dataset.id.get_create_plist()
    filters = [plan.get_filter(i) for i in range(plan.get_nfilters())]
    return [(f[0], f[3].decode(errors="replace") or str(f[0])) for f in filters]


def _plugins(dataset: Any) -> None:
    if any(number >= _FIRST_FOREIGN_FILTER and number != _LZF for number, _ in _filters(dataset)):
        try:
            import hdf5plugin  # noqa: F401 - registers its filters
        except ImportError:
            return


def _check_filters(dataset: Any, what: str) -> None:
    import h5py

    _plugins(dataset)
    missing = [name for number, name in _filters(dataset) if not h5py.h5z.filter_avail(number)]
    if missing:
        raise MissingLibraryError(
            f"{what} is compressed with {missing[0]} and the library hdf5plugin is not installed; "
            "pip install 'morphct[formats]'"
        )


def _check_virtual(dataset: Any, path: Path, what: str) -> list[Path]:
    """Files a virtual dataset is made of; HDF5 itself reads absent ones as zeros without a word."""
    if not dataset.is_virtual:
        return []
    names = sorted({source.file_name for source in dataset.virtual_sources()} - {"."})
    files = [Path(n) if Path(n).is_absolute() else path.parent / n for n in names]
    absent = [f.name for f in files if not f.is_file()]
    if absent:
        raise InputError(
            f"{what} is made of {len(files)} other files and {absent[0]} is not there; copy all of them together"
        )
    return files


def _stated(file: Any, dataset: Any, name: str, path: Path) -> list[Stated]:
    """Voxel sizes of the dataset's attribute (ilastik, Fiji) and of nabu's configuration."""
    stated = []
    size = dataset.attrs.get("element_size_um")
    if size is not None:
        stated.append(state(_numbers(size), "um", f"element_size_um of {path.name}"))
    entry = name.split("/reconstruction/")[0] if "/reconstruction/" in f"{name}/" else None
    for key in ("voxel_size_cm", "pixel_size_cm"):
        item = file.get(f"{entry}/{_NABU_SIZE}/{key}") if entry else None
        if item is not None:
            unit = item.attrs.get("units", "cm")
            unit = unit.decode() if isinstance(unit, bytes) else str(unit)
            stated.append(state(_numbers(item[()]), unit or "cm", f"{key} of {path.name}"))
            break
    return stated


def _numbers(value: Any) -> list[float | None]:
    """One or three numbers from a scalar, an array or a text; [None] when there are others."""
    if isinstance(value, bytes | str):
        text = value.decode() if isinstance(value, bytes) else value
        value = [float(n) for n in re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", text)]
    array = np.ravel(value)
    if array.dtype.kind not in "iuf" or array.size not in (1, 3):
        return [None]
    # float32 values are written out with the digits they have
    digits = 7 if array.dtype == np.float32 else 12
    return [float(f"{float(v):.{digits}g}") for v in array]


READER = Reader((HDF5,), open_hdf5)
