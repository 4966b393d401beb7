"""Work kept on disk for a run that goes on after it was killed: values with their volumes, and results task by task.

What is read again is checked by checksums, and only plain values, arrays and types of morphct are made of it: a file
from elsewhere runs no code.
"""

import importlib
import io
import os
import pickle
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import disk
from .bricks import plan_bricks
from .chunks import ChunkedVolume, Room
from .executors import RunMap, as_done
from .plane_file import PlaneFile
from .scratch import Scratch

LEAST_SECONDS = 20.0  # between two writes of results: what is lost at most
_HEAD = struct.Struct("<QI")  # bytes that follow, and their checksum
_CHUNK = struct.Struct("<Q3s")  # number of a chunk, and the type of its voxels
_PLAIN = {"builtins": ("set", "frozenset", "slice", "range", "complex", "bytearray"), "pathlib": ("PosixPath", "Path")}
_OF_ARRAYS = ("_reconstruct", "scalar", "_frombuffer", "ndarray", "dtype")


class Damaged(Exception):
    """What was kept cannot be used; the message says why, as part of a sentence."""


class _Reader(pickle.Unpickler):
    """Makes plain values, arrays, and objects of types that morphct defines."""

    def find_class(self, module: str, name: str) -> Any:
        if name in _PLAIN.get(module, ()) or (module.startswith("numpy") and name in _OF_ARRAYS):
            return super().find_class(module, name)
        if module.startswith("numpy.dtypes") or (module == "numpy" and name in np.sctypeDict):
            return super().find_class(module, name)
        if module.startswith("morphct."):
            found = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
            if isinstance(found, type):
                return found
        raise Damaged(f"it names {module}.{name}, which is nothing that is kept")


def _write(file: Any, data: bytes) -> None:
    file.write(_HEAD.pack(len(data), zlib.crc32(data)))
    file.write(data)


def _read(file: Any) -> bytes | None:
    """The next block; None at the end of the file."""
    head = file.read(_HEAD.size)
    if not head:
        return None
    if len(head) < _HEAD.size:
        raise Damaged("it ends in the middle of a block")
    size, checksum = _HEAD.unpack(head)
    data = file.read(size)
    if len(data) < size or zlib.crc32(data) != checksum:
        raise Damaged("a block of it is damaged")
    return data


def keep(path: Path, value: Any) -> None:
    """Write a value, with the scratch volumes it holds, whole or not at all.

    Parameters
    ----------
    path : Path
    value : object
        Plain values, arrays, objects of morphct's types; `ChunkedVolume`, `PlaneFile` and three-dimensional arrays of
        more than a block are volumes.
    """
    volumes: list[Any] = []

    class Writer(pickle.Pickler):
        def persistent_id(self, thing: Any) -> int | None:
            large = isinstance(thing, np.ndarray) and thing.ndim == 3 and thing.size > 0
            if not (large or isinstance(thing, (ChunkedVolume, PlaneFile))):
                return None
            volumes.append(thing)
            return len(volumes) - 1

    text = io.BytesIO()
    Writer(text, protocol=5).dump(value)
    part = path.with_name(f".{path.name}")
    disk.make_folder(path.parent)
    disk.step("write", part)
    with open(part, "wb") as file:
        _write(file, text.getvalue())
        for volume in volumes:
            _write(file, pickle.dumps((tuple(volume.shape), volume.dtype.str)))
            for index, dtype, data in _chunks_of(volume):
                _write(file, _CHUNK.pack(index, dtype.encode()) + data)
            _write(file, b"")
        file.flush()
        os.fsync(file.fileno())
    disk.move(part, path)


def _chunks_of(volume: Any) -> Iterator[tuple[int, str, bytes]]:
    """The chunks of a volume: as they are, or made of planes of an array."""
    if isinstance(volume, ChunkedVolume):
        yield from volume.records()
        return
    chunked = ChunkedVolume(Path("unused"), volume.shape, volume.dtype, Room(1 << 62))
    for brick in plan_bricks(volume.shape, chunked.chunks[0]):
        chunked[brick.here] = volume[brick.here]
    yield from chunked.records()


def _filled(volume: Any, file: Any) -> None:
    """Fill a new scratch volume with the chunks that follow in a file."""
    own = isinstance(volume, ChunkedVolume)
    chunked = volume if own else ChunkedVolume(Path("unused"), volume.shape, volume.dtype, Room(1 << 62))
    while data := _read(file):
        index, dtype = _CHUNK.unpack(data[: _CHUNK.size])
        chunked.put(index, dtype.decode(), data[_CHUNK.size :])
    if data is None:
        raise Damaged("it ends in the middle of a volume")
    if not own:
        for brick in plan_bricks(volume.shape, chunked.chunks[0]):
            volume[brick.here] = chunked[brick.here]


