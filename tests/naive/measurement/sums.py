"""Slow and plain versions of the measuring kernels: one label after another, one voxel pair after another."""

from collections import defaultdict
from fractions import Fraction

import numpy as np


def moments(labels: np.ndarray, label: int) -> list[int]:
    """n, z, y, x, zz, yy, xx, zy, zx, yx of a label, as whole numbers without limit."""
    z, y, x = (axis.astype(object) for axis in np.nonzero(labels == label))
    terms = (z * 0 + 1, z, y, x, z * z, y * y, x * x, z * y, z * x, y * x)
    return [int(sum(term)) if len(z) else 0 for term in terms]


def box(labels: np.ndarray, label: int) -> list[int]:
    """z0 z1 y0 y1 x0 x1, half-open."""
    return [edge for axis in np.nonzero(labels == label) for edge in (int(axis.min()), int(axis.max()) + 1)]


def covariance(labels: np.ndarray, label: int) -> np.ndarray:
    """Raw covariance (3, 3) of the voxel centres, exact until its last step."""
    n, z, y, x, zz, yy, xx, zy, zx, yx = (Fraction(m) for m in moments(labels, label))
    first, second = (z, y, x), ((zz, zy, zx), (zy, yy, yx), (zx, yx, xx))
    return np.array([[float(second[i][j] / n - first[i] * first[j] / n**2) for j in range(3)] for i in range(3)])


def grey(labels: np.ndarray, voids: np.ndarray | None, values: np.ndarray, label: int) -> tuple[float, float]:
    """Mean and standard deviation of the finite grey values of a label's solid."""
    chosen = labels == label
    if voids is not None:
        chosen &= voids == 0
    inside = values[chosen].astype(np.float64)
    inside = inside[np.isfinite(inside)]
    return (float(inside.mean()), float(inside.std())) if len(inside) else (float("nan"), float("nan"))


def contacts(labels: np.ndarray, directions: np.ndarray) -> dict[tuple[int, int], list[int]]:
    """Voxel pairs by pair of labels: one count for each direction, then signed faces across z, y, x."""
    found: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0] * 16)
    for at in np.ndindex(labels.shape):
        for k, step in enumerate(directions):
            to = tuple(int(a) for a in np.add(at, step))
            if min(to) < 0 or any(t >= n for t, n in zip(to, labels.shape)):
                continue
            a, b = int(labels[at]), int(labels[to])
            if a and b and a != b:
                row = found[min(a, b), max(a, b)]
                row[k] += 1
                if np.abs(step).sum() == 1:
                    row[13 + int(np.flatnonzero(step)[0])] += 1 if a < b else -1
    return dict(found)


def interfaces(labels: np.ndarray, grey: np.ndarray) -> dict[tuple[int, int], tuple[list, list, list]]:
    """By pair of labels: greys on both sides of their faces, those of the next voxels if of the same label, places."""
    found: dict[tuple[int, int], tuple[list, list, list]] = defaultdict(lambda: ([], [], []))
    for at in np.ndindex(labels.shape):
        for step in np.eye(3, dtype=int):
            line = [tuple(int(a) for a in np.array(at) + k * step) for k in range(-1, 3)]
            there = [all(0 <= t < n for t, n in zip(to, labels.shape)) for to in line]
            if not there[2] or not labels[at] or not labels[line[2]] or labels[at] == labels[line[2]]:
                continue
            values, more, places = found[min(labels[at], labels[line[2]]), max(labels[at], labels[line[2]])]
            values += [grey[line[1]], grey[line[2]]]
            places += [line[1], line[2]]
            for side, near in ((0, 1), (3, 2)):
                if there[side] and labels[line[side]] == labels[line[near]]:
                    more.append(grey[line[side]])
    return dict(found)


def filled(labels: np.ndarray, voids: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Labels with the voids' voxels given to their owners."""
    return np.where((labels == 0) & (voids > 0), owner[voids], labels)
