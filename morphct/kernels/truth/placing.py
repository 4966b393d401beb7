"""Where a synthetic particle finds room: taken voxels as bits, 64 voxels of a row in a word.

Bit b of word w of a row is the voxel x = 64 w + b.
"""

import numpy as np

from ..jit import jit, jit_inline

COARSE_ROWS = 4  # a look at every fourth row in both directions refuses most places at a sixteenth of the cost


@jit
def taken_bits(code):
    """Voxels of (Z, Y, X) integers that are not 0, as bits: (Z, Y, ceil(X / 64)) uint64."""
    nz, ny, nx = code.shape
    bits = np.zeros((nz, ny, (nx + 63) // 64), np.uint64)
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if code[z, y, x] != 0:
                    bits[z, y, x >> 6] |= np.uint64(1) << np.uint64(x & 63)
    return bits


@jit_inline
def _low(word, shift):
    return word << np.uint64(shift)


@jit_inline
def _high(word, shift):
    # a shift by all 64 bits is undefined, so it is made in two
    return (word >> np.uint64(63 - shift)) >> np.uint64(1)


@jit
def blocked(occupied, box, corner, step):
    """Whether a taken voxel of `box`, in every `step`-th row, meets a taken voxel of the volume.

    occupied : (Z, Y, W) uint64; box : (z, y, w) uint64, placed with its corner at (3,) int64, may stick out.
    """
    nz, ny, nw = occupied.shape
    z0, y0, first, shift = corner[0], corner[1], corner[2] >> 6, corner[2] & 63
    for k in range(max(0, -z0), min(box.shape[0], nz - z0), step):
        for j in range(max(0, -y0), min(box.shape[1], ny - y0), step):
            for i in range(box.shape[2]):
                word, w = box[k, j, i], first + i
                if word == 0:
                    continue
                if 0 <= w < nw and _low(word, shift) & occupied[z0 + k, y0 + j, w] != 0:
                    return True
                if 0 <= w + 1 < nw and _high(word, shift) & occupied[z0 + k, y0 + j, w + 1] != 0:
                    return True
    return False


@jit
def first_free(occupied, box, corners):
    """Index of the first of the (T, 3) int64 corners where `box` fits without overlap, -1 if none."""
    for t in range(corners.shape[0]):
        if not blocked(occupied, box, corners[t], COARSE_ROWS) and not blocked(occupied, box, corners[t], 1):
            return t
    return -1


@jit
def settle(occupied, box, corner, way, steps):
    """Unit steps along `way` (3,) int64 that `box` can go from `corner` before it is blocked; -1 if it never is."""
    place = corner.copy()
    for n in range(steps):
        place += way
        if blocked(occupied, box, place, COARSE_ROWS) or blocked(occupied, box, place, 1):
            return n
    return -1


@jit
def mark(occupied, box, corner, width):
    """Take the voxels of `box` in the volume of `width` columns, in place; what sticks out is left out."""
    nz, ny, nw = occupied.shape
    z0, y0, first, shift = corner[0], corner[1], corner[2] >> 6, corner[2] & 63
    # bits behind the last column stay free: other groups may stick out there too
    last = ~np.uint64(0) >> np.uint64(63 - ((width - 1) & 63))
    for k in range(max(0, -z0), min(box.shape[0], nz - z0)):
        for j in range(max(0, -y0), min(box.shape[1], ny - y0)):
            for i in range(box.shape[2]):
                word, w = box[k, j, i], first + i
                if 0 <= w < nw:
                    occupied[z0 + k, y0 + j, w] |= _low(word, shift)
                if 0 <= w + 1 < nw:
                    occupied[z0 + k, y0 + j, w + 1] |= _high(word, shift)
            occupied[z0 + k, y0 + j, nw - 1] &= last
