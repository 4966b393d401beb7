"""Exact squared distance of every voxel of a crop to the nearest background voxel centre.

For one particle's bounding box; the volume has its own slab-wise distance. Row minima are shifted against each other
while a shift can still win, which for the short distances of particles beats the lower envelope of parabolas. All in
float32, which is exact for whole numbers up to 2^24 (distances of 4096 voxels) and eight numbers to an instruction.
"""

from __future__ import annotations

import numpy as np

from ..extremes import largest32
from ..jit import jit


@jit
def _depth_pass(mask, out):
    """out = voxels to the nearest zero along z; the outside counts as zeros."""
    depth, height, width = mask.shape
    one = np.float32(1)
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                before = np.float32(0) if z == 0 else out[z - 1, y, x]
                out[z, y, x] = before + one if mask[z, y, x] else np.float32(0)
    for z in range(depth - 1, -1, -1):
        for y in range(height):
            for x in range(width):
                below = one if z == depth - 1 else out[z + 1, y, x] + one
                out[z, y, x] = below if below < out[z, y, x] else out[z, y, x]


@jit
def _lower(values, places, adds, start, n, out):
    """out[start + i] = min(it, values[p + i] + add) for the four places p, two to an add, and i below n.

    The innermost loop. All flat float32, all places uint64: without views and signs it is vectorised and costs no call.
    """
    p, q, r, s = places
    for i in range(np.uint64(0), n):
        a, b, c, d = values[p + i], values[q + i], values[r + i], values[s + i]
        near = (a if a < b else b) + adds[0]
        far = (c if c < d else d) + adds[1]
        value = near if near < far else far
        out[start + i] = value if value < out[start + i] else out[start + i]


@jit
def _open_part(out, first, last, add):
    """Where between first and last a further shift can win: it closes in as the shift grows."""
    while first < last and out[first] <= add:
        first += 1
    while first < last and out[last - 1] <= add:
        last -= 1
    return first, last


@jit
def _plane_pass(plane, width, y, weight, most, out):
    """Minimum over k of row y + k of a plane, plus weight k^2, into `out` (X,); False when the row is empty.

    `plane` is flat, with a row of zeros, which the outside counts as, before the first and after the last.
    """
    height = plane.size // width - 2
    edge = np.float32(min(y + 1, height - y))
    bound = min(weight * edge * edge, most)
    here = plane[(y + 1) * width : (y + 2) * width]
    for x in range(width):
        out[x] = here[x] if here[x] < bound else bound
    first, last, k = 0, width, 1
    while True:
        adds = weight * np.float32(k * k), weight * np.float32((k + 1) * (k + 1))
        first, last = _open_part(out, first, last, adds[0])
        if first == last:
            return k > 1 or largest32(out) > 0
        # k is below `edge` here, so all four rows exist, the zeros counted
        above, below = np.uint64((y + 1 - k) * width + first), np.uint64((y + 1 + k) * width + first)
        places = above, below, above - np.uint64(width), below + np.uint64(width)
        _lower(plane, places, adds, np.uint64(first), np.uint64(last - first), out)
        k += 2


@jit
def _row_pass(row, weight, bounds, line):
    """Minimum over x of row[x + k] + weight k^2, in place.

    `bounds` (X,) is what the outside allows at most; `line` (X + 2,) is scratch with zeros at both ends.
    """
    width = row.size
    for x in range(width):
        line[x + 1] = row[x]
    for x in range(width):
        row[x] = row[x] if row[x] < bounds[x] else bounds[x]
    first, last, k = 0, width, 1
    one = np.uint64(1)
    while True:
        adds = weight * np.float32(k * k), weight * np.float32((k + 1) * (k + 1))
        first, last = _open_part(row, first, last, adds[0])
        if first == last:
            return
        # a voxel still above the shift lies farther than it from both ends, so all parts of the line exist
        before, after = np.uint64(first + 1 - k), np.uint64(first + 1 + k)
        places = before, after, before - one, after + one
        _lower(line, places, adds, np.uint64(first), np.uint64(last - first), row)
        k += 2


@jit
def squared_distance(mask, weights, most, out):
    """Exact squared distance to the nearest zero voxel centre; outside the crop is background.

    Parameters
    ----------
    mask : (Z,Y,X) uint8.
    weights : (3,) float32, squared spacing along z, y, x.
    most : float32, inf or the squared distance beyond which all count as this one, which is quicker.
    out : (Z,Y,X) float32, overwritten; 0 on background. Exact where the weights are whole numbers.
    """
    depth, height, width = mask.shape
    _depth_pass(mask, out)
    plane = np.zeros((height + 2) * width, np.float32)
    line = np.zeros(width + 2, np.float32)
    bounds = np.empty(width, np.float32)
    for x in range(width):
        edge = np.float32(min(x + 1, width - x))
        bounds[x] = min(weights[2] * edge * edge, most)
    for z in range(depth):
        flat = out[z].reshape(-1)
        for i in range(flat.size):
            value = weights[0] * (flat[i] * flat[i])
            plane[width + i] = value if value < most else most
        for y in range(height):
            if _plane_pass(plane, width, y, weights[1], most, out[z, y]):
                _row_pass(out[z, y], weights[2], bounds, line)


@jit
def _shifted(values, stride, weight, out):
    """out = the least of values[i + k stride] + weight k^2 over all k; both (n,) float32, `stride` int."""
    for i in range(values.size):
        out[i] = values[i]
    most = largest32(out)
    k = 1
    while weight * np.float32(k * k) < most and k * stride < values.size:
        add, n = weight * np.float32(k * k), np.uint64(values.size - k * stride)
        off = np.uint64(k * stride)
        for i in range(np.uint64(0), n):
            value = values[i + off] + add
            out[i] = value if value < out[i] else out[i]
        for i in range(np.uint64(0), n):
            value = values[i] + add
            out[i + off] = value if value < out[i + off] else out[i + off]
        most = largest32(out)
        k += 1


@jit
def small_squared_distance(mask, weights):
    """`squared_distance` of a small mask whose outermost voxels are all zero: in a few long loops, not row by row.

    A shift beyond the end of a row meets another row. What it finds there never wins: the zero at the row's own end is
    nearer. That holds for rows and planes alike.

    Parameters
    ----------
    mask : (Z,Y,X) uint8.
    weights : (3,) float32, squared spacing along z, y, x.

    Returns
    -------
    (Z,Y,X) float32, as `squared_distance` gives.
    """
    out, other = np.empty(mask.shape, np.float32), np.empty(mask.size, np.float32)
    flat, body = out.reshape(-1), mask.reshape(-1)
    farther = np.float32(max(mask.shape)) ** 2 * max(weights[0], max(weights[1], weights[2]))
    for i in range(body.size):
        other[i] = farther if body[i] else np.float32(0)
    _shifted(other, mask.shape[1] * mask.shape[2], weights[0], flat)
    _shifted(flat, mask.shape[2], weights[1], other)
    _shifted(other, 1, weights[2], flat)
    return out
