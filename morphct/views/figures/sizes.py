"""Size distributions: particles and voids, by number and by volume."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ...results.intervals import quantiles
from ...results.population import interior, whole_particles
from .style import (
    ACCENT,
    CLASS_COLOURS,
    FAINT,
    INK,
    halo,
    length_label,
    new_figure,
    note,
    plain_log_axis,
    styled,
    three_digits,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ...results.run_folder import RunFolder

MOST_BINS = 30
MOST_VECTOR_POINTS = 1500  # more become pixels inside a vector figure, or the page would weigh megabytes


def log_bins(values: np.ndarray) -> np.ndarray:
    """Bin edges of equal ratio over `values` (N,): as many as the square root of N, 6 to 30."""
    low, high = float(values.min()), float(values.max())
    if high <= low * 1.001:
        low, high = low / 1.1, high * 1.1
    return np.geomspace(low, high, int(np.clip(np.sqrt(len(values)), 6, MOST_BINS)) + 1)


def finite(column: "pd.Series") -> np.ndarray:
    """The finite positive values of a column, as float."""
    values = column.to_numpy(dtype=float, na_value=np.nan)
    return values[np.isfinite(values) & (values > 0)]


def sizes(run: "RunFolder") -> "Figure | None":
    """Equivalent diameters by number and by volume, with the cumulative curve and D10, D50, D90.

    Each whole particle counts by its border weight, as in the numbers.
    """
    diameter, weight = _weighted_diameters(run)
    if len(diameter) == 0:
        return None
    with styled():
        figure = new_figure(7.2, 3.0)
        panels = figure.subplots(1, 2)
        for axes, power, title in zip(panels, (0, 3), ("By number", "By volume")):
            _distribution(axes, diameter, weight * diameter**power, run.unit, ACCENT)
            axes.set_title(f"{title}, {len(diameter):,} particles")
        panels[0].set_ylabel("share of particles per bin (%)")
        panels[1].set_ylabel("share of volume per bin (%)")
        figure.axes[-1].set_ylabel("cumulative (%)")
    return figure


def _weighted_diameters(run: "RunFolder") -> tuple[np.ndarray, np.ndarray]:
    """The finite diameters of whole particles and their border weights, both (N,)."""
    used, weight = whole_particles(run)
    diameter = used[f"equivalent_diameter_{run.unit}"].to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(diameter) & (diameter > 0)
    return diameter[known], weight[known]


def _distribution(axes: "Axes", values: np.ndarray, weights: np.ndarray, unit: str, colour: str) -> None:
    edges = log_bins(values)
    share = np.histogram(values, edges, weights=100 * weights / weights.sum())[0]
    axes.bar(
        edges[:-1], share, np.diff(edges), align="edge", color=colour, alpha=0.55, edgecolor="white", linewidth=0.5
    )
    axes.set_xscale("log")
    plain_log_axis(axes.xaxis, edges[0], edges[-1])
    # room for the D90 label on the right
    axes.set_xlim(edges[0] * 0.95, edges[-1] * (edges[-1] / edges[0]) ** 0.12)
    axes.set_xlabel(length_label("equivalent diameter", unit))
    # room above the bars for the D labels
    axes.set_ylim(0, share.max() * 1.32)
    twin = axes.twinx()
    order = np.argsort(values, kind="stable")
    twin.step(values[order], 100 * np.cumsum(weights[order]) / weights.sum(), where="post", color=INK, linewidth=1.1)
    twin.set_ylim(0, 132)
    twin.set_yticks([0, 50, 100])
    twin.spines["right"].set_visible(True)
    _mark_quantiles(twin, values, weights)


def _mark_quantiles(axes: "Axes", values: np.ndarray, weights: np.ndarray) -> None:
    """Dashed lines at D10, D50, D90; labels step down to the right, so that none runs into the next line."""
    shares = np.array([0.1, 0.5, 0.9])
    for name, level, value in zip(("D10", "D50", "D90"), (124, 115, 106), quantiles(values, weights, shares)):
        axes.plot([value, value], [0, level], color=INK, linewidth=0.8, linestyle=(0, (4, 2)))
        axes.text(value * 1.015, level, f"{name} {three_digits(value)}", fontsize=7.5, va="center", path_effects=halo())


def void_sizes(run: "RunFolder") -> "Figure | None":
    """Void diameters by number, and the void fraction of each particle against its size."""
    voids, unit = run.voids, run.unit
    name = f"equivalent_diameter_{unit}"
    diameter = finite(voids[name]) if name in voids.columns else np.empty(0)
    particles = interior(run.particles)
    if len(diameter) == 0 or "void_fraction" not in particles.columns:
        return None
    with styled():
        figure = new_figure(7.2, 3.0)
        left, right = figure.subplots(1, 2)
        _distribution(left, diameter, np.ones_like(diameter), unit, CLASS_COLOURS["porous"])
        left.set_title(f"By number, {len(diameter):,} voids")
        left.set_ylabel("share of voids per bin (%)")
        left.set_xlabel(length_label("void equivalent diameter", unit))
        _void_fractions(right, particles, unit)
    return figure


def _void_fractions(axes: "Axes", particles: "pd.DataFrame", unit: str) -> None:
    size = particles[f"equivalent_diameter_{unit}"].to_numpy(dtype=float)
    fraction = 100 * particles["void_fraction"].to_numpy(dtype=float, na_value=np.nan)
    held = np.isfinite(fraction) & (fraction > 0)
    axes.set_title("Void fraction of each particle")
    axes.set_xlabel(length_label("particle equivalent diameter", unit))
    axes.set_ylabel("void fraction (%)")
    if not held.any():
        note(axes, "no particle with a void among those counted")
        return
    look: dict[str, Any] = {"color": CLASS_COLOURS["porous"], "alpha": 0.65, "linewidths": 0}
    look["rasterized"] = bool(held.sum() > MOST_VECTOR_POINTS)
    axes.scatter(size[held], fraction[held], s=11, **look)
    axes.set_xscale("log")
    low, high = size[np.isfinite(size)].min(), size[np.isfinite(size)].max()
    axes.set_xlim(low * 0.93, high * 1.07)
    axes.set_ylim(0, fraction[held].max() * 1.15)
    plain_log_axis(axes.xaxis, low, high)
    note(axes, f"{held.sum():,} of {len(size):,} particles hold voids")


def overlaid(runs: "list[RunFolder]", colours: list[str]) -> "Figure | None":
    """Cumulative size distributions of several samples laid over each other, by number and by volume."""
    unit = runs[0].unit if runs else "um"
    lines = [(r.name, *_weighted_diameters(r)) for r in runs if r.unit == unit]
    lines = [(name, np.sort(d), w[np.argsort(d, kind="stable")]) for name, d, w in lines if len(d)]
    if not lines:
        return None
    with styled():
        figure = new_figure(7.6, 3.4)
        panels = figure.subplots(1, 2, sharey=True)
        for axes, power, title in zip(panels, (0, 3), ("By number", "By volume")):
            for (name, d, each), colour, dash in zip(lines, colours, _dashes(len(lines))):
                weight = each * d**power
                cumulative = 100 * np.cumsum(weight) / weight.sum()
                axes.step(d, cumulative, where="post", color=colour, linestyle=dash, label=name)
            axes.axhline(50, color=FAINT, linewidth=0.6, linestyle=":")
            axes.set_xscale("log")
            low, high = min(d[0] for _, d, _ in lines), max(d[-1] for _, d, _ in lines)
            plain_log_axis(axes.xaxis, low, high)
            axes.set_title(title)
            axes.set_xlabel(length_label("equivalent diameter", unit))
        panels[0].set_ylabel("cumulative (%)")
        if len(lines) <= 12:
            figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=min(len(lines), 4))
    return figure


def _dashes(n: int) -> list[Any]:
    """Line styles in turn, so that colours alone need not carry the difference."""
    styles: list[Any] = ["-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5))]
    return [styles[i % len(styles)] for i in range(n)]
