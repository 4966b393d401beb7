"""A folder or glob of slices, one image file a plane, in natural order (slice2 before slice10)."""

import fnmatch
import glob
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..ground.errors import InputError
from .contract import Format, Found, Location, Reader, Request, check_magic, head_of, reading
from .joined import Joined, Looked
from .pictures import (
    EDF,
    EDF_FILE,
    PICTURES,
    EdfFrames,
    Head,
    decode_edf,
    decode_picture,
    edf_head,
    fabio_of,
    picture_head,
)
from .raw_source import fill_from
from .slice_names import ANOTHER_STACK, ordered
from .stated import Stated
from .tiff import open_tiff, photometric_notes
from .tiff_decode import TIFF, decode_page, grey_table, open_tifffile
from .tiff_pages import read_pages
from .tiff_size import sizes_in
from .volume import ArraySource, Box, Source, check_dtype, check_shape

SLICES = Format(
    "folder or glob of slices",
    (),
    "TIFF, PNG, BMP, GIF, JPEG, JPEG 2000 or EDF, one plane a file, in natural order; or several multi-page TIFFs",
)
SUFFIXES = (*TIFF.suffixes, *PICTURES, *EDF)


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
    if location.path.is_file():
        return _single(location.path)
    name = location.path.name
    files, others = find_slices(location.path)
    paths, notes = ordered(files, name)
    notes = [*others, *notes]
    if len(paths) == 1 and paths[0].suffix.lower() in TIFF.suffixes:
        found = open_tiff(Location(paths[0]), request)
        return replace(found, notes=[*notes, *found.notes, f"{name} holds one file, {paths[0].name}: it is read"])
    if len(paths) > 1 and _pages(paths[0]) > 1 and _pages(paths[1]) > 1:
        return _stacks(paths, name, request, notes)
    heads = [_head(path) for path in paths]
    _check_alike(paths, heads)
    first = heads[0]
    shape = (len(paths), *first.shape)
    check_shape(shape, name)
    check_dtype(first.dtype, paths[0].name)
    # a file in another byte order than the first is left to the decoder
    plain = np.array([h.plain if h.dtype == first.dtype else -1 for h in heads], np.int64)
    source: Source = SliceFiles(paths, shape, first.dtype, plain)
    if first.plain < 0:
        source.read(((0, 1), (0, shape[1]), (0, shape[2])))  # a compression nobody can read is refused at once
    if first.remark:
        notes.append(f"the slices of {name} {first.remark}")
    stated: list[Stated] = []
    if paths[0].suffix.lower() in TIFF.suffixes:
        source, stated, more = _tiff_facts(paths[0], source, name)
        notes += more
    elif first.samples > 1:
        notes.append(f"the slices of {name} are stored in {first.samples} channels that agree: one is read")
    links = sum(p.is_symlink() for p in paths)
    if links:
        notes.append(f"{links} of the {len(paths)} slices of {name} are links to files elsewhere")
    return Found(source, SLICES.name, stated=stated, notes=notes, files=tuple(paths))


def _tiff_facts(path: Path, source: Source, name: str) -> tuple[Source, list[Stated], list[str]]:
    """Voxel size, colours and notes as the first slice says."""
    with reading(path, TIFF), open_tifffile(path) as tif:
        stated, table = sizes_in(tif, path), grey_table(tif.pages.first)
    if table is not None and source.dtype == np.uint8:
        source = Looked(source, table)
    page = read_pages(path)[1][0]
    return source, stated, photometric_notes(page, f"the first slice of {name}", table is not None)


def _pages(path: Path) -> int:
    if path.suffix.lower() not in TIFF.suffixes or not head_of(path, 4).startswith(TIFF.magic):
        return 1
    return sum(not page.reduced for page in read_pages(path)[1])


def _stacks(paths: list[Path], name: str, request: Request, notes: list[str]) -> Found:
    """Several multi-page files, one behind the other."""
    found = [open_tiff(Location(path), request) if _pages(path) > 1 else _one_plane(path) for path in paths]
    first = found[0]
    for path, other in zip(paths, found):
        same = other.source.shape[1:] == first.source.shape[1:] and other.source.dtype == first.source.dtype
        if not same or other.axes != "zyx":
            raise InputError(
                f"{path.name} in {name} has planes of another shape, type or axis order than {paths[0].name}; the "
                "parts of a volume must agree"
            )
    planes = " + ".join(str(f.source.shape[0]) for f in found[:4]) + (" + ..." if len(found) > 4 else "")
    notes = [*notes, *first.notes, f"the {len(paths)} stacks of {name} are read one behind the other ({planes} planes)"]
    return Found(Joined([f.source for f in found]), SLICES.name, stated=first.stated, notes=notes, files=tuple(paths))


def _one_plane(path: Path) -> Found:
    """A part of one page, as the last may be."""
    head = _head(path)
    source = SliceFiles([path], (1, *head.shape), head.dtype, np.array([head.plain], np.int64))
    return Found(source, SLICES.name, files=(path,))


