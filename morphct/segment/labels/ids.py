"""Label images made elsewhere: any integer type, ids with gaps and of any size, numbered 1 to N brick by brick.

The image is never copied as a whole: `Numbered` numbers what is sliced from it.
"""

from dataclasses import dataclass
from functools import partial
from os import PathLike
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.errors import InputError
from ...ground.work import Work
from ...kernels.labels import ids as kernel

LARGEST_ID = 2**63 - 1


def check(labels: Any) -> None:
    """Refuse what cannot be a label image.

    Raises
    ------
    InputError
        When it is not a (Z,Y,X) array of integers.
    """
    shape = tuple(labels.shape)
    if len(shape) != 3 or 0 in shape:
        raise InputError(f"the label image has shape {shape}; a (z,y,x) volume with at least one voxel is wanted")
    if np.dtype(labels.dtype).kind not in "iub":
        raise InputError(
            f"the label image holds {np.dtype(labels.dtype).name} values; whole numbers are wanted, 0 for background "
            "and one positive number a particle, so save it as an integer type (uint16, uint32)"
        )


def plain(volume: Any, what: str, kinds: str = "iub") -> Any:
    """An array as the passes take it: lists become arrays, turned arrays are laid out anew, lazy ones stay as they are.

    Parameters
    ----------
    volume : (Z,Y,X) array-like
    what : str
        For messages: `the grey volume`.
    kinds : str
        Kinds of NumPy types that are allowed.

    Raises
    ------
    InputError
        For a masked array, whose mask nothing here would see, for complex numbers or objects, lists of unequal length,
        and for the name of a file.
    """
    if np.ma.isMaskedArray(volume):
        fill = "0" if "f" not in kinds else "numpy.nan"
        raise InputError(
            f"{what} is a masked array, and masks are not read; give it as {what.split()[-1]}.filled({fill})"
        )
    if isinstance(volume, str | bytes | PathLike):
        raise InputError(
            f"{what} is the text {volume!r}; an array is wanted, so read the file first (tifffile.imread), or use "
            "`morphct measure FILE`"
        )
    if not hasattr(volume, "shape") or not hasattr(volume, "dtype"):
        try:
            volume = np.asarray(volume)
        except ValueError as error:  # rows of unequal length
            raise InputError(
                f"{what} is no (z,y,x) array ({error}); give lists of equal length, or an array"
            ) from error
    if isinstance(volume, np.ndarray):
        if volume.dtype.kind == "f" and volume.dtype.itemsize > 8:  # wider floats are the platform's own affair
            volume = volume.astype(np.float64)
        volume = np.ascontiguousarray(volume) if volume.ndim else volume
    if np.dtype(volume.dtype).kind not in kinds + "f":  # floats have sentences of their own where they are not wanted
        raise InputError(
            f"{what} holds {np.dtype(volume.dtype).name} values; real numbers are wanted, one a voxel, convert it"
        )
    return volume


def _brick_ids(labels: Any, brick: Brick) -> np.ndarray:
    return np.unique(kernel.distinct_ids(_integers(labels[brick.here])))


def _integers(planes: Any) -> np.ndarray:
    # the kernels take native bytes in C order; arrays that were turned or come from Fortran have neither
    planes = np.asarray(planes)
    planes = np.ascontiguousarray(planes, planes.dtype.newbyteorder("="))
    return planes.view(np.uint8) if planes.dtype == bool else planes


def find_ids(labels: Any, work: Work) -> np.ndarray:
    """The ids of a label image in ascending order.

    Parameters
    ----------
    labels : (Z,Y,X) array-like of integers
    work : Work

    Returns
    -------
    (N,) int64 array, 0 left out.

    Raises
    ------
    InputError
        For what is not a label image, and for negative ids.
    """
    check(labels)
    found = np.empty(0, np.int64)
    for ids in work.each(partial(_brick_ids, labels)):
        found = np.union1d(found, ids)
    # an unsigned id past 2^63 wraps to a negative one on the way
    if found.size and found[0] < 0:
        what = f"the id {found[0]}" if np.dtype(labels.dtype).kind == "i" else f"ids above {LARGEST_ID}"
        raise InputError(
            f"the label image holds {what}; ids from 0 (background) to {LARGEST_ID} are allowed, so renumber the image"
        )
    return found


@dataclass(frozen=True)
class Numbered:
    """A label image with ids 1 to N, as int32, whatever its own ids are.

    Parameters
    ----------
    source : (Z,Y,X) array-like of integers
    ids : (N,) int64, ascending; ids that are not among them become 0
    """

    source: Any
    ids: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        """(Z,Y,X)."""
        z, y, x = self.source.shape
        return (z, y, x)

    @property
    def dtype(self) -> np.dtype:
        """int32."""
        return np.dtype(np.int32)

    def __getitem__(self, key: Any) -> np.ndarray:
        planes = _integers(self.source[key])
        if self.consecutive:
            return planes.astype(np.int32, copy=False)
        out = np.empty(planes.shape, np.int32)
        kernel.number_ids(planes, self.ids, out)
        return out

    @property
    def consecutive(self) -> bool:
        """Whether the ids are 1 to N already."""
        return self.ids.size == 0 or (int(self.ids[0]) == 1 and int(self.ids[-1]) == self.ids.size)
