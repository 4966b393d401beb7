"""The conditions of a scan: what stands between a body and its mask, as `threshold.json` tells it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...ground.units import VoxelSize
from ...segment.grey.plan import OPTICS_BLUR_EDGES

MOST_NOISE = 0.3  # of the contrast; beyond it no mask is a mask
BINDER_NEARNESS = 4  # how much commoner binder is beside particles than elsewhere outside them; a choice
LEAST_LEVEL, MOST_LEVEL = 0.1, 0.9


@dataclass(frozen=True)
class Conditions:
    """What a body goes through; greys are shares of the contrast between particles and what surrounds them.

    Parameters
    ----------
    spacing : (z, y, x)
        Voxel edges over the cube root of a voxel's volume.
    edge : float
        That cube root, in the unit of the run.
    blur : float
        Sigma of all blur together, filter included, in finest voxel edges; 0: none is known, bodies are digitised only.
    noise : float
        Standard deviation after filtering.
    noise_sigma : (z, y, x)
        Sigma, in voxels, of the Gaussian that gives white noise the correlation it has after filtering.
    level : float
        Where between outside (0) and inside (1) the mask's level lies.
    level_bound : float
        How far it may be off, either way.
    local : bool
        Whether the level follows what surrounds each place.
    binder : float
        Grey of the phase between outside and inside; 0: there is none.
    wet : float
        Share of the particles that have binder on a side.
    by_dips : bool
        Whether voids are found as dips of grey; else they are the holes of the mask.
    dip_factor, false_per_particle : float
        Settings of the search for dips: depth in standard deviations (None: from the second).
    min_voxels : int
        Smallest void kept.
    """

    spacing: tuple[float, float, float]
    edge: float
    blur: float = 0.0
    noise: float = 0.0
    noise_sigma: tuple[float, float, float] = (0.0, 0.0, 0.0)
    level: float = 0.5
    level_bound: float = 0.0
    local: bool = False
    binder: float = 0.0
    wet: float = 0.0
    by_dips: bool = False
    dip_factor: float | None = None
    false_per_particle: float = 0.05
    min_voxels: int = 1

    @property
    def grey(self) -> bool:
        """Whether grey values stand between the body and the mask."""
        return self.blur > 0

    @property
    def sigma(self) -> tuple[float, float, float]:
        """Sigma of the blur in voxels, z, y, x."""
        finest = min(self.spacing)
        z, y, x = (self.blur * finest / s for s in self.spacing)
        return z, y, x

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for `calibration.json`."""
        return asdict(self)


def conditions(size: VoxelSize, record: Mapping[str, Any], voids: Mapping[str, Any] | None = None) -> Conditions:
    """The conditions of a run.

    Parameters
    ----------
    size : VoxelSize
    record : mapping
        What `threshold.json` holds; empty for labels made elsewhere, whose blur and noise nobody knows, nor of volumes
        that were segmented elsewhere.
    voids : mapping, optional
        The settings of the section `voids`.
    """
    edge = float(np.cbrt(size.volume))
    z, y, x = (s / edge for s in size.spacing)
    voids = voids or {}
    kept = int(voids.get("min_voxels", 1))
    if not record or record.get("method") == "values":
        return Conditions((z, y, x), edge, min_voxels=kept)
    filtered = record.get("denoise") or {}
    sigma = np.array(filtered.get("sigma") or (0.0, 0.0, 0.0), float)
    inside, outside = _greys(record)
    contrast = abs(inside - outside)
    correlated = _correlation_sigma(float(filtered.get("noise_correlation") or 0.0))
    nz, ny, nx = np.sqrt(sigma**2 + correlated**2).tolist()
    wanted = voids.get("threshold", "auto")
    local = record.get("method") == "deconvolution"
    binder, wet = _binder(record) if local else (0.0, 0.0)
    return Conditions(
        spacing=(z, y, x),
        edge=edge,
        blur=_blur(record, sigma, size),
        noise=min(MOST_NOISE, float(filtered.get("sd_after") or 0.0) / contrast) if contrast else 0.0,
        noise_sigma=(nz, ny, nx),
        level=_level(record, inside, outside),
        level_bound=float(record.get("level_uncertainty") or 0.0),
        local=local,
        binder=binder,
        wet=wet,
        by_dips=local and wanted != "holes",
        dip_factor=None if isinstance(wanted, str) else float(wanted),
        false_per_particle=float(voids.get("false_per_particle", 0.05)),
        min_voxels=kept,
    )


def _greys(record: Mapping[str, Any]) -> tuple[float, float]:
    """Grey of the particles and of the phase next to them."""
    if record.get("mean_inside") is not None and record.get("mean_outside") is not None:
        return float(record["mean_inside"]), float(record["mean_outside"])
    phases = record.get("phases") or []
    if len(phases) < 2:
        return 0.0, 0.0
    # the darkest phase, not the next one: that is what most of the surface borders on
    return float(phases[-1]["mean"]), float(phases[0]["mean"])


def _binder(record: Mapping[str, Any]) -> tuple[float, float]:
    """Grey of the phase next to the particles, and the share of particles taken to have it on a side.

    It sits where particles are, so BINDER_NEARNESS times its share of what is not particle.
    """
    phases = record.get("phases") or []
    if len(phases) < 3:
        return 0.0, 0.0
    dark, next_, bright = (float(phases[i]["mean"]) for i in (0, -2, -1))
    around = [float(phase["weight"]) for phase in phases[:-1]]
    return (next_ - dark) / (bright - dark), min(1.0, BINDER_NEARNESS * around[-1] / max(sum(around), 1e-9))


def _blur(record: Mapping[str, Any], sigma: np.ndarray, size: VoxelSize) -> float:
    value = (record.get("blur") or {}).get("value")
    if value is not None:
        return float(value) / size.smallest
    return math.hypot(OPTICS_BLUR_EDGES, float((sigma * np.array(size.spacing)).max()) / size.smallest)


def _level(record: Mapping[str, Any], inside: float, outside: float) -> float:
    """Share of the contrast at which a single level lies; a local level is half way by its making."""
    if record.get("method") == "deconvolution" or record.get("level") is None or inside == outside:
        return 0.5
    share = (float(record["level"]) - outside) / (inside - outside)
    return float(np.clip(share, LEAST_LEVEL, MOST_LEVEL))


def _correlation_sigma(correlation: float) -> float:
    """Sigma of a Gaussian that gives white noise this autocorrelation one voxel apart: exp(-1 / (4 sigma^2))."""
    if correlation <= 0.01:
        return 0.0
    return 0.5 / math.sqrt(-math.log(min(correlation, 0.99)))
