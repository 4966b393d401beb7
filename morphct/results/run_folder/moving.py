"""The final move of a run folder into place, so that one that was cut off can be finished or taken back.

`moving.json` lies in the hidden folder from the moment the run is whole until its last file is in place: the hash of
every file, and what of an older run has to go.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from ...ground import disk

MOVING = "moving.json"
RUN = "run.json"  # written into place last and removed first: a folder without it is not a run folder


def hashes(folder: Path, names: list[str]) -> dict[str, str]:
    """SHA-256 of files, and of all files in folders, by their path within `folder`."""
    found = {}
    for name in names:
        path = folder / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                with open(file, "rb") as content:
                    found[file.relative_to(folder).as_posix()] = hashlib.file_digest(content, "sha256").hexdigest()
    return found


def read(folder: Path) -> dict[str, Any] | None:
    """What `moving.json` of a hidden folder says (`new`, `old`, `files`); None where there is none, or none to read."""
    try:
        plan = json.loads((folder / MOVING).read_text(encoding="utf-8"))
        whole = all(isinstance(plan[name], kind) for name, kind in (("new", list), ("old", list), ("files", dict)))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return plan if whole else None


def is_whole(folder: Path, out: Path, plan: dict[str, Any]) -> bool:
    """Whether every file of the plan has its hash, where it lies now: still in the hidden folder, or in place."""
    here = hashes(folder, [n for n in plan["new"] if (folder / n).exists()])
    there = hashes(out, [n for n in plan["new"] if not (folder / n).exists() and (out / n).exists()])
    return (here | there) == plan["files"]


def into_place(folder: Path, out: Path, plan: dict[str, Any]) -> None:
    """Move what is not moved yet, `run.json` last; what an older run left goes first. May be called again."""
    if (folder / RUN).exists():  # else the one in place is the new one already
        disk.remove(out / RUN)
        for name in plan["old"]:
            disk.remove(out / name)
        for name in [*(n for n in plan["new"] if n != RUN), RUN]:
            if (folder / name).exists():
                disk.move(folder / name, out / name)


def take_back(folder: Path, out: Path, plan: dict[str, Any]) -> None:
    """Remove what of a run that will not be finished is in place already: half a run stays nowhere."""
    for name in plan["new"]:
        if not (folder / name).exists():
            disk.remove(out / name)
