"""Voids found by their dip: grey deeper below the local plateau of the particle than noise can reach.

Seeds are voxels of the core deeper than k sd (`plateau`), k from the number of false dips one accepts; they grow to
half their depth. The volume of a void is the integral of its dip over the contrast (blur spreads a void but keeps its
integral), and its voxels are the deepest ones that make up that volume.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.work import Work
from ...kernels.labels import morphology
from ...kernels.labels import runs as run_kernel
from ...kernels.run_lists import Runs
from ...kernels.voids import dip_runs as by_runs
from . import false_voids
from .dip_model import DipModel
from .marked import Marked, joined, some
from .ownership import Candidates
from .plateau import INNER, Cores, Interior
from .zones import NEVER, Zones, ball_offsets, find_zones, labelled, second_zones

PROFILE_BINS = 64
FLANK_CONTRAST_SHARE = 0.07  # what blur leaves of a wall 1.5 sigma away from it: Phi(-1.5) = .067


@dataclass(frozen=True)
class Dips:
    """Dips that were found.

    Attributes
    ----------
    ids : (Z,Y,X) int32 array-like, 0 = no void
    n : int
    deeper : (n+1, PROFILE_BINS) int64
        Voxels in and around each void that are deeper than each share (index / PROFILE_BINS) of the contrast.
    suggested : (n+1,) float
        Volume in voxels that the deficit of each suggests, before what escapes it is made good.
    filled : (B,) bool
        Which bricks of the work hold any.
    specks : int or None
        Bright specks that would be dips were they dark (`false_voids`); None: not counted.
    """

    ids: Any
    n: int
    deeper: np.ndarray
    suggested: np.ndarray
    filled: np.ndarray | None = None
    specks: int | None = None

    @property
    def candidates(self) -> Candidates:
        """The dips as pieces that may be voids."""
        return Candidates(self.ids, self.n, self.filled)


def _suggested(model: DipModel, integrals: np.ndarray) -> np.ndarray:
    """Volume in voxels that the deficits alone suggest."""
    return np.maximum(integrals, 0) / model.contrast


def _volume_levels(model: DipModel, suggested: np.ndarray, deeper: np.ndarray) -> np.ndarray:
    """Dip above which the voxels of a void add up to its volume; a void without volume gets an unreachable level."""
    voxel = float(np.prod(model.relative))  # volume of a voxel in cubed shortest edges
    volume = suggested / model.captured_share(np.cbrt(6 * suggested * voxel / np.pi))
    best = np.argmin(np.abs(deeper - volume[:, None]), axis=1)
    levels = np.ceil(best * max(1, int(model.contrast)) / PROFILE_BINS).astype(np.int32)
    levels[volume < 0.5] = np.iinfo(np.int32).max
    return np.maximum(levels, 1)


def find_dips(codes: Any, cores: Cores, work: Work, specks: bool = False) -> Dips:
    """Label the dips inside the particles.

    Parameters
    ----------
    codes : (Z,Y,X) uint16 array-like
    cores : Cores
        From `plateau.fit`.
    work : Work
        Is told of two passes.
    specks : bool
        Whether bright specks are counted beside, where that tells anything.

    Returns
    -------
    Dips
        Its ids in scratch.
    """
    interior, model = Interior(codes, cores), cores.model
    bars = [(model.seed_depth, model.seed_depth + FLANK_CONTRAST_SHARE * model.contrast)]
    mirrored = [false_voids.mirrored(interior)] if specks and not model.clipped else []
    zones, *bright = find_zones([interior, *mirrored], [*bars, *[(model.seed_depth, NEVER)] * len(mirrored)], work)
    counted = bright[0].labelled(work).n if bright else None
    out = work.scratch.create("void_ids", codes.shape, np.int32)
    if not zones.marked.filled.any():
        none = np.zeros(len(work.bricks), bool)
        return Dips(out, 0, np.zeros((1, PROFILE_BINS), np.int64), np.zeros(1), none, counted)
    halves = _cut_at_half(interior, zones, work)
    # a small void near a large one lies in its zone, but above half its depth
    more = second_zones(interior, zones, halves, work)
    if more is not None:
        both = zip(halves.parts, _cut_at_half(interior, more, work).parts, strict=True)
        halves = Marked(halves.shape, work.bricks, tuple(joined(one, other) for one, other in both))
    return _claim_volume(interior, halves, out, counted, work)


def _cut_at_half(interior: Interior, zones: Zones, work: Work) -> Marked:
    """The voxels of each zone that are deeper than half its deepest one."""
    pieces = zones.labelled(work)
    peaks = zones.heights(pieces)
    levels = np.ceil(0.5 * np.minimum(peaks, interior.model.contrast)).astype(np.int32) + 1
    task = partial(_half_depth, interior, zones.marked, [levels[table] for table in pieces.tables])
    return Marked(zones.marked.shape, work.bricks, tuple(work.quiet.each(task)))


def _half_depth(interior: Interior, zone: Marked, levels: list[np.ndarray], brick: Brick) -> Runs | None:
    runs = zone.parts[brick.index]
    if runs is None:
        return None
    dips = interior.dips_of(runs, brick.widened((0, 0), zone.shape))
    return some(by_runs.deeper(runs, dips, levels[brick.index]))


@dataclass(frozen=True)
class _Basins:
    """Of a brick: the runs of all voxels that have a void within reach, which voids, and their integrals, profiles."""

    runs: Runs
    voids: np.ndarray
    integrals: np.ndarray
    profile: np.ndarray


def _basins(interior: Interior, halves: Marked, tables: list[np.ndarray], brick: Brick) -> _Basins | None:
    """What belongs to voids in a brick: each voxel within reach of a void's core goes to the nearest void."""
    if interior.cores.empty(brick):
        return None
    model = interior.model
    half = model.half(model.reach)
    brick, outer = interior.around(brick, half)
    ids = halves.painted(outer, tables)
    if ids is None:
        return None
    core = brick.core(outer)
    candidates = morphology.dilate((ids != 0).view(np.uint8), half, core)
    candidates &= np.asarray(interior.cores.depths[brick.here]) >= INNER
    runs = by_runs.nearest_void(ids, candidates, ball_offsets(half, model.relative), core)
    if not runs.starts.size:
        return None
    voids, place = np.unique(runs.ids, return_inverse=True)
    integrals, profile = np.zeros(len(voids), np.int64), np.zeros((len(voids), PROFILE_BINS), np.int64)
    dips, full = interior.dips_of(runs, brick), max(1, int(model.contrast))
    by_runs.dip_profiles(runs._replace(ids=place.astype(np.int32)), dips, full, integrals, profile)
    return _Basins(runs, voids, integrals, profile)


