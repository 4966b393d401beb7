"""The graph of basins: who touches whom, at what height, over how large an interface, and how concave its rim is.

One pass over slabs. All sums are whole numbers (areas in fixed point), so neither the cut nor the order changes a bit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick, plan_slabs
from ...ground.work import Work
from ...kernels.crofton import DIRECTIONS, pair_areas
from ...kernels.split import box_counts
from ...kernels.split import edges as kernel
from ...kernels.split.ascent import add_sums, by_basin, read_basins
from .basins import Basins, as_squares, as_whole

FIXED_POINT = 2**20
BOX_VOXELS = 2 * (2 * box_counts.PAD_VOXELS + 1) ** 3  # of the two boxes of a pair
BLOCK_PLANES = 8  # planes a slab is read by: what is derived from them stays in the cache


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
    """What the voxel's shape decides: weights of pairs, and how high a voxel at the surface may be (squared).

    The box at the rim is 7 voxels along every axis whatever their edges: how concave a digital surface looks is a
    matter of its voxels (a box of equal edges split phantoms with voxels of 3:1:1 at F1 .89 instead of .99).
    """

    weights: np.ndarray
    near: float

    @classmethod
    def of(cls, edges: tuple[float, float, float]) -> "Lattice":
        """From the (z,y,x) voxel edges in units of the shortest one."""
        # only ratios of areas are looked at, so the voxel's volume is left out and the sums stay small
        areas = pair_areas(edges) / np.prod(edges)
        kinds = np.abs(DIRECTIONS) @ np.array([4, 2, 1])
        weights = np.zeros(8, np.int32)
        for kind in range(1, 8):
            weights[kind] = round(areas[kinds == kind][0] * FIXED_POINT)
        return cls(weights, float(np.float32(max(edges) ** 2)))


def _padded(mask: Any, z0: int, z1: int) -> np.ndarray:
    """Planes z0 to z1 of the mask inside a border of PAD voxels, mirrored at the faces of the volume."""
    pad, depth = box_counts.PAD_VOXELS, mask.shape[0]
    a, b = max(0, z0 - pad), min(depth, z1 + pad)
    planes = np.asarray(mask[a:b]).view(np.uint8)
    before, after = pad - (z0 - a), pad - (b - z1)
    if min(planes.shape) < pad:  # mirrored more than once
        return np.pad(planes, ((before, after), (pad, pad), (pad, pad)), mode="symmetric")
    depth, height, width = planes.shape
    out = np.empty((depth + before + after, height + 2 * pad, width + 2 * pad), np.uint8)
    own = out[before : before + depth]
    own[:, pad : pad + height, pad : pad + width] = planes
    for k in range(pad):
        own[:, pad : pad + height, (pad - 1 - k, pad + width + k)] = planes[:, :, (k, width - 1 - k)]
    for k in range(pad):
        own[:, (pad - 1 - k, pad + height + k)] = own[:, (pad + k, pad + height - 1 - k)]
    for k in range(before):
        out[before - 1 - k] = own[k]
    for k in range(after):
        out[before + depth + k] = own[depth - 1 - k]
    return out


def _basin_planes(basins: Basins, slab: Brick, z0: int, z1: int) -> np.ndarray:
    """Basins of planes z0 - 1 to z1 + 1 inside a border, OUTSIDE where the volume ends; z0 to z1 lie in `slab`."""
    depth, height, width = basins.labels.shape
    out = np.empty((z1 - z0 + 2, height + 2, width + 2), np.int32)
    out[:, (0, -1)] = kernel.OUTSIDE
    out[:, :, (0, -1)] = kernel.OUTSIDE
    if z0 == 0:
        out[0] = kernel.OUTSIDE
    if z1 == depth:
        out[-1] = kernel.OUTSIDE
    parts = [(z0, z1, slab.index)]
    if z0 > 0:
        parts.append((z0 - 1, z0, slab.index - (z0 == slab.z0)))
    if z1 < depth:
        parts.append((z1, z1 + 1, slab.index + (z1 == slab.z1)))
    for a, b, index in parts:
        read_basins(np.ascontiguousarray(basins.labels[a:b]), *basins.meaning(index), out[a - z0 + 1 : b - z0 + 1])
    return out


def _height_planes(distance: Any, z0: int, z1: int, end: int) -> np.ndarray:
    """Heights as whole numbers where `_basin_planes` has basins, from plane z0 to `end`."""
    _, height, width = distance.shape
    heights = np.empty((z1 - z0 + 2, height + 2, width + 2), distance.dtype)
    heights[1 : end - z0 + 1, 1:-1, 1:-1] = distance[z0:end]
    return as_whole(heights)


def _sums(basins: Basins, before: Any, slab: Brick) -> tuple[np.ndarray, np.ndarray]:
    """Basins that have voxels in a slab, (K,), and their sums there, (K,11) int64 as of `add_sums`."""
    first, exits = basins.meaning(slab.index)
    of_peaks = np.zeros((basins.firsts[slab.index + 1] - first, 11), np.int64)
    of_exits = np.zeros((len(exits), 11), np.int64)
    for part in plan_slabs(slab.depth, BLOCK_PLANES):
        z0, z1 = slab.z0 + part.z0, slab.z0 + part.z1
        planes = np.ascontiguousarray(basins.labels[z0:z1])
        unsealed = np.ascontiguousarray(before[z0:z1]).view(np.uint8)
        add_sums(planes, unsealed, z0, basins.labels.shape[0], of_peaks, of_exits)
    # chains that leave are many and lead to few basins
    return by_basin(of_peaks, of_exits, first, exits, basins.n)


def _meet(mask: Any, distance: Any, basins: Basins, lattice: Lattice, before: Any, slab: Brick) -> tuple[tuple, tuple]:
    depth, near = mask.shape[0], int(as_whole(np.array([lattice.near], distance.dtype))[0])
    table = kernel.empty_table(1 << 12)
    for part in plan_slabs(slab.depth, BLOCK_PLANES):
        z0, z1 = slab.z0 + part.z0, slab.z0 + part.z1
        end = min(z1 + 1, depth)
        planes = _basin_planes(basins, slab, z0, z1)
        boxes = np.empty(planes.shape, np.uint16)
        box_counts.count_boxes(_padded(mask, z0, end), boxes)
        block = kernel.Block(planes, _height_planes(distance, z0, z1, end), boxes, near)
        table = kernel.add_block(table, block, lattice.weights)
    return kernel.listed(table), _sums(basins, mask if before is None else before, slab)


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


def build_graph(
    mask: Any,
    distance: Any,
    basins: Basins,
    edges: tuple[float, float, float],
    work: Work,
    before: Any = None,
) -> Graph:
    """The graph of basins of a volume.

    Parameters
    ----------
    mask : (Z,Y,X) uint8 0/1 array-like
    distance : (Z,Y,X) uint16 or float32 array-like
        Squared distances in shortest voxel edges, 0 in background.
    basins : Basins
    edges : tuple of float
        (z,y,x) voxel edges in units of the shortest one.
    work : Work
        Of the slabs that the basins were found by.
    before : (Z,Y,X) uint8 0/1 array-like, optional
        The mask before sealing.
    """
    lattice = Lattice.of(edges)
    sums = np.zeros((basins.n, 11), np.int64)

    def parts() -> Iterable[tuple]:
        for part, (met, more) in work.each(partial(_meet, mask, distance, basins, lattice, before)):
            sums[met] += more  # each is met once in a slab
            yield part

    keys, saddles, areas, rims, boxes = _gathered(parts())
    end = int(np.searchsorted(keys, kernel.SURFACE))
    whole = as_whole(np.zeros(0, distance.dtype)).dtype
    surfaces = np.zeros(basins.n, np.int64)
    surfaces[keys[end:] - kernel.SURFACE] = areas[end:]
    return Graph(
        np.sqrt(basins.peaks.astype(np.float64)),
        basins.sizes,
        surfaces,
        sums[:, :9].copy(),
        np.stack([keys[:end] >> 32, keys[:end] & 0xFFFFFFFF], axis=1),
        np.sqrt(as_squares(saddles[:end].astype(whole)).astype(np.float64)),
        areas[:end],
        rims[:end],
        boxes[:end],
        float(np.prod(edges)) / FIXED_POINT,
        sums[:, 10] > 0,
        sums[:, 9].copy(),
    )
