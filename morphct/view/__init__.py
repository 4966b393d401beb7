"""Looking at a run interactively: in a window, or in a browser on this machine."""

from .web import serve
from .window import show

__all__ = ["serve", "show"]
