"""Integer sums over labelled voxels: moments, boxes, grey. One brick at a time; the sums of bricks add up.

Everything is int64, so the order of bricks and of voxels cannot change a bit of the result.
"""

import numpy as np

from ..jit import jit

MISSING = -(2**63)  # the code of a grey value that is not known
# columns of `add_grey`: number of voxels; high and low words of the codes; low and high words of h h, h l and l l
GREY_SUMS = ("n", "h", "l", "hh_low", "hh_high", "hl_low", "hl_high", "ll_low", "ll_high")


@jit
def label_range(labels):
    """Smallest non-zero and largest label of (Z,Y,X) int32 `labels`; (0, 0) when there is none."""
    low, high = np.int64(2**62), np.int64(0)
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            row = labels[z, y]
            row_low, row_high = np.uint32(2**32 - 1), np.uint32(0)
            for x in range(labels.shape[2]):
                label = np.uint32(row[x])
                # zero wraps to the largest number, so that it never is the smallest label
                row_low = min(row_low, np.uint32(label - np.uint32(1)))
                row_high = max(row_high, label)
            if row_high > 0:
                low, high = min(low, np.int64(row_low) + 1), max(high, np.int64(row_high))
    return (low, high) if high > 0 else (np.int64(0), np.int64(0))


@jit
def add_moments(labels, corner, first, moments, boxes):
    """Add a brick's voxel counts, first and second moments and bounding boxes, run by run along x.

    Parameters
    ----------
    labels : (Z,Y,X) int32, 0 = background, labels from `first` to `first + L - 1`
    corner : (2,) int
        Plane and row of the volume at which the brick begins.
    first : int
        Label of row 0 of the tables.
    moments : (L, 10) int64, columns n, z, y, x, zz, yy, xx, zy, zx, yx in voxel indices of the volume; changed in place
    boxes : (L, 6) int64, z0 z1 y0 y1 x0 x1 half-open, begun at (large, 0) a pair; changed in place
    """
    nz, ny, nx = labels.shape
    for zs in range(nz):
        z = np.int64(zs + corner[0])
        for ys in range(ny):
            y, row = np.int64(ys + corner[1]), labels[zs, ys]
            x = 0
            while x < nx:
                label = row[x]
                if label == 0:
                    x += 1
                    continue
                a = np.int64(x)
                while x < nx and row[x] == label:
                    x += 1
                b = np.int64(x)  # the run is a..b-1
                count = b - a
                sum_x = (a + b - 1) * count // 2
                sum_xx = ((b - 1) * b * (2 * b - 1) - (a - 1) * a * (2 * a - 1)) // 6
                m = moments[label - first]
                m[0] += count
                m[1] += count * z
                m[2] += count * y
                m[3] += sum_x
                m[4] += count * z * z
                m[5] += count * y * y
                m[6] += sum_xx
                m[7] += count * z * y
                m[8] += sum_x * z
                m[9] += sum_x * y
                box = boxes[label - first]
                box[0] = min(box[0], z)
                box[1] = max(box[1], z + 1)
                box[2] = min(box[2], y)
                box[3] = max(box[3], y + 1)
                box[4] = min(box[4], a)
                box[5] = max(box[5], b)


@jit
def add_grey(labels, voids, codes, first, sums):
    """Add a brick's grey sums over the solid: voxels with a label, no void and a known grey value.

    Squares are kept in two words of 32 bits, so that no sum overflows and none is rounded.

    Parameters
    ----------
    labels : (Z,Y,X) int32
    voids : (Z,Y,X) int32, or (0,0,0) when there are none
    codes : (Z,Y,X) integers, no larger than 2^31
    first : int
        Label of row 0 of `sums`.
    sums : (L, 9) int64, columns GREY_SUMS; changed in place
    """
    nz, ny, nx = labels.shape
    hollow = voids.size > 0
    for z in range(nz):
        for y in range(ny):
            row, values = labels[z, y], codes[z, y]
            x = 0
            while x < nx:
                label = row[x]
                if label == 0:
                    x += 1
                    continue
                count, total, low, high = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
                while x < nx and row[x] == label:
                    if not (hollow and voids[z, y, x] != 0):
                        q = np.int64(values[x])
                        square = q * q
                        count += 1
                        total += q
                        low += square & 0xFFFFFFFF
                        high += square >> 32
                    x += 1
                s = sums[label - first]
                s[0] += count
                s[2] += total
                s[7] += low
                s[8] += high


