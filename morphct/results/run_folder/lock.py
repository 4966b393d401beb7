"""One morphct at a time in an output folder: a lock that the system frees when its process ends, however it ends."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ...ground import disk
from ...ground.errors import OutputError
from .files import disk_told

PARTIAL = ".morphct-partial"  # the hidden folder in which a run is built, and in which the lock lies
LOCK = ".lock"
_LONGEST_NUMBER = 20  # digits of a process number


def take(out: Path) -> int | None:
    """Take the lock of `out` and return the handle that holds it; None where the machine has no such locks.

    The lock is the system's, on a file with the number of the process in it: a file that a dead process left is none.

    Raises
    ------
    OutputError
        When another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # no such locks on Windows
        return None
    while True:
        with contextlib.suppress(FileNotFoundError):  # another morphct has just ended and taken the folder with it
            disk.make_folder(out / PARTIAL)
            handle = os.open(out / PARTIAL / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                number = os.read(handle, _LONGEST_NUMBER).decode(errors="replace").strip()
                os.close(handle)
                who = f" (process {number})" if number.isdigit() else ""
                raise OutputError(
                    f"another morphct{who} is writing into {out}; wait for it or choose another folder with -o"
                ) from None
            except OSError:
                return handle  # some network file systems have no locks; the work goes on without
            if _is_there(handle, out / PARTIAL / LOCK):
                os.ftruncate(handle, 0)
                os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
                return handle
            os.close(handle)


def _is_there(handle: int, path: Path) -> bool:
    """Whether the file that was locked is still the one of this name."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def drop(handle: int | None) -> None:
    """Give a lock back."""
    if handle is not None:
        os.close(handle)


def remove_if_empty(out: Path) -> None:
    """Take the hidden folder away when nothing but the lock is in it; to be called while the lock is held."""
    folder = out / PARTIAL
    with contextlib.suppress(OSError):
        if [p.name for p in folder.iterdir()] in ([], [LOCK]):
            disk.remove(folder)


@contextlib.contextmanager
def alone(out: Path | str) -> Iterator[None]:
    """Hold the lock of a folder that is there, inside the block.

    Raises
    ------
    OutputError
        When another morphct holds it, or the folder cannot be written.
    """
    out = Path(out).absolute()
    with disk_told(out):
        handle = take(out)
    try:
        yield
    finally:
        remove_if_empty(out)
        drop(handle)
