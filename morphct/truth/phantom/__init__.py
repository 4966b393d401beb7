"""Synthetic powders with their truth: particles, voids, glue, blur and noise as in a nano-CT volume.

In: `PhantomOptions`. Out: a `Phantom`: grey, labels, voids and their tables. Start reading at `packing`, then `grey`.

- `bodies`: random star-shaped bodies of each family, scaled to a wanted volume
- `compound`: bodies that are one particle though they bend, branch, bulge or are hollow: tubes, coils, dendrites,
  lobes, shells
- `drawing`: settings to images and files: packed, numbered, then painted and made grey by slabs within a memory cap
- `files`: writing a phantom: volume, label truth, void truth, tables and settings, moved into place when all are whole
- `grey`: grey values of a packed powder: phases, glue, blur and noise, in one walk along z
- `groups`: groups of particles: one, or several that touch or are welded, drawn and rasterised in a box of their own
- `options`: settings of a phantom and the families its particles come from
- `packing`: packing: groups drawn until they fill the wanted share, placed largest first where they overlap nothing
- `placed`: placed groups as compressed runs, from which planes of labels, voids and phases are painted
- `truth`: what is true of a packed powder: tables of particles and voids, counted as they lie in the volume
- `voids`: voids thrown into rasterised particles, sealed and open
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...ground.units import VoxelSize
from .files import write
from .options import COMPOUNDS, FAMILIES, PLACEMENTS, PRESETS, PhantomOptions

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COMPOUNDS", "FAMILIES", "PLACEMENTS", "PRESETS", "Phantom", "PhantomOptions", "make", "write"]


@dataclass(frozen=True)
class Phantom:
    """A synthetic volume and everything that is true of it.

    Attributes
    ----------
    grey : (Z, Y, X) uint16 or uint8
        What a scanner would give.
    labels : (Z, Y, X) int32
        Envelope of each particle from 1: its sealed voids carry its label, its open voids carry 0.
    voids : (Z, Y, X) int32
        Void ids from 1, sealed and open (`void_table.open` tells them apart); 0 elsewhere.
    table : DataFrame
        One row per particle, index `label`.
    void_table : DataFrame
        One row per void, index `void_id`.
    contacts : DataFrame
        One row per pair of particles that share faces, with the area and whether they are welded.
    voxel_size : VoxelSize
    options : PhantomOptions
    """

    grey: np.ndarray
    labels: np.ndarray
    voids: np.ndarray
    table: "pd.DataFrame"
    void_table: "pd.DataFrame"
    contacts: "pd.DataFrame"
    voxel_size: VoxelSize
    options: PhantomOptions

    @property
    def solid(self) -> float:
        """Share of the volume that belongs to particles, sealed voids included."""
        return float(self.table["n_voxels"].sum() / self.labels.size)


def make(options: PhantomOptions | None = None, workers: int = 1) -> Phantom:
    """Draw a powder and hold it in memory; the same options give the same bytes.

    Parameters
    ----------
    options : PhantomOptions, optional
        Defaults: a mixed powder at the contrast of the reference study.
    workers : int
        Threads.

    Raises
    ------
    InputError
        When the voxel size cannot be read.
    """
    # imported here so that the command line can list the options without compiling anything
    from .drawing import draw

    return draw(options or PhantomOptions(), workers)
