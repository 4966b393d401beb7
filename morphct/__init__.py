"""morphct: nano-CT particle morphology and void quantification."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["measure", "open_run", "run"]

# names of the library and where they live; imported on first use, so that `import morphct` stays quick
_HOMES = {"run": "pipeline", "measure": "measuring", "open_run": "result"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module 'morphct' has no attribute {name!r}")
