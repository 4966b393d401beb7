"""Whose hole a pocket is that bounds several labels: what lies inside a hole does not open it.

A particle's holes are the pieces of all that it is not which reach no side of its box. A speck, or a whole smaller
shell, in a void is part of such a hole, and the background around it is the particle's void; background within the
smaller shell is that one's.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...ground.slabs import Slab
from ...ground.work import Work
from ...kernels.labels import morphology
from ..labels import components
from ..labels.accumulators import Shape
from ..labels.envelope import LARGEST_CROP_VOXELS, batches
from ..labels.tallies import summed


@dataclass(frozen=True)
class _Task:
    """What it takes to look for the holes of some labels; boxes (L, 6) of `chosen`, `asked` (n+1,) pockets meant."""

    ids: Any
    labels: Any
    chosen: np.ndarray
    boxes: np.ndarray
    asked: np.ndarray


def enclosing(ids: Any, labels: Any, asked: np.ndarray, work: Work) -> np.ndarray:
    """The label in whose hole each pocket lies, of several the one with the smallest hole.

    Parameters
    ----------
    ids : (Z,Y,X) int array-like
        Pockets of background, 0 = none.
    labels : (Z,Y,X) int array-like
    asked : (n+1,) bool
        The pockets meant; none reaches a face of the volume.
    work : Work

    Returns
    -------
    (n+1,) int64, 0: none. Particles whose boxes are too large to be kept in memory are not looked at.
    """
    owner = np.zeros(len(asked), np.int64)
    if not asked.any():
        return owner
    parts = [np.zeros((0, 3), np.int64), *work.quiet.each(partial(_bounding, ids, labels, asked))]
    pocket, label, _ = summed(np.concatenate(parts)).T
    held = label > 0
    pocket, label = pocket[held], label[held]
    pockets, boxes = (_boxes(volume, most, work) for volume, most in ((ids, len(asked) - 1), (labels, label.max())))
    low, high = slice(0, None, 2), slice(1, None, 2)
    around = (boxes[label - 1][:, low] < pockets[pocket - 1][:, low]).all(1)
    around &= (boxes[label - 1][:, high] > pockets[pocket - 1][:, high]).all(1)
    chosen = np.unique(label[around])
    boxes = boxes[chosen - 1]
    kept = np.prod(boxes[:, high] - boxes[:, low], axis=1) <= LARGEST_CROP_VOXELS
    task = _Task(ids, labels, chosen[kept], boxes[kept], asked)
    found = [f for part in work.quiet.over(partial(_holes_of, task), list(batches(task.boxes))) for f in part]
    smallest = np.full(len(asked), np.iinfo(np.int64).max)
    for label_, pockets_, sizes in sorted(found, key=lambda f: f[0]):
        better = sizes < smallest[pockets_]
        owner[pockets_[better]], smallest[pockets_[better]] = label_, sizes[better]
    return owner


def _bounding(ids: Any, labels: Any, asked: np.ndarray, slab: Slab) -> np.ndarray:
    """(pocket, label, faces) of the pockets asked for, in a slab."""
    a, b = slab.halo(1, labels.shape[0])
    planes = np.ascontiguousarray(ids[a:b])
    planes = np.where(asked[planes], planes, 0)
    if not planes[slab.z0 - a : slab.z1 - a].any():
        return np.zeros((0, 3), np.int64)
    return summed(morphology.touching_runs(planes, np.ascontiguousarray(labels[a:b]), slab.z0 - a, slab.z1 - a))


def _boxes(volume: Any, most: int, work: Work) -> np.ndarray:
    """Boxes (most, 6) of the labels 1 to `most` of an image."""
    total = Shape.create(1, int(most))
    for part in work.quiet.each(partial(_slab_boxes, volume, int(most))):
        total.merge(part)
    return total.boxes


def _slab_boxes(volume: Any, most: int, slab: Slab) -> Shape:
    planes = np.ascontiguousarray(volume[slab.z0 : slab.z1], np.int32)
    return Shape.of(np.where(planes <= most, planes, 0), slab.z0)


def _holes_of(task: _Task, rows: np.ndarray) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Labels with the pockets in their holes and the voxels of these holes."""
    found = []
    for row in rows:
        box = task.boxes[row]
        where = tuple(slice(int(a), int(b)) for a, b in zip(box[0::2], box[1::2]))
        solid = np.asarray(task.labels[where]) == task.chosen[row]
        whole = Work.of(len(solid), len(solid))
        pieces = components.label(components.Background(solid), solid.shape, 6, whole)
        holes = pieces.planes(whole.slabs[0], np.where(pieces.faces, 0, np.arange(pieces.n + 1)))
        pocket = np.asarray(task.ids[where])[holes > 0]
        inside = task.asked[pocket]
        pairs = np.unique(np.column_stack([pocket[inside], holes[holes > 0][inside]]), axis=0)
        if len(pairs):
            found.append((int(task.chosen[row]), pairs[:, 0], pieces.sizes[pairs[:, 1]]))
    return found
