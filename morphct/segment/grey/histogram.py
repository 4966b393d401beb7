"""Grey histograms and their deconvolution into phases."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .mixture import MOST_PHASES, Candidate, best_fit, rebin, separations

BINS = 1024
PLAIN_VALLEY_RATIO = 0.3  # least count between two peaks over the lower of them; Gaussians four sds apart have .27
RARE_SHARE = 0.01  # of the voxels; a rarer class is none
WIDEST_PHASE_SD = 1.5  # sds of the noise; a single phase wider than that is not one phase and noise


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
    of_classes : bool
        Nothing was fitted: the phases are the two classes on both sides of a plain valley.
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
    of_classes: bool = False

    @property
    def n_phases(self) -> int:
        """Number of phases."""
        return len(self.means)

    @property
    def contrast(self) -> float | None:
        """Grey of the brightest phase less that of the darkest; None where there are no two."""
        return float(self.means[-1] - self.means[0]) if self.ok else None

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


def crossing(weights: np.ndarray, means: np.ndarray, sds: np.ndarray) -> float | None:
    """Grey between two phases (darker first) where their weighted densities are equal, or None when there is none.

    Notes
    -----
    The logarithm of the ratio of two Gaussians is a parabola; the root where the brighter one takes over is wanted.
    """
    (w, v), (m, n), (s, t) = map(float, weights), map(float, means), map(float, sds)
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


def deconvolve(counts: GreyCounts, sd: float, phases: int | str = "auto", classes: bool = False) -> PhaseFit:
    """Fit Gaussians to the histogram of flat voxels and decide how many phases there are.

    Parameters
    ----------
    counts : GreyCounts
    sd : float
        Noise of the denoised volume, in grey values.
    phases : "auto" or int
        The number of phases, or all of 1 to 4 tried: the smallest BIC among fits in which each weight is at least
        0.5 %, neighbours lie more than 2 pooled sds apart and no sd exceeds four times the noise.
    classes : bool
        The raw histogram has two plain classes: they are the phases where flat voxels do not show two.

    Returns
    -------
    PhaseFit
        Of flat voxels. With a background of exactly one value, or structure too fine to be flat anywhere, they may
        show one phase only; of the two classes then, where `classes` allows it.
    """
    fit = deconvolve_histogram(counts.edges, counts.flat, sd, phases)
    if fit.ok or not classes or phases not in ("auto", 2):
        return fit
    return of_classes(counts, fit) or fit


def deconvolve_histogram(edges: np.ndarray, counts: np.ndarray, sd: float, phases: int | str = "auto") -> PhaseFit:
    """As `deconvolve`, for plain arrays: (B + 1,) edges and (B,) counts."""
    coarse_edges, coarse = rebin(np.asarray(edges, float), np.asarray(counts, float), sd)
    if not coarse.sum():
        empty = np.zeros(0)
        return PhaseFit(
            empty, empty, empty, {}, math.inf, None, False, ("no voxel lies in a flat place",), edges, counts
        )
    wanted = range(1, MOST_PHASES + 1) if phases == "auto" else [int(phases)]
    tried = {k: best_fit(coarse_edges, coarse, sd, k) for k in wanted}
    good = [c for c in tried.values() if c.ok]
    best = min(good, key=lambda c: c.bic) if good else tried[min(tried)]
    k = len(best.means)
    apart = separations(best.means, best.sds)
    level = crossing(best.weights[-2:], best.means[-2:], best.sds[-2:]) if k > 1 else None
    return PhaseFit(
        weights=best.weights,
        means=best.means,
        sds=best.sds,
        bic={n: c.bic for n, c in tried.items()},
        separation=float(apart[-1]) if k > 1 else math.inf,
        crossing=level,
        ok=best.ok and k > 1,
        words=_words(best, level, float(apart.min(initial=math.inf)), sd),
        edges=np.asarray(edges, float),
        counts=np.asarray(counts),
    )


@dataclass(frozen=True)
class Valley:
    """A valley between the two peaks of a histogram: indices of the bins, and its depth.

    Parameters
    ----------
    peaks : (int, int)
    level : int
        First bin of the brighter class, by Otsu.
    floor : float
        Least count between the peaks over the lower peak, of the smoothed histogram.
    """

    peaks: tuple[int, int]
    level: int
    floor: float

    @property
    def plain(self) -> bool:
        """Whether the two classes are clear without any fit."""
        return self.floor < PLAIN_VALLEY_RATIO


def valley(counts: np.ndarray) -> Valley | None:
    """The valley on which Otsu's level lies, None where the classes have no peaks of their own or one is too rare.

    Notes
    -----
    The histogram is smoothed by a fiftieth of the distance between the means of the classes, so that neither the
    steps of coarse grey values nor chance make peaks.
    """
    from scipy.ndimage import gaussian_filter1d

    n = np.asarray(counts, float)
    if np.count_nonzero(n) < 2:
        return None
    level = otsu(n)
    places = np.arange(len(n))
    if min(n[:level].sum(), n[level:].sum()) < RARE_SHARE * n.sum():
        return None
    apart = np.average(places[level:], weights=n[level:]) - np.average(places[:level], weights=n[:level])
    smooth = gaussian_filter1d(n, max(1.0, apart / 50), mode="constant")
    low, high = int(smooth[:level].argmax()), level + int(smooth[level:].argmax())
    floor = smooth[low : high + 1].min() / min(smooth[low], smooth[high])
    return Valley((low, high), level, float(floor))


def of_classes(counts: GreyCounts, fit: PhaseFit) -> PhaseFit | None:
    """Two phases from the classes on both sides of a plain valley of all voxels; None where there is none."""
    n = counts.all.astype(float)
    found = valley(n)
    if found is None or not found.plain:
        return None
    width = float(counts.edges[1] - counts.edges[0])
    weights, means, sds = np.zeros(2), np.zeros(2), np.zeros(2)
    for i, (part, peak) in enumerate(zip((slice(0, found.level), slice(found.level, None)), found.peaks, strict=True)):
        grey, here = counts.centres[part], n[part]
        weights[i] = here.sum() / n.sum()
        # partial volume lies on the side of the valley: the other side tells of the width
        middle = float(counts.centres[peak])
        outer = (grey <= middle) if i == 0 else (grey >= middle)
        off, share = np.abs(grey[outer] - middle), here[outer]
        order = np.argsort(off, kind="stable")
        reach = np.interp(0.5, np.cumsum(share[order]) / share.sum(), off[order])
        means[i], sds[i] = middle, max(float(reach) / 0.6745, 0.5 * width)
    return PhaseFit(
        weights, means, sds, fit.bic, float(separations(means, sds)[0]),
        crossing(weights, means, sds), True,
        ("the phases are the two classes on both sides of a plain valley of the histogram: too little of one of them "
         "is flat for a fit",),
        fit.edges, counts.all, True,
    )  # fmt: skip


def _words(best: Candidate, level: float | None, apart: float, sd: float) -> tuple[str, ...]:
    if len(best.means) < 2:
        mean, spread = best.means[0], best.sds[0]
        reason = "the noise explains it all"
        if spread > WIDEST_PHASE_SD * sd:
            reason = f"the noise left is {sd:.3g}: streaks, shading or a halo blur the phases into one another"
        return (f"the histogram shows one phase only (grey {mean:.5g} with a spread of {spread:.3g}; {reason})",)
    if not best.ok:
        return (
            f"the histogram does not show the {len(best.means)} phases asked for: one of them is too faint, too wide "
            f"or too close to its neighbour (the closest lie {apart:.2g} standard deviations apart)",
        )
    if level is None:
        return ("the two brightest phases do not cross: one outweighs the other at every grey between their means",)
    return ()


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
