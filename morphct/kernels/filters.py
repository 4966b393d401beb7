"""Smoothing of raw grey slabs into uint16 codes: Gaussian, median, non-local means.

Every voxel is computed in one fixed order of float32 operations that does not depend on the slab it is in, so a volume
gives the same bytes however it is cut. Rows are the unit of work: small functions over whole rows vectorise, and a tile
of rows stays in the cache between the passes along z, y and x.
"""

import numpy as np

from .jit import jit

TILE = 24  # rows; with the halo rows a tile of a 2000-voxel row stays in the second-level cache
CHUNK = 512  # voxels of a row the median keeps under way (15 rows of them: 30 KB)


@jit
def _scale_row(row, source, weight):
    for x in range(row.size):
        row[x] = weight * np.float32(source[x])


@jit
def _add_pairs(row, a, b, c, d, e, f, w, v, u):
    # three pairs at a time, because loading and storing the sum costs more than the arithmetic
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
        _add_pairs(
            row, grey[a, y], grey[b, y], grey[c, y], grey[d, y], grey[e, y], grey[f, y], w[k], w[k + 1], w[k + 2]
        )


@jit
def _along_y(rows, i, w, row):
    _scale_row(row, rows[i], w[0])
    for k in range(1, w.size, 3):
        _add_pairs(
            row,
            rows[i - k],
            rows[i + k],
            rows[i - k - 1],
            rows[i + k + 1],
            rows[i - k - 2],
            rows[i + k + 2],
            w[k],
            w[k + 1],
            w[k + 2],
        )


@jit
def _along_x(padded, w, row):
    r, n = w.size - 1, row.size
    _scale_row(row, padded[r : r + n], w[0])
    for k in range(1, w.size, 3):
        p, q = r - k, r + k
        _add_pairs(
            row,
            padded[p : p + n],
            padded[q : q + n],
            padded[p - 1 : p - 1 + n],
            padded[q + 1 : q + 1 + n],
            padded[p - 2 : p - 2 + n],
            padded[q + 2 : q + 2 + n],
            w[k],
            w[k + 1],
            w[k + 2],
        )


@jit
def _smooth_rows(grey, weights, z, y0, y1, rows, padded, out):
    """Rows y0 to y1 of plane z, smoothed along z, y and x, into out[0 : y1 - y0]; `rows` and `padded` are work space."""
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
def gaussian_codes(grey, weights, z0, z1, gain, shift, out):
    """Gaussian of planes z0 to z1 of a slab, as codes.

    Parameters
    ----------
    grey : (Z, Y, X) uint8, uint16 or float32
        The slab with its halo; beyond its ends the last plane, row or voxel is repeated.
    weights : 3 arrays (1 + 3n,) float32
        Half kernels along z, y, x, from the centre outwards, padded with zeros to a multiple of three pairs.
    z0, z1 : int
        Planes of `grey` wanted.
    gain, shift : float32
        code = smoothed * gain + shift, cut to 1..65535; `shift` holds the half that makes the cut a rounding.
    out : (z1 - z0, Y, X) uint16
        Written.
    """
    ny, nx = grey.shape[1], grey.shape[2]
    rows = np.empty((TILE + 2 * (weights[1].size - 1), nx), np.float32)
    padded = np.empty(nx + 2 * (weights[2].size - 1), np.float32)
    tile = np.empty((TILE, nx), np.float32)
    for z in range(z0, z1):
        for y0 in range(0, ny, TILE):
            y1 = min(ny, y0 + TILE)
            _smooth_rows(grey, weights, z, y0, y1, rows, padded, tile)
            for y in range(y0, y1):
                _store_codes(tile[y - y0], gain, shift, out[z - z0, y])


@jit
def _store_masked_codes(row, share, full, gain, shift, valid, codes):
    for x in range(row.size):
        v = row[x]
        if share[x] != full:
            v = v * (full / share[x])
        v = v * gain + shift
        codes[x] = np.uint16(min(max(v, np.float32(1)), np.float32(65535))) if valid[x] else np.uint16(0)


