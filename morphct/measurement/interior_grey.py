"""What lies inside: grey values and channels by depth, on each particle's crop, and the grey of the background near it.

Depth is the distance to the outside of the envelope. Voxels next to a surface (of the particle or of its voids) are a
blend of what lies on both sides of it, so they are left out wherever inner grey is judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ground.units import VoxelSize
from ..ground.work import Work
from ..kernels.measurement import background as kernel
from ..segment.labels.envelope import Envelope
from .crops.box import MARGIN_VOXELS, squared_distances
from .particle_pass import Cut, particle_pass

GREY_RESULTS = ("grey_inside", "grey_inside_spread", "grey_inner", "grey_outer", "grey_nearby", "grey_nearby_spread")
CHANNEL_RESULTS = ("average", "deviation", "inner", "outer")
SHELLS = 10
BORDER_VOXELS = 3.0  # from a surface: a blur of one voxel leaves Phi(-3) = .001 of the contrast there
NEARBY_VOXELS = 16  # around the bounding box, in which background counts as near; a choice
FEWEST_GREY_VOXELS = 32  # that a statement on inner grey, or on the noise, is based on: sds good to 1 / 8
LARGEST_FLOAT_WHOLE = 2**53  # larger whole numbers are no floats
_BLOCK = 2**22  # voxels read at a time


@dataclass(frozen=True)
class Inside:
    """What was found inside particles.

    Attributes
    ----------
    results : dict of (N,) float
        GREY_RESULTS, and CHANNEL_RESULTS of each channel under `channel_result(channel, name)`.
    profiles : dict of (N, SHELLS, 3) float
        By channel: voxels measured, their mean and their standard deviation, in shells of equal normalised depth from
        the surface inwards; NaN where a shell holds none.
    """

    results: dict[str, np.ndarray]
    profiles: dict[str, np.ndarray]


@dataclass(frozen=True)
class _Layers:
    """Where a crop is solid (Z,Y,X); of these voxels the squared depth, whether away from surfaces, the shell."""

    solid: np.ndarray
    depth: np.ndarray
    away: np.ndarray
    shells: np.ndarray


def channel_result(channel: str, name: str) -> str:
    """Under what a result of a channel is known to descriptors."""
    return f"channel {channel} {name}"


def look_inside(
    envelope: Envelope,
    boxes: np.ndarray,
    voxel_size: VoxelSize,
    work: Work,
    grey: Any = None,
    channels: Mapping[str, Any] | None = None,
) -> Inside:
    """Grey and channels inside every particle.

    Parameters
    ----------
    envelope : Envelope
    boxes : (N, 6) int64
        z0 z1 y0 y1 x0 x1 of each label's envelope.
    voxel_size : VoxelSize
    work : Work
        Tells of particles done.
    grey : (Z,Y,X) array-like, optional
        Raw grey, any real type.
    channels : mapping of str to (Z,Y,X) array-likes, optional
        Co-registered maps; what is not finite was not measured.
    """
    look = InsideLook(grey, dict(channels or {}))
    return look.inside(*particle_pass(envelope, boxes, voxel_size.spacing, [look], work))


@dataclass(frozen=True)
class InsideLook:
    """Grey and channels inside every particle.

    Attributes
    ----------
    grey : (Z,Y,X) array-like or None
    channels : dict of (Z,Y,X) array-likes
    """

    grey: Any
    channels: dict[str, Any]

    @property
    def width(self) -> int:
        """Numbers of a particle."""
        return len(GREY_RESULTS) * (self.grey is not None) + (len(CHANNEL_RESULTS) + 3 * SHELLS) * len(self.channels)

    def inside(self, table: np.ndarray) -> Inside:
        """What was found, from the table (N, width) of all particles."""
        names = [*(GREY_RESULTS if self.grey is not None else ())]
        names += [channel_result(channel, name) for channel in self.channels for name in CHANNEL_RESULTS]
        shells = table[:, len(names) :].reshape(len(table), len(self.channels), SHELLS, 3)
        results = dict(zip(names, table[:, : len(names)].T.copy()))
        return Inside(results, {name: shells[:, i].copy() for i, name in enumerate(self.channels)})

    def of(self, cut: Cut) -> np.ndarray:
        """The numbers of one particle: results, then profiles."""
        row: list[float] = [] if self.grey is None else _grey(cut, self.grey)
        profiles = []
        layers = _layers(cut) if self.channels else None
        for channel in self.channels.values():
            assert layers is not None
            whole, base = near_zero(_read(channel, cut.box, cut.crop.step)[layers.solid])
            values = whole.astype(np.float64)
            mean, spread, inner, outer = _channel(values, layers)
            row += [mean + base, spread, inner + base, outer + base]
            profile = _profile(values, layers.shells)
            profile[:, 1] += base
            profiles.append(profile.reshape(-1))
        return np.concatenate([np.array(row), *profiles])


def _to_surface(cut: Cut) -> np.ndarray:
    """Squared distance of the voxels of the solid to the nearest surface, in voxels: up to BORDER_VOXELS if shorter."""
    body = cut.body
    if len(set(body.spacing)) == 1:
        return body.solid_squared
    # blur counts in voxels, also along a coarse axis
    return squared_distances(body.solid_box, (1.0, 1.0, 1.0), BORDER_VOXELS)


def _least_away(step: int) -> np.float32:
    """What `_to_surface` is at least, away from surfaces."""
    return np.float32((BORDER_VOXELS / step) ** 2)


def _layers(cut: Cut) -> _Layers:
    body = cut.body
    solid = (body.envelope if body.solid is None else body.solid) != 0
    places = np.flatnonzero(body.solid_box)  # in the order of solid's own voxels
    depth = body.squared.reshape(-1)[places]
    away = _to_surface(cut).reshape(-1)[places] >= _least_away(cut.crop.step)
    # the surface passes half a voxel before the outermost voxel centres
    deepest = np.sqrt(body.squared.max()) - np.float32(0.5)
    shells = ((np.sqrt(depth) - np.float32(0.5)) * (SHELLS / deepest)).astype(np.uint8)
    return _Layers(solid, depth, away, np.minimum(shells, SHELLS - 1))


def _grey(cut: Cut, grey: Any) -> list[float]:
    """GREY_RESULTS of a particle."""
    step, body = cut.crop.step, cut.body
    wide = _grown(cut.box, NEARBY_VOXELS, step, cut.envelope.labels.shape)
    values, base = near_zero(_read(grey, wide, step))
    first = tuple(int(s.start) for s in _part(cut.box, wide, step))
    places, depth = kernel.deep_places(
        _to_surface(cut), body.squared, _least_away(step), MARGIN_VOXELS, first, values.shape
    )
    own = values.reshape(-1)[places]
    if own.dtype.kind == "f":
        known = np.isfinite(own)
        own, depth = own[known], depth[known]
    own = own.astype(np.float64)
    if len(own) < FEWEST_GREY_VOXELS:
        return [np.nan] * len(GREY_RESULTS)
    mean, spread = moments(own)
    inner, outer = halves(own, depth)
    middle, beyond = quiet_side(*_around(cut.envelope, values, wide, step), mean)
    return [mean + base, spread, inner + base, outer + base, middle + base, beyond]


def _channel(values: np.ndarray, layers: _Layers) -> list[float]:
    """CHANNEL_RESULTS of a particle."""
    known = np.isfinite(values)
    away = known & layers.away
    inner, outer = (np.nan, np.nan) if away.sum() < FEWEST_GREY_VOXELS else halves(values[away], layers.depth[away])
    return [*moments(values[known]), inner, outer]


def near_zero(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Integers of 64 bits less the least of them where floats could not tell them apart, and that one; else as is."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8 or not values.size:
        return values, 0.0
    least, most = int(values.min()), int(values.max())
    if least < 0 < most or min(abs(least), abs(most)) <= LARGEST_FLOAT_WHOLE:
        return values, 0.0
    base = max(least - 1, int(np.iinfo(values.dtype).min))  # not to zero, which is outside
    return values - values.dtype.type(base), float(base)


def moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of (N,) float values; NaN without any."""
    if not len(values):
        return float("nan"), float("nan")
    mean = values.sum() / len(values)
    return float(mean), float(np.sqrt(np.square(values - mean).sum() / len(values)))


