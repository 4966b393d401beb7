"""Roundness and the sphere ratio of a particle's silhouettes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from ...kernels.measurement.surface_mesh import blurred, gaussian_weights
from ...kernels.measurement.views import measure_views
from .balls import Ball
from .box import MARGIN_VOXELS, Spacing
from .grid import in_grid, regridded

VIEWS = 24
SILHOUETTE_BLUR_VOXELS = 0.7  # voxels; the outline is where the blurred occupancy passes OUTLINE_LEVEL
OUTLINE_LEVEL = 0.5
COARSER_ABOVE_VOXELS = 60.0  # inscribed radius in voxels above which the silhouettes are taken on a grid half as fine
# smoothing of an outline along its length: pixels, and share of its largest circle's radius; of these what it brings
# along already (the blur above, the voxels themselves, linear samples): about a pixel, which at an inscribed radius of
# 16 voxels makes a cube .02 rounder if it is not taken off
SMOOTH_PIXELS, SMOOTH_SHARE = 1.5, 0.08
SMOOTHED_PIXELS = 1.0
CERTAIN_PIXELS = 0.01  # pixels, of the largest circles


@dataclass(frozen=True)
class Roundness:
    """Over the views: mean corner radius over the largest circle's (mean, spread), number of corners, sphere ratio.

    roundness, roundness_sd, n_corners : mean over views, standard deviation, mean number of corners a view.
    sphericity : mean of the largest inscribed over the smallest enclosing circle.
    n_views : views that show an outline; thin bodies and frames may have none above one half, then all is nan.
    """

    roundness: float
    roundness_sd: float
    n_corners: float
    sphericity: float
    n_views: int


def roundness_of_box(box: np.ndarray, spacing: Spacing, ball: Ball, views: int = VIEWS) -> Roundness:
    """Measure the silhouettes of a filled particle.

    Parameters
    ----------
    box : (Z,Y,X) uint8, 0 or 1, padded (`box.padded`): the particle with its voids filled.
    spacing : z, y, x voxel edges. Where they differ, the particle is seen on a grid of the finest.
    ball : its largest inscribed ball, which sets the grid and where tracing begins.
    views : number of directions, rounded up to a multiple of 24.

    Returns
    -------
    Roundness. Meaningless below an inscribed radius of 6 voxels (it tends to 1), quantitative from 15.

    Notes
    -----
    R = mean over the corners of r_i / r_max, the corners being circles fitted to the arcs of the smoothed outline
    (`kernels.corners`, `kernels.outlines`). The parameters alone move R by .3 between implementations: compare
    with this one's values for known bodies. Sources: Wadell 1932; Zheng & Hryciw 2015; docs/methods.md, 7.
    """
    unit = min(spacing)
    pitch = 2 * unit if ball.radius > COARSER_ABOVE_VOXELS * unit else unit
    grid = regridded(box, spacing, pitch)
    # the blur of .7 voxel reaches 3; on a coarser grid the margin has become thinner than that
    field = blurred(np.pad(grid, MARGIN_VOXELS), gaussian_weights(SILHOUETTE_BLUR_VOXELS))
    core = in_grid(ball.centre, spacing, pitch) + MARGIN_VOXELS
    found = np.empty((VIEWS * math.ceil(views / VIEWS), 3))
    smoothing = (SMOOTH_PIXELS, SMOOTH_SHARE, 2.0, SMOOTHED_PIXELS)
    seen = measure_views(field, _frames(views), core, OUTLINE_LEVEL, smoothing, CERTAIN_PIXELS, found)
    if not seen:
        nan = float("nan")
        return Roundness(nan, nan, nan, nan, 0)
    found = found[:seen]
    mean = found.mean(0)
    return Roundness(float(mean[0]), float(found[:, 0].std()), float(mean[1]), float(mean[2]), seen)


@cache
def _frames(views: int) -> np.ndarray:
    """`view_frames`, made once for all particles."""
    return view_frames(views)


def view_frames(views: int = VIEWS) -> np.ndarray:
    """Directions spread over the hemisphere, with the axes of their pixels.

    Returns
    -------
    (n, 3, 3) float64, rows: direction, row axis, column axis of each view in z, y, x; n is `views` rounded up to a
    multiple of 24. The set is mapped onto itself, pixels included, by every turn of the lattice, so a particle turned
    by 90 degrees has the same silhouettes. The first 24 are half the corners of a truncated cuboctahedron.
    """
    from scipy.spatial.transform import Rotation

    turns = np.rint(Rotation.create_group("O").as_matrix())  # of the cubic lattice
    turns = turns[np.argsort(-np.trace(turns, axis1=1, axis2=2), kind="stable")]  # the identity first
    lines = np.zeros((0, 3))
    frames = []
    for _ in range(math.ceil(max(views, 1) / len(turns))):
        seed = _loneliest(turns, lines)
        lines = np.concatenate([lines, turns @ seed])
        rows = np.cross(seed, (1.0, 0.0, 0.0))
        rows /= np.linalg.norm(rows)
        frame = np.stack([seed, rows, np.cross(seed, rows)])
        frames += [frame @ turn.T for turn in turns]
    return np.array(frames)


def _loneliest(turns: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """The direction, of one 48th of the sphere, whose turned copies keep farthest from each other and from `lines`."""
    if not len(lines):
        seed = np.array((1, 1 + math.sqrt(2), 1 + 2 * math.sqrt(2)))
        return seed / np.linalg.norm(seed)
    a, b = np.meshgrid(np.linspace(0.02, 0.98, 40), np.linspace(0.02, 0.98, 40), indexing="ij")
    seeds = np.stack([a * b, b, np.ones_like(a)], -1).reshape(-1, 3)
    seeds /= np.linalg.norm(seeds, axis=1)[:, None]
    copies = np.abs(np.einsum("kij,nj,ni->nk", turns, seeds, seeds))[:, 1:].max(1)
    others = np.abs(seeds @ lines.T).max(1)
    return seeds[np.argmin(np.maximum(copies, others))]
