"""Steepest ascent in a distance map: where each voxel points, and which peak its chain of pointers reaches.

A voxel points to the highest of its 26 neighbours and itself; of equals, the one first in raster order. Along a chain
the height never falls and, where it stays, the raster index does, so chains end, on plateaus too.
"""

import numpy as np

from .jit import jit, jit_inline

NOWHERE = np.uint8(255)  # code of background; a voxel that points to itself has code 13
HERE = np.uint8(13)
BACKGROUND = np.int32(-1)  # in the place of a basin
ROWS = 16  # rows that chains are followed in at a time


@jit
def _stacked(below, here, above, out):
    """Best of three rows of heights (as bits) along z; out (X,) int64 keys: height bits * 32 + 9 * rank."""
    for x in range(here.size):
        # ranks: the plane below comes first in raster order, so it wins a tie
        a = (np.int64(below[x]) << 5) + 18
        b = (np.int64(here[x]) << 5) + 9
        c = np.int64(above[x]) << 5
        a = b if b > a else a
        out[x] = c if c > a else a


@jit
def _pointed(before, here, after, heights, codes):
    """Codes (X,) of a row from the stacked keys (X + 2,) of three rows; 26 - code is what was added to the key."""
    nx = codes.size
    best = np.empty(nx + 2, np.int64)
    for x in range(nx + 2):
        a = before[x] + 6
        b = here[x] + 3
        c = after[x]
        a = b if b > a else a
        best[x] = c if c > a else a
    for x in range(nx):
        a = best[x] + 2
        b = best[x + 1] + 1
        c = best[x + 2]
        a = b if b > a else a
        a = c if c > a else a
        code = np.uint8(26 - (a & 31))
        codes[x] = code if heights[x] > 0 else NOWHERE


@jit
def point(heights, first, codes):
    """Code of the neighbour each voxel points to: 9 (dz + 1) + 3 (dy + 1) + dx + 1.

    Parameters
    ----------
    heights : (Z,Y,X) float32, not negative, 0 = background
        The slab with the plane before and after it where the volume has them.
    first : int
        Index of the slab's first plane in `heights` (0 or 1).
    codes : (D,Y,X) uint8
        Written; NOWHERE in background.
    """
    depth, ny, nx = codes.shape
    bits = heights.view(np.int32)
    nothing = np.zeros(nx, np.int32)
    keys = np.zeros((3, nx + 2), np.int64)
    for z in range(depth):
        mid = z + first
        has_below, has_above = mid > 0, mid + 1 < bits.shape[0]
        for y in range(-1, ny):
            # the row ahead enters the ring of three; the first round only fills it
            ahead = keys[(y + 1) % 3]
            if y + 1 < ny:
                below = bits[mid - 1, y + 1] if has_below else nothing
                above = bits[mid + 1, y + 1] if has_above else nothing
                _stacked(below, bits[mid, y + 1], above, ahead[1 : nx + 1])
            else:
                ahead[:] = 0
            if y < 0:
                keys[2, :] = 0
                continue
            _pointed(keys[(y + 2) % 3], keys[y % 3], ahead, bits[mid, y], codes[z, y])


@jit
def number_peaks(codes, heights, labels):
    """Number the voxels that point to themselves from 1 in raster order; every other label becomes 0.

    codes (D,Y,X) uint8, heights (D,Y,X) float32, labels (D,Y,X) int32 written. Returns the peaks' heights (N,) float32.
    """
    count = 0
    for z in range(codes.shape[0]):
        for y in range(codes.shape[1]):
            line, target = codes[z, y], labels[z, y]
            for x in range(line.size):
                target[x] = 0
                if line[x] == HERE:
                    count += 1
                    target[x] = count
    peaks = np.empty(count, np.float32)
    count = 0
    for z in range(codes.shape[0]):
        for y in range(codes.shape[1]):
            line = codes[z, y]
            for x in range(line.size):
                if line[x] == HERE:
                    peaks[count] = heights[z, y, x]
                    count += 1
    return peaks


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
        From number_peaks; completed in place. -e for a chain that leaves through exit e (from 1, as they are met).
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
def add_moments(labels, z0, of_peaks, of_exits):
    """Add the sums of z, y, x, zz, yy, xx, zy, zx, yx over the voxels of each label, a run along x at a time.

    Parameters
    ----------
    labels : (D,Y,X) int32
        Of a slab, from follow.
    z0 : int
        The slab's first plane in the volume.
    of_peaks, of_exits : (N,9) and (E,9) int64
        Of labels from 1 up, and from -1 down.
    """
    for d in range(labels.shape[0]):
        z = np.int64(z0 + d)
        for y in range(labels.shape[1]):
            line, start = labels[d, y], 0
            while start < line.size:
                v, end = line[start], start + 1
                while end < line.size and line[end] == v:
                    end += 1
                if v != 0:
                    n = np.int64(end - start)
                    first, last = np.int64(start), np.int64(end - 1)
                    sx = n * (first + last) // 2
                    sxx = last * (last + 1) * (2 * last + 1) // 6 - (first - 1) * first * (2 * first - 1) // 6
                    target = of_peaks[v - 1] if v > 0 else of_exits[-v - 1]
                    target[0] += n * z
                    target[1] += n * y
                    target[2] += sx
                    target[3] += n * z * z
                    target[4] += n * y * y
                    target[5] += sxx
                    target[6] += n * z * y
                    target[7] += z * sx
                    target[8] += y * sx
                start = end


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
