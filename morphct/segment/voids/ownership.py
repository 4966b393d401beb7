"""Each void given to the particle that holds most of it; what lies between particles is none."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.scratch import changed
from ...ground.work import Work
from ...kernels.labels import morphology
from ...kernels.voids import dip_runs as by_runs
from ..labels.tallies import held_faces, summed
from .facts import VoidFacts
from .options import VoidOptions

DIP_WALL_SHARE = 0.9  # of the walls a dip shares with particles: from here on it lies inside the one; a choice


@dataclass(frozen=True)
class Voids:
    """Voids of a volume.

    Attributes
    ----------
    labels : (Z,Y,X) int32 array-like
        Void ids 1..n, 0 = none, in raster order of their first voxel.
    owner : (n+1,) int64
        Label of the particle that holds most of the void.
    n : int
    facts : VoidFacts
        What else is known of them.
    """

    labels: Any
    owner: np.ndarray
    n: int
    facts: VoidFacts = field(default_factory=VoidFacts)


@dataclass(frozen=True)
class Candidates:
    """Pieces that may be voids, before their particles are known.

    Attributes
    ----------
    ids : (Z,Y,X) int array-like
        1 to n, 0 = none; in scratch.
    n : int
    filled : (B,) bool, optional
        Which bricks of the work hold any; None: any may.
    """

    ids: Any
    n: int
    filled: np.ndarray | None = None

    def empty(self, brick: Brick) -> bool:
        """Whether a brick is known to hold none."""
        return self.filled is not None and not self.filled[brick.index]


@dataclass(frozen=True)
class _Laid:
    """Pieces with those cut by a face laid over them, which have the numbers after theirs."""

    found: Candidates
    cut: Candidates | None

    @property
    def n(self) -> int:
        return self.found.n + (0 if self.cut is None else self.cut.n)

    def empty(self, brick: Brick) -> bool:
        return self.found.empty(brick) and (self.cut is None or self.cut.empty(brick))

    def lay(self, ids: np.ndarray, brick: Brick) -> None:
        """Lay the cut ones over the ids of a brick, in place."""
        if self.cut is not None and not self.cut.empty(brick):
            numbers = np.arange(self.found.n, self.n + 1, dtype=np.int32)
            morphology.lay_over(np.ascontiguousarray(self.cut.ids[brick.here]), numbers, ids)


_NONE = np.zeros((0, 3), np.int64)


def _shares(laid: _Laid, labels: Any, walls: bool, brick: Brick) -> tuple[np.ndarray, np.ndarray]:
    """Of a brick: (void, label, voxels) of all pieces, and (void, label, faces) of those that no face cuts."""
    if laid.empty(brick):
        return _NONE, _NONE
    brick = brick.widened((0, 0), labels.shape)
    outer = brick.widened((1, 1), labels.shape) if walls else brick
    ids, held = np.ascontiguousarray(laid.found.ids[outer.here]), np.ascontiguousarray(labels[outer.here])
    faces = summed(morphology.touching_runs(ids, held, brick.core(outer))) if walls else _NONE
    own = np.array(ids[brick.within(outer)])
    laid.lay(own, brick)
    return summed(by_runs.owner_pairs(own, np.ascontiguousarray(held[brick.within(outer)]))), faces


def _number(laid: _Laid, table: np.ndarray, brick: Brick) -> None:
    if not laid.empty(brick):
        with changed(laid.found.ids, brick) as ids:
            laid.lay(ids, brick)
            morphology.renumber(ids, table)


def assign_to_particles(
    found: Candidates,
    labels: Any,
    options: VoidOptions,
    work: Work,
    deep: np.ndarray | None = None,
    cut: Candidates | None = None,
    walls: bool = False,
) -> Voids:
    """Give each void to the particle that holds most of it; drop voids outside particles and below `min_voxels`.

    With `walls`, dips that lie between particles are dropped too: those of whose walls with particles none holds
    `DIP_WALL_SHARE`. Glue in the wedge of a contact is thinner than the blur, so the mask holds it, and it is a dip of
    both particles.

    Parameters
    ----------
    found : Candidates
        Their ids become those of the voids, in place.
    labels : (Z,Y,X) int array-like
        Envelope of the particles: enclosed voids carry their particle's label.
    deep : (n+1,) int64, optional
        Voxels of these that are surely void (`VoidFacts.low`).
    cut : Candidates, optional
        Voids cut by a face (`holes.claim_cut`): they are numbered after the others and laid over them.
    walls : bool
        Whether the others are dips, which may lie between particles.
    """
    laid = _Laid(found, cut)
    parts = list(work.quiet.each(partial(_shares, laid, labels, walls)))
    void, label, count = summed(np.concatenate([_NONE, *(pairs for pairs, _ in parts)])).T
    owner, sizes = np.zeros(laid.n + 1, np.int64), np.zeros(laid.n + 1, np.int64)
    np.add.at(sizes, void, count)
    # the largest share last; of equal shares the lower label
    order = np.lexsort((-label, count))
    order = order[label[order] > 0]
    owner[void[order]] = label[order]
    if walls:
        total, largest, _ = held_faces([faces for _, faces in parts], found.n)
        owner[: found.n + 1][largest < DIP_WALL_SHARE * total] = 0
    kept, table = _kept(owner, sizes, options)
    if cut is not None or not kept[1:].all():
        work.quiet.do(partial(_number, laid, table))
    return _voids(found.ids, kept, owner, sizes, deep)


def keep_owned(found: Candidates, owner: np.ndarray, sizes: np.ndarray, options: VoidOptions, work: Work) -> Voids:
    """Renumber the voids that have an owner and the size, in place; owner and sizes (n+1,) int64."""
    kept, table = _kept(owner, sizes, options)
    if not kept[1:].all():
        work.quiet.do(partial(_number, _Laid(found, None), table))
    return _voids(found.ids, kept, owner, sizes, None)


def _kept(owner: np.ndarray, sizes: np.ndarray, options: VoidOptions) -> tuple[np.ndarray, np.ndarray]:
    kept = (owner > 0) & (sizes >= options.min_voxels)
    kept[0] = False
    return kept, np.where(kept, np.cumsum(kept), 0).astype(np.int32)


def _voids(ids: Any, kept: np.ndarray, owner: np.ndarray, sizes: np.ndarray, deep: np.ndarray | None) -> Voids:
    low = np.full(len(kept), np.nan)
    if deep is not None:
        low[: len(deep)] = deep
    kept = kept.copy()
    kept[0] = True
    return Voids(ids, owner[kept], int(kept.sum()) - 1, VoidFacts(voxels=sizes[kept], low=low[kept]))
