"""How close to a sphere: three numbers that other programs all call sphericity."""

import numpy as np

from .registry import SHARE, descriptor


@descriptor(
    symbol=r"r_{ins}/r_{cir}",
    source="reference study, taken in 3D",
    bounds=SHARE,
    smallest=20,
    also={
        "reference study": "sphericity S, but on silhouettes or slices: its cube is .71, in 3D a cube is .577",
        "GeoDict": "r_ins / r_eq, another ratio",
    },
)
def sphericity(inscribed_radius, circumscribed_radius):
    """Radius of the largest inscribed ball over that of the smallest enclosing ball, both in 3D."""
    return inscribed_radius / circumscribed_radius


@descriptor(
    symbol=r"\overline{r_{ins}/r_{cir}}",
    source="reference study, on silhouettes",
    bounds=SHARE,
    smallest=16,
    empty="no_silhouette",
    also={"reference study": "sphericity S, most likely: its cube is .71, and this one's .709"},
)
def sphericity_silhouette(silhouette_circle_ratio):
    """Radius of the largest circle inside over that of the smallest circle around a silhouette: mean over the views."""
    return silhouette_circle_ratio


@descriptor(
    symbol=r"\psi = \pi^{1/3}(6V)^{2/3}/A",
    source="Wadell 1932, J. Geol. 40, 443",
    bounds=SHARE,
    smallest=10,
    also={"PoreSpy": "sphericity", "SPAM": "true sphericity", "ITK": "Roundness"},
)
def sphericity_wadell(volume, surface_area):
    """Area of the sphere of the envelope's volume over the envelope's area."""
    return np.cbrt(np.pi) * np.cbrt(6 * volume) ** 2 / surface_area


@descriptor(
    symbol=r"36\pi V^2/A^3 = \psi^3",
    source="isoperimetric inequality",
    bounds=SHARE,
    smallest=10,
    also={"MorphoLibJ": "Sphericity", "3D ImageJ Suite": "Compactness"},
)
def isoperimetric_quotient(sphericity_wadell):
    """Squared volume against cubed area, 1 for a sphere: the cube of Wadell's sphericity."""
    return sphericity_wadell**3
