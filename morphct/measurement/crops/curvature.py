"""Roundness in three dimensions: how sharply the body's surface curves where it curves more than its inscribed ball."""

from __future__ import annotations

import numpy as np

from ...kernels.measurement import curvature, surface_mesh
from .balls import Ball
from .box import Spacing
from .grid import in_grid, regridded

# blur: voxels at least, and share of the inscribed radius; voxels to a block, so that the blur stays this many blocks
LEAST_BLUR, BLUR_SHARE, BLUR_BLOCKS = 1.5, 0.2, 1.2
MARGIN_BLURS = 4  # the blur's reach, in its own size


def curvature_of_box(box: np.ndarray, spacing: Spacing, ball: Ball) -> float:
    """Mean corner radius over the inscribed radius, by the curvature of the surface.

    Parameters
    ----------
    box : (Z,Y,X) uint8, 0 or 1, padded (`box.padded`): the particle with its voids filled.
    spacing : z, y, x voxel edges; unequal ones are resampled to the finest.
    ball : its largest inscribed ball.

    Returns
    -------
    float: mean over the area with k1 > 1 / r of (1 / k1) / r, where k1 is the largest principal curvature of the
    surface of the occupancy blurred by max(1.5 voxels, .2 r_ins) and r its inscribed radius; 1 where nothing curves
    more than the ball; nan where the blur leaves no surface. Of the same body nearly the same at every size above
    an inscribed radius of 10 voxels. It ranks; it is not comparable with the silhouettes' roundness.
    """
    unit = min(spacing)
    grid = regridded(box, spacing, unit)
    blur = max(LEAST_BLUR, BLUR_SHARE * ball.radius / unit)
    k = max(1, int(blur / BLUR_BLOCKS))
    sigma = np.sqrt(blur**2 - (k * k - 1) / 12) / k  # a block's mean has blurred already
    margin = int(MARGIN_BLURS * sigma) + 1
    blocks = curvature.block_means(grid, k, margin)
    field, derivatives = _derivatives(blocks, float(sigma))
    corners, layers, places = surface_mesh.field_cells(field, np.float32(0.02), np.float32(0.98))
    if not len(places):
        return float("nan")
    volume = int(np.count_nonzero(grid)) / k**3
    _, level = surface_mesh.volume_level(
        corners, layers, volume, np.array((0.02, 0.98)), np.ones(3), surface_mesh.POLYGONS, 0.003
    )
    triangles = curvature.curved_triangles(corners, places, derivatives, field.shape, level, surface_mesh.POLYGONS)
    if not triangles.shape[1]:
        return float("nan")
    centre = (in_grid(ball.centre, spacing, unit) + 0.5) / k - 0.5 + margin
    r = curvature.largest_free_radius(triangles[:3].copy(), centre, max(ball.radius / unit / k, 2.0))
    if r == 0:
        return float("nan")
    area, curved = triangles[3], triangles[4]
    sharp = curved > 1 / r
    if not sharp.any():
        return 1.0
    return float((area[sharp] / curved[sharp]).sum() / area[sharp].sum() / r)


def _derivatives(blocks: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """The Gaussian of a field and its derivatives, (9, size) in the order of `curvature.FIELDS`."""
    reach = int(MARGIN_BLURS * sigma + 0.5)
    x = np.arange(-reach, reach + 1.0)
    bell = np.exp(-0.5 * (x / sigma) ** 2)
    bell /= bell.sum()
    weights = [w.astype(np.float32) for w in (bell, x / sigma**2 * bell, (x * x / sigma**4 - 1 / sigma**2) * bell)]
    # order of derivation along z, y, x -> its row; the field itself is row 0
    rows = [
        (0, 0, 0),
        (1, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
        (2, 0, 0),
        (0, 2, 0),
        (0, 0, 2),
        (1, 1, 0),
        (1, 0, 1),
        (0, 1, 1),
    ]
    out = np.empty((len(rows), *blocks.shape), np.float32)
    along_z, along_y = np.empty_like(blocks), np.empty_like(blocks)
    for dz in range(3):
        curvature.convolve(blocks, weights[dz], 0, along_z)
        for dy in range(3 - dz):
            curvature.convolve(along_z, weights[dy], 1, along_y)
            for dx in range(3 - dz - dy):
                if (dz, dy, dx) in rows:
                    curvature.convolve(along_y, weights[dx], 2, out[rows.index((dz, dy, dx))])
    return out[0], out[1:].reshape(len(rows) - 1, -1)
