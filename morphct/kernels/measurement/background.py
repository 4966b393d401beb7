"""What lies away from surfaces: background away from everything labelled, and the inside of a particle."""

import numpy as np

from ..jit import jit


@jit
def _or_into(out, other):
    """out |= other, both (n,) uint8: the innermost loop, on views, so it is vectorised."""
    for i in range(out.size):
        out[i] |= other[i]


@jit
def widen(marked, reach):
    """Mark all voxels within `reach` of a marked one along each axis: a cube around it.

    Parameters
    ----------
    marked : (Z,Y,X) uint8, 0 or 1; changed in place
    reach : int, at least 1
    """
    nz, ny, nx = marked.shape
    row = np.empty(nx, np.uint8)
    for z in range(nz):
        for y in range(ny):
            here = marked[z, y]
            row[:] = here
            for k in range(1, min(reach, nx - 1) + 1):
                _or_into(here[k:], row[: nx - k])
                _or_into(here[: nx - k], row[k:])
    plane = np.empty((ny, nx), np.uint8)
    for z in range(nz):
        plane[:] = marked[z]
        for y in range(ny):
            for other in range(max(y - reach, 0), min(y + reach + 1, ny)):
                _or_into(marked[z, y], plane[other])
    column = np.empty((nz, nx), np.uint8)
    for y in range(ny):
        column[:] = marked[:, y]
        for z in range(nz):
            for other in range(max(z - reach, 0), min(z + reach + 1, nz)):
                _or_into(marked[z, y], column[other])


@jit
def count_greys(grey, marked, low, counts):
    """Histogram of the grey values of what is not marked; zeros are left out.

    Parameters
    ----------
    grey : (Z,Y,X), an integer dtype of 8 or 16 bits
    marked : (Z,Y,X) uint8
    low : int, grey value of the first bin
    counts : (B,) int64; added to
    """
    for z in range(grey.shape[0]):
        for y in range(grey.shape[1]):
            for x in range(grey.shape[2]):
                value = np.int64(grey[z, y, x])
                if marked[z, y, x] == 0 and value != 0:
                    counts[value - low] += 1


@jit
def deep_places(surface, depth, least, margin, first, shape):
    """Voxels of a particle that lie away from its surfaces.

    Parameters
    ----------
    surface, depth : (Z,Y,X) float32, of a crop with a margin: what says how far away, and what is told of each.
    least : float32, what `surface` is at least; above zero.
    margin : int, voxels of the margin.
    first : three ints, where the crop's first voxel lies in a wider block.
    shape : three ints, of that block.

    Returns
    -------
    places : (n,) int64, flat indices in the wider block; depths : (n,) float32
    """
    nz, ny, nx = surface.shape
    n = 0
    for z in range(nz):
        for y in range(ny):
            row = surface[z, y]
            for x in range(nx):
                n += row[x] >= least
    places, depths = np.empty(n, np.int64), np.empty(n, np.float32)
    n = 0
    for z in range(margin, nz - margin):
        for y in range(margin, ny - margin):
            begin = ((z - margin + first[0]) * shape[1] + y - margin + first[1]) * shape[2] + first[2] - margin
            for x in range(margin, nx - margin):
                if surface[z, y, x] >= least:
                    places[n] = begin + x
                    depths[n] = depth[z, y, x]
                    n += 1
    return places, depths
