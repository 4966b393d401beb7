"""From results of passes to what people read: tables, flags, numbers of the sample, limits, the run folder.

In: results of `measurement`. Out: data frames, `summary.json` and the run folder. No voxel is read here. Start reading
at `tabulate`, then `population`.

- `run_folder/`: the run folder: written whole or not at all, opened lazily; report, render and view read only this
- `accessor`: `table.morphct`: flags and class of a table as attributes, and questions about them
- `flags`: the closed list of words that qualify a row
- `frames`: columns as data frames, names and order fixed
- `intervals`: quantiles, shares and correlations with their intervals; weights for the border
- `population`: a sample in numbers: medians, D10 to D90, shares, with intervals
- `qc`: limits a sample has to keep
- `tabulate`: results of passes to tables: columns, flags, groups of touching particles
"""
