"""Voids found by their dip: grey deeper below the local plateau of the particle than noise can reach.

The plateau is the block mean of the particle's core, dips left out. Seeds are voxels deeper than k sd, k from the number
of false dips one accepts; they grow to half their own depth. The volume of a void is the integral of its dip over the
contrast (blur spreads a void but keeps its integral), and its voxels are the deepest ones that make up that volume.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from . import components
from .executors import RunMap
from .kernels import dips as kernel
from .kernels import morphology
from .slabs import Slab

BLOCK = 8  # voxels; edge of the blocks over which the plateau is averaged
CORE_VOXELS = 4e4  # core voxels of the particle for which the false dips are counted
PRIOR_VOXELS = 16.0  # weight of the global particle grey in a block's mean
PROFILE_BINS = 64
# share of a void's grey deficit that lies within 1.5 blur radii of its half-depth voxels, by diameter / blur
CAPTURE_DIAMETER = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0, 30.0)
CAPTURE_SHARE = (0.90, 0.90, 0.86, 0.85, 0.86, 0.88, 0.91, 0.95, 0.99)
Tick = Callable[[int], None] | None


@dataclass(frozen=True)
class DipModel:
    """What the dip rule needs to know of the volume; lengths in shortest voxel edges, greys in codes.

    Attributes
    ----------
    particle, contrast : float
        Particle grey, and its height above the darkest phase.
    sd : float
        Noise of the denoised volume.
    blur : float
        Total blur (point spread and filter), as a Gaussian sigma.
    margin : int
        Voxels at the faces of the volume where no void may start (the filter leaves more noise there).
    relative : tuple of float
        (z,y,x) voxel edges over the shortest one.
    false_per_particle : float
        False dips accepted in a particle of 4e4 core voxels.
    factor : float or None
        k given by the user; None: from `false_per_particle`.
    """

    particle: float
    contrast: float
    sd: float
    blur: float
    margin: int
    relative: tuple[float, float, float]
    false_per_particle: float = 0.05
    factor: float | None = None
    plateau: np.ndarray | None = field(default=None, repr=False)
    correlation: float = 0.0

    @property
    def core_depth(self) -> float:
        """Distance from the surface beyond which blur of the surface is no dip."""
        return max(2.0, 2 * self.blur)

    @property
    def seed_depth(self) -> float:
        """k sd: the dip that noise does not reach."""
        k = self.factor if self.factor is not None else dip_factor(self.correlation, self.false_per_particle)
        return k * self.sd

    @property
    def halo(self) -> int:
        """Planes of halo the seeds need."""
        return int(math.ceil((self.core_depth + 1.5 * self.blur + 1) / self.relative[0])) + 1

    def half(self, radius: float) -> np.ndarray:
        """Ball of a radius for `morphology.dilate`."""
        return morphology.ball_half_widths(radius, self.relative)


def dip_factor(correlation: float, false_per_particle: float = 0.05) -> float:
    """k at which noise makes `false_per_particle` false dips in 4e4 voxels.

    Expected excursions of a Gaussian random field of correlation length `correlation` (voxels):
    N (2 se^2)^-3/2 (2 pi)^-2 (k^2 - 1) exp(-k^2/2).  Source: Worsley 1992, doi:10.1038/jcbfm.1992.127
    """
    k = np.arange(2.5, 8.0, 0.01)
    rate = CORE_VOXELS * (2 * max(correlation, 0.3) ** 2) ** -1.5 * (2 * np.pi) ** -2 * (k**2 - 1) * np.exp(-(k**2) / 2)
    below = np.flatnonzero(rate < false_per_particle)
    return float(k[below[0]]) if len(below) else 8.0


def contrast_seen(diameter: np.ndarray | float, blur: float) -> np.ndarray:
    """Peak dip of a spherical void over the full contrast, P3(q) = erf(q/sqrt 2) - sqrt(2/pi) q exp(-q^2/2)."""
    from scipy.special import erf

    q = np.asarray(diameter) / (2 * blur)
    return erf(q / math.sqrt(2)) - math.sqrt(2 / math.pi) * q * np.exp(-q * q / 2)


def detection_limits(model: DipModel) -> dict[str, float]:
    """Void diameters (shortest edges) seen with 50 and 95 % probability: C P3 = k sd, and 1.645 sd above it."""
    d = np.arange(0.5, 60.0, 0.02)
    excess = (model.contrast * contrast_seen(d, model.blur) - model.seed_depth) / model.sd
    return {
        name: float(d[np.argmax(excess > z)]) if (excess > z).any() else math.nan
        for name, z in (("d50", 0.0), ("d95", 1.6449))
    }


@dataclass(frozen=True)
class _Planes:
    """Codes, labels and model: what the slab tasks share."""

    codes: Any
    labels: Any
    model: DipModel

    def read(self, slab: Slab, halo: int) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
        """First plane, codes, 0/1 background and dips of a slab with halo."""
        a, b = slab.halo(halo, self.codes.shape[0])
        codes = np.ascontiguousarray(self.codes[a:b])
        background = (np.asarray(self.labels[a:b]) == 0).view(np.uint8)
        assert self.model.plateau is not None
        return a, codes, background, kernel.dip_planes(codes, self.model.plateau, BLOCK, a)

    def inside(self, background: np.ndarray, depth: float) -> np.ndarray:
        """0/1: farther than `depth` from the background."""
        return 1 - morphology.dilate(background, self.model.half(depth), 0, background.shape[0])


def _flat_core(planes: _Planes, slab: Slab) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """First plane of the slab with halo, its codes and dips, and 0/1 core voxels away from any dip."""
    model = planes.model
    a, codes, background, dips = planes.read(slab, model.halo + 1)
    core = planes.inside(background, model.core_depth)
    deep = (core & (dips > 4 * model.sd)).astype(np.uint8)
    if deep.any():
        core = core & (1 - morphology.dilate(deep, model.half(1.5 * model.blur), 0, len(deep)))
    use = (core & (np.abs(dips) < 2.5 * model.sd) & (codes > 0)).astype(np.uint8)
    return a, codes, dips, use


def _plateau_sums(planes: _Planes, slab: Slab) -> tuple[Slab, int, np.ndarray, np.ndarray]:
    a, codes, _, use = _flat_core(planes, slab)
    own = slice(slab.z0 - a, slab.z1 - a)
    return slab, *kernel.block_sums(codes[own], use[own], BLOCK, slab.z0)


def _statistics(planes: _Planes, width: int, bins: int, slab: Slab) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a, _, dips, use = _flat_core(planes, slab)
    last = min(len(dips), slab.z1 - a + 1)  # one plane more for the pairs along z
    part = slice(slab.z0 - a, last)
    return kernel.dip_statistics(dips[part], use[part], slab.depth, width, bins)


def _plateau(planes: _Planes, slabs: Sequence[Slab], run_map: RunMap) -> np.ndarray:
    """Plateau by blocks: mean over core voxels, smoothed over the neighbouring blocks with the global grey as prior."""
    from scipy import ndimage

    shape = tuple(-(-n // BLOCK) for n in planes.codes.shape)
    sums, counts = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for _, first, s, n in run_map(partial(_plateau_sums, planes), slabs):
        sums[first : first + len(s)] += s
        counts[first : first + len(n)] += n
    smooth = partial(ndimage.gaussian_filter, sigma=1.0, mode="constant", truncate=2.0)
    weight = smooth(counts.astype(np.float64)) + PRIOR_VOXELS
    total = smooth(sums.astype(np.float64)) + PRIOR_VOXELS * planes.model.particle
    return (total / weight).astype(np.float32)


def fit(
    codes: Any, labels: Any, model: DipModel, slabs: Sequence[Slab], run_map: RunMap = map, tick: Tick = None
) -> DipModel:
    """The model with the plateau map, and the noise and its correlation as they are inside the particles.

    Parameters
    ----------
    codes : (Z,Y,X) uint16 array-like
        Denoised volume, 0 outside.
    labels : (Z,Y,X) int array-like
        Envelope of the particles.
    model : DipModel
        First guess; `plateau` may be given as a map on blocks of 8 voxels.
    """
    if model.plateau is None:
        shape = tuple(-(-n // BLOCK) for n in codes.shape)
        model = replace(model, plateau=np.full(shape, model.particle, np.float32))
    model = replace(model, plateau=_plateau(_Planes(codes, labels, model), slabs, run_map))
    width = max(1, int(model.sd / 32))
    bins = 2 * int(8 * model.sd / width) + 1
    counts, squares, pairs = np.zeros(bins, np.int64), np.zeros(3, np.int64), np.zeros(3, np.int64)
    for c, s, n in run_map(partial(_statistics, _Planes(codes, labels, model), width, bins), slabs):
        counts, squares, pairs = counts + c, squares + s, pairs + n
    if counts.sum() < 1000 or pairs.min() == 0:  # no core to speak of: the filter's own correlation
        return replace(model, correlation=max(model.blur, 0.5))
    sd = _robust_sd(counts, width)
    step = float(np.prod(squares / pairs)) ** (1 / 3)
    return replace(model, sd=sd, correlation=math.sqrt(sd * sd / (2 * max(step, 1e-12))))


def _robust_sd(counts: np.ndarray, width: int) -> float:
    """1.4826 median absolute deviation from a histogram centred on 0, corrected for the cut at 2.5 sd (+3 %)."""
    centres = (np.arange(len(counts)) - len(counts) // 2) * width
    share = np.cumsum(counts) / counts.sum()
    median = np.interp(0.5, share, centres + 0.5 * width)
    order = np.argsort(np.abs(centres - median), kind="stable")
    half = np.searchsorted(np.cumsum(counts[order]), counts.sum() / 2)
    return 1.4826 * 1.03 * float(np.abs(centres - median)[order][half])


def _seeds(planes: _Planes, zone: Any, slab: Slab) -> int:
    """Write the 0/1 zone around the seeds of a slab; returns the number of seeds."""
    model = planes.model
    a, _, background, dips = planes.read(slab, model.halo)
    core = planes.inside(background, model.core_depth)
    seeds = (core & (dips > model.seed_depth)).astype(np.uint8)
    _clear_margin(seeds, a, planes.codes.shape[0], model.margin)
    near = morphology.dilate(seeds, model.half(max(1.0, round(model.blur))), slab.z0 - a, slab.z1 - a)
    zone[slab.z0 : slab.z1] = near & planes.inside(background, model.blur)[slab.z0 - a : slab.z1 - a]
    return int(seeds[slab.z0 - a : slab.z1 - a].sum())


def _clear_margin(seeds: np.ndarray, first: int, depth: int, margin: int) -> None:
    if margin <= 0:
        return
    seeds[:, :margin] = seeds[:, -margin:] = 0
    seeds[:, :, :margin] = seeds[:, :, -margin:] = 0
    seeds[: max(0, margin - first)] = 0
    seeds[max(0, min(len(seeds), depth - margin - first)) :] = 0


def _peaks(planes: _Planes, zones: components.Components, slab: Slab) -> np.ndarray:
    ids = zones.planes(slab)
    peaks = np.zeros(zones.n + 1, np.int32)
    _, _, _, dips = planes.read(slab, 0)
    morphology.peak_by_label(ids, dips, peaks)
    return peaks


def _half_depth(planes: _Planes, zones: components.Components, levels: np.ndarray, out: Any, slab: Slab) -> None:
    ids = np.ascontiguousarray(zones.planes(slab).astype(np.int32))
    _, _, _, dips = planes.read(slab, 0)
    kernel.keep_deeper(ids, dips, levels)
    out[slab.z0 : slab.z1] = ids != 0


def _write_ids(cores: components.Components, out: Any, slab: Slab) -> None:
    out[slab.z0 : slab.z1] = cores.planes(slab)


def _basin(planes: _Planes, ids: Any, slab: Slab) -> tuple[np.ndarray, np.ndarray]:
    """Each voxel within 1.5 blur of a void's core gets the nearest void; with its dips."""
    model = planes.model
    half = model.half(1.5 * model.blur)
    a, _, background, dips = planes.read(slab, model.halo)
    b = a + len(dips)
    near_ids = np.ascontiguousarray(ids[a:b])
    first, last = slab.z0 - a, slab.z1 - a
    candidates = morphology.dilate((near_ids != 0).view(np.uint8), half, first, last)
    candidates &= planes.inside(background, model.blur)[first:last]
    return kernel.nearest_void(near_ids, candidates, _ball_offsets(half, model.relative), first, last), dips[first:last]


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


