"""Bodies with known answers into voxels: how much of a voxel an ellipsoid, rounded block, octahedron or cross fills."""

import numpy as np

from ..jit import jit, jit_inline

ELLIPSOID, OCTAHEDRON, CROSS = -1.0, -2.0, -3.0  # in place of a block's fillet


@jit_inline
def _share(outside, soft):
    """Share of a voxel that lies in a body whose surface is `outside` away from its centre (below 0: within)."""
    if soft == 0.0:
        return np.float32(1.0) if outside <= 0.0 else np.float32(0.0)
    return np.float32(min(1.0, max(0.0, 0.5 - outside / soft)))


@jit_inline
def _beyond_ellipsoid(a, b, c, half):
    """Distance of a point (a, b, c) to an ellipsoid of semi-axes `half`, to first order; exact in sign."""
    u, v, w = a / half[0], b / half[1], c / half[2]
    far = np.sqrt(u * u + v * v + w * w)
    steep = np.sqrt((u / half[0]) ** 2 + (v / half[1]) ** 2 + (w / half[2]) ** 2)
    return far * (far - 1.0) / steep if steep > 0.0 else -min(half[0], half[1], half[2])


@jit_inline
def _beyond_block(a, b, c, half, fillet):
    """Distance of a point to the surface of a block of half edges `half`, its edges and corners rounded; exact."""
    u, v, w = abs(a) - half[0] + fillet, abs(b) - half[1] + fillet, abs(c) - half[2] + fillet
    nearest = min(0.0, max(u, v, w))
    u, v, w = max(u, 0.0), max(v, 0.0), max(w, 0.0)
    return np.sqrt(u * u + v * v + w * w) + nearest - fillet


@jit_inline
def _beyond_octahedron(a, b, c, half):
    """Distance of a point to the nearest of the faces' planes of an octahedron with corners at `half`."""
    far = abs(a) / half[0] + abs(b) / half[1] + abs(c) / half[2]
    return (far - 1.0) / np.sqrt((1.0 / half[0]) ** 2 + (1.0 / half[1]) ** 2 + (1.0 / half[2]) ** 2)


@jit_inline
def _beyond_cross(a, b, c, half):
    """Distance of a point to three bars through the middle, each a third as wide as long; exact outside."""
    p, q, r = half[0], half[1], half[2]
    along = _beyond_block(a, b, c, (p, q / 3.0, r / 3.0), 0.0)
    across = _beyond_block(a, b, c, (p / 3.0, q, r / 3.0), 0.0)
    return min(along, across, _beyond_block(a, b, c, (p / 3.0, q / 3.0, r), 0.0))


@jit_inline
def _coated(outside, beyond, coat, soft):
    """Grey at a point `outside` the surface and `beyond` the plane where the coat begins."""
    body = _share(outside, soft)
    if coat[5] == 0.0 or beyond < 0.0:
        return body
    return body + np.float32(coat[5]) * (_share(outside - coat[4], soft) - body)


@jit
def draw(half, fillet, turn, centre, spacing, soft, coat, out):
    """Draw one body into a box, every voxel of which is written.

    half : (3,) float64 semi-axes, half edges, corners or half lengths of bars. fillet : radius of a block's edges, or
    ELLIPSOID, OCTAHEDRON, CROSS. turn : (3, 3) float64, columns are the body's axes as z, y, x. centre : (3,) of the
    body, from the middle of voxel (0, 0, 0). spacing : (3,) voxel edges. soft : width over which the surface falls from
    1 to 0; 0: a voxel is 1 where its centre lies in the body. coat : (6,) float64 normal z, y, x and offset of a plane,
    beyond which the body is covered, thickness and grey of that cover (grey 0: none). out : (Z, Y, X) float32.
    """
    for k in range(out.shape[0]):
        z = k * spacing[0] - centre[0]
        for j in range(out.shape[1]):
            y = j * spacing[1] - centre[1]
            for i in range(out.shape[2]):
                x = i * spacing[2] - centre[2]
                a = z * turn[0, 0] + y * turn[1, 0] + x * turn[2, 0]
                b = z * turn[0, 1] + y * turn[1, 1] + x * turn[2, 1]
                c = z * turn[0, 2] + y * turn[1, 2] + x * turn[2, 2]
                if fillet == OCTAHEDRON:
                    outside = _beyond_octahedron(a, b, c, half)
                elif fillet == CROSS:
                    outside = _beyond_cross(a, b, c, half)
                elif fillet < 0.0:
                    outside = _beyond_ellipsoid(a, b, c, half)
                else:
                    outside = _beyond_block(a, b, c, half, fillet)
                beyond = z * coat[0] + y * coat[1] + x * coat[2] - coat[3]
                out[k, j, i] = _coated(outside, beyond, coat, soft)


@jit
def carve(balls, spacing, soft, out):
    """Take balls away from what was drawn, in place.

    balls : (K, 4) float64 centre z, y, x from the middle of voxel (0, 0, 0), and radius; they do not overlap.
    spacing, soft, out : as for `draw`.
    """
    for n in range(balls.shape[0]):
        first, last = np.empty(3, np.int64), np.empty(3, np.int64)
        for d in range(3):
            reach = balls[n, 3] + soft
            first[d] = max(0, int(np.floor((balls[n, d] - reach) / spacing[d])))
            last[d] = min(out.shape[d], int(np.ceil((balls[n, d] + reach) / spacing[d])) + 1)
        for k in range(first[0], last[0]):
            z = k * spacing[0] - balls[n, 0]
            for j in range(first[1], last[1]):
                y = j * spacing[1] - balls[n, 1]
                for i in range(first[2], last[2]):
                    x = i * spacing[2] - balls[n, 2]
                    out[k, j, i] -= _share(np.sqrt(z * z + y * y + x * x) - balls[n, 3], soft) * out[k, j, i]
