"""Rasterising, placing and carving synthetic particles: every loop over voxels that draws a phantom.

A body is star-shaped around its centre and given by a gauge g, homogeneous of degree one: inside where g <= 1.
Only +, -, *, / and sqrt are used, so that the same options give the same voxels on every processor.
"""

from typing import NamedTuple

import numpy as np

from ..jit import jit


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
def stamp(labels, depth, body, label, origin, spacing, reach):
    """Draw `body` as `label` into a box, in place; where bodies overlap the deeper one wins.

    labels : (Z, Y, X) int32, 0 = free; depth : (Z, Y, X) float32, about the depth below the surface.
    origin : (3,) physical position of voxel (0, 0, 0); spacing : (3,); reach : (3,) half extents of the body.
    """
    ends = _window(body, origin, spacing, reach, labels.shape)
    for k in range(ends[0, 0], ends[1, 0]):
        z = origin[0] + k * spacing[0]
        for j in range(ends[0, 1], ends[1, 1]):
            y = origin[1] + j * spacing[1]
            for i in range(ends[0, 2], ends[1, 2]):
                g = gauge(body, z, y, origin[2] + i * spacing[2])
                if g <= 1.0:
                    below = np.float32((1.0 - g) * body.radius)
                    if labels[k, j, i] == 0 or below > depth[k, j, i]:
                        labels[k, j, i] = label
                        depth[k, j, i] = below


@jit
def _clear(images, body, wall, owner, frame, reach, through, step):
    """Whether a void, grown by `wall` of its gauge, lies in free solid of `owner` (every `step`-th voxel looked at)."""
    (labels, voids), (origin, spacing) = images, frame
    ends = _window(body, origin, spacing, reach, labels.shape)
    for k in range(ends[0, 0], ends[1, 0], step):
        z = origin[0] + k * spacing[0]
        for j in range(ends[0, 1], ends[1, 1], step):
            y = origin[1] + j * spacing[1]
            for i in range(ends[0, 2], ends[1, 2], step):
                free = labels[k, j, i] == owner or (through and labels[k, j, i] == 0)
                if voids[k, j, i] == 0 and free:
                    continue
                if gauge(body, z, y, origin[2] + i * spacing[2]) <= 1.0 + wall:
                    return False
    return True


@jit
def carve(images, body, wall, names, frame, reach, through):
    """Carve the void `body` out of a particle in a box, in place; the number of voxels carved, 0 if it cannot be.

    A sealed void (`through` False) keeps `wall` of solid around it and its voxels keep the label; an open one may
    reach the background and its voxels lose the label. Neither may come nearer than `wall` to another void or particle.
    images : labels and voids, (Z, Y, X) int32. wall : float, as a share of the void's gauge. names : label of the
    particle and id of the void. frame : position of voxel (0, 0, 0) and spacing, (3,) each; reach : (3,) half extents
    of the void.
    """
    (labels, voids), (owner, void), (origin, spacing) = images, names, frame
    for d in range(3):
        sticks_out = body.centre[d] - reach[d] < origin[d]
        sticks_out |= body.centre[d] + reach[d] > origin[d] + (labels.shape[d] - 1) * spacing[d]
        if sticks_out and not through:
            return 0
    for step in (3, 1):  # a coarse look refuses most places cheaply
        if not _clear(images, body, wall, owner, frame, reach, through, step):
            return 0
    ends = _window(body, origin, spacing, reach, labels.shape)
    inside = 0
    for k in range(ends[0, 0], ends[1, 0]):
        z = origin[0] + k * spacing[0]
        for j in range(ends[0, 1], ends[1, 1]):
            y = origin[1] + j * spacing[1]
            for i in range(ends[0, 2], ends[1, 2]):
                if labels[k, j, i] == owner and gauge(body, z, y, origin[2] + i * spacing[2]) <= 1.0:
                    voids[k, j, i] = void
                    inside += 1
                    if through:
                        labels[k, j, i] = 0
    return inside


