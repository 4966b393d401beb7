"""Signs of a phase-contrast halo: a dark fringe around the particles, a core darker than the rim."""

from typing import Any

import numpy as np

from .grey_plan import DenoisePlan
from .histogram import PhaseFit
from .kernels.blocks import above_level
from .levels import Threshold, as_level

SIDES = (48, 224, 224)  # voxels of the box in the middle of the volume that is looked at
NEAR, FAR = 2.5, 10.0  # finest edges: the fringe lies between them, the reference beyond
RIM_WIDTH, CORE_DEPTH = 2.0, 6.0  # finest edges, from where the blur of the surface ends
FEWEST = 500  # voxels for a median
FRINGE_LIMIT, DROP_LIMIT = 0.03, 0.10  # of the contrast


def halo_index(codes: Any, found: Threshold, plan: DenoisePlan, fit: PhaseFit) -> dict[str, float | None]:
    """Depth of the dark fringe and of the dark core in a box in the middle, as shares of the contrast.

    Parameters
    ----------
    codes : array-like (Z, Y, X) uint16
    found : Threshold
        The level; its maps give the contrast where there is no fit.

    Returns
    -------
    dict
        `halo_fringe`: median of the dark background beyond 10 voxels of a particle, less that at 2.5 to 10;
        `halo_drop`: median of the particles' rim, less that of their core. None where too few voxels tell.
    """
    import edt

    box = [((n - min(n, s)) // 2, (n + min(n, s)) // 2) for n, s in zip(codes.shape, SIDES)]
    (z0, z1), (y0, y1), (x0, x1) = box
    part = np.ascontiguousarray(np.asarray(codes[z0:z1, y0:y1, x0:x1]))
    mask = _mask(part, found, box)
    grey = plan.how.coding.grey(part.astype(np.float32))
    # both distances at once: the transform takes every value as a region of its own; the box's faces are no surface
    depth = edt.edt(mask.astype(np.uint8) + np.uint8(1), anisotropy=plan.edges, black_border=False, parallel=1)
    inside, outside = float(np.median(found.inside)), float(np.median(found.outside))
    if fit.ok:
        inside, outside = float(fit.means[-1]), float(fit.means[0])
    contrast = inside - outside
    blur = found.blur if found.blur is not None else max(1.0, max(s * e for s, e in zip(plan.sigma, plan.edges)))
    if contrast <= 0:
        return {"halo_fringe": None, "halo_drop": None}
    # binder near the particles is brighter than air: only what is nearer to air than to the next phase is compared
    limit = 0.5 * float(fit.means[0] + fit.means[1]) if fit.ok else 0.5 * (inside + outside)
    dark = ~mask & (part > 0) & (grey < limit)
    far = _median(grey[dark & (depth > FAR)])
    near = _median(grey[dark & (depth > max(NEAR, 2 * blur)) & (depth <= FAR)])
    edge = 2 * blur
    rim = _median(grey[mask & (depth > edge) & (depth <= edge + RIM_WIDTH)])
    core = _median(grey[mask & (depth > edge + CORE_DEPTH)])
    return {
        "halo_fringe": None if far is None or near is None else (far - near) / contrast,
        "halo_drop": None if rim is None or core is None else (rim - core) / contrast,
    }


def _median(values: np.ndarray) -> float | None:
    return float(np.median(values)) if values.size >= FEWEST else None


def _mask(part: np.ndarray, found: Threshold, box: list[tuple[int, int]]) -> np.ndarray:
    if found.code_range is not None:
        return (part >= found.code_range[0]) & (part <= found.code_range[1])
    # whole rows of the map are needed for its interpolation: rows of the box are cut out of a plane of zeros
    (z0, _), (y0, y1), (x0, x1) = box
    ny, nx = y1, x1
    plane, above = np.zeros((1, ny, nx), np.uint16), np.empty((1, ny, nx), np.uint8)
    mask = np.empty(part.shape, bool)
    level = as_level(found.level, found.level, found.coding)
    for i in range(len(part)):
        plane[0, y0:y1, x0:x1] = part[i]
        above_level(plane, z0 + i, level, above)
        mask[i] = above[0, y0:y1, x0:x1]
    return mask
