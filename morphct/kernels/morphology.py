"""Dilation by balls on 0/1 planes, and the facts of labelled components (sizes, first voxels, faces reached)."""

import numpy as np

from .jit import jit


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
def dilate(mask, half, first, last):
    """Planes `first` to `last` of the dilation of `mask` (Z,Y,X) uint8 0/1 by the ball `half` (see ball_half_widths).

    Voxels beyond the array count as 0. The inner loops are byte ORs of shifted rows, which the compiler vectorises.
    Returns (last - first, Y, X) uint8.
    """
    nz, ny, nx = mask.shape
    reach_z, reach_y = half.shape[0] // 2, half.shape[1] // 2
    out = np.zeros((last - first, ny, nx), np.uint8)
    filled = np.zeros((nz, ny), np.uint8)  # rows with anything in them
    for z in range(max(0, first - reach_z), min(nz, last + reach_z)):
        for y in range(ny):
            row = mask[z, y]
            some = np.uint8(0)
            for x in range(nx):
                some |= row[x]
            filled[z, y] = some
    for z in range(first, last):
        for y in range(ny):
            target = out[z - first, y]
            for dz in range(-reach_z, reach_z + 1):
                if z + dz < 0 or z + dz >= nz:
                    continue
                for dy in range(-reach_y, reach_y + 1):
                    width = half[dz + reach_z, dy + reach_y]
                    if width < 0 or y + dy < 0 or y + dy >= ny or filled[z + dz, y + dy] == 0:
                        continue
                    row = mask[z + dz, y + dy]
                    for x in range(nx):
                        target[x] |= row[x]
                    for shift in range(1, min(width, nx - 1) + 1):
                        for x in range(nx - shift):
                            target[x] |= row[x + shift]
                        for x in range(shift, nx):
                            target[x] |= row[x - shift]
    return out


@jit
def component_facts(labels, count, at_bottom, at_top):
    """Size, first voxel (raster index in this block) and faces of the volume reached of each label.

    labels: (Z,Y,X) unsigned, 0 = none, ids up to `count`. `at_bottom`/`at_top`: whether the first/last plane is a face
    of the whole volume (the y and x faces always are). Returns (count+1,) int64, int64 (-1: none) and uint8, bits 1 and
    2 for the first and last plane of the volume, 4 and 8 for its first and last row, 16 and 32 for the ends of rows.
    """
    nz, ny, nx = labels.shape
    sizes = np.zeros(count + 1, np.int64)
    first = np.full(count + 1, -1, np.int64)
    faces = np.zeros(count + 1, np.uint8)
    for z in range(nz):
        side_z = (1 if z == 0 and at_bottom else 0) | (2 if z == nz - 1 and at_top else 0)
        for y in range(ny):
            side = side_z | (4 if y == 0 else 0) | (8 if y == ny - 1 else 0)
            row = labels[z, y]
            base = (z * ny + y) * nx
            x = 0
            while x < nx:
                label = row[x]
                start = x
                while x < nx and row[x] == label:
                    x += 1
                if label == 0:
                    continue
                sizes[label] += x - start
                if first[label] < 0:
                    first[label] = base + start
                faces[label] |= np.uint8(side | (16 if start == 0 else 0) | (32 if x == nx else 0))
    return sizes, first, faces


@jit
def face_pairs(below, above, reach):
    """Pairs of labels that meet across two neighbouring planes (Y,X); reach 0: 6-connected, 1: 26-connected.

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
def map_labels(labels, table, out):
    """out = table[labels], voxel by voxel; labels (Z,Y,X) unsigned, table (N+1,), out (Z,Y,X) written in place."""
    flat, target = labels.reshape(-1), out.reshape(-1)
    nothing = table[0]
    for i in range(flat.size):
        label = flat[i]
        target[i] = table[label] if label != 0 else nothing


@jit
def peak_by_label(labels, values, peaks):
    """peaks[l] = max(peaks[l], values) over the voxels of l, in place; labels and values (Z,Y,X), peaks (N+1,)."""
    flat, height = labels.reshape(-1), values.reshape(-1)
    for i in range(flat.size):
        label = flat[i]
        if label != 0 and height[i] > peaks[label]:
            peaks[label] = height[i]


@jit
def pocket_walls(ids, labels, first, last, at_bottom, at_top, low, high, faces):
    """What bounds each id: smallest and largest label over its faces, faces with labels, faces of the volume; in place.

    ids, labels (Z,Y,X): the same planes, `first` to `last` are looked at, the rest is halo; at_bottom, at_top: whether
    the first and last plane of the array are faces of the volume. low, high (N+1,) int64, to be started at the largest
    int64 and at 0; faces (N+1, 2) int64.
    """
    nz, ny, nx = ids.shape
    for z in range(first, last):
        for y in range(ny):
            for x in range(nx):
                i = ids[z, y, x]
                if i == 0:
                    continue
                for axis in range(3):
                    for side in (-1, 1):
                        zz = z + side if axis == 0 else z
                        yy = y + side if axis == 1 else y
                        xx = x + side if axis == 2 else x
                        if yy < 0 or yy >= ny or xx < 0 or xx >= nx or (zz < 0 and at_bottom) or (zz >= nz and at_top):
                            faces[i, 1] += 1
                            continue
                        if zz < 0 or zz >= nz:
                            continue
                        label = np.int64(labels[zz, yy, xx])
                        if label != 0:
                            low[i] = min(low[i], label)
                            high[i] = max(high[i], label)
                            faces[i, 0] += 1


@jit
def touching_runs(ids, labels, first, last):
    """(id, label, faces) of labelled voxels without id that share a face with a voxel of an id; runs counted once.

    ids, labels (Z,Y,X): the same planes, `first` to `last` are looked at, the rest is halo. Returns (N,3) int64.
    """
    nz, ny, nx = ids.shape
    capacity = 1024
    out = np.empty((capacity, 3), np.int64)
    n = 0
    for z in range(first, last):
        for y in range(ny):
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
                        if label == 0 or ids[zz, yy, xx] != 0:
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
