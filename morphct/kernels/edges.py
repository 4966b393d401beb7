"""Where basins meet each other and the background: one pass over a slab, sums of integers by pair of basins.

Only pairs that differ matter, so each row is first compared with its 13 forward neighbours as a whole (vectorised), and
only the voxels found there are looked at one by one.
"""

from typing import NamedTuple

import numpy as np

from ..crofton import DIRECTIONS
from .ascent import BACKGROUND
from .jit import jit, jit_inline

OUTSIDE = np.int32(-2)  # in the place of a basin, beyond the faces of the volume
SURFACE = np.int64(1) << 62  # key of a basin's area towards background: SURFACE | basin
EMPTY = np.int64(-1)
KEY, SADDLE, AREA, RIM, BOX = range(5)
PAD = 3  # border of the 0/1 planes: half of a box


class Table(NamedTuple):
    """A hash table of pairs: rows (C,5) int64, one cache line or two each, and held (1,) int64, rows in use.

    Columns: KEY = lower basin << 32 | higher basin, or SURFACE | basin, or EMPTY; SADDLE, the bits of the largest lower
    height; AREA, RIM, BOX, sums of weights. C is a power of two.
    """

    rows: np.ndarray
    held: np.ndarray


class Block(NamedTuple):
    """Some planes of the volume with what lies around them, as `add_block` wants them.

    basins (Z + 2, Y + 2, X + 2) int32, numbered from 0, with a border of one voxel on all sides, OUTSIDE where the
    volume ends; heights (Z + 1 or Z, Y, X) float32, squared distances; counts (Z + 1 or Z, Y, X + 6) uint8, see
    count_boxes; solid (Z + 7 or Z + 6, Y + 6, X + 6) uint8 0/1, with a border of PAD voxels; near: squared distances
    up to which a voxel certainly is, and may be, on the surface.
    """

    basins: np.ndarray
    heights: np.ndarray
    counts: np.ndarray
    solid: np.ndarray
    near: tuple[float, float]


@jit
def empty_table(capacity):
    """A table of `capacity` (a power of two) free rows."""
    rows = np.zeros((capacity, 5), np.int64)
    for i in range(capacity):
        rows[i, KEY] = EMPTY
    return Table(rows, np.zeros(1, np.int64))


@jit_inline
def _row_of(table, key):
    """The row of a key, taken if it is new."""
    rows = table.rows
    mask = rows.shape[0] - 1
    mixed = key * np.int64(-7046029254386353131)
    at = (mixed ^ (mixed >> 32)) & mask
    while rows[at, KEY] != key:
        if rows[at, KEY] == EMPTY:
            rows[at, KEY] = key
            table.held[0] += 1
            break
        at = (at + 1) & mask
    return at


@jit
def _with_room(table, more):
    """The table, or a larger one of the same content, with at most half its rows in use after `more` new pairs."""
    capacity = table.rows.shape[0]
    while 2 * (table.held[0] + more) > capacity:
        capacity *= 2
    if capacity == table.rows.shape[0]:
        return table
    larger = empty_table(capacity)
    for old in range(table.rows.shape[0]):
        if table.rows[old, KEY] != EMPTY:
            new = _row_of(larger, table.rows[old, KEY])
            for column in range(5):
                larger.rows[new, column] = table.rows[old, column]
    return larger


@jit
def count_boxes(solid, out):
    """Solid voxels in boxes of 7 x 7 x 1 voxels (z, y, x).

    Parameters
    ----------
    solid : (Z + 6, Y + 6, X + 6) uint8 0/1, with a border of PAD voxels
    out : (Z, Y, X + 6) uint8, written; its rows keep the border along x
    """
    nz = out.shape[0]
    sums = np.zeros(solid.shape[1:], np.uint8)
    for z in range(2 * PAD):
        _shift_sums(sums, solid[z], None)
    for z in range(nz):
        _shift_sums(sums, solid[z + 2 * PAD], solid[z - 1] if z > 0 else None)
        _sum_rows(sums, out[z])


@jit
def _shift_sums(sums, enter, leave):
    """sums += enter - leave, bytes: a sum over planes moves on by one."""
    for y in range(sums.shape[0]):
        target, plus = sums[y], enter[y]
        if leave is None:
            for x in range(target.size):
                target[x] += plus[x]
        else:
            minus = leave[y]
            for x in range(target.size):
                target[x] += plus[x] - minus[x]


