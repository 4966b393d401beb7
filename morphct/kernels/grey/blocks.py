"""Passes over a brick of codes: histograms of flat places, sums over 8^3 blocks, comparison with a local level.

All sums are integers, so bricks may be added in any order. Code 0 is outside the scanned body: never counted.
"""

from typing import NamedTuple

import numpy as np

from ..jit import jit

BLOCK_VOXELS = 8
COUNT_SHIFT_BITS = 23  # sums of 64 codes stay below this bit, counts of 64 voxels above it within 32 bits
ONE = np.int32(1 << COUNT_SHIFT_BITS)


class Span(NamedTuple):
    """The part wanted of a brick with halo, and where the brick lies.

    core: planes z0 to z1 and rows y0 to y1 of the array. origin: plane and row of the volume that its first voxel is.
    """

    core: tuple[int, int, int, int]
    origin: tuple[int, int]


class Flatness(NamedTuple):
    """How the squared grey gradient is weighed, in codes: sum of w (difference over two voxels)^2 along z, y, x.

    `limit` is the largest value that counts as flat, `noise` what noise alone gives on average.
    """

    wz: np.float32
    wy: np.float32
    wx: np.float32
    limit: np.float32
    noise: np.float32


class Level(NamedTuple):
    """A coarse map in grey values, one value a block of 8^3, and what turns grey values into codes.

    `level` (and `gap`, the local contrast): (z, y, x) float32; code = grey * gain + shift.
    """

    level: np.ndarray
    gap: np.ndarray
    gain: np.float32
    shift: np.float32


@jit
def _squared_gradient(row, up, down, north, south, flatness, out):
    wz, wy, wx = flatness.wz, flatness.wy, flatness.wx
    n = row.size
    before, behind, middle = row[: n - 2], row[2:], out[1 : n - 1]
    for x in range(n):
        dz = np.float32(down[x]) - np.float32(up[x])
        dy = np.float32(south[x]) - np.float32(north[x])
        out[x] = wz * dz * dz + wy * dy * dy
    for x in range(n - 2):
        dx = np.float32(behind[x]) - np.float32(before[x])
        middle[x] += wx * dx * dx
    if n > 1:
        for a, b in ((0, 1), (n - 1, n - 2)):
            dx = np.float32(row[a]) - np.float32(row[b])
            out[a] += wx * dx * dx


@jit
def _spoil_near_outside(row, up, down, north, south, out):
    n = row.size
    for x in range(n):
        a, b = max(x - 1, 0), min(x + 1, n - 1)
        if min(min(min(row[x], row[a]), min(row[b], up[x])), min(min(down[x], north[x]), south[x])) == 0:
            out[x] = np.inf


@jit
def gradient_row(codes, z, y, flatness, holes, out):
    """Weighted squared gradient of one row; infinite where the voxel or a neighbour is outside (`holes`: any are)."""
    nz, ny, _ = codes.shape
    row, up, down = codes[z, y], codes[max(z - 1, 0), y], codes[min(z + 1, nz - 1), y]
    north, south = codes[z, max(y - 1, 0)], codes[z, min(y + 1, ny - 1)]
    _squared_gradient(row, up, down, north, south, flatness, out)
    if holes:
        _spoil_near_outside(row, up, down, north, south, out)


@jit
def gradients(codes, flatness, out):
    """Weighted squared gradient of every voxel of (Z, Y, X) codes into float32 `out`; ends are repeated."""
    for z in range(codes.shape[0]):
        for y in range(codes.shape[1]):
            gradient_row(codes, z, y, flatness, True, out[z, y])


@jit
def _count_row(row, slope, bins, limit, tables):
    """Count the voxels of a row by flatness and bin, into one of two tables (2, 2, bins) int32 in turn.

    A counter that was just raised cannot be raised again for some cycles, and neighbours often share one.
    """
    one, other = tables[0], tables[1]
    for x in range(0, row.size - 1, 2):
        a, b = np.uint64(x), np.uint64(x + 1)
        one[np.uint64(slope[a] <= limit), bins[row[a]]] += np.int32(1)
        other[np.uint64(slope[b] <= limit), bins[row[b]]] += np.int32(1)
    if row.size & 1:
        a = np.uint64(row.size - 1)
        one[np.uint64(slope[a] <= limit), bins[row[a]]] += np.int32(1)


@jit
def _add_tables(tables, counts):
    """Add both tables of _count_row to counts (2, bins) int64 and clear them."""
    for i in range(counts.shape[0]):
        for j in range(counts.shape[1]):
            counts[i, j] += np.int64(tables[0, i, j]) + np.int64(tables[1, i, j])
            tables[0, i, j] = tables[1, i, j] = 0


