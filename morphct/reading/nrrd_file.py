"""NRRD volumes (`.nrrd`, or a `.nhdr` header with its data file), raw or gzip; the header is read by pynrrd."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from ..ground.errors import InputError, MissingLibraryError
from .companions import companion, outside_note
from .contract import Format, Found, Location, Reader, Request, check_magic, check_size, reading, reason_of
from .gzip_source import GZIP, DeflatedSource
from .raw_source import FlatSource, bytes_of
from .stated import Stated, micrometres, one_unit, state
from .text_values import text_voxels
from .volume import Source, check_dtype, check_shape

NRRD = Format("NRRD", (".nrrd", ".nhdr"), "raw, gzip or text, attached or detached header", (b"NRRD000",), "pynrrd")

_TYPES = {
    "int8": "i1 signed char|int8|int8_t",
    "uint8": "u1 uchar|unsigned char|uint8|uint8_t",
    "int16": "i2 short|short int|signed short|signed short int|int16|int16_t",
    "uint16": "u2 ushort|unsigned short|unsigned short int|uint16|uint16_t",
    "int32": "i4 int|signed int|int32|int32_t",
    "uint32": "u4 uint|unsigned int|uint32|uint32_t",
    "int64": "i8 longlong|long long|long long int|signed long long|signed long long int|int64|int64_t",
    "uint64": "u8 ulonglong|unsigned long long|unsigned long long int|uint64|uint64_t",
    "float": "f4 float",
    "double": "f8 double",
}


def open_nrrd(location: Location, request: Request) -> Found:
    """An NRRD volume.

    Raises
    ------
    InputError
        When the header or the data cannot be read, or it is no grey volume.
    MissingLibraryError
        When pynrrd is not installed.
    """
    path = location.path
    check_magic(path, NRRD)
    header, offset = _header(path)
    shape = _shape(path, header)
    dtype = _dtype(path, header)
    data, offset, notes = _data_file(path, header, offset, request)
    source = _source(path, data, offset, shape, dtype, header)
    files = (path,) if data == path else (path, data)
    return Found(source, NRRD.name, stated=_stated(path, header), notes=notes, files=files)


def _header(path: Path) -> tuple[dict[str, Any], int]:
    try:
        import nrrd
    except ImportError:
        raise MissingLibraryError(
            f"{path.name} is an NRRD file and the library pynrrd is not installed; pip install 'morphct[formats]'"
        ) from None
    with reading(path, NRRD), open(path, "rb") as file:
        try:
            return dict(nrrd.read_header(file)), file.tell()
        except nrrd.NRRDError as error:
            raise ValueError(reason_of(error)) from error


def _shape(path: Path, header: dict[str, Any]) -> tuple[int, int, int]:
    with reading(path, NRRD):
        lengths = [int(n) for n in header.get("sizes", ())]  # fastest axis first
    if not lengths or min(lengths) < 0:
        raise InputError(f"the header of {path.name} is damaged or truncated: it gives no usable sizes; save it again")
    kinds = [str(k).lower() for k in header.get("kinds", ())]
    if len(lengths) == 4 and lengths[0] != 1 and (not kinds or kinds[0] not in ("domain", "space")):
        raise InputError(f"{path.name} has {lengths[0]} values a voxel; save one grey channel of it")
    lengths = [n for n in lengths if n != 1] if len(lengths) > 3 else lengths
    check_shape(tuple(lengths[::-1]), path.name)
    return lengths[2], lengths[1], lengths[0]


def _dtype(path: Path, header: dict[str, Any]) -> np.dtype:
    word = str(header.get("type", "")).lower()
    code = next((t.split(" ", 1)[0] for t in _TYPES.values() if word in t.split(" ", 1)[1].split("|")), None)
    if code is None:
        raise InputError(f"{path.name} holds values of type {word or 'unknown'}; allowed are {', '.join(_TYPES)}")
    dtype = np.dtype(code).newbyteorder(">" if str(header.get("endian", "little")).lower() == "big" else "<")
    check_dtype(dtype, path.name)
    return dtype


def _data_file(path: Path, header: dict[str, Any], offset: int, request: Request) -> tuple[Path, int, list[str]]:
    name = header.get("data file", header.get("datafile"))
    if name is None:
        return path, offset, []
    if isinstance(name, list) or "%" in str(name) or str(name).upper().startswith("LIST"):
        raise InputError(f"{path.name} spreads its planes over several files; open their folder instead")
    found = companion(path, str(name), request.follow_links, "its data file")
    return found.path, 0, [outside_note(path, found.path)] if found.outside else []


def _source(
    path: Path, data: Path, offset: int, shape: tuple[int, int, int], dtype: np.dtype, header: dict[str, Any]
) -> Source:
    encoding = str(header.get("encoding", "raw")).lower()
    size, wanted = data.stat().st_size, bytes_of(shape, dtype)
    if size < 4:
        raise InputError(f"{data.name} is truncated: it has {size} bytes; copy it again")
    line_skip = int(header.get("line skip", header.get("lineskip", 0)) or 0)
    byte_skip = int(header.get("byte skip", header.get("byteskip", 0)) or 0)
    offset += _lines_bytes(data, offset, line_skip)
    if encoding in ("gzip", "gz"):
        # the last four bytes of a gzip stream are its unpacked length; 0 closes files made of several streams
        with open(data, "rb") as file:
            file.seek(-4, 2)
            length = int.from_bytes(file.read(4), "little")
        if length not in ((wanted + max(byte_skip, 0)) % (1 << 32), 0):
            raise InputError(f"{path.name} is truncated: its compressed data does not end as gzip does; copy it again")
        return DeflatedSource(data, shape, dtype, offset, GZIP, max(byte_skip, 0))
    if encoding in ("ascii", "text", "txt"):
        return text_voxels(data, offset, shape, dtype, path.name)
    if encoding != "raw":
        raise InputError(f"{path.name} is encoded as {encoding}; raw, text and gzip are read, save it so")
    offset = size - wanted if byte_skip < 0 else offset + byte_skip
    check_size(data, size, max(offset, 0) + wanted, "its header")
    return FlatSource(data, shape, dtype, offset)


def _lines_bytes(data: Path, offset: int, lines: int) -> int:
    """Bytes of the first `lines` lines from `offset` on."""
    if lines <= 0:
        return 0
    with open(data, "rb") as file:
        file.seek(offset)
        return sum(len(file.readline()) for _ in range(lines))


def _stated(path: Path, header: dict[str, Any]) -> list[Stated]:
    units = [str(u) for u in header.get("space units", header.get("units", ())) or ()]
    directions = header.get("space directions")
    with reading(path, NRRD):
        if directions is not None:
            vectors = [np.asarray(v, float) for v in directions if v is not None]
            edges = [float(np.linalg.norm(v)) for v in vectors if np.isfinite(v).all()]
        else:
            edges = [float(v) for v in header.get("spacings", ()) if math.isfinite(float(v))]
    if len(edges) != 3:
        return []
    what = "space directions" if directions is not None else "spacings"
    named = [u for u in units if u.strip()][-3:]
    if directions is not None and named and len(set(named)) > 1:
        # space units belong to the axes of space, those of the voxels only where directions lie along them
        lengths = _lengths_of_oblique(vectors, named)
        return [state(lengths[::-1] if lengths else [None], "um" if lengths else None, f"{what} of {path.name}")]
    same, unit = one_unit(edges[::-1], named[::-1] if len(named) == 3 else [named[0] if named else None] * 3)
    return [state(same, unit, f"{what} of {path.name}", placeholders=unit is None, usual="mm")]


def _lengths_of_oblique(vectors: list[np.ndarray], units: list[str]) -> list[float] | None:
    """Lengths in micrometres of directions whose components have units of their own, None for unknown units."""
    factors = [micrometres(u) for u in units]
    if any(f is None for f in factors) or any(v.size != len(units) for v in vectors):
        return None
    return [float(f"{np.linalg.norm(v * np.array(factors, float)):.12g}") for v in vectors]


READER = Reader((NRRD,), open_nrrd)
