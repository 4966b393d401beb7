"""The smallest void that is seen: spherical voids simulated in a particle's core and looked for by the same rule.

Blur, noise with its correlation, and depth that counts are those of the scan. The formula of `dip_model` (a void is
seen when its middle is deep enough) is the scale on which the simulated shares are fitted; it leaves out that noise has
many voxels to be deep in.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ...ground.work import Work
from . import dips
from .dip_model import ONE_SIDED_95_SD, DipModel, contrast_seen, detection_limits
from .plateau import BLOCK_VOXELS, CORE, Cores

TRIED_DIAMETERS = 8  # diameters tried around the limit
LARGER_RATIOS = (1.5, 2.2, 3.5)  # and beyond it, over the diameter seen in 95 of 100 cases
MOST_TRIALS, FEWEST_TRIALS = 64, 8  # voids of each, and that many where they are large
SIMULATED_VOXELS = 400_000  # simulated of each, so that it takes a second or two
# of the diameters seen in 95 and 50 of 100 cases, where the formula has no d95; it starts the search only
D95_RATIO = 1.3
LARGEST_DIAMETER_EDGES = 60.0  # shortest edges; the table of diameters ends here
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
    diameters, seen, trials : (K,)
        What was simulated, and how often it was seen.
    suggested : (K,) float
        Mean diameter of the sphere that the deficits of the voids seen suggest; NaN where none was seen.
    """

    model: DipModel
    offset: float
    slope: float
    diameters: np.ndarray
    seen: np.ndarray
    trials: np.ndarray
    suggested: np.ndarray

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        diameters = np.geomspace(0.1, LARGEST_DIAMETER_EDGES, 2000)
        return diameters, self.offset + self.slope * _excess(self.model, diameters)

    def diameter(self, z: float) -> float:
        """Diameter seen with probability Phi(z); NaN when none is seen as often."""
        diameters, scores = self._table
        return float(np.interp(z, scores, diameters)) if scores[-1] > z and self.trials.any() else math.nan

    @property
    def d50(self) -> float:
        """Diameter seen every second time."""
        return self.diameter(0.0)

    @property
    def d95(self) -> float:
        """Diameter seen in 95 of 100 cases."""
        return self.diameter(ONE_SIDED_95_SD)

    def probability(self, diameter: np.ndarray) -> np.ndarray:
        """Chance that voids of these diameters are seen."""
        from scipy.special import ndtr

        return ndtr(np.interp(diameter, *self._table))

    def learned(self) -> DipModel:
        """The model with what was seen of the deficits of voids; sizes seen in fewer than half of the trials teach
        nothing, because it is noise that made them seen."""
        known = (self.seen >= 0.5 * self.trials) & (self.suggested > 0)
        if not known.any():
            return self.model
        suggested, share = self.suggested[known], (self.suggested[known] / self.diameters[known]) ** 3
        rising = suggested > np.concatenate([[0.0], np.maximum.accumulate(suggested)[:-1]])
        # large voids lose nothing: their flanks are few
        table = np.array([[*suggested[rising], 20 * suggested.max()], [*share[rising], 1.0]])
        return replace(self.model, capture=table)


def _excess(model: DipModel, diameter: np.ndarray) -> np.ndarray:
    return (model.contrast * contrast_seen(diameter, model.blur) - model.seed_depth) / model.sd


def simulate(model: DipModel, seed: int = 0) -> Detection:
    """Look for simulated voids.

    Parameters
    ----------
    model : DipModel
        As `plateau.fit` leaves it.
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
    upper = limits["d95"] if not math.isnan(limits["d95"]) else D95_RATIO * limits["d50"]
    reach = max(upper - limits["d50"], 0.3)
    near = np.linspace(max(0.5, limits["d50"] - 2 * reach), upper + reach, TRIED_DIAMETERS)
    diameters = np.concatenate([near, upper * np.array(LARGER_RATIOS)])
    rng = np.random.default_rng([seed, 4])
    seen, trials, suggested = np.array([_trials(model, float(d), rng) for d in diameters]).T
    offset, slope = _fit(_excess(model, diameters), seen, trials)
    return Detection(model, offset, slope, diameters, seen, trials, suggested)


def _trials(model: DipModel, diameter: float, rng: np.random.Generator) -> tuple[float, float, float]:
    """Voids of one diameter in a block: how many were seen, how many there are, mean suggested diameter."""
    edges = np.array(model.relative)
    cell = np.ceil((diameter + 6 * model.blur + 3) / edges).astype(int)
    wanted = np.clip(SIMULATED_VOXELS / np.prod(cell), FEWEST_TRIALS, MOST_TRIALS)
    per_axis = int(np.cbrt(wanted) + 1e-9)
    corners = np.stack(np.meshgrid(*[np.arange(per_axis)] * 3, indexing="ij"), -1).reshape(-1, 3) * cell
    middles = corners + 0.5 * (cell - 1) + rng.uniform(-0.5, 0.5, corners.shape)
    within = [tuple(slice(c, c + n) for c, n in zip(corner, cell)) for corner in corners]
    grey = np.float32(model.particle) + _noise(tuple(int(n) for n in cell * per_axis), model, rng)
    places = np.stack(np.meshgrid(*[np.arange(n) for n in cell], indexing="ij"), -1)
    far = [np.sqrt((((places + corner - m) * edges) ** 2).sum(-1)) for corner, m in zip(corners, middles)]
    for where, distance in zip(within, far):
        grey[where] -= (model.contrast * blurred_ball(distance, 0.5 * diameter, model.blur)).astype(np.float32)
    found = _looked_for(np.clip(np.rint(grey), 1, 65535).astype(np.uint16), model)
    hits = [np.unique(found.ids[w][distance <= 0.5 * diameter + model.blur]) for w, distance in zip(within, far)]
    volumes = np.array([found.suggested[ids[ids > 0]].sum() for ids in hits])
    seen = np.array([ids.any() for ids in hits])
    volume = float(volumes[seen].mean() * np.prod(edges)) if seen.any() else math.nan
    return float(seen.sum()), float(len(hits)), float(np.cbrt(6 * volume / np.pi))


def _looked_for(codes: np.ndarray, model: DipModel) -> dips.Dips:
    """What the dip rule finds in a block that is a particle's core throughout."""
    blocks = tuple(-(-n // BLOCK_VOXELS) for n in codes.shape)
    model = replace(model, margin=0, plateau=np.full(blocks, model.particle, np.float32))
    depths = np.full(codes.shape, CORE, np.uint8)
    return dips.find_dips(codes, Cores(depths, model), Work.whole(codes.shape))


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
