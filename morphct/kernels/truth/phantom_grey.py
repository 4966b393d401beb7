"""Grey values of a synthetic powder: blur along each axis, phases and glue, digitising."""

import numpy as np

from ..jit import jit


@jit
def _along_row(source, weights, out):
    """One row (X,) float32 convolved with symmetric weights into `out`, edges repeated."""
    nx, radius = source.shape[0], weights.shape[0] - 1
    for x in range(nx):
        out[x] = weights[0] * source[x]
    for r in range(1, radius + 1):
        w = weights[r]
        for x in range(min(r, nx)):
            out[x] += w * (source[0] + source[min(x + r, nx - 1)])
        if nx > 2 * r:  # slices that begin at 0 are walked several voxels at a time
            left, right, middle = source[: nx - 2 * r], source[2 * r :], out[r : nx - r]
            for x in range(middle.shape[0]):
                middle[x] += w * (left[x] + right[x])
        for x in range(max(r, nx - r), nx):
            out[x] += w * (source[x - r] + source[nx - 1])


@jit
def _add_rows(first, second, weight, out):
    for x in range(out.shape[0]):
        out[x] += weight * (first[x] + second[x])


@jit
def blur_plane(source, weights, spare, out):
    """Convolve a plane (Y, X) float32 along x and y with symmetric weights (R + 1,) float32, centre first, into `out`.

    Edges are repeated. `spare` and `out` are of the shape of `source`, which is kept.
    """
    ny, nx = source.shape
    for y in range(ny):
        _along_row(source[y], weights, spare[y])
    for y in range(ny):
        row, here = out[y], spare[y]
        for x in range(nx):
            row[x] = weights[0] * here[x]
        for r in range(1, weights.shape[0]):
            _add_rows(spare[max(y - r, 0)], spare[min(y + r, ny - 1)], weights[r], row)


@jit
def blur_depth(source, weights, first, depth, rows, out):
    """Convolve along z, rows[0] to rows[1] (half-open) of each plane, into `out` (Z, Y, X) float32.

    source : (A, Y, X) float32, planes of a volume of `depth` planes, edges repeated. first : (2,) int64: the planes of
    the volume that source and out begin with; source holds all planes that `out` needs.
    """
    nz, nx = out.shape[0], out.shape[2]
    for y in range(rows[0], rows[1]):  # rows outside: what the next plane needs as well is still in the cache
        for k in range(nz):
            z = first[1] + k
            row, here = out[k, y], source[z - first[0], y]
            for x in range(nx):
                row[x] = weights[0] * here[x]
            for r in range(1, weights.shape[0]):
                low, high = max(z - r, 0) - first[0], min(z + r, depth - 1) - first[0]
                _add_rows(source[low, y], source[high, y], weights[r], row)


@jit
def correlate(source, weights, axis, out):
    """Convolve (Z, Y, X) float32 with symmetric weights (R + 1,) float32, centre first, edges repeated, into `out`."""
    nz, ny, nx = source.shape
    for z in range(nz):
        for y in range(ny):
            if axis == 2:
                _along_row(source[z, y], weights, out[z, y])
                continue
            row, here = out[z, y], source[z, y]
            for x in range(nx):
                row[x] = weights[0] * here[x]
            for r in range(1, weights.shape[0]):
                if axis == 0:
                    _add_rows(source[max(z - r, 0), y], source[min(z + r, nz - 1), y], weights[r], row)
                else:
                    _add_rows(source[z, max(y - r, 0)], source[z, min(y + r, ny - 1)], weights[r], row)


@jit
def fill_phases(phases, wetting, field, z, levels, greys, out):
    """Grey of a plane without blur and noise: air, glue or particle, (Y, X) float32 into `out`.

    phases : (Y, X) uint8: 0 background, 1 particle, 2 void inside a particle. wetting : (Y, X) float32 blurred solid (1
    = solid). field : (A, B, C) float32 random field, interpolated, and at every how many voxels it is given. z : the
    plane of the volume.
    levels : (3,) coarse above levels[0] is wet, above levels[1] full of glue; wet and wetting above levels[2] is glue.
    greys : (3,) air, glue, particle.
    """
    coarse, step = field
    ny, nx = phases.shape
    fz = z / step
    a = int(fz)
    fz -= a
    for y in range(ny):
        fy = y / step
        b = int(fy)
        fy -= b
        for x in range(nx):
            if phases[y, x] != 0:
                out[y, x] = greys[2] if phases[y, x] == 1 else greys[0]
                continue
            fx = x / step
            c = int(fx)
            fx -= c
            low = (coarse[a, b, c] * (1 - fx) + coarse[a, b, c + 1] * fx) * (1 - fy) + (
                coarse[a, b + 1, c] * (1 - fx) + coarse[a, b + 1, c + 1] * fx
            ) * fy
            high = (coarse[a + 1, b, c] * (1 - fx) + coarse[a + 1, b, c + 1] * fx) * (1 - fy) + (
                coarse[a + 1, b + 1, c] * (1 - fx) + coarse[a + 1, b + 1, c + 1] * fx
            ) * fy
            here = low * (1 - fz) + high * fz
            wet = here > levels[1] or (here > levels[0] and wetting[y, x] > levels[2])
            out[y, x] = greys[1] if wet else greys[0]


@jit
def digital(clean, noise, sd, scale, out):
    """A plane (Y, X) float32 `clean` plus `sd` (float32) times `noise`, counted from scale[0] by scale[1], rounded.

    scale : (2,) float32. out : (Y, X) uint8 or uint16, values outside its range cut.
    """
    top = np.float32(255 if out.itemsize == 1 else 65535)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            value = np.rint(((clean[y, x] + noise[y, x] * sd) - scale[0]) * scale[1])
            out[y, x] = min(max(value, np.float32(0)), top)
