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
def _lower(one, other, add, out):
    """out = min(out, one + add, other + add), all (n,) float32: the innermost loop, on views, so it is vectorised."""
    for i in range(out.size):
        value = (one[i] if one[i] < other[i] else other[i]) + add
        out[i] = value if value < out[i] else out[i]


@jit
def _plane_pass(plane, weight, y, out):
    """Minimum over k of plane[y + k] + weight k^2 into `out` (X,); False when the row is empty."""
    height, width = plane.shape
    edge = np.float32(min(y + 1, height - y))
    bound = weight * edge * edge
    here = plane[y]
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
        _lower(plane[y - k, first:last], plane[y + k, first:last], add, out[first:last])
        k += 1
        add = weight * np.float32(k * k)


@jit
def _row_pass(row, weight, line):
    """Minimum over x of row[x + k] + weight k^2, the outside counting as zero; in place, `line` is scratch."""
    width = row.size
    for x in range(width):
        line[x] = row[x]
        edge = np.float32(min(x + 1, width - x))
        bound = weight * edge * edge
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
        _lower(line[first - k : last - k], line[first + k : last + k], add, row[first:last])
        k += 1
        add = weight * np.float32(k * k)


@jit
def squared_distance(mask, weights, out):
    """Exact squared distance to the nearest zero voxel centre; outside the crop is background.

    Parameters
    ----------
    mask : (Z,Y,X) uint8.
    weights : (3,) float32, squared spacing along z, y, x.
    out : (Z,Y,X) float32, overwritten; 0 on background. Exact where the weights are whole numbers.
    """
    depth, height, width = mask.shape
    _depth_pass(mask, out)
    plane = np.empty((height, width), np.float32)
    line = np.empty(width, np.float32)
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                plane[y, x] = weights[0] * (out[z, y, x] * out[z, y, x])
        for y in range(height):
            if _plane_pass(plane, weights[1], y, out[z, y]):
                _row_pass(out[z, y], weights[2], line)
