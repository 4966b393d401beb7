"""How far to trust each column: bias and spread on known bodies against their size, over the sizes of the run."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ...results.population import interior
from .style import ACCENT, FAINT, INK, halo, new_figure, plain_log_axis, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ...results.run_folder import RunFolder

# what a person uses of a particle, in the order of the panels
SHOWN = (
    ("equivalent_diameter", "equivalent diameter"),
    ("surface_area", "surface area"),
    ("inscribed_radius", "inscribed radius"),
    ("thickness_median", "median thickness"),
    ("ellipticity_yx", "ellipticity b/a"),
    ("ellipticity_zx", "ellipticity c/a"),
    ("ellipticity_zy", "ellipticity c/b"),
    ("solidity", "solidity"),
    ("sphericity", "sphericity"),
    ("sphericity_silhouette", "sphericity, silhouettes"),
    ("sphericity_wadell", "Wadell's sphericity"),
    ("roundness", "roundness"),
)
COLUMNS = 4
AS_FOUND, ALL = "as found", "all"
LARGEST_ERROR = 0.3  # errors beyond it are off the panel
TOLERATED, DASHED = "#e9edf0", (0, (3, 2))


def trust(run: "RunFolder") -> "Figure | None":
    """A panel a column: bias and spread on bodies like those found, other bodies faint, the tolerance behind; below,
    how many particles there are of each size. None when the run was not calibrated."""
    table, facts = run.calibration, run.calibrated
    if table is None or not facts:
        return None
    shown = [(name, title) for name, title in SHOWN if (table["descriptor"] == name).any()]
    diameters = _diameters(run)
    if not shown or not len(diameters):
        return None
    rows = -(-len(shown) // COLUMNS)
    ladder = table.loc[table["body"] == ALL, "diameter_voxels"]
    ends = min(ladder.min(), diameters.min()) * 0.92, max(ladder.max(), diameters.max()) * 1.08
    with styled():
        figure = new_figure(7.6, 1.62 * rows + 1.15)
        grid = figure.add_gridspec(rows + 1, COLUMNS, height_ratios=[1.0] * rows + [0.42])
        for i, (name, title) in enumerate(shown):
            axes = figure.add_subplot(grid[i // COLUMNS, i % COLUMNS])
            limit = facts["resolved_from_voxels"].get(name, np.inf)
            _panel(axes, table[table["descriptor"] == name], facts["tolerance"], np.inf if limit is None else limit)
            axes.set_title(title, fontsize=8)
            _size_axis(axes, ends, labelled=False)
        for k in range(min(COLUMNS, len(shown))):
            axes = figure.add_subplot(grid[rows, k])
            _sizes(axes, diameters, ends)
            _size_axis(axes, ends, labelled=True)
            if k == 0:
                axes.set_ylabel("particles", fontsize=7)
        figure.supxlabel("equivalent diameter (voxels)", fontsize=8.5)
        figure.supylabel("error", fontsize=8.5)
        _legend(figure, facts["tolerance"])
    return figure


def _legend(figure: "Figure", tolerance: float) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    keys = [
        Line2D([], [], color=ACCENT, marker="o", markersize=2.2, label="bias, bodies like the particles"),
        Patch(color=ACCENT, alpha=0.22, linewidth=0, label="their spread"),
        Line2D([], [], color=FAINT, linewidth=0.6, label="bias, other bodies"),
        Patch(color=TOLERATED, linewidth=0, label=f"tolerance, {100 * tolerance:g} %"),
        Line2D([], [], color=INK, linewidth=0.7, linestyle=DASHED, label="resolved from"),
    ]
    figure.legend(handles=keys, loc="outside upper center", ncols=len(keys), fontsize=7, columnspacing=1.4)


def _diameters(run: "RunFolder") -> np.ndarray:
    """Diameters of the particles in voxels, one voxel being as long as the cube root of its volume."""
    edge = float(np.cbrt(run.voxel_size.volume))
    column = interior(run.particles)[f"equivalent_diameter_{run.unit}"].to_numpy(dtype=float, na_value=np.nan)
    return column[np.isfinite(column) & (column > 0)] / edge


def _panel(axes: "Axes", lines: "pd.DataFrame", tolerance: float, resolved: float) -> None:
    relative = bool((lines["error"] == "relative").any())
    axes.axhspan(-tolerance, tolerance, color=TOLERATED, linewidth=0, zorder=0)
    axes.axhline(0, color=FAINT, linewidth=0.6, zorder=1)
    for body, found in lines[~lines["body"].isin([AS_FOUND, ALL])].groupby("body", sort=True):
        axes.plot(found["diameter_voxels"], found["bias"], color=FAINT, linewidth=0.6, alpha=0.8, label=str(body))
    mine = lines[lines["body"] == AS_FOUND]
    x, bias, spread = (mine[name].to_numpy(dtype=float) for name in ("diameter_voxels", "bias", "spread"))
    axes.fill_between(x, bias - spread, bias + spread, color=ACCENT, alpha=0.22, linewidth=0)
    axes.plot(x, bias, color=ACCENT, marker="o", markersize=2.2)
    top = np.nanmax(np.abs(lines["bias"]).to_numpy(), initial=0.0) * 1.1
    top = float(np.clip(max(top, np.nanmax(np.abs(bias) + spread, initial=0.0) * 1.1), 1.6 * tolerance, LARGEST_ERROR))
    axes.set_ylim(-top, top)
    _error_axis(axes, relative)
    if np.isfinite(resolved):
        axes.axvline(resolved, color=INK, linewidth=0.7, linestyle=DASHED)
    text = f"from {resolved:.2g}" if np.isfinite(resolved) else "not reached"
    axes.text(0.97, 0.05, text, transform=axes.transAxes, ha="right", fontsize=7, path_effects=halo())


def _error_axis(axes: "Axes", relative: bool) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(4, symmetric=True, steps=[1, 2, 5, 10]))

    def share(value: float, _: Any) -> str:
        return f"{100 * value:+.0f} %" if value else "0"

    def difference(value: float, _: Any) -> str:
        return f"{value:+.2f}".replace("0.", ".") if value else "0"

    axes.yaxis.set_major_formatter(FuncFormatter(share if relative else difference))
    axes.tick_params(axis="y", labelsize=6.5)


def _size_axis(axes: "Axes", ends: tuple[float, float], labelled: bool) -> None:
    axes.set_xscale("log")
    axes.set_xlim(*ends)
    plain_log_axis(axes.xaxis, *ends)
    axes.tick_params(axis="x", labelsize=6.5, labelbottom=labelled)


def _sizes(axes: "Axes", diameters: np.ndarray, ends: tuple[float, float]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.hist(diameters, np.geomspace(*ends, 24).tolist(), color=ACCENT, alpha=0.55, edgecolor="white", linewidth=0.3)
    axes.tick_params(axis="y", labelsize=6.5)
    axes.yaxis.set_major_locator(MaxNLocator(2, integer=True))
