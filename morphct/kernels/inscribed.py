"""The largest ball that holds no background voxel centre, its centre anywhere inside the particle's voxels.

Branch and bound over the cells of the particle's voxels: the distance map bounds each cell at once; a cell it cannot
exclude is split in eight until a bound does. Lengths are in units of the finest spacing.
"""

from __future__ import annotations

import math

import numpy as np

from .jit import jit


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
def _gather(xs, rows, shape, spacing, centre, reach, near):
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
            for k in range(rows[z * shape[1] + y], rows[z * shape[1] + y + 1]):
                dx = xs[k] * sx - centre[2]
                if dx * dx + dy * dy > left:
                    continue
                if n == near.shape[1]:
                    more = np.empty((3, 2 * n))
                    more[:, :n] = near
                    near = more
                near[0, n] = z * sz
                near[1, n] = y * sy
                near[2, n] = xs[k] * sx
                n += 1
    return near, n


@jit
def _nearest(near, n, z, y, x):
    """Squared distance to the nearest of the first n points, and which (the first of equals)."""
    best = np.inf
    at = 0
    for i in range(n):
        dz, dy, dx = near[0, i] - z, near[1, i] - y, near[2, i] - x
        d = dz * dz + dy * dy + dx * dx
        if d < best:
            best = d
            at = i
    return best, at


@jit
def _away(near, n, centre, radius, slack):
    """Shortest convex combination of the unit directions away from all points within radius + slack (Frank-Wolfe).

    Moving along it leaves all of them at once; its length is near zero at a maximum.
    """
    _, i = _nearest(near, n, centre[0], centre[1], centre[2])
    g0, g1, g2 = (centre[0] - near[0, i]) / radius, (centre[1] - near[1, i]) / radius, (centre[2] - near[2, i]) / radius
    limit = (radius + slack) ** 2
    for _ in range(12):
        worst = np.inf
        w0 = w1 = w2 = 0.0
        for i in range(n):
            dz, dy, dx = centre[0] - near[0, i], centre[1] - near[1, i], centre[2] - near[2, i]
            d = dz * dz + dy * dy + dx * dx
            if d < limit:
                length = math.sqrt(d)
                along = (g0 * dz + g1 * dy + g2 * dx) / length
                if along < worst:
                    worst = along
                    w0, w1, w2 = dz / length, dy / length, dx / length
        if worst >= g0 * g0 + g1 * g1 + g2 * g2 - 1e-6:
            break
        e0, e1, e2 = w0 - g0, w1 - g1, w2 - g2
        t = -(g0 * e0 + g1 * e1 + g2 * e2) / max(e0 * e0 + e1 * e1 + e2 * e2, 1e-30)
        t = min(max(t, 0.0), 1.0)
        g0, g1, g2 = g0 + t * e0, g1 + t * e1, g2 + t * e2
    return g0, g1, g2


@jit
def _ascend(near, n, centre, radius, leash):
    """Climb from `centre` (changed in place) while the nearest of the points recedes, at most `leash` far.

    Returns the radius reached and whether the leash ended the climb.
    """
    step = 0.35
    start = centre.copy()
    for _ in range(60):
        g0, g1, g2 = _away(near, n, centre, radius, 0.6 * step)
        length = math.sqrt(g0 * g0 + g1 * g1 + g2 * g2)
        climbed = False
        if length >= 1e-3:
            a = step / length
            z, y, x = centre[0] + a * g0, centre[1] + a * g1, centre[2] + a * g2
            if (z - start[0]) ** 2 + (y - start[1]) ** 2 + (x - start[2]) ** 2 > leash * leash:
                return radius, True
            d, _ = _nearest(near, n, z, y, x)
            if math.sqrt(d) > radius + 1e-9:
                radius = math.sqrt(d)
                centre[0], centre[1], centre[2] = z, y, x
                climbed = True
        if not climbed:
            step *= 0.5
        if step < 5e-4:
            break
    return radius, False


