"""Tasks that may be run twice: what one changes of the shared volumes it has read is kept until all of it is known.

A lost worker's tasks are run again by others. A task that only writes gives the same voxels again; one that reads a
volume and writes it in place would find its own work and do it twice. So what is written over something that was read
is kept aside, saved with the result in one file (the note), and only then laid into the volumes. Run again, a task with
a note lays the same voxels in again and gives the same result; one without a note finds the volumes as they were.
"""

import os
import pickle
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np

Part = tuple[int, int, int, int]  # planes and rows z0, z1, y0, y1 (half-open) of a volume; rows are whole along x

_watched = threading.local()


class Shared(Protocol):
    """A volume in a file that several processes write."""

    path: Path

    def put(self, part: Part, block: np.ndarray) -> None:
        """Write (Z,Y,X) voxels into the file."""
        ...


class Changes:
    """What one task has read of shared volumes, and what it would write over that."""

    def __init__(self) -> None:
        self._read: dict[Path, list[Part]] = {}
        self.kept: list[tuple[Shared, Part, np.ndarray]] = []

    def read(self, volume: Shared, part: Part, block: np.ndarray) -> None:
        """Note what was read into `block` (Z,Y,X), and lay into it what this task has kept for that part."""
        self._read.setdefault(volume.path, []).append(part)
        for other, where, kept in self.kept:
            both = _common(part, where)
            if other.path == volume.path and both is not None:
                block[_within(both, part)] = kept[_within(both, where)]

    def keeps(self, volume: Shared, part: Part, block: np.ndarray) -> bool:
        """Keep what would be written, where this task has read before; False: it may be written now."""
        if not any(_common(part, seen) for seen in self._read.get(volume.path, ())):
            return False
        self.kept.append((volume, part, block.copy()))
        return True

    def make(self) -> None:
        """Lay all that was kept into the volumes; the same again changes nothing."""
        for volume, part, block in self.kept:
            volume.put(part, block)


def _common(a: Part, b: Part) -> Part | None:
    z0, z1, y0, y1 = max(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), min(a[3], b[3])
    return (z0, z1, y0, y1) if z0 < z1 and y0 < y1 else None


def _within(part: Part, outer: Part) -> tuple[slice, slice]:
    z0, z1, y0, y1 = part
    return slice(z0 - outer[0], z1 - outer[0]), slice(y0 - outer[2], y1 - outer[2])


def watching() -> Changes | None:
    """The changes of the task that this thread is at; None: it writes at once."""
    return getattr(_watched, "changes", None)


@contextmanager
def _watch(changes: Changes) -> Iterator[None]:
    _watched.changes = changes
    try:
        yield
    finally:
        _watched.changes = None


def run_once(task: Callable[[], Any], note: Path) -> Any:
    """What `task` gives, with its changes made, however often this is called for the same note.

    Parameters
    ----------
    task : callable
        Reads and writes shared volumes; no other task reads what it writes meanwhile.
    note : path
        File of result and changes, if the task has any to be kept; for whoever asked to delete.
    """
    with suppress(FileNotFoundError), open(note, "rb") as file:
        return _made(file)
    changes = Changes()
    with _watch(changes):
        result = task()
    if not changes.kept:
        return result
    draft = note.with_name(f"{note.name}.{uuid.uuid4().hex}")
    with open(draft, "wb") as file:
        pickle.dump((result, changes), file, protocol=5)
    try:
        os.link(draft, note)  # fails when another worker has run the same task to its end meanwhile
    except FileExistsError:
        with open(note, "rb") as file:
            return _made(file)
    finally:
        draft.unlink()
    changes.make()
    return result


def _made(file: Any) -> Any:
    result, changes = pickle.load(file)
    changes.make()
    return result
