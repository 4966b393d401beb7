"""Connected components of a volume in bricks: labelling, filling enclosed background, dropping dust.

Each brick is labelled on its own; labels that meet across a cut are united; ids follow the first voxel in raster order
of the whole volume, so they do not depend on the cuts. Where ids are needed the pieces asked for are filled from their
first voxels, or the brick is labelled a second time: cheaper than a volume of ids.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from ...ground.bricks import Brick
from ...ground.scratch import changed
from ...ground.work import Work
from ...kernels.labels import morphology
from ...kernels.labels import runs as run_kernel
from ...kernels.run_lists import Runs

FEW = {6: 0.003, 26: 0.001}  # share of a brick up to which filling pieces is faster than labelling, by connectivity
# bytes a voxel of a brick at the peak, no halo: measured on bricks of 128 x 256 x 256, labelled (1.7 for blobs, 5.8
# where 15 % of the voxels are on by chance) and written as numbers (those of `table` and 1.6 besides)
PEAK_VOXEL_BYTES = 6.0
Planes = Callable[[Brick], np.ndarray]  # the 0/1 voxels of a brick, (Z,Y,X) uint8


@dataclass(frozen=True)
class Solid:
    """Bricks of a 0/1 volume as they are."""

    mask: Any

    def __call__(self, brick: Brick) -> np.ndarray:
        return np.ascontiguousarray(self.mask[brick.here]).view(np.uint8)


@dataclass(frozen=True)
class Background:
    """Bricks of the complement of a 0/1 volume."""

    mask: Any

    def __call__(self, brick: Brick) -> np.ndarray:
        return (np.asarray(self.mask[brick.here]) == 0).view(np.uint8)


def dilated_planes(mask: Any, half: np.ndarray, brick: Brick) -> np.ndarray:
    """A brick of the dilation of a 0/1 volume (halo: half the extents of `half`)."""
    outer = brick.widened((half.shape[0] // 2, half.shape[1] // 2), mask.shape)
    wide = np.ascontiguousarray(mask[outer.here]).view(np.uint8)
    return morphology.dilate(wide, half, brick.widened((0, 0), mask.shape).core(outer))


@dataclass
class Components:
    """Components of a volume, ids 1..n in raster order of their first voxel.

    Attributes
    ----------
    shape : tuple of int
        (Z,Y,X) of the volume.
    sizes : (n+1,) int64
        Voxels of each component; index 0 is not used.
    sides : (n+1,) uint8
        Bits of the faces of the volume it reaches: z, y, x, at the start and at the end of each.
    tables : list of (k+1,) int32
        What the pieces of each brick belong to.
    places : list of (k+1,) int64, (k+1,) int64
        Voxels of the pieces of each brick, and their first voxel in it.
    """

    source: Planes
    connectivity: int
    shape: tuple[int, int, int]
    n: int
    sizes: np.ndarray
    sides: np.ndarray
    tables: list[np.ndarray] = field(repr=False, default_factory=list)
    places: list[tuple[np.ndarray, np.ndarray]] = field(repr=False, default_factory=list)

    @property
    def faces(self) -> np.ndarray:
        """(n+1,) bool, whether it reaches a face of the volume."""
        return self.sides > 0

    @property
    def cut(self) -> np.ndarray:
        """(n+1,) bool, whether it reaches one face of the volume only.

        Such a piece of background has at least as much wall as mouth: a void the face cuts rather than the outside.
        """
        return (self.sides > 0) & (self.sides & (self.sides - np.uint8(1)) == 0)

    def planes(self, brick: Brick, table: np.ndarray | None = None) -> np.ndarray:
        """Component ids of a brick of those that were labelled, or `table[id]`; (Z,Y,X)."""
        lookup, block = self._lookup(brick, table), self.source(brick)
        asked, (sizes, first) = lookup != 0, self.places[brick.index]
        if not asked[0] and sizes[asked].sum() < FEW[self.connectivity] * block.size:
            out = np.zeros(block.shape, lookup.dtype)
            if asked.any():
                corners, largest = self.connectivity == 26, sizes[asked].max()
                morphology.fill_pieces(block, first[asked], lookup[asked], corners, largest, out)
            return out
        out = np.full(block.shape, lookup[0])
        run_kernel.paint(run_kernel.label_runs(block, self.connectivity == 26), 0, lookup, out)
        return out

    def write(self, brick: Brick, volume: Any, table: np.ndarray | None = None) -> None:
        """Write what `planes` gives into an array-like that holds zeros, unless there is nothing but zeros to write."""
        if self._lookup(brick, table).any():
            volume[brick.here] = self.planes(brick, table)

    def _lookup(self, brick: Brick, table: np.ndarray | None) -> np.ndarray:
        own = self.tables[brick.index]
        return own if table is None else table[own]


class _Found(NamedTuple):
    """The pieces of a brick, and their ids on its faces, (Y,X) and (Z,X) int32, empty at a face of the volume."""

    brick: Brick
    n: int
    facts: tuple[np.ndarray, np.ndarray, np.ndarray]
    bottom: np.ndarray
    top: np.ndarray
    front: np.ndarray
    back: np.ndarray


def _runs(source: Planes, connectivity: int, brick: Brick) -> Runs:
    """Labelled runs of a brick; a source that knows them (`runs`) is not asked for the image."""
    known = getattr(source, "runs", None)
    return run_kernel.label_runs(source(brick), connectivity == 26) if known is None else known(brick)


def _brick_facts(source: Planes, connectivity: int, shape: tuple[int, int, int], brick: Brick) -> _Found:
    runs = _runs(source, connectivity, brick)
    depth, height, _ = (int(n) for n in runs.shape)
    ends = brick.ends(shape)
    rows = (
        (0, 1, height),
        ((depth - 1) * height, 1, height),
        (0, height, depth),
        (height - 1, height, depth),
    )
    nothing = np.zeros((0, shape[2]), np.int32)  # meets a face of the volume
    faces = [nothing if end else run_kernel.face_of(runs, *row) for row, end in zip(rows, ends)]
    return _Found(brick.widened((0, 0), shape), runs.n, run_kernel.facts_of(runs, ends), *faces)


@dataclass
class _Pieces:
    """The pieces of all bricks, provisional ids from 1 on: voxels, first voxel in the volume, sides, and which meet."""

    sizes: list[np.ndarray]
    first: list[np.ndarray]
    sides: list[np.ndarray]
    pairs: list[np.ndarray]

    def united(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Component of each piece, by first voxel, from 1 on, (P,); voxels and sides of each component, (n + 1,)."""
        sizes, first, sides = (np.concatenate(column) for column in (self.sizes, self.first, self.sides))
        group = _grouped(np.concatenate([np.zeros((0, 2), np.int64), *self.pairs]), len(sizes))
        n = int(group.max())  # piece 0 is nothing, and a group of its own
        starts = np.full(n + 1, np.iinfo(np.int64).max)
        np.minimum.at(starts, group, first)
        number = np.empty(n + 1, np.int32 if n < 2**31 else np.int64)
        number[np.argsort(starts, kind="stable")] = np.arange(n + 1)
        final = number[group]
        total = np.bincount(final, weights=sizes, minlength=n + 1).astype(np.int64)
        reached = np.zeros(n + 1, np.uint8)
        np.bitwise_or.at(reached, final, sides)
        return final, total, reached


