"""The grey level between particles and the rest, place by place, and the 0/1 mask it makes of a denoised volume."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.work import Work
from ...kernels.grey.blocks import BLOCK_VOXELS, Level, above_level
from ..grey.codes import LAST_CODE, Coding
from .facts import HaloFacts, Quality
from .method_choice import Choice

# Shares of the local contrast by which the level may be off, where denoising reached its target and where it missed it.
# Measured by scripts/fit_levels, level found against the level that gives the true volume, on 182 phantoms (ten
# families, CNR 1 to 10, blur .5 to 1.4, correlated noise in about half of them): 95 % of the errors lie within .058
# (interval .046 to .086; .05 holds 91 %) on the 124 that reached it, within .156 (.116 and more) on the 58 that did not
LEVEL_UNCERTAINTY, LEVEL_UNCERTAINTY_MISSED = 0.05, 0.16
PEAK_VOXEL_BYTES = 3.1  # of a brick, no halo: codes and mask (`hysteresis`: numbers of pieces besides, 6 in all)


def block_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    """Blocks of 8^3 along z, y, x; the last ones may be cut."""
    return tuple(-(-int(n) // BLOCK_VOXELS) for n in shape)  # type: ignore[return-value]


def as_level(level: np.ndarray, gap: np.ndarray, coding: Coding) -> Level:
    """A map in grey values as kernels take it."""
    return Level(level, gap, np.float32(1 / coding.scale), np.float32(-coding.offset / coding.scale))


def range_of(level: np.ndarray) -> tuple[float, float]:
    """1 and 99 % of a map of levels."""
    low, high = np.quantile(level, [0.01, 0.99])
    return float(low), float(high)


def constant(shape: Sequence[int], value: float) -> np.ndarray:
    """A map of one value."""
    return np.full(block_shape(shape), value, np.float32)


@dataclass(frozen=True)
class Threshold:
    """The level of every place, as coarse maps of blocks of 8^3 voxels, and what is known of it.

    Parameters
    ----------
    method : {"deconvolution", "otsu", "halo", "fixed"}
    level, inside, outside : (z, y, x) float32
        Grey values: the level, and the grey of particles and of their surroundings nearby.
    coding : Coding
    code_range : (int, int) or None
        For one level: the codes of the particles, both ends included.
    blur : float or None
        Total blur of the denoised volume (sigma, finest voxel edges), from the slope of the edges.
    value : float or None
        The level in one number: the one there is, or the middle of the map.
    level_range : (float, float) or None
        1 and 99 % of a map that is not the same everywhere.
    mean_inside, mean_outside : float or None
        Grey on both sides of it, where it is one level or follows a halo.
    solid_share : float or None
        Share of the voxels in particles.
    plateau_spread : float or None
        See `quality.plateau_spread`; of a local level.
    asked : (float or None, float or None) or None
        Least and largest grey of the particles, of a fixed level.
    halo : HaloFacts or None
    choice : Choice or None
        Why this method, where it was chosen by what was measured.
    quality : Quality or None
        None before it was judged.
    warnings : tuple of str
    """

    method: str
    level: np.ndarray
    inside: np.ndarray
    outside: np.ndarray
    coding: Coding
    code_range: tuple[int, int] | None = None
    blur: float | None = None
    value: float | None = None
    level_range: tuple[float, float] | None = None
    mean_inside: float | None = None
    mean_outside: float | None = None
    solid_share: float | None = None
    plateau_spread: float | None = None
    asked: tuple[float | None, float | None] | None = None
    halo: HaloFacts | None = None
    choice: Choice | None = None
    quality: Quality | None = None
    warnings: tuple[str, ...] = ()

    @property
    def uncertainty(self) -> float:
        """How far the level may be off, as a share of the local contrast."""
        return LEVEL_UNCERTAINTY if self.quality is None else self.quality.level_uncertainty


def mask_of(codes: Any, threshold: Threshold, brick: Brick) -> np.ndarray:
    """Mask of a brick.

    Parameters
    ----------
    codes : array-like (Z, Y, X) uint16
    threshold : Threshold
    brick : Brick

    Returns
    -------
    (Z, Y, X) bool of the brick
        True in particles, never outside.
    """
    part = np.ascontiguousarray(codes[brick.here])
    if threshold.code_range is not None:
        low, high = threshold.code_range
        return (part >= low) & (part <= high) if high < LAST_CODE else part >= low
    level = as_level(threshold.level, threshold.level, threshold.coding)
    out = np.empty(part.shape, np.uint8)
    above_level(part, (brick.z0, brick.y0), level, out)
    return out.view(bool)


def shifted(threshold: Threshold, shift: float) -> Threshold:
    """The same moved by a share of the local contrast: the level's uncertainty, for bands, or a stricter one."""
    if not shift:
        return threshold
    if threshold.code_range is not None:
        return replace(threshold, code_range=_shifted_range(threshold, shift))
    return replace(threshold, level=threshold.level + np.float32(shift) * (threshold.inside - threshold.outside))


def _shifted_range(threshold: Threshold, shift: float) -> tuple[int, int]:
    assert threshold.code_range is not None
    low, high = threshold.code_range
    gap = abs(float(threshold.inside.flat[0] - threshold.outside.flat[0]))
    step = round(shift * gap / threshold.coding.scale)
    low = low if low <= 1 else max(1, low + step)
    high = high if high >= LAST_CODE else min(LAST_CODE, high - step)
    return low, high


def apply(
    codes: Any,
    threshold: Threshold,
    out: Any,
    work: Work,
    shift: float = 0.0,
) -> int:
    """Write the mask of a volume as uint8 0/1 into `out` (Z, Y, X) and count its voxels; shift: see `shifted`."""
    return sum(work.each(partial(_apply_brick, codes, shifted(threshold, shift), out)))


def _apply_brick(codes: Any, threshold: Threshold, out: Any, brick: Brick) -> int:
    mask = mask_of(codes, threshold, brick)
    out[brick.here] = mask.view(np.uint8)
    return int(np.count_nonzero(mask))
