"""The frame of a 3D picture: what its colours mean, a scale bar, the directions of the axes, a line of words."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .grey import round_length
from .style import DPI, INK, QUANTITY, length_text, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STRIP, FOOT = 230, 70  # pixels beside the picture for the colours and below it for the scale
LEAST_GAP = 24  # pixels between the length at the scale bar and the line of words


@dataclass(frozen=True)
class Key:
    """What colours mean: a bar over `span`, or names with their colours (RGB) in `entries`."""

    title: str
    span: tuple[float, float]
    entries: tuple[tuple[str, tuple[float, float, float]], ...] = ()


def framed(
    image: np.ndarray,
    per_pixel: float,
    unit: str,
    directions: tuple[np.ndarray, np.ndarray],
    words: str = "",
    key: Key | None = None,
) -> "Figure":
    """A picture in parallel projection with its frame; its pixels are kept as they are.

    Parameters
    ----------
    image : (Y, X, 3) uint8 array
    per_pixel : float
        Length of a pixel.
    unit : {"um", "px"}
        Of that length.
    directions : tuple of (3,) arrays
        Unit vectors of the picture's right and up, in x, y, z.
    words : str
        One line below the picture.
    key : Key, optional
        Meaning of the colours.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    down, across = image.shape[:2]
    width, height = across + (STRIP if key else 0), down + FOOT
    with styled():
        figure = Figure(figsize=(width / DPI, height / DPI))
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, FOOT / height, across / width, down / height))
        axes.imshow(image, interpolation="nearest", aspect="auto")
        axes.set_axis_off()
        foot = figure.add_axes((0, 0, 1, FOOT / height))
        foot.set(xlim=(0, width), ylim=(0, FOOT))
        foot.set_axis_off()
        length = round_length(0.22 * across * per_pixel)
        foot.plot([40, 40 + length / per_pixel], [34, 34], color=INK, linewidth=2.4, solid_capstyle="butt")
        scale = foot.text(52 + length / per_pixel, 34, length_text(length, unit), va="center")
        told = foot.text(width - 30, 34, words, va="center", ha="right")
        pixel = DPI / figure.dpi
        line, label = (text.get_window_extent() for text in (told, scale))
        if pixel * (line.x0 - label.x1) < LEAST_GAP:  # a long line goes below the bar, smaller where it must
            told.set_y(11)
            told.set_fontsize(told.get_fontsize() * min(1, (width - 60) / (pixel * line.width)))
        _triad(figure.add_axes((0.01, (FOOT + 6) / height, 110 / width, 110 / height)), directions)
        if key is not None:
            _explain(figure, key, (across + 24) / width)
    return figure


def _triad(axes: Any, directions: tuple[np.ndarray, np.ndarray]) -> None:
    """Arrows along x, y and z as the picture sees them."""
    right, up = directions
    axes.set(xlim=(-1.1, 1.3), ylim=(-1.1, 1.3))
    axes.set_axis_off()
    for name, direction in zip("xyz", np.eye(3)):
        tip = np.array([direction @ right, direction @ up])
        axes.annotate("", tip, (0, 0), arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.0})
        axes.text(*(tip * 1.22), name, ha="center", va="center", fontsize=8)


def _explain(figure: "Figure", key: Key, left: float) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.patches import Patch

    if not key.entries:
        place = figure.add_axes((left, 0.3, 0.018, 0.45))
        figure.colorbar(ScalarMappable(Normalize(*key.span), QUANTITY), cax=place, label=key.title, extend="both")
        return
    handles = [Patch(color=colour, label=name) for name, colour in key.entries]
    figure.legend(handles=handles, loc="center left", bbox_to_anchor=(left - 0.01, 0.55), title=key.title)
