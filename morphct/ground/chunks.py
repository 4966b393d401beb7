"""Intermediate volumes in compressed chunks, small enough that a particle is cut out of a few of them.

Chunks lie in memory while the room allows it, else in one file a volume. Measured on a phantom of a nano-CT study, one
core: labels .2 bytes a voxel, masks .06, smoothed codes 1.3; read at 700 to 1,100, written at 300 to 1,000 Mvoxel/s
(blosc, lz4 level 1, bits shuffled: zstd is 5 % smaller at half the speed). zarr around the same codec costs .8 ms a
chunk, ten times what decoding it takes.
"""

import errno
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from . import disk
from .errors import OutputError
from .units import format_bytes

CHUNK_VOXELS = (16, 32, 128)  # z, y, x: 65,536 voxels, which decode in some 60 us, five times what python spends on it
KEPT_DECODED_BYTES = 16 << 20  # of one volume: the chunks that neighbouring crops share
SMALL_BOX_CHUNKS = 128  # a box of more of them is a brick: it is read once, and its chunks are not kept
DENSE_SHARE = 0.2  # of its plain size: a chunk that shrinks to less may fill the whole room, others half of it
BLOCK_BYTES = 4096  # what places in the file are multiples of
LOCKS = 256

Box = tuple[tuple[int, int], ...]


class Room:
    """How many bytes of chunks memory may hold, and how many it and the files hold.

    Parameters
    ----------
    budget : int
        Bytes of chunks in memory, of all volumes together.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.in_memory = self.most_in_memory = 0
        self.on_disk = self.most_on_disk = 0
        self.bytes_read = self.bytes_written = 0  # of the files
        self._lock = threading.Lock()

    def take(self, size: int, plain: int) -> bool:
        """Take room in memory for a chunk of `size` bytes, `plain` of them uncompressed; whether there was any."""
        allowed = self.budget if size < DENSE_SHARE * plain else self.budget // 2
        with self._lock:
            if self.in_memory + size > allowed:
                return False
            self.in_memory += size
            self.most_in_memory = max(self.most_in_memory, self.in_memory)
            return True

    def give(self, size: int) -> None:
        """Give room in memory back."""
        with self._lock:
            self.in_memory -= size

    def file_grows(self, size: int) -> None:
        """A file grows by `size` bytes; below zero: a file is gone."""
        with self._lock:
            self.on_disk += size
            self.most_on_disk = max(self.most_on_disk, self.on_disk)

    def read(self, size: int) -> None:
        """Bytes were read from a file."""
        with self._lock:
            self.bytes_read += size

    def written(self, size: int) -> None:
        """Bytes were written to a file."""
        with self._lock:
            self.bytes_written += size


class ChunkFile:
    """The chunks of one volume that memory has no room for; places that became free are used again."""

    def __init__(self, path: Path, room: Room) -> None:
        self.path, self.room = path, room
        self._fd, self._end = -1, 0
        self._free: dict[int, list[int]] = {}
        self._lock = threading.Lock()

    def write(self, data: bytes) -> tuple[int, int]:
        """Where the data lies from now on: offset and length."""
        size = -(-len(data) // BLOCK_BYTES) * BLOCK_BYTES
        with self._lock:
            if self._fd < 0:
                disk.step("write", self.path)
                self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            spare = self._free.get(size)
            if spare:
                offset = spare.pop()
            else:
                offset, self._end = self._end, self._end + size
                self.room.file_grows(size)
        disk.step("write", self.path)
        done, view = 0, memoryview(data)
        try:
            while done < len(data):
                done += os.pwrite(self._fd, view[done:], offset + done)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise OutputError(
                f"the disk of intermediate volumes is full ({format_bytes(self.room.on_disk)} of them lie in "
                f"{self.path.parent}); free some room, or name another folder with --scratch DIR"
            ) from error
        self.room.written(len(data))
        return offset, len(data)

    def read(self, place: tuple[int, int]) -> bytes:
        """What was written there."""
        offset, size = place
        data = os.pread(self._fd, size, offset)
        while len(data) < size:
            more = os.pread(self._fd, size - len(data), offset + len(data))
            if not more:
                raise OSError(f"{self.path} ended early")
            data += more
        self.room.read(size)
        return data

    def free(self, place: tuple[int, int]) -> None:
        """Give a place to another chunk."""
        size = -(-place[1] // BLOCK_BYTES) * BLOCK_BYTES
        with self._lock:
            self._free.setdefault(size, []).append(place[0])

    def close(self) -> None:
        """Close and delete the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self.path.unlink(missing_ok=True)
            self.room.file_grows(-self._end)
            self._end = 0


class _Chunk:
    """A chunk as it is kept: its narrow type, and its bytes or their place in the file."""

    __slots__ = ("data", "dtype", "place")

    def __init__(self, dtype: np.dtype, data: bytes | None, place: tuple[int, int] | None) -> None:
        self.dtype, self.data, self.place = dtype, data, place


