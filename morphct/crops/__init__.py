"""What needs a whole particle: its bounding-box crop in, plain numbers out, many particles at a time.

A crop is (Z,Y,X) of 0 and 1 (any dtype, non-zero = particle). What lies outside it is background, so a particle cut by
the volume's faces is measured as if it ended there. Lengths are in the units of `spacing` (z, y, x voxel edges).
"""

from .balls import Ball, inscribed_ball
from .curvature import curvature_roundness
from .hull import Hull, hull
from .particle import measure_crop
from .roundness import Roundness, silhouette_roundness
from .surface import surface_area
from .thickness import Thickness, local_thickness, thickness_map

__all__ = [
    "Ball",
    "Hull",
    "Roundness",
    "Thickness",
    "curvature_roundness",
    "hull",
    "inscribed_ball",
    "local_thickness",
    "measure_crop",
    "silhouette_roundness",
    "surface_area",
    "thickness_map",
]
