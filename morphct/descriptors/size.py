"""How big: volumes, the diameter of the sphere of the same volume, Feret diameters."""

import numpy as np

from .registry import POSITIVE, descriptor


@descriptor(
    power=3,
    symbol="V",
    source="voxel count",
    bounds=POSITIVE,
    smallest=5,
    also={"MorphoLibJ": "Volume", "ITK": "PhysicalSize", "PoreSpy": "volume, in voxels"},
)
def volume(voxels, voxel_volume):
    """Volume of the envelope, the particle with all that its holes enclose: voxel count times voxel volume."""
    return voxels * voxel_volume


@descriptor(power=3, symbol=r"V_s", source="voxel count", bounds=POSITIVE, smallest=5)
def solid_volume(voxels, void_voxels, enclosed_voxels, voxel_volume):
    """Volume of the envelope without its closed voids and without other particles in its holes."""
    return (voxels - void_voxels - enclosed_voxels) * voxel_volume


@descriptor(
    power=1,
    symbol=r"d_{eq} = \sqrt[3]{6V/\pi}",
    source="ISO 9276-6",
    bounds=POSITIVE,
    smallest=5,
    also={"scikit-image": "equivalent_diameter_area", "ITK": "EquivalentSphericalRadius, half of it"},
)
def equivalent_diameter(volume):
    """Diameter of the sphere of the envelope's volume."""
    return np.cbrt(6 * volume / np.pi)


@descriptor(
    power=1,
    symbol=r"x_{Fmax}",
    source="ISO 9276-6",
    bounds=POSITIVE,
    smallest=20,
    empty="no_body",
    also={"scikit-image": "feret_diameter_max", "MorphoLibJ": "Max. Feret Diameter", "ITK": "FeretDiameter"},
)
def feret_max(width_max):
    """Largest distance between parallel planes that hold the envelope, which is that of its two farthest points."""
    return width_max


@descriptor(power=1, symbol=r"x_{Fmin}", source="ISO 9276-6", bounds=POSITIVE, smallest=20, empty="no_body")
def feret_min(width_min):
    """Smallest distance between parallel planes that hold the envelope, from the edges of its convex hull."""
    return width_min
