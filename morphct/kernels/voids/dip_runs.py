"""What dips claim, by runs of few voxels (`kernels.run_lists`): their depths, growth, integrals, nearest void, owner.

Dips of voxels are listed in the order of the runs.
"""

import numpy as np

from ..flagged import any_set
from ..jit import jit
from ..run_lists import Runs, grown
from .dips import blocks_along, plateau_level, plateau_line


@jit
def _nearest(ids, place, offsets, steps, inner):
    """The first id that is not 0 at a place (z, y, x) and the offsets from it; 0: none.

    steps (K,) int64: the offsets in the flat array; inner: whether they all stay within it.
    """
    z, y, x = place
    nz, ny, nx = ids.shape
    flat, at = ids.reshape(-1), (z * ny + y) * nx + x
    if inner:
        for k in range(steps.size):
            found = flat[at + steps[k]]
            if found != 0:
                return found
        return flat[at]
    for k in range(steps.size):
        zz, yy, xx = z + offsets[k, 0], y + offsets[k, 1], x + offsets[k, 2]
        if zz < 0 or zz >= nz or yy < 0 or yy >= ny or xx < 0 or xx >= nx:
            continue
        found = flat[at + steps[k]]
        if found != 0:
            return found
    return flat[at]


@jit
def nearest_void(ids, candidates, offsets, core):
    """Runs of the candidates with the id of the nearest voxel that has one, as far as one is within reach.

    ids (Z,Y,X) int32, 0 = none, with a halo of the reach; candidates uint8 0/1 of the core z0, z1, y0, y1; offsets
    (K,3) int64 sorted by distance (ties by raster order), the first one 0 0 0. Runs (see `Runs`) are of the core.
    """
    nz, ny, nx = ids.shape
    rows = np.zeros(candidates.shape[0] * candidates.shape[1] + 1, np.int64)
    starts, ends, held = np.empty(64, np.int32), np.empty(64, np.int32), np.empty(64, np.int32)
    steps = (offsets[:, 0] * ny + offsets[:, 1]) * nx + offsets[:, 2]
    far_z, far_y, far_x = offsets[:, 0].max(), offsets[:, 1].max(), offsets[:, 2].max()
    n, r = np.int64(0), 0
    for z in range(core[0], core[1]):
        for y in range(core[2], core[3]):
            asked = candidates[z - core[0], y - core[2]]
            r += 1
            if any_set(asked):
                inner = z >= far_z and z < nz - far_z and y >= far_y and y < ny - far_y
                if n + nx > starts.size:
                    starts, ends, held = grown(starts, nx), grown(ends, nx), grown(held, nx)
                for x in range(nx):
                    if asked[x] == 0:
                        continue
                    found = ids[z, y, x]
                    if found == 0:
                        found = _nearest(ids, (z, y, x), offsets, steps, inner and far_x <= x and x < nx - far_x)
                    if found == 0:
                        continue
                    if n > rows[r - 1] and ends[n - 1] == x and held[n - 1] == found:
                        ends[n - 1] = x + 1
                    else:
                        starts[n], ends[n], held[n] = x, x + 1, found
                        n += 1
            rows[r] = n
    shape = np.array((core[1] - core[0], core[3] - core[2], nx))
    return Runs(shape, rows, starts[:n].copy(), ends[:n].copy(), held[:n].copy(), np.int64(0))


@jit
def out_of_reach(runs, taken, offsets, at):
    """Runs of the voxels of runs without any of `taken` within reach, all with id 1.

    taken (Z,Y,X), 0 = none, holds the runs' block from its plane and row `at` on, with a halo of the reach; offsets as
    in `nearest_void`.
    """
    nz, ny, nx = taken.shape
    rows = np.zeros(runs.rows.size, np.int64)
    starts, ends, n = np.empty(64, np.int32), np.empty(64, np.int32), np.int64(0)
    for r in range(runs.rows.size - 1):
        z, y = r // runs.shape[1] + at[0], r % runs.shape[1] + at[1]
        if n + nx > starts.size:
            starts, ends = grown(starts, nx), grown(ends, nx)
        for k in range(runs.rows[r], runs.rows[r + 1]):
            for x in range(runs.starts[k], runs.ends[k]):
                free = True
                for o in range(offsets.shape[0]):
                    zz, yy, xx = z + offsets[o, 0], y + offsets[o, 1], x + offsets[o, 2]
                    if zz < 0 or zz >= nz or yy < 0 or yy >= ny or xx < 0 or xx >= nx:
                        continue
                    if taken[zz, yy, xx] != 0:
                        free = False
                        break
                if free and n > rows[r] and ends[n - 1] == x:
                    ends[n - 1] = x + 1
                elif free:
                    starts[n], ends[n] = x, x + 1
                    n += 1
        rows[r + 1] = n
    return Runs(runs.shape, rows, starts[:n].copy(), ends[:n].copy(), np.ones(n, np.int32), np.int64(1))


