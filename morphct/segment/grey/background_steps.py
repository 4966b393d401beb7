"""Grey offset of the background between neighbouring places, from differences of near-by cells of a sample.

Two neighbouring cells of 4^3 voxels mostly lie in one phase. So the commonest difference between the cells of two
positions along an axis is what the background gains from one to the other, whatever the phases are: no fit, no level
and no mask are needed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .sampling import Brick

CELL_VOXELS = 4  # voxels, edge of a cell
FEWEST_DIFFERENCES = 200  # before the commonest one is believed: its mean is good to .07 sd
LEAST_PEAK_SHARE = 0.05  # of the highest peak of a histogram: a lower one may be chance; a choice
MIDDLE_QUARTER_SD = 0.3186  # half width of the middle quarter of a Gaussian, Phi(.3186) = .625
AVERAGED_SD = 1.5  # sds around the commonest difference that are averaged


@dataclass(frozen=True)
class Cells:
    """Means of cells of a sample.

    Parameters
    ----------
    means : (a, b, c) float32
        NaN where a voxel does not count.
    places : 3 arrays
        Middles of the cells along z, y, x, in voxels.
    """

    means: np.ndarray
    places: tuple[np.ndarray, np.ndarray, np.ndarray]


def cell_means(bricks: Sequence[Brick], valid: Sequence[np.ndarray | None]) -> Cells:
    """Cells of the cores of a sample whose bricks lie on a grid of layers and windows.

    Parameters
    ----------
    bricks : sequence of Brick
    valid : sequence of (z, y, x) uint8 or None
        Of whole bricks, halo included; 1 = counts.
    """
    firsts = [tuple(s + c.start for s, c in zip(b.start, b.core)) for b in bricks]
    lengths = [tuple(c.stop - c.start for c in b.core) for b in bricks]
    places, offsets, edges = [], [], []
    for axis in range(3):
        edge = min(CELL_VOXELS, min(n[axis] for n in lengths))
        spans = dict(sorted({f[axis]: n[axis] // edge for f, n in zip(firsts, lengths)}.items()))
        starts = np.cumsum([0, *spans.values()])
        offsets.append(dict(zip(spans, starts)))
        places.append(np.concatenate([f + edge * np.arange(n) + 0.5 * (edge - 1) for f, n in spans.items()]))
        edges.append(edge)
    means = np.full([len(p) for p in places], np.nan, np.float32)
    for brick, good, first in zip(bricks, valid, firsts):
        part = coarse(brick.grey[brick.core], edges) / np.float32(np.prod(edges))
        if good is not None:
            part[coarse(good[brick.core], edges) < np.prod(edges)] = np.nan
        means[tuple(slice(o[f], o[f] + n) for o, f, n in zip(offsets, first, part.shape))] = part
    return Cells(means, tuple(places))  # type: ignore[arg-type]


def coarse(grey: np.ndarray, edges: Sequence[int]) -> np.ndarray:
    """float32 sums over cells; what is left over at the ends is dropped."""
    for axis in (2, 1, 0):
        n = grey.shape[axis] // edges[axis]
        cut: list[slice] = [slice(None)] * 3
        total = None
        for k in range(edges[axis]):
            cut[axis] = slice(k, n * edges[axis], edges[axis])
            part = grey[tuple(cut)].astype(np.float32)
            total = part if total is None else np.add(total, part, out=total)
        assert total is not None
        grey = total
    return grey


def gains(means: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The commonest difference from each position along an axis to the next one.

    Returns
    -------
    gain, error : (n - 1,) float64
        NaN where too few cells tell.
    width : float
        sd of the differences within one phase.
    """
    along = np.moveaxis(means, axis, 0)
    steps = np.diff(along.reshape(len(along), math.prod(along.shape[1:])), axis=0)
    width = narrowest(steps[np.isfinite(steps)])
    gain, error = np.full(len(steps), np.nan), np.full(len(steps), np.nan)
    if width <= 0:
        return gain, error, 0.0
    for i, row in enumerate(steps):
        known = row[np.isfinite(row)]
        if known.size >= FEWEST_DIFFERENCES:
            gain[i], n = commonest(known, width)
            error[i] = width / max(n, 1) ** 0.5
    return gain, error, width


def narrowest(values: np.ndarray) -> float:
    """sd of a Gaussian whose middle quarter is as wide as the narrowest quarter of the values; 0 for too few."""
    if values.size < FEWEST_DIFFERENCES:
        return 0.0
    v = np.sort(values[:: max(1, values.size // 200_000)])
    n = v.size // 4
    return float((v[n:] - v[:-n]).min()) / 2 / MIDDLE_QUARTER_SD


def commonest(values: np.ndarray, width: float) -> tuple[float, int]:
    """Place of the highest peak of a distribution, and how many values it was taken from."""
    low, high = values.min(), values.max()
    bins = min(4096, max(5, int((high - low) / (0.5 * width)) + 1))  # as many as are smoothed over
    count, edges = np.histogram(values, bins, (low, high + 1e-6 * width))
    smooth = np.convolve(count, [1, 2, 3, 2, 1], "same")
    at = int(smooth.argmax())
    middle, n = 0.5 * float(edges[at] + edges[at + 1]), 0
    for _ in range(8):
        near = values[np.abs(values - middle) < AVERAGED_SD * width]
        n = near.size
        middle = float(near.mean(dtype=np.float64)) if n else middle
    return middle, n


def peaks_of(values: np.ndarray, sd: float, least: float = LEAST_PEAK_SHARE) -> np.ndarray:
    """Where a histogram smoothed by .75 sd of the cells has its peaks of at least `least` of the highest."""
    from scipy.ndimage import gaussian_filter1d

    if not values.size:
        return np.zeros(0)
    low, high = np.quantile(values, [0.001, 0.999])
    bins = min(4096, max(3, int((high - low) / (0.25 * sd))))
    count, edges = np.histogram(values, bins, (low, high + 1e-6 * sd))
    smooth = gaussian_filter1d(count.astype(float), 3.0, mode="constant")
    padded = np.pad(smooth, 1)
    top = (smooth >= padded[:-2]) & (smooth > padded[2:]) & (smooth > least * smooth.max())
    return (0.5 * (edges[1:] + edges[:-1]))[top]


def flat_cells(means: np.ndarray, limit: float) -> np.ndarray:
    """(a, b, c) bool: cells that differ from none of their six neighbours by more than `limit`."""
    flat = np.isfinite(means)
    for axis in range(3):
        near = np.abs(np.diff(means, axis=axis)) <= limit  # NaN: not near
        first, second = ([slice(None)] * 3 for _ in range(2))
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        flat[tuple(first)] &= near
        flat[tuple(second)] &= near
    return flat
