"""Pieces of a mask that never reach the grey of particles: streaks and noise that a low level lets through."""

from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.work import Work
from ..labels import components
from .levels import Threshold, mask_of, shifted

COUNTED_PLANES = 8  # counted at one time: counting takes 12 bytes a voxel of them


def drop_faint(
    mask: Any,
    codes: Any,
    threshold: Threshold,
    least: int,
    work: Work,
) -> int:
    """Set to 0, in place, the pieces (6-connected) with fewer than `least` voxels at the grey inside particles.

    Parameters
    ----------
    mask : (Z, Y, X) uint8 array-like, 0/1
    codes : (Z, Y, X) uint16 array-like
    threshold : Threshold
        Its local grey of particles, half a contrast above the level, is what must be reached.

    Returns
    -------
    int
        Pieces dropped.

    Notes
    -----
    A threshold with hysteresis, after Canny 1986, doi:10.1109/TPAMI.1986.4767851, with a count instead of one voxel.
    """
    found = components.label(components.Solid(mask), mask.shape, 6, work)
    strong = np.zeros(found.n + 1, np.int64)
    for part in work.quiet.each(partial(_count_strong, found, codes, shifted(threshold, 0.5))):
        strong += part
    keep = strong >= least
    keep[0] = False
    work.quiet.do(partial(_keep, found, keep.astype(np.uint8), mask))
    return int(found.n - keep.sum())


def _count_strong(found: components.Components, codes: Any, threshold: Threshold, brick: Brick) -> np.ndarray:
    strong, ids = mask_of(codes, threshold, brick), found.planes(brick)
    total = np.zeros(found.n + 1, np.int64)
    for a in range(0, len(ids), COUNTED_PLANES):
        part = slice(a, a + COUNTED_PLANES)
        total += np.bincount(ids[part][strong[part]], minlength=found.n + 1)
    return total


def _keep(found: components.Components, keep: np.ndarray, mask: Any, brick: Brick) -> None:
    mask[brick.here] = found.planes(brick, keep)
