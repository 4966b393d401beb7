"""NumPy `.npz` archives: the only volume inside, or `file.npz::name`; stored or compressed, never unpacked whole."""

import struct
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..ground.errors import InputError
from .contract import Format, Found, Location, Reader, Request, check_magic, check_size, reading
from .gzip_source import RAW_DEFLATE, DeflatedSource
from .hierarchy import near_names, only_one
from .projections import refuse_projections
from .raw_source import FlatSource, bytes_of
from .volume import Source, check_dtype, check_shape

NPZ = Format("NumPy npz", (".npz",), "stored or compressed, file.npz::name", (b"PK\x03\x04",))
_MOST_HEADER = 1 << 16


class _Member(NamedTuple):
    """An array of the archive: where its member begins, how it is packed, what its own header says."""

    start: int
    packed: bool
    size: int
    header: int
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype


def open_npz(location: Location, request: Request) -> Found:
    """An array of an archive.

    Raises
    ------
    InputError
        When it is no such archive, the array is not there, or it is no grey volume.
    """
    path = location.path
    check_magic(path, NPZ)
    with reading(path, NPZ), zipfile.ZipFile(path) as archive:
        members = {m.filename.removesuffix(".npy"): m for m in archive.infolist() if m.filename.endswith(".npy")}
        found = {name: _member(path, archive, info) for name, info in members.items()}
    name = (location.dataset or "").strip("/")
    if not name:
        name = only_one([n for n, m in found.items() if sum(k > 1 for k in m.shape) >= 3], path.name, "array", "")
    if name not in found:
        raise InputError(f"{path.name} has no array {name}; {near_names(name, found)}")
    member, what = found[name], f"{path.name}::{name}"
    refuse_projections(what, member.shape, {n: m.shape for n, m in found.items() if n != name})
    kept = tuple(n for n in member.shape if n != 1) if len(member.shape) > 3 else member.shape
    check_shape(kept, what)
    check_dtype(member.dtype, what)
    stored = (kept[2], kept[1], kept[0]) if member.fortran else (kept[0], kept[1], kept[2])
    wanted = member.header + bytes_of(stored, member.dtype)
    check_size(path, member.size, wanted, "the header of " + name)
    source: Source
    if member.packed:
        source = DeflatedSource(path, stored, member.dtype, member.start, RAW_DEFLATE, member.header)
    else:
        check_size(path, path.stat().st_size, member.start + wanted, "its header")
        source = FlatSource(path, stored, member.dtype, member.start + member.header)
    return Found(source, NPZ.name, reversed=member.fortran, dataset=name, files=(path,))


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Member:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(f"{path.name} is packed in a way NumPy does not use; save it with numpy.savez")
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file, max_header_size=_MOST_HEADER)
        header = file.tell()
    with open(path, "rb") as raw:  # the local header has lengths of its own
        raw.seek(info.header_offset + 26)
        name_length, extra = struct.unpack("<HH", raw.read(4))
    if dtype.hasobject:
        dtype = np.dtype("V1")  # refused where it is the one that is wanted
    start = info.header_offset + 30 + name_length + extra
    return _Member(start, info.compress_type != zipfile.ZIP_STORED, info.file_size, header, shape, fortran, dtype)


READER = Reader((NPZ,), open_npz)
