"""Slow and plain versions of what lies inside particles: whole-volume distances, one label after another."""

import numpy as np
from scipy import ndimage

from morphct.measurement.interior_grey import BORDER_VOXELS, NEARBY_VOXELS, SHELLS


def widened(marked: np.ndarray, reach: int) -> np.ndarray:
    """Where the cube of `reach` around a voxel holds something marked."""
    n = 2 * reach + 1
    around = np.lib.stride_tricks.sliding_window_view(np.pad(marked, reach), (n, n, n))
    return around.any(axis=(3, 4, 5))


def layers(solid: np.ndarray, envelope: np.ndarray, spacing: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the solid's voxels, in raster order: depth, shell, and whether away from surfaces."""
    unit = min(spacing)
    depth = ndimage.distance_transform_edt(np.pad(envelope, 1), sampling=np.array(spacing) / unit)[1:-1, 1:-1, 1:-1]
    near = ndimage.distance_transform_edt(np.pad(solid, 1))[1:-1, 1:-1, 1:-1]
    share = (depth - 0.5) / (depth.max() - 0.5)
    shell = np.minimum((share * SHELLS).astype(int), SHELLS - 1)
    return depth[solid], shell[solid], near[solid] >= BORDER_VOXELS


def halves(values: np.ndarray, depth: np.ndarray) -> tuple[float, float]:
    """Means of the deeper and the shallower half; voxels of one depth are exchangeable, so they share their mean."""
    levelled = np.array([values[depth == d].mean() for d in depth])
    order = np.argsort(depth, kind="stable")
    twice = np.repeat(levelled[order], 2)  # so that an odd number has halves
    return twice[len(depth) :].mean(), twice[: len(depth)].mean()


def grey(labels: np.ndarray, voids: np.ndarray, owner: np.ndarray, values: np.ndarray, label: int, spacing) -> list:
    """Mean, spread, inner and outer mean of the core, and median and quiet spread of the background near it."""
    envelope = (labels == label) | (owner[voids] == label)
    solid = envelope & (voids == 0)
    depth, _, away = layers(solid, envelope, spacing)
    own = values[solid].astype(float)[away]
    free = ~widened((labels != 0) | (voids != 0), int(BORDER_VOXELS) - 1)
    box = np.zeros_like(free)
    box[tuple(slice(max(0, a.min() - NEARBY_VOXELS), a.max() + 1 + NEARBY_VOXELS) for a in np.nonzero(envelope))] = True
    around = values[free & box].astype(float)
    around = around[around != 0]
    middle = np.median(around)
    side = -1 if own.mean() >= middle else 1
    beyond = around[(around - middle) * side > 0]
    spread = np.sqrt(((beyond - middle) ** 2).sum() / (len(beyond) + (around == middle).sum() / 2))
    return [own.mean(), own.std(), *halves(own, depth[away]), middle, spread]
