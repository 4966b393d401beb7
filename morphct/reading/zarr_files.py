"""The files of a Zarr store: a folder or a zip, all of them regular and inside, before the library opens any."""

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..ground.errors import InputError
from .companions import REMEDY
from .contract import Format, reading

ZARR = Format(
    "Zarr / OME-Zarr", (".zarr", ".zarr.zip"), "version 2 and 3, store.zarr[::path], full resolution of multiscales"
)
MARKS = ("zarr.json", ".zarray", ".zgroup")
_FACTS = {*MARKS, ".zattrs", ".zmetadata"}


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr store or lies in one."""
    return any((path / mark).is_file() for mark in MARKS)


@dataclass(frozen=True)
class Store:
    """A store: its folder or zip, and the way to its root inside the zip."""

    path: Path
    prefix: str = ""

    @property
    def zipped(self) -> bool:
        """Whether it is a zip."""
        return self.path.is_file()

    def has(self, name: str) -> bool:
        """Whether there is a group or array of this name."""
        if not self.zipped:
            return is_zarr(self.path / name)
        names = set(self._names())
        return any(str(PurePosixPath(self.prefix, name, mark)) in names for mark in MARKS)

    def open(self, name: str = "") -> Any:
        """The group or array of this name."""
        import zarr

        with reading(self.path, ZARR):
            if not self.zipped:
                return zarr.open(store=str(self.path / name if name else self.path), mode="r")
            store = zarr.storage.ZipStore(self.path, mode="r")
            return zarr.open(store=store, path="/".join(p for p in (self.prefix, name) if p), mode="r")

    def chunks(self, name: str) -> int:
        """How many entries of a zip below a name hold voxels."""
        below = str(PurePosixPath(self.prefix, name)) if self.prefix or name else ""
        names = [n for n in self._names() if not n.endswith("/") and (not below or n.startswith(f"{below}/"))]
        return sum(is_chunk(n.rpartition("/")[2]) for n in names)

    def _names(self) -> list[str]:
        with reading(self.path, ZARR), zipfile.ZipFile(self.path) as archive:
            return archive.namelist()


def is_chunk(name: str) -> bool:
    """Whether a file of this name in a store holds voxels."""
    return name not in _FACTS and not name.startswith(".")


def store_at(path: Path) -> Store:
    """The store a folder or zip is.

    Raises
    ------
    InputError
        When it is none.
    """
    if not path.is_file():
        if not is_zarr(path):
            raise InputError(f"{path.name} is not a Zarr store (no {', '.join(MARKS)} in it); check the path")
        return Store(path)
    with reading(path, ZARR), zipfile.ZipFile(path) as archive:
        roots = [PurePosixPath(n).parent for n in archive.namelist() if PurePosixPath(n).name in MARKS]
    if not roots:
        raise InputError(f"{path.name} is a zip without a Zarr store (no {', '.join(MARKS)} in it); check the path")
    root = min(roots, key=lambda p: len(p.parts))
    return Store(path, "" if str(root) == "." else str(root))


def check_inside(store: Store, name: str, follow: bool) -> list[str]:
    """Refuse a path of the store's own attributes that leads out of it; a note when it is followed.

    Raises
    ------
    InputError
        One sentence.
    """
    parts = PurePosixPath(name.replace("\\", "/"))
    if not parts.is_absolute() and ".." not in parts.parts:
        return []
    if store.zipped or not follow:
        raise InputError(
            f"{store.path.name} names {name} as its array, outside the store, which is not read unasked; {REMEDY}"
        )
    return [f"{store.path.name} leads to {name}, outside the store: it is read, as asked (--follow-links)"]


def regular_files(root: Path, follow: bool) -> list[Path]:
    """All files of a folder store, sorted.

    Raises
    ------
    InputError
        When one is no regular file, or a symbolic link leads outside without the user's word.
    """
    found, seen, home = [], set(), os.path.realpath(root)
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in (*folders, *files):
            place = os.path.join(folder, name)
            if os.path.islink(place) and not follow and not os.path.realpath(place).startswith(home + os.sep):
                raise InputError(
                    f"{name} in {root.name} is a link to a file outside the store, not read unasked; {REMEDY}"
                )
        for name in files:
            place = os.path.join(folder, name)
            if not os.path.isfile(place):
                raise InputError(f"{name} in {root.name} is no regular file; it is not read, copy the store again")
            found.append(Path(place))
    return sorted(found)
