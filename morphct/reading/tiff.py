"""TIFF stacks in one file: multi-page, BigTIFF, OME, ImageJ (also above 4 GiB with one page), 1-bit, compressed."""

import itertools
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..ground.errors import InputError
from .companions import companion, outside_note
from .contract import Found, Location, Reader, Request, check_magic, check_size, reading
from .hierarchy import fold
from .joined import Joined, Looked, ThreeBytes
from .raw_source import FlatSource
from .reopened import Reopened
from .stated import Stated
from .tiff_decode import TIFF, decode_page, grey_table, open_tifffile
from .tiff_pages import Page, read_pages
from .tiff_size import sizes_in
from .volume import Box, Source, check_dtype, check_shape

_PALETTE, _WHITE_IS_ZERO = 3, 0
_WIDE_BITS = 24


class _Layout(NamedTuple):
    """Planes of a volume inside a TIFF file: the bytes where their directories begin, or one run of plain pixels.

    `axes` are those the header states, `image` the number of the image among those of the file, `others` the file of
    each plane where they lie in several.
    """

    directories: list[int]
    plain: int
    shape: tuple[int, int, int]
    notes: list[str]
    axes: str = "zyx"
    image: int = 0
    others: tuple[Path, ...] = ()


class TiffPages:
    """Planes that must be decoded, each a page.

    Parameters
    ----------
    path : Path
        The file.
    directories : (planes,) int64
        Byte where the directory of each page begins.
    shape : tuple of int
        Planes, height, width.
    dtype : dtype
        Type of a voxel.
    """

    def __init__(self, path: Path, directories: np.ndarray, shape: tuple[int, int, int], dtype: np.dtype) -> None:
        self.path, self.directories, self.shape = path, directories, shape
        self.dtype = np.dtype(dtype).newbyteorder("=")
        self.chunk = (1, shape[1], shape[2])
        self.file = Reopened(partial(open_tifffile, path))

    def read(self, box: Box) -> np.ndarray:
        """Voxels of the half-open ranges `box`; pages are decoded one at a time."""
        (a, b), (r0, r1), (c0, c1) = box
        out = np.empty((b - a, r1 - r0, c1 - c0), self.dtype)
        for i in range(a, b):
            out[i - a] = self.plane(i)[r0:r1, c0:c1]
        return out

    def plane(self, index: int) -> np.ndarray:
        """One decoded plane."""
        import tifffile

        with self.file.lock:
            tif = self.file.get()
            tif.filehandle.seek(int(self.directories[index]))
            with reading(self.path, TIFF):
                page = tifffile.TiffPage(tif, index)
        return decode_page(page, self.file.lock, f"plane {index} of {self.path.name}")


def open_tiff(location: Location, request: Request) -> Found:
    """A volume in a TIFF file.

    Raises
    ------
    InputError
        When the file is truncated or damaged, a colour image, a single image, or its pages differ.
    MissingLibraryError
        When its compression needs imagecodecs.
    """
    path = location.path
    check_magic(path, TIFF)
    order, pages = read_pages(path)
    with reading(path, TIFF), open_tifffile(path) as tif:
        notes = _check_parts(tif, path, request)
        layout = _described(tif, path) if _is_described(tif) else None
        stated = sizes_in(tif, path, layout.image if layout else 0)
        first = tif.pages.first
        dtype = np.dtype(first.dtype) if first.dtype is not None else np.dtype("V1")
        table = grey_table(first)
    if layout is None:
        chosen = [p for p in pages if not p.reduced] or pages
        shape = (len(chosen), chosen[0].height, chosen[0].width)
        check_shape(shape, path.name)
        layout = _Layout([p.offset for p in chosen], -1, shape, [])
    check_dtype(dtype, path.name)
    if layout.others:
        source, files = _several_files(layout, dtype), tuple(dict.fromkeys((path, *layout.others)))
    else:
        source, files = _source(path, layout, {p.offset: p for p in pages}, order, dtype), (path,)
    if table is not None and source.dtype.kind == "u" and table.size > np.iinfo(source.dtype).max:
        source = Looked(source, table)
    notes += layout.notes + photometric_notes(pages[0], path.name, table is not None)
    return Found(source, TIFF.name, axes=layout.axes, stated=_turned(stated, layout.axes), notes=notes, files=files)


