"""Passes over labelled voxels: create, add a brick, merge, finalize. Sums of integers, so any cut gives the same bits.

A partial holds rows only for the labels of its brick (from `first` on); merging adds them into the table of all labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...kernels.crofton import DIRECTIONS, pair_areas
from ...kernels.labels import contacts as contact_kernel
from ...kernels.labels import sums as kernel

_FAR = 2**62  # begins a minimum
GREY_BITS = 62  # floats are summed in steps of their largest magnitude / 2^62


@dataclass
class Shape:
    """Voxel counts, first and second moments and bounding boxes of the labels `first` to `first + L - 1`.

    Attributes
    ----------
    moments : (L, 10) int64, columns of `kernels.labels.sums.add_moments`
    boxes : (L, 6) int64, z0 z1 y0 y1 x0 x1 half-open
    """

    first: int
    moments: np.ndarray
    boxes: np.ndarray

    @classmethod
    def create(cls, first: int, count: int) -> Shape:
        """Nothing yet, for `count` labels from `first` on."""
        return cls(first, np.zeros((count, 10), np.int64), np.tile(np.array([_FAR, 0] * 3, np.int64), (count, 1)))

    @classmethod
    def of(cls, labels: np.ndarray, z0: int = 0, y0: int = 0) -> Shape:
        """The sums of one brick: (Z,Y,X) int32 labels from plane `z0` and row `y0` of the volume on."""
        low, high = kernel.label_range(labels)
        shape = cls.create(max(low, 1), high - low + 1 if high else 0)
        if high:
            kernel.add_moments(labels, (z0, y0), low, shape.moments, shape.boxes)
        return shape

    def merge(self, other: Shape) -> None:
        """Add another partial whose labels lie within this one's."""
        rows = slice(other.first - self.first, other.first - self.first + len(other.moments))
        self.moments[rows] += other.moments
        self.boxes[rows, 0::2] = np.minimum(self.boxes[rows, 0::2], other.boxes[:, 0::2])
        self.boxes[rows, 1::2] = np.maximum(self.boxes[rows, 1::2], other.boxes[:, 1::2])

    def positions(self) -> np.ndarray:
        """Mean voxel index (L, 3) as z, y, x; NaN for labels without voxels."""
        n, base, rest = self._shifted()
        return np.where(n[:, None] > 0, base + rest[:, :3] / np.maximum(n, 1)[:, None], np.nan)

    def covariances(self) -> np.ndarray:
        """Raw covariance (L, 3, 3) of the voxel centres, in voxels squared, axes z, y, x; zeros without voxels."""
        n, _, rest = self._shifted()
        n = np.maximum(n, 1).astype(float)
        mean, square = rest[:, :3] / n[:, None], rest[:, 3:] / n[:, None]
        out = np.empty((len(n), 3, 3))
        for k, (i, j) in enumerate([(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]):
            out[:, i, j] = out[:, j, i] = square[:, k] - mean[:, i] * mean[:, j]
        return out

    def _shifted(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Counts, whole-voxel base points and the moments about them: exact, and small enough for floats.

        Intermediate products may wrap around 2^64; the results fit, and integers that wrap wrap back.
        """
        n, first, second = self.moments[:, 0], self.moments[:, 1:4], self.moments[:, 4:]
        base = first // np.maximum(n, 1)[:, None]
        about = first - base * n[:, None]
        rest = np.empty((len(n), 9), np.int64)
        rest[:, :3] = about
        for k, (i, j) in enumerate([(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]):
            rest[:, 3 + k] = (
                second[:, k] - base[:, i] * first[:, j] - base[:, j] * first[:, i] + n * base[:, i] * base[:, j]
            )
        return n, base, rest


@dataclass(frozen=True)
class GreyCodes:
    """Grey values as whole numbers, whose sums are exact: value = code / scale + offset.

    Attributes
    ----------
    scale : float
        A power of two, so that it rounds nothing by itself; 1 for integers.
    offset : int
        2^63 for unsigned integers beyond it, else 0.
    wide : bool
        Whether codes are int64 of any size; else they are the integers that came, no larger than 2^31.
    """

    scale: float = 1.0
    offset: int = 0
    wide: bool = False

    @classmethod
    def of(cls, dtype: np.dtype, peak: float = 0.0) -> GreyCodes:
        """The codes of a volume of this dtype whose largest finite magnitude is `peak` (of floats and uint64 alone)."""
        if dtype.kind in "iub":
            wide = dtype.itemsize > 4 or dtype == np.uint32
            return cls(1.0, 2**63 if dtype.kind == "u" and peak >= 2**63 else 0, wide)
        exponent = int(np.floor(np.log2(2.0**GREY_BITS / peak))) if peak > 0 else 0
        return cls(float(2.0 ** min(exponent, 1023)), 0, True)

    @staticmethod
    def needs_peak(dtype: np.dtype) -> bool:
        """Whether the codes of a dtype hang on the values of the whole volume."""
        return dtype.kind == "f" or dtype == np.uint64

    @property
    def outside(self) -> int:
        """The code of the value 0."""
        return -self.offset

    def codes(self, planes: Any) -> np.ndarray:
        """(Z,Y,X) real values of any type as codes: contiguous, native integers; what is not finite is MISSING."""
        planes = np.ascontiguousarray(planes)
        if planes.dtype == bool:
            return planes.view(np.uint8)
        planes = planes.astype(planes.dtype.newbyteorder("="), copy=False)
        if planes.dtype.kind == "f":
            out = np.empty(planes.shape, np.int64)
            for plane, codes in zip(planes, out, strict=True):  # by planes: what is between takes 17 bytes a voxel
                known = np.isfinite(plane)
                scaled = np.rint(np.where(known, plane, 0).astype(np.float64) * self.scale).astype(np.int64)
                codes[:] = np.where(known, scaled, np.int64(kernel.MISSING))
            return out
        if self.offset:
            return (planes ^ np.uint64(2**63)).view(np.int64)
        return planes.astype(np.int64) if self.wide else planes

    def means(self, sums: np.ndarray) -> np.ndarray:
        """Means (K,) of (K, 3) numbers of codes and sums of their high and low words; NaN of nothing."""
        total = sums[:, 1] * 2.0**32 + sums[:, 2]
        return np.where(sums[:, 0] > 0, total / np.maximum(sums[:, 0], 1) / self.scale + self.offset, np.nan)


@dataclass
class Grey:
    """Grey sums of the solid of the labels `first` to `first + L - 1`, and of the background.

    Attributes
    ----------
    sums : (L, 9) int64, columns `kernels.sums.GREY_SUMS`
    background : (3,) int64, as `kernels.sums.background_grey` tells
    how : GreyCodes
    """

    first: int
    sums: np.ndarray
    background: np.ndarray
    how: GreyCodes

    @classmethod
    def create(cls, first: int, count: int, how: GreyCodes) -> Grey:
        """Nothing yet, for `count` labels from `first` on."""
        return cls(first, np.zeros((count, len(kernel.GREY_SUMS)), np.int64), np.zeros(3, np.int64), how)

    @classmethod
    def of(cls, labels: np.ndarray, voids: np.ndarray, codes: np.ndarray, how: GreyCodes) -> Grey:
        """The sums of one brick; labels and voids (Z,Y,X) int32, voids may be (0,0,0), codes (Z,Y,X) (`how.codes`)."""
        low, high = kernel.label_range(labels)
        part = cls.create(max(low, 1), high - low + 1 if high else 0, how)
        if high:
            add = kernel.add_wide_grey if how.wide else kernel.add_grey
            add(labels, voids, codes, low, part.sums)
        part.background[:] = kernel.background_grey(labels, codes, how.outside)
        return part

    def merge(self, other: Grey) -> None:
        """Add another partial whose labels lie within this one's."""
        self.sums[other.first - self.first :][: len(other.sums)] += other.sums
        self.background += other.background

    def finalize(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation (of the voxels, not of the mean), both (L,); NaN without a known voxel.

        In whole numbers without limit until the last step: no offset of the greys takes digits away.
        """
        mean, spread = np.full(len(self.sums), np.nan), np.full(len(self.sums), np.nan)
        for i, (count, high, low, *words) in enumerate(self.sums.tolist()):
            if count:
                total = (high << 32) + low
                hh, hl, ll = (b + (a << 32) for b, a in zip(words[::2], words[1::2]))
                mean[i] = (total + count * self.how.offset) / count / self.how.scale
                rest = count * ((hh << 64) + (hl << 33) + ll) - total * total
                spread[i] = np.sqrt(rest / count**2) / self.how.scale
        return mean, spread

    def background_mean(self) -> float:
        """Mean grey of the background; NaN without any."""
        return float(self.how.means(self.background[None])[0])


@dataclass
class Contacts:
    """Voxel pairs across the interfaces of touching labels.

    Attributes
    ----------
    keys : (K,) int64, ascending, smaller label * 2^32 + larger label
    counts : (K, 16) int64
        Voxel pairs by direction (`crofton.DIRECTIONS`), and faces across z, y, x counted with their sign.
    grey : (K, 6) int64
        Number of the known grey codes on both sides of the faces and the sums of their high and low words; the same of
        the next voxels on either side.
    boxes : (K, 6) int64, z0 z1 y0 y1 x0 x1 of the voxels at the faces, half-open
    """

    keys: np.ndarray
    counts: np.ndarray
    grey: np.ndarray
    boxes: np.ndarray

    @classmethod
    def create(cls) -> Contacts:
        """Nothing yet."""
        return cls(np.empty(0, np.int64), *cls._nothing(0))

    @staticmethod
    def _nothing(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        boxes = np.tile(np.array([_FAR, 0] * 3, np.int64), (count, 1))
        return np.zeros((count, 16), np.int64), np.zeros((count, 6), np.int64), boxes

    @classmethod
    def of(
        cls,
        labels: np.ndarray,
        core: tuple[int, int, int, int] | None = None,
        codes: np.ndarray | None = None,
        corner: tuple[int, int] = (0, 0),
    ) -> Contacts:
        """The pairs of a brick.

        Parameters
        ----------
        labels : (Z,Y,X) int32
            The brick with a plane and a row before it and two behind it, or more, where the volume goes on.
        core : (4,) int, optional
            z0, z1, y0, y1 of the brick in the array; None: all of it.
        codes : (Z,Y,X), optional
            `GreyCodes.codes` of the same voxels.
        corner : (2,) int
            Plane and row of the volume at which the array begins.
        """
        core = (0, labels.shape[0], 0, labels.shape[1]) if core is None else core
        keys, counts = contact_kernel.count_contacts(labels, core)
        order = np.argsort(keys)
        _, sums, boxes = cls._nothing(len(keys))
        part = cls(keys[order], counts[order], sums, boxes)
        if len(keys):
            values = np.empty((0, 0, 0), np.uint8) if codes is None else codes
            contact_kernel.add_interfaces(labels, core, corner, values, part.keys, part.grey, part.boxes)
        return part

    def merge(self, *others: Contacts) -> None:
        """Add other partials."""
        if not others:
            return
        parts = [self, *others]
        keys, place = np.unique(np.concatenate([p.keys for p in parts]), return_inverse=True)
        counts, grey, boxes = self._nothing(len(keys))
        np.add.at(counts, place, np.concatenate([p.counts for p in parts]))
        np.add.at(grey, place, np.concatenate([p.grey for p in parts]))
        both = np.concatenate([p.boxes for p in parts])
        np.minimum.at(boxes[:, 0::2], place, both[:, 0::2])
        np.maximum.at(boxes[:, 1::2], place, both[:, 1::2])
        self.keys, self.counts, self.grey, self.boxes = keys, counts, grey, boxes

    def finalize(self, spacing: tuple[float, float, float], how: GreyCodes = GreyCodes()) -> Pairs:
        """The pairs that share at least one voxel face; those that meet at edges or corners alone do not touch.

        The area of an interface is the larger of two estimates that both err to the low side: the length of its vector
        area, right for flat interfaces, and the Cauchy-Crofton sum over 13 directions, right for curved and closed ones
        but low by its rim and by up to 7 % for faces normal to a voxel axis.
        """
        faces = self.counts[:, [_column(0, 0, 1), _column(0, 1, 0), _column(1, 0, 0)]].sum(1)
        touching = faces > 0
        curved = self.counts[touching, :13] @ pair_areas(spacing)
        flat = np.linalg.norm(self.counts[touching, 13:] * (np.prod(spacing) / np.asarray(spacing)), axis=1)
        keys, grey = self.keys[touching], self.grey[touching]
        area, boxes = np.maximum(curved, flat), self.boxes[touching]
        at, near = how.means(grey[:, :3]), how.means(grey[:, :3] + grey[:, 3:])
        return Pairs((keys >> 32) - 1, (keys & 0xFFFFFFFF) - 1, faces[touching], area, at, near, boxes)


def _column(*direction: int) -> int:
    return int(np.flatnonzero((np.array(direction) == DIRECTIONS).all(1))[0])


@dataclass(frozen=True)
class Pairs:
    """Touching particles, one row a pair, in ascending order of (first, second).

    Attributes
    ----------
    first, second : (K,) int64
        Rows of the two particles (label - 1), first < second.
    faces : (K,) int64
        Voxel faces they share.
    area : (K,) float64
        Area of their interface, in spacing squared.
    grey : (K,) float64
        Mean grey of the voxels on both sides of it; NaN without grey.
    grey_near : (K,) float64
        The same of two voxels on either side, as far as they belong to the two.
    boxes : (K, 6) int64
        z0 z1 y0 y1 x0 x1 of the voxels at the shared faces, half-open.
    """

    first: np.ndarray
    second: np.ndarray
    faces: np.ndarray
    area: np.ndarray
    grey: np.ndarray
    grey_near: np.ndarray
    boxes: np.ndarray
