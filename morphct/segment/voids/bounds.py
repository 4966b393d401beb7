"""How much void there is, at least and at most: by the level's uncertainty, and by what was too small to be seen."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .dips import PROFILE_BINS
from .facts import VoidFacts

if TYPE_CHECKING:
    from .detection_limit import Detection

# of a void's volume: how far the measured one may be off (the share of its deficit that is caught). With both the
# bounds held the true fraction in 18 of 20 conditions of phantoms, and in 6 of 6 held out
DEFICIT_VOLUME_SHARE = 0.1
LEAST_SEEN_CHANCE = 0.3  # a void does not stand for more than 1 / .3 of its size


def surely_void(deeper: np.ndarray, uncertainty: float) -> np.ndarray:
    """Voxels of each void that lie beyond the middle between particle and void grey, moved by its uncertainty.

    Parameters
    ----------
    deeper : (V+1, PROFILE_BINS) int64
        As `dips.find` gives them.
    uncertainty : float
        Of the level, as a share of the contrast.
    """
    return deeper[:, min(PROFILE_BINS - 1, math.ceil((0.5 + uncertainty) * PROFILE_BINS))]


def bounded(
    facts: VoidFacts, blur: float, uncertainty: float, relative: tuple[float, float, float], seen: "Detection | None"
) -> VoidFacts:
    """The same facts with what each void stands for, on average, at least and at most.

    Parameters
    ----------
    facts : VoidFacts
        With `voxels`; `low` where it is known from the depths of voids.
    blur : float
        Total blur, a Gaussian sigma in shortest voxel edges.
    uncertainty : float
        Of the level, as a share of the contrast.
    relative : tuple of float
        (z, y, x) voxel edges over the shortest one.
    seen : Detection, optional
        Chance to be seen; None: not known, and taken for certain.
    """
    assert facts.voxels is not None
    voxels = facts.voxels.astype(float)
    radius = np.cbrt(3 * np.maximum(voxels, 1) * math.prod(relative) / (4 * math.pi))
    # a level off by a share u of the contrast moves a flat wall by u over its slope there, 1 / (sqrt(2 pi) blur)
    moved = uncertainty * math.sqrt(2 * math.pi) * blur / radius
    low = voxels * np.maximum(1 - moved, 0) ** 3
    if facts.low is not None:
        low = np.where(np.isnan(facts.low), low, np.minimum(facts.low, voxels))
    high = voxels * (1 + DEFICIT_VOLUME_SHARE) * (1 + moved) ** 3
    if seen is None or math.isnan(seen.d50):
        return replace(facts, low=low, high=high)
    chance = np.maximum(seen.probability(2 * radius), LEAST_SEEN_CHANCE)
    hidden = math.pi / 6 * seen.d50**3 / math.prod(relative)
    return replace(facts, low=low, high=high / chance, expected=voxels / chance, hidden=hidden)
