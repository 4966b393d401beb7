"""How far the background is from the interface of two labels."""

import numpy as np

from ..jit import jit

RECENT_BLOCKERS = 16  # background voxels found last: most voxels of an interface are near one of them


@jit
def _meets(labels, z, y, x, other):
    """Whether a voxel shares a face with the label `other`."""
    nz, ny, nx = labels.shape
    return (
        (z > 0 and labels[z - 1, y, x] == other)
        or (y > 0 and labels[z, y - 1, x] == other)
        or (x > 0 and labels[z, y, x - 1] == other)
        or (z + 1 < nz and labels[z + 1, y, x] == other)
        or (y + 1 < ny and labels[z, y + 1, x] == other)
        or (x + 1 < nx and labels[z, y, x + 1] == other)
    )


@jit
def _near_in_row(labels, z, y, x, square, edge, found):
    """Squared distance of the nearest background of a row that is nearer than `found`, and its x; else `found`, -1.

    square : that of the row; edge : square of the voxel's edge along it.
    """
    for dx in range(labels.shape[2]):
        reach = square + dx * dx * edge
        if reach >= found:
            break
        for xx in (x - dx, x + dx):
            if 0 <= xx < labels.shape[2] and labels[z, y, xx] == 0:
                return reach, xx
        if x - dx < 0 and x + dx >= labels.shape[2]:
            break
    return found, -1


@jit
def _nearest(labels, z, y, x, squares, least, most, place):
    """Squared distance of the nearest background voxel if it is less than `most`, else `most`.

    The search ends at the first one that is no farther than `least`; where it was goes to `place` (3,).
    """
    found = most
    for dz in range(labels.shape[0]):
        if dz * dz * squares[0] >= found:
            break
        for side_z in range(1 if dz == 0 else 2):
            zz = z - dz if side_z == 0 else z + dz
            if zz < 0 or zz >= labels.shape[0]:
                continue
            for dy in range(labels.shape[1]):
                square = dz * dz * squares[0] + dy * dy * squares[1]
                if square >= found:
                    break
                for side_y in range(1 if dy == 0 else 2):
                    yy = y - dy if side_y == 0 else y + dy
                    if yy < 0 or yy >= labels.shape[1]:
                        continue
                    found, xx = _near_in_row(labels, zz, yy, x, square, squares[2], found)
                    if xx >= 0:
                        place[0], place[1], place[2] = zz, yy, xx
                        if found <= least:
                            return found
    return found


@jit
def farthest_from_background(labels, box, first, second, squares, most):
    """Of the voxels at the faces between two labels the largest squared distance to the nearest background voxel.

    Parameters
    ----------
    labels : (Z,Y,X) int32
        0 is background; beyond the image there is none.
    box : (6,) int64
        z0 z1 y0 y1 x0 x1, half-open: voxels at the interface outside of it are passed over.
    first, second : int
        The labels.
    squares : (3,) float64
        Squares of the voxel edges z, y, x.
    most : float
        Larger ones are cut to this.

    Returns
    -------
    float
        0 where the two share no face.
    """
    best, held = 0.0, 0
    blockers, place = np.zeros((RECENT_BLOCKERS, 3), np.int64), np.zeros(3, np.int64)
    for z in range(box[0], box[1]):
        for y in range(box[2], box[3]):
            for x in range(box[4], box[5]):
                label = labels[z, y, x]
                if label != first and label != second:
                    continue
                if not _meets(labels, z, y, x, second if label == first else first):
                    continue
                near = False
                for i in range(min(held, RECENT_BLOCKERS)):
                    far = (z - blockers[i, 0]) ** 2 * squares[0] + (y - blockers[i, 1]) ** 2 * squares[1]
                    near |= far + (x - blockers[i, 2]) ** 2 * squares[2] <= best
                if near:
                    continue
                found = _nearest(labels, z, y, x, squares, best, most, place)
                if found > best:
                    best = found
                    if best >= most:
                        return most
                blockers[held % RECENT_BLOCKERS] = place
                held += 1
    return best
