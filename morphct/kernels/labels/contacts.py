"""Voxel pairs across the interfaces of touching labels, in a hash table of label pairs; the counts of bricks add up."""

import numpy as np

from ..flagged import any_set, places, room
from ..jit import jit
from .sums import MISSING

EMPTY_KEY = -1


@jit
def _slot(keys, key):
    """Index of `key` in an open-addressed table, or of the free place where it belongs."""
    mask = keys.size - 1
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    at = np.int64(mixed >> np.uint64(34)) & mask  # the low half of a product knows the low label only
    while keys[at] != EMPTY_KEY and keys[at] != key:
        at = (at + 1) & mask
    return at


@jit
def _doubled(keys, counts):
    """The same table with twice the room."""
    more = np.full(2 * keys.size, EMPTY_KEY, np.int64)
    moved = np.zeros((2 * keys.size, counts.shape[1]), np.int64)
    for i in range(keys.size):
        if keys[i] != EMPTY_KEY:
            at = _slot(more, keys[i])
            more[at] = keys[i]
            moved[at] = counts[i]
    return more, moved


@jit
def _mark(below, above, y, marks):
    """Mark the x where a label of row `y` of `below` meets another one among its 13 forward neighbours.

    Planes are (Y+2, X+2) with zeros around, so that no neighbour falls outside; marks (X+2,) uint8.
    """
    row = below[y]
    for x in range(1, row.size - 1):
        other = row[x + 1]
        marks[x] = (other != row[x]) & (other != 0)
    for i in range(4):
        other = below[y + 1] if i == 0 else above[y + i - 2]
        for x in range(1, row.size - 1):
            label, a, b, c = row[x], other[x - 1], other[x], other[x + 1]
            marks[x] |= ((a != label) & (a != 0)) | ((b != label) & (b != 0)) | ((c != label) & (c != 0))
    for x in range(1, row.size - 1):
        marks[x] &= row[x] != 0


@jit
def _count_at(label, around, keys, counts):
    """Count a voxel's pairs with the labels `around` it (13,), which is used up; returns how many keys are new."""
    new = 0
    for k in range(13):
        other = around[k]
        if other == 0 or other == label:
            continue
        key = (np.int64(min(label, other)) << 32) | max(label, other)
        at = _slot(keys, key)
        if keys[at] == EMPTY_KEY:
            keys[at] = key
            new += 1
        row, sign = counts[at], 1 if label < other else -1
        row[13] += sign * (around[8] == other)  # across z
        row[14] += sign * (around[2] == other)  # across y
        row[15] += sign * (around[0] == other)  # across x
        for j in range(k, 13):
            same = around[j] == other
            row[j] += same
            around[j] = 0 if same else around[j]
    return new


@jit
def _count_row(x, y, planes, marks, keys, counts, used):
    """Count the pairs of the marked voxels of a row from `x` on, until the table is half full.

    Growing the table here would cost a factor of three: reference counts at every step. Returns the next x and the keys
    used.
    """
    below, above, around = planes
    while x < marks.size - 1:
        if marks[x]:
            if 2 * (used + 13) > keys.size:
                break
            around[0] = below[y, x + 1]
            for i in range(3):
                around[1 + i] = below[y + 1, x - 1 + i]
                around[4 + i] = above[y - 1, x - 1 + i]
                around[7 + i] = above[y, x - 1 + i]
                around[10 + i] = above[y + 1, x - 1 + i]
            used += _count_at(below[y, x], around, keys, counts)
        x += 1
    return x, used


@jit
def count_contacts(labels, core):
    """Voxel pairs of different labels, by pair of labels and by direction.

    Parameters
    ----------
    labels : (Z,Y,X) int32
        The brick, with the plane behind it and a row on either side where the volume goes on.
    core : (4,) int
        z0, z1, y0, y1 of the brick in the array; each pair of voxels is counted where its first voxel lies.

    Returns
    -------
    keys : (K,) int64, smaller label * 2^32 + larger label, in no order
    counts : (K, 16) int64
        Pairs by direction, in the order of `crofton.DIRECTIONS`; then, for the faces across z, y and x, those with the
        smaller label first less the others.
    """
    nz, ny, nx = labels.shape
    keys, counts, used = np.full(64, EMPTY_KEY, np.int64), np.zeros((64, 16), np.int64), 0
    below, above = np.zeros((ny + 2, nx + 2), np.int32), np.zeros((ny + 2, nx + 2), np.int32)
    marks, around = np.zeros(nx + 2, np.uint8), np.zeros(13, np.int32)
    above[1:-1, 1:-1] = labels[core[0]]
    for z in range(core[0], core[1]):
        below, above = above, below
        if z + 1 < nz:
            above[1:-1, 1:-1] = labels[z + 1]
        else:
            above[:] = 0
        for y in range(core[2] + 1, core[3] + 1):
            _mark(below, above, y, marks)
            # only the few voxels that do meet another label go through the table
            x, used = _count_row(1, y, (below, above, around), marks, keys, counts, used)
            while x <= nx:
                keys, counts = _doubled(keys, counts)
                x, used = _count_row(x, y, (below, above, around), marks, keys, counts, used)
    taken = np.flatnonzero(keys != EMPTY_KEY)
    return keys[taken], counts[taken]


