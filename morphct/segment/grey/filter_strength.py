"""How strongly to smooth: trials on a sample, until the phases lie far enough apart in widths of the noise.

Phases are told apart where they lie `PHASE_SEPARATION_SD` widths apart. The mask needs less (`MASK_SEPARATION_SD`), and
smoothing fills the gaps between particles and takes thin ones away. So a weaker filter is used where the darkest phase,
which fills the voids, still lies `DARKEST_SEPARATION_SD` widths below the particles and the same phases are seen.
"""

import numpy as np

from .filter_trials import FIRST_SIGMA_EDGES, MASK_SEPARATION_SD, Sample, Trial
from .histogram import BINS, otsu
from .noise import BLOCK_VOXELS, Noise
from .plan import STREAK_RATIO

SIGMAS_EDGES = (0.0, 0.5, 0.6, 0.7, 0.85, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5)  # sigmas, in edges of the finest axis
# sds of the denoised noise, particles to the next phase: no phase is missed, and at CNR 1.5 to 8 masks of phantoms came
# within .009 of the best intersection over union
PHASE_SEPARATION_SD = 8.0
# particles to the darkest phase, where less than PHASE_SEPARATION_SD is asked for: voids are told by it
DARKEST_SEPARATION_SD = 11.0  # see docs/segmentation.md, weaker smoothing
WEAKER_SIGMAS_EDGES = (0.7, 0.85, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25)  # below, a weaker filter blurs hardly less
STRONGEST_STREAKED_EDGES = 2.0  # sigma
STRONG_SIGMAS_EDGES = (*SIGMAS_EDGES[5:], 3.0, 4.0, 5.0, 6.0)  # where no phases are seen
CLASS_SEPARATION_SD = 16.0  # twice 8: streaks and halo, which flat places do not show, are taken for as strong as noise
QUANTILE_SPAN_SD = 4.65  # from the 1st to the 99th percentile of a Gaussian: 2 x 2.326
GUESSED_GAP_SHARE, LEAST_GAP_SHARE = 0.35, 0.05  # of the grey range, of a first guess only: three phases, and a floor
FALLBACK_SIGMAS_EDGES = (0.7, 1.5, 0.5, 2.0, 2.5, 0.0)  # sigmas to try when one phase is seen


def weakest_sigma(noise: Noise, gap: float, edges: tuple[float, float, float]) -> tuple[float, bool]:
    """The smallest sigma of the grid after which `gap` is 8 sds of the noise, and whether there is one."""
    for sigma in SIGMAS_EDGES:
        if gap >= PHASE_SEPARATION_SD * noise.after([sigma / e for e in edges]).sd:
            return sigma, True
    return SIGMAS_EDGES[-1], False


def search_sigma(sample: Sample, one_level: bool = False) -> Trial:
    """The weakest filter that reaches the target and shows the phases that are seen for sure.

    When no sigma shows two phases the trial at sigma 1 (0 for a noiseless volume) is handed back; with `one_level`,
    that at which the classes of Otsu's level lie 16 sds of the noise apart, or the strongest of all.
    """
    sure = _sure_sigma(sample, one_level)
    if sure.fit.contrast is None:
        return sure
    if sample.excess > STREAK_RATIO:
        return _stronger(sample, sure)
    needed = max(MASK_SEPARATION_SD, DARKEST_SEPARATION_SD * sure.gap / sure.fit.contrast)
    for sigma in WEAKER_SIGMAS_EDGES:
        if sigma >= max(sure.how.sigma):
            break
        if sure.gap >= needed * sample.noise.after([sigma / e for e in sample.edges]).sd:
            trial = sample.trial(sample.gaussian(sigma))
            if trial.reached and trial.fit.n_phases == sure.fit.n_phases:
                return trial
    return sure


def _stronger(sample: Sample, sure: Trial) -> Trial:
    """The weakest filter from a sure one on after which phases lie far enough apart for what streaks and rings add."""
    last = sure
    for sigma in SIGMAS_EDGES:
        wanted = PHASE_SEPARATION_SD * last.excess * last.residual.sd
        if max(sure.how.sigma) < sigma <= STRONGEST_STREAKED_EDGES and last.gap < wanted:
            trial = sample.trial(sample.gaussian(sigma))
            if trial.fit.n_phases != sure.fit.n_phases:
                break
            last = trial
    return last


def _sure_sigma(sample: Sample, one_level: bool) -> Trial:
    """Smooth, fit, choose the sigma that the fit asks for, until the two agree."""
    # where structure is fine, a filter may take it away before it was seen
    sigma = FIRST_SIGMA_EDGES if sample.noise.sd and sample.noise.edge == BLOCK_VOXELS else 0.0
    tried: dict[float, Trial] = {}
    while True:
        tried[sigma] = trial = sample.start if sigma == FIRST_SIGMA_EDGES else sample.trial(sample.gaussian(sigma))
        if trial.fit.ok:
            wanted, _ = weakest_sigma(sample.noise, trial.gap, sample.edges)
            if wanted == sigma:
                return trial
            if wanted in tried:
                # two sigmas that ask for each other: the stronger one keeps the target
                return max((t for t in (trial, tried[wanted]) if t.fit.ok), key=lambda t: t.how.sigma)
        else:
            good = [t for t in tried.values() if t.fit.ok]
            if good:
                return good[-1]
            left = [s for s in (_guess(sample, trial), *FALLBACK_SIGMAS_EDGES) if s not in tried]
            if not left or not sample.noise.sd:
                return _by_classes(sample) if one_level and sample.noise.sd else tried.get(FIRST_SIGMA_EDGES, trial)
            wanted = left[0]
        sigma = wanted


def _by_classes(sample: Sample) -> Trial:
    """The weakest filter after which the classes of Otsu's level lie far enough apart: one of the stronger ones, but
    where the raw grey shows two classes already no stronger one than they need."""
    grid, target = (SIGMAS_EDGES, MASK_SEPARATION_SD) if sample.clear else (STRONG_SIGMAS_EDGES, CLASS_SEPARATION_SD)
    for sigma in grid:
        trial = sample.trial(sample.gaussian(sigma))
        above = np.arange(BINS) >= otsu(trial.counts.all)
        low, high = (
            float(np.average(trial.counts.centres, weights=np.maximum(trial.counts.all * part, 1e-9)))
            for part in (~above, above)
        )
        if high - low >= target * trial.residual.sd:
            break
    return trial


def _guess(sample: Sample, trial: Trial) -> float:
    """Sigma for a gap of a third of the grey range, the noise taken off."""
    share = np.cumsum(trial.counts.all) / max(1, trial.counts.all.sum())
    low, high = np.interp([0.01, 0.99], share, trial.counts.centres)
    span = float(high - low)
    gap = max(GUESSED_GAP_SHARE * (span - QUANTILE_SPAN_SD * trial.residual.sd), LEAST_GAP_SHARE * span)
    return weakest_sigma(sample.noise, gap, sample.edges)[0]
