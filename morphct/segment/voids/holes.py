"""Voids as enclosed background: holes of a mask or of labels, and pockets that a face of the volume cuts."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...ground.executors import RunMap
from ...ground.scratch import changed
from ...ground.slabs import Slab
from ...kernels.labels import morphology
from ..labels import components
from .options import VoidOptions
from .ownership import Voids, keep_owned, renumber

Tick = Callable[[int], None] | None


CUT = 1.2  # walls over area at the faces of the volume, from which a cut pocket is a void and not the outside


def _write_ids(found: components.Components, table: np.ndarray, out: Any, slab: Slab) -> None:
    found.write(slab, out, table)


def holes(mask: Any, scratch: Any, slabs: Sequence[Slab], run_map: RunMap = map, tick: Tick = None) -> tuple[Any, int]:
    """Background pieces (6-connected) of a 0/1 volume that reach no face of it.

    Parameters
    ----------
    mask : (Z,Y,X) uint8 array-like
        Before any filling.

    Returns
    -------
    ids : (Z,Y,X) int32 array-like in scratch (named "void_ids")
    n : int
    """
    found = components.label(components.Background(mask), mask.shape, 6, slabs, run_map, tick)
    enclosed = ~found.faces
    enclosed[0] = False
    table = np.where(enclosed, np.cumsum(enclosed), 0).astype(np.int32)
    out = scratch.create("void_ids", mask.shape, np.int32)
    for _ in run_map(partial(_write_ids, found, table, out), slabs):
        pass
    return out, int(enclosed.sum())


def _walls(ids: Any, labels: Any, n: int, slab: Slab) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    depth = labels.shape[0]
    a, b = slab.halo(1, depth)
    low, high = np.full(n + 1, np.iinfo(np.int64).max), np.zeros(n + 1, np.int64)
    faces = np.zeros((n + 1, 2), np.int64)
    planes = np.ascontiguousarray(ids[a:b])
    if planes.any():
        held = np.ascontiguousarray(labels[a:b])
        morphology.pocket_walls(planes, held, slab.z0 - a, slab.z1 - a, a == 0, b == depth, low, high, faces)
    return low, high, faces


def _pockets(
    labels: Any, cut_only: bool, name: str, scratch: Any, slabs: Sequence[Slab], run_map: RunMap, tick: Tick
) -> tuple[Any, np.ndarray, np.ndarray]:
    """Background pieces within one particle: ids in scratch under `name`; the owner of each (0: none), their voxels.

    A piece that reaches a face of the volume is a void cut by it when one label alone bounds it, over more than `CUT`
    times the area at the face, and no corner of the volume lies in it; else it is the outside.
    """
    found = components.label(components.Background(labels), labels.shape, 6, slabs, run_map, tick)
    wanted = found.faces.copy() if cut_only else np.ones(found.n + 1, bool)
    for slab, plane in ((slabs[0], 0), (slabs[-1], -1)):
        corners = found.planes(slab)[plane][:: max(1, labels.shape[1] - 1), :: max(1, labels.shape[2] - 1)]
        wanted[corners] = False
    wanted[0] = False
    n = int(wanted.sum())
    if n == 0 and cut_only:
        return None, np.zeros(1, np.int64), np.zeros(1, np.int64)
    table = np.where(wanted, np.cumsum(wanted), 0).astype(np.int32)
    # few are cut; a narrow volume is half the memory, and leaves that of the distances to the closed voids
    ids = scratch.create(name, labels.shape, np.uint16 if cut_only and n < 1 << 16 else np.int32)
    for _ in run_map(partial(_write_ids, found, table, ids), slabs):
        pass
    low, high = np.full(n + 1, np.iinfo(np.int64).max), np.zeros(n + 1, np.int64)
    faces = np.zeros((n + 1, 2), np.int64)
    for lo, hi, area in run_map(partial(_walls, ids, labels, n), slabs):
        low, high, faces = np.minimum(low, lo), np.maximum(high, hi), faces + area
    inside = (low == high) & (faces[:, 0] > CUT * faces[:, 1])
    return ids, np.where(inside, high, 0), np.concatenate([[0], found.sizes[wanted]])


def inside_labels(
    labels: Any, options: VoidOptions, scratch: Any, slabs: Sequence[Slab], run_map: RunMap = map, tick: Tick = None
) -> Voids:
    """Holes of a label image that one label alone bounds: the closed voids of particles segmented elsewhere.

    Voids cut by a face of the volume are among them, as far as they can be told from the outside (see `_pockets`).

    Parameters
    ----------
    labels : (Z,Y,X) unsigned or signed int array-like, 0 = background

    Returns
    -------
    Voids
        Whose voxels carry no label; a hole between two particles is none of either.
    """
    ids, owner, sizes = _pockets(labels, False, "void_ids", scratch, slabs, run_map, tick)
    return keep_owned(ids, owner, sizes, options, slabs, run_map)


def _claim(labels: Any, cut: Any, owner: np.ndarray, slab: Slab) -> int:
    with changed(labels, slab.z0, slab.z1) as held:  # 0 in voids
        morphology.lay_over(np.ascontiguousarray(cut[slab.z0 : slab.z1]), owner, held)
    return slab.depth


def claim_cut(
    labels: Any, scratch: Any, slabs: Sequence[Slab], run_map: RunMap = map, tick: Tick = None, smallest: float = 0.0
) -> tuple[Any, int]:
    """Give voids that a face of the volume cuts to their particles' envelopes, in place.

    Parameters
    ----------
    labels : (Z,Y,X) int32 array-like
    smallest : float
        Voxels of the smallest void; what is smaller is noise of the mask, filled but no void.

    Returns
    -------
    ids : (Z,Y,X) uint16 or int32 array-like in scratch (named "cut_ids"), or None when there are none
    n : int
    """
    ids, owner, sizes = _pockets(labels, True, "cut_ids", scratch, slabs, run_map, tick)
    if ids is None:
        return None, 0
    for _ in run_map(partial(_claim, labels, ids, owner.astype(np.int32)), slabs):
        pass
    kept = (owner > 0) & (sizes >= smallest)
    table = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    for _ in run_map(partial(renumber, ids, table), slabs):
        pass
    return ids, int(kept.sum())


def _lay_over(ids: Any, cut: Any, numbers: np.ndarray, slab: Slab) -> int:
    with changed(ids, slab.z0, slab.z1) as held:
        morphology.lay_over(np.ascontiguousarray(cut[slab.z0 : slab.z1]), numbers, held)
    return slab.depth


def add_cut(ids: Any, n: int, cut: Any, n_cut: int, slabs: Sequence[Slab], run_map: RunMap = map) -> int:
    """Number the voids cut by a face after the `n` others, in place; returns how many there are in all."""
    if cut is not None:
        numbers = np.arange(n, n + n_cut + 1, dtype=np.int32)
        for _ in run_map(partial(_lay_over, ids, cut, numbers), slabs):
            pass
    return n + n_cut
