"""Area of a particle's surface, from the level of its blurred occupancy that keeps its volume."""

from __future__ import annotations

import numpy as np

from ...kernels.measurement import surface_mesh
from .box import Spacing

# Blur of the occupancy, in voxels along every axis, and the area a level surface of it has too much for its steps:
# digitised spheres of 60 voxels, polygons fanned around their middle (with diagonals as in scikit-image 1.0234).
SURFACE_BLUR_VOXELS = 0.6
STEP_EXCESS = 0.0202


def step_excess_factor(spacing: Spacing) -> float:
    """What the steps left by the blur multiply the area by, averaged over all directions.

    In voxels the level surface of a digitised plane undulates with a mean squared slope of 2 x STEP_EXCESS. With other
    spacings the same undulation is stretched: along a physical normal n its slope squared becomes
    STEP_EXCESS |S n|^2 (tr S^-2 - n S^-2 n), S = diag(spacing); the mean over n is what is returned. Measured on
    spheres: within .1 % for axis ratios up to 2, .4 % at 3; a body's own directions add a spread of 1 % at 2.
    """
    squares = np.square(np.asarray(spacing, float))
    return float(1 + STEP_EXCESS * (2 * squares.sum() * (1 / squares).sum() - 3) / 15)


def area_of_box(box: np.ndarray, voxels: int, spacing: Spacing) -> tuple[float, float]:
    """Area of a particle's surface: the level of its blurred occupancy whose surface encloses the voxel count.

    Parameters
    ----------
    box : (Z,Y,X) uint8, 0 or 1, padded (`box.padded`). Holes count as surface: pass the filled particle for the outer
        area.
    voxels : of it.
    spacing : z, y, x voxel edges.

    Returns
    -------
    area : float, in spacing squared (nan for an empty mask).
    level : float, the occupancy at which the volume is kept.

    Flat faces along the voxels (`flat_area`) have no steps, and no excess is taken off them.

    Source: docs/methods.md, 4; Lorensen & Cline 1987 for the cells.
    """
    if voxels == 0:
        return float("nan"), float("nan")
    weights = surface_mesh.gaussian_weights(SURFACE_BLUR_VOXELS)
    edges = np.asarray(spacing, float)
    # thin and tiny bodies have their level far from one half; the narrow band is only the quicker way for the rest
    for band in [(0.3, 0.7), (0.02, 0.98)] if voxels > 2000 else [(0.02, 0.98)]:
        corners, layers = surface_mesh.skin_cells(box, weights, np.float32(band[0]), np.float32(band[1]))
        area, level = surface_mesh.volume_level(
            corners, layers, float(voxels), np.array(band), edges, surface_mesh.POLYGONS, 0.01
        )
        if band[0] + 0.01 < level < band[1] - 0.01:
            break
    excess = step_excess_factor(spacing)
    # faces along the voxels have no steps
    return float(area) / excess + flat_area(box, voxels, spacing) * (1 - 1 / excess), float(level)


def flat_area(box: np.ndarray, voxels: int, spacing: Spacing) -> float:
    """Area of the particle's flat faces along the voxels: those wider than the pole of the ball of its volume.

    Parameters
    ----------
    box : (Z,Y,X) uint8, 0 or 1, padded.
    voxels : of it that are 1.
    spacing : z, y, x voxel edges.

    Returns
    -------
    float, in spacing squared: of the voxel faces in one plane what a disc can cover without leaving them. The disc is a
    voxel wider than the cap one voxel high of that ball, so that round bodies have none.
    """
    edges = np.asarray(spacing, float)
    radius = float(np.cbrt(3 / (4 * np.pi) * voxels * np.prod(edges)))
    total = 0.0
    for axis in range(3):
        planes = np.moveaxis(box, axis, 0)
        across = np.delete(edges, axis)
        reach = float(np.sqrt(2 * radius * edges[axis]) + across.max())
        face = float(np.prod(across))
        for outside in (planes[:-1] < planes[1:], planes[:-1] > planes[1:]):
            counts = np.count_nonzero(outside, axis=(1, 2))
            for plane in np.flatnonzero(counts * face >= np.pi * reach * reach):
                total += face * _opened(outside[plane], reach, across)
    return total


def _opened(plane: np.ndarray, reach: float, edges: np.ndarray) -> int:
    """Pixels of a plane (Y,X) bool, False along its rim, that a disc covers which lies within them."""
    from scipy.ndimage import distance_transform_edt

    middles = distance_transform_edt(plane, sampling=edges) > reach
    if not middles.any():
        return 0
    return int(np.count_nonzero(plane & (distance_transform_edt(~middles, sampling=edges) <= reach)))
