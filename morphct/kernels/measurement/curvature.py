"""Largest principal curvature on a level surface, from derivatives of the blurred occupancy.

Source: Goldman 2005, doi 10.1016/j.cagd.2005.06.005, for curvatures of implicit surfaces.
"""

from __future__ import annotations

import math

import numpy as np

from ..extremes import smallest_of_scratch
from ..jit import jit
from .contour_table import EDGE_ENDS

FIELDS = 9  # of `derivatives`: z, y, x, zz, yy, xx, zy, zx, yx


@jit
def block_means(mask, k, margin):
    """Share of each k x k x k block of a 0/1 crop that is 1, float32, with `margin` empty blocks around."""
    shape = ((mask.shape[0] + k - 1) // k, (mask.shape[1] + k - 1) // k, (mask.shape[2] + k - 1) // k)
    out = np.zeros((shape[0] + 2 * margin, shape[1] + 2 * margin, shape[2] + 2 * margin), np.float32)
    counts = np.zeros(shape[2], np.int64)
    for bz in range(shape[0]):
        for by in range(shape[1]):
            counts[:] = 0
            for z in range(bz * k, min(mask.shape[0], bz * k + k)):
                for y in range(by * k, min(mask.shape[1], by * k + k)):
                    row = mask[z, y]
                    for bx in range(shape[2]):
                        n = 0
                        for x in range(bx * k, min(row.size, bx * k + k)):
                            n += row[x]
                        counts[bx] += n
            for bx in range(shape[2]):
                out[bz + margin, by + margin, bx + margin] = np.float32(counts[bx] / (k * k * k))
    return out


@jit
def _add_scaled(target, source, weight):
    """target += weight source, both (n,) float32: the innermost loop, on views, so it is vectorised."""
    for x in range(target.size):
        target[x] += weight * source[x]


@jit
def _any(row):
    """Whether any of (n,) float32 is not zero; as integers, so that it is vectorised."""
    bits = row.view(np.int32)
    found = np.int32(0)
    for x in range(bits.size):
        found |= bits[x]
    return found != 0


@jit
def convolve(field, weights, axis, out):
    """out[p] = sum over k of weights[k] field[p + k - R] along an axis, zero outside; both (Z,Y,X) float32.

    Rows of zeros are passed over, which changes no bit.
    """
    depth, height, width = field.shape
    reach = weights.size // 2
    line = np.zeros(width + 2 * reach, np.float32)
    filled = np.zeros((depth, height), np.bool_)
    for z in range(depth):
        for y in range(height):
            filled[z, y] = _any(field[z, y])
    for z in range(depth):
        for y in range(height):
            target = out[z, y]
            target[:] = 0
            if axis == 2:
                if filled[z, y]:
                    line[reach : reach + width] = field[z, y]
                    for k in range(2 * reach + 1):
                        _add_scaled(target, line[k : k + width], weights[k])
                continue
            for k in range(2 * reach + 1):
                qz, qy = (z + k - reach, y) if axis == 0 else (z, y + k - reach)
                if qz < 0 or qy < 0 or qz >= depth or qy >= height or not filled[qz, qy]:
                    continue
                _add_scaled(target, field[qz, qy], weights[k])


@jit
def _largest_curvature(d):
    """Largest principal curvature from the derivatives (9,) in the order of `FIELDS`; convex positive, nan if flat."""
    gz, gy, gx, zz, yy, xx, zy, zx, yx = d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8]
    square = gz * gz + gy * gy + gx * gx
    if square < 1e-20:
        return np.nan
    mean = (gy * gy + gz * gz) * xx + (gx * gx + gz * gz) * yy + (gx * gx + gy * gy) * zz
    mean -= 2 * (gx * gy * yx + gx * gz * zx + gy * gz * zy)
    mean /= -2 * square * math.sqrt(square)
    gauss = gx * gx * (yy * zz - zy * zy) + gy * gy * (xx * zz - zx * zx) + gz * gz * (xx * yy - yx * yx)
    gauss += 2 * gx * gy * (zx * zy - yx * zz)
    gauss += 2 * gy * gz * (yx * zx - zy * xx)
    gauss += 2 * gx * gz * (yx * zy - zx * yy)
    gauss /= square * square
    return mean + math.sqrt(max(mean * mean - gauss, 0.0))


