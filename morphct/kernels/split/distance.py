"""Exact squared distance to the background in separable passes: rows and columns of a plane, then columns along z.

Every pass computes `out[i] = min over j of values[j] + steps[|i - j|]`. Short distances are the rule, so the minimum is
taken over growing shifts of whole rows (vectorised) until the shift alone is farther than anything left in the row;
where distances are long the lower envelope of parabolas takes over. Which of the two is used hangs on the tile's values
alone, never on how the volume was cut.
"""

import numpy as np

from ..jit import jit

FAR_SQUARED = np.float32(1e30)  # no background met yet
TILE_COLUMNS = 128  # columns worked on together
LONG_REACH_VOXELS = 96  # in voxels: beyond this reach the lower envelope is quicker


def step_table(edge: float, count: int) -> np.ndarray:
    """Squared lengths of 0 to `count` - 1 voxels of this edge, float32 (exact integers for edge 1)."""
    return ((np.arange(count, dtype=np.float64) * edge) ** 2).astype(np.float32)


@jit
def rows(mask, steps, out):
    """Squared distance along x within each row.

    Parameters
    ----------
    mask : (Y,X) uint8, 0 = background; steps : (>= X,) float32; out : (Y,X) float32, written
        FAR_SQUARED in rows without background.
    """
    ny, nx = mask.shape
    for y in range(ny):
        line, target = mask[y], out[y]
        since = nx
        for x in range(nx):
            since = 0 if line[x] == 0 else since + 1
            target[x] = steps[since] if since <= x else FAR_SQUARED
        since = nx
        for x in range(nx - 1, -1, -1):
            since = 0 if line[x] == 0 else since + 1
            if since < nx - x:
                other = steps[since]
                target[x] = other if other < target[x] else target[x]


@jit
def _largest(values):
    # floats that are not negative sort as their bits do, and integer maxima vectorise
    top = np.int32(0)
    bits = values.view(np.int32)
    for x in range(bits.size):
        top = bits[x] if bits[x] > top else top
    return top


@jit
def _bits(value):
    one = np.empty(1, np.float32)
    one[0] = value
    return one.view(np.int32)[0]


@jit
def _lower_two(target, near, far, add_near, add_far):
    """target = min(target, near pair + add_near, far pair + add_far): two shifts in one go halve the traffic."""
    a, b = near
    c, d = far
    for x in range(target.size):
        v = b[x] if b[x] < a[x] else a[x]
        w = d[x] if d[x] < c[x] else c[x]
        v += add_near
        w += add_far
        v = w if w < v else v
        target[x] = v if v < target[x] else target[x]


@jit
def _lower_one(target, other, add):
    for x in range(target.size):
        v = other[x] + add
        target[x] = v if v < target[x] else target[x]


@jit
def _shifted_minima(source, steps, out):
    """Minimum over shifts along the first axis of `source` (N,W) into `out` (N,W), with a running bound."""
    n, width = source.shape
    step_bits = steps.view(np.int32)
    for i in range(n):
        target, own = out[i], source[i]
        for x in range(width):
            target[x] = own[x]
        bound = _largest(target)
        both, last = min(i, n - 1 - i), max(i, n - 1 - i)
        k = 1
        while k < both and step_bits[k] < bound:
            near, far = (source[i - k], source[i + k]), (source[i - k - 1], source[i + k + 1])
            _lower_two(target, near, far, steps[k], steps[k + 1])
            bound = _largest(target) if k & 2 else bound
            k += 2
        while k <= last and step_bits[k] < bound:
            if i - k >= 0:
                _lower_one(target, source[i - k], steps[k])
            if i + k < n:
                _lower_one(target, source[i + k], steps[k])
            bound = _largest(target) if k & 3 == 0 else bound
            k += 1


@jit
def _envelope(source, steps, edge, out):
    """The same by the lower envelope of parabolas.

    Source: Felzenszwalb and Huttenlocher, Theory of Computing 8, 2012, doi:10.4086/toc.2012.v008a019, algorithm 1.
    """
    n, width = source.shape
    sites = np.empty(n, np.int64)
    starts = np.empty(n + 1, np.float64)
    square = np.float64(edge) * np.float64(edge)
    for x in range(width):
        count = 0
        for j in range(n):
            if source[j, x] >= FAR_SQUARED:
                continue
            height = np.float64(source[j, x]) + square * j * j
            start = -np.inf
            while count > 0:
                i = sites[count - 1]
                start = (height - (np.float64(source[i, x]) + square * i * i)) / (2.0 * square * (j - i))
                if start > starts[count - 1]:
                    break
                count -= 1
                start = -np.inf
            sites[count] = j
            starts[count] = start
            count += 1
        if count == 0:
            for i in range(n):
                out[i, x] = FAR_SQUARED
            continue
        starts[count] = np.inf
        k = 0
        for i in range(n):
            while starts[k + 1] < i:
                k += 1
            j = sites[k]
            out[i, x] = source[j, x] + steps[abs(i - j)]


@jit
def columns(values, steps, edge):
    """Minimum along the first axis, in place.

    Parameters
    ----------
    values : (N,M) float32, changed in place
        Squared distances within the other axes.
    steps : (>= N,) float32
        Squared lengths along the first axis, see step_table.
    edge : float
        Voxel edge along the first axis.
    """
    n, m = values.shape
    limit = steps[min(LONG_REACH_VOXELS, steps.size - 1)]
    source_full = np.empty((n, TILE_COLUMNS), np.float32)
    out_full = np.empty((n, TILE_COLUMNS), np.float32)
    for x0 in range(0, m, TILE_COLUMNS):
        width = min(TILE_COLUMNS, m - x0)
        source = source_full if width == TILE_COLUMNS else np.empty((n, width), np.float32)
        out = out_full if width == TILE_COLUMNS else np.empty((n, width), np.float32)
        top = np.int32(0)
        for i in range(n):
            line = values[i]
            for x in range(width):
                source[i, x] = line[x0 + x]
            here = _largest(source[i])
            top = here if here > top else top
        if top == 0:
            continue
        if top > _bits(limit) and n > LONG_REACH_VOXELS:
            _envelope(source, steps, edge, out)
        else:
            _shifted_minima(source, steps, out)
        for i in range(n):
            line = values[i]
            for x in range(width):
                line[x0 + x] = out[i, x]


@jit
def strips(values, steps_z, edge_z, far):
    """Columns along z of a strip of rows, in place; where nothing met background the distance becomes `far`.

    values : (Y,Z,X) float32: planes of constant y, so that a column's rows lie side by side.
    """
    for y in range(values.shape[0]):
        columns(values[y], steps_z, edge_z)
        # a single background voxel anywhere is met by all columns
        if values[y, 0, 0] >= FAR_SQUARED:
            values[y, :, :] = far
