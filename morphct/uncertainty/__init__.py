"""How far to trust a run: errors of every column, what moves with a parameter, which particles are doubtful.

In: the conditions of a scan (voxel size, blur, noise, level) and the tables of a run. Out: standard uncertainties for
the tables, `review.csv`, and the sensitivities in `summary.json`. Start reading at `sensitivity`, which works on tables
alone; `calibration/` measures known bodies again.

- `calibration/`: how far to trust a column at this voxel size, blur and noise: known bodies put through what the scan
  did to them
- `doubts`: the two choices that the tables depend on, grey level and split, and how far off each may be
- `review`: which particles are doubtful, why, and what would change
- `sensitivity`: how headline numbers, surfaces and volumes move with level and split
"""
