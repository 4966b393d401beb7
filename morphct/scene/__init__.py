"""Three dimensions: surfaces of labels, their colours, and the scene that window and browser share."""

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
