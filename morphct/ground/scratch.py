"""Intermediate volumes: in memory while they fit the budget, else one raw file each, read and written by planes.

A file is read with plain reads, not mapped: mapped pages count as the process's memory, and the cap is kept.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from . import disk
from .bricks import Brick
from .errors import OutputError


class PlaneFile:
    """A (Z, Y, X) array in one raw file, sliced as an array to read and to write: `a[z0:z1]`, `a[z0:z1, y0:y1, x0:x1]`.

    Slices have step 1. Reads and writes of disjoint planes may run in several threads or processes; the object can be
    pickled (the file is opened again).
    """

    def __init__(self, path: Path | str, shape: tuple[int, int, int], dtype: Any, create: bool = True) -> None:
        self.path, self.shape, self.dtype = Path(path), tuple(int(n) for n in shape), np.dtype(dtype)
        self.ndim = 3
        self._fd = -1
        if create:
            disk.step("write", self.path)
            with open(self.path, "wb") as file:
                file.truncate(self.nbytes)

    def __getstate__(self) -> dict:
        return {"path": self.path, "shape": self.shape, "dtype": self.dtype, "ndim": 3, "_fd": -1}

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array."""
        return int(np.prod([int(n) for n in self.shape], dtype=np.int64)) * self.dtype.itemsize

    @property
    def size(self) -> int:
        """Number of voxels."""
        return self.nbytes // self.dtype.itemsize

    def _file(self) -> int:
        if self._fd < 0:
            self._fd = os.open(self.path, os.O_RDWR)
        return self._fd

    def _ranges(self, key: Any) -> list[tuple[int, int]]:
        parts = key if isinstance(key, tuple) else (key,)
        ranges = []
        for axis, n in enumerate(self.shape):
            part = parts[axis] if axis < len(parts) else slice(None)
            if isinstance(part, (int, np.integer)):
                ranges.append((int(part) % n, int(part) % n + 1))
            else:
                start, stop, step = part.indices(n)
                if step != 1:
                    raise ValueError("a scratch volume is sliced with step 1")
                ranges.append((start, max(start, stop)))
        return ranges

    def __getitem__(self, key: Any) -> np.ndarray:
        (z0, z1), (y0, y1), (x0, x1) = self._ranges(key)
        _, ny, nx = self.shape
        item = self.dtype.itemsize
        out = np.empty((z1 - z0, y1 - y0, nx), self.dtype)
        if y0 == 0 and y1 == ny:
            self._read_into(out, z0 * ny * nx * item)
        else:
            for i in range(z1 - z0):
                self._read_into(out[i], ((z0 + i) * ny + y0) * nx * item)
        cut = out if (x0 == 0 and x1 == nx) else np.ascontiguousarray(out[:, :, x0:x1])
        parts = key if isinstance(key, tuple) else (key,)
        squeeze = tuple(a for a, p in enumerate(parts) if isinstance(p, (int, np.integer)))
        return cut.reshape([n for a, n in enumerate(cut.shape) if a not in squeeze]) if squeeze else cut

    def _read_into(self, out: np.ndarray, offset: int) -> None:
        view = out.reshape(-1).view(np.uint8).data
        done = 0
        while done < len(view):
            got = os.preadv(self._file(), [view[done : done + (1 << 30)]], offset + done)
            if got == 0:
                raise OSError(f"{self.path} ended early")
            done += got

    def __setitem__(self, key: Any, value: Any) -> None:
        (z0, z1), (y0, y1), (x0, x1) = self._ranges(key)
        _, ny, nx = self.shape
        if (x0, x1) != (0, nx):
            raise ValueError("a scratch volume is written in whole rows")
        block = np.broadcast_to(np.asarray(value, dtype=self.dtype), (z1 - z0, y1 - y0, nx))
        item = self.dtype.itemsize
        if y0 == 0 and y1 == ny:
            self._write(np.ascontiguousarray(block), z0 * ny * nx * item)
        else:
            for i in range(z1 - z0):
                self._write(np.ascontiguousarray(block[i]), ((z0 + i) * ny + y0) * nx * item)

    def _write(self, block: np.ndarray, offset: int) -> None:
        disk.step("write", self.path)
        view = block.reshape(-1).view(np.uint8).data
        done = 0
        while done < len(view):
            done += os.pwrite(self._file(), view[done : done + (1 << 30)], offset + done)

    def close(self) -> None:
        """Close the file; it is opened again when needed."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


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

    Parameters
    ----------
    folder : path or None
        Where files go; None: the system's temporary folder.
    budget : int
        Bytes of intermediate volumes that may be held in memory at one time; what does not fit becomes a file.
    """

    def __init__(self, folder: Path | str | None = None, budget: int = 1 << 62) -> None:
        self._parent = Path(folder) if folder else None
        self._folder: Path | None = None
        self.budget = int(budget)
        self._held: list[Any] = []
        self._files = 0
        self._spare: list[np.ndarray] = []  # memory released and not yet used again: new pages are dear

    @property
    def in_memory(self) -> int:
        """Bytes held in memory now."""
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
        size = int(np.prod([int(n) for n in shape], dtype=np.int64)) * np.dtype(dtype).itemsize
        if self.in_memory + size <= self.budget:
            made: Any = self._cleared(size, shape, dtype)
        else:
            self._files += 1
            made = PlaneFile(self._room_for(size) / f"{name}-{self._files}.raw", shape, dtype)
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

    def _room_for(self, size: int) -> Path:
        if self._folder is None:
            if self._parent is not None:
                self._parent.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix="morphct-", dir=self._parent))
        free = shutil.disk_usage(self._folder).free
        if size > free:
            raise OutputError(
                f"an intermediate volume of {size / 2**30:.2f} GiB does not fit the {free / 2**30:.2f} GiB free on the "
                "output disk; free some room or choose another output folder"
            )
        return self._folder

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
        else:
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
