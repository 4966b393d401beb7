"""Zeiss Xradia reconstructions (`.txm`), planes in streams of an OLE file, read by olefile."""

import struct
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..ground.errors import InputError, MissingLibraryError
from .contract import Format, Found, Location, Reader, Request, check_magic, reading
from .reopened import Reopened
from .stated import Stated, state
from .volume import Box, check_dtype, check_shape

TXM = Format("Zeiss txm", (".txm",), "reconstructions", (b"\xd0\xcf\x11\xe0",), "olefile")
TXRM = Format(
    "Zeiss projections",
    (".txrm", ".xrm"),
    "not read",
    refused="holds projections, not a volume; reconstruct it and give the .txm",
)
_TYPES: dict[int, np.dtype] = {3: np.dtype("u1"), 5: np.dtype("<u2"), 7: np.dtype("<i4"), 10: np.dtype("<f4")}
_PER_STORAGE = 100


class TxmSource:
    """Planes of an OLE file, one stream each.

    Parameters
    ----------
    path : Path
        The file.
    shape : tuple of int
        (Z, Y, X) lengths.
    stored : dtype
        Type of a voxel in the file.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int], stored: np.dtype) -> None:
        self.path, self.shape, self.stored = path, shape, stored
        self.dtype = stored.newbyteorder("=")
        self.chunk = (1, shape[1], shape[2])
        self.file = Reopened(partial(_open_ole, path))

    def read(self, box: Box) -> np.ndarray:
        """Voxels of the half-open ranges `box`."""
        (a, b), (r0, r1), (c0, c1) = box
        out = np.empty((b - a, r1 - r0, c1 - c0), self.dtype)
        for i in range(a, b):
            with self.file.lock:
                data = self.file.get().openstream(_stream(i)).read()
            plane = np.frombuffer(data, self.stored, self.shape[1] * self.shape[2]).reshape(self.shape[1:])
            out[i - a] = plane[r0:r1, c0:c1]
        return out


def open_txm(location: Location, request: Request) -> Found:
    """A Zeiss reconstruction.

    Raises
    ------
    InputError
        When planes are missing or the type of the voxels is not known.
    MissingLibraryError
        When olefile is not installed.
    """
    path = location.path
    check_magic(path, TXM)
    with reading(path, TXM), _open_ole(path) as ole:
        shape, code = _facts(ole, path)
        if code not in _TYPES:
            raise InputError(f"{path.name} holds voxels of Zeiss type {code}; uint8, uint16 and float32 are read")
        check_shape(shape, path.name)
        check_dtype(_TYPES[code], path.name)
        wanted = shape[1] * shape[2] * _TYPES[code].itemsize
        missing = [i for i in range(shape[0]) if not ole.exists(_stream(i)) or ole.get_size(_stream(i)) < wanted]
        if missing:
            raise InputError(f"{path.name} is truncated: plane {missing[0]} of {shape[0]} is not whole; copy it again")
        stated = _stated(ole, path)
    return Found(TxmSource(path, shape, _TYPES[code]), TXM.name, stated=stated, files=(path,))


def _open_ole(path: Path) -> Any:
    try:
        import olefile
    except ImportError:
        raise MissingLibraryError(
            f"{path.name} is a Zeiss file and the library olefile is not installed; pip install 'morphct[formats]'"
        ) from None
    return olefile.OleFileIO(str(path))


def _stream(plane: int) -> str:
    return f"ImageData{plane // _PER_STORAGE + 1}/Image{plane + 1}"


def _value(ole: Any, name: str, code: str) -> Any:
    """One number of the header, None when it is not there."""
    if not ole.exists(name):
        return None
    data = ole.openstream(name).read(struct.calcsize(code))
    return struct.unpack(code, data)[0] if len(data) == struct.calcsize(code) else None


def _facts(ole: Any, path: Path) -> tuple[tuple[int, int, int], int]:
    names = ("NoOfImages", "ImageHeight", "ImageWidth", "DataType")
    z, y, x, code = (_value(ole, f"ImageInfo/{n}", "<I") for n in names)
    if z is None or y is None or x is None or code is None:
        raise InputError(f"{path.name} has no ImageInfo of a Zeiss volume; export it again as .txm or TIFF")
    return (z, y, x), code


def _stated(ole: Any, path: Path) -> list[Stated]:
    value = _value(ole, "ImageInfo/PixelSize", "<f")
    # a float32: its last digits are noise
    return [] if value is None else [state([float(f"{value:.7g}")], "um", f"ImageInfo/PixelSize of {path.name}")]


READER = Reader((TXM, TXRM), open_txm)