def _turned(stated: list[Stated], axes: str) -> list[Stated]:
    """Sizes along z, y, x as sizes along the stored axes."""
    turned = []
    for size in stated:
        if size.edges is not None:
            first, second, third = (size.edges["zyx".index(a)] for a in axes)
            size = replace(size, edges=(first, second, third))
        turned.append(size)
    return turned


def _check_parts(tif: Any, path: Path, request: Request) -> list[str]:
    """Check the other files of an OME image before tifffile opens them; notes about those outside."""
    notes = []
    for name in sorted(set(re.findall(r'FileName="([^"]+)"', tif.ome_metadata or ""))) if tif.is_ome else []:
        if name != path.name:
            try:
                found = companion(path, name, request.follow_links, "a part of its image", exact=True)
            except InputError:
                if (path.parent / name).exists():
                    raise
                continue  # a renamed file names itself wrongly; missing planes are found below
            notes += [outside_note(path, found.path)] if found.outside else []
    return notes


def _several_files(layout: _Layout, dtype: np.dtype) -> Source:
    """Planes that lie in several files, one behind the other."""
    parts: list[Source] = []
    planes = zip(layout.others, layout.directories)
    for path, run in itertools.groupby(planes, key=lambda plane: plane[0]):
        directories = [offset for _, offset in run]
        order, pages = read_pages(path)
        part = _Layout(directories, -1, (len(directories), *layout.shape[1:]), [])
        if any((p.height, p.width) != layout.shape[1:] for p in pages if p.offset in directories):
            raise InputError(
                f"the planes of {path.name} are of another size than the first; save the volume as one file"
            )
        parts.append(_source(path, part, {p.offset: p for p in pages}, order, dtype))
    return parts[0] if len(parts) == 1 else Joined(parts)


def _is_described(tif: Any) -> bool:
    """Whether a header says how the pages make up the image."""
    return bool(
        tif.is_ome
        or tif.is_imagej
        or tif.is_shaped
        or tif.is_lsm
        or tif.is_micromanager
        or tif.is_stk
        or tif.is_fluoview
    )


def _described(tif: Any, path: Path) -> _Layout:
    """The planes as OME, ImageJ and others describe them."""
    series, notes = _pick_series(tif, path)
    first = series[0]
    axes, shape = first.axes.lower(), tuple(first.shape)
    if "s" in axes:
        at = axes.index("s")
        axes, shape = axes[:at] + axes[at + 1 :], shape[:at] + shape[at + 1 :]
    if len(series) > 1:  # one image a series: planes of 2D images, or parts of a volume, one behind the other
        many = len(series) if len(shape) == 2 else len(series) * shape[0]
        shape, axes = (many, *shape[-2:]), "z" + axes[-2:]
    if tif.is_imagej and (other := _miscounted(tif, path, shape)) is not None:
        return other
    folded = fold(shape, axes, path.name)
    notes += folded.notes
    image = next((i for i, s in enumerate(tif.series) if s is first), 0)
    if len(series) == 1 and first.dataoffset is not None and first.keyframe.samplesperpixel == 1:
        return _Layout([], int(first.dataoffset), folded.shape, notes, folded.axes, image)
    pages = [page for s in series for page in s.pages]
    missing = sum(page is None for page in pages)
    if missing:
        raise InputError(
            f"{path.name} is part of an image in several files, and {missing} of its {len(pages)} planes are in files "
            "that are not beside it; copy them there, or open the folder of slices"
        )
    others: tuple[Path, ...] = ()
    if any(page.parent is not tif for page in pages):
        others = tuple(path if page.parent is tif else Path(page.parent.filehandle.path) for page in pages)
        notes.append(f"{path.name} is part of an image in {len(set(others))} files: all of them are read")
    return _Layout([int(page.offset) for page in pages], -1, folded.shape, notes, folded.axes, image, others)


