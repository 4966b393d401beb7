"""From the errors of digitised bodies to the uncertainty of a particle: bodies of like size and shape stand for it."""

from dataclasses import dataclass

import numpy as np

# how near a body must be to speak for a particle: in the logarithm of the diameter, in sharpness, in the logarithms of
# b/a and c/b; how often the intervals hold kinds of bodies that are left out hardly depends on them
NEAR_SHAPE = (0.25, 0.03, 0.5, 0.5)
NEAR_LOG_DIAMETER = 0.5  # in the logarithm of the diameter, for the spread of the errors about their expected size
ANY_SHAPE_WEIGHT = 0.01  # of bodies of like size whatever their shape: so that none is left without any; a choice
COVERED_SHARE = 0.94  # of the errors of a new kind of body within twice the uncertainty (of a Gaussian .954); a choice
STEEPEST_POWER = 3.0  # errors fall with the diameter to this power at most: a voxel more or less of the volume
THOMSEN_POWER = 1.6075  # of the mean that gives an ellipsoid's area within 1.06 % (Thomsen 2004)
FEWEST_BODIES, FEWEST_KINDS = 8, 3  # bodies and kinds of them without which nothing is said
QUADRATURE_NODES = 24
BATCH_PARTICLES = 1024  # particles at a time


def shape_of(diameter: np.ndarray, yx: np.ndarray, zy: np.ndarray, wadell: np.ndarray) -> np.ndarray:
    """What errors depend on, (N, 4): log of the diameter in voxels, sharpness, logs of a/b and b/c.

    Sharpness is the share by which Wadell's sphericity falls short of that of an ellipsoid of these axis ratios: 0 for
    smooth convex bodies, about .1 to .2 for bodies with edges.

    Source: area of the ellipsoid after Knud Thomsen.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        zx = zy * yx
        mean = ((yx**THOMSEN_POWER + zx**THOMSEN_POWER + (yx * zx) ** THOMSEN_POWER) / 3) ** (1 / THOMSEN_POWER)
        smooth = np.cbrt(yx * zx) ** 2 / mean
        return np.column_stack([np.log(diameter), 1 - wadell / smooth, -np.log(yx), -np.log(zy)])


@dataclass(frozen=True)
class ErrorModel:
    """Errors of a descriptor on N bodies, made comparable, and how far the worst lie above the usual.

    Parameters
    ----------
    shapes : (N, F)
        What errors depend on (`shape_of`); the first is the logarithm of a diameter.
    scaled : (N,)
        Errors times diameter to `power`.
    power : float
        How fast errors fall with the diameter.
    at, factor : (QUADRATURE_NODES,)
        Logarithms of diameters, and there the factor on the usual error within which `COVERED_SHARE` of the errors lie.
    """

    shapes: np.ndarray
    scaled: np.ndarray
    power: float
    at: np.ndarray
    factor: np.ndarray

    def usual(self, shapes: np.ndarray) -> np.ndarray:
        """Root mean square error (M,) of bodies like those of `shapes` (M, F)."""
        found = [self._usual(shapes[i : i + BATCH_PARTICLES]) for i in range(0, len(shapes), BATCH_PARTICLES)]
        return np.concatenate(found) if found else np.zeros(0)

    def _usual(self, shapes: np.ndarray) -> np.ndarray:
        weights = _weights(shapes, self.shapes)
        mean = (weights * self.scaled**2).sum(axis=1) / weights.sum(axis=1)
        return np.sqrt(mean) * np.exp(-self.power * shapes[:, 0]) * _beyond(shapes, self.shapes)

    def uncertainty(self, shapes: np.ndarray) -> np.ndarray:
        """Half of the half-width of the interval about the value that covers COVERED_SHARE of the truths, (M,)."""
        return 0.5 * self.usual(shapes) * np.interp(shapes[:, 0], self.at, self.factor)


def _weights(wanted: np.ndarray, known: np.ndarray) -> np.ndarray:
    """How much each known body speaks for each wanted one, (M, N); what is not known of a shape is left out of it."""
    held = np.clip(wanted, known.min(axis=0), known.max(axis=0))
    widths = NEAR_SHAPE[: known.shape[1]]
    far = [np.nan_to_num((held[:, i, None] - known[:, i]) / near) ** 2 for i, near in enumerate(widths)]
    return np.exp(-0.5 * far[0]) * (np.exp(-0.5 * np.sum(far[1:], axis=0)) + ANY_SHAPE_WEIGHT) + 1e-12


def _beyond(wanted: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Factor (M,) for bodies sharper, longer or flatter than any known.

    Errors at edges grow with what the edges take away, those of flat bodies as their thickness falls.
    """
    if known.shape[1] < 2:
        return np.ones(len(wanted))
    most = known.max(axis=0)
    sharp = np.maximum(1, np.nan_to_num(wanted[:, 1] / max(most[1], 1e-3), nan=1.0))
    return sharp * np.exp(np.nan_to_num(np.maximum(0, wanted[:, 2:] - most[2:])).sum(axis=1))


