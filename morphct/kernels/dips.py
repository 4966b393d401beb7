"""Voids as dips of grey below the particle's plateau: plateau sums, dip heights, growth and integrals of dips."""

import numpy as np

from .jit import jit


@jit
def dip_planes(codes, depths, plateau, block, z0):
    """Depth of each voxel below the plateau, round(p) - code; 0 where code or depth class is 0 (outside, no particle).

    codes: (Z,Y,X) uint16, the planes from z0 of the volume; depths: (Z,Y,X) uint8; plateau: (BZ,BY,BX) float32 at the
    centres of blocks of `block` voxels, interpolated trilinearly. Returns (Z,Y,X) int32.
    """
    nz, ny, nx = codes.shape
    bz, by, bx = plateau.shape
    out = np.zeros((nz, ny, nx), np.int32)
    row = np.empty(bx, np.float32)
    inverse = np.float32(1.0 / block)
    half = np.float32(0.5)
    for z in range(nz):
        at = min(max((np.float32(z0 + z) + half) * inverse - half, np.float32(0)), np.float32(bz - 1))
        za = int(at)
        zb, wz = min(za + 1, bz - 1), at - np.float32(za)
        for y in range(ny):
            inside = depths[z, y]
            some = np.uint8(0)
            for x in range(nx):
                some |= inside[x]
            if some == 0:
                continue
            at = min(max((np.float32(y) + half) * inverse - half, np.float32(0)), np.float32(by - 1))
            ya = int(at)
            yb, wy = min(ya + 1, by - 1), at - np.float32(ya)
            for b in range(bx):
                low = plateau[za, ya, b] + wy * (plateau[za, yb, b] - plateau[za, ya, b])
                high = plateau[zb, ya, b] + wy * (plateau[zb, yb, b] - plateau[zb, ya, b])
                row[b] = low + wz * (high - low)
            for x in range(nx):
                code = codes[z, y, x]
                if code == 0 or inside[x] == 0:
                    continue
                at = min(max((np.float32(x) + half) * inverse - half, np.float32(0)), np.float32(bx - 1))
                xa = int(at)
                xb = min(xa + 1, bx - 1)
                level = row[xa] + (at - np.float32(xa)) * (row[xb] - row[xa])
                out[z, y, x] = np.int32(level + half) - np.int32(code)
    return out


@jit
def block_sums(codes, use, block, z0):
    """Sums of codes and counts over blocks of the voxels with use != 0.

    codes (Z,Y,X) uint16 from plane z0; use (Z,Y,X) uint8. Returns (first block plane, sums int64, counts int64).
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
            for x in range(nx):
                if use[z, y, x]:
                    bx = x // block
                    sums[bz, by, bx] += codes[z, y, x]
                    counts[bz, by, bx] += 1
    return first, sums, counts


@jit
def dip_statistics(dips, use, owned, width, bins):
    """Histogram of dips and sums of squared neighbour differences over voxels with use != 0.

    dips (Z,Y,X) int32, use (Z,Y,X) uint8; planes below `owned` are counted, the rest is halo for pairs along z.
    Bins of `width` codes, centred on 0, outliers left out. Returns (bins,) int64, (3,) int64 sums, (3,) int64 pairs.
    """
    nz, ny, nx = dips.shape
    counts = np.zeros(bins, np.int64)
    squares = np.zeros(3, np.int64)
    pairs = np.zeros(3, np.int64)
    middle = bins // 2
    for z in range(owned):
        for y in range(ny):
            for x in range(nx):
                if use[z, y, x] == 0:
                    continue
                dip = dips[z, y, x]
                b = middle + (dip + (width // 2 if dip >= 0 else -(width // 2))) // width
                if 0 <= b < bins:
                    counts[b] += 1
                if z + 1 < nz and use[z + 1, y, x]:
                    d = np.int64(dips[z + 1, y, x] - dip)
                    squares[0] += d * d
                    pairs[0] += 1
                if y + 1 < ny and use[z, y + 1, x]:
                    d = np.int64(dips[z, y + 1, x] - dip)
                    squares[1] += d * d
                    pairs[1] += 1
                if x + 1 < nx and use[z, y, x + 1]:
                    d = np.int64(dips[z, y, x + 1] - dip)
                    squares[2] += d * d
                    pairs[2] += 1
    return counts, squares, pairs


@jit
def nearest_void(ids, candidates, offsets, first, last):
    """Id of the nearest void voxel for each candidate voxel; 0 where none is within reach.

    ids (Z,Y,X) int32 with halo planes; candidates (last-first,Y,X) uint8 for planes first..last of ids; offsets (K,3)
    int64 sorted by distance (ties by raster order). Returns (last-first,Y,X) int32.
    """
    nz, ny, nx = ids.shape
    out = np.zeros((last - first, ny, nx), np.int32)
    for z in range(first, last):
        for y in range(ny):
            for x in range(nx):
                if candidates[z - first, y, x] == 0:
                    continue
                for k in range(offsets.shape[0]):
                    zz, yy, xx = z + offsets[k, 0], y + offsets[k, 1], x + offsets[k, 2]
                    if zz < 0 or zz >= nz or yy < 0 or yy >= ny or xx < 0 or xx >= nx:
                        continue
                    if ids[zz, yy, xx] != 0:
                        out[z - first, y, x] = ids[zz, yy, xx]
                        break
    return out


@jit
def dip_profiles(ids, dips, full, integrals, profile):
    """Integral of the dip and histogram of the dip by void, in place.

    ids, dips (Z,Y,X) int32; integrals (V+1,) int64; profile (V+1,B) int64: bin b holds voxels with dip in [b, b+1)/B of
    `full` (negative dips are left out, deeper ones in the last bin).
    """
    flat, depth = ids.reshape(-1), dips.reshape(-1)
    bins = profile.shape[1]
    for i in range(flat.size):
        void = flat[i]
        if void == 0:
            continue
        dip = np.int64(depth[i])
        integrals[void] += dip
        if dip > 0:
            profile[void, min(dip * bins // full, bins - 1)] += 1


@jit
def keep_deeper(ids, dips, levels):
    """Set ids to 0 where the dip is below its void's level, in place; ids, dips (Z,Y,X) int32, levels (V+1,) int32."""
    flat, depth = ids.reshape(-1), dips.reshape(-1)
    for i in range(flat.size):
        void = flat[i]
        if void != 0 and depth[i] < levels[void]:
            flat[i] = 0


@jit
def owner_pairs(voids, labels):
    """(void id, label) of each void voxel in raster order, runs counted once: (N,3) int64 void, label, voxels."""
    flat, owner = voids.reshape(-1), labels.reshape(-1)
    capacity = 1024
    out = np.empty((capacity, 3), np.int64)
    n = 0
    for i in range(flat.size):
        if flat[i] == 0:
            continue
        if n > 0 and out[n - 1, 0] == flat[i] and out[n - 1, 1] == owner[i]:
            out[n - 1, 2] += 1
            continue
        if n == capacity:
            capacity *= 2
            grown = np.empty((capacity, 3), np.int64)
            grown[:n] = out[:n]
            out = grown
        out[n, 0], out[n, 1], out[n, 2] = flat[i], owner[i], 1
        n += 1
    return out[:n].copy()
