"""Voids of particles: enclosed background of the mask, or dips of grey inside the envelope; each with its owner."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from . import components, dips, false_dips, plateau
from .dip_model import DipModel
from .errors import SettingsError
from .executors import RunMap
from .kernels import dips as kernel
from .kernels import morphology
from .options import Options, option
from .pockets import held_faces, summed
from .scratch import changed
from .slabs import Slab
from .void_facts import VoidFacts

Tick = Callable[[int], None] | None
INSIDE = 0.9  # of the walls a void shares with particles: from here on it lies inside the one
CUT = 1.2  # walls over area at the faces of the volume, from which a cut pocket is a void and not the outside


@dataclass(frozen=True)
class VoidOptions(Options):
    """How voids inside particles are found."""

    section = "voids"
    threshold: float | str = option(
        "auto",
        "depth of a void below the particle's grey, in units of residual noise; auto: from the number of false voids "
        "accepted; holes: the enclosed background of the mask instead (always so for otsu and fixed)",
        "sd",
        min=1,
        max=50,
    )
    false_per_particle: float = option(
        0.05, "false voids accepted in a particle of 40,000 voxels", "", min=1e-6, max=10
    )
    min_voxels: int = option(1, "smallest void kept", "voxels", min=1)
    seal: bool = option(
        True, "close voids that leak through a mouth of up to four voxels before splitting; they count as closed"
    )
    closing_radius: float = option(
        0.0,
        "radius of the ball that closes the mouths of open voids, particle by particle after splitting; 0: open voids "
        "are not looked for",
        "shortest voxel edges",
        min=0,
        max=50,
    )

    def validate(self) -> None:
        """Refuse words other than `auto` and `holes`."""
        super().validate()
        if isinstance(self.threshold, str) and self.threshold not in ("auto", "holes"):
            raise SettingsError(f"voids.threshold is {self.threshold!r}; allowed are auto, holes, or a number of sd")


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
    return _kept(ids, owner, sizes, options, slabs, run_map)


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
    for _ in run_map(partial(_renumber, ids, table), slabs):
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


def find_dips(
    codes: Any,
    labels: Any,
    model: DipModel,
    scratch: Any,
    slabs: Sequence[Slab],
    run_map: RunMap = map,
    tick: Tick = None,
    learn: Callable[[DipModel], DipModel] = lambda model: model,
    mirrored: bool = False,
) -> tuple[dips.Dips, DipModel]:
    """Dips of grey inside the particles, and the fitted model; see `plateau.fit` and `dips.find`.

    learn: what is to be found out about dips once noise and plateau are known, before they are looked for. mirrored:
    bright specks are counted as well, see `false_dips`.
    """
    depths = plateau.classify(labels, model, scratch, slabs, run_map, tick)
    model = plateau.fit(codes, depths, model, slabs, run_map)
    if model.streaked and model.factor is None:
        model = false_dips.strict(codes, depths, model, slabs, run_map)
    model = learn(model)
    found = dips.find(codes, depths, model, scratch, slabs, run_map, tick)
    if mirrored and not model.clipped:  # bright noise is cut off then
        found = replace(found, specks=false_dips.expected(codes, depths, model, slabs, run_map))
    scratch.release("depths")
    return found, model


def _pairs(ids: Any, labels: Any, slab: Slab) -> np.ndarray:
    voids = np.ascontiguousarray(ids[slab.z0 : slab.z1])
    return summed(kernel.owner_pairs(voids, np.ascontiguousarray(labels[slab.z0 : slab.z1])))


def _renumber(ids: Any, table: np.ndarray, slab: Slab) -> None:
    with changed(ids, slab.z0, slab.z1) as held:
        morphology.renumber(held, table)


def _wall_runs(ids: Any, labels: Any, slab: Slab) -> np.ndarray:
    """(void, label, faces) of a slab; 0 is the background."""
    a, b = slab.halo(1, labels.shape[0])
    planes = np.ascontiguousarray(ids[a:b])
    if not planes[slab.z0 - a : slab.z1 - a].any():
        return np.zeros((0, 3), np.int64)
    return summed(morphology.touching_runs(planes, np.ascontiguousarray(labels[a:b]), slab.z0 - a, slab.z1 - a))


def between(ids: Any, n: int, labels: Any, slabs: Sequence[Slab], run_map: RunMap = map) -> np.ndarray:
    """Which dips lie between particles: no particle holds `INSIDE` of the walls that they share with particles.

    Glue in the wedge of a contact is thinner than the blur, so the mask holds it, and it is a dip of both particles.

    Parameters
    ----------
    ids : (Z,Y,X) int32 array-like
        Dips up to `n`.
    labels : (Z,Y,X) int array-like

    Returns
    -------
    (n+1,) bool
    """
    total, largest, _ = held_faces(list(run_map(partial(_wall_runs, ids, labels), slabs)), n)
    return largest < INSIDE * total


def own(
    ids: Any,
    n: int,
    labels: Any,
    options: VoidOptions,
    slabs: Sequence[Slab],
    run_map: RunMap = map,
    deep: np.ndarray | None = None,
    dropped: np.ndarray | None = None,
) -> Voids:
    """Give each void to the particle that holds most of it; drop voids outside particles and below `min_voxels`.

    Parameters
    ----------
    ids : (Z,Y,X) int32 array-like
        Void ids up to `n`, renumbered in place.
    labels : (Z,Y,X) int array-like
        Envelope of the particles: enclosed voids carry their particle's label.
    deep : (d+1,) int64, optional
        Voxels of the first d voids that are surely void (`VoidFacts.low`).
    dropped : (d+1,) bool, optional
        Those of the first d that are none (`between`).
    """
    parts = [p for p in run_map(partial(_pairs, ids, labels), slabs) if len(p)]
    owner, sizes = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    if parts:
        void, label, count = summed(np.concatenate(parts)).T
        np.add.at(sizes, void, count)
        # the largest share last; of equal shares the lower label
        order = np.lexsort((-label, count))
        order = order[label[order] > 0]
        owner[void[order]] = label[order]
    if dropped is not None:
        owner[: len(dropped)][dropped] = 0
    return _kept(ids, owner, sizes, options, slabs, run_map, deep)


def _kept(
    ids: Any,
    owner: np.ndarray,
    sizes: np.ndarray,
    options: VoidOptions,
    slabs: Sequence[Slab],
    run_map: RunMap,
    deep: np.ndarray | None = None,
) -> Voids:
    """Renumber the voids that have an owner and the size."""
    kept = (owner > 0) & (sizes >= options.min_voxels)
    kept[0] = False
    table = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    if not kept[1:].all():
        for _ in run_map(partial(_renumber, ids, table), slabs):
            pass
    low = np.full(len(kept), np.nan)
    if deep is not None:
        low[: len(deep)] = deep
    kept[0] = True
    return Voids(ids, owner[kept], int(kept.sum()) - 1, VoidFacts(voxels=sizes[kept], low=low[kept]))
