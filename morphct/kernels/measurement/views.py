"""All silhouettes of a body in one call: outline, largest and smallest circle, corners of every view."""

from __future__ import annotations

import math

import numpy as np

from ..jit import jit
from .corners import mean_corner_radius
from .enclosing import enclosing_ball
from .outlines import largest_circle, perimeter, resampled, smoothed_unshrunk
from .silhouettes import occupied_blocks, trace

MOST_ARC_POINTS, MOST_CIRCLE_POINTS, MOST_CORE_POINTS = 200, 400, 300
ARC_PIXELS, CIRCLE_PIXELS = 1.0, 0.5  # spacing of points along an outline for arcs, and for smoothing
FEWEST_POINTS = 8  # of an outline


@jit
def _of_outline(outline, smoothing, certain):
    """Roundness, number of corners and sphere ratio of one outline (n, 2); see `measure_views`."""
    xs, ys = outline[:, 0].copy(), outline[:, 1].copy()
    coarse_x, coarse_y = xs, ys
    if xs.size > MOST_CIRCLE_POINTS:
        coarse_x, coarse_y, _ = resampled(xs, ys, MOST_CIRCLE_POINTS)
    middle, outer, _, _ = enclosing_ball(outline)
    inner = largest_circle(coarse_x, coarse_y, middle, certain)
    n = max(32, round(perimeter(xs, ys) / CIRCLE_PIXELS))
    xs, ys, step = resampled(xs, ys, n)
    pixels, share, square, brought = smoothing
    sigma = math.sqrt(max(pixels, share * inner[0]) ** square - brought**square) / step
    xs, ys = smoothed_unshrunk(xs, sigma), smoothed_unshrunk(ys, sigma)
    stride = max(1, xs.size // MOST_CORE_POINTS)
    largest = largest_circle(xs[::stride].copy(), ys[::stride].copy(), inner[1:], certain)[0]
    length = perimeter(xs, ys)
    n = max(32, round(length / max(ARC_PIXELS, length / MOST_ARC_POINTS)))
    xs, ys, step = resampled(xs, ys, n)
    value, count = mean_corner_radius(xs, ys, largest, step)
    return value, count, inner[0] / outer


@jit
def measure_views(field, frames, core, level, smoothing, certain, found):
    """Measure every silhouette that shows an outline.

    Parameters
    ----------
    field : (Z,Y,X) float32, blurred occupancy, below `level` at its borders.
    frames : (V, 3, 3) float64, see `silhouettes.ray_maximum`.
    core : (3,) float64, a point well inside (z, y, x).
    level : float, of the outline.
    smoothing : four floats: sigma along an outline in pixels at least, and as a share of its largest circle's radius;
        the number two (as a constant the compiler would square by a product, which is not always the power's last
        bit); sigma that the outline brings along.
    certain : float, pixels, of the largest circles.
    found : (V, 3) float64, written: mean corner radius over the largest circle's, number of corners, largest over
        smallest circle.

    Returns
    -------
    Number of views that show an outline: so many rows are written.
    """
    blocks = occupied_blocks(field)
    room = np.empty((8 * (field.shape[0] + field.shape[1] + field.shape[2]) + 1000, 2))
    seen = 0
    for v in range(frames.shape[0]):
        n = trace(field, blocks, frames[v], core, level, room)
        if n >= FEWEST_POINTS:
            found[seen, 0], found[seen, 1], found[seen, 2] = _of_outline(room[:n], smoothing, certain)
            seen += 1
    return seen
