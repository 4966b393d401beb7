"""What the table of aggregates has beside the columns it shares with particles."""

import numpy as np

from .registry import POSITIVE, SHARE, descriptor


@descriptor(symbol="n", source="count", bounds=(2, np.inf))
def n_members(members):
    """Particles in the group: all that can be reached from one another through contacts without a gap."""
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


@descriptor(power=2, symbol=r"A_w", source="docs/methods.md, 12", bounds=POSITIVE, smallest=10)
def weld_area(area_welded):
    """Area of the interfaces inside the group that count as welds: their score is `aggregates.score` or more."""
    return area_welded


@descriptor(symbol=r"A_c / \pi r_{ins}^2", source="docs/methods.md, 12", bounds=POSITIVE, smallest=16)
def weld_ratio_max(ratio_largest):
    """Largest weld ratio inside the group."""
    return ratio_largest


@descriptor(source="this project, docs/methods.md, 12", bounds=SHARE)
def score(score_surest):
    """How surely there is a weld in the group, from 0 to 1: that of its surest contact, from how thick its neck is, its
    area, the sizes of the two particles and how much the grey drops at it; calibrated on phantoms (of groups scored .8
    about 80 % have a weld)."""
    return score_surest


@descriptor(source="this project, docs/methods.md, 12")
def joint(score_surest, limits):
    """`welded` when the surest contact of the group counts as a weld (its score is `aggregates.score` or more), else
    `touching`."""
    return np.where(score_surest >= limits.score, "welded", "touching").astype(object)


@descriptor(source="this project")
def reasons(ratio_surest, dip_surest, void_fraction, open_void_fraction, solidity, limits):
    """What speaks for and against: at the surest contact `wide_neck` or `narrow_neck` and, where grey tells,
    `bright_neck` or `dark_neck`; `porous` and `open_pores` (closed and open voids, by `aggregates.porous_fraction`);
    `concave` (by `aggregates.concave`)."""
    words = np.where(ratio_surest >= limits.weld_ratio, "wide_neck", "narrow_neck").astype(object)
    for word, holds in (
        ("bright_neck", dip_surest <= limits.neck_dip),
        ("dark_neck", dip_surest > limits.neck_dip),
        ("porous", void_fraction >= limits.porous_fraction),
        ("open_pores", open_void_fraction >= limits.porous_fraction),
        ("concave", solidity < limits.concave),
    ):
        words = words + np.where(holds, f";{word}", "").astype(object)
    return words
