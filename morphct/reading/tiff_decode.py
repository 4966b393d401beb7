"""Pixels of one TIFF page, decoded by tifffile and imagecodecs."""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from ..ground.errors import InputError, MissingLibraryError
from .contract import Format, reading, reason_of
from .silence import quiet_libraries

TIFF = Format(
    "TIFF stack",
    (".tif", ".tiff", ".btf", ".tf8"),
    "multi-page, BigTIFF, OME, ImageJ, 1-bit, LZW, deflate, zstd",
    (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
)

# decoders of imagecodecs raise subclasses of RuntimeError; damaged tags make tifffile divide by zero or miss a key
_DECODE_ERRORS = (RuntimeError, ValueError, OSError, LookupError, MemoryError, TypeError, ArithmeticError, struct.error)
_PALETTE = 3


def open_tifffile(path: Path) -> Any:
    """An opened `tifffile.TiffFile`.

    Raises
    ------
    InputError
        When its first page cannot be read.
    """
    import tifffile

    with reading(path, TIFF):
        return tifffile.TiffFile(path)


def decode_page(page: Any, lock: Any, what: str) -> np.ndarray:
    """(height, width) pixels of a `tifffile.TiffPage`, native byte order.

    Raises
    ------
    InputError
        When the page cannot be decoded, or is in colour.
    MissingLibraryError
        When its compression needs imagecodecs.
    """
    try:
        with quiet_libraries():
            pixels = page.asarray(lock=lock, maxworkers=1)
    except _DECODE_ERRORS as error:
        if "imagecodecs" in str(error) and isinstance(error, ValueError):
            raise MissingLibraryError(f"{what} needs the library imagecodecs; pip install imagecodecs") from error
        padded = _decode_padded(page, lock)
        if padded is None:
            raise InputError(
                f"{what} cannot be decoded ({reason_of(error)}); save it again, uncompressed or as LZW"
            ) from error
        pixels = padded
    pixels = pixels[0] if pixels.ndim == 4 and pixels.shape[0] == 1 else pixels
    if pixels.ndim == 2:
        return pixels
    if pixels.ndim != 3:
        raise InputError(f"{what} has {pixels.ndim} axes, two are wanted; save it again")
    channels = np.moveaxis(pixels, 0, -1) if page.planarconfig == 2 else pixels
    return one_channel(channels, what)


def _decode_padded(page: Any, lock: Any) -> np.ndarray | None:
    """Pixels of a page whose last strip was padded to the full number of rows, None when it is not that.

    Some writers do so, and decoders that are told the true size of the last strip refuse it. Each strip is decoded as
    if it were the first, which is a full one, and the padding is cut off.
    """
    try:
        if page.is_tiled or page.compression == 1 or page.samplesperpixel > 1:  # a damaged tag may be no number
            return None
        rows, height = int(page.rowsperstrip), int(page.imagelength)
        out = np.empty((height, int(page.imagewidth)), page.dtype)
        segments = page.parent.filehandle.read_segments(page.dataoffsets, page.databytecounts, lock=lock)
        for data, index in segments:
            strip, _, _ = page.decode(data, 0)
            top = index * rows
            out[top : top + rows] = strip[0, : height - top, :, 0]
    except _DECODE_ERRORS:
        return None
    return out


def one_channel(channels: np.ndarray, what: str) -> np.ndarray:
    """The grey values of a (height, width, samples) page whose colours agree; a last sample may be opacity."""
    colours = channels[..., :1] if channels.shape[-1] == 2 else channels[..., :3]
    if not (colours[..., 1:] == colours[..., :1]).all():
        raise InputError(
            f"{what} is a colour image of {channels.shape[-1]} channels; convert it to grey values "
            "(Fiji: Image > Type > 8-bit or 16-bit)"
        )
    return np.ascontiguousarray(colours[..., 0])


def grey_table(page: Any) -> np.ndarray | None:
    """The greys of a page's colour table where it is one of greys and not the plain 0, 1, 2; None otherwise."""
    table = page.colormap if page.photometric == _PALETTE else None
    if not isinstance(table, np.ndarray) or table.ndim != 2 or table.shape[0] != 3 or not (table == table[0]).all():
        return None
    greys = (table[0] >> 8).astype(np.uint8) if table.shape[1] == 256 else table[0]
    plain = (greys == np.arange(greys.size)).all() or np.unique(greys).size < greys.size
    return None if plain else greys
