"""Standard uncertainties, from bodies of known shape put through what the scan did (`calibration`)."""

import numpy as np

from .registry import POSITIVE, descriptor

_SOURCE = "GUM, k = 2: twice it covers the truth of bodies of like size and shape 19 times in 20"
_EMPTY = "not_calibrated"


@descriptor(power=1, symbol=r"u(d_{eq})", source=_SOURCE, bounds=POSITIVE, empty=_EMPTY)
def equivalent_diameter_u(calibration, equivalent_diameter, ellipticity_yx, ellipticity_zy, sphericity_wadell):
    """Standard uncertainty of the equivalent diameter: digitisation, blur, noise and level, bias included."""
    return calibration.uncertainty(
        "equivalent_diameter",
        equivalent_diameter,
        equivalent_diameter,
        ellipticity_yx,
        ellipticity_zy,
        sphericity_wadell,
    )


@descriptor(symbol="u(b/a)", source=_SOURCE, bounds=POSITIVE, empty=_EMPTY)
def ellipticity_yx_u(calibration, equivalent_diameter, ellipticity_yx, ellipticity_zy, sphericity_wadell):
    """Standard uncertainty of the middle over the longest semi-axis."""
    return calibration.uncertainty(
        "ellipticity_yx", ellipticity_yx, equivalent_diameter, ellipticity_yx, ellipticity_zy, sphericity_wadell
    )


@descriptor(symbol="u(c/a)", source=_SOURCE, bounds=POSITIVE, empty=_EMPTY)
def ellipticity_zx_u(
    calibration, ellipticity_zx, equivalent_diameter, ellipticity_yx, ellipticity_zy, sphericity_wadell
):
    """Standard uncertainty of the shortest over the longest semi-axis."""
    return calibration.uncertainty(
        "ellipticity_zx", ellipticity_zx, equivalent_diameter, ellipticity_yx, ellipticity_zy, sphericity_wadell
    )


@descriptor(symbol="u(c/b)", source=_SOURCE, bounds=POSITIVE, empty=_EMPTY)
def ellipticity_zy_u(calibration, equivalent_diameter, ellipticity_yx, ellipticity_zy, sphericity_wadell):
    """Standard uncertainty of the shortest over the middle semi-axis."""
    return calibration.uncertainty(
        "ellipticity_zy", ellipticity_zy, equivalent_diameter, ellipticity_yx, ellipticity_zy, sphericity_wadell
    )


@descriptor(power=2, symbol="u(A)", source=_SOURCE, bounds=POSITIVE, empty=_EMPTY)
def surface_area_u(calibration, surface_area, equivalent_diameter, ellipticity_yx, ellipticity_zy, sphericity_wadell):
    """Standard uncertainty of the area of the outer surface."""
    return calibration.uncertainty(
        "surface_area", surface_area, equivalent_diameter, ellipticity_yx, ellipticity_zy, sphericity_wadell
    )


@descriptor(symbol=r"u(r_{ins}/r_{cir})", source=_SOURCE, bounds=POSITIVE, empty=_EMPTY)
def sphericity_u(calibration, sphericity, equivalent_diameter, ellipticity_yx, ellipticity_zy, sphericity_wadell):
    """Standard uncertainty of the ratio of inscribed and enclosing ball."""
    return calibration.uncertainty(
        "sphericity", sphericity, equivalent_diameter, ellipticity_yx, ellipticity_zy, sphericity_wadell
    )


@descriptor(symbol=r"u(\psi)", source=_SOURCE, bounds=POSITIVE, empty=_EMPTY)
def sphericity_wadell_u(calibration, equivalent_diameter, ellipticity_yx, ellipticity_zy, sphericity_wadell):
    """Standard uncertainty of Wadell's sphericity."""
    return calibration.uncertainty(
        "sphericity_wadell", sphericity_wadell, equivalent_diameter, ellipticity_yx, ellipticity_zy, sphericity_wadell
    )


@descriptor(symbol=r"u(S_{2D})", source=_SOURCE, bounds=POSITIVE, empty=_EMPTY)
def sphericity_silhouette_u(
    calibration, sphericity_silhouette, equivalent_diameter, ellipticity_yx, ellipticity_zy, sphericity_wadell
):
    """Standard uncertainty of the ratio of inscribed and enclosing circle of silhouettes. The truth is what the same
    measurement gives on large bodies."""
    return calibration.uncertainty(
        "sphericity_silhouette",
        sphericity_silhouette,
        equivalent_diameter,
        ellipticity_yx,
        ellipticity_zy,
        sphericity_wadell,
    )


@descriptor(symbol="u(R)", source=_SOURCE, bounds=POSITIVE, empty=_EMPTY)
def roundness_u(calibration, roundness, equivalent_diameter, ellipticity_yx, ellipticity_zy, sphericity_wadell):
    """Standard uncertainty of the roundness of silhouettes. The truth is what the same measurement gives on large
    bodies: the floor of the method on sharp corners is no part of it."""
    return calibration.uncertainty(
        "roundness", roundness, equivalent_diameter, ellipticity_yx, ellipticity_zy, sphericity_wadell
    )


@descriptor(symbol=r"u(V_v/V)", source=_SOURCE, bounds=POSITIVE, empty="no_voids")
def void_fraction_u(calibration, void_fraction, void_count, void_volume):
    """Standard uncertainty of the void fraction as far as voids were found: that of their sizes. What is too small to
    be seen is in `void_fraction_high`."""
    mean = np.cbrt(6 / np.pi * void_volume / np.where(void_count > 0, void_count, np.nan))
    return calibration.void_uncertainty("void_fraction", void_fraction, mean)
