"""TIFF stacks in one file: multi-page, BigTIFF, OME, ImageJ (also above 4 GiB with one page), 1-bit, compressed."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from ..volume import Box, Source, check_dtype, check_shape
from .datasets import fold
from .flat import FlatSource
from .found import Found, Location, Reader, Request, check_magic, check_size, reading
from .reopened import Reopened
from .tiff_decode import TIFF, decode_page, open_tifffile
from .tiff_pages import Page, read_pages
from .tiff_size import sizes_in

_PALETTE, _WHITE_IS_ZERO = 3, 0


class _Layout(NamedTuple):
    """Planes of a volume inside a TIFF file: the bytes where their directories begin, or one run of plain pixels."""

    directories: list[int]
    plain: int
    shape: tuple[int, int, int]
    notes: list[str]


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
        layout = _described(tif, path) if _is_described(tif) else None
        stated = sizes_in(tif, path)
        first = tif.pages.first
        dtype = np.dtype(first.dtype) if first.dtype is not None else np.dtype("V1")
    if layout is None:
        chosen = [p for p in pages if not p.reduced] or pages
        shape = (len(chosen), chosen[0].height, chosen[0].width)
        check_shape(shape, path.name)
        layout = _Layout([p.offset for p in chosen], -1, shape, [])
    check_dtype(dtype, path.name)
    source = _source(path, layout, {p.offset: p for p in pages}, order, dtype)
    notes = layout.notes + _photometric_notes(pages[0], path)
    return Found(source, TIFF.name, stated=stated, notes=notes, files=(path,))


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
    axes, shape = first.axes.upper(), tuple(first.shape)
    if "S" in axes:
        at = axes.index("S")
        axes, shape = axes[:at] + axes[at + 1 :], shape[:at] + shape[at + 1 :]
    if len(series) > 1:  # one image a series: planes of 2D images, or parts of a volume, one behind the other
        many = len(series) if len(shape) == 2 else len(series) * shape[0]
        shape, axes = (many, *shape[-2:]), "Z" + axes[-2:]
    images = int((tif.imagej_metadata or {}).get("images", 1)) if tif.is_imagej else 1
    if images > int(np.prod(shape[:-2])):
        found = int(np.prod(shape[:-2]))
        raise InputError(f"{path.name} is truncated: ImageJ wrote {images} images, {found} are there; copy it again")
    folded = fold(shape, axes, path.name)
    notes += folded.notes
    if len(series) == 1 and first.dataoffset is not None and first.keyframe.samplesperpixel == 1:
        return _Layout([], int(first.dataoffset), folded.shape, notes)
    pages = [page for s in series for page in s.pages]
    if any(page is None or page.parent is not tif for page in pages):
        raise InputError(f"{path.name} is one part of an image in several files; save the volume as one file")
    return _Layout([int(page.offset) for page in pages], -1, folded.shape, notes)


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
    if all(p.plain >= 0 for p in chosen):
        starts = np.array([p.plain for p in chosen], np.int64)
        return FlatSource(path, layout.shape, chosen[0].dtype(order), plane_offsets=starts)
    source = TiffPages(path, np.array(layout.directories, np.int64), layout.shape, dtype)
    source.plane(0)  # a compression nobody can read is refused before the work begins
    return source


def _check_alike(pages: list[Page], path: Path) -> None:
    for number, page in enumerate(pages):
        if page.look != pages[0].look:
            raise InputError(
                f"page {number + 1} of {path.name} is {page.words}, the first is {pages[0].words}; the pages of a "
                "volume must agree"
            )


def _photometric_notes(page: Page, path: Path) -> list[str]:
    if page.samples > 1:
        return [f"{path.name} is stored in {page.samples} channels that agree: one is read"]
    if page.photometric == _PALETTE:
        return [f"{path.name} has a colour table: its indices are read as grey values"]
    if page.photometric == _WHITE_IS_ZERO:
        return [f"{path.name} declares 0 as white: values are read as they are stored"]
    return []


READER = Reader((TIFF,), open_tiff)
