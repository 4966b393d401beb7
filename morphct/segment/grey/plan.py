"""What a sample of a volume settles for the whole: filter, coding, histogram bins, what counts as flat."""

import math
from dataclasses import dataclass, field

import numpy as np

from ...kernels.grey.blocks import Flatness
from .codes import LAST_CODE, Coding, Outside
from .drift import Drift, Shading
from .filters import Filter
from .histogram import BINS, PLAIN_VALLEY_RATIO, GreyCounts, PhaseFit
from .noise import Noise

OPTICS_BLUR_EDGES = 0.7  # sigma taken for granted where none was measured: that of the reference study's scans

# spread of all phases over the noise of flat places: 1.03 on 24 undisturbed phantoms (3 above the limit), above it on 6
# of 6 with rings, 4 of 6 with a halo, 2 of 6 with streaks (scripts/fit_limits)
STREAK_RATIO = 1.1


@dataclass(frozen=True)
class Bins:
    """Histogram bins as ranges of codes: bin j holds `width` codes from `first + j * width` on."""

    first: int
    width: int

    def of_codes(self) -> np.ndarray:
        """(65536,) uint16 bin of each code; BINS for code 0 (outside)."""
        bins = np.clip((np.arange(LAST_CODE + 1) - self.first) // self.width, 0, BINS - 1).astype(np.uint16)
        bins[0] = BINS
        return bins

    def edges(self, coding: Coding) -> np.ndarray:
        """(BINS + 1,) grey values."""
        return coding.grey(self.first - 0.5 + self.width * np.arange(BINS + 1.0))


@dataclass(frozen=True)
class DenoisePlan:
    """How a volume will be denoised, and what a sample of it shows.

    Parameters
    ----------
    how : Filter
        Filter and coding.
    noise, residual : Noise
        Before and after.
    reached : bool
        Whether particles and the next phase lie far enough apart for the residual noise, see `filter_trials.TARGET`.
    flatness : Flatness
        What counts as flat (the 30 % of least gradient).
    bins : Bins
        Of the histograms.
    fit : PhaseFit
        Phases in the sample.
    counts : GreyCounts
        Of the sample.
    edges : (z, y, x)
        Voxel edges in units of the shortest one.
    warnings : tuple of str
    drift : Drift
        Slow changes and jumps of the grey over the volume.
    shading : Shading or None
        What codes are freed of.
    rings : float
        sd of the rings about the axis, grey values.
    excess : float
        Spread of the phase that spreads least, over the noise of flat places: streaks and rings widen all phases.
    raw_valley : float
        Lowest place of the raw histogram between two classes, over the lower of their peaks; 1: there is no valley.
    """

    how: Filter
    noise: Noise
    residual: Noise
    reached: bool
    flatness: Flatness
    bins: Bins
    fit: PhaseFit
    counts: GreyCounts
    edges: tuple[float, float, float]
    warnings: tuple[str, ...]
    drift: Drift = field(default_factory=Drift)
    shading: Shading | None = None
    rings: float = 0.0
    excess: float = 1.0
    raw_valley: float = 1.0

    @property
    def clear(self) -> bool:
        """Whether two classes of the raw grey lie on both sides of a plain valley."""
        return self.raw_valley < PLAIN_VALLEY_RATIO

    @property
    def sigma(self) -> tuple[float, float, float]:
        """(z, y, x) sigmas of the Gaussian in voxels; zeros for other filters."""
        return self.how.sigma

    @property
    def blur(self) -> float:
        """The least blur of the denoised volume, a sigma in shortest edges: that of the filter and of sharp optics."""
        return math.hypot(max(s * r for s, r in zip(self.sigma, self.edges, strict=True)), OPTICS_BLUR_EDGES)

    @property
    def method(self) -> str:
        """The filter used: none, gaussian, median or nlm."""
        return self.how.method

    def in_words(self) -> str:
        """The filter and the noise before and after it, in a line."""
        noise = f"noise {self.noise.sd:.4g}"
        if not self.noise.certain:
            noise = f"noise between {self.noise.low:.4g} and {self.noise.high:.4g}"
        if self.method == "none":
            return f"no filter, {noise}"
        widths = (
            "" if self.method != "gaussian" else f", sigma {','.join(f'{s:.3g}' for s in dict.fromkeys(self.sigma))}"
        )
        return f"{self.method}{widths} voxels, {noise}, {self.sd_after:.4g} after it"

    @property
    def sd_after(self) -> float:
        """Noise after filtering, grey values."""
        return self.residual.sd

    @property
    def offset(self) -> float:
        """grey = offset + scale * code."""
        return self.how.coding.offset

    @property
    def scale(self) -> float:
        """grey = offset + scale * code."""
        return self.how.coding.scale

    @property
    def outside(self) -> Outside:
        """How voxels outside the scanned body are told."""
        return self.how.outside

    @property
    def map_flatness(self) -> Flatness:
        """What counts as flat for the local means: up to twice what noise gives, or a step of one code."""
        flat = self.flatness
        return flat._replace(limit=np.float32(max(2 * flat.noise, flat.wz + flat.wy + flat.wx)))

    @property
    def reach(self) -> tuple[int, int]:
        """Raw planes and rows needed on each side of a brick."""
        return self.how.radius[0] + 1, self.how.radius[1] + 1
