"""Exact Euclidean distance of every solid voxel to the background, squared, axis by axis.

The faces of the volume are not background: a particle cut by a face is not pushed away from it.

A pass along z or y needs whole columns of a few rows or planes, and of a part of their width where these are too large;
a pass along x needs rows, which no brick cuts. So a task holds no more voxels than a brick, whatever the volume.

Where the squares of the voxel edges are whole numbers (cubes, 3:1:1) and no distance reaches 256 shortest edges, 16
bits hold it; otherwise float32.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise
from math import lcm
from typing import Any

import numpy as np

from ...ground.bricks import Brick, spans
from ...ground.plane_file import PlaneFile
from ...ground.work import Work
from ...kernels.split import distance as kernel
from ...kernels.split import whole_distance as whole_kernel

LANE_VOXELS = 256  # columns that a kernel works on together, or a multiple: no answer hangs on where a box is cut
Z, Y, X = range(3)
Box = tuple[slice, slice, slice]


def relative_edges(spacing: tuple[float, float, float]) -> tuple[float, float, float]:
    """(z,y,x) voxel edges in units of the shortest one."""
    shortest = min(spacing)
    return (spacing[0] / shortest, spacing[1] / shortest, spacing[2] / shortest)


def column_boxes(volumes: Sequence[Any], axis: int, most: int) -> list[Box]:
    """Boxes of whole columns along z or y, of about `most` voxels, or of the fewest that pay.

    They hold whole chunks of the volumes where `most` allows, so that each is read and written once; but at
    least LANE_VOXELS columns, and a multiple of that.
    """
    shape, across = volumes[0].shape, Y if axis == Z else Z
    chunks = [c for v in volumes if (c := getattr(v, "chunks", None)) is not None]
    rows, lane = (lcm(*(int(c[across]) for c in chunks)), lcm(LANE_VOXELS, *(int(c[X]) for c in chunks)))
    if any(isinstance(v, PlaneFile) for v in volumes):  # written in whole rows
        lane = shape[X]
    rows, lane = min(rows, shape[across]), min(lane, shape[X])
    if shape[axis] * rows * lane > most:
        width, rows = lane, max(1, most // (shape[axis] * lane))
    else:
        width = min(shape[X], most // (shape[axis] * rows * lane) * lane)
        rows *= max(1, most // (shape[axis] * rows * width))
    cuts = [slice(*s) for s in spans(shape[across], rows)]
    whole, widths = slice(0, shape[axis]), [slice(*s) for s in spans(shape[X], width)]
    return [(whole, cut, x) if axis == Z else (cut, whole, x) for cut in cuts for x in widths]


def _columns(task: Callable[[Box], Any], volumes: Sequence[Any], axis: int, work: Work) -> list[Any]:
    """What a task gives for boxes of columns of a brick's size; progress hears of the depth of the volume."""
    shape = volumes[0].shape
    boxes = column_boxes(volumes, axis, _largest_brick(work, shape))
    done = [n * shape[Z] // int(np.prod(shape)) for n in accumulate(map(_voxels, boxes), initial=0)]
    return list(work.over(task, boxes, [b - a for a, b in pairwise(done)]))


def _largest_brick(work: Work, shape: tuple[int, ...]) -> int:
    """Voxels of the largest brick."""
    clipped = (brick.widened((0, 0), shape) for brick in work.bricks)
    return max((brick.depth * brick.height * shape[X] for brick in clipped), default=1)


def _voxels(box: Box) -> int:
    return int(np.prod([part.stop - part.start for part in box]))


# ---------------------------------------------------------------- float32


def _of_rows(mask: np.ndarray, edge: float) -> np.ndarray:
    """Squared distance within each row of (Z,Y,X) uint8, float32."""
    solid, squared = np.ascontiguousarray(mask).view(np.uint8), np.empty(mask.shape, np.float32)
    for plane, target in zip(solid, squared):
        kernel.rows(plane, kernel.step_table(edge, mask.shape[X] + 1), target)
    return squared


def _rows(mask: Any, out: Any, edge: float, brick: Brick) -> None:
    out[brick.here] = _of_rows(mask[brick.here], edge)


def _along_y(mask: Any, out: Any, edges: tuple[float, float, float], box: Box) -> None:
    """Planes, or columns along y of rows that are done in `out`: those of a part of the width only."""
    nx = mask.shape[X]
    if box[X] == slice(0, nx):
        squared = _of_rows(mask[box], edges[X])
    else:
        squared = np.array(out[box], np.float32)
    for plane in squared:
        kernel.columns(plane, kernel.step_table(edges[Y], squared.shape[Y] + 1), edges[Y])
    out[box] = squared


def _along_z(out: Any, edge: float, far: np.float32, box: Box) -> None:
    squared = np.asarray(out[box]).transpose(1, 0, 2).copy()
    kernel.strips(squared, kernel.step_table(edge, squared.shape[1] + 1), edge, far)
    out[box] = squared.transpose(1, 0, 2)


def squared_distance(
    mask: Any,
    spacing: tuple[float, float, float],
    out: Any,
    work: Work,
) -> None:
    """Squared distance to the nearest background voxel centre, in shortest voxel edges.

    Rows first, then columns along y, then along z, whole ones; so the result is exact and does not depend on how the
    volume is cut. A task holds up to 10 bytes a voxel of its box.

    Parameters
    ----------
    mask : (Z,Y,X) uint8 0/1 array-like
    spacing : tuple of float
        (z,y,x) voxel edges, any unit.
    out : (Z,Y,X) float32 array-like
        Written; 0 in background, whole numbers where the voxel is a cube (exact up to 4096 voxels). Without any
        background in the volume: the squared diagonal of the volume.
    work : Work
        Is told the depth of the volume twice.

    Notes
    -----
    Source: Felzenszwalb and Huttenlocher, Theory of Computing 8, 2012, doi:10.4086/toc.2012.v008a019.
    """
    edges = relative_edges(spacing)
    far = np.float32(sum((n * e) ** 2 for n, e in zip(mask.shape, edges)))
    if any(box[X] != slice(0, mask.shape[X]) for box in column_boxes([mask, out], Y, _largest_brick(work, mask.shape))):
        work.quiet.do(partial(_rows, mask, out, edges[X]))
    _columns(partial(_along_y, mask, out, edges), [mask, out], Y, work)
    _columns(partial(_along_z, out, edges[Z], far), [out], Z, work)


# ---------------------------------------------------------------- uint16


def whole_steps(edges: tuple[float, float, float]) -> tuple[np.ndarray, ...] | None:
    """Squared lengths of steps along z, y, x as 16-bit numbers; None where they are not whole."""
    tables = []
    for edge in edges:
        steps = whole_kernel.step_table(max(1, round(edge**2)))
        if not np.array_equal(kernel.step_table(edge, len(steps)), steps):
            return None
        tables.append(steps)
    return tuple(tables)


@dataclass
class Heights:
    """Squared distance as an array-like (Z,Y,X) uint16 whose last pass, along x, is done when it is read.

    That pass is quicker than a volume is written, and a volume is not changed while its neighbours read it.

    Attributes
    ----------
    across : (Z,Y,X) uint16 array-like
        Squared distance within planes of constant x; in scratch.
    steps : (N,) uint16
        Squared lengths of steps along x.
    """

    across: Any
    steps: np.ndarray
    ndim = 3
    dtype = np.dtype(np.uint16)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(Z,Y,X)."""
        return self.across.shape

    def __getitem__(self, box: Any) -> np.ndarray:
        """Of planes, or of a box of planes and rows; rows are whole."""
        out = np.array(self.across[box])
        whole_kernel.along_x(out.reshape(-1, *out.shape[-2:]) if out.ndim > 1 else out[None, None], self.steps)
        return out


def release(heights: Any, work: Work) -> None:
    """Give back what `heights` made."""
    work.scratch.release(heights.across if isinstance(heights, Heights) else heights)


def _most_steps(steps: np.ndarray) -> int:
    """Steps along z that stand for that many and more, in 8 bits."""
    return min(len(steps), 255)


def _count(mask: Any, out: Any, most: int, box: Box) -> None:
    solid = np.ascontiguousarray(mask[box]).view(np.uint8)
    counts = np.empty(solid.shape, np.uint8)
    whole_kernel.count_steps(solid, np.uint8(most), counts)
    out[box] = counts


def _whole_along_y(counts: Any, out: Any, steps: tuple[np.ndarray, ...], box: Box) -> int:
    squared = np.empty([part.stop - part.start for part in box], np.uint16)
    square = steps[Z][1] if len(steps[Z]) > 1 else whole_kernel.FAR_SQUARED
    own = np.ascontiguousarray(counts[box])
    largest = whole_kernel.along_y(own, int(square), _most_steps(steps[Z]), steps[Y], squared)
    out[box] = squared
    return int(largest)


def _largest(heights: Heights, brick: Brick) -> int:
    return int(heights[brick.here].max(initial=0))


def _whole(mask: Any, steps: tuple[np.ndarray, ...], across: Any, work: Work) -> bool:
    """Planes of constant x into (Z,Y,X) uint16; returns whether 16 bits hold all distances."""
    with work.scratch.volume("steps", mask.shape, np.uint8) as counts:
        _columns(partial(_count, mask, counts, _most_steps(steps[Z])), [mask, counts], Z, work)
        largest = max(_columns(partial(_whole_along_y, counts, across, steps), [counts, across], Y, work), default=0)
    limit = int(whole_kernel.FAR_SQUARED) - 1
    if len(steps[Z]) > _most_steps(steps[Z]):  # a longer way along z may have been left out
        limit = _most_steps(steps[Z]) ** 2 * int(steps[Z][1])
    if largest <= limit:
        return True
    return max(work.quiet.each(partial(_largest, Heights(across, steps[X])))) <= limit


def heights(
    mask: Any,
    spacing: tuple[float, float, float],
    work: Work,
) -> Any:
    """Squared distance of a 0/1 volume as `squared_distance` gives it, in scratch; whoever asked calls `release`.

    A task holds 5 bytes a voxel of its box at most, and 4 where 16 bits are read.

    Returns
    -------
    (Z,Y,X) uint16 or float32 array-like
        The same numbers in either type.
    """
    steps = whole_steps(relative_edges(spacing))
    if steps is not None:
        across = work.scratch.create("distance", mask.shape, np.uint16)
        if _whole(mask, steps, across, work):
            return Heights(across, steps[X])
        work.scratch.release(across)
        work = work.quiet  # told already
    out = work.scratch.create("distance", mask.shape, np.float32)
    squared_distance(mask, spacing, out, work)
    return out
