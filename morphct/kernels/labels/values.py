"""The few values of a segmented volume: which there are and how often, and how often neighbours differ."""

import numpy as np

from ..jit import jit


@jit
def count_values(planes, values, counts, n):
    """Count the finite values of planes (Z,Y,X) of any real type into `values` and `counts` (K,); `n` of K are used.

    values has the type of the planes, counts is int64; both are changed in place. Returns how many values there are now
    (K + 1: more than there is room for, and what was counted means nothing) and how many voxels are not finite.
    """
    outside = np.int64(0)
    for z in range(planes.shape[0]):
        for y in range(planes.shape[1]):
            row, start = planes[z, y], np.int64(0)
            while start < row.size:
                value, end = row[start], start + 1
                while end < row.size and row[end] == value:
                    end += 1
                if np.isfinite(value):
                    k = 0
                    while k < n and values[k] != value:
                        k += 1
                    if k == n:
                        if n == values.size:
                            return values.size + 1, outside
                        values[n], counts[n] = value, 0
                        n += 1
                    counts[k] += end - start
                else:
                    outside += end - start
                start = end
    return n, outside


@jit
def unequal_neighbours(planes, core):
    """Pairs of face neighbours, how many of them differ, and voxels that equal none of their neighbours.

    planes (Z,Y,X) of any real type; core: planes z0 to z1 and rows y0 to y1 that are looked at, the rest is halo; each
    pair is counted at its later voxel. What is not finite is no neighbour. Returns (3,) int64.
    """
    nz, ny, nx = planes.shape
    found = np.zeros(3, np.int64)
    for z in range(core[0], core[1]):
        for y in range(core[2], core[3]):
            for x in range(nx):
                value, equal, near = planes[z, y, x], 0, 0
                if not np.isfinite(value):
                    continue
                for axis in range(3):
                    for side in (-1, 1):
                        zz = z + side if axis == 0 else z
                        yy = y + side if axis == 1 else y
                        xx = x + side if axis == 2 else x
                        if zz < 0 or zz >= nz or yy < 0 or yy >= ny or xx < 0 or xx >= nx:
                            continue
                        other = planes[zz, yy, xx]
                        if not np.isfinite(other):
                            continue
                        near += 1
                        same = other == value
                        equal += same
                        if side < 0:
                            found[0] += 1
                            found[1] += not same
                found[2] += near > 0 and equal == 0
    return found
