"""Exact Euclidean distance of every solid voxel to the background, squared, in slabs.

The faces of the volume are not background: a particle cut by a face is not pushed away from it.

Where the squares of the voxel edges are whole numbers (cubes, 3:1:1) and no distance reaches 256 shortest edges, 16
bits hold it; otherwise float32.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick, plan_slabs
from ...ground.work import Work
from ...kernels.split import distance as kernel
from ...kernels.split import whole_distance as whole_kernel


def relative_edges(spacing: tuple[float, float, float]) -> tuple[float, float, float]:
    """(z,y,x) voxel edges in units of the shortest one."""
    shortest = min(spacing)
    return (spacing[0] / shortest, spacing[1] / shortest, spacing[2] / shortest)


def _planes(mask: Any, out: Any, edges: tuple[float, float, float], slab: Brick) -> None:
    solid = np.ascontiguousarray(mask[slab.z0 : slab.z1]).view(np.uint8)
    squared = np.empty(solid.shape, np.float32)
    steps_y, steps_x = (kernel.step_table(edges[a], solid.shape[a] + 1) for a in (1, 2))
    kernel.planes(solid, steps_y, steps_x, edges[1], squared)
    out[slab.z0 : slab.z1] = squared


def _strips(work: Work, height: int, depth: int) -> list[Brick]:
    """Rows of the volume in strips of a slab's size."""
    return plan_slabs(height, max(1, max(slab.depth for slab in work.bricks) * height // depth))


def _worth(strips: Sequence[Brick], height: int, depth: int) -> list[int]:
    """What each strip of rows counts for, in planes."""
    return [rows.z1 * depth // height - rows.z0 * depth // height for rows in strips]


def _strip(out: Any, edges: tuple[float, float, float], far: np.float32, rows: Brick) -> None:
    squared = np.asarray(out[:, rows.z0 : rows.z1]).transpose(1, 0, 2).copy()
    kernel.strips(squared, kernel.step_table(edges[0], squared.shape[1] + 1), edges[0], far)
    out[:, rows.z0 : rows.z1] = squared.transpose(1, 0, 2)


def squared_distance(
    mask: Any,
    spacing: tuple[float, float, float],
    out: Any,
    work: Work,
) -> None:
    """Squared distance to the nearest background voxel centre, in shortest voxel edges.

    Planes first, slab by slab; then columns along z in strips of rows of a slab's size. So the result is exact and does
    not depend on how the volume is cut.

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
    depth, height, _ = mask.shape
    edges = relative_edges(spacing)
    far = np.float32(sum((n * e) ** 2 for n, e in zip(mask.shape, edges)))
    work.do(partial(_planes, mask, out, edges))
    strips = _strips(work, height, depth)
    for _ in work.over(partial(_strip, out, edges, far), strips, _worth(strips, height, depth)):
        pass


def whole_steps(edges: tuple[float, float, float]) -> tuple[np.ndarray, ...] | None:
    """Squared lengths of steps along z, y, x as 16-bit numbers; None where they are not whole."""
    tables = []
    for edge in edges:
        steps = whole_kernel.step_table(max(1, round(edge**2)))
        if not np.array_equal(kernel.step_table(edge, len(steps)), steps):
            return None
        tables.append(steps)
    return tuple(tables)


def _whole_planes(mask: Any, out: Any, steps: tuple[np.ndarray, ...], slab: Brick) -> None:
    solid = np.ascontiguousarray(mask[slab.z0 : slab.z1]).view(np.uint8)
    if isinstance(out, np.ndarray):
        whole_kernel.planes(solid, *steps[1:], out[slab.z0 : slab.z1])
    else:
        squared = np.empty(solid.shape, np.uint16)
        whole_kernel.planes(solid, *steps[1:], squared)
        out[slab.z0 : slab.z1] = squared


def _whole_strip(out: Any, steps: np.ndarray, rows: Brick) -> bool:
    squared = out[:, rows.z0 : rows.z1]  # of an array in memory: a view, changed in place
    fits = whole_kernel.strips(squared, steps)
    if not isinstance(out, np.ndarray):
        out[:, rows.z0 : rows.z1] = squared
    return fits


def _whole(mask: Any, steps: tuple[np.ndarray, ...], out: Any, work: Work) -> bool:
    """As `squared_distance`, into (Z,Y,X) uint16; returns whether 16 bits held all of it."""
    depth, height, _ = mask.shape
    work.do(partial(_whole_planes, mask, out, steps))
    strips = _strips(work, height, depth)
    fits = work.over(partial(_whole_strip, out, steps[0]), strips, _worth(strips, height, depth))
    return all(list(fits))  # every strip is done, whatever the first ones say


def heights(
    mask: Any,
    spacing: tuple[float, float, float],
    work: Work,
) -> Any:
    """Squared distance of a 0/1 volume as `squared_distance` gives it, in scratch; whoever asked releases it.

    Returns
    -------
    (Z,Y,X) uint16 or float32 array-like
        The same numbers in either type.
    """
    steps = whole_steps(relative_edges(spacing))
    if steps is not None:
        out = work.scratch.create("distance", mask.shape, np.uint16)
        if _whole(mask, steps, out, work):
            return out
        work.scratch.release(out)
        work = work.quiet  # told already
    out = work.scratch.create("distance", mask.shape, np.float32)
    squared_distance(mask, spacing, out, work)
    return out
