"""Rasterising and carving synthetic particles: the voxels that lie in a body.

A body is star-shaped around its centre and given by a gauge g, homogeneous of degree one: inside where g <= 1.
Only +, -, *, / and sqrt are used, so that the same options give the same voxels on every processor.
"""

from typing import NamedTuple

import numpy as np

from ..jit import jit

# blocks of voxels that a body is drawn by, in voxels along an edge; powers of two
LARGEST_BLOCK, SMALLEST_BLOCK = 32, 2
# bounds of a gauge are sums of some twenty roundings of 1e-16 each; what comes so near to 1 is looked at by voxel
ROUNDING = 1e-9


class Body(NamedTuple):
    """A particle or a void in physical space (unit: the cube root of the voxel's volume).

    Attributes
    ----------
    centre : (3,) float64
        Position z, y, x.
    matrix : (3, 3) float64
        From an offset to the unit frame, where the shape is about a unit ball.
    ball : float
        Radius of the rounded part in the unit frame, 0 for a body of facets alone.
    bumps : (K, 5) float64
        Unit direction z, y, x; amplitude; 1/(1 - cosine of the angle where the bump ends).
    facets : (F, 4) float64
        Unit normal z, y, x; one over the distance of the plane.
    power : int
        Edges rounded by a norm of order 2**power; 0 for sharp edges.
    radius : float
        Volume-equivalent radius.
    """

    centre: np.ndarray
    matrix: np.ndarray
    ball: float
    bumps: np.ndarray
    facets: np.ndarray
    power: int
    radius: float


@jit
def gauge(body, z, y, x):
    """Gauge of `body` at the physical point z, y, x: 0 at the centre, 1 on the surface."""
    dz, dy, dx = z - body.centre[0], y - body.centre[1], x - body.centre[2]
    m = body.matrix
    a = m[0, 0] * dz + m[0, 1] * dy + m[0, 2] * dx
    b = m[1, 0] * dz + m[1, 1] * dy + m[1, 2] * dx
    c = m[2, 0] * dz + m[2, 1] * dy + m[2, 2] * dx
    r = np.sqrt(a * a + b * b + c * c)
    if r == 0.0:
        return 0.0
    flat = 0.0
    facets = body.facets
    for k in range(facets.shape[0]):
        t = (a * facets[k, 0] + b * facets[k, 1] + c * facets[k, 2]) * facets[k, 3]
        if t <= 0.0:
            continue
        if body.power == 0:
            flat = max(flat, t)
        else:
            for _ in range(body.power):
                t = t * t
            flat += t
    if flat > 0.0:
        for _ in range(body.power):
            flat = np.sqrt(flat)
    if body.ball == 0.0:
        return flat
    swell, bumps = 1.0, body.bumps
    for k in range(bumps.shape[0]):
        t = ((a * bumps[k, 0] + b * bumps[k, 1] + c * bumps[k, 2]) / r - 1.0) * bumps[k, 4] + 1.0
        if t > 0.0:
            swell += bumps[k, 3] * t * t * (3.0 - 2.0 * t)
    return max(flat, r / (body.ball * max(swell, 0.3)))


@jit
def gauges(body, points):
    """Gauge of `body` at (N, 3) float64 physical points, float64 (N,)."""
    out = np.empty(points.shape[0])
    for i in range(points.shape[0]):
        out[i] = gauge(body, points[i, 0], points[i, 1], points[i, 2])
    return out


@jit
def _window(body, origin, spacing, reach, shape):
    """First and one past the last index (2, 3) of a box of `shape` that a body of half extents `reach` can meet."""
    ends = np.empty((2, 3), np.int64)
    for d in range(3):
        ends[0, d] = max(0, int(np.floor((body.centre[d] - reach[d] - origin[d]) / spacing[d])))
        ends[1, d] = min(shape[d], int(np.ceil((body.centre[d] + reach[d] - origin[d]) / spacing[d])) + 1)
    return ends


