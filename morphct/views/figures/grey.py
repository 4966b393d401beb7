"""Figures of the grey values: the histogram with its fit, and three slices with what was found in them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .style import ACCENT, INK, WARM, new_figure, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ...results.run_folder import RunFolder

PARTICLE_RGB = (0.10, 0.75, 0.92)  # lighter than the accent: outlines lie on grey
VOID_RGB = (1.0, 0.45, 0.10)
SLICE_PIXELS = 1000  # a slice is thinned to at most so many pixels along an edge
_DASHES: list[Any] = [(0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (3, 3))]


class MidPlanes:
    """The three middle planes of a volume, collected while it streams by in bricks.

    Parameters
    ----------
    shape : tuple of int
        (Z, Y, X) of the volume; planes are thinned to at most `SLICE_PIXELS` along an edge.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.shape = tuple(int(n) for n in shape)
        self.step = tuple(max(1, -(-n // SLICE_PIXELS)) for n in self.shape)
        self.middle = tuple(n // 2 for n in self.shape)
        thinned = tuple(-(-n // s) for n, s in zip(self.shape, self.step))
        self._shapes = (thinned[1:], (thinned[0], thinned[2]), thinned[:2])
        self._planes: list[np.ndarray] | None = None
        self._seen = [np.zeros(n, bool) for n in (thinned[1], thinned[0], thinned[:2])]

    def take(self, z0: int, block: np.ndarray, y0: int = 0) -> None:
        """Keep what a block (n, m, X) from plane z0 and row y0 on holds of the middle planes; in any order."""
        sz, sy, sx = self.step
        mz, my, mx = self.middle
        if self._planes is None:
            self._planes = [np.zeros(shape, block.dtype) for shape in self._shapes]
        z = range(-(-z0 // sz) * sz, z0 + block.shape[0], sz)
        y = range(-(-y0 // sy) * sy, y0 + block.shape[1], sy)
        own_z, own_y = slice(z.start - z0, None, sz), slice(y.start - y0, None, sy)
        here_z, here_y = (slice(r.start // s, r.start // s + len(r)) for r, s in ((z, sz), (y, sy)))
        if z0 <= mz < z0 + block.shape[0]:
            self._planes[0][here_y] = block[mz - z0, own_y, ::sx]
            self._seen[0][here_y] = True
        if y0 <= my < y0 + block.shape[1]:
            self._planes[1][here_z] = block[own_z, my - y0, ::sx]
            self._seen[1][here_z] = True
        self._planes[2][here_z, here_y] = block[own_z, own_y, mx]
        self._seen[2][here_z, here_y] = True

    @property
    def complete(self) -> bool:
        """Whether every plane that is needed has been seen."""
        return all(bool(seen.all()) for seen in self._seen)

    def planes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The planes (Y, X) across z, (Z, X) across y and (Z, Y) across x."""
        if self._planes is None or not self._seen[0].all():
            raise ValueError("the middle plane has not been seen")
        across_z, across_y, across_x = self._planes
        return across_z, across_y[self._seen[1]], across_x[self._seen[1]]

    @classmethod
    def of(cls, volume: Any, planes: int = 16) -> "MidPlanes":
        """Collected from an array-like (Z, Y, X), sliced `planes` at a time."""
        held = cls(volume.shape)
        for z in range(0, held.shape[0], planes):
            held.take(z, np.asarray(volume[z : z + planes]))
        return held


def histogram(run: "RunFolder") -> "Figure | None":
    """Grey histogram (logarithmic counts) with the fitted phases and the level between solid and the rest."""
    table, found = run.histogram, run.threshold
    if table is None or len(table) == 0 or "grey" not in table.columns:
        return None
    if found.get("method") == "values":
        return _shares(found["values"])
    with styled():
        figure = new_figure(7.2, 3.2)
        axes = figure.subplots()
        grey = table["grey"].to_numpy(dtype=float)
        for name, label, colour in (
            ("count", "all voxels", "#d3dade"),
            ("low_gradient", "voxels away from edges (fitted)", "#9fb2bd"),
        ):
            if name in table.columns:
                count = table[name].to_numpy(dtype=float)
                shown = np.where(count > 0, count, np.nan)
                axes.fill_between(grey, shown, 0.5, step="mid", linewidth=0, label=label, color=colour)
        highest = _fits(axes, table, grey, found.get("phases") or [])
        _levels(axes, found)
        axes.set_yscale("log")
        axes.set_ylim(0.7, 2.5 * max(highest, float(table.get("count", table["grey"]).max()), 1.0))
        axes.set_xlim(*_shown_range(table, grey))
        axes.set_xlabel("grey value (after denoising)")
        axes.set_ylabel("voxels per bin")
        axes.legend(loc="upper left", bbox_to_anchor=(1.005, 1.0), handlelength=1.8, borderaxespad=0.0)
    return figure


def _shares(rows: list[dict[str, Any]]) -> "Figure":
    """Bars of the values of a segmented volume, by their share of it."""
    with styled():
        figure = new_figure(7.2, 0.8 + 0.3 * len(rows))
        axes = figure.subplots()
        places, shares = np.arange(len(rows)), [100 * row["share"] for row in rows]
        axes.barh(places, shares, color=[ACCENT if row["particle"] else "#9fb2bd" for row in rows], height=0.7)
        for place, row, share in zip(places, rows, shares, strict=True):
            what = f"{share:.3g} %" + (", the particles" if row["particle"] else "")
            axes.text(share + 1, float(place), what, va="center", fontsize=8, color=INK)
        axes.set_yticks(places, [f"{row['value']:g}" for row in rows])
        axes.set_xlim(0, 125)
        axes.set_xticks(range(0, 101, 20))
        axes.invert_yaxis()
        axes.set_xlabel("share of the volume (%)")
        axes.set_ylabel("value")
    return figure


def _fits(axes: "Axes", table: "pd.DataFrame", grey: np.ndarray, phases: list[dict[str, Any]]) -> float:
    """Draw the fitted phases and their sum; the highest value drawn."""
    names = [c for c in table.columns if c.startswith("fit_")]
    highest = 0.0
    for number, name in enumerate(names):
        fit = table[name].to_numpy(dtype=float)
        phase = phases[number] if number < len(phases) else {}
        label = str(phase.get("name") or f"phase {number + 1}")
        if phase.get("mean") is not None:
            label += f" ({phase['mean']:.4g} ± {phase.get('sd') or 0:.3g})"
        axes.plot(grey, fit, color=INK, linewidth=1.0, linestyle=_DASHES[number % len(_DASHES)], label=label)
        highest = max(highest, float(np.nanmax(fit, initial=0.0)))
    if "fit" in table.columns:
        fit = table["fit"].to_numpy(dtype=float)
        axes.plot(grey, fit, color=ACCENT, linewidth=1.6, label="sum of the phases", zorder=2.5)
        highest = max(highest, float(np.nanmax(fit, initial=0.0)))
    return highest


def _levels(axes: "Axes", found: dict[str, Any]) -> None:
    local = found.get("level_range") or []
    if len(local) == 2 and None not in local and local[1] > local[0]:
        axes.axvspan(local[0], local[1], color=WARM, alpha=0.18, linewidth=0, label="local levels")
    bounded = found.get("low") is not None or found.get("high") is not None
    for name in ("low", "high") if bounded else ("level",):
        if isinstance(found.get(name), (int, float)):
            word = {"level": "level", "low": "lower level", "high": "upper level"}[name]
            axes.axvline(found[name], color=WARM, linewidth=1.4, label=f"{word} {found[name]:.4g}")


def _shown_range(table: "pd.DataFrame", grey: np.ndarray) -> tuple[float, float]:
    """Where the counts are: empty bins at the ends are not drawn."""
    name = "count" if "count" in table.columns else "low_gradient"
    held = np.flatnonzero(table[name].to_numpy(dtype=float) > 0) if name in table.columns else np.arange(len(grey))
    if len(held) == 0:
        return float(grey[0]), float(grey[-1])
    first, last = grey[held[0]], grey[held[-1]]
    pad = 0.01 * (last - first) or 1.0
    return float(first - pad), float(last + pad)


def slices(run: "RunFolder", grey: "MidPlanes | None" = None) -> "Figure | None":
    """The three middle planes: grey where it is given, outlines of particles and voids over it.

    Without `grey` the label image itself is drawn, each particle in a colour of its own.
    """
    labels = MidPlanes.of(run.labels)
    voids = MidPlanes.of(run.void_labels).planes() if run.void_labels is not None else None
    z, y, x = (edge * n for edge, n in zip(run.voxel_size.spacing, labels.shape))
    extents, titles = ((x, y), (x, z), (y, z)), ("xy plane", "xz plane", "yz plane")
    with styled():
        # equal scale in all three panels: widths and heights in the ratio of the volume's edges
        width = 7.2
        height = float(np.clip(width * max(y, z) / (x + x + y), 1.6, 6.0)) + 0.55
        figure = new_figure(width, height)
        panels = figure.subplots(1, 3, width_ratios=(x, x, y))
        for i, axes in enumerate(panels):
            across, down = extents[i]
            image = grey.planes()[i] if grey is not None else None
            _slice(axes, labels.planes()[i], None if voids is None else voids[i], image, (across, down))
            axes.set_title(titles[i])
        _scale_bar(panels[0], x, run.unit)
    return figure


def _slice(
    axes: "Axes", labels: np.ndarray, voids: np.ndarray | None, grey: np.ndarray | None, size: tuple[float, float]
) -> None:
    place: dict[str, Any] = {"extent": (0, size[0], size[1], 0), "interpolation": "nearest", "aspect": "equal"}
    if grey is None:
        axes.imshow(_random_colours(labels), **place)
    else:
        seen = grey[np.isfinite(grey)] if grey.dtype.kind == "f" else grey
        low, high = np.percentile(seen, [0.5, 99.5]) if seen.size else (0, 1)
        axes.imshow(grey, cmap="gray", vmin=low, vmax=high, **place)
        axes.imshow(_outline(labels, PARTICLE_RGB, 0.95), **place)
    if voids is not None:
        axes.imshow(_outline(voids, VOID_RGB, 1.0) if grey is not None else _fill(voids, VOID_RGB), **place)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _outline(labels: np.ndarray, colour: tuple[float, float, float], alpha: float) -> np.ndarray:
    """RGBA (Y, X, 4): opaque on labelled pixels that have a neighbour of another label."""
    edge = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        differ = np.diff(labels.astype(np.int64), axis=axis) != 0
        first, second = [slice(None)] * 2, [slice(None)] * 2
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        edge[tuple(first)] |= differ
        edge[tuple(second)] |= differ
    return _fill(edge & (labels > 0), colour, alpha)


def _fill(mask: np.ndarray, colour: tuple[float, float, float], alpha: float = 1.0) -> np.ndarray:
    out = np.zeros((*mask.shape, 4), np.float32)
    out[mask > 0] = (*colour, alpha)
    return out


def _random_colours(labels: np.ndarray) -> np.ndarray:
    """RGB of a label slice: every label the same colour each time, background white."""
    import matplotlib

    table = matplotlib.colormaps["viridis"](np.random.default_rng(7).permutation(256) / 255)[:, :3] * 0.85 + 0.15
    out = table[(labels.astype(np.int64) * 97) % 256].astype(np.float32)
    out[labels == 0] = 1.0
    return out


def _scale_bar(axes: "Axes", width: float, unit: str) -> None:
    """A bar of a round length under the first panel, about a quarter of its width."""
    length = round_length(width / 4)
    look: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "clip_on": False, "color": INK}
    axes.plot([0, length], [-0.035, -0.035], linewidth=2.2, solid_capstyle="butt", **look)
    axes.text(
        length * 1.06, -0.035, f"{length:g} {'µm' if unit == 'um' else 'voxels'}", va="center", fontsize=8, **look
    )


def round_length(length: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above `length`."""
    power = 10.0 ** np.floor(np.log10(length))
    step = max(s for s in (1.0, 2.0, 5.0) if s * power <= length * (1 + 1e-9))
    return float(f"{step * power:.6g}")
