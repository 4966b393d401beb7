"""Loops of the split: distances, ascent to peaks, edges between basins, joins.

In: 0/1 planes and distance maps. Out: squared distances, pointers, sums by pair of basins.

- `ascent`: steepest ascent in a distance map: where each voxel points, and which peak its chain of pointers reaches
- `basin_sums`: sums over the voxels of every basin in a brick: voxels, moments, what was sealed, whether a face is
  reached
- `box_counts`: how solid the surroundings of every voxel are, and which voxels lie at the surface
- `distance`: exact squared distance to the background in separable passes: rows and columns of a plane, then columns
  along z
- `edges`: where basins meet each other and the background: one pass over a brick, sums of integers by pair of basins
- `join_scores`: how strongly two clusters of basins want to be one: as parts of a compact body, or of a body that goes
  on
- `joins`: basins joined into particles: those parted by a shallow saddle, then best pair first by the better of two
  scores
- `whole_distance`: squared distance to the background as whole numbers of 16 bits, for voxels whose squared edges are
  whole
"""
