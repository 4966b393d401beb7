"""What morphct keeps for a user between runs: one folder, whose loss costs time and no number."""

import os
import sys
from pathlib import Path

OWN_PLACE = "MORPHCT_CACHE_DIR"  # the environment's word on where; empty: nothing is kept


def user_cache() -> Path | None:
    """The folder, made when something is first kept; None where the environment says that nothing is."""
    if OWN_PLACE in os.environ:
        return Path(os.environ[OWN_PLACE]) if os.environ[OWN_PLACE] else None
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "morphct"


def keep(name: str, content: str) -> bool:
    """Keep a text under a name, whole or not at all; whether that could be done: a cache never stops the work."""
    folder = user_cache()
    if folder is None:
        return False
    part = folder / f".{name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(content, encoding="utf-8")
        os.replace(part, folder / name)
    except OSError:
        part.unlink(missing_ok=True)
        return False
    return True


def kept(name: str) -> str:
    """The text kept under a name; an empty one where there is none, or it cannot be read."""
    folder = user_cache()
    try:
        return "" if folder is None else (folder / name).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
