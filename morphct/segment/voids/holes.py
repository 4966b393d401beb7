"""Voids as enclosed background: holes of a mask or of labels, and pockets that a face of the volume cuts."""

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
from .ownership import Candidates, Voids, keep_owned, renumber


def _write_ids(found: components.Components, table: np.ndarray, out: Any, slab: Brick) -> None:
    found.write(slab, out, table)


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
    return Candidates(out, int(enclosed.sum()))


def _walls(ids: Any, labels: Any, n: int, slab: Brick) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    depth = labels.shape[0]
    a, b = slab.halo(1, depth)
    low, high = np.full(n + 1, np.iinfo(np.int64).max), np.zeros(n + 1, np.int64)
    faces = np.zeros((n + 1, 2), np.int64)
    planes = np.ascontiguousarray(ids[a:b])
    if planes.any():
        held = np.ascontiguousarray(labels[a:b])
        looked_at, ends = (slab.z0 - a, slab.z1 - a), (a == 0, b == depth)
        morphology.pocket_walls(planes, held, looked_at, ends, low, high, faces)
    return low, high, faces


def _pockets(labels: Any, cut_only: bool, work: Work) -> tuple[Any, np.ndarray, np.ndarray]:
    """Background pieces within one particle: ids in scratch; the owner of each (0: none), their voxels.

    A piece that reaches a face of the volume is a void cut by it when one label alone bounds it, over more than
    `CUT_WALL_RATIO` times the area at the face, and no corner of the volume lies in it; else it is the outside.
    One that reaches none is the void of the label that encloses it. Whatever else lies in there, closed or cut, does
    not matter (`containment`).
    """
    found = components.label(components.Background(labels), labels.shape, 6, work)
    wanted = found.faces.copy() if cut_only else np.ones(found.n + 1, bool)
    for slab, plane in ((work.bricks[0], 0), (work.bricks[-1], -1)):
        corners = found.planes(slab)[plane][:: max(1, labels.shape[1] - 1), :: max(1, labels.shape[2] - 1)]
        wanted[corners] = False
    wanted[0] = False
    n = int(wanted.sum())
    if n == 0 and cut_only:
        return None, np.zeros(1, np.int64), np.zeros(1, np.int64)
    table = np.where(wanted, np.cumsum(wanted), 0).astype(np.int32)
    # few are cut; a narrow volume is half the memory, and leaves that of the distances to the closed voids
    name, kind = ("cut_ids", np.uint16 if n < 1 << 16 else np.int32) if cut_only else ("void_ids", np.int32)
    ids = work.scratch.create(name, labels.shape, kind)
    work.quiet.do(partial(_write_ids, found, table, ids))
    low, high = np.full(n + 1, np.iinfo(np.int64).max), np.zeros(n + 1, np.int64)
    faces = np.zeros((n + 1, 2), np.int64)
    for lo, hi, area in work.quiet.each(partial(_walls, ids, labels, n)):
        low, high, faces = np.minimum(low, lo), np.maximum(high, hi), faces + area
    inside = (low == high) & (faces[:, 0] > CUT_WALL_RATIO * faces[:, 1])
    owner = np.where(inside, high, 0)
    within = low < high  # several labels: it may be the hole of one with the others in it
    owner = np.where(within, enclosing(ids, labels, within, work), owner)
    return ids, owner, np.concatenate([[0], found.sizes[wanted]])


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
    ids, owner, sizes = _pockets(labels, False, work)
    return keep_owned(ids, owner, sizes, options, work)


def _claim(labels: Any, cut: Any, owner: np.ndarray, slab: Brick) -> None:
    with changed(labels, slab) as held:  # 0 in voids
        morphology.lay_over(np.ascontiguousarray(cut[slab.z0 : slab.z1]), owner, held)


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
    ids, owner, sizes = _pockets(labels, True, work)
    if ids is None:
        return None
    work.quiet.do(partial(_claim, labels, ids, owner.astype(np.int32)))
    kept = (owner > 0) & (sizes >= smallest)
    table = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    work.quiet.do(partial(renumber, ids, table))
    return Candidates(ids, int(kept.sum()))


def _lay_over(ids: Any, cut: Any, numbers: np.ndarray, slab: Brick) -> None:
    with changed(ids, slab) as held:
        morphology.lay_over(np.ascontiguousarray(cut[slab.z0 : slab.z1]), numbers, held)


def add_cut(found: Candidates, cut: Candidates | None, work: Work) -> Candidates:
    """The voids cut by a face numbered after the others and laid into their ids, in place."""
    if cut is None:
        return found
    numbers = np.arange(found.n, found.n + cut.n + 1, dtype=np.int32)
    work.quiet.do(partial(_lay_over, found.ids, cut.ids, numbers))
    return Candidates(found.ids, found.n + cut.n)
