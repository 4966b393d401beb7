"""Voids as dips of grey below the particle's plateau: plateau sums, dip heights, growth and integrals of dips."""

import numpy as np

from ..flagged import any_set
from ..jit import jit


@jit
def _along(n, blocks, block):
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
def _line(plateau, place_z, place_y, row):
    """Plateau along a row of voxels at the block centres, into row (BX,) float32; places: (first block, weight)."""
    (za, wz), (ya, wy) = place_z, place_y
    zb, yb = min(za + 1, plateau.shape[0] - 1), min(ya + 1, plateau.shape[1] - 1)
    for b in range(len(row)):
        low = plateau[za, ya, b] + wy * (plateau[za, yb, b] - plateau[za, ya, b])
        high = plateau[zb, ya, b] + wy * (plateau[zb, yb, b] - plateau[zb, ya, b])
        row[b] = low + wz * (high - low)


@jit
def _level(row, before, weight):
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
def flat_core(codes, depths, core, plateau, block, z0, limits, out):
    """Mark the voxels of depth class `core`: 1 flat (|dip| < limits[0], code not 0), 2 deep (dip > limits[1]), else 0.

    The dip is the depth below the plateau, round(p) - code; 0 where the code is 0 (outside).  codes: (Z,Y,X) uint16,
    the planes from z0 of the volume; depths: (Z,Y,X) uint8; plateau: (BZ,BY,BX) float32 at the centres of blocks of
    `block` voxels, interpolated trilinearly; limits: (2,) int64.  Written: out, two arrays: dips (Z,Y,X) int32,
    or int16 when the limit of flat ones fits, in rows with a voxel marked only, and marks (Z,Y,X) uint8, zeros before.
    Returns whether any is deep.
    """
    dips, marks = out
    nz, ny, nx = codes.shape
    row, level = np.empty(plateau.shape[2], np.float32), np.empty(nx, np.int32)
    z_at, z_weight = _along(z0 + nz, plateau.shape[0], block)
    y_at, y_weight = _along(ny, plateau.shape[1], block)
    x_at, x_weight = _along(nx, plateau.shape[2], block)
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
            _line(plateau, (z_at[z0 + z], z_weight[z0 + z]), (y_at[y], y_weight[y]), row)
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
def seeds(codes, depths, core, plateau, block, z0, least, out):
    """Voxels of depth class `core` whose dip (see `flat_core`) is above `least`, an integer >= 0.

    Arrays as in `flat_core`; written: out (Z,Y,X) uint8, zeros before.  Returns whether there are any.
    """
    nz, ny, nx = codes.shape
    row, level = np.empty(plateau.shape[2], np.float32), np.empty(nx, np.int32)
    z_at, z_weight = _along(z0 + nz, plateau.shape[0], block)
    y_at, y_weight = _along(ny, plateau.shape[1], block)
    x_at, x_weight = _along(nx, plateau.shape[2], block)
    runs = _runs(x_at)
    bar = np.int32(least)
    found = np.uint8(0)
    for z in range(nz):
        for y in range(ny):
            inside, code, target = depths[z, y], codes[z, y], out[z, y]
            some = False
            for x in range(nx):
                some |= inside[x] == core
            if not some:
                continue
            _line(plateau, (z_at[z0 + z], z_weight[z0 + z]), (y_at[y], y_weight[y]), row)
            _levels(row, runs, x_at, x_weight, level)
            for x in range(nx):
                m = np.uint8((inside[x] == core) & (code[x] != 0) & (level[x] - np.int32(code[x]) > bar))
                target[x] = m
                found |= m
    return found > 0


