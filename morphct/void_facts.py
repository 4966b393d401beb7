"""What is known of voids beside their image: which are open, how large they may be, what could not be seen."""

from dataclasses import dataclass, field

import numpy as np

from .void_statistics import Seeing


@dataclass(frozen=True)
class VoidFacts:
    """What is known of voids from where they were found.

    Attributes
    ----------
    opened : (V+1,) bool, optional
        Voids that open to the outside of their particle; None: no void does.
    searched : (N,) bool, optional
        Particles in which open voids were looked for; None: in no particle.
    low, high : (V+1,) float, optional
        Voxels a void has at least and at most; None: not known.
    hidden : float
        Voxels that a particle may have in voids that were not seen, at most.
    seeing : Seeing
    """

    opened: np.ndarray | None = None
    searched: np.ndarray | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    hidden: float = 0.0
    seeing: Seeing = field(default_factory=Seeing)
