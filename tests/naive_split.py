"""Slow obvious versions of the kernels of the split: distance, basins, their graph, joins."""

import itertools
import math
from collections import defaultdict

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


def join_best(
    ends: np.ndarray, size: np.ndarray, surface: np.ndarray, sums: np.ndarray, box: float, limit: float
) -> list:
    """Root of each cluster after greedy joins: every score looked at again before every join."""
    size, surface = size.tolist(), surface.tolist()
    links = {tuple(sorted(p)): list(s) for p, s in zip(ends.reshape(-1, 2).tolist(), sums.T.tolist())}
    root = list(range(len(size)))

    def score(pair: tuple[int, int]) -> float:
        area, rim, boxes = links[pair]
        small = min(pair, key=lambda i: (size[i], i))
        share = boxes / (rim * box) if rim else 0.5
        return math.log(area / (area + surface[small])) - 10.0 * (share - limit)

    while links:
        best = min(links, key=lambda p: (-score(p), p))
        if score(best) <= 0:
            break
        degree = {i: sum(i in p for p in links) for i in best}
        keep, gone = sorted(best, key=lambda i: (-degree[i], i))
        size[keep] += size[gone]
        surface[keep] += surface[gone]
        del links[best]
        for pair in [p for p in links if gone in p]:
            other = pair[0] if pair[1] == gone else pair[1]
            new = tuple(sorted((keep, other)))
            links[new] = [a + b for a, b in zip(links.get(new, [0, 0, 0]), links.pop(pair))]
        root = [keep if r == gone else r for r in root]
    return root
