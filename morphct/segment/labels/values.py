"""Volumes of a handful of values: recognised as segmented before any grey is looked at.

Two values are a mask. Three to `MOST` are a segmented volume unless neighbours differ as noise makes them differ: more
than `UNEQUAL` of all pairs of face neighbours and more than `LONE` of all voxels equal to none of their neighbours. Of
segmented volumes of structure as fine as three voxels at most .35 of the pairs and .006 of the voxels do (electrodes
.14 and .002); a noisy scan stored in 3 to 8 greys has .2 to .8 and .011 to .35, unless its noise is below a twentieth
of its contrast.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.work import Work
from ...kernels.labels import values as kernel

MOST_VALUES = 8  # values of a segmented volume
UNEQUAL_SHARE, LONE_SHARE = 0.2, 0.01  # see above
LOOKS_AT_DEPTH = (0.25, 0.5, 0.75)  # of the depth: planes looked at first
PEAK_VOXEL_BYTES = 1.1  # besides the greys themselves, of a brick and a halo of one voxel
_Counts = tuple[np.ndarray, np.ndarray, int] | None


@dataclass(frozen=True)
class Values:
    """The values of a volume of few, ascending.

    Attributes
    ----------
    values : (K,) array
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

    def is_noisy(self, parts: Iterable[np.ndarray]) -> bool:
        """Whether neighbours differ as in a noisy scan; parts: what `kernels.values.unequal_neighbours` gives."""
        pairs, unequal, lone = np.sum(list(parts), axis=0).tolist()
        return bool(unequal > UNEQUAL_SHARE * pairs and lone > LONE_SHARE * int(self.counts.sum()))

    def words(self) -> str:
        """`0 (88 %), 255 (12 %)`."""
        return ", ".join(f"{v:g} ({percent(s)})" for v, s in zip(self.values.tolist(), self.shares.tolist()))


def percent(share: float) -> str:
    """A share in words that never reads as none or as all when it is not."""
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    text = f"{100 * share:.3g}" if share < 0.99 else f"{100 * min(share, 0.99999):.5g}"
    return f"{text if share >= 1e-6 else '< 0.0001'} %"


def _plain(planes: Any) -> np.ndarray:
    """Planes as kernels take them."""
    planes = np.ascontiguousarray(planes)
    return planes.view(np.uint8) if planes.dtype == bool else planes


def _counted(planes: Any) -> _Counts:
    """Values, their voxels, and voxels that are not finite; None where there are more than `MOST` values."""
    planes = _plain(planes)
    values, counts = np.zeros(MOST_VALUES, planes.dtype), np.zeros(MOST_VALUES, np.int64)
    n, outside = kernel.count_values(planes, values, counts, 0)
    return (values[:n], counts[:n], int(outside)) if n <= MOST_VALUES else None


def _brick_counts(volume: Any, brick: Brick) -> _Counts:
    return _counted(volume[brick.here])


def _brick_pairs(volume: Any, brick: Brick) -> np.ndarray:
    outer = brick.widened((1, 1), volume.shape)
    core = brick.widened((0, 0), volume.shape).core(outer)
    return kernel.unequal_neighbours(_plain(volume[outer.here]), core)


def looked_at(volume: Any) -> list[np.ndarray]:
    """The planes (Y,X) that are looked at before a whole volume is."""
    return [np.asarray(volume[z : z + 1])[0] for z in sorted({int(part * volume.shape[0]) for part in LOOKS_AT_DEPTH})]


def find_values(volume: Any, work: Work) -> Values | None:
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
    if few([plane[None] for plane in looked_at(volume)]) is None:
        return None
    count = partial(_brick_counts, volume)
    found = _added(work.each(count))
    if found is None or len(found.values) < 3:
        return found
    return replace(found, noisy=found.is_noisy(work.quiet.each(partial(_brick_pairs, volume))))


def few(blocks: Sequence[np.ndarray]) -> Values | None:
    """The values of some blocks (Z,Y,X) when they are few; whether they are noisy is judged by these blocks alone."""
    found = _added(_counted(block) for block in blocks)
    if found is None or len(found.values) < 3:
        return found
    parts = (kernel.unequal_neighbours(_plain(block), (0, len(block), 0, block.shape[1])) for block in blocks)
    return replace(found, noisy=found.is_noisy(parts))


def _added(parts: Iterable[_Counts]) -> Values | None:
    """The values of all parts; None as soon as there are more than `MOST`, or when there are none."""
    total: dict[Any, int] = {}
    outside = 0
    for part in parts:
        if part is None:
            return None
        for value, count in zip(part[0].tolist(), part[1].tolist(), strict=True):
            total[value] = total.get(value, 0) + count
        outside += part[2]
        if len(total) > MOST_VALUES:
            return None
    order = sorted(total)
    return Values(np.array(order), np.array([total[v] for v in order], np.int64), outside) if order else None


def name_of(volume: Any) -> str:
    """What messages call it."""
    return str(getattr(volume, "name", "the volume"))


@dataclass(frozen=True)
class Equal:
    """Bricks of a volume that hold some values, as 0/1."""

    volume: Any
    values: tuple[Any, ...]

    def __call__(self, brick: Brick) -> np.ndarray:
        block = np.asarray(self.volume[brick.here])
        found = block == self.values[0]
        for value in self.values[1:]:
            found |= block == value
        return np.ascontiguousarray(found).view(np.uint8)


def write_mask(volume: Any, values: np.ndarray, out: Any, work: Work) -> None:
    """Write 1 where a volume holds one of `values`, else 0, into `out` (Z,Y,X) uint8."""
    work.do(partial(_write, Equal(volume, tuple(values.tolist())), out))


def _write(source: Equal, out: Any, brick: Brick) -> None:
    out[brick.here] = source(brick)


def fill_in(mask: Any, ids: Any, work: Work) -> None:
    """Set a mask (Z,Y,X) uint8 0/1 to 1 where `ids` (Z,Y,X) are not 0, in place."""
    work.quiet.do(partial(_fill_in, mask, ids))


def _fill_in(mask: Any, ids: Any, brick: Brick) -> None:
    mask[brick.here] = np.asarray(mask[brick.here]) | (np.asarray(ids[brick.here]) > 0)
