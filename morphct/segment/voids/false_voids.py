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
from .dip_model import CORE_VOXELS, DipModel
from .plateau import CORE, Cores, Interior
from .zones import NEVER, Zones, find_zones

DEEPEST_SHARE = 0.6  # of the contrast
MIRROR_SUM = 65536  # a code and its mirror image add up to it; 0 stays outside


@dataclass(frozen=True)
class Mirrored:
    """Codes with bright and dark exchanged; (Z,Y,X) uint16 array-like that is sliced."""

    codes: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """(Z,Y,X)."""
        return tuple(self.codes.shape)

    def __getitem__(self, where: Any) -> np.ndarray:
        # -code in 16 bits is MIRROR_SUM - code, and 0 stays 0
        return np.negative(np.asarray(self.codes[where]))


def mirrored(interior: Interior) -> Interior:
    """The same insides with bright and dark exchanged."""
    cores, plateau = interior.cores, interior.plateau
    model = replace(cores.model, plateau=MIRROR_SUM - plateau)
    return Interior(Mirrored(interior.codes), replace(cores, model=model))


def expected(codes: Any, cores: Cores, work: Work) -> int | None:
    """Number of bright specks that the rule would call voids were they dark; None where bright noise is cut off.

    Parameters
    ----------
    codes : (Z,Y,X) uint16 array-like
    cores : Cores
        As `plateau.fit` leaves them.
    """
    if cores.model.clipped:
        return None
    return _specks(codes, cores, work)[1].n


def strict(codes: Any, cores: Cores, work: Work) -> DipModel:
    """The model with so large a factor that no more specks are bright enough than false dips are accepted.

    For scans with streaks, whose noise has heavier tails than its width tells. At most `DEEPEST` of the contrast is
    asked for, so that bright inclusions cannot make all voids vanish. Parameters as in `expected`.
    """
    model = cores.model
    zones, specks = _specks(codes, cores, work)
    core = sum(work.quiet.each(partial(_core_voxels, cores)))
    accepted = int(model.false_per_particle * core / CORE_VOXELS)
    if specks.n <= accepted:
        return model
    least = float(np.sort(zones.heights(specks)[1:])[::-1][accepted])
    return replace(model, factor=max(model.seed_depth, min(least, DEEPEST_SHARE * model.contrast)) / model.sd)


def _specks(codes: Any, cores: Cores, work: Work) -> tuple[Zones, components.Components]:
    bright = mirrored(Interior(codes, cores))
    zones = find_zones([bright], [(cores.model.seed_depth, NEVER)], work.quiet)[0]
    return zones, zones.labelled(work)


def _core_voxels(cores: Cores, brick: Brick) -> int:
    return 0 if cores.empty(brick) else int(np.count_nonzero(np.asarray(cores.depths[brick.here]) == CORE))
