"""A look at a box in the middle of the volume: signs of a halo, which phase surrounds which, how sharp it is."""

from typing import Any

import numpy as np

from ...kernels.grey.blocks import above_level
from ..grey.histogram import GreyCounts, PhaseFit
from ..grey.plan import DenoisePlan
from . import phase_choice
from .facts import BoxSigns
from .levels import Threshold, as_level

SIDES_VOXELS = (48, 224, 224)  # of the box, z y x: 2.4 million voxels, half a second; a choice
# finest edges from the surface, choices; the signs they give are read on phantoms by scripts/fit_limits
FRINGE_FROM_EDGES, FRINGE_TO_EDGES = 2.5, 10.0  # a fringe lies between them, its reference beyond
HALO_RIM_EDGES, HALO_CORE_EDGES = 2.0, 6.0  # width of the rim and depth of the core, from where the blur ends
FEWEST_MEDIAN_VOXELS = 500  # a median of so many is good to 1.25 / sqrt(500) = .06 sd
FINEST_AXIS_EDGES = 1.05  # an axis coarser by more is left out where sharpness is measured; a choice
HALF_BRIDGE_EDGES = 2.5  # half of the thickness below which a bridge is no connection, as CORE_DEPTH_EDGES of phases


def measure_box(codes: Any, found: Threshold, plan: DenoisePlan, fit: PhaseFit, counts: GreyCounts) -> BoxSigns:
    """Halo and surroundings in a box in the middle.

    Parameters
    ----------
    codes : array-like (Z, Y, X) uint16
    found : Threshold
        The level; its maps give the contrast where there is no fit.
    """
    import edt

    box = [((n - min(n, s)) // 2, (n + min(n, s)) // 2) for n, s in zip(codes.shape, SIDES_VOXELS)]
    (z0, z1), (y0, y1), (x0, x1) = box
    part = np.ascontiguousarray(np.asarray(codes[z0:z1, y0:y1, x0:x1]))
    mask = _mask(part, found, box)
    # both distances at once: the transform takes every value as a region of its own; the box's faces are no surface
    depth = edt.edt(mask.astype(np.uint8) + np.uint8(1), anisotropy=plan.edges, black_border=False, parallel=1)
    grey = plan.how.coding.grey(part.astype(np.float32))
    inside, outside = _plateaus(found, fit)
    # binder near the particles is brighter than air: the background is what is nearer to air than to the next phase
    limit = 0.5 * float(fit.means[0] + fit.means[1]) if fit.ok else 0.5 * (inside + outside)
    dark = ~mask & (part > 0) & (grey < limit)
    thick = edt.edt(dark, anisotropy=plan.edges, black_border=False, parallel=1) > HALF_BRIDGE_EDGES
    halo = _halo(grey, mask, dark, depth, blur_of(found, plan)) if plan.noise.sd else (None, None)
    return BoxSigns(
        halo_fringe=None if halo[0] is None else halo[0] / (inside - outside),
        halo_drop=None if halo[1] is None else halo[1] / (inside - outside),
        edge_step=_edge_step(part, mask, (inside - outside) / plan.scale, plan.edges),
        surroundings=phase_choice.Surroundings(
            largest_bright=_largest_piece(mask & (depth > HALF_BRIDGE_EDGES)),
            largest_dark=_largest_piece(thick),
            closed_dark=phase_choice.closed_share(mask),
        ),
        phases=tuple(phase_choice.phases_of(part, fit, counts, plan.how.coding, plan.edges)) if fit.ok else (),
    )


def _edge_step(part: np.ndarray, mask: np.ndarray, contrast: float, edges: tuple[float, float, float]) -> float | None:
    """Median difference of neighbours along the finest axes of which one is in the mask, over the contrast in codes."""
    steps = []
    for axis in (i for i, e in enumerate(edges) if e < FINEST_AXIS_EDGES):
        codes, inside = np.moveaxis(part, axis, 0), np.moveaxis(mask, axis, 0)
        at = (inside[1:] != inside[:-1]) & (codes[1:] > 0) & (codes[:-1] > 0)
        steps.append(np.abs(codes[1:][at].astype(np.float32) - codes[:-1][at]))
    found = _median(np.concatenate(steps))
    return None if found is None or contrast <= 0 else found / contrast


def blur_of(found: Threshold, plan: DenoisePlan) -> float:
    """Total blur, finest edges: measured, or at least that of the filter."""
    return found.blur if found.blur is not None else max(1.0, *(s * e for s, e in zip(plan.sigma, plan.edges)))


def _plateaus(found: Threshold, fit: PhaseFit) -> tuple[float, float]:
    """Grey of the particles and of the darkest phase."""
    if fit.ok:
        return float(fit.means[-1]), float(fit.means[0])
    return float(np.median(found.inside)), float(np.median(found.outside))


def _halo(
    grey: np.ndarray, mask: np.ndarray, dark: np.ndarray, depth: np.ndarray, blur: float
) -> tuple[float | None, float | None]:
    """Grey by which the background near particles is darker than far from them, and cores darker than rims."""
    edge = 2 * blur
    far = _median(grey[dark & (depth > FRINGE_TO_EDGES)])
    near = _median(grey[dark & (depth > max(FRINGE_FROM_EDGES, edge)) & (depth <= FRINGE_TO_EDGES)])
    rim = _median(grey[mask & (depth > edge) & (depth <= edge + HALO_RIM_EDGES)])
    core = _median(grey[mask & (depth > edge + HALO_CORE_EDGES)])
    return None if far is None or near is None else far - near, None if rim is None or core is None else rim - core


def _median(values: np.ndarray) -> float | None:
    return float(np.median(values)) if values.size >= FEWEST_MEDIAN_VOXELS else None


def _largest_piece(mask: np.ndarray) -> float | None:
    import cc3d

    pieces, n = cc3d.connected_components(mask, connectivity=6, return_N=True)
    if n < 1:
        return None
    sizes = np.bincount(pieces.ravel())[1:]
    return float(sizes.max() / sizes.sum())


def _mask(part: np.ndarray, found: Threshold, box: list[tuple[int, int]]) -> np.ndarray:
    if found.code_range is not None:
        return (part >= found.code_range[0]) & (part <= found.code_range[1])
    # the level is interpolated along whole rows: the box is laid into a plane of them
    (z0, _), (y0, y1), (x0, x1) = box
    plane, above = np.zeros((1, y1, x1), np.uint16), np.empty((1, y1, x1), np.uint8)
    mask = np.empty(part.shape, bool)
    level = as_level(found.level, found.level, found.coding)
    for i in range(len(part)):
        plane[0, y0:y1, x0:x1] = part[i]
        above_level(plane, (z0 + i, 0), level, above)
        mask[i] = above[0, y0:y1, x0:x1]
    return mask
