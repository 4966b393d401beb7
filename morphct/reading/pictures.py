"""Slices as pictures: PNG, BMP, GIF, JPEG by Pillow, JPEG 2000 by imagecodecs, EDF by fabio; values as stored.

Pillow widens what has 2, 4 or 12 bits and reads the indices of palettes; both are undone here.
"""

import struct
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..ground.errors import InputError, MissingLibraryError
from .contract import Format, head_of, reading
from .reopened import Reopened
from .tiff_decode import one_channel
from .volume import Box

PICTURES = (".png", ".bmp", ".gif", ".jpg", ".jpeg", ".jp2", ".j2k", ".jpx", ".j2c", ".jpf")
EDF = (".edf",)
PICTURE = Format("picture", (), "one plane a file")
EDF_FILE = Format("EDF", EDF, "one plane, or a volume", extra="fabio")
_JPEG2000 = (".jp2", ".j2k", ".jpx", ".j2c", ".jpf")
_LOSSY = (".jpg", ".jpeg")
_PNG_GREY = 0


class Head(NamedTuple):
    """What the header of a slice says: size, type, where plain pixels begin (-1: to be decoded), samples, a remark."""

    shape: tuple[int, int]
    dtype: np.dtype
    plain: int = -1
    samples: int = 1
    remark: str = ""


def picture_head(path: Path) -> Head:
    """The header of a picture.

    Raises
    ------
    InputError
        When it is damaged.
    """
    suffix = path.suffix.lower()
    if suffix in _JPEG2000:
        return _jpeg2000_head(path)
    from PIL import Image

    with reading(path, PICTURE), Image.open(path) as picture:
        width, height = picture.size
        bands, mode = picture.getbands(), picture.mode
        frames = int(getattr(picture, "n_frames", 1))
        if frames > 1:
            raise InputError(f"{path.name} holds {frames} frames where one plane is wanted; save them apart")
        grey = _grey_palette(picture) is not None if mode == "P" else False
    depth, colour = _png_facts(path)
    types = {"1": "?", "I;16": "<u2", "I;16B": ">u2", "I": "i4", "F": "f4"}
    dtype = np.dtype(types.get(mode, "u1")).newbyteorder("=")
    if depth == 16 and colour != _PNG_GREY:
        dtype = np.dtype("u2")
    remark = "are JPEG, which changes greys where they are sharp" if suffix in _LOSSY else ""
    if mode == "P":
        remark = (
            "have a table of greys: the greys it gives are read, not the indices"
            if grey
            else "have a colour table: its indices are read as grey values"
        )
    return Head((height, width), dtype, -1, len(bands), remark)


def decode_picture(path: Path) -> np.ndarray:
    """The (height, width) pixels of a picture.

    Raises
    ------
    InputError
        When it is damaged or in colour.
    """
    with reading(path, PICTURE):
        pixels = _jpeg2000(path) if path.suffix.lower() in _JPEG2000 else _by_pillow(path)
    return pixels if pixels.ndim == 2 else one_channel(pixels, path.name)


def edf_head(path: Path) -> Head:
    """The header of an EDF file of one frame."""
    with reading(path, EDF_FILE):
        image = fabio_of(path).openheader(str(path))
        if image.nframes > 1:
            raise InputError(
                f"{path.name} holds {image.nframes} frames where one plane is wanted; open it as a volume of its own"
            )
        height, width = image.shape
    return Head((height, width), np.dtype(image.dtype).newbyteorder("="))


def decode_edf(path: Path) -> np.ndarray:
    """The pixels of an EDF file of one frame."""
    with reading(path, EDF_FILE):
        return np.asarray(fabio_of(path).open(str(path)).data)