@jit
def count_codes(codes, span, shape, bins, flatness, holes, counts):
    """Histograms of the octants of a volume, flat voxels and others apart.

    Parameters
    ----------
    codes : (Z, Y, X) uint16
        The brick with a halo of one voxel in z and y where the volume goes on.
    span : Span
        What to count.
    shape : (int, int)
        Planes and rows of the whole volume.
    bins : (65536,) uint16
        Bin of each code; the last bin is for code 0.
    flatness : Flatness
    holes : bool
        Whether the brick has voxels outside.
    counts : (8, 2, bins) int64
        Added to: octant (z, y, x halves), not flat or flat, bin.
    """
    (z0, z1, y0, y1), (depth, rows), nx = span.core, shape, codes.shape[2]
    slope = np.empty(nx, np.float32)
    half = nx // 2
    near_x = np.zeros((2, 2, counts.shape[2]), np.int32)
    far_x = np.zeros_like(near_x)
    for z in range(z0, z1):
        far = 2 * (span.origin[0] + z) >= depth
        for y in range(y0, y1):
            gradient_row(codes, z, y, flatness, holes, slope)
            _count_row(codes[z, y, :half], slope[:half], bins, flatness.limit, near_x)
            _count_row(codes[z, y, half:], slope[half:], bins, flatness.limit, far_x)
            row = span.origin[1] + y
            if y + 1 == y1 or (2 * row < rows <= 2 * row + 2):
                octant = 4 * np.int64(far) + 2 * np.int64(2 * row >= rows)
                _add_tables(near_x, counts[octant])
                _add_tables(far_x, counts[octant + 1])


@jit
def extremes(grey):
    """Least and largest value of an array without NaN and how many voxels hold each: (least, n, largest, n)."""
    flat = grey.reshape(-1)
    low, high = flat[0], flat[0]
    for i in range(flat.size):
        low = min(low, flat[i])
        high = max(high, flat[i])
    n_low, n_high = 0, 0
    for i in range(flat.size):
        n_low += flat[i] == low
        n_high += flat[i] == high
    return low, n_low, high, n_high


@jit
def _coarse_row(coarse, z, y, out):
    """Bilinear in z and y: the row of the coarse map at plane z and row y of the volume."""
    nz, ny, _ = coarse.shape
    step = np.float32(1) / np.float32(BLOCK_VOXELS)
    half = np.float32(0.5)
    u = min(max((np.float32(z) + half) * step - half, np.float32(0)), np.float32(nz - 1))
    v = min(max((np.float32(y) + half) * step - half, np.float32(0)), np.float32(ny - 1))
    i, j = int(u), int(v)
    p, q = min(i + 1, nz - 1), min(j + 1, ny - 1)
    a, b = u - np.float32(i), v - np.float32(j)
    r00, r01, r10, r11 = coarse[i, j], coarse[i, q], coarse[p, j], coarse[p, q]
    for x in range(out.size):
        low = r00[x] + b * (r01[x] - r00[x])
        high = r10[x] + b * (r11[x] - r10[x])
        out[x] = low + a * (high - low)


