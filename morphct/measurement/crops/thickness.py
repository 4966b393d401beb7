"""Local thickness of a particle: how thick the body is where a point lies. A diameter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...kernels.measurement import thickness as painting
from .balls import Ball, ball_of_box
from .box import Spacing, padded, squared_distances
from .grid import in_grid, regridded

# voxels by which balls may be thinned and paint too far, speed for a pointwise error: on the grid as it is or finer,
# and on the coarser one, where a voxel is twice as long
TOLERANCE, COARSE_TOLERANCE = 0.25, 0.1
FINER_BELOW, COARSER_ABOVE = 8.0, 25.0  # inscribed radius in voxels where the grid is doubled and halved
LARGEST_DOUBLED_VOXELS = 1_000_000  # voxels of a crop that may still be doubled
LEAST_SURE_VOXELS = 10.0  # a thickness below this many voxels is biased by more than some percent


@dataclass(frozen=True)
class Thickness:
    """Mean and median over the body's volume, and the largest (twice the inscribed radius); lengths are diameters."""

    mean: float
    median: float
    largest: float


def local_thickness(mask: np.ndarray, spacing: Spacing) -> Thickness:
    """Mean and median local thickness, with the least bias that balls on voxel centres allow.

    Parameters
    ----------
    mask : (Z,Y,X), any dtype, non-zero = solid; voids are outside.
    spacing : z, y, x voxel edges.

    Returns
    -------
    Thickness, nan for an empty mask.

    Notes
    -----
    tau(p) = 2 max{rho : p lies in a ball of radius rho inside the body}. Balls on voxel centres, and the one certified
    inscribed ball (`balls`), whose centre is free: it takes away most of the bias of thick bodies. Thin
    bodies are painted on a grid twice as fine, thick ones on one half as fine. Prefer the median.
    """
    box = padded(mask)
    if not box.any():
        nan = float("nan")
        return Thickness(nan, nan, nan)
    squared = squared_distances(box, spacing)
    return thickness_of_box(box, squared, ball_of_box(box, squared, spacing), spacing)


def thickness_of_box(box: np.ndarray, squared: np.ndarray, ball: Ball, spacing: Spacing) -> Thickness:
    """`local_thickness` of a padded, not empty box whose distances and inscribed ball are known."""
    unit = min(spacing)
    pitch, tolerance = unit, TOLERANCE
    if ball.radius < FINER_BELOW * unit and box.size < LARGEST_DOUBLED_VOXELS:
        pitch = 0.5 * unit
    elif ball.radius > COARSER_ABOVE * unit:
        pitch, tolerance = 2 * unit, COARSE_TOLERANCE
    grid = regridded(box, spacing, pitch)
    squared = squared.astype(np.int32) if grid is box else _whole_squares(grid)
    marks = grid.copy()
    inside = painting.unmark_ball(marks, in_grid(ball.centre, spacing, pitch), ball.radius / pitch + tolerance)
    centres = painting.kept_balls(squared, np.float32(tolerance))
    counts = painting.paint(squared, centres, marks, tolerance)
    largest = 2 * ball.radius
    diameters = np.minimum(2 * pitch * np.sqrt(squared.reshape(-1)[centres].astype(float)), largest)
    diameters, counts = np.append(largest, diameters), np.append(inside, counts)
    total = int(counts.sum())
    middle = np.searchsorted(np.cumsum(counts), (total + 1) // 2)
    mean = float((diameters * counts).sum()) / total  # no dot product: BLAS would wake its own threads
    return Thickness(mean, float(diameters[middle]), largest)


def _whole_squares(grid: np.ndarray) -> np.ndarray:
    return squared_distances(grid, (1.0, 1.0, 1.0)).astype(np.int32)