def fit(shapes: np.ndarray, errors: np.ndarray, size: np.ndarray, kind: np.ndarray) -> ErrorModel | None:
    """A model of the errors of a descriptor; None with too few of them, or bodies of fewer than three kinds.

    How far errors lie above the usual is asked of each kind of body with all of that kind left out: what is off in
    one way for a whole kind would else be known beforehand, as it never is for a particle.

    Parameters
    ----------
    shapes : (N, F)
    errors : (N,)
        NaN where there is none.
    size : (N,) int
        Place of each body on the ladder of sizes.
    kind : (N,) int
        Place of its shape among those of the calibration.
    """
    known = np.isfinite(errors) & np.isfinite(shapes).all(axis=1)
    if known.sum() < FEWEST_BODIES or len(np.unique(kind[known])) < FEWEST_KINDS:
        return None
    shapes, errors, size, kind = shapes[known], errors[known], size[known], kind[known]
    power = _power(shapes[:, 0], errors, size)
    scaled = errors * np.exp(power * shapes[:, 0])
    usual = np.empty(len(scaled))
    for one in np.unique(kind):
        own = kind == one
        weights = _weights(shapes[own], shapes[~own])
        mean = (weights * scaled[~own] ** 2).sum(axis=1) / weights.sum(axis=1)
        usual[own] = np.sqrt(mean) * _beyond(shapes[own], shapes[~own])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(np.abs(scaled) / usual)
    at = np.linspace(shapes[:, 0].min(), shapes[:, 0].max(), QUADRATURE_NODES)
    return ErrorModel(shapes, scaled, power, at, _quantiles(shapes[:, 0], ratio, at, len(np.unique(kind))))


def _power(logs: np.ndarray, errors: np.ndarray, size: np.ndarray) -> float:
    """Power of the diameter with which the root mean square error falls, from the sizes of the ladder."""
    places = np.unique(size)
    x = np.array([logs[size == k].mean() for k in places])
    rms = np.array([np.sqrt((errors[size == k] ** 2).mean()) for k in places])
    x, y = x[rms > 0], np.log(rms[rms > 0])
    if len(x) < 2 or np.ptp(x) == 0:
        return 0.0
    slope = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    return float(np.clip(-slope, 0, STEEPEST_POWER))


def _quantiles(logs: np.ndarray, ratio: np.ndarray, at: np.ndarray, kinds: int) -> np.ndarray:
    """The `COVERED_SHARE` quantile of `ratio` (N,) near each of `at`.

    One more kind of body, worse than all others, counts as well: of K + 1 kinds in any order, the new one is as likely
    as each to be the worst.

    Source: conformal prediction, V. Vovk et al., Algorithmic Learning in a Random World (2005), by groups.
    """
    order = np.argsort(ratio, kind="stable")
    weights = np.exp(-0.5 * ((at[:, None] - logs[order]) / NEAR_LOG_DIAMETER) ** 2)
    share = np.cumsum(weights, axis=1) / (weights.sum(axis=1) * (1 + 1 / kinds))[:, None]
    return ratio[order][np.minimum((share < COVERED_SHARE).sum(axis=1), len(ratio) - 1)]


def resolved(diameters: np.ndarray, bias: np.ndarray, spread: np.ndarray, tolerance: float) -> float:
    """Smallest diameter from which on |bias| + spread stays within the tolerance; infinite if it never does.

    Between two sizes the sum follows a power of the diameter; beyond the largest one it goes on with that power from
    there as it did on the way there. Below the smallest nothing is known: it is handed back when all are good.

    Parameters
    ----------
    diameters : (K,), ascending
    bias, spread : (K,)
    """
    known = np.isfinite(bias) & np.isfinite(spread)
    logs, total = np.log(diameters[known]), (np.abs(bias) + spread)[known]
    bad = np.flatnonzero(total > tolerance)
    if not len(logs):
        return float("nan")
    if not len(bad):
        return float(diameters[known][0])
    i = int(bad[-1])
    low, high = (i, i + 1) if i + 1 < len(logs) else (max(0, i - 2), i)
    if low == high or total[high] >= total[low] or total[high] <= 0:
        return float("inf")
    slope = np.log(total[high] / total[low]) / (logs[high] - logs[low])
    return float(np.exp(logs[high] + np.log(tolerance / total[high]) / slope))
