"""Steepest ascent in a distance map: where each voxel points, and which peak its chain of pointers reaches.

A voxel points to the highest of its 26 neighbours and itself; of equals, the one first in raster order. Along a chain
the height never falls and, where it stays, the raster index does, so chains end, on plateaus too.
"""

import numpy as np

from ..flagged import places, room, run_starts
from ..jit import jit, jit_inline

NOWHERE = np.uint8(255)  # code of background; a voxel that points to itself has code 13
HERE = np.uint8(13)
BACKGROUND = np.int32(-1)  # in the place of a basin
ROWS = 16  # rows that chains are followed in at a time


@jit
def _stacked(below, here, above, out):
    """Best of three rows of heights along z; out (X,) keys: height * 32 + 9 * rank."""
    kind = out.dtype.type
    for x in range(here.size):
        # ranks: the plane below comes first in raster order, so it wins a tie
        a = kind((kind(below[x]) << 5) + 18)
        b = kind((kind(here[x]) << 5) + 9)
        c = kind(kind(above[x]) << 5)
        a = b if b > a else a
        out[x] = c if c > a else a


@jit
def _pointed(before, here, after, heights, best, codes):
    """Codes (X,) of a row from the stacked keys (X + 2,) of three rows; 26 - code is what was added to the key.

    best: (X + 2,) to work in. Returns whether a voxel points to itself.
    """
    kind = best.dtype.type
    nx, peak = codes.size, False
    for x in range(nx + 2):
        a = kind(before[x] + 6)
        b = kind(here[x] + 3)
        c = after[x]
        a = b if b > a else a
        best[x] = c if c > a else a
    for x in range(nx):
        a = kind(best[x] + 2)
        b = kind(best[x + 1] + 1)
        c = best[x + 2]
        a = b if b > a else a
        a = c if c > a else a
        code = np.uint8(26 - (a & 31))
        code = code if heights[x] > 0 else NOWHERE
        codes[x] = code
        peak |= code == HERE
    return peak


@jit
def point(heights, first, keys, codes, labels):
    """Code of the neighbour each voxel points to, 9 (dz + 1) + 3 (dy + 1) + dx + 1, and the peaks: none points away.

    Parameters
    ----------
    heights : (Z,Y,X) whole numbers (or the bits of floats), not negative, 0 = background
        The slab with the plane before and after it where the volume has them.
    first : int
        Index of the slab's first plane in `heights` (0 or 1).
    keys : (4, X + 2) int32 or int64, zeros
        To work in; 32 times a height must fit.
    codes : (D,Y,X) uint8
        Written; NOWHERE in background.
    labels : (D,Y,X) int32
        Written; peaks from 1 in raster order, 0 elsewhere.

    Returns
    -------
    (N,) of the type of `heights`
        The peaks' heights.
    """
    depth, ny, nx = codes.shape
    nothing = np.zeros(nx, heights.dtype)
    peaks, count = np.empty(64, heights.dtype), 0
    for z in range(depth):
        mid = z + first
        has_below, has_above = mid > 0, mid + 1 < heights.shape[0]
        for y in range(-1, ny):
            # the row ahead enters the ring of three; the first round only fills it
            ahead = keys[(y + 1) % 3]
            if y + 1 < ny:
                below = heights[mid - 1, y + 1] if has_below else nothing
                above = heights[mid + 1, y + 1] if has_above else nothing
                _stacked(below, heights[mid, y + 1], above, ahead[1 : nx + 1])
            else:
                ahead[:] = 0
            if y < 0:
                keys[2, :] = 0
                continue
            own, code, label = heights[mid, y], codes[z, y], labels[z, y]
            label[:] = 0
            if _pointed(keys[(y + 2) % 3], keys[y % 3], ahead, own, keys[3], code):
                for x in range(nx):
                    if code[x] == HERE:
                        if count == peaks.size:
                            peaks = np.concatenate((peaks, np.empty_like(peaks)))
                        peaks[count] = own[x]
                        count += 1
                        label[x] = count
    return peaks[:count].copy()


def steps(ny: int, nx: int) -> np.ndarray:
    """Flat index step of each of the 27 codes in planes of (Y,X)."""
    dz, dy, dx = (a.reshape(-1) for a in np.indices((3, 3, 3)) - 1)
    return (dz.astype(np.int64) * ny + dy) * nx + dx


@jit_inline
def _longer(values):
    more = np.zeros(2 * values.size, np.int64)
    for i in range(values.size):  # a loop: assigning a slice takes the compiler three seconds
        more[i] = values[i]
    return more