def _claim_volume(interior: Interior, halves: Marked, out: Any, specks: int | None, work: Work) -> Dips:
    """Give each void the deepest voxels around its core that make up its grey deficit."""
    cores = labelled(halves, work)
    integrals = np.zeros(cores.n + 1, np.int64)
    profile = np.zeros((cores.n + 1, PROFILE_BINS), np.int64)
    parts = []
    for found in work.each(partial(_basins, interior, halves, cores.tables)):
        parts.append(None if found is None else found.runs)
        if found is not None:
            integrals[found.voids] += found.integrals
            profile[found.voids] += found.profile
    deeper = np.cumsum(profile[:, ::-1], axis=1)[:, ::-1]
    suggested = _suggested(interior.model, integrals)
    levels = _volume_levels(interior.model, suggested, deeper)
    filled = list(work.quiet.each(partial(_write, interior, parts, levels, out)))
    return Dips(out, cores.n, deeper, suggested, np.array(filled, bool), specks)


def _write(interior: Interior, parts: list[Runs | None], levels: np.ndarray, out: Any, brick: Brick) -> bool:
    """Write the ids of the voxels of a brick that are deep enough; whether there are any."""
    runs = parts[brick.index]
    if runs is None:
        return False
    brick = brick.widened((0, 0), interior.codes.shape)
    kept = by_runs.deeper(runs, interior.dips_of(runs, brick), levels)
    if not kept.starts.size:
        return False
    ids = np.zeros(tuple(kept.shape), np.int32)
    run_kernel.paint_at(kept, (0, 0), np.arange(kept.ids.max() + 1, dtype=np.int32), ids)
    out[brick.here] = ids
    return True
