"""Linear samples of a blurred occupancy on another grid, plane by plane, and the highest of them.

The blurred crop never exists as a whole.
"""

from __future__ import annotations

import math

import numpy as np

from ..jit import jit
from .surface_mesh import blur_plane, occupied_rows


@jit
def _places(n, step, size):
    """Old voxel before each of n new middles `step` old voxels apart, and how far beyond its middle the new one is."""
    before = np.empty(n, np.int64)
    share = np.empty(n, np.float32)
    for i in range(n):
        at = (i + 0.5) * step - 0.5
        before[i] = min(max(math.floor(at), 0), size - 2)
        share[i] = np.float32(min(max(at - before[i], 0.0), 1.0))
    return before, share


@jit
def sampled_blur(mask, weights, steps, shape):
    """Sample the Gaussian of a 0/1 crop at the middles of new voxels.

    Parameters
    ----------
    mask : (Z,Y,X) uint8, each axis at least 2 long.
    weights : (2R+1,) float32, `surface_mesh.gaussian_weights`.
    steps : (3,) float64, edges of the new voxels in old ones; both grids begin at the same corner.
    shape : three ints, new voxels along each axis.

    Returns
    -------
    `shape` float32.
    """
    depth, height, width = mask.shape
    rows = np.empty((depth, height), np.uint8)
    occupied_rows(mask, rows)
    scratch = np.zeros((height + 1, width + weights.size - 1), np.float32)
    planes = np.empty((2, height, width), np.float32)
    held = np.full(2, -1)
    z0, fz = _places(shape[0], steps[0], depth)
    y0, fy = _places(shape[1], steps[1], height)
    x0, fx = _places(shape[2], steps[2], width)
    out = np.empty((shape[0], shape[1], shape[2]), np.float32)
    mixed = np.empty(width, np.float32)
    for z in range(shape[0]):
        for k in range(2):
            at = z0[z] + k
            if held[at & 1] != at:
                blur_plane(mask, rows, weights, at, scratch, planes[at & 1])
                held[at & 1] = at
        one, two = planes[z0[z] & 1], planes[(z0[z] + 1) & 1]
        for y in range(shape[1]):
            a, b = y0[y], y0[y] + 1
            for x in range(width):
                before = one[a, x] + (one[b, x] - one[a, x]) * fy[y]
                after = two[a, x] + (two[b, x] - two[a, x]) * fy[y]
                mixed[x] = before + (after - before) * fz[z]
            for x in range(shape[2]):
                first = mixed[x0[x]]
                out[z, y, x] = first + (mixed[x0[x] + 1] - first) * fx[x]
    return out


@jit
def _rank_level(field, wanted):
    """The `wanted`-th highest value of a field (Z,Y,X) float32 without negatives; by counting the halves of its bits.

    The bit patterns of such numbers are ordered as they are.
    """
    bits = field.reshape(-1).view(np.uint32)
    most = np.uint32(0)
    for i in range(bits.size):
        most = max(most, bits[i])
    high = np.zeros((most >> np.uint32(16)) + 1, np.int64)
    for i in range(bits.size):
        if bits[i]:
            high[bits[i] >> np.uint32(16)] += 1
    left = wanted
    place = high.size - 1
    while place > 0 and left > high[place]:
        left -= high[place]
        place -= 1
    if left > high[place]:
        return np.float32(0)
    low = np.zeros(1 << 16, np.int64)
    for i in range(bits.size):
        if bits[i] and bits[i] >> np.uint32(16) == place:
            low[bits[i] & np.uint32(0xFFFF)] += 1
    under = low.size - 1
    while left > low[under]:
        left -= low[under]
        under -= 1
    out = np.empty(1, np.uint32)
    out[0] = (place << 16) | under
    return out.view(np.float32)[0]


@jit
def highest(field, wanted, alike_within, worst):
    """Mark the `wanted` highest values of a field, as 0 and 1.

    Those equal to the lowest of them are taken together, or left out together, whichever is nearer; where that is off
    by more than a share, every so many of them in order.

    Parameters
    ----------
    field : (Z,Y,X) float32, no negatives (not checked).
    wanted : int, 1 to the size of the field.
    alike_within : float32, by which equal values may differ.
    worst : float, the share of `wanted`.

    Returns
    -------
    (Z,Y,X) uint8
    """
    level = _rank_level(field, wanted)
    above = max(level + alike_within, np.float32(0))
    flat = field.reshape(-1)
    out = np.empty(field.shape, np.uint8)
    marks = out.reshape(-1)
    taken = alike = 0
    for i in range(flat.size):
        mark = flat[i] > above
        marks[i] = mark
        taken += mark
        alike += abs(flat[i] - level) <= alike_within and flat[i] > 0
    lacking = wanted - taken
    every = none = False
    if 0 < lacking <= alike:
        every = min(lacking, alike - lacking) > worst * wanted
        none = not every and 2 * lacking < alike
    if none:
        return out
    seen = chosen = 0
    for i in range(flat.size):
        if abs(flat[i] - level) <= alike_within and flat[i] > 0:
            if not every:
                marks[i] = 1
            elif chosen < lacking and seen == chosen * alike // lacking:
                marks[i] = 1
                chosen += 1
            seen += 1
    return out
