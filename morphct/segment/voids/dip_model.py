"""When a dip of grey counts as a void: how deep it must be to be no noise, and how small a void can still be seen."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...kernels.labels import morphology
from ..grey.codes import Coding
from ..grey.denoise import DenoisePlan
from ..grey.histogram import PhaseFit
from ..grey.plan import STREAK_RATIO
from ..mask.quality import CLIPPED_SHARE
from ..mask.threshold import Threshold

CORE_VOXELS = 4e4  # of the particle for which false dips are counted, 42 voxels wide: a unit for `false_per_particle`
ONE_SIDED_95_SD = 1.6449  # of a Gaussian: 95 % lie below
LEAST_REACH_EDGES = 1.45  # shortest edges: with less the neighbours across edges of a void's voxels would be left out
# share of a void's grey deficit that lies within 1.5 blur radii of its half-depth voxels, by diameter / blur, at the
# contrast of the reference study; `detection_limit` finds the scan's own
CAPTURE_DIAMETER_BLURS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0, 30.0)
CAPTURE_SHARE = (0.90, 0.90, 0.86, 0.85, 0.86, 0.88, 0.91, 0.95, 0.99)


# median step between neighbours on both sides of the level, as a share of the contrast, by blur in shortest edges:
# balls and random fields of voxels blurred by a Gaussian, noise up to .15 of the contrast
EDGE_STEP = (0.983, 0.838, 0.628, 0.479, 0.395)
EDGE_STEP_BLUR = (0.3, 0.4, 0.5, 0.6, 0.7)


@dataclass(frozen=True)
class DipModel:
    """What the dip rule needs to know of the volume; lengths in shortest voxel edges, greys in codes.

    Attributes
    ----------
    particle, contrast : float
        Particle grey, and its height above the darkest phase.
    sd : float
        Noise of the denoised volume.
    blur : float
        Total blur (point spread and filter), as a Gaussian sigma.
    margin : int
        Voxels at the faces of the volume where no void may start (the filter leaves more noise there).
    relative : tuple of float
        (z,y,x) voxel edges over the shortest one.
    false_per_particle : float
        False dips accepted in a particle of 4e4 core voxels.
    factor : float or None
        k given by the user; None: from `false_per_particle`.
    plateau : (Z,Y,X) float32, optional
        Particle grey on blocks of 8 voxels.
    correlation : float
        Length over which the noise is alike, in voxels.
    clipped : bool
        The greys of particles are cut at the largest value: their noise has one tail only.
    streaked : bool
        All phases spread wider than the noise of flat places (`plan.STREAK_RATIO`): their noise has heavy tails.
    capture : (2, K) float, optional
        Diameters that deficits suggest (shortest edges, ascending), and the shares of the deficits caught there.
    """

    particle: float
    contrast: float
    sd: float
    blur: float
    margin: int
    relative: tuple[float, float, float]
    false_per_particle: float = 0.05
    factor: float | None = None
    plateau: np.ndarray | None = field(default=None, repr=False)
    correlation: float = 0.0
    clipped: bool = False
    streaked: bool = False
    capture: np.ndarray | None = field(default=None, repr=False)

    @property
    def core_depth(self) -> float:
        """Distance from the surface beyond which blur of the surface is no dip."""
        return max(2.0, 2 * self.blur)

    @property
    def seed_depth(self) -> float:
        """k sd: the dip that noise does not reach."""
        k = self.factor if self.factor is not None else dip_factor(self.correlation, self.false_per_particle)
        return k * self.sd

    @property
    def reach(self) -> float:
        """How far around a void's half-depth voxels its deficit is looked for."""
        return max(1.5 * self.blur, LEAST_REACH_EDGES)

    def captured_share(self, diameter: np.ndarray) -> np.ndarray:
        """Share of the deficit that the integral catches, by the diameter it suggests (shortest edges)."""
        if self.capture is not None:
            return np.interp(diameter, *self.capture)
        return np.interp(diameter / self.blur, CAPTURE_DIAMETER_BLURS, CAPTURE_SHARE)

    def half(self, radius: float) -> np.ndarray:
        """Ball of a radius for `morphology.dilate`."""
        return morphology.ball_half_widths(radius, self.relative)


