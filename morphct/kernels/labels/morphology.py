"""Dilation by balls on 0/1 bricks, and the facts of labelled components (sizes, first voxels, faces reached)."""

import numpy as np

from ..flagged import any_set, places, room, run_starts
from ..jit import jit


def ball_half_widths(radius: float, relative: tuple[float, float, float]) -> np.ndarray:
    """Half widths along x of the lattice ball of a radius, by (dz, dy).

    Parameters
    ----------
    radius : float
        In units of the shortest voxel edge.
    relative : tuple of float
        (z, y, x) voxel edges over the shortest one.

    Returns
    -------
    (2 Rz + 1, 2 Ry + 1) int64 array, -1 where the ball has no voxel.
    """
    reach_z, reach_y = int(radius / relative[0] + 1e-9), int(radius / relative[1] + 1e-9)
    half = np.full((2 * reach_z + 1, 2 * reach_y + 1), -1, np.int64)
    for dz in range(-reach_z, reach_z + 1):
        for dy in range(-reach_y, reach_y + 1):
            rest = radius**2 - (dz * relative[0]) ** 2 - (dy * relative[1]) ** 2
            if rest >= -1e-9:
                half[dz + reach_z, dy + reach_y] = int(np.sqrt(max(rest, 0.0)) / relative[2] + 1e-9)
    return half


@jit
def _row_distance(row, widest, out):
    """How far the nearest voxel of a row with row != 0 is, into out (X,) uint8; 255: farther than `widest`.

    Returns whether there is any. The loops are over bytes without branches, which the compiler vectorises.
    """
    nx = len(row)
    some = np.uint8(0)
    for x in range(nx):
        out[x] = np.uint8(0) if row[x] else np.uint8(255)
        some |= np.uint8(row[x] != 0)
    if some == 0:
        return False
    for shift in range(1, min(widest, nx - 1) + 1):
        step = np.uint8(shift)
        for x in range(nx - shift):
            out[x] = min(out[x], step if row[x + shift] else np.uint8(255))
        for x in range(shift, nx):
            out[x] = min(out[x], step if row[x - shift] else np.uint8(255))
    return True


@jit
def _within(away, filled, half, z, y, target):
    """Set target (X,) uint8 to 1 where the ball `half` around a voxel of row (z, y) holds one with distance rows.

    away (Z,Y,X) uint8 and filled (Z,Y) bool as from `_row_distance`.
    """
    nz, ny, nx = away.shape
    reach_z, reach_y = half.shape[0] // 2, half.shape[1] // 2
    for zz in range(max(0, z - reach_z), min(nz, z + reach_z + 1)):
        for yy in range(max(0, y - reach_y), min(ny, y + reach_y + 1)):
            width = half[zz - z + reach_z, yy - y + reach_y]
            if width < 0 or not filled[zz, yy]:
                continue
            row, limit = away[zz, yy], np.uint8(width)
            for x in range(nx):
                target[x] |= np.uint8(row[x] <= limit)


@jit
def _distances(planes, half, core, widest):
    """Row distances (see `_row_distance`) of what a ball `half` can reach from the core of an array (Z,Y,X).

    Returns away (Z,Y,X) uint8, filled (Z,Y) bool, and where in the array they begin: plane and row.
    """
    nz, ny, nx = planes.shape
    reach_z, reach_y = half.shape[0] // 2, half.shape[1] // 2
    z0, z1 = max(0, core[0] - reach_z), min(nz, core[1] + reach_z)
    y0, y1 = max(0, core[2] - reach_y), min(ny, core[3] + reach_y)
    away, filled = np.empty((z1 - z0, y1 - y0, nx), np.uint8), np.empty((z1 - z0, y1 - y0), np.bool_)
    for z in range(z0, z1):
        for y in range(y0, y1):
            filled[z - z0, y - y0] = _row_distance(planes[z, y], widest, away[z - z0, y - y0])
    return away, filled, z0, y0


@jit
def dilate(mask, half, core):
    """The core of the dilation of `mask` (Z,Y,X) uint8 0/1 by the ball `half` (see ball_half_widths).

    core: z0, z1, y0, y1 of the array; the rest is halo. Voxels beyond the array count as 0; half widths are below 255.
    Returns (z1 - z0, y1 - y0, X) uint8.
    """
    away, filled, low, left = _distances(mask, half, core, half.max())
    out = np.zeros((core[1] - core[0], core[3] - core[2], mask.shape[2]), np.uint8)
    for z in range(core[0], core[1]):
        for y in range(core[2], core[3]):
            _within(away, filled, half, z - low, y - left, out[z - core[0], y - core[2]])
    return out


