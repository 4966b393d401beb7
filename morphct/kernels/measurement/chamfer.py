"""Chamfer distance in a crop: 3, 4 and 5 for steps along edges, face and space diagonals (Borgefors 1986)."""

import numpy as np

from ..jit import jit


@jit
def _relax(distance, z, y, x, sign):
    """The least way to a voxel over the 13 neighbours before it (`sign` -1) or after it (1) in raster order."""
    best = distance[z, y, x]
    for k in range(13):
        # numbers 14 to 26 of the 27 places around the voxel are the later ones; mirrored, the earlier
        dz, dy, dx = (k + 14) // 9 - 1, ((k + 14) // 3) % 3 - 1, (k + 14) % 3 - 1
        weight = np.int32(2 + abs(dz) + abs(dy) + abs(dx))
        way = distance[z + sign * dz, y + sign * dy, x + sign * dx] + weight
        best = min(best, way)
    distance[z, y, x] = best
    return best


@jit
def largest_chamfer(box, distance):
    """Largest chamfer distance of a voxel to the background, in thirds of a voxel.

    Parameters
    ----------
    box : (Z,Y,X) uint8, 0 or 1, its outermost voxels 0
    distance : (Z,Y,X) int32; written
    """
    nz, ny, nx = box.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                distance[z, y, x] = 2**30 if box[z, y, x] else 0
    for z in range(1, nz - 1):
        for y in range(1, ny - 1):
            for x in range(1, nx - 1):
                if box[z, y, x]:
                    _relax(distance, z, y, x, -1)
    largest = np.int32(0)
    for z in range(nz - 2, 0, -1):
        for y in range(ny - 2, 0, -1):
            for x in range(nx - 2, 0, -1):
                if box[z, y, x]:
                    largest = max(largest, _relax(distance, z, y, x, 1))
    return largest
