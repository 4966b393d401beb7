"""Voxels written as decimal numbers in a text (MetaImage, NRRD, Amira): read whole, for such files are small."""

import math
from pathlib import Path

import numpy as np

from ..ground.errors import InputError
from .volume import ArraySource

MOST_BYTES = 1 << 30  # of text; it is read at once


def text_voxels(path: Path, start: int, shape: tuple[int, int, int], dtype: np.dtype, name: str) -> ArraySource:
    """The numbers of a text file from the byte `start` on.

    Parameters
    ----------
    path : Path
    start : int
        Byte where the numbers begin.
    shape : tuple of int
        Lengths of the stored axes, slowest first.
    dtype : dtype
        Type they are to have.
    name : str
        The volume, for messages.

    Raises
    ------
    InputError
        When there are too few or too many, one is no number, or one does not fit the type.
    """
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{name} keeps its voxels as text, more than 1 GiB of it; save it as binary")
    with open(path, "rb") as file:
        file.seek(start)
        words = file.read().split()
    wanted = math.prod(shape)
    if len(words) != wanted:
        raise InputError(f"{name} holds {len(words):,} numbers as text where {wanted:,} are asked for; save it again")
    dtype = np.dtype(dtype).newbyteorder("=")
    try:
        if dtype.kind in "iu":
            whole = [int(w) for w in words]
            limits = np.iinfo(dtype)
            if min(whole) < limits.min or max(whole) > limits.max:
                raise InputError(f"{name} holds numbers that do not fit its type {dtype}; save it again")
            values = np.array(whole, dtype)
        else:
            values = np.array(words, "S").astype(float).astype(dtype)
    except ValueError as error:
        raise InputError(f"{name} holds a word among its numbers ({error}); save it again") from error
    return ArraySource(values.reshape(shape))