@jit
def _sum_rows(sums, out):
    """out[y] (Y,W) = sum of the rows y to y + 6 of sums (Y + 6, W), bytes."""
    out[0, :] = 0
    for k in range(2 * PAD + 1):
        for x in range(sums.shape[1]):
            out[0, x] += sums[k, x]
    for y in range(1, out.shape[0]):
        before, enter, leave, target = out[y - 1], sums[y + 2 * PAD], sums[y - 1], out[y]
        for x in range(target.size):
            target[x] = before[x] + enter[x] - leave[x]


@jit
def _surfaces(basins, z, row, weights, lines, out):
    """Area towards background of each solid voxel of a row, int32 (0 in background and on the border).

    The 26 neighbours fall into seven kinds, told by which of |dz|, |dy|, |dx| are 1; `weights` (8,) int32 by
    4 |dz| + 2 |dy| + |dx|. lines: (4, X + 2) int32 to work in.
    """
    here, side, over, edge = lines[0], lines[1], lines[2], lines[3]
    own = basins[z, row]
    a, b = basins[z, row - 1], basins[z, row + 1]
    c, d = basins[z - 1, row], basins[z + 1, row]
    e, f, g, h = basins[z - 1, row - 1], basins[z - 1, row + 1], basins[z + 1, row - 1], basins[z + 1, row + 1]
    some = np.int32(0)
    for x in range(own.size):
        here[x] = own[x] == BACKGROUND
        side[x] = np.int32(a[x] == BACKGROUND) + np.int32(b[x] == BACKGROUND)
        over[x] = np.int32(c[x] == BACKGROUND) + np.int32(d[x] == BACKGROUND)
        edge[x] = (np.int32(e[x] == BACKGROUND) + np.int32(f[x] == BACKGROUND)) + (
            np.int32(g[x] == BACKGROUND) + np.int32(h[x] == BACKGROUND)
        )
        some |= (here[x] | side[x]) | (over[x] | edge[x])
    if some == 0:
        return False
    w1, w2, w3, w4, w5, w6, w7 = weights[1], weights[2], weights[3], weights[4], weights[5], weights[6], weights[7]
    for x in range(1, own.size - 1):
        sum_ = w1 * (here[x - 1] + here[x + 1]) + w2 * side[x] + w3 * (side[x - 1] + side[x + 1])
        sum_ += w4 * over[x] + w5 * (over[x - 1] + over[x + 1]) + w6 * edge[x] + w7 * (edge[x - 1] + edge[x + 1])
        out[x] = sum_ if own[x] >= 0 else 0
    return True


@jit
def _meetings(basins, z, row, lines, flags):
    """flags[x] > 0 where a solid voxel of a row has a forward neighbour in another basin; lines (2, X + 2) int32.

    Background and outside are negative, so they never are the highest; read without a sign they never are the lowest.
    """
    own, along = basins[z, row], basins[z, row + 1]
    a, b, c = basins[z + 1, row - 1], basins[z + 1, row], basins[z + 1, row + 1]
    high, low = lines[0], lines[1].view(np.uint32)
    for x in range(own.size):
        p, q, r, s = along[x], a[x], b[x], c[x]
        p = q if q > p else p
        r = s if s > r else r
        high[x] = r if r > p else p
        i, j, k, m = np.uint32(along[x]), np.uint32(a[x]), np.uint32(b[x]), np.uint32(c[x])
        i = j if j < i else i
        k = m if m < k else k
        low[x] = k if k < i else i
    some = False
    for x in range(1, own.size - 1):
        v = own[x]
        p, q, r, s = high[x - 1], high[x], high[x + 1], own[x + 1]
        p = q if q > p else p
        r = s if s > r else r
        p = r if r > p else p
        i, j, k, m = low[x - 1], low[x], low[x + 1], np.uint32(own[x + 1])
        i = j if j < i else i
        k = m if m < k else k
        i = k if k < i else i
        odd = (v >= 0) & ((p > v) | (i < np.uint32(v)))
        flags[x] = odd
        some |= odd
    return some


@jit
def _add_surfaces(table, own, areas):
    """Add the areas of a row to their basins, a run of one basin at a time."""
    held, sum_ = BACKGROUND, np.int64(0)
    for x in range(1, own.size):  # the border at the end closes the last run
        if own[x] != held:
            if sum_ > 0:
                table.rows[_row_of(table, SURFACE | np.int64(held)), AREA] += sum_
            held, sum_ = own[x], np.int64(0)
        sum_ += areas[x]


@jit_inline
def _on_surface(height, near, solid, z, y, x):
    """Whether a face neighbour is background; distances decide it without a look where they can."""
    if height <= near[0] or height > near[1]:
        return height <= near[0]
    a, b, c = z + PAD, y + PAD, x + PAD
    faces = solid[a - 1, b, c] & solid[a + 1, b, c] & solid[a, b - 1, c] & solid[a, b + 1, c]
    return (faces & solid[a, b, c - 1] & solid[a, b, c + 1]) == 0


