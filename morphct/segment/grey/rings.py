"""Rings about the axis of rotation, as a reconstruction leaves them: how strong they are.

The mean of a ring's upper half and that of its lower half share what the ring has in common and nothing else: not the
noise, however it is correlated, and not the particles. So the mean product of the two is the variance of the rings.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .sampling import Brick

PLANE_STEP = 8  # planes, of which one is looked at
RING_WIDTH_VOXELS = 15  # voxels: what varies over more of them is no ring
ROWS_APART = 8  # rows left out between the halves, so that no particle lies in both
RADII_PER_VOXEL = 2  # radii a voxel: a ring may be one voxel wide and lie between two
FEWEST_HALF_RING_VOXELS = 20  # voxels of half a ring
SURE_STANDARD_ERRORS = 5.0  # standard errors of the mean product
TAIL_SHARE = 0.01  # of the products left out at either end: a round sample holder is no ring
LEAST_RING_SHARE = 0.05  # of the contrast: less is not spoken of


def measure(volume: Any, bricks: Sequence[Brick], valid: Sequence[np.ndarray | None]) -> float:
    """Standard deviation of the rings, grey values; 0 where there are none for sure.

    Parameters
    ----------
    volume : array-like (Z, Y, X)
        Its shape is used, and its crop where it has one: the axis is taken to be in the middle of the file's planes.
    bricks : sequence of Brick
    valid : sequence of (z, y, x) uint8 or None
        Of whole bricks; 1 = counts.
    """
    # reconstructions differ by half a voxel in where they lay the axis, and rings may be one voxel wide
    middles = [_middle(volume, shift) for shift in (0.0, 0.5)]
    length = int(RADII_PER_VOXEL * (np.hypot(*(max(m, n - m) for m, n in zip(middles[0], volume.shape[1:]))) + 3))
    sums: dict[int, np.ndarray] = {}
    for brick, good in zip(bricks, valid):
        first = brick.start[0] + brick.core[0].start
        where = [_places(brick, middle, length) for middle in middles]
        for z in range(brick.core[0].start, brick.core[0].stop):
            plane = z - brick.core[0].start
            if plane % PLANE_STEP == PLANE_STEP // 2:
                part = _sums(brick.grey[z], None if good is None else good[z], where, length)
                sums[first + plane] = sums.get(first + plane, np.zeros(1)) + part
    return max(_strength(part) for part in np.stack(list(sums.values()), axis=1)) if sums else 0.0


def _middle(volume: Any, shift: float) -> tuple[float, float]:
    """(y, x) of the axis, in voxels of what is read."""
    crop = getattr(volume, "crop", None)
    if crop is None:
        return 0.5 * (volume.shape[1] - 1) + shift, 0.5 * (volume.shape[2] - 1) + shift
    full = volume.full_shape
    return 0.5 * (full[1] - 1) - crop[1][0] + shift, 0.5 * (full[2] - 1) - crop[2][0] + shift


def _places(brick: Brick, middle: tuple[float, float], length: int) -> np.ndarray:
    """(y, x) int64 of a whole brick: radius, plus `length` in the lower half; 2 * length: left out."""
    y, x = (s + np.arange(n) - m for s, n, m in zip(brick.start[1:], brick.grey.shape[1:], middle))
    radius = np.rint(RADII_PER_VOXEL * np.hypot(y[:, None], x)).astype(np.int64)
    where = radius + length * (y > 0)[:, None]
    where[np.abs(y) < ROWS_APART] = 2 * length
    inner = np.zeros(where.shape, bool)
    inner[brick.core[1], brick.core[2]] = True
    where[~inner] = 2 * length
    return where


def _sums(grey: np.ndarray, good: np.ndarray | None, places: Sequence[np.ndarray], length: int) -> np.ndarray:
    """(axes, 2, 2, length): sums of what a plane varies by within a few voxels and counts, by half and radius."""
    from scipy.ndimage import uniform_filter

    values = grey.astype(np.float32)
    if good is not None:
        values[good == 0] = 0
        whole = uniform_filter(good.astype(np.float32), RING_WIDTH_VOXELS, mode="nearest") > 0.999
        places = [np.where(whole, where, 2 * length) for where in places]
    values -= uniform_filter(values, RING_WIDTH_VOXELS, mode="nearest")
    n = 2 * length + 1
    pairs = [(np.bincount(w.ravel(), values.ravel(), n), np.bincount(w.ravel(), minlength=n)) for w in places]
    return np.array(pairs)[:, :, :-1].reshape(-1, 2, 2, length)


def _strength(sums: np.ndarray) -> float:
    totals, counts = sums[:, 0], sums[:, 1]
    enough = (counts >= FEWEST_HALF_RING_VOXELS).all(axis=1)
    means = totals / np.maximum(counts, 1)
    product = np.sort((means[:, 0] * means[:, 1])[enough])
    product = product[int(TAIL_SHARE * product.size) : product.size - int(TAIL_SHARE * product.size)]
    if product.size < 100:
        return 0.0
    mean, error = float(product.mean()), float(product.std()) / product.size**0.5
    return mean**0.5 if mean > SURE_STANDARD_ERRORS * error else 0.0


def in_words(strength: float, contrast: float | None) -> list[str]:
    """A sentence where they are worth one."""
    if not contrast or strength < LEAST_RING_SHARE * contrast:
        return []
    return [
        f"rings about the z axis change the grey by {100 * strength / contrast:.0f} % of the contrast (standard "
        "deviation); they are left in, and a ring correction of the reconstruction would remove them"
    ]
