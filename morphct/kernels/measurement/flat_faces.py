"""Where the largest ball ends at flat faces of the body, and how many of the body's voxels lie in it."""

from __future__ import annotations

import math

import numpy as np

from ..jit import jit


@jit
def deepest(squared):
    """The deepest voxel, of several the one nearest to the middle of them (to 1e-6; ties: the first).

    Parameters
    ----------
    squared : (Z,Y,X) float32, squared distances from `crop_distance`.

    Returns
    -------
    place : (3,) float64, its z, y, x in voxels; depth : float, the root of the largest value, as float32 has it.
    """
    height, width = squared.shape[1], squared.shape[2]
    flat = squared.reshape(-1)
    most = flat[0]
    for i in range(flat.size):
        most = max(most, flat[i])
    n = 0
    mean, place = np.zeros(3), np.zeros(3)
    for i in range(flat.size):
        if flat[i] == most:
            n += 1
            mean[0] += i // (height * width)
            mean[1] += i // width % height
            mean[2] += i % width
    mean /= n
    least = np.inf
    for i in range(flat.size):
        if flat[i] == most:
            z, y, x = float(i // (height * width)), float(i // width % height), float(i % width)
            off = (z - mean[0]) ** 2 + (y - mean[1]) ** 2 + (x - mean[2]) ** 2
            off = np.rint(off * 1e6) / 1e6
            if off < least:
                least = off
                place[0], place[1], place[2] = z, y, x
    return place, np.float64(np.float32(math.sqrt(np.float64(most))))


@jit
def _range(centre, radius, edge, size):
    """First and last + 1 of `size` voxels whose middles lie within a radius of a centre along an axis, or about so."""
    first = max(int(math.ceil((centre - radius) / edge)), 0)
    return first, min(int(math.floor((centre + radius) / edge)) + 1, size)


@jit
def voxels_in(box, centre, radius, edges):
    """Voxels of the body whose middles lie in a closed ball.

    Parameters
    ----------
    box : (Z,Y,X) uint8, 0 or 1.
    centre : (3,) float64, a length from the middle of the box's first voxel.
    radius : float; edges : (3,) float64, voxel edges.
    """
    z0, z1 = _range(centre[0], radius, edges[0], box.shape[0])
    y0, y1 = _range(centre[1], radius, edges[1], box.shape[1])
    x0, x1 = _range(centre[2], radius, edges[2], box.shape[2])
    n = 0
    for z in range(z0, z1):
        dz = (z * edges[0] - centre[0]) ** 2
        for y in range(y0, y1):
            off = dz + (y * edges[1] - centre[1]) ** 2
            for x in range(x0, x1):
                n += box[z, y, x] != 0 and off + (x * edges[2] - centre[2]) ** 2 <= radius * radius
    return n


@jit
def _flat(planes, inner, outer, centre, edges, radius):
    """Whether within a radius of a point of plane `inner` all is body, and of plane `outer` nothing is."""
    y0, y1 = _range(centre[0], radius, edges[0], planes.shape[1])
    x0, x1 = _range(centre[1], radius, edges[1], planes.shape[2])
    for y in range(y0, y1):
        dy = (y * edges[0] - centre[0]) ** 2
        for x in range(x0, x1):
            near = dy + (x * edges[1] - centre[1]) ** 2 <= radius * radius
            if near and (planes[inner, y, x] == 0 or planes[outer, y, x] != 0):
                return False
    return True


@jit
def _walls(line, at):
    """The first background voxel before and behind one of the body's in a row of voxels with background at its ends."""
    before = behind = at
    while line[before]:
        before -= 1
    while line[behind]:
        behind += 1
    return before, behind


@jit
def between_faces(box, centre, radius, cap, edges, slack):
    """Half the least distance between two opposite flat faces that hold the ball; infinite where none do.

    A face along the voxels lies half a voxel before the background centres behind it, all of which are equally far: the
    ball reaches them, and is half a voxel too large. Elsewhere some centre lies nearer to the surface, and the ball is
    right. Flat is a wall whose voxels lie in one plane for as far as those at the pole of a ball do at most: a cap one
    voxel high.

    Parameters
    ----------
    box : (Z,Y,X) uint8, 0 or 1, its outermost voxels 0.
    centre : (3,) float64, where the faces are looked for, a length from the middle of the box's first voxel.
    radius : of the ball.
    cap : radius of the ball whose pole is compared, at most `radius`.
    edges : (3,) float64, voxel edges.
    slack : length by which half the distance of the background centres may differ from the radius.
    """
    least = np.inf
    at = np.empty(3, np.int64)
    for k in range(3):
        at[k] = min(max(int(np.rint(centre[k] / edges[k])), 0), box.shape[k] - 1)
    if box[at[0], at[1], at[2]] == 0:
        return least
    for axis in range(3):
        if axis == 0:
            planes, one, two = box.transpose(0, 1, 2), 1, 2
        elif axis == 1:
            planes, one, two = box.transpose(1, 0, 2), 0, 2
        else:
            planes, one, two = box.transpose(2, 0, 1), 0, 1
        before, behind = _walls(planes[:, at[one], at[two]], at[axis])
        if abs(0.5 * (behind - before) * edges[axis] - radius) > slack:
            continue
        middle, sides = (centre[one], centre[two]), (edges[one], edges[two])
        reach = math.sqrt(2 * cap * edges[axis])
        if _flat(planes, before + 1, before, middle, sides, reach) and _flat(
            planes, behind - 1, behind, middle, sides, reach
        ):
            least = min(least, 0.5 * (behind - before - 1) * edges[axis])
    return least
