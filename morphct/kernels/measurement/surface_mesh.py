"""Area and volume of the level surface of a blurred occupancy, cell by cell, without ever building a mesh.

The blur is done plane by plane and only the cells that a level in a band can cut are kept, so a crop costs its own
bytes once more (uint8) and about 36 bytes for a cell of its skin.
"""

from __future__ import annotations

import math

import numpy as np

from ..jit import jit
from .contour_table import EDGE_ENDS, polygon_table

POLYGONS = polygon_table()


def gaussian_weights(sigma: float) -> np.ndarray:
    """Weights of a sampled Gaussian cut at 4 sigma, sum 1.

    Parameters
    ----------
    sigma : float
        In voxels.

    Returns
    -------
    (2 R + 1,) float32, R = 4 sigma rounded.
    """
    reach = int(4 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return (weights / weights.sum()).astype(np.float32)


@jit
def occupied_rows(mask, rows):
    """Mark in `rows` (Z,Y) uint8 the rows of `mask` (Z,Y,X) uint8 that hold anything."""
    depth, height, width = mask.shape
    for z in range(depth):
        for y in range(height):
            any_voxel = np.uint8(0)
            for x in range(width):
                any_voxel |= mask[z, y, x]
            rows[z, y] = any_voxel


@jit
def blur_plane(mask, rows, weights, z, scratch, out):
    """One plane of the separable Gaussian of a 0/1 crop, zero outside the crop.

    `scratch` (Y+1, X + 2R) float32: its last row is a zero-margined line that must start as zeros. `out` (Y,X) float32
    is overwritten. Rows without anything near are skipped, which changes no bit (they would add exact zeros).
    """
    depth, height, width = mask.shape
    reach = weights.size // 2
    line = scratch[height]
    filled = np.zeros(height, np.bool_)
    for y in range(height):
        first = True
        for k in range(-reach, reach + 1):
            if z + k < 0 or z + k >= depth or rows[z + k, y] == 0:
                continue
            weight = weights[k + reach]
            if first:
                for x in range(width):
                    scratch[y, x] = weight * np.float32(mask[z + k, y, x])
                first = False
            else:
                for x in range(width):
                    scratch[y, x] += weight * np.float32(mask[z + k, y, x])
        filled[y] = not first
    for y in range(height):
        first = True
        for k in range(-reach, reach + 1):
            if y + k < 0 or y + k >= height or not filled[y + k]:
                continue
            weight = weights[k + reach]
            if first:
                for x in range(width):
                    line[reach + x] = weight * scratch[y + k, x]
                first = False
            else:
                for x in range(width):
                    line[reach + x] += weight * scratch[y + k, x]
        if first:
            for x in range(width):
                out[y, x] = 0
            continue
        for x in range(width):
            out[y, x] = weights[0] * line[x]
        for k in range(1, 2 * reach + 1):
            for x in range(width):
                out[y, x] += weights[k] * line[x + k]


@jit
def blurred(mask, weights):
    """The separable Gaussian of a 0/1 crop (Z,Y,X) uint8, zero outside it -> (Z,Y,X) float32."""
    depth, height, width = mask.shape
    rows = np.empty((depth, height), np.uint8)
    occupied_rows(mask, rows)
    scratch = np.zeros((height + 1, width + weights.size - 1), np.float32)
    out = np.empty((depth, height, width), np.float32)
    for z in range(depth):
        blur_plane(mask, rows, weights, z, scratch, out[z])
    return out


@jit
def _classify(plane, low, high, kind):
    """kind = 1 where above `low`, 2 where below `high`, 3 both: a cell holding both bits can be cut by the band."""
    height, width = plane.shape
    for y in range(height):
        for x in range(width):
            kind[y, x] = np.uint8(plane[y, x] > low) | np.uint8(np.uint8(plane[y, x] < high) << 1)


@jit
def _mark_cells(kind0, kind1, marks):
    """Write the cells of a layer that the band can cut to `marks` (y * X + x); return how many."""
    height, width = kind0.shape
    column = np.empty(width, np.uint8)
    n = 0
    for y in range(height - 1):
        seen = np.uint8(0)
        for x in range(width):
            column[x] = kind0[y, x] | kind0[y + 1, x] | kind1[y, x] | kind1[y + 1, x]
        for x in range(width):
            seen |= column[x]
        if seen != 3:
            continue
        for x in range(width - 1):
            if (column[x] | column[x + 1]) == 3:
                marks[n] = y * width + x
                n += 1
    return n


@jit
def skin_cells(mask, weights, low, high):
    """The 2x2x2 cells of the blurred crop that a level in (low, high) may cut.

    Parameters
    ----------
    mask : (Z,Y,X) uint8, 0 or 1, with a margin of zeros at least one wider than the blur reaches (not checked).
    weights : (2R+1,) float32, `gaussian_weights`.
    low, high : float32.

    Returns
    -------
    corners : (n, 8) float32, values at corner i = (z, y, x) bits.
    layers : (n,) float32, z of the cell (the volume needs no other coordinate).
    """
    depth, height, width = mask.shape
    rows = np.empty((depth, height), np.uint8)
    occupied_rows(mask, rows)
    scratch = np.zeros((height + 1, width + weights.size - 1), np.float32)
    planes = np.empty((2, height, width), np.float32)
    kinds = np.empty((2, height, width), np.uint8)
    marks = np.empty(height * width, np.int64)
    corners = np.empty((1024, 8), np.float32)
    layers = np.empty(1024, np.float32)
    n = 0
    blur_plane(mask, rows, weights, 0, scratch, planes[0])
    _classify(planes[0], low, high, kinds[0])
    for z in range(depth - 1):
        a, b = z & 1, (z + 1) & 1
        blur_plane(mask, rows, weights, z + 1, scratch, planes[b])
        _classify(planes[b], low, high, kinds[b])
        m = _mark_cells(kinds[a], kinds[b], marks)
        if n + m > layers.size:
            size = max(2 * layers.size, n + m)
            more = np.empty((size, 8), np.float32)
            more[:n] = corners[:n]
            corners = more
            longer = np.empty(size, np.float32)
            longer[:n] = layers[:n]
            layers = longer
        for k in range(m):
            y = marks[k] // width
            x = marks[k] - y * width
            for c in range(8):
                corners[n, c] = planes[b if c & 4 else a, y + (c >> 1 & 1), x + (c & 1)]
            layers[n] = z
            n += 1
    return corners[:n], layers[:n]


@jit
def field_cells(field, low, high):
    """`skin_cells` of a field (Z,Y,X) float32 that is there already, and where the cells are.

    Returns
    -------
    corners : (n, 8) float32; layers : (n,) float32; places : (n,) int64, flat indices of the cells' first corners.
    """
    depth, height, width = field.shape
    kinds = np.empty((2, height, width), np.uint8)
    marks = np.empty(height * width, np.int64)
    places = np.empty(1024, np.int64)
    n = 0
    _classify(field[0], low, high, kinds[0])
    for z in range(depth - 1):
        _classify(field[z + 1], low, high, kinds[(z + 1) & 1])
        m = _mark_cells(kinds[z & 1], kinds[(z + 1) & 1], marks)
        if n + m > places.size:
            longer = np.empty(max(2 * places.size, n + m), np.int64)
            longer[:n] = places[:n]
            places = longer
        for k in range(m):
            places[n] = z * height * width + marks[k]
            n += 1
    flat = field.reshape(-1)
    corners = np.empty((n, 8), np.float32)
    layers = np.empty(n, np.float32)
    for i in range(n):
        for c in range(8):
            corners[i, c] = flat[places[i] + (c >> 2) * height * width + (c >> 1 & 1) * width + (c & 1)]
        layers[i] = places[i] // (height * width)
    return corners, layers, places[:n]


@jit
def level_area(corners, layers, level, spacing, table):
    """Area and volume of the level surface.

    Parameters
    ----------
    corners, layers : from `skin_cells`.
    level : float
    spacing : (3,) float64, z, y, x.
    table : (256, 17) int8, `POLYGONS`.

    Returns
    -------
    area : in spacing squared, volume : in voxels (sum of z times the z part of the normals, by Gauss).
    """
    point = np.empty((12, 3))
    area = 0.0
    volume = 0.0
    scale0, scale1, scale2 = spacing[1] * spacing[2], spacing[0] * spacing[2], spacing[0] * spacing[1]
    for i in range(layers.size):
        case = 0
        for c in range(8):
            case |= (1 << c) if corners[i, c] > level else 0
        at = 0
        while table[case, at] > 0:
            n = table[case, at]
            mz = my = mx = 0.0
            for j in range(n):
                e = table[case, at + 1 + j]
                a, b = EDGE_ENDS[e, 0], EDGE_ENDS[e, 1]
                t = (level - corners[i, a]) / (corners[i, b] - corners[i, a])
                point[j, 0] = (a >> 2 & 1) + t * ((b >> 2 & 1) - (a >> 2 & 1))
                point[j, 1] = (a >> 1 & 1) + t * ((b >> 1 & 1) - (a >> 1 & 1))
                point[j, 2] = (a & 1) + t * ((b & 1) - (a & 1))
                mz += point[j, 0]
                my += point[j, 1]
                mx += point[j, 2]
            at += n + 1
            fan = n
            if n == 3:  # one triangle: the fan's middle is its first corner
                mz, my, mx, fan = point[2, 0], point[2, 1], point[2, 2], 1
            else:
                mz, my, mx = mz / n, my / n, mx / n
            for j in range(fan):
                k = j + 1 if j + 1 < n else 0
                uz, uy, ux = point[j, 0] - mz, point[j, 1] - my, point[j, 2] - mx
                vz, vy, vx = point[k, 0] - mz, point[k, 1] - my, point[k, 2] - mx
                nz, ny, nx = uy * vx - ux * vy, ux * vz - uz * vx, uz * vy - uy * vz
                volume += nz * (layers[i] * 0.5 + (mz + point[j, 0] + point[k, 0]) / 6.0)
                nz, ny, nx = nz * scale0, ny * scale1, nx * scale2
                area += 0.5 * math.sqrt(nz * nz + ny * ny + nx * nx)
    return area, abs(volume)


@jit
def volume_level(corners, layers, voxels, band, spacing, table, tolerance):
    """Find the level whose surface encloses `voxels`: one Newton step, then secants kept inside a shrinking bracket.

    `band` (2,) float64 is the range of levels that `corners` can answer for. The volume falls as the level rises, so
    the bracket is sound. The last step, below `tolerance`, is taken linearly and not evaluated again.

    Returns
    -------
    area : in spacing squared; level; the level is at an end of the band when the band does not hold it.
    """
    low, high = band[0], band[1]
    level = 0.5 * (low + high)
    area, volume = level_area(corners, layers, level, spacing, table)
    # the gradient of a blurred flat edge is 1 / (.6 sqrt(2 pi)); area in voxels is not at hand with other spacings
    cube = (spacing[0] * spacing[1] * spacing[2]) ** (2.0 / 3.0)
    following = 0.5 * (low + high) if area <= 0.0 else level + (volume - voxels) * 0.62 * cube / area
    for _ in range(60):
        if volume > voxels:
            low = level
        else:
            high = level
        if not (low < following < high):
            following = 0.5 * (low + high)
        new_area, new_volume = level_area(corners, layers, following, spacing, table)
        slope = (new_volume - volume) / (following - level)
        if slope < 0.0 and new_area > 0.0 and area > 0.0:
            step = (voxels - new_volume) / slope
        else:
            step = 1.0
        if abs(step) < tolerance:
            return new_area + (new_area - area) / (following - level) * step, following + step
        if high - low < 1e-6:
            return new_area, following
        level, area, volume = following, new_area, new_volume
        following = level + step
    return area, level
