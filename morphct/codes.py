"""Grey values as uint16 codes: grey = offset + scale * code, code 0 = outside the scanned body."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LAST = 65535
# an inscribed reconstruction circle: the radius may fall short of or exceed half the plane by so much
LEAST_RADIUS, SLACK = 0.4, 2.0
RING = 3.0  # voxels just inside the circle that must look like data


@dataclass(frozen=True)
class Coding:
    """grey = offset + scale * code for codes 1 to 65535."""

    offset: float
    scale: float

    def grey(self, code: Any) -> Any:
        """Grey value of a code (or an array of them)."""
        return self.offset + self.scale * code

    def position(self, grey: float) -> float:
        """The code of a grey value, not rounded."""
        return (grey - self.offset) / self.scale

    def encode(self, grey: np.ndarray) -> np.ndarray:
        """Nearest codes (uint16), cut to 1..65535; NaN becomes 1."""
        code = np.rint((grey.astype(np.float64) - self.offset) / self.scale)
        return np.clip(np.nan_to_num(code, nan=1), 1, LAST).astype(np.uint16)


def choose_coding(dtype: np.dtype, samples: Sequence[np.ndarray], filtered: bool) -> Coding:
    """A coding in which unfiltered whole greys are exact and filtered ones fine.

    Parameters
    ----------
    dtype : numpy dtype
        Of the raw volume.
    samples : arrays
        Raw grey values (NaN allowed); what lies far beyond them will be cut.
    filtered : bool
        Whether codes will hold smoothed values.

    Notes
    -----
    uint8 and uint16 count up from code 1 = grey 0 when nothing is filtered: only 65535, where the whole range is used,
    shares its code with 65534.
    """
    if dtype.kind == "b" or (dtype.kind == "u" and dtype.itemsize == 1):
        return Coding(-1 / 256, 1 / 256) if filtered else Coding(-1.0, 1.0)
    if dtype.kind in "ui" and dtype.itemsize == 2 and not filtered:
        return Coding(float(np.iinfo(dtype).min) - 1, 1.0)
    low, high, whole = _sample_range(samples)
    width = high - low
    if whole and width <= 60000 and not filtered:
        # centred, so that what the sample did not see is exact on both sides
        return Coding(low - 1 - (LAST - 1 - width) // 2, 1.0)
    if not width:
        return Coding(low - 32768.0 / 64, 1.0 / 64)
    low, width = low - 0.5 * width, 2 * width
    if dtype.kind in "ui" and dtype.itemsize == 2:
        info = np.iinfo(dtype)
        top = min(low + width, float(info.max))
        low = max(math.floor(low), float(info.min))
        width = top - low
        scale = 2.0 ** min(0, math.ceil(math.log2(max(width, 1) / (LAST - 1))))
    else:
        scale = width / (LAST - 1)
    return Coding(low - scale, scale)


def _sample_range(samples: Sequence[np.ndarray]) -> tuple[float, float, bool]:
    """Least and largest sampled grey without far outliers, and whether all are whole numbers."""
    step = max(1, sum(s.size for s in samples) // 2_000_000)
    values = np.concatenate([s.ravel()[::step] for s in samples])
    values = values[np.isfinite(values)].astype(np.float64)
    low, high = (min(float(np.nanmin(s)) for s in samples), max(float(np.nanmax(s)) for s in samples))
    whole = bool((values == np.rint(values)).all())
    inner = np.quantile(values, [0.001, 0.999])
    span = float(inner[1] - inner[0])
    if span and not whole:  # single hot voxels of a float reconstruction must not take the resolution away
        low, high = max(low, float(inner[0]) - 8 * span), min(high, float(inner[1]) + 8 * span)
    return low, high, whole


@dataclass(frozen=True)
class Outside:
    """How voxels outside the scanned body are told: not finite, or one value beyond a reconstruction circle.

    Parameters
    ----------
    value : float or None
        The one grey value beyond the circle; None: there is no circle.
    radius : float
        Voxels from the middle of a plane; beyond it `value` does not count.
    """

    value: float | None = None
    radius: float = math.inf

    def valid(self, grey: np.ndarray) -> np.ndarray | None:
        """(Z, Y, X) uint8, 1 = counts, of whole planes or None when every voxel does."""
        return self.valid_part(grey, (0, 0, 0), grey.shape)

    def valid_part(self, grey: np.ndarray, start: Sequence[int], shape: Sequence[int]) -> np.ndarray | None:
        """The same for a piece that starts at (z, y, x) `start` of a volume of `shape`."""
        good = None
        if grey.dtype.kind == "f":
            finite = np.isfinite(grey)
            good = None if finite.all() else finite
        if self.value is not None:
            (_, y, x), (_, ny, nx) = start, grey.shape
            beyond = _radii(shape[1:])[y : y + ny, x : x + nx] > self.radius
            inside = ~((grey == self.value) & beyond)
            good = inside if good is None else good & inside
        return None if good is None else good.view(np.uint8)

    def words(self) -> str:
        """A sentence on the circle."""
        return (
            f"beyond a circle of {self.radius:.0f} voxels the volume holds the one value {self.value:g}: taken for "
            "outside the reconstruction"
        )


def _radii(shape: Sequence[int]) -> np.ndarray:
    ny, nx = shape
    y, x = np.arange(ny) - 0.5 * (ny - 1), np.arange(nx) - 0.5 * (nx - 1)
    return np.hypot(y[:, None], x[None, :])


def find_outside(volume: Any) -> Outside:
    """Look at three planes for a round reconstruction mask: one exact value around an inscribed circle of data."""
    depth, ny, nx = volume.shape
    half = 0.5 * min(ny, nx)
    if half < 16:
        return Outside()
    radii = _radii((ny, nx))
    planes = [np.asarray(volume[z : z + 1])[0] for z in sorted({depth // 4, depth // 2, 3 * depth // 4})]
    value = planes[0][0, 0]
    if not np.isfinite(value) or any((p[[0, 0, -1, -1], [0, -1, 0, -1]] != value).any() for p in planes):
        return Outside()
    data = [radii[p != value] for p in planes]
    radius = max((float(d.max()) for d in data if d.size), default=0.0)
    if not LEAST_RADIUS * 2 * half <= radius <= half + SLACK:
        return Outside()
    ring = (radii <= radius - 0.5) & (radii > radius - RING)
    # a segmented volume with empty corners has no such edge: its circle is mostly background inside, too
    if not all((p[ring] != value).mean() > 0.8 for p in planes):
        return Outside()
    return Outside(float(value), radius)