@jit
def depth_classes(background, near, far, core):
    """The core of 0 for background (Z,Y,X) uint8 0/1, else 1, and 1 more for each ball without any background.

    near, far: balls as for `dilate`, `far` no smaller than `near` along z and y. core: z0, z1, y0, y1 of the array.
    Returns (z1 - z0, y1 - y0, X) uint8.
    """
    nx = background.shape[2]
    away, filled, low, left = _distances(background, far, core, max(near.max(), far.max()))
    out = np.zeros((core[1] - core[0], core[3] - core[2], nx), np.uint8)
    close, reached = np.empty(nx, np.uint8), np.empty(nx, np.uint8)
    for z in range(core[0], core[1]):
        for y in range(core[2], core[3]):
            close[:] = 0
            reached[:] = 0
            _within(away, filled, near, z - low, y - left, close)
            _within(away, filled, far, z - low, y - left, reached)
            target, row = out[z - core[0], y - core[2]], background[z, y]
            for x in range(nx):
                target[x] = np.uint8(3) - row[x] - close[x] - reached[x]
    return out


@jit
def component_facts(labels, count, ends):
    """Size, first voxel (raster index in this block) and faces of the volume reached of each label.

    labels: (Z,Y,X) unsigned, 0 = none, ids up to `count`. ends: whether the first and last plane, first and last row
    of the block are faces of the whole volume (those in x always are). Returns (count+1,) int64, int64 (-1: none) and
    uint8, bits 1 and 2 for the first and last plane of the volume, 4 and 8 for its first and last row, 16 and 32 for
    the ends of rows.
    """
    nz, ny, nx = labels.shape
    sizes = np.zeros(count + 1, np.int64)
    first = np.full(count + 1, -1, np.int64)
    faces = np.zeros(count + 1, np.uint8)
    marks, edges = room(nx + 1)
    for z in range(nz):
        side_z = (1 if z == 0 and ends[0] else 0) | (2 if z == nz - 1 and ends[1] else 0)
        for y in range(ny):
            side = side_z | (4 if y == 0 and ends[2] else 0) | (8 if y == ny - 1 and ends[3] else 0)
            row, start = labels[z, y], np.int64(0)
            base = (z * ny + y) * nx
            run_starts(row, marks)
            marks[nx] = 1  # the end of the row closes the last run
            for i in range(places(marks, edges)):
                end, label = edges[i], row[start]
                if label != 0:
                    sizes[label] += end - start
                    if first[label] < 0:
                        first[label] = base + start
                    faces[label] |= np.uint8(side | (16 if start == 0 else 0) | (32 if end == nx else 0))
                start = end
    return sizes, first, faces


@jit
def face_pairs(below, above, reach):
    """Pairs of labels that meet across a cut, (Y,X) or (Z,X) on either side; reach 0: 6-connected, 1: 26-connected.

    Consecutive repeats are left out; the rest may hold duplicates. Returns (N,2) int64.
    """
    ny, nx = below.shape
    capacity = 1024
    pairs = np.empty((capacity, 2), np.int64)
    n = 0
    last_a, last_b = np.int64(-1), np.int64(-1)
    for y in range(ny):
        for x in range(nx):
            a = np.int64(below[y, x])
            if a == 0:
                continue
            for dy in range(-reach, reach + 1):
                if y + dy < 0 or y + dy >= ny:
                    continue
                for dx in range(-reach, reach + 1):
                    if x + dx < 0 or x + dx >= nx:
                        continue
                    b = np.int64(above[y + dy, x + dx])
                    if b == 0 or (a == last_a and b == last_b):
                        continue
                    if n == capacity:
                        capacity *= 2
                        grown = np.empty((capacity, 2), np.int64)
                        grown[:n] = pairs[:n]
                        pairs = grown
                    pairs[n, 0], pairs[n, 1] = a, b
                    n += 1
                    last_a, last_b = a, b
    return pairs[:n].copy()


@jit
def renumber(labels, table):
    """labels = table[labels] in place, but for 0; labels (Z,Y,X) integers from 0, table (N+1,)."""
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            row = labels[z, y]
            if any_set(row):
                for x in range(row.size):
                    if row[x] != 0:
                        row[x] = table[row[x]]


@jit
def lay_over(labels, table, out):
    """out = table[labels] where that is not 0, in place; labels (Z,Y,X) unsigned, table (N+1,); 0 stays as it is."""
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            row, target = labels[z, y], out[z, y]
            if any_set(row):
                for x in range(row.size):
                    if row[x] != 0 and table[row[x]] != 0:
                        target[x] = table[row[x]]


