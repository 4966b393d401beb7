"""The order of the work: from settings and a file to a finished run folder.

In: a path or array and `Settings`. Out: a run folder, or tables in memory. Nothing is computed here that could stand
alone: the stages are in `segment`, `measurement`, `results` and `uncertainty`, and this folder calls them one after
another, with the memory plan, progress and what is kept for `--resume`. Start reading at `run`, then `segmenting`.

- `batch`: many samples, each its own run folder; one that fails does not stop the rest
- `batch_apart`: samples of a batch on the workers of a cluster, one at a time on each
- `batch_check`: whether a batch can start, all its faults in one go
- `checkpoint`: what an interrupted run keeps, for `--resume`
- `compiling`: the first run after an install: what it compiles is told, and done by a second process beside it
- `csv_text`: CSV tables as people's programs write them
- `foretelling`: what a run will take, from what runs on this machine took
- `few_values`: stages 2 to 10 of a volume of a handful of values
- `inspection`: looking before computing: `inspect`, `check`
- `job`: what every stage has at hand: plan, scratch, progress; what it took
- `manifest`: the samples of a batch: a CSV, a folder or a glob
- `measuring`: a label image to tables, in memory: `morphct.measure`
- `kept_steps`: steps of a long segmentation that a killed run leaves to the one that resumes it
- `machine`: memory, processors and disk, as far as a container lets them
- `memory_plan`: how large a brick is and what may stay in memory, from the cap
- `outlook`: time left of a whole run, what was foretold corrected by what has passed
- `provenance`: where a result came from: input and hash, settings, versions, timings, warnings
- `publish`: what a run leaves: label stores, tables, numbers, figures, pictures, page
- `recalibrate`: the calibration of a finished run, in full
- `resuming`: what `--resume` finds in the output folder: a finished run, or one whose last move was cut off
- `run`: the stages in order; the only file that knows the order
- `same_work`: whether work done before is the work asked for now
- `segmented`: what the steps of the segmentation hand on
- `segmenting`: grey to particles and voids: the stages that read grey, in order
- `settings`: the options of all stages as one thing, from and to TOML
- `threshold_record`: how grey became a mask, as `threshold.json` and `histogram.csv` tell it
"""
