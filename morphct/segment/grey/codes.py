"""Grey values as uint16 codes: grey = offset + scale * code, code 0 = outside the scanned body."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ground.bricks import Brick, spans

LAST_CODE = 65535
# an inscribed reconstruction circle: the radius may fall short of or exceed half the plane by so much
LEAST_RADIUS, SLACK = 0.4, 2.0
RING_VOXELS = 3.0  # voxels just inside the circle that must look like data
RING_DATA_SHARE = 0.8  # of that ring that differs from the value outside; a choice
LEAST_HALF_VOXELS = 16  # voxels, half the width of data that a circle or frame is looked for in
LOOKED_AT_ROWS = 64  # rows of a plane read at one time to see whether it is empty
ALL = slice(None)
HELD_SHARE = 0.01  # of the data inside a frame may hold its value by chance


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
        return np.clip(np.nan_to_num(code, nan=1), 1, LAST_CODE).astype(np.uint16)


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
        return Coding(low - 1 - (LAST_CODE - 1 - width) // 2, 1.0)
    if not width:
        return Coding(low - 32768.0 / 64, 1.0 / 64)
    low, width = low - 0.5 * width, 2 * width
    if dtype.kind in "ui" and dtype.itemsize == 2:
        info = np.iinfo(dtype)
        top = min(low + width, float(info.max))
        low = max(math.floor(low), float(info.min))
        width = top - low
        scale = 2.0 ** min(0, math.ceil(math.log2(max(width, 1) / (LAST_CODE - 1))))
    else:
        scale = width / (LAST_CODE - 1)
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


Span = tuple[int, int]


@dataclass(frozen=True)
class Outside:
    """How voxels outside the scanned body are told: not finite, or one value beyond a reconstruction circle or a frame.

    Parameters
    ----------
    value : float or None
        The one grey value beyond the circle or frame; None: there is neither.
    radius : float
        Voxels from the middle of the data of a plane; beyond it `value` does not count.
    box : ((y0, y1), (x0, x1)) or None
        Where planes hold data; beyond it, and in planes of nothing else, `value` does not count. None: everywhere.
    """

    value: float | None = None
    radius: float = math.inf
    box: tuple[Span, Span] | None = None

    def valid(self, grey: np.ndarray) -> np.ndarray | None:
        """(Z, Y, X) uint8, 1 = counts, of whole planes or None when every voxel does."""
        return self.valid_part(grey, (0, 0, 0), grey.shape)

    def valid_brick(self, grey: np.ndarray, volume: Any, brick: Brick) -> np.ndarray | None:
        """The same for a brick `grey` of a `volume`, of which a few rows more are read where there is a frame."""
        if self.box is None or grey.shape[1] == volume.shape[1]:
            return self.valid_part(grey, (brick.z0, brick.y0, 0), volume.shape)
        empty = np.array([self._is_empty(volume, z) for z in range(brick.z0, brick.z1)])
        return self.valid_part(grey, (brick.z0, brick.y0, 0), volume.shape, empty)

    def _is_empty(self, volume: Any, z: int) -> bool:
        """Whether a plane holds nothing but the value; most are known by the row in the middle of the data."""
        assert self.box is not None
        (y0, y1), _ = self.box
        middle, rows = (y0 + y1) // 2, volume.shape[1]
        blocks = [(middle, middle + 1), *spans(rows, LOOKED_AT_ROWS)]
        return all((np.asarray(volume[z : z + 1, a:b]) == self.value).all() for a, b in blocks)

    def valid_part(
        self, grey: np.ndarray, start: Sequence[int], shape: Sequence[int], empty: np.ndarray | None = None
    ) -> np.ndarray | None:
        """The same for a piece that starts at (z, y, x) `start` of a volume of `shape`.

        empty: (Z,) bool, planes of nothing but the value; None: as far as the piece tells.
        """
        good = None
        if grey.dtype.kind == "f":
            finite = np.isfinite(grey)
            good = None if finite.all() else finite
        if self.value is not None:
            (_, y, x), (_, ny, nx) = start, grey.shape
            beyond = _beyond(shape[1:], self.radius, self.box, slice(y, y + ny))[:, x : x + nx]
            held = grey == self.value
            inside = ~(held & beyond)
            if self.box is not None:
                inside[held.all(axis=(1, 2)) if empty is None else empty] = False
            good = inside if good is None else good & inside
        return None if good is None else good.view(np.uint8)

    def words(self) -> str:
        """A sentence on the circle or frame."""
        around = [] if math.isinf(self.radius) else [f"a circle of {self.radius:.0f} voxels"]
        if self.box is not None:
            (y0, y1), (x0, x1) = self.box
            around.append(f"y from {y0} to {y1} and x from {x0} to {x1}")
        return (
            f"beyond {' in '.join(around)} the volume holds the one value {self.value:g}: taken for outside the "
            "reconstruction"
        )


def _radii(shape: Sequence[int], box: tuple[Span, Span] | None = None, rows: slice = ALL) -> np.ndarray:
    (y0, y1), (x0, x1) = box or ((0, shape[0]), (0, shape[1]))
    y, x = np.arange(shape[0])[rows] - 0.5 * (y0 + y1 - 1), np.arange(shape[1]) - 0.5 * (x0 + x1 - 1)
    return np.hypot(y[:, None], x[None, :])


def _beyond(shape: Sequence[int], radius: float, box: tuple[Span, Span] | None, rows: slice) -> np.ndarray:
    """Whether the voxels of some rows of a plane lie beyond the circle or frame, (Y,X) bool."""
    beyond = _radii(shape, box, rows) > radius
    if box is not None:
        (y0, y1), (x0, x1) = box
        y, x = np.arange(shape[0])[rows, None], np.arange(shape[1])
        beyond |= (y < y0) | (y >= y1) | (x < x0) | (x >= x1)
    return beyond


def find_outside(volume: Any) -> Outside:
    """Look at a few planes for what lies outside the data: one exact value round a box or an inscribed circle of it.

    A value is taken for outside only where the data hardly hold it: a background of exactly one value lies between the
    particles as well, and is a phase.
    """
    depth = volume.shape[0]
    ends, places = sorted({0, depth - 1}), sorted({depth // 4, depth // 2, 3 * depth // 4})
    planes = [np.asarray(volume[z : z + 1])[0] for z in places]
    closed = [np.asarray(volume[z : z + 1])[0] for z in ends]
    constant = {float(p.flat[0]) for p in closed if (p == p.flat[0]).all()}
    corners = [float(v) for p in planes for v in p[[0, 0, -1, -1], [0, -1, 0, -1]]]
    often = [v for v in dict.fromkeys(corners) if np.isfinite(v) and corners.count(v) >= 2 * len(planes)]
    for value in dict.fromkeys([*often, *sorted(v for v in constant if np.isfinite(v))]):
        data = [p for p in planes if (p != value).any()]
        if data:
            found = _circle(data, value) or _frame(data, value, len(data) < len(planes) or value in constant)
            if found is not None:
                return found
    return Outside()


def _box(planes: Sequence[np.ndarray], value: float) -> tuple[Span, Span]:
    """Where the planes hold anything else than a value: (y0, y1), (x0, x1)."""
    other = np.any([p != value for p in planes], axis=0)
    rows, columns = np.flatnonzero(other.any(axis=1)), np.flatnonzero(other.any(axis=0))
    return (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1)


def _circle(planes: Sequence[np.ndarray], value: float) -> Outside | None:
    """A round mask that fills the box of the data."""
    box = _box(planes, value)
    (y0, y1), (x0, x1) = box
    whole = (y1 - y0, x1 - x0) == planes[0].shape
    half = 0.5 * min(y1 - y0, x1 - x0)
    if half < LEAST_HALF_VOXELS:
        return None
    # corners of the data's box hold nothing else
    if any((p[[y0, y0, y1 - 1, y1 - 1], [x0, x1 - 1, x0, x1 - 1]] != value).any() for p in planes):
        return None
    radii = _radii(planes[0].shape, box)
    radius = max(float(radii[p != value].max()) for p in planes)
    if not LEAST_RADIUS * 2 * half <= radius <= half + SLACK:
        return None
    ring = (radii <= radius - 0.5) & (radii > radius - RING_VOXELS)
    # a segmented volume with empty corners has no such edge: its circle is mostly background inside, too
    if not all((p[ring] != value).mean() > RING_DATA_SHARE for p in planes):
        return None
    return Outside(value, radius, None if whole else box)


def _frame(planes: Sequence[np.ndarray], value: float, ends: bool) -> Outside | None:
    """A frame of one value round a box of data; ends: whole planes of it were seen as well."""
    box = _box(planes, value)
    (y0, y1), (x0, x1) = box
    if ((y1 - y0, x1 - x0) == planes[0].shape and not ends) or min(y1 - y0, x1 - x0) < 2 * LEAST_HALF_VOXELS:
        return None
    held = sum(int(np.count_nonzero(p[y0:y1, x0:x1] == value)) for p in planes)
    return Outside(value, math.inf, box) if held < HELD_SHARE * len(planes) * (y1 - y0) * (x1 - x0) else None