@jit
def _swell_bounds(body, unit, cosine, sine):
    """Least and most of the bumps' factor over directions (3,) within an angle of `unit`."""
    low = high = 1.0
    bumps = body.bumps
    for k in range(bumps.shape[0]):
        amplitude, slope = bumps[k, 3], bumps[k, 4]
        along = unit[0] * bumps[k, 0] + unit[1] * bumps[k, 1] + unit[2] * bumps[k, 2]
        aside = np.sqrt(max(0.0, 1.0 - along * along))
        nearest = 1.0 if along >= cosine else along * cosine + aside * sine
        farthest = -1.0 if along <= -cosine else along * cosine - aside * sine
        most = min(1.0, max(0.0, (nearest - 1.0) * slope + 1.0))
        least = min(1.0, max(0.0, (farthest - 1.0) * slope + 1.0))
        most, least = most * most * (3.0 - 2.0 * most), least * least * (3.0 - 2.0 * least)
        low += amplitude * (least if amplitude > 0.0 else most)
        high += amplitude * (most if amplitude > 0.0 else least)
    return max(low, 0.3), max(high, 0.3)


@jit
def _bounds(body, z, y, x, halves, unit):
    """Bounds of the gauge over a box around z, y, x with half edges (3,): it is certain to lie between the two.

    unit : (3,) float64, memory to work in.
    """
    dz, dy, dx = z - body.centre[0], y - body.centre[1], x - body.centre[2]
    m, spread = body.matrix, 0.0
    for i in range(3):
        unit[i] = m[i, 0] * dz + m[i, 1] * dy + m[i, 2] * dx
        spread += (abs(m[i, 0]) * halves[0] + abs(m[i, 1]) * halves[1] + abs(m[i, 2]) * halves[2]) ** 2
    rho, r = np.sqrt(spread), np.sqrt(unit[0] ** 2 + unit[1] ** 2 + unit[2] ** 2)
    low = high = 0.0
    facets = body.facets
    for k in range(facets.shape[0]):
        t = (unit[0] * facets[k, 0] + unit[1] * facets[k, 1] + unit[2] * facets[k, 2]) * facets[k, 3]
        least, most = max(0.0, t - rho * facets[k, 3]), max(0.0, t + rho * facets[k, 3])
        if body.power == 0:
            low, high = max(low, least), max(high, most)
        else:
            for _ in range(body.power):
                least, most = least * least, most * most
            low, high = low + least, high + most
    for _ in range(body.power):
        low, high = np.sqrt(low), np.sqrt(high)
    if body.ball == 0.0:
        return low, high
    if r > rho:
        sine = rho / r
        for i in range(3):
            unit[i] /= r
        thin, thick = _swell_bounds(body, unit, np.sqrt(1.0 - sine * sine), sine)
    else:  # every direction occurs
        thin, thick = 0.3, 1.0
        for k in range(body.bumps.shape[0]):
            thick += abs(body.bumps[k, 3])
    low = max(low, max(0.0, r - rho) / (body.ball * thick))
    return low, max(high, (r + rho) / (body.ball * thin))


@jit
def _noted(rows, count, k, j, i):
    """`rows` with k, j, i at row `count`, in a larger array when it is full."""
    if count == rows.shape[0]:
        larger = np.empty((2 * count, 3), np.int64)
        larger[:count] = rows
        rows = larger
    rows[count, 0], rows[count, 1], rows[count, 2] = k, j, i
    return rows


