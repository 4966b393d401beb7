"""What needs a whole particle: the surface of its crop, as arrays in and plain numbers out.

A crop is a bounding box holding one particle as (Z,Y,X) of 0 and 1. Everything outside the crop is background, so a
particle cut by the volume's faces is measured as if it ended there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .kernels import crop_distance, inscribed, surface_mesh

# Blur of the occupancy, in voxels along every axis, and the area a level surface of it has too much for its steps:
# digitised spheres of 60 voxels, polygons fanned around their middle (with diagonals as in scikit-image 1.0234).
BLUR = 0.6
STEP_EXCESS = 0.0202
_MARGIN = 3  # the blur reaches 2, and one more closes the surface


def padded(mask: np.ndarray, margin: int = _MARGIN) -> np.ndarray:
    """Copy a crop (Z,Y,X), any dtype, non-zero = particle, into uint8 0/1 with a margin of background."""
    box = np.zeros([n + 2 * margin for n in mask.shape], np.uint8)
    box[margin:-margin, margin:-margin, margin:-margin] = mask != 0
    return box


def step_excess_factor(spacing: tuple[float, float, float]) -> float:
    """What the steps left by the blur multiply the area by, averaged over all directions.

    In voxels the level surface of a digitised plane undulates with a mean squared slope of 2 x STEP_EXCESS. With other
    spacings the same undulation is stretched: along a physical normal n its slope squared becomes
    STEP_EXCESS |S n|^2 (tr S^-2 - n S^-2 n), S = diag(spacing); the mean over n is what is returned. Measured on
    spheres: within .1 % for axis ratios up to 2, .4 % at 3; a body's own directions add a spread of 1 % at 2.
    """
    squares = np.square(np.asarray(spacing, float))
    return float(1 + STEP_EXCESS * (2 * squares.sum() * (1 / squares).sum() - 3) / 15)


def surface_area(mask: np.ndarray, spacing: tuple[float, float, float]) -> tuple[float, float]:
    """Area of a particle's surface: the level of its blurred occupancy whose surface encloses the voxel count.

    Parameters
    ----------
    mask : (Z,Y,X), any dtype, non-zero = particle. Holes count as surface: pass the filled particle for the outer area.
    spacing : z, y, x voxel edges.

    Returns
    -------
    area : float, in spacing squared (nan for an empty mask).
    level : float, the occupancy at which the volume is kept.

    Source: METHODS of this project; Lorensen & Cline 1987 for the cells.
    """
    return _surface_area(padded(mask), int(np.count_nonzero(mask)), spacing)


def _surface_area(box: np.ndarray, voxels: int, spacing: tuple[float, float, float]) -> tuple[float, float]:
    if voxels == 0:
        return float("nan"), float("nan")
    weights = surface_mesh.gaussian_weights(BLUR)
    edges = np.asarray(spacing, float)
    # thin and tiny bodies have their level far from one half; the narrow band is only the quicker way for the rest
    for band in [(0.3, 0.7), (0.02, 0.98)] if voxels > 2000 else [(0.02, 0.98)]:
        corners, layers = surface_mesh.skin_cells(box, weights, np.float32(band[0]), np.float32(band[1]))
        area, level = surface_mesh.volume_level(
            corners, layers, float(voxels), np.array(band), edges, surface_mesh.POLYGONS, 0.01
        )
        if band[0] + 0.01 < level < band[1] - 0.01:
            break
    return float(area) / step_excess_factor(spacing), float(level)


@dataclass(frozen=True)
class Ball:
    """A ball in a crop: radius and centre in physical units from the centre of the crop's voxel (0, 0, 0).

    `gap` is how much larger the true maximum may be at most (inscribed ball only; the search is certified).
    """

    radius: float
    centre: tuple[float, float, float]
    gap: float = 0.0


def inscribed_ball(mask: np.ndarray, spacing: tuple[float, float, float], tolerance: float = 0.01) -> Ball:
    """The largest ball, centred anywhere in the particle's voxels, that holds no background voxel centre.

    Parameters
    ----------
    mask : (Z,Y,X), any dtype, non-zero = particle; what lies outside the crop is background.
    spacing : z, y, x voxel edges.
    tolerance : wanted certainty, as a share of the finest spacing.

    Returns
    -------
    Ball; radius nan for an empty mask. `gap` is the tolerance as a length unless the search ran out of its budget
    (thin plates: up to about a third of a voxel).
    """
    box = padded(mask)
    if not box.any():
        return Ball(float("nan"), (float("nan"),) * 3, float("nan"))
    return _inscribed_ball(box, squared_distances(box, spacing), spacing, tolerance)


def squared_distances(box: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Squared distance to the background in units of the finest spacing: exact int32 where all spacings are equal."""
    weights = np.square(np.asarray(spacing, float) / min(spacing))
    dtype = np.int32 if np.array_equal(weights, np.rint(weights)) else np.float32
    out = np.empty(box.shape, dtype)
    crop_distance.squared_distance(box, weights.astype(dtype), out)
    return out


def _inscribed_ball(
    box: np.ndarray, squared: np.ndarray, spacing: tuple[float, float, float], tolerance: float = 0.01
) -> Ball:
    unit = min(spacing)
    edges = np.asarray(spacing, float) / unit
    xs, rows = inscribed.wall_points(box)
    radius, z, y, x, upper = inscribed.largest_ball(squared, xs, rows, edges, tolerance, 20000)
    centre = np.array((z, y, x)) * unit - _MARGIN * np.asarray(spacing, float)
    return Ball(
        float(radius) * unit, (float(centre[0]), float(centre[1]), float(centre[2])), float(upper - radius) * unit
    )
