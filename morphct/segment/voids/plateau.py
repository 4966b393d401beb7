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
from ...kernels.run_lists import Runs
from ...kernels.voids import dip_runs as by_runs
from ...kernels.voids import dips as kernel
from .dip_model import DipModel

BLOCK_VOXELS = 8  # voxels; edge of the blocks over which the plateau is averaged
PRIOR_PLATEAU_VOXELS = 16.0  # weight of the global particle grey: 3 % of a full block's 512 voxels; a choice
FLAT_DIP_SD, DEEP_DIP_SD = 2.5, 4.0  # deeper is not flat; still deeper is a void, whose surroundings do not count
FEWEST_CORE_VOXELS = 1000  # for the noise inside particles: its sd is then good to 1 / sqrt(2000) = 2 %
CUT_CORRECTION = 1.03  # on the sd of what is left; the cut at 2.5 sd alone asks for 1.007, the rest has no source
OUTER, INNER, CORE = 1, 2, 3  # depth classes of voxels in particles


@dataclass(frozen=True)
class Cores:
    """The insides of particles, in which dips are looked for.

    Attributes
    ----------
    depths : (Z,Y,X) uint8 array-like
        Depth classes (`fit`), in scratch; whoever asked releases them.
    model : DipModel
        With plateau, noise and its correlation as they are there.
    filled : (B,) bool, optional
        Which bricks of the work hold voxels deeper than the blur; None: any may.
    """

    depths: Any
    model: DipModel
    filled: np.ndarray | None = None

    def empty(self, brick: Brick) -> bool:
        """Whether a brick is known to hold nothing."""
        return self.filled is not None and not self.filled[brick.index]


