"""How solid the surroundings of every voxel are, and which voxels lie at the surface."""

import numpy as np

from ..jit import jit

PAD_VOXELS = 3  # border of the 0/1 planes: half of a box
AT_SURFACE = np.uint16(1 << 15)  # added to the count of a voxel that has background at one of its faces
COUNT = np.uint16(AT_SURFACE - 1)


@jit
def count_boxes(solid, first, out):
    """Solid voxels in the box of 7 x 7 x 7 around each voxel, and whether it is AT_SURFACE.

    Parameters
    ----------
    solid : (Z + 6, Y + 6, X + 6) uint8 0/1, with a border of PAD_VOXELS voxels
    first : int
        Where the first row goes.
    out : (Z + 1 or more, first + Y or more, X + 2) uint16
        Written from its second plane and row `first` on, but for a border along x.
    """
    nz, ny, nx = solid.shape[0] - 2 * PAD_VOXELS, solid.shape[1] - 2 * PAD_VOXELS, solid.shape[2] - 2 * PAD_VOXELS
    sums = np.zeros(solid.shape[1:], np.uint8)
    flat, pairs = np.zeros(solid.shape[2], np.uint8), np.zeros(solid.shape[2], np.uint16)
    for z in range(nz + 2 * PAD_VOXELS):
        for y in range(ny + 2 * PAD_VOXELS):
            _add_row(sums[y], solid[z, y])
        if z < 2 * PAD_VOXELS:
            continue
        flat[:] = 0
        for y in range(ny + 2 * PAD_VOXELS):
            _add_row(flat, sums[y])
            if y < 2 * PAD_VOXELS:
                continue
            row = out[z - 2 * PAD_VOXELS + 1, y - 2 * PAD_VOXELS + first, 1 : nx + 1]
            _sum_along(flat, pairs, row)
            _mark_surface(solid, z - PAD_VOXELS, y - PAD_VOXELS, row)
            _take_row(flat, sums[y - 2 * PAD_VOXELS])
        for y in range(ny + 2 * PAD_VOXELS):
            _take_row(sums[y], solid[z - 2 * PAD_VOXELS, y])


@jit
def _add_row(target, other):
    for x in range(target.size):
        target[x] += other[x]


@jit
def _take_row(target, other):
    for x in range(target.size):
        target[x] -= other[x]


@jit
def _sum_along(flat, pairs, out):
    """out[x] (X,) = sum of flat[x] to flat[x + 6] (X + 6,); pairs (X + 6,) uint16 to work in."""
    n = out.size
    a, b = flat[: n + 5], flat[1 : n + 6]
    for x in range(a.size):
        pairs[x] = np.uint16(a[x]) + np.uint16(b[x])
    c, d, e, f = pairs[:n], pairs[2 : n + 2], pairs[4 : n + 4], flat[6 : n + 6]
    for x in range(n):
        out[x] = np.uint16(c[x] + d[x]) + np.uint16(e[x] + np.uint16(f[x]))


@jit
def _mark_surface(solid, z, y, out):
    n = out.size
    a, b = solid[z - 1, y, PAD_VOXELS : PAD_VOXELS + n], solid[z + 1, y, PAD_VOXELS : PAD_VOXELS + n]
    c, d = solid[z, y - 1, PAD_VOXELS : PAD_VOXELS + n], solid[z, y + 1, PAD_VOXELS : PAD_VOXELS + n]
    e, f = solid[z, y, PAD_VOXELS - 1 : PAD_VOXELS + n - 1], solid[z, y, PAD_VOXELS + 1 : PAD_VOXELS + n + 1]
    for x in range(n):
        faces = (a[x] & b[x]) & (c[x] & d[x]) & (e[x] & f[x])
        out[x] |= AT_SURFACE if faces == 0 else np.uint16(0)
