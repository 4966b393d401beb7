"""Slow, obvious twins of what is done with voids."""

import itertools
import math

import numpy as np

STEPS = 64


class SplitMix:
    """The generator of the throws, in whole numbers without limit."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def next(self) -> float:
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64
        z = self.state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return ((z ^ (z >> 31)) >> 11) / 2**53


def squared_distance(mask: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Squared distance to the nearest voxel outside, one pair at a time; in units of the finest spacing."""
    edges = np.array(spacing) / min(spacing)
    outside = np.argwhere(~mask) * edges
    out = np.zeros(mask.shape, np.float32)
    for place in np.argwhere(mask):
        out[tuple(place)] = ((outside - place * edges) ** 2).sum(1).min()
    return out


def mean_nearest(points: np.ndarray) -> float:
    return float(np.mean([min(math.dist(p, q) for j, q in enumerate(points) if j != i) for i, p in enumerate(points)]))


def least_gap(points: np.ndarray, radii: np.ndarray) -> float:
    pairs = itertools.combinations(range(len(points)), 2)
    return min(math.dist(points[i], points[j]) - radii[i] - radii[j] for i, j in pairs)


def rank(squared: np.ndarray, depth: float, least: float) -> float:
    """Share of the voxels no nearer to the surface than `least` that lie deeper than `depth`, equal ones half."""
    bins = np.floor(np.sqrt(squared[squared > 0].astype(float)) * STEPS)
    here, limit = math.floor(depth * STEPS), min(math.ceil(least * STEPS), bins.max())
    return min(1.0, ((bins > here).sum() + 0.5 * (bins == here).sum()) / (bins >= limit).sum())


def throws(squared, edges, radii, least, gap, seed, count):
    """`count` rows of mean distance to the nearest neighbour and mean rank, of voids thrown one after the other."""
    random = SplitMix(seed)
    rows = []
    for _ in range(count):
        points, ranks = [], []
        for radius, shallowest in zip(radii, least):
            while True:
                place = tuple(int(random.next() * n) for n in squared.shape)
                if squared[place] < np.float32(shallowest**2):
                    continue
                point = np.array([(c + random.next() - 0.5) * e for c, e in zip(place, edges)])
                if all(math.dist(point, p) >= radius + r + gap for p, r in zip(points, radii)):
                    break
            points.append(point)
            ranks.append(rank(squared, math.sqrt(squared[place]), shallowest))
        rows.append((mean_nearest(np.array(points)), np.mean(ranks)))
    return np.array(rows)


def dip(codes: np.ndarray, plateau: np.ndarray, block: int, place: tuple[int, int, int]) -> int:
    """Depth of one voxel below the plateau given at block centres, linear between them along each axis."""
    if codes[place] == 0:
        return 0
    corners = plateau.astype(np.float64)
    for i, n in zip(place, plateau.shape):
        at = min(max((i + 0.5) / block - 0.5, 0.0), n - 1.0)
        low = int(at)
        corners = corners[low] + (at - low) * (corners[min(low + 1, n - 1)] - corners[low])
    return int(corners + 0.5) - int(codes[place])
