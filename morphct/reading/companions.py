"""Files that a file names (data beside a header, links, virtual sources): found, regular, and in its own folder.

A header from elsewhere can name any file. What lies outside the folder of the file that names it is read only when the
user says so, and what is no regular file (a pipe, a device) never: opening it may wait for ever.
"""

import os
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from ..ground.errors import InputError

REMEDY = "say --follow-links to read it, or copy it beside"


@dataclass(frozen=True)
class Companion:
    """A file that another one names.

    Parameters
    ----------
    path : Path
        Where it is.
    outside : bool
        Whether it lies outside the folder of the file that names it.
    """

    path: Path
    outside: bool


def companion(owner: Path, name: str, follow: bool, what: str, exact: bool = False) -> Companion:
    """The file that `owner` calls `name`: as it is written, else under its last name beside `owner`.

    Parameters
    ----------
    owner : Path
        The file that names it.
    name : str
        As written there, relative to the folder of `owner` or absolute.
    follow : bool
        Whether the user allows files outside that folder.
    what : str
        What it is to the owner, for messages: `its data file`.
    exact : bool
        Look beside `owner` only for what is written with a whole path, as the HDF5 library does.

    Raises
    ------
    InputError
        When it is not there, is no regular file, or lies outside without the user's word.
    """
    if not name or "\0" in name:
        raise InputError(f"{owner.name} names no file for {what}; save it again")
    written = Path(name if os.sep in name or "\\" not in name else name.replace("\\", "/"))
    places = [owner.parent / written]
    if written.is_absolute() or not exact:
        places.append(owner.parent / PureWindowsPath(name).name)
    for place in places:
        if not _there(place):
            continue
        outside = not inside(place, owner)
        if outside and not follow:
            raise InputError(
                f"{owner.name} names {name} as {what}, outside its own folder, which is not read unasked; {REMEDY}"
            )
        if not place.is_file():
            raise InputError(f"{owner.name} names {name} as {what}, which is no regular file; it is not read")
        return Companion(place, outside)
    raise InputError(f"{owner.name} names {name} as {what}, and it is not there; copy it beside {owner.name}")


def inside(place: Path, owner: Path) -> bool:
    """Whether a file really lies in the folder of `owner` (or below), symbolic links followed."""
    real = os.path.realpath(place)
    folders = {os.path.realpath(owner.parent), os.path.dirname(os.path.realpath(owner))}
    return any(os.path.commonpath([real, folder]) == folder for folder in folders)


def outside_note(owner: Path, path: Path) -> str:
    """What the provenance says of a file that was read outside the folder."""
    return (
        f"{owner.name} leads to {os.path.normpath(path)}, outside its own folder: it is read, as asked (--follow-links)"
    )


def _there(place: Path) -> bool:
    try:
        place.stat()
    except (OSError, ValueError):
        return False
    return True