@jit
def clear(chosen, out):
    """out = 0 where chosen (Z,Y,X) is not 0, in place; returns how many voxels that are."""
    count = 0
    for z in range(chosen.shape[0]):
        for y in range(chosen.shape[1]):
            row, target = chosen[z, y], out[z, y]
            if any_set(row):
                for x in range(row.size):
                    if row[x]:
                        target[x] = 0
                        count += 1
    return count


@jit
def fill_pieces(planes, first, ids, corners, largest, out):
    """Write ids[k] to the piece of `planes` (Z,Y,X) uint8 0/1 that holds the voxel first[k], for every k.

    Pieces are connected by faces, with `corners` by edges and corners too. first (K,) int64 raster indices of distinct
    pieces; ids (K,) not 0; largest: voxels of the largest of them; out (Z,Y,X): zeros before.
    """
    nz, ny, nx = planes.shape
    stack = np.empty(max(1, largest), np.int64)
    solid, target = planes.reshape(-1), out.reshape(-1)
    for k in range(len(first)):
        stack[0], n = first[k], 1
        target[first[k]] = ids[k]
        while n > 0:
            n -= 1
            i = stack[n]
            z, rest = i // (ny * nx), i % (ny * nx)
            y, x = rest // nx, rest % nx
            for zz in range(max(0, z - 1), min(nz, z + 2)):
                for yy in range(max(0, y - 1), min(ny, y + 2)):
                    steps = (zz != z) + (yy != y)
                    if steps == 2 and not corners:
                        continue
                    reach = 1 if steps == 0 or corners else 0
                    for xx in range(max(0, x - reach), min(nx, x + reach + 1)):
                        j = (zz * ny + yy) * nx + xx
                        if solid[j] and not target[j]:
                            target[j] = ids[k]
                            stack[n] = j
                            n += 1


@jit
def pocket_walls(ids, labels, at, ends, low, high, faces):
    """What bounds each id: smallest and largest label over its faces, faces with labels, faces of the volume; in place.

    ids (Z,Y,X); labels: the same block from the plane and row `at` on, with a halo of one where the volume goes on;
    ends (4,): whether the first and last plane, first and last row of `labels` are faces of the volume (those in x
    are). low, high (N+1,) int64, to be started at the largest int64 and at 0; faces (N+1, 2) int64.
    """
    nz, ny, nx = labels.shape
    for k in range(ids.shape[0]):
        for j in range(ids.shape[1]):
            row = ids[k, j]
            if not any_set(row):
                continue
            z, y = k + at[0], j + at[1]
            for x in range(nx):
                i = row[x]
                if i == 0:
                    continue
                for axis in range(3):
                    for side in (-1, 1):
                        zz = z + side if axis == 0 else z
                        yy = y + side if axis == 1 else y
                        xx = x + side if axis == 2 else x
                        if xx < 0 or xx >= nx:
                            faces[i, 1] += 1
                        elif zz < 0 or zz >= nz or yy < 0 or yy >= ny:
                            faces[i, 1] += ends[2 * axis + (side > 0)]
                        else:
                            label = np.int64(labels[zz, yy, xx])
                            if label != 0:
                                low[i] = min(low[i], label)
                                high[i] = max(high[i], label)
                                faces[i, 0] += 1


@jit
def touching_runs(ids, labels, core):
    """(id, label or 0, faces) of voxels without id that share a face with a voxel of an id; runs counted once.

    ids, labels (Z,Y,X): the same voxels, core z0, z1, y0, y1 is looked at, the rest is halo, where any id does. Returns
    (N,3) int64.
    """
    nz, ny, nx = ids.shape
    capacity = 1024
    out = np.empty((capacity, 3), np.int64)
    n = 0
    for z in range(core[0], core[1]):
        for y in range(core[2], core[3]):
            if not any_set(ids[z, y]):
                continue
            for x in range(nx):
                i = np.int64(ids[z, y, x])
                if i == 0:
                    continue
                for axis in range(3):
                    for side in (-1, 1):
                        zz = z + side if axis == 0 else z
                        yy = y + side if axis == 1 else y
                        xx = x + side if axis == 2 else x
                        if zz < 0 or zz >= nz or yy < 0 or yy >= ny or xx < 0 or xx >= nx:
                            continue
                        label = np.int64(labels[zz, yy, xx])
                        if ids[zz, yy, xx] != 0:
                            continue
                        if n > 0 and out[n - 1, 0] == i and out[n - 1, 1] == label:
                            out[n - 1, 2] += 1
                            continue
                        if n == capacity:
                            capacity *= 2
                            grown = np.empty((capacity, 3), np.int64)
                            grown[:n] = out[:n]
                            out = grown
                        out[n, 0], out[n, 1], out[n, 2] = i, label, 1
                        n += 1
    return out[:n].copy()