@jit
def stamp(labels, body, label, origin, spacing, reach):
    """Draw `body` as `label` into the free voxels of a box, in place; which other voxels lie in it.

    Blocks that are certain to lie inside or outside are not looked at voxel by voxel; the others are halved.

    labels : (Z, Y, X) integers, 0 = free. origin : (3,) physical position of voxel (0, 0, 0); spacing : (3,);
    reach : (3,) half extents of the body.

    Returns
    -------
    (N, 3) int64
        Indices of voxels inside the body that carry another label.
    """
    ends = _window(body, origin, spacing, reach, labels.shape)
    met, n_met = np.empty((64, 3), np.int64), 0
    stack, halves, unit = np.empty((64, 4), np.int64), np.empty(3), np.empty(3)
    for k in range(ends[0, 0], ends[1, 0], LARGEST_BLOCK):
        for j in range(ends[0, 1], ends[1, 1], LARGEST_BLOCK):
            for i in range(ends[0, 2], ends[1, 2], LARGEST_BLOCK):
                stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = k, j, i, LARGEST_BLOCK
                waiting = 1
                while waiting > 0:
                    waiting -= 1
                    z0, y0, x0, edge = stack[waiting, 0], stack[waiting, 1], stack[waiting, 2], stack[waiting, 3]
                    z1, y1, x1 = min(z0 + edge, ends[1, 0]), min(y0 + edge, ends[1, 1]), min(x0 + edge, ends[1, 2])
                    if z1 <= z0 or y1 <= y0 or x1 <= x0:
                        continue
                    halves[0] = 0.5 * spacing[0] * (z1 - 1 - z0)
                    halves[1] = 0.5 * spacing[1] * (y1 - 1 - y0)
                    halves[2] = 0.5 * spacing[2] * (x1 - 1 - x0)
                    low, high = _bounds(
                        body,
                        origin[0] + 0.5 * (z0 + z1 - 1) * spacing[0],
                        origin[1] + 0.5 * (y0 + y1 - 1) * spacing[1],
                        origin[2] + 0.5 * (x0 + x1 - 1) * spacing[2],
                        halves,
                        unit,
                    )
                    if low > 1.0 + ROUNDING:
                        continue
                    certain = high < 1.0 - ROUNDING
                    if not certain and edge > SMALLEST_BLOCK:
                        half = edge // 2
                        for part in range(8):
                            stack[waiting, 0] = z0 + half * (part & 1)
                            stack[waiting, 1] = y0 + half * (part >> 1 & 1)
                            stack[waiting, 2] = x0 + half * (part >> 2)
                            stack[waiting, 3] = half
                            waiting += 1
                        continue
                    for c in range(z0, z1):
                        z = origin[0] + c * spacing[0]
                        for b in range(y0, y1):
                            y = origin[1] + b * spacing[1]
                            for a in range(x0, x1):
                                if certain or gauge(body, z, y, origin[2] + a * spacing[2]) <= 1.0:
                                    if labels[c, b, a] == 0:
                                        labels[c, b, a] = label
                                    elif labels[c, b, a] != label:
                                        met = _noted(met, n_met, c, b, a)
                                        n_met += 1
    return met[:n_met].copy()


@jit
def _clear(code, body, wall, owner, frame, reach, through, step):
    """Whether a void, grown by `wall` of its gauge, lies in free solid of `owner` (every `step`-th voxel looked at)."""
    origin, spacing = frame
    ends = _window(body, origin, spacing, reach, code.shape)
    for k in range(ends[0, 0], ends[1, 0], step):
        z = origin[0] + k * spacing[0]
        for j in range(ends[0, 1], ends[1, 1], step):
            y = origin[1] + j * spacing[1]
            for i in range(ends[0, 2], ends[1, 2], step):
                if code[k, j, i] == owner or (through and code[k, j, i] == 0):
                    continue
                if gauge(body, z, y, origin[2] + i * spacing[2]) <= 1.0 + wall:
                    return False
    return True


@jit
def carve(code, body, wall, names, frame, reach, through):
    """Carve the void `body` out of a particle in a box, in place; the number of voxels carved, 0 if it cannot be.

    A sealed void (`through` False) keeps `wall` of solid around it; an open one may reach the background. Neither may
    come nearer than `wall` to another void or particle.
    code : (Z, Y, X) unsigned, 0 background. wall : float, as a share of the void's gauge. names : code of the particle
    and of the void. frame : position of voxel (0, 0, 0) and spacing, (3,) each; reach : (3,) half extents of the void.
    """
    (owner, void), (origin, spacing) = names, frame
    for d in range(3):
        sticks_out = body.centre[d] - reach[d] < origin[d]
        sticks_out |= body.centre[d] + reach[d] > origin[d] + (code.shape[d] - 1) * spacing[d]
        if sticks_out and not through:
            return 0
    for step in (3, 1):  # a coarse look refuses most places cheaply
        if not _clear(code, body, wall, owner, frame, reach, through, step):
            return 0
    ends = _window(body, origin, spacing, reach, code.shape)
    inside = 0
    for k in range(ends[0, 0], ends[1, 0]):
        z = origin[0] + k * spacing[0]
        for j in range(ends[0, 1], ends[1, 1]):
            y = origin[1] + j * spacing[1]
            for i in range(ends[0, 2], ends[1, 2]):
                if code[k, j, i] == owner and gauge(body, z, y, origin[2] + i * spacing[2]) <= 1.0:
                    code[k, j, i] = void
                    inside += 1
    return inside


@jit
def carve_somewhere(code, body, places, wall, names, frame, reach, through):
    """`carve` at the first of the (T, 3) centres `places` where it can be done; voxels carved, 0 if at none."""
    for t in range(places.shape[0]):
        moved = Body(places[t], body.matrix, body.ball, body.bumps, body.facets, body.power, body.radius)
        carved = carve(code, moved, wall, names, frame, reach, through)
        if carved > 0:
            return carved
    return 0
