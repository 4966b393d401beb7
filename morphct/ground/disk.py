"""The gate through which run folders and intermediate volumes change on disk: every change is announced first.

`step` does nothing. A test puts a fault in its place (a kill, a full disk, an interrupt) and so tries every change that
a run makes, one after another.
"""

import os
import shutil
from pathlib import Path


def step(action: str, path: Path) -> None:
    """Called before each change.

    Parameters
    ----------
    action : str
        `make` (a folder), `write`, `move` (into place) or `remove`.
    path : Path
        What is changed.
    """


def make_folder(path: Path) -> None:
    """Make a folder and those above it; nothing to be done when it is there."""
    if not path.is_dir():
        step("make", path)
        path.mkdir(parents=True, exist_ok=True)


def move(source: Path, target: Path) -> None:
    """Move a file or folder into place; a file there is replaced, a folder there is removed first."""
    if target.is_dir() and not target.is_symlink():
        remove(target)
    step("move", target)
    os.replace(source, target)


def remove(path: Path) -> None:
    """Delete a file, a link or a folder with all that is in it; nothing there is no error."""
    if path.is_dir() and not path.is_symlink():
        step("remove", path)
        shutil.rmtree(path, ignore_errors=True)
    elif path.is_symlink() or path.exists():
        step("remove", path)
        path.unlink(missing_ok=True)