@jit_inline
def _box(counts, z, y, x):
    """Solid voxels in the box of 7 x 7 x 7 around a voxel."""
    total = np.int64(0)
    for k in range(x, x + 2 * PAD + 1):
        total += counts[z, y, k]
    return total


@jit
def _add_meetings(table, block, z, y, flags, pairs):
    """Add the pairs of the flagged voxels of a row with their forward neighbours in other basins."""
    weights, basin_steps, height_steps = pairs[0], pairs[1], pairs[2]
    basins, heights, words = block.basins.reshape(-1), block.heights.reshape(-1), flags.view(np.uint64)
    counts, solid, near = block.counts, block.solid, block.near
    first_basin = ((z + 1) * block.basins.shape[1] + y + 1) * block.basins.shape[2] + 1
    first_height = (z * block.heights.shape[1] + y) * block.heights.shape[2]
    # heights are not negative: they sort as their bits do
    bits, rows = heights.view(np.int32), table.rows
    last_key, at = EMPTY, np.int64(0)
    for w in range(words.size):
        if words[w] == 0:
            continue
        for x in range(8 * w - 1, 8 * w + 7):
            if flags[x + 1] == 0:
                continue
            own = basins[first_basin + x]
            for q in range(13):
                other = basins[first_basin + x + basin_steps[q]]
                if other < 0 or other == own:
                    continue
                key = (np.int64(min(own, other)) << 32) | np.int64(max(own, other))
                if key != last_key:
                    last_key, at = key, _row_of(table, key)
                here, there = first_height + x, first_height + x + height_steps[q]
                rows[at, SADDLE] = max(rows[at, SADDLE], np.int64(min(bits[here], bits[there])))
                rows[at, AREA] += weights[q]
                if min(heights[here], heights[there]) > near[1]:
                    continue
                c, b, a = z + DIRECTIONS[q, 0], y + DIRECTIONS[q, 1], x + DIRECTIONS[q, 2]
                if _on_surface(heights[here], near, solid, z, y, x) or _on_surface(
                    heights[there], near, solid, c, b, a
                ):
                    rows[at, RIM] += weights[q]
                    rows[at, BOX] += weights[q] * (_box(counts, z, y, x) + _box(counts, c, b, a))


@jit
def _pair_steps(block, weights):
    """By forward neighbour (3,13) int64: weight, and step in the flat arrays of basins and of heights."""
    out = np.empty((3, 13), np.int64)
    for q in range(13):
        dz, dy, dx = DIRECTIONS[q, 0], DIRECTIONS[q, 1], DIRECTIONS[q, 2]
        out[0, q] = weights[4 * dz + 2 * abs(dy) + abs(dx)]
        out[1, q] = (dz * block.basins.shape[1] + dy) * block.basins.shape[2] + dx
        out[2, q] = (dz * block.heights.shape[1] + dy) * block.heights.shape[2] + dx
    return out


@jit
def add_block(table, block, weights):
    """Add what the voxels of all planes but the first and the last have around them.

    Parameters
    ----------
    table : Table
        Added to; not to be used afterwards, the one returned takes its place.
    block : Block
    weights : (8,) int32
        Of a pair of voxels, by 4 |dz| + 2 |dy| + |dx|.

    Returns
    -------
    Table
    """
    ny, nx = block.basins.shape[1] - 2, block.basins.shape[2] - 2
    flags = np.zeros((nx + 9) // 8 * 8, np.uint8)
    areas, lines = np.zeros(nx + 2, np.int32), np.zeros((4, nx + 2), np.int32)
    pairs = _pair_steps(block, weights)
    for z in range(block.basins.shape[0] - 2):
        for y in range(ny):
            table = _with_room(table, 14 * nx)
            if _surfaces(block.basins, z + 1, y + 1, weights, lines, areas):
                _add_surfaces(table, block.basins[z + 1, y + 1], areas)
            if _meetings(block.basins, z + 1, y + 1, lines, flags):
                _add_meetings(table, block, z, y, flags, pairs)
    return table


def listed(table: Table) -> tuple[np.ndarray, ...]:
    """The pairs in use: keys, saddles (as heights, float32), areas, rims, boxes, in no particular order."""
    rows = table.rows[table.rows[:, KEY] != EMPTY]
    return rows[:, KEY], rows[:, SADDLE].astype(np.int32).view(np.float32), rows[:, AREA], rows[:, RIM], rows[:, BOX]
