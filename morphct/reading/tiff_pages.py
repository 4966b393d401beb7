"""The pages of a TIFF file as its directories describe them, read without a decoder.

A file of thousands of pages is walked once at the start, so that pages that differ, a chain that breaks off and data
beyond the end of the file are found before anything is computed. Layout: TIFF 6.0 and BigTIFF specifications.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from ..ground.errors import InputError

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIPS, _SAMPLES, _STRIP_BYTES, _PREDICTOR, _TILES, _TILE_BYTES, _KIND = 273, 277, 279, 317, 324, 325, 339
_SUBFILE, _DEPTH = 254, 32997
_WANTED = {_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _STRIPS, _SAMPLES, _STRIP_BYTES}
_WANTED |= {_PREDICTOR, _TILES, _TILE_BYTES, _KIND, _SUBFILE, _DEPTH}
_TYPES = {1: "u1", 3: "u2", 4: "u4", 6: "i1", 8: "i2", 9: "i4", 13: "u4", 16: "u8", 17: "i8", 18: "u8"}
_MOST_TAGS = 4096
_NUMPY_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}


@dataclass(frozen=True)
class Page:
    """One page (directory) of a TIFF file.

    Parameters
    ----------
    offset : int
        Byte where its directory begins.
    height, width : int
        Size in pixels.
    samples, bits, kind : int
        Samples a pixel, bits a sample, sample format (1 unsigned, 2 signed, 3 float, 5 and 6 complex).
    photometric : int
        0 white is zero, 1 black is zero, 2 RGB, 3 palette.
    plain : int
        Byte where uncompressed pixels begin that lie in one piece, else -1.
    end : int
        Byte after its pixels.
    reduced : bool
        A smaller copy of another page.
    """

    offset: int
    height: int
    width: int
    samples: int
    bits: int
    kind: int
    photometric: int
    plain: int
    end: int
    reduced: bool

    @property
    def look(self) -> tuple[int, ...]:
        """What must agree between the planes of one volume."""
        return self.height, self.width, self.samples, self.bits, self.kind

    @property
    def words(self) -> str:
        """Size and type for messages."""
        kind = {1: "unsigned", 2: "signed", 3: "float"}.get(self.kind, "other")
        colour = f" x {self.samples} samples" if self.samples > 1 else ""
        return f"{self.height} x {self.width}{colour} of {self.bits} bits {kind}"

    def dtype(self, order: str) -> np.dtype:
        """Type of an uncompressed pixel in the byte order of the file."""
        return np.dtype(f"{_NUMPY_KINDS[self.kind]}{self.bits // 8}").newbyteorder("<" if order == "<" else ">")


def read_pages(path: Path) -> tuple[str, list[Page]]:
    """Byte order (`<` or `>`) and pages of a TIFF file.

    Raises
    ------
    InputError
        When the file is truncated or damaged.
    """
    size = path.stat().st_size
    pages: list[Page] = []
    seen: set[int] = set()
    with open(path, "rb") as handle:
        try:
            file, offset = _header(handle, size)
            while offset:
                if offset in seen:
                    raise InputError(f"{path.name} is damaged: its chain of pages runs in a circle; save it again")
                seen.add(offset)
                page, offset = _page(file, offset)
                pages.append(page)
        except (struct.error, ValueError, KeyError, EOFError) as error:
            where = f"after {len(pages)} whole pages" if pages else "in its first page"
            raise InputError(f"{path.name} is truncated or damaged: it ends {where}; copy it again") from error
    if not pages:
        raise InputError(f"{path.name} is a TIFF file without a page; save it again")
    for number, page in enumerate(pages):
        if page.end > size:
            raise InputError(
                f"{path.name} is truncated: page {number + 1} of {len(pages)} ends at byte {page.end:,}, the file has "
                f"{size:,}; copy it again"
            )
    return file.order, pages


class _File(NamedTuple):
    """An opened TIFF file: its byte order, whether it is a BigTIFF, its size."""

    handle: BinaryIO
    order: str
    big: bool
    size: int

    def at(self, offset: int, count: int) -> bytes:
        if offset + count > self.size:
            raise EOFError("beyond the end of the file")
        self.handle.seek(offset)
        return self.handle.read(count)


def _header(handle: BinaryIO, size: int) -> tuple[_File, int]:
    head = handle.read(16)
    order = {b"II": "<", b"MM": ">"}[head[:2]]
    (version,) = struct.unpack(order + "H", head[2:4])
    (offset,) = struct.unpack(order + "Q", head[8:16]) if version == 43 else struct.unpack(order + "I", head[4:8])
    return _File(handle, order, version == 43, size), offset


def _page(file: _File, offset: int) -> tuple[Page, int]:
    """The page whose directory begins at a byte, and the byte of the next directory (0: the last one)."""
    order, big = file.order, file.big
    count_format, next_format, entry = ("Q", "Q", 20) if big else ("H", "I", 12)
    start = offset + struct.calcsize(count_format)
    (count,) = struct.unpack(order + count_format, file.at(offset, start - offset))
    if count > _MOST_TAGS:
        raise ValueError("too many tags")
    body = file.at(start, count * entry + struct.calcsize(next_format))
    (following,) = struct.unpack(order + next_format, body[count * entry :])
    tags = {}
    for i in range(count):
        code, kind, number = struct.unpack_from(order + ("HHQ" if big else "HHI"), body, i * entry)
        if code in _WANTED and kind in _TYPES:
            inline = body[i * entry + (12 if big else 8) : (i + 1) * entry]
            tags[code] = _values(file, np.dtype(order + _TYPES[kind]), number, inline)
    return _described(offset, tags), following


def _values(file: _File, dtype: np.dtype, number: int, inline: bytes) -> np.ndarray:
    wanted = number * dtype.itemsize
    if wanted <= len(inline):
        return np.frombuffer(inline[:wanted], dtype)
    (offset,) = struct.unpack(file.order + ("Q" if file.big else "I"), inline)
    return np.frombuffer(file.at(offset, wanted), dtype)


def _described(offset: int, tags: dict[int, np.ndarray]) -> Page:
    def one(code: int, default: int) -> int:
        return int(tags[code][0]) if code in tags and tags[code].size else default

    if one(_DEPTH, 1) > 1:
        raise InputError("a TIFF page that holds a whole volume (ImageDepth) is not read; save it as a stack of pages")
    starts = tags.get(_TILES, tags.get(_STRIPS, np.zeros(0, np.int64))).astype(np.int64)
    counts = tags.get(_TILE_BYTES, tags.get(_STRIP_BYTES, np.zeros(0, np.int64))).astype(np.int64)
    height, width, samples, bits = one(_HEIGHT, 0), one(_WIDTH, 0), one(_SAMPLES, 1), one(_BITS, 1)
    if not height or not width or not starts.size:
        raise ValueError("no pixels")
    untouched = one(_COMPRESSION, 1) == 1 and one(_FILL_ORDER, 1) == 1 and one(_PREDICTOR, 1) == 1
    whole = bits in (8, 16, 24, 32, 64) and samples == 1 and one(_KIND, 1) in _NUMPY_KINDS and _TILES not in tags
    in_a_row = starts.size == 1 or (
        counts.size == starts.size and bool((starts[:-1] + counts[:-1] == starts[1:]).all())
    )
    plain = int(starts[0]) if untouched and whole and in_a_row else -1
    if plain >= 0:  # byte counts of uncompressed pages are wrong in some files; the size is not
        end = plain + height * width * (bits // 8)
    else:
        end = int((starts + counts).max()) if counts.size == starts.size else int(starts.max())
    reduced = bool(one(_SUBFILE, 0) & 1)
    return Page(offset, height, width, samples, bits, one(_KIND, 1), one(_PHOTOMETRIC, 1), plain, end, reduced)
