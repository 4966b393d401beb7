"""The grey of particles away from voids: the plateau, block by block, and the noise about it.

Core voxels lie deep enough below the surface that its blur does not reach them. The plateau is their block mean, dips
left out; the noise and its correlation are those of the core, as far as no dip is near.
"""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.work import Work
from ...kernels.labels import morphology
from ...kernels.voids import dips as kernel
from .dip_model import DipModel

BLOCK_VOXELS = 8  # voxels; edge of the blocks over which the plateau is averaged
PRIOR_PLATEAU_VOXELS = 16.0  # weight of the global particle grey: 3 % of a full block's 512 voxels; a choice
FLAT_DIP_SD, DEEP_DIP_SD = 2.5, 4.0  # deeper is not flat; still deeper is a void, whose surroundings do not count
FEWEST_CORE_VOXELS = 1000  # for the noise inside particles: its sd is then good to 1 / sqrt(2000) = 2 %
CUT_CORRECTION = 1.03  # on the sd of what is left; the cut at 2.5 sd alone asks for 1.007, the rest has no source
OUTER, INNER, CORE = 1, 2, 3  # depth classes of voxels in particles


@dataclass(frozen=True)
class Planes:
    """Codes, depth classes and model: what the slab tasks share."""

    codes: Any
    depths: Any
    model: DipModel

    @property
    def plateau(self) -> np.ndarray:
        """The model's map of the plateau."""
        assert self.model.plateau is not None
        return self.model.plateau

    def read(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Codes and depth classes of the planes `first` to `last`."""
        return np.ascontiguousarray(self.codes[first:last]), np.ascontiguousarray(self.depths[first:last])

    def seeds(self, first: int, last: int, least: float) -> np.ndarray:
        """0/1 core voxels with a dip above `least` in the planes `first` to `last`, away from the volume's faces."""
        codes, depths = self.read(first, last)
        seeds = np.zeros(codes.shape, np.uint8)
        if kernel.seeds(codes, depths, CORE, self.plateau, BLOCK_VOXELS, first, _below(least), seeds):
            _clear_margin(seeds, first, self.codes.shape[0], self.model.margin)
        return seeds

    def dips_of(self, ids: np.ndarray, slab: Brick) -> tuple[np.ndarray, np.ndarray]:
        """Flat places of the voxels of a slab that have an id, (N,) int64 in raster order, and their dips, int32."""
        codes = np.ascontiguousarray(self.codes[slab.z0 : slab.z1])
        return kernel.dips_of(ids, codes, self.plateau, BLOCK_VOXELS, slab.z0)


def _below(limit: float) -> int:
    """The integer that integers above `limit` are above, within 32 bits."""
    return min(math.floor(limit), np.iinfo(np.int32).max)


def _clear_margin(seeds: np.ndarray, first: int, depth: int, margin: int) -> None:
    if margin <= 0:
        return
    seeds[:, :margin] = seeds[:, -margin:] = 0
    seeds[:, :, :margin] = seeds[:, :, -margin:] = 0
    seeds[: max(0, margin - first)] = 0
    seeds[max(0, min(len(seeds), depth - margin - first)) :] = 0


def _write_depths(labels: Any, model: DipModel, out: Any, slab: Brick) -> None:
    """Class every voxel of a slab by its depth below the particle's surface; see `OUTER` to `CORE`."""
    reach = int(math.ceil(model.core_depth / model.relative[0]))
    a, b = slab.halo(reach, labels.shape[0])
    background = (np.asarray(labels[a:b]) == 0).view(np.uint8)
    balls = model.half(model.blur), model.half(model.core_depth)
    depths = morphology.depth_classes(background, *balls, slab.z0 - a, slab.z1 - a)
    out[slab.z0 : slab.z1] = depths


def classify(labels: Any, model: DipModel, work: Work) -> Any:
    """Depth classes of a label image: (Z,Y,X) uint8 array-like in scratch; whoever asked releases it.

    0 outside particles, 1 (`OUTER`) in them, 2 (`INNER`) deeper than the blur, 3 (`CORE`) deeper than its twofold.
    A face of the volume is no surface.
    """
    depths = work.scratch.create("depths", labels.shape, np.uint8)
    work.do(partial(_write_depths, labels, model, depths))
    return depths


def _flat_core(planes: Planes, slab: Brick, above: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes, dips (of core voxels) and 0/1 "core voxel away from any dip" of a slab and `above` planes more."""
    model = planes.model
    half = model.half(model.reach)
    last = min(planes.codes.shape[0], slab.z1 + above)
    a, b = Brick(0, slab.z0, last).halo(half.shape[0] // 2, planes.codes.shape[0])
    codes, depths = planes.read(a, b)
    limits = np.array([-_below(-FLAT_DIP_SD * model.sd), _below(DEEP_DIP_SD * model.sd)])
    small = limits[0] < np.iinfo(np.int16).max  # only dips of flat voxels are looked at afterwards
    dips, marks = np.empty(codes.shape, np.int16 if small else np.int32), np.zeros(codes.shape, np.uint8)
    deep = kernel.flat_core(codes, depths, CORE, planes.plateau, BLOCK_VOXELS, a, limits, (dips, marks))
    part = slice(slab.z0 - a, last - a)
    use = marks[part] & 1
    if deep:
        use &= 1 - morphology.dilate(marks >> 1, half, part.start, part.stop)
    return codes[part], dips[part], use


def _plateau_sums(planes: Planes, slab: Brick) -> tuple[int, np.ndarray, np.ndarray]:
    codes, _, use = _flat_core(planes, slab)
    return kernel.block_sums(codes, use, BLOCK_VOXELS, slab.z0)


def _statistics(planes: Planes, width: int, bins: int, slab: Brick) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    _, dips, use = _flat_core(planes, slab, above=1)  # one plane more for the pairs along z
    return kernel.dip_statistics(dips, use, slab.depth, width, bins)


def _plateau(planes: Planes, work: Work) -> np.ndarray:
    """Plateau by blocks: mean over core voxels, smoothed over the neighbouring blocks with the global grey as prior."""
    from scipy import ndimage

    shape = tuple(-(-n // BLOCK_VOXELS) for n in planes.codes.shape)
    sums, counts = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for first, s, n in work.quiet.each(partial(_plateau_sums, planes)):
        sums[first : first + len(s)] += s
        counts[first : first + len(n)] += n
    smooth = partial(ndimage.gaussian_filter, sigma=1.0, mode="constant", truncate=2.0)
    weight = smooth(counts.astype(np.float64)) + PRIOR_PLATEAU_VOXELS
    total = smooth(sums.astype(np.float64)) + PRIOR_PLATEAU_VOXELS * planes.model.particle
    return (total / weight).astype(np.float32)


def fit(codes: Any, depths: Any, model: DipModel, work: Work) -> DipModel:
    """The model with the plateau map, and the noise and its correlation as they are inside the particles.

    Parameters
    ----------
    codes : (Z,Y,X) uint16 array-like
        Denoised volume, 0 outside.
    depths : (Z,Y,X) uint8 array-like
        From `classify`.
    model : DipModel
        First guess; `plateau` may be given as a map on blocks of 8 voxels.
    """
    if model.plateau is None:
        shape = tuple(-(-n // BLOCK_VOXELS) for n in codes.shape)
        model = replace(model, plateau=np.full(shape, model.particle, np.float32))
    model = replace(model, plateau=_plateau(Planes(codes, depths, model), work))
    width = max(1, int(model.sd / 32))
    bins = 2 * int(8 * model.sd / width) + 1
    counts, squares, pairs = np.zeros(bins, np.int64), np.zeros(3, np.int64), np.zeros(3, np.int64)
    for c, s, n in work.quiet.each(partial(_statistics, Planes(codes, depths, model), width, bins)):
        counts, squares, pairs = counts + c, squares + s, pairs + n
    if counts.sum() < FEWEST_CORE_VOXELS or pairs.min() == 0:  # no core to speak of: the filter's own correlation
        return replace(model, correlation=max(model.blur, 0.5))
    sd = _robust_sd(counts, width)
    if model.clipped:
        sd = max(sd, _tail_sd(counts, width))
    step = float(np.prod(squares / pairs)) ** (1 / 3)
    return replace(model, sd=sd, correlation=math.sqrt(sd * sd / (2 * max(step, 1e-12))))


def _robust_sd(counts: np.ndarray, width: int) -> float:
    """1.4826 median absolute deviation from a histogram centred on 0, corrected for the cut at 2.5 sd (+3 %)."""
    centres = (np.arange(len(counts)) - len(counts) // 2) * width
    share = np.cumsum(counts) / counts.sum()
    median = np.interp(0.5, share, centres + 0.5 * width)
    order = np.argsort(np.abs(centres - median), kind="stable")
    half = np.searchsorted(np.cumsum(counts[order]), counts.sum() / 2)
    return 1.4826 * CUT_CORRECTION * float(np.abs(centres - median)[order][half])


def _tail_sd(counts: np.ndarray, width: int) -> float:
    """What sd a Gaussian with the dark tail of a histogram of dips has, from the dips that 2.3 and .13 % surpass."""
    share = np.cumsum(counts) / counts.sum()
    centres = (np.arange(len(counts)) - len(counts) // 2) * width
    middle, two, three = np.interp([0.5, 0.97725, 0.99865], share, centres + 0.5 * width)
    return float(max((two - middle) / 2, (three - middle) / 3))
