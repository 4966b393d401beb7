"""The pass over bricks: what adds up voxel by voxel, of particles, voids, grey and contacts at once."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ..ground.bricks import Brick
from ..ground.work import Work
from ..kernels.labels import sums as kernel
from ..segment.labels.accumulators import Contacts, Grey, GreyCodes, Shape
from ..segment.labels.envelope import Envelope
from ..segment.labels.nesting import Nesting
from .labelled import Labelled

UNKNOWN_DETECTION_VOXELS = (
    3.0  # voxels: a smaller void is not called resolved when no grey tells what this scan can see
)


@dataclass
class Sums:
    """All that one brick, or all bricks together, adds up."""

    shape: Shape
    voids: Shape
    inside: np.ndarray
    grey: Grey | None
    contacts: Contacts

    def merge(self, other: "Sums") -> None:
        """Add another partial, but for its contacts."""
        self.shape.merge(other.shape)
        self.voids.merge(other.voids)
        if len(other.inside):
            self.inside += other.inside
        if self.grey is not None and other.grey is not None:
            self.grey.merge(other.grey)


def add_up(labelled: Labelled, grey: Any, contacts: bool, work: Work) -> Sums:
    """Go over the volume once (twice when the type of `grey` does not tell how large its values are).

    Parameters
    ----------
    labelled : Labelled
    grey : (Z,Y,X) array-like or None
        Values that are not finite are left out.
    contacts : bool
        Whether contacts of particles are wanted.
    work : Work
        Tells of planes done; no sum depends on its bricks.
    """
    envelope = labelled.envelope
    n, voids = envelope.n, 0 if envelope.owner is None else len(envelope.owner) - 1
    how = GreyCodes() if grey is None else _codes_of(grey, work)
    total = Sums(
        Shape.create(1, n),
        Shape.create(1, voids),
        np.zeros((n + 1, 2), np.int64),
        Grey.create(1, n, how) if grey is not None else None,
        Contacts.create(),
    )
    met: list[Contacts] = []
    for part in work.each(partial(_brick_sums, envelope, grey, how, contacts)):
        total.merge(part)
        met.append(part.contacts)
        if sum(len(m.keys) for m in met) > len(total.contacts.keys):  # few merges, each of much
            total.contacts.merge(*met)
            met = []
    total.contacts.merge(*met)
    return total


def _codes_of(grey: Any, work: Work) -> GreyCodes:
    """How grey values become whole numbers; a pass over the volume unless its type alone decides."""
    dtype = np.dtype(grey.dtype)
    if not GreyCodes.needs_peak(dtype):
        return GreyCodes.of(dtype)
    return GreyCodes.of(dtype, max(work.telling(None).each(partial(_brick_peak, grey)), default=0.0))


def _brick_peak(grey: Any, brick: Brick) -> float:
    return float(kernel.grey_limits(_numbers(grey[brick.here])))


def _numbers(block: Any) -> np.ndarray:
    """A block of grey as the kernels take it: contiguous, native, no half floats and no bits."""
    block = np.ascontiguousarray(block)
    if block.dtype == bool:
        return block.view(np.uint8)
    dtype = np.dtype(np.float32) if block.dtype == np.float16 else block.dtype.newbyteorder("=")
    return block.astype(dtype, copy=False)


def _brick_sums(envelope: Envelope, grey: Any, how: GreyCodes, contacts: bool, brick: Brick) -> Sums:
    """The sums of one brick; contacts need a plane and a row before it and two behind it."""
    shape = envelope.labels.shape
    brick = brick.widened((0, 0), shape)
    outer = brick.widened((2, 2) if contacts else (0, 0), shape)
    bare = envelope.bare(outer)
    own = np.ascontiguousarray(bare[brick.within(outer)])
    labels, voids, inside = envelope.counted(brick, own)
    codes = None if grey is None else how.codes(grey[outer.here])
    met = Contacts.create()
    if contacts:  # a void that carries no label touches nothing: what floats in it is no neighbour
        met = Contacts.of(bare, brick.core(outer), codes, (outer.z0, outer.y0))
    sums = None
    if codes is not None:
        sums = Grey.of(labels, voids, np.ascontiguousarray(codes[brick.within(outer)]), how)
    corner = brick.z0, brick.y0
    return Sums(Shape.of(labels, *corner), Shape.of(voids, *corner), inside, sums, met)


def principal(covariances: np.ndarray, spacing: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Principal variances and axes of covariances given in voxels.

    A variance below that of a single voxel along its axis is held there: a body one voxel thick is not of no thickness.

    Parameters
    ----------
    covariances : (N, 3, 3), axes z, y, x
    spacing : z, y, x voxel edges

    Returns
    -------
    variances : (N, 3), descending, in spacing squared
    axes : (N, 3, 3), unit vectors as rows (z, y, x), the largest component of each positive
    """
    edges = np.asarray(spacing, float)
    variances, vectors = np.linalg.eigh(covariances * edges[:, None] * edges)
    axes = vectors.transpose(0, 2, 1)
    variances = np.maximum(variances, (axes**2 @ edges**2) / 12)
    order = np.argsort(-variances, axis=1, kind="stable")
    variances = np.take_along_axis(variances, order, 1)
    axes = np.take_along_axis(axes, order[:, :, None], 1)
    # components that agree to nine digits count as equal, so that the sign does not hang on rounding; z, then y, then x
    leading = np.argmax(np.round(np.abs(axes), 9), axis=2)
    signs = np.sign(np.take_along_axis(axes, leading[:, :, None], 2))
    return variances, axes * np.where(signs == 0, 1, signs) + 0.0  # a minus zero would show in the tables


