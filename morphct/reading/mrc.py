"""MRC volumes (`.mrc`, `.rec`, `.map`); the header is read by mrcfile, the voxels lie plainly behind it."""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from ..ground.errors import InputError, MissingLibraryError
from .contract import Format, Found, Location, Reader, Request, check_size, head_of, looks_like_text, reading
from .raw_source import FlatSource, bytes_of
from .stated import state
from .volume import check_dtype, check_shape

MRC = Format("MRC", (".mrc", ".rec", ".map"), "tomograms", extra="mrcfile")
TILTS = Format(
    "MRC tilt series",
    (".st", ".ali", ".preali"),
    "not read",
    refused="is named like a tilt series of projections, not a volume; reconstruct it and give the .rec or .mrc",
)
_HEADER_BYTES = 1024
_IMOD_STAMP = 1146047817
_VOLUME_STACK = 401  # space group from which on several volumes lie one behind the other
_ANGSTROM_DIGITS = 7  # cell edges are single precision


def open_mrc(location: Location, request: Request) -> Found:
    """An MRC volume.

    Raises
    ------
    InputError
        When the header is damaged, the data is truncated, or it is no grey volume.
    MissingLibraryError
        When mrcfile is not installed.
    """
    path = location.path
    head = head_of(path, _HEADER_BYTES)
    if looks_like_text(head):
        raise InputError(f"{path.name} is named like an MRC file but is a text file; check the path")
    check_size(path, len(head), _HEADER_BYTES, "an MRC header")
    header = _header(path)
    shape = (int(header.nz), int(header.ny), int(header.nx))
    check_shape(shape, path.name)
    for angles in (path.with_suffix(".rawtlt"), path.with_suffix(".tlt")):
        if path.suffix.lower() != ".rec" and angles.is_file() and len(angles.read_text("latin-1").split()) == shape[0]:
            raise InputError(
                f"{path.name} holds projections, not a volume ({angles.name} has an angle for each); give the "
                "reconstruction"
            )
    if int(header.ispg) >= _VOLUME_STACK:
        raise InputError(f"{path.name} holds several volumes; save one of them alone")
    dtype, notes = _dtype(path, header, head)
    axes = _axes(path, header)
    offset = _HEADER_BYTES + int(header.nsymbt)
    check_size(path, path.stat().st_size, offset + bytes_of(shape, dtype), "its header")
    cell, counts = (header.cella.x, header.cella.y, header.cella.z), (header.mx, header.my, header.mz)
    edge = {a: float(f"{float(c) / max(int(n), 1):.{_ANGSTROM_DIGITS}g}") for a, c, n in zip("xyz", cell, counts)}
    stated = [state([edge[a] for a in axes], "angstrom", f"cell of {path.name}")]
    source = FlatSource(path, shape, dtype, offset)
    return Found(source, MRC.name, axes=axes, stated=stated, notes=notes, files=(path,))


def _header(path: Path) -> Any:
    try:
        import mrcfile
    except ImportError:
        raise MissingLibraryError(
            f"{path.name} is an MRC file and the library mrcfile is not installed; pip install 'morphct[formats]'"
        ) from None
    with reading(path, MRC), mrcfile.open(path, header_only=True) as file:
        header = file.header
        if int(header.nsymbt) < 0:
            raise ValueError("its extended header has a negative length")
        return header.copy()


def _dtype(path: Path, header: Any, head: bytes) -> tuple[np.dtype, list[str]]:
    from mrcfile.utils import data_dtype_from_header

    with reading(path, MRC):
        dtype = np.dtype(data_dtype_from_header(header))
    if dtype != np.int8:
        check_dtype(dtype, path.name)
        return dtype, []
    # IMOD says in its own corner of the header whether bytes are signed; its older files have unsigned ones
    stamp, flags = struct.unpack(("<" if header.nx.dtype.byteorder in "=<" else ">") + "ii", head[152:160])
    signed = stamp != _IMOD_STAMP or bool(flags & 1)
    word = "signed, as the format says" if signed else "unsigned, as IMOD writes them"
    return np.dtype("i1" if signed else "u1"), [f"the bytes of {path.name} are read as {word}"]


def _axes(path: Path, header: Any) -> str:
    """Order of the stored axes, slowest first."""
    order = [int(n) for n in (header.maps, header.mapr, header.mapc)]
    if order == [0, 0, 0]:
        return "zyx"
    if sorted(order) != [1, 2, 3]:
        raise InputError(
            f"{path.name} orders its axes as {order}, which is no order of 1, 2, 3; give --axes and mend it"
        )
    return "".join(" xyz"[n] for n in order)


READER = Reader((MRC, TILTS), open_mrc)
