"""A label image with its voids and what is known of them: the input of all measuring."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..ground.units import VoxelSize
from ..ground.work import Work
from ..segment.labels.envelope import Envelope
from ..segment.labels.nesting import Nesting, find_nesting
from ..segment.voids.containment import CUT_WALL_RATIO
from ..segment.voids.facts import VoidFacts
from ..segment.voids.ownership import Voids


@dataclass(frozen=True)
class Labelled:
    """Labelled particles and voids.

    Attributes
    ----------
    labels : (Z,Y,X) int32 array-like
        Every label from 1 to `n` is there. Void voxels carry their particle's label or 0.
    n : int
        Number of particles.
    voxel_size : VoxelSize
    voids : Voids, optional
        Closed ones but for those that its facts tell to be open; None: none are known.
    detection_diameter : float, optional
        Smallest diameter, in the unit of `voxel_size`, at which a void counts as resolved.
    """

    labels: Any
    n: int
    voxel_size: VoxelSize
    voids: Voids | None = None
    detection_diameter: float | None = None

    @property
    def facts(self) -> VoidFacts:
        """What is known of the voids beside their image."""
        return VoidFacts() if self.voids is None else self.voids.facts

    @cached_property
    def owner(self) -> np.ndarray:
        """(V+1,) int64, label of each void's particle; first entry 0."""
        return np.zeros(1, np.int64) if self.voids is None else np.asarray(self.voids.owner, np.int64)

    @property
    def opened(self) -> np.ndarray:
        """(V+1,) bool, voids that open to the outside of their particle."""
        return self.facts.is_open(len(self.owner))

    @cached_property
    def envelope(self) -> Envelope:
        """The particles with their closed voids filled; open voids lie outside."""
        if self.voids is None or len(self.owner) == 1:
            return Envelope(self.labels, self.n)
        return Envelope(self.labels, self.n, self.voids.labels, np.where(self.opened, 0, self.owner))

    def nesting(self, work: Work) -> Nesting | None:
        """Which particles lie in the hole of another one; None where none does."""
        return find_nesting(self.envelope.read, self.labels.shape, self.n, CUT_WALL_RATIO, work)
