"""Label images made elsewhere: whole numbers, 0 the background, one number a particle."""

from pathlib import Path
from typing import Any

import numpy as np

from ..ground.errors import InputError
from .opening import open_volume
from .volume import Box, Source, Volume


class LabelSource:
    """Voxels of a label image, each block checked as it is read.

    Parameters
    ----------
    source : Source
        The image: integers or bits, or whole numbers stored as floats.
    name : str
        The file, for messages.
    """

    def __init__(self, source: Source, name: str) -> None:
        self.source, self.name = source, name
        self.shape, self.chunk = source.shape, source.chunk
        self.dtype = np.dtype(np.int64) if source.dtype.kind == "f" else np.dtype(source.dtype)

    def read(self, box: Box) -> np.ndarray:
        """Labels of the half-open ranges `box`.

        Raises
        ------
        InputError
            When a value is fractional, negative, or not finite.
        """
        block = self.source.read(box)
        if block.dtype.kind in "bu" or block.size == 0:
            return block
        lowest = block.min()
        if not lowest >= 0:  # so that NaN is caught too
            raise InputError(
                f"the label image {self.name} holds {lowest:g}; labels are whole numbers from 0 (background) on, "
                "set what is not a particle to 0"
            )
        if block.dtype.kind == "i":
            return block
        largest = 2 ** (np.finfo(block.dtype).nmant + 1)  # the next one has no place of its own
        if np.isfinite(block.max()) and block.max() >= largest:
            raise InputError(
                f"the label image {self.name} stores {block.max():.0f} as {block.dtype}, which tells numbers apart "
                f"below {largest:,} only; save it as an integer type"
            )
        if not np.isfinite(block.max()) or not (block == np.floor(block)).all():
            odd = block[~(block == np.floor(block)) | ~np.isfinite(block)].flat[0]
            raise InputError(
                f"the label image {self.name} holds {odd:g}; labels are whole numbers, give the label image and not "
                "the grey volume"
            )
        return block.astype(self.dtype)


def open_labels(path: str | Path, **options: Any) -> Volume:
    """Open a label image; numbers need not be consecutive and may be as large as 2^53.

    Parameters
    ----------
    path : str or Path
        As for `open_volume`, which takes the same `options`.

    Returns
    -------
    Volume
        Labels of an integer type: floats become int64, bits uint8. Three planes are checked now, the others when
        they are read.

    Raises
    ------
    InputError
        When the values are fractional or negative.
    """
    volume = open_volume(path, **options)
    notes = []
    if volume.stored_dtype.kind == "f":
        notes.append(f"the label image {volume.name} stores its whole numbers as {volume.stored_dtype}: they are taken")
    labels = volume.with_source(LabelSource(volume.source, volume.name), *notes)
    for z in sorted({0, len(labels) // 2, len(labels) - 1}):
        _ = labels[z]
    return labels


def require_same_shape(labels: Volume, grey: Volume | None) -> None:
    """Refuse a grey volume of another shape than its label image.

    Raises
    ------
    InputError
        One sentence with both shapes.
    """
    if grey is None or grey.shape == labels.shape:
        return
    one, other = (" x ".join(str(n) for n in volume.shape) for volume in (labels, grey))
    raise InputError(
        f"the label image {labels.name} is {one} and the grey volume {grey.name} is {other} (z,y,x); give the volume "
        "the labels were made from"
    )
