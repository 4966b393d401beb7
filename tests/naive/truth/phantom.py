"""Slow obvious versions of the phantom's and the scoring's kernels."""

from collections import Counter
from typing import Any

import numpy as np
from scipy import ndimage


def gauge(body: Any, points: np.ndarray) -> np.ndarray:
    """Gauge of a body at (..., 3) points, from its definition."""
    unit = (points - body.centre) @ body.matrix.T
    r = np.sqrt((unit**2).sum(axis=-1))
    safe = np.where(r == 0, 1, r)
    value = np.zeros(r.shape)
    if body.ball > 0:
        swell = np.ones(r.shape)
        for z, y, x, amplitude, slope in body.bumps:
            t = np.clip(1 + ((unit @ np.array([z, y, x])) / safe - 1) * slope, 0, None)
            swell = swell + amplitude * t**2 * (3 - 2 * t)
        value = r / (body.ball * np.maximum(swell, 0.3))
    if len(body.facets):
        planes = np.clip(unit @ body.facets[:, :3].T * body.facets[:, 3], 0, None)
        order = 2.0**body.power
        flat = planes.max(axis=-1) if body.power == 0 else (planes**order).sum(axis=-1) ** (1 / order)
        value = np.maximum(value, flat)
    return np.where(r == 0, 0, value)


def grid(shape: tuple[int, ...], origin: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Physical positions of voxel centres, (Z, Y, X, 3)."""
    return np.moveaxis(np.indices(shape), 0, -1) * spacing + origin


def stamp(shape: tuple[int, ...], bodies: list[Any], origin: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Labels from 1 in the order of the bodies, the deeper one winning."""
    points = grid(shape, origin, spacing)
    depth = np.stack([((1 - gauge(b, points)) * b.radius).astype(np.float32) for b in bodies])
    inside = np.stack([gauge(b, points) <= 1 for b in bodies])
    depth[~inside] = -np.inf
    return np.where(inside.any(axis=0), depth.argmax(axis=0) + 1, 0)


def overlaps(volume: np.ndarray, box: np.ndarray, corner: np.ndarray) -> bool:
    """Whether a box placed at a corner, which may stick out, meets a taken voxel."""
    for index in np.argwhere(box):
        at = index + corner
        if (at >= 0).all() and (at < volume.shape).all() and volume[tuple(at)]:
            return True
    return False


def mark(volume: np.ndarray, box: np.ndarray, corner: np.ndarray) -> None:
    """Set the taken voxels of a box placed at a corner, which may stick out, in place."""
    for index in np.argwhere(box):
        at = index + corner
        if (at >= 0).all() and (at < volume.shape).all():
            volume[tuple(at)] = 1


def largest_parts(code: np.ndarray) -> np.ndarray:
    """Each code other than 0 only where its largest part is, connected by faces; of equal ones the first."""
    out = np.zeros_like(code)
    for value in np.unique(code[code > 0]):
        parts, count = ndimage.label(code == value)
        sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
        out[parts == 1 + sizes.argmax()] = value
    return out


def census(labels: np.ndarray, voids: np.ndarray, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The sums of `kernels.runs.census`, label by label."""
    grid_ = np.indices(labels.shape)
    face = np.zeros(labels.shape, bool)
    for axis, n in enumerate(labels.shape):
        face |= (grid_[axis] == 0) | (grid_[axis] == n - 1)
    label_sums = np.zeros((labels.max() + 1, 6), np.int64)
    for label in range(1, labels.max() + 1):
        own = labels == label
        sums = [g[own].sum() for g in grid_]
        label_sums[label] = [own.sum(), (own & (voids > 0)).sum(), *sums, (own & face).any()]
    void_sums, opened = np.zeros((len(owner), 5), np.int64), np.zeros(len(owner), np.int64)
    for void in range(1, len(owner)):
        own = voids == void
        void_sums[void] = [own.sum(), *[g[own].sum() for g in grid_], (own & face).any()]
        shell = ndimage.binary_dilation(own) & ~own
        opened[void] = (labels[shell] != owner[void]).any()
    return label_sums, void_sums, opened


def contact_faces(labels: np.ndarray) -> Counter:
    """How often each (smaller, larger, axis, side) row occurs."""
    rows: Counter = Counter()
    for axis in range(3):
        here = np.moveaxis(labels, axis, 0)[:-1].ravel()
        there = np.moveaxis(labels, axis, 0)[1:].ravel()
        for a, b in zip(here.tolist(), there.tolist()):
            if a and b and a != b:
                rows[(min(a, b), max(a, b), axis, 1 if a < b else -1)] += 1
    return rows


def contingency(truth: np.ndarray, found: np.ndarray) -> dict[tuple[int, int], int]:
    """Voxels of each pair of labels, both 0 left out."""
    pairs = Counter(zip(truth.ravel().tolist(), found.ravel().tolist()))
    pairs.pop((0, 0), None)
    return dict(pairs)
