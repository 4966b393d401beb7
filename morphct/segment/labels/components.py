"""Connected components of a volume in slabs: labelling, filling enclosed background, dropping dust.

Each slab is labelled on its own; labels that meet across a cut are united; ids follow the first voxel in raster order,
so they do not depend on the cuts. Where ids are needed the pieces asked for are filled from their first voxels, or the
slab is labelled a second time: cheaper than a volume of ids.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.scratch import changed
from ...ground.work import Work
from ...kernels.labels import morphology
from ...kernels.labels import runs as run_kernel

FEW = {6: 0.003, 26: 0.001}  # share of a slab up to which filling pieces is faster than labelling, by connectivity
Planes = Callable[[int, int], np.ndarray]  # (z0, z1) -> (Z,Y,X) uint8 0/1


@dataclass(frozen=True)
class Solid:
    """Planes of a 0/1 volume as they are."""

    mask: Any

    def __call__(self, z0: int, z1: int) -> np.ndarray:
        return np.ascontiguousarray(self.mask[z0:z1]).view(np.uint8)


@dataclass(frozen=True)
class Background:
    """Planes of the complement of a 0/1 volume."""

    mask: Any

    def __call__(self, z0: int, z1: int) -> np.ndarray:
        return (np.asarray(self.mask[z0:z1]) == 0).view(np.uint8)


def dilated_planes(mask: Any, half: np.ndarray, z0: int, z1: int) -> np.ndarray:
    """Planes z0 to z1 of the dilation of a 0/1 volume (halo: half the first extent of `half`)."""
    reach = half.shape[0] // 2
    a, b = max(0, z0 - reach), min(mask.shape[0], z1 + reach)
    planes = np.ascontiguousarray(mask[a:b]).view(np.uint8)
    return morphology.dilate(planes, half, z0 - a, z1 - a)


@dataclass
class Components:
    """Components of a volume, ids 1..n in raster order of their first voxel.

    Attributes
    ----------
    plane : int
        Voxels of a plane of the volume.
    sizes : (n+1,) int64
        Voxels of each component; index 0 is not used.
    sides : (n+1,) uint8
        Bits of the faces of the volume it reaches: z, y, x, at the start and at the end of each.
    tables : list of (k+1,) int32
        What the pieces of each slab belong to.
    places : list of (k+1,) int64, (k+1,) int64
        Voxels of the pieces of each slab, and their first voxel in it.
    """

    source: Planes
    connectivity: int
    plane: int
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

    def planes(self, slab: Brick, table: np.ndarray | None = None) -> np.ndarray:
        """Component ids of a slab, or `table[id]`; (Z,Y,X)."""
        planes = self.source(slab.z0, slab.z1)
        lookup = self.tables[slab.index] if table is None else table[self.tables[slab.index]]
        if self._few(slab, lookup):
            out = np.zeros(planes.shape, lookup.dtype)
            self._fill(planes, slab, lookup, out)
            return out
        out = np.full(planes.shape, lookup[0])
        run_kernel.paint(run_kernel.label_runs(planes, self.connectivity == 26), 0, lookup, out)
        return out

    def write(self, slab: Brick, volume: Any, table: np.ndarray | None = None) -> None:
        """Write what `planes` gives into an array-like that holds zeros, unless there is nothing but zeros to write."""
        lookup = self.tables[slab.index] if table is None else table[self.tables[slab.index]]
        if lookup.any():
            with changed(volume, slab) as out:
                if self._few(slab, lookup):
                    self._fill(self.source(slab.z0, slab.z1), slab, lookup, out)
                else:
                    out[:] = self.planes(slab, table)

    def _few(self, slab: Brick, lookup: np.ndarray) -> bool:
        """Whether the voxels that get a number are so few that filling is faster than labelling."""
        asked, (sizes, _) = lookup != 0, self.places[slab.index]
        voxels = slab.depth * self.plane
        return not asked[0] and bool(sizes[asked].sum() < FEW[self.connectivity] * voxels)

    def _fill(self, planes: np.ndarray, slab: Brick, lookup: np.ndarray, out: np.ndarray) -> None:
        asked, (sizes, first) = lookup != 0, self.places[slab.index]
        if asked.any():
            corners, largest = self.connectivity == 26, sizes[asked].max()
            morphology.fill_pieces(planes, first[asked], lookup[asked], corners, largest, out)


def _slab_facts(source: Planes, connectivity: int, depth: int, slab: Brick) -> tuple:
    runs = run_kernel.label_runs(source(slab.z0, slab.z1), connectivity == 26)
    facts = run_kernel.facts_of(runs, slab.z0 == 0, slab.z1 == depth)
    ends = np.zeros((2, *runs.shape[1:]), np.int32)
    numbers = np.arange(runs.n + 1, dtype=np.int32)
    run_kernel.paint(runs, 0, numbers, ends[:1])
    run_kernel.paint(runs, slab.depth - 1, numbers, ends[1:])
    return slab, runs.n, facts, ends[0], ends[1]


@dataclass
class _Pieces:
    """The pieces of all slabs, provisional ids from 1 on: voxels, first voxel in the volume, sides, and which meet."""

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
    if not len(pairs):  # a slab of its own: small crops are many, and each piece is a component
        return np.arange(n)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), np.uint8), pairs.T), shape=(n, n))
    return connected_components(graph, directed=False)[1]


def label(source: Planes, shape: tuple[int, int, int], connectivity: int, work: Work) -> Components:
    """Label the connected components of a 0/1 volume slab by slab.

    Parameters
    ----------
    source : callable
        `source(z0, z1)` gives (Z,Y,X) uint8 planes.
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
    counts, places = [], []
    total, top_before, total_before, plane = 0, None, 0, shape[1] * shape[2]
    for slab, n, (size, start, side), bottom, top in work.each(partial(_slab_facts, source, connectivity, shape[0])):
        counts.append(n)
        places.append((size, start))
        pieces.sizes.append(size[1:])
        pieces.first.append(start[1:] + slab.z0 * plane)
        pieces.sides.append(side[1:])
        if top_before is not None:
            pairs = morphology.face_pairs(top_before, bottom, 1 if connectivity == 26 else 0)
            pieces.pairs.append(np.unique(pairs + np.array([total_before, total]), axis=0))
        top_before, total_before, total = top, total, total + n
    final, sizes, sides = pieces.united()
    ends = np.cumsum([1, *counts])
    tables = [np.concatenate([final[:1], final[a:b]]) for a, b in pairwise(ends)]
    return Components(source, connectivity, plane, len(sizes) - 1, sizes, sides, tables, places)


def _write_where(components: Components, table: np.ndarray, mask: Any, value: int, slab: Brick) -> int:
    chosen = components.planes(slab, table)
    planes = np.where(chosen, np.uint8(value), mask[slab.z0 : slab.z1])
    mask[slab.z0 : slab.z1] = planes
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
