"""The graph of basins: who touches whom, at what height, over how large an interface, and how concave its rim is.

One pass over bricks. All sums are whole numbers (areas in fixed point), so neither the cut nor the order changes a bit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.work import Work
from ...kernels.crofton import DIRECTIONS, pair_areas
from ...kernels.split import basin_sums, box_counts
from ...kernels.split import edges as kernel
from .basins import Basins, as_squares, as_whole
from .surroundings import Region, Surroundings, blocks

FIXED_POINT = 2**20
BOX_VOXELS = 2 * (2 * box_counts.PAD_VOXELS + 1) ** 3  # of the two boxes of a pair


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


def _meet(
    mask: Any, distance: Any, basins: Basins, lattice: Lattice, before: Any, brick: Brick
) -> tuple[tuple, tuple[np.ndarray, np.ndarray]]:
    """Pairs of basins in a brick, and the basins that have voxels in it (K,) with their sums there (K,COLUMNS).

    A pair of voxels counts in the brick of the first of the two. A task holds up to 8 bytes a voxel of the brick with a
    row and a plane around it, 10 where heights are float32, and its blocks.
    """
    brick, near = basins.bricks[brick.index], int(as_whole(np.array([lattice.near], distance.dtype))[0])
    around = Surroundings.of(mask, distance, basins, brick)
    unsealed = around.solid if before is None else Region.of(before, brick)
    table, names = kernel.empty_table(1 << 12), basins.meaning(brick.index)
    sums = np.zeros((len(names), basin_sums.COLUMNS), np.int64)
    for box in blocks(brick, mask.shape[2]):
        table = kernel.add_block(table, around.block(box, near), lattice.weights)
        labels, solid = (np.ascontiguousarray(region.part(box)) for region in (around.labels, unsealed))
        basin_sums.add_sums(labels, solid.view(np.uint8), (box.z0, box.y0), around.shape, sums)
    # chains that leave are many and lead to few basins
    return kernel.listed(table), basin_sums.by_basin(sums, names, basins.n)


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
        Of the bricks that the basins were found by.
    before : (Z,Y,X) uint8 0/1 array-like, optional
        The mask before sealing.
    """
    lattice = Lattice.of(edges)
    sums = np.zeros((basins.n, basin_sums.COLUMNS), np.int64)

    def parts() -> Iterable[tuple]:
        for part, (met, more) in work.each(partial(_meet, mask, distance, basins, lattice, before)):
            sums[met] += more  # each is met once in a brick
            yield part

    keys, saddles, areas, rims, boxes = _gathered(parts())
    end = int(np.searchsorted(keys, kernel.SURFACE))
    whole = as_whole(np.zeros(0, distance.dtype)).dtype
    surfaces = np.zeros(basins.n, np.int64)
    surfaces[keys[end:] - kernel.SURFACE] = areas[end:]
    return Graph(
        np.sqrt(basins.peaks.astype(np.float64)),
        sums[:, basin_sums.VOXELS].copy(),
        surfaces,
        sums[:, :9].copy(),
        np.stack([keys[:end] >> 32, keys[:end] & 0xFFFFFFFF], axis=1),
        np.sqrt(as_squares(saddles[:end].astype(whole)).astype(np.float64)),
        areas[:end],
        rims[:end],
        boxes[:end],
        float(np.prod(edges)) / FIXED_POINT,
        sums[:, basin_sums.FACE] > 0,
        sums[:, basin_sums.SEALED].copy(),
    )