@jit
def gaussian_codes_masked(grey, valid, weights, z0, z1, gain, shift, out):
    """As `gaussian_codes`, with voxels that do not count: the mean is taken over the valid ones, the others get code 0.

    Where all neighbours are valid the result has the same bytes as that of `gaussian_codes`.

    Parameters
    ----------
    grey : (Z, Y, X) uint8, uint16 or float32
        The slab; voxels that are not valid must hold 0.
    valid : (Z, Y, X) uint8
        1 = counts.
    weights, z0, z1, gain, shift, out
        As in `gaussian_codes`.
    """
    ny, nx = grey.shape[1], grey.shape[2]
    rows = np.empty((TILE + 2 * (weights[1].size - 1), nx), np.float32)
    padded = np.empty(nx + 2 * (weights[2].size - 1), np.float32)
    tile = np.empty((TILE, nx), np.float32)
    share = np.empty((TILE, nx), np.float32)
    # the share of a voxel among valid ones only, with the rounding of this very order of sums
    _smooth_rows(np.ones((1, 1, nx), np.uint8), weights, 0, 0, 1, rows, padded, share)
    full = share[0, 0]
    for z in range(z0, z1):
        for y0 in range(0, ny, TILE):
            y1 = min(ny, y0 + TILE)
            _smooth_rows(grey, weights, z, y0, y1, rows, padded, tile)
            _smooth_rows(valid, weights, z, y0, y1, rows, padded, share)
            for y in range(y0, y1):
                i = y - y0
                _store_masked_codes(tile[i], share[i], full, gain, shift, valid[z, y], out[z - z0, y])


@jit
def _order_rows(a, b):
    for x in range(a.size):
        low, high = min(a[x], b[x]), max(a[x], b[x])
        a[x] = low
        b[x] = high


@jit
def _neighbour_row(grey, valid, z, y, dx, centre, x0, row):
    """Row of the neighbours at x + dx (repeated at the ends); a neighbour that is not valid lends the centre's value."""
    nz, ny, nx = grey.shape
    z, y = min(max(z, 0), nz - 1), min(max(y, 0), ny - 1)
    for x in range(row.size):
        xx = min(max(x0 + x + dx, 0), nx - 1)
        row[x] = grey[z, y, xx] if valid[z, y, xx] else centre[x0 + x]


@jit
def median_codes(grey, valid, z0, z1, out):
    """Median of the 27 voxels around each, by forgetful selection on whole rows.

    Parameters
    ----------
    grey : (Z, Y, X) float32
        The slab with a halo of one plane, in units of codes.
    valid : (Z, Y, X) uint8
        1 = counts; others get code 0 and lend their neighbours nothing.
    z0, z1 : int
        Planes wanted.
    out : (z1 - z0, Y, X) uint16
        Written.
    """
    ny, nx = grey.shape[1], grey.shape[2]
    work = np.empty((15, CHUNK), np.float32)
    for z in range(z0, z1):
        for y in range(ny):
            for x0 in range(0, nx, CHUNK):
                n = min(CHUNK, nx - x0)
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
                    good = valid[z, y, x0 + x]
                    out[z - z0, y, x0 + x] = np.uint16(min(max(v, np.float32(1)), np.float32(65535))) if good else 0


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
def nlm_codes(grey, valid, z0, z1, noise, out):
    """Non-local means: voxels within two of each other are averaged by the likeness of their 3^3 surroundings.

    Parameters
    ----------
    grey : (Z, Y, X + 6) float32
        The slab with a halo of three planes, in units of codes, each row padded by three repeated voxels.
    valid : (Z, Y, X + 6) float32
        1 = counts, 0 = does not; outside voxels hold 0 in `grey` and get code 0.
    z0, z1 : int
        Planes wanted.
    noise : float32
        Variance of the difference of two voxels of one phase; likeness falls by 1/e over a quarter of it beyond it.
    out : (z1 - z0, Y, X) uint16
        Written.
    """
    nz, ny, width = grey.shape
    nx = width - 6
    total, weight = np.empty(nx, np.float32), np.empty(nx, np.float32)
    squares, distance = np.empty(nx + 2, np.float32), np.empty(nx, np.float32)
    fall = np.float32(4) / max(noise, np.float32(1e-6))
    for z in range(z0, z1):
        for y in range(ny):
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
                good_here = valid[z, y, x + 3] > 0
                out[z - z0, y, x] = np.uint16(min(max(v, np.float32(1)), np.float32(65535))) if good_here else 0
