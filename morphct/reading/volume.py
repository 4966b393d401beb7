"""A volume: a lazy (Z, Y, X) array with its voxel size, axis order and origin; voxels are read when it is sliced."""

import math
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np

from ..ground.bricks import Brick
from ..ground.errors import InputError, UserError
from ..ground.units import VoxelSize
from .changes import Stamps, refuse_changed, stamps_of

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]

# what a damaged file makes the decoding libraries raise; anything else is a defect and keeps its traceback
_READ_ERRORS = (OSError, RuntimeError, ValueError, EOFError, ArithmeticError, KeyError, zlib.error, BadZipFile)


class Source(Protocol):
    """Voxels of one file (or folder of slices), read box by box; safe in threads, can be pickled."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Lengths of the three axes, in the order the file stores them (slowest first)."""
        ...

    @property
    def dtype(self) -> np.dtype:
        """Type of a voxel as stored, byte order aside."""
        ...

    @property
    def chunk(self) -> tuple[int, int, int]:
        """Block that is decoded at once along each axis."""
        ...

    def read(self, box: Box) -> np.ndarray:
        """Voxels of the half-open ranges `box` along the stored axes; a new array or a read-only view."""
        ...


@dataclass(frozen=True)
class ArraySource:
    """Voxels of an array in memory, or of any (Z, Y, X) array-like that can be sliced."""

    array: Any

    @property
    def shape(self) -> tuple[int, int, int]:
        """(Z, Y, X) lengths."""
        z, y, x = self.array.shape
        return int(z), int(y), int(x)

    @property
    def dtype(self) -> np.dtype:
        """Type of a voxel."""
        return np.dtype(self.array.dtype)

    @property
    def chunk(self) -> tuple[int, int, int]:
        """One row of an array, one plane of what may have to make it first."""
        _, y, x = self.shape
        return 1, 1 if isinstance(self.array, np.ndarray) else y, x

    def read(self, box: Box) -> np.ndarray:
        """Voxels of the half-open ranges `box`."""
        return np.asarray(self.array[tuple(slice(a, b) for a, b in box)])


MOST_LOOKED_AT = 16  # files before each read, of those that hold no plane each


