"""One look for all figures: small, quiet, readable when printed grey, and the same bytes each time."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACCENT, INK, FAINT, WARM = "#0b6e8a", "#22272e", "#8a949e", "#c4581a"
QUANTITY = "viridis"  # colour map of quantities
# classes differ in lightness as well as in hue, so that a grey print still tells them apart
CLASS_COLOURS = {"single": "#9fb8c4", "porous": "#c4581a", "aggregate": "#3b3f8f"}
DPI = 160
_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.edgecolor": "#555d66",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.color": "#3a4149",
    "ytick.color": "#3a4149",
    "text.color": INK,
    "axes.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.2,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "morphct",  # else matplotlib draws ids by chance
    "svg.fonttype": "path",
}


@contextmanager
def styled() -> Iterator[None]:
    """The house's look inside the block, the caller's own settings untouched outside."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        yield


def new_figure(width: float = 7.2, height: float = 3.0) -> "Figure":
    """An empty figure (inches) that belongs to no window and no global list."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def png(figure: "Figure") -> bytes:
    """A figure as PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with styled():
        _laid_out(figure)
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def svg(figure: "Figure") -> str:
    """A figure as SVG; the same figure gives the same text."""
    buffer = io.StringIO()
    with styled():
        _laid_out(figure)
        figure.savefig(buffer, format="svg", dpi=DPI, metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _laid_out(figure: "Figure") -> None:
    """Find the places of a figure's panels once: Matplotlib would find them, and draw all, once more for each file."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")


def length_label(name: str, unit: str) -> str:
    """An axis label with its unit in the field's spelling."""
    return f"{name} ({'µm' if unit == 'um' else 'voxels'})"


def length_text(value: float, unit: str) -> str:
    """A length in words: `0.62 µm`, `12 voxels`."""
    return f"{value:.3g} {'µm' if unit == 'um' else 'voxels'}"


def plain_log_axis(axis: Any, low: float, high: float) -> None:
    """Tick a logarithmic axis with plain numbers, so that 0.5 reads 0.5 and not 5 x 10^-1."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    decades = max(high / low, 1.0001)
    steps: tuple[float, ...] = (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)
    for least, fewer in ((2.8, (1, 1.5, 2, 3, 5, 7)), (5.0, (1, 2, 5)), (2000.0, (1,))):
        if decades > least:
            steps = fewer
    axis.set_major_locator(LogLocator(base=10, subs=steps, numticks=20))
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axis.set_minor_formatter(NullFormatter())


def note(axes: "Axes", text: str) -> None:
    """A faint remark in the upper right corner of a panel."""
    axes.text(0.99, 0.98, text, transform=axes.transAxes, ha="right", va="top", color=FAINT, fontsize=7.5)


def halo() -> list[Any]:
    """Path effects that keep a text readable over lines and points."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.5, foreground="white")]


def three_digits(value: float) -> str:
    """A number with three significant digits, zeros at the end kept, no exponent: 0.120, 12.3, 4560."""
    if value == 0:
        return "0"
    power = int(np.floor(np.log10(abs(value))))
    # rounding may carry into the next power of ten
    power = int(np.floor(np.log10(abs(round(value, 2 - power)))))
    return f"{value:.{max(0, 2 - power)}f}"
