"""Synthetic particles as runs along x: encoded, cleared of crumbs, counted, painted into planes.

A run is a row of (N, 3) int32: first x, one past the last x, code; runs stand in the order of their rows. `starts`
(R + 1,) int64 is where the runs of each row begin, rows being (z, y) pairs, y fastest. What a code means (label, void)
is said by tables of the caller.
"""

import numpy as np

from ..jit import jit


@jit
def encode(code):
    """Runs of equal values other than 0 of (Z, Y, X) unsigned; `starts` and runs as the module says."""
    nz, ny, nx = code.shape
    starts, count = np.zeros(nz * ny + 1, np.int64), 0
    for z in range(nz):
        for y in range(ny):
            before = code[z, y, 0] * 0
            for x in range(nx):
                here = code[z, y, x]
                if here != 0 and here != before:
                    count += 1
                before = here
            starts[z * ny + y + 1] = count
    runs, n = np.empty((count, 3), np.int32), -1
    for z in range(nz):
        for y in range(ny):
            before = code[z, y, 0] * 0
            for x in range(nx):
                here = code[z, y, x]
                if here != 0:
                    if here != before:
                        n += 1
                        runs[n, 0], runs[n, 2] = x, here
                    runs[n, 1] = x + 1
                before = here
    return starts, runs


@jit
def _root(parents, n):
    while parents[n] != n:
        parents[n] = parents[parents[n]]
        n = parents[n]
    return n


@jit
def _join(parents, runs, first, end, other, other_end):
    """Join the runs of one row, first to end, with those of equal code of another that they overlap."""
    while first < end and other < other_end:
        if runs[first, 0] < runs[other, 1] and runs[other, 0] < runs[first, 1] and runs[first, 2] == runs[other, 2]:
            a, b = _root(parents, first), _root(parents, other)
            parents[max(a, b)] = min(a, b)
        if runs[first, 1] < runs[other, 1]:
            first += 1
        else:
            other += 1


@jit
def largest_parts(starts, runs, rows, codes):
    """Whether each run belongs to the largest part of its code, connected by faces; of equal ones the first, (N,) bool.

    rows : how many rows a plane has; codes : the largest code.
    """
    count = len(runs)
    parents = np.arange(count)
    for r in range(len(starts) - 1):
        if r % rows > 0:
            _join(parents, runs, starts[r], starts[r + 1], starts[r - 1], starts[r])
        if r >= rows:
            _join(parents, runs, starts[r], starts[r + 1], starts[r - rows], starts[r - rows + 1])
    sizes = np.zeros(count, np.int64)
    for n in range(count):
        parents[n] = _root(parents, n)
        sizes[parents[n]] += runs[n, 1] - runs[n, 0]
    best = np.full(codes + 1, -1)
    for n in range(count):
        c = runs[n, 2]
        if parents[n] == n and (best[c] < 0 or sizes[n] > sizes[best[c]]):
            best[c] = n
    kept = np.empty(count, np.bool_)
    for n in range(count):
        kept[n] = parents[n] == best[runs[n, 2]]
    return kept


