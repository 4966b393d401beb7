"""The noise of a volume: its size and how it is correlated, and what any smoothing leaves of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BLOCK = 16  # voxels, edge of the blocks whose noise is measured
LAG = 6  # voxels; correlation is followed so far
LEAST_CORRELATION = 0.03  # below it, it is taken for none
FEWEST, MOST = 8, 400  # blocks
FEW_GREYS = 16  # an image of so few grey values is segmented already: it has no noise
CORRELATED = 0.3  # lag-1 autocorrelation above which the noise is called correlated


@dataclass(frozen=True)
class Noise:
    """Noise of the flat places of a volume.

    Parameters
    ----------
    sd : float
        Standard deviation, grey values.
    acf : (3, LAG + 1) float64
        Autocorrelation along z, y, x from lag 0 (= 1).
    n_blocks : int
        Blocks of 16^3 voxels it was measured on.
    """

    sd: float
    acf: np.ndarray
    n_blocks: int

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
            tail = smooth[len(smooth) // 2 :][: LAG + 1]
            acf[axis, : len(tail)] = tail / tail[0]
            variance *= max(float(tail[0]), 1e-12)
        return Noise(math.sqrt(variance), acf, self.n_blocks)


def no_noise(n_blocks: int = 0) -> Noise:
    """The noise of a noiseless volume."""
    acf = np.zeros((3, LAG + 1))
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


def cut_blocks(bricks: Sequence[np.ndarray], valid: Sequence[np.ndarray | None]) -> list[np.ndarray]:
    """All whole blocks of 16^3 voxels (less along an axis that has fewer) of the bricks, as (n, bz, by, bx) float32.

    Blocks with a voxel that does not count are left out.
    """
    blocks = []
    for brick, good in zip(bricks, valid):
        edges = [min(BLOCK, n) for n in brick.shape]
        cut = _as_blocks(brick, edges).astype(np.float32)
        if good is not None:
            cut = cut[_as_blocks(good, edges).all((1, 2, 3))]
        blocks.append(cut)
    return blocks


def _as_blocks(array: np.ndarray, edges: Sequence[int]) -> np.ndarray:
    (nz, ny, nx), (bz, by, bx) = ((n // b for n, b in zip(array.shape, edges)), edges)
    cut = array[: nz * bz, : ny * by, : nx * bx].reshape(nz, bz, ny, by, nx, bx)
    return cut.transpose(0, 2, 4, 1, 3, 5).reshape(-1, bz, by, bx)


def flattest_blocks(blocks: list[np.ndarray], ends: tuple[float, float] | None) -> list[np.ndarray]:
    """For each brick the indices of its blocks among the flattest tenth of all.

    Flat = little spread between the means of sub-blocks of 4^3, which noise hardly moves and a surface does. Blocks of
    one value (padding) have no noise to show, and blocks clipped at an end of the range (`ends`) show too little.
    """
    spread = []
    for cut in blocks:
        n, bz, by, bx = cut.shape
        kz, ky, kx = (min(4, e) for e in (bz, by, bx))
        whole = cut[:, : bz // kz * kz, : by // ky * ky, : bx // kx * kx]
        parts = whole.reshape(n, bz // kz, kz, by // ky, ky, bx // kx, kx).mean((2, 4, 6))
        flat = parts.std((1, 2, 3))
        flat[cut.min((1, 2, 3), initial=np.inf) == cut.max((1, 2, 3), initial=-np.inf)] = np.inf
        if ends is not None and len(cut):
            clipped = ((cut <= ends[0]) | (cut >= ends[1])).mean((1, 2, 3)) > 0.01
            flat[clipped] += 1e30
        spread.append(flat)
    every = np.concatenate(spread) if spread else np.zeros(0)
    usable = int(np.isfinite(every).sum())
    keep = min(usable, max(FEWEST, min(MOST, usable // 10)))
    chosen = np.zeros(len(every), bool)
    chosen[np.argsort(every, kind="stable")[:keep]] = True
    splits = np.cumsum([len(s) for s in spread])[:-1]
    return [np.flatnonzero(c) for c in np.split(chosen, splits)]


def measure_noise(blocks: Sequence[np.ndarray]) -> Noise:
    """Pooled autocorrelation of blocks, each about its own mean.

    Parameters
    ----------
    blocks : list of (n, bz, by, bx) float32
    """
    sums, pairs = np.zeros((3, LAG + 1)), np.zeros((3, LAG + 1))
    for cut in blocks:
        if not len(cut):
            continue
        rest = cut - cut.mean((1, 2, 3), keepdims=True, dtype=np.float64).astype(np.float32)
        for axis in range(3):
            moved = np.moveaxis(rest, axis + 1, 1)
            n = moved.shape[1]
            for lag in range(min(LAG + 1, n)):
                sums[axis, lag] += (moved[:, : n - lag] * moved[:, lag:]).sum(dtype=np.float64)
                pairs[axis, lag] += moved[:, lag:].size
    mean = sums / np.maximum(pairs, 1)
    variance = float(mean[:, 0].mean())
    n_blocks = sum(len(b) for b in blocks)
    if variance <= 0:
        return no_noise(n_blocks)
    return Noise(math.sqrt(variance), mean / mean[:, :1], n_blocks)


def is_segmented(bricks: Sequence[np.ndarray]) -> bool:
    """Whether the sample holds so few grey values that it must have been segmented already."""
    seen: set[float] = set()
    for brick in bricks:
        values = brick.ravel()[:: max(1, brick.size // 20_000)]
        seen.update(np.unique(values[np.isfinite(values)]).tolist())
        if len(seen) > FEW_GREYS:
            return False
    return True
