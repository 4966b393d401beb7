"""Basins of the distance map by steepest ascent, in bricks: one basin per peak, numbered in raster order of the peaks.

A brick is resolved on its own; chains that leave it end in an exit, and exits are followed from brick to brick
afterwards. The volume of labels keeps each brick's own numbers; `Basins` knows what they mean, so nothing is written
twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.scratch import changed
from ...ground.work import Work
from ...kernels.split import ascent as kernel

WAYS = [(planes, rows) for planes in (-1, 0, 1) for rows in (-1, 0, 1)]  # to the bricks around one, and to itself


@dataclass
class Basins:
    """Basins 0 to N - 1 of a volume.

    Attributes
    ----------
    labels : (Z,Y,X) int32 array-like
        Each brick's own numbers: 0 background, 1 to P its peaks, from P + 1 on its exits; see `meaning`.
    peaks : (N,) float32
        Squared height of each peak.
    names : list of (1 + P + E,) int32
        Basin of each number of each brick.
    bricks : tuple of Brick
        How the volume was cut, clipped to it.
    row : int
        Bricks of a layer.
    """

    labels: Any
    peaks: np.ndarray
    names: list[np.ndarray]
    bricks: tuple[Brick, ...]
    row: int

    @property
    def n(self) -> int:
        """Number of basins."""
        return len(self.peaks)

    def meaning(self, index: int) -> np.ndarray:
        """Basin of each number of brick `index`, (1 + P + E,) int32; of 0 it is BACKGROUND."""
        return self.names[index]

    def beside(self, brick: Brick, planes: int, rows: int) -> Brick:
        """The brick so many (-1, 0, 1) further along z and y."""
        return self.bricks[brick.index + planes * self.row + rows]


def as_whole(heights: np.ndarray) -> np.ndarray:
    """Squared heights, uint16 or float32, as whole numbers in the same order: floats that are not negative are bits."""
    return heights if heights.dtype == np.uint16 else heights.view(np.int32)


def as_squares(whole: np.ndarray) -> np.ndarray:
    """Squared heights as float32 again."""
    return whole.astype(np.float32) if whole.dtype == np.uint16 else whole.astype(np.int32).view(np.float32)


@dataclass
class _Found:
    """What the ascent in a brick found: its peaks, and where chains leave it.

    peaks (P,) float32, places (P,) int64: squared heights and flat indices in the volume. exits (E,) int64: flat
    indices in the brick inside a border of one plane and row. faces: its own numbers in its first and last plane,
    first and last row, (H,X) and (D,X) int32.
    """

    brick: Brick
    peaks: np.ndarray
    places: np.ndarray
    exits: np.ndarray
    faces: dict[tuple[int, int], np.ndarray]


def _ascend(distance: Any, labels: Any, brick: Brick) -> _Found:
    """A task holds up to 8 bytes a voxel of the brick with a plane and a row around it, 10 if heights are float32."""
    shape = distance.shape
    brick = brick.widened((0, 0), shape)
    outer = brick.widened((1, 1), shape)
    heights = as_whole(np.ascontiguousarray(distance[outer.here]))
    bordered = (brick.depth + 2, brick.height + 2, shape[2])
    codes, numbers = np.empty(bordered, np.uint8), np.empty(bordered, np.int32)
    keys = np.zeros((4, shape[2] + 2), np.int32 if heights.itemsize == 2 else np.int64)
    peaks, places = kernel.point(heights, brick.core(outer), keys, codes, numbers)
    del heights
    exits = kernel.follow(codes, numbers, kernel.steps(*bordered[1:]), len(peaks))
    own = numbers[1:-1, 1:-1]
    labels[brick.here] = own
    z, y, x = np.unravel_index(places, own.shape)
    places = ((z + brick.z0) * shape[1] + y + brick.y0) * shape[2] + x
    faces = {(-1, 0): own[0], (1, 0): own[-1], (0, -1): own[:, 0], (0, 1): own[:, -1]}
    return _Found(brick, as_squares(peaks), places, exits, {side: face.copy() for side, face in faces.items()})


@dataclass
class _Exits:
    """What lies behind the exits of a brick.

    ways: by the way to a brick beside it, (planes, rows) of -1, 0, 1: which exits (K,) lead there, and where they enter
    its face: row or plane of the volume, and x. met (E,) int32: the number that the brick beside has there. toward (E,)
    int8: 3 planes + rows.
    """

    brick: Brick
    peaks: int
    faces: dict[tuple[int, int], np.ndarray]
    ways: dict[tuple[int, int], tuple[np.ndarray, np.ndarray, np.ndarray]]
    met: np.ndarray
    toward: np.ndarray

    @classmethod
    def of(cls, found: _Found, width: int) -> "_Exits":
        brick = found.brick
        z, y, x = np.unravel_index(found.exits, (brick.depth + 2, brick.height + 2, width))
        planes = (z > brick.depth).astype(np.int8) - (z == 0)
        rows = (y > brick.height).astype(np.int8) - (y == 0)
        toward, ways = (3 * planes + rows).astype(np.int8), {}
        for way in WAYS:
            which = np.flatnonzero(toward == 3 * way[0] + way[1])
            if which.size:  # the edge where four bricks meet belongs to planes
                along = y[which] - 1 + brick.y0 if way[0] else z[which] - 1 + brick.z0
                ways[way] = which, along, x[which]
        return cls(brick, len(found.peaks), found.faces, ways, np.empty(len(z), np.int32), toward)

    def look_into(self, other: "_Exits", way: tuple[int, int]) -> None:
        """Read what the brick `other`, that way from here, has where the exits lead."""
        if way in self.ways:
            which, along, x = self.ways.pop(way)
            if way[0]:
                self.met[which] = other.faces[-way[0], 0][along - other.brick.y0, x]
            else:
                self.met[which] = other.faces[0, -way[1]][along - other.brick.z0, x]


def _met(found: Iterator[_Found], row: int, width: int) -> tuple[list[_Exits], np.ndarray, np.ndarray]:
    """The exits of all bricks with what lies behind them, squared heights and places of all peaks.

    Faces are kept until all bricks around are known: those of a layer at most.
    """
    exits: list[_Exits] = []
    peaks, places = [], []
    for one in found:
        own, index = _Exits.of(one, width), one.brick.index
        peaks.append(one.peaks)
        places.append(one.places)
        for planes, rows in ((0, -1), (-1, -1), (-1, 0), (-1, 1)):
            if 0 <= index % row + rows < row and index // row + planes >= 0:
                other = exits[index + planes * row + rows]
                own.look_into(other, (planes, rows))
                other.look_into(own, (-planes, -rows))
        exits.append(own)
        if index > row:
            exits[index - row - 1].faces.clear()
    return exits, np.concatenate(peaks), np.concatenate(places)


def _goals(exits: list[_Exits], row: int) -> np.ndarray:
    """Peak that each exit of each brick leads to, peaks counted from brick to brick, one after the other."""
    firsts = np.cumsum([0] + [e.peaks for e in exits])
    doors = np.cumsum([0] + [len(e.met) for e in exits])
    counts = np.diff(firsts)
    goal = np.empty(doors[-1], np.int64)
    for own in exits:
        index = own.brick.index
        planes = (own.toward + 4) // 3 - 1
        other, met = index + planes.astype(np.int64) * row + (own.toward - 3 * planes), own.met
        # another exit is written below zero until it is known where it leads
        is_peak = met <= counts[other]
        led = np.where(is_peak, firsts[other] + met - 1, counts[other] - met - doors[other])
        goal[doors[index] : doors[index + 1]] = led
    waiting = np.flatnonzero(goal < 0)
    while waiting.size:  # each round doubles the length of the chains that are followed
        goal[waiting] = goal[-goal[waiting] - 1]
        waiting = waiting[goal[waiting] < 0]
    return goal


def find_basins(distance: Any, labels: Any, work: Work) -> Basins:
    """Basins of a distance map: every voxel goes to its highest 26-neighbour until it stands on a peak.

    Parameters
    ----------
    distance : (Z,Y,X) uint16 or float32 array-like
        Squared heights, 0 in background.
    labels : (Z,Y,X) int32 array-like
        Written.
    work : Work
        Is told the depth of the volume.
    """
    row = len(work.layers[0])
    exits, peaks, places = _met(work.each(partial(_ascend, distance, labels)), row, labels.shape[2])
    order = np.argsort(places)
    number = np.empty(len(order), np.int32)
    number[order] = np.arange(len(order))
    goal, names = number[_goals(exits, row)], []
    first = door = 0
    for own in exits:
        parts = number[first : first + own.peaks], goal[door : door + len(own.met)]
        names.append(np.concatenate([np.array([kernel.BACKGROUND]), *parts]))
        first, door = first + own.peaks, door + len(own.met)
    return Basins(labels, peaks[order], names, tuple(e.brick for e in exits), row)


def _write(basins: Basins, particles: np.ndarray, brick: Brick) -> None:
    """A task holds 4 bytes a voxel."""
    names = basins.meaning(brick.index)
    given = np.zeros(len(names), np.int32)  # background stays 0
    given[1:] = particles[names[1:]]
    with changed(basins.labels, brick) as numbers:
        kernel.rename(numbers, given)


def write_particles(basins: Basins, particles: np.ndarray, work: Work) -> None:
    """Overwrite the volume of labels with particles: `particles` (N,) int32 gives that of each basin.

    work: of the bricks that the basins were found by.
    """
    work.do(partial(_write, basins, particles))