def _grouped(pairs: np.ndarray, n: int) -> np.ndarray:
    """Which of `n` pieces hang together by pairs (K,2) that meet: a number from 0 for each, (n,)."""
    if not len(pairs):  # a brick of its own: small crops are many, and each piece is a component
        return np.arange(n)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), np.uint8), pairs.T), shape=(n, n))
    return connected_components(graph, directed=False)[1]


class _Face(NamedTuple):
    """Ids on one side of a cut, 0 where there is nothing, and the number of pieces before those they count."""

    ids: np.ndarray
    before: int

    def met(self, other: "_Face", reach: int) -> np.ndarray:
        """Pairs (K,2) of pieces, counted over all bricks, that meet across the cut."""
        pairs = morphology.face_pairs(self.ids, other.ids, reach)
        return np.unique(pairs + np.array([self.before, other.before]), axis=0)


class _Cuts:
    """Which pieces meet across the cuts, as the bricks come in order. Holds two planes of int32."""

    def __init__(self, shape: tuple[int, int, int], reach: int) -> None:
        self.reach, self.pieces = reach, 0  # of the bricks so far
        self._plane = shape[1:]
        self._below: _Face | None = None  # the last plane of the layer below
        self._layer: _Face | None = None  # the same of this layer, as far as its bricks have come
        self._row: _Face | None = None  # the last row of the brick before in this layer

    def met(self, found: _Found) -> list[np.ndarray]:
        """Pairs (K,2) of pieces of this brick and of bricks before it that meet."""
        y0, y1, before = found.brick.y0, found.brick.y1, self.pieces
        pairs = []
        if y0 == 0:
            self._below, self._row = self._layer, None
            self._layer = _Face(np.zeros(self._plane, np.int32), before)
        if self._below is not None:
            a, b = max(0, y0 - self.reach), min(self._plane[0], y1 + self.reach)  # edges where four bricks meet
            bottom = _Face(np.pad(found.bottom, ((y0 - a, b - y1), (0, 0))), before)
            pairs.append(self._below._replace(ids=self._below.ids[a:b]).met(bottom, self.reach))
        if self._row is not None:
            pairs.append(self._row.met(_Face(found.front, before), self.reach))
        if self._layer is not None and len(found.top):
            self._layer.ids[y0:y1] = np.where(found.top, found.top + np.int32(before - self._layer.before), 0)
        self._row = _Face(found.back, before)
        self.pieces += found.n
        return pairs


