"""The local midpoint map: half way between the grey inside and the grey outside of the mask, near every place.

A particle that touches air here and glue there has no single unbiased level; blocks of 8^3 voxels know better.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.work import Work
from ...kernels.grey.blocks import BLOCK_VOXELS, Flatness, Level, Span, sum_blocks
from ..grey.codes import Coding
from .levels import as_level, block_shape, constant

PRIOR_LEVEL_VOXELS = 4.0  # with which the global means enter a block's mean: 1 % of a full block's 512; a choice
# blocks, sigmas of the Gaussians over neighbouring blocks: particles change their grey slowly, but their surroundings
# change from glue to air within a few voxels (.5 instead of 1 halves the volume bias next to glue)
INSIDE_SIGMA_BLOCKS, OUTSIDE_SIGMA_BLOCKS = 1.0, 0.5
SLOPE_BINS = 512  # bins of gradient / contrast between 0 and 1
BLUNTEST_BLUR_EDGES = 12.0  # longest blur that is told; a choice
FEWEST_SLOPE_VOXELS = 200  # surface voxels for an estimate of the blur; a choice
MAP_ROUNDS = 2
PEAK_VOXEL_BYTES = 3.1  # of a brick and a halo of one voxel: codes, and where they are 0


@dataclass(frozen=True)
class LocalMap:
    """Coarse maps in grey values, one value a block of 8^3 voxels, (z, y, x) float32.

    Parameters
    ----------
    inside, outside : arrays
        Mean grey of flat places above and below the level nearby.
    support : array
        Flat voxels above the level in and around each block (smoothed as the means are).
    above : int
        Voxels at or above the level that the map was made with.
    slopes : (SLOPE_BINS,) int64
        Histogram of gradient / contrast at that level.
    """

    inside: np.ndarray
    outside: np.ndarray
    support: np.ndarray
    above: int
    slopes: np.ndarray

    @property
    def level(self) -> np.ndarray:
        """Half way."""
        return np.float32(0.5) * (self.inside + self.outside)

    @property
    def gap(self) -> np.ndarray:
        """Local contrast."""
        return self.inside - self.outside


def find_map(
    codes: Any,
    coding: Coding,
    flatness: Flatness,
    means: tuple[float, float],
    work: Work,
) -> LocalMap:
    """The map, from the level half way between two global means and once more from the first map.

    Parameters
    ----------
    codes : array-like (Z, Y, X) uint16
    coding : Coding
    flatness : Flatness
        `limit`: up to twice what noise gives on average.
    means : (outside, inside)
        Grey of the next phase and of the particles.
    """
    outside, inside = means
    level, gap = constant(codes.shape, 0.5 * (inside + outside)), constant(codes.shape, inside - outside)
    for i in range(MAP_ROUNDS):
        found = _round(codes, as_level(level, gap, coding), coding, flatness, means, work, i > 0)
        level, gap = found.level, found.gap
    return found


def _round(
    codes: Any,
    level: Level,
    coding: Coding,
    flatness: Flatness,
    means: tuple[float, float],
    work: Work,
    with_slopes: bool,
) -> LocalMap:
    sums, counts, slopes, above = sum_all(codes, level, flatness, work, with_slopes)
    outside, _ = _smooth_means(sums[0], counts[0], coding, means[0], OUTSIDE_SIGMA_BLOCKS)
    inside, support = _smooth_means(sums[1], counts[1], coding, means[1], INSIDE_SIGMA_BLOCKS)
    return LocalMap(inside, outside, support, above, slopes)


def sum_all(
    codes: Any,
    level: Level,
    flatness: Flatness,
    work: Work,
    with_slopes: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Sums and counts of flat voxels below [0] and above [1] a level, by blocks of 8^3: one pass.

    Returns
    -------
    sums, counts : (2, z, y, x) int32
    slopes : (SLOPE_BINS,) int64
        Zero when they are not asked for.
    above : int
        Voxels at or above the level, flat or not.
    """
    shape = (2, *block_shape(codes.shape))
    sums, counts = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    slopes, above = np.zeros(SLOPE_BINS, np.int64), 0
    task = partial(_sum_brick, codes, level, flatness, with_slopes)
    for where, part_sums, part_counts, part_slopes, part_above in work.each(task):
        sums[where] += part_sums
        counts[where] += part_counts
        slopes[: part_slopes.size] += part_slopes
        above += part_above
    return sums, counts, slopes, above


def _sum_brick(
    codes: Any, level: Level, flatness: Flatness, with_slopes: bool, brick: Brick
) -> tuple[tuple[slice, ...], np.ndarray, np.ndarray, np.ndarray, int]:
    """Where the blocks of a brick lie among all of them, and what `sum_all` gives of its own."""
    outer, own = brick.widened((1, 1), codes.shape), brick.widened((0, 0), codes.shape)
    part = np.ascontiguousarray(codes[outer.here])
    span = Span(own.core(outer), (outer.z0, outer.y0))
    ends = ((own.z0, own.z1), (own.y0, own.y1))
    z, y = (slice(a // BLOCK_VOXELS, (b - 1) // BLOCK_VOXELS + 1) for a, b in ends)
    shape = (2, z.stop - z.start, y.stop - y.start, block_shape(codes.shape)[2])
    sums, counts = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    slopes = np.zeros(SLOPE_BINS if with_slopes else 0, np.int64)
    above = sum_blocks(part, span, level, flatness, bool((part == 0).any()), sums, counts, slopes)
    return (slice(None), z, y), sums, counts, slopes, int(above)


def _smooth_means(
    sums: np.ndarray, counts: np.ndarray, coding: Coding, prior: float, sigma: float
) -> tuple[np.ndarray, np.ndarray]:
    """Grey means of blocks and their neighbours, drawn to `prior` where there is little to go by; and the counts."""
    from scipy.ndimage import gaussian_filter

    weight = gaussian_filter(counts.astype(np.float32), sigma, mode="nearest")
    total = gaussian_filter(sums.astype(np.float32), sigma, mode="nearest")
    code = (total + np.float32(PRIOR_LEVEL_VOXELS * coding.position(prior))) / (weight + np.float32(PRIOR_LEVEL_VOXELS))
    return (coding.offset + coding.scale * code).astype(np.float32), weight


def total_blur(slopes: np.ndarray) -> float | None:
    """Sigma of the edges (optics and filter together), finest voxel edges.

    None with too few surface voxels, or where most of them have hardly any slope: then the level follows no edges.

    Notes
    -----
    An edge blurred by s has the slope 1 / (s sqrt(2 pi)) of its contrast at its middle. A difference over two voxels
    sees a little less, on average over directions by the factor 1 - 1 / (10 s^2).
    """
    n = int(slopes.sum())
    if n < FEWEST_SLOPE_VOXELS:
        return None
    share = np.cumsum(slopes) / n
    steepness = float(np.interp(0.5, np.concatenate([[0.0], share]), np.arange(len(slopes) + 1) / len(slopes)))
    if steepness <= 0:
        return None
    plain = 1 / (steepness * math.sqrt(2 * math.pi))
    blur = plain
    for _ in range(20):
        blur = plain * max(0.5, 1 - 0.1 / blur**2)
    return blur if blur <= BLUNTEST_BLUR_EDGES else None
