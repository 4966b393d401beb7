"""The largest ball that holds no background voxel centre, its centre anywhere inside the particle's voxels.

Branch and bound over the cells of the particle's voxels: the distance map bounds each cell at once; a cell it cannot
exclude is split in eight until a bound does. Lengths are in units of the finest spacing.
"""

from __future__ import annotations

import math

import numpy as np

from ..jit import jit
from .wall_points import ascend, gather, least_squared, nearest

# work before the tolerance of the search doubles: 1 for a look at a voxel's cell, 8 for a part of one, and 1 for every
# ROWS_AT_ONCE rows of voxels gone through for the walls near it (a body that fills the volume has sheets of equal
# centres)
MOST_STEPS = 12000
ROWS_AT_ONCE = 1000


@jit
def _cell_bound(near, centre, half, enough, squared):
    """Upper bound of the squared radius over a cell, by Lagrange multipliers on the points; stops below `enough`.

    For weights l on the points, sum l = 1, no centre c + e of the cell does better than sum l |c + e - p|^2, whose
    maximum over the cell is sum l d^2 + sum over axes of (2 half |g| + half^2) with g = sum l (c - p).
    """
    d, i = nearest(near, centre[0], centre[1], centre[2], squared)
    g0, g1, g2 = centre[0] - near[0, i], centre[1] - near[1, i], centre[2] - near[2, i]
    mean = d
    corner = half[0] ** 2 + half[1] ** 2 + half[2] ** 2
    bound = mean + 2 * (half[0] * abs(g0) + half[1] * abs(g1) + half[2] * abs(g2)) + corner
    for _ in range(10):
        if bound <= enough:
            break
        # the corner of the cell that is best for these weights; the point nearest to it takes more weight (a little
        # inward of the corner: on a lattice many points are equally near to the corner itself)
        inward = 0.9
        e0 = inward * half[0] if g0 > 0 else -inward * half[0]
        e1 = inward * half[1] if g1 > 0 else -inward * half[1]
        e2 = inward * half[2] if g2 > 0 else -inward * half[2]
        d, i = nearest(near, centre[0] + e0, centre[1] + e1, centre[2] + e2, squared)
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
def _search_cell(near, spacing, best, tolerance, patience, stack, squared):
    """Branch and bound inside one voxel's cell, whose centre is stack[0, :3]; stack[0, 3] = 1 is its scale.

    `best` (4,), radius and centre, is raised in place until no centre of the cell passes it by more than the tolerance,
    which doubles whenever `patience` (an array of one, counted down) is used up. Returns the tolerance.
    """
    top = 1
    half = np.empty(3)
    centre = np.empty(3)
    while top > 0:
        top -= 1
        centre[:] = stack[top, :3]
        scale = stack[top, 3]
        half[:] = 0.5 * scale * spacing
        patience[0] -= 1 if scale == 1.0 else 8
        if patience[0] <= 0:
            patience[0] += MOST_STEPS
            tolerance *= 2
        d = least_squared(near, centre[0], centre[1], centre[2], squared)
        radius = math.sqrt(d)
        if radius > best[0]:
            best[0] = radius
            best[1:] = centre
        if radius + math.sqrt(half[0] ** 2 + half[1] ** 2 + half[2] ** 2) <= best[0] + tolerance:
            continue
        enough = (best[0] + tolerance) ** 2
        if _cell_bound(near, centre, half, enough, squared) <= enough:
            continue
        for k in range(8):
            stack[top, 0] = centre[0] + (0.5 if k & 4 else -0.5) * half[0]
            stack[top, 1] = centre[1] + (0.5 if k & 2 else -0.5) * half[1]
            stack[top, 2] = centre[2] + (0.5 if k & 1 else -0.5) * half[2]
            stack[top, 3] = 0.5 * scale
            top += 1
    return tolerance


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
def _climb(squared, xs, rows, spacing, start, finest, near, best):
    """Ascend from `start` in legs of one reach, raising `best` in place; returns `near`, which may have grown."""
    reach = 0.5 * math.sqrt(spacing[0] ** 2 + spacing[1] ** 2 + spacing[2] ** 2)
    centre = start.copy()
    z = math.floor(centre[0] / spacing[0] + 0.5)
    y = math.floor(centre[1] / spacing[1] + 0.5)
    x = math.floor(centre[2] / spacing[2] + 0.5)
    radius = math.sqrt(squared[z, y, x]) + reach
    near, n = gather(xs, rows, squared.shape, spacing, centre, radius + 0.01, near)
    radius = math.sqrt(least_squared(near, centre[0], centre[1], centre[2], np.empty(n)))
    for _ in range(12):
        near, n = gather(xs, rows, squared.shape, spacing, centre, radius + 2 * reach + 0.01, near)
        radius, more = ascend(near, centre, radius, reach, finest, np.empty(n))
        if not _inside(squared, centre, spacing):
            break
        if radius > best[0]:
            best[0] = radius
            best[1:] = centre
        if not more:
            break
    return near


@jit
def largest_ball(squared, xs, rows, spacing, tolerance):
    """The largest ball without a background voxel centre.

    Parameters
    ----------
    squared : (Z,Y,X), squared distances from `crop_distance`, at least one voxel above zero.
    xs, rows : from `wall_points` of the same mask.
    spacing : (3,) float64, the finest 1.
    tolerance : float, wanted certainty, a length. Plates with a whole sheet of equal centres get less: it doubles
        every `PATIENCE` of work.

    Returns
    -------
    (5,) float64: radius, centre z, y, x, and an upper bound no ball can pass.
    """
    height, width = squared.shape[1], squared.shape[2]
    # points within radius + 2 reach are all that can be nearest to a centre within reach of this one
    reach = 0.5 * math.sqrt(spacing[0] ** 2 + spacing[1] ** 2 + spacing[2] ** 2)
    flat = squared.reshape(-1)
    slack = 0.01  # float32 distances
    near = np.empty((3, 1024))
    stack = np.empty((128, 4))
    best = np.zeros(4)
    patience = np.full(1, MOST_STEPS)
    climbs = 0
    for i in _candidates(squared, reach):
        radius = math.sqrt(flat[i])
        if radius + reach <= best[0] + tolerance:
            break
        stack[0, 0] = (i // (height * width)) * spacing[0]
        stack[0, 1] = (i // width % height) * spacing[1]
        stack[0, 2] = (i % width) * spacing[2]
        stack[0, 3] = 1.0
        if radius > best[0]:
            best[0] = radius
            best[1:] = stack[0, :3]
        if climbs < 4:  # a good ball early closes most cells
            climbs += 1
            near = _climb(squared, xs, rows, spacing, stack[0, :3], 5e-4, near, best)
            if radius + reach <= best[0] + tolerance:
                continue
        near, n = gather(xs, rows, squared.shape, spacing, stack[0, :3], radius + 2 * reach + slack, near)
        patience[0] -= int(math.pi * radius * radius / (spacing[0] * spacing[1]) / ROWS_AT_ONCE)
        tolerance = _search_cell(near, spacing, best, tolerance, patience, stack, np.empty(n))
    # to the very top of the hill found, so that the same particle turned gives the same digits
    near = _climb(squared, xs, rows, spacing, best[1:].copy(), 1e-7, near, best)
    out = np.empty(5)
    out[:4] = best
    out[4] = best[0] + tolerance
    return out
