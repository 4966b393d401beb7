"""MetaImage headers (`.mhd` with its data file, `.mha` with the data behind the header)."""

import math
import re
from pathlib import Path

import numpy as np

from ..ground.errors import InputError
from .companions import companion, outside_note
from .contract import Format, Found, Location, Reader, Request, check_size, head_of
from .gzip_source import ZLIB, DeflatedSource
from .raw_source import FlatSource, bytes_of
from .stated import Stated, state
from .text_values import text_voxels
from .volume import Source, check_dtype, check_shape

META = Format(
    "MetaImage", (".mhd", ".mha"), "data beside or behind the header, zlib or text too", (b"ObjectType", b"NDims")
)

_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",  # 4 bytes in files since 2004; MET_LONG_LONG has 8
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}


def open_metaimage(location: Location, request: Request) -> Found:
    """A MetaImage.

    Raises
    ------
    InputError
        When the header is incomplete, the data is missing or truncated, or it is no grey volume.
    """
    path = location.path
    facts, header_end = _header(path)
    shape = _shape(path, facts)
    dtype = _dtype(path, facts)
    data, offset, notes = _data_file(path, facts, header_end, request)
    source = _source(path, data, shape, dtype, offset, facts)
    files = (path,) if data == path else (path, data)
    return Found(source, META.name, stated=_stated(path, facts), notes=notes, files=files)


def _header(path: Path) -> tuple[dict[str, str], int]:
    """`key = value` lines up to ElementDataFile, and the byte behind them."""
    head = head_of(path, 1 << 16)
    facts: dict[str, str] = {}
    end = 0
    for line in head.splitlines(keepends=True):
        end += len(line)
        key, equals, value = line.decode("latin-1").partition("=")
        if not equals:
            break
        facts[key.strip().lower()] = value.strip()
        if key.strip().lower() == "elementdatafile":
            return facts, end
    raise InputError(
        f"{path.name} is not a whole MetaImage header (no ElementDataFile); check the path or save it again"
    )


def _shape(path: Path, facts: dict[str, str]) -> tuple[int, int, int]:
    try:
        lengths = [int(n) for n in facts.get("dimsize", "").split()]
    except ValueError:
        lengths = []
    if not lengths:
        raise InputError(f"{path.name} has no DimSize; save it again")
    if _whole(path, facts, "elementnumberofchannels", 1) > 1:
        raise InputError(f"{path.name} has several channels (a colour image); save one grey channel of it")
    while len(lengths) > 3 and lengths[-1] == 1:
        lengths.pop()
    check_shape(tuple(lengths[::-1]), path.name)
    return lengths[2], lengths[1], lengths[0]


def _dtype(path: Path, facts: dict[str, str]) -> np.dtype:
    word = facts.get("elementtype", "").upper()
    if word not in _TYPES:
        raise InputError(f"{path.name} has the ElementType {word or 'nothing'}; allowed are {', '.join(_TYPES)}")
    big = facts.get("elementbyteordermsb", facts.get("binarydatabyteordermsb", "False")).lower() in ("true", "1")
    dtype = np.dtype(_TYPES[word]).newbyteorder(">" if big else "<")
    check_dtype(dtype, path.name)
    return dtype


def _data_file(path: Path, facts: dict[str, str], header_end: int, request: Request) -> tuple[Path, int, list[str]]:
    """The file with the voxels, the byte where they begin (-1: they are its last bytes), notes."""
    name = facts["elementdatafile"]
    if name.upper() == "LOCAL":
        return path, header_end, []
    if name.upper().startswith("LIST") or re.search(r"%\d*d", name):
        raise InputError(f"{path.name} spreads its planes over several files; open their folder instead")
    found = companion(path, name, request.follow_links, "its data file")
    return found.path, _whole(path, facts, "headersize", 0), [outside_note(path, found.path)] if found.outside else []


def _whole(path: Path, facts: dict[str, str], key: str, default: int) -> int:
    """A whole number of the header.

    Raises
    ------
    InputError
        When it is none.
    """
    text = facts.get(key, "") or str(default)
    if not re.fullmatch(r"-1|\d{1,18}", text):
        raise InputError(f"the header of {path.name} gives {key} as {text[:40]!r}, which is no number; mend it")
    return int(text)


def _source(
    path: Path, data: Path, shape: tuple[int, int, int], dtype: np.dtype, offset: int, facts: dict[str, str]
) -> Source:
    size, wanted = data.stat().st_size, bytes_of(shape, dtype)
    if facts.get("compresseddata", "False").lower() in ("true", "1"):
        packed = facts.get("compresseddatasize", "")
        check_size(data, size, max(offset, 0) + (int(packed) if re.fullmatch(r"\d{1,18}", packed) else 1), "its header")
        return DeflatedSource(data, shape, dtype, max(offset, 0), ZLIB)
    if facts.get("binarydata", "True").lower() in ("false", "0"):
        return text_voxels(data, max(offset, 0), shape, dtype, path.name)
    if offset < 0:
        offset = size - wanted
        check_size(data, size, wanted, "its header")
    check_size(data, size, offset + wanted, "its header")
    return FlatSource(data, shape, dtype, offset)


def _stated(path: Path, facts: dict[str, str]) -> list[Stated]:
    text = facts.get("elementspacing") or facts.get("elementsize")
    if not text:
        return []
    try:
        edges = [float(n) for n in text.split()][:3]
    except ValueError:
        return []
    if len(edges) != 3 or not all(math.isfinite(e) for e in edges):
        return []
    return [state(edges[::-1], facts.get("distanceunits"), f"ElementSpacing of {path.name}", usual="mm")]


READER = Reader((META,), open_metaimage)
