"""NumPy `.npy` files, in C or Fortran order."""

from pathlib import Path

import numpy as np

from ..ground.errors import InputError
from .contract import Format, Found, Location, Reader, Request, check_magic, check_size, reading
from .raw_source import FlatSource, bytes_of
from .volume import check_dtype, check_shape

NPY = Format("NumPy npy", (".npy",), "C or Fortran order", (b"\x93NUMPY",))


def open_npy(location: Location, request: Request) -> Found:
    """An array file.

    Raises
    ------
    InputError
        When it is no array file, truncated, or no volume.
    """
    path = location.path
    check_magic(path, NPY)
    shape, fortran, dtype, offset = _header(path)
    if dtype.hasobject:
        raise InputError(f"{path.name} holds Python objects, not numbers; save it as a numeric array")
    # axes of length 1 (a channel, a time) carry nothing
    kept = tuple(n for n in shape if n != 1) if len(shape) > 3 else shape
    check_shape(kept, path.name)
    check_dtype(dtype, path.name)
    stored = (kept[2], kept[1], kept[0]) if fortran else (kept[0], kept[1], kept[2])
    check_size(path, path.stat().st_size, offset + bytes_of(stored, dtype), "its header")
    return Found(FlatSource(path, stored, dtype, offset), NPY.name, reversed=fortran, files=(path,))


def _header(path: Path) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    with reading(path, NPY), open(path, "rb") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        return shape, fortran, dtype, file.tell()


READER = Reader((NPY,), open_npy)
