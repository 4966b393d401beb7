"""The user's cache folder: what may be lost at any time and is only quicker to read than to make again."""

import contextlib
import hashlib
import os
import sys
import tempfile
from pathlib import Path

PLACE = "MORPHCT_CACHE_DIR"  # of the environment: another folder; empty: nothing is kept
_DIGEST_BYTES = hashlib.sha256().digest_size


def folder(name: str) -> Path | None:
    """The folder for things of one kind, which need not exist yet; None when the user wants nothing kept.

    `MORPHCT_CACHE_DIR`, else `morphct` in `XDG_CACHE_HOME`, else in `~/.cache` (macOS: `~/Library/Caches`).
    """
    place = os.environ.get(PLACE)
    if place is not None:
        return Path(place) / name if place else None
    base = os.environ.get("XDG_CACHE_HOME")
    if not base or not Path(base).is_absolute():  # as its specification has it
        base = os.path.expanduser("~/Library/Caches" if sys.platform == "darwin" else "~/.cache")
    return Path(base) / "morphct" / name if Path(base).is_absolute() else None


def read(path: Path) -> bytes | None:
    """What was kept there; None when there is nothing, or it is damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, kept = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    return kept if hashlib.sha256(kept).digest() == digest else None


def write(path: Path, content: bytes) -> None:
    """Keep it there, whole or not at all; a folder that cannot be written keeps nothing."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        number, beside = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(number, "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            os.replace(beside, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise


def keep_newest(place: Path, most: int) -> None:
    """Delete the oldest files of a folder that holds more than `most`, down to three quarters of it."""
    with contextlib.suppress(OSError):
        files = list(os.scandir(place))
        if len(files) > most:
            files.sort(key=lambda file: file.stat().st_mtime_ns)
            for file in files[: len(files) - (3 * most) // 4]:
                with contextlib.suppress(OSError):
                    os.unlink(file.path)
