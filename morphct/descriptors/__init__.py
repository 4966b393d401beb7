"""The columns of all tables: one function each, with all that is known about it.

In: results of passes by name. Out: columns with unit, bounds, definition and source. A module is a group of columns.
Start reading at `size`, then `registry`, which is what the decorator does.

- `channels`: co-registered maps (XRF, XANES peak position, d-spacing): the columns that each channel NAME adds
- `columns`: from results of passes to columns: each descriptor after what it needs, bounds kept, reasons for what is
  missing
- `compat`: columns in the conventions of other programs, for lots measured with them; only with `--compat morphometry`
- `contacts`: contacts with other particles
- `convexity`: how convex
- `crosswalk`: the crosswalk: what other programs call or mean by the same words, and how to get from their numbers to
  these
- `ellipsoid`: the ellipsoid of the same second moments: semi-axes, directions, ellipticities, Zingg's class
- `formulas`: formulas of descriptors, kept in the little LaTeX that Markdown shows, as plain text and as HTML
- `glossary`: the glossary: every column of every table, made from the registry
- `grey`: grey values of the solid
- `groups`: what the table of aggregates has beside the columns it shares with particles
- `identity`: which particle, and where: label, voxels, centroid, bounding box, class
- `options`: which columns are computed
- `pores`: what the table of voids has beside the columns it shares with particles
- `registry`: one place per descriptor: the decorator, and what it keeps beside the function
- `roundness`: how rounded the corners are: on silhouettes, and by curvature in three dimensions
- `rows`: the three tables: which descriptors there are for their rows, and which of them are columns, in order
- `size`: how big: volumes, the diameter of the sphere of the same volume, Feret diameters
- `spheres`: the largest ball inside and the smallest ball around
- `sphericity`: how close to a sphere: three numbers that other programs all call sphericity
- `surface`: surface areas, of the envelope and with the walls of the voids
- `thickness`: how thick the solid is: the diameter of the largest ball in it that holds a point, over all points
- `uncertainty`: standard uncertainties, from bodies of known shape put through what the scan did (`calibration`)
- `voids`: voids of a particle: how much, how thick, how they lie
"""

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
