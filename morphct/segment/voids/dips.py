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
from ...ground.scratch import changed
from ...ground.work import Work
from ...kernels.labels import morphology
from ...kernels.voids import dips as kernel
from ..labels import components
from .dip_model import DipModel
from .ownership import Candidates
from .plateau import INNER, Planes

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
    """

    ids: Any
    n: int
    deeper: np.ndarray
    suggested: np.ndarray

    @property
    def candidates(self) -> Candidates:
        """The dips as pieces that may be voids."""
        return Candidates(self.ids, self.n)


def _seeds(planes: Planes, halves: Any, zone: Any, slab: Brick) -> int:
    """Write the 0/1 zone around the seeds of a slab; returns the number of seeds.

    halves: None, or the 0/1 voids found so far: only seeds out of their reach and deeper than their flanks count then.
    """
    model, depth = planes.model, planes.codes.shape[0]
    half = model.half(max(1.0, round(model.blur)))
    a, b = slab.halo(half.shape[0] // 2, depth)
    first, last = slab.z0 - a, slab.z1 - a
    seeds = planes.seeds(a, b, model.seed_depth + (0.0 if halves is None else FLANK_CONTRAST_SHARE * model.contrast))
    if halves is not None and seeds.any():
        seeds &= 1 - components.dilated_planes(halves, model.half(model.reach), Brick(0, a, b))
    if seeds.any():
        near = morphology.dilate(seeds, half, first, last)
        zone[slab.z0 : slab.z1] = near & (np.asarray(planes.depths[slab.z0 : slab.z1]) >= INNER)
    elif halves is not None:
        zone[slab.z0 : slab.z1] = 0
    return int(np.count_nonzero(seeds[first:last]))


def zone_planes(codes: Any, depths: Any, model: DipModel, brick: Brick) -> np.ndarray:
    """The 0/1 zone around the seeds in a brick; (Z,Y,X) uint8."""
    planes = Planes(codes, depths, model)
    half = model.half(max(1.0, round(model.blur)))
    a, b = brick.halo(half.shape[0] // 2, codes.shape[0])
    first, last, rows = brick.z0 - a, brick.z1 - a, slice(brick.y0, brick.y1)
    seeds = planes.seeds(a, b, model.seed_depth)
    if not seeds.any():
        return np.ascontiguousarray(seeds[first:last, rows])
    inner = np.asarray(depths[brick.here]) >= INNER
    return morphology.dilate(seeds, half, first, last)[:, rows] & inner


def peaks_of_zones(planes: Planes, zones: components.Components, slab: Brick) -> np.ndarray:
    """Deepest dip of each component of the zone within a slab, (n + 1,) int32."""
    peaks = np.zeros(zones.n + 1, np.int32)
    if zones.tables[slab.index].any():
        ids = zones.planes(slab)
        kernel.peaks_of(ids, *planes.dips_of(ids, slab), peaks)
    return peaks


def _half_depth(planes: Planes, zones: components.Components, levels: np.ndarray, out: Any, slab: Brick) -> None:
    if zones.tables[slab.index].any():
        ids = zones.planes(slab)
        with changed(out, slab) as halves:
            kernel.mark_deeper(ids, *planes.dips_of(ids, slab), levels, halves)


def _write_cores(cores: components.Components, out: Any, slab: Brick) -> None:
    cores.write(slab, out)


def _ball_offsets(half: np.ndarray, relative: tuple[float, float, float]) -> np.ndarray:
    rz, ry = half.shape[0] // 2, half.shape[1] // 2
    found = [
        (dz, dy, dx)
        for dz in range(-rz, rz + 1)
        for dy in range(-ry, ry + 1)
        for dx in range(-half[dz + rz, dy + ry], half[dz + rz, dy + ry] + 1)
    ]
    found.sort(key=lambda o: (sum((c * r) ** 2 for c, r in zip(o, relative, strict=True)), o))
    return np.array(found, np.int64).reshape(-1, 3)


def _profiles(planes: Planes, halves: Any, out: Any, n: int, slab: Brick) -> tuple[np.ndarray, np.ndarray]:
    """Integrals and profiles of the basins of a slab: each voxel within reach of a void's core gets the nearest void.

    halves: 0/1, the cores. out: their ids, to which the basins are added; those of other slabs are not taken for cores.
    """
    model = planes.model
    integrals, profile = np.zeros(n + 1, np.int64), np.zeros((n + 1, PROFILE_BINS), np.int64)
    half = model.half(model.reach)
    a, b = slab.halo(half.shape[0] // 2, planes.codes.shape[0])
    near = np.ascontiguousarray(halves[a:b])
    if near.any():
        first, last = slab.z0 - a, slab.z1 - a
        candidates = morphology.dilate(near, half, first, last)
        candidates &= np.asarray(planes.depths[slab.z0 : slab.z1]) >= INNER
        offsets, full = _ball_offsets(half, model.relative), max(1, int(model.contrast))
        with changed(out, slab) as basins:
            kernel.nearest_void(np.ascontiguousarray(out[a:b]), near, candidates, offsets, first, last, basins)
            kernel.dip_profiles(basins, *planes.dips_of(basins, slab), full, integrals, profile)
    return integrals, profile


def _final(planes: Planes, levels: np.ndarray, out: Any, slab: Brick) -> None:
    with changed(out, slab) as basins:
        kernel.keep_deeper(basins, *planes.dips_of(basins, slab), levels)


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


def find_dips(codes: Any, depths: Any, model: DipModel, work: Work) -> Dips:
    """Label the dips inside the particles.

    Parameters
    ----------
    codes : (Z,Y,X) uint16 array-like
    depths : (Z,Y,X) uint8 array-like
        From `plateau.classify`.
    model : DipModel
        As fitted by `plateau.fit`.

    Returns
    -------
    Dips
        Its ids in scratch.
    """
    planes = Planes(codes, depths, model)
    out = work.scratch.create("void_ids", codes.shape, np.int32)
    with work.scratch.volume("void_halves", codes.shape, np.uint8) as halves:
        if not _mark_halves(planes, halves, work):
            return Dips(out, 0, np.zeros((1, PROFILE_BINS), np.int64), np.zeros(1))
        cores = components.label(components.Solid(halves), codes.shape, 26, work)
        return _claim_volume(planes, cores, halves, out, work)


def _mark_halves(planes: Planes, halves: Any, work: Work) -> bool:
    """Set `halves` (0/1) where a dip is deeper than half its deepest voxel; returns whether there is any dip."""
    with work.scratch.volume("void_zone", halves.shape, np.uint8) as zone:
        if not sum(work.quiet.each(partial(_seeds, planes, None, zone))):
            return False
        _cut_at_half(planes, zone, halves, work)
        # a small void near a large one lies in its zone, but above half its depth
        if sum(work.quiet.each(partial(_seeds, planes, halves, zone))):
            _cut_at_half(planes, zone, halves, work)
    return True


def _cut_at_half(planes: Planes, zone: Any, halves: Any, work: Work) -> None:
    """Add the voxels of each piece of the zone that are deeper than half its deepest one to the 0/1 volume `halves`."""
    zones = components.label(components.Solid(zone), zone.shape, 26, work)
    peaks = np.zeros(zones.n + 1, np.int32)
    for p in work.quiet.each(partial(peaks_of_zones, planes, zones)):
        peaks = np.maximum(peaks, p)
    levels = np.ceil(0.5 * np.minimum(peaks, planes.model.contrast)).astype(np.int32) + 1
    work.quiet.do(partial(_half_depth, planes, zones, levels, halves))


def _claim_volume(planes: Planes, cores: components.Components, halves: Any, out: Any, work: Work) -> Dips:
    """Give each void the deepest voxels around its core that make up its grey deficit."""
    integrals = np.zeros(cores.n + 1, np.int64)
    profile = np.zeros((cores.n + 1, PROFILE_BINS), np.int64)
    work.quiet.do(partial(_write_cores, cores, out))
    for i, p in work.quiet.each(partial(_profiles, planes, halves, out, cores.n)):
        integrals += i
        profile += p
    deeper = np.cumsum(profile[:, ::-1], axis=1)[:, ::-1]
    suggested = _suggested(planes.model, integrals)
    levels = _volume_levels(planes.model, suggested, deeper)
    work.quiet.do(partial(_final, planes, levels, out))
    return Dips(out, cores.n, deeper, suggested)