@jit
def _interpolated(derivatives, place, sz, sy, middle, out):
    """Trilinear derivatives at a point of the cell that begins at flat index `place`."""
    out[:] = 0
    for k in range(8):
        weight = middle[0] if k & 4 else 1 - middle[0]
        weight *= middle[1] if k & 2 else 1 - middle[1]
        weight *= middle[2] if k & 1 else 1 - middle[2]
        at = place + (k >> 2) * sz + (k >> 1 & 1) * sy + (k & 1)
        for h in range(out.size):
            out[h] += weight * derivatives[h, at]


@jit
def curved_triangles(corners, places, derivatives, shape, level, table):
    """Triangles of a level surface with their area and the largest principal curvature at their middle.

    Parameters
    ----------
    corners : (n, 8) float32, places : (n,) int64, from `surface_mesh.field_cells`.
    derivatives : (9, Z Y X) float32, see `FIELDS`.
    shape : (Z, Y, X) of the field.
    level : float; table : `surface_mesh.POLYGONS`.

    Returns
    -------
    (5, m) float64: middle z, y, x, area, curvature.
    """
    sy, sz = shape[2], shape[1] * shape[2]
    out = np.empty((5, 12 * places.size + 1))
    point = np.empty((13, 3))
    middle = np.empty(3)
    local = np.empty(FIELDS)
    m = 0
    for i in range(places.size):
        case = 0
        for c in range(8):
            case |= (1 << c) if corners[i, c] > level else 0
        origin = (places[i] // sz, places[i] % sz // sy, places[i] % sy)
        at = 0
        while table[case, at] > 0:
            n = table[case, at]
            point[12] = 0
            for j in range(n):
                a, b = EDGE_ENDS[table[case, at + 1 + j], 0], EDGE_ENDS[table[case, at + 1 + j], 1]
                t = (level - corners[i, a]) / (corners[i, b] - corners[i, a])
                for k in range(3):
                    bit_a, bit_b = a >> (2 - k) & 1, b >> (2 - k) & 1
                    point[j, k] = bit_a + t * (bit_b - bit_a)
                    point[12, k] += point[j, k] / n
            at += n + 1
            for j in range(n):
                i1 = (j + 1) % n
                u0, u1, u2 = point[j, 0] - point[12, 0], point[j, 1] - point[12, 1], point[j, 2] - point[12, 2]
                v0, v1, v2 = point[i1, 0] - point[12, 0], point[i1, 1] - point[12, 1], point[i1, 2] - point[12, 2]
                n0, n1, n2 = u1 * v2 - u2 * v1, u2 * v0 - u0 * v2, u0 * v1 - u1 * v0
                area = 0.5 * math.sqrt(n0 * n0 + n1 * n1 + n2 * n2)
                if area < 1e-9:
                    continue
                for k in range(3):
                    middle[k] = (point[j, k] + point[i1, k] + point[12, k]) / 3
                _interpolated(derivatives, places[i], sz, sy, middle, local)
                for k in range(3):
                    out[k, m] = origin[k] + middle[k]
                out[3, m], out[4, m] = area, _largest_curvature(local)
                m += out[4, m] == out[4, m]
    return out[:, :m].copy()


@jit
def _nearest(points, z, y, x, squared):
    for i in range(squared.size):
        squared[i] = (points[0, i] - z) ** 2 + (points[1, i] - y) ** 2 + (points[2, i] - x) ** 2
    return math.sqrt(smallest_of_scratch(squared))


@jit
def largest_free_radius(points, start, leash):
    """Climb to the point farthest from all points (3, m): compass search from `start` (3,), never beyond `leash`.

    A surface that does not enclose `start` lets the climb run to the end of the leash; 0 is returned then.
    """
    squared = np.empty(points.shape[1])
    here = start.copy()
    best = _nearest(points, here[0], here[1], here[2], squared)
    step = 0.25 * leash
    while step > 0.01:
        to = here.copy()
        reached = best
        for k in range(27):
            z, y, x = here[0] + step * (k // 9 - 1), here[1] + step * (k // 3 % 3 - 1), here[2] + step * (k % 3 - 1)
            radius = _nearest(points, z, y, x, squared)
            if radius > reached:
                reached = radius
                to[0], to[1], to[2] = z, y, x
        if reached > best + 1e-6:
            best = reached
            here[:] = to
            off = here - start
            if off[0] * off[0] + off[1] * off[1] + off[2] * off[2] > leash * leash:
                return 0.0
        else:
            step *= 0.5
    return best
