"""The two choices that a run's tables depend on, grey level and split, and how far off each may be."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from ..results.tabulate import Tables
from ..segment.split.margins import Margins
from . import sensitivity

if TYPE_CHECKING:
    from ..pipeline.job import Job
    from ..pipeline.segmenting import Segmented
    from ..pipeline.settings import Settings


@dataclasses.dataclass(frozen=True)
class Doubts:
    """What the tables hang on, and how far it may be off.

    Attributes
    ----------
    margins : Margins or None
        Of the split.
    level : float or None
        Of the contrast: how far the level may be off.
    shift : float
        How far that moves a surface, in the unit of the run.
    change : (N,)
        What share of its volume each particle gains or loses by it.
    shape : (Z, Y, X)
        Voxels of the volume.
    """

    margins: Margins | None
    level: float | None
    shift: float
    change: np.ndarray
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, found: Segmented, tables: Tables, job: Job) -> Doubts:
        """From how particles were found."""
        shift = sensitivity.surface_shift(found.threshold, job.voxel_size)
        change = sensitivity.volume_change(tables.particles, shift, job.voxel_size.suffix)
        return cls(found.margins, found.threshold.get("level_uncertainty"), shift, change, job.shape)

    def sensitivity(self, summary: dict[str, Any], tables: Tables, settings: Settings) -> dict[str, Any]:
        """What `summary.json` holds under that name."""
        particles, kept = tables.particles, settings.particles
        return {
            "level_uncertainty": self.level,
            "surface_shift": self.shift if self.level is not None else None,
            "join": None if self.margins is None else self.margins.join,
            "join_uncertainty": None if self.margins is None else self.margins.uncertainty,
            "split_untold": None if self.margins is None else self.margins.untold(),
            "numbers": sensitivity.sensitivity(
                summary,
                particles,
                tables.contacts,
                self.margins,
                self.change,
                settings.aggregates,
                kept,
                self.shape,
            ),
        }
