"""Sums over the voxels of every basin in a brick: voxels, moments, what was sealed, whether a face is reached."""

import numpy as np

from ..flagged import places, room, run_starts
from ..jit import jit

COLUMNS = 12  # z, y, x, zz, yy, xx, zy, zx, yx, sealed, at a face, voxels
SEALED, FACE, VOXELS = 9, 10, 11


@jit
def _add_run(target, z, y, first, last):
    n = last - first + 1
    sx = n * (first + last) // 2
    sxx = last * (last + 1) * (2 * last + 1) // 6 - (first - 1) * first * (2 * first - 1) // 6
    target[0] += n * z
    target[1] += n * y
    target[2] += sx
    target[3] += n * z * z
    target[4] += n * y * y
    target[5] += sxx
    target[6] += n * z * y
    target[7] += z * sx
    target[8] += y * sx
    target[VOXELS] += n


@jit
def _added(line, before):
    """Whether a row has a label where `before` is 0."""
    some = False
    for x in range(line.size):
        some |= (line[x] != 0) & (before[x] == 0)
    return some


@jit
def add_sums(labels, before, origin, shape, sums):
    """Add the sums over the voxels of each label, a run along x at a time.

    Parameters
    ----------
    labels : (D,H,X) int32
        Part of a brick, from follow.
    before : (D,H,X) uint8
        The mask before sealing.
    origin : (int, int)
        First plane and row of `labels` in the volume.
    shape : (int, int, int)
        Of the volume.
    sums : (N,COLUMNS) int64
        Of labels from 0 up; that of 0, background, stays as it is. SEALED: voxels that are 0 in `before`.
    """
    nx = labels.shape[2]
    marks, ends = room(nx + 1)
    for d in range(labels.shape[0]):
        z = np.int64(origin[0] + d)
        for h in range(labels.shape[1]):
            y = np.int64(origin[1] + h)
            line, start = labels[d, h], np.int64(0)
            run_starts(line, marks)
            marks[nx] = 1  # the end of the row closes the last run
            added = _added(line, before[d, h])
            side = z == 0 or z == shape[0] - 1 or y == 0 or y == shape[1] - 1
            for i in range(places(marks, ends)):
                end, v = ends[i], line[start]
                if v != 0:
                    target = sums[v]
                    _add_run(target, z, y, start, end - 1)
                    if side or start == 0 or end == nx:
                        target[FACE] = 1
                    if added:
                        for x in range(start, end):
                            target[SEALED] += before[d, h, x] == 0
                start = end


@jit
def by_basin(sums, names, n_basins):
    """Sums of add_sums by basin: the basins met (K,) int64, each once, and the sums (K,COLUMNS) of each.

    names (N,) int32: basin of each label, see read_basins. n_basins: basins of the volume.
    """
    place, count = np.zeros(n_basins, np.int32), 0
    for v in range(1, names.size):
        if place[names[v]] == 0:
            count += 1
            place[names[v]] = count
    met, out = np.empty(count, np.int64), np.zeros((count, sums.shape[1]), np.int64)
    for v in range(1, names.size):
        at = place[names[v]] - 1
        met[at] = names[v]
        for column in range(sums.shape[1]):
            out[at, column] += sums[v, column]
    return met, out