def _profiles(planes: _Planes, ids: Any, n: int, slab: Slab) -> tuple[np.ndarray, np.ndarray]:
    basin, dips = _basin(planes, ids, slab)
    integrals = np.zeros(n + 1, np.int64)
    profile = np.zeros((n + 1, PROFILE_BINS), np.int64)
    full = max(1, int(planes.model.contrast))
    kernel.dip_profiles(basin, np.ascontiguousarray(dips), full, integrals, profile)
    return integrals, profile


def _final(planes: _Planes, ids: Any, levels: np.ndarray, out: Any, slab: Slab) -> None:
    basin, dips = _basin(planes, ids, slab)
    kernel.keep_deeper(basin, np.ascontiguousarray(dips), levels)
    out[slab.z0 : slab.z1] = basin


def captured_share(volume: np.ndarray, blur: float) -> np.ndarray:
    """Share of the deficit that the integral catches, by the diameter it suggests."""
    diameter = np.cbrt(6 * np.maximum(volume, 1e-9) / np.pi)
    return np.interp(diameter / blur, CAPTURE_DIAMETER, CAPTURE_SHARE)


def _volume_levels(model: DipModel, integrals: np.ndarray, profile: np.ndarray) -> np.ndarray:
    """Dip above which the voxels of a void add up to its volume; a void without volume gets an unreachable level."""
    raw = np.maximum(integrals, 0) / model.contrast
    voxel = float(np.prod(model.relative))  # volume of a voxel in cubed shortest edges
    volume = raw / captured_share(raw * voxel, model.blur)
    deeper = np.cumsum(profile[:, ::-1], axis=1)[:, ::-1]
    best = np.argmin(np.abs(deeper - volume[:, None]), axis=1)
    levels = np.ceil(best * max(1, int(model.contrast)) / PROFILE_BINS).astype(np.int32)
    levels[volume < 0.5] = np.iinfo(np.int32).max
    return np.maximum(levels, 1)