@dataclass(frozen=True, eq=False)
class Volume:
    """A lazy (Z, Y, X) volume.

    `volume[z0:z1]` reads a slab and `volume[z0:z1, y0:y1, x0:x1]` a box, as C-contiguous arrays in native byte order;
    nothing else is held. Several threads may read at a time; a pickled volume opens its file again where it arrives.
    Bits (bool) are delivered as uint8 0/1 and float16 as float32, because the kernels take no other small types.

    Parameters
    ----------
    source : Source
        Where the voxels come from.
    axes : str
        Order in which the file stores the axes, slowest first; the volume itself is always z, y, x.
    crop : Box, optional
        (z, y, x) half-open ranges of the file that make up the volume; all of it when None.
    voxel_size : VoxelSize, optional
        Edge lengths with the place they were read; None when nothing trustworthy was stated.
    path, dataset : Path, str, optional
        The file or folder and the dataset inside it.
    format : str
        Name of the file format.
    notes : list of str
        Warnings worth telling the user, one sentence each.
    files : tuple of Path
        Files that hold the voxels.
    stamps : tuple, optional
        When each of them was last changed, and how long it is; by default as they are now.
    """

    source: Source
    axes: str = "zyx"
    crop: Box | None = None
    voxel_size: VoxelSize | None = None
    path: Path | None = None
    dataset: str | None = None
    format: str = "array"
    notes: list[str] = field(default_factory=list)
    files: tuple[Path, ...] = ()
    stamps: Stamps | None = None

    def __post_init__(self) -> None:
        if self.stamps is None:
            object.__setattr__(self, "stamps", stamps_of(self.files))

    @property
    def full_shape(self) -> tuple[int, int, int]:
        """(Z, Y, X) lengths before the crop."""
        stored = self.source.shape
        z, y, x = (stored[self.axes.index(name)] for name in "zyx")
        return z, y, x

    @property
    def shape(self) -> tuple[int, int, int]:
        """(Z, Y, X) lengths."""
        if self.crop is None:
            return self.full_shape
        z, y, x = (stop - start for start, stop in self.crop)
        return z, y, x

    @property
    def stored_dtype(self) -> np.dtype:
        """Type of a voxel as the file holds it."""
        return np.dtype(self.source.dtype)

    @property
    def dtype(self) -> np.dtype:
        """Type of a voxel as it is delivered, in native byte order."""
        return delivered_dtype(self.source.dtype)

    @property
    def ndim(self) -> int:
        """Always 3."""
        return 3

    @property
    def size(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all voxels once delivered."""
        return self.size * self.dtype.itemsize

    @property
    def chunk_planes(self) -> int:
        """Planes along z that are decoded together; slabs of a multiple of it read no block twice."""
        return int(self.source.chunk[self.axes.index("z")])

    @property
    def name(self) -> str:
        """File name, with the dataset where there is one."""
        if self.path is None:
            return "the array"
        return printable(f"{self.path.name}::{self.dataset}" if self.dataset else self.path.name)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> np.ndarray:
        ranges, steps, single = _parse_key(key, self.shape)
        if steps[0] > 1:  # strided planes are read one by one, so that what is skipped costs nothing
            (z0, z1), rows, columns = ranges
            block = np.empty((len(range(z0, z1, steps[0])), *(b - a for a, b in ranges[1:])), self.dtype)
            for i, z in enumerate(range(z0, z1, steps[0])):
                block[i] = self._read(((z, z + 1), rows, columns))[0]
        else:
            block = self._read(ranges)
        if steps[1] > 1 or steps[2] > 1:
            block = np.ascontiguousarray(block[:, :: steps[1], :: steps[2]])
        return block.reshape([n for n, one in zip(block.shape, single) if not one]) if any(single) else block

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        block = self[:]
        return block if dtype is None else block.astype(dtype, copy=False)

    def slab(self, slab: Brick, halo: int = 0) -> np.ndarray:
        """Planes of `slab` widened by `halo` planes where the volume goes on."""
        return self[slab.widened((halo, 0), self.shape).here]

    def with_source(self, source: Source, *notes: str) -> "Volume":
        """The same volume with its voxels read through another source, and more notes."""
        return replace(self, source=source, notes=[*self.notes, *notes])

    def _read(self, box: Box) -> np.ndarray:
        """Voxels of a (z, y, x) box: shifted by the crop, turned into the stored order, read, and turned back."""
        shape = tuple(stop - start for start, stop in box)
        if 0 in shape:
            return np.empty(shape, self.dtype)
        if self.crop is not None:
            box = _box((a + origin, b + origin) for (a, b), (origin, _) in zip(box, self.crop))
        refuse_changed(self.name, self._looked_at(box), self.stamps or ())
        try:
            block = self.source.read(_box(box["zyx".index(name)] for name in self.axes))
        except UserError:
            raise
        except _READ_ERRORS as error:
            raise InputError(
                f"planes {box[0][0]} to {box[0][1] - 1} of {self.name} cannot be read ({_first_line(error)}); "
                "the file is damaged or changed while it was read, copy it again"
            ) from error
        block = block.transpose([self.axes.index(name) for name in "zyx"])
        return _delivered(block, self.dtype)

    def _looked_at(self, box: Box) -> list[tuple[int, Path]]:
        """Files to look at before a box is read, with their places in `files`: of a stack those of its planes."""
        numbered = list(enumerate(self.files))
        if len(numbered) == self.full_shape[0] and self.axes[0] == "z":
            return numbered[slice(*box[0])]
        return numbered[:MOST_LOOKED_AT]


def check_shape(shape: tuple[int, ...], name: str) -> None:
    """Refuse what is not three-dimensional or has no voxel.

    Raises
    ------
    InputError
        One sentence.
    """
    text = " x ".join(str(n) for n in shape)
    if any(n < 0 for n in shape):
        raise InputError(f"the header of {name} gives a negative length ({text}); it is damaged, save it again")
    if len(shape) == 2 or (len(shape) == 3 and 1 in shape):
        raise InputError(f"{name} is a 2D image ({text}); a volume of at least two planes along each axis is wanted")
    if len(shape) != 3:
        raise InputError(
            f"{name} has {len(shape)} axes ({text}); three (z,y,x) are wanted, save one volume of it alone"
        )
    if 0 in shape:
        raise InputError(f"{name} has no voxels ({text}); a volume of at least two planes along each axis is wanted")


def check_dtype(dtype: np.dtype, name: str) -> None:
    """Refuse types that are no grey values.

    Raises
    ------
    InputError
        One sentence.
    """
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        what = "complex numbers" if dtype.kind == "c" else f"values of type {dtype}"
        raise InputError(
            f"{name} holds {what}; uint8, uint16, int16, float32, float64 and the other integer types are read, "
            "convert it to one of them"
        )


def delivered_dtype(dtype: np.dtype) -> np.dtype:
    """The native type in which voxels stored as `dtype` are delivered."""
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype.kind == "f" and dtype.itemsize == 2:
        return np.dtype(np.float32)
    return np.dtype(dtype).newbyteorder("=")


def printable(text: str) -> str:
    """A file name as it can be printed and stored: bytes that are no UTF-8 become question marks in a diamond."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def summary_of(volume: Volume) -> dict[str, Any]:
    """Facts about a volume as plain values, for `inspect` and the provenance; reads no voxel."""
    size = volume.voxel_size
    return {
        "path": printable(str(volume.path)) if volume.path is not None else None,
        "dataset": printable(volume.dataset) if volume.dataset is not None else None,
        "format": volume.format,
        "files": len(volume.files),
        "shape": list(volume.shape),
        "full_shape": list(volume.full_shape),
        "crop": [list(r) for r in volume.crop] if volume.crop is not None else None,
        "axes": volume.axes,
        "dtype": str(volume.stored_dtype.newbyteorder("=")),
        "voxels": volume.size,
        "bytes": volume.size * volume.stored_dtype.itemsize,
        "chunk_planes": volume.chunk_planes,
        "voxel_size": list(size.spacing) if size else None,
        "voxel_size_unit": size.unit if size else None,
        "voxel_size_source": size.source if size else None,
        "notes": list(volume.notes),
    }


def _delivered(block: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if block.dtype == np.bool_:
        block = np.ascontiguousarray(block).view(np.uint8)
    return np.ascontiguousarray(block, dtype=dtype)


def _box(ranges: Any) -> Box:
    first, second, third = ranges
    return first, second, third


def _parse_key(key: Any, shape: tuple[int, int, int]) -> tuple[Box, list[int], list[bool]]:
    """Ranges, steps and "one index" flags of an index expression."""
    parts = list(key) if isinstance(key, tuple) else [key]
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        parts[at : at + 1] = [slice(None)] * (4 - len(parts))
    if len(parts) > 3:
        raise IndexError("a volume has three axes")
    parts += [slice(None)] * (3 - len(parts))
    ranges, steps, single = [], [], []
    for part, n in zip(parts, shape):
        if isinstance(part, slice):
            start, stop, step = part.indices(n)
            if step < 1:
                raise IndexError("a volume is sliced forwards")
            ranges.append((start, max(start, stop)))
        else:
            index = int(part) + (n if part < 0 else 0)
            if not 0 <= index < n:
                raise IndexError(f"index {part} is outside an axis of {n}")
            step, ranges = 1, [*ranges, (index, index + 1)]
        steps.append(step)
        single.append(not isinstance(part, slice))
    return _box(ranges), steps, single


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__
