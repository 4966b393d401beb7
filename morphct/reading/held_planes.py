"""Planes of a file that decodes whole planes for any box, held while the bricks of a layer are cut out of them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..ground.bricks import spans
from ..ground.work import Work
from .channels import costly_boxes
from .volume import Box, Source, Volume

PIECE_PLANES = 8  # decoded by one thread at a time; the others that wait for the layer decode the next ones
RANGES_HELD = 2  # of planes: threads read the first bricks of a layer beside the last ones of the layer before


class _Range:
    """Planes of the file, decoded piece by piece by all who wait for them."""

    def __init__(self, first: int, last: int, block: np.ndarray, pieces: list[tuple[int, int]]) -> None:
        self.first, self.last, self.block = first, last, block
        self.waiting, self.under_way = pieces, len(pieces)
        self.error: BaseException | None = None
        self.changed = threading.Condition()

    def piece(self) -> tuple[int, int] | None:
        """Planes that nobody decodes yet; None when all are there. Waits for what others decode."""
        with self.changed:
            while True:
                if self.error is not None:
                    raise self.error
                if self.waiting:
                    return self.waiting.pop(0)
                if not self.under_way:
                    return None
                self.changed.wait()

    def done(self, error: BaseException | None = None) -> None:
        """A piece is there, or cannot be read."""
        with self.changed:
            self.under_way -= 1
            self.error = self.error or error
            self.changed.notify_all()


class HeldPlanes:
    """Voxels of a source whose last ranges of planes stay decoded.

    Boxes of whole planes are read as they are. The planes of any other box are decoded once, by as many threads as ask
    for them, but for those that the range before held as well, and kept until others are wanted.

    Parameters
    ----------
    source : Source
    whole : Box
        What is read of the file, along the stored axes: rows and columns of a plane.
    axis : int
        Stored axis along which planes lie.
    ranges : int
        Ranges of planes held at one time; one suffices for one thread.
    """

    def __init__(self, source: Source, whole: Box, axis: int, ranges: int = RANGES_HELD) -> None:
        self.source, self.whole, self.axis, self.ranges = source, whole, axis, ranges
        self.shape, self.dtype, self.chunk = source.shape, source.dtype, source.chunk
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._held: list[_Range] = []

    def __getstate__(self) -> dict:
        return {k: v for k, v in self.__dict__.items() if not k.startswith("_")}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self._start()

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        return sum(held.block.nbytes for held in self._held)

    def read(self, box: Box) -> np.ndarray:
        """Voxels of the half-open ranges `box` along the stored axes; a new array."""
        if all(part == all_ for i, (part, all_) in enumerate(zip(box, self.whole)) if i != self.axis):
            return self.source.read(box)
        held = self._range(*box[self.axis])
        while (piece := held.piece()) is not None:
            try:
                self._decode(held, piece)
            except BaseException as error:
                held.done(error)
                raise
            held.done()
        origin = [held.first if i == self.axis else a for i, (a, _) in enumerate(self.whole)]
        return np.array(held.block[tuple(slice(a - o, b - o) for (a, b), o in zip(box, origin))])

    def release(self) -> None:
        """Forget what is held."""
        with self._lock:
            self._held.clear()

    def _range(self, first: int, last: int) -> _Range:
        with self._lock:
            for held in self._held:
                if held.first <= first and last <= held.last:
                    return held
            tail = self._known(first, last)
            del self._held[: len(self._held) - self.ranges + 1]  # before there is more
            shape = [b - a for a, b in self.whole]
            shape[self.axis] = last - first
            block = np.empty(shape, np.dtype(self.source.dtype).newbyteorder("="))
            known = tail.shape[self.axis]
            block[self._planes(0, known)] = tail
            # a stream that is read forwards would be unpacked once more for every thread
            most = last - first if getattr(self.source, "forwards", False) else max(PIECE_PLANES, self.chunk[self.axis])
            pieces = [(first + known + a, first + known + b) for a, b in spans(last - first - known, most)]
            self._held.append(_Range(first, last, block, pieces))
            return self._held[-1]

    def _known(self, first: int, last: int) -> np.ndarray:
        """A copy of the planes from `first` on that a range held has, all of them decoded; of none without any."""
        for held in reversed(self._held):
            if held.first <= first < held.last < last and not held.under_way and held.error is None:
                return held.block[self._planes(first - held.first, held.last - held.first)].copy()
        return np.empty([0 if i == self.axis else b - a for i, (a, b) in enumerate(self.whole)], self.dtype)

    def _decode(self, held: _Range, piece: tuple[int, int]) -> None:
        box = tuple(piece if i == self.axis else part for i, part in enumerate(self.whole))
        where = self._planes(piece[0] - held.first, piece[1] - held.first)
        held.block[where] = self.source.read(box)  # type: ignore[arg-type]

    def _planes(self, a: int, b: int) -> tuple[slice, ...]:
        return tuple(slice(a, b) if i == self.axis else slice(None) for i in range(3))


@contextmanager
def planes_once(volume: Any, work: Work) -> Iterator[Any]:
    """The volume as a stage is to read it by bricks: a file that decodes whole planes decodes them once a layer.

    What is held for that (`held_bytes`) is given back at the end of the block.
    """
    if not isinstance(volume, Volume) or not costly_boxes(volume) or len(work.layers) == len(work.bricks):
        yield volume
        return
    crop = volume.crop or tuple((0, n) for n in volume.full_shape)
    first, second, third = (crop["zyx".index(name)] for name in volume.axes)
    ranges = min(RANGES_HELD, getattr(work.run_map, "workers", RANGES_HELD))
    source = HeldPlanes(volume.source, (first, second, third), volume.axes.index("z"), ranges)
    try:
        yield volume.with_source(source)
    finally:
        source.release()


def held_bytes(volume: Any, planes: int, workers: int) -> int:
    """Bytes that `planes_once` holds at most for layers of so many planes, halo included, cut along y as well."""
    if not isinstance(volume, Volume) or not costly_boxes(volume):
        return 0
    depth, rows, row = volume.shape
    return min(RANGES_HELD, workers) * min(planes, depth) * rows * row * volume.stored_dtype.itemsize