def label(source: Planes, shape: tuple[int, int, int], connectivity: int, work: Work) -> Components:
    """Label the connected components of a 0/1 volume brick by brick.

    Parameters
    ----------
    source : callable
        `source(brick)` gives the voxels of a brick, (Z,Y,X) uint8.
    shape : tuple of int
        (Z,Y,X) of the volume.
    connectivity : {6, 26}
    work : Work

    Returns
    -------
    Components
    """
    nothing = np.zeros(1, np.int64)
    pieces = _Pieces([nothing], [nothing - 1], [np.zeros(1, np.uint8)], [])
    cuts = _Cuts(shape, 1 if connectivity == 26 else 0)
    counts, places = [], []
    for found in work.each(partial(_brick_facts, source, connectivity, shape)):
        size, start, side = found.facts
        counts.append(found.n)
        places.append((size, start))
        pieces.sizes.append(size[1:])
        pieces.first.append(found.brick.raster(start[1:], shape))
        pieces.sides.append(side[1:])
        pieces.pairs.extend(cuts.met(found))
    final, sizes, sides = pieces.united()
    ends = np.cumsum([1, *counts])
    tables = [np.concatenate([final[:1], final[a:b]]) for a, b in pairwise(ends)]
    return Components(source, connectivity, shape, len(sizes) - 1, sizes, sides, tables, places)


def _write_where(components: Components, table: np.ndarray, mask: Any, value: int, brick: Brick) -> int:
    """Set a 0/1 volume where `table` (n + 1,) bool says so; a brick without any such piece is not touched."""
    if not table[components.tables[brick.index]].any():
        return 0
    chosen = components.planes(brick, table)
    with changed(mask, brick) as held:
        if value:
            held |= chosen.view(np.uint8)
        else:
            held &= (~chosen).view(np.uint8)
    return int(np.count_nonzero(chosen))


def fill(mask: Any, work: Work, cut: bool = False) -> int:
    """Set every background piece (6-connected) that reaches no face of the volume to 1, in place.

    mask: (Z,Y,X) uint8 0/1 array-like. cut: pieces that reach one face only as well. Returns the voxels filled.
    """
    components = label(Background(mask), mask.shape, 6, work)
    enclosed = ~components.faces | (components.cut & cut)
    enclosed[0] = False
    if not enclosed.any():
        return 0
    return sum(work.quiet.each(partial(_write_where, components, enclosed, mask, 1)))


@dataclass(frozen=True)
class Specks:
    """Pieces that were too small, and their voxels."""

    pieces: int
    voxels: int


def drop_small(mask: Any, min_voxels: int, work: Work) -> Specks:
    """Set solid pieces (6-connected) of fewer than `min_voxels` voxels to 0, in place."""
    if min_voxels <= 1:
        return Specks(0, 0)
    components = label(Solid(mask), mask.shape, 6, work)
    small = components.sizes < min_voxels
    small[0] = False
    if small.any():
        sum(work.quiet.each(partial(_write_where, components, small, mask, 0)))
    return Specks(int(small.sum()), int(components.sizes[small].sum()))
