"""Whose hole a pocket is that bounds several labels: what lies inside a hole does not open it.

A particle's holes are the pieces of all that it is not which reach no side of its box. A speck, or a whole smaller
shell, in a void is part of such a hole, and the background around it is the particle's void; background within the
smaller shell is that one's. A hole that a face of the volume cuts is judged whole, with all that lies in it.
"""

from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.work import Work
from ...kernels.labels import morphology
from ..labels import components
from ..labels.accumulators import Shape
from ..labels.envelope import LARGEST_CROP_VOXELS, batches
from ..labels.tallies import summed
from .ownership import Candidates

CUT_WALL_RATIO = (
    1.2  # walls over area at the faces of the volume, from which a cut pocket is a void and not the outside
)


@dataclass(frozen=True)
class _Task:
    """What it takes to look for the holes of some labels; boxes (L, 6) of `chosen`, `asked` (n+1,) pockets meant."""

    ids: Any
    labels: Any
    chosen: np.ndarray
    boxes: np.ndarray
    asked: np.ndarray


def enclosing(pockets: Candidates, labels: Any, asked: np.ndarray, work: Work) -> np.ndarray:
    """The label in whose hole each pocket lies, of several the one with the smallest hole.

    Parameters
    ----------
    pockets : Candidates
        Pieces of background.
    labels : (Z,Y,X) int array-like
    asked : (n+1,) bool
        The pockets meant; no corner of the volume lies in any.
    work : Work

    Returns
    -------
    (n+1,) int64, 0: none. Particles whose boxes are too large to be kept in memory are not looked at.
    """
    owner = np.zeros(len(asked), np.int64)
    if not asked.any():
        return owner
    parts = list(work.quiet.each(partial(_bounding, pockets, labels, asked)))
    pocket, label, _ = summed(np.concatenate([runs for runs, _, _ in parts])).T
    held = label > 0
    pocket, label = pocket[held], label[held]
    around, boxes = _boxes([own for _, own, _ in parts]), _boxes([of_labels for _, _, of_labels in parts])
    chosen = np.unique(label[_around(boxes[label - 1], around[pocket - 1], labels.shape)])
    boxes = boxes[chosen - 1]
    kept = np.prod(boxes[:, 1::2] - boxes[:, 0::2], axis=1) <= LARGEST_CROP_VOXELS
    task = _Task(pockets.ids, labels, chosen[kept], boxes[kept], asked)
    found = [f for part in work.quiet.over(partial(_holes_of, task), list(batches(task.boxes))) for f in part]
    smallest = np.full(len(asked), np.iinfo(np.int64).max)
    for label_, pockets_, sizes in sorted(found, key=lambda f: f[0]):
        better = sizes < smallest[pockets_]
        owner[pockets_[better]], smallest[pockets_[better]] = label_, sizes[better]
    return owner


def _around(outer: np.ndarray, inner: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Which boxes (K,6) go beyond others (K,6) on every side, but for those that lie at a face of the volume."""
    low, high, ends = slice(0, None, 2), slice(1, None, 2), np.asarray(shape)
    before = (outer[:, low] < inner[:, low]) | (outer[:, low] == 0)
    behind = (outer[:, high] > inner[:, high]) | (outer[:, high] == ends)
    return (before & behind).all(1)


_Bounds = tuple[int, np.ndarray]  # boxes (K,6) of the labels from a first one on


def _bounding(pockets: Candidates, labels: Any, asked: np.ndarray, brick: Brick) -> tuple[np.ndarray, _Bounds, _Bounds]:
    """(pocket, label, faces) of the pockets asked for in a brick, the boxes of these and of the labels there."""
    brick = brick.widened((0, 0), labels.shape)
    runs, some = np.zeros((0, 3), np.int64), Shape.create(1, 0)
    if pockets.empty(brick):
        return runs, _bounds(some), _bounds(_shape(labels[brick.here], brick))
    outer = brick.widened((1, 1), labels.shape)
    ids, held = np.ascontiguousarray(pockets.ids[outer.here]), np.ascontiguousarray(labels[outer.here])
    ids = np.where(asked[ids], ids, 0)
    own = ids[brick.within(outer)]
    if own.any():
        runs = summed(morphology.touching_runs(ids, held, brick.core(outer)))
        some = _shape(own, brick)
    return runs, _bounds(some), _bounds(_shape(held[brick.within(outer)], brick))


def _shape(block: Any, brick: Brick) -> Shape:
    return Shape.of(np.ascontiguousarray(block, np.int32), brick.z0, brick.y0)


def _bounds(shape: Shape) -> _Bounds:
    return shape.first, shape.boxes


def _boxes(parts: list[_Bounds]) -> np.ndarray:
    """Boxes (K,6) of the labels from 1 on, from those of bricks."""
    total = Shape.create(1, max((first + len(boxes) - 1 for first, boxes in parts), default=0)).boxes
    for first, boxes in parts:
        rows = slice(first - 1, first - 1 + len(boxes))
        total[rows, 0::2] = np.minimum(total[rows, 0::2], boxes[:, 0::2])
        total[rows, 1::2] = np.maximum(total[rows, 1::2], boxes[:, 1::2])
    return total


def _holes_of(task: _Task, rows: np.ndarray) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Labels with the pockets in their holes and the voxels of these holes."""
    found = []
    for row in rows:
        box = task.boxes[row]
        where = tuple(slice(int(a), int(b)) for a, b in zip(box[0::2], box[1::2]))
        solid = np.asarray(task.labels[where]) == task.chosen[row]
        whole = Work.whole(solid.shape)
        pieces = components.label(components.Background(solid), solid.shape, 6, whole)
        holes = _holes(pieces, solid, box, task.labels.shape)
        pocket = np.asarray(task.ids[where])[holes > 0]
        inside = task.asked[pocket]
        pairs = np.unique(np.column_stack([pocket[inside], holes[holes > 0][inside]]), axis=0)
        if len(pairs):
            found.append((int(task.chosen[row]), pairs[:, 0], pieces.sizes[pairs[:, 1]]))
    return found


def _holes(pieces: components.Components, solid: np.ndarray, box: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The holes of a label in its box, (Z,Y,X): ids of the pieces of all else, 0 for what is none.

    Those at a face of the volume are holes where they have enough walls for their area there, and hold no corner of it.
    """
    ends = np.column_stack([np.zeros(3, np.int64), shape]).reshape(-1)
    at_face = int((np.where(box == ends, 1, 0) << np.arange(6)).sum())
    outside = (pieces.sides & np.uint8(~at_face & 63)) > 0
    ids = pieces.planes(Work.whole(solid.shape).bricks[0], np.where(outside, 0, np.arange(pieces.n + 1)))
    cut = pieces.faces & ~outside
    if not cut.any():
        return ids
    low, high = np.full(pieces.n + 1, np.iinfo(np.int64).max), np.zeros(pieces.n + 1, np.int64)
    faces = np.zeros((pieces.n + 1, 2), np.int64)
    morphology.pocket_walls(ids, solid.astype(np.int32), (0, 0), (True,) * 4, low, high, faces)
    kept = ~outside & (faces[:, 0] > CUT_WALL_RATIO * faces[:, 1])
    corners = [tuple(-1 if at_end else 0 for at_end in ends) for ends in product((False, True), repeat=3)]
    for corner in corners:
        if all(at_face >> (2 * axis + int(end != 0)) & 1 for axis, end in enumerate(corner)):
            kept[ids[corner]] = False
    return np.where(kept, np.arange(pieces.n + 1), 0)[ids]
