"""Basins of the distance map by steepest ascent, in slabs: one basin per peak, numbered in raster order of the peaks.

A slab is resolved on its own; chains that leave it end in an exit, and exits are followed from slab to slab afterwards.
The volume of labels keeps each slab's own numbers; `Basins` knows what they mean, so nothing is written twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.work import Work
from ...kernels.split import ascent as kernel


@dataclass
class Basins:
    """Basins 0 to N - 1 of a volume.

    Attributes
    ----------
    labels : (Z,Y,X) int32 array-like
        Each slab's own numbers: 0 background, k > 0 its k-th peak, -e its e-th exit; see `meaning`.
    peaks : (N,) float32
        Squared height of each peak.
    sizes : (N,) int64
        Voxels.
    firsts : (S + 1,) int64
        Basin of each slab's first peak.
    exits : list of (E,) int32
        Basin that each exit of each slab leads to.
    """

    labels: Any
    peaks: np.ndarray
    sizes: np.ndarray
    firsts: np.ndarray
    exits: list[np.ndarray]

    @property
    def n(self) -> int:
        """Number of basins."""
        return len(self.peaks)

    def meaning(self, index: int) -> tuple[np.int32, np.ndarray]:
        """What the numbers of slab `index` mean: basin of its first peak, basins of its exits."""
        return np.int32(self.firsts[index]), self.exits[index]


def as_whole(heights: np.ndarray) -> np.ndarray:
    """Squared heights, uint16 or float32, as whole numbers in the same order: floats that are not negative are bits."""
    return heights if heights.dtype == np.uint16 else heights.view(np.int32)


def as_squares(whole: np.ndarray) -> np.ndarray:
    """Squared heights as float32 again."""
    return whole.astype(np.float32) if whole.dtype == np.uint16 else whole.astype(np.int32).view(np.float32)


def _ascend(distance: Any, labels: Any, slab: Brick) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    below, above = slab.halo(1, distance.shape[0])
    heights = as_whole(np.ascontiguousarray(distance[below:above]))
    shape = (slab.depth, *heights.shape[1:])
    codes = np.empty(shape, np.uint8)
    numbers = labels[slab.z0 : slab.z1] if isinstance(labels, np.ndarray) else np.empty(shape, np.int32)
    keys = np.zeros((4, shape[2] + 2), np.int32 if heights.itemsize == 2 else np.int64)
    peaks = kernel.point(heights, slab.z0 - below, keys, codes, numbers)
    exits, peak_sizes, exit_sizes = kernel.follow(codes, numbers, kernel.steps(*shape[1:]), len(peaks))
    if not isinstance(labels, np.ndarray):
        labels[slab.z0 : slab.z1] = numbers
    return as_squares(peaks), peak_sizes, exits, exit_sizes


def _goals(labels: Any, slabs: Sequence[Brick], exits: Sequence[np.ndarray], firsts: np.ndarray) -> list[np.ndarray]:
    """Basin that each exit leads to, slab by slab."""
    doors = np.concatenate([[0], np.cumsum([len(e) for e in exits])])
    goal = np.empty(doors[-1], np.int64)
    for slab in slabs:
        own, cell = goal[doors[slab.index] : doors[slab.index + 1]], exits[slab.index] >> 1
        after = (exits[slab.index] & 1).astype(bool)
        for side, plane, other in ((~after, slab.z0 - 1, slab.index - 1), (after, slab.z1, slab.index + 1)):
            if side.any():
                met = np.asarray(labels[plane : plane + 1]).reshape(-1)[cell[side]].astype(np.int64)
                # another exit is written below zero until it is known where it leads
                own[side] = np.where(met > 0, met + firsts[other] - 1, met - doors[other])
    waiting = np.flatnonzero(goal < 0)
    while waiting.size:  # each round doubles the length of the chains that are followed
        goal[waiting] = goal[-goal[waiting] - 1]
        waiting = waiting[goal[waiting] < 0]
    return [goal[a:b].astype(np.int32) for a, b in pairwise(doors)]


def find_basins(distance: Any, labels: Any, work: Work) -> Basins:
    """Basins of a distance map: every voxel goes to its highest 26-neighbour until it stands on a peak.

    Parameters
    ----------
    distance : (Z,Y,X) uint16 or float32 array-like
        Squared heights, 0 in background.
    labels : (Z,Y,X) int32 array-like
        Written.
    """
    found = work.each(partial(_ascend, distance, labels))
    peaks, peak_sizes, exits, exit_sizes = zip(*found)
    firsts = np.concatenate([[0], np.cumsum([len(p) for p in peaks])])
    goals = _goals(labels, work.bricks, exits, firsts)
    sizes = np.concatenate(peak_sizes)
    for goal, size in zip(goals, exit_sizes):
        np.add.at(sizes, goal, size)
    return Basins(labels, np.concatenate(peaks), sizes, firsts, goals)


def _write(basins: Basins, particles: np.ndarray, slab: Brick) -> None:
    numbers = np.ascontiguousarray(basins.labels[slab.z0 : slab.z1])
    out = np.empty(numbers.shape, np.int32)
    kernel.relabel(numbers, *basins.meaning(slab.index), particles, out)
    basins.labels[slab.z0 : slab.z1] = out


def write_particles(basins: Basins, particles: np.ndarray, work: Work) -> None:
    """Overwrite the volume of labels with particles: `particles` (N,) int32 gives that of each basin.

    work: of the slabs that the basins were found by.
    """
    work.do(partial(_write, basins, particles))
