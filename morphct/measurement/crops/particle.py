"""All crop measurements of one particle in one call, sharing the padded box, the distances and the inscribed ball."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from .balls import Ball, ball_of_box
from .box import Body, Spacing
from .curvature import curvature_of_box
from .hull import hull_of
from .roundness import VIEWS, roundness_of_box
from .surface import area_of_box
from .thickness import LEAST_SURE_VOXELS, thickness_of_box

# what can be asked for -> the names it answers with
MEASURES: dict[str, tuple[str, ...]] = {
    "surface": ("surface_area", "surface_level"),
    "surface_total": ("surface_area_total",),
    "inscribed": ("inscribed_radius", "inscribed_gap", "inscribed_z", "inscribed_y", "inscribed_x"),
    "hull": ("hull_lattice_points", "feret_max", "feret_min", "enclosing_radius"),
    "thickness": ("thickness_mean", "thickness_median"),
    "roundness": ("roundness", "roundness_sd", "roundness_corners", "sphericity_silhouette"),
    "roundness_3d": ("roundness_3d",),
}
FLAT_KINDS = ("one_voxel", "line", "flat")
OPEN_GAP_VOXELS = 0.05  # voxels: the inscribed ball is certain to less than this, or the particle is told of

Found = dict[str, float | tuple[str, ...]]


def measure_crop(
    envelope: np.ndarray,
    spacing: Spacing,
    wanted: Collection[str] = tuple(MEASURES),
    solid: np.ndarray | None = None,
    views: int = VIEWS,
) -> Found:
    """Measure one particle.

    Parameters
    ----------
    envelope : (Z,Y,X), any dtype, non-zero = the particle with its enclosed voids filled; no margin needed.
    spacing : z, y, x voxel edges.
    wanted : names of `MEASURES`.
    solid : (Z,Y,X), the same crop without the voids, for "surface_total" and "thickness" (None: no voids).
    views : directions for "roundness", rounded up to a multiple of 24.

    Returns
    -------
    dict of the names `MEASURES` gives for what was wanted, floats, nan where the body cannot have it, and "reasons",
    a tuple of words: "empty"; "one_voxel", "line", "flat" (its voxel centres span 0, 1 or 2 dimensions; known only if
    the hull was wanted); "ball_open" (the inscribed ball is certain only to a gap above .05 voxel); "thin" (median
    thickness below 10 voxels: biased by some percent); "views_missing", "no_silhouette" (outlines that never pass one
    half: thin bodies and frames); "no_curvature" (the blur leaves no surface).
    """
    return measure_body(Body(envelope, spacing, solid), wanted, views)


def measure_body(body: Body, wanted: Collection[str] = tuple(MEASURES), views: int = VIEWS) -> Found:
    """`measure_crop` of a particle that is made ready, and may be measured otherwise as well."""
    out: Found = {name: float("nan") for measure in MEASURES if measure in wanted for name in MEASURES[measure]}
    if body.voxels == 0:
        return out | {"reasons": ("empty",)}
    reasons: list[str] = []
    inside = None
    if {"inscribed", "roundness", "roundness_3d"} & set(wanted) or ("thickness" in wanted and body.solid is None):
        inside = ball_of_box(body.box, body.squared, body.spacing)
        if "thickness" in wanted and body.solid is None:
            reasons += _thickness(body, inside, out)
    _surfaces(body, wanted, out)
    if inside is not None and "inscribed" in wanted:
        out["inscribed_radius"], out["inscribed_gap"] = inside.radius, inside.gap
        out["inscribed_z"], out["inscribed_y"], out["inscribed_x"] = inside.centre
        if inside.gap > OPEN_GAP_VOXELS * min(body.spacing):
            reasons.append("ball_open")
    if "hull" in wanted:
        reasons += _hull(body, out)
    if "thickness" in wanted and body.solid is not None and np.any(body.solid):
        reasons += _thickness(body, ball_of_box(body.solid_box, body.solid_squared, body.spacing), out)
    if inside is not None:
        reasons += _roundness(body.box, body.spacing, inside, wanted, views, out)
    return out | {"reasons": tuple(reasons)}


def _surfaces(body: Body, wanted: Collection[str], out: Found) -> None:
    if "surface" in wanted or ("surface_total" in wanted and body.solid is None):
        area, level = area_of_box(body.box, body.voxels, body.spacing)
        if "surface" in wanted:
            out["surface_area"], out["surface_level"] = area, level
        if "surface_total" in wanted:
            out["surface_area_total"] = area
    if "surface_total" in wanted and body.solid is not None:
        within = body.solid_box
        out["surface_area_total"] = area_of_box(within, int(np.count_nonzero(within)), body.spacing)[0]


def _hull(body: Body, out: Found) -> list[str]:
    found = hull_of(*body.corners, body.envelope.shape, body.spacing)
    out["hull_lattice_points"] = float(found.lattice_points)
    # no ball around a body is smaller than the body
    whole = float(np.cbrt(3 / (4 * np.pi) * body.voxels * np.prod(body.spacing)))
    out["enclosing_radius"] = max(found.enclosing_radius, whole)
    out["feret_max"] = found.feret_max if found.rank > 0 else float("nan")
    out["feret_min"] = found.feret_min if found.rank == 3 else float("nan")
    return [FLAT_KINDS[found.rank]] if found.rank < 3 else []


def _thickness(body: Body, inside: Ball, out: Found) -> list[str]:
    found = thickness_of_box(body.solid_box, body.solid_squared, inside, body.spacing)
    out["thickness_mean"], out["thickness_median"] = found.mean, found.median
    return ["thin"] if found.median < LEAST_SURE_VOXELS * min(body.spacing) else []


def _roundness(
    box: np.ndarray, spacing: Spacing, inside: Ball, wanted: Collection[str], views: int, out: Found
) -> list[str]:
    reasons = []
    if "roundness" in wanted:
        seen = roundness_of_box(box, spacing, inside, views)
        out["roundness"], out["roundness_sd"] = seen.roundness, seen.roundness_sd
        out["roundness_corners"], out["sphericity_silhouette"] = seen.n_corners, seen.sphericity
        if seen.n_views < views:
            reasons.append("views_missing" if seen.n_views else "no_silhouette")
    if "roundness_3d" in wanted:
        out["roundness_3d"] = curvature_of_box(box, spacing, inside)
        if np.isnan(out["roundness_3d"]):
            reasons.append("no_curvature")
    return reasons
