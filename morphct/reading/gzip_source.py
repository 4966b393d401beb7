"""Voxels inside one gzip or zlib stream, read slab by slab without unpacking the whole.

Such a stream can only be read forwards. While it is read, copies of the decompressor are kept every 64 MiB of output
(about 50 kB each) and at the ends of the last reads, and a later read goes on from the nearest copy before it.
"""

import threading
import zlib
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..ground.errors import InputError
from .volume import Box

GZIP, ZLIB, RAW_DEFLATE = 31, 15, -15
SPACING = 64 << 20
_PIECE = 1 << 18
_RECENT = 8  # so that slabs read in order by a few threads each go on where one before them ended


class _Mark(NamedTuple):
    """A place from which reading can go on: bytes put out, bytes taken in, the decompressor there."""

    out: int
    taken: int
    state: Any


class DeflatedSource:
    """Voxels of a compressed stream.

    Parameters
    ----------
    path : Path
        The file.
    shape : tuple of int
        Lengths of the stored axes, slowest first.
    dtype : dtype
        Type of a voxel, with the byte order of the file.
    offset : int
        Byte where the stream begins.
    bits : {GZIP, ZLIB, RAW_DEFLATE}
        Kind of stream.
    skip : int
        Bytes of the unpacked stream before the first voxel.
    """

    forwards = True  # a read in several pieces would unpack what lies between them once more for each

    def __init__(
        self, path: Path, shape: tuple[int, int, int], dtype: np.dtype, offset: int, bits: int = GZIP, skip: int = 0
    ) -> None:
        self.path, self.shape, self.stored = path, shape, np.dtype(dtype)
        self.dtype = self.stored.newbyteorder("=")
        self.chunk = (1, shape[1], shape[2])
        self.offset, self.bits, self.skip = offset, bits, skip
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._marks = [_Mark(0, self.offset, zlib.decompressobj(self.bits))]
        self._recent: deque[_Mark] = deque(maxlen=_RECENT)

    def __getstate__(self) -> dict:
        return {k: v for k, v in self.__dict__.items() if not k.startswith("_")}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self._start()

    def read(self, box: Box) -> np.ndarray:
        """Voxels of the half-open ranges `box` along the stored axes, in native byte order."""
        (a, b), (r0, r1), (c0, c1) = box
        plane = self.shape[1] * self.shape[2] * self.stored.itemsize
        out = np.empty((b - a, *self.shape[1:]), self.stored)
        self._unpack(out, self.skip + a * plane)
        out = np.ascontiguousarray(out[:, r0:r1, c0:c1])
        return out if out.dtype.isnative else out.byteswap(inplace=True).view(self.dtype)

    def _unpack(self, out: np.ndarray, start: int) -> None:
        """Fill `out` with the unpacked bytes from `start` on.

        Raises
        ------
        InputError
            When the stream ends early or is damaged.
        """
        view = memoryview(out.reshape(-1).view(np.uint8).data)
        stop = start + len(view)
        with self._lock:
            before = max((m for m in (*self._marks, *self._recent) if m.out <= start), key=lambda mark: mark.out)
            position, taken, state = before.out, before.taken, before.state.copy()
        with open(self.path, "rb", buffering=0) as file:
            file.seek(taken)
            pending = b""
            while position < stop:
                if state.eof:  # gzip files may hold several streams, one behind the other
                    pending, state = state.unused_data or pending, zlib.decompressobj(self.bits)
                before = _Mark(position, file.tell() - len(pending), state.copy())
                pending = pending or file.read(_PIECE)
                try:
                    data = state.decompress(pending, 4 * _PIECE)
                except zlib.error as error:
                    raise InputError(f"{self.path.name} is damaged ({error}); copy it again") from error
                if not pending and not data:  # without input the decompressor may still hold output back
                    raise InputError(f"{self.path.name} is truncated: its compressed data ends early; copy it again")
                pending = state.unconsumed_tail
                lo, hi = max(position, start), min(position + len(data), stop)
                if lo < hi:
                    view[lo - start : hi - start] = data[lo - position : hi - position]
                position += len(data)
                self._keep(before)
        with self._lock:
            self._recent.append(before)

    def _keep(self, mark: _Mark) -> None:
        with self._lock:
            if mark.out >= self._marks[-1].out + SPACING:
                self._marks.append(mark)