@jit
def add_wide_grey(labels, voids, codes, first, sums):
    """As `add_grey` for (Z,Y,X) int64 codes of any size but MISSING, which are left out.

    A code is h 2^32 + l with l from 0 to 2^32 - 1; its square is h^2 2^64 + 2 h l 2^32 + l^2.
    """
    nz, ny, nx = labels.shape
    hollow = voids.size > 0
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                label = labels[z, y, x]
                q = codes[z, y, x]
                if label == 0 or q == MISSING or (hollow and voids[z, y, x] != 0):
                    continue
                high, low = q >> 32, q & 0xFFFFFFFF
                both, square = high * low, np.uint64(low) * np.uint64(low)
                s = sums[label - first]
                s[0] += 1
                s[1] += high
                s[2] += low
                s[3] += (high * high) & 0xFFFFFFFF
                s[4] += (high * high) >> 32
                s[5] += both & 0xFFFFFFFF
                s[6] += both >> 32
                s[7] += np.int64(square & np.uint64(0xFFFFFFFF))
                s[8] += np.int64(square >> np.uint64(32))


@jit
def grey_limits(grey):
    """Largest magnitude among the finite values of (Z,Y,X) `grey`; 0 when there is none."""
    peak = 0.0
    for z in range(grey.shape[0]):
        for y in range(grey.shape[1]):
            for x in range(grey.shape[2]):
                value = abs(np.float64(grey[z, y, x]))
                if value > peak and np.isfinite(value):
                    peak = value
    return peak


@jit
def fill_voids(labels, voids, owner, out, counts):
    """Give void voxels without a label their owner's: `out` is the envelope of every particle.

    Parameters
    ----------
    labels, voids, out : (Z,Y,X) int32; `out` is written
    owner : (V+1,) int64, label of each void, 0 = none
    counts : (N+1, 2) int64 by label: void voxels in the envelope, and those of them that carried no label; added to
    """
    nz, ny, nx = labels.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                label, void = labels[z, y, x], voids[z, y, x]
                if void != 0:
                    if label == 0:
                        label = np.int32(owner[void])
                        counts[label, 1] += 1
                    counts[label, 0] += 1
                out[z, y, x] = label


@jit
def cut_out(labels, voids, owner, chosen, mask, hollow):
    """Take particles out of a crop: `mask` 1 where their envelope is, `hollow` 1 where a void or another one in it is.

    Parameters
    ----------
    labels, voids : (Z,Y,X) int32
    owner : (V+1,) int64, label of each void, 0 = none
    chosen : (N+1,) int64, 1 for the labels meant, 2 for those that lie in a hole of theirs; or a single label, (1,)
    mask, hollow : (Z,Y,X) uint8, written

    Returns
    -------
    Number of hollow voxels.
    """
    one = chosen[0]
    several = chosen.size > 1
    nz, ny, nx = labels.shape
    count = 0
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                label, void = np.int64(labels[z, y, x]), voids[z, y, x]
                if void != 0 and label == 0:
                    label = owner[void]
                inside = (chosen[label] != 0) if several else label == one
                mask[z, y, x] = inside
                empty = inside and (void != 0 or (several and chosen[label] == 2))
                hollow[z, y, x] = empty
                count += empty
    return count


@jit
def background_grey(labels, codes, outside):
    """Number and sums of high and low words of the grey codes of the background of (Z,Y,X) `labels`, (3,) int64.

    MISSING is left out, and so are codes equal to `outside`, which reconstructions put outside their field of view.
    """
    sums = np.zeros(3, np.int64)
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            for x in range(labels.shape[2]):
                q = np.int64(codes[z, y, x])
                if labels[z, y, x] == 0 and q != outside and q != MISSING:
                    sums[0] += 1
                    sums[1] += q >> 32
                    sums[2] += q & 0xFFFFFFFF
    return sums
