"""Which particles lie in the hole of another one: every way out of them leads through it.

Seen from outside such a particle is not there: it belongs to the place that the outer one fills.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...ground.bricks import Brick
from ...ground.work import Work
from ...kernels.labels import burial as kernel

Read = Callable[[Brick], np.ndarray]  # a brick of the image, (Z,Y,X) int32


@dataclass(frozen=True)
class Nesting:
    """Who lies in whose hole.

    Attributes
    ----------
    around : (n+1,) int64
        The label that encloses each one, of several the innermost; 0: none.
    order, starts : (n+1,) int64, (n+2,) int64
        `order[starts[i] : starts[i + 1]]` lie directly within label i.
    """

    around: np.ndarray
    order: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, around: np.ndarray) -> Nesting:
        """From the label around each one, (n+1,)."""
        order = np.argsort(around, kind="stable")
        return cls(around, order, np.searchsorted(around[order], np.arange(len(around) + 1)))

    def within(self, members: np.ndarray) -> np.ndarray:
        """All labels that lie within some, however deep; without these, ascending."""
        found, ahead = set[int](), [int(m) for m in members]
        while ahead:
            label = ahead.pop()
            inner = self.order[self.starts[label] : self.starts[label + 1]].tolist()
            new = [i for i in inner if i not in found]
            found.update(new)
            ahead += new
        return np.array(sorted(found.difference(int(m) for m in members)), np.int64)

    def outward(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Pairs of labels and one that encloses them: directly first, then a shell farther out each."""
        steps, up = [], self.around
        while up.any():
            inner = np.flatnonzero(up)
            steps.append((inner, up[inner]))
            up = self.around[up]
        return steps


def find_nesting(read: Read, shape: tuple[int, ...], n: int, cut_ratio: float, work: Work) -> Nesting | None:
    """Who lies in whose hole among the labels of an image whose voids are filled; None where nobody does.

    Parameters
    ----------
    read : callable
        Gives bricks of the image with n labels.
    shape : tuple of int
        (Z,Y,X) of it.
    cut_ratio : float
        Faces with other labels over faces at the volume's from which what a face of the volume cuts lies in a hole
        that this face cuts; what holds a corner of the volume never does.
    work : Work
    """
    free, faces = np.zeros(n + 1, np.uint8), np.zeros((n + 1, 2), np.int64)
    for ids, seen, counted in work.quiet.each(partial(_outer_faces, read, shape)):
        free[ids] |= seen
        faces[ids] += counted
    buried = (free == 0) & (faces[:, 0] > cut_ratio * faces[:, 1])
    if not buried.any():
        return None
    near = work.quiet.each(partial(_neighbours, read, shape, buried))
    around = _innermost(buried, np.unique(np.concatenate([np.zeros((0, 2), np.int64), *near]), axis=0))
    return Nesting.of(around) if around.any() else None


def _outer_faces(read: Read, shape: tuple[int, ...], brick: Brick) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels of a brick, whether the background reaches them there, and their faces with others."""
    brick = brick.widened((0, 0), shape)
    outer = brick.widened((1, 1), shape)
    image = read(outer)
    most = int(image.max(initial=0))
    free, faces = np.zeros(most + 1, np.uint8), np.zeros((most + 1, 2), np.int64)
    kernel.outer_faces(image, brick.core(outer), outer.ends(shape), free, faces)
    ids = np.flatnonzero(free | faces.any(1))
    return ids, free[ids], faces[ids]


def _neighbours(read: Read, shape: tuple[int, ...], buried: np.ndarray, brick: Brick) -> np.ndarray:
    """Pairs (K,2) of labels that share a face, at least one of them buried."""
    image = read(brick.widened((1, 1), shape))
    hidden = buried[image]
    found = [np.zeros((0, 2), np.int64)]
    if hidden.any():
        for axis in range(3):
            a, b, c, d = (np.moveaxis(v, axis, 0)[s] for v in (image, hidden) for s in (slice(-1), slice(1, None)))
            meet = (a != b) & (c | d)
            found.append(np.unique(np.column_stack([a[meet], b[meet]]).astype(np.int64), axis=0))
    return np.concatenate(found)


def _innermost(buried: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The innermost label that every way from outside to a buried one leads through, (n+1,); 0: none.

    Parameters
    ----------
    buried : (n+1,) bool
    pairs : (K,2) int64, labels that meet; all that are not buried are reached from outside at once

    Source
    ------
    Immediate dominators: Cooper, Harvey and Kennedy 2001, A simple, fast dominance algorithm, Rice TR-06-33870.
    """
    meets = defaultdict(list)
    for a, b in pairs.tolist():
        meets[a].append(b)
        meets[b].append(a)
    ahead = deque(label for label in meets if not buried[label])
    rank = {0: 0} | {label: i for i, label in enumerate(ahead, 1)}
    gate = dict.fromkeys(rank, 0)  # by label: the one all ways lead through
    order = []
    while ahead:
        for other in meets[ahead.popleft()]:
            if other not in rank:
                rank[other] = len(rank)
                order.append(other)
                ahead.append(other)
    changed = True
    while changed:
        changed = False
        for label in order:
            new = -1
            for other in meets[label]:
                if other in gate:
                    new = other if new < 0 else _shared(other, new, gate, rank)
            if gate.get(label) != new:
                gate[label], changed = new, True
    around = np.zeros(len(buried), np.int64)
    around[order] = [gate[label] for label in order]
    return around


def _shared(a: int, b: int, gate: dict[int, int], rank: dict[int, int]) -> int:
    """The last label that the ways to both lead through, themselves included."""
    while a != b:
        if rank[a] > rank[b]:
            a = gate[a]
        else:
            b = gate[b]
    return a
