"""A brick of the graph and what lies around it: basins, heights and mask, read once and cut into blocks for the cache.

A voxel's pairs are with 13 neighbours that come after it, of which some lie in the row before it; its box at the rim
reaches further, and so does that of each neighbour. What is seen beyond the faces of the volume is the mask mirrored.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ground.bricks import Brick, plan_bricks
from ...kernels.split import box_counts
from ...kernels.split import edges as kernel
from ...kernels.split.ascent import read_basins
from .basins import Basins, as_whole

PAD = box_counts.PAD_VOXELS
BLOCK_PLANES = 8  # a brick is worked on by blocks: what is derived from their voxels stays in the cache
BLOCK_VOXELS = 8 * 256 * 256


@dataclass(frozen=True)
class Region:
    """Some planes and rows of an array-like, held in memory: `box` says which, `values` are (Z,Y,X)."""

    box: Brick
    values: np.ndarray

    @classmethod
    def of(cls, volume: Any, box: Brick) -> "Region":
        """Of a volume."""
        return cls(box, np.ascontiguousarray(volume[box.here]))

    def part(self, box: Brick) -> np.ndarray:
        """The planes and rows of `box`, a view."""
        return self.values[box.within(self.box)]


def ahead(box: Brick, shape: tuple[int, ...]) -> Brick:
    """A box with all that comes after its voxels: a plane more, and a row on either side."""
    wide = box.widened((1, 1), shape)
    return Brick(box.index, box.z0, wide.z1, wide.y0, wide.y1)


def blocks(brick: Brick, width: int) -> Iterator[Brick]:
    """Boxes that a brick of rows of `width` voxels is cut into."""
    rows = max(1, BLOCK_VOXELS // (BLOCK_PLANES * width))
    for part in plan_bricks((brick.depth, brick.height, width), BLOCK_PLANES, rows):
        yield Brick(brick.index, brick.z0 + part.z0, brick.z0 + part.z1, brick.y0 + part.y0, brick.y0 + part.y1)


@dataclass(frozen=True)
class Surroundings:
    """A brick with what lies around it.

    Attributes
    ----------
    shape : tuple of int
        (Z,Y,X) of the volume.
    basins : Basins
    labels, heights, solid : Region
        The brick's own numbers and those of bricks beside it, squared heights, and the mask; uint8 0/1 the last.
    """

    shape: tuple[int, int, int]
    basins: Basins
    labels: Region
    heights: Region
    solid: Region

    @classmethod
    def of(cls, mask: Any, distance: Any, basins: Basins, brick: Brick) -> "Surroundings":
        """Of a brick; holds 7 bytes a voxel, 9 where heights are float32."""
        outer = ahead(brick, mask.shape)
        solid = Region.of(mask, outer.widened((PAD, PAD), mask.shape))
        return cls(
            tuple(mask.shape),
            basins,
            Region.of(basins.labels, outer),
            Region.of(distance, outer),
            Region(solid.box, solid.values.view(np.uint8)),
        )

    def block(self, box: Brick, near: int) -> kernel.Block:
        """What the kernel wants to know of a part of the brick; 16 bytes a voxel of it."""
        counted = ahead(box, self.shape)
        solid = padded(self.solid, counted, self.shape)
        extent = (box.depth + 2, box.height + 2, self.shape[2] + 2)
        first = counted.y0 - (box.y0 - 1)
        boxes = np.empty(extent, np.uint16)
        box_counts.count_boxes(solid, first, boxes)
        heights = np.empty(extent, self.heights.values.dtype)
        heights[1 : counted.depth + 1, first : first + counted.height, 1:-1] = self.heights.part(counted)
        return kernel.Block(self._empty(box), self._basins(box, counted), as_whole(heights), boxes, near)

    def _empty(self, box: Brick) -> np.ndarray:
        """1 in background, 0 in solid and beyond the faces of the volume."""
        wide = box.widened((1, 1), self.shape)
        out = np.zeros((box.depth + 2, box.height + 2, self.shape[2] + 2), np.uint8)
        z, y = wide.z0 - box.z0 + 1, wide.y0 - box.y0 + 1
        np.equal(self.solid.part(wide), 0, out=out[z : z + wide.depth, y : y + wide.height, 1:-1].view(bool))
        return out

    def _basins(self, box: Brick, counted: Brick) -> np.ndarray:
        """Basins inside a border of one voxel, of the box `counted`; OUTSIDE where the volume ends."""
        brick = self.basins.bricks[box.index]
        out = np.empty((box.depth + 2, box.height + 2, self.shape[2] + 2), np.int32)
        out[:, :, (0, -1)] = kernel.OUTSIDE
        if box.y0 == counted.y0:
            out[:, 0] = kernel.OUTSIDE
        if box.y1 == counted.y1:
            out[:, -1] = kernel.OUTSIDE
        if box.z1 == counted.z1:
            out[-1] = kernel.OUTSIDE
        for planes, (z0, z1) in ((0, (counted.z0, brick.z1)), (1, (brick.z1, counted.z1))):
            for rows, (y0, y1) in (
                (-1, (counted.y0, brick.y0)),
                (0, (brick.y0, brick.y1)),
                (1, (brick.y1, counted.y1)),
            ):
                part = Brick(0, max(z0, counted.z0), min(z1, counted.z1), max(y0, counted.y0), min(y1, counted.y1))
                if part.depth > 0 and part.height > 0:
                    names = self.basins.meaning(self.basins.beside(brick, planes, rows).index)
                    place = part.widened((0, 0), self.shape)
                    z, y = place.z0 - box.z0 + 1, place.y0 - box.y0 + 1
                    target = out[z : z + place.depth, y : y + place.height, 1:-1]
                    read_basins(self.labels.part(place), names, target)
        return out


def padded(solid: Region, box: Brick, shape: tuple[int, ...]) -> np.ndarray:
    """A box of the mask inside a border of PAD voxels, mirrored at the faces of the volume."""
    wide = box.widened((PAD, PAD), shape)
    own = solid.part(wide)
    z, y = PAD - (box.z0 - wide.z0), PAD - (box.y0 - wide.y0)  # what the volume lacks before it
    missing = (z, PAD - (wide.z1 - box.z1)), (y, PAD - (wide.y1 - box.y1)), (PAD, PAD)
    if any(n < max(gaps) for n, gaps in zip(own.shape, missing)):  # mirrored more than once
        return np.pad(own, missing, mode="symmetric")
    depth, height, width = own.shape
    out = np.empty([n + sum(gaps) for n, gaps in zip(own.shape, missing)], np.uint8)
    inside = out[z : z + depth]
    inside[:, y : y + height, PAD : PAD + width] = own
    for k in range(PAD):
        inside[:, y : y + height, (PAD - 1 - k, PAD + width + k)] = own[:, :, (k, width - 1 - k)]
    for k in range(y):
        inside[:, y - 1 - k] = inside[:, y + k]
    for k in range(missing[1][1]):
        inside[:, y + height + k] = inside[:, y + height - 1 - k]
    for k in range(z):
        out[z - 1 - k] = inside[k]
    for k in range(missing[0][1]):
        out[z + depth + k] = inside[depth - 1 - k]
    return out
