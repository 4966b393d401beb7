"""Touching particles told apart.

In: a 0/1 volume with its voids filled. Out: labels. The distance to the background falls into basins, one a peak;
basins that are one particle are merged. Start reading at `split`, then `basins`, `basin_graph` and `merging`.

- `basin_graph`: the graph of basins: heights, interfaces, rims
- `basins`: steepest ascent: one basin a peak
- `distance`: exact squared distance to the background
- `margins`: how near the split was to another one
- `merging`: which basins are one particle
- `snow`: PoreSpy's split, for comparison
- `split`: touching particles told apart
- `surroundings`: a brick of the graph and what lies around it
"""