def kept(path: Path, scratch: Scratch) -> Any:
    """The value that was kept, its volumes in scratch.

    Raises
    ------
    Damaged
        When it cannot be used.
    """
    volumes: list[Any] = []
    try:
        with open(path, "rb") as file:
            text = _read(file) or b""
            while (head := _read(file)) is not None:
                shape, dtype = _Reader(io.BytesIO(head)).load()
                volumes.append(scratch.create(path.stem, shape, np.dtype(dtype)))
                _filled(volumes[-1], file)
            reader = _Reader(io.BytesIO(text))
            reader.persistent_load = volumes.__getitem__  # type: ignore[method-assign, assignment]
            return reader.load()
    except Damaged:
        for volume in volumes:
            scratch.release(volume)
        raise
    except Exception as error:  # whatever a damaged file makes of itself
        for volume in volumes:
            scratch.release(volume)
        raise Damaged(f"it cannot be read ({type(error).__name__})") from error


class Journal:
    """A map over tasks whose results are kept as they come; one that was done before is not done again.

    Tasks must give results alone, and change nothing. Their order from call to call is the same in every run of the
    same work.

    Parameters
    ----------
    path : Path
    run_map : callable
        What does the tasks.
    clock : callable
        Seconds, from any zero.
    """

    def __init__(self, path: Path, run_map: RunMap, clock: Callable[[], float] = time.monotonic) -> None:
        self.path, self._map, self._clock = path, run_map, clock
        self._done: dict[tuple[int, int], bytes] = {}
        self._waiting: list[bytes] = []
        self._calls, self._written = 0, clock()
        self._lock = threading.Lock()
        self.damage = self._load()

    @property
    def taken_up(self) -> int:
        """Results that were there at the start."""
        return len(self._done)

    def _load(self) -> str:
        """Read what is there; a tail that was cut off is left out. Says what is wrong with it, if anything is."""
        whole, damage = 0, ""
        if self.path.exists():
            with open(self.path, "rb") as file:
                try:
                    while (data := _read(file)) is not None:
                        call, item = _HEAD.unpack(data[: _HEAD.size])
                        self._done[call, item] = data[_HEAD.size :]
                        whole = file.tell()
                except Damaged as error:
                    damage = str(error)
            os.truncate(self.path, whole)
        return damage

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any], /) -> Iterator[Any]:
        call, self._calls = self._calls, self._calls + 1
        numbered = list(enumerate(items))
        todo = [(i, item) for i, item in numbered if (call, i) not in self._done]
        results = iter(self._map(partial(_both, function), todo))
        for i, _ in numbered:
            if (call, i) in self._done:
                yield _Reader(io.BytesIO(self._done.pop((call, i)))).load()
                continue
            _, result = next(results)
            self._add(_HEAD.pack(call, i) + pickle.dumps(result, protocol=5))
            yield result

    def as_done(
        self, function: Callable[[Any], Any], items: Sequence[Any], sizes: Sequence[int], room: int
    ) -> Iterator[Any]:
        """As `Threads.as_done`: in any order, what was kept first."""
        call, self._calls = self._calls, self._calls + 1
        todo = [i for i in range(len(items)) if (call, i) not in self._done]
        for i in set(range(len(items))).difference(todo):
            yield _Reader(io.BytesIO(self._done.pop((call, i)))).load()
        numbered = [(i, items[i]) for i in todo]
        for i, result in as_done(self._map, partial(_both, function), numbered, [sizes[i] for i in todo], room):
            self._add(_HEAD.pack(call, i) + pickle.dumps(result, protocol=5))
            yield result

    def _add(self, data: bytes) -> None:
        self._waiting.append(data)
        if self._clock() - self._written >= LEAST_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits to be written."""
        if self._waiting:
            disk.step("write", self.path)
            with open(self.path, "ab") as file:
                for data in self._waiting:
                    _write(file, data)
                file.flush()
                os.fsync(file.fileno())
        self._waiting, self._written = [], self._clock()


def _both(function: Callable[[Any], Any], numbered: tuple[int, Any]) -> tuple[int, Any]:
    return numbered[0], function(numbered[1])