@jit
def dips_of(runs, codes, at, plateau, block, corner):
    """Dips (see `flat_core`) of the voxels of runs, in the order of the runs, (N,) int32.

    codes (Z,Y,X) uint16, from the plane and row `corner` of the volume on; the runs' block begins at its plane and row
    `at`.
    """
    total = np.int64(0)
    for i in range(runs.starts.size):
        total += runs.ends[i] - runs.starts[i]
    out = np.empty(total, np.int32)
    nz, ny, nx = codes.shape
    row = np.empty(plateau.shape[2], np.float32)
    z0, y0 = corner
    z_at, z_weight = blocks_along(z0 + nz, plateau.shape[0], block)
    y_at, y_weight = blocks_along(y0 + ny, plateau.shape[1], block)
    x_at, x_weight = blocks_along(nx, plateau.shape[2], block)
    n = 0
    for r in range(runs.rows.size - 1):
        if runs.rows[r] == runs.rows[r + 1]:
            continue
        z, y = r // runs.shape[1] + at[0], r % runs.shape[1] + at[1]
        plateau_line(plateau, (z_at[z0 + z], z_weight[z0 + z]), (y_at[y0 + y], y_weight[y0 + y]), row)
        code = codes[z, y]
        for i in range(runs.rows[r], runs.rows[r + 1]):
            for x in range(runs.starts[i], runs.ends[i]):
                real = code[x] != 0
                out[n] = plateau_level(row, x_at[x], x_weight[x]) - np.int32(code[x]) if real else np.int32(0)
                n += 1
    return out


@jit
def peaks_of(runs, dips, peaks):
    """peaks[i] = max(peaks[i], dip) over the voxels of component i of runs, in place; dips as from `dips_of`."""
    n = 0
    for i in range(runs.starts.size):
        component = runs.ids[i]
        for _ in range(runs.starts[i], runs.ends[i]):
            peaks[component] = max(peaks[component], dips[n])
            n += 1


@jit
def dip_profiles(runs, dips, full, integrals, profile):
    """Integral of the dip and histogram of the dip by component of runs, in place; dips as from `dips_of`.

    integrals (V,) int64; profile (V,B) int64: bin b holds voxels with dip in [b, b+1)/B of `full` (negative dips are
    left out, deeper ones in the last bin).
    """
    bins, n = profile.shape[1], 0
    for i in range(runs.starts.size):
        void = runs.ids[i]
        for _ in range(runs.starts[i], runs.ends[i]):
            dip = np.int64(dips[n])
            integrals[void] += dip
            if dip > 0:
                profile[void, min(dip * bins // full, bins - 1)] += 1
            n += 1


@jit
def deeper(runs, dips, levels):
    """The runs of those voxels whose dip reaches the level of their component; levels (V,) int32, dips as `dips_of`."""
    rows = np.zeros(runs.rows.size, np.int64)
    starts, ends, ids = np.empty(64, np.int32), np.empty(64, np.int32), np.empty(64, np.int32)
    n, at = np.int64(0), 0
    for r in range(runs.rows.size - 1):
        if n + runs.shape[2] > starts.size:
            room = np.int64(runs.shape[2])
            starts, ends, ids = grown(starts, room), grown(ends, room), grown(ids, room)
        for i in range(runs.rows[r], runs.rows[r + 1]):
            level, within = levels[runs.ids[i]], False
            for x in range(runs.starts[i], runs.ends[i]):
                if dips[at] < level:
                    within = False
                elif within:
                    ends[n - 1] = x + 1
                else:
                    starts[n], ends[n], ids[n], within = x, x + 1, runs.ids[i], True
                    n += 1
                at += 1
        rows[r + 1] = n
    return Runs(runs.shape, rows, starts[:n].copy(), ends[:n].copy(), ids[:n].copy(), runs.n)


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
