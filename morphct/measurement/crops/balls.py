"""The largest ball inside a particle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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

    Between two flat faces along the voxels it ends at the faces, half a voxel before these centres (`_between_faces`),
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
    deepest, depth = _deepest(squared)
    centre, radius = _within(box, found[1:4] * unit, float(found[0]) * unit, deepest * edges, depth * unit, edges)
    z, y, x = (float(c) for c in centre - MARGIN_VOXELS * edges)
    return Ball(radius, (z, y, x), gap)


def _deepest(squared: np.ndarray) -> tuple[np.ndarray, float]:
    """Index (3,) of the deepest voxel, of several the one nearest to the middle of them, and its depth."""
    most = squared.max()
    places = np.argwhere(squared == most)
    off = ((places - places.mean(0)) ** 2).sum(1)
    return places[int(np.argmin(np.round(off, 6)))], float(np.sqrt(most))


def _within(
    box: np.ndarray, centre: np.ndarray, radius: float, deepest: np.ndarray, depth: float, edges: np.ndarray
) -> tuple[np.ndarray, float]:
    """Centre and radius of the largest ball without what of it reaches out of the body between background centres.

    Parameters
    ----------
    box : (Z,Y,X) uint8, 0 or 1, padded.
    centre, radius : the largest ball without a background centre; lengths from the middle of the box's first voxel.
    deepest, depth : the same of the largest one around a voxel centre.
    edges : (3,) voxel edges.
    """
    whole = _of_voxels(int(np.count_nonzero(box)), edges)  # no ball within a body holds more than the body
    rim = RIM * float(edges.max())  # a ball reaches out farther along a coarse axis
    for middle, slack in ((centre, TOUCHES * float(edges.min())), (deepest, rim)):
        faces = _between_faces(box, middle, radius, min(radius, whole), edges, slack)
        if np.isfinite(faces):
            return middle, min(faces, whole)
    if _of_voxels(_voxels_in(box, centre, radius, edges), edges) >= BULGING * min(radius, whole):
        return centre, min(radius, whole)
    faces = _between_faces(box, deepest, depth, min(depth, whole), edges, TOUCHES * float(edges.min()))
    return deepest, min(depth, whole, faces, _of_voxels(_voxels_in(box, deepest, depth, edges), edges))


def _of_voxels(count: int, edges: np.ndarray) -> float:
    """Radius of the ball of the volume of so many voxels."""
    return float(np.cbrt(3 / (4 * np.pi) * count * np.prod(edges)))


def _voxels_in(box: np.ndarray, centre: np.ndarray, radius: float, edges: np.ndarray) -> int:
    """Voxels of a padded box that lie in a ball around a point."""
    low = np.maximum(np.ceil((centre - radius) / edges).astype(int), 0)
    high = np.minimum(np.floor((centre + radius) / edges).astype(int) + 1, box.shape)
    where = tuple(slice(int(a), int(b)) for a, b in zip(low, high))
    z, y, x = (((np.arange(a, b) * e - c) ** 2) for a, b, e, c in zip(low, high, edges, centre))
    inside = (z[:, None, None] + y[:, None] + x) <= radius * radius
    return int(np.count_nonzero(box[where][inside]))


def _between_faces(
    box: np.ndarray, centre: np.ndarray, radius: float, cap: float, edges: np.ndarray, slack: float
) -> float:
    """Half the least distance between two opposite flat faces that hold the ball; infinite where none do.

    A face along the voxels lies half a voxel before the background centres behind it, all of which are equally far: the
    ball reaches them, and is half a voxel too large. Elsewhere some centre lies nearer to the surface, and the ball is
    right. Flat is a wall whose voxels lie in one plane for as far as those at the pole of a ball do at most: a cap one
    voxel high.

    Parameters
    ----------
    box : (Z,Y,X) uint8, 0 or 1, padded.
    centre : (3,) where the faces are looked for, a length from the middle of the box's first voxel.
    radius : of the ball.
    cap : radius of the ball whose pole is compared, at most `radius`.
    edges : (3,) voxel edges.
    slack : length by which half the distance of the background centres may differ from the radius.
    """
    least = np.inf
    at = np.clip(np.rint(centre / edges).astype(int), 0, np.array(box.shape) - 1)
    for axis in range(3):
        planes = np.moveaxis(box, axis, 0)
        others = [k for k in range(3) if k != axis]
        line = planes[:, at[others[0]], at[others[1]]]
        if not line[at[axis]]:
            continue
        before = at[axis] - int(np.argmin(line[at[axis] :: -1]))  # the first background voxel on either side
        behind = at[axis] + int(np.argmin(line[at[axis] :]))
        if abs(0.5 * (behind - before) * edges[axis] - radius) > slack:
            continue
        around = _disc(planes.shape[1:], centre[others], edges[others], float(np.sqrt(2 * cap * edges[axis])))
        if all(
            planes[inner][around].all() and not planes[outer][around].any()
            for inner, outer in ((before + 1, before), (behind - 1, behind))
        ):
            least = min(least, 0.5 * (behind - before - 1) * float(edges[axis]))
    return least


def _disc(shape: tuple[int, ...], centre: np.ndarray, edges: np.ndarray, radius: float) -> tuple[np.ndarray, ...]:
    """Places of a plane of this shape within a radius of a point."""
    low = np.maximum(np.ceil((centre - radius) / edges).astype(int), 0)
    high = np.minimum(np.floor((centre + radius) / edges).astype(int) + 1, shape)
    y, x = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]), indexing="ij")
    near = ((y * edges[0] - centre[0]) ** 2 + (x * edges[1] - centre[1]) ** 2) <= radius * radius
    return y[near], x[near]
