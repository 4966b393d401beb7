"""Radial profiles of co-registered maps: how a channel goes from the surface of the particles to their cores."""

from typing import TYPE_CHECKING

import numpy as np

from ...results.population import interior
from .style import ACCENT, INK, new_figure, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ...results.run_folder import RunFolder

MOST_PANELS = 6
FEWEST_SHELL_VOXELS = 20  # voxels in a shell for its mean to count


def profiles(run: "RunFolder") -> "Figure | None":
    """Median over particles of the mean of each shell, with the quartiles as a band; a panel for each channel."""
    table = run.channels
    if table is None or len(table) == 0:
        return None
    whole = table[table.index.isin(interior(run.particles).index)]
    names = list(dict.fromkeys(whole["channel"]))[:MOST_PANELS]
    columns = min(len(names), 3)
    with styled():
        figure = new_figure(2.5 * max(columns, 2), 2.5 * -(-len(names) // max(columns, 1)))
        panels = figure.subplots(-(-len(names) // columns), columns, squeeze=False).ravel()
        for axes, name in zip(panels, names):
            _panel(axes, name, *_shells(whole[whole["channel"] == name]))
        for axes in panels[len(names) :]:
            axes.remove()
    return figure


def _shells(table: "pd.DataFrame") -> tuple[np.ndarray, np.ndarray, int]:
    """Depth of the shells' middles (S,), the three quartiles of their means (3, S), and how many particles tell."""
    shells = np.sort(table["shell"].unique())
    known = table[table["n"] >= FEWEST_SHELL_VOXELS]
    values = [known.loc[known["shell"] == shell, "mean"].to_numpy(float) for shell in shells]
    quartiles = np.array([np.quantile(v, [0.25, 0.5, 0.75]) if len(v) else [np.nan] * 3 for v in values]).T
    return (shells - 0.5) / len(shells), quartiles, known.index.nunique()


def _panel(axes: "Axes", name: str, depth: np.ndarray, quartiles: np.ndarray, particles: int) -> None:
    low, middle, high = quartiles
    axes.fill_between(depth, low, high, color=ACCENT, alpha=0.22, linewidth=0)
    axes.plot(depth, middle, color=ACCENT, marker="o", markersize=3)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["surface", ".5", "core"])
    axes.set_title(name, color=INK)
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.annotate(
        f"{particles:,} particles",
        (0.98, 0.97),
        xycoords="axes fraction",
        ha="right",
        va="top",
        fontsize=7.5,
        color=INK,
    )
