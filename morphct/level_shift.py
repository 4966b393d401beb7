"""What the level's uncertainty does to sizes: how far surfaces move, what share of its volume a particle gains."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .calibration.conditions import conditions
from .units import VoxelSize

if TYPE_CHECKING:
    import pandas as pd


def surface_shift(record: Mapping[str, Any], size: VoxelSize) -> float:
    """How far a flat surface moves when the level does by its uncertainty, in the unit of the run; 0: no level known.

    A wall blurred by a Gaussian of sigma s rises by the contrast over sqrt(2 pi) s at its middle, so a level off by a
    share u of the contrast puts it u sqrt(2 pi) s away.

    Parameters
    ----------
    record : mapping
        What `threshold.json` holds; empty for labels made elsewhere.
    """
    found = conditions(size, record)
    return found.level_bound * math.sqrt(2 * math.pi) * found.blur * size.smallest


def volume_change(particles: "pd.DataFrame", shift: float, unit: str) -> np.ndarray:
    """Share of its volume that each particle gains or loses when its surface moves by `shift`, (N,); NaN: not known.

    Only the free surface moves: where particles touch, no level divides them.
    """
    area, contact, volume = (f"{name}_{unit}{power}" for name, power in
                             (("surface_area", 2), ("contact_area", 2), ("volume", 3)))  # fmt: skip
    if not shift or not {area, volume} <= set(particles.columns):
        return np.full(len(particles), np.nan)
    free = particles[area].to_numpy(float)
    if contact in particles.columns:
        free = np.maximum(free - particles[contact].to_numpy(float), 0)
    return free * shift / particles[volume].to_numpy(float)
