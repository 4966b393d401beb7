"""The largest ball inside a particle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...kernels.measurement.inscribed import largest_ball
from ...kernels.measurement.wall_points import wall_points
from .box import MARGIN, Spacing, padded, squared_distances


@dataclass(frozen=True)
class Ball:
    """A ball: radius and centre (z, y, x), lengths from the middle of the crop's voxel (0, 0, 0).

    `gap` is by how much the largest radius may pass this one at most (the search is certified).
    """

    radius: float
    centre: tuple[float, float, float]
    gap: float


def inscribed_ball(mask: np.ndarray, spacing: Spacing, tolerance: float = 0.01) -> Ball:
    """The largest ball, centred anywhere in the particle's voxels, that holds no background voxel centre.

    Parameters
    ----------
    mask : (Z,Y,X), any dtype, non-zero = particle; what lies outside the crop is background.
    spacing : z, y, x voxel edges.
    tolerance : wanted certainty, as a share of the finest spacing.

    Returns
    -------
    Ball; all nan for an empty mask. `gap` is the tolerance as a length, unless the search ran out of its budget
    (thin plates: up to about a third of a voxel).
    """
    box = padded(mask)
    if not box.any():
        return Ball(float("nan"), (float("nan"),) * 3, float("nan"))
    return ball_of_box(box, squared_distances(box, spacing), spacing, tolerance)


def ball_of_box(box: np.ndarray, squared: np.ndarray, spacing: Spacing, tolerance: float = 0.01) -> Ball:
    """`inscribed_ball` of a padded, not empty box (`box.padded`) whose distances are at hand."""
    unit = min(spacing)
    edges = np.asarray(spacing, float)
    xs, rows = wall_points(box)
    found = largest_ball(squared, xs, rows, edges / unit, tolerance)
    centre = found[1:4] * unit - MARGIN * edges
    gap = float(found[4] - found[0]) * unit
    return Ball(float(found[0]) * unit, (float(centre[0]), float(centre[1]), float(centre[2])), gap)