@jit
def _cell_bound(near, n, centre, half, enough):
    """Upper bound of the squared radius over a cell, by Lagrange multipliers on the points; stops below `enough`.

    For weights l on the points, sum l = 1, no centre c + e of the cell does better than sum l |c + e - p|^2, whose
    maximum over the cell is sum l d^2 + sum over axes of (2 half |g| + half^2) with g = sum l (c - p).
    """
    d, i = _nearest(near, n, centre[0], centre[1], centre[2])
    g0, g1, g2 = centre[0] - near[0, i], centre[1] - near[1, i], centre[2] - near[2, i]
    mean = d
    corner = half[0] ** 2 + half[1] ** 2 + half[2] ** 2
    bound = mean + 2 * (half[0] * abs(g0) + half[1] * abs(g1) + half[2] * abs(g2)) + corner
    for _ in range(10):
        if bound <= enough:
            break
        # the corner of the cell that is best for these weights; the point nearest to it takes more weight
        e0 = half[0] if g0 > 0 else -half[0]
        e1 = half[1] if g1 > 0 else -half[1]
        e2 = half[2] if g2 > 0 else -half[2]
        d, i = _nearest(near, n, centre[0] + e0, centre[1] + e1, centre[2] + e2)
        h0, h1, h2 = centre[0] - near[0, i], centre[1] - near[1, i], centre[2] - near[2, i]
        weight = h0 * h0 + h1 * h1 + h2 * h2
        best, best_t = bound, 0.0
        # along the segment of weights the bound is convex, piecewise linear, broken where a part of g vanishes
        for k in range(4):
            if k == 0:
                t = 1.0
            elif k == 1:
                t = g0 / (g0 - h0) if g0 != h0 else 0.0
            elif k == 2:
                t = g1 / (g1 - h1) if g1 != h1 else 0.0
            else:
                t = g2 / (g2 - h2) if g2 != h2 else 0.0
            if t <= 0 or t > 1:
                continue
            value = mean + t * (weight - mean) + corner
            value += 2 * half[0] * abs(g0 + t * (h0 - g0))
            value += 2 * half[1] * abs(g1 + t * (h1 - g1))
            value += 2 * half[2] * abs(g2 + t * (h2 - g2))
            if value < best:
                best, best_t = value, t
        if best_t == 0.0:
            break
        bound = best
        mean += best_t * (weight - mean)
        g0, g1, g2 = g0 + best_t * (h0 - g0), g1 + best_t * (h1 - g1), g2 + best_t * (h2 - g2)
    return bound


@jit
def _search_cell(near, n, spacing, best, tolerance, budget, stack):
    """Branch and bound inside one voxel's cell, whose centre is stack[0, :3] and scale stack[0, 3] = 1.

    `best` (4,) radius and centre is raised in place. Returns the bound left open (0 when closed) and evaluations used.
    """
    top = 1
    used = 0
    open_bound = 0.0
    half = np.empty(3)
    centre = np.empty(3)
    while top > 0:
        top -= 1
        centre[:] = stack[top, :3]
        scale = stack[top, 3]
        half[:] = 0.5 * scale * spacing
        used += 1
        d, _ = _nearest(near, n, centre[0], centre[1], centre[2])
        radius = math.sqrt(d)
        if radius > best[0]:
            best[0] = radius
            best[1:] = centre
        reach = radius + math.sqrt(half[0] ** 2 + half[1] ** 2 + half[2] ** 2)
        if reach <= best[0] + tolerance:
            continue
        bound = _cell_bound(near, n, centre, half, (best[0] + tolerance) ** 2)
        if bound <= (best[0] + tolerance) ** 2:
            continue
        if used >= budget or scale < 2e-3:
            open_bound = max(open_bound, min(reach, math.sqrt(bound)))
            continue
        for k in range(8):
            stack[top, 0] = centre[0] + (0.5 if k & 4 else -0.5) * half[0]
            stack[top, 1] = centre[1] + (0.5 if k & 2 else -0.5) * half[1]
            stack[top, 2] = centre[2] + (0.5 if k & 1 else -0.5) * half[2]
            stack[top, 3] = 0.5 * scale
            top += 1
    return open_bound, used


