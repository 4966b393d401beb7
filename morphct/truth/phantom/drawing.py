"""Drawing a powder: packed, numbered, then painted and made grey by slabs."""

import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...ground.errors import MemoryCapError
from ...ground.executors import Threads
from ...ground.units import VoxelSize, format_bytes, parse_voxel_size
from . import Phantom
from .files import check_place, write_slabs
from .grey import grey_slabs, work_bytes
from .options import PhantomOptions
from .packing import occupied_bytes, pack
from .placed import Packed
from .truth import Contacts, tables

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
SLAB_VOXELS = 4_000_000
LIBRARY_BYTES = 450 << 20  # what compiled kernels, tables and the writing of a TIFF take: 330 MiB measured
# of groups as compressed runs: .02 measured on default powders of 384^3, more when they have many small voids
RUNS_VOXEL_BYTES = 0.04
MOST_PLANES = 32  # of a slab: thicker ones are no faster


class Powder:
    """A packed powder whose images are made when they are asked for, slab by slab.

    Attributes
    ----------
    table, void_table : DataFrame
        As in `Phantom`.
    """

    def __init__(self, options: PhantomOptions, workers: int, memory: int = 1 << 62) -> None:
        self.options, self.run = options, Threads(workers)
        self.voxel_size: VoxelSize = parse_voxel_size(options.voxel_size, "phantom")
        spacing = np.array(self.voxel_size.spacing) / np.cbrt(self.voxel_size.volume)
        self.packed: Packed = pack(options, spacing, workers, memory)
        self.table, self.void_table = tables(self.packed, self.voxel_size)
        self._faces = Contacts()

    @property
    def contacts(self) -> "pd.DataFrame":
        """As in `Phantom`, of the label slabs walked last."""
        return self._faces.table(self.packed, self.table, self.voxel_size)

    @property
    def solid(self) -> float:
        """Share of the volume that belongs to particles, sealed voids included."""
        return float(self.table["n_voxels"].sum() / np.prod(self.options.shape, dtype=float))

    def grey(self, planes: int) -> Iterator[np.ndarray]:
        """Grey, (planes, Y, X) at a time; memory that the next slab uses again."""
        phases = partial(self.packed.planes, "phases", dtype=np.uint8, run=self.run)
        for _, slab in grey_slabs(phases, self.options, planes, self.run):
            yield slab

    def labels(self, planes: int, dtype: type) -> Iterator[np.ndarray]:
        """Labels, (planes, Y, X) at a time; contacts are counted on the way."""
        self._faces, depth = Contacts(), self.options.depth
        for z0 in range(0, depth, planes):
            z1 = min(z0 + planes, depth)
            slab = self.packed.planes("labels", z0, min(z1 + 1, depth), dtype, self.run)
            self._faces.count(slab, z1 - z0)
            yield slab[: z1 - z0]

    def voids(self, planes: int, dtype: type) -> Iterator[np.ndarray]:
        """Void ids, (planes, Y, X) at a time."""
        for z0 in range(0, self.options.depth, planes):
            yield self.packed.planes("voids", z0, min(z0 + planes, self.options.depth), dtype, self.run)


def draw(options: PhantomOptions, workers: int) -> Phantom:
    """A whole phantom in memory."""
    powder = Powder(options, workers)
    shape = options.shape
    planes = max(4, SLAB_VOXELS // (shape[1] * shape[2]))
    images = np.empty(shape, options.grey_type), np.empty(shape, np.int32), np.empty(shape, np.int32)
    slabs = powder.grey(planes), powder.labels(planes, np.int32), powder.voids(planes, np.int32)
    for image, parts in zip(images, slabs):
        z = 0
        for part in parts:
            image[z : z + len(part)] = part
            z += len(part)
    tables_ = (powder.table, powder.void_table, powder.contacts)
    return Phantom(*images, *tables_, powder.voxel_size, options)


def _standing(options: PhantomOptions) -> int:
    """Bytes held from the first group to the last plane."""
    return LIBRARY_BYTES + int(RUNS_VOXEL_BYTES * np.prod(options.shape, dtype=float))


def slab_planes(options: PhantomOptions, memory: int, workers: int) -> int:
    """Planes of a slab while the images are made, within a cap in bytes; changes no byte of them.

    Raises
    ------
    MemoryCapError
        When not even one plane at a time fits, or not the bits of what is taken.
    """
    base = _standing(options)

    def taken(planes: int) -> int:
        truth = (planes + 1) * options.height * options.width * 4
        return base + work_bytes(options, planes, workers) + truth

    least = max(base + occupied_bytes(options.shape) + (64 << 20), taken(1))
    if memory < least:
        size = " x ".join(str(n) for n in options.shape)
        raise MemoryCapError(
            f"the memory cap {format_bytes(memory)} is too small for a phantom of {size} voxels, which takes "
            f"{format_bytes(least)}; give at least --memory {-(-least // 2**20)}MiB, or make it smaller"
        )
    planes = 1
    while planes < min(MOST_PLANES, options.depth) and taken(planes + 1) <= memory:
        planes += 1
    return planes


def write_drawn(options: PhantomOptions, path: str | Path, memory: int, workers: int) -> tuple["Powder", list[Path]]:
    """Draw a phantom and write it as `write` does, holding no image of it; its tables and its files.

    Parameters
    ----------
    path : path of a `.tif` file
    memory : int
        Bytes that the process may take.
    workers : int
        Threads.

    Raises
    ------
    InputError
        When the voxel size cannot be read.
    MemoryCapError
        When the memory does not do.
    OutputError
        When the folder cannot be written, or has too little room.
    """
    check_place(path, options.shape, options.grey_type)
    planes = slab_planes(options, memory, workers)
    powder = Powder(options, workers, memory - _standing(options))
    log.info("%d particles placed; images in slabs of %d planes", len(powder.table), planes)
    return powder, write_slabs(powder, path, planes, workers)
