"""Local thickness by painting: balls in the order of their radius, every voxel counted for the first that holds it.

What is still unpainted is kept as bits, 4 x 4 x 4 voxels to a 64-bit word, with two coarser levels of words that say
which words below have bits left: a ball visits only what it can still paint.

Source: Hildebrand & Ruegsegger 1997, doi 10.1046/j.1365-2818.1997.1340694.x, for the definition.
"""

from __future__ import annotations

import math

import numpy as np

from ..bits import lowest, ones
from ..jit import jit, jit_inline

ONE = np.uint64(1)


@jit
def by_depth(squared):
    """Flat indices (int32) of the voxels above zero of (Z,Y,X) int32, deepest first, ties by index: a counting sort."""
    flat = squared.reshape(-1)
    most = np.int32(0)
    for i in range(flat.size):
        most = max(most, flat[i])
    begins = np.zeros(most + 2, np.int64)
    for i in range(flat.size):
        if flat[i] > 0:
            begins[most - flat[i] + 1] += 1
    for k in range(most + 1):
        begins[k + 1] += begins[k]
    order = np.empty(begins[most + 1], np.int32)
    for i in range(flat.size):
        if flat[i] > 0:
            k = most - flat[i]
            order[begins[k]] = i
            begins[k] += 1
    return order


@jit
def _neighbours(shape):
    """Flat steps to the 26 neighbours, faces before edges before corners: they most often know the ball."""
    around = np.empty(26, np.int64)
    n = 0
    for distance in range(1, 4):
        for dz in range(-1, 2):
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    if abs(dz) + abs(dy) + abs(dx) == distance:
                        around[n] = (dz * shape[1] + dy) * shape[2] + dx
                        n += 1
    return around


@jit
def kept_balls(squared, tolerance):
    """Thin the balls around all voxels: one inside a kept, not smaller ball grown by the tolerance is not needed.

    Parameters
    ----------
    squared : (Z,Y,X) int32, squared distance to the background, with a margin of zeros.
    tolerance : float32, in voxels.

    Returns
    -------
    Flat indices of the centres kept, deepest first. Only kept balls that a 26-neighbour was dropped for (or that are
    one) are asked, which finds nearly all.
    """
    sy, sz = squared.shape[2], squared.shape[1] * squared.shape[2]
    flat = squared.reshape(-1)
    around = _neighbours(squared.shape)
    inside = np.full(flat.size, -1, np.int32)
    order = by_depth(squared)
    roots = np.sqrt(np.arange(flat[order[0]] + 1 if order.size else 1)).astype(np.float32)
    held = np.empty((order.size, 4), np.float32)  # z, y, x and grown radius of every kept ball, to save the divisions
    n = 0
    for k in range(order.size):
        i = order[k]
        z = i // sz
        y = (i - z * sz) // sy
        x = i - z * sz - y * sy
        radius = roots[flat[i]]
        holder, last = np.int32(-1), np.int32(-1)
        for t in range(26):
            j = inside[np.uint64(i + around[t])]
            if j < 0 or j == last:
                continue
            last = j
            at = np.uint64(j)
            slack = held[at, np.uint64(3)] - radius
            dz = np.float32(z) - held[at, np.uint64(0)]
            dy = np.float32(y) - held[at, np.uint64(1)]
            dx = np.float32(x) - held[at, np.uint64(2)]
            if dz * dz + dy * dy + dx * dx <= slack * slack:
                holder = j
                break
        if holder < 0:
            holder = np.int32(n)
            held[n, 0], held[n, 1], held[n, 2], held[n, 3] = z, y, x, radius + tolerance
            order[n] = i
            n += 1
        inside[i] = holder
    return order[:n].copy()


@jit_inline
def _bit(z, y, x):
    return np.uint64(((z & 3) << 4) | ((y & 3) << 2) | (x & 3))


@jit
def _coarser(level):
    """One level of words: a bit for each non-zero of `level` (Z,Y,X), 4 x 4 x 4 of them to a word."""
    shape = ((level.shape[0] + 3) >> 2, (level.shape[1] + 3) >> 2, (level.shape[2] + 3) >> 2)
    words = np.zeros(shape, np.uint64)
    for z in range(level.shape[0]):
        for y in range(level.shape[1]):
            for x in range(level.shape[2]):
                if level[z, y, x]:
                    words[z >> 2, y >> 2, x >> 2] |= ONE << _bit(z, y, x)
    return words


@jit_inline
def _between(low, high):
    """The bits of a word whose z, y and x lie between low and high (three each, 0 to 3)."""
    plane = ((ONE << np.uint64(4 * (high[1] - low[1] + 1))) - ONE) << np.uint64(4 * low[1])
    row = ((ONE << np.uint64(high[2] - low[2] + 1)) - ONE) << np.uint64(low[2])
    planes = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(16 * (3 - high[0] + low[0])) << np.uint64(16 * low[0])
    return planes & (plane * np.uint64(0x0001000100010001)) & (row * np.uint64(0x1111111111111111))


@jit_inline
def _part(centre, reach, at, shift):
    """`_between` for the places under a word at `at` (z, y, x), 2^shift voxels each, that the ball can reach."""
    low = (
        max(((centre[0] - reach) >> shift) - (at[0] << 2), 0),
        max(((centre[1] - reach) >> shift) - (at[1] << 2), 0),
        max(((centre[2] - reach) >> shift) - (at[2] << 2), 0),
    )
    high = (
        min(((centre[0] + reach) >> shift) - (at[0] << 2), 3),
        min(((centre[1] + reach) >> shift) - (at[1] << 2), 3),
        min(((centre[2] + reach) >> shift) - (at[2] << 2), 3),
    )
    if low[0] > high[0] or low[1] > high[1] or low[2] > high[2]:
        return np.uint64(0)
    return _between(low, high)


