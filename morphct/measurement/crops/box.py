"""A crop made ready for the kernels: 0 and 1 with a margin of background, and its distance map."""

from __future__ import annotations

import numpy as np

from ...kernels.measurement.crop_distance import squared_distance

Spacing = tuple[float, float, float]

MARGIN_VOXELS = 3  # the surface's blur reaches 2 voxels, and one more closes it


def padded(mask: np.ndarray) -> np.ndarray:
    """Copy a crop (Z,Y,X), any dtype, non-zero = particle, into uint8 0/1 with a margin of background."""
    box = np.zeros([n + 2 * MARGIN_VOXELS for n in mask.shape], np.uint8)
    inner = slice(MARGIN_VOXELS, -MARGIN_VOXELS)
    box[inner, inner, inner] = mask != 0
    return box


def squared_distances(box: np.ndarray, spacing: Spacing, most: float = np.inf) -> np.ndarray:
    """Squared distance of every voxel to the nearest background voxel centre, in units of the finest spacing.

    Parameters
    ----------
    box : (Z,Y,X) uint8, 0 or 1.
    spacing : z, y, x voxel edges.
    most : in units of the finest spacing; longer distances are given as this one.

    Returns
    -------
    (Z,Y,X) float32; whole numbers, and exact, where the squared spacings are whole multiples of the finest one's.
    """
    weights = np.square(np.asarray(spacing, float) / min(spacing))
    whole = np.rint(weights)
    if (np.abs(weights - whole) <= 1e-8).all():
        weights = whole
    out = np.empty(box.shape, np.float32)
    squared_distance(box, weights.astype(np.float32), np.float32(most) ** 2, out)
    return out