def _single(path: Path) -> Found:
    """One file of a kind that is mostly a slice: an EDF file may hold a volume."""
    if path.suffix.lower() not in EDF:
        raise InputError(
            f"{path.name} is a 2D image, one slice; give its folder, or '{path.parent.name}/*{path.suffix}'"
        )
    with reading(path, EDF_FILE):
        image = fabio_of(path).openheader(str(path))
        shape, dtype, frames = tuple(image.shape), np.dtype(image.dtype), int(image.nframes)
    if frames == 1 and len(shape) == 3:
        pixels = decode_edf(path)
        check_shape(pixels.shape, path.name)
        return Found(ArraySource(pixels), "EDF", files=(path,))
    if frames < 2 or len(shape) != 2:
        raise InputError(
            f"{path.name} is a 2D image, one slice; give its folder, or '{path.parent.name}/*{path.suffix}'"
        )
    whole = (frames, int(shape[0]), int(shape[1]))
    check_shape(whole, path.name)
    check_dtype(dtype, path.name)
    return Found(EdfFrames(path, whole, dtype), "EDF", files=(path,))


def find_slices(path: Path) -> tuple[list[Path], list[str]]:
    """Image files of a folder or glob, of the commonest kind, and a note about a few others.

    Raises
    ------
    InputError
        When there are none, or several kinds.
    """
    if path.is_dir():
        names = [p for p in path.iterdir() if p.suffix.lower() in SUFFIXES]
        where = f"the folder {path.name}"
    else:
        names = _matching(path)
        where = f"the pattern {path.name}"
    # ._x are the shadows macOS leaves on other disks
    files = [p for p in names if not p.name.startswith(".") and p.is_file()]
    if not files:
        raise InputError(f"{where} matches no slices; files ending in {', '.join(SUFFIXES)} are read")
    strange = next((p for p in files if p.suffix.lower() not in SUFFIXES), None)
    if strange is not None:
        raise InputError(f"{where} matches {strange.name}; slices end in {', '.join(SUFFIXES)}")
    kinds = Counter(_kind(p) for p in files)
    (main, most), *others = kinds.most_common()
    few = sum(count for _, count in others)
    if few >= max(2, ANOTHER_STACK * most):
        found, folder = ", ".join(sorted(kinds)), path if path.is_dir() else path.parent
        raise InputError(
            f"{where} holds slices of several formats ({found}); name one kind, as in '{folder.name}/*{main}'"
        )
    odd = sorted(p.name for p in files if _kind(p) != main)
    notes = (
        [f"{', '.join(odd[:3])} in {path.name} is of another format than the {most} slices and left out"] if odd else []
    )
    return [p for p in files if _kind(p) == main], notes


def _matching(path: Path) -> list[Path]:
    """Files of a pattern; brackets in the folder's own name are letters, and so are those of a file that has them."""
    if not path.parent.is_dir():
        return [Path(p) for p in glob.glob(str(path))]
    names = list(path.parent.iterdir())
    found = [p for p in names if fnmatch.fnmatchcase(p.name, path.name)]
    return found or [p for p in names if fnmatch.fnmatchcase(p.name, path.name.replace("[", "[[]"))]


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    return TIFF.suffixes[0] if suffix in TIFF.suffixes else suffix


def _check_alike(paths: list[Path], heads: list[Head]) -> None:
    def words(head: Head) -> str:
        colour = f" x {head.samples} samples" if head.samples > 1 else ""
        return f"{head.shape[0]} x {head.shape[1]}{colour} {head.dtype.newbyteorder('=')}"

    for path, head in zip(paths, heads):
        if words(head) != words(heads[0]):
            raise InputError(
                f"the slice {path.name} is {words(head)}, {paths[0].name} is {words(heads[0])}; the slices of a volume "
                "must agree"
            )


def _head(path: Path) -> Head:
    if path.stat().st_size == 0:
        raise InputError(f"the slice {path.name} is empty (0 bytes); copy it again")
    if path.suffix.lower() in TIFF.suffixes:
        return _tiff_head(path)
    return edf_head(path) if path.suffix.lower() in EDF else picture_head(path)


def _tiff_head(path: Path) -> Head:
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
        return Head((page.height, page.width), page.dtype(order), page.plain, 1)
    with reading(path, TIFF), open_tifffile(path) as tif:
        return Head((page.height, page.width), np.dtype(tif.pages.first.dtype), -1, page.samples)


def _decoder(path: Path) -> Callable[[Path], np.ndarray]:
    suffix = path.suffix.lower()
    return _decode_tiff if suffix in TIFF.suffixes else decode_edf if suffix in EDF else decode_picture


def _decode_tiff(path: Path) -> np.ndarray:
    with open_tifffile(path) as tif:
        return decode_page(tif.pages.first, None, path.name)


READER = Reader((SLICES,), open_slices)
