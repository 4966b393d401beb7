"""Whether the files of a volume are still as they were when it was opened: a look before every read."""

from collections.abc import Iterable
from pathlib import Path

from ..ground.errors import InputError

Stamps = tuple[tuple[int, int] | None, ...]


def stamps_of(files: Iterable[Path]) -> Stamps:
    """When each file was last changed (ns), and its bytes; None for one that is not there."""
    return tuple(_stamp(path) for path in files)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size


def refuse_changed(name: str, files: Iterable[tuple[int, Path]], stamps: Stamps) -> None:
    """Refuse to read on from what is being written, or has gone.

    Raises
    ------
    InputError
    """
    for place, path in files:
        then, now = stamps[place], _stamp(path)
        if then is not None and now != then:
            gone = now is None
            what, mend = ("is no longer there", "put it back") if gone else ("has changed", "wait until it is written")
            which = path.name if path.name in name else f"{path.name} of {name}"
            raise InputError(
                f"{which} {what} since it was opened, so what was read cannot be trusted; {mend}, then start again"
            )
