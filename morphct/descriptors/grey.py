"""Grey values of the solid."""

import numpy as np

from .registry import POSITIVE, descriptor


@descriptor(
    unit="grey",
    symbol=r"\bar g",
    source="mean",
    empty="no_grey",
    also={"MorphoLibJ": "Mean", "Fiji": "Mean", "scikit-image": "intensity_mean", "ITK": "Mean"},
)
def grey_mean(grey_average):
    """Mean of the raw grey values in the solid; voids are left out, and values that are not finite."""
    return grey_average


@descriptor(
    unit="grey",
    symbol=r"s_g",
    source="standard deviation",
    bounds=POSITIVE,
    empty="no_grey",
    also={"MorphoLibJ": "StdDev", "Fiji": "StdDev", "scikit-image": "intensity_std", "ITK": "StandardDeviation"},
)
def grey_std(grey_deviation):
    """Standard deviation of the raw grey values in the solid, noise included."""
    return grey_deviation


@descriptor(
    unit="grey",
    symbol=r"\sqrt{\max(s_{in}^2 - s_{air}^2, 0)}",
    source="reference study: histogram of a particle against that of the air near it",
    bounds=POSITIVE,
    smallest=16,
    empty="no_interior",
    also={"reference study": "width of a particle's grey histogram compared with that of nearby air, by eye"},
)
def grey_heterogeneity(grey_inside_spread, grey_nearby_spread):
    """Spread of the solid's raw grey beyond the noise, both taken three voxels and more from any surface. The noise is
    that of the background up to 16 voxels around the bounding box, taken on the side of its median that looks away from
    the particle's grey, where neither blur nor further phases add to it; zero when the particle is no wider."""
    return np.sqrt(np.maximum(grey_inside_spread**2 - grey_nearby_spread**2, 0))


@descriptor(
    symbol=r"(\bar g_{inner} - \bar g_{outer}) / (\bar g_{in} - g_{air})",
    source="docs/methods.md, 11",
    smallest=16,
    empty="no_interior",
)
def grey_core_shell(grey_inside, grey_inner, grey_outer, grey_nearby):
    """Mean raw grey of the deeper half of the solid less that of the shallower half, as a share of the particle's
    contrast with the median of the background near it. Halves by volume, by the distance to the outside, of the solid
    three voxels and more from any surface. Below zero the core is nearer to the background than the rim, as when pores
    too small to be seen lie in it: -.05 is five per cent less material there."""
    return (grey_inner - grey_outer) / (grey_inside - grey_nearby)
