"""Ways through HDF5 files: links are followed by hand, so that each file they lead to is checked before it opens.

h5py follows links by itself, gives what lies behind an external link the path of the other file, and waits for ever
where a link leads to a pipe.
"""

import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..ground.errors import InputError
from .companions import companion, outside_note
from .contract import check_size

MOST_LINKS = 64  # in a row; more is a circle
MOST_OBJECTS = 200_000  # looked at in a search


class NotThereError(InputError):
    """A path that leads nowhere."""


@dataclass(frozen=True)
class Node:
    """A group or dataset: the file it really lies in, its path there, the h5py object."""

    path: Path
    name: str
    item: Any

    @property
    def is_dataset(self) -> bool:
        """Whether it is a dataset."""
        import h5py

        return isinstance(self.item, h5py.Dataset)


@dataclass
class Files:
    """The files of one volume, opened as links lead to them.

    Parameters
    ----------
    root : Path
        The file the user named.
    follow : bool
        Whether files outside the folder of the one that names them may be read.
    """

    root: Path
    follow: bool = False
    notes: list[str] = field(default_factory=list)
    opened: dict[Path, Any] = field(default_factory=dict)

    def __enter__(self) -> "Files":
        return self

    def __exit__(self, *error: Any) -> None:
        for file in self.opened.values():
            file.close()

    def top(self, path: Path) -> Node:
        """The root group of a file."""
        if path not in self.opened:
            try:
                self.opened[path] = open_file(path)
            except OSError as error:
                if path == self.root:
                    raise
                raise InputError(
                    f"{path.name}, named by {self.root.name}, is no HDF5 file or damaged; check it"
                ) from error
        return Node(path, "", self.opened[path]["/"])

    def other(self, owner: Path, name: str, what: str, exact: bool = False) -> Path:
        """The file that `owner` names, checked."""
        found = companion(owner, name, self.follow, what, exact)
        if found.outside and (note := outside_note(owner, found.path)) not in self.notes:
            self.notes.append(note)
        return found.path

    def walk(self, start: Node, name: str, exact: bool = False) -> Node:
        """What lies at a path from `start` on, all kinds of links followed.

        Raises
        ------
        NotThereError
            When it leads nowhere, saying where it breaks off.
        InputError
            When a link leads to a file that is not to be read.
        """
        import h5py

        at = self.top(start.path) if name.startswith("/") else start
        parts, followed = deque(_parts(name)), 0
        while parts:
            part = parts.popleft()
            code = part.encode("utf-8", "surrogateescape")
            here = f"{at.name}/{part}".lstrip("/")
            links = None if at.is_dataset or not hasattr(at.item, "keys") else at.item.id.links
            if links is None or not links.exists(code):
                raise NotThereError(f"{at.path.name} has no /{here}; check the path")
            kind = links.get_info(code).type
            if kind == h5py.h5l.TYPE_HARD:
                at = Node(at.path, here, _opened(at.item, code))
                continue
            followed += 1
            if followed > MOST_LINKS or kind not in (h5py.h5l.TYPE_SOFT, h5py.h5l.TYPE_EXTERNAL):
                why = "runs in a circle" if followed > MOST_LINKS else "is of a kind that is not read"
                raise InputError(f"the link /{here} of {at.path.name} {why}; name the dataset itself")
            value = links.get_val(code)
            if kind == h5py.h5l.TYPE_SOFT:
                target = _text(value)
                at = self.top(at.path) if target.startswith("/") else at
            else:
                target = _text(value[1])
                at = self.top(self.other(at.path, os.fsdecode(value[0]), f"the target of its link /{here}", exact))
            parts.extendleft(reversed(_parts(target)))
        return at

    def try_walk(self, start: Node, name: str) -> Node | None:
        """As `walk`, None where it leads nowhere or must not be followed."""
        try:
            return self.walk(start, name)
        except (InputError, OSError, KeyError, RuntimeError):
            return None

    def datasets(self, start: Node, troubles: list[str]) -> Iterator[tuple[str, Node]]:
        """Every dataset below a group with the path that leads to it, each once; broken links go to `troubles`."""
        return ((shown, node) for shown, node in self.objects(start, troubles) if node.is_dataset)

    def objects(self, start: Node, troubles: list[str]) -> Iterator[tuple[str, Node]]:
        """Every dataset and group below a group, as `datasets`."""
        import h5py

        queue = deque([("", start)])
        seen: set[tuple[Path, int]] = set()
        while queue and len(seen) < MOST_OBJECTS:
            prefix, group = queue.popleft()
            for child in sorted(group.item):
                shown = f"{prefix}/{child}".lstrip("/")
                try:
                    node = self.walk(group, child)
                except (InputError, OSError, KeyError, RuntimeError) as error:
                    troubles.append(str(error).splitlines()[0])
                    continue
                facts = h5py.h5o.get_info(node.item.id)
                key = (node.path, facts.addr)
                if key in seen:
                    continue
                seen.add(key)
                yield shown, node
                if not node.is_dataset and hasattr(node.item, "keys"):
                    queue.append((shown, node))


def open_file(path: Path) -> Any:
    """An opened `h5py.File`."""
    import h5py

    try:
        # no lock: beamline disks are often mounted without, and nothing is written
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        sizes = re.search(r"eof = (\d+).*?stored_eof = (\d+)", str(error))
        if sizes:
            check_size(path, int(sizes[1]), int(sizes[2]), "its header")
        raise


def open_dataset(group: Any, name: str) -> Any:
    """A dataset whose external and virtual parts are looked for beside its own file, not in the working folder."""
    import h5py

    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    access.set_efile_prefix(b"${ORIGIN}")
    access.set_virtual_prefix(b"${ORIGIN}")
    return h5py.Dataset(h5py.h5d.open(group.id, name.encode("utf-8", "surrogateescape"), access))


def _opened(group: Any, code: bytes) -> Any:
    import h5py

    # asked before it is opened: a dataset that is open without these folders cannot be opened with them
    if h5py.h5o.get_info(group.id, code).type == h5py.h5o.TYPE_DATASET:
        return open_dataset(group, code.decode("utf-8", "surrogateescape"))
    identity = h5py.h5o.open(group.id, code)
    return h5py.Group(identity) if isinstance(identity, h5py.h5g.GroupID) else h5py.Datatype(identity)


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part not in ("", ".")]


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
