"""Where basins meet each other and the background: one pass over a brick, sums of integers by pair of basins.

Only pairs that differ matter, so each row is first compared with its 13 forward neighbours as a whole (vectorised), and
only the voxels found there are looked at one by one.
"""

from typing import NamedTuple

import numpy as np

from ..crofton import DIRECTIONS
from ..flagged import places, room
from ..jit import jit, jit_inline
from .ascent import BACKGROUND
from .box_counts import COUNT

OUTSIDE = np.int32(-2)  # in the place of a basin, beyond the faces of the volume
SURFACE = np.int64(1) << 62  # key of a basin's area towards background: SURFACE | basin
EMPTY = np.int64(-1)
KEY, SADDLE, AREA, RIM, BOX = range(5)


class Table(NamedTuple):
    """A hash table of pairs: rows (C,5) int64, one cache line or two each, and held (1,) int64, rows in use.

    Columns: KEY = lower basin << 32 | higher basin, or SURFACE | basin, or EMPTY; SADDLE, the largest lower
    height; AREA, RIM, BOX, sums of weights. C is a power of two.
    """

    rows: np.ndarray
    held: np.ndarray


class Block(NamedTuple):
    """A box of the volume with what lies around it, as `add_block` wants it.

    All (Z + 2, Y + 2, X + 2), with a border of one voxel on all sides. empty: uint8, 1 where background is, 0 in solid
    and where the volume ends. basins: int32, numbered from 0, BACKGROUND, or OUTSIDE where the volume ends. Of basins,
    heights and boxes the first plane is not looked at, nor what lies OUTSIDE. heights: whole numbers, squared distances
    or the bits of floats. boxes: uint16 of count_boxes. near: height of the highest voxel that may be at the surface.
    """

    empty: np.ndarray
    basins: np.ndarray
    heights: np.ndarray
    boxes: np.ndarray
    near: int


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
def _surfaces(empty, z, row, counts, flags):
    """Background around the voxels of a row; flags[x] > 0 in the voxels that are none and have some around them.

    empty (Z,Y,X) uint8 as in Block. counts (5, X) uint8, written: background among the voxel itself, those beside
    it along y, along z, along both, and all of these. Returns whether there are any.
    """
    here, side, over, edge, all_ = counts[0], counts[1], counts[2], counts[3], counts[4]
    own, a, b = empty[z, row], empty[z, row - 1], empty[z, row + 1]
    c, d = empty[z - 1, row], empty[z + 1, row]
    e, f, g, h = empty[z - 1, row - 1], empty[z - 1, row + 1], empty[z + 1, row - 1], empty[z + 1, row + 1]
    some = np.uint8(0)
    for x in range(own.size):
        here[x] = own[x]
        side[x] = a[x] + b[x]
        over[x] = c[x] + d[x]
        edge[x] = np.uint8(e[x] + f[x]) + np.uint8(g[x] + h[x])
        all_[x] = np.uint8(here[x] + side[x]) + np.uint8(over[x] + edge[x])
        some |= all_[x]
    if some == 0:
        return False
    n = own.size - 2
    before, middle, after, inside, target = all_[:n], all_[1 : n + 1], all_[2:], own[1 : n + 1], flags[1 : n + 1]
    for x in range(n):
        around = np.uint8(before[x] | middle[x]) | after[x]
        target[x] = (around != 0) & (inside[x] == 0)
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
def _add_surfaces(table, own, counts, at, weights):
    """Add the area towards background of the voxels `at` of a row to their basins."""
    here, side, over, edge = counts[0], counts[1], counts[2], counts[3]
    w1, w2, w3, w4, w5, w6, w7 = weights[1], weights[2], weights[3], weights[4], weights[5], weights[6], weights[7]
    held, row = BACKGROUND, np.int64(0)
    for i in at:
        x, p, n = np.uint64(i), np.uint64(i - 1), np.uint64(i + 1)
        area = w1 * np.int32(here[p] + here[n]) + w2 * np.int32(side[x]) + w3 * np.int32(side[p] + side[n])
        area += w4 * np.int32(over[x]) + w5 * np.int32(over[p] + over[n])
        area += w6 * np.int32(edge[x]) + w7 * np.int32(edge[p] + edge[n])
        if own[x] != held:
            held = own[x]
            row = _row_of(table, SURFACE | np.int64(held))
        table.rows[row, AREA] += area


@jit_inline
def _pair_row(table, own, other):
    return _row_of(table, (np.int64(min(own, other)) << 32) | np.int64(max(own, other)))


@jit
def _look(basins, heights, at, own, bit, seen):
    """What is seen with one more neighbour: which are unlike, lowest and highest basin of these, top and least height.

    Without a branch, as the outcome is as good as random.
    """
    met, lowest, highest, top, least = seen
    other, there = basins[at], np.int64(heights[at])
    unlike = (other >= 0) & (other != own)
    met |= np.int64(bit) if unlike else np.int64(0)
    lowest = other if unlike & (other < lowest) else lowest
    highest = other if unlike & (other > highest) else highest
    top = there if unlike & (there > top) else top
    least = there if unlike & (there < least) else least
    return met, lowest, highest, top, least


