"""Looking at a run interactively: in a window, or in a browser on this machine.

In: a run folder. Out: nothing; both show the scene of `views/scene`.

- `web`: the scene in a browser: drawn here, sent as pictures to a page on 127.0.0.1
- `window`: the scene in a window of its own (pyvista)
"""

from .web import serve
from .window import show

__all__ = ["serve", "show"]
