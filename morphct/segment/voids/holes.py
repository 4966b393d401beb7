"""Voids as enclosed background: holes of a mask or of labels, and pockets that a face of the volume cuts."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.scratch import changed
from ...ground.work import Work
from ...kernels.labels import morphology
from ..labels import components
from .containment import CUT_WALL_RATIO, enclosing
from .options import VoidOptions
from .ownership import Candidates, Voids, keep_owned

FAR = np.iinfo(np.int64).max  # begins a minimum


def _filled(found: components.Components, table: np.ndarray) -> np.ndarray:
    """Which bricks hold any piece that `table` gives a number, (B,) bool."""
    return np.array([bool(table[own].any()) for own in found.tables], bool)


def _write_ids(found: components.Components, table: np.ndarray, out: Any, brick: Brick) -> None:
    found.write(brick, out, table)


def holes(mask: Any, work: Work) -> Candidates:
    """Background pieces (6-connected) of a 0/1 volume that reach no face of it, in scratch.

    Parameters
    ----------
    mask : (Z,Y,X) uint8 array-like
        Before any filling.
    """
    found = components.label(components.Background(mask), mask.shape, 6, work)
    enclosed = ~found.faces
    enclosed[0] = False
    table = np.where(enclosed, np.cumsum(enclosed), 0).astype(np.int32)
    out = work.scratch.create("void_ids", mask.shape, np.int32)
    work.quiet.do(partial(_write_ids, found, table, out))
    return Candidates(out, int(enclosed.sum()), _filled(found, table))


@dataclass(frozen=True)
class _Walls:
    """What bounds the pockets `ids` (K,) of a brick: least and greatest label, faces with labels and of the volume."""

    ids: np.ndarray
    low: np.ndarray
    high: np.ndarray
    faces: np.ndarray


def _write_pockets(
    found: components.Components, table: np.ndarray, labels: Any, out: Any, brick: Brick
) -> _Walls | None:
    """Write the pockets of a brick, and look at what bounds them."""
    numbers = np.unique(table[found.tables[brick.index]])
    numbers = numbers[numbers > 0]
    if not len(numbers):
        return None
    own = np.zeros(len(table), np.int32)  # 1 to K within the brick
    own[np.flatnonzero(np.isin(table, numbers))] = np.arange(1, len(numbers) + 1)
    brick = brick.widened((0, 0), labels.shape)
    outer = brick.widened((1, 1), labels.shape)
    around = np.ascontiguousarray(labels[outer.here])
    empty = (around[brick.within(outer)] == 0).view(np.uint8)
    ids = replace(found, source=lambda _: empty).planes(brick, own)
    z0, _, y0, _ = brick.core(outer)
    low, high = np.full(len(numbers) + 1, FAR), np.zeros(len(numbers) + 1, np.int64)
    faces = np.zeros((len(numbers) + 1, 2), np.int64)
    morphology.pocket_walls(ids, around, (z0, y0), outer.ends(labels.shape), low, high, faces)
    out[brick.here] = np.concatenate([[0], numbers]).astype(out.dtype)[ids]
    return _Walls(numbers, low[1:], high[1:], faces[1:])


def _outside(found: components.Components, work: Work) -> np.ndarray:
    """The pieces that hold a corner of the volume."""
    pieces = [np.zeros(1, np.int64)]
    for brick in work.bricks:
        bottom, top, front, back = brick.ends(found.shape)
        if (bottom or top) and (front or back):
            corners = np.ix_([0] * bottom + [-1] * top, [0] * front + [-1] * back, [0, -1])
            pieces.append(found.planes(brick)[corners].ravel())
    return np.unique(np.concatenate(pieces))


def _pockets(labels: Any, cut_only: bool, work: Work) -> tuple[Candidates | None, np.ndarray, np.ndarray]:
    """Background pieces within one particle, in scratch; the owner of each (0: none), their voxels.

    A piece that reaches a face of the volume is a void cut by it when one label alone bounds it, over more than
    `CUT_WALL_RATIO` times the area at the face, and no corner of the volume lies in it; else it is the outside.
    One that reaches none is the void of the label that encloses it. Whatever else lies in there, closed or cut, does
    not matter (`containment`).
    """
    found = components.label(components.Background(labels), labels.shape, 6, work)
    wanted = found.faces.copy() if cut_only else np.ones(found.n + 1, bool)
    wanted[_outside(found, work)] = False
    wanted[0] = False
    n = int(wanted.sum())
    if n == 0 and cut_only:
        return None, np.zeros(1, np.int64), np.zeros(1, np.int64)
    table = np.where(wanted, np.cumsum(wanted), 0).astype(np.int32)
    # few are cut; a narrow volume is half the memory, and leaves that of the distances to the closed voids
    name, kind = ("cut_ids", np.uint16 if n < 1 << 16 else np.int32) if cut_only else ("void_ids", np.int32)
    pockets = Candidates(work.scratch.create(name, labels.shape, kind), n, _filled(found, table))
    low, high = np.full(n + 1, FAR), np.zeros(n + 1, np.int64)
    faces = np.zeros((n + 1, 2), np.int64)
    for walls in work.quiet.each(partial(_write_pockets, found, table, labels, pockets.ids)):
        if walls is not None:
            low[walls.ids] = np.minimum(low[walls.ids], walls.low)
            high[walls.ids] = np.maximum(high[walls.ids], walls.high)
            faces[walls.ids] += walls.faces
    inside = (low == high) & (faces[:, 0] > CUT_WALL_RATIO * faces[:, 1])
    owner = np.where(inside, high, 0)
    within = low < high  # several labels: it may be the hole of one with the others in it
    owner = np.where(within, enclosing(pockets, labels, within, work), owner)
    return pockets, owner, np.concatenate([[0], found.sizes[wanted]])


def inside_labels(labels: Any, options: VoidOptions, work: Work) -> Voids:
    """Holes of a label image that lie within one label: the closed voids of particles segmented elsewhere.

    Voids cut by a face of the volume are among them, as far as they can be told from the outside (see `_pockets`).

    Parameters
    ----------
    labels : (Z,Y,X) unsigned or signed int array-like, 0 = background

    Returns
    -------
    Voids
        Whose voxels carry no label; a hole between two particles is none of either.
    """
    pockets, owner, sizes = _pockets(labels, False, work)
    assert pockets is not None
    return keep_owned(pockets, owner, sizes, options, work)


def _claim(labels: Any, cut: Candidates, owner: np.ndarray, table: np.ndarray, brick: Brick) -> None:
    """Give the cut voids of a brick to their particles, and number those that are kept."""
    if cut.empty(brick):
        return
    with changed(cut.ids, brick) as ids, changed(labels, brick) as held:  # 0 in voids
        morphology.lay_over(ids, owner, held)
        morphology.renumber(ids, table)


def claim_cut(labels: Any, work: Work, smallest: float = 0.0) -> Candidates | None:
    """Give voids that a face of the volume cuts to their particles' envelopes, in place; None when there are none.

    Parameters
    ----------
    labels : (Z,Y,X) int32 array-like
    smallest : float
        Voxels of the smallest void; what is smaller is noise of the mask, filled but no void.

    Returns
    -------
    Candidates or None
        Their ids uint16 or int32, in scratch; whoever asked releases them.
    """
    pockets, owner, sizes = _pockets(labels, True, work)
    if pockets is None:
        return None
    kept = (owner > 0) & (sizes >= smallest)
    table = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    work.quiet.do(partial(_claim, labels, pockets, owner.astype(np.int32), table))
    return Candidates(pockets.ids, int(kept.sum()), pockets.filled)
