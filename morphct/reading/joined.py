"""Sources made of others: parts one behind the other, values with a scale and offset, palettes, 24-bit integers."""

from collections.abc import Sequence

import numpy as np

from .volume import Box, Source


class Joined:
    """Parts one behind the other along the first stored axis.

    Parameters
    ----------
    parts : sequence of Source
        Of the same plane and type.
    """

    def __init__(self, parts: Sequence[Source]) -> None:
        self.parts = list(parts)
        self.starts = [0]
        for part in self.parts:
            self.starts.append(self.starts[-1] + part.shape[0])
        self.shape = (self.starts[-1], *self.parts[0].shape[1:])
        self.dtype = np.dtype(self.parts[0].dtype)
        self.chunk = self.parts[0].chunk if len({p.chunk for p in self.parts}) == 1 else (1, *self.shape[1:])

    def read(self, box: Box) -> np.ndarray:
        """Voxels of the half-open ranges `box`."""
        (a, b), rows, columns = box
        pieces = []
        for part, start, stop in zip(self.parts, self.starts, self.starts[1:]):
            first, last = max(a, start), min(b, stop)
            if first < last:
                pieces.append(part.read(((first - start, last - start), rows, columns)))
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


class Scaled:
    """Stored values times a slope plus an intercept, as float32 (float64 for values of more than 24 bits).

    Parameters
    ----------
    source : Source
        The stored values.
    slope, intercept : float
    """

    def __init__(self, source: Source, slope: float, intercept: float) -> None:
        self.source, self.slope, self.intercept = source, float(slope), float(intercept)
        self.shape, self.chunk = source.shape, source.chunk
        exact = source.dtype.itemsize <= 2 or source.dtype == np.float32
        self.dtype = np.dtype(np.float32 if exact else np.float64)

    def read(self, box: Box) -> np.ndarray:
        """Values of the half-open ranges `box`."""
        block = self.source.read(box).astype(np.float64)
        block *= self.slope
        block += self.intercept
        return block.astype(self.dtype)


class Looked:
    """Greys that a table gives for stored indices.

    Parameters
    ----------
    source : Source
        The indices.
    table : (n,) array
        The grey of each index.
    """

    def __init__(self, source: Source, table: np.ndarray) -> None:
        self.source, self.table = source, table
        self.shape, self.chunk, self.dtype = source.shape, source.chunk, np.dtype(table.dtype)

    def read(self, box: Box) -> np.ndarray:
        """Greys of the half-open ranges `box`."""
        return self.table[self.source.read(box)]


class ThreeBytes:
    """Whole numbers of three bytes, as uint32.

    Parameters
    ----------
    source : Source
        Their bytes; the last axis is three times as long.
    order : str
        `<` or `>`.
    """

    def __init__(self, source: Source, order: str) -> None:
        self.source, self.order = source, order
        self.shape = (*source.shape[:2], source.shape[2] // 3)
        self.chunk, self.dtype = (1, 1, self.shape[2]), np.dtype(np.uint32)

    def read(self, box: Box) -> np.ndarray:
        """Values of the half-open ranges `box`."""
        planes, rows, (c0, c1) = box
        parts = self.source.read((planes, rows, (3 * c0, 3 * c1)))
        parts = parts.reshape(*parts.shape[:2], -1, 3).astype(np.uint32)
        low, middle, high = (parts[..., i] for i in ((0, 1, 2) if self.order == "<" else (2, 1, 0)))
        return low | middle << 8 | high << 16
