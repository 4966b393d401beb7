"""Grey histograms and their deconvolution into phases."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .kernels.mixture import fit_mixture

BINS = 1024
MOST_PHASES = 4
LEAST_WEIGHT = 0.005  # a smaller component is taken for partial volume or a tail
LEAST_SEPARATION = 2.0  # pooled sds; closer neighbours are one phase
MOST_SPREAD = 4.0  # sds of the noise; a wider component is no phase
EFFECTIVE_VOXELS = 2e5  # neighbouring voxels share noise, and tails are never quite Gaussian: BIC must not see millions


@dataclass(frozen=True)
class GreyCounts:
    """What one pass over the volume counts.

    Parameters
    ----------
    edges : (BINS + 1,) float64
        Bin edges in grey values; the end bins also hold what lies beyond them.
    octants : (8, 2, BINS) int64
        Denoised voxels by octant (halves of z, y, x), by gradient (0 = steep, 1 = flat) and by bin.
    raw_low, raw_high : float
        Least and largest grey value of the file inside the scanned body.
    n_low, n_high : int
        Voxels that hold exactly these.
    n_voxels, n_outside : int
        Voxels of the volume, and those that do not count (NaN, reconstruction mask).
    """

    edges: np.ndarray
    octants: np.ndarray
    raw_low: float = math.nan
    raw_high: float = math.nan
    n_low: int = 0
    n_high: int = 0
    n_voxels: int = 0
    n_outside: int = 0

    @property
    def all(self) -> np.ndarray:
        """(BINS,) int64: all denoised voxels."""
        return self.octants.sum((0, 1))

    @property
    def flat(self) -> np.ndarray:
        """(BINS,) int64: the denoised voxels of low gradient."""
        return self.octants[:, 1].sum(0)

    @property
    def centres(self) -> np.ndarray:
        """(BINS,) float64 bin centres in grey values."""
        return 0.5 * (self.edges[1:] + self.edges[:-1])

    @property
    def clipped(self) -> float:
        """Largest share of voxels that hold the least or the largest grey value."""
        inside = self.n_voxels - self.n_outside
        return max(self.n_low, self.n_high) / inside if inside else 0.0


@dataclass(frozen=True)
class PhaseFit:
    """Gaussians fitted to the histogram of flat voxels, darkest phase first.

    Parameters
    ----------
    weights, means, sds : (K,) float64
        Share of the flat voxels, grey mean and standard deviation of each phase.
    bic : dict of int to float
        Bayesian information criterion of the best fit of each number of components that was tried.
    separation : float
        Distance of the two brightest phases in pooled sds; infinite for a single phase.
    crossing : float or None
        Grey where the weighted densities of the two brightest phases are equal (the Bayes level, for the report).
    ok : bool
        Whether there are at least two phases that keep the rules of weight, width and separation.
    words : tuple of str
        Sentences on what the fit shows.
    edges, counts : arrays
        The histogram that was fitted.
    """

    weights: np.ndarray
    means: np.ndarray
    sds: np.ndarray
    bic: dict[int, float]
    separation: float
    crossing: float | None
    ok: bool
    words: tuple[str, ...]
    edges: np.ndarray = field(repr=False)
    counts: np.ndarray = field(repr=False)

    @property
    def n_phases(self) -> int:
        """Number of phases."""
        return len(self.means)

    def densities(self) -> np.ndarray:
        """(K, BINS) float64: voxels a bin expected of each phase."""
        from scipy.special import ndtr

        edges = (self.edges[None, :] - self.means[:, None]) / self.sds[:, None]
        return self.counts.sum() * self.weights[:, None] * np.diff(ndtr(edges), axis=1)

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for `threshold.json`."""
        phases = [
            {"weight": float(w), "mean": float(m), "sd": float(s)}
            for w, m, s in zip(self.weights, self.means, self.sds)
        ]
        return {
            "n_phases": self.n_phases,
            "phases": phases,
            "bic": {str(k): float(v) for k, v in self.bic.items()},
            "separation": None if math.isinf(self.separation) else float(self.separation),
            "crossing": self.crossing,
            "ok": self.ok,
            "words": list(self.words),
        }


@dataclass
class _Candidate:
    weights: np.ndarray
    means: np.ndarray
    sds: np.ndarray
    likelihood: float
    bic: float = math.inf
    ok: bool = False


