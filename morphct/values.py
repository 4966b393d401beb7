"""Volumes of a handful of values: recognised as segmented before any grey is looked at, and taken exactly.

Two values are a mask. Three to `MOST` are a segmented volume unless neighbours differ as noise makes them differ: more
than `UNEQUAL` of all pairs of face neighbours and more than `LONE` of all voxels equal to none of their neighbours. Of
segmented volumes of structure as fine as three voxels at most .35 of the pairs and .006 of the voxels do (electrodes
.14 and .002); a noisy scan stored in 3 to 8 greys has .2 to .8 and .011 to .35, unless its noise is below a twentieth of
its contrast.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from . import components
from .errors import InputError, SegmentationError, SettingsError
from .executors import RunMap
from .kernels import values as kernel
from .slabs import Slab

if TYPE_CHECKING:
    from .threshold import ThresholdOptions

MOST = 8  # values of a segmented volume
UNEQUAL, LONE = 0.2, 0.01  # see above
LOOKS = (0.25, 0.5, 0.75)  # of the depth: planes looked at first
WINDOW = 512  # voxels, edge of their middle in which labels are told from grey
LABELLED = 0.6  # share of equal pairs among labelled neighbours in labels of four voxels across and more
GREYISH = 0.3  # the same in grey volumes stays below, but for those without any noise
COMPACT = 0.1  # of its bounding box that a label fills in a plane; a grey value is scattered over the whole of it
Tick = Callable[[int], None] | None


@dataclass(frozen=True)
class Values:
    """The values of a volume of few, ascending.

    Attributes
    ----------
    values : (K,) array
        Of the volume's type.
    counts : (K,) int64
        Voxels of each.
    outside : int
        Voxels that are not finite.
    noisy : bool
        Whether neighbours differ as in a noisy scan of few greys.
    """

    values: np.ndarray
    counts: np.ndarray
    outside: int = 0
    noisy: bool = False

    @property
    def shares(self) -> np.ndarray:
        """(K,) share of the finite voxels."""
        return self.counts / max(1, int(self.counts.sum()))

    def names(self, taken: np.ndarray) -> str:
        """The values that are `taken` (K,) bool: `1 and 2`."""
        return " and ".join(f"{v:g}" for v in self.values[taken].tolist())

    def words(self) -> str:
        """`0 (88 %), 255 (12 %)`."""
        return ", ".join(f"{v:g} ({percent(s)})" for v, s in zip(self.values.tolist(), self.shares.tolist()))


def percent(share: float) -> str:
    """A share in words that never reads as none or as all when it is not."""
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    text = f"{100 * share:.3g}" if share < 0.99 else f"{100 * min(share, 0.99999):.5g}"
    return f"{text if share >= 1e-6 else '< 0.0001'} %"


def _counted(volume: Any, z0: int, z1: int) -> tuple[np.ndarray, np.ndarray, int]:
    planes = np.ascontiguousarray(volume[z0:z1])
    planes = planes.view(np.uint8) if planes.dtype == bool else planes
    values, counts = np.zeros(MOST, planes.dtype), np.zeros(MOST, np.int64)
    n, outside = kernel.count_values(planes, values, counts, 0)
    return (values[:n], counts[:n], int(outside)) if n <= MOST else (np.zeros(MOST + 1), counts, 0)


def _slab_counts(volume: Any, slab: Slab) -> tuple[np.ndarray, np.ndarray, int]:
    return _counted(volume, slab.z0, slab.z1)


def _slab_pairs(volume: Any, slab: Slab) -> np.ndarray:
    a, b = slab.halo(1, volume.shape[0])
    planes = np.ascontiguousarray(volume[a:b])
    planes = planes.view(np.uint8) if planes.dtype == bool else planes
    return kernel.unequal_neighbours(planes, slab.z0 - a, slab.z1 - a)


def looked_at(volume: Any) -> list[np.ndarray]:
    """The planes (Y,X) that are looked at before a whole volume is."""
    return [np.asarray(volume[z : z + 1])[0] for z in sorted({int(part * volume.shape[0]) for part in LOOKS})]


def find(volume: Any, slabs: Sequence[Slab], run_map: RunMap = map, tick: Tick = None) -> Values | None:
    """The values of a volume that holds a handful of them.

    Parameters
    ----------
    volume : (Z,Y,X) array-like
        Of any real type; three planes are looked at, and all of it only when they hold few values.

    Returns
    -------
    Values or None
        None: more than `MOST` values, or none that is finite.
    """
    if few(looked_at(volume)) is None:
        return None
    total: dict[Any, int] = {}
    outside = 0
    for slab, (values, counts, beyond) in zip(slabs, run_map(partial(_slab_counts, volume), slabs)):
        if len(values) > MOST:
            return None
        for value, count in zip(values.tolist(), counts.tolist()):
            total[value] = total.get(value, 0) + count
        outside += beyond
        if len(total) > MOST:
            return None
        if tick:
            tick(slab.depth)
    if not total:
        return None
    order = sorted(total)
    noisy = False
    if len(order) > 2:
        pairs, unequal, lone = np.sum(list(run_map(partial(_slab_pairs, volume), slabs)), axis=0).tolist()
        noisy = unequal > UNEQUAL * pairs and lone > LONE * sum(total.values())
    dtype = np.uint8 if np.dtype(volume.dtype) == bool else volume.dtype
    return Values(np.array(order, dtype), np.array([total[v] for v in order], np.int64), outside, noisy)


def few(planes: Sequence[np.ndarray]) -> Values | None:
    """The values of some planes when they are few."""
    total: dict[Any, int] = {}
    outside = 0
    for plane in planes:
        values, counts, beyond = _counted(plane[None], 0, 1)
        if len(values) > MOST:
            return None
        for value, count in zip(values.tolist(), counts.tolist()):
            total[value] = total.get(value, 0) + count
        outside += beyond
    if len(total) > MOST:
        return None
    order = sorted(total)
    return Values(np.array(order), np.array([total[v] for v in order], np.int64), outside)


def labelled(planes: Sequence[np.ndarray]) -> tuple[float, float]:
    """How much planes (Y,X) of whole numbers look like labels.

    Returns
    -------
    equal : float
        Share of equal pairs among neighbours that both hold something; NaN: there are none.
    compact : float
        Share of its bounding box in the plane that the median value fills, 0 left out; by voxels.
    """
    equal = pairs = 0
    fills, weights = [], []
    for plane in (p[_middle(p.shape[0]), _middle(p.shape[1])] for p in planes):
        for a, b in ((plane[1:], plane[:-1]), (plane[:, 1:], plane[:, :-1])):
            both = (a != 0) & (b != 0)
            pairs += int(both.sum())
            equal += int((both & (a == b)).sum())
        y, x = np.nonzero(plane)
        if not len(y):
            continue
        names, at = np.unique(plane[y, x], return_inverse=True)
        low, high = np.full((2, len(names)), plane.size), np.zeros((2, len(names)), np.int64)
        for axis, where in enumerate((y, x)):
            np.minimum.at(low[axis], at, where)
            np.maximum.at(high[axis], at, where + 1)
        count = np.bincount(at)
        fills.append(count / np.prod(high - low, axis=0))
        weights.append(count)
    if not fills:
        return math.nan, math.nan
    fill, weight = np.concatenate(fills), np.concatenate(weights)
    order = np.argsort(fill, kind="stable")
    middle = np.searchsorted(np.cumsum(weight[order]), 0.5 * weight.sum())
    return (equal / pairs if pairs else math.nan), float(fill[order][middle])


def _middle(length: int) -> slice:
    start = max(0, (length - WINDOW) // 2)
    return slice(start, start + WINDOW)


def refuse_labels(volume: Any, planes: Sequence[np.ndarray]) -> None:
    """Raise InputError for a label image: many whole numbers, each in a few compact pieces."""
    if any(p.dtype.kind == "f" and not (p == np.floor(p)).all() for p in planes) or min(p.min() for p in planes) < 0:
        return
    equal, compact = labelled(planes)
    if equal >= LABELLED and compact >= COMPACT:
        number = len(np.unique(np.concatenate([p.ravel() for p in planes])))
        name = name_of(volume)
        raise InputError(
            f"{name} looks like a label image ({number} whole numbers in three planes, each in compact pieces): "
            f"measure the labels as they are with `morphct measure {name} -o OUT`, or take all of them as one mask and "
            "split it anew with --set threshold.method=fixed --set threshold.low=1"
        )


def refuse_grey_labels(image: Any) -> None:
    """Raise InputError for a grey volume of whole numbers given as a label image."""
    planes = looked_at(image)
    if few(planes) is not None:
        return
    equal, compact = labelled(planes)
    if equal < GREYISH and compact < COMPACT:
        name = name_of(image)
        raise InputError(
            f"{name} looks like a grey volume, not like labels: {equal:.0%} of neighbouring voxels are equal and every "
            f"value is scattered; find the particles in it with `morphct run {name} -o OUT`, or give the label image"
        )


def name_of(volume: Any) -> str:
    """What messages call it."""
    return str(getattr(volume, "name", "the volume"))


def choose(found: Values, volume: Any, options: "ThresholdOptions", slabs: Sequence[Slab], run_map: RunMap = map):
    """Which values are the particles.

    Returns
    -------
    (K,) bool

    Raises
    ------
    SegmentationError, SettingsError
        When that cannot be known, or nothing would be left.
    """
    if options.phase is not None:
        taken = np.isclose(found.values.astype(float), options.phase, rtol=1e-6, atol=0)
        if not taken.any():
            raise SettingsError(
                f"--phase {options.phase:g} is no value of {name_of(volume)}, which holds {found.words()}; give one of "
                "these"
            )
    elif options.method == "fixed":
        low, high = (v if v is not None else s * math.inf for v, s in ((options.low, -1), (options.high, 1)))
        taken = (found.values >= low) & (found.values <= high)
        if not taken.any():
            raise SegmentationError(
                f"no voxel of {name_of(volume)} lies from {low:g} to {high:g} as threshold.low and threshold.high ask: it "
                f"holds {found.words()}; choose one with --phase VALUE"
            )
    elif len(found.values) == 1:
        taken = np.zeros(1, bool)
    elif len(found.values) == 2:
        taken = np.array([False, True])
    else:
        raise SegmentationError(_choices(found, volume, slabs, run_map))
    if (taken.all() or not taken.any()) and not (taken.any() and found.outside):
        _refuse_one(found, volume, taken)
    return taken


def _refuse_one(found: Values, volume: Any, taken: np.ndarray) -> None:
    if len(found.values) == 1 and found.outside:
        value = found.values[0]
        raise SegmentationError(
            f"every voxel of {name_of(volume)} that counts has the one value {value:g}, the other "
            f"{found.outside:,} are not finite; if these are the background, take the value with --phase {value:g}"
        )
    if len(found.values) == 1:
        raise SegmentationError(
            f"every voxel has the one grey value {found.values[0]:g}, so there is nothing to segment; check the file, "
            "its data type and the dataset inside it"
        )
    raise SegmentationError(
        f"all {len(found.values)} values of {name_of(volume)}, {found.words()}, lie in the range given, so nothing is left "
        "around the particles; choose one with --phase VALUE"
    )


@dataclass(frozen=True)
class Equal:
    """Planes of a volume that hold some values, as 0/1."""

    volume: Any
    values: tuple[Any, ...]

    def __call__(self, z0: int, z1: int) -> np.ndarray:
        planes = np.asarray(self.volume[z0:z1])
        found = planes == self.values[0]
        for value in self.values[1:]:
            found |= planes == value
        return np.ascontiguousarray(found).view(np.uint8)


def _choices(found: Values, volume: Any, slabs: Sequence[Slab], run_map: RunMap) -> str:
    """The sentence that lists what each value would be."""
    parts, most = [], 0
    for value, share in zip(found.values.tolist(), found.shares.tolist()):
        pieces = components.label(Equal(volume, (value,)), volume.shape, 6, slabs, run_map)
        largest = pieces.sizes.max() / pieces.sizes.sum()
        what = f"{pieces.n:,} pieces, the largest {percent(largest)} of it" if pieces.n > 1 else "one piece"
        parts.append(f"{value:g} ({percent(share)} of the volume in {what}) with --set threshold.phase={value:g}")
        most = max(most, pieces.n if value else 0)
    name = name_of(volume)
    text = (
        f"{name} is segmented already and holds {len(parts)} values, so say which of them the particles are: "
        f"{'; '.join(parts)} (--phase VALUE is short for it)"
    )
    return text if most > 1 else f"{text}; if each value is a particle of its own, use `morphct measure {name} -o OUT`"


def write_mask(volume: Any, values: np.ndarray, out: Any, slabs: Sequence[Slab], run_map: RunMap, tick: Tick) -> None:
    """Write 1 where a volume holds one of `values`, else 0, into `out` (Z,Y,X) uint8."""
    for done in run_map(partial(_write, Equal(volume, tuple(values.tolist())), out), slabs):
        if tick:
            tick(done)


def _write(source: Equal, out: Any, slab: Slab) -> int:
    out[slab.z0 : slab.z1] = source(slab.z0, slab.z1)
    return slab.depth


def record(found: Values, taken: np.ndarray, specks: tuple[int, int], chosen: bool) -> dict[str, Any]:
    """The content of `threshold.json`: no noise, no fit and no level stand between these values and the mask.

    specks: pieces too small to be particles, and their voxels. chosen: whether the user said which value it is.
    """
    rows = zip(found.values.tolist(), found.counts.tolist(), found.shares.tolist(), taken.tolist(), strict=True)
    return {
        "method": "values",
        "level": None,
        "values": [{"value": v, "voxels": n, "share": s, "particle": t} for v, n, s, t in rows],
        "chosen": chosen,
        "solid_share": float(found.shares[taken].sum()),
        "specks": {"pieces": specks[0], "voxels": specks[1]},
        "snr": None,
        "cnr": None,
        "phases": [],
        "grey_range": [float(found.values[0]), float(found.values[-1])],
        "voxels_outside": found.outside,
        "denoise": {"method": "none", "sigma": [0.0, 0.0, 0.0]},
        "words": [sentence(found, taken, chosen)],
        "warnings": [],
    }


def sentence(found: Values, taken: np.ndarray, chosen: bool) -> str:
    """What was taken, and what else could have been."""
    share = percent(float(found.shares[taken].sum()))
    others = found.values[~taken].tolist()
    way = " or ".join(f"--phase {v:g}" for v in others)
    which = "the settings say so" if chosen else "the brighter of two"
    text = f"the volume is segmented: the value {found.names(taken)} was measured ({share} of it; {which})"
    return text + (f", the other{'s' * (len(others) > 1)} with {way}" if others else "")


def histogram_text(found: Values) -> str:
    """The content of `histogram.csv`: a row a value."""
    rows = "".join(f"{v:.9g},{n}\n" for v, n in zip(found.values.tolist(), found.counts.tolist()))
    return f"grey,count\n{rows}"
