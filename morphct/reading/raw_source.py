"""Voxels that lie plainly in a file: read with positioned reads, so that threads need no lock and nothing is mapped.

Mapped pages would count as the process's memory, and the cap on memory is kept.
"""

import itertools
import math
import os
import weakref
from pathlib import Path

import numpy as np

from ..ground.errors import InputError
from .volume import Box


class FlatSource:
    """Uncompressed voxels of a file, plane by plane.

    Parameters
    ----------
    path : Path
        The file.
    shape : tuple of int
        Lengths of the stored axes, slowest first.
    dtype : dtype
        Type of a voxel, with the byte order of the file.
    offset : int
        Byte where the first plane begins.
    plane_offsets : (planes,) int64, optional
        Byte where each plane begins, when they do not follow one another.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int, int],
        dtype: np.dtype,
        offset: int = 0,
        plane_offsets: np.ndarray | None = None,
    ) -> None:
        self.path, self.shape, self.stored = path, shape, np.dtype(dtype)
        self.dtype = self.stored.newbyteorder("=")
        self.chunk = (1, 1, shape[2])
        self.plane_bytes = shape[1] * shape[2] * self.stored.itemsize
        if plane_offsets is None:
            plane_offsets = offset + self.plane_bytes * np.arange(shape[0], dtype=np.int64)
        self.plane_offsets = plane_offsets
        self._fd: int | None = None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_fd": None}

    @property
    def end(self) -> int:
        """Byte after the last voxel."""
        return int(self.plane_offsets.max()) + self.plane_bytes

    def read(self, box: Box) -> np.ndarray:
        """Voxels of the half-open ranges `box` along the stored axes, in native byte order."""
        (a, b), (r0, r1), (c0, c1) = box
        _, rows, columns = self.shape
        if (c0, c1) == (0, columns):
            out = np.empty((b - a, r1 - r0, columns), self.stored)
            if (r0, r1) == (0, rows):
                for first, last in self._runs(a, b):
                    self._fill(out[first - a : last - a], int(self.plane_offsets[first]))
            else:
                for i in range(a, b):
                    self._fill(out[i - a], self._row_offset(i, r0))
        else:  # whole rows through a buffer of one plane, then the columns that are wanted
            out = np.empty((b - a, r1 - r0, c1 - c0), self.stored)
            buffer = np.empty((r1 - r0, columns), self.stored)
            for i in range(a, b):
                self._fill(buffer, self._row_offset(i, r0))
                out[i - a] = buffer[:, c0:c1]
        return out if out.dtype.isnative else out.byteswap(inplace=True).view(self.dtype)

    def _runs(self, a: int, b: int) -> list[tuple[int, int]]:
        """Ranges of planes that follow one another in the file."""
        breaks = a + 1 + np.flatnonzero(np.diff(self.plane_offsets[a:b]) != self.plane_bytes)
        edges = [a, *(int(i) for i in breaks), b]
        return list(itertools.pairwise(edges))

    def _row_offset(self, plane: int, row: int) -> int:
        return int(self.plane_offsets[plane]) + row * self.shape[2] * self.stored.itemsize

    def _fill(self, out: np.ndarray, offset: int) -> None:
        fill_from(self._descriptor(), out, offset, self.path)

    def _descriptor(self) -> int:
        if self._fd is None:
            fd = os.open(self.path, os.O_RDONLY)
            weakref.finalize(self, os.close, fd)
            self._fd = fd
        return self._fd


def fill_from(fd: int, out: np.ndarray, offset: int, path: Path) -> None:
    """Fill the contiguous array `out` with the bytes of a file from `offset` on.

    Raises
    ------
    InputError
        When the file ends early.
    """
    view = memoryview(out.reshape(-1).view(np.uint8).data)
    done = 0
    while done < len(view):
        # one read takes at most 2 GiB on Linux
        got = os.preadv(fd, [view[done : done + (1 << 30)]], offset + done)
        if got == 0:
            raise InputError(f"{path.name} ended at byte {offset + done:,} while it was read; copy it again")
        done += got


def bytes_of(shape: tuple[int, int, int], dtype: np.dtype) -> int:
    """Bytes of a volume."""
    return math.prod(shape) * np.dtype(dtype).itemsize
