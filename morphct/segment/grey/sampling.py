"""A sample of a volume: bricks from a few layers of planes, so that settings can be chosen without reading it all."""

from dataclasses import dataclass
from typing import Any

import numpy as np

SAMPLE_LAYERS = 8
LAYER_PLANES = 16  # planes a layer, the edge of a noise block
WINDOW_VOXELS = 64  # voxels, edge of a brick in y and x where planes are larger than the budget
BUDGET_VOXELS = 8 << 20  # voxels of all cores together: enough for a histogram of millions of flat voxels
READ_BYTES = 64 << 20  # of whole planes read at one time

Range = tuple[int, int]


@dataclass(frozen=True)
class Brick:
    """A piece of a volume with a halo.

    Parameters
    ----------
    grey : (z, y, x) array
        Raw grey of core and halo.
    start : (z, y, x)
        Index in the volume of `grey[0, 0, 0]`.
    core : 3 slices
        The core within `grey`; what lies around it is halo, absent at the faces of the volume.
    """

    grey: np.ndarray
    start: tuple[int, int, int]
    core: tuple[slice, slice, slice]

    @property
    def inner(self) -> np.ndarray:
        """The core, without halo."""
        return self.grey[self.core]


def layer_ranges(depth: int) -> list[Range]:
    """Plane ranges of the sample: all planes of a volume of up to 128, else 8 layers of 16 spread evenly."""
    if depth <= SAMPLE_LAYERS * LAYER_PLANES:
        return [(0, depth)]
    starts = [int((i + 0.5) * depth / SAMPLE_LAYERS - LAYER_PLANES / 2) for i in range(SAMPLE_LAYERS)]
    return [(z, z + LAYER_PLANES) for z in starts]


def _window_ranges(length: int, windows: int) -> list[Range]:
    if length <= WINDOW_VOXELS * windows:
        return [(0, length)]
    starts = [int((i + 0.5) * length / windows - WINDOW_VOXELS / 2) for i in range(windows)]
    return [(a, a + WINDOW_VOXELS) for a in starts]


def plan_bricks(shape: tuple[int, int, int]) -> list[tuple[Range, Range, Range]]:
    """(z, y, x) ranges of the cores; whole planes while they fit the budget, else a grid of windows in each layer."""
    depth, ny, nx = shape
    layers = layer_ranges(depth)
    planes = sum(b - a for a, b in layers)
    if planes * ny * nx <= BUDGET_VOXELS:
        return [(layer, (0, ny), (0, nx)) for layer in layers]
    grid = max(2, int((BUDGET_VOXELS / planes) ** 0.5 / WINDOW_VOXELS))
    return [(z, y, x) for z in layers for y in _window_ranges(ny, grid) for x in _window_ranges(nx, grid)]


def read_bricks(volume: Any, halo: int) -> list[Brick]:
    """Read the sample of an array-like (Z, Y, X) volume, each core with `halo` voxels around it.

    Planes are read a few at a time and cut up, because files of whole planes would otherwise be decoded anew for every
    window.
    """
    shape: tuple[int, int, int] = tuple(int(n) for n in volume.shape)  # type: ignore[assignment]
    bricks: list[Brick] = []
    ranges = plan_bricks(shape)
    for layer in dict.fromkeys(z for z, _, _ in ranges):
        wide = _widen(layer, halo, shape[0])
        windows = [(y, x) for z, y, x in ranges if z == layer]
        boxes = [(_widen(y, halo, shape[1]), _widen(x, halo, shape[2])) for y, x in windows]
        for (y, x), (by, bx), grey in zip(windows, boxes, _read_windows(volume, wide, boxes)):
            core = tuple(slice(a - w[0], b - w[0]) for (a, b), w in zip((layer, y, x), (wide, by, bx)))
            bricks.append(Brick(grey, (wide[0], by[0], bx[0]), core))  # type: ignore[arg-type]
    return bricks


def _widen(part: Range, halo: int, length: int) -> Range:
    return max(0, part[0] - halo), min(length, part[1] + halo)


def _read_windows(volume: Any, planes: Range, boxes: list[tuple[Range, Range]]) -> list[np.ndarray]:
    _, ny, nx = volume.shape
    if len(boxes) == 1 and boxes[0] == ((0, ny), (0, nx)):
        return [np.asarray(volume[planes[0] : planes[1]])]
    step = max(1, READ_BYTES // (ny * nx * np.dtype(volume.dtype).itemsize))
    parts: list[list[np.ndarray]] = [[] for _ in boxes]
    for z in range(planes[0], planes[1], step):
        block = np.asarray(volume[z : min(z + step, planes[1])])
        for part, ((y0, y1), (x0, x1)) in zip(parts, boxes):
            part.append(block[:, y0:y1, x0:x1].copy())
    return [np.concatenate(p) for p in parts]
