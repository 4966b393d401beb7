"""Each void given to the particle that holds most of it; what lies between particles is none."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.scratch import changed
from ...ground.work import Work
from ...kernels.labels import morphology
from ...kernels.voids import dips as kernel
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
    ids : (Z,Y,X) int32 array-like
        1 to n, 0 = none; in scratch.
    n : int
    """

    ids: Any
    n: int


def _pairs(ids: Any, labels: Any, slab: Brick) -> np.ndarray:
    voids = np.ascontiguousarray(ids[slab.z0 : slab.z1])
    return summed(kernel.owner_pairs(voids, np.ascontiguousarray(labels[slab.z0 : slab.z1])))


def renumber(ids: Any, table: np.ndarray, slab: Brick) -> None:
    with changed(ids, slab) as held:
        morphology.renumber(held, table)


def _wall_runs(ids: Any, labels: Any, slab: Brick) -> np.ndarray:
    """(void, label, faces) of a slab; 0 is the background."""
    a, b = slab.halo(1, labels.shape[0])
    planes = np.ascontiguousarray(ids[a:b])
    if not planes[slab.z0 - a : slab.z1 - a].any():
        return np.zeros((0, 3), np.int64)
    return summed(morphology.touching_runs(planes, np.ascontiguousarray(labels[a:b]), slab.z0 - a, slab.z1 - a))


def between(found: Candidates, labels: Any, work: Work) -> np.ndarray:
    """Which dips lie between particles: no particle holds `DIP_WALL_SHARE` of the walls that they share with particles.

    Glue in the wedge of a contact is thinner than the blur, so the mask holds it, and it is a dip of both particles.

    Parameters
    ----------
    found : Candidates
        Dips.
    labels : (Z,Y,X) int array-like

    Returns
    -------
    (n+1,) bool
    """
    total, largest, _ = held_faces(list(work.quiet.each(partial(_wall_runs, found.ids, labels))), found.n)
    return largest < DIP_WALL_SHARE * total


def assign_to_particles(
    found: Candidates,
    labels: Any,
    options: VoidOptions,
    work: Work,
    deep: np.ndarray | None = None,
    dropped: np.ndarray | None = None,
) -> Voids:
    """Give each void to the particle that holds most of it; drop voids outside particles and below `min_voxels`.

    Parameters
    ----------
    found : Candidates
        Their ids are renumbered in place.
    labels : (Z,Y,X) int array-like
        Envelope of the particles: enclosed voids carry their particle's label.
    deep : (d+1,) int64, optional
        Voxels of the first d voids that are surely void (`VoidFacts.low`).
    dropped : (d+1,) bool, optional
        Those of the first d that are none (`between`).
    """
    parts = [p for p in work.quiet.each(partial(_pairs, found.ids, labels)) if len(p)]
    owner, sizes = np.zeros(found.n + 1, np.int64), np.zeros(found.n + 1, np.int64)
    if parts:
        void, label, count = summed(np.concatenate(parts)).T
        np.add.at(sizes, void, count)
        # the largest share last; of equal shares the lower label
        order = np.lexsort((-label, count))
        order = order[label[order] > 0]
        owner[void[order]] = label[order]
    if dropped is not None:
        owner[: len(dropped)][dropped] = 0
    return keep_owned(found.ids, owner, sizes, options, work, deep)


def keep_owned(
    ids: Any,
    owner: np.ndarray,
    sizes: np.ndarray,
    options: VoidOptions,
    work: Work,
    deep: np.ndarray | None = None,
) -> Voids:
    """Renumber the voids that have an owner and the size."""
    kept = (owner > 0) & (sizes >= options.min_voxels)
    kept[0] = False
    table = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    if not kept[1:].all():
        work.quiet.do(partial(renumber, ids, table))
    low = np.full(len(kept), np.nan)
    if deep is not None:
        low[: len(deep)] = deep
    kept[0] = True
    return Voids(ids, owner[kept], int(kept.sum()) - 1, VoidFacts(voxels=sizes[kept], low=low[kept]))
