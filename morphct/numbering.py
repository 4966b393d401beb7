"""Which labels become particles, and their numbers: sizes and faces of every label, the kept ones numbered anew."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from . import labels as label_image
from .components import ParticleOptions
from .executors import RunMap
from .kernels import morphology
from .scratch import changed
from .slabs import Slab

Tick = Callable[[int], None] | None


def _facts(labels: Any, n: int, depth: int, slab: Slab) -> tuple[Slab, np.ndarray, np.ndarray, np.ndarray]:
    planes = np.ascontiguousarray(labels[slab.z0 : slab.z1])
    return slab, *morphology.component_facts(planes, n, slab.z0 == 0, slab.z1 == depth)


def _renumber(labels: Any, table: np.ndarray, slab: Slab) -> int:
    with changed(labels, slab.z0, slab.z1) as held:
        morphology.renumber(held, table)
    return slab.depth


def keep_particles(
    labels: Any,
    n: int,
    options: ParticleOptions,
    slabs: Sequence[Slab],
    run_map: RunMap = map,
    tick: Tick = None,
) -> tuple[int, dict[str, int], np.ndarray]:
    """Drop labels that are too small or, when asked, cut by a face; number the rest by their first voxel, in place.

    Parameters
    ----------
    labels : (Z,Y,X) int32 array-like, ids up to `n`

    Returns
    -------
    n : int
        Labels kept.
    dropped : dict
        How many went, by reason.
    table : (n + 1,) int32
        What each id is called now; 0: dropped.
    """
    depth, plane = labels.shape[0], labels.shape[1] * labels.shape[2]
    sizes, faces = np.zeros(n + 1, np.int64), np.zeros(n + 1, bool)
    first = np.full(n + 1, np.iinfo(np.int64).max)
    for slab, size, start, face in run_map(partial(_facts, labels, n, depth), slabs):
        sizes += size
        faces |= face > 0
        seen = start >= 0
        first[seen] = np.minimum(first[seen], start[seen] + slab.z0 * plane)
        if tick:
            tick(slab.depth)
    small = (sizes > 0) & (sizes < options.min_voxels)
    cut = faces & ~small if options.border == "drop" else np.zeros(n + 1, bool)
    kept = (sizes > 0) & ~small & ~cut
    kept[0] = False
    order = np.flatnonzero(kept)
    order = order[np.argsort(first[order], kind="stable")]
    table = np.zeros(n + 1, np.int32)
    table[order] = np.arange(1, len(order) + 1)
    if not np.array_equal(table, np.arange(n + 1)):
        for done in run_map(partial(_renumber, labels, table), slabs):
            if tick:
                tick(done)
    dropped = {"too_small": int(small[1:].sum()), "cut_by_border": int(cut[1:].sum())}
    return len(order), dropped, table


def _copy(source: Any, out: Any, slab: Slab) -> int:
    out[slab.z0 : slab.z1] = source[slab.z0 : slab.z1]
    return slab.depth


def copy(source: Any, out: Any, slabs: Sequence[Slab], run_map: RunMap = map, tick: Tick = None) -> None:
    """Copy a label image, (Z,Y,X) array-likes, slab by slab."""
    for done in run_map(partial(_copy, source, out), slabs):
        if tick:
            tick(done)


def numbered(source: Any, ids: np.ndarray) -> Any:
    """A (Z,Y,X) label image with ids 1 to n in place of `ids` (n,), as it is read."""
    return label_image.Numbered(source, ids)
