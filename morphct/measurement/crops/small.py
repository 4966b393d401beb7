"""Local thickness of many small bodies at once, by the kernel that goes over a block of ids without python."""

from __future__ import annotations

import numpy as np

from ...kernels.measurement.small_thickness import TOO_THICK, Rules, small_thicknesses
from ...kernels.measurement.surface_mesh import gaussian_weights
from . import balls
from .box import MARGIN_VOXELS, Spacing, squared_weights
from .grid import EQUAL_OCCUPANCY, WORST_VOLUME_SHARE
from .surface import SURFACE_BLUR_VOXELS
from .thickness import COARSER_ABOVE, FINER_BELOW, TOLERANCE, local_thickness

# Along every axis: the padded crop of a larger one may have more than `thickness.LARGEST_DOUBLED_VOXELS`, and in large
# ones python is no great part of the work.
SMALL_VOXELS = 32


def small_rules(spacing: Spacing) -> Rules:
    """What holds for all small bodies of a volume with these z, y, x voxel edges."""
    edges, unit = np.asarray(spacing, float), float(min(spacing))
    pitches = (0.5 * unit, unit)
    return Rules(
        edges=edges,
        unit=unit,
        volume=float(np.prod(edges)),
        weights=squared_weights(spacing),
        margin=MARGIN_VOXELS,
        # numpy's own roots: those of compiled code differ in the last bit
        radii=balls.radii_of_voxels(np.arange(SMALL_VOXELS**3 + 1), edges),
        certainty=balls.CERTAINTY_VOXELS,
        touches=balls.TOUCHES * float(edges.min()),
        rim=balls.RIM * float(edges.max()),
        bulging=balls.BULGING,
        finer_below=FINER_BELOW * unit,
        coarser_above=COARSER_ABOVE * unit,
        tolerance=TOLERANCE,
        pitches=np.array(pitches),
        cubes=np.array([pitch**3 for pitch in pitches]),
        blur=gaussian_weights(SURFACE_BLUR_VOXELS),
        alike=np.float32(EQUAL_OCCUPANCY),
        worst=WORST_VOLUME_SHARE,
    )


def small_medians(
    ids: np.ndarray, boxes: np.ndarray, numbers: np.ndarray, spacing: Spacing, rules: Rules
) -> np.ndarray:
    """Median of the `local_thickness` of each of the small bodies of a block.

    Parameters
    ----------
    ids : (Z,Y,X) int32.
    boxes : (K, 6) int64
        z0 z1 y0 y1 x0 x1 of each within the block, at most SMALL_VOXELS along every axis.
    numbers : (K,) int64, their ids.
    spacing : z, y, x voxel edges; rules : `small_rules` of it.

    Returns
    -------
    (K,) float64; NaN for one without a voxel.
    """
    found = small_thicknesses(np.ascontiguousarray(ids, np.int32), boxes, numbers, rules)
    for i in np.flatnonzero(found == TOO_THICK):
        z0, z1, y0, y1, x0, x1 = (int(b) for b in boxes[i])
        found[i] = local_thickness(ids[z0:z1, y0:y1, x0:x1] == numbers[i], spacing).median
    return found
