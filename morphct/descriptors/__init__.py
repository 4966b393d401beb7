"""The columns of all tables: one function each, with all that is known about it."""

from .columns import Columns, compute, required
from .crosswalk import crosswalk
from .glossary import glossary
from .registry import Descriptor, chosen
from .rows import AGGREGATES, PARTICLES, VOIDS, Rows, particle_rows

__all__ = [
    "AGGREGATES",
    "PARTICLES",
    "VOIDS",
    "Columns",
    "Descriptor",
    "Rows",
    "chosen",
    "compute",
    "crosswalk",
    "glossary",
    "particle_rows",
    "required",
]
