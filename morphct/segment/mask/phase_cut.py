"""A small cut through the middle of a volume, each voxel as its phase: what `morphct inspect` shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..grey.filters import filter_brick
from ..grey.plan import DenoisePlan
from . import phase_choice

SIDE_VOXELS = 192  # of the window in the middle plane
SIDE_CELLS = 64  # of the picture
OUTSIDE = -1


@dataclass(frozen=True)
class PhaseCut:
    """A cut as numbers.

    Attributes
    ----------
    plane : int
        Index along z.
    start, step : (y, x), int
        First voxel of the window, and voxels a cell.
    cells : (H, W) int8
        Index of the phase, darkest 0; -1 outside the reconstruction.
    """

    plane: int
    start: tuple[int, int]
    step: int
    cells: np.ndarray

    def to_mapping(self) -> dict[str, Any]:
        """Plain values; a row of cells as numbers."""
        return {"plane": self.plane, "start": list(self.start), "step": self.step, "cells": self.cells.tolist()}


def _window(shape: Sequence[int]) -> tuple[slice, slice]:
    starts = [max(0, (n - SIDE_VOXELS) // 2) for n in shape[1:]]
    y, x = (slice(a, min(n, a + SIDE_VOXELS)) for a, n in zip(starts, shape[1:]))
    return y, x


def _cut(phase: np.ndarray, plane: int, y: slice, x: slice) -> PhaseCut:
    step = max(1, -(-max(phase.shape) // SIDE_CELLS))
    return PhaseCut(plane, (y.start, x.start), step, phase[step // 2 :: step, step // 2 :: step].astype(np.int8))


def of_grey(volume: Any, plan: DenoisePlan) -> PhaseCut | None:
    """The phases of the middle plane after the filter, parted half way between their means; None for one phase."""
    if not plan.fit.ok:
        return None
    depth, plane = volume.shape[0], volume.shape[0] // 2
    y, x = _window(volume.shape)
    a, b = max(0, plane - plan.how.radius[0]), min(depth, plane + plan.how.radius[0] + 1)
    raw = np.ascontiguousarray(np.asarray(volume[a:b])[:, y, x])
    valid = plan.outside.valid_part(raw, (a, y.start, x.start), volume.shape)
    codes = filter_brick(raw, valid, plan.how, (plane - a, plane - a + 1, 0, raw.shape[1]))
    if plan.shading is not None:
        plan.shading.subtract(codes, (plane, y.start, x.start), plan.scale)
    phase = phase_choice.classify(codes, plan.fit, plan.how.coding).astype(np.int8)
    phase[codes == 0] = OUTSIDE
    return _cut(phase[0], plane, y, x)


def of_values(volume: Any, values: ArrayLike) -> PhaseCut:
    """The values of the middle plane of a segmented volume, the least first."""
    plane = volume.shape[0] // 2
    y, x = _window(volume.shape)
    grey = np.asarray(volume[plane : plane + 1])[0, y, x]
    known = np.asarray(values, float)
    at = np.clip(np.searchsorted(known, grey), 0, len(known) - 1)
    return _cut(np.where(known[at] == grey, at, OUTSIDE), plane, y, x)
