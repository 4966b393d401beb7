"""What the table of voids has beside the columns it shares with particles."""

import numpy as np

from .registry import POSITIVE, descriptor


@descriptor(source="label of the particle around it")
def label(owner_label):
    """Label of the particle it belongs to."""
    return owner_label


@descriptor(power=1, symbol="t_v", source="Euclidean distance", bounds=POSITIVE, smallest=3, empty="outside_owner")
def depth(void_depth):
    """Distance from its most central voxel to the nearest voxel outside the particle's envelope."""
    return void_depth


@descriptor(source="METHODS section 5")
def open_(void_open):
    """Whether it is joined to the outside of the particle; closed voids alone are in the table so far."""
    return void_open


@descriptor(source="METHODS section 5")
def resolved(equivalent_diameter, detection_diameter):
    """Whether it is as large as voids seen with 95 % probability in this scan (three voxels, where no grey tells)."""
    return np.asarray(equivalent_diameter) >= detection_diameter
