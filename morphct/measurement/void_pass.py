"""The pass over voids: how thick each one is, how deep it lies, and how the closed ones of a particle lie together."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..ground.executors import RunMap
from ..ground.units import VoxelSize
from ..segment.labels.envelope import Envelope, batches, crop_step
from ..segment.voids.facts import VoidSearch
from .crops.box import MARGIN, Spacing, padded, squared_distances
from .crops.thickness import local_thickness
from .void_placement import placement

RESULTS = ("void_depth", "void_rank", "void_thickness")  # by void
PARTICLE_RESULTS = ("voids_apart", "voids_apart_p", "voids_rank", "voids_rank_p", "voids_thickness")


@dataclass(frozen=True)
class _Work:
    """What every task needs; `rows[starts[i] : starts[i + 1]]` are the voids of particle i."""

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
    run_map: RunMap = map,
    tick: Callable[[int], None] | None = None,
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
        Results of the slab pass over voids.
    seeing : VoidSearch
    tick : callable, optional
        Told of particles done.

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
    work = _Work(envelope, boxes, voxel_size.spacing, rows, starts, voids, seeing)
    holders = np.flatnonzero(np.diff(starts))
    found = np.full((len(owner), len(RESULTS)), np.nan)
    of_particles = np.full((len(boxes), len(PARTICLE_RESULTS)), np.nan)
    for chosen in run_map(partial(_measure, work), [holders[b] for b in batches(boxes[holders])]):
        for particle, held, table, row in chosen:
            found[held], of_particles[particle] = table, row
        if tick:
            tick(len(chosen))
    return dict(zip(RESULTS, found.T.copy())), dict(zip(PARTICLE_RESULTS, of_particles.T.copy()))


def _measure(work: _Work, particles: np.ndarray) -> list[tuple[int, np.ndarray, np.ndarray, list[float]]]:
    """Particles with their voids: row, rows of the voids, (K, 3) RESULTS, PARTICLE_RESULTS."""
    return [(int(p), *_of_particle(work, int(p))) for p in particles]


def _of_particle(work: _Work, particle: int) -> tuple[np.ndarray, np.ndarray, list[float]]:
    held = work.rows[work.starts[particle] : work.starts[particle + 1]]
    closed = ~work.voids["void_open"][held]
    table = np.full((len(held), len(RESULTS)), np.nan)
    table[:, 2] = [_thickness(work, int(void)) for void in held]
    if not closed.any():
        return held, table, [np.nan] * len(PARTICLE_RESULTS)
    box = work.boxes[particle]
    crop = work.envelope.crop(box, np.array([particle + 1]))
    middles = (work.voids["position"][held[closed]] - box[0::2]) / crop.step + MARGIN
    radii = np.cbrt(3 * work.voids["voxels"][held[closed]] * work.voids["voxel_volume"] / (4 * np.pi))
    spacing = _stepped(work.spacing, crop.step)
    squared = squared_distances(padded(crop.mask), spacing)
    lies = placement(squared, spacing, middles, radii, work.seeing, particle + 1)
    table[closed, 0], table[closed, 1] = lies.depths, lies.ranks
    middle = _half_way(table[closed, 2], work.voids["voxels"][held[closed]])
    return held, table, [lies.ratio, lies.ratio_p, lies.rank_mean, lies.rank_p, middle]


def _half_way(values: np.ndarray, weights: np.ndarray) -> float:
    """Weighted median of (K,) values; NaN without one that is known."""
    known = np.isfinite(values)
    if not known.any():
        return float("nan")
    order = np.argsort(values[known], kind="stable")
    reached = np.cumsum(weights[known][order])
    return float(values[known][order][np.searchsorted(reached, reached[-1] / 2)])


def _thickness(work: _Work, void: int) -> float:
    """Median local thickness of a void, on its own box."""
    z0, z1, y0, y1, x0, x1 = (int(b) for b in work.voids["box"][void])
    step = crop_step(work.voids["box"][void])
    ids = work.envelope.voids
    if step == 1:
        mask = ids[z0:z1, y0:y1, x0:x1] == void + 1
    else:
        planes = [ids[z : z + 1, y0:y1, x0:x1][:, ::step, ::step] == void + 1 for z in range(z0, z1, step)]
        mask = np.concatenate(planes)
    return local_thickness(mask, _stepped(work.spacing, step)).median


def _stepped(spacing: Spacing, step: int) -> Spacing:
    return (spacing[0] * step, spacing[1] * step, spacing[2] * step)
