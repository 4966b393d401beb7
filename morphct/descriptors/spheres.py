"""The largest ball inside and the smallest ball around."""

from .registry import POSITIVE, descriptor


@descriptor(
    power=1,
    symbol=r"r_{ins}",
    source="certified search with continuous centre, docs/methods.md, 5",
    bounds=POSITIVE,
    smallest=16,
    also={"MorphoLibJ": "InscrBall.Radius (chamfer distance, 4 to 5 % low)"},
)
def inscribed_radius(ball_inside):
    """Radius of the largest ball, centred anywhere in the envelope, that holds no background voxel centre."""
    return ball_inside


@descriptor(
    power=1,
    symbol=r"r_{cir}",
    source="smallest enclosing ball of voxel centres + 0.25 voxel, docs/methods.md, 5",
    bounds=POSITIVE,
    smallest=20,
)
def circumscribed_radius(ball_around):
    """Radius of the smallest ball that holds the envelope."""
    return ball_around
