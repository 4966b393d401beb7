"""Connected components of a volume in slabs: labelling, filling enclosed background, dropping dust.

Each slab is labelled on its own; labels that meet across a cut are united; ids follow the first voxel in raster order,
so they do not depend on the cuts. Where ids are needed the pieces asked for are filled from their first voxels, or the
slab is labelled a second time: cheaper than a volume of ids.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ...ground.executors import RunMap
from ...ground.scratch import changed
from ...ground.slabs import Slab
from ...kernels.labels import morphology
from ...kernels.labels import runs as run_kernel

FEW = {6: 0.003, 26: 0.001}  # share of a slab up to which filling pieces is faster than labelling, by connectivity
Tick = Callable[[int], None] | None
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


@dataclass(frozen=True)
class Uncovered:
    """Planes of the background that lies farther than a ball's radius from the mask; they are left in `kept`."""

    mask: Any
    half: np.ndarray
    kept: Any

    def __call__(self, z0: int, z1: int) -> np.ndarray:
        planes = 1 - dilated_planes(self.mask, self.half, z0, z1)
        self.kept[z0:z1] = planes
        return planes


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

    def planes(self, slab: Slab, table: np.ndarray | None = None) -> np.ndarray:
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

    def write(self, slab: Slab, volume: Any, table: np.ndarray | None = None) -> None:
        """Write what `planes` gives into an array-like that holds zeros, unless there is nothing but zeros to write."""
        lookup = self.tables[slab.index] if table is None else table[self.tables[slab.index]]
        if lookup.any():
            with changed(volume, slab.z0, slab.z1) as out:
                if self._few(slab, lookup):
                    self._fill(self.source(slab.z0, slab.z1), slab, lookup, out)
                else:
                    out[:] = self.planes(slab, table)

    def _few(self, slab: Slab, lookup: np.ndarray) -> bool:
        """Whether the voxels that get a number are so few that filling is faster than labelling."""
        asked, (sizes, _) = lookup != 0, self.places[slab.index]
        voxels = slab.depth * self.plane
        return not asked[0] and bool(sizes[asked].sum() < FEW[self.connectivity] * voxels)

    def _fill(self, planes: np.ndarray, slab: Slab, lookup: np.ndarray, out: np.ndarray) -> None:
        asked, (sizes, first) = lookup != 0, self.places[slab.index]
        if asked.any():
            corners, largest = self.connectivity == 26, sizes[asked].max()
            morphology.fill_pieces(planes, first[asked], lookup[asked], corners, largest, out)


def _slab_facts(source: Planes, connectivity: int, depth: int, slab: Slab) -> tuple:
    runs = run_kernel.label_runs(source(slab.z0, slab.z1), connectivity == 26)
    facts = run_kernel.facts_of(runs, slab.z0 == 0, slab.z1 == depth)
    ends = np.zeros((2, *runs.shape[1:]), np.int32)
    numbers = np.arange(runs.n + 1, dtype=np.int32)
    run_kernel.paint(runs, 0, numbers, ends[:1])
    run_kernel.paint(runs, slab.depth - 1, numbers, ends[1:])
    return slab, runs.n, facts, ends[0], ends[1]


class _Union:
    """Union-find over provisional ids, the smaller id the root."""

    def __init__(self) -> None:
        self.parent = np.zeros(1, np.int64)

    def grow(self, n: int) -> None:
        start = len(self.parent)
        self.parent = np.concatenate([self.parent, np.arange(start, start + n)])

    def unite(self, pairs: np.ndarray) -> None:
        parent = self.parent
        for a, b in pairs.tolist():
            while parent[a] != a:
                parent[a] = parent[parent[a]]
                a = int(parent[a])
            while parent[b] != b:
                parent[b] = parent[parent[b]]
                b = int(parent[b])
            if a != b:
                parent[max(a, b)] = min(a, b)

    def roots(self) -> np.ndarray:
        parent = self.parent
        while True:
            up = parent[parent]
            if np.array_equal(up, parent):
                return parent
            parent = up


