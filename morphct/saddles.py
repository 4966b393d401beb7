"""The graph of basins: who touches whom, at what height, over how large an interface, and how concave its rim is.

One pass over slabs. All sums are whole numbers (areas in fixed point), so neither the cut nor the order changes a bit.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .basins import Basins
from .crofton import DIRECTIONS, pair_areas
from .executors import RunMap
from .kernels import edges as kernel
from .kernels.ascent import add_moments, read_basins
from .slabs import Slab, plan_slabs

Tick = Callable[[int], None] | None
FIXED_POINT = 2**20
BOX_VOXELS = 2 * (2 * kernel.PAD + 1) ** 3  # of the two boxes of a pair
BLOCK = 8  # planes a slab is read by: what is derived from them stays in the cache


@dataclass
class Graph:
    """Basins (N) and their interfaces (E).

    Attributes
    ----------
    peaks : (N,) float64
        Height of each peak, shortest voxel edges.
    sizes : (N,) int64
        Voxels.
    surfaces : (N,) int64
        Area towards background.
    moments : (N,9) int64
        Sums of z, y, x, zz, yy, xx, zy, zx, yx over the basin's voxels, their indices.
    pairs : (E,2) int64
        Basins that touch, the lower number first, in raster order of both.
    saddles : (E,) float64
        Largest over the touching voxels of the lower height of the two, shortest voxel edges.
    areas, rims : (E,) int64
        Area of the interface, and of the part of it that lies at the surface.
    boxes : (E,) int64
        Solid voxels in the boxes around the rim's voxels, weighted as `rims`.
        It is BOX_VOXELS times `rims` where all is solid.
    area_unit : float
        What areas are counted in, squares of the shortest voxel edge.
    cut : (N,) bool or None
        Which basins reach a face of the volume.
    sealed : (N,) int64 or None
        Their voxels that are solid only because a pocket was sealed.
    """

    peaks: np.ndarray
    sizes: np.ndarray
    surfaces: np.ndarray
    moments: np.ndarray
    pairs: np.ndarray
    saddles: np.ndarray
    areas: np.ndarray
    rims: np.ndarray
    boxes: np.ndarray
    area_unit: float
    cut: np.ndarray | None = None
    sealed: np.ndarray | None = None


@dataclass(frozen=True)
class Lattice:
    """What the voxel's shape decides: weights of pairs, and distances that tell the surface.

    The box at the rim is 7 voxels along every axis whatever their edges: how concave a digital surface looks is a
    matter of its voxels (a box of equal edges split phantoms with voxels of 3:1:1 at F1 .89 instead of .99).
    """

    weights: np.ndarray
    near: tuple[float, float]

    @classmethod
    def of(cls, edges: tuple[float, float, float]) -> "Lattice":
        """From the (z,y,x) voxel edges in units of the shortest one."""
        # only ratios of areas are looked at, so the voxel's volume is left out and the sums stay small
        areas = pair_areas(edges) / np.prod(edges)
        kinds = np.abs(DIRECTIONS) @ np.array([4, 2, 1])
        weights = np.zeros(8, np.int32)
        for kind in range(1, 8):
            weights[kind] = round(areas[kinds == kind][0] * FIXED_POINT)
        return cls(weights, (1.0, float(np.float32(max(edges) ** 2))))


def _padded(mask: Any, z0: int, z1: int) -> np.ndarray:
    """Planes z0 to z1 of the mask inside a border of PAD voxels, mirrored at the faces of the volume."""
    pad, depth = kernel.PAD, mask.shape[0]
    a, b = max(0, z0 - pad), min(depth, z1 + pad)
    planes = np.ascontiguousarray(mask[a:b]).view(np.uint8)
    missing = (pad - (z0 - a), pad - (b - z1))
    return np.pad(planes, (missing, (pad, pad), (pad, pad)), mode="symmetric")


def _basin_planes(basins: Basins, slab: Slab, z0: int, z1: int) -> np.ndarray:
    """Basins of planes z0 - 1 to z1 + 1 inside a border, OUTSIDE where the volume ends; z0 to z1 lie in `slab`."""
    depth, height, width = basins.labels.shape
    out = np.full((z1 - z0 + 2, height + 2, width + 2), kernel.OUTSIDE, np.int32)
    parts = [(z0, z1, slab.index)]
    if z0 > 0:
        parts.append((z0 - 1, z0, slab.index - (z0 == slab.z0)))
    if z1 < depth:
        parts.append((z1, z1 + 1, slab.index + (z1 == slab.z1)))
    for a, b, index in parts:
        read_basins(np.ascontiguousarray(basins.labels[a:b]), *basins.meaning(index), out[a - z0 + 1 : b - z0 + 1])
    return out


def _moments(basins: Basins, slab: Slab) -> tuple[np.ndarray, np.ndarray]:
    """Basins that have voxels in a slab, (K,), and their sums there, (K,9) int64."""
    first, exits = basins.meaning(slab.index)
    of_peaks = np.zeros((basins.firsts[slab.index + 1] - first, 9), np.int64)
    of_exits = np.zeros((len(exits), 9), np.int64)
    for part in plan_slabs(slab.depth, BLOCK):
        planes = np.ascontiguousarray(basins.labels[slab.z0 + part.z0 : slab.z0 + part.z1])
        add_moments(planes, slab.z0 + part.z0, of_peaks, of_exits)
    # chains that leave are many and lead to few basins
    met, place = np.unique(exits, return_inverse=True)
    sums = np.zeros((len(met), 9), np.int64)
    np.add.at(sums, place, of_exits)
    return np.concatenate([np.arange(first, first + len(of_peaks)), met]), np.concatenate([of_peaks, sums])


def _at_faces(planes: np.ndarray, first: bool, last: bool) -> np.ndarray:
    """Basins that reach a face of the volume, from planes as `_basin_planes` gives them."""
    own = planes[1:-1, 1:-1, 1:-1]
    faces = [own[:, 0], own[:, -1], own[:, :, 0], own[:, :, -1]]
    faces += [own[0]] if first else []
    faces += [own[-1]] if last else []
    found = np.concatenate([np.unique(face) for face in faces])
    return found[found >= 0]


def _sealed(planes: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Basins with voxels that were not solid before sealing, and how many; planes as for `_at_faces`."""
    own = planes[1:-1, 1:-1, 1:-1]
    return np.unique(own[(np.asarray(before) == 0) & (own >= 0)], return_counts=True)