def find(
    codes: Any,
    labels: Any,
    model: DipModel,
    scratch: Any,
    slabs: Sequence[Slab],
    run_map: RunMap = map,
    tick: Tick = None,
) -> tuple[Any, int]:
    """Label the dips inside the particles.

    Parameters
    ----------
    codes : (Z,Y,X) uint16 array-like
    labels : (Z,Y,X) int array-like
        Envelope of the particles.
    model : DipModel
        As fitted by `fit`.

    Returns
    -------
    void ids : (Z,Y,X) int32 array-like in scratch (named "void_ids"), 0 = no void
    n : int
    """
    shape = codes.shape
    planes = _Planes(codes, labels, model)
    zone = scratch.create("void_zone", shape, np.uint8)
    seeds = 0
    for n in run_map(partial(_seeds, planes, zone), slabs):
        seeds += n
    out = scratch.create("void_ids", shape, np.int32)
    if not seeds:
        scratch.release("void_zone")
        return out, 0
    zones = components.label(components.Solid(zone), shape, 26, slabs, run_map, tick)
    peaks = np.zeros(zones.n + 1, np.int32)
    for p in run_map(partial(_peaks, planes, zones), slabs):
        peaks = np.maximum(peaks, p)
    levels = np.ceil(0.5 * np.minimum(peaks, model.contrast)).astype(np.int32) + 1
    halves = scratch.create("void_halves", shape, np.uint8)
    for _ in run_map(partial(_half_depth, planes, zones, levels, halves), slabs):
        pass
    scratch.release("void_zone")
    cores = components.label(components.Solid(halves), shape, 26, slabs, run_map, tick)
    core_ids = scratch.create("void_cores", shape, np.int32)
    for _ in run_map(partial(_write_ids, cores, core_ids), slabs):
        pass
    _claim_volume(planes, cores.n, core_ids, out, slabs, run_map)
    scratch.release("void_halves")
    scratch.release("void_cores")
    return out, cores.n


def _claim_volume(planes: _Planes, n: int, ids: Any, out: Any, slabs: Sequence[Slab], run_map: RunMap) -> None:
    """Give each void the deepest voxels around its core that make up its grey deficit."""
    integrals = np.zeros(n + 1, np.int64)
    profile = np.zeros((n + 1, PROFILE_BINS), np.int64)
    for i, p in run_map(partial(_profiles, planes, ids, n), slabs):
        integrals += i
        profile += p
    levels = _volume_levels(planes.model, integrals, profile)
    for _ in run_map(partial(_final, planes, ids, levels, out), slabs):
        pass
