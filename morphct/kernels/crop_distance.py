"""Exact squared distance of every voxel of a crop to the nearest background voxel centre.

For one particle's bounding box; the volume has its own slab-wise distance. Row minima are shifted against each other
while a shift can still win, which for the short distances of particles beats the lower envelope of parabolas. All in
float32, which is exact for whole numbers up to 2^24 (distances of 4096 voxels) and eight numbers to an instruction.
"""

from __future__ import annotations

import numpy as np

from .extremes import largest32
from .jit import jit


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
def _lower(values, one, other, first, last, add, out):
    """out[i] = min(out[i], values[one + i] + add, values[other + i] + add) for i from first to last - 1.

    The innermost loop. All flat float32, all places uint64: without views and signs it is vectorised and costs no call.
    """
    for i in range(first, last):
        a, b = values[one + i], values[other + i]
        value = (a if a < b else b) + add
        out[i] = value if value < out[i] else out[i]


@jit
def _plane_pass(plane, width, y, weight, most, out):
    """Minimum over k of row y + k of a flat plane, plus weight k^2, into `out` (X,); False when the row is empty."""
    height = plane.size // width
    edge = np.float32(min(y + 1, height - y))
    bound = min(weight * edge * edge, most)
    here = plane[y * width : (y + 1) * width]
    for x in range(width):
        out[x] = here[x] if here[x] < bound else bound
    first, last, k = 0, width, 1
    add = weight
    while True:
        # a shift by k can win only between first and last, which close in as it grows
        while first < last and out[first] <= add:
            first += 1
        while first < last and out[last - 1] <= add:
            last -= 1
        if first == last:
            return k > 1 or largest32(out) > 0
        # k is below `edge` here, so both rows exist
        one, other = np.uint64((y - k) * width), np.uint64((y + k) * width)
        _lower(plane, one, other, np.uint64(first), np.uint64(last), add, out)
        k += 1
        add = weight * np.float32(k * k)


@jit
def _row_pass(row, weight, most, line):
    """Minimum over x of row[x + k] + weight k^2, the outside counting as zero; in place, `line` is scratch."""
    width = row.size
    for x in range(width):
        line[x] = row[x]
        edge = np.float32(min(x + 1, width - x))
        bound = min(weight * edge * edge, most)
        row[x] = line[x] if line[x] < bound else bound
    first, last, k = 0, width, 1
    add = weight
    while True:
        while first < last and row[first] <= add:
            first += 1
        while first < last and row[last - 1] <= add:
            last -= 1
        if first == last:
            return
        # a voxel still above the shift lies farther than it from both ends, so both parts of the line exist
        _lower_line(line, np.uint64(k), np.uint64(first), np.uint64(last), add, row)
        k += 1
        add = weight * np.float32(k * k)


@jit
def _lower_line(line, k, first, last, add, out):
    """`_lower` for the two places k before and after; k <= first."""
    for i in range(first, last):
        a, b = line[i - k], line[i + k]
        value = (a if a < b else b) + add
        out[i] = value if value < out[i] else out[i]


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
    plane = np.empty(height * width, np.float32)
    line = np.empty(width, np.float32)
    for z in range(depth):
        flat = out[z].reshape(-1)
        for i in range(flat.size):
            value = weights[0] * (flat[i] * flat[i])
            plane[i] = value if value < most else most
        for y in range(height):
            if _plane_pass(plane, width, y, weights[1], most, out[z, y]):
                _row_pass(out[z, y], weights[2], most, line)
