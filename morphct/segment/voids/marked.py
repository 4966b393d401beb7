"""Few voxels of a volume, told as runs of its bricks: a hundredth of what an image of them would take."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...kernels.labels import runs as run_kernel
from ...kernels.run_lists import Runs

CORNERS = True  # voids hang together by edges and corners too


@dataclass(frozen=True)
class Marked:
    """Marked voxels of a volume.

    Attributes
    ----------
    shape : tuple of int
        (Z,Y,X) of the volume.
    bricks : tuple of Brick
        How it is cut.
    parts : tuple of Runs or None
        By brick; None: it holds none.
    """

    shape: tuple[int, int, int]
    bricks: tuple[Brick, ...]
    parts: tuple[Runs | None, ...]

    @property
    def filled(self) -> np.ndarray:
        """(B,) bool, which bricks hold any."""
        return np.array([part is not None for part in self.parts], bool)

    @cached_property
    def _corners(self) -> np.ndarray:
        return np.array([(b.z0, b.z1, b.y0, b.y1) for b in self.bricks], np.int64).reshape(-1, 4)

    def runs(self, brick: Brick) -> Runs:
        """The runs of a brick of the volume's cut."""
        part = self.parts[brick.index]
        if part is not None:
            return part
        shape = len(range(*brick.here[0].indices(self.shape[0]))), len(range(*brick.here[1].indices(self.shape[1])))
        nothing = np.empty(0, np.int32)
        rows = np.zeros(shape[0] * shape[1] + 1, np.int64)
        return Runs(np.array([*shape, self.shape[2]]), rows, nothing, nothing, nothing, 0)

    def __call__(self, brick: Brick) -> np.ndarray:
        """A brick of any cut as 0/1 image, (Z,Y,X) uint8."""
        brick = brick.widened((0, 0), self.shape)
        image = self.painted(brick)
        return np.zeros((brick.depth, brick.height, self.shape[2]), np.uint8) if image is None else image

    def painted(self, outer: Brick, tables: Sequence[np.ndarray] | None = None) -> Any:
        """An image of any part of the volume, (Z,Y,X), None when it holds none.

        tables: by brick, what is written for the components of its runs; None: 1, uint8.
        """
        z0, z1, y0, y1 = self._corners.T
        near = (z0 < outer.z1) & (z1 > outer.z0) & (y0 < outer.y1) & (y1 > outer.y0)
        image = None
        for i in np.flatnonzero(near).tolist():
            part = self.parts[i]
            if part is None:
                continue
            table = np.ones(int(part.ids.max()) + 1, np.uint8) if tables is None else tables[i]
            if image is None:
                image = np.zeros((outer.depth, outer.height, self.shape[2]), table.dtype)
            run_kernel.paint_at(part, (int(z0[i]) - outer.z0, int(y0[i]) - outer.y0), table, image)
        return image


def joined(one: Runs | None, other: Runs | None) -> Runs | None:
    """The voxels of either of two runs of one brick."""
    if one is None or other is None:
        return one if other is None else other
    image = np.zeros(tuple(one.shape), np.uint8)
    for runs in (one, other):
        run_kernel.paint_at(runs, (0, 0), np.ones(int(runs.ids.max()) + 1, np.uint8), image)
    return run_kernel.label_runs(image, CORNERS)


def some(runs: Runs) -> Runs | None:
    """The same runs with their components, None when there are none."""
    return run_kernel.labelled(runs, CORNERS) if runs.starts.size else None