def dip_factor(correlation: float, false_per_particle: float = 0.05) -> float:
    """k at which noise makes `false_per_particle` false dips in 4e4 voxels.

    Expected excursions of a Gaussian random field of correlation length `correlation` (voxels):
    N (2 se^2)^-3/2 (2 pi)^-2 (k^2 - 1) exp(-k^2/2).  Source: Worsley 1992, doi:10.1038/jcbfm.1992.127
    """
    k = np.arange(2.5, 8.0, 0.01)
    rate = CORE_VOXELS * (2 * max(correlation, 0.3) ** 2) ** -1.5 * (2 * np.pi) ** -2 * (k**2 - 1) * np.exp(-(k**2) / 2)
    below = np.flatnonzero(rate < false_per_particle)
    return float(k[below[0]]) if len(below) else 8.0


def contrast_seen(diameter: np.ndarray | float, blur: float) -> np.ndarray:
    """Peak dip of a spherical void over the full contrast, P3(q) = erf(q/sqrt 2) - sqrt(2/pi) q exp(-q^2/2)."""
    from scipy.special import erf

    q = np.asarray(diameter) / (2 * blur)
    return erf(q / math.sqrt(2)) - math.sqrt(2 / math.pi) * q * np.exp(-q * q / 2)


def detection_limits(model: DipModel) -> dict[str, float]:
    """Void diameters (shortest edges) seen with 50 and 95 % probability: C P3 = k sd, and 1.645 sd above it."""
    d = np.arange(0.5, 60.0, 0.02)
    excess = (model.contrast * contrast_seen(d, model.blur) - model.seed_depth) / model.sd
    return {
        name: float(d[np.argmax(excess > z)]) if (excess > z).any() else math.nan
        for name, z in (("d50", 0.0), ("d95", ONE_SIDED_95_SD))
    }


def in_codes(coding: Coding, greys: tuple[float, float], sd: float, **more: Any) -> DipModel:
    """A model from greys of the file: those of the particles and of the darkest phase, and the noise's sd, which counts
    as one code at least; more: the other fields."""
    top, bottom = greys
    return DipModel(coding.position(top), (top - bottom) / coding.scale, max(sd / coding.scale, 1.0), **more)


def dip_model(plan: DenoisePlan, fit: PhaseFit, found: Threshold, false_per_particle: float, factor: float | None):
    """What the search for voids starts from, in codes and shortest voxel edges."""
    return in_codes(
        plan.how.coding,
        (float(fit.means[-1]), float(fit.means[0])),
        plan.sd_after,
        blur=total_blur(plan, found),
        margin=int(np.ceil(3 * max(plan.sigma))),
        relative=plan.edges,
        false_per_particle=false_per_particle,
        factor=factor,
        clipped=found.quality is not None and found.quality.clipped_high_share > CLIPPED_SHARE,
        streaked=plan.excess > STREAK_RATIO,
    )


def total_blur(plan: DenoisePlan, found: Threshold) -> float:
    """Blur of the denoised volume, a sigma in shortest edges: from the slope of its edges, or that of the filter and of
    sharp optics; where edges are too steep for that, from the step between neighbours."""
    blur = plan.blur if found.blur is None else found.blur
    step = None if found.quality is None else found.quality.signs.edge_step
    if step is None or step <= EDGE_STEP[-1]:
        return blur
    return min(blur, float(np.interp(-step, [-s for s in EDGE_STEP], EDGE_STEP_BLUR)))


def hole_model(plan: DenoisePlan, fit: PhaseFit, found: Threshold) -> DipModel | None:
    """What is seen as a hole of the mask, in terms of dips: what is deeper than the level; None without two phases."""
    if fit.n_phases < 2 or found.value is None:
        return None
    model = dip_model(plan, fit, found, 0.05, None)
    level = (found.value - plan.offset) / plan.scale
    # the local level of the deconvolution lies half way to what surrounds a place, and a void is dark
    depth = 0.5 * model.contrast if found.method == "deconvolution" else model.particle - level
    if not 0 < depth < model.contrast:
        return None
    return replace(model, factor=depth / model.sd, correlation=max(model.blur, 0.5))