@jit
def _add(row, column, code):
    """Count a grey code and add its high and low word to a row of sums, unless it is not known."""
    if code != MISSING:
        row[column] += 1
        row[column + 1] += code >> 32
        row[column + 2] += code & 0xFFFFFFFF


@jit
def _add_face(labels, codes, at, axis, row):
    """Add the greys of the two voxels of a face, and of the next one on either side where it has the same label.

    at : (3,) int64, the face's first voxel. row : (6,) int64, changed in place.
    """
    step = 1 if axis == 0 else 0, 1 if axis == 1 else 0, 1 if axis == 2 else 0
    for k in range(-1, 3):
        z, y, x = at[0] + k * step[0], at[1] + k * step[1], at[2] + k * step[2]
        if k == 0 or k == 1:
            _add(row, 0, np.int64(codes[z, y, x]))
            continue
        if z < 0 or y < 0 or x < 0 or z >= labels.shape[0] or y >= labels.shape[1] or x >= labels.shape[2]:
            continue
        side = 0 if k < 0 else 1
        if labels[z, y, x] == labels[at[0] + side * step[0], at[1] + side * step[1], at[2] + side * step[2]]:
            _add(row, 3, np.int64(codes[z, y, x]))


@jit
def _mark_faces(labels, z, y, marks):
    """marks[x] = 1 where a label of a row meets another one across the face before it; marks (X or more,) uint8."""
    nz, ny, nx = labels.shape
    row = labels[z, y]
    marks[nx - 1] = 0
    for x in range(nx - 1):
        marks[x] = np.uint8((row[x + 1] != row[x]) & (row[x + 1] != 0))
    for axis in range(2):
        zz, yy = z + (axis == 0), y + (axis == 1)
        if zz < nz and yy < ny:
            other = labels[zz, yy]
            for x in range(nx):
                marks[x] |= np.uint8((other[x] != row[x]) & (other[x] != 0))
    for x in range(nx):
        marks[x] &= np.uint8(row[x] != 0)


@jit
def add_interfaces(labels, core, corner, codes, keys, sums, boxes):
    """Add up where the interfaces lie, and the grey values at every voxel face between two labels.

    Parameters
    ----------
    labels : (Z,Y,X) int32
        The brick, with one plane and row before it and two behind it where the volume goes on.
    core : (4,) int
        z0, z1, y0, y1 of the brick in the array; each face is counted where its first voxel lies.
    corner : (2,) int
        Plane and row of the volume at which the array begins.
    codes : integers of the shape of `labels`, MISSING where no grey is known; or (0,0,0)
    keys : (K,) int64, ascending, as of `count_contacts`
    sums : (K, 6) int64
        Known codes and the sums of their high and low words: of the voxels on both sides of the faces, and of the next
        ones; changed in place.
    boxes : (K, 6) int64
        z0 z1 y0 y1 x0 x1 of the voxels at the faces, half-open; changed in place.
    """
    nz, ny, nx = labels.shape
    last_key, k = np.int64(EMPTY_KEY), 0
    at = np.zeros(3, np.int64)
    marks, spots = room(nx)
    for z in range(core[0], core[1]):
        for y in range(core[2], core[3]):
            if not any_set(labels[z, y]):
                continue
            _mark_faces(labels, z, y, marks)
            for i in range(places(marks, spots)):
                x = spots[i]
                label = labels[z, y, x]
                for axis in range(3):
                    zz, yy, xx = z + (axis == 0), y + (axis == 1), x + (axis == 2)
                    if zz >= nz or yy >= ny or xx >= nx:
                        continue
                    other = labels[zz, yy, xx]
                    if other == 0 or other == label:
                        continue
                    key = (np.int64(min(label, other)) << 32) | max(label, other)
                    if key != last_key:
                        last_key, k = key, np.searchsorted(keys, key)
                    (low, left), box = corner, boxes[k]
                    box[0], box[1] = min(box[0], z + low), max(box[1], zz + low + 1)
                    box[2], box[3] = min(box[2], y + left), max(box[3], yy + left + 1)
                    box[4], box[5] = min(box[4], x), max(box[5], xx + 1)
                    if codes.size:
                        at[0], at[1], at[2] = z, y, x
                        _add_face(labels, codes, at, axis, sums[k])
