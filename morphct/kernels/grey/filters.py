"""Gaussian smoothing of raw grey bricks into uint16 codes.

Every voxel is computed in one fixed order of float32 operations that does not depend on the brick it is in, so a volume
gives the same bytes however it is cut. Rows are the unit of work: small functions over whole rows vectorise, and a tile
of rows stays in the cache between the passes along z, y and x.
"""

import numpy as np

from ..jit import jit

TILE_ROWS = 24  # rows; with the halo rows a tile of a 2000-voxel row stays in the second-level cache


@jit
def _scale_row(row, source, weight):
    for x in range(row.size):
        row[x] = weight * np.float32(source[x])


@jit
def _add_pairs(row, first, second, third, weights):
    # three pairs at a time, because loading and storing the sum costs more than the arithmetic
    (a, b), (c, d), (e, f), (w, v, u) = first, second, third, weights
    for x in range(row.size):
        row[x] += (
            w * (np.float32(a[x]) + np.float32(b[x]))
            + v * (np.float32(c[x]) + np.float32(d[x]))
            + u * (np.float32(e[x]) + np.float32(f[x]))
        )


@jit
def _along_z(grey, z, y, w, row):
    top = grey.shape[0] - 1
    _scale_row(row, grey[z, y], w[0])
    for k in range(1, w.size, 3):
        a, b, c, d = max(z - k, 0), min(z + k, top), max(z - k - 1, 0), min(z + k + 1, top)
        e, f = max(z - k - 2, 0), min(z + k + 2, top)
        near, next_, far = (grey[a, y], grey[b, y]), (grey[c, y], grey[d, y]), (grey[e, y], grey[f, y])
        _add_pairs(row, near, next_, far, (w[k], w[k + 1], w[k + 2]))


@jit
def _along_y(rows, i, w, row):
    _scale_row(row, rows[i], w[0])
    for k in range(1, w.size, 3):
        near, next_ = (rows[i - k], rows[i + k]), (rows[i - k - 1], rows[i + k + 1])
        _add_pairs(row, near, next_, (rows[i - k - 2], rows[i + k + 2]), (w[k], w[k + 1], w[k + 2]))


@jit
def _along_x(padded, w, row):
    r, n = w.size - 1, row.size
    _scale_row(row, padded[r : r + n], w[0])
    for k in range(1, w.size, 3):
        p, q = r - k, r + k
        near, next_ = (padded[p : p + n], padded[q : q + n]), (padded[p - 1 : p - 1 + n], padded[q + 1 : q + 1 + n])
        far = padded[p - 2 : p - 2 + n], padded[q + 2 : q + 2 + n]
        _add_pairs(row, near, next_, far, (w[k], w[k + 1], w[k + 2]))


@jit
def _smooth_rows(grey, weights, z, y0, y1, rows, padded, out):
    """Rows y0 to y1 of plane z, smoothed along z, y, x, into out[0 : y1 - y0]; `rows` and `padded` are work space."""
    wz, wy, wx = weights
    ny, nx = grey.shape[1], grey.shape[2]
    ry, rx = wy.size - 1, wx.size - 1
    for y in range(y0 - ry, y1 + ry):
        _along_z(grey, z, min(max(y, 0), ny - 1), wz, rows[y - y0 + ry])
    middle = padded[rx : rx + nx]
    for y in range(y1 - y0):
        _along_y(rows, y + ry, wy, middle)
        for x in range(rx):
            padded[x] = padded[rx]
            padded[rx + nx + x] = padded[rx + nx - 1]
        _along_x(padded, wx, out[y])


@jit
def _store_codes(row, gain, shift, codes):
    for x in range(row.size):
        v = row[x] * gain + shift
        codes[x] = np.uint16(min(max(v, np.float32(1)), np.float32(65535)))


@jit
def gaussian_codes(grey, weights, core, gain, shift, out):
    """Gaussian of the core of a brick, as codes.

    Parameters
    ----------
    grey : (Z, Y, X) uint8, uint16 or float32
        The brick with its halo; beyond its ends the last plane, row or voxel is repeated.
    weights : 3 arrays (1 + 3n,) float32
        Half kernels along z, y, x, from the centre outwards, padded with zeros to a multiple of three pairs.
    core : (z0, z1, y0, y1)
        Planes and rows of `grey` wanted.
    gain, shift : float32
        code = smoothed * gain + shift, cut to 1..65535; `shift` holds the half that makes the cut a rounding.
    out : (z1 - z0, y1 - y0, X) uint16
        Written.
    """
    nx = grey.shape[2]
    rows = np.empty((TILE_ROWS + 2 * (weights[1].size - 1), nx), np.float32)
    padded = np.empty(nx + 2 * (weights[2].size - 1), np.float32)
    tile = np.empty((TILE_ROWS, nx), np.float32)
    for z in range(core[0], core[1]):
        for y0 in range(core[2], core[3], TILE_ROWS):
            y1 = min(core[3], y0 + TILE_ROWS)
            _smooth_rows(grey, weights, z, y0, y1, rows, padded, tile)
            for y in range(y0, y1):
                _store_codes(tile[y - y0], gain, shift, out[z - core[0], y - core[2]])


@jit
def _store_masked_codes(row, share, full, gain, shift, valid, codes):
    for x in range(row.size):
        v = row[x]
        if share[x] != full:
            v = v * (full / share[x])
        v = v * gain + shift
        codes[x] = np.uint16(min(max(v, np.float32(1)), np.float32(65535))) if valid[x] else np.uint16(0)


@jit
def gaussian_codes_masked(grey, valid, weights, core, gain, shift, out):
    """As `gaussian_codes`, with voxels that do not count: the mean is taken over the valid ones, the others get code 0.

    Where all neighbours are valid the result has the same bytes as that of `gaussian_codes`.

    Parameters
    ----------
    grey : (Z, Y, X) uint8, uint16 or float32
        The brick; voxels that are not valid must hold 0.
    valid : (Z, Y, X) uint8
        1 = counts.
    weights, core, gain, shift, out
        As in `gaussian_codes`.
    """
    nx = grey.shape[2]
    rows = np.empty((TILE_ROWS + 2 * (weights[1].size - 1), nx), np.float32)
    padded = np.empty(nx + 2 * (weights[2].size - 1), np.float32)
    tile = np.empty((TILE_ROWS, nx), np.float32)
    share = np.empty((TILE_ROWS, nx), np.float32)
    # the share of a voxel among valid ones only, with the rounding of this very order of sums
    _smooth_rows(np.ones((1, 1, nx), np.uint8), weights, 0, 0, 1, rows, padded, share)
    full = share[0, 0]
    for z in range(core[0], core[1]):
        for y0 in range(core[2], core[3], TILE_ROWS):
            y1 = min(core[3], y0 + TILE_ROWS)
            _smooth_rows(grey, weights, z, y0, y1, rows, padded, tile)
            _smooth_rows(valid, weights, z, y0, y1, rows, padded, share)
            for y in range(y0, y1):
                i, codes = y - y0, out[z - core[0], y - core[2]]
                _store_masked_codes(tile[i], share[i], full, gain, shift, valid[z, y], codes)