@jit_inline
def _near(z, y, x, side):
    """Squared distance from the origin to the nearest voxel of a cube of side + 1 voxels at z, y, x."""
    dz, dy, dx = max(z, -z - side, 0), max(y, -y - side, 0), max(x, -x - side, 0)
    return dz * dz + dy * dy + dx * dx


@jit_inline
def _far(z, y, x):
    """Squared distance from the origin to the farthest voxel of a word of 4 x 4 x 4 at z, y, x."""
    dz, dy, dx = max(z + 3, -z), max(y + 3, -y), max(x + 3, -x)
    return dz * dz + dy * dy + dx * dx


@jit_inline
def _hits(word, z, y, x, squared):
    """The bits of a word at z, y, x (from the ball's centre) whose voxels lie in the open ball."""
    hit = np.uint64(0)
    while word:
        place = lowest(word)
        dz, dy, dx = z + (place >> 4), y + ((place >> 2) & 3), x + (place & 3)
        if dz * dz + dy * dy + dx * dx < squared:
            hit |= ONE << np.uint64(place)
        word &= word - ONE
    return hit


@jit_inline
def _paint_words(fine, middle, at, centre, reach, squared):
    """Paint the words under one middle word, `at` (z, y, x); returns how many voxels."""
    painted = 0
    left = middle[at]
    word = left & _part(centre, reach, at, 2)
    while word:
        place = lowest(word)
        word &= word - ONE
        z, y, x = (at[0] << 2) | (place >> 4), (at[1] << 2) | ((place >> 2) & 3), (at[2] << 2) | (place & 3)
        lz, ly, lx = (z << 2) - centre[0], (y << 2) - centre[1], (x << 2) - centre[2]
        if _near(lz, ly, lx, 3) >= squared:
            continue
        bits = fine[z, y, x]
        hit = bits if _far(lz, ly, lx) < squared else _hits(bits, lz, ly, lx, squared)
        if hit:
            painted += ones(hit)
            bits &= ~hit
            fine[z, y, x] = bits
            if bits == 0:
                left &= ~(ONE << np.uint64(place))
    middle[at] = left
    return painted


@jit
def _paint_ball(tree, centre, squared):
    """Paint what is left unpainted in the open ball; returns how many voxels."""
    fine, middle, coarse = tree
    painted = 0
    reach = int(math.sqrt(squared))
    z0, z1 = max(centre[0] - reach, 0) >> 6, min((centre[0] + reach) >> 6, coarse.shape[0] - 1)
    y0, y1 = max(centre[1] - reach, 0) >> 6, min((centre[1] + reach) >> 6, coarse.shape[1] - 1)
    x0, x1 = max(centre[2] - reach, 0) >> 6, min((centre[2] + reach) >> 6, coarse.shape[2] - 1)
    for cz in range(z0, z1 + 1):
        for cy in range(y0, y1 + 1):
            for cx in range(x0, x1 + 1):
                todo = coarse[cz, cy, cx] & _part(centre, reach, (cz, cy, cx), 4)
                while todo:
                    place = lowest(todo)
                    todo &= todo - ONE
                    z, y, x = (cz << 2) | (place >> 4), (cy << 2) | ((place >> 2) & 3), (cx << 2) | (place & 3)
                    if _near((z << 4) - centre[0], (y << 4) - centre[1], (x << 4) - centre[2], 15) >= squared:
                        continue
                    painted += _paint_words(fine, middle, (z, y, x), centre, reach, squared)
                    if middle[z, y, x] == 0:
                        coarse[cz, cy, cx] &= ~(ONE << np.uint64(place))
    return painted


@jit
def paint(squared, centres, marks, tolerance):
    """Count the voxels that each ball, in the order given, is the first to hold.

    Parameters
    ----------
    squared : (Z,Y,X) int32, squared distances; centres : flat indices, `kept_balls`.
    marks : (Z,Y,X) uint8, what is to be painted.
    tolerance : float, by which a ball may paint beyond its radius, as in `kept_balls`.

    Returns
    -------
    (n,) int64, voxels each ball painted.
    """
    flat = squared.reshape(-1)
    sy, sz = squared.shape[2], squared.shape[1] * squared.shape[2]
    fine = _coarser(marks)
    middle = _coarser(fine)
    tree = (fine, middle, _coarser(middle))
    left = 0
    for z in range(fine.shape[0]):
        for y in range(fine.shape[1]):
            for x in range(fine.shape[2]):
                left += ones(fine[z, y, x])
    counts = np.zeros(centres.size, np.int64)
    for k in range(centres.size):
        if left == 0:
            break
        i = np.int64(centres[k])
        # lattice points below a real radius are those below its square rounded up
        reach = np.int64(math.ceil((math.sqrt(np.int64(flat[i])) + tolerance) ** 2))
        counts[k] = _paint_ball(tree, (i // sz, i % sz // sy, i % sy), reach)
        left -= counts[k]
    return counts


@jit
def unmark_ball(marks, centre, radius):
    """Set to 0 the voxels of `marks` (Z,Y,X) uint8 in the open ball (voxels of equal edges); returns how many."""
    n = 0
    for z in range(marks.shape[0]):
        for y in range(marks.shape[1]):
            off = (z - centre[0]) ** 2 + (y - centre[1]) ** 2
            if off >= radius * radius:
                continue
            for x in range(marks.shape[2]):
                if marks[z, y, x] and off + (x - centre[2]) ** 2 < radius * radius:
                    marks[z, y, x] = 0
                    n += 1
    return n
