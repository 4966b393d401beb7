"""A folder or glob of slices, one image file a plane, in natural order (slice2 before slice10)."""

import glob
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError, MissingLibraryError
from ..volume import Box, check_dtype, check_shape
from .flat import fill_from
from .found import Format, Found, Location, Reader, Request, check_magic, reading
from .tiff import open_tiff
from .tiff_decode import TIFF, decode_page, one_channel, open_tifffile
from .tiff_pages import read_pages
from .tiff_size import sizes_in

SLICES = Format("folder or glob of slices", (), "TIFF, PNG, JPEG 2000 or EDF, one plane a file, in natural order")
_PICTURES = (".png", ".jp2", ".bmp")
_EDF = (".edf",)
SUFFIXES = (*TIFF.suffixes, *_PICTURES, *_EDF)


class _Head(NamedTuple):
    """What the header of a slice says: its size, type, where plain pixels begin (-1: must be decoded), its samples."""

    shape: tuple[int, int]
    dtype: np.dtype
    plain: int
    samples: int


class SliceFiles:
    """Planes that are files of their own.

    Parameters
    ----------
    paths : list of Path
        One a plane, in order.
    shape : tuple of int
        Planes, height, width.
    dtype : dtype
        Type of a voxel, with the byte order of plain pixels.
    plain : (planes,) int64
        Byte where the pixels of each file begin, -1 where they must be decoded.
    """

    def __init__(self, paths: list[Path], shape: tuple[int, int, int], dtype: np.dtype, plain: np.ndarray) -> None:
        self.paths, self.shape, self.stored, self.plain = paths, shape, np.dtype(dtype), plain
        self.dtype = self.stored.newbyteorder("=")
        self.chunk = (1, shape[1], shape[2])

    def read(self, box: Box) -> np.ndarray:
        """Voxels of the half-open ranges `box`."""
        (a, b), (r0, r1), (c0, c1) = box
        out = np.empty((b - a, r1 - r0, c1 - c0), self.dtype)
        for i in range(a, b):
            out[i - a] = self.plane(i)[r0:r1, c0:c1]
        return out

    def plane(self, index: int) -> np.ndarray:
        """One plane."""
        path = self.paths[index]
        if self.plain[index] < 0:
            return _decoder(path)(path)
        pixels = np.empty(self.shape[1:], self.stored)
        fd = os.open(path, os.O_RDONLY)
        try:
            fill_from(fd, pixels, int(self.plain[index]), path)
        finally:
            os.close(fd)
        return pixels


def open_slices(location: Location, request: Request) -> Found:
    """The slices of a folder or glob.

    Raises
    ------
    InputError
        When there are none, one cannot be read, or they differ in shape or type.
    """
    paths = find_slices(location.path)
    if len(paths) == 1 and paths[0].suffix.lower() in TIFF.suffixes:
        found = open_tiff(Location(paths[0]), request)
        return replace(found, notes=[*found.notes, f"{location.path.name} holds one file, {paths[0].name}: it is read"])
    heads = [_head(path) for path in paths]
    _check_alike(paths, heads)
    first = heads[0]
    shape = (len(paths), *first.shape)
    check_shape(shape, location.path.name)
    check_dtype(first.dtype, paths[0].name)
    # a file in another byte order than the first is left to the decoder
    plain = np.array([h.plain if h.dtype == first.dtype else -1 for h in heads], np.int64)
    source = SliceFiles(paths, shape, first.dtype, plain)
    if first.plain < 0:
        source.plane(0)  # a compression nobody can read is refused before the work begins
    stated = []
    if paths[0].suffix.lower() in TIFF.suffixes:
        with reading(paths[0], TIFF), open_tifffile(paths[0]) as tif:
            stated = sizes_in(tif, paths[0])
    notes = _order_notes(paths, location.path.name)
    if first.samples > 1:
        notes.append(
            f"the slices of {location.path.name} are stored in {first.samples} channels that agree: one is read"
        )
    return Found(source, SLICES.name, stated=stated, notes=notes, files=tuple(paths))


def find_slices(path: Path) -> list[Path]:
    """Image files of a folder or glob, of the commonest kind, in natural order.

    Raises
    ------
    InputError
        When there are none.
    """
    if path.is_dir():
        names = [p for p in path.iterdir() if p.suffix.lower() in SUFFIXES]
        where = f"the folder {path.name}"
    else:
        names = [Path(p) for p in glob.glob(str(path))]
        where = f"the pattern {path.name}"
    # ._x are the shadows macOS leaves on other disks
    files = [p for p in names if not p.name.startswith(".") and p.is_file()]
    if not files:
        raise InputError(f"{where} matches no slices; files ending in {', '.join(SUFFIXES)} are read")
    strange = next((p for p in files if p.suffix.lower() not in SUFFIXES), None)
    if strange is not None:
        raise InputError(f"{where} matches {strange.name}; slices end in {', '.join(SUFFIXES)}")
    kinds = [_kind(p) for p in files]
    if len(set(kinds)) > 1:
        found = ", ".join(sorted(set(kinds)))
        raise InputError(f"{where} holds slices of several formats ({found}); name one kind, as in '{path.name}/*.tif'")
    return sorted(files, key=natural_key)


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Sorting key in which numbers inside names count as numbers."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(1, int(p), p) if p.isdigit() else (0, 0, p) for p in parts]


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    return TIFF.suffixes[0] if suffix in TIFF.suffixes else suffix


