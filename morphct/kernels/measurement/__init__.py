"""Loops over one particle's crop: hull, balls, thickness, surface, silhouettes, random throws of its voids.

In: a padded crop and its distances. Out: plain numbers and small arrays.

- `background`: what lies away from surfaces: background away from everything labelled, and the inside of a particle
- `calipers`: least width of a convex polytope from its facets
- `chamfer`: chamfer distance in a crop: 3, 4 and 5 for steps along edges, face and space diagonals (Borgefors 1986)
- `contour_table`: the marching-cubes table: which edges of a 2x2x2 cell the level surface cuts, and in which order
- `corners`: corners of an outline: the circles that fit its arcs, the widest turns first
- `crop_distance`: exact squared distance of every voxel of a crop to the nearest background voxel centre
- `curvature`: largest principal curvature on a level surface, from derivatives of the blurred occupancy
- `enclosing`: the smallest circle or ball that encloses points: the farthest point joins a small active set, which is
  solved whole
- `flat_faces`: where the largest ball ends at flat faces, how many voxels lie in it
- `hull`: convex hull of a particle's voxel centres: candidate vertices, exact lattice count, diameters and widths
- `inscribed`: the largest ball that holds no background voxel centre, its centre anywhere inside the particle's voxels
- `necks`: how far the background is from the interface of two labels
- `outlines`: closed outlines: even spacing, smoothing that does not shrink, the largest circle inside
- `resample`: linear samples of a blurred occupancy on another grid, plane by plane, and the highest of them
- `silhouettes`: outlines of a body seen along a direction, traced at sub-pixel level without ever turning the volume
- `small_thickness`: median local thickness of many small bodies of a block
- `surface_mesh`: area and volume of the level surface of a blurred occupancy, cell by cell, without ever building a
  mesh
- `thickness`: local thickness by painting: balls in the order of their radius, every voxel written once by the first
  that holds it
- `views`: all silhouettes of a body in one call: outline, largest and smallest circle, corners of every view
- `void_throws`: voids thrown at random into their own particle, without overlap: clustering and depth of voids are held
  against it
- `wall_points`: the background points that wall a particle in: finding them, the near ones, and climbing away from them
"""