@jit
def blocked(volume, voids, box, z0, y0, x0, step):
    """Whether any taken voxel of `box` (every `step`-th looked at) meets a taken voxel of the volume.

    volume, voids : (Z, Y, X) int32; box : (z, y, x) bool, placed with its corner at z0, y0, x0 (may stick out).
    """
    for k in range(max(0, -z0), min(box.shape[0], volume.shape[0] - z0), step):
        for j in range(max(0, -y0), min(box.shape[1], volume.shape[1] - y0), step):
            for i in range(max(0, -x0), min(box.shape[2], volume.shape[2] - x0), step):
                if box[k, j, i] and (volume[z0 + k, y0 + j, x0 + i] != 0 or voids[z0 + k, y0 + j, x0 + i] != 0):
                    return True
    return False


@jit
def first_free(volume, voids, box, corners):
    """Index of the first of the (T, 3) int64 corners where `box` fits without overlap, -1 if none."""
    for t in range(corners.shape[0]):
        z, y, x = corners[t, 0], corners[t, 1], corners[t, 2]
        # a coarse look refuses most places at a hundredth of the cost
        if not blocked(volume, voids, box, z, y, x, 5) and not blocked(volume, voids, box, z, y, x, 1):
            return t
    return -1


@jit
def settle(volume, voids, box, corner, way, steps):
    """Unit steps along `way` (3,) int64 that `box` can go from `corner` before it is blocked; -1 if it never is."""
    z, y, x = corner[0], corner[1], corner[2]
    for n in range(steps):
        z, y, x = z + way[0], y + way[1], x + way[2]
        if blocked(volume, voids, box, z, y, x, 3) or blocked(volume, voids, box, z, y, x, 1):
            return n
    return -1


@jit
def paste(volume, voids, box_labels, box_voids, corner, first_label, first_void):
    """Write a group's local labels and void ids into the volume, raised by what came before; in place."""
    z0, y0, x0 = corner[0], corner[1], corner[2]
    for k in range(max(0, -z0), min(box_labels.shape[0], volume.shape[0] - z0)):
        for j in range(max(0, -y0), min(box_labels.shape[1], volume.shape[1] - y0)):
            for i in range(max(0, -x0), min(box_labels.shape[2], volume.shape[2] - x0)):
                if volume[z0 + k, y0 + j, x0 + i] != 0 or voids[z0 + k, y0 + j, x0 + i] != 0:
                    continue
                if box_labels[k, j, i] != 0:
                    volume[z0 + k, y0 + j, x0 + i] = box_labels[k, j, i] + first_label
                if box_voids[k, j, i] != 0:
                    voids[z0 + k, y0 + j, x0 + i] = box_voids[k, j, i] + first_void


@jit
def census(labels, voids, owner, label_sums, void_sums, void_open):
    """Count voxels, positions and faces of every label and void in one pass; all outputs int64, changed in place.

    label_sums : (N + 1, 6): voxels, void voxels inside, sums of z, y, x, whether it touches a face.
    void_sums : (V + 1, 5): voxels, sums of z, y, x, touches a face. void_open : (V + 1,) 1 where a voxel of the void
    has a face neighbour that is neither the void nor its `owner` (V + 1,).
    """
    nz, ny, nx = labels.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                label, void = labels[z, y, x], voids[z, y, x]
                face = z == 0 or y == 0 or x == 0 or z == nz - 1 or y == ny - 1 or x == nx - 1
                if label != 0:
                    label_sums[label, 0] += 1
                    label_sums[label, 1] += void != 0
                    label_sums[label, 2] += z
                    label_sums[label, 3] += y
                    label_sums[label, 4] += x
                    label_sums[label, 5] |= face
                if void == 0:
                    continue
                void_sums[void, 0] += 1
                void_sums[void, 1] += z
                void_sums[void, 2] += y
                void_sums[void, 3] += x
                void_sums[void, 4] |= face
                for axis in range(3):
                    for side in (-1, 1):
                        k = z + side * (axis == 0)
                        j = y + side * (axis == 1)
                        i = x + side * (axis == 2)
                        if k < 0 or j < 0 or i < 0 or k >= nz or j >= ny or i >= nx:
                            continue
                        if voids[k, j, i] != void and labels[k, j, i] != owner[void]:
                            void_open[void] = 1


