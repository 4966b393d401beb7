"""Squared distance to the background as whole numbers of 16 bits, for voxels whose squared edges are whole.

The passes and the minimum are those of `distance`: `out[i] = min over j of values[j] + steps[|i - j|]`. Sums stop at
FAR_SQUARED, so every result below it is exact; where one is not, the caller takes the other kernels. Half the bytes are
twice the voxels in a register, and a third of the traffic with what follows.
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
def _count_rows(mask, most, counts):
    """Steps back to the last background row, column by column, at most `most`; mask, counts (Y,X)."""
    ny, nx = mask.shape
    for y in range(ny):
        row, target = mask[y], counts[y]
        if y == 0:
            for x in range(nx):
                target[x] = most if row[x] else 0
        else:
            before = counts[y - 1]
            for x in range(nx):
                c = np.uint16(before[x] + np.uint16(1))
                c = c if c < most else most
                target[x] = c if row[x] else 0


@jit
def _squares(row, behind, ahead, square, most, out):
    """out (X,) = squared length of the way to the nearer background row; `behind` is brought up to this row."""
    for x in range(row.size):
        c = np.uint16(behind[x] + np.uint16(1))
        c = c if c < most else most
        c = c if row[x] else np.uint16(0)
        behind[x] = c
        c = ahead[x] if ahead[x] < c else c
        v = np.uint16(np.uint16(c * c) * square)
        out[x] = v if c < most else FAR_SQUARED


@jit
def planes(mask, steps_y, steps_x, out):
    """Squared distance within each plane: mask (Z,Y,X) uint8 0/1, out (Z,Y,X) uint16 written; steps of step_table."""
    nz, ny, nx = mask.shape
    most, square = np.uint16(steps_y.size), steps_y[1] if steps_y.size > 1 else FAR_SQUARED
    reach = steps_x.size - 1
    counts, behind = np.empty((ny, nx), np.uint16), np.empty(nx, np.uint16)
    line = np.full((nx + TILE_VOXELS - 1) // TILE_VOXELS * TILE_VOXELS + 2 * reach, FAR_SQUARED, np.uint16)
    target = np.zeros(TILE_VOXELS, np.uint16)
    for z in range(nz):
        _count_rows(mask[z], most, counts)
        behind[:] = most
        for y in range(ny - 1, -1, -1):
            _squares(mask[z, y], behind, counts[y], square, most, line[reach : reach + nx])
            for x0 in range(0, nx, TILE_VOXELS):
                width = min(TILE_VOXELS, nx - x0)
                part, values = out[z, y, x0 : x0 + width], line[reach + x0 : reach + x0 + width]
                target[width:] = 0
                for x in range(width):
                    target[x] = values[x]
                _minima(line, reach + x0, 1, steps_x, target)
                for x in range(width):
                    part[x] = target[x]


@jit
def strips(values, steps):
    """Minimum along the first axis of (Z,R,X) uint16, in place; returns whether all of it is below FAR_SQUARED."""
    nz, rows, nx = values.shape
    reach = steps.size - 1
    lines = np.full((nz + 2 * reach, TILE_VOXELS), FAR_SQUARED, np.uint16)
    line = lines.reshape(-1)
    target = np.empty(TILE_VOXELS, np.uint16)
    farthest = np.uint16(0)
    for y in range(rows):
        for x0 in range(0, nx, TILE_VOXELS):
            width = min(TILE_VOXELS, nx - x0)
            top = np.uint16(0)
            for z in range(nz):
                source, copy = values[z, y, x0 : x0 + width], lines[reach + z]
                copy[width:] = 0
                for x in range(width):
                    copy[x] = source[x]
                    top = source[x] if source[x] > top else top
            if top == 0:
                continue
            for z in range(nz):
                part, own = values[z, y, x0 : x0 + width], lines[reach + z]
                for x in range(TILE_VOXELS):
                    target[x] = own[x]
                _minima(line, (reach + z) * TILE_VOXELS, TILE_VOXELS, steps, target)
                top = _top(target)
                farthest = top if top > farthest else farthest
                for x in range(width):
                    part[x] = target[x]
    return farthest < FAR_SQUARED
