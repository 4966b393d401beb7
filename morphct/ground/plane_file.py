"""Intermediate volumes as raw files that processes on several machines read and write at the same time.

A file is read with plain reads, not mapped: mapped pages count as the process's memory, and the cap is kept.
"""

import os
import threading
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np

from . import disk, redo
from .chunks import box_of

_open: "WeakSet[PlaneFile]" = WeakSet()
_opening = threading.Lock()


def let_go() -> None:
    """Close the files of all volumes of this process; each is opened again when needed.

    On a disk shared by network a machine is sure to see what others wrote when it opens a file after they did, and to
    have written its own when it closes one.
    """
    for volume in list(_open):
        volume.close()


class PlaneFile:
    """A (Z, Y, X) array in one raw file, sliced as an array to read and to write: `a[z0:z1]`, `a[z0:z1, y0:y1, x0:x1]`.

    Slices have step 1. Reads and writes of disjoint planes may run in several threads or processes; the object can be
    pickled (the file is opened again). What a task that may be run twice changes is kept (`redo`).

    Parameters
    ----------
    path : path
    shape : tuple of int
        (Z,Y,X)
    dtype : dtype
    create : bool
        Make the file, all zeros.
    at_once : bool
        Whether every write waits for the disk: machines that share it by network may else write whole pages back, with
        what was beside their own voxels before another machine wrote there.
    """

    def __init__(
        self, path: Path | str, shape: tuple[int, int, int], dtype: Any, create: bool = True, at_once: bool = False
    ) -> None:
        self.path, self.shape, self.dtype = Path(path), tuple(int(n) for n in shape), np.dtype(dtype)
        self.ndim, self.at_once = 3, at_once
        self._fd = -1
        if create:
            disk.step("write", self.path)
            with open(self.path, "wb") as file:
                file.truncate(self.nbytes)

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_fd": -1}

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            self.close()

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
            with _opening:  # one file for all threads
                if self._fd < 0:
                    self._fd = os.open(self.path, os.O_RDWR | (os.O_DSYNC if self.at_once else 0))
                    _open.add(self)
        return self._fd

    def __getitem__(self, key: Any) -> np.ndarray:
        ((z0, z1), (y0, y1), (x0, x1)), single = box_of(key, self.shape)
        _, ny, nx = self.shape
        item = self.dtype.itemsize
        out = np.empty((z1 - z0, y1 - y0, nx), self.dtype)
        if y0 == 0 and y1 == ny:
            self._read_into(out, z0 * ny * nx * item)
        else:
            for i in range(z1 - z0):
                self._read_into(out[i], ((z0 + i) * ny + y0) * nx * item)
        changes = redo.watching()
        if changes is not None:
            changes.read(self, (z0, z1, y0, y1), out)
        cut = out if (x0 == 0 and x1 == nx) else np.ascontiguousarray(out[:, :, x0:x1])
        return cut.reshape([n for n, one in zip(cut.shape, single) if not one]) if any(single) else cut

    def _read_into(self, out: np.ndarray, offset: int) -> None:
        view = out.reshape(-1).view(np.uint8).data
        done = 0
        while done < len(view):
            got = os.preadv(self._file(), [view[done : done + (1 << 30)]], offset + done)
            if got == 0:
                raise OSError(f"{self.path} ended early")
            done += got

    def __setitem__(self, key: Any, value: Any) -> None:
        ((z0, z1), (y0, y1), (x0, x1)), _ = box_of(key, self.shape)
        nx = self.shape[2]
        if (x0, x1) != (0, nx):
            raise ValueError("a scratch volume is written in whole rows")
        block = np.broadcast_to(np.asarray(value, dtype=self.dtype), (z1 - z0, y1 - y0, nx))
        changes = redo.watching()
        if changes is None or not changes.keeps(self, (z0, z1, y0, y1), block):
            self.put((z0, z1, y0, y1), block)

    def put(self, part: redo.Part, block: np.ndarray) -> None:
        """Write (Z,Y,X) voxels into planes and rows z0, z1, y0, y1 of the file."""
        z0, z1, y0, y1 = part
        _, ny, nx = self.shape
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
