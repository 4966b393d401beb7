"""VGI headers of VGStudio (`.vgi` with its `.vol`): sections of `name = value`, axes x, y, z."""

import re
from pathlib import Path

import numpy as np

from ..ground.errors import InputError
from .companions import companion, outside_note
from .contract import Format, Found, Location, Reader, Request, check_size, head_of, looks_like_text
from .raw_source import FlatSource, bytes_of
from .stated import Stated, state
from .volume import check_dtype, check_shape

VGI = Format("VGStudio vgi", (".vgi",), "with its .vol, raw")
_MOST_BYTES = 1 << 20  # of the header


def open_vgi(location: Location, request: Request) -> Found:
    """A volume that a VGI header describes.

    Raises
    ------
    InputError
        When the header is incomplete, the data is missing or truncated, or it is no grey volume.
    """
    path = location.path
    sections = _sections(path)
    files = [(name, facts) for name, facts in sections if name.startswith("file")]
    if len(files) != 1:
        raise InputError(f"{path.name} describes {len(files)} data files, one is wanted; save the volume alone")
    facts = files[0][1]
    for name, more in sections:  # what the section of the file leaves out stands under [representation]
        if name == "representation":
            facts = {**more, **facts}
    kind = facts.get("fileformat", "raw").lower()
    if kind != "raw":
        raise InputError(f"{path.name} keeps its voxels as {kind}; raw is read, save it so")
    shape = _shape(path, facts)
    dtype = _dtype(path, facts)
    found = companion(path, facts.get("name", ""), request.follow_links, "its data file")
    skip = facts.get("skipheader", "0") or "0"
    if not re.fullmatch(r"\d{1,18}", skip):
        raise InputError(f"{path.name} gives SkipHeader as {skip[:40]!r}; mend it")
    check_size(found.path, found.path.stat().st_size, int(skip) + bytes_of(shape, dtype), path.name)
    notes = [outside_note(path, found.path)] if found.outside else []
    source = FlatSource(found.path, shape, dtype, int(skip))
    return Found(source, VGI.name, stated=_stated(path, sections), notes=notes, files=(path, found.path))


def _sections(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Names and values of the sections, all in lower case."""
    head = head_of(path, _MOST_BYTES)
    if not looks_like_text(head):
        raise InputError(f"{path.name} is not a VGI header; check the path")
    sections: list[tuple[str, dict[str, str]]] = []
    for line in head.decode("utf-8", "surrogateescape").splitlines():
        section = re.fullmatch(r"\s*\[\s*(\w+)\s*\]\s*", line)
        if section:
            sections.append((section[1].lower(), {}))
        elif "=" in line and sections:
            key, _, value = line.partition("=")
            sections[-1][1].setdefault(key.strip().lower().replace(" ", ""), value.strip().strip('"'))
    return sections


def _shape(path: Path, facts: dict[str, str]) -> tuple[int, int, int]:
    lengths = facts.get("size", "").split()
    if len(lengths) != 3 or not all(re.fullmatch(r"\d{1,9}", n) for n in lengths):
        raise InputError(f"{path.name} does not give Size as three lengths; save it again")
    x, y, z = (int(n) for n in lengths)
    check_shape((z, y, x), path.name)
    return z, y, x


def _dtype(path: Path, facts: dict[str, str]) -> np.dtype:
    word, bits = facts.get("datatype", "unsigned integer").lower(), facts.get("bitsperelement", "")
    letter = "f" if "float" in word else "u" if "unsigned" in word else "i" if "integer" in word else ""
    if not letter or bits not in ("8", "16", "32", "64") or (letter, bits) == ("f", "8"):
        raise InputError(f"{path.name} has voxels of type {word!r} and {bits or 'no'} bits; 8, 16, 32 and 64 are read")
    big = "big" in facts.get("endian", facts.get("byteorder", "")).lower()
    dtype = np.dtype(f"{letter}{int(bits) // 8}").newbyteorder(">" if big else "<")
    check_dtype(dtype, path.name)
    return dtype


def _stated(path: Path, sections: list[tuple[str, dict[str, str]]]) -> list[Stated]:
    for name, facts in sections:
        words = facts.get("resolution", "").split()
        if name != "geometry" or len(words) != 3:
            continue
        try:
            edges = [float(w) for w in words]
        except ValueError:
            return []
        return [state(edges[::-1], facts.get("unit"), f"resolution of {path.name}", usual="mm")]
    return []


READER = Reader((VGI,), open_vgi)