def separations(weights: np.ndarray, means: np.ndarray, sds: np.ndarray) -> np.ndarray:
    """(K - 1,) distances of neighbouring phases in pooled sds."""
    pooled = np.sqrt(0.5 * (sds[1:] ** 2 + sds[:-1] ** 2))
    return np.diff(means) / pooled


def crossing(weights: Sequence[float], means: Sequence[float], sds: Sequence[float]) -> float | None:
    """Grey between two phases (darker first) where their weighted densities are equal, or None when there is none.

    Notes
    -----
    The logarithm of the ratio of two Gaussians is a parabola; the root where the brighter one takes over is wanted.
    """
    (w, v), (m, n), (s, t) = weights, means, sds
    a = 0.5 / s**2 - 0.5 / t**2
    b = n / t**2 - m / s**2
    c = 0.5 * (m / s) ** 2 - 0.5 * (n / t) ** 2 + math.log(v / w * s / t)
    if abs(a) * (n - m) ** 2 < 1e-9:
        roots = [-c / b] if b else []
    else:
        d = b * b - 4 * a * c
        roots = [(-b + r * math.sqrt(d)) / (2 * a) for r in (-1, 1)] if d >= 0 else []
    # between the means, and rising in favour of the brighter phase
    good = [x for x in roots if m < x < n and 2 * a * x + b > 0]
    return float(good[0]) if good else None


def deconvolve(counts: GreyCounts, sd: float, phases: int | str = "auto") -> PhaseFit:
    """Fit Gaussians to the histogram of flat voxels and decide how many phases there are.

    Parameters
    ----------
    counts : GreyCounts
    sd : float
        Noise of the denoised volume, in grey values.
    phases : "auto" or int
        The number of phases, or all of 1 to 4 tried: the smallest BIC among fits in which each weight is at least
        0.5 %, neighbours lie more than 2 pooled sds apart and no sd exceeds four times the noise.

    Returns
    -------
    PhaseFit
    """
    return deconvolve_histogram(counts.edges, counts.flat, sd, phases)


def deconvolve_histogram(edges: np.ndarray, counts: np.ndarray, sd: float, phases: int | str = "auto") -> PhaseFit:
    """As `deconvolve`, for plain arrays: (B + 1,) edges and (B,) counts."""
    coarse_edges, coarse = _rebin(np.asarray(edges, float), np.asarray(counts, float), sd)
    if not coarse.sum():
        empty = np.zeros(0)
        return PhaseFit(
            empty, empty, empty, {}, math.inf, None, False, ("no voxel lies away from edges",), edges, counts
        )
    wanted = range(1, MOST_PHASES + 1) if phases == "auto" else [int(phases)]
    tried = {k: _best_fit(coarse_edges, coarse, sd, k) for k in wanted}
    good = [c for c in tried.values() if c.ok]
    best = min(good, key=lambda c: c.bic) if good else tried[min(tried)]
    k = len(best.means)
    level = crossing(best.weights[-2:], best.means[-2:], best.sds[-2:]) if k > 1 else None
    apart = float(separations(best.weights, best.means, best.sds)[-1]) if k > 1 else math.inf
    return PhaseFit(
        weights=best.weights,
        means=best.means,
        sds=best.sds,
        bic={n: c.bic for n, c in tried.items()},
        separation=apart,
        crossing=level,
        ok=best.ok and k > 1,
        words=_words(best, level, apart),
        edges=np.asarray(edges, float),
        counts=np.asarray(counts),
    )


def _words(best: _Candidate, level: float | None, apart: float) -> tuple[str, ...]:
    if len(best.means) < 2:
        return (f"the histogram shows one phase, at grey {best.means[0]:.5g} with a spread of {best.sds[0]:.3g}",)
    words = []
    if level is None:
        words.append("the two brightest phases do not cross: one outweighs the other at every grey between their means")
    if not best.ok:
        words.append(
            f"{len(best.means)} phases were asked for, but one of them is too faint, too wide or too close to its "
            f"neighbour ({apart:.2f} standard deviations)"
        )
    return tuple(words)