@jit
def level_row(level, z, y, coarse, out):
    """Local level of one row in codes, trilinear between block centres, constant beyond the outermost ones.

    `coarse` is work space for one row of blocks; its end is extended by a repeated value.
    """
    nx, n = out.size, coarse.size - 1
    _coarse_row(level.level, z, y, coarse[:n])
    for i in range(n):
        coarse[i] = coarse[i] * level.gain + level.shift
    coarse[n] = coarse[n - 1]
    for x in range(min(BLOCK_VOXELS // 2, nx)):
        out[x] = coarse[0]
    for i in range(n):
        a, step = coarse[i], (coarse[i + 1] - coarse[i]) * np.float32(1 / BLOCK_VOXELS)
        x0 = BLOCK_VOXELS * i + BLOCK_VOXELS // 2
        if x0 + BLOCK_VOXELS <= nx:
            part = out[x0 : x0 + BLOCK_VOXELS]
            for k in range(BLOCK_VOXELS):
                part[k] = a + step * np.float32(k + 0.5)
        else:
            for x in range(x0, nx):
                out[x] = a + step * np.float32(x - x0 + 0.5)


@jit
def _sum_row(row, slope, level, limit, low, high):
    """Add ONE + code of each flat voxel of a row below the level to low (X,) int32, above it to high.

    Returns how many are above, flat or not.
    """
    above = np.int32(0)
    for x in range(row.size):
        code = np.int32(row[x])
        over = (np.float32(row[x]) >= level[x]) & (code > 0)
        flat = (slope[x] <= limit) & (code > 0)
        v = code + ONE if flat else np.int32(0)
        above += np.int32(over)
        low[x] += np.int32(0) if over else np.int32(v)
        high[x] += np.int32(v) if over else np.int32(0)
    return np.int64(above)


@jit
def _reduce(line, sums, counts):
    """Add what _sum_row left in line (X,) of up to BLOCK_VOXELS rows to the blocks (B,) int32 along x; clears it."""
    for b in range(sums.size):
        total = np.int32(0)
        part = line[b * BLOCK_VOXELS : min(line.size, (b + 1) * BLOCK_VOXELS)]
        for x in range(part.size):
            total += part[x]
            part[x] = 0
        sums[b] += np.int32(total & np.int32(ONE - 1))
        counts[b] += np.int32(total >> COUNT_SHIFT_BITS)


@jit
def _slope_row(row, slope, level, gap, noise, slopes):
    """Histogram of gradient over local contrast where the grey is within a tenth of the contrast of the level."""
    n, top = row.size, slopes.size - 1
    for b in range((n + BLOCK_VOXELS - 1) // BLOCK_VOXELS):
        width, some = gap[b], False
        first, last = b * BLOCK_VOXELS, min(n, (b + 1) * BLOCK_VOXELS)
        near, edge = np.float32(0.1) * width, slope[first:last]
        code, middle = row[first:last], level[first:last]
        for x in range(code.size):
            some |= abs(np.float32(code[x]) - middle[x]) < near
        if not some:
            continue
        for x in range(code.size):
            if abs(np.float32(code[x]) - middle[x]) < near and edge[x] < np.float32(np.inf):
                s = np.sqrt(max(edge[x] - noise, np.float32(0))) / width
                slopes[min(int(s * np.float32(slopes.size)), top)] += 1


@jit
def sum_blocks(codes, span, level, flatness, holes, sums, counts, slopes):
    """Sums and counts of flat voxels above and below the local level, by blocks of 8^3 of the volume.

    Parameters
    ----------
    codes : (Z, Y, X) uint16
        The brick with a halo of one voxel in z and y where the volume goes on.
    span : Span
        What to sum.
    level : Level
        The whole coarse map.
    flatness : Flatness
    holes : bool
        Whether the brick has voxels outside.
    sums : (2, blocks z, blocks y, blocks x) int32
        Added to; its first block along z and y is the one that holds the first voxel wanted; [1] above the level, [0]
        below.
    counts : the same, int32
    slopes : (n,) int64
        Added to: histogram over 0..1 of gradient / contrast of the voxels at the level; not wanted when n is 0.

    Returns
    -------
    int
        Voxels at or above the level.
    """
    (z0, z1, y0, y1), (low_z, low_y), nx = span.core, span.origin, codes.shape[2]
    slope, local = np.empty(nx, np.float32), np.empty(nx, np.float32)
    coarse = np.empty(level.level.shape[2] + 1, np.float32)
    gap = np.empty(level.level.shape[2], np.float32)
    low, high = np.zeros(nx, np.int32), np.zeros(nx, np.int32)
    above = 0
    first_z, first_y = (low_z + z0) // BLOCK_VOXELS, (low_y + y0) // BLOCK_VOXELS
    for i in range(z0, z1):
        z = low_z + i
        bz = z // BLOCK_VOXELS - first_z
        for j in range(y0, y1):
            y = low_y + j
            by = y // BLOCK_VOXELS - first_y
            gradient_row(codes, i, j, flatness, holes, slope)
            level_row(level, z, y, coarse, local)
            above += _sum_row(codes[i, j], slope, local, flatness.limit, low, high)
            if y % BLOCK_VOXELS == BLOCK_VOXELS - 1 or j == y1 - 1:
                _reduce(low, sums[0, bz, by], counts[0, bz, by])
                _reduce(high, sums[1, bz, by], counts[1, bz, by])
            if slopes.size:
                _scale_gap(level.gap[z // BLOCK_VOXELS, y // BLOCK_VOXELS], level.gain, gap)
                _slope_row(codes[i, j], slope, local, gap, flatness.noise, slopes)
    return above


@jit
def _scale_gap(row, gain, out):
    for x in range(row.size):
        out[x] = row[x] * gain


@jit
def _compare_row(row, level, out):
    for x in range(row.size):
        out[x] = np.uint8((np.float32(row[x]) >= level[x]) & (row[x] > 0))


@jit
def above_level(codes, origin, level, out):
    """1 where a code lies at or above the local level, else 0 (and 0 outside).

    Parameters
    ----------
    codes : (Z, Y, X) uint16
    origin : (int, int)
        Plane and row of the volume that the first voxel is.
    level : Level
        The whole coarse map.
    out : (Z, Y, X) uint8
        Written.
    """
    local = np.empty(codes.shape[2], np.float32)
    coarse = np.empty(level.level.shape[2] + 1, np.float32)
    for z in range(codes.shape[0]):
        for y in range(codes.shape[1]):
            level_row(level, origin[0] + z, origin[1] + y, coarse, local)
            _compare_row(codes[z, y], local, out[z, y])