class ChunkedVolume:
    """A (Z,Y,X) array in compressed chunks, read and written as an array: `a[z0:z1, y0:y1, x0:x1]`, step 1.

    It begins as zeros, which take no room. Whole numbers are kept as narrow as those of their chunk allow. Reads and
    writes of boxes that do not overlap may run in several threads; what is read is always a copy.

    Parameters
    ----------
    path : Path
        Of its file, if it needs one.
    shape : tuple of int
    dtype : dtype
    room : Room
    """

    ndim = 3

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: Any, room: Room) -> None:
        self.shape, self.dtype = tuple(int(n) for n in shape), np.dtype(dtype)
        self.chunks = tuple(min(c, max(1, n)) for c, n in zip(CHUNK_VOXELS, self.shape))
        self._counts = tuple(-(-n // c) for n, c in zip(self.shape, self.chunks))
        self._kept: list[_Chunk | None] = [None] * int(np.prod(self._counts))
        self._room, self._file = room, ChunkFile(path, room)
        self._locks = [threading.Lock() for _ in range(LOCKS)]
        self._decoded: OrderedDict[int, tuple[_Chunk, np.ndarray]] = OrderedDict()
        self._decoded_bytes, self._decoded_lock = 0, threading.Lock()
        self._local = threading.local()
        self._codec = codec()

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array, uncompressed."""
        return self.size * self.dtype.itemsize

    @property
    def size(self) -> int:
        """Number of voxels."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __getitem__(self, key: Any) -> np.ndarray:
        box, squeezed = box_of(key, self.shape)
        shape = tuple(b - a for a, b in box)
        out = np.empty(shape, self.dtype)
        if out.size:
            touched = list(self._touched(box))
            small = len(touched) <= SMALL_BOX_CHUNKS
            for index, inside, outside in touched:
                chunk = self._read(index, small)
                out[outside] = 0 if chunk is None else chunk[inside]
        return out.reshape([n for n, one in zip(shape, squeezed) if not one]) if any(squeezed) else out

    def __setitem__(self, key: Any, value: Any) -> None:
        box, squeezed = box_of(key, self.shape)
        shape = tuple(b - a for a, b in box)
        block = np.asarray(value)
        if block.ndim:
            block = np.broadcast_to(block, [n for n, one in zip(shape, squeezed) if not one]).reshape(shape)
        else:
            block = np.broadcast_to(block, shape)
        for index, inside, outside in self._touched(box) if 0 not in shape else ():
            part = block[outside]
            with self._locks[index % LOCKS]:
                kept = self._kept[index]
                if part.shape != self._extent(index):
                    whole = np.zeros(self._extent(index), self.dtype)
                    if kept is not None:
                        whole[...] = self._decode(kept, index)
                    whole[inside] = part
                    part = whole
                self._kept[index] = self._encoded(part)
                self._forget(kept)

    def _touched(self, box: Box) -> Iterator[tuple[int, tuple[slice, ...], tuple[slice, ...]]]:
        """Index of each chunk that a box meets, where the box lies in it, and where it lies in the box."""
        along = []
        for (a, b), c in zip(box, self.chunks):
            steps = range(a // c, -(-b // c))
            along.append(
                [
                    (i, slice(max(a - i * c, 0), min(b - i * c, c)), slice(max(i * c - a, 0), min((i + 1) * c, b) - a))
                    for i in steps
                ]
            )
        _, ny, nx = self._counts
        for (i, zi, zo), (j, yi, yo), (k, xi, xo) in product(*along):
            yield (i * ny + j) * nx + k, (zi, yi, xi), (zo, yo, xo)

    def _extent(self, index: int) -> tuple[int, ...]:
        _, ny, nx = self._counts
        at = index // (ny * nx), index // nx % ny, index % nx
        return tuple(min(c, n - i * c) for i, c, n in zip(at, self.chunks, self.shape))

    def _read(self, index: int, keep: bool) -> np.ndarray | None:
        """A chunk's voxels, which hold until this thread reads the next one; None: zeros."""
        kept = self._kept[index]
        if kept is None:
            return None
        if keep:
            with self._decoded_lock:
                found = self._decoded.get(index)
                if found is not None and found[0] is kept:
                    self._decoded.move_to_end(index)
                    return found[1]
        if kept.place is None:
            voxels = self._decode(kept, index)
        else:
            with self._locks[index % LOCKS]:  # its place may be another's as soon as it is written anew
                kept = self._kept[index]
                if kept is None:
                    return None
                voxels = self._decode(kept, index)
        if keep:
            voxels = voxels.copy()
            self._remember(index, kept, voxels)
        return voxels

    def _remember(self, index: int, kept: _Chunk, voxels: np.ndarray) -> None:
        with self._decoded_lock:
            before = self._decoded.pop(index, None)
            self._decoded[index] = kept, voxels
            self._decoded_bytes += voxels.nbytes - (before[1].nbytes if before else 0)
            while self._decoded_bytes > KEPT_DECODED_BYTES:
                self._decoded_bytes -= self._decoded.popitem(last=False)[1][1].nbytes

    def _decode(self, kept: _Chunk, index: int) -> np.ndarray:
        shape = self._extent(index)
        if not hasattr(self._local, "buffer"):
            self._local.buffer = np.empty(int(np.prod(self.chunks)) * self.dtype.itemsize, np.uint8)
        data = kept.data if kept.place is None else self._file.read(kept.place)
        size = int(np.prod(shape)) * kept.dtype.itemsize
        voxels = self._local.buffer[:size].view(kept.dtype)
        self._codec.decode(data, voxels)
        return voxels.reshape(shape)

    def _encoded(self, part: np.ndarray) -> _Chunk | None:
        part = np.ascontiguousarray(part)
        low, high = part.min(), part.max()  # many times faster than any(), but for truth values
        if low == 0 and high == 0:
            return None
        dtype = _narrowest(int(low), int(high), self.dtype) if self.dtype.kind in "iu" else self.dtype
        data = self._codec.encode(np.ascontiguousarray(part, dtype))
        if self._room.take(len(data), part.size * dtype.itemsize):
            return _Chunk(dtype, data, None)
        return _Chunk(dtype, None, self._file.write(data))

    def _forget(self, kept: _Chunk | None) -> None:
        if kept is not None and kept.place is not None:
            self._file.free(kept.place)
        elif kept is not None and kept.data is not None:
            self._room.give(len(kept.data))

    def copy(self, source: "ChunkedVolume") -> None:
        """Take on the chunks of another volume of this shape and type; they are never changed, only replaced.

        Nobody writes to either meanwhile. What memory holds of it is counted once more: either may be the last.
        """
        for index, kept in enumerate(source._kept):
            before = self._kept[index]
            if kept is not None and kept.data is not None and self._room.take(len(kept.data), len(kept.data) * 10):
                self._kept[index] = kept
            elif kept is not None:
                data = kept.data
                if kept.place is not None:
                    data = source._file.read(kept.place)
                assert data is not None
                self._kept[index] = _Chunk(kept.dtype, None, self._file.write(data))
            else:
                self._kept[index] = None
            self._forget(before)

    def records(self) -> Iterator[tuple[int, str, bytes]]:
        """Number, type and compressed bytes of every chunk that is not all zeros."""
        for index, kept in enumerate(self._kept):
            if kept is not None:
                data = kept.data if kept.place is None else self._file.read(kept.place)
                assert data is not None
                yield index, kept.dtype.str, data

    def put(self, index: int, dtype: str, data: bytes) -> None:
        """Take on a chunk of `records` of a volume of this shape and type."""
        plain = int(np.prod(self._extent(index))) * np.dtype(dtype).itemsize
        place = None if self._room.take(len(data), plain) else self._file.write(data)
        self._forget(self._kept[index])
        self._kept[index] = _Chunk(np.dtype(dtype), data if place is None else None, place)

    def close(self) -> None:
        """Give back all memory and the file."""
        for kept in self._kept:
            if kept is not None and kept.data is not None:
                self._room.give(len(kept.data))
        self._kept = [None] * len(self._kept)
        self._decoded.clear()
        self._file.close()


def codec() -> Any:
    """The codec of chunks; imported when there is a chunk, which small volumes never have."""
    from numcodecs import Blosc, blosc

    blosc.use_threads = False  # each call in its own thread: bricks are what runs side by side
    return Blosc(cname="lz4", clevel=1, shuffle=Blosc.BITSHUFFLE)


def box_of(key: Any, shape: tuple[int, ...]) -> tuple[Box, tuple[bool, ...]]:
    """Ranges along each axis that a key of slices and integers asks for, and which axes are asked for by integers.

    Raises
    ------
    ValueError
        For slices of another step than 1.
    """
    parts = key if isinstance(key, tuple) else (key,)
    ranges, single = [], []
    for axis, n in enumerate(shape):
        part: Any = parts[axis] if axis < len(parts) else slice(None)
        single.append(isinstance(part, (int, np.integer)))
        if single[-1]:
            ranges.append((int(part) % n, int(part) % n + 1))
            continue
        start, stop, step = part.indices(n)
        if step != 1:
            raise ValueError("a scratch volume is sliced with step 1")
        ranges.append((start, max(start, stop)))
    return tuple(ranges), tuple(single)


def _narrowest(low: int, high: int, dtype: np.dtype) -> np.dtype:
    """The narrowest type that holds these whole numbers of four bytes and more; others stay as they are."""
    if dtype.itemsize < 4:
        return dtype
    narrow = np.result_type(np.min_scalar_type(low), np.min_scalar_type(high))
    return narrow if narrow.kind in "iu" and narrow.itemsize < dtype.itemsize else dtype
