"""Amira and Avizo lattices (`.am`): a header of text, then voxels raw, zlib, run lengths or text; axes x, y, z."""

import math
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..ground.errors import InputError
from .contract import Format, Found, Location, Reader, Request, check_magic, check_size, head_of
from .gzip_source import ZLIB, DeflatedSource
from .hierarchy import near_names, only_one
from .raw_source import FlatSource, bytes_of
from .run_lengths import RunLengths
from .stated import Stated, state
from .text_values import text_voxels
from .volume import Source, check_dtype, check_shape

AMIRA = Format(
    "Amira / Avizo", (".am",), "uniform lattices: raw, zlib, run lengths or text", (b"# AmiraMesh", b"# Avizo")
)
_TYPES = {"byte": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "int32": "i4", "float": "f4"}
_TYPES |= {"double": "f8", "long": "i8"}
_MOST_HEADER = 1 << 20
_FIELD = re.compile(
    r"^\s*(\w+)\s*\{\s*(\w+)(\[\d+\])?\s+(\w+)\s*\}\s*=?\s*@(\d+)(?:\s*\(\s*(\w+)\s*,\s*(\d+)\s*\))?", re.MULTILINE
)


class _Field(NamedTuple):
    """One array of the file: on what it lives, its type, name, number, packing and packed bytes."""

    on: str
    type: str
    many: bool
    name: str
    number: int
    packing: str
    packed: int


def open_amira(location: Location, request: Request) -> Found:
    """A lattice of an Amira file.

    Raises
    ------
    InputError
        When the header is incomplete, the data is truncated, or it is no grey volume.
    """
    path = location.path
    check_magic(path, AMIRA)
    text, end = _header(path)
    defined = {m[1]: [int(n) for n in m[2].split()] for m in re.finditer(r"^\s*define\s+(\w+)\s+([\d ]+)", text, re.M)}
    fields = [
        _Field(m[1], m[2].lower(), m[3] is not None, m[4], int(m[5]), m[6] or "", int(m[7] or 0))
        for m in _FIELD.finditer(text)
    ]
    field = _chosen(path, location.dataset, [f for f in fields if f.on == "Lattice"])
    lengths = defined.get("Lattice", [])
    if len(lengths) != 3:
        raise InputError(f"{path.name} defines a lattice of {len(lengths)} axes; three are wanted, save a volume")
    shape = (lengths[2], lengths[1], lengths[0])
    check_shape(shape, path.name)
    dtype = _dtype(path, field, text)
    start = _start(path, text, end, [f for f in fields if f.number <= field.number], defined)
    source = _source(path, field, start, shape, dtype, "ASCII" in text.splitlines()[0].upper())
    several = sum(f.on == "Lattice" for f in fields) > 1
    return Found(
        source, AMIRA.name, stated=_stated(path, text, shape), dataset=field.name if several else None, files=(path,)
    )


def _header(path: Path) -> tuple[str, int]:
    """The text up to the first array, and the byte where that line begins."""
    head = head_of(path, _MOST_HEADER)
    first = re.search(rb"^@1[ \t]*\r?$", head, re.MULTILINE)
    if first is None:
        raise InputError(f"the header of {path.name} ends nowhere (no @1); it is damaged or holds no lattice")
    try:
        return head[: first.start()].decode("utf-8"), first.start()
    except UnicodeDecodeError:
        return head[: first.start()].decode("latin-1"), first.start()


def _chosen(path: Path, name: str | None, fields: list[_Field]) -> _Field:
    names = [f.name for f in fields]
    wanted = name or only_one(names, path.name, "lattice", "")
    if wanted not in names:
        raise InputError(f"{path.name} has no lattice {wanted}; {near_names(wanted, names)}")
    return fields[names.index(wanted)]


def _dtype(path: Path, field: _Field, text: str) -> np.dtype:
    if field.many or field.type not in _TYPES:
        raise InputError(
            f"{path.name} holds {field.type}{' vectors' if field.many else ''}; one number a voxel is read"
        )
    big = "LITTLE-ENDIAN" not in text.splitlines()[0].upper()
    dtype = np.dtype(_TYPES[field.type]).newbyteorder(">" if big else "<")
    check_dtype(dtype, path.name)
    return dtype


def _start(path: Path, text: str, end: int, fields: list[_Field], defined: dict[str, list[int]]) -> int:
    """Byte where the last of these arrays begins; those before it are skipped by their lengths."""
    fields = sorted(fields, key=lambda f: f.number)
    if [f.number for f in fields] != list(range(1, len(fields) + 1)):
        raise InputError(f"{path.name} numbers its arrays with gaps; save the volume alone")
    at = end
    for field in fields:
        with open(path, "rb") as file:
            file.seek(at)
            mark = re.match(rb"\s*@%d[ \t]*\r?\n" % field.number, file.read(64))
        if mark is None:
            raise InputError(f"{path.name} has no array @{field.number} where its header says; it is damaged")
        at += mark.end()
        if field is not fields[-1]:
            if "ASCII" in text.splitlines()[0].upper() or field.type not in _TYPES or field.many:
                raise InputError(f"{path.name} holds several arrays; save the volume alone")
            plain = math.prod(defined.get(field.on, [0])) * np.dtype(_TYPES[field.type]).itemsize
            at += field.packed or plain
    return at


def _source(path: Path, field: _Field, start: int, shape: tuple[int, int, int], dtype: np.dtype, text: bool) -> Source:
    size = path.stat().st_size
    if text:
        return text_voxels(path, start, shape, dtype, path.name)
    if not field.packing:
        check_size(path, size, start + bytes_of(shape, dtype), "its header")
        return FlatSource(path, shape, dtype, start)
    check_size(path, size, start + field.packed, "its header")
    if field.packing == "HxZip":
        return DeflatedSource(path, shape, dtype, start, ZLIB)
    if field.packing == "HxByteRLE":
        return RunLengths(path, shape, dtype, start, field.packed)
    raise InputError(f"{path.name} is packed as {field.packing}; raw, HxZip and HxByteRLE are read, save it so")


def _stated(path: Path, text: str, shape: tuple[int, int, int]) -> list[Stated]:
    """The bounding box runs from the centre of the first voxel to that of the last."""
    source = f"BoundingBox of {path.name}"
    kind = re.search(r'CoordType\s+"(\w+)"', text)
    if kind and kind[1].lower() != "uniform":
        return [Stated(None, source, f"belongs to {kind[1]} coordinates, whose steps may differ")]
    box = re.search(r"^\s*BoundingBox\s+([-+.\deE \t]+)", text, re.MULTILINE)
    try:
        values = [float(v) for v in box[1].split()] if box else []
    except ValueError:
        values = []
    if len(values) != 6:
        return []
    unit = re.search(r'Units\s*\{[^}]*?Coordinates\s+"([^"]*)"', text)
    edges = [abs(values[2 * i + 1] - values[2 * i]) / max(n - 1, 1) for i, n in zip((2, 1, 0), shape)]
    # sums of decimals in single precision
    return [state([float(f"{e:.7g}") for e in edges], unit[1] if unit else None, source)]


READER = Reader((AMIRA,), open_amira)
