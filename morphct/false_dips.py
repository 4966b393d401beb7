"""How many of the voids noise alone would make: bright specks that would be voids were they dark.

Noise is as often too bright as too dark, and nothing in a particle is brighter than its plateau but noise, streaks and
inclusions. So the specks that the very rule for voids finds in the mirrored grey are an estimate of its false voids
from this scan, with the correlation and the tails its noise has.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from . import components, dips
from .dip_model import DipModel
from .executors import RunMap
from .slabs import Slab

TOP = 65536  # a code and its mirror image add up to it; 0 stays outside


@dataclass(frozen=True)
class Mirrored:
    """Codes with bright and dark exchanged; (Z,Y,X) uint16 array-like that is sliced along z."""

    codes: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """(Z,Y,X)."""
        return tuple(self.codes.shape)

    def __getitem__(self, where: Any) -> np.ndarray:
        # -code in 16 bits is TOP - code, and 0 stays 0
        return np.negative(np.asarray(self.codes[where]))


def expected(codes: Any, depths: Any, model: DipModel, slabs: Sequence[Slab], run_map: RunMap = map) -> int:
    """Number of bright specks that the rule would call voids were they dark.

    Parameters
    ----------
    codes : (Z,Y,X) uint16 array-like
    depths : (Z,Y,X) uint8 array-like
        From `plateau.classify`.
    model : DipModel
        As `plateau.fit` leaves it.
    """
    assert model.plateau is not None
    mirrored = replace(model, plateau=TOP - model.plateau)
    zone = partial(dips.zone_planes, Mirrored(codes), depths, mirrored)
    return components.label(zone, tuple(codes.shape), 26, slabs, run_map).n
