"""The final move of a run folder into place, so that one that was cut off can be finished or taken back.

`moving.json` lies in the hidden folder from the moment the run is whole until its last file is in place: the hash of
every file, what of an older run has to go, and a seal. One that is damaged counts as none: what is on the disk then
says whether a move had begun.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...ground import disk

MOVING = "moving.json"
RUN = "run.json"  # written into place last and removed first: a folder without it is not a run folder

_FIRST = ("aggregates.csv", "aggregates.parquet")  # every run has one of them, and it is moved before all others


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


def sealed(plan: dict[str, Any]) -> dict[str, Any]:
    """A plan as `moving.json` holds it."""
    return {"plan": plan, "sha256": _seal(plan)}


def _seal(plan: Any) -> str:
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()


def read(folder: Path) -> dict[str, Any] | None:
    """What `moving.json` of a hidden folder says (`new`, `old`, `files`); None: there is none, or it is damaged."""
    try:
        content = json.loads((folder / MOVING).read_text(encoding="utf-8"))
        plan = content["plan"]
        whole = content["sha256"] == _seal(plan)
        whole = whole and all(Path(name).name == name for name in (*plan["new"], *plan["old"]))  # nothing elsewhere
        return plan if whole and isinstance(plan["files"], dict) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def has_begun(folder: Path, out: Path) -> bool:
    """Whether a run was being moved into place, as the disk tells it: `moving.json`, whole or not, or traces."""
    if (folder / MOVING).exists():
        return True
    lies_there = any((out / name).exists() and not (folder / name).exists() for name in _FIRST)
    return (folder / RUN).exists() and not (out / RUN).exists() and lies_there


def is_older(folder: Path, out: Path, names: Iterable[str]) -> bool:
    """Whether `run.json` in `out` is of the run of before: it is moved last, so nothing is left to be moved then."""
    return (out / RUN).exists() and any((folder / name).exists() for name in names)


def place_of_record(folder: Path, out: Path, plan: dict[str, Any]) -> Path | None:
    """The folder with the `run.json` of the plan: the hidden one, or `out`; None where it is lost or damaged."""
    place = folder if (folder / RUN).exists() or is_older(folder, out, plan["new"]) else out
    return place if hashes(place, [RUN]) == {RUN: plan["files"].get(RUN)} else None


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


def take_back(folder: Path, out: Path, names: Iterable[str]) -> None:
    """Remove what of a run that will not be finished is in place already: half a run stays nowhere."""
    for name in (RUN, *names):
        if not (folder / name).exists():
            disk.remove(out / name)
