"""What everything stands on: errors, units, options, bricks, threads, intermediate volumes.

Needs nothing of morphct. Start reading at `work`, `bricks` and `scratch`: no stage holds a whole volume, all of them
go by bricks.

- `bricks`: ranges of planes and rows, their halos, and a volume cut into them
- `cautions`: sentences a result has to be read with, and how much hangs on each
- `chunks`: intermediate volumes in compressed chunks, in memory or in a file
- `cluster/`: a map over the workers of a dask scheduler, on many machines
- `disk`: the gate through which run folders change on disk; tests put faults there
- `errors`: every error raised on purpose, each one sentence
- `executors`: a map over bricks or particles: serial, threads, many machines
- `keeping`: work kept on disk for a run that goes on: values with their volumes, results task by task
- `options`: documented options: default, meaning, unit, range, in one place
- `plane_file`: intermediate volumes as raw files that several processes share
- `redo`: tasks that may be run twice: their changes in place kept and made once
- `scratch`: intermediate volumes made and released, within the budget
- `units`: lengths and bytes as people write them
- `user_cache`: the user's cache folder: what may be lost at any time and is only quicker to read than to make again
- `work`: bricks, map, progress and scratch as one thing that stages hand on
"""
