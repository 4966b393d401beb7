"""A particle resampled: to voxels of equal edges where its own are not, finer or coarser where a kernel needs it."""

from __future__ import annotations

import numpy as np

from ...kernels.measurement.resample import highest, sampled_blur
from ...kernels.measurement.surface_mesh import gaussian_weights
from .box import MARGIN_VOXELS, Spacing
from .surface import SURFACE_BLUR_VOXELS

EQUAL_OCCUPANCY = 1e-5  # occupancies that differ by less differ by the rounding of their float32 sums
# share of the volume that may be missing or too much before a face of equal values is taken in part; a choice
WORST_VOLUME_SHARE = 0.01


def regridded(box: np.ndarray, spacing: Spacing, pitch: float) -> np.ndarray:
    """Sample a padded box on a grid of equal edges, keeping the particle's volume.

    Parameters
    ----------
    box : (Z,Y,X) uint8, 0 or 1, with `box.MARGIN` of background.
    spacing : z, y, x voxel edges.
    pitch : edge of the new voxels.

    Returns
    -------
    (Z',Y',X') uint8: linear samples of the blurred occupancy, the highest of them 1, as many as keep the volume (see
    `highest`). Its outermost voxels are background. A point of the box at physical position p from the box's outer
    corner is at p here.
    """
    edges = np.asarray(spacing, float)
    if (np.abs(edges - pitch) <= 1e-9 * pitch).all():
        return box
    steps = pitch / edges
    shape = tuple(max(1, round(n / step)) for n, step in zip(box.shape, steps))
    field = sampled_blur(box, gaussian_weights(SURFACE_BLUR_VOXELS), steps, shape)
    wanted = max(1, round(int(np.count_nonzero(box)) * float(np.prod(edges)) / pitch**3))
    out = highest(field, min(wanted, field.size), np.float32(EQUAL_OCCUPANCY), WORST_VOLUME_SHARE)
    for axis in range(3):
        ends = np.moveaxis(out, axis, 0)
        ends[0] = ends[-1] = 0
    return out


def in_grid(centre: tuple[float, float, float], spacing: Spacing, pitch: float) -> np.ndarray:
    """A point given from the middle of the crop's first voxel, in voxels of the regridded box (middles whole)."""
    edges = np.asarray(spacing, float)
    return (np.asarray(centre) + (MARGIN_VOXELS + 0.5) * edges) / pitch - 0.5
