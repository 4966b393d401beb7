"""Squared distance to the background as whole numbers of 16 bits, for voxels whose squared edges are whole.

The minimum is that of `distance`: `out[i] = min over j of values[j] + steps[|i - j|]`. Sums stop at FAR_SQUARED, so
every result below it is exact; where one is not, the caller takes the other kernels. Half the bytes are twice the
voxels in a register, and a third of the traffic with what follows. Whole numbers allow any order of axes: steps along z
are counted in bytes, columns along y come next and rows along x last, so that the last pass works on any brick.
"""

import numpy as np

from ..jit import jit, jit_inline

FAR_SQUARED = np.uint16(65535)  # this far or farther
TILE_VOXELS = 256  # voxels worked on together


def step_table(square: int) -> np.ndarray:
    """Squared lengths of 0, 1, 2, ... voxels of this squared edge, as long as they are below FAR_SQUARED; uint16."""
    count = int(np.sqrt((int(FAR_SQUARED) - 1) // square)) + 1
    return (np.arange(count, dtype=np.int64) ** 2 * square).astype(np.uint16)


@jit_inline
def _top(values):
    """Largest of TILE_VOXELS values."""
    top = np.uint16(0)
    for i in range(TILE_VOXELS):
        top = values[i] if values[i] > top else top
    return top


@jit_inline
def _lower(target, line, low, high, low_next, high_next, add, add_next):
    """target = min(target, the two parts of `line` that start at low and high + add, the next two + add_next)."""
    room, room_next = np.uint16(FAR_SQUARED - add), np.uint16(FAR_SQUARED - add_next)
    for i in range(TILE_VOXELS):
        a, b = line[np.uint64(low + i)], line[np.uint64(high + i)]
        c, d = line[np.uint64(low_next + i)], line[np.uint64(high_next + i)]
        a = b if b < a else a
        c = d if d < c else c
        a = np.uint16((a if a < room else room) + add)
        c = np.uint16((c if c < room_next else room_next) + add_next)
        a = c if c < a else a
        target[i] = a if a < target[i] else target[i]


@jit
def _minima(line, at, step, steps, target):
    """target (TILE_VOXELS,) = minimum over k of the parts of `line` k * `step` before and after `at`, + steps[k].

    line (N,) uint16 reaches steps.size - 1 steps beyond both ends, FAR_SQUARED there. `target` holds what `line` has
    at `at`; 0 where nothing is wanted.
    """
    bound = _top(target)
    k, last = 1, steps.size - 1
    while k < last and steps[k] < bound:
        near, far = k * step, (k + 1) * step
        _lower(target, line, at - near, at + near, at - far, at + far, steps[k], steps[k + 1])
        bound = _top(target) if k & 2 else bound
        k += 2
    if k == last and steps[k] < bound:
        near = k * step
        _lower(target, line, at - near, at + near, at - near, at + near, steps[k], steps[k])


@jit
def count_steps(mask, most, out):
    """Steps along z to the nearest background, at most `most`; mask (Z,Y,X) uint8 0/1, out (Z,Y,X) uint8 written."""
    nz, ny, nx = mask.shape
    zero, one = np.uint8(0), np.uint8(1)
    last = np.uint8(most - one)
    for y in range(ny):
        row, target = mask[0, y], out[0, y]
        for x in range(nx):
            target[x] = most if row[x] != 0 else zero
    for z in range(1, nz):
        for y in range(ny):
            row, before, target = mask[z, y], out[z - 1, y], out[z, y]
            for x in range(nx):
                c = before[x] if before[x] < last else last
                c = np.uint8(c + one)
                target[x] = c if row[x] != 0 else zero
    for z in range(nz - 2, -1, -1):
        for y in range(ny):
            after, target = out[z + 1, y], out[z, y]
            for x in range(nx):
                c = after[x] if after[x] < last else last
                c = np.uint8(c + one)
                target[x] = c if c < target[x] else target[x]


@jit
def _squares(counts, square, most, out):
    """Squared lengths of steps, uint8 into uint16; FAR_SQUARED for `most` steps. Returns the largest."""
    top = np.uint16(0)
    for x in range(counts.size):
        c = np.uint16(counts[x])
        v = np.uint16(np.uint16(c * c) * square)
        v = v if c < most else FAR_SQUARED
        out[x] = v
        top = v if v > top else top
    return top


@jit
def along_y(counts, square, most, steps, out):
    """Squared distance in planes of constant x from steps along z.

    Parameters
    ----------
    counts : (Z,Y,X) uint8
        From `count_steps`, whole columns along y; `most` stands for that many and more.
    square : int
        Squared length of a step along z.
    most : int
    steps : (N,) uint16
        Of step_table, along y.
    out : (Z,Y,X) uint16
        Written.

    Returns
    -------
    uint16
        The largest of them, FAR_SQUARED where no background is near enough.
    """
    nz, ny, nx = counts.shape
    reach = steps.size - 1
    square, most = np.uint16(square), np.uint16(most)
    lines = np.full((ny + 2 * reach, TILE_VOXELS), FAR_SQUARED, np.uint16)
    line, target = lines.reshape(-1), np.empty(TILE_VOXELS, np.uint16)
    farthest = np.uint16(0)
    for z in range(nz):
        for x0 in range(0, nx, TILE_VOXELS):
            width = min(TILE_VOXELS, nx - x0)
            most_here = np.uint16(0)
            for y in range(ny):
                own = lines[reach + y]
                own[width:] = 0
                top = _squares(counts[z, y, x0 : x0 + width], square, most, own[:width])
                most_here = top if top > most_here else most_here
            for y in range(ny):
                part = out[z, y, x0 : x0 + width]
                if most_here == 0:
                    part[:] = 0
                    continue
                own = lines[reach + y]
                for x in range(TILE_VOXELS):
                    target[x] = own[x]
                _minima(line, (reach + y) * TILE_VOXELS, TILE_VOXELS, steps, target)
                top = _top(target)
                farthest = top if top > farthest else farthest
                for x in range(width):
                    part[x] = target[x]
    return farthest


@jit
def along_x(values, steps):
    """The minimum along the rows of (Z,Y,X) uint16, in place; steps of step_table. Returns the largest left."""
    nz, ny, nx = values.shape
    reach = steps.size - 1
    line = np.full((nx + TILE_VOXELS - 1) // TILE_VOXELS * TILE_VOXELS + 2 * reach, FAR_SQUARED, np.uint16)
    target = np.zeros(TILE_VOXELS, np.uint16)
    farthest = np.uint16(0)
    for z in range(nz):
        for y in range(ny):
            row = values[z, y]
            inside = line[reach : reach + nx]
            for x in range(nx):
                inside[x] = row[x]
            for x0 in range(0, nx, TILE_VOXELS):
                width = min(TILE_VOXELS, nx - x0)
                part, own = row[x0 : x0 + width], line[reach + x0 : reach + x0 + width]
                target[width:] = 0
                for x in range(width):
                    target[x] = own[x]
                _minima(line, reach + x0, 1, steps, target)
                top = _top(target)
                farthest = top if top > farthest else farthest
                for x in range(width):
                    part[x] = target[x]
    return farthest
