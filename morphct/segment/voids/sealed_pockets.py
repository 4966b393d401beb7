"""Sealed pockets after the split: a pocket inside one particle is its void, one between particles is a gap.

Sealing (`sealing.seal`) cannot know particles; it closes the wedges between touching ones as well as leaking voids.
Voids that a face of the volume cuts were closed for the sake of the split alone; `holes.claim_cut` asks for them open.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.scratch import changed
from ...ground.work import Work
from ...kernels.labels import morphology
from ..labels import components
from ..labels.tallies import held_faces, summed

# of the faces a sealed pocket shares with particles: from here on it lies inside the one (false voids 49 to 13 and 52
# to 9 on two phantoms, docs/segmentation.md)
POCKET_WALL_SHARE = 0.8


@dataclass(frozen=True)
class Added:
    """Bricks of what sealing added: in the mask now, not in it before."""

    before: Any
    after: Any

    def __call__(self, brick: Brick) -> np.ndarray:
        return (np.asarray(self.after[brick.here]) > np.asarray(self.before[brick.here])).view(np.uint8)


def _faces(pockets: components.Components, labels: Any, brick: Brick) -> np.ndarray:
    """(pocket, label or OPEN, faces) of a brick; in its halo of a voxel it matters only that there is a pocket."""
    if not pockets.tables[brick.index].any():
        return np.zeros((0, 3), np.int64)
    brick = brick.widened((0, 0), labels.shape)
    outer = brick.widened((1, 1), labels.shape)
    ids = pockets.source(outer).astype(np.int32)
    ids[brick.within(outer)] = pockets.planes(brick)
    return summed(morphology.touching_runs(ids, np.ascontiguousarray(labels[outer.here]), brick.core(outer)))


def _clear(pockets: components.Components, gap: np.ndarray, labels: Any, brick: Brick) -> int:
    if not gap[pockets.tables[brick.index]].any():
        return 0
    with changed(labels, brick) as held:
        return int(morphology.clear(pockets.planes(brick, gap).view(np.uint8), held))


def open_gaps(labels: Any, before: Any, after: Any, work: Work) -> dict[str, int]:
    """Take the sealed pockets that lie between particles, or are voids a face cuts, out of the labels again, in place.

    Parameters
    ----------
    labels : (Z,Y,X) int32 array-like
        Particles split from `after`.
    before, after : (Z,Y,X) uint8 0/1 array-like
        The mask before and after sealing.

    Returns
    -------
    dict
        `pockets` in all, `gaps` between particles and voids `cut` by a face among them, and their `voxels`.
    """
    pockets = components.label(Added(before, after), labels.shape, 6, work)
    total, largest, free = held_faces(list(work.quiet.each(partial(_faces, pockets, labels))), pockets.n)
    gap = largest < POCKET_WALL_SHARE * total
    gap |= total == 0  # held by nothing solid at all
    cut = pockets.faces & (free == 0) & ~gap
    gap[0] = cut[0] = False
    voxels = sum(work.quiet.each(partial(_clear, pockets, gap | cut, labels))) if (gap | cut).any() else 0
    return {"pockets": pockets.n, "gaps": int(gap.sum()), "cut": int(cut.sum()), "voxels": voxels}


def take_out(labels: Any, n: int, mask: Any, work: Work) -> np.ndarray:
    """Clear labels (Z,Y,X), ids up to `n`, where `mask` (Z,Y,X) is 0, in place: what sealing added for the split.

    Returns
    -------
    (n+1,) int64
        Voxels that each label lost.
    """
    lost = np.zeros(n + 1, np.int64)
    for ids, voxels in work.quiet.each(partial(_take_out, labels, mask)):
        lost[ids] += voxels
    return lost


def _take_out(labels: Any, mask: Any, brick: Brick) -> tuple[np.ndarray, np.ndarray]:
    with changed(labels, brick) as held:
        added = (np.asarray(mask[brick.here]) == 0) & (held != 0)
        lost = np.unique(held[added], return_counts=True)
        morphology.clear(added.view(np.uint8), held)
    return lost
