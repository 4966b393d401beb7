"""The largest ball inside a particle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...kernels.measurement.flat_faces import between_faces, deepest, voxels_in
from ...kernels.measurement.inscribed import largest_ball
from ...kernels.measurement.wall_points import wall_points
from .box import MARGIN_VOXELS, Spacing

CERTAINTY_VOXELS = 0.01  # of the largest ball's radius, in voxels of the finest edge
# By how many voxels the largest ball may differ from the one between two flat faces where it lies (of the finest edge),
# and where the deepest voxel lies (of the coarsest edge): along the rim of a plate a ball reaches a little farther out
# between background centres than in its middle.
TOUCHES, RIM = 0.1, 0.25
# Share of its radius that a ball has at least when made of the particle's voxels in it. One that reaches out between
# background centres at a corner has less (needles of two voxels .7): the ball of the deepest voxel stands for it.
BULGING = 0.9


@dataclass(frozen=True)
class Ball:
    """A ball: radius and centre (z, y, x), lengths from the middle of the crop's voxel (0, 0, 0).

    `gap` is by how much the largest radius may pass this one at most (the search is certified).
    """

    radius: float
    centre: tuple[float, float, float]
    gap: float


def ball_of_box(box: np.ndarray, squared: np.ndarray, spacing: Spacing) -> Ball:
    """The largest ball, centred anywhere in the particle's voxels, that holds no background voxel centre.

    Between two flat faces along the voxels it ends at the faces, half a voxel before these centres (`between_faces`),
    and it holds no more than the particle does.

    Parameters
    ----------
    box : (Z,Y,X) uint8, 0 or 1, padded (`box.padded`), not empty; what lies outside the crop is background.
    squared : (Z,Y,X) float32, its `box.squared_distances`.
    spacing : z, y, x voxel edges.

    Returns
    -------
    Ball. `gap` is CERTAINTY_VOXELS as a length, unless the search ran out of its budget (thin plates: up to about a
    third of a voxel).
    """
    unit = min(spacing)
    edges = np.asarray(spacing, float)
    xs, rows = wall_points(box)
    found = largest_ball(squared, xs, rows, edges / unit, CERTAINTY_VOXELS)
    gap = float(found[4] - found[0]) * unit
    place, depth = deepest(squared)
    centre, radius = _within(box, found[1:4] * unit, float(found[0]) * unit, place * edges, depth * unit, edges)
    z, y, x = (float(c) for c in centre - MARGIN_VOXELS * edges)
    return Ball(radius, (z, y, x), gap)


def _within(
    box: np.ndarray, centre: np.ndarray, radius: float, inner: np.ndarray, depth: float, edges: np.ndarray
) -> tuple[np.ndarray, float]:
    """Centre and radius of the largest ball without what of it reaches out of the body between background centres.

    Parameters
    ----------
    box : (Z,Y,X) uint8, 0 or 1, padded.
    centre, radius : the largest ball without a background centre; lengths from the middle of the box's first voxel.
    inner, depth : the same of the largest one around a voxel centre.
    edges : (3,) voxel edges.
    """
    whole = _of_voxels(int(np.count_nonzero(box)), edges)  # no ball within a body holds more than the body
    rim = RIM * float(edges.max())  # a ball reaches out farther along a coarse axis
    for middle, slack in ((centre, TOUCHES * float(edges.min())), (inner, rim)):
        faces = between_faces(box, middle, radius, min(radius, whole), edges, slack)
        if np.isfinite(faces):
            return middle, min(faces, whole)
    if _of_voxels(voxels_in(box, centre, radius, edges), edges) >= BULGING * min(radius, whole):
        return centre, min(radius, whole)
    faces = between_faces(box, inner, depth, min(depth, whole), edges, TOUCHES * float(edges.min()))
    return inner, min(depth, whole, faces, _of_voxels(voxels_in(box, inner, depth, edges), edges))


def _of_voxels(count: int, edges: np.ndarray) -> float:
    """Radius of the ball of the volume of so many voxels."""
    return float(radii_of_voxels(count, edges))


def radii_of_voxels(counts: Any, edges: np.ndarray) -> np.ndarray:
    """Radii of the balls of the volume of so many voxels each; `edges` (3,)."""
    return np.cbrt(3 / (4 * np.pi) * counts * np.prod(edges))
