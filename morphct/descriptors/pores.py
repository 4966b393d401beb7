"""Descriptors of single voids: the columns that only the table of voids has."""

import numpy as np

from . import identity
from .registry import POSITIVE, SHARE, descriptor

# a crack is flat and long, or thin for its volume (which a bent one is too); a coin of 1:3, a needle of 1:12 are the
# limits; choices, see docs/methods.md, 10
FLAT_RATIO, LONG_RATIO, THIN_RATIO = 1 / 2, 1 / 3, 0.35


@descriptor(source="label of the particle around it")
def label(owner_label):
    """Label of the particle it belongs to."""
    return owner_label


@descriptor(power=1, symbol="t_v", source="Euclidean distance", bounds=POSITIVE, smallest=3, empty="outside_owner")
def depth(void_depth):
    """Distance from its most central voxel to the nearest voxel outside the particle's envelope."""
    return void_depth


@descriptor(
    power=1, symbol=r"\tau", source="Hildebrand and Rueegsegger 1997", bounds=POSITIVE, smallest=4,
    also={"BoneJ": "Tb.Sp of the void", "PoreSpy": "local_thickness, in voxels, a radius in some versions"},
)  # fmt: skip
def thickness(void_thickness):
    """Local thickness, a diameter: the median over its volume of the largest ball inside it that holds the point."""
    return void_thickness


@descriptor(symbol="q", source="docs/methods.md, 10", bounds=SHARE, empty="outside_owner")
def depth_rank(void_rank):
    """Share of the places it could have had, deep enough in its particle for a ball of its volume, that lie deeper: .5
    on average where voids lie at random, 0 in the middle, 1 under the surface."""
    return void_rank


@descriptor(symbol="c/b, c/a, t/d", source="docs/methods.md, 10")
def kind(ellipticity_zy, ellipticity_zx, thickness, equivalent_diameter):
    """`crack` when flat and long (c/b at most 1/2 and c/a at most 1/3) or thin for its volume (thickness at most .35
    equivalent diameters, as bent and branched ones are), else `pore`."""
    flat = (ellipticity_zy <= FLAT_RATIO) & (ellipticity_zx <= LONG_RATIO)
    return np.where(flat | (thickness <= THIN_RATIO * equivalent_diameter), "crack", "pore").astype(object)


@descriptor(source="docs/methods.md, 10")
def open_(void_open, box, shape):
    """`closed`; `surface` where it opens to the outside of its particle, through a mouth that a ball of
    `voids.closing_radius` closes; `cut` where it is closed as far as the volume goes, and a face of it cuts it."""
    cut = identity.touches_border(np.asarray(box), shape)
    return np.where(void_open, "surface", np.where(cut, "cut", "closed")).astype(object)


@descriptor(source="docs/methods.md, 10")
def resolved(equivalent_diameter, detection_diameter):
    """Whether it is as large as voids seen with 95 % probability in this scan (three voxels, where no grey tells)."""
    return np.asarray(equivalent_diameter) >= detection_diameter