class EdfFrames:
    """Frames of one EDF file.

    Parameters
    ----------
    path : Path
        The file.
    shape : tuple of int
        Frames, height, width.
    dtype : dtype
        Type of a voxel.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int], dtype: np.dtype) -> None:
        self.path, self.shape, self.dtype = path, shape, np.dtype(dtype).newbyteorder("=")
        self.chunk = (1, shape[1], shape[2])
        self.file = Reopened(partial(_open_edf, path))

    def read(self, box: Box) -> np.ndarray:
        """Voxels of the half-open ranges `box`."""
        (a, b), (r0, r1), (c0, c1) = box
        out = np.empty((b - a, r1 - r0, c1 - c0), self.dtype)
        for i in range(a, b):
            with self.file.lock, reading(self.path, EDF_FILE):
                pixels = np.asarray(self.file.get().getframe(i).data)
            if pixels.shape != self.shape[1:]:
                raise InputError(f"frame {i} of {self.path.name} is of another size than the first; save it again")
            out[i - a] = pixels[r0:r1, c0:c1]
        return out


def _open_edf(path: Path) -> Any:
    return fabio_of(path).open(str(path))


def fabio_of(path: Path) -> Any:
    """The library fabio.

    Raises
    ------
    MissingLibraryError
        When it is not installed.
    """
    try:
        import fabio
    except ImportError:
        raise MissingLibraryError(
            f"{path.name} is an EDF file and the library fabio is not installed; pip install 'morphct[formats]'"
        ) from None
    return fabio


def _by_pillow(path: Path) -> np.ndarray:
    from PIL import Image

    depth, colour = _png_facts(path)
    if depth == 16 and colour != _PNG_GREY:  # Pillow keeps the upper 8 bits
        import imagecodecs

        return np.asarray(imagecodecs.png_decode(path.read_bytes()))
    with Image.open(path) as picture:
        table = _grey_palette(picture) if picture.mode == "P" else None
        pixels = np.asarray(picture)
    if table is not None:
        return table[pixels]
    if colour == _PNG_GREY and depth in (2, 4):  # Pillow stretches them to 8 bits
        return pixels // (255 // (2**depth - 1))
    return pixels


def _grey_palette(picture: Any) -> np.ndarray | None:
    """The greys of a palette (256), None when it has colours."""
    table = np.array(picture.getpalette("RGB") or (), np.uint8).reshape(-1, 3)
    if not table.size or not (table == table[:, :1]).all():
        return None
    greys = np.zeros(256, np.uint8)
    greys[: len(table)] = table[:256, 0]
    return greys


def _png_facts(path: Path) -> tuple[int, int]:
    """Bits a sample and colour type of a PNG, (0, -1) of other files."""
    head = head_of(path, 26)
    return (head[24], head[25]) if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) == 26 else (0, -1)


def _jpeg2000_head(path: Path) -> Head:
    """Size and depth from the SIZ marker (ISO 15444-1, A.5.1)."""
    head = head_of(path, 1 << 16)
    at = head.find(b"\xff\x4f\xff\x51")
    body = head[at + 8 : at + 8 + 34] if at >= 0 else b""
    if len(body) < 34:
        raise InputError(f"{path.name} is not a whole JPEG 2000 picture; copy it again")
    width, height, left, top = struct.unpack(">IIII", body[:16])
    samples = struct.unpack(">H", body[32:34])[0]
    depths = head[at + 42 : at + 42 + 3 * samples : 3]
    if not depths or width <= left or height <= top:
        raise InputError(f"the header of {path.name} is damaged; copy it again")
    bits = (depths[0] & 0x7F) + 1
    code = ("i" if depths[0] & 0x80 else "u") + ("1" if bits <= 8 else "2" if bits <= 16 else "4")
    return Head((height - top, width - left), np.dtype(code), -1, samples)


def _jpeg2000(path: Path) -> np.ndarray:
    try:
        import imagecodecs
    except ImportError:
        raise MissingLibraryError(f"{path.name} needs the library imagecodecs; pip install imagecodecs") from None
    head = _jpeg2000_head(path)
    pixels = np.asarray(imagecodecs.jpeg2k_decode(path.read_bytes()))
    if pixels.shape[:2] != head.shape:
        raise InputError(f"{path.name} decodes to another size than its header says; copy it again")
    return pixels.astype(head.dtype, copy=False)
