"""What a table should say of the bodies of `phantoms`: true values by column, and how far from them it may be.

Lengths are in volume-equivalent radii of the body's solid. Where a column is an algorithm's own number (both
roundnesses) the true value is what that algorithm gives in the continuum.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import phantoms

from morphct.descriptors import PARTICLES

SIZES = (10, 20, 36)
SHARP = ("cube", "rounded cube .25", "cylinder", "octahedron", "tetrahedron", "hexagonal plate", "two spheres")
# in the continuum, over all views; and where the surface curves, at any size above an inscribed radius of 10 voxels
ROUNDNESS = {
    "sphere": 1.0,
    "ellipsoid 2:1:1": 0.742,
    "ellipsoid 1:.5:.25": 0.597,
    "cube": 0.255,
    "rounded cube .25": 0.363,
    "rounded cube .5": 0.561,
    "rounded cube .75": 0.806,
    "octahedron": 0.188,
    "hollow sphere": 1.0,
}
ROUNDNESS_3D = {
    "sphere": 0.98,
    "ellipsoid 2:1:1": 0.86,
    "ellipsoid 1:.5:.25": 0.64,
    "cube": 0.47,
    "rounded cube .25": 0.50,
    "rounded cube .5": 0.62,
    "rounded cube .75": 0.78,
    "octahedron": 0.52,
    "hollow sphere": 0.98,
}


def _corners(*points: tuple[float, float, float]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda u: (u @ np.array(points).T).max(-1)


def _rounded(fillet: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda u: (1 - fillet) * np.abs(u).sum(-1) + fillet


_HEXAGON = [(np.cos(a), np.sin(a)) for a in np.pi / 6 + np.pi / 3 * np.arange(6)]
# how far each body reaches along unit vectors (..., 3) from its middle, in the units of `phantoms`; all but the
# tetrahedron are their own mirror image in the middle
SUPPORT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sphere": lambda u: np.ones(u.shape[:-1]),
    "ellipsoid 2:1:1": lambda u: np.linalg.norm(u * (2, 1, 1), axis=-1),
    "ellipsoid 1:.5:.25": lambda u: np.linalg.norm(u * (1, 0.5, 0.25), axis=-1),
    "cube": _rounded(0.0),
    "cylinder": lambda u: np.hypot(u[..., 1], u[..., 2]) + np.abs(u[..., 0]),
    "octahedron": lambda u: np.abs(u).max(-1),
    "hexagonal plate": _corners(*[(a, b, c) for a, b in _HEXAGON for c in (-0.25, 0.25)]),
    "hollow sphere": lambda u: np.ones(u.shape[:-1]),
    "two spheres": lambda u: 1 + 0.75 * np.abs(u[..., 0]),
    "rounded cube .25": _rounded(0.25),
    "rounded cube .5": _rounded(0.5),
    "rounded cube .75": _rounded(0.75),
}


def silhouette_ratio(name: str, views: int = 1500, around: int = 360) -> float:
    """Largest inscribed over smallest enclosing circle of the silhouette, over all views.

    A body that is its own mirror image in its middle has silhouettes that are, too: both circles lie around it, and
    their radii are the least and the most it reaches across the view.
    """
    if name == "tetrahedron":
        return 0.553
    i = np.arange(views) + 0.5
    up, turn = 1 - i / views, np.pi * (1 + 5**0.5) * i
    flat = np.sqrt(1 - up**2)
    view = np.stack([up, flat * np.cos(turn), flat * np.sin(turn)], 1)
    first = np.cross(view, np.eye(3)[np.abs(view).argmin(1)])
    first /= np.linalg.norm(first, axis=1)[:, None]
    second = np.cross(view, first)
    angles = np.pi / around * np.arange(around)[:, None, None]
    reach = SUPPORT[name](np.cos(angles) * first + np.sin(angles) * second)
    return float((reach.min(0) / reach.max(0)).mean())


@cache
def truths(name: str) -> dict[str, float]:
    """True values by column (without unit ending), for a solid of volume-equivalent radius 1."""
    body = phantoms.bodies()[name]
    solid = phantoms.truth(name)
    scale = 1 / body.radius
    void = body.void_volume * scale**3
    hollow = np.cbrt(3 * void / (4 * np.pi))
    outer = body.circumscribed * scale if void else solid["inscribed_radius"]  # the one hollow body is a sphere
    axes = [outer] * 3 if void else [solid[f"semi_axis_{k}"] for k in "abc"]
    area = solid["surface_area"] - 4 * np.pi * hollow**2
    volume = solid["volume"] + void
    quotient = 36 * np.pi * volume**2 / area**3
    values = {
        "volume": volume,
        "equivalent_diameter": np.cbrt(6 * volume / np.pi),
        "feret_max": 2 * solid["circumscribed_radius"],
        "feret_min": 2 * outer,
        "semi_axis_a": axes[0],
        "semi_axis_b": axes[1],
        "semi_axis_c": axes[2],
        "ellipticity_yx": axes[1] / axes[0],
        "ellipticity_zx": axes[2] / axes[0],
        "ellipticity_zy": axes[2] / axes[1],
        "surface_area": area,
        "surface_area_total": solid["surface_area"],
        "inscribed_radius": outer,
        "circumscribed_radius": solid["circumscribed_radius"],
        "sphericity": outer / solid["circumscribed_radius"],
        "sphericity_silhouette": silhouette_ratio(name),
        "sphericity_wadell": np.cbrt(quotient),
        "isoperimetric_quotient": quotient,
        "roundness": ROUNDNESS.get(name, np.nan),
        "roundness_3d": ROUNDNESS_3D.get(name, np.nan),
        "solidity": 1.0 if void else solid["solidity"],
        "thickness_mean": solid.get("thickness_mean", np.nan),
        "thickness_median": solid.get("thickness_median", np.nan),
        "void_fraction": solid["void_fraction"] if void else np.nan,
        "void_largest_diameter": 2 * hollow if void else np.nan,
        "void_thickness_median": 2 * hollow if void else np.nan,
    }
    if name == "tetrahedron":  # its edges, and half a diagonal of the cube around it
        edge = np.sqrt(8 / 3) * scale
        values |= {"feret_max": edge, "feret_min": edge / np.sqrt(2)}
    return {key: float(value) for key, value in values.items()}


def scaled(column: str, value: float, radius: float) -> float:
    """A true value of `truths` for a body of that radius."""
    return value * radius ** PARTICLES.known[column].power


ABSOLUTE = frozenset({"roundness", "roundness_3d"})  # errors are differences, not shares


def tolerance(column: str, name: str, radius: float) -> float:
    """How far a value may be off, as a share (ABSOLUTE: as a difference); nan where nothing is promised.

    `radius` is the volume-equivalent one in voxels; the tolerance is that of the next smaller of SIZES.
    """
    at = max(0, np.searchsorted(SIZES, radius, side="right") - 1)
    inside = truths(name)["inscribed_radius"] * radius
    wall = phantoms.truth(name)["inscribed_radius"] * radius
    area = ((0.07, 0.04, 0.022) if name in SHARP else (0.012, 0.005, 0.005))[at]
    by_size = {
        "volume": (0.005, 0.0015, 0.0006),
        "equivalent_diameter": (0.005 / 3, 0.0005, 0.0002),
        "feret": (0.07, 0.06, 0.03),
        "semi": (0.035, 0.012, 0.005),
        "ellipticity": (0.035, 0.012, 0.005),
        "circumscribed_radius": (0.048, 0.03, 0.02),
        "sphericity": (0.06, 0.035, 0.02),
        "sphericity_silhouette": (0.06, 0.035, 0.02),
        "solidity": (0.025, 0.0125, 0.0125),
        "void_fraction": (0.02, 0.02, 0.02),
        "void_largest_diameter": (0.02, 0.02, 0.02),
        "void_thickness_median": (0.2, 0.2, 0.2),
    }
    by_body = {
        "surface_area": area,
        "surface_area_total": area if name != "hollow sphere" else max(area, 0.015 if at == 0 else 0),
        "sphericity_wadell": area,
        "isoperimetric_quotient": 3 * area,
        "inscribed_radius": 0.03 if inside >= 8 else 0.05 if inside >= 5 else np.nan,
        "roundness": 0.06 if inside >= 16 else np.nan,
        "roundness_3d": 0.03 if inside >= 10 else np.nan,
        "thickness_mean": _by_wall(wall, (0.043, 0.032, 0.013)),
        "thickness_median": _by_wall(wall, (0.032, 0.026, 0.012)),
    }
    if column == "sphericity" and inside < 6:
        return np.nan
    if column in by_body:
        return by_body[column]
    return by_size.get(column, by_size.get(column.partition("_")[0], (np.nan,) * 3))[at]


def _by_wall(wall: float, limits: tuple[float, float, float]) -> float:
    return limits[2] if wall >= 20 else limits[1] if wall >= 10 else limits[0] if wall >= 6 else np.nan