def _check_alike(paths: list[Path], heads: list[_Head]) -> None:
    def words(head: _Head) -> str:
        colour = f" x {head.samples} samples" if head.samples > 1 else ""
        return f"{head.shape[0]} x {head.shape[1]}{colour} {head.dtype.newbyteorder('=')}"

    for path, head in zip(paths, heads):
        if words(head) != words(heads[0]):
            raise InputError(
                f"the slice {path.name} is {words(head)}, {paths[0].name} is {words(heads[0])}; the slices of a volume "
                "must agree"
            )


def _order_notes(paths: list[Path], name: str) -> list[str]:
    """Gaps in the numbering, and names that look like several stacks."""
    stems = {re.sub(r"\d+(?=\D*$)", "#", p.name.lower(), count=1) for p in paths}
    if len(stems) > 1:
        return [f"the slices of {name} have {len(stems)} kinds of names: one stack is read, in natural order"]
    found = [re.findall(r"\d+", p.stem) for p in paths]
    numbers = [int(f[-1]) for f in found if f]
    missing = (numbers[-1] - numbers[0] + 1 - len(numbers)) if len(numbers) == len(paths) else 0
    if missing > 0:
        return [f"the numbers of the slices of {name} have gaps: {missing} between the first and the last are missing"]
    return []


def _head(path: Path) -> _Head:
    if path.stat().st_size == 0:
        raise InputError(f"the slice {path.name} is empty (0 bytes); copy it again")
    if path.suffix.lower() in TIFF.suffixes:
        return _tiff_head(path)
    return _edf_head(path) if path.suffix.lower() in _EDF else _picture_head(path)


def _tiff_head(path: Path) -> _Head:
    check_magic(path, TIFF)
    order, pages = read_pages(path)
    whole = [p for p in pages if not p.reduced] or pages
    if len(whole) > 1:
        raise InputError(
            f"{path.name} holds {len(whole)} pages where one plane is wanted; open it as a volume of its own"
        )
    page = whole[0]
    if page.bits == 24:
        raise InputError(f"{path.name} holds voxels of 24 bits; save the slices with 16 or 32 bits, or as one stack")
    if page.plain >= 0:
        return _Head((page.height, page.width), page.dtype(order), page.plain, 1)
    with reading(path, TIFF), open_tifffile(path) as tif:
        return _Head((page.height, page.width), np.dtype(tif.pages.first.dtype), -1, page.samples)


def _picture_head(path: Path) -> _Head:
    from PIL import Image

    with reading(path, SLICES), Image.open(path) as picture:
        width, height = picture.size
        bands, mode = picture.getbands(), picture.mode
    types = {"1": "?", "I;16": "<u2", "I;16B": ">u2", "I": "i4", "F": "f4"}
    return _Head((height, width), np.dtype(types.get(mode, "u1")).newbyteorder("="), -1, len(bands))


def _edf_head(path: Path) -> _Head:
    with reading(path, SLICES):
        image = _fabio(path).openheader(str(path))
    if image.nframes > 1:
        raise InputError(f"{path.name} holds {image.nframes} frames where one plane is wanted; save it as a TIFF stack")
    height, width = image.shape
    return _Head((height, width), np.dtype(image.dtype).newbyteorder("="), -1, 1)


def _decoder(path: Path) -> Callable[[Path], np.ndarray]:
    suffix = path.suffix.lower()
    return _decode_tiff if suffix in TIFF.suffixes else _decode_edf if suffix in _EDF else _decode_picture


def _decode_tiff(path: Path) -> np.ndarray:
    with open_tifffile(path) as tif:
        return decode_page(tif.pages.first, None, path.name)


def _decode_picture(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as picture:
        pixels = np.asarray(picture)
    return pixels if pixels.ndim == 2 else one_channel(pixels, path.name)


def _decode_edf(path: Path) -> np.ndarray:
    return np.asarray(_fabio(path).open(str(path)).data)


def _fabio(path: Path) -> Any:
    try:
        import fabio
    except ImportError:
        raise MissingLibraryError(
            f"{path.name} is an EDF file and the library fabio is not installed; pip install 'morphct[formats]'"
        ) from None
    return fabio


READER = Reader((SLICES,), open_slices)
