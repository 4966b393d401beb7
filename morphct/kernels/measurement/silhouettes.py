"""Outlines of a body seen along a direction, traced at sub-pixel level without ever turning the volume.

A pixel of a silhouette is the largest value of the blurred occupancy along its ray. Only the pixels beside the outline
are ever evaluated: marching squares asks for them as it walks round.
"""

from __future__ import annotations

import math

import numpy as np

from ..jit import jit

SEEN_OCCUPANCY, EMPTY_OCCUPANCY = (
    0.9999,
    1e-4,
)  # a ray that has met as much needs no further sample; what is as good as empty


@jit
def _clip(origin, step, size, bounds):
    """Narrow bounds (t0, t1) to where origin + t step lies between the first and last sample of an axis."""
    if abs(step) < 1e-12:
        if origin < 0 or origin > size - 1.0001:
            return 1.0, 0.0
        return bounds
    first, last = -origin / step, (size - 1.0001 - origin) / step
    if first > last:
        first, last = last, first
    return max(bounds[0], first), min(bounds[1], last)


@jit
def _linear(field, z, y, x):
    """Trilinear value inside the field."""
    iz, iy, ix = int(z), int(y), int(x)
    fz, fy, fx = z - iz, y - iy, x - ix
    a = field[iz, iy, ix] * (1 - fx) + field[iz, iy, ix + 1] * fx
    b = field[iz, iy + 1, ix] * (1 - fx) + field[iz, iy + 1, ix + 1] * fx
    c = field[iz + 1, iy, ix] * (1 - fx) + field[iz + 1, iy, ix + 1] * fx
    d = field[iz + 1, iy + 1, ix] * (1 - fx) + field[iz + 1, iy + 1, ix + 1] * fx
    return (a * (1 - fy) + b * fy) * (1 - fz) + (c * (1 - fy) + d * fy) * fz


@jit
def occupied_blocks(field):
    """Whether a sample in a block of 4 x 4 x 4 cells of the field (Z,Y,X) can be more than `NOTHING`: uint8."""
    depth, height, width = field.shape
    blocks = np.zeros(((depth + 3) >> 2, (height + 3) >> 2, (width + 3) >> 2), np.uint8)
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                if field[z, y, x] > EMPTY_OCCUPANCY:  # a voxel is a corner of the cells before it too
                    for k in range(8):
                        blocks[max(z - (k >> 2), 0) >> 2, max(y - (k >> 1 & 1), 0) >> 2, max(x - (k & 1), 0) >> 2] = 1
    return blocks


@jit
def ray_maximum(field, blocks, frame, i, j):
    """Largest sample along the ray through pixel (i, j), counted from the middle of the field.

    `blocks` from `occupied_blocks`; `frame` (3, 3) float64, rows: the view direction and the pixel axes, in voxels
    (z, y, x). Samples one voxel apart.
    """
    depth, height, width = field.shape
    oz = (depth - 1) / 2 + frame[1, 0] * i + frame[2, 0] * j
    oy = (height - 1) / 2 + frame[1, 1] * i + frame[2, 1] * j
    ox = (width - 1) / 2 + frame[1, 2] * i + frame[2, 2] * j
    dz, dy, dx = frame[0, 0], frame[0, 1], frame[0, 2]
    bounds = _clip(oz, dz, depth, (-1e9, 1e9))
    bounds = _clip(oy, dy, height, bounds)
    bounds = _clip(ox, dx, width, bounds)
    best = 0.0
    for t in range(math.ceil(bounds[0]), math.floor(bounds[1]) + 1):
        z, y, x = max(oz + dz * t, 0.0), max(oy + dy * t, 0.0), max(ox + dx * t, 0.0)
        if z >= depth - 1 or y >= height - 1 or x >= width - 1:
            continue
        if blocks[int(z) >> 2, int(y) >> 2, int(x) >> 2] == 0:
            continue
        value = _linear(field, z, y, x)
        if value > best:
            best = value
            if best > SEEN_OCCUPANCY:
                break
    return best