def _rebin(edges: np.ndarray, counts: np.ndarray, sd: float) -> tuple[np.ndarray, np.ndarray]:
    """Whole bins put together to about a sixth of the noise: as exact (moments are integrated), and much faster."""
    filled = np.flatnonzero(counts)
    if not filled.size:
        return edges, counts
    width = (edges[-1] - edges[0]) / len(counts)
    group = max(1, int(sd / 6 / width))
    first = filled[0] // group * group
    last = min(len(counts), -(-(filled[-1] + 1) // group) * group)
    starts = np.arange(first, last, group)
    return np.append(edges[starts], edges[last]), np.add.reduceat(counts[:last], starts)


def _best_fit(edges: np.ndarray, counts: np.ndarray, sd: float, k: int) -> _Candidate:
    floor = 0.5 * float(np.diff(edges).min())
    best: _Candidate | None = None
    for means in _starts(edges, counts, sd, k):
        weights, middle, sds = np.full(k, 1 / k), np.array(means, float), np.full(k, max(1.2 * sd, floor))
        likelihood = fit_mixture(edges, counts, weights, middle, sds, floor, 400, 1e-7)
        if best is None or likelihood > best.likelihood:
            order = np.argsort(middle, kind="stable")
            best = _Candidate(weights[order], middle[order], sds[order], likelihood)
    assert best is not None
    total = counts.sum()
    thin = min(1.0, EFFECTIVE_VOXELS / total)
    best.bic = -2 * best.likelihood * thin + (3 * k - 1) * math.log(total * thin)
    far = separations(best.weights, best.means, best.sds) > LEAST_SEPARATION
    # the binning alone gives a noiseless phase a width of its bin
    narrow = best.sds < MOST_SPREAD * max(sd, 2 * floor)
    best.ok = bool((best.weights >= LEAST_WEIGHT).all() and far.all() and narrow.all())
    return best


def _starts(edges: np.ndarray, counts: np.ndarray, sd: float, k: int) -> list[np.ndarray]:
    """Starting means: the highest peaks of the smoothed histogram, and evenly spread ones."""
    from scipy.ndimage import gaussian_filter1d

    centres = 0.5 * (edges[1:] + edges[:-1])
    width = (edges[-1] - edges[0]) / len(counts)
    smooth = np.pad(gaussian_filter1d(counts, max(1.0, 0.5 * sd / width), mode="constant"), 1)
    peaks = np.flatnonzero((smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:]))
    peaks = peaks[np.argsort(-smooth[1:-1][peaks], kind="stable")]
    share = np.cumsum(counts) / counts.sum()
    low, high = np.interp([0.005, 0.995], share, centres)
    starts = [np.linspace(low + sd, high - sd, k) if k > 1 else np.array([np.interp(0.5, share, centres)])]
    if len(peaks) >= k > 1:
        starts.append(np.sort(centres[peaks[:k]]))
    if k >= 3 and len(peaks) >= 2:
        a, b = np.sort(centres[peaks[:2]])
        # a weak phase hides on the flank of the darker peak: glue is nearer to air than to the particles
        inner = [0.4] if k == 3 else [0.3, 0.6]
        starts.append(np.array([a, *(a + t * (b - a) for t in inner), b]))
    return starts


def otsu(counts: np.ndarray) -> int:
    """First bin of the brighter class by Otsu's criterion (least spread within the two classes).

    Source: Otsu 1979, doi:10.1109/TSMC.1979.4310076
    """
    n = np.asarray(counts, float)
    weight, moment = np.cumsum(n), np.cumsum(n * np.arange(len(n)))
    below, above = weight[:-1], weight[-1] - weight[:-1]
    product = below * above
    between = np.where(product > 0, (moment[-1] * below - moment[:-1] * weight[-1]) ** 2 / np.maximum(product, 1), -1.0)
    # empty bins between two classes give the same value: the middle of the gap is the fair level
    best = np.flatnonzero(between == between.max())
    return int(best[(len(best) - 1) // 2]) + 1


def columns(counts: GreyCounts, fit: PhaseFit | None) -> dict[str, np.ndarray]:
    """Columns of `histogram.csv`: bin edges and centres, counts, the fitted phases and their sum."""
    table = {
        "bin": np.arange(BINS),
        "grey": counts.centres,
        "grey_from": counts.edges[:-1],
        "grey_to": counts.edges[1:],
        "count": counts.all,
        "low_gradient": counts.flat,
    }
    if fit is not None and fit.n_phases:
        densities = fit.densities()
        table["fit"] = densities.sum(0)
        for i, d in enumerate(densities):
            table[f"fit_{i + 1}"] = d
    return table
