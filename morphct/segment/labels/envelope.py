"""The envelopes of particles: a label image with every particle's voids filled, read by bricks and by crops."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...kernels.labels import sums as kernel
from .nesting import Nesting

# Crops are read at every second (fourth, ...) voxel from this many voxels on: the work on a crop takes some 30 bytes a
# voxel, and a body of 400 voxels across is still measured well at half its resolution.
LARGEST_CROP_VOXELS = 2**26
_BLOCK = 2**22  # voxels read at a time


BATCH_VOXELS = 2**21  # voxels of crops in a task


def crop_step(box: np.ndarray) -> int:
    """Every how many voxels the crop of a box (6,) is read; a power of two that depends on the box alone."""
    size, step = np.maximum(box[1::2] - box[0::2], 1), 1
    while np.prod(-(-size // step)) > LARGEST_CROP_VOXELS:
        step *= 2
    return step


@dataclass(frozen=True)
class Crop:
    """A particle cut out.

    Attributes
    ----------
    mask : (Z,Y,X) uint8, 1 = its envelope
    solid : (Z,Y,X) uint8 or None
        The envelope without void voxels and without other particles in its holes; None when it holds none of these.
    step : int
        Voxels of the volume per voxel of the crop, along each axis.
    """

    mask: np.ndarray
    solid: np.ndarray | None
    step: int


@dataclass(frozen=True)
class Envelope:
    """Labels 1 to n with voids.

    Parameters
    ----------
    labels : (Z,Y,X) int32 array-like
        A void voxel carries its particle's label or 0.
    n : int
        Largest label.
    voids : (Z,Y,X) int32 array-like, optional
        Void ids, 0 = none.
    owner : (V+1,) int64, optional
        Label of each void's particle.
    nesting : Nesting, optional
        Who lies in whose hole: crops are filled there too. None: nobody.
    """

    labels: Any
    n: int
    voids: Any = None
    owner: np.ndarray | None = None
    nesting: Nesting | None = None

    def read(self, brick: Brick) -> np.ndarray:
        """A brick of the envelope: labels, and in voids that carry none their owner's, (Z,Y,X) int32; may be a view."""
        labels = _whole(self.labels[brick.here])
        if self.voids is None:
            return labels
        voids = _whole(self.voids[brick.here])
        bare = (voids > 0) & (labels == 0)
        if bare.any():
            labels = labels.copy()
            labels[bare] = np.asarray(self.owner, np.int32)[voids[bare]]
        return labels

    def counted(self, brick: Brick, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A brick of the envelope, and what of it are voids.

        labels : (Z,Y,X) int32, those of the brick as they came; they stay as they are.

        Returns
        -------
        filled : (Z,Y,X) int32
        voids : (Z,Y,X) int32
            Or (0,0,0) when there are none.
        counts : (n+1, 2) int64
            By label: void voxels in the envelope, and those of them without a label of their own; (0, 2) when there
            are no voids.
        """
        nothing = np.empty((0, 0, 0), np.int32), np.empty((0, 2), np.int64)
        if self.voids is None:
            return labels, *nothing
        voids = _whole(self.voids[brick.here])
        if not voids.any():
            return labels, *nothing
        filled, counts = np.empty_like(labels), np.zeros((self.n + 1, 2), np.int64)
        kernel.fill_voids(labels, voids, self.owner, filled, counts)
        return filled, voids, counts

    def bare(self, brick: Brick) -> np.ndarray:
        """A brick of the labels as they came, (Z,Y,X) int32: voids that carry no label are 0; may be a view."""
        return _whole(self.labels[brick.here])

    def filled(self, box: np.ndarray) -> np.ndarray:
        """The labels within a box (6,) z0 z1 y0 y1 x0 x1, (Z,Y,X) int32, voids filled; may be a view."""
        where = tuple(slice(int(a), int(b)) for a, b in zip(box[0::2], box[1::2]))
        labels = _whole(self.labels[where])
        if self.voids is None:
            return labels
        voids = _whole(self.voids[where])
        return np.where(voids > 0, np.asarray(self.owner, np.int32)[voids], labels) if voids.any() else labels

    def crop(self, box: np.ndarray, members: np.ndarray) -> Crop:
        """Cut out the particles `members` (labels) together, within a box (6,) z0 z1 y0 y1 x0 x1.

        What lies in their holes, other particles too, belongs to the mask.
        """
        z0, z1, y0, y1, x0, x1 = (int(b) for b in box)
        step = crop_step(box)
        shape = [-(-size // step) for size in (z1 - z0, y1 - y0, x1 - x0)]
        inner = np.zeros(0, np.int64) if self.nesting is None else self.nesting.within(members)
        both = self.voids is not None or len(inner) > 0
        mask, hollow = np.empty(shape, np.uint8), np.empty(shape if both else (0, 0, 0), np.uint8)
        chosen = np.asarray(members, np.int64)
        if len(members) + len(inner) > 1:
            chosen = np.zeros(self.n + 1, np.int64)
            chosen[members], chosen[inner] = 1, 2
        owner = np.zeros(1, np.int64) if self.owner is None else self.owner
        empty = 0
        planes = max(1, _BLOCK // ((y1 - y0) * (x1 - x0))) if step == 1 else 1
        for i in range(0, shape[0], planes):
            z = z0 + i * step
            where = slice(z, min(z + planes, z1)), slice(y0, y1), slice(x0, x1)
            labels = np.asarray(self.labels[where][:, ::step, ::step], np.int32)
            if not both:
                mask[i : i + planes] = chosen[labels] if len(members) > 1 else labels == members[0]
                continue
            voids = np.zeros_like(labels)
            if self.voids is not None:
                voids = np.asarray(self.voids[where][:, ::step, ::step], np.int32)
            empty += kernel.cut_out(labels, voids, owner, chosen, mask[i : i + planes], hollow[i : i + planes])
        return Crop(mask, mask & ~hollow if empty else None, step)


def _whole(block: Any) -> np.ndarray:
    return np.ascontiguousarray(block, np.int32)


def batches(boxes: np.ndarray) -> Iterator[np.ndarray]:
    """Rows of particles for a task each, large ones first so that tasks running side by side take about as long."""
    sizes = np.prod(boxes[:, 1::2] - boxes[:, 0::2], axis=1)
    order = np.argsort(-sizes, kind="stable")
    start, held = 0, 0
    for i, size in enumerate(sizes[order]):
        if i > start and held + size > BATCH_VOXELS:
            yield order[start:i]
            start, held = i, 0
        held += int(size)
    if start < len(order):
        yield order[start:]
