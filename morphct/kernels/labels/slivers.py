"""What the few labels that are too small to stay touch: faces they share with other labels."""

import numpy as np

from ..jit import jit


@jit
def faces_of_few(labels, few, core):
    """Faces that labels with few[label] != 0 share with any other label, in runs.

    labels (Z,Y,X) integers from 0 (background); few (N+1,) uint8, 0 for the background; core: planes z0 to z1 and rows
    y0 to y1. The pairs of voxels whose earlier one (in raster order) lies there are looked at, so the halo is a plane
    and a row behind. Returns (K,3) int64: the small label, the other one, faces; a pair of small ones stands in it both
    ways.
    """
    nz, ny, nx = labels.shape
    capacity = 1024
    out = np.empty((capacity, 3), np.int64)
    n = 0
    for z in range(core[0], core[1]):
        for y in range(core[2], core[3]):
            for x in range(nx):
                here = labels[z, y, x]
                if here == 0:
                    continue
                for axis in range(3):
                    zz, yy, xx = z + (axis == 0), y + (axis == 1), x + (axis == 2)
                    if zz >= nz or yy >= ny or xx >= nx:
                        continue
                    there = labels[zz, yy, xx]
                    if there == 0 or there == here:
                        continue
                    for turn in range(2):
                        a, b = (here, there) if turn == 0 else (there, here)
                        if few[a] == 0:
                            continue
                        if n > 0 and out[n - 1, 0] == a and out[n - 1, 1] == b:
                            out[n - 1, 2] += 1
                            continue
                        if n == capacity:
                            capacity *= 2
                            grown = np.empty((capacity, 3), np.int64)
                            grown[:n] = out[:n]
                            out = grown
                        out[n, 0], out[n, 1], out[n, 2] = a, b, 1
                        n += 1
    return out[:n].copy()
