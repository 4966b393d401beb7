"""Voids as dips of grey below the particle's plateau: plateau sums, dip heights, seeds, statistics of dips."""

import numpy as np

from ..flagged import any_set
from ..jit import jit


@jit
def blocks_along(n, blocks, block):
    """Where the voxels of an axis lie between block centres: first block (n,) int64 and weight of the next float32."""
    before, weight = np.empty(n, np.int64), np.empty(n, np.float32)
    inverse = np.float32(1.0 / block)
    half = np.float32(0.5)
    for i in range(n):
        at = min(max((np.float32(i) + half) * inverse - half, np.float32(0)), np.float32(blocks - 1))
        before[i] = int(at)
        weight[i] = at - np.float32(before[i])
    return before, weight


@jit
def plateau_line(plateau, place_z, place_y, row):
    """Plateau along a row of voxels at the block centres, into row (BX,) float32; places: (first block, weight)."""
    (za, wz), (ya, wy) = place_z, place_y
    zb, yb = min(za + 1, plateau.shape[0] - 1), min(ya + 1, plateau.shape[1] - 1)
    for b in range(len(row)):
        low = plateau[za, ya, b] + wy * (plateau[za, yb, b] - plateau[za, ya, b])
        high = plateau[zb, ya, b] + wy * (plateau[zb, yb, b] - plateau[zb, ya, b])
        row[b] = low + wz * (high - low)


@jit
def plateau_level(row, before, weight):
    """Plateau of one voxel of a row, rounded."""
    after = min(before + 1, len(row) - 1)
    return np.int32(row[before] + weight * (row[after] - row[before]) + np.float32(0.5))


@jit
def _runs(before):
    """Where runs of voxels between the same blocks start, and the end of the row; (R+1,) int64."""
    starts = [0]
    for x in range(1, len(before)):
        if before[x] != before[x - 1]:
            starts.append(x)
    starts.append(len(before))
    return np.array(starts)


@jit
def _levels(row, runs, before, weight, out):
    """Rounded plateau of all voxels of a row, into out (X,) int32, a run at a time so that it is vectorised."""
    for k in range(len(runs) - 1):
        block = before[runs[k]]
        low, step = row[block], row[min(block + 1, len(row) - 1)] - row[block]
        for x in range(runs[k], runs[k + 1]):
            out[x] = np.int32(low + weight[x] * step + np.float32(0.5))


@jit
def flat_core(codes, depths, core, plateau, block, corner, limits, out):
    """Mark the voxels of depth class `core`: 1 flat (|dip| < limits[0], code not 0), 2 deep (dip > limits[1]), else 0.

    The dip is the depth below the plateau, round(p) - code; 0 where the code is 0 (outside).  codes: (Z,Y,X) uint16,
    from the plane and row `corner` of the volume on; depths: (Z,Y,X) uint8; plateau: (BZ,BY,BX) float32 at the centres
    of the volume's blocks of `block` voxels, interpolated trilinearly; limits: (2,) int64.  Written: out, two arrays:
    dips (Z,Y,X) int32, or int16 when the limit of flat ones fits, in rows with a voxel marked only, and marks (Z,Y,X)
    uint8, zeros before.
    Returns whether any is deep.
    """
    dips, marks = out
    nz, ny, nx = codes.shape
    row, level = np.empty(plateau.shape[2], np.float32), np.empty(nx, np.int32)
    z0, y0 = corner
    z_at, z_weight = blocks_along(z0 + nz, plateau.shape[0], block)
    y_at, y_weight = blocks_along(y0 + ny, plateau.shape[1], block)
    x_at, x_weight = blocks_along(nx, plateau.shape[2], block)
    runs = _runs(x_at)
    flat, deep = np.int32(limits[0]), np.int32(limits[1])
    found = np.uint8(0)
    for z in range(nz):
        for y in range(ny):
            inside, code, dip, mark = depths[z, y], codes[z, y], dips[z, y], marks[z, y]
            some = False
            for x in range(nx):
                some |= inside[x] == core
            if not some:
                continue
            plateau_line(plateau, (z_at[z0 + z], z_weight[z0 + z]), (y_at[y0 + y], y_weight[y0 + y]), row)
            _levels(row, runs, x_at, x_weight, level)
            for x in range(nx):
                d = level[x] - np.int32(code[x])
                real = (inside[x] == core) & (code[x] != 0)
                dip[x] = d
                m = np.uint8(real & (d < flat) & (d > -flat)) | (np.uint8(real & (d > deep)) << np.uint8(1))
                mark[x] = m
                found |= m
    return found > 1


