"""Closed voids of a particle."""

import numpy as np

from .registry import POSITIVE, SHARE, descriptor


@descriptor(symbol=r"V_v/V", source="voxel count", bounds=SHARE, also={"BoneJ": "1 - BV/TV, inside the envelope"})
def void_fraction(void_volume, volume):
    """Volume of its closed voids over the volume of the envelope."""
    return void_volume / volume


@descriptor(symbol=r"n_v", source="count", bounds=POSITIVE)
def void_count(void_number):
    """Closed voids that belong to the particle."""
    return void_number


@descriptor(power=3, symbol=r"V_v", source="voxel count", bounds=POSITIVE)
def void_volume(void_voxels, voxel_volume):
    """Volume of the voids inside the envelope."""
    return void_voxels * voxel_volume


@descriptor(power=1, symbol=r"d_{v,max}", source="voxel count", bounds=POSITIVE, empty="no_voids")
def void_largest_diameter(void_largest_voxels, voxel_volume):
    """Diameter of the sphere of the volume of its largest void; empty without voids."""
    largest = np.where(void_largest_voxels > 0, void_largest_voxels, np.nan)
    return np.cbrt(6 * largest * voxel_volume / np.pi)
