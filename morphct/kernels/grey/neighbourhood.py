"""Median and non-local means of raw grey bricks into uint16 codes, row by row.

As in `filters`, every voxel is computed in one fixed order that does not depend on the brick it is in.
"""

import numpy as np

from ..jit import jit

CHUNK_VOXELS = 512  # voxels of a row the median keeps under way (15 rows of them: 30 KB)


@jit
def _order_rows(a, b):
    for x in range(a.size):
        low, high = min(a[x], b[x]), max(a[x], b[x])
        a[x] = low
        b[x] = high


@jit
def _neighbour_row(grey, valid, z, y, dx, centre, x0, row):
    """Row of the neighbours at x + dx (ends repeated); one that is not valid lends the centre's value."""
    nz, ny, nx = grey.shape
    z, y = min(max(z, 0), nz - 1), min(max(y, 0), ny - 1)
    for x in range(row.size):
        xx = min(max(x0 + x + dx, 0), nx - 1)
        row[x] = grey[z, y, xx] if valid[z, y, xx] else centre[x0 + x]


@jit
def median_codes(grey, valid, core, out):
    """Median of the 27 voxels around each, by forgetful selection on whole rows.

    Parameters
    ----------
    grey : (Z, Y, X) float32
        The brick with a halo of one voxel in z and y, in units of codes.
    valid : (Z, Y, X) uint8
        1 = counts; others get code 0 and lend their neighbours nothing.
    core : (z0, z1, y0, y1)
        Planes and rows wanted.
    out : (z1 - z0, y1 - y0, X) uint16
        Written.
    """
    nx = grey.shape[2]
    work = np.empty((15, CHUNK_VOXELS), np.float32)
    for z in range(core[0], core[1]):
        for y in range(core[2], core[3]):
            for x0 in range(0, nx, CHUNK_VOXELS):
                n = min(CHUNK_VOXELS, nx - x0)
                size = 0
                for k in range(27):
                    # the smallest and the largest of 27 - k + 1 seen values can never be the median: forget them
                    slot = k if k < 15 else size
                    _neighbour_row(
                        grey, valid, z + k // 9 - 1, y + (k // 3) % 3 - 1, k % 3 - 1, grey[z, y], x0, work[slot, :n]
                    )
                    size = slot + 1
                    if k >= 14:
                        for i in range(1, size):
                            _order_rows(work[0, :n], work[i, :n])
                        for i in range(1, size - 1):
                            _order_rows(work[i, :n], work[size - 1, :n])
                        if k < 26:
                            # drop both ends: the last one moves into the place of the first
                            work[0, :n] = work[size - 2, :n]
                            size -= 2
                for x in range(n):
                    v = work[1, x] + np.float32(0.5)
                    code = np.uint16(min(max(v, np.float32(1)), np.float32(65535)))
                    out[z - core[0], y - core[2], x0 + x] = code if valid[z, y, x0 + x] else 0


@jit
def _add_squares(row, a, b):
    for x in range(row.size):
        d = a[x] - b[x]
        row[x] += d * d


@jit
def _patch_distance(grey, z, y, shift, squares, distance):
    """Mean squared difference of the 3^3 patches around (z, y, x) and the same moved by `shift`; rows padded by 3."""
    nz, ny, width = grey.shape
    dz, dy, dx = shift
    squares[:] = np.float32(0)
    n = distance.size
    for i in range(-1, 2):
        za, zb = min(max(z + i, 0), nz - 1), min(max(z + i + dz, 0), nz - 1)
        for j in range(-1, 2):
            ya, yb = min(max(y + j, 0), ny - 1), min(max(y + j + dy, 0), ny - 1)
            _add_squares(squares, grey[za, ya, 2 : width - 2], grey[zb, yb, 2 + dx : width - 2 + dx])
    for x in range(n):
        distance[x] = (squares[x] + squares[x + 1] + squares[x + 2]) * np.float32(1 / 27)


@jit
def _add_similar(total, weight, source, valid, distance, noise, fall):
    for x in range(total.size):
        # exp(-t) as (1 - t/8)^8: the same shape, and it vectorises
        t = np.float32(1) - np.float32(0.125) * fall * max(distance[x] - noise, np.float32(0))
        t = max(t, np.float32(0))
        t = t * t
        t = t * t
        t = t * t * valid[x]
        total[x] += t * source[x]
        weight[x] += t


@jit
def nlm_codes(grey, valid, core, noise, out):
    """Non-local means: voxels within two of each other are averaged by the likeness of their 3^3 surroundings.

    Parameters
    ----------
    grey : (Z, Y, X + 6) float32
        The brick with a halo of three voxels in z and y, in units of codes, each row padded by three repeated voxels.
    valid : (Z, Y, X + 6) float32
        1 = counts, 0 = does not; outside voxels hold 0 in `grey` and get code 0.
    core : (z0, z1, y0, y1)
        Planes and rows wanted.
    noise : float32
        Variance of the difference of two voxels of one phase; likeness falls by 1/e over a quarter of it beyond it.
    out : (z1 - z0, y1 - y0, X) uint16
        Written.
    """
    nz, ny, width = grey.shape
    nx = width - 6
    total, weight = np.empty(nx, np.float32), np.empty(nx, np.float32)
    squares, distance = np.empty(nx + 2, np.float32), np.empty(nx, np.float32)
    fall = np.float32(4) / max(noise, np.float32(1e-6))
    for z in range(core[0], core[1]):
        for y in range(core[2], core[3]):
            total[:] = np.float32(0)
            weight[:] = np.float32(0)
            for k in range(125):
                dz, dy, dx = k // 25 - 2, (k // 5) % 5 - 2, k % 5 - 2
                _patch_distance(grey, z, y, (dz, dy, dx), squares, distance)
                zz, yy = min(max(z + dz, 0), nz - 1), min(max(y + dy, 0), ny - 1)
                source, good = grey[zz, yy, 3 + dx : 3 + dx + nx], valid[zz, yy, 3 + dx : 3 + dx + nx]
                _add_similar(total, weight, source, good, distance, noise, fall)
            for x in range(nx):
                v = total[x] / weight[x] + np.float32(0.5)
                code = np.uint16(min(max(v, np.float32(1)), np.float32(65535)))
                out[z - core[0], y - core[2], x] = code if valid[z, y, x + 3] > 0 else 0