@dataclass(frozen=True)
class Interior:
    """Codes and the cores in them: what the tasks of bricks share."""

    codes: Any
    cores: Cores

    @property
    def model(self) -> DipModel:
        """The cores' model."""
        return self.cores.model

    @property
    def plateau(self) -> np.ndarray:
        """The model's map of the plateau."""
        assert self.model.plateau is not None
        return self.model.plateau

    def around(self, brick: Brick, half: np.ndarray) -> tuple[Brick, Brick]:
        """A brick within the volume, and the same with a halo as wide as a ball reaches."""
        shape = self.codes.shape
        return brick.widened((0, 0), shape), brick.widened((half.shape[0] // 2, half.shape[1] // 2), shape)

    def read(self, outer: Brick) -> tuple[np.ndarray, np.ndarray]:
        """Codes and depth classes of a brick."""
        return np.ascontiguousarray(self.codes[outer.here]), np.ascontiguousarray(self.cores.depths[outer.here])

    def seeds(
        self, codes: np.ndarray, depths: np.ndarray, outer: Brick, bars: tuple[float, float]
    ) -> np.ndarray | None:
        """Core voxels of a brick with a dip above the first of two bars, 1, or above both, 3; none near the volume's
        faces. None when there are none."""
        seeds, whole = np.zeros(codes.shape, np.uint8), (_below(bars[0]), _below(bars[1]))
        corner = outer.z0, outer.y0
        if not kernel.seeds(codes, depths, CORE, self.plateau, BLOCK_VOXELS, corner, whole, seeds):
            return None
        _clear_margin(seeds, outer, self.codes.shape, self.model.margin)
        return seeds if seeds.any() else None

    def dips_of(self, runs: Runs, brick: Brick) -> np.ndarray:
        """Dips of the voxels of the runs of a brick, in their order, int32."""
        codes = np.ascontiguousarray(self.codes[brick.here])
        return by_runs.dips_of(runs, codes, (0, 0), self.plateau, BLOCK_VOXELS, (brick.z0, brick.y0))


def _below(limit: float) -> int:
    """The integer that integers above `limit` are above, within 32 bits."""
    return min(math.floor(limit), np.iinfo(np.int32).max)


def _clear_margin(seeds: np.ndarray, outer: Brick, shape: tuple[int, ...], margin: int) -> None:
    """Clear what lies within a margin of the faces of a volume of `shape`; seeds are those of the brick `outer`."""
    if margin <= 0:
        return
    seeds[:, :, :margin] = seeds[:, :, -margin:] = 0
    for axis, first in enumerate((outer.z0, outer.y0)):
        rows = np.moveaxis(seeds, axis, 0)
        rows[: max(0, margin - first)] = 0
        rows[max(0, min(len(rows), shape[axis] - margin - first)) :] = 0


def _flat_core(
    codes: np.ndarray, depths: np.ndarray, outer: Brick, core: tuple[int, int, int, int], model: DipModel
) -> tuple[np.ndarray, np.ndarray]:
    """Dips (of core voxels) and 0/1 "core voxel away from any dip" of the core of a brick with its halo."""
    assert model.plateau is not None
    limits = np.array([-_below(-FLAT_DIP_SD * model.sd), _below(DEEP_DIP_SD * model.sd)])
    small = limits[0] < np.iinfo(np.int16).max  # only dips of flat voxels are looked at afterwards
    dips, marks = np.empty(codes.shape, np.int16 if small else np.int32), np.zeros(codes.shape, np.uint8)
    corner = outer.z0, outer.y0
    deep = kernel.flat_core(codes, depths, CORE, model.plateau, BLOCK_VOXELS, corner, limits, (dips, marks))
    here = slice(*core[:2]), slice(*core[2:])
    use = marks[here] & 1
    if deep:
        use &= 1 - morphology.dilate(marks >> 1, model.half(model.reach), core)
    return np.ascontiguousarray(dips[here]), use


def _classify(codes: Any, labels: Any, model: DipModel, out: Any, brick: Brick) -> tuple[bool, Any]:
    """Write the depth classes of a brick, see `OUTER` to `CORE`; whether any is deeper than the blur, block sums."""
    shape = labels.shape
    near, far, dip = model.half(model.blur), model.half(model.core_depth), model.half(model.reach)
    brick = brick.widened((0, 0), shape)
    middle = brick.widened((dip.shape[0] // 2, dip.shape[1] // 2), shape)
    outer = middle.widened((far.shape[0] // 2, far.shape[1] // 2), shape)
    background = (np.asarray(labels[outer.here]) == 0).view(np.uint8)
    if background.all():
        return False, None
    depths = morphology.depth_classes(background, near, far, middle.core(outer))
    own = np.ascontiguousarray(depths[brick.within(middle)])
    out[brick.here] = own
    most = int(own.max(initial=0))
    if most < CORE:
        return most >= INNER, None
    part = np.ascontiguousarray(codes[middle.here])
    _, use = _flat_core(part, depths, middle, brick.core(middle), model)
    return True, kernel.block_sums(
        np.ascontiguousarray(part[brick.within(middle)]), use, BLOCK_VOXELS, (brick.z0, brick.y0)
    )


def _statistics(
    grey: Interior, width: int, bins: int, brick: Brick
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Histogram of the dips of a brick, and the squares of their steps to the next voxels."""
    if grey.cores.empty(brick):
        return None
    brick = brick.widened((0, 0), grey.codes.shape)
    nz, ny = grey.codes.shape[:2]
    more = replace(brick, z1=min(nz, brick.z1 + 1), y1=min(ny, brick.y1 + 1))  # for the pairs along z and y
    _, outer = grey.around(more, grey.model.half(grey.model.reach))
    codes, depths = grey.read(outer)
    dips, use = _flat_core(codes, depths, outer, more.core(outer), grey.model)
    return kernel.dip_statistics(dips, use, (brick.depth, brick.height), width, bins)


def _smoothed(sums: np.ndarray, counts: np.ndarray, particle: float) -> np.ndarray:
    """Plateau by blocks: mean over core voxels, smoothed over the neighbouring blocks with the global grey as prior."""
    from scipy import ndimage

    smooth = partial(ndimage.gaussian_filter, sigma=1.0, mode="constant", truncate=2.0)
    weight = smooth(counts.astype(np.float64)) + PRIOR_PLATEAU_VOXELS
    total = smooth(sums.astype(np.float64)) + PRIOR_PLATEAU_VOXELS * particle
    return (total / weight).astype(np.float32)


def fit(codes: Any, labels: Any, model: DipModel, work: Work) -> Cores:
    """Depth classes of the particles, and the model with the plateau map and the noise as they are inside them.

    Depth classes are 0 outside particles, 1 (`OUTER`) in them, 2 (`INNER`) deeper than the blur, 3 (`CORE`) deeper
    than its twofold. A face of the volume is no surface.

    Parameters
    ----------
    codes : (Z,Y,X) uint16 array-like
        Denoised volume, 0 outside.
    labels : (Z,Y,X) int array-like
        Envelopes of the particles, 0 outside.
    model : DipModel
        First guess; `plateau` may be given as a map on blocks of 8 voxels.
    """
    depths = work.scratch.create("depths", labels.shape, np.uint8)
    shape = tuple(-(-n // BLOCK_VOXELS) for n in codes.shape)
    if model.plateau is None:
        model = replace(model, plateau=np.full(shape, model.particle, np.float32))
    sums, counts, filled = np.zeros(shape, np.int64), np.zeros(shape, np.int64), []
    for deep, found in work.each(partial(_classify, codes, labels, model, depths)):
        filled.append(deep)
        if found is not None:
            z, y, s, n = found
            here = slice(z, z + s.shape[0]), slice(y, y + s.shape[1])
            sums[here] += s
            counts[here] += n
    model = replace(model, plateau=_smoothed(sums, counts, model.particle))
    cores = Cores(depths, model, np.array(filled, bool))
    return replace(cores, model=_with_noise(Interior(codes, cores), work))


def _with_noise(grey: Interior, work: Work) -> DipModel:
    """The model with the noise and its correlation as they are in the cores."""
    model = grey.model
    width = max(1, int(model.sd / 32))
    bins = 2 * int(8 * model.sd / width) + 1
    counts, squares, pairs = np.zeros(bins, np.int64), np.zeros(3, np.int64), np.zeros(3, np.int64)
    for found in work.quiet.each(partial(_statistics, grey, width, bins)):
        if found is not None:
            counts, squares, pairs = counts + found[0], squares + found[1], pairs + found[2]
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
