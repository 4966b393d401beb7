"""Shape figures: ellipticity bubbles in 3D, the Zingg plane, sphericity against roundness."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ...descriptors.ellipsoid import ZINGG_RATIO
from ...results.intervals import quantiles
from ...results.population import interior, whole_particles
from .style import FAINT, INK, QUANTITY, halo, length_label, new_figure, plain_log_axis, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ...results.run_folder import RunFolder

ELLIPTICITIES = ("ellipticity_yx", "ellipticity_zx", "ellipticity_zy")
_LARGEST_BUBBLE = 320.0  # points squared


def _complete(particles: "pd.DataFrame", names: list[str]) -> "pd.DataFrame":
    """Rows with a finite number in every named column, the largest of the last one first; none without a column."""
    if not set(names) <= set(particles.columns):
        return particles.iloc[:0]
    known = np.isfinite(particles[names].to_numpy(dtype=float, na_value=np.nan)).all(1)
    # small ones are drawn last, or the large ones would hide them
    return particles[known].sort_values(names[-1], ascending=False, kind="stable")


def bubbles(run: "RunFolder") -> "Figure | None":
    """Ellipticities along three axes; area of a bubble = diameter squared, colour = sphericity."""
    names = [*ELLIPTICITIES, f"equivalent_diameter_{run.unit}"]
    particles = interior(run.particles)
    shown = _complete(particles, names)
    if len(shown) == 0:
        return None
    with styled():
        figure = new_figure(6.4, 4.4)
        axes: Any = figure.add_subplot(projection="3d", computed_zorder=True)
        _cube(axes)
        size, scale = _bubble_sizes(shown[names[3]].to_numpy(dtype=float))
        colour, label = _sphericity(shown)
        points = shown[list(ELLIPTICITIES)].to_numpy(dtype=float).T
        few = len(shown) < 300
        look: dict[str, Any] = {"cmap": QUANTITY, "alpha": 0.75 if few else 0.6}
        look |= {"edgecolors": "white", "linewidths": 0.3} if few else {"linewidths": 0}
        drawn = axes.scatter(*points, s=size, c=colour, **look)
        _opaque(figure.colorbar(drawn, ax=axes, shrink=0.62, pad=0.1, label=label))
        _bubble_legend(figure, axes, shown[names[3]].to_numpy(dtype=float), scale, run.unit)
    return figure


def _cube(axes: Any) -> None:
    """Axes of the bubble plot: 0 to 1 each, light panes, a view in which all three labels can be read."""
    axes.set(xlim=(0, 1), ylim=(0, 1), zlim=(0, 1))
    axes.set_xlabel("ellipticity yx (b/a)")
    axes.set_ylabel("ellipticity zx (c/a)")
    axes.set_zlabel("ellipticity zy (c/b)")
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_pane_color((0.97, 0.97, 0.97, 1.0))
        axis._axinfo["grid"].update(color="#d5dade", linewidth=0.6)  # matplotlib has no public way
    axes.view_init(elev=20, azim=-60)
    axes.set_box_aspect((1, 1, 1), zoom=0.9)


def _bubble_sizes(diameter: np.ndarray) -> tuple[np.ndarray, float]:
    """Bubble areas (N,) in points squared and points squared per length squared; the largest is always the same."""
    many = np.clip(np.sqrt(200 / max(len(diameter), 1)), 0.1, 1.0)
    scale = _LARGEST_BUBBLE * many / float(diameter.max()) ** 2
    return np.maximum(diameter**2 * scale, 2.0), scale


def _sphericity(shown: "pd.DataFrame") -> tuple[np.ndarray, str]:
    for name in ("sphericity", "sphericity_wadell", "solidity"):
        if name in shown.columns and shown[name].notna().any():
            return shown[name].to_numpy(dtype=float, na_value=np.nan), name.replace("_", " ")
    return np.zeros(len(shown)), ""


def _bubble_legend(figure: "Figure", axes: Any, diameter: np.ndarray, scale: float, unit: str) -> None:
    from matplotlib.lines import Line2D

    shown = sorted({float(f"{share * diameter.max():.2g}") for share in (0.25, 0.5, 1.0)})
    look: dict[str, Any] = {"marker": "o", "linestyle": "", "markerfacecolor": "#c8d0d6", "markeredgewidth": 0}
    handles = [Line2D([], [], markersize=np.sqrt(d * d * scale), label=f"{d:g}", **look) for d in shown]
    title = length_label("diameter", unit)
    figure.legend(handles=handles, title=title, loc="upper left", labelspacing=1.1, title_fontsize=8)
    axes.text2D(0.0, 0.0, f"{len(diameter):,} particles", transform=axes.transAxes, color=FAINT, fontsize=7.5)


def zingg(run: "RunFolder") -> "Figure | None":
    """The plane of Zingg: c/b over b/a with its four classes, colour = size; and how many fall into each."""
    particles, weights = whole_particles(run)
    size = f"equivalent_diameter_{run.unit}"
    names = ["ellipticity_yx", "ellipticity_zy", size]
    shown = _complete(particles, names)
    weights = weights[particles.index.isin(shown.index)]
    if len(shown) == 0:
        return None
    flat, deep = shown["ellipticity_yx"].to_numpy(dtype=float), shown["ellipticity_zy"].to_numpy(dtype=float)
    with styled():
        figure = new_figure(4.6, 3.9)
        axes = figure.subplots()
        _diameter_scatter(axes, deep, flat, shown[size].to_numpy(dtype=float), axes, run.unit)
        axes.axvline(ZINGG_RATIO, color=FAINT, linewidth=0.8, linestyle="--")
        axes.axhline(ZINGG_RATIO, color=FAINT, linewidth=0.8, linestyle="--")
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="ellipticity zy (c/b)", ylabel="ellipticity yx (b/a)")
        axes.set_aspect("equal")
        for name, x, y, inside in (
            ("flat", 0.02, 1.02, (deep < ZINGG_RATIO) & (flat >= ZINGG_RATIO)),
            ("equant", ZINGG_RATIO + 0.02, 1.02, (deep >= ZINGG_RATIO) & (flat >= ZINGG_RATIO)),
            ("bladed", 0.02, 0.02, (deep < ZINGG_RATIO) & (flat < ZINGG_RATIO)),
            ("elongated", ZINGG_RATIO + 0.02, 0.02, (deep >= ZINGG_RATIO) & (flat < ZINGG_RATIO)),
        ):
            axes.text(
                x,
                y,
                f"{name} {100 * weights[inside].sum() / weights.sum():.0f} %",
                va="bottom",
                fontsize=8,
                path_effects=halo(),
            )
    return figure


def _opaque(bar: Any) -> None:
    """Full colours in the bar of points that are drawn translucent."""
    bar.solids.set_alpha(1)


def _diameter_scatter(axes: "Axes", x: np.ndarray, y: np.ndarray, diameter: np.ndarray, bar_of: Any, unit: str) -> None:
    """Points coloured by diameter; the colour bar takes its room from the axes in `bar_of`."""
    from matplotlib.colors import LogNorm

    low, high = float(diameter.min()), float(diameter.max())
    norm = LogNorm(low, high if high > low * 1.001 else low * 1.1)
    fade = 0.8 if len(x) < 1000 else 0.5
    points = axes.scatter(x, y, c=diameter, s=14, cmap=QUANTITY, norm=norm, alpha=fade, linewidths=0)
    bar = axes.figure.colorbar(points, ax=bar_of, shrink=0.85, label=length_label("equivalent diameter", unit))
    _opaque(bar)
    plain_log_axis(bar.ax.yaxis, low, high)


def sphericity(run: "RunFolder") -> "Figure | None":
    """Sphericity against roundness (Wadell's sphericity while there is no roundness), with both distributions."""
    (particles, weights), size = whole_particles(run), f"equivalent_diameter_{run.unit}"
    other = "roundness" if "roundness" in particles.columns else "sphericity_wadell"
    names = ["sphericity", other, size]
    shown = _complete(particles, names)
    if len(shown) == 0:
        return None
    weights = weights[particles.index.isin(shown.index)]
    x, y = shown[other].to_numpy(dtype=float), shown["sphericity"].to_numpy(dtype=float)
    with styled():
        figure = new_figure(5.4, 4.2)
        grid = figure.add_gridspec(2, 2, width_ratios=(4, 1.1), height_ratios=(1, 4))
        axes = figure.add_subplot(grid[1, 0])
        top, side = figure.add_subplot(grid[0, 0], sharex=axes), figure.add_subplot(grid[1, 1], sharey=axes)
        _diameter_scatter(axes, x, y, shown[size].to_numpy(dtype=float), [axes, top, side], run.unit)
        axes.set(xlim=_span(x), ylim=_span(y))
        axes.set_xlabel("roundness" if other == "roundness" else "sphericity after Wadell")
        axes.set_ylabel("sphericity (inscribed / circumscribed radius)")
        _margins(top, side, x, y, weights)
    return figure


def _margins(top: "Axes", side: "Axes", x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> None:
    """Histograms on the edges of a scatter, the medians marked; each point counts for its weight."""
    bins = int(np.clip(np.sqrt(len(x)), 8, 30))
    top.hist(x, bins=bins, weights=weights, color="#b9c7cf")
    side.hist(y, bins=bins, weights=weights, color="#b9c7cf", orientation="horizontal")
    across, up = (_median(values, weights) for values in (x, y))
    top.axvline(across, color=INK, linewidth=0.9)
    side.axhline(up, color=INK, linewidth=0.9)
    top.set_title(f"medians {across:.2f} across, {up:.2f} up; {len(x):,} particles")
    for axes in (top, side):
        axes.tick_params(labelleft=False, labelbottom=False, length=0)
        axes.spines[["left", "bottom"]].set_visible(False)


def _median(values: np.ndarray, weights: np.ndarray) -> float:
    return float(quantiles(values, weights, np.array([0.5]))[0])


def _span(values: np.ndarray) -> tuple[float, float]:
    pad = max(0.03, 0.08 * float(np.ptp(values)))
    return max(0.0, float(values.min()) - pad), min(1.02, max(float(values.max()), 0.0) + pad)
