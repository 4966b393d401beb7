"""Which basins are one particle: joins on the graph of basins.

Best pair first, while the interface is large for the smaller of the two and for the ball inscribed in it, the two are
about as thick, together sprawl little more than each alone, and the surface along the rim of the interface is not too
concave. Or, however long the two are and however they bend, while the body goes on through the interface without a
waist. Before that a floor may take away peaks that hardly rise above their saddle.
"""

from dataclasses import dataclass

import numpy as np

from ...kernels.split import joins as kernel
from ...kernels.split.join_scores import SADDLE_UNIT, Rule
from .basin_graph import BOX_VOXELS, Graph


@dataclass(frozen=True)
class Steps:
    """The joins made by the rule, in order, those that a higher limit would make included.

    The limit adds the same to every score, so one order of joins holds for all limits: a higher one goes further.

    Attributes
    ----------
    clusters : (N,) int64
        Cluster of each basin before the first join, from 0.
    pairs : (M,2) int64
        The cluster that stays, and the one that goes into it.
    limits : (M,) float64
        The limit above which each join is made, never falling.
    """

    clusters: np.ndarray
    pairs: np.ndarray
    limits: np.ndarray

    def made(self, limit: float) -> int:
        """How many joins a limit makes."""
        return int(np.searchsorted(self.limits, limit, side="left"))

    def joined(self, count: int) -> np.ndarray:
        """A member of what each cluster belongs to after so many joins, (C,) int64: one for all of a particle."""
        into = np.arange(int(self.clusters.max(initial=-1)) + 1)
        into[self.pairs[:count, 1]] = self.pairs[:count, 0]
        while not np.array_equal(further := into[into], into):  # each round doubles the length of the chains
            into = further
        return into


@dataclass(frozen=True)
class Joined:
    """What the joins made of N basins.

    Attributes
    ----------
    particles : (N,) int32
        Particle of each basin, from 1, in raster order of the first peak of each.
    n : int
        Particles.
    by_floor, by_rule : int
        Joins made.
    steps : Steps or None
        The joins by the rule.
    """

    particles: np.ndarray
    n: int
    by_floor: int
    by_rule: int
    steps: Steps | None = None


def _numbered(roots: np.ndarray) -> tuple[np.ndarray, int]:
    """Clusters numbered from 0 by their first member, given any one member of each as its root."""
    n = len(roots)
    first = np.full(n, n)
    np.minimum.at(first, roots, np.arange(n))
    lowest = first[roots]
    is_first = lowest == np.arange(n)
    return (np.cumsum(is_first) - 1)[lowest], int(is_first.sum())


def flooded(graph: Graph, floor: float) -> tuple[np.ndarray, int]:
    """Basins joined where the lower peak rises less than `floor` above the saddle, highest saddle first.

    This is a flooding from the maxima of dynamic `floor` and more. Returns the cluster of each basin (N,) int64,
    numbered from 0 in raster order of the first peak of each, and their count.
    """
    order = np.lexsort((graph.pairs[:, 1], graph.pairs[:, 0], -graph.saddles))
    return _numbered(kernel.join_floor(order, graph.pairs, graph.saddles, graph.peaks, floor))


def _contracted(graph: Graph, clusters: np.ndarray, n: int) -> tuple[np.ndarray, ...]:
    """Of clusters: half links (2L,), sizes (3,n), peaks, moments (n,...), and (6,L) sums of area, rim, box, saddle,
    peaks.

    Sizes: voxels, surfaces, whether a face cuts it. Of saddles the highest; the lower and the higher peak beside it.
    """
    sizes, moments = np.zeros((3, n), np.int64), np.zeros((n, 9), np.int64)
    np.add.at(sizes[0], clusters, graph.sizes)
    np.add.at(sizes[1], clusters, graph.surfaces)
    np.add.at(moments, clusters, graph.moments)
    if graph.cut is not None:
        sizes[2, clusters[graph.cut]] = 1
    peaks = np.zeros(n)
    np.maximum.at(peaks, clusters, graph.peaks)
    links = np.sort(clusters[graph.pairs], axis=1)
    apart = links[:, 0] != links[:, 1]
    keys, place = np.unique(links[apart, 0] << 32 | links[apart, 1], return_inverse=True)
    sums = np.zeros((6, len(keys)), np.int64)
    for row, column in zip(sums, (graph.areas, graph.rims, graph.boxes)):
        np.add.at(row, place, column[apart])
    # whole numbers like the rest: neither order nor cut can change a bit
    np.maximum.at(sums[3], place, np.rint(graph.saddles[apart] * SADDLE_UNIT).astype(np.int64))
    sums[4:] = np.rint(np.sort(peaks[[keys >> 32, keys & 0xFFFFFFFF]], axis=0) * SADDLE_UNIT)
    return np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=1).reshape(-1), sizes, peaks, moments, sums


def flood(graph: Graph, h: float) -> Joined:
    """The particles that a flooding from the h-maxima gives: every maximum of dynamic `h` and more keeps its own."""
    clusters, n = flooded(graph, h)
    return Joined((clusters + 1).astype(np.int32), n, len(graph.peaks) - n, 0)


def join(
    graph: Graph, floor: float, limit: float, beyond: float = 0.0, figures: dict[str, float] | None = None
) -> Joined:
    """Join basins into particles.

    1. Floor: join while the lower peak rises less than `floor` above the saddle (highest saddle first).
    2. Best pair first while
       ln(surf) + 0.3 ln(neck) - 0.3 ln(peaks) - 2.8 sprawl n^2 / (n^2 + 80^2) - 8.2 (f - limit) > 0, where
       surf = A / (A + S), A the interface, S the surface towards background of the cluster with fewer voxels, n;
       neck = A / (pi p^2), p the lower of their peaks; peaks = the higher of them over p;
       sprawl = (R - R1 - R2) / R1, the R the volumes of the ellipsoids of equal moments of both together, of the one
       with fewer voxels and of the other: near 0 for the parts of a convex body, large for bodies that only touch;
       f = mean solid share of the boxes at the rim (0.5 without a rim). Sums add up on joining.
       Where that is more: a second score of the same limit by whether the body goes on through the interface without
       a waist, as tubes, coils, branches and shells do; see `kernels.join_scores.continuing`.

    Parameters
    ----------
    graph : Graph
    floor : float
        Shortest voxel edges.
    limit : float
        More joins more.
    beyond : float
        How much further `steps` goes than the limit.
    figures : dict, optional
        Of the rule, in place of those of `kernels.join_scores.Rule`.
    """
    clusters, n = flooded(graph, floor)
    reached = limit + beyond
    rule = Rule(float(BOX_VOXELS), graph.area_unit, reached, **(figures or {}))
    pairs, scores = kernel.join_best(*_contracted(graph, clusters, n), rule)
    steps = Steps(clusters, pairs, reached - scores / rule.compact_rim)
    made = steps.made(limit) if beyond else len(pairs)
    joined, particles = _numbered(steps.joined(made))
    return Joined((joined[clusters] + 1).astype(np.int32), particles, len(graph.peaks) - n, n - particles, steps)
