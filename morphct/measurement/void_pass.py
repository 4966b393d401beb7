"""The pass over voids: how thick each one is, how deep it lies, and how the closed ones of a particle lie together."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..ground.units import VoxelSize
from ..ground.work import Work
from ..segment.labels.envelope import Envelope, batches, crop_step
from ..segment.voids.facts import VoidSearch
from .crops.box import MARGIN_VOXELS, Spacing, padded, squared_distances
from .crops.thickness import local_thickness
from .void_placement import placement

RESULTS = ("void_depth", "void_rank", "void_thickness")  # by void
PARTICLE_RESULTS = ("voids_apart", "voids_apart_p", "voids_rank", "voids_rank_p", "voids_thickness")


@dataclass(frozen=True)
class _Task:
    """What it takes to look at voids; `rows[starts[i] : starts[i + 1]]` are those of particle i."""

    envelope: Envelope
    boxes: np.ndarray
    spacing: Spacing
    rows: np.ndarray
    starts: np.ndarray
    voids: dict[str, Any]
    seeing: VoidSearch


def void_pass(
    envelope: Envelope,
    boxes: np.ndarray,
    voxel_size: VoxelSize,
    voids: dict[str, Any],
    seeing: VoidSearch,
    work: Work,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Look at every void.

    Parameters
    ----------
    envelope : Envelope
        With void ids.
    boxes : (N, 6) int64
        z0 z1 y0 y1 x0 x1 of each label's envelope.
    voxel_size : VoxelSize
    voids : dict
        Results of the pass over bricks, of voids.
    seeing : VoidSearch
    work : Work
        Tells of particles done.

    Returns
    -------
    voids : dict of (V,) float
        RESULTS: the distance of each void's middle to the outside of its particle; the share of the places it could
        have had that lie deeper; its median local thickness. Open voids have a thickness only.
    particles : dict of (N,) float
        PARTICLE_RESULTS: as `void_placement.Placement` tells, and the thickness above which half of the voids' volume
        lies; of closed voids.
    """
    owner = voids["owner_label"]
    rows = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[rows], np.arange(1, len(boxes) + 2))
    task = _Task(envelope, boxes, voxel_size.spacing, rows, starts, voids, seeing)
    holders = np.flatnonzero(np.diff(starts))
    found = np.full((len(owner), len(RESULTS)), np.nan)
    of_particles = np.full((len(boxes), len(PARTICLE_RESULTS)), np.nan)
    parts = [holders[b] for b in batches(boxes[holders])]
    for chosen in work.over(partial(_measure, task), parts, map(len, parts)):
        for particle, held, table, row in chosen:
            found[held], of_particles[particle] = table, row
    return dict(zip(RESULTS, found.T.copy())), dict(zip(PARTICLE_RESULTS, of_particles.T.copy()))


def _measure(task: _Task, particles: np.ndarray) -> list[tuple[int, np.ndarray, np.ndarray, list[float]]]:
    """Particles with their voids: row, rows of the voids, (K, 3) RESULTS, PARTICLE_RESULTS."""
    return [(int(p), *_of_particle(task, int(p))) for p in particles]


def _of_particle(task: _Task, particle: int) -> tuple[np.ndarray, np.ndarray, list[float]]:
    held = task.rows[task.starts[particle] : task.starts[particle + 1]]
    closed = ~task.voids["void_open"][held]
    table = np.full((len(held), len(RESULTS)), np.nan)
    table[:, 2] = [_thickness(task, int(void)) for void in held]
    if not closed.any():
        return held, table, [np.nan] * len(PARTICLE_RESULTS)
    box = task.boxes[particle]
    crop = task.envelope.crop(box, np.array([particle + 1]))
    middles = (task.voids["position"][held[closed]] - box[0::2]) / crop.step + MARGIN_VOXELS
    radii = np.cbrt(3 * task.voids["voxels"][held[closed]] * task.voids["voxel_volume"] / (4 * np.pi))
    spacing = _stepped(task.spacing, crop.step)
    squared = squared_distances(padded(crop.mask), spacing)
    lies = placement(squared, spacing, middles, radii, task.seeing, particle + 1)
    table[closed, 0], table[closed, 1] = lies.depths, lies.ranks
    middle = _half_way(table[closed, 2], task.voids["voxels"][held[closed]])
    return held, table, [lies.ratio, lies.ratio_p, lies.rank_mean, lies.rank_p, middle]


def _half_way(values: np.ndarray, weights: np.ndarray) -> float:
    """Weighted median of (K,) values; NaN without one that is known."""
    known = np.isfinite(values)
    if not known.any():
        return float("nan")
    order = np.argsort(values[known], kind="stable")
    reached = np.cumsum(weights[known][order])
    return float(values[known][order][np.searchsorted(reached, reached[-1] / 2)])


def _thickness(task: _Task, void: int) -> float:
    """Median local thickness of a void, on its own box."""
    z0, z1, y0, y1, x0, x1 = (int(b) for b in task.voids["box"][void])
    step = crop_step(task.voids["box"][void])
    ids = task.envelope.voids
    if step == 1:
        mask = ids[z0:z1, y0:y1, x0:x1] == void + 1
    else:
        planes = [ids[z : z + 1, y0:y1, x0:x1][:, ::step, ::step] == void + 1 for z in range(z0, z1, step)]
        mask = np.concatenate(planes)
    return local_thickness(mask, _stepped(task.spacing, step)).median


def _stepped(spacing: Spacing, step: int) -> Spacing:
    return (spacing[0] * step, spacing[1] * step, spacing[2] * step)