def halves(values: np.ndarray, depth: np.ndarray) -> tuple[float, float]:
    """Mean of the deeper and of the shallower half of (N,) values; those at the median depth count to both in part."""
    half = len(values) / 2
    level = np.partition(depth, len(depth) // 2)[len(depth) // 2]
    deep, shallow, between = depth > level, depth < level, depth == level
    share = (half - deep.sum()) / between.sum()
    inner = values[deep].sum() + share * values[between].sum()
    outer = values[shallow].sum() + (1 - share) * values[between].sum()
    return float(inner / half), float(outer / half)


def quiet_side(around: np.ndarray, counts: np.ndarray, inside: float) -> tuple[float, float]:
    """Median of background greys and their spread on the side of it that looks away from the particle's grey.

    On the other side lie what blur adds and, in an electrode, further phases; a noise that is even about its middle
    has the same spread on both.

    Parameters
    ----------
    around : (B,) grey values, ascending.
    counts : (B,) how often each is there.
    inside : mean grey of the particle.
    """
    total = int(counts.sum())
    if total < FEWEST_GREY_VOXELS:
        return float("nan"), float("nan")
    places = np.searchsorted(np.cumsum(counts), [(total - 1) // 2, total // 2], side="right")
    middle = 0.5 * (float(around[places[0]]) + float(around[places[1]]))
    beyond = around < middle if inside >= middle else around > middle
    count = counts[beyond].sum() + 0.5 * counts[around == middle].sum()
    square = (counts[beyond] * np.square(around[beyond].astype(np.float64) - middle)).sum()
    return middle, float(np.sqrt(square / count)) if count else 0.0


def _around(envelope: Envelope, values: np.ndarray, box: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Grey values, ascending, of the background in a box that lies away from labels, and how often each is there.

    Zeros are left out: reconstructions put them outside their field of view.
    """
    marked = _near_labels(envelope, box, step)
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
        limits = np.iinfo(values.dtype)
        counts = np.zeros(int(limits.max) - int(limits.min) + 1, np.int64)
        kernel.count_greys(values, marked, int(limits.min), counts)
        seen = np.flatnonzero(counts)
        return seen + int(limits.min), counts[seen]
    around = values[marked == 0]
    around = np.sort(around[np.isfinite(around) & (around != 0)])
    return around, np.ones(len(around), np.int64)


def _profile(values: np.ndarray, shells: np.ndarray) -> np.ndarray:
    """(SHELLS, 3): voxels measured, mean and standard deviation by shell."""
    known = np.isfinite(values)
    values, shells = values[known], shells[known]
    count = np.bincount(shells, minlength=SHELLS).astype(float)
    least = np.where(count > 0, count, np.nan)
    mean = np.bincount(shells, values, SHELLS) / least
    square = np.bincount(shells, np.square(values - mean[shells]), SHELLS) / least
    return np.column_stack([count, mean, np.sqrt(square)])


def _grown(box: np.ndarray, margin: int, step: int, shape: tuple[int, ...]) -> np.ndarray:
    """The box (6,) with a margin where the volume goes on; its first voxel stays on the grid of every `step`th."""
    low = box[0::2] - np.minimum(margin // step, box[0::2] // step) * step
    return np.column_stack([low, np.minimum(box[1::2] + margin, shape)]).reshape(-1)


def _read(volume: Any, box: np.ndarray, step: int) -> np.ndarray:
    """Every `step`th voxel of a box, in a type that can be compared and summed."""
    z0, z1, y0, y1, x0, x1 = (int(b) for b in box)
    if step == 1:
        block = np.ascontiguousarray(volume[z0:z1, y0:y1, x0:x1])
    else:
        planes = [volume[z : z + 1, y0:y1, x0:x1][:, ::step, ::step] for z in range(z0, z1, step)]
        block = np.concatenate(planes)
    if block.dtype in (np.float16, np.bool_):
        return block.astype(np.float32)
    return block.astype(block.dtype.newbyteorder("="), copy=False)


def _near_labels(envelope: Envelope, box: np.ndarray, step: int) -> np.ndarray:
    """Where in a box there is a label or a void within BORDER_VOXELS voxels, also one beyond the box; (Z,Y,X) uint8."""
    reach = max(1, int(np.ceil(BORDER_VOXELS / step)) - 1)
    wide = _grown(box, reach * step, step, envelope.labels.shape)
    z0, z1, y0, y1, x0, x1 = (int(b) for b in wide)
    marked = np.empty([-(-(b - a) // step) for a, b in ((z0, z1), (y0, y1), (x0, x1))], np.uint8)
    planes = max(1, _BLOCK // ((y1 - y0) * (x1 - x0))) if step == 1 else 1
    for i in range(0, len(marked), planes):
        z = z0 + i * step
        where = slice(z, min(z + planes, z1)), slice(y0, y1), slice(x0, x1)
        marked[i : i + planes] = envelope.labels[where][:, ::step, ::step] != 0
        if envelope.voids is not None:
            marked[i : i + planes] |= envelope.voids[where][:, ::step, ::step] != 0
    kernel.widen(marked, reach)
    return np.ascontiguousarray(marked[_part(box, wide, step)])


def _part(box: np.ndarray, wide: np.ndarray, step: int) -> tuple[slice, ...]:
    """Where a box lies in a wider one, both read at every `step`th voxel."""
    starts, sizes = (box[0::2] - wide[0::2]) // step, -(-(box[1::2] - box[0::2]) // step)
    return tuple(slice(int(a), int(a + n)) for a, n in zip(starts, sizes))