@jit
def contact_faces(labels):
    """Faces shared by two different labels of a (Z, Y, X) image, one row each.

    Returns
    -------
    (F, 4) int64
        Smaller label, larger label, axis of the face's normal (0 z, 1 y, 2 x), 1 where the smaller label has the
        smaller coordinate and -1 where it has the larger.
    """
    nz, ny, nx = labels.shape
    rows = np.empty((0, 4), np.int64)
    # counted first, then written: growing an array inside the loop costs more than a second look
    for filling in (False, True):
        n = 0
        for z in range(nz):
            for y in range(ny):
                for x in range(nx):
                    here = labels[z, y, x]
                    if here == 0:
                        continue
                    for axis in range(3):
                        k, j, i = z + (axis == 0), y + (axis == 1), x + (axis == 2)
                        if k == nz or j == ny or i == nx:
                            continue
                        there = labels[k, j, i]
                        if there == 0 or there == here:
                            continue
                        if filling:
                            rows[n, 0], rows[n, 1] = min(here, there), max(here, there)
                            rows[n, 2], rows[n, 3] = axis, 1 if here < there else -1
                        n += 1
        if not filling:
            rows = np.empty((n, 4), np.int64)
    return rows


@jit
def correlate(source, weights, axis, out):
    """Convolve (Z, Y, X) float32 with symmetric weights (R + 1,) float32, centre first, edges repeated, into `out`."""
    nz, ny, nx = source.shape
    radius = weights.shape[0] - 1
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                out[z, y, x] = weights[0] * source[z, y, x]
            for r in range(1, radius + 1):
                if axis == 2:
                    for x in range(nx):
                        out[z, y, x] += weights[r] * (source[z, y, max(x - r, 0)] + source[z, y, min(x + r, nx - 1)])
                else:
                    z0, z1, y0, y1 = z, z, y, y
                    if axis == 0:
                        z0, z1 = max(z - r, 0), min(z + r, nz - 1)
                    else:
                        y0, y1 = max(y - r, 0), min(y + r, ny - 1)
                    for x in range(nx):
                        out[z, y, x] += weights[r] * (source[z0, y0, x] + source[z1, y1, x])


@jit
def fill_phases(labels, voids, wetting, field, z0, levels, greys, out):
    """Grey without blur and noise: air, glue or particle, (Z, Y, X) float32 into `out`.

    wetting : (Z, Y, X) float32 blurred solid (1 = solid). field : (A, B, C) float32 random field, interpolated, and at
    every how many voxels it is given. z0 : plane of the volume at which the slab begins.
    levels : (3,) coarse above levels[0] is wet, above levels[1] full of glue; wet and wetting above levels[2] is glue.
    greys : (3,) air, glue, particle.
    """
    coarse, step = field
    nz, ny, nx = labels.shape
    for z in range(nz):
        fz = (z0 + z) / step
        a = int(fz)
        fz -= a
        for y in range(ny):
            fy = y / step
            b = int(fy)
            fy -= b
            for x in range(nx):
                if labels[z, y, x] != 0:
                    out[z, y, x] = greys[0] if voids[z, y, x] != 0 else greys[2]
                    continue
                fx = x / step
                c = int(fx)
                fx -= c
                low = (coarse[a, b, c] * (1 - fx) + coarse[a, b, c + 1] * fx) * (1 - fy) + (
                    coarse[a, b + 1, c] * (1 - fx) + coarse[a, b + 1, c + 1] * fx
                ) * fy
                high = (coarse[a + 1, b, c] * (1 - fx) + coarse[a + 1, b, c + 1] * fx) * (1 - fy) + (
                    coarse[a + 1, b + 1, c] * (1 - fx) + coarse[a + 1, b + 1, c + 1] * fx
                ) * fy
                here = low * (1 - fz) + high * fz
                wet = here > levels[1] or (here > levels[0] and wetting[z, y, x] > levels[2])
                out[z, y, x] = greys[1] if wet else greys[0]
