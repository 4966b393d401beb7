"""Voxels packed in run lengths of bytes (Amira's HxByteRLE), unpacked plane by plane."""

from pathlib import Path

import numpy as np

from ..ground.errors import InputError
from .volume import Box

_LITERAL = 0x80  # of the length byte: so many bytes follow as they are; else one byte that is repeated


class RunLengths:
    """Voxels of a run-length stream.

    Parameters
    ----------
    path : Path
        The file.
    shape : tuple of int
        Lengths of the stored axes, slowest first.
    dtype : dtype
        Type of a voxel, with the byte order of the file.
    start, packed : int
        Byte where the stream begins, and its bytes.

    Raises
    ------
    InputError
        When the stream is too short.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int], dtype: np.dtype, start: int, packed: int) -> None:
        self.path, self.shape, self.stored, self.start = path, shape, np.dtype(dtype), start
        self.dtype = self.stored.newbyteorder("=")
        self.chunk = (1, shape[1], shape[2])
        self.plane_bytes = shape[1] * shape[2] * self.stored.itemsize
        self.marks = self._planes(packed)

    def read(self, box: Box) -> np.ndarray:
        """Voxels of the half-open ranges `box`."""
        (a, b), (r0, r1), (c0, c1) = box
        first, skipped = self.marks[a]
        last, _ = self.marks[b]
        out = bytearray()
        wanted = skipped + (b - a) * self.plane_bytes
        data = self._bytes(first, min(last - first + _LITERAL + 1, self.end - first))
        at = 0
        while len(out) < wanted:
            length = data[at]
            if length & _LITERAL:
                length &= _LITERAL - 1
                out += data[at + 1 : at + 1 + length]
                at += 1 + length
            else:
                out += data[at + 1 : at + 2] * length
                at += 2
        planes = np.frombuffer(bytes(out[skipped:wanted]), self.stored).reshape(b - a, *self.shape[1:])
        return planes[:, r0:r1, c0:c1].astype(self.dtype)

    def _planes(self, packed: int) -> list[tuple[int, int]]:
        """For each plane, and the end: where its run begins in the stream, and the bytes of it that come before."""
        data, at, done = self._bytes(0, packed), 0, 0
        marks: list[tuple[int, int]] = []
        self.end = packed
        planes = self.shape[0]
        try:
            while len(marks) <= planes:
                if len(marks) == planes and done >= planes * self.plane_bytes:
                    marks.append((at, 0))
                    break
                length = data[at]
                step, run = (1 + (length & 0x7F), length & 0x7F) if length & _LITERAL else (2, length)
                if at + step > packed:
                    raise IndexError
                while len(marks) < planes and len(marks) * self.plane_bytes < done + run:
                    marks.append((at, len(marks) * self.plane_bytes - done))
                at, done = at + step, done + run
        except IndexError:
            raise InputError(
                f"{self.path.name} is truncated or damaged: its run lengths end after {done:,} of "
                f"{planes * self.plane_bytes:,} bytes; copy it again"
            ) from None
        return marks

    def _bytes(self, offset: int, count: int) -> bytes:
        with open(self.path, "rb", buffering=0) as file:
            file.seek(self.start + offset)
            return file.read(count)
