"""Slow and obvious twins of the loops about where a largest ball ends."""

import numpy as np


def deepest(squared: np.ndarray) -> tuple[np.ndarray, float]:
    """Index (3,) of the deepest voxel, of several the one nearest to the middle of them, and its depth."""
    most = squared.max()
    places = np.argwhere(squared == most)
    off = ((places - places.mean(0)) ** 2).sum(1)
    return places[int(np.argmin(np.round(off, 6)))], float(np.sqrt(most))


def voxels_in(box: np.ndarray, centre: np.ndarray, radius: float, edges: np.ndarray) -> int:
    """Voxels of a padded box that lie in a ball around a point."""
    low = np.maximum(np.ceil((centre - radius) / edges).astype(int), 0)
    high = np.minimum(np.floor((centre + radius) / edges).astype(int) + 1, box.shape)
    where = tuple(slice(int(a), int(b)) for a, b in zip(low, high))
    z, y, x = (((np.arange(a, b) * e - c) ** 2) for a, b, e, c in zip(low, high, edges, centre))
    inside = (z[:, None, None] + y[:, None] + x) <= radius * radius
    return int(np.count_nonzero(box[where][inside]))


def between_faces(
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
