"""Where the voids of a particle lie: how deep, among the places each could have had, and whether in clusters.

Both are held against the same voids thrown at random into the same particle. They complement each other: voids in a
shell under the surface keep their distances and fail by depth, a cluster half way to the middle the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..kernels.measurement import void_throws as kernel
from ..segment.voids.facts import VoidSearch

THROWS = 199
LEAST_VOIDS = 10  # fewer tell nothing
MOST_VOIDS = 1000  # of more, the largest ones: the work grows with the square of their number
# The solid left around voids is not known: it follows from how they were found. The least that is seen takes its place
# (given it, voids at random are again uniform over what is left), within these bounds in voxels, so that voids which
# all lie far from the surface or from each other are not explained away.
WALL_VOXELS, GAP_VOXELS = (0.5, 2.0), (0.0, 2.0)
USUAL_WALL_VOXELS = 1.0  # with too few voids to tell


@dataclass(frozen=True)
class Placement:
    """How the voids of a particle lie.

    Attributes
    ----------
    depths : (K,) float
        Distance from each void's middle to the nearest voxel outside the particle; NaN where it lies outside itself.
    ranks : (K,) float
        Share of the places a void could have had that lie deeper than it; NaN where its middle lies outside.
    ratio, ratio_p : float
        Mean distance to the nearest void over its mean in random throws, and the two-sided p by rank.
    rank_mean, rank_p : float
        Mean of the ranks and the two-sided p by rank; the last four NaN with fewer than LEAST_VOIDS voids, or
        where these leave no room to be thrown at random.
    """

    depths: np.ndarray
    ranks: np.ndarray
    ratio: float = float("nan")
    ratio_p: float = float("nan")
    rank_mean: float = float("nan")
    rank_p: float = float("nan")


def placement(
    squared: np.ndarray,
    spacing: tuple[float, float, float],
    middles: np.ndarray,
    radii: np.ndarray,
    seeing: VoidSearch,
    label: int,
) -> Placement:
    """Depths, ranks and tests of the voids of one particle.

    Parameters
    ----------
    squared : (Z,Y,X) float32
        Squared distance of every voxel to the nearest one outside the particle, in units of the finest spacing, with a
        margin of zeros (`crops.box`).
    spacing : z, y, x voxel edges.
    middles : (K, 3)
        Middles of the voids in voxels of `squared`.
    radii : (K,)
        Volume-equivalent radii, in the unit of the spacing.
    seeing : VoidSearch
    label : int
        Of the particle; with `seeing.seed` the seed of its throws.

    Source
    ------
    Monte Carlo tests by rank: Besag & Diggle 1977, doi 10.2307/2346974.
    """
    unit = min(spacing)
    edges, radii = np.asarray(spacing, float) / unit, np.asarray(radii, float) / unit
    at = np.clip(np.rint(middles).astype(np.int64), 0, np.array(squared.shape) - 1)
    depths = np.sqrt(squared[tuple(at.T)].astype(float))
    counts = kernel.depth_counts(squared)
    above = np.cumsum(counts[::-1])[::-1]  # voxels of a bin or deeper
    deeper = above - 0.5 * counts  # those of the same depth count half
    seeds = np.random.SeedSequence([seeing.seed, label]).generate_state(2, np.uint64)
    chosen = np.flatnonzero(depths > 0)
    # which of equal ones are taken must not hang on where they lie
    drawn = np.random.default_rng(seeds[0]).permutation(len(chosen))
    chosen = chosen[np.lexsort((drawn, -radii[chosen]))][:MOST_VOIDS]
    points = np.ascontiguousarray(middles[chosen] * edges)
    voxel = float(np.cbrt(np.prod(edges)))
    wall, gap = _solid_around(points, depths[chosen], radii[chosen], voxel, seeing.depth / unit)
    least = np.ceil(np.maximum(radii + wall, seeing.depth / unit) * kernel.DEPTH_BINS).astype(np.int64)
    least = np.minimum(least, len(counts) - 1)
    ranks = np.minimum(1.0, deeper[(depths * kernel.DEPTH_BINS).astype(np.int64)] / above[least])
    found = Placement(np.where(depths > 0, depths * unit, np.nan), np.where(depths > 0, ranks, np.nan))
    if len(chosen) < LEAST_VOIDS:
        return found
    shallowest = ((least[chosen] / kernel.DEPTH_BINS) ** 2).astype(np.float32)
    places = above[least[chosen]].astype(float)
    out = np.empty((THROWS, 2))
    thrown = kernel.throw_voids(squared, edges, radii[chosen], (shallowest, gap), deeper, places, seeds[1], out)
    return _judged(found, points, ranks[chosen], out) if thrown == THROWS else found


def _solid_around(
    points: np.ndarray, depths: np.ndarray, radii: np.ndarray, voxel: float, seen_from: float
) -> tuple[float, float]:
    """Least solid between a void and the surface, and between two voids, as seen and within bounds."""
    if len(points) < LEAST_VOIDS:
        return voxel * USUAL_WALL_VOXELS, 0.0
    wall, gap = float((depths - radii).min()), float(kernel.least_gap(points, radii))
    return (
        min(max(wall, voxel * WALL_VOXELS[0]), max(voxel * WALL_VOXELS[1], seen_from)),
        min(max(gap, voxel * GAP_VOXELS[0]), max(voxel * GAP_VOXELS[1], seen_from)),
    )


def _judged(found: Placement, points: np.ndarray, ranks: np.ndarray, thrown: np.ndarray) -> Placement:
    """The same with the two tests; points (n, 3), ranks (n,), thrown (S, 2)."""
    distance, rank = kernel.mean_nearest(points), float(np.sort(ranks).mean())
    return replace(
        found,
        ratio=distance / float(thrown[:, 0].mean()),
        ratio_p=_two_sided(distance, thrown[:, 0]),
        rank_mean=rank,
        rank_p=_two_sided(rank, thrown[:, 1]),
    )


def _two_sided(value: float, thrown: np.ndarray) -> float:
    """How often chance is as extreme, on the rarer side twice; at least 2 / (S + 1)."""
    low, high = int((thrown <= value).sum()), int((thrown >= value).sum())
    return min(1.0, 2 * (1 + min(low, high)) / (1 + len(thrown)))
