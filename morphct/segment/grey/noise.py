"""The noise of a volume: its size and how it is correlated, and what any smoothing leaves of it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

BLOCK_VOXELS = 16  # voxels, edge of the blocks whose noise is measured
FARTHEST_LAG_VOXELS = 6  # correlation is followed so far
LEAST_CORRELATION = 0.03  # below it, it is taken for none
CELL_VOXELS = 4  # voxels, edge of the cells whose means tell whether a block is flat
FEWEST_BLOCKS, MOST_BLOCKS = 8, 400  # blocks
# spread of the cell means over that of the flattest blocks: of 64 cells chance gives 1.28 once in a thousand (chi)
FLAT_BLOCK_RATIO = 1.3
FEW_GREYS = 16  # an image of so few grey values is segmented already: it has no noise
CORRELATED_LAG_1 = 0.3  # autocorrelation of white noise blurred by .46 voxel, exp(-1 / (4 sigma^2)): called correlated

Place = tuple[int, int, int, int]


@dataclass(frozen=True)
class Noise:
    """Noise of the flat places of a volume.

    Parameters
    ----------
    sd : float
        Standard deviation, grey values.
    acf : (3, FARTHEST_LAG_VOXELS + 1) float64
        Autocorrelation along z, y, x from lag 0 (= 1).
    n_blocks : int
        Blocks it was measured on; 0: on voxels away from surfaces, or nothing.
    edge : int
        Voxels, edge of these blocks.
    low, high : float or None
        Between what the size must lie where the ways to measure it do not agree; `sd` is the lower one then, so that
        no structure is smoothed away. None: they agree.
    """

    sd: float
    acf: np.ndarray
    n_blocks: int
    edge: int = BLOCK_VOXELS
    low: float | None = None
    high: float | None = None

    @property
    def certain(self) -> bool:
        """Whether block sizes and the insides of phases agree on the size."""
        return self.high is None

    @property
    def correlation(self) -> float:
        """Lag-1 autocorrelation, along the axis where it is largest."""
        return float(self.acf[:, 1].max())

    def after(self, sigmas: Sequence[float]) -> "Noise":
        """The noise that a Gaussian of `sigmas` (z, y, x voxels) leaves, the correlation taken as separable."""
        variance, acf = self.sd**2, np.zeros_like(self.acf)
        for axis, sigma in enumerate(sigmas):
            kernel = full_kernel(sigma)
            overlap = np.correlate(kernel, kernel, "full")
            clipped = _cut_tail(self.acf[axis])
            two_sided = np.concatenate([clipped[:0:-1], clipped])
            smooth = np.convolve(overlap, two_sided)
            tail = smooth[len(smooth) // 2 :][: FARTHEST_LAG_VOXELS + 1]
            acf[axis, : len(tail)] = tail / tail[0]
            variance *= max(float(tail[0]), 1e-12)
        left = math.sqrt(variance)
        share = left / self.sd if self.sd else 1.0
        low, high = (None if bound is None else bound * share for bound in (self.low, self.high))
        return Noise(left, acf, self.n_blocks, self.edge, low, high)


def no_noise(n_blocks: int = 0) -> Noise:
    """The noise of a noiseless volume."""
    acf = np.zeros((3, FARTHEST_LAG_VOXELS + 1))
    acf[:, 0] = 1
    return Noise(0.0, acf, n_blocks)


def half_kernel(sigma: float) -> np.ndarray:
    """(R + 1,) float64 weights of a Gaussian cut at three sigmas, centre first; the full kernel sums to 1."""
    if sigma < 0.15:  # weights of the neighbours below 1e-9
        return np.ones(1)
    radius = max(1, int(3 * sigma + 0.5))
    weights = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    return weights / (2 * weights.sum() - weights[0])


def full_kernel(sigma: float) -> np.ndarray:
    """(2R + 1,) float64 weights of the same kernel, both sides."""
    half = half_kernel(sigma)
    return np.concatenate([half[:0:-1], half])


def _cut_tail(acf: np.ndarray) -> np.ndarray:
    low = np.flatnonzero(acf < LEAST_CORRELATION)
    acf = acf.copy()
    if low.size:
        acf[low[0] :] = 0
    return acf


def flattest_blocks(
    bricks: Sequence[np.ndarray],
    valid: Sequence[np.ndarray | None],
    ends: tuple[float, float] | None = None,
    edge: int = BLOCK_VOXELS,
    cell: int = CELL_VOXELS,
    fewest_usable: int = 0,
) -> list[Place]:
    """Places (brick, z, y, x) of the flattest tenth of the blocks of `edge`^3 voxels, half a block apart.

    Flat = little spread between the means of cells of `cell`^3, which noise hardly moves and a surface does; blocks
    much less flat than the flattest are left out even so. A block with a voxel that does not count is none, nor is one
    of a single value (padding); blocks clipped at an end of the range (`ends`) come last. None at all where there are
    fewer than `fewest_usable` blocks to choose from.
    """
    places: list[np.ndarray] = []
    spread: list[np.ndarray] = []
    for i, (brick, good) in enumerate(zip(bricks, valid)):
        cells, flat = _flatness(brick, good, ends, edge, cell)
        spread.append(flat.ravel())
        step = [max(1, edge // c // 2) * c for c in cells]
        here = np.indices(flat.shape).reshape(3, -1).T * step
        places.append(np.column_stack([np.full(len(here), i), here]))
    every = np.concatenate(spread) if spread else np.zeros(0)
    usable = int(np.isfinite(every).sum())
    if usable < fewest_usable:
        return []
    order = np.argsort(every, kind="stable")[: min(usable, max(FEWEST_BLOCKS, min(MOST_BLOCKS, usable // 10)))]
    if not len(order):
        return []
    best = FLAT_BLOCK_RATIO * every[order[:FEWEST_BLOCKS]].mean()
    where = np.concatenate(places)
    return [tuple(where[i].tolist()) for rank, i in enumerate(order) if rank < FEWEST_BLOCKS or every[i] <= best]


def _flatness(
    brick: np.ndarray, good: np.ndarray | None, ends: tuple[float, float] | None, edge: int, cell: int
) -> tuple[list[int], np.ndarray]:
    """Edges of the cells, and the spread of their means in every block; infinite where it is no block."""
    cells = [min(cell, n) for n in brick.shape]

    def over_cells(array: np.ndarray, how: Callable) -> np.ndarray:
        n = [n // c for n, c in zip(array.shape, cells)]
        cut = array[: n[0] * cells[0], : n[1] * cells[1], : n[2] * cells[2]]
        return how(cut.reshape(n[0], cells[0], n[1], cells[1], n[2], cells[2]), (1, 3, 5))

    def over_blocks(array: np.ndarray, how: Callable) -> np.ndarray:
        width = [min(edge // c, n) for c, n in zip(cells, array.shape)]
        windows = np.lib.stride_tricks.sliding_window_view(array, width)
        step = [max(1, edge // c // 2) for c in cells]
        return how(windows[:: step[0], :: step[1], :: step[2]], (3, 4, 5))

    with np.errstate(invalid="ignore"):  # not finite: such blocks are left out below
        flat = over_blocks(over_cells(brick, partial(np.mean, dtype=np.float64)), np.std)
    low, high = (over_blocks(over_cells(brick, f), f) for f in (np.min, np.max))
    if ends is not None:
        clipped = over_blocks(over_cells((brick <= ends[0]) | (brick >= ends[1]), np.mean), np.mean)
        flat[clipped > 0.01] += 1e30
    flat[low == high] = np.inf
    if good is not None:
        flat[over_blocks(over_cells(good, np.min), np.min) == 0] = np.inf
    return cells, flat


def cut_blocks(bricks: Sequence[np.ndarray], places: Sequence[Place], edge: int = BLOCK_VOXELS) -> np.ndarray:
    """(n, z, y, x) float32: the blocks at these places (all bricks at least as thick as the thinnest block)."""
    if not places:
        return np.zeros((0, 1, 1, 1), np.float32)
    edges = [min(edge, n) for n in bricks[0].shape]
    cut = [bricks[i][z : z + edges[0], y : y + edges[1], x : x + edges[2]] for i, z, y, x in places]
    return np.stack(cut).astype(np.float32)


def measure_noise(blocks: np.ndarray, edge: int = BLOCK_VOXELS) -> Noise:
    """Pooled autocorrelation of (n, z, y, x) float32 blocks of this edge, each about its own mean."""
    if not len(blocks):
        return no_noise()
    sums, pairs = np.zeros((3, FARTHEST_LAG_VOXELS + 1)), np.zeros((3, FARTHEST_LAG_VOXELS + 1))
    rest = blocks - blocks.mean((1, 2, 3), keepdims=True, dtype=np.float64).astype(np.float32)
    for axis in range(3):
        moved = np.moveaxis(rest, axis + 1, 1)
        n = moved.shape[1]
        for lag in range(min(FARTHEST_LAG_VOXELS + 1, n)):
            sums[axis, lag] = (moved[:, : n - lag] * moved[:, lag:]).sum(dtype=np.float64)
            pairs[axis, lag] = moved[:, lag:].size
    mean = sums / np.maximum(pairs, 1)
    variance = float(mean[:, 0].mean())
    if variance <= 0:
        return no_noise(len(blocks))
    return Noise(math.sqrt(variance), mean / mean[:, :1], len(blocks), edge)


def is_segmented(bricks: Sequence[np.ndarray]) -> bool:
    """Whether the sample holds so few grey values that it must have been segmented already."""
    seen: set[float] = set()
    for brick in bricks:
        values = brick.ravel()[:: max(1, brick.size // 20_000)]
        seen.update(np.unique(values[np.isfinite(values)]).tolist())
        if len(seen) > FEW_GREYS:
            return False
    return True
