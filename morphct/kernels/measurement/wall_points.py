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
            dy = y * sy - centre[1]
            aside = math.sqrt(max(left - dy * dy, 0.0))
            k, end = rows[z * shape[1] + y], rows[z * shape[1] + y + 1]
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
    """Squared distances from a point to all points (3, n), into `squared` (n,)."""
    zs, ys, xs = near[0], near[1], near[2]
    for i in range(squared.size):
        dz, dy, dx = zs[i] - z, ys[i] - y, xs[i] - x
        squared[i] = dz * dz + dy * dy + dx * dx


@jit
def nearest(near, z, y, x, squared):
    """Squared distance to the nearest point and which it is (the first of equals); to all of them in `squared`."""
    _distances(near, z, y, x, squared)
    first = squared[0]
    best = smallest_of_scratch(squared)
    squared[0] = first
    if first == best:
        return best, 0
    for i in range(1, squared.size):
        if squared[i] == best:
            return best, i
    return best, 0


@jit
def _away(near, centre, radius, slack, squared):
    """Shortest convex combination of the unit directions away from all points within radius + slack (Frank-Wolfe).

    Moving along it leaves all of them at once; its length is near zero at a maximum.
    """
    _, closest = nearest(near, centre[0], centre[1], centre[2], squared)
    limit = (radius + slack) ** 2
    n = 0
    for i in range(squared.size):
        n += squared[i] < limit
    units = np.empty((n, 3))
    n = 0
    g = np.zeros(3)
    for i in range(squared.size):
        if squared[i] < limit:
            length = math.sqrt(squared[i])
            for k in range(3):
                units[n, k] = (centre[k] - near[k, i]) / length
            if i == closest:
                g[:] = units[n]
            n += 1
    for _ in range(12):
        worst, at = np.inf, 0
        for i in range(n):
            along = g[0] * units[i, 0] + g[1] * units[i, 1] + g[2] * units[i, 2]
            if along < worst:
                worst, at = along, i
        if worst >= g[0] * g[0] + g[1] * g[1] + g[2] * g[2] - 1e-6:
            break
        step = size = 0.0
        for k in range(3):
            e = units[at, k] - g[k]
            step -= g[k] * e
            size += e * e
        t = min(max(step / max(size, 1e-30), 0.0), 1.0)
        for k in range(3):
            g[k] += t * (units[at, k] - g[k])
    return g


@jit
def ascend(near, centre, radius, leash, finest, squared):
    """Climb from `centre` (changed in place) while the nearest of the points recedes, at most `leash` far.

    Returns the radius reached and whether the leash ended the climb.
    """
    step = 0.35
    start = centre.copy()
    for _ in range(120):
        g = _away(near, centre, radius, 0.6 * step, squared)
        length = math.sqrt(g[0] * g[0] + g[1] * g[1] + g[2] * g[2])
        climbed = False
        if length >= 1e-3:
            to = centre + (step / length) * g
            if (to[0] - start[0]) ** 2 + (to[1] - start[1]) ** 2 + (to[2] - start[2]) ** 2 > leash * leash:
                return radius, True
            d, _ = nearest(near, to[0], to[1], to[2], squared)
            if math.sqrt(d) > radius + 1e-9:
                radius = math.sqrt(d)
                centre[:] = to
                climbed = True
        if not climbed:
            step *= 0.5
        if step < finest:
            break
    return radius, False
