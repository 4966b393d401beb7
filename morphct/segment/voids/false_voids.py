"""How many of the voids noise alone would make: bright specks that would be voids were they dark.

Noise is as often too bright as too dark, and nothing in a particle is brighter than its plateau but noise, streaks and
inclusions. So the specks that the very rule for voids finds in the mirrored grey are an estimate of its false voids
from this scan, with the correlation and the tails its noise has.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.work import Work
from ..labels import components
from . import dips
from .dip_model import CORE_VOXELS, DipModel
from .plateau import CORE, Planes

DEEPEST_SHARE = 0.6  # of the contrast
MIRROR_SUM = 65536  # a code and its mirror image add up to it; 0 stays outside


@dataclass(frozen=True)
class Mirrored:
    """Codes with bright and dark exchanged; (Z,Y,X) uint16 array-like that is sliced along z."""

    codes: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """(Z,Y,X)."""
        return tuple(self.codes.shape)

    def __getitem__(self, where: Any) -> np.ndarray:
        # -code in 16 bits is MIRROR_SUM - code, and 0 stays 0
        return np.negative(np.asarray(self.codes[where]))


def expected(codes: Any, depths: Any, model: DipModel, work: Work) -> int | None:
    """Number of bright specks that the rule would call voids were they dark; None where bright noise is cut off.

    Parameters
    ----------
    codes : (Z,Y,X) uint16 array-like
    depths : (Z,Y,X) uint8 array-like
        From `plateau.classify`.
    model : DipModel
        As `plateau.fit` leaves it.
    """
    return None if model.clipped else _specks(codes, depths, model, work).n


def strict(codes: Any, depths: Any, model: DipModel, work: Work) -> DipModel:
    """The model with so large a factor that no more specks are bright enough than false dips are accepted.

    For scans with streaks, whose noise has heavier tails than its width tells. At most `DEEPEST` of the contrast is
    asked for, so that bright inclusions cannot make all voids vanish. Parameters as in `expected`.
    """
    specks = _specks(codes, depths, model, work)
    core = sum(work.quiet.each(partial(_core_voxels, depths)))
    accepted = int(model.false_per_particle * core / CORE_VOXELS)
    if specks.n <= accepted:
        return model
    heights = np.zeros(specks.n + 1, np.int32)
    planes = Planes(Mirrored(codes), depths, _mirrored(model))
    for part in work.quiet.each(partial(dips.peaks_of_zones, planes, specks)):
        heights = np.maximum(heights, part)
    least = float(np.sort(heights[1:])[::-1][accepted])
    return replace(model, factor=max(model.seed_depth, min(least, DEEPEST_SHARE * model.contrast)) / model.sd)


def _mirrored(model: DipModel) -> DipModel:
    assert model.plateau is not None
    return replace(model, plateau=MIRROR_SUM - model.plateau)


def _specks(codes: Any, depths: Any, model: DipModel, work: Work) -> components.Components:
    zone = partial(dips.zone_planes, Mirrored(codes), depths, _mirrored(model))
    return components.label(zone, tuple(codes.shape), 26, work.quiet)


def _core_voxels(depths: Any, slab: Brick) -> int:
    return int(np.count_nonzero(np.asarray(depths[slab.z0 : slab.z1]) == CORE))
