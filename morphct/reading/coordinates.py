"""Edges of voxels from the coordinates along axes, as NeXus, HDF5 scales, EMD and xarray store them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .stated import Stated, micrometres, one_unit, state

REGULAR = 1e-2  # steps may differ by this share; single precision and rounded decimals do


class Coordinates(NamedTuple):
    """Positions along one axis and their unit as it is written; None where the axis has none."""

    values: np.ndarray | None
    unit: str | None


def size_of_coordinates(axes: Sequence[Coordinates], lengths: Sequence[int], source: str) -> list[Stated]:
    """The voxel size that coordinates along the three stored axes state: nothing when no axis has any.

    Parameters
    ----------
    axes : sequence of Coordinates
    lengths : sequence of int
        Voxels along each axis.
    source : str
        The place, in words.
    """
    if all(a.values is None for a in axes):
        return []
    edges: list[float | None] = []
    for axis, n in zip(axes, lengths):
        step = None if axis.values is None else step_of(axis.values, n)
        if step is not None and step < 0:
            return [Stated(None, source, "states coordinates at uneven steps")]
        edges.append(step)
    if all(e in (None, 1.0) for e in edges) and not any(micrometres(a.unit or "") for a in axes):
        return []  # 0, 1, 2 are indices
    same, unit = one_unit(edges, [a.unit for a in axes])
    return [state(same, unit, source, placeholders=False)]


def step_of(values: np.ndarray, length: int) -> float | None:
    """The step of regular coordinates: None when they do not fit the axis, -1 when their steps differ."""
    values = np.ravel(np.asarray(values, float))
    if values.size == 2 and length != 2:  # EMD writes the first two alone where they are regular
        values = values[0] + (values[1] - values[0]) * np.arange(length)
    if values.size not in (length, length + 1) or values.size < 2:  # length + 1: the edges of the voxels
        return None
    if not np.isfinite(values).all():
        return -1.0
    steps = np.diff(values)
    step = float((values[-1] - values[0]) / (values.size - 1))
    rounding = 4 * np.finfo(np.float32).eps * np.abs(values).max()
    if np.abs(steps - step).max() > REGULAR * abs(step) + rounding:
        return -1.0
    return float(f"{abs(step):.7g}")