def _with_enclosed(shape: Shape, nesting: Nesting | None) -> Shape:
    """The sums of all particles, each with those of other particles in its holes added to its own."""
    if nesting is None:
        return shape
    moments, boxes = shape.moments.copy(), shape.boxes.copy()
    for inner, outer in nesting.outward():
        np.add.at(moments, outer - 1, shape.moments[inner - 1])
        np.minimum.at(boxes[:, 0::2], outer - 1, shape.boxes[inner - 1, 0::2])
        np.maximum.at(boxes[:, 1::2], outer - 1, shape.boxes[inner - 1, 1::2])
    return replace(shape, moments=moments, boxes=boxes)


def particle_results(sums: Sums, labelled: Labelled, nesting: Nesting | None = None) -> dict[str, Any]:
    """What descriptors of particles have from this pass: (N, ...) arrays, and scalars of the volume."""
    size, shape = labelled.voxel_size, _with_enclosed(sums.shape, nesting)
    own, voxels = sums.shape.moments[:, 0], shape.moments[:, 0]
    variances, axes = principal(shape.covariances(), size.spacing)
    return {
        "voxels": voxels,
        "enclosed_voxels": voxels - own,
        "label_voxels": own - sums.inside[1:, 1],
        "position": shape.positions(),
        "variances": variances,
        "axes": axes,
        "box": shape.boxes,
        "dimension": _dimension(shape),
        **_volume_results(labelled),
    }


def holder_results(sums: Sums, labelled: Labelled) -> dict[str, Any]:
    """What particles know of their voids from this pass: (N,) arrays."""
    voxels, owner, opened = sums.voids.moments[:, 0], labelled.owner[1:], labelled.opened[1:]
    largest, total = np.zeros((2, labelled.n + 1), np.int64)
    np.maximum.at(largest, owner[~opened], voxels[~opened])
    # whole voids, also what of one lies in the neighbour of its particle: void_count and void_fraction agree
    np.add.at(total, owner[~opened], voxels[~opened])
    more = {"void_voxels": total[1:], "void_largest_voxels": largest[1:]}
    return labelled.facts.sums(owner, opened, voxels, labelled.n) | more


def void_results(sums: Sums, labelled: Labelled) -> dict[str, Any]:
    """What descriptors of voids have from this pass: (V, ...) arrays, and scalars."""
    size, shape = labelled.voxel_size, sums.voids
    voxels = shape.moments[:, 0]
    return {
        "voxels": voxels,
        "label_voxels": voxels,
        "position": shape.positions(),
        "variances": principal(shape.covariances(), size.spacing)[0],
        "box": shape.boxes,
        "dimension": _dimension(shape),
        "owner_label": labelled.owner[1:],
        "void_open": labelled.opened[1:],
        "detection_diameter": labelled.detection_diameter or UNKNOWN_DETECTION_VOXELS * np.cbrt(size.volume),
        **_volume_results(labelled),
    }


def grey_results(sums: Sums) -> dict[str, Any]:
    """Grey of the particles' solid, (N,), and of the background; nothing without grey."""
    if sums.grey is None:
        return {}
    average, deviation = sums.grey.finalize()
    return {
        "grey_average": average,
        "grey_deviation": deviation,
        "grey_background": sums.grey.background_mean(),
    }


def _dimension(shape: Shape) -> np.ndarray:
    """Axes along which each label is longer than a voxel."""
    return ((shape.boxes[:, 1::2] - shape.boxes[:, 0::2]) > 1).sum(1)


def _volume_results(labelled: Labelled) -> dict[str, Any]:
    size = labelled.voxel_size
    return {"shape": tuple(labelled.labels.shape), "spacing": size.spacing, "voxel_volume": size.volume}
