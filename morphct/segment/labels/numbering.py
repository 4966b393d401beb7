"""Which labels become particles, and their numbers: sizes and faces of every label, the kept ones numbered anew.

A piece that the split cut off and that is too small to be a particle belongs to what it was cut from: it goes back to
the label that it shares most faces with. Only what stands alone is dropped.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.options import Options, option
from ...ground.scratch import changed
from ...ground.work import Work
from ...kernels.labels import morphology, slivers
from . import ids as label_image
from .tallies import summed

PEAK_VOXEL_BYTES = 4.0  # of a brick and a halo of one voxel: the labels alone


@dataclass(frozen=True)
class ParticleOptions(Options):
    """Which labelled things count as particles."""

    section = "particles"
    min_voxels: int = option(
        30, "smallest particle kept (30: 4 voxels across); smaller ones are noise to the mask", "voxels", min=1
    )
    border: str = option(
        "flag",
        "particles cut by a face of the volume: flagged, or dropped from labels and tables",
        "",
        choices=("flag", "drop"),
    )


@dataclass(frozen=True)
class Kept:
    """What became of labels 1 to n.

    Attributes
    ----------
    n : int
        Labels kept.
    dropped : dict
        How many went, by reason; `joined` ones are part of a neighbour now.
    table : (n + 1,) int32
        What each id is called now; 0: dropped, or part of a neighbour.
    """

    n: int
    dropped: dict[str, int]
    table: np.ndarray


def _brick_facts(labels: Any, n: int, brick: Brick) -> tuple[Brick, np.ndarray, np.ndarray, np.ndarray]:
    block = np.ascontiguousarray(labels[brick.here])
    return brick, *morphology.component_facts(block, n, brick.ends(labels.shape))


def _facts(labels: Any, n: int, work: Work) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Voxels of each label, whether a face of the volume cuts it, its first voxel; (n + 1,)."""
    sizes, faces = np.zeros(n + 1, np.int64), np.zeros(n + 1, bool)
    first = np.full(n + 1, np.iinfo(np.int64).max)
    for brick, size, start, face in work.each(partial(_brick_facts, labels, n)):
        sizes += size
        faces |= face > 0
        seen = start >= 0
        first[seen] = np.minimum(first[seen], brick.raster(start[seen], labels.shape))
    return sizes, faces, first


def _renumber(labels: Any, table: np.ndarray, brick: Brick) -> None:
    with changed(labels, brick) as held:
        morphology.renumber(held, table)


def keep_particles(labels: Any, n: int, options: ParticleOptions, work: Work, lost: np.ndarray | None = None) -> Kept:
    """Number labels by their first voxel, in place; those too small go to a neighbour, or out when they have none.

    Labels that a face of the volume cuts are dropped when asked; what went to them goes with them.

    Parameters
    ----------
    labels : (Z,Y,X) int32 array-like, ids up to `n`
    lost : (n + 1,) int64, optional
        Voxels that were taken out of each since the split: what lost more than it has is a rim of something else, and
        goes to a neighbour as well.
    """
    sizes, faces, first = _facts(labels, n, work)
    small = (sizes > 0) & (sizes < options.min_voxels)
    small[0] = False
    rims = np.zeros(n + 1, bool) if lost is None else (sizes > 0) & (lost > sizes)
    # a rim has no size of its own: it stays only where it stands alone
    joined = _joined(labels, small | rims, np.where(rims, 0, sizes), options.min_voxels, work)
    np.minimum.at(first, joined, first.copy())
    np.logical_or.at(faces, joined, faces.copy())
    sizes = np.bincount(joined, sizes, n + 1).astype(np.int64)
    alone = (sizes > 0) & (sizes < options.min_voxels)
    alone[0] = False
    cut = faces & ~alone if options.border == "drop" else np.zeros(n + 1, bool)
    kept = (sizes > 0) & ~alone & ~cut
    kept[0] = False
    order = np.flatnonzero(kept)
    order = order[np.argsort(first[order], kind="stable")]
    table = np.zeros(n + 1, np.int32)
    table[order] = np.arange(1, len(order) + 1)
    if not np.array_equal(table, np.arange(n + 1)):
        work.do(partial(_renumber, labels, table[joined]))
    dropped = {
        "too_small": int(alone.sum()),
        "voxels": int(sizes[alone].sum()),
        "joined": int((joined != np.arange(n + 1)).sum()),
        "cut_by_border": int((cut & (sizes > 0)).sum()),
    }
    return Kept(len(order), dropped, table)


def _shared(labels: Any, few: np.ndarray, brick: Brick) -> np.ndarray:
    own, outer = (brick.widened((reach, reach), labels.shape) for reach in (0, 1))
    ahead = replace(own, z1=outer.z1, y1=outer.y1)
    block = np.ascontiguousarray(labels[ahead.here])
    return summed(slivers.faces_of_few(block, few, own.core(ahead)))


def _joined(labels: Any, small: np.ndarray, sizes: np.ndarray, least: int, work: Work) -> np.ndarray:
    """Which label each one is part of, (n+1,): itself, or for small ones the neighbour of most shared faces.

    The smallest go first; of equal ones the lower label, as of equal neighbours. What is still smaller than `least`
    with what it took in goes on to the next.
    """
    part_of = np.arange(len(small))
    if not small.any():
        return part_of
    few = small.view(np.uint8)
    parts = list(work.quiet.each(partial(_shared, labels, few)))
    near: dict[int, dict[int, int]] = {int(i): {} for i in np.flatnonzero(small)}
    for a, b, faces in summed(np.concatenate(parts)).tolist():
        near[a][b] = faces
    size = {i: int(sizes[i]) for i in near}
    for one in sorted(near, key=lambda i: (sizes[i], i)):
        if size[one] >= least or not near[one]:
            continue
        into = min(near[one], key=lambda other: (-near[one][other], other))
        part_of[one] = into
        for other, faces in near.pop(one).items():
            if other in near:
                del near[other][one]
            if other == into:
                continue
            for a, b in ((other, into), (into, other)):
                if a in near:
                    near[a][b] = near[a].get(b, 0) + faces
        if into in near:
            size[into] += size[one]
    while not np.array_equal(part_of, part_of[part_of]):
        part_of = part_of[part_of]
    return part_of


def numbered(source: Any, ids: np.ndarray) -> Any:
    """A (Z,Y,X) label image with ids 1 to n in place of `ids` (n,), as it is read."""
    return label_image.Numbered(source, ids)
