"""Pictures inside a page, so that it needs nothing beside it."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_JPEG_QUALITY = 86
_PIXELS_PER_INCH = 96  # of a figure on the page


@dataclass(frozen=True)
class Shown:
    """A figure on the page: what it is, the address that holds it, its width in pixels of the page."""

    entry: figures.Entry
    address: str
    width: int


def drawn_figure(figure: "Figure", vector: bool, drawn: bytes | None = None) -> tuple[str, int]:
    """Address and width of a figure: sharp at any size where it has few shapes, else as pixels.

    drawn : the figure as PNG, when it is at hand.
    """
    width = round(figure.get_figwidth() * _PIXELS_PER_INCH)
    if vector:
        return f"data:image/svg+xml;base64,{base64.b64encode(figures.svg(figure).encode()).decode()}", width
    return _png(figures.png(figure) if drawn is None else drawn), width


def kept_figure(path: Path) -> tuple[str, int]:
    """Address and width of a figure that was drawn before."""
    from PIL import Image

    with Image.open(path) as image:
        width = round(image.width / figures.DPI * _PIXELS_PER_INCH)
    return _png(path.read_bytes()), width


def kept_cut(path: Path) -> tuple[str, str]:
    """Address of the cuts through a particle and the length of the bar in them; empty when the folder has none."""
    from PIL import Image

    if not path.is_file():
        return "", ""
    with Image.open(path) as image:
        return _png(path.read_bytes()), str(image.info.get("scale", ""))


def photo(path: Path) -> str:
    """Address of a 3D picture as JPEG: a quarter of its PNG's bytes, and nothing that is read off it suffers."""
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _png(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"
