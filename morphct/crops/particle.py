"""All crop measurements of one particle in one call, sharing the padded box and the distance map."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from .balls import ball_of_box
from .box import Spacing, padded, squared_distances
from .hull import hull
from .surface import area_of_box

# what can be asked for -> the names it answers with
MEASURES: dict[str, tuple[str, ...]] = {
    "surface": ("surface_area", "surface_level"),
    "surface_total": ("surface_area_total",),
    "inscribed": ("inscribed_radius", "inscribed_gap", "inscribed_z", "inscribed_y", "inscribed_x"),
    "hull": ("hull_lattice_points", "feret_max", "feret_min", "mean_width", "enclosing_radius"),
}
# reasons a value is missing or means little; `measure_crop` lists those that hold
FLAT = ("one_voxel", "line", "flat")


def measure_crop(
    envelope: np.ndarray,
    spacing: Spacing,
    wanted: Collection[str] = tuple(MEASURES),
    solid: np.ndarray | None = None,
) -> dict[str, float | tuple[str, ...]]:
    """Measure one particle.

    Parameters
    ----------
    envelope : (Z,Y,X), any dtype, non-zero = the particle with its enclosed voids filled; no margin needed.
    spacing : z, y, x voxel edges.
    wanted : names of `MEASURES`.
    solid : (Z,Y,X), the same crop without the voids, for "surface_total" (None: no voids).

    Returns
    -------
    dict of the names `MEASURES` gives for what was wanted, floats, nan where the body cannot have it, and
    "reasons", a tuple of words: "empty", "one_voxel", "line", "flat" (its voxel centres span 0, 1 or 2 dimensions;
    known only if the hull was wanted) and "ball_open" (the inscribed ball is certain to a gap above .05 voxel only).
    """
    out: dict[str, float | tuple[str, ...]] = {
        name: float("nan") for measure in MEASURES if measure in wanted for name in MEASURES[measure]
    }
    box = padded(envelope)
    voxels = int(np.count_nonzero(box))
    if voxels == 0:
        return out | {"reasons": ("empty",)}
    reasons: list[str] = []
    if "surface" in wanted or ("surface_total" in wanted and solid is None):
        area, level = area_of_box(box, voxels, spacing)
        if "surface" in wanted:
            out["surface_area"], out["surface_level"] = area, level
        if "surface_total" in wanted:
            out["surface_area_total"] = area
    if "surface_total" in wanted and solid is not None:
        within = padded(solid)
        out["surface_area_total"] = area_of_box(within, int(np.count_nonzero(within)), spacing)[0]
    if "inscribed" in wanted:
        ball = ball_of_box(box, squared_distances(box, spacing), spacing)
        out["inscribed_radius"], out["inscribed_gap"] = ball.radius, ball.gap
        out["inscribed_z"], out["inscribed_y"], out["inscribed_x"] = ball.centre
        if ball.gap > 0.05 * min(spacing):
            reasons.append("ball_open")
    if "hull" in wanted:
        found = hull(envelope, spacing)
        if found.rank < 3:
            reasons.append(FLAT[found.rank])
        out["hull_lattice_points"] = float(found.lattice_points)
        out["enclosing_radius"], out["mean_width"] = found.enclosing_radius, found.mean_width
        out["feret_max"] = found.feret_max if found.rank > 0 else float("nan")
        out["feret_min"] = found.feret_min if found.rank == 3 else float("nan")
    return out | {"reasons": tuple(reasons)}
