"""Voids that leak through a narrow mouth, or that a face of the volume cuts, closed in the mask."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...ground.executors import RunMap
from ...ground.slabs import Slab
from ...kernels.labels import morphology
from ..labels.components import Components, Solid, Uncovered, dilated_planes, fill, label

Tick = Callable[[int], None] | None


def _write_pockets(components: Components, table: np.ndarray, out: Any, slab: Slab) -> None:
    out[slab.z0 : slab.z1] = components.planes(slab, table)


def _grown(pockets: Any, half: np.ndarray, slab: Slab) -> tuple[Slab, np.ndarray]:
    return slab, dilated_planes(pockets, half, slab.z0, slab.z1)


def seal(
    mask: Any,
    relative: tuple[float, float, float],
    radii: Sequence[float],
    scratch: Any,
    slabs: Sequence[Slab],
    run_map: RunMap = map,
    tick: Tick = None,
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
    scratch : Scratch
        For a 0/1 volume of pockets a radius.

    Returns
    -------
    int
        Pockets sealed (counted once a radius).
    """
    found: list[tuple[float, Any, int]] = []
    for r in radii:
        half = morphology.ball_half_widths(r, relative)
        pockets = scratch.create(f"pockets{len(found)}", mask.shape, np.uint8)
        components = label(Uncovered(mask, half, pockets), mask.shape, 6, slabs, run_map, tick)
        components.source = Solid(pockets)
        enclosed = ~components.faces | components.cut
        enclosed[0] = False
        if not enclosed.any():
            continue  # the next one is written over it
        for _ in run_map(partial(_write_pockets, components, enclosed.view(np.uint8), pockets), slabs):
            pass
        found.append((r, pockets, int(enclosed.sum())))
    for i, (r, pockets, _) in enumerate(found):
        half = morphology.ball_half_widths(r + 0.5, relative)
        for slab, grown in run_map(partial(_grown, pockets, half), slabs):
            mask[slab.z0 : slab.z1] = np.asarray(mask[slab.z0 : slab.z1]) | grown
        scratch.release(f"pockets{i}")
    scratch.release(f"pockets{len(found)}")
    fill(mask, slabs, run_map, tick, cut=True)
    return sum(n for _, _, n in found)
