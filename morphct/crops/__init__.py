"""What needs a whole particle: its bounding-box crop in, plain numbers out, many particles at a time.

A crop is (Z,Y,X) of 0 and 1 (any dtype, non-zero = particle). What lies outside it is background, so a particle cut by
the volume's faces is measured as if it ended there. Lengths are in the units of `spacing` (z, y, x voxel edges).
"""

from .balls import Ball, inscribed_ball
from .hull import Hull, hull
from .particle import measure_crop
from .surface import surface_area

__all__ = ["Ball", "Hull", "hull", "inscribed_ball", "measure_crop", "surface_area"]