@jit
def clear(code, starts, runs, kept):
    """Set the voxels of the runs that are not `kept` (N,) bool to 0, in place."""
    ny = code.shape[1]
    for r in range(len(starts) - 1):
        for n in range(starts[r], starts[r + 1]):
            if not kept[n]:
                for x in range(runs[n, 0], runs[n, 1]):
                    code[r // ny, r % ny, x] = 0


@jit
def _opens(code, tables, void, at, place):
    """Whether a face neighbour, in the volume, of a voxel of `void` is neither of the void nor of its owner."""
    labels, voids, owner = tables
    for axis in range(3):
        for side in (-1, 1):
            there = at[axis] + side
            if there < 0 or there >= place[1, axis]:
                continue
            k, j, i = at[0] - place[0, 0], at[1] - place[0, 1], at[2] - place[0, 2]
            k, j, i = k + side * (axis == 0), j + side * (axis == 1), i + side * (axis == 2)
            if k < 0 or j < 0 or i < 0 or k >= code.shape[0] or j >= code.shape[1] or i >= code.shape[2]:
                return True
            c = code[k, j, i]
            if voids[c] != void and labels[c] != owner[void]:
                return True
    return False


@jit
def census(code, encoded, tables, place, label_sums, void_sums, void_open):
    """Count voxels, positions and faces of every label and void of one group; outputs int64, changed in place.

    code : (z, y, x) unsigned, of the whole group. encoded : `starts` and runs of that part of it that lies in the
    volume. tables : labels (C,) and voids (C,) by code, owner (V + 1,) by void, int64. place : (4, 3) int64: where in
    the volume the group's box begins, the volume's shape, where in the volume the part begins, the part's shape.
    label_sums : (N + 1, 6): voxels, void voxels inside, sums of z, y, x, whether it touches a face.
    void_sums : (V + 1, 5): voxels, sums of z, y, x, touches a face. void_open : (V + 1,) 1 where a voxel of the void
    has a face neighbour in the volume that is neither the void nor its owner.
    """
    starts, runs = encoded
    labels, voids, _ = tables
    rows, at = place[3, 1], np.empty(3, np.int64)
    nz, ny, nx = place[1, 0], place[1, 1], place[1, 2]
    for r in range(len(starts) - 1):
        z, y = place[2, 0] + r // rows, place[2, 1] + r % rows
        for n in range(starts[r], starts[r + 1]):
            x0, x1 = place[2, 2] + runs[n, 0], place[2, 2] + runs[n, 1]
            label, void, length = labels[runs[n, 2]], voids[runs[n, 2]], x1 - x0
            face = z == 0 or y == 0 or x0 == 0 or z == nz - 1 or y == ny - 1 or x1 == nx
            along = (x0 + x1 - 1) * length // 2
            if label != 0:
                label_sums[label, 0] += length
                label_sums[label, 1] += length * (void != 0)
                label_sums[label, 2] += z * length
                label_sums[label, 3] += y * length
                label_sums[label, 4] += along
                label_sums[label, 5] |= face
            if void == 0:
                continue
            void_sums[void, 0] += length
            void_sums[void, 1] += z * length
            void_sums[void, 2] += y * length
            void_sums[void, 3] += along
            void_sums[void, 4] |= face
            at[0], at[1] = z, y
            for x in range(x0, x1):
                if void_open[void] == 0:
                    at[2] = x
                    void_open[void] = _opens(code, tables, void, at, place)


@jit
def paint(out, starts, runs, values, place):
    """Write `values` (C,) by code into planes, in place, where they are not 0.

    out : (Z, Y, X). starts, runs : of a part of a group, whose first voxel lies at place[0] of the planes (its planes
    may stick out, its rows and columns do not); place[1] : shape of the part; (2, 3) int64.
    """
    rows = place[1, 1]
    for k in range(max(0, -place[0, 0]), min(place[1, 0], out.shape[0] - place[0, 0])):
        for j in range(rows):
            r = k * rows + j
            for n in range(starts[r], starts[r + 1]):
                value = values[runs[n, 2]]
                if value != 0:
                    for x in range(place[0, 2] + runs[n, 0], place[0, 2] + runs[n, 1]):
                        out[place[0, 0] + k, place[0, 1] + j, x] = value


@jit
def contact_faces(labels, planes):
    """Faces shared by two different labels of a (Z, Y, X) image, one row each.

    Those behind the first `planes` planes are left out, but for the faces that these share with the next one.

    Returns
    -------
    (F, 4) int64
        Smaller label, larger label, axis of the face's normal (0 z, 1 y, 2 x), 1 where the smaller label has the
        smaller coordinate and -1 where it has the larger.
    """
    nz, ny, nx = labels.shape
    rows = np.empty((0, 4), np.int64)
    # counted first, then written: growing an array inside the loop costs more than a second look
    for filling in (False, True):
        n = 0
        for z in range(planes):
            for y in range(ny):
                for x in range(nx):
                    here = labels[z, y, x]
                    if here == 0:
                        continue
                    for axis in range(3):
                        k, j, i = z + (axis == 0), y + (axis == 1), x + (axis == 2)
                        if k == nz or j == ny or i == nx:
                            continue
                        there = labels[k, j, i]
                        if there == 0 or there == here:
                            continue
                        if filling:
                            rows[n, 0], rows[n, 1] = min(here, there), max(here, there)
                            rows[n, 2], rows[n, 3] = axis, 1 if here < there else -1
                        n += 1
        if not filling:
            rows = np.empty((n, 4), np.int64)
    return rows
