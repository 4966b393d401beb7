"""Pixels of one TIFF page, decoded by tifffile and imagecodecs."""

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, MissingLibraryError
from .found import Format, reading, reason_of

TIFF = Format(
    "TIFF stack",
    (".tif", ".tiff", ".btf", ".tf8"),
    "multi-page, BigTIFF, OME, ImageJ, 1-bit, LZW, deflate, zstd",
    (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
)

# decoders of imagecodecs raise subclasses of RuntimeError
_DECODE_ERRORS = (RuntimeError, ValueError, OSError, IndexError, MemoryError)


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
    if pixels.ndim == 2:
        return pixels
    channels = np.moveaxis(pixels, 0, -1) if page.planarconfig == 2 else pixels
    return one_channel(channels, what)


def _decode_padded(page: Any, lock: Any) -> np.ndarray | None:
    """Pixels of a page whose last strip was padded to the full number of rows, None when it is not that.

    Some writers do so, and decoders that are told the true size of the last strip refuse it. Each strip is decoded as
    if it were the first, which is a full one, and the padding is cut off.
    """
    if page.is_tiled or page.compression == 1 or page.samplesperpixel > 1:
        return None
    rows, height = int(page.rowsperstrip), int(page.imagelength)
    out = np.empty((height, int(page.imagewidth)), page.dtype)
    segments = page.parent.filehandle.read_segments(page.dataoffsets, page.databytecounts, lock=lock)
    try:
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
