"""Grey values of the solid."""

from .registry import POSITIVE, descriptor


@descriptor(unit="grey", symbol=r"\bar g", source="mean", empty="no_grey", also={"MorphoLibJ": "Mean", "Fiji": "Mean"})
def grey_mean(grey_average):
    """Mean of the raw grey values in the solid; voids are left out, and values that are not finite."""
    return grey_average


@descriptor(
    unit="grey",
    symbol=r"s_g",
    source="standard deviation",
    bounds=POSITIVE,
    empty="no_grey",
    also={"MorphoLibJ": "StdDev", "Fiji": "StdDev"},
)
def grey_std(grey_deviation):
    """Standard deviation of the raw grey values in the solid, noise included."""
    return grey_deviation
