"""Three dimensions: surfaces of labels, their colours, and the scene that window and browser share.

In: a run folder. Out: meshes and a pyvista scene. Start reading at `shown`.

- `colours`: colours of particles by a column of their table: continuous, by class, or one of its own for each
- `display`: whether this machine can draw: asked in a process of its own, because a missing library ends the one that
  asks
- `meshes`: surfaces of labelled volumes: one mesh of the whole population with a label per cell, or one particle in
  detail
- `section`: what a cutting plane lays open: the labels on it, as a picture that lies in the plane
- `shown`: the interactive scene: particles as one mesh, voids, a clipping plane, a pick. Window and browser share it
"""

from . import meshes
from .colours import OWN, Colouring, colour_columns, colouring, column_title
from .display import prepare, why_no_pictures
from .shown import Scene

__all__ = [
    "OWN",
    "Colouring",
    "Scene",
    "colour_columns",
    "colouring",
    "column_title",
    "meshes",
    "prepare",
    "why_no_pictures",
]
