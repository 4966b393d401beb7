"""Noise where structure is fine: block sizes that must agree, and the insides of two classes where they do not.

Blocks of 16^3 voxels are measured first. Where grains, pores and gaps are smaller there is no flat block of that size,
and structure is taken for noise; blocks of half the edge then show much less of it. Noise that is correlated shows
less of itself in smaller blocks, too, but by how much is known from its autocorrelation. So the largest blocks that
agree with those of half their edge are believed; where none do, the voxels that have only their like around them tell.
Source: docs/segmentation.md.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .histogram import otsu
from .noise import (
    BLOCK_VOXELS,
    CELL_VOXELS,
    FARTHEST_LAG_VOXELS,
    FEWEST_BLOCKS,
    Noise,
    Place,
    cut_blocks,
    flattest_blocks,
    measure_noise,
    no_noise,
)

SMALLER_BLOCKS_VOXELS = ((8, 2), (4, 2))  # voxels: edges of blocks and of their cells
# what white and Gaussian-blurred noise alone (sigma 0 to 3 voxels) leaves of its sd in the flattest blocks of half the
# edge, by the lag-1 autocorrelation found in the larger ones; simulated
HALF_CORRELATION = {
    16: (0.0, 0.25, 0.56, 0.75, 0.83, 0.87, 0.91, 0.935),
    8: (0.0, 0.21, 0.50, 0.69, 0.76, 0.79, 0.81, 1.0),
}
HALF_SHARE = {
    16: (0.977, 0.955, 0.895, 0.817, 0.764, 0.70, 0.58, 0.42),
    8: (0.949, 0.888, 0.777, 0.656, 0.485, 0.419, 0.367, 0.31),
}
# the same of the flattest blocks of 4^3 and the true sd, by the true autocorrelation
SMALLEST_CORRELATION = (0.0, 0.25, 0.56, 0.75, 0.87)
SMALLEST_SHARE = (0.93, 0.845, 0.70, 0.51, 0.26)
AGREEING_RATIO = 1.1  # ratio up to which two ways to measure agree
STRUCTURE_RATIO = 1.3  # noise of the largest blocks over that inside classes, above which they hold structure
APART_SD = 3.2  # pooled sds between Otsu's two classes; noise alone gives 2.65, partial volume without phases 3.5
ENOUGH_BLOCKS = 10 * FEWEST_BLOCKS  # blocks to choose a tenth from
MOST_VOXELS = 1 << 20  # looked at for all but the largest blocks
CLASS_SIGMA = 0.7  # voxels, of the Gaussian before voxels are classed for the insides of phases
FEWEST_INSIDE = 500  # voxels of a class with only their like around them
CONSTANT_CELL_SHARE = 0.01  # share of the cells of 4^3 voxels that hold one and the same value: padding, or a cut range


def measure(
    bricks: Sequence[np.ndarray], valid: Sequence[np.ndarray | None], ends: tuple[float, float] | None
) -> tuple[Noise, list[Place]]:
    """The noise of a sample, and the places of the blocks that it was measured on (bricks, as `noise.Place`).

    Parameters
    ----------
    bricks : (z, y, x) arrays
        Raw grey.
    valid : (z, y, x) uint8 or None, of each
        Voxels that count.
    ends : (float, float) or None
        Ends of the grey range.

    Returns
    -------
    Noise
        With `low` and `high` where the ways to measure do not agree.
    places : list
        Of the blocks, as long as they are of 16^3 voxels.
    """
    valid = without_padding(bricks, valid)
    places = flattest_blocks(bricks, valid, ends)
    found = measure_noise(cut_blocks(bricks, places))
    if places and not found.sd:
        return found, places
    few, few_valid = _some(bricks, valid)
    inside, apart = inside_classes(few, few_valid)
    tried = [found] * bool(places) + _smaller(few, few_valid, ends)
    if len(tried) == 1 and not apart:
        return tried[0], places
    if places and not _finer(found, tried[1:], inside if apart else None):
        return found, places
    if inside.sd and apart:
        return inside, []
    return _of_smaller(tried, inside), []


def _finer(found: Noise, smaller: list[Noise], inside: Noise | None) -> bool:
    """Whether structure is finer than the blocks, so that their noise is not noise alone.

    inside: noise within two classes that lie apart; it tells of structure that is the same in all blocks.
    """
    if inside is not None and inside.sd and found.sd > STRUCTURE_RATIO * inside.sd:
        return True
    return bool(smaller) and smaller[0].sd * AGREEING_RATIO < found.sd * _left(found, smaller[0].edge)


def _of_smaller(tried: list[Noise], inside: Noise) -> Noise:
    """The noise of the largest of the smaller blocks that agree with still smaller ones or with the insides of classes;
    else the least of all, with its bounds."""
    smaller = [n for n in tried if n.edge < BLOCK_VOXELS]
    for large, half in itertools.pairwise(smaller):
        if half.sd * AGREEING_RATIO >= large.sd * _left(large, half.edge):
            return large
    if not smaller:
        return replace(tried[0], low=inside.sd or None, high=tried[0].sd, sd=inside.sd or tried[0].sd)
    smallest = smaller[-1]
    if inside.sd:
        share = float(np.interp(inside.correlation, SMALLEST_CORRELATION, SMALLEST_SHARE))
        if max(smallest.sd / (share * inside.sd), share * inside.sd / smallest.sd) <= AGREEING_RATIO:
            return inside
    guesses = [smallest.sd / SMALLEST_SHARE[0], *([inside.sd] if inside.sd else [])]
    return replace(smallest, sd=min(guesses), low=min(guesses), high=max(*guesses, *(n.sd for n in tried)))


def _some(
    bricks: Sequence[np.ndarray], valid: Sequence[np.ndarray | None]
) -> tuple[list[np.ndarray], list[np.ndarray | None]]:
    """Bricks spread over the sample that hold enough voxels; of a single large one, its middle."""
    step = max(1, -(-sum(b.size for b in bricks) // MOST_VOXELS))
    if step == 1:
        return list(bricks), list(valid)
    kept, kept_valid = list(bricks[step // 2 :: step]), list(valid[step // 2 :: step])
    if not kept:
        kept, kept_valid = [bricks[0]], [valid[0]]
    side = max(64, int((MOST_VOXELS / sum(len(b) for b in kept)) ** 0.5))
    cut = [tuple(slice(max(0, (n - side) // 2), max(0, (n - side) // 2) + side) for n in b.shape[1:]) for b in kept]
    return (
        [b[:, y, x] for b, (y, x) in zip(kept, cut)],
        [None if v is None else v[:, y, x] for v, (y, x) in zip(kept_valid, cut)],
    )


def _smaller(bricks: list[np.ndarray], valid: list[np.ndarray | None], ends: tuple[float, float] | None) -> list[Noise]:
    """Noise in smaller blocks, larger ones first, as far as there are enough to choose from."""
    found = []
    for edge, cell in SMALLER_BLOCKS_VOXELS:
        places = flattest_blocks(bricks, valid, ends, edge, cell, ENOUGH_BLOCKS)
        noise = measure_noise(cut_blocks(bricks, places, edge), edge)
        if noise.sd:
            found.append(noise)
    return found


def _left(noise: Noise, edge: int) -> float:
    """Share of the sd that noise with this autocorrelation leaves in flattest blocks of a smaller edge."""
    share, correlation = 1.0, noise.correlation
    for larger in (n for n in HALF_SHARE if edge < n <= noise.edge):
        share *= float(np.interp(correlation, HALF_CORRELATION[larger], HALF_SHARE[larger]))
    return share


def inside_classes(bricks: Sequence[np.ndarray], valid: Sequence[np.ndarray | None]) -> tuple[Noise, bool]:
    """Noise of the voxels that have only voxels of their own class around them, the classes being Otsu's of the grey
    smoothed a little; a class of one value has none. And whether the classes lie apart."""
    from scipy import ndimage

    smooth = [ndimage.gaussian_filter(b.astype(np.float32), CLASS_SIGMA) for b in bricks]
    values = np.concatenate([s.ravel() if v is None else s[v > 0] for s, v in zip(smooth, valid)])
    values = values[np.isfinite(values)]
    if not values.size or values.min() == values.max():
        return no_noise(), False
    counts, edges = np.histogram(values, 1024, (float(values.min()), float(values.max())))
    level = edges[otsu(counts)]
    dark, light = values[values < level], values[values >= level]
    apart = bool(light.mean() - dark.mean() > APART_SD * np.sqrt(0.5 * (dark.var() + light.var())))
    sums, pairs = np.zeros((3, FARTHEST_LAG_VOXELS + 1)), np.zeros((3, FARTHEST_LAG_VOXELS + 1))
    for bright in (False, True):
        cores = []
        for s, v in zip(smooth, valid):
            alike = (s >= level) == bright
            if v is not None:
                alike &= v > 0
            near = np.ones([min(3, n) for n in s.shape], bool)
            cores.append(ndimage.binary_erosion(alike, near, border_value=1))
        grey = np.concatenate([b[c] for b, c in zip(bricks, cores)]).astype(np.float64)
        if grey.size < FEWEST_INSIDE:
            continue
        middle = float(np.median(grey))
        spread = float(np.median(np.abs(grey - middle))) / 0.6745
        if spread:
            for b, core in zip(bricks, cores):
                _add_pairs(b, core, middle, spread, sums, pairs)
    mean = sums / np.maximum(pairs, 1)
    variance = float(mean[:, 0].mean())
    if variance <= 0:
        return no_noise(), apart
    return Noise(float(np.sqrt(variance)), mean / mean[:, :1], 0, 0), apart


def _add_pairs(
    brick: np.ndarray, core: np.ndarray, middle: float, spread: float, sums: np.ndarray, pairs: np.ndarray
) -> None:
    """Add the products of core voxels at each lag along each axis; the voxels of blurred surfaces are left out."""
    rest = np.where(core, brick.astype(np.float32) - np.float32(middle), np.float32(0))
    use = core & (np.abs(rest) < 4 * spread)
    rest *= use
    for axis in range(3):
        moved, counted = np.moveaxis(rest, axis, 0), np.moveaxis(use, axis, 0)
        n = len(moved)
        for lag in range(min(FARTHEST_LAG_VOXELS + 1, n)):
            sums[axis, lag] += (moved[: n - lag] * moved[lag:]).sum(dtype=np.float64)
            pairs[axis, lag] += np.count_nonzero(counted[: n - lag] & counted[lag:])


def without_padding(bricks: Sequence[np.ndarray], valid: Sequence[np.ndarray | None]) -> list[np.ndarray | None]:
    """The voxels that tell of noise: not those of a background of exactly one value, which is quiet and tells nothing.

    Where cells hold several constant values the volume itself is as quiet as that, and all its voxels count.
    """
    constant: dict[float, int] = {}
    cells = 0
    for brick in bricks:
        n = [n // CELL_VOXELS * CELL_VOXELS for n in brick.shape]
        if not all(n):
            return list(valid)
        shape = [m for a in n for m in (a // CELL_VOXELS, CELL_VOXELS)]
        cut = brick[: n[0], : n[1], : n[2]].reshape(shape)
        low = cut.min((1, 3, 5))
        values, counts = np.unique(low[low == cut.max((1, 3, 5))], return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist()):
            constant[value] = constant.get(value, 0) + count
        cells += low.size
    common = [value for value, count in constant.items() if count > CONSTANT_CELL_SHARE * cells]
    if len(common) != 1:
        return list(valid)
    return [_but_for(b, v, common[0]) for b, v in zip(bricks, valid)]


def _but_for(brick: np.ndarray, valid: np.ndarray | None, value: float) -> np.ndarray:
    """1 where a voxel counts and lies in no piece of padding of 3^3 voxels and more."""
    from scipy import ndimage

    padding = ndimage.binary_erosion(brick == value, np.ones((3, 3, 3), bool), border_value=1)
    good = ~ndimage.binary_dilation(padding, np.ones((3, 3, 3), bool))
    if valid is not None:
        good &= valid > 0
    return good.view(np.uint8)