@jit
def _look_ahead(basins, heights, at, row, plane, own):
    """Of the 13 forward neighbours of the flat place `at`, as `_look`; row and plane: steps to the next ones."""
    one = np.uint64(1)
    seen = (np.int64(0), np.int32(2147483647), np.int32(-1), np.int64(-1), np.int64(1 << 40))
    seen = _look(basins, heights, at + one, own, 1, seen)
    # loops of so few turns vanish; one over all 13 becomes vectors of scattered loads, which are slower
    for i in range(3):
        seen = _look(basins, heights, at + row + np.uint64(i) - one, own, 2 << i, seen)
    for i in range(3):
        seen = _look(basins, heights, at + plane - row + np.uint64(i) - one, own, 16 << i, seen)
    for i in range(3):
        seen = _look(basins, heights, at + plane + np.uint64(i) - one, own, 128 << i, seen)
    for i in range(3):
        seen = _look(basins, heights, at + plane + row + np.uint64(i) - one, own, 1024 << i, seen)
    return seen


@jit
def _look_for(basins, heights, at, target, own, steps):
    """Which forward neighbours are in the basin `target`, their largest height, and the next lower unlike basin."""
    met, top, lower = np.int64(0), np.int64(-1), np.int32(-1)
    for q in range(13):
        there = at + np.uint64(steps[q])
        other = basins[there]
        if other == target:
            met |= np.int64(1) << q
            top = max(top, np.int64(heights[there]))
        elif other != own and other < target and other > lower:
            lower = other
    return met, top, lower


@jit
def _add_rims(target, boxes, at, met, pairs):
    """Add the pairs of the place `at` with the forward neighbours in `met` of which one or both lie at the surface."""
    here = boxes[at]
    count, rim, box = np.int64(here & COUNT), np.int64(0), np.int64(0)
    for q in range(13):
        if met >> q & 1:
            there = boxes[at + np.uint64(pairs[1, q])]
            weight = pairs[0, q] if (here | there) > COUNT else np.int64(0)
            rim += weight
            box += weight * (count + np.int64(there & COUNT))
    target[RIM] += rim
    target[BOX] += box


@jit
def _add_meetings(table, block, z, y, listed, pairs, areas):
    """Add the pairs of the voxels `listed` of a row with their forward neighbours in other basins.

    Most voxels meet one other basin: what its neighbours add is added at once.
    """
    basins, heights, boxes = block.basins.reshape(-1), block.heights.reshape(-1), block.boxes.reshape(-1)
    row, plane = np.uint64(block.basins.shape[2]), np.uint64(block.basins.shape[1] * block.basins.shape[2])
    first = np.uint64(z + 1) * plane + np.uint64(y + 1) * row
    rows = table.rows
    held_own, held_other, held = BACKGROUND, BACKGROUND, np.int64(0)
    for x in listed:
        at = first + np.uint64(x)
        own, height = basins[at], np.int64(heights[at])
        met, lowest, other, top, least = _look_ahead(basins, heights, at, row, plane, own)
        at_rim, several, lower = min(height, least) <= block.near, lowest != other, np.int32(-1)
        while other >= 0:
            if several:
                met, top, lower = _look_for(basins, heights, at, other, own, pairs[1])
            if own != held_own or other != held_other:
                held_own, held_other, held = own, other, _pair_row(table, own, other)
            target = rows[held]
            target[SADDLE] = max(target[SADDLE], min(height, top))
            target[AREA] += areas[met]
            if at_rim:
                _add_rims(target, boxes, at, met, pairs)
            other = lower


@jit
def _pair_steps(block, weights):
    """By forward neighbour (2,13) int64: weight, and step in the flat arrays of basins and heights."""
    out = np.empty((2, 13), np.int64)
    for q in range(13):
        dz, dy, dx = DIRECTIONS[q, 0], DIRECTIONS[q, 1], DIRECTIONS[q, 2]
        out[0, q] = weights[4 * dz + 2 * abs(dy) + abs(dx)]
        out[1, q] = (dz * block.basins.shape[1] + dy) * block.basins.shape[2] + dx
    return out


@jit
def _sums_of_sets(weights):
    """Sum of the weights (13,) of every set of forward neighbours, (8192,) int64 by the bits of the set."""
    out = np.zeros(1 << 13, np.int64)
    for q in range(13):
        for rest in range(1 << q):
            out[(1 << q) + rest] = out[rest] + weights[q]
    return out


@jit
def add_block(table, block, weights):
    """Add what the voxels inside the border have around them.

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
    flags, found = room(nx + 2)
    counts, lines = np.zeros((5, nx + 2), np.uint8), np.zeros((2, nx + 2), np.int32)
    pairs = _pair_steps(block, weights)
    areas = _sums_of_sets(pairs[0])
    for z in range(block.basins.shape[0] - 2):
        for y in range(ny):
            table = _with_room(table, 14 * nx)
            own = block.basins[z + 1, y + 1]
            if _surfaces(block.empty, z + 1, y + 1, counts, flags):
                _add_surfaces(table, own, counts, found[: places(flags, found)], weights)
            if _meetings(block.basins, z + 1, y + 1, lines, flags):
                _add_meetings(table, block, z, y, found[: places(flags, found)], pairs, areas)
    return table


def listed(table: Table) -> tuple[np.ndarray, ...]:
    """The pairs in use: keys, saddles, areas, rims, boxes, (E,) int64 in no particular order."""
    rows = table.rows[table.rows[:, KEY] != EMPTY]
    return rows[:, KEY], rows[:, SADDLE], rows[:, AREA], rows[:, RIM], rows[:, BOX]
