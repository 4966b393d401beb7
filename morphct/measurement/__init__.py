"""From a label image to results of passes: sums over bricks, then each particle's crop.

In: labels, voids, grey and channels as (Z,Y,X) array-likes. Out: plain arrays by name, a value a particle, void or pair
of particles; what they are called in a table is for `descriptors`. Start reading at `all_passes`.

- `crops/`: what needs a whole particle: its bounding-box crop in, plain numbers out, many particles at a time
- `aggregates`: groups of touching particles and how strongly they are joined
- `all_passes`: one pass over bricks, one over the crops
- `labelled`: what is measured: labels, their voids, and what is known of them
- `brick_pass`: what adds up voxel by voxel
- `particle_pass`: whole particles: each cut out once for all that looks at it, the largest first
- `crop_pass`: what needs whole particles: hull, balls, surface, thickness, roundness
- `interior_grey`: grey and channels by depth, against the background near by
- `necks`: how thick the necks between touching particles are
- `other_programs`: what other programs make of the same labels
- `void_pass`: voids: their thickness, their depth, and how those of a particle lie together
- `void_placement`: voids against random throws: depth ranks and clustering
"""
