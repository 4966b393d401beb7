"""The background points that wall a particle in: finding them, the near ones, and climbing away from them."""

from __future__ import annotations

import math

import numpy as np

from ..extremes import smallest_of_scratch
from ..jit import jit


@jit
def wall_points(mask):
    """The background voxels that touch the particle by a face: only they can be nearest to a point inside it.

    Parameters
    ----------
    mask : (Z,Y,X) uint8 with a margin of zeros (not checked).

    Returns
    -------
    xs : (n,) int32, x of the points, row after row; rows : (Z Y + 1,) int64, where the row z Y + y begins.
    """
    depth, height, width = mask.shape
    rows = np.zeros(depth * height + 1, np.int64)
    xs = np.empty(4096, np.int32)
    n = 0
    for z in range(depth):
        for y in range(height):
            if n + width > xs.size:
                more = np.empty(2 * xs.size + width, np.int32)
                more[:n] = xs[:n]
                xs = more
            for x in range(width):
                if mask[z, y, x]:
                    continue
                if (
                    (z > 0 and mask[z - 1, y, x])
                    or (z < depth - 1 and mask[z + 1, y, x])
                    or (y > 0 and mask[z, y - 1, x])
                    or (y < height - 1 and mask[z, y + 1, x])
                    or (x > 0 and mask[z, y, x - 1])
                    or (x < width - 1 and mask[z, y, x + 1])
                ):
                    xs[n] = x
                    n += 1
            rows[z * height + y + 1] = n
    return xs[:n], rows


@jit
def gather(xs, rows, shape, spacing, centre, reach, near):
    """Wall points within `reach` of `centre` (physical) into `near` (3, n), which grows as needed; -> near, count."""
    n = 0
    sz, sy, sx = spacing[0], spacing[1], spacing[2]
    z0 = max(math.ceil((centre[0] - reach) / sz), 0)
    z1 = min(math.floor((centre[0] + reach) / sz), shape[0] - 1)
    for z in range(z0, z1 + 1):
        dz = z * sz - centre[0]
        left = reach * reach - dz * dz
        if left < 0:
            continue
        half = math.sqrt(left)
        y0 = max(math.ceil((centre[1] - half) / sy), 0)
        y1 = min(math.floor((centre[1] + half) / sy), shape[1] - 1)
        for y in range(y0, y1 + 1):
            k, end = rows[z * shape[1] + y], rows[z * shape[1] + y + 1]
            if k == end:
                continue
            dy = y * sy - centre[1]
            aside = math.sqrt(max(left - dy * dy, 0.0))
            above = end
            while k < above:  # a row along a flat face is long: find its part by bisection
                middle = (k + above) // 2
                if xs[middle] * sx < centre[2] - aside:
                    k = middle + 1
                else:
                    above = middle
            while k < end and xs[k] * sx <= centre[2] + aside:
                if n == near.shape[1]:
                    more = np.empty((3, 2 * n))
                    more[:, :n] = near
                    near = more
                near[0, n] = z * sz
                near[1, n] = y * sy
                near[2, n] = xs[k] * sx
                n += 1
                k += 1
    return near, n


@jit
def _distances(near, z, y, x, squared):
    """Squared distances from a point to the first points of (3, n), into `squared`, which says how many."""
    zs, ys, xs = near[0], near[1], near[2]
    for i in range(squared.size):
        dz, dy, dx = zs[i] - z, ys[i] - y, xs[i] - x
        squared[i] = dz * dz + dy * dy + dx * dx


@jit
def least_squared(near, z, y, x, squared):
    """Squared distance to the nearest point; `squared` is scratch, as long as points count."""
    _distances(near, z, y, x, squared)
    return smallest_of_scratch(squared)


@jit
def nearest(near, z, y, x, squared):
    """Squared distance to the nearest point and which it is (the first of equals); to all of them in `squared`."""
    _distances(near, z, y, x, squared)
    first = squared[0]
    best = smallest_of_scratch(squared)
    squared[0] = first
    i, blocks = np.uint64(0), np.uint64(squared.size - squared.size % 8)
    while i < blocks:  # eight at once: most hold it not
        hit = False
        for k in range(np.uint64(8)):
            hit |= squared[i + k] == best
        if hit:
            break
        i += np.uint64(8)
    for k in range(np.int64(i), squared.size):
        if squared[k] == best:
            return best, k
    return best, 0


@jit
def _away(near, centre, limit, squared, places, units):
    """Shortest convex combination of the unit directions away from all points nearer than a limit (Frank-Wolfe).

    Moving along it leaves all of them at once; its length is near zero at a maximum. `limit` is a squared distance;
    `squared` (n,), `places` (n,) int64 and `units` (3, n) are scratch.
    """
    _, closest = nearest(near, centre[0], centre[1], centre[2], squared)
    n = 0
    for i in range(squared.size):
        places[n] = i
        n += squared[i] < limit
    g0 = g1 = g2 = 0.0
    for k in range(n):
        i = places[k]
        length = math.sqrt(squared[i])
        units[0, k] = (centre[0] - near[0, i]) / length
        units[1, k] = (centre[1] - near[1, i]) / length
        units[2, k] = (centre[2] - near[2, i]) / length
        if i == closest:
            g0, g1, g2 = units[0, k], units[1, k], units[2, k]
    for _ in range(12):
        worst, at = np.inf, 0
        for i in range(n):
            along = g0 * units[0, i] + g1 * units[1, i] + g2 * units[2, i]
            if along < worst:
                worst, at = along, i
        if worst >= g0 * g0 + g1 * g1 + g2 * g2 - 1e-6:
            break
        e0, e1, e2 = units[0, at] - g0, units[1, at] - g1, units[2, at] - g2
        step = 0.0 - g0 * e0 - g1 * e1 - g2 * e2
        size = 0.0 + e0 * e0 + e1 * e1 + e2 * e2
        t = min(max(step / max(size, 1e-30), 0.0), 1.0)
        g0 += t * e0
        g1 += t * e1
        g2 += t * e2
    return g0, g1, g2


@jit
def ascend(near, centre, radius, leash, finest, squared):
    """Climb from `centre` (changed in place) while the nearest of the points recedes, at most `leash` far.

    Returns the radius reached and whether the leash ended the climb.
    """
    step = 0.35
    places, units = np.empty(squared.size, np.int64), np.empty((3, squared.size))
    s0, s1, s2 = centre[0], centre[1], centre[2]
    for _ in range(120):
        g0, g1, g2 = _away(near, centre, (radius + 0.6 * step) ** 2, squared, places, units)
        length = math.sqrt(g0 * g0 + g1 * g1 + g2 * g2)
        climbed = False
        if length >= 1e-3:
            share = step / length
            z, y, x = centre[0] + share * g0, centre[1] + share * g1, centre[2] + share * g2
            if (z - s0) ** 2 + (y - s1) ** 2 + (x - s2) ** 2 > leash * leash:
                return radius, True
            d = least_squared(near, z, y, x, squared)
            if math.sqrt(d) > radius + 1e-9:
                radius = math.sqrt(d)
                centre[0], centre[1], centre[2] = z, y, x
                climbed = True
        if not climbed:
            step *= 0.5
        if step < finest:
            break
    return radius, False
