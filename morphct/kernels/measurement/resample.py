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


# A field of so many voxels is ranked by copying its higher values, a larger one by counting them in place.
COPIED_VOXELS = 1 << 17
HALF_INSIDE = np.float32(0.25)  # where that many are higher the rank is among them; else all above zero are copied


@jit
def _row_tops(field):
    """The highest value of every row of a field (Z,Y,X) float32 without negatives, (Z Y,) float32."""
    rows = field.view(np.int32).reshape(-1, field.shape[2])
    tops = np.empty(rows.shape[0], np.int32)
    for r in range(rows.shape[0]):
        row, top = rows[r], np.int32(0)
        for x in range(row.size):
            top = row[x] if row[x] > top else top
        tops[r] = top
    return tops.view(np.float32)


@jit
def _above(field, tops, least):
    """Bit patterns of the values of a field from `least` (> 0) on, (n,) uint32."""
    rows = field.view(np.uint32).reshape(-1, field.shape[2])
    out = np.empty(field.size + 1, np.uint32)
    lowest = np.full(1, least, np.float32).view(np.uint32)[0]
    n = 0
    for r in range(tops.size):
        if tops[r] >= least:
            for x in range(rows.shape[1]):
                out[n] = rows[r, x]
                n += rows[r, x] >= lowest
    return out[:n]


@jit
def _ranked(bits, wanted):
    """The `wanted`-th highest of bit patterns (n,) uint32, which are lost, byte by byte; n is at least `wanted`."""
    counts = np.empty(256, np.int64)
    left, n = wanted, bits.size
    for shift in (np.uint32(24), np.uint32(16), np.uint32(8), np.uint32(0)):
        counts[:] = 0
        for i in range(n):
            counts[(bits[i] >> shift) & np.uint32(255)] += 1
        place = 255
        while left > counts[place]:
            left -= counts[place]
            place -= 1
        m = 0
        for i in range(n):
            one = bits[i]
            bits[m] = one
            m += (one >> shift) & np.uint32(255) == place
        n = m
    return bits[0]


@jit
def _rank_level(field, tops, wanted):
    """The `wanted`-th highest value of a field (Z,Y,X) float32 without negatives, whose rows' highest are `tops`."""
    if field.size > COPIED_VOXELS:
        return _counted_level(field, wanted)
    bits = _above(field, tops, HALF_INSIDE)
    if bits.size < wanted:
        bits = _above(field, tops, np.float32(1e-45))
    if bits.size < wanted:
        return np.float32(0)
    return np.full(1, _ranked(bits, wanted), np.uint32).view(np.float32)[0]


@jit
def _counted_level(field, wanted):
    """`_rank_level` by counting the halves of the bits.

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
    tops = _row_tops(field)
    level = _rank_level(field, tops, wanted)
    above = max(level + alike_within, np.float32(0))
    rows = field.reshape(-1, field.shape[2])
    out = np.zeros(field.shape, np.uint8)
    marks = out.reshape(-1, field.shape[2])
    taken = alike = 0
    for r in range(tops.size):
        if level - tops[r] > alike_within:
            continue  # all of the row is lower by more
        for x in range(rows.shape[1]):
            mark = rows[r, x] > above
            marks[r, x] = mark
            taken += mark
            alike += abs(rows[r, x] - level) <= alike_within and rows[r, x] > 0
    lacking = wanted - taken
    every = none = False
    if 0 < lacking <= alike:
        every = min(lacking, alike - lacking) > worst * wanted
        none = not every and 2 * lacking < alike
    if none:
        return out
    seen = chosen = 0
    for r in range(tops.size):
        if level - tops[r] > alike_within:
            continue
        for x in range(rows.shape[1]):
            if abs(rows[r, x] - level) <= alike_within and rows[r, x] > 0:
                if not every:
                    marks[r, x] = 1
                elif chosen < lacking and seen == chosen * alike // lacking:
                    marks[r, x] = 1
                    chosen += 1
                seen += 1
    return out
