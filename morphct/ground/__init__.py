"""What everything stands on: errors, units, options, slabs, threads, intermediate volumes.

Needs nothing of morphct. Start reading at `work`, `slabs` and `scratch`: no stage holds a whole volume, all of them go
by slabs.

- `cautions`: sentences a result has to be read with, and how much hangs on each
- `disk`: the gate through which run folders change on disk; tests put faults there
- `errors`: every error raised on purpose, each one sentence
- `executors`: a map over slabs or particles: serial, threads
- `options`: documented options: default, meaning, unit, range, in one place
- `scratch`: intermediate volumes, in memory or as files, within the budget
- `slabs`: plane ranges along z and their halos; a volume copied by them
- `units`: lengths and bytes as people write them
- `user_cache`: the user's cache folder: what may be lost at any time and is only quicker to read than to make again
- `work`: slabs, map, progress and scratch as one thing that stages hand on
"""
