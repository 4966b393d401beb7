"""Connected components of 0/1 planes by runs along x: rows without any cost nothing, the rest a step per run.

A run is joined with those it touches in the rows before it; the earlier run is the root, so components are numbered by
their first voxel in raster order.
"""

import numpy as np

from ..flagged import any_set, places, room, run_starts
from ..jit import jit
from ..run_lists import Runs


@jit
def _listed(planes):
    """Rows, starts and ends of the runs of ones, see Runs."""
    nz, ny, nx = planes.shape
    rows = np.zeros(nz * ny + 1, np.int64)
    starts, ends, n = np.empty(1024, np.int32), np.empty(1024, np.int32), np.int64(0)
    marks, edges = room(nx + 1)
    for r in range(nz * ny):
        row = planes[r // ny, r % ny]
        if any_set(row):
            if n + nx > starts.size:
                more = np.empty(max(starts.size, nx), np.int32)
                starts, ends = np.concatenate((starts, more)), np.concatenate((ends, more))
            run_starts(row, marks)
            marks[nx] = 1  # the end of the row closes the last run
            start = np.int64(0)
            for i in range(places(marks, edges)):
                starts[n], ends[n] = start, edges[i]
                n += np.int64(row[start] != 0)
                start = edges[i]
        rows[r + 1] = n
    return rows, starts[:n].copy(), ends[:n].copy()


@jit
def _root(parents, i):
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = np.int64(parents[i])
    return i


@jit
def _join_rows(parents, starts, ends, own, other, reach):
    """Unite the runs of two rows, each (first, end), that overlap, or with reach 1 touch by a corner."""
    i, j = own[0], other[0]
    while i < own[1] and j < other[1]:
        if starts[i] < ends[j] + reach and starts[j] < ends[i] + reach:
            a, b = _root(parents, i), _root(parents, j)
            if a != b:
                parents[max(a, b)] = min(a, b)
        if ends[i] < ends[j]:
            i += 1
        else:
            j += 1


@jit
def label_runs(planes, corners):
    """Runs of (Z,Y,X) uint8 0/1 planes and their components, connected by faces or, with `corners`, all around."""
    rows, starts, ends = _listed(planes)
    shape = np.array(planes.shape)
    return labelled(Runs(shape, rows, starts, ends, np.empty(0, np.int32), np.int64(0)), corners)


@jit
def labelled(runs, corners):
    """The same runs with the components they form, as `label_runs` finds them; what their ids were does not matter."""
    nz, ny = runs.shape[0], runs.shape[1]
    rows, starts, ends = runs.rows, runs.starts, runs.ends
    parents = np.arange(starts.size).astype(np.int32)
    for r in range(nz * ny):
        own, z, y = (rows[r], rows[r + 1]), r // ny, r % ny
        if own[0] == own[1]:
            continue
        if y > 0:
            _join_rows(parents, starts, ends, own, (rows[r - 1], rows[r]), np.int32(corners))
        if z > 0:
            reach = 1 if corners else 0
            for k in range(max(0, y - reach), min(ny, y + reach + 1)):
                q = r - ny + k - y
                _join_rows(parents, starts, ends, own, (rows[q], rows[q + 1]), np.int32(corners))
    count = np.int64(0)
    for i in range(starts.size):
        if parents[i] == i:
            count += 1
            parents[i] = -count  # from here on the number, below zero: roots come before their members
        else:
            p = parents[i]
            while p >= 0:
                p = parents[p]
            parents[i] = p
    for i in range(starts.size):
        parents[i] = -parents[i]
    return Runs(runs.shape, rows, starts, ends, parents, count)


@jit
def facts_of(runs, ends):
    """Sizes, first voxels and faces of the components of a block; as `morphology.component_facts`."""
    ny, nx = runs.shape[1], runs.shape[2]
    last = runs.shape[0] - 1
    sizes = np.zeros(runs.n + 1, np.int64)
    first = np.full(runs.n + 1, -1, np.int64)
    faces = np.zeros(runs.n + 1, np.uint8)
    for r in range(runs.rows.size - 1):
        z, y = r // ny, r % ny
        side = (1 if z == 0 and ends[0] else 0) | (2 if z == last and ends[1] else 0)
        side |= (4 if y == 0 and ends[2] else 0) | (8 if y == ny - 1 and ends[3] else 0)
        for i in range(runs.rows[r], runs.rows[r + 1]):
            label = runs.ids[i]
            sizes[label] += runs.ends[i] - runs.starts[i]
            if first[label] < 0:
                first[label] = r * nx + runs.starts[i]
            faces[label] |= np.uint8(side | (16 if runs.starts[i] == 0 else 0) | (32 if runs.ends[i] == nx else 0))
    return sizes, first, faces


@jit
def paint(runs, first, table, out):
    """Write table[component], table (n + 1,), to the runs of the planes from `first` on; out (D,Y,X)."""
    ny = runs.shape[1]
    for z in range(out.shape[0]):
        for y in range(ny):
            r, row = (first + z) * ny + y, out[z, y]
            for i in range(runs.rows[r], runs.rows[r + 1]):
                row[runs.starts[i] : runs.ends[i]] = table[runs.ids[i]]


@jit
def paint_at(runs, at, table, out):
    """Write table[component] to the runs that lie in `out` (D,H,X); their block begins at its plane and row `at`."""
    for r in range(runs.rows.size - 1):
        if runs.rows[r] == runs.rows[r + 1]:
            continue
        z, y = r // runs.shape[1] + at[0], r % runs.shape[1] + at[1]
        if z < 0 or y < 0 or z >= out.shape[0] or y >= out.shape[1]:
            continue
        row = out[z, y]
        for i in range(runs.rows[r], runs.rows[r + 1]):
            row[runs.starts[i] : runs.ends[i]] = table[runs.ids[i]]


@jit
def face_of(runs, first, step, count):
    """Components of `count` rows from `first` on, (count, X) int32: a plane (step 1) or a row of all planes (step Y).

    Rows are counted from 0, y fastest.
    """
    out = np.zeros((count, runs.shape[2]), np.int32)
    for k in range(count):
        r, row = first + k * step, out[k]
        for i in range(runs.rows[r], runs.rows[r + 1]):
            row[runs.starts[i] : runs.ends[i]] = runs.ids[i]
    return out
