"""Slow obvious versions of the kernels from grey to mask."""

import itertools

import numpy as np


def _at(array: np.ndarray, place: tuple[int, ...]) -> float:
    """Value at an index, the last voxel repeated beyond the ends."""
    return array[tuple(min(max(p, 0), n - 1) for p, n in zip(place, array.shape))]


def gaussian(grey: np.ndarray, halves: list[np.ndarray], valid: np.ndarray | None = None) -> np.ndarray:
    """Weighted mean over the box of the kernel (halves along z, y, x), among the valid voxels; float64."""
    valid = np.ones(grey.shape) if valid is None else valid
    reach = [range(-len(h) + 1, len(h)) for h in halves]
    out = np.zeros(grey.shape)
    for place in np.ndindex(grey.shape):
        total = weight = 0.0
        for step in itertools.product(*reach):
            there = tuple(p + s for p, s in zip(place, step))
            w = np.prod([h[abs(s)] for h, s in zip(halves, step)]) * _at(valid, there)
            total += w * _at(grey, there)
            weight += w
        out[place] = total / weight if weight else 0.0
    return out


def median(grey: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Median of 27 voxels; those that are not valid lend the centre's value."""
    out = np.zeros(grey.shape)
    for place in np.ndindex(grey.shape):
        around = [tuple(p + s for p, s in zip(place, step)) for step in itertools.product((-1, 0, 1), repeat=3)]
        out[place] = np.median([_at(grey, a) if _at(valid, a) else grey[place] for a in around])
    return out


def non_local_means(grey: np.ndarray, noise: float) -> np.ndarray:
    """Means over 5^3 weighed by the likeness of 3^3 surroundings, (1 - t/8)^8 for exp(-t)."""
    out = np.zeros(grey.shape)
    patch = list(itertools.product((-1, 0, 1), repeat=3))
    for place in np.ndindex(grey.shape):
        total = weight = 0.0
        for step in itertools.product(range(-2, 3), repeat=3):
            there = [p + s for p, s in zip(place, step)]
            distance = np.mean(
                [
                    (
                        _at(grey, tuple(p + q for p, q in zip(place, r)))
                        - _at(grey, tuple(_clip(p + q, n) + s for p, q, s, n in zip(place, r, step, grey.shape)))
                    )
                    ** 2
                    for r in patch
                ]
            )
            w = max(1 - 0.125 * 4 / noise * max(distance - noise, 0), 0) ** 8
            total += w * _at(grey, tuple(there))
            weight += w
        out[place] = total / weight
    return out


def _clip(place: int, length: int) -> int:
    # beyond the ends patches hold what the repeated last voxel holds, moved by the step
    return min(max(place, 0), length - 1)


def gradient(codes: np.ndarray, weights: tuple[float, float, float]) -> np.ndarray:
    """Weighted squared differences of the two neighbours along each axis; infinite where one of them is outside."""
    out = np.zeros(codes.shape)
    for place in np.ndindex(codes.shape):
        values = [codes[place]]
        for axis, weight in enumerate(weights):
            a, b = (_at(codes, tuple(p + s * (i == axis) for i, p in enumerate(place))) for s in (-1, 1))
            out[place] += weight * (float(b) - float(a)) ** 2
            values += [a, b]
        if min(values) == 0:
            out[place] = np.inf
    return out


def octant_counts(codes: np.ndarray, bins: np.ndarray, weights: tuple, limit: float, n_bins: int) -> np.ndarray:
    """(8, 2, bins) voxels by octant, flat or not, and bin."""
    out = np.zeros((8, 2, n_bins), int)
    flat = gradient(codes, weights) <= limit
    half = [-(-codes.shape[0] // 2), -(-codes.shape[1] // 2), codes.shape[2] // 2]
    for z, y, x in np.ndindex(codes.shape):
        octant = 4 * (z >= half[0]) + 2 * (y >= half[1]) + (x >= half[2])
        out[octant, int(flat[z, y, x]), bins[codes[z, y, x]]] += 1
    return out


def local_level(coarse: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Trilinear between the centres of blocks of 8^3, constant beyond the outermost."""
    out = np.zeros(shape)
    for place in np.ndindex(shape):
        sides = []
        for p, n in zip(place, coarse.shape):
            u = min(max((p + 0.5) / 8 - 0.5, 0), n - 1)
            i = int(u)
            sides.append([(i, 1 - (u - i)), (min(i + 1, n - 1), u - i)])
        out[place] = sum(a * b * c * coarse[i, j, k] for (i, a), (j, b), (k, c) in itertools.product(*sides))
    return out


def block_sums(codes: np.ndarray, level: np.ndarray, weights: tuple, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Sums and counts of flat voxels below and above the level, by blocks of 8^3."""
    shape = (2, *(-(-n // 8) for n in codes.shape))
    sums, counts = np.zeros(shape, int), np.zeros(shape, int)
    flat = gradient(codes, weights) <= limit
    for place in np.ndindex(codes.shape):
        if flat[place] and codes[place]:
            block = (int(codes[place] >= level[place]), *(p // 8 for p in place))
            sums[block] += codes[place]
            counts[block] += 1
    return sums, counts


def mixture_step(edges: np.ndarray, counts: np.ndarray, weights, means, sds) -> tuple:
    """One EM round on voxels drawn finely inside each bin."""
    fine = 400
    x = np.concatenate([a + (np.arange(fine) + 0.5) / fine * (b - a) for a, b in itertools.pairwise(edges)])
    density = weights * np.exp(-0.5 * ((x[:, None] - means) / sds) ** 2) / sds
    share = density.reshape(len(counts), fine, -1)
    share = share / share.sum((1, 2), keepdims=True) * counts[:, None, None]
    share = share.reshape(len(x), -1)
    n = share.sum(0)
    new_means = (share * x[:, None]).sum(0) / n
    new_sds = np.sqrt((share * (x[:, None] - new_means) ** 2).sum(0) / n)
    return n / counts.sum(), new_means, new_sds
