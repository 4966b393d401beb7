"""Voxels of a block told as runs along x, in raster order."""

from typing import NamedTuple

import numpy as np

from .jit import jit


class Runs(NamedTuple):
    """Runs of a block of (Z,Y,X) in raster order.

    shape: (3,) int64. rows: (Z Y + 1,) int64, first run of each row. starts, ends: (N,) int32. ids: (N,) int32,
    component of each run, from 1. n: components.
    """

    shape: np.ndarray
    rows: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    ids: np.ndarray
    n: int


@jit
def grown(array, more):
    """An array (N,) in one of twice its size, and room for `more` besides."""
    out = np.empty(2 * array.size + more, array.dtype)
    out[: array.size] = array
    return out
