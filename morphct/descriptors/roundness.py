"""How rounded the corners are: on silhouettes, and by curvature in three dimensions."""

import numpy as np

from .registry import SHARE, descriptor

_SOURCE = "Wadell 1932, J. Geol. 40, 443; Zheng & Hryciw 2015, Geotechnique 65, 494; docs/methods.md, 7"


@descriptor(
    symbol=r"\overline{r_i}/r_{max}",
    source=_SOURCE,
    bounds=SHARE,
    smallest=30,
    empty="no_silhouette",
    also={"reference study": "roundness R, on slices or silhouettes; parameters alone move it by .3"},
)
def roundness(silhouette_corner_share):
    """Mean radius of the corner circles over that of the largest circle inside, on silhouettes: mean over the views."""
    return silhouette_corner_share


@descriptor(symbol=r"s(R)", source=_SOURCE, bounds=SHARE, smallest=30, empty="no_silhouette")
def roundness_sd(silhouette_corner_spread):
    """Standard deviation of the roundness over the views."""
    return silhouette_corner_spread


@descriptor(symbol=r"\overline{n}", source=_SOURCE, bounds=(0, np.inf), smallest=30, empty="no_silhouette")
def roundness_corners(silhouette_corners):
    """Mean number of corners of a view: arcs of the outline that a circle fits and that turn by 40 degrees and more."""
    return silhouette_corners


@descriptor(
    symbol=r"\overline{1/k_1}/r_{ins}",
    source="largest principal curvature of the blurred surface, docs/methods.md, 7",
    bounds=SHARE,
    smallest=20,
    empty="no_curvature",
)
def roundness_3d(curvature_share):
    """Mean radius of curvature where the surface curves more than the largest inscribed ball, over that ball's radius.

    It ranks particles; it is not comparable with the roundness of silhouettes.
    """
    return curvature_share