@jit
def seeds(codes, depths, core, plateau, block, corner, bars, out):
    """Mark the voxels of depth class `core` by the bars their dip (see `flat_core`) is above: 1 the first, 3 both.

    bars: two integers >= 0, the higher one last. Arrays as in `flat_core`; written: out (Z,Y,X) uint8, zeros before.
    Returns whether there are any.
    """
    nz, ny, nx = codes.shape
    row, level = np.empty(plateau.shape[2], np.float32), np.empty(nx, np.int32)
    z0, y0 = corner
    z_at, z_weight = blocks_along(z0 + nz, plateau.shape[0], block)
    y_at, y_weight = blocks_along(y0 + ny, plateau.shape[1], block)
    x_at, x_weight = blocks_along(nx, plateau.shape[2], block)
    runs = _runs(x_at)
    bar, second = np.int32(bars[0]), np.int32(bars[1])
    found = np.uint8(0)
    for z in range(nz):
        for y in range(ny):
            inside, code, target = depths[z, y], codes[z, y], out[z, y]
            some = False
            for x in range(nx):
                some |= inside[x] == core
            if not some:
                continue
            plateau_line(plateau, (z_at[z0 + z], z_weight[z0 + z]), (y_at[y0 + y], y_weight[y0 + y]), row)
            _levels(row, runs, x_at, x_weight, level)
            for x in range(nx):
                d = level[x] - np.int32(code[x])
                real = (inside[x] == core) & (code[x] != 0)
                m = np.uint8(real & (d > bar)) | (np.uint8(real & (d > second)) << np.uint8(1))
                target[x] = m
                found |= m
    return found > 0


@jit
def block_sums(codes, use, block, corner):
    """Sums of codes and counts over the volume's blocks of the voxels with use 1.

    codes (Z,Y,X) uint16 from the plane and row `corner` on; use (Z,Y,X) uint8 0/1. Returns the first plane and row of
    blocks, sums int64 and counts int64; blocks that the brick cuts hold a part.
    """
    nz, ny, nx = codes.shape
    z0, y0 = corner
    first, left = z0 // block, y0 // block
    shape = ((z0 + nz - 1) // block - first + 1, (y0 + ny - 1) // block - left + 1, (nx + block - 1) // block)
    sums = np.zeros(shape, np.int64)
    counts = np.zeros(shape, np.int64)
    for z in range(nz):
        bz = (z0 + z) // block - first
        for y in range(ny):
            by = (y0 + y) // block - left
            code, used = codes[z, y], use[z, y]
            for bx in range(shape[2]):
                total, n = np.int64(0), np.int64(0)
                for x in range(bx * block, min(nx, (bx + 1) * block)):
                    total += np.int64(code[x]) if used[x] else np.int64(0)
                    n += np.int64(used[x])
                sums[bz, by, bx] += total
                counts[bz, by, bx] += n
    return first, left, sums, counts


@jit
def _add_pairs(one, other, use_one, use_other, axis, squares, pairs):
    total, n = np.int64(0), np.int64(0)
    for x in range(one.size):
        both = use_one[x] & use_other[x]
        d = np.int64(one[x]) - np.int64(other[x])
        total += d * d if both else np.int64(0)
        n += np.int64(both)
    squares[axis] += total
    pairs[axis] += n


@jit
def dip_statistics(dips, use, owned, width, bins):
    """Histogram of dips and sums of squared neighbour differences over voxels with use 1.

    dips (Z,Y,X) int32, use (Z,Y,X) uint8 0/1; the planes and rows below `owned` (2,) are counted, the rest is halo for
    pairs along z and y.
    Bins of `width` codes, centred on 0, outliers left out. Returns (bins,) int64, (3,) int64 sums, (3,) int64 pairs.
    """
    nz, ny, nx = dips.shape
    counts = np.zeros(bins, np.int64)
    squares = np.zeros(3, np.int64)
    pairs = np.zeros(3, np.int64)
    middle = bins // 2
    for z in range(owned[0]):
        for y in range(owned[1]):
            line, used = dips[z, y], use[z, y]
            if not any_set(used):
                continue
            if z + 1 < nz:
                _add_pairs(line, dips[z + 1, y], used, use[z + 1, y], 0, squares, pairs)
            if y + 1 < ny:
                _add_pairs(line, dips[z, y + 1], used, use[z, y + 1], 1, squares, pairs)
            _add_pairs(line[: nx - 1], line[1:], used[: nx - 1], used[1:], 2, squares, pairs)
            for x in range(nx):
                if used[x]:
                    dip = line[x]
                    b = middle + (dip + (width // 2 if dip >= 0 else -(width // 2))) // width
                    if 0 <= b < bins:
                        counts[b] += 1
    return counts, squares, pairs
