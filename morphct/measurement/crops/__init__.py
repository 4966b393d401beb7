"""What needs a whole particle: its bounding-box crop in, plain numbers out, many particles at a time.

A crop is (Z,Y,X) of 0 and 1 (any dtype, non-zero = particle). What lies outside it is background, so a particle cut by
the volume's faces is measured as if it ended there. Lengths are in the units of `spacing` (z, y, x voxel edges). Start
reading at `particle`.

- `balls`: the largest ball inside a particle
- `box`: a crop made ready for the kernels: 0 and 1 with a margin of background, and its distance map; a particle with
  all that several measurements share
- `curvature`: roundness in three dimensions: how sharply the body's surface curves where it curves more than its
  inscribed ball
- `grid`: the same particle on another grid: equal edges where the voxels have none, finer or coarser where a kernel
  needs
- `hull`: the convex hull of a particle's voxel centres: solidity, Feret diameters, enclosing ball
- `particle`: all crop measurements of one particle in one call, sharing the padded box, the distances and the inscribed
  ball
- `roundness`: roundness and the sphere ratio of a particle's silhouettes
- `surface`: area of a particle's surface, from the level of its blurred occupancy that keeps its volume
- `thickness`: local thickness of a particle: how thick the body is where a point lies. A diameter
- `small`: local thickness of many small bodies at once
"""

from .hull import hull
from .particle import measure_body, measure_crop
from .thickness import local_thickness

__all__ = ["hull", "local_thickness", "measure_body", "measure_crop"]
