"""The command line: parse, call, print. The only folder that prints, draws progress, sets up logging or exits.

In: what was typed. Out: an exit code, and what `pipeline` and `views` leave on disk. Start reading at `entry`. One
module a command, imported when the command is called: `morphct --help` must not wait for numpy.

- `batch`: many volumes, a run folder each, one page
- `calibrate`: bias and uncertainty of every column of a run, in full
- `check`: settings and plan validated, no voxel read
- `descriptors`: the glossary, and what other programs call the same
- `entry`: the `morphct` command: finds the command's module, and turns every ending into an exit code, here and nowhere
  else
- `init`: every setting as a commented TOML file
- `inspect`: what is in a volume, before anything is computed
- `measure`: the main job from measuring on
- `phantom`: a synthetic powder with its truth
- `render`: still 3D pictures and meshes
- `report`: the page again, from run folders alone
- `run`: the main job
- `shared_options`: the options that `run`, `measure`, `inspect`, `check` and `batch` share, made from the settings they
  stand for
- `telling`: what a command says at its end: the numbers a person asks for first, and where the rest is
- `terminal`: what is seen while a command works: bars on a terminal, plain lines elsewhere, log lines with -v. All on
  stderr
- `view`: look inside a run
"""

from .entry import main

__all__ = ["main"]
