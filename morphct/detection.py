"""The smallest void that is seen: spherical voids simulated in a particle's core and looked for by the very dip rule.

Blur, noise with its correlation, and depth that counts are those of the scan. The formula of `dip_model` (a void is
seen when its middle is deep enough) is the scale on which the simulated shares are fitted; it leaves out that noise has
many voxels to be deep in.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from . import dips
from .dip_model import DipModel, contrast_seen, detection_limits
from .scratch import Scratch
from .slabs import Slab

SIZES = 8  # diameters tried
TRIALS = 64  # voids of each, fewer where they are large
VOXELS = 3_000_000  # simulated in all, so that it takes a second or two
LARGEST = 60.0  # shortest edges; the table of diameters ends here
Z95 = 1.6449
# what is believed of offset and slope of the fit before a void is simulated: the formula, give or take
_PRIOR_SD = (1.0, 0.5)


@dataclass(frozen=True)
class Detection:
    """How surely a spherical void is seen, by diameter; lengths in shortest voxel edges.

    Attributes
    ----------
    model : DipModel
    offset, slope : float
        P(seen) = Phi(offset + slope x), x = (contrast P3 - depth) / sd, the formula's own scale.
    diameters, seen, trials : (SIZES,)
        What was simulated, and how often it was seen.
    share : (SIZES,) float
        Volume measured over true volume of the voids seen; NaN where none was.
    """

    model: DipModel
    offset: float
    slope: float
    diameters: np.ndarray
    seen: np.ndarray
    trials: np.ndarray
    share: np.ndarray

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        diameters = np.arange(0.1, LARGEST, 0.02)
        return diameters, self.offset + self.slope * _excess(self.model, diameters)

    def diameter(self, z: float) -> float:
        """Diameter seen with probability Phi(z); NaN when none is seen as often."""
        diameters, scores = self._table
        return float(diameters[np.argmax(scores > z)]) if (scores > z).any() else math.nan

    @property
    def d50(self) -> float:
        """Diameter seen every second time."""
        return self.diameter(0.0)

    @property
    def d95(self) -> float:
        """Diameter seen in 95 of 100 cases."""
        return self.diameter(Z95)

    def probability(self, diameter: np.ndarray) -> np.ndarray:
        """Chance that voids of these diameters are seen."""
        from scipy.special import ndtr

        return ndtr(np.interp(diameter, *self._table))


def _excess(model: DipModel, diameter: np.ndarray) -> np.ndarray:
    return (model.contrast * contrast_seen(diameter, model.blur) - model.seed_depth) / model.sd


def simulate(model: DipModel, seed: int = 0) -> Detection:
    """Look for simulated voids.

    Parameters
    ----------
    model : DipModel
        As `dips.fit` leaves it.
    seed : int

    Returns
    -------
    Detection
        Without trials, and of NaN diameters, when no void is deep enough for the rule however large it is.
    """
    limits = detection_limits(model)
    nothing = np.zeros(0)
    if math.isnan(limits["d50"]):
        return Detection(model, 0.0, 1.0, nothing, nothing, nothing, nothing)
    upper = limits["d95"] if not math.isnan(limits["d95"]) else 1.3 * limits["d50"]
    reach = max(upper - limits["d50"], 0.3)
    diameters = np.linspace(max(0.5, limits["d50"] - 2 * reach), upper + reach, SIZES)
    rng = np.random.default_rng([seed, 4])
    rows = np.array([_trials(model, float(d), rng) for d in diameters]).T
    offset, slope = _fit(_excess(model, diameters), rows[0], rows[1])
    return Detection(model, offset, slope, diameters, rows[0], rows[1], rows[2])


def _trials(model: DipModel, diameter: float, rng: np.random.Generator) -> tuple[float, float, float]:
    """Voids of one diameter in a block: how many were seen, how many there are, measured over true volume."""
    edges = np.array(model.relative)
    cell = np.ceil((diameter + 6 * model.blur + 3) / edges).astype(int)
    per_axis = int(np.clip(np.cbrt(min(TRIALS, VOXELS / SIZES / np.prod(cell))), 2, None) + 1e-9)
    shape = tuple(int(n) for n in cell * per_axis)
    middles = np.stack(np.meshgrid(*[np.arange(per_axis)] * 3, indexing="ij"), -1).reshape(-1, 3) * cell + 0.5 * cell
    middles = middles - 0.5 + rng.uniform(-0.5, 0.5, middles.shape)
    places = np.stack(np.meshgrid(*[np.arange(n) for n in cell], indexing="ij"), -1)
    grey = np.full(shape, model.particle, np.float32)
    grey += _noise(shape, model, rng)
    corners = np.round(middles).astype(int) // cell * cell
    for middle, corner in zip(middles, corners):
        distance = np.sqrt((((places + corner - middle) * edges) ** 2).sum(-1))
        where = tuple(slice(c, c + n) for c, n in zip(corner, cell))
        grey[where] -= (model.contrast * blurred_ball(distance, 0.5 * diameter, model.blur)).astype(np.float32)
    ids = _looked_for(np.clip(np.rint(grey), 1, 65535).astype(np.uint16), model)
    sizes = np.bincount(ids.reshape(-1))
    seen, volume = 0, 0
    for middle, corner in zip(middles, corners):
        where = tuple(slice(c, c + n) for c, n in zip(corner, cell))
        distance = np.sqrt((((places + corner - middle) * edges) ** 2).sum(-1))
        found = np.unique(ids[where][distance <= 0.5 * diameter + model.blur])
        found = found[found > 0]
        seen += len(found) > 0
        volume += int(sizes[found].sum())
    true = math.pi / 6 * diameter**3 / float(np.prod(edges))
    return seen, len(middles), volume / (seen * true) if seen else math.nan


def _looked_for(codes: np.ndarray, model: DipModel) -> np.ndarray:
    """Void ids the dip rule gives a block that is a particle's core throughout."""
    blocks = tuple(-(-n // dips.BLOCK) for n in codes.shape)
    model = replace(model, margin=0, plateau=np.full(blocks, model.particle, np.float32))
    depths = np.full(codes.shape, dips.CORE, np.uint8)
    ids, _, _ = dips.find(codes, depths, model, Scratch(), [Slab(0, 0, len(codes))])
    return np.asarray(ids)


def _noise(shape: tuple[int, ...], model: DipModel, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of the model's sd whose neighbours are as alike as its correlation length says."""
    from scipy import ndimage

    noise = rng.standard_normal(shape, dtype=np.float32)
    if model.correlation > 0.55:  # 1 - 1/(4 l^2) is the neighbours' correlation, exp(-1/(4 s^2)) that after a filter
        sigma = math.sqrt(-1 / (4 * math.log(1 - 1 / (4 * model.correlation**2))))
        noise = ndimage.gaussian_filter(noise, sigma, mode="wrap", truncate=4.0)
    return noise * np.float32(model.sd / noise.std())


def blurred_ball(distance: np.ndarray, radius: float, blur: float) -> np.ndarray:
    """A ball of ones after a Gaussian blur, at these distances from its middle."""
    from scipy.special import erf

    r = np.maximum(distance, 1e-6 * blur)
    near, far = (radius - r) / (math.sqrt(2) * blur), (radius + r) / (math.sqrt(2) * blur)
    rim = np.exp(-(near**2)) - np.exp(-(far**2))
    return 0.5 * (erf(near) + erf(far)) - blur / (math.sqrt(2 * math.pi) * r) * rim


def _fit(excess: np.ndarray, seen: np.ndarray, trials: np.ndarray) -> tuple[float, float]:
    """Offset and slope of the probit of `seen` of `trials` on `excess`, with the formula as a weak prior."""
    from scipy.optimize import minimize
    from scipy.special import log_ndtr

    def against(parameters: np.ndarray) -> float:
        z = parameters[0] + parameters[1] * excess
        told = (seen * log_ndtr(z) + (trials - seen) * log_ndtr(-z)).sum()
        return float(0.5 * ((parameters - [0, 1]) ** 2 / np.square(_PRIOR_SD)).sum() - told)

    found = minimize(against, np.array([0.0, 1.0]), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9})
    return float(found.x[0]), float(max(found.x[1], 0.05))
