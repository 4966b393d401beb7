"""The command line: parse, call, print. The only room that prints, draws progress, sets up logging or exits.

One module per command, imported when the command is called: `morphct --help` must not wait for numpy.
"""

from .entry import main

__all__ = ["main"]
