"""What the table of aggregates has beside the columns it shares with particles."""

import numpy as np

from .registry import POSITIVE, SHARE, descriptor


@descriptor(symbol="n", source="count", bounds=(2, np.inf))
def n_members(members):
    """Particles in the group: all that can be reached from one another through contacts."""
    return members


@descriptor(
    symbol=r"n / n_{hull}",
    source="lattice points in the hull of voxel centres",
    bounds=SHARE,
    smallest=20,
    also={"SPAM": "1 / (convex volume over volume)"},
)
def solidity(hull_share):
    """Voxels of all members' envelopes over the voxel centres inside the convex hull of all of them."""
    return hull_share


@descriptor(power=2, symbol=r"A_w", source="METHODS section 6", bounds=POSITIVE, smallest=10)
def weld_area(area_welded):
    """Area of the interfaces inside the group that count as welds (weld ratio of `aggregates.weld_ratio` and more)."""
    return area_welded


@descriptor(symbol=r"A_c / \pi r_{ins}^2", source="METHODS section 6", bounds=POSITIVE, smallest=16)
def weld_ratio_max(ratio_largest):
    """Largest weld ratio inside the group."""
    return ratio_largest


@descriptor(symbol=r"w / (w + w_0)", source="this project", bounds=SHARE)
def score(weld_ratio_max, limits):
    """How welded, from 0 to 1: the largest weld ratio over itself plus `aggregates.weld_ratio`, so .5 at that ratio."""
    return limits.scores(weld_ratio_max)


@descriptor(source="this project")
def reasons(weld_ratio_max, void_fraction, solidity, limits):
    """Signs seen: `weld` or `touch` (by `aggregates.weld_ratio`), `porous` (by `aggregates.porous_fraction`), `concave`
    (solidity below `aggregates.concave`)."""
    weld = np.where(weld_ratio_max >= limits.weld_ratio, "weld", "touch").astype(object)
    porous = np.where(void_fraction >= limits.porous_fraction, ";porous", "").astype(object)
    return weld + porous + np.where(solidity < limits.concave, ";concave", "").astype(object)
