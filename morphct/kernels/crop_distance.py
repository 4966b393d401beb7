"""Exact squared distance of every voxel of a crop to the nearest background voxel centre.

For one particle's bounding box; the volume has its own slab-wise distance. Row minima are shifted against each other
while a shift can still win, which for the short distances of particles beats the lower envelope of parabolas.
"""

from __future__ import annotations

import numpy as np

from .jit import jit


@jit
def _depth_pass(mask, weight, out):
    """out = weight * (voxels to the nearest zero along z) squared; the outside counts as zeros."""
    depth, height, width = mask.shape
    steps = np.zeros((depth, height, width), np.int16)
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                if mask[z, y, x]:
                    steps[z, y, x] = np.int16(1) if z == 0 else steps[z - 1, y, x] + np.int16(1)
    for z in range(depth - 1, -1, -1):
        for y in range(height):
            for x in range(width):
                below = np.int16(1) if z == depth - 1 else steps[z + 1, y, x] + np.int16(1)
                if steps[z, y, x] > below:
                    steps[z, y, x] = below
        for y in range(height):
            for x in range(width):
                n = np.int32(steps[z, y, x])
                out[z, y, x] = weight * (n * n)


@jit
def _row_pass(row, weight, line):
    """Minimum over x of row[x + k] + weight k^2, the outside counting as zero; in place, `line` is scratch."""
    width = row.size
    most = row[0]
    for x in range(width):
        value = row[x]
        line[x] = value
        edge = np.int32(min(x + 1, width - x))
        bound = weight * (edge * edge)
        row[x] = value if value < bound else bound
        if row[x] > most:
            most = row[x]
    k = 1
    while weight * np.int32(k * k) < most and k < width:
        add = weight * np.int32(k * k)
        for x in range(width - k):
            value = line[x + k] + add
            row[x] = value if value < row[x] else row[x]
        for x in range(k, width):
            value = line[x - k] + add
            row[x] = value if value < row[x] else row[x]
        if k & 3 == 0:
            most = row[0]
            for x in range(width):
                most = max(most, row[x])
        k += 1


@jit
def _plane_pass(plane, weight, y, out):
    """Minimum over k of plane[y + k] + weight k^2 into `out` (X,); False when the row is empty."""
    height, width = plane.shape
    most = plane[y, 0]
    for x in range(width):
        most = max(most, plane[y, x])
    if most == 0:
        return False
    edge = np.int32(min(y + 1, height - y))
    bound = weight * (edge * edge)
    for x in range(width):
        out[x] = plane[y, x] if plane[y, x] < bound else bound
    most = min(most, bound)
    k = 1
    while weight * np.int32(k * k) < most:
        add = weight * np.int32(k * k)  # k < edge here, so both rows exist
        for x in range(width):
            value = min(plane[y - k, x], plane[y + k, x]) + add
            out[x] = value if value < out[x] else out[x]
        if k & 3 == 0:
            most = out[0]
            for x in range(width):
                most = max(most, out[x])
        k += 1
    return True


@jit
def squared_distance(mask, weights, out):
    """Exact squared distance to the nearest zero voxel centre; outside the crop is background.

    Parameters
    ----------
    mask : (Z,Y,X) uint8.
    weights : (3,) of the dtype of `out`: squared spacing along z, y, x.
    out : (Z,Y,X) int32 (weights integer: exact) or float32, overwritten; 0 on background.
    """
    depth, height, width = mask.shape
    _depth_pass(mask, weights[0], out)
    plane = np.empty((height, width), out.dtype)
    line = np.empty(width, out.dtype)
    for z in range(depth):
        plane[:] = out[z]
        for y in range(height):
            if _plane_pass(plane, weights[1], y, out[z, y]):
                _row_pass(out[z, y], weights[2], line)
