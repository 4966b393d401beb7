"""Intermediate volumes: plain arrays while all of them fit the budget, else compressed chunks in memory and files."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .bricks import Brick
from .chunks import ChunkedVolume, Room
from .errors import OutputError
from .plane_file import PlaneFile

# of a run at the stage that holds most: codes (2), mask and its copy (2), distance (2), labels and void ids (8)
PLAIN_VOXEL_BYTES = 14


@contextmanager
def changed(volume: Any, where: Brick) -> Iterator[np.ndarray]:
    """A brick of an array-like to be changed: a view of an array where that is contiguous, else it is written back."""
    block = volume[where.here]
    held = np.ascontiguousarray(block)  # kernels are compiled for such arrays alone
    yield held
    if held is not block or not isinstance(volume, np.ndarray):
        volume[where.here] = held


class Scratch:
    """Makes and releases intermediate volumes within a budget.

    Volumes are plain arrays where memory holds all that a run makes of them; else they are chunks, compressed, in
    memory as far as the budget goes and in files beyond.

    Parameters
    ----------
    folder : path or None
        Where files go; None: the system's temporary folder.
    budget : int
        Bytes of intermediate volumes that may be held in memory at one time.
    shared : bool
        Raw files alone, for workers of other processes and machines that see the same folder.
    """

    def __init__(self, folder: Path | str | None = None, budget: int = 1 << 62, shared: bool = False) -> None:
        self._parent = Path(folder) if folder else None
        self._folder: Path | None = None
        self.budget, self.shared = int(budget), shared
        self.apart = False  # whether other machines write the files: see `PlaneFile`
        self.room = Room(self.budget)
        self._held: list[Any] = []
        self._most_plain = 0
        self._files = 0
        self._spare: list[np.ndarray] = []  # memory released and not yet used again: new pages are dear

    @property
    def in_memory(self) -> int:
        """Bytes held in memory now."""
        return self._plain + self.room.in_memory

    @property
    def most_in_memory(self) -> int:
        """The most bytes held in memory at one time."""
        return self._most_plain + self.room.most_in_memory

    @property
    def _plain(self) -> int:
        return sum(a.nbytes for a in self._held if isinstance(a, np.ndarray))

    @property
    def held(self) -> int:
        """Volumes made and not released."""
        return len(self._held)

    def create(self, name: str, shape: tuple[int, int, int], dtype: Any) -> Any:
        """A new (Z, Y, X) array-like of zeros; who makes it releases it, or hands it on to who will.

        Parameters
        ----------
        name : str
            Of its file, for whoever looks into the folder; no two volumes are confused by their names.

        Raises
        ------
        OutputError
            When the disk has no room for it.
        """
        voxels = int(np.prod([int(n) for n in shape], dtype=np.int64))
        size = voxels * np.dtype(dtype).itemsize
        plain = not self.shared and PLAIN_VOXEL_BYTES * voxels <= self.budget
        if plain and self._plain + size <= self.budget:
            made: Any = self._cleared(size, shape, dtype)
            self.room.budget -= size
            self._most_plain = max(self._most_plain, self._plain + size)
        elif self.shared:
            made = PlaneFile(self._path(name, size), shape, dtype, at_once=self.apart)
        else:
            made = ChunkedVolume(self._path(name), shape, dtype, self.room)
        self._held.append(made)
        return made

    @contextmanager
    def volume(self, name: str, shape: tuple[int, int, int], dtype: Any) -> Iterator[Any]:
        """What `create` makes, released at the end of the block."""
        made = self.create(name, shape, dtype)
        try:
            yield made
        finally:
            self.release(made)

    def _cleared(self, size: int, shape: tuple[int, int, int], dtype: Any) -> np.ndarray:
        """Zeros in memory that was released, or in new memory when none of that size was; all within the budget."""
        for i, spare in enumerate(self._spare):
            if spare.nbytes == size:
                del self._spare[i]
                spare.fill(0)
                return spare.view(dtype).reshape(shape)
        while self._spare and self.in_memory + size + sum(s.nbytes for s in self._spare) > self.budget:
            del self._spare[0]
        return np.zeros(shape, dtype)

    def trim(self) -> None:
        """Give memory that was released back to the system."""
        self._spare.clear()

    @property
    def folder(self) -> Path:
        """The folder of this run's own in which files lie; made when first asked for, gone with `close`."""
        if self._folder is None:
            if self._parent is not None:
                self._parent.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix="morphct-", dir=self._parent)).absolute()
        return self._folder

    def _path(self, name: str, size: int = 0) -> Path:
        """The file of a volume, in this run's folder, which must have `size` bytes free."""
        free = shutil.disk_usage(self.folder).free
        if size > free:
            raise OutputError(
                f"an intermediate volume of {size / 2**30:.2f} GiB does not fit the {free / 2**30:.2f} GiB free on the "
                "output disk; free some room or choose another output folder"
            )
        self._files += 1
        return self.folder / f"{name}-{self._files}.raw"

    def release(self, volume: Any) -> None:
        """Forget a volume made here and delete its file; its memory may be another volume's from now on.

        Raises
        ------
        ValueError
            For what was not made here, or is released already.
        """
        place = next((i for i, held in enumerate(self._held) if held is volume), None)
        if place is None:
            raise ValueError("this volume was not made here, or was released before")
        del self._held[place]
        if isinstance(volume, PlaneFile):
            volume.close()
            volume.path.unlink(missing_ok=True)
        elif isinstance(volume, ChunkedVolume):
            volume.close()
        else:
            self.room.budget += volume.nbytes
            self._spare.append(volume.reshape(-1).view(np.uint8))

    def close(self) -> None:
        """Release everything and delete the folder."""
        for volume in list(self._held):
            self.release(volume)
        self.trim()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __enter__(self) -> "Scratch":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
