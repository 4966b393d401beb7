"""Steepest ascent in a distance map: where each voxel points, and which peak its chain of pointers reaches.

A voxel points to the highest of its 26 neighbours and itself; of equals, the one first in raster order. Along a chain
the height never falls and, where it stays, the raster index does, so chains end, on plateaus too.
"""

import numpy as np

from ..jit import jit, jit_inline

NOWHERE = np.uint8(255)  # code of background; a voxel that points to itself has code 13
HERE = np.uint8(13)
DOOR = np.int32(-1)  # label of what lies around a brick, until a chain has left there
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


@jit_inline
def _longer(values):
    more = np.zeros(2 * values.size, np.int64)
    for i in range(values.size):  # a loop: assigning a slice takes the compiler three seconds
        more[i] = values[i]
    return more


@jit
def point(heights, core, keys, codes, labels):
    """Code of the neighbour each voxel points to, 9 (dz + 1) + 3 (dy + 1) + dx + 1, and the peaks: none points away.

    Parameters
    ----------
    heights : (Z,Y,X) whole numbers (or the bits of floats), not negative, 0 = background
        The brick with a plane and a row on every side where the volume has them.
    core : (int, int, int, int)
        First and last (half-open) plane and row of the brick in `heights`.
    keys : (4, X + 2) int32 or int64, zeros
        To work in; 32 times a height must fit.
    codes : (D + 2, H + 2, X) uint8
        Written but for a border of one plane and row; NOWHERE in background.
    labels : (D + 2, H + 2, X) int32
        Written; peaks from 1 in raster order, 0 elsewhere, DOOR in the border.

    Returns
    -------
    heights : (N,) of the type of `heights`
        Of the peaks.
    places : (N,) int64
        Flat index of the peaks in the brick.
    """
    z0, z1, y0, y1 = core
    nz, ny, nx = heights.shape
    height = y1 - y0
    nothing = np.zeros(nx, heights.dtype)
    peaks, spots, count = np.empty(64, heights.dtype), np.empty(64, np.int64), 0
    for end in (0, codes.shape[0] - 1):
        labels[end, :, :] = DOOR
    for z in range(z0, z1):
        codes_here, labels_here = codes[z - z0 + 1], labels[z - z0 + 1]
        for end in (0, height + 1):
            labels_here[end, :] = DOOR
        for y in range(-2, height):
            # the row ahead enters the ring of three; the first two rounds only fill it
            ahead, row = keys[(y + 1) % 3], y0 + y + 1
            if 0 <= row < ny:
                below = heights[z - 1, row] if z > 0 else nothing
                above = heights[z + 1, row] if z + 1 < nz else nothing
                _stacked(below, heights[z, row], above, ahead[1 : nx + 1])
            else:
                ahead[:] = 0
            if y < 0:
                continue
            own, code, label = heights[z, y0 + y], codes_here[y + 1], labels_here[y + 1]
            label[:] = 0
            if _pointed(keys[(y + 2) % 3], keys[y % 3], ahead, own, keys[3], code):
                for x in range(nx):
                    if code[x] == HERE:
                        if count == peaks.size:
                            peaks = np.concatenate((peaks, np.empty_like(peaks)))
                            spots = _longer(spots)
                        peaks[count] = own[x]
                        spots[count] = (np.int64(z - z0) * height + y) * nx + x
                        count += 1
                        label[x] = count
    return peaks[:count].copy(), spots[:count].copy()


def steps(ny: int, nx: int) -> np.ndarray:
    """Flat index step of each of the 27 codes in planes of (Y,X)."""
    dz, dy, dx = (a.reshape(-1) for a in np.indices((3, 3, 3)) - 1)
    return (dz.astype(np.int64) * ny + dy) * nx + dx


@jit
def follow(codes, labels, offsets, n_peaks):
    """Label every voxel with the peak its chain reaches, or with the place where the chain leaves the brick.

    Parameters
    ----------
    codes : (D + 2, H + 2, X) uint8
    labels : (D + 2, H + 2, X) int32
        From `point`; completed in place. `n_peaks` + e for a chain that leaves through exit e (from 1, as they are
        met).
    offsets : (27,) int64
        From steps.
    n_peaks : int

    Returns
    -------
    (E,) int64
        Flat index in `codes`, in its border, of the voxel that each exit enters.
    """
    depth, height, nx = codes.shape
    code, label = codes.reshape(-1), labels.reshape(-1)
    exits, count = np.zeros(1024, np.int64), 0
    bands = (height - 2 + ROWS - 1) // ROWS
    for turn in range((depth - 2) * bands):
        # a few rows through all planes, then the next few: chains stay in the cache
        y0, z = 1 + turn // (depth - 2) * ROWS, 1 + turn % (depth - 2)
        for i in range((z * height + y0) * nx, (z * height + min(height - 1, y0 + ROWS)) * nx):
            if label[i] != 0 or code[i] == NOWHERE:
                continue
            j = i + offsets[code[i]]
            found = label[j]
            if found > 0:  # most often
                label[i] = found
                continue
            while found == 0:
                j += offsets[code[j]]
                found = label[j]
            if found == DOOR:
                if count == exits.size:
                    exits = _longer(exits)
                exits[count] = j
                count += 1
                found = np.int32(n_peaks + count)
                label[j] = found
            j = i
            while label[j] == 0:
                label[j] = found
                j += offsets[code[j]]
    return exits[:count]


@jit
def read_basins(labels, names, out):
    """Labels (Z,Y,X) as basins: `names[label]`; out (Z,Y,X) int32, a part of a larger array."""
    nz, ny, nx = labels.shape
    for z in range(nz):
        for y in range(ny):
            source, target = labels[z, y], out[z, y]
            for x in range(nx):
                target[x] = names[source[x]]


@jit
def rename(labels, names):
    """Every label (Z,Y,X) replaced by `names[label]`, in place."""
    nz, ny, nx = labels.shape
    for z in range(nz):
        for y in range(ny):
            line = labels[z, y]
            for x in range(nx):
                line[x] = names[line[x]]
