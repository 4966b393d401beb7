"""Drawing a powder: packed, numbered, then painted and made grey by slabs."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...ground.executors import RunMap, Threads
from ...ground.units import VoxelSize, parse_voxel_size
from . import Phantom
from .grey import grey_slabs, grey_type
from .options import PhantomOptions
from .packing import pack
from .placed import Packed
from .truth import Contacts, tables

if TYPE_CHECKING:
    import pandas as pd

SLAB_VOXELS = 4_000_000


class Powder:
    """A packed powder whose images are made when they are asked for, slab by slab.

    Attributes
    ----------
    table, void_table : DataFrame
        As in `Phantom`.
    contacts : DataFrame
        As in `Phantom`; there once all label slabs have been walked.
    """

    def __init__(self, options: PhantomOptions, workers: int, memory: int = 1 << 62) -> None:
        self.options, self.run = options, Threads(workers)
        self.voxel_size: VoxelSize = parse_voxel_size(options.voxel_size, "phantom")
        spacing = np.array(self.voxel_size.spacing) / np.cbrt(self.voxel_size.volume)
        self.packed: Packed = pack(options, spacing, workers, memory)
        self.table, self.void_table = tables(self.packed, self.voxel_size)
        self.contacts: pd.DataFrame | None = None

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
        faces, depth = Contacts(), self.options.depth
        # bands of rows would cut faces, so one slab is counted while the next is painted and written
        for z0 in range(0, depth, planes):
            z1 = min(z0 + planes, depth)
            slab = self.packed.planes("labels", z0, min(z1 + 1, depth), dtype, self.run)
            faces.count(slab, z1 - z0)
            yield slab[: z1 - z0]
        self.contacts = faces.table(self.packed, self.table, self.voxel_size)

    def voids(self, planes: int, dtype: type) -> Iterator[np.ndarray]:
        """Void ids, (planes, Y, X) at a time."""
        for z0 in range(0, self.options.depth, planes):
            yield self.packed.planes("voids", z0, min(z0 + planes, self.options.depth), dtype, self.run)


def draw(options: PhantomOptions, workers: int) -> Phantom:
    """A whole phantom in memory."""
    powder = Powder(options, workers)
    shape = options.shape
    planes = max(4, SLAB_VOXELS // (shape[1] * shape[2]))
    images = np.empty(shape, grey_type(options)), np.empty(shape, np.int32), np.empty(shape, np.int32)
    slabs = powder.grey(planes), powder.labels(planes, np.int32), powder.voids(planes, np.int32)
    for image, parts in zip(images, slabs):
        z = 0
        for part in parts:
            image[z : z + len(part)] = part
            z += len(part)
    assert powder.contacts is not None
    tables_ = (powder.table, powder.void_table, powder.contacts)
    return Phantom(*images, *tables_, powder.voxel_size, options)