@jit
def _candidates(squared, margin):
    """Flat indices of the voxels within `margin` of the largest distance, farthest first (ties: lower index)."""
    flat = squared.reshape(-1)
    most = flat[0]
    for i in range(flat.size):
        most = max(most, flat[i])
    least = max(math.sqrt(most) - margin, 0.0)
    threshold = least * least * (1 - 1e-6)
    n = 0
    for i in range(flat.size):
        if flat[i] > 0 and flat[i] >= threshold:
            n += 1
    found = np.empty(n, np.int64)
    depth = np.empty(n)
    n = 0
    for i in range(flat.size):
        if flat[i] > 0 and flat[i] >= threshold:
            found[n] = i
            depth[n] = -flat[i]
            n += 1
    return found[np.argsort(depth, kind="mergesort")]


@jit
def _inside(squared, centre, spacing):
    """Whether the voxel that holds a physical point is the particle's."""
    z = math.floor(centre[0] / spacing[0] + 0.5)
    y = math.floor(centre[1] / spacing[1] + 0.5)
    x = math.floor(centre[2] / spacing[2] + 0.5)
    return squared[z, y, x] > 0


@jit
def largest_ball(squared, xs, rows, spacing, tolerance, budget):
    """The largest ball without a background voxel centre.

    Parameters
    ----------
    squared : (Z,Y,X), squared distances from `crop_distance`, at least one voxel above zero.
    xs, rows : from `wall_points` of the same mask.
    spacing : (3,) float64, the finest 1.
    tolerance : float, wanted certainty, a length.
    budget : int, evaluations before the bound is left open.

    Returns
    -------
    (5,) float64: radius, centre z, y, x, and an upper bound no ball can pass.
    """
    height, width = squared.shape[1], squared.shape[2]
    reach = 0.5 * math.sqrt(spacing[0] ** 2 + spacing[1] ** 2 + spacing[2] ** 2)
    order = _candidates(squared, reach)
    flat = squared.reshape(-1)
    slack = 0.01  # float32 distances
    near = np.empty((3, 1024))
    stack = np.empty((128, 4))
    best = np.zeros(4)
    centre = np.empty(3)
    upper = 0.0
    glances = budget  # past the budget a cell gets one look, and as many cells as the budget had evaluations
    for q in range(order.size):
        i = order[q]
        radius = math.sqrt(flat[i])
        if radius + reach <= max(best[0] + tolerance, upper):
            break
        centre[0] = (i // (height * width)) * spacing[0]
        centre[1] = (i // width % height) * spacing[1]
        centre[2] = (i % width) * spacing[2]
        if budget <= -glances:
            upper = max(upper, radius + reach)
            break
        if radius > best[0]:
            best[0] = radius
            best[1:] = centre
        stack[0, :3] = centre
        stack[0, 3] = 1.0
        if q < 4:  # a good ball early closes most cells
            height_reached = radius
            for _ in range(12):
                # points within radius + 2 reach are all that can be nearest to a centre within reach of this one
                near, n = _gather(xs, rows, squared.shape, spacing, centre, height_reached + 2 * reach + slack, near)
                height_reached, more = _ascend(near, n, centre, height_reached, reach)
                if not _inside(squared, centre, spacing):
                    break
                if height_reached > best[0]:
                    best[0] = height_reached
                    best[1:] = centre
                if not more:
                    break
            centre[:] = stack[0, :3]
        near, n = _gather(xs, rows, squared.shape, spacing, centre, radius + 2 * reach + slack, near)
        left, used = _search_cell(near, n, spacing, best, tolerance, max(budget, 1), stack)
        budget -= used
        upper = max(upper, left)
    out = np.empty(5)
    out[:4] = best
    out[4] = max(best[0] + tolerance, upper)
    return out
