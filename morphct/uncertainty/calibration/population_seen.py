"""What a run has in it, as far as its calibration asks: how large particles and voids are, and how long and flat."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from ...ground.units import VoxelSize

LEAST_SHAPED_VOXELS = 10.0  # voxels across: smaller particles tell no axis ratios
USUAL_RATIOS = ((0.9, 0.8), (0.8, 0.6), (0.75, 0.7), (0.6, 0.5))  # (b/a, c/a) where there are no particles to ask


@dataclass(frozen=True)
class PopulationSeen:
    """Particles that no face cuts (all, when each is cut) and voids; diameters are of equal volume, in voxels.

    A voxel's length is the cube root of its volume. `ratios` (N, 2) are b/a and c/a of the particles.
    """

    diameters: np.ndarray
    ratios: np.ndarray
    void_diameters: np.ndarray
    voids_each: float

    @classmethod
    def of_results(cls, results: dict[str, Any], voids: dict[str, Any]) -> "PopulationSeen":
        """From results of the passes (`all_passes.Measurements`)."""
        box, shape = results["box"], np.asarray(results["shape"])
        cut = (box[:, 0::2] == 0).any(1) | (box[:, 1::2] == shape).any(1)
        axes = np.sqrt(results["variances"])
        ratios = axes[:, 1:] / axes[:, :1]
        return _found(_diameter(results["voxels"]), ratios, cut, _diameter(voids["voxels"]), voids["owner_label"])

    @classmethod
    def of_tables(cls, particles: "pd.DataFrame", voids: "pd.DataFrame", size: "VoxelSize") -> "PopulationSeen":
        """From the tables of a run."""
        name, edge = f"equivalent_diameter_{size.suffix}", float(np.cbrt(size.volume))
        ratios = np.full((len(particles), 2), np.nan)
        if {"ellipticity_yx", "ellipticity_zx"} <= set(particles.columns):
            ratios = particles[["ellipticity_yx", "ellipticity_zx"]].to_numpy(dtype=float, na_value=np.nan)
        cut = np.zeros(len(particles), bool)
        if "touches_border" in particles.columns:
            cut = particles["touches_border"].to_numpy(dtype=bool)
        held = voids[name].to_numpy(dtype=float) / edge if name in voids.columns else np.empty(0)
        owner = voids["label"].to_numpy() if "label" in voids.columns else np.empty(0)
        return _found(particles[name].to_numpy(dtype=float) / edge, ratios, cut, held, owner)

    def typical_ratios(self, n: int) -> list[tuple[float, float]]:
        """`n` pairs (b/a, c/a) that stand for the particles: those at even ranks of c/a."""
        known = np.isfinite(self.ratios).all(1) & (self.diameters >= LEAST_SHAPED_VOXELS)
        held = np.round(self.ratios[known], 3)  # what is beyond tells nothing, and ranks must not hang on last digits
        if len(held) < n:
            return [USUAL_RATIOS[i % len(USUAL_RATIOS)] for i in range(n)]
        held = held[np.lexsort((held[:, 0], held[:, 1]))]
        ranks = ((np.arange(n) + 0.5) / n * len(held)).astype(int)
        return [(float(b), float(min(b, c))) for b, c in held[ranks]]


def _diameter(voxels: np.ndarray) -> np.ndarray:
    return np.cbrt(6 / np.pi * np.asarray(voxels, float))


def _found(
    diameters: np.ndarray, ratios: np.ndarray, cut: np.ndarray, voids: np.ndarray, owner: np.ndarray
) -> PopulationSeen:
    inside = ~cut if not cut.all() else np.ones(len(cut), bool)
    holding = len(np.unique(owner))
    return PopulationSeen(diameters[inside], ratios[inside], voids[voids > 0], len(owner) / holding if holding else 0.0)
