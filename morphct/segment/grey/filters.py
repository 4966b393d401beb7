"""Raw grey bricks to codes: no filter, Gaussian, median or non-local means."""

from dataclasses import dataclass

import numpy as np

from ...kernels.grey.filters import gaussian_codes, gaussian_codes_masked
from ...kernels.grey.neighbourhood import median_codes, nlm_codes
from .codes import Coding, Outside
from .noise import half_kernel

NO_SIGMA = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Filter:
    """A filter and the coding of its result.

    Parameters
    ----------
    method : {"none", "gaussian", "median", "nlm"}
    sigma : (z, y, x) floats
        Of the Gaussian, in voxels of each axis.
    coding : Coding
    outside : Outside
    noise : float
        Standard deviation of the raw noise in grey values (non-local means need it).
    """

    method: str
    sigma: tuple[float, float, float]
    coding: Coding
    outside: Outside
    noise: float = 0.0

    @property
    def radius(self) -> tuple[int, int, int]:
        """(z, y, x) voxels a result depends on, each way."""
        if self.method == "gaussian":
            z, y, x = (len(half_kernel(s)) - 1 for s in self.sigma)
            return z, y, x
        reach = {"none": 0, "median": 1, "nlm": 3}[self.method]
        return reach, reach, reach


Core = tuple[int, int, int, int]  # planes z0 to z1, rows y0 to y1 of an array


def filter_brick(raw: np.ndarray, valid: np.ndarray | None, how: Filter, core: Core) -> np.ndarray:
    """The core of a raw brick, filtered, as (z1 - z0, y1 - y0, X) uint16 codes.

    Parameters
    ----------
    raw : (Z, Y, X) array
        The brick with a halo of `how.radius` in z and y where the volume goes on; at its ends voxels are repeated.
    valid : (Z, Y, X) uint8 or None
        1 = counts; None: all do.
    core : tuple of int
    """
    z0, z1, y0, y1 = core
    out = np.empty((z1 - z0, y1 - y0, raw.shape[2]), np.uint16)
    if not (raw.flags.writeable and raw.flags.c_contiguous):
        raw = raw.copy()  # else the kernels would be compiled once more for read-only arrays
    if how.method == "none":
        here = slice(z0, z1), slice(y0, y1)
        _encode(raw[here], None if valid is None else valid[here], how.coding, out)
    elif how.method == "gaussian":
        _gaussian(raw, valid, how, core, out)
    else:
        good = np.ones(raw.shape, np.uint8) if valid is None else valid
        grey = _in_code_units(raw, valid, how.coding)
        if how.method == "median":
            median_codes(grey, good, core, out)
        else:
            pad = ((0, 0), (0, 0), (3, 3))
            variance = np.float32(2 * (how.noise / how.coding.scale) ** 2)
            grey = np.pad(grey, pad, mode="edge")
            good = np.pad(good, pad, mode="edge").astype(np.float32)
            nlm_codes(grey, good, core, variance, out)
    return out


def _encode(raw: np.ndarray, valid: np.ndarray | None, coding: Coding, out: np.ndarray) -> None:
    if raw.dtype.kind in "bui" and raw.dtype.itemsize <= 2:
        # a table is exact and four times as fast as arithmetic
        kind = np.uint8 if raw.dtype.kind == "b" else raw.dtype
        info = np.iinfo(kind)
        table = coding.encode(np.arange(info.min, info.max + 1))
        # negative values index from the end: the table is turned so that they find theirs there
        table = np.roll(table, info.min)
        for z in range(len(raw)):
            np.take(table, raw[z].view(kind), out=out[z], mode="wrap")
    else:
        for z in range(len(raw)):
            out[z] = coding.encode(raw[z])
    if valid is not None:
        out[valid == 0] = 0


def _weights(sigma: float) -> np.ndarray:
    """Half kernel, padded with zeros to whole groups of three pairs (the kernel's way of working)."""
    half = half_kernel(sigma)
    return np.pad(half, (0, -(len(half) - 1) % 3)).astype(np.float32)


def _gaussian(raw: np.ndarray, valid: np.ndarray | None, how: Filter, core: Core, out: np.ndarray) -> None:
    weights = tuple(_weights(s) for s in how.sigma)
    coding = how.coding
    if raw.dtype in (np.uint8, np.uint16):
        gain, shift = np.float32(1 / coding.scale), np.float32(0.5 - coding.offset / coding.scale)
        grey = raw if valid is None else np.where(valid, raw, raw.dtype.type(0))
    else:
        gain, shift = np.float32(1), np.float32(0.5)
        grey = _in_code_units(raw, valid, coding)
    if valid is None:
        gaussian_codes(grey, weights, core, gain, shift, out)
    else:
        gaussian_codes_masked(grey, valid, weights, core, gain, shift, out)


def _in_code_units(raw: np.ndarray, valid: np.ndarray | None, coding: Coding) -> np.ndarray:
    """(Z, Y, X) float32: raw grey as codes, not rounded; 0 where a voxel does not count."""
    grey = np.empty(raw.shape, np.float32)
    for z in range(len(raw)):  # plane by plane: the double-precision copy stays small
        grey[z] = (raw[z].astype(np.float64) - coding.offset) / coding.scale
    if valid is not None:
        grey[valid == 0] = 0
    return grey