@jit
def follow(codes, labels, offsets, n_peaks):
    """Label every voxel with the peak its chain reaches, or with the place where the chain leaves the slab.

    Parameters
    ----------
    codes : (D,Y,X) uint8
    labels : (D,Y,X) int32
        From `point`; completed in place. -e for a chain that leaves through exit e (from 1, as they are met).
    offsets : (27,) int64
        From steps.
    n_peaks : int

    Returns
    -------
    exits : (E,) int64
        2 * (index within the plane) + (0: plane before the slab, 1: plane after it) of the voxel entered.
    peak_sizes, exit_sizes : (N,) and (E,) int64
        Voxels of the slab that end there.
    """
    depth, ny, nx = codes.shape
    plane, total = ny * nx, codes.size
    code, label = codes.reshape(-1), labels.reshape(-1)
    doors = np.zeros((2, plane), np.int32)
    exits, exit_sizes, count = np.zeros(1024, np.int64), np.zeros(1024, np.int64), 0
    peak_sizes = np.ones(n_peaks, np.int64)
    for turn in range(depth * ((ny + ROWS - 1) // ROWS)):
        # a few rows through all planes, then the next few: chains stay in the cache
        y0, z = turn // depth * ROWS, turn % depth
        for i in range((z * ny + y0) * nx, (z * ny + min(ny, y0 + ROWS)) * nx):
            if label[i] != 0 or code[i] == NOWHERE:
                continue
            j = i
            while 0 <= j < total and label[j] == 0:
                j += offsets[code[j]]
            if 0 <= j < total:
                found = label[j]
            else:
                side, cell = (0, j + plane) if j < 0 else (1, j - total)
                if doors[side, cell] == 0:
                    if count == exits.size:
                        exits, exit_sizes = _longer(exits), _longer(exit_sizes)
                    exits[count] = 2 * cell + side
                    count += 1
                    doors[side, cell] = count
                found = -doors[side, cell]
            j, length = i, 0
            while 0 <= j < total and label[j] == 0:
                label[j] = found
                length += 1
                j += offsets[code[j]]
            if found > 0:
                peak_sizes[found - 1] += length
            else:
                exit_sizes[-found - 1] += length
    return exits[:count], peak_sizes, exit_sizes[:count]


@jit
def _add_run(target, z, y, first, last):
    n = last - first + 1
    sx = n * (first + last) // 2
    sxx = last * (last + 1) * (2 * last + 1) // 6 - (first - 1) * first * (2 * first - 1) // 6
    target[0] += n * z
    target[1] += n * y
    target[2] += sx
    target[3] += n * z * z
    target[4] += n * y * y
    target[5] += sxx
    target[6] += n * z * y
    target[7] += z * sx
    target[8] += y * sx


@jit
def _added(line, before):
    """Whether a row has a label where `before` is 0."""
    some = False
    for x in range(line.size):
        some |= (line[x] != 0) & (before[x] == 0)
    return some


@jit
def add_sums(labels, before, z0, depth, of_peaks, of_exits):
    """Add the sums of z, y, x, zz, yy, xx, zy, zx, yx over the voxels of each label, a run along x at a time.

    Parameters
    ----------
    labels : (D,Y,X) int32
        Of a slab, from follow.
    before : (D,Y,X) uint8
        The mask before sealing.
    z0, depth : int
        The first plane of `labels` in the volume, and the planes of the volume.
    of_peaks, of_exits : (N,11) and (E,11) int64
        Of labels from 1 up, and from -1 down: the nine sums, voxels that are 0 in `before`, 1 where a face is reached.
    """
    nx = labels.shape[2]
    marks, ends = room(nx + 1)
    for d in range(labels.shape[0]):
        z = np.int64(z0 + d)
        for y in range(labels.shape[1]):
            line, start = labels[d, y], np.int64(0)
            run_starts(line, marks)
            marks[nx] = 1  # the end of the row closes the last run
            added = _added(line, before[d, y])
            side = z == 0 or z == depth - 1 or y == 0 or y == labels.shape[1] - 1
            for i in range(places(marks, ends)):
                end, v = ends[i], line[start]
                if v != 0:
                    target = of_peaks[v - 1] if v > 0 else of_exits[-v - 1]
                    _add_run(target, z, np.int64(y), start, end - 1)
                    if side or start == 0 or end == nx:
                        target[10] = 1
                    if added:
                        for x in range(start, end):
                            target[9] += before[d, y, x] == 0
                start = end


@jit
def by_basin(of_peaks, of_exits, first, exits, n_basins):
    """Sums of add_sums by basin: the basins met (K,) int64, each once, and the sums (K,11) of each.

    first, exits: what the labels mean, see read_basins. n_basins: basins of the volume.
    """
    place, count = np.zeros(n_basins, np.int32), of_peaks.shape[0]
    for i in range(count):
        place[first + i] = i + 1
    for basin in exits:
        if place[basin] == 0:
            count += 1
            place[basin] = count
    met, sums = np.empty(count, np.int64), np.zeros((count, of_peaks.shape[1]), np.int64)
    for i in range(of_peaks.shape[0]):
        met[i] = first + i
        sums[i] = of_peaks[i]
    for e in range(exits.size):
        at = place[exits[e]] - 1
        met[at] = exits[e]
        for column in range(sums.shape[1]):
            sums[at, column] += of_exits[e, column]
    return met, sums


@jit
def read_basins(labels, first, exits, out):
    """Labels (Z,Y,X) of a slab as basins of the volume, into the inside of out (Z, Y + 2, X + 2), int32.

    Labels from 1 become `first`, `first` + 1 and so on; -e becomes `exits[e - 1]`; 0 becomes BACKGROUND.
    """
    nz, ny, nx = labels.shape
    for z in range(nz):
        for y in range(ny):
            source, target = labels[z, y], out[z, y + 1]
            for x in range(nx):
                v = source[x]
                target[x + 1] = exits[-v - 1] if v < 0 else (v + first - 1 if v > 0 else BACKGROUND)


@jit
def relabel(labels, first, exits, particles, out):
    """Labels (Z,Y,X) of a slab (see read_basins) as particles: `particles[basin]` int32, 0 in background; into out."""
    nz, ny, nx = labels.shape
    for z in range(nz):
        for y in range(ny):
            source, target = labels[z, y], out[z, y]
            for x in range(nx):
                v = source[x]
                if v == 0:
                    target[x] = 0
                else:
                    target[x] = particles[v + first - 1 if v > 0 else exits[-v - 1]]
