"""Arrays inside container files (HDF5, Zarr): which axes are wanted, and a source that indexes the library's array."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..ground.errors import InputError
from .axes import letters_of
from .reopened import Reopened
from .volume import Box, check_shape


@dataclass(frozen=True)
class Folded:
    """Three axes chosen from those of an array.

    Parameters
    ----------
    kept : tuple of int
        The axes that are wanted; the others have length 1.
    shape : tuple of int
        Their lengths, in stored order.
    axes : str
        Their names, such as `zyx`.
    notes : list of str
        What was assumed.
    """

    kept: tuple[int, ...]
    shape: tuple[int, int, int]
    axes: str = "zyx"
    notes: list[str] = field(default_factory=list)


def fold(shape: Sequence[int], names: Sequence[str] | None, what: str) -> Folded:
    """Choose the three axes of a volume from an array that may carry channels and time points of length 1.

    Parameters
    ----------
    shape : sequence of int
        Lengths of all axes.
    names : sequence of str or None
        A name an axis, such as `tczyx` or `depth, height, width`; None when the file does not name them.
    what : str
        The array, for messages.

    Raises
    ------
    InputError
        When more than one volume is inside, or none, or it holds projections.
    """
    lengths = tuple(int(n) for n in shape)
    letters = letters_of(list(names), what) if names is not None and len(names) == len(lengths) else None
    if letters is None:
        return _unnamed(lengths, what)
    wanted = [i for i, (n, letter) in enumerate(zip(lengths, letters)) if letter in "yx" or n != 1]
    if len(wanted) > 3:
        text = " x ".join(f"{n} {letter}" for n, letter in zip(lengths, names or letters))
        raise InputError(
            f"{what} holds more than one volume (axes {text}); save one channel and one time point of it alone "
            "(Fiji: Image > Duplicate, or Image > Color > Split Channels)"
        )
    check_shape(tuple(lengths[i] for i in wanted), what)
    axes, notes = "".join(letters[i] for i in wanted), []
    missing = [letter for letter in "zyx" if letter not in axes]
    if len(missing) > 1:
        return _unnamed(lengths, what)
    if missing:
        plane = next(letter for letter in axes if letter not in "zyx")
        count = lengths[wanted[axes.index(plane)]]
        if plane == "c" and count <= 4:
            raise InputError(f"{what} is a 2D image of {count} channels; a volume is wanted")
        if plane in "tc":
            word = "time points" if plane == "t" else "channels"
            notes.append(f"the {count} {word} of {what} are read as planes along {missing[0]}")
        axes = axes.replace(plane, missing[0])
    return Folded(tuple(wanted), _three(lengths[i] for i in wanted), axes, notes)


def _unnamed(lengths: Sequence[int], what: str) -> Folded:
    kept = tuple(i for i, n in enumerate(lengths) if len(lengths) <= 3 or n != 1)
    check_shape(tuple(lengths[i] for i in kept), what)
    return Folded(kept, _three(lengths[i] for i in kept))


class IndexedSource:
    """Voxels of an h5py dataset or a Zarr array, which both may be read from several threads.

    Parameters
    ----------
    handle : Reopened
        Gives the array.
    folded : Folded
        The three axes wanted.
    dtype : dtype
        Type of a voxel, byte order aside.
    chunks : tuple of int, optional
        Block of the array that is decoded at once, all axes.
    """

    def __init__(
        self, handle: Reopened, folded: Folded, dtype: np.dtype, chunks: Sequence[int] | None, ndim: int
    ) -> None:
        self.handle, self.kept, self.shape, self.ndim = handle, folded.kept, folded.shape, ndim
        self.dtype = np.dtype(dtype).newbyteorder("=")
        self.chunk = _three(chunks[i] for i in folded.kept) if chunks else (1, folded.shape[1], folded.shape[2])

    def read(self, box: Box) -> np.ndarray:
        """Voxels of the half-open ranges `box` along the stored axes."""
        index: list[int | slice] = [0] * self.ndim
        for axis, (start, stop) in zip(self.kept, box):
            index[axis] = slice(start, stop)
        return np.asarray(self.handle.get()[tuple(index)])


def only_one(candidates: Sequence[str], file: str, what: str, example: str) -> str:
    """The only dataset of a file.

    Raises
    ------
    InputError
        When there is none or there are several, naming them.
    """
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise InputError(f"{file} holds no three-dimensional {what} of numbers; check that it is the reconstruction")
    shown = ", ".join(candidates[:6]) + (" and others" if len(candidates) > 6 else "")
    raise InputError(f"{file} holds {len(candidates)} volumes ({shown}); name one as {file}::{example}{candidates[0]}")


def near_names(name: str, known: Iterable[str]) -> str:
    """The end of a sentence: known names like this one, or all of them when none is alike."""
    names = list(known)
    near = difflib.get_close_matches(name.strip("/"), names, n=3, cutoff=0.4) or names[:6]
    return f"there is {', '.join(near)}" if near else "it holds no array"


def _three(values: Iterable[int]) -> tuple[int, int, int]:
    a, b, c = (int(v) for v in values)
    return a, b, c