@jit
def _pixel(field, blocks, frame, image, i, j):
    """Value of a silhouette's pixel; -1 in `image` (H,W) float32 means not asked for yet."""
    value = image[i, j]
    if value < 0:
        value = np.float32(ray_maximum(field, blocks, frame, i - image.shape[0] // 2, j - image.shape[1] // 2))
        image[i, j] = value
    return value


@jit
def _image(shape, frame):
    """An empty silhouette that holds every view of a field of this shape along this frame, middle on middle."""
    half = np.empty(2, np.int64)
    for k in range(2):
        reach = 0.0
        for q in range(3):
            reach += 0.5 * abs(frame[k + 1, q]) * shape[q]
        half[k] = int(reach) + 2
    return np.full((2 * half[0] + 1, 2 * half[1] + 1), np.float32(-1), np.float32)


@jit
def _leave(inside, entered):
    """Edge through which the outline leaves a square: 0 top, 1 right, 2 bottom, 3 left; -1 if it cannot.

    `inside` has the corners top left, top right, bottom left, bottom right as bits. On a saddle the inside corners are
    kept apart.
    """
    a, b, c, d = inside & 1, inside >> 1 & 1, inside >> 2 & 1, inside >> 3 & 1
    crossed = (a != b, b != d, c != d, a != c)
    if a == d and b == c and a != b:
        if a:
            return (3, 2, 1, 0)[entered]
        return (1, 0, 3, 2)[entered]
    for edge in range(4):
        if edge != entered and crossed[edge]:
            return edge
    return -1


@jit
def _crossing(values, level, edge, row, column):
    """Where the level crosses an edge of the square at (row, column); values: its corners as in `_leave`."""
    if edge == 0:
        return float(row), column + (level - values[0]) / (values[1] - values[0])
    if edge == 1:
        return row + (level - values[1]) / (values[3] - values[1]), column + 1.0
    if edge == 2:
        return row + 1.0, column + (level - values[2]) / (values[3] - values[2])
    return row + (level - values[0]) / (values[2] - values[0]), float(column)


@jit
def trace(field, blocks, frame, core, level, outline):
    """Trace the outline of one view.

    Parameters
    ----------
    field : (Z,Y,X) float32, blurred occupancy, below `level` at its borders.
    blocks : `occupied_blocks` of it.
    frame : (3, 3) float64, see `ray_maximum`.
    core : (3,) float64, a point well inside (z, y, x).
    level : float.
    outline : (m, 2) float64, filled with pixels (rows, columns), counter-clockwise by the shoelace sign.

    Returns
    -------
    Number of points; 0 when the view has nothing above the level or the outline does not close.
    """
    image = _image(field.shape, frame)
    height, width = image.shape
    column = 0.0
    for k in range(3):
        column += frame[2, k] * (core[k] - (field.shape[k] - 1) / 2)
    c0 = math.floor(column + 0.5) + width // 2
    r0 = height - 2
    while r0 > 0 and _pixel(field, blocks, frame, image, r0, c0) <= level:
        r0 -= 1
    if r0 <= 0:
        return 0
    # walk from the square to the right of the crossing below pixel (r0, c0), entered through its left edge
    row, col, entered = r0, c0, 3
    values = np.empty(4)
    n = 0
    while n < outline.shape[0]:
        if row < 0 or col < 0 or row >= height - 1 or col >= width - 1:
            return 0
        inside = 0
        for k in range(4):
            values[k] = _pixel(field, blocks, frame, image, row + (k >> 1), col + (k & 1))
            inside |= (1 << k) if values[k] > level else 0
        outline[n, 0], outline[n, 1] = _crossing(values, level, entered, row, col)
        n += 1
        entered = _leave(inside, entered)
        if entered < 0:
            return 0
        row += (-1, 0, 1, 0)[entered]
        col += (0, 1, 0, -1)[entered]
        entered = (2, 3, 0, 1)[entered]
        if row == r0 and col == c0 and entered == 3:
            break
    area = 0.0
    for k in range(n):
        q = k + 1 if k + 1 < n else 0
        area += outline[k, 0] * outline[q, 1] - outline[k, 1] * outline[q, 0]
    if area < 0:
        outline[:n] = outline[:n][::-1].copy()
    return n
