"""Contacts with other particles."""

import numpy as np

from .registry import POSITIVE, descriptor


def _largest(pairs, values, n):
    """The largest value among each particle's pairs; 0 without pairs."""
    largest = np.zeros(n)
    for side in (pairs.first, pairs.second):
        np.maximum.at(largest, side, values)
    return largest


@descriptor(symbol=r"n_c", source="count", bounds=POSITIVE, also={"SPAM": "coordination number"})
def n_contacts(pairs, voxels):
    """Particles it shares at least one voxel face with."""
    return np.bincount(np.concatenate([pairs.first, pairs.second]), minlength=len(voxels))


@descriptor(
    power=2,
    symbol=r"A_c",
    source="vector area, or Cauchy-Crofton sum where that is larger (Ohser & Muecklich 2000)",
    bounds=POSITIVE,
    smallest=10,
    also={"PoreSpy": "throat cross-sectional area, in voxel faces"},
)
def contact_area(pairs, voxels):
    """Area of its interfaces with other particles."""
    sides, areas = np.concatenate([pairs.first, pairs.second]), np.concatenate([pairs.area, pairs.area])
    total = np.bincount(sides, weights=areas, minlength=len(voxels))
    return total.astype(float)  # without any pair they are whole numbers


@descriptor(symbol=r"A_c / \pi r_{ins}^2", source="docs/methods.md, 12", bounds=POSITIVE, smallest=16)
def weld_ratio_max(pairs, welds, voxels):
    """Largest ratio, over its contacts, of interface area to the largest circle in the smaller of the two particles; 0
    without contacts."""
    return _largest(pairs, welds.ratio, len(voxels))
