"""Fits of a sum of Gaussians to a histogram: starts, choice, and the rules a phase must keep."""

import math
from dataclasses import dataclass

import numpy as np

from ...kernels.grey.mixture import fit_mixture

MOST_PHASES = 4
# with these two the number of phases was right in 103 of 104 tiles of phantoms with glue .23 of the contrast above air
LEAST_PHASE_SHARE = 0.005  # of the voxels; a smaller component is taken for partial volume or a tail
# pooled sds: two equal Gaussians that are nearer have one peak (Schilling 2002, doi:10.1198/00031300265)
LEAST_SEPARATION_SD = 2.0
WIDEST_PHASE_SD = 4.0  # sds of the noise; a wider component is no phase; a choice
# sds of its neighbours and of the noise, whichever is larger; a component between two others that is wider is the
# partial volume of gaps and necks, not a phase; a choice
WIDEST_BETWEEN_SD = 2.5
EFFECTIVE_VOXELS = 2e5  # neighbouring voxels share noise, and tails are never quite Gaussian: BIC must not see millions


@dataclass
class Candidate:
    """A fit of some number of phases, darkest first; `ok`: it keeps the rules of weight, width and separation."""

    weights: np.ndarray
    means: np.ndarray
    sds: np.ndarray
    likelihood: float
    bic: float = math.inf
    ok: bool = False


def separations(means: np.ndarray, sds: np.ndarray) -> np.ndarray:
    """(K - 1,) distances of neighbouring phases in pooled sds."""
    pooled = np.sqrt(0.5 * (sds[1:] ** 2 + sds[:-1] ** 2))
    return np.diff(means) / pooled


def rebin(edges: np.ndarray, counts: np.ndarray, sd: float) -> tuple[np.ndarray, np.ndarray]:
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


def best_fit(edges: np.ndarray, counts: np.ndarray, sd: float, k: int) -> Candidate:
    """The likeliest fit of k phases from several starts; bins should be no wider than a fraction of `sd`."""
    floor = 0.5 * float(np.diff(edges).min())
    best: Candidate | None = None
    for means in _starts(edges, counts, sd, k):
        weights, middle, sds = np.full(k, 1 / k), np.array(means, float), np.full(k, max(1.2 * sd, floor))
        likelihood = fit_mixture(edges, counts, weights, middle, sds, floor, 400, 1e-7)
        if best is None or likelihood > best.likelihood:
            order = np.argsort(middle, kind="stable")
            best = Candidate(weights[order], middle[order], sds[order], likelihood)
    assert best is not None
    total = counts.sum()
    thin = min(1.0, EFFECTIVE_VOXELS / total)
    best.bic = -2 * best.likelihood * thin + (3 * k - 1) * math.log(total * thin)
    far = separations(best.means, best.sds) > LEAST_SEPARATION_SD
    # the binning alone gives a noiseless phase a width of its bin
    narrow = best.sds < WIDEST_PHASE_SD * max(sd, 2 * floor)
    around = np.maximum(np.maximum(best.sds[:-2], best.sds[2:]), max(sd, 2 * floor))
    compact = best.sds[1:-1] < WIDEST_BETWEEN_SD * around
    best.ok = bool((best.weights >= LEAST_PHASE_SHARE).all() and far.all() and narrow.all() and compact.all())
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
