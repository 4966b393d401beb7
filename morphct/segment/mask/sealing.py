"""Voids that leak through a narrow mouth, or that a face of the volume cuts, closed in the mask."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.work import Work
from ...kernels.labels import morphology
from ..labels.components import Components, Solid, dilated_planes, fill, label

RADII_EDGES = (1.0, 2.0)  # shortest edges; 3 would fill the gaps between particles
PEAK_VOXEL_BYTES = 3.1  # of a brick and a halo of a ball's reach: the mask, distances along rows, what comes of it
HALO_RADII_EDGES = (4.0,)  # besides: rims of particles in phase contrast are broken by the streaks of such scans


def _uncovered(mask: Any, half: np.ndarray, out: Any, brick: Brick) -> None:
    """Write the background of a brick that lies farther than a ball's radius from the mask."""
    out[brick.here] = 1 - dilated_planes(mask, half, brick)


def _keep(components: Components, table: np.ndarray, out: Any, brick: Brick) -> None:
    out[brick.here] = components.planes(brick, table)


def _grow(pockets: Any, half: np.ndarray, mask: Any, brick: Brick) -> None:
    mask[brick.here] = np.asarray(mask[brick.here]) | dilated_planes(pockets, half, brick)


def seal(
    mask: Any,
    relative: tuple[float, float, float],
    radii: Sequence[float],
    work: Work,
) -> int:
    """Close voids that leak through a mouth narrower than 2 r, and voids that a face of the volume cuts; in place.

    Background farther than r from the mask falls into 6-connected pieces; those that reach no face of the volume, or
    one only, are pockets. A pocket grown by a ball of r + 0.5 is added to the mask. All radii look at the mask as it
    came in. At last the background that reaches no face, or one only, is filled.

    Parameters
    ----------
    mask : (Z,Y,X) uint8 0/1 array-like, changed in place
    relative : tuple of float
        (z,y,x) voxel edges over the shortest one; radii are in shortest edges.
    work : Work
        Its scratch holds a 0/1 volume of pockets a radius on the way.

    Returns
    -------
    int
        Pockets sealed (counted once a radius).
    """
    found = [_pockets(mask, morphology.ball_half_widths(r, relative), work) for r in radii]
    for r, (pockets, n) in zip(radii, found):
        if n:
            half = morphology.ball_half_widths(r + 0.5, relative)
            work.quiet.do(partial(_grow, pockets, half, mask))
            work.scratch.release(pockets)
    fill(mask, work, cut=True)
    return sum(n for _, n in found)


def _pockets(mask: Any, half: np.ndarray, work: Work) -> tuple[Any, int]:
    """The pockets that a ball finds as a 0/1 volume in scratch, None without any, and how many there are."""
    room = work.scratch.create("pockets", mask.shape, np.uint8)
    work.quiet.do(partial(_uncovered, mask, half, room))
    components = label(Solid(room), mask.shape, 6, work)
    enclosed = ~components.faces | components.cut
    enclosed[0] = False
    if not enclosed.any():
        work.scratch.release(room)
        return None, 0
    work.quiet.do(partial(_keep, components, enclosed.view(np.uint8), room))
    return room, int(enclosed.sum())