def _miscounted(tif: Any, path: Path, shape: tuple[int, ...]) -> _Layout | None:
    """The pages of an ImageJ file whose header counts them wrongly; None when it is right.

    Raises
    ------
    InputError
        When pages are missing.
    """
    images, found = int((tif.imagej_metadata or {}).get("images", 1)), int(np.prod(shape[:-2]))
    pages = [page for page in tif.pages if not page.is_reduced]
    there = max(found, len(pages))
    if images > there:
        raise InputError(f"{path.name} is truncated: ImageJ wrote {images} images, {there} are there; copy it again")
    if len(pages) <= 1 or images >= len(pages):
        return None
    height, width = shape[-2:]
    note = f"the ImageJ header of {path.name} counts {images} images and {len(pages)} are there: all of them are read"
    return _Layout([int(page.offset) for page in pages], -1, (len(pages), height, width), [note])


def _pick_series(tif: Any, path: Path) -> tuple[list[Any], list[str]]:
    """The image series that make up the volume: the only one, all when they agree, or the only volume among them."""
    series = list(tif.series)
    if not series:
        raise InputError(f"{path.name} holds no image; save it again")
    alike = all(s.shape == series[0].shape and s.dtype == series[0].dtype for s in series)
    if len(series) == 1 or (alike and series[0].ndim == 2):
        return series, []
    volumes = [s for s in series if sum(n > 1 for n, a in zip(s.shape, s.axes) if a != "S") >= 3]
    if alike and not tif.is_ome and series[0].ndim == 3:
        return series, [f"the {len(series)} image series of {path.name} are read one behind the other along z"]
    if len(volumes) == 1:
        return volumes, [f"of the {len(series)} images in {path.name} only the volume is read"]
    shapes = sorted({" x ".join(str(n) for n in s.shape) for s in series})
    raise InputError(f"{path.name} holds {len(series)} images ({', '.join(shapes[:4])}); save one volume of it alone")


def _source(path: Path, layout: _Layout, pages: dict[int, Page], order: str, dtype: np.dtype) -> Source:
    """Plain reads where the pixels lie plainly, else a decoder."""
    if layout.plain >= 0:
        flat = FlatSource(path, layout.shape, dtype.newbyteorder("<" if order == "<" else ">"), layout.plain)
        check_size(path, path.stat().st_size, flat.end, "its header")
        return flat
    chosen = [pages[d] for d in layout.directories if d in pages]
    if len(chosen) != layout.shape[0]:
        raise InputError(
            f"{path.name} is truncated: its header asks for {layout.shape[0]} planes, {len(chosen)} are there; "
            "copy it again"
        )
    _check_alike(chosen, path)
    if chosen[0].bits == _WIDE_BITS:
        return _three_bytes(path, chosen, order)
    if all(p.plain >= 0 for p in chosen):
        starts = np.array([p.plain for p in chosen], np.int64)
        return FlatSource(path, layout.shape, chosen[0].dtype(order), plane_offsets=starts)
    source = TiffPages(path, np.array(layout.directories, np.int64), layout.shape, dtype)
    source.plane(0)  # a compression nobody can read is refused before the work begins
    return source


def _three_bytes(path: Path, pages: list[Page], order: str) -> Source:
    """Voxels of 24 bits, which no library reads in the byte order of the file."""
    if any(p.plain < 0 or p.kind != 1 for p in pages):
        raise InputError(
            f"{path.name} holds voxels of 24 bits, compressed or not plain whole numbers; save it with 16 or 32 bits"
        )
    starts = np.array([p.plain for p in pages], np.int64)
    shape = (len(pages), pages[0].height, 3 * pages[0].width)
    return ThreeBytes(FlatSource(path, shape, np.dtype("u1"), plane_offsets=starts), order)


def _check_alike(pages: list[Page], path: Path) -> None:
    for number, page in enumerate(pages):
        if page.look != pages[0].look:
            raise InputError(
                f"page {number + 1} of {path.name} is {page.words}, the first is {pages[0].words}; the pages of a "
                "volume must agree"
            )


def photometric_notes(page: Page, name: str, looked_up: bool) -> list[str]:
    """What to say of a page's colours."""
    if page.samples > 1:
        return [f"{name} is stored in {page.samples} channels that agree: one is read"]
    if page.photometric == _PALETTE and looked_up:
        return [f"{name} has a table of greys: the greys it gives are read, not the indices"]
    if page.photometric == _PALETTE:
        return [f"{name} has a colour table: its indices are read as grey values"]
    if page.photometric == _WHITE_IS_ZERO:
        return [f"{name} declares 0 as white: values are read as they are stored"]
    return []


READER = Reader((TIFF,), open_tiff)