def label(
    source: Planes,
    shape: tuple[int, int, int],
    connectivity: int,
    slabs: Sequence[Slab],
    run_map: RunMap = map,
    tick: Tick = None,
) -> Components:
    """Label the connected components of a 0/1 volume slab by slab.

    Parameters
    ----------
    source : callable
        `source(z0, z1)` gives (Z,Y,X) uint8 planes.
    shape : tuple of int
        (Z,Y,X) of the volume.
    connectivity : {6, 26}
    slabs : sequence of Slab

    Returns
    -------
    Components
    """
    union, tables, places, sizes, first, faces = (
        _Union(),
        [],
        [],
        [np.zeros(1, np.int64)],
        [np.zeros(1, np.int64)],
        [np.zeros(1, np.uint8)],
    )
    total, last_plane = 0, None
    plane = shape[1] * shape[2]
    for slab, n, (size, start, face), bottom, top in run_map(
        partial(_slab_facts, source, connectivity, shape[0]), slabs
    ):
        offset = total
        total += n
        union.grow(n)
        tables.append(np.concatenate([[0], np.arange(1, n + 1) + offset]))
        places.append((size, start))
        sizes.append(size[1:])
        first.append(start[1:] + slab.z0 * plane)
        faces.append(face[1:])
        if last_plane is not None:
            pairs = morphology.face_pairs(last_plane[0], bottom, 1 if connectivity == 26 else 0)
            union.unite(np.unique(pairs + np.array([last_plane[1], offset]), axis=0))
        last_plane = (top, offset)
        if tick:
            tick(slab.depth)
    found = _compact(
        source, connectivity, plane, union.roots(), tables, *(np.concatenate(a) for a in (sizes, first, faces))
    )
    found.places = places
    return found


def _compact(
    source: Planes,
    connectivity: int,
    plane: int,
    roots: np.ndarray,
    tables: list[np.ndarray],
    sizes: np.ndarray,
    first: np.ndarray,
    faces: np.ndarray,
) -> Components:
    """Number the united components by their first voxel."""
    starts = np.full(len(roots), np.iinfo(np.int64).max)
    np.minimum.at(starts, roots, first)
    kept = np.flatnonzero(roots == np.arange(len(roots)))[1:]
    order = kept[np.argsort(starts[kept], kind="stable")]
    final = np.zeros(len(roots), np.int32 if len(order) < 2**31 else np.int64)
    final[order] = np.arange(1, len(order) + 1)
    final = final[roots]
    n = len(order)
    total = np.bincount(final, weights=sizes, minlength=n + 1).astype(np.int64)
    reached = np.zeros(n + 1, np.uint8)
    np.bitwise_or.at(reached, final, faces)
    total[0], reached[0] = 0, 0
    return Components(source, connectivity, plane, n, total, reached, [final[t] for t in tables])


def _write_where(components: Components, table: np.ndarray, mask: Any, value: int, slab: Slab) -> int:
    chosen = components.planes(slab, table)
    planes = np.where(chosen, np.uint8(value), mask[slab.z0 : slab.z1])
    mask[slab.z0 : slab.z1] = planes
    return int(np.count_nonzero(chosen))


def fill(mask: Any, slabs: Sequence[Slab], run_map: RunMap = map, tick: Tick = None, cut: bool = False) -> int:
    """Set every background piece (6-connected) that reaches no face of the volume to 1, in place.

    mask: (Z,Y,X) uint8 0/1 array-like. cut: pieces that reach one face only as well. Returns the voxels filled.
    """
    components = label(Background(mask), mask.shape, 6, slabs, run_map, tick)
    enclosed = ~components.faces | (components.cut & cut)
    enclosed[0] = False
    if not enclosed.any():
        return 0
    return sum(run_map(partial(_write_where, components, enclosed, mask, 1), slabs))


def drop_small(
    mask: Any, min_voxels: int, slabs: Sequence[Slab], run_map: RunMap = map, tick: Tick = None
) -> tuple[int, int]:
    """Set solid pieces (6-connected) of fewer than `min_voxels` voxels to 0, in place; returns how many, and voxels."""
    if min_voxels <= 1:
        return 0, 0
    components = label(Solid(mask), mask.shape, 6, slabs, run_map, tick)
    small = components.sizes < min_voxels
    small[0] = False
    if small.any():
        sum(run_map(partial(_write_where, components, small, mask, 0), slabs))
    return int(small.sum()), int(components.sizes[small].sum())
