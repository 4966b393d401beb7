"""Slow obvious versions of the kernels of the split: distance, basins, their graph, joins."""

import itertools
import math
from collections import defaultdict
from typing import Any

import numpy as np

STEPS = [s for s in itertools.product((-1, 0, 1), repeat=3) if s != (0, 0, 0)]  # raster order


def squared_distance(mask: np.ndarray, edges: tuple[float, float, float]) -> np.ndarray:
    """Squared distance of every voxel to every background voxel, the least of them."""
    background = np.argwhere(mask == 0) * np.asarray(edges)
    places = np.argwhere(np.ones(mask.shape)) * np.asarray(edges)
    if len(background) == 0:
        return np.full(mask.shape, sum((n * e) ** 2 for n, e in zip(mask.shape, edges)))
    best = [((background - p) ** 2).sum(1).min() for p in places]
    return np.array(best).reshape(mask.shape)


def inside(place: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether an index lies in the volume."""
    return all(0 <= p < n for p, n in zip(place, shape))


def moved(place: tuple[int, ...], step: tuple[int, ...], sign: int = 1) -> tuple[int, ...]:
    """The neighbour in a direction."""
    return tuple(p + sign * s for p, s in zip(place, step))


def basins(heights: np.ndarray) -> tuple[np.ndarray, list[tuple[int, ...]]]:
    """Basin of every voxel (-1 in background), peaks in raster order; of equal heights the first voxel counts."""

    def rank(place: tuple[int, ...]) -> tuple:
        return (-heights[place], place)

    goes = {}
    for place in map(tuple, np.argwhere(heights > 0).tolist()):
        around = [moved(place, s) for s in STEPS]
        goes[place] = min([p for p in around if inside(p, heights.shape)] + [place], key=rank)
    peaks = sorted(p for p, goal in goes.items() if p == goal)
    number = {p: i for i, p in enumerate(peaks)}
    out = np.full(heights.shape, -1)
    for place in goes:
        end = place
        while goes[end] != end:
            end = goes[end]
        out[place] = number[end]
    return out, peaks


def mirrored(index: int, n: int) -> int:
    """An index beyond the faces of the volume, reflected with the outermost voxel repeated."""
    index %= 2 * n
    return index if index < n else 2 * n - 1 - index


def box_count(mask: np.ndarray, place: tuple[int, ...]) -> int:
    """Solid voxels in a box of 7 x 7 x 7, the volume mirrored at its faces."""
    ranges = [[mirrored(p + d, n) for d in range(-3, 4)] for p, n in zip(place, mask.shape)]
    return int(mask[np.ix_(*ranges)].sum())


def on_surface(mask: np.ndarray, place: tuple[int, ...]) -> bool:
    """Whether one of the six face neighbours is background."""
    faces = [moved(place, s) for s in STEPS if sum(map(abs, s)) == 1]
    return any(mask[p] == 0 for p in faces if inside(p, mask.shape))


def graph(mask: np.ndarray, heights: np.ndarray, found: np.ndarray, weights: dict) -> tuple:
    """Surfaces {basin: area} and interfaces {(a, b): [saddle, area, rim, box]}; weights {(|dz|,|dy|,|dx|): area}."""
    surfaces, links = defaultdict(int), defaultdict(lambda: [0.0, 0, 0, 0])
    for place in map(tuple, np.argwhere(found >= 0).tolist()):
        for step in STEPS:
            other = moved(place, step)
            if not inside(other, mask.shape) or found[other] == found[place]:
                continue
            weight = weights[tuple(map(abs, step))]
            if found[other] < 0:
                surfaces[int(found[place])] += weight
            elif step > (0, 0, 0):
                link = links[tuple(sorted((int(found[place]), int(found[other]))))]
                link[0] = max(link[0], min(heights[place], heights[other]))
                link[1] += weight
                if on_surface(mask, place) or on_surface(mask, other):
                    link[2] += weight
                    link[3] += weight * (box_count(mask, place) + box_count(mask, other))
    return surfaces, links


def join_floor(pairs: np.ndarray, saddles: np.ndarray, peaks: np.ndarray, floor: float) -> list[set[int]]:
    """Clusters after joining, highest saddle first, where the lower peak rises less than `floor` above it."""
    clusters = {i: {i} for i in range(len(peaks))}
    order = sorted(range(len(pairs)), key=lambda e: (-saddles[e], *pairs[e].tolist()))
    for e in order:
        a, b = (clusters[int(i)] for i in pairs[e])
        if a is not b and min(max(peaks[i] for i in c) for c in (a, b)) - saddles[e] < floor:
            a |= b
            for i in b:
                clusters[i] = a
    return list({id(c): c for c in clusters.values()}.values())


def moments(found: np.ndarray, basin: int) -> list[int]:
    """Sums of z, y, x, zz, yy, xx, zy, zx, yx over the voxels of a basin."""
    z, y, x = np.nonzero(found == basin)
    return [int(v.sum()) for v in (z, y, x, z * z, y * y, x * x, z * y, z * x, y * x)]


def room(n: int, sums: np.ndarray) -> float:
    """Root of the determinant of the covariance of n voxels, cubes of edge 1."""
    mean, second = sums[:3] / n, sums[[[3, 6, 7], [6, 4, 8], [7, 8, 5]]] / n
    return float(np.sqrt(np.linalg.det(second - np.outer(mean, mean) + np.eye(3) / 12)))


class Joining:
    """Clusters that are joined best pair first; every score is kept in a dictionary and looked for in all of it."""

    def __init__(self, graph: tuple, rule: Any, slopes: Any) -> None:
        ends, (size, surface, cut), peak, moments, sums = graph
        self.size, self.surface, self.peak, self.cut = size.tolist(), surface.tolist(), peak.tolist(), cut.tolist()
        self.moments = moments.astype(object)
        self.links = {tuple(sorted(p)): list(s) for p, s in zip(ends.reshape(-1, 2).tolist(), sums.T.tolist())}
        self.rule, self.slopes = rule, slopes
        self.scored = list(self.size)
        self.scores = {pair: self.score(pair) for pair in self.links}
        self.root = list(range(len(self.size)))

    def small(self, pair: tuple[int, int]) -> int:
        """The cluster of fewer voxels."""
        return min(pair, key=lambda i: (self.size[i], i))

    def score(self, pair: tuple[int, int]) -> float:
        """How strongly a pair wants to be joined."""
        (area, rim, boxes, saddle, *near), (a, b), small = self.links[pair], pair, self.small(pair)
        k, rule = self.slopes, self.rule
        share = boxes / (rim * rule.box) if rim else 0.5
        low, high = sorted((self.peak[a], self.peak[b]))
        neck = area * rule.area / (math.pi * low**2)
        rooms = {i: room(self.size[i], self.moments[i].astype(float)) for i in pair}
        both = room(self.size[a] + self.size[b], (self.moments[a] + self.moments[b]).astype(float))
        sprawl = (both - rooms[a] - rooms[b]) / rooms[small]
        n, other = self.size[small], self.size[a + b - small]
        compact = math.log(area / (area + self.surface[small])) + rule.compact_neck * math.log(neck)
        compact -= rule.compact_peaks * math.log(high / low) + rule.compact_sprawl * sprawl * n**2 / (
            n**2 + rule.crumb_voxels**2
        )
        start = rule.start
        if rule.near < 1 and low >= k.COARSE_PEAK_VOXELS and self.is_long(pair, both):
            start += rule.long
            low = max(near[0] / k.SADDLE_UNIT, rule.near * low)
            high = max(near[1] / k.SADDLE_UNIT, rule.near * high, low)
        waist = rule.saddle * math.log(min(max(saddle / k.SADDLE_UNIT / low, k.LEAST_SADDLE_SHARE), 1))
        size, crumb = (
            math.log(max(low, rule.thinnest) / k.TYPICAL_PEAK_VOXELS),
            rule.crumb * (1 - n**2 / (n**2 + rule.crumb_voxels**2)),
        )
        further = start + rule.size * size + waist - rule.peaks * math.log(high / low) - crumb
        concave = max(share - k.FLAT_RIM_SHARE, -k.FLATTEST_RIM)
        further -= (rule.rim + rule.rim_size * size) * concave
        further += rule.wide * min(max(math.log(neck), 0), k.WIDEST_NECK_LOG)
        if self.cut[a] and self.cut[b] and n < k.SMALL_PART_SHARE * other:
            face = rule.face + rule.size * math.log(high / k.TYPICAL_FACE_PEAK_VOXELS) + waist - crumb
            further = max(further, face - rule.rim * concave)
        compact -= rule.compact_rim * (share - rule.limit)
        return max(compact, further + rule.compact_rim * (rule.limit - k.REFERENCE_JOIN))

    def is_long(self, pair: tuple[int, int], both: float) -> bool:
        """Whether two clusters together are long, or fill little of their ellipsoid, of which `both` is the room."""
        n, sums = sum(self.size[i] for i in pair), sum(self.moments[i] for i in pair).astype(float)
        variance = (sums[3:6] / n - (sums[:3] / n) ** 2 + 1 / 12).sum()
        k = self.slopes
        return (
            n < k.BENT_FILLED_SHARE * k.ELLIPSOID_VOLUME_FACTOR * both
            or variance > 3 * k.LONG_VARIANCE_RATIO * both ** (2 / 3)
        )

    def merge(self, pair: tuple[int, int], grown: int) -> None:
        """Join a pair: the one with more links stays."""
        degree = {i: sum(i in p for p in self.links) for i in pair}
        keep, gone = sorted(pair, key=lambda i: (-degree[i], i))
        self.size[keep] += self.size[gone]
        self.surface[keep] += self.surface[gone]
        self.cut[keep] |= self.cut[gone]
        self.peak[keep] = max(self.peak[keep], self.peak[gone])
        self.moments[keep] += self.moments[gone]
        del self.links[pair], self.scores[pair]
        new = set()
        for old in [p for p in self.links if gone in p]:
            target = tuple(sorted((keep, old[0] if old[1] == gone else old[1])))
            sums = self.links.pop(old)
            del self.scores[old]
            other = self.links.get(target, [0, 0, 0, 0, 0, 0])
            beside = [s[4:] for s in (other, sums) if s[3] == max(other[3], sums[3])]
            highest = [max(other[3], sums[3]), *map(max, zip(*beside))]
            self.links[target] = [a + b for a, b in zip(other[:3], sums)] + highest
            new.add(target)
        much = self.size[keep] - self.scored[keep] >= self.scored[keep] // grown
        if much:
            self.scored[keep] = self.size[keep]
        for p in self.links:
            if p in new or (keep in p and (much or self.small(p) == keep)):
                self.scores[p] = self.score(p)
        self.root = [keep if r == gone else r for r in self.root]

    def run(self, grown: int) -> list[int]:
        """Root of each cluster; a score is looked at again before its pair joins."""
        while self.links:
            best = min(self.links, key=lambda p: (-self.scores[p], p))
            if self.scores[best] <= 0:
                break
            self.scores[best] = self.score(best)
            if self.scores[best] > 0 and best == min(self.links, key=lambda p: (-self.scores[p], p)):
                self.merge(best, grown)
        return self.root