@jit
def block_sums(codes, use, block, z0):
    """Sums of codes and counts over blocks of the voxels with use 1.

    codes (Z,Y,X) uint16 from plane z0; use (Z,Y,X) uint8 0/1. Returns (first block plane, sums int64, counts int64).
    """
    nz, ny, nx = codes.shape
    first = z0 // block
    last = (z0 + nz - 1) // block
    shape = (last - first + 1, (ny + block - 1) // block, (nx + block - 1) // block)
    sums = np.zeros(shape, np.int64)
    counts = np.zeros(shape, np.int64)
    for z in range(nz):
        bz = (z0 + z) // block - first
        for y in range(ny):
            by = y // block
            code, used = codes[z, y], use[z, y]
            for bx in range(shape[2]):
                total, n = np.int64(0), np.int64(0)
                for x in range(bx * block, min(nx, (bx + 1) * block)):
                    total += np.int64(code[x]) if used[x] else np.int64(0)
                    n += np.int64(used[x])
                sums[bz, by, bx] += total
                counts[bz, by, bx] += n
    return first, sums, counts


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

    dips (Z,Y,X) int32, use (Z,Y,X) uint8 0/1; planes below `owned` are counted, the rest is halo for pairs along z.
    Bins of `width` codes, centred on 0, outliers left out. Returns (bins,) int64, (3,) int64 sums, (3,) int64 pairs.
    """
    nz, ny, nx = dips.shape
    counts = np.zeros(bins, np.int64)
    squares = np.zeros(3, np.int64)
    pairs = np.zeros(3, np.int64)
    middle = bins // 2
    for z in range(owned):
        for y in range(ny):
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


@jit
def nearest_void(ids, cores, candidates, offsets, first, last, out):
    """Write the id of the nearest core voxel to each candidate that is within reach of one.

    ids (Z,Y,X) int32, to be trusted where cores (Z,Y,X) uint8 0/1 are, with halo planes; candidates (last-first,Y,X)
    uint8 for planes first..last of ids; offsets (K,3) int64 sorted by distance (ties by raster order). out
    (last-first,Y,X) int32: ids of these planes, or the very same memory; cores keep theirs.
    """
    nz, ny, nx = ids.shape
    for z in range(first, last):
        for y in range(ny):
            asked, target = candidates[z - first, y], out[z - first, y]
            if not any_set(asked):
                continue
            for x in range(nx):
                if asked[x] == 0 or cores[z, y, x] != 0:
                    continue
                for k in range(offsets.shape[0]):
                    zz, yy, xx = z + offsets[k, 0], y + offsets[k, 1], x + offsets[k, 2]
                    if zz < 0 or zz >= nz or yy < 0 or yy >= ny or xx < 0 or xx >= nx:
                        continue
                    if cores[zz, yy, xx] != 0:
                        target[x] = ids[zz, yy, xx]
                        break


@jit
def dips_of(ids, codes, plateau, block, z0):
    """Where the voxels with an id are, flat and in raster order, and their dips (see `flat_core`).

    ids (Z,Y,X) integers, codes (Z,Y,X) uint16 from plane z0 of the volume.  Returns (N,) int64 and (N,) int32.
    """
    nz, ny, nx = codes.shape
    filled, n = np.zeros((nz, ny), np.bool_), 0
    for z in range(nz):
        for y in range(ny):
            line, count = ids[z, y], np.int32(0)
            for x in range(nx):
                count += np.int32(line[x] != 0)
            filled[z, y] = count > 0
            n += count
    places, out = np.empty(n, np.int64), np.empty(n, np.int32)
    row = np.empty(plateau.shape[2], np.float32)
    z_at, z_weight = _along(z0 + nz, plateau.shape[0], block)
    y_at, y_weight = _along(ny, plateau.shape[1], block)
    x_at, x_weight = _along(nx, plateau.shape[2], block)
    n = 0
    for z in range(nz):
        for y in range(ny):
            if not filled[z, y]:
                continue
            _line(plateau, (z_at[z0 + z], z_weight[z0 + z]), (y_at[y], y_weight[y]), row)
            line, code = ids[z, y], codes[z, y]
            for x in range(nx):
                if line[x] == 0:
                    continue
                real = code[x] != 0
                out[n] = _level(row, x_at[x], x_weight[x]) - np.int32(code[x]) if real else np.int32(0)
                places[n] = (z * ny + y) * nx + x
                n += 1
    return places, out


@jit
def peaks_of(ids, places, dips, peaks):
    """peaks[i] = max(peaks[i], dip) over the voxels of i, in place; places and dips as from `dips_of`."""
    flat = ids.reshape(-1)
    for n in range(places.size):
        i = flat[places[n]]
        peaks[i] = max(peaks[i], dips[n])


@jit
def dip_profiles(ids, places, dips, full, integrals, profile):
    """Integral of the dip and histogram of the dip by void, in place.

    ids (Z,Y,X) int32, places and dips as from `dips_of`; integrals (V+1,) int64; profile (V+1,B) int64: bin b holds
    voxels with dip in [b, b+1)/B of `full` (negative dips are left out, deeper ones in the last bin).
    """
    bins, flat = profile.shape[1], ids.reshape(-1)
    for n in range(places.size):
        void, dip = flat[places[n]], np.int64(dips[n])
        integrals[void] += dip
        if dip > 0:
            profile[void, min(dip * bins // full, bins - 1)] += 1


@jit
def keep_deeper(ids, places, dips, levels):
    """Set ids (Z,Y,X) to 0 where the dip (see `dips_of`) is below its void's level (V+1,) int32, in place."""
    flat = ids.reshape(-1)
    for n in range(places.size):
        if dips[n] < levels[flat[places[n]]]:
            flat[places[n]] = 0


@jit
def mark_deeper(ids, places, dips, levels, out):
    """Set out (Z,Y,X) uint8 to 1 where the dip (see `dips_of`) reaches its void's level (V+1,) int32, in place."""
    flat, target = ids.reshape(-1), out.reshape(-1)
    for n in range(places.size):
        if dips[n] >= levels[flat[places[n]]]:
            target[places[n]] = 1


@jit
def owner_pairs(voids, labels):
    """(void id, label) of each void voxel in raster order, runs counted once: (N,3) int64 void, label, voxels."""
    capacity = 1024
    out = np.empty((capacity, 3), np.int64)
    n = 0
    for z in range(voids.shape[0]):
        for y in range(voids.shape[1]):
            line, owner = voids[z, y], labels[z, y]
            if not any_set(line):
                continue
            for x in range(line.size):
                if line[x] == 0:
                    continue
                if n > 0 and out[n - 1, 0] == line[x] and out[n - 1, 1] == owner[x]:
                    out[n - 1, 2] += 1
                    continue
                if n == capacity:
                    capacity *= 2
                    grown = np.empty((capacity, 3), np.int64)
                    grown[:n] = out[:n]
                    out = grown
                out[n, 0], out[n, 1], out[n, 2] = line[x], owner[x], 1
                n += 1
    return out[:n].copy()
