"""What could be seen in the grey volume that labels made elsewhere came with: detection limit and bounds of its voids.

How such voids were found is not known. They are judged as if by the best level there is, half way between particle and
air in the volume denoised as `run` would denoise it.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ...ground.errors import SegmentationError
from ...ground.units import VoxelSize
from ..grey import denoise
from ..grey.denoise import DenoiseOptions
from ..mask.levels import LEVEL_UNCERTAINTY
from .bounds import bounded
from .detection_limit import Detection, simulate
from .dip_model import DipModel
from .ownership import Voids

PLANES_LOOKED_AT = 16  # looked at to see which phase the particles are


def void_limits(
    found: Voids, labels: Any, grey: Any, voxel_size: VoxelSize, options: DenoiseOptions, seed: int = 0
) -> tuple[Voids, float | None]:
    """The voids with their bounds, and the diameter seen in 95 of 100 cases in the unit of `voxel_size`.

    Parameters
    ----------
    found : Voids
    labels : (Z,Y,X) int array-like
        0 outside particles.
    grey : (Z,Y,X) array-like of the same shape
    voxel_size : VoxelSize
    options : DenoiseOptions
    seed : int

    Returns
    -------
    voids, diameter
        As they came and None where the grey values tell nothing: one phase, too much noise, or particles that are not
        the brightest phase.
    """
    seen = _detection(labels, grey, voxel_size, options, seed)
    if seen is None or math.isnan(seen.d95):
        return found, None
    facts = bounded(found.facts, seen.model.blur, LEVEL_UNCERTAINTY, voxel_size.relative, seen)
    # whoever made the labels saw voids by a rule of their own: their classes are not corrected by ours
    return replace(found, facts=replace(facts, expected=None)), seen.d95 * voxel_size.smallest


def _detection(labels: Any, grey: Any, voxel_size: VoxelSize, options: DenoiseOptions, seed: int) -> Detection | None:
    try:
        plan = denoise.plan(grey, voxel_size, options, "auto")
    except SegmentationError:  # nothing but NaN
        return None
    if not (plan.fit.ok and plan.reached and plan.sd_after > 0):
        return None
    top, bottom = float(plan.fit.means[-1]), float(plan.fit.means[0])
    particles = _grey_of_particles(labels, grey)
    if math.isnan(particles) or abs(particles - top) > abs(particles - bottom):
        return None
    contrast = (top - bottom) / plan.scale
    sd = max(plan.sd_after / plan.scale, 1.0)
    model = DipModel(
        (top - plan.offset) / plan.scale, contrast, sd, plan.blur, 0, plan.edges,
        factor=0.5 * contrast / sd, correlation=max(plan.blur, 0.5),
    )  # fmt: skip
    return simulate(model, seed)


def _grey_of_particles(labels: Any, grey: Any) -> float:
    """Mean grey of the labelled voxels in the middle planes; NaN without any."""
    z0 = max(0, (labels.shape[0] - PLANES_LOOKED_AT) // 2)
    total, count = 0.0, 0
    for z in range(z0, min(z0 + PLANES_LOOKED_AT, labels.shape[0])):  # whole planes at once may not fit
        values = np.asarray(grey[z : z + 1])[np.asarray(labels[z : z + 1]) != 0]
        values = values[np.isfinite(values)]
        total, count = total + float(values.sum(dtype=np.float64)), count + values.size
    return total / count if count else math.nan
