"""Numbers with 95 % intervals: quantiles, shares, correlations, and whatever can be drawn again.

Particles cut by the faces of the volume are left out, large ones more often: weights that make up for it.

Each whole particle counts as often as the inverse of the chance that a particle of its bounding box, thrown anywhere
into the volume, touches no face.

Source: Miles 1974, On the elimination of edge effects in planar sampling, in Stochastic Geometry (eds. Harding and
Kendall); Lantuejoul 1980, On the estimation of mean values in individual analysis of particles, Microscopica Acta;
Serra 1982, Image Analysis and Mathematical Morphology.
"""

from collections.abc import Iterator

import numpy as np

TWO_SIDED_95_SD = 1.959964  # two-sided 95 % of a normal distribution
FEWEST_VALUES = 6  # of fewer the least and the largest hold the median with less than 95 %: 1 - 2 / 2^5 = .94
_DRAWS = 4_000_000  # bootstrap draws in all: 1000 resamples up to 4000 values, fewer above, at least 50
NOTHING = (np.nan, np.nan)


def quantiles(values: np.ndarray, weights: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Quantiles of `values` (N,): NumPy's where all weights (N,) are equal, else `weighted_quantiles`; NaN of none."""
    if len(values) and np.ptp(weights) == 0:
        return np.quantile(values, shares)
    return weighted_quantiles(values, weights, shares)


def weighted_quantiles(values: np.ndarray, weights: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Quantiles of `values` (N,) when each counts as much as its weight (N,); linear between the middles of the steps.

    A value's place on the cumulative curve is the weight below it plus half its own, over the sum.
    """
    order = np.argsort(values, kind="stable")
    return _sorted_quantiles(values[order], weights[order], shares)


def _sorted_quantiles(values: np.ndarray, weights: np.ndarray, shares: np.ndarray) -> np.ndarray:
    total = weights.sum()
    if len(values) == 0 or total <= 0:
        return np.full(len(shares), np.nan)
    places = (np.cumsum(weights) - 0.5 * weights) / total
    return np.interp(shares, places, values)


def weighted_quantile_intervals(
    values: np.ndarray, weights: np.ndarray, shares: np.ndarray, seed: int
) -> list[tuple[float, float]]:
    """Intervals of `weighted_quantiles`: particles are drawn again, each with its value and its weight."""
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    draws = np.array([_sorted_quantiles(values, w * weights, shares) for w in resamples(len(values), seed)])
    return [percentiles(draws[:, i]) if len(draws) else NOTHING for i in range(len(shares))]


def weighted_moments(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of `values` (N,) weighted by `weights` (N,); the latter NaN for a single value.

    The variance is that of reliability weights, unbiased: the sum of squares over V1 - V2 / V1, with V1 and V2 the
    sums of the weights and of their squares (N - 1 for equal ones).
    """
    total = weights.sum()
    mean = float(weights @ values / total)
    freedom = total - np.square(weights).sum() / total
    if len(values) < 2 or freedom <= 0:
        return mean, float("nan")
    return mean, float(np.sqrt(weights @ np.square(values - mean) / freedom))


def quantile_interval(values: np.ndarray, share: float) -> tuple[float, float]:
    """95 % interval of a quantile of `values` (N,), from the ranks alone (no assumption on the distribution).

    The number of values below the true quantile is binomial, exactly: `scipy.stats.quantile_test`. (NaN, NaN) with
    fewer than six values, or when no rank is low or high enough (below 36 values for the tenth and the ninetieth).
    """
    from scipy.stats import quantile_test

    known = values[np.isfinite(values)]
    if len(known) < FEWEST_VALUES:
        return NOTHING
    low, high = quantile_test(known, q=0, p=share).confidence_interval(0.95)
    return (float(low), float(high)) if np.isfinite([low, high]).all() else NOTHING


def share_interval(hits: float, n: float) -> tuple[float, float]:
    """95 % interval of a share of `hits` in `n` (Wilson 1927, doi:10.1080/01621459.1927.10502953).

    Of weighted particles, `n` is their effective number and `hits` the weighted share of it.
    """
    if n == 0:
        return NOTHING
    p, z2 = hits / n, TWO_SIDED_95_SD**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = TWO_SIDED_95_SD / (1 + z2 / n) * np.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def ratio_interval(above: np.ndarray, below: np.ndarray, seed: int) -> tuple[float, float]:
    """95 % interval of the sum of `above` (N,) over that of `below` (N,), drawn again pair by pair."""
    return percentiles(np.array([(w @ above) / (w @ below) for w in resamples(len(above), seed)]))


def rank_correlation(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Spearman's correlation of two columns (N,) with its 95 % interval, over the rows where both are finite.

    Source of the interval: Bonett & Wright 2000, doi:10.1007/BF02294183, on Fisher's z with the variance
    (1 + r^2 / 2) / (n - 3).
    """
    from scipy.stats import rankdata

    known = np.isfinite(first) & np.isfinite(second)
    n = int(known.sum())
    nothing = {"value": np.nan, "low": np.nan, "high": np.nan, "n": n}
    if n < FEWEST_VALUES:
        return nothing
    ranks = [rankdata(column[known]) - (n + 1) / 2 for column in (first, second)]
    spread = np.sqrt(np.square(ranks[0]).sum() * np.square(ranks[1]).sum())
    if spread == 0:
        return nothing
    value = float(np.clip(ranks[0] @ ranks[1] / spread, -1, 1))
    middle = np.arctanh(np.clip(value, -1 + 1e-12, 1 - 1e-12))
    half = TWO_SIDED_95_SD * np.sqrt((1 + value**2 / 2) / (n - 3))
    return {"value": value, "low": float(np.tanh(middle - half)), "high": float(np.tanh(middle + half)), "n": n}


def resamples(n: int, seed: int) -> Iterator[np.ndarray]:
    """How often each of n values is drawn, per resample; none for fewer values than an interval needs."""
    if n < FEWEST_VALUES:
        return
    rng = np.random.default_rng(seed)
    for _ in range(int(np.clip(_DRAWS // n, 50, 1000))):
        yield np.bincount(rng.integers(0, n, n), minlength=n)


def percentiles(draws: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of draws (N,); NaN without any."""
    draws = draws[np.isfinite(draws)]
    if len(draws) == 0:
        return NOTHING
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def border_weights(boxes: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Weights of whole particles.

    Parameters
    ----------
    boxes : (N, 6) int
        z0 z1 y0 y1 x0 x1, half-open; none reaches a face of the volume.
    shape : (Z, Y, X) voxels of the volume

    Returns
    -------
    (N,) float, 1 and above
        Product over the axes of L / (L - l - 1): a box of l voxels may begin at any of the L voxels of an axis, and
        touches neither face at L - l - 1 of them.
    """
    lengths = np.asarray(shape, float)
    sizes = boxes[:, 1::2] - boxes[:, 0::2]
    return np.prod(lengths / np.maximum(lengths - sizes - 1, 1), axis=1)


def effective_number(weighted: np.ndarray) -> float:
    """How many particles of equal weight would tell as much (Kish 1965): the squared sum over the sum of squares."""
    square = float(np.square(weighted).sum())
    return float(weighted.sum()) ** 2 / square if square > 0 else 0.0
