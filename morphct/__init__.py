"""morphct: nano-CT particle morphology and void quantification.

The names for scripts are `run`, `measure` and `open_run`. Data goes one way: `reading` opens a file as a volume;
`segment` turns its grey values into labels of particles and voids; `measurement` sums over labels and looks at each
particle; `descriptors` makes columns of that; `results` makes tables, numbers of the sample and the run folder;
`uncertainty` says how far to trust them; `views` shows a finished run. `pipeline` puts these in order, `cli` is the
command line.

- `cli/`: the command line: parse, call, print. The only folder that prints, draws progress, sets up logging or exits
- `pipeline/`: the order of the work: from settings and a file to a finished run folder
- `views/`: a finished run looked at: page, figures, 3D pictures, window and browser
- `uncertainty/`: how far to trust a run: errors of every column, what moves with a parameter, which particles are
  doubtful
- `results/`: from results of passes to what people read: tables, flags, numbers of the sample, limits, the run folder
- `measurement/`: from a label image to results of passes: sums over slabs, then each particle's crop
- `descriptors/`: the columns of all tables: one function each, with all that is known about it
- `segment/`: from grey to particles and voids
- `truth/`: synthetic powders and bodies whose answer is known, and segmentations held against it
- `reading/`: readers: one a family of file formats. `open_volume` opens any of them lazily
- `kernels/`: every numba loop: arrays in, arrays out. No pandas, no files, no threads, no progress bars
- `ground/`: what everything stands on: errors, units, options, slabs, threads, intermediate volumes
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["measure", "open_run", "run"]

# names of the library and where they live; imported on first use, so that `import morphct` stays quick
_HOMES = {"run": "pipeline.run", "measure": "pipeline.measuring", "open_run": "results.run_folder"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module 'morphct' has no attribute {name!r}")
