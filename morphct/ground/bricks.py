"""Bricks: a volume cut along z and y; rows along x stay whole."""

from dataclasses import dataclass, replace
from typing import Any, TypeVar

ALL_ROWS = 2**31 - 1  # slices end where the volume does
Index = TypeVar("Index", int, Any)  # or an array of them


@dataclass(frozen=True)
class Brick:
    """Planes `z0` to `z1` and rows `y0` to `y1` (half-open) of a volume; `index` counts bricks from 0, y fastest."""

    index: int
    z0: int
    z1: int
    y0: int = 0
    y1: int = ALL_ROWS

    @property
    def depth(self) -> int:
        """Number of planes."""
        return self.z1 - self.z0

    @property
    def height(self) -> int:
        """Number of rows of a plane."""
        return self.y1 - self.y0

    @property
    def here(self) -> tuple[slice, slice]:
        """Where it lies: `volume[brick.here]` are its voxels."""
        return slice(self.z0, self.z1), slice(self.y0, self.y1)

    def widened(self, reach: tuple[int, int], shape: tuple[int, ...]) -> "Brick":
        """With a halo of so many planes and rows on either side, where a volume of `shape` (Z,Y,X) goes on."""
        (planes, rows), (depth, height) = reach, shape[:2]
        return replace(
            self,
            z0=max(0, self.z0 - planes),
            z1=min(depth, self.z1 + planes),
            y0=max(0, self.y0 - rows),
            y1=min(height, self.y1 + rows),
        )

    def ends(self, shape: tuple[int, ...]) -> tuple[bool, bool, bool, bool]:
        """Whether its first and last plane, first and last row are faces of a volume of `shape` (Z,Y,X)."""
        return self.z0 <= 0, self.z1 >= shape[0], self.y0 <= 0, self.y1 >= shape[1]

    def raster(self, index: "Index", shape: tuple[int, ...]) -> "Index":
        """Raster index in a volume of `shape` (Z,Y,X) of what has the raster index `index` in this brick."""
        _, rows, row = shape
        plane = (min(self.y1, rows) - self.y0) * row
        z = index // plane
        return ((self.z0 + z) * rows + self.y0) * row + (index - z * plane)

    def core(self, outer: "Brick") -> tuple[int, int, int, int]:
        """First and last (half-open) plane and row of this brick in the array that holds `outer`, for kernels."""
        return self.z0 - outer.z0, self.z1 - outer.z0, self.y0 - outer.y0, self.y1 - outer.y0

    def within(self, outer: "Brick") -> tuple[slice, slice]:
        """The same as slices: `array[brick.within(outer)]`, the array being `volume[outer.here]`."""
        z0, z1, y0, y1 = self.core(outer)
        return slice(z0, z1), slice(y0, y1)


def spans(length: int, most: int) -> list[tuple[int, int]]:
    """`length` cut into half-open ranges of at most `most`."""
    most = max(1, min(most, length))
    return [(a, min(length, a + most)) for a in range(0, length, most)]


def plan_bricks(shape: tuple[int, ...], planes: int, rows: int | None = None) -> list[Brick]:
    """Cut a volume of `shape` (Z,Y,X) into bricks of at most so many planes and rows (None: all of them)."""
    rows = shape[1] if rows is None else rows
    cuts = [(*z, *y) for z in spans(shape[0], planes) for y in spans(shape[1], rows)]
    return [Brick(i, *cut) for i, cut in enumerate(cuts)]


def plan_slabs(depth: int, planes: int) -> list[Brick]:
    """Cut `depth` planes into bricks of at most `planes` whole planes."""
    return [Brick(i, a, b) for i, (a, b) in enumerate(spans(depth, planes))]