def _meet(
    mask: Any, distance: Any, basins: Basins, lattice: Lattice, before: Any, slab: Slab
) -> tuple[Slab, tuple, tuple, list, list]:
    depth, height, width = mask.shape
    table, cut, sealed = kernel.empty_table(1 << 12), [], []
    for part in plan_slabs(slab.depth, BLOCK):
        z0, z1 = slab.z0 + part.z0, slab.z0 + part.z1
        end = min(z1 + 1, depth)
        solid = _padded(mask, z0, end)
        counts = np.empty((end - z0, height, width + 2 * kernel.PAD), np.uint8)
        kernel.count_boxes(solid, counts)
        heights = np.ascontiguousarray(distance[z0:end])
        planes = _basin_planes(basins, slab, z0, z1)
        block = kernel.Block(planes, heights, counts, solid, lattice.near)
        table = kernel.add_block(table, block, lattice.weights)
        cut.append(_at_faces(planes, z0 == 0, z1 == depth))
        if before is not None:
            sealed.append(_sealed(planes, before[z0:z1]))
    return slab, kernel.listed(table), _moments(basins, slab), cut, sealed


def _merged(parts: Sequence[tuple]) -> tuple:
    """One list of pairs out of several, sorted: the highest saddle and the sums of each pair."""
    keys, saddles, *sums = (np.concatenate(column) for column in zip(*parts))
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if keys.size else np.zeros(0, np.int64)
    if not keys.size:
        return keys, saddles, *sums
    return (
        keys[starts],
        np.maximum.reduceat(saddles[order], starts),
        *(np.add.reduceat(column[order], starts) for column in sums),
    )


def _gathered(parts: Iterable[tuple]) -> tuple:
    """All parts merged, now and then on the way so that they never pile up."""
    waiting: list[tuple] = []
    for part in parts:
        waiting.append(part)
        if sum(len(p[0]) for p in waiting[1:]) > max(1_000_000, len(waiting[0][0])):
            waiting = [_merged(waiting)]
    return _merged(waiting)


def find(
    mask: Any,
    distance: Any,
    basins: Basins,
    edges: tuple[float, float, float],
    run_map: RunMap = map,
    tick: Tick = None,
    before: Any = None,
) -> Graph:
    """The graph of basins of a volume.

    Parameters
    ----------
    mask : (Z,Y,X) uint8 0/1 array-like
    distance : (Z,Y,X) float32 array-like
        Squared distances in shortest voxel edges, 0 in background.
    basins : Basins
    edges : tuple of float
        (z,y,x) voxel edges in units of the shortest one.
    before : (Z,Y,X) uint8 0/1 array-like, optional
        The mask before sealing.
    """
    lattice = Lattice.of(edges)
    moments, cut = np.zeros((basins.n, 9), np.int64), np.zeros(basins.n, bool)
    sealed = np.zeros(basins.n, np.int64)

    def parts() -> Iterable[tuple]:
        work = partial(_meet, mask, distance, basins, lattice, before)
        for slab, part, (met, sums), at_faces, in_pockets in run_map(work, basins.slabs):
            np.add.at(moments, met, sums)
            for found in at_faces:
                cut[found] = True
            for found, count in in_pockets:
                sealed[found] += count
            if tick:
                tick(slab.depth)
            yield part

    keys, saddles, areas, rims, boxes = _gathered(parts())
    end = int(np.searchsorted(keys, kernel.SURFACE))
    surfaces = np.zeros(basins.n, np.int64)
    surfaces[keys[end:] - kernel.SURFACE] = areas[end:]
    return Graph(
        np.sqrt(basins.peaks.astype(np.float64)),
        basins.sizes,
        surfaces,
        moments,
        np.stack([keys[:end] >> 32, keys[:end] & 0xFFFFFFFF], axis=1),
        np.sqrt(saddles[:end].astype(np.float64)),
        areas[:end],
        rims[:end],
        boxes[:end],
        float(np.prod(edges)) / FIXED_POINT,
        cut,
        sealed,
    )
