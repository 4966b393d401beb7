"""How near the split was to coming out otherwise: joins made or undone when `split.join` is off by its uncertainty.

No voxel is read: the limit adds the same to the score of every join, so the joins of all limits are one list, which a
higher limit follows further (`merging.Steps`). The clusters at the lower end of the uncertainty are the pieces of which
particles consist at any limit within it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np

from .basin_graph import Graph
from .merging import Steps

# of split.join. The best limit of 32 phantoms (eight families, scripts/fit_margins) is .891 with an sd of .065 (.034 to
# .083), so this is 1.85 sd; at either end the numbers of particles hold the true one on 26 of them (at half of it 17)
JOIN_UNCERTAINTY = 0.12
CRUMB_SHARE = 0.1  # of a particle's voxels: a smaller piece changes nothing that is told of it


@dataclass(frozen=True)
class Margins:
    """What would become of particles 1 to n with another limit.

    Attributes
    ----------
    join, uncertainty : float
        The limit, and how far it may be off.
    particle : (P,) int64
        Particle of each piece.
    voxels, solid : (P,) int64
        All of its voxels, and those that were solid before pockets were sealed.
    cut : (P,) bool
        Whether the piece reaches a face of the volume.
    group : (P,) int64
        Which pieces are together at the upper end of the uncertainty, numbers from 0.
    falls_at : (n + 1,) float64
        Limit at and below which a part of each particle, not a crumb, comes off; NaN: not within the uncertainty.
    falls_into : (n + 1,) int64
        Pieces, crumbs not counted, at the lower end; 1 where it holds together.
    merges_at : (n + 1,) float64
        Limit above which it is joined with another particle that is more than a crumb beside it.
    merges_with : (n + 1,) int64
        That particle, the largest of those on the other side; 0: none.
    place : (n + 1, 3) float64
        Where to look, voxels z, y, x: the middle of the join that comes first when the limit moves; NaN: none.
    """

    join: float
    uncertainty: float
    particle: np.ndarray
    voxels: np.ndarray
    solid: np.ndarray
    cut: np.ndarray
    group: np.ndarray
    falls_at: np.ndarray
    falls_into: np.ndarray
    merges_at: np.ndarray
    merges_with: np.ndarray
    place: np.ndarray

    def renumbered(self, table: np.ndarray) -> Self:
        """The same with particle i called table[i]; what is told of those that were dropped (0) is dropped as well."""
        n = int(table.max(initial=0))
        kept, pieces = np.flatnonzero(table), table[self.particle] > 0
        moved: dict[str, Any] = {name: getattr(self, name)[pieces] for name in ("voxels", "solid", "cut", "group")}
        moved["particle"] = table[self.particle[pieces]].astype(np.int64)
        for name, empty in (("falls_at", np.nan), ("falls_into", 1), ("merges_at", np.nan), ("place", np.nan)):
            old = getattr(self, name)
            moved[name] = np.full((n + 1, *old.shape[1:]), empty, old.dtype)
            moved[name][table[kept]] = old[kept]
        partner = np.zeros(n + 1, np.int64)
        partner[table[kept]] = table[self.merges_with[kept]]
        moved["merges_at"][partner == 0] = np.nan
        return replace(self, merges_with=partner, **moved)

    def untold(self) -> dict[str, Any]:
        """How many particles the shape does not tell apart: another limit within the uncertainty would say otherwise.

        Returns
        -------
        dict
            `may_be_several`: particles of which a part, not a crumb, would come off; `parts`: pieces these would be;
            `may_be_one_with_another`: particles that would be joined with another one; `share`: of all particles, those
            of either kind.
        """
        apart, together = np.isfinite(self.falls_at[1:]), np.isfinite(self.merges_at[1:])
        return {
            "may_be_several": int(apart.sum()),
            "parts": int(self.falls_into[1:][apart].sum()),
            "may_be_one_with_another": int(together.sum()),
            "share": float((apart | together).mean()) if len(apart) else 0.0,
        }

    def to_mapping(self) -> dict[str, Any]:
        """Plain lists, for the checkpoint; NaN becomes None there."""
        return {f.name: v.tolist() if isinstance(v := getattr(self, f.name), np.ndarray) else v for f in fields(self)}

    @classmethod
    def from_mapping(cls, plain: Mapping[str, Any]) -> Self:
        """What `to_mapping` gave."""
        types = {"cut": bool, "falls_at": float, "merges_at": float, "place": float}
        given: dict[str, Any] = {
            k: np.array(v, types.get(k, np.int64)) if isinstance(v, list) else float(v) for k, v in plain.items()
        }
        given["place"] = given["place"].reshape(-1, 3)
        return cls(**given)


def find_margins(graph: Graph, steps: Steps, particles: np.ndarray, limit: float, reach: float, least: int) -> Margins:
    """Margins of a split.

    Parameters
    ----------
    graph : Graph
        With `cut` and `sealed`.
    steps : Steps
        The joins up to `limit + reach`.
    particles : (N,) int32
        Particle of each basin at `limit`.
    limit, reach : float
    least : int
        Voxels of the smallest particle that is kept.
    """
    assert graph.cut is not None
    assert graph.sealed is not None
    solid = graph.sizes - graph.sealed
    low, high = steps.joined(steps.made(limit - reach)), steps.joined(steps.made(limit + reach))
    pieces, place = np.unique(low[steps.clusters], return_inverse=True)
    voxels, cut = np.zeros((2, len(pieces)), np.int64), np.zeros(len(pieces), bool)
    np.add.at(voxels[0], place, graph.sizes)
    np.add.at(voxels[1], place, solid)
    cut[place[graph.cut]] = True
    particle = np.zeros(len(pieces), np.int64)
    particle[place] = particles
    sizes = np.zeros(int(particles.max(initial=0)) + 1, np.int64)
    np.add.at(sizes, particle, voxels[1])
    # pieces that count: no crumbs, and large enough to be particles
    whole = voxels[1] >= np.maximum(least, CRUMB_SHARE * sizes[particle])
    into = np.bincount(particle[whole], minlength=len(sizes))
    _, group = np.unique(high[pieces], return_inverse=True)
    near = _Nearest(len(sizes))
    clusters = _Clusters(graph, solid, low[steps.clusters], len(low), particles, sizes)
    near.follow(clusters, steps, steps.made(limit - reach), steps.made(limit), steps.made(limit + reach), least)
    falls_into = np.where(np.isnan(near.falls_at), 1, np.maximum(into, 2))
    first = np.fmin(limit - near.falls_at, np.inf) <= np.fmin(near.merges_at - limit, np.inf)
    middle = np.where(first[:, None], near.fallen, near.merged)
    return Margins(
        limit, reach, particle, voxels[0], voxels[1], cut, group.astype(np.int64), near.falls_at, falls_into,
        near.merges_at, near.merges_with, middle,
    )  # fmt: skip


class _Clusters:
    """Clusters while they are joined: voxels, sums of their indices, heights of the peaks, largest particles."""

    def __init__(
        self, graph: Graph, solid: np.ndarray, root: np.ndarray, n: int, particles: np.ndarray, sizes: np.ndarray
    ) -> None:
        self.voxels, self.sums, self.peak = np.zeros(n, np.int64), np.zeros((n, 3), np.int64), np.zeros(n)
        self.solid = np.zeros(n, np.int64)
        np.add.at(self.solid, root, solid)
        np.add.at(self.voxels, root, graph.sizes)
        np.add.at(self.sums, root, graph.moments[:, :3])
        np.maximum.at(self.peak, root, graph.peaks)
        self.largest = np.zeros(n, np.int64)
        self.largest[root] = particles
        self.sizes = sizes

    def middle(self, a: int, b: int) -> np.ndarray:
        """Where balls as high as the two peaks, put at the centroids, would touch; (3,) z, y, x in voxels."""
        first, second = self.sums[a] / self.voxels[a], self.sums[b] / self.voxels[b]
        return (first * self.peak[b] + second * self.peak[a]) / (self.peak[a] + self.peak[b])

    def join(self, keep: int, gone: int) -> None:
        """Give one cluster what the other holds."""
        self.voxels[keep] += self.voxels[gone]
        self.solid[keep] += self.solid[gone]
        self.sums[keep] += self.sums[gone]
        self.peak[keep] = max(self.peak[keep], self.peak[gone])
        one, other = self.largest[keep], self.largest[gone]
        if (self.sizes[other], -other) > (self.sizes[one], -one):
            self.largest[keep] = other


class _Nearest:
    """Of each particle, the joins nearest to the limit on both sides of it; as in `Margins`, places apart."""

    def __init__(self, n: int) -> None:
        self.falls_at, self.merges_at = np.full(n, np.nan), np.full(n, np.nan)
        self.merges_with = np.zeros(n, np.int64)
        self.fallen, self.merged = np.full((n, 3), np.nan), np.full((n, 3), np.nan)

    def follow(self, clusters: _Clusters, steps: Steps, low: int, now: int, high: int, least: int) -> None:
        """Make the joins from the `low`-th to the `high`-th; those from the `now`-th on join particles."""
        for number in range(low, high):
            keep, gone = (int(c) for c in steps.pairs[number])
            limit = float(steps.limits[number])
            if number < now:
                self._within(clusters, keep, gone, limit, least)
            else:
                self._between(clusters, keep, gone, limit, least)
            clusters.join(keep, gone)

    def _within(self, clusters: _Clusters, a: int, b: int, limit: float, least: int) -> None:
        particle = clusters.largest[a]
        if min(clusters.solid[a], clusters.solid[b]) >= max(least, CRUMB_SHARE * clusters.sizes[particle]):
            # the last one counts: it is the first to come undone
            self.falls_at[particle], self.fallen[particle] = limit, clusters.middle(a, b)

    def _between(self, clusters: _Clusters, a: int, b: int, limit: float, least: int) -> None:
        for one, other in ((a, b), (b, a)):
            particle = clusters.largest[one]
            # crumbs may have been joined to it before
            enough = clusters.solid[other] >= max(least, CRUMB_SHARE * clusters.solid[one])
            if np.isnan(self.merges_at[particle]) and enough:
                self.merges_at[particle], self.merged[particle] = limit, clusters.middle(a, b)
                self.merges_with[particle] = clusters.largest[other]
