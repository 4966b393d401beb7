"""Denoise a grey volume by as much as its noise asks for, into uint16 codes, and count its grey values on the way.

`plan` looks at a sample; `apply` goes once over the volume, brick by brick.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ...ground.bricks import Brick
from ...ground.cautions import DOUBT, LOG, WRONG, Caution
from ...ground.errors import SegmentationError
from ...ground.options import Options, option
from ...ground.units import VoxelSize
from ...ground.work import Work
from ...kernels.grey.blocks import Span, count_codes, extremes
from . import drift, rings
from .codes import Outside, find_outside
from .drift import Shading
from .filter_strength import SIGMAS_EDGES, search_sigma
from .filter_trials import MASK_SEPARATION_SD, Sample, Trial
from .filters import NO_SIGMA, Filter, filter_brick
from .histogram import BINS, GreyCounts
from .noise import CORRELATED_LAG_1, Noise
from .plan import STREAK_RATIO, DenoisePlan

Extreme = tuple[float, int]  # grey value, voxels that hold it
# bytes a voxel of a brick with its halo at the peak, besides the raw grey: of uint8 and uint16 all of which counts,
# and of others; measured on bricks of 128 x 256 x 256 (Gaussian: 2.0, float32 6.9, float32 with NaN 8.0, a circle 6.3)
PEAK_VOXEL_BYTES = {"none": (2.3, 5.0), "gaussian": (2.1, 8.0), "median": (7.0, 9.0), "nlm": (11.5, 14.0)}


@dataclass(frozen=True)
class DenoiseOptions(Options):
    """Options of the denoising."""

    section: ClassVar[str] = "denoise"

    method: str = option(
        "auto",
        "filter before the threshold; auto = Gaussian as strong as the noise asks for",
        choices=("auto", "none", "gaussian", "median", "nlm"),
    )
    sigma: float | None = option(
        None,
        "sigma of the Gaussian; empty = chosen from the noise",
        unit="edges of the finest voxel axis",
        min=0,
        max=10,
    )
    flatten: bool = option(True, "subtract a slow drift or a jump of the grey of a tenth of the contrast and more")


def plan(
    volume: Any,
    voxel_size: VoxelSize | None,
    options: DenoiseOptions,
    phases: int | str = "auto",
    levels: Sequence[float] = (),
    one_level: bool = False,
) -> DenoisePlan:
    """Measure noise and phases on a sample and settle the filter.

    Parameters
    ----------
    volume : array-like (Z, Y, X)
        Raw grey; at most 8 layers of 16 planes with a narrow halo are read.
    voxel_size : VoxelSize or None
        Its proportions make the Gaussian round in space; None: cubes.
    options : DenoiseOptions
    phases : "auto" or int
        Number of phases to look for.
    levels : floats
        Fixed levels, so that codes can tell the greys on both sides of them even where the sample holds none.
    one_level : bool
        A level is wanted even where no phases are seen: the filter is as strong as Otsu's classes ask for then.

    Raises
    ------
    SegmentationError
        When the sample holds no grey value at all.

    Notes
    -----
    The sigma is the smallest of a grid after which (particle mean - mean of the next phase) / residual sd is 6.2 and as
    many phases are seen as where it is 8.
    """
    sample = _sample(volume, voxel_size, phases, levels)
    noise = sample.noise
    changes = drift.find_drift(volume, sample.bricks, sample.valid) if noise.sd else drift.Drift()
    circles = rings.measure(volume, sample.bricks, sample.valid) if noise.sd else 0.0
    chosen = _flattened(sample, options, changes, bool(levels), one_level)
    trial, shading = chosen.trial, chosen.shading
    excess = chosen.sample.excess if options.method in ("auto", "gaussian") and trial.fit.ok else 1.0
    return DenoisePlan(
        how=trial.how,
        noise=noise,
        residual=trial.residual,
        reached=trial.reached,
        flatness=trial.flatness,
        bins=trial.bins,
        fit=trial.fit,
        counts=trial.counts,
        edges=sample.edges,
        warnings=(
            *_warnings(trial, noise, sample.outside, excess, one_level and sample.clear),
            *drift.in_words(changes, trial.fit.contrast, shading, getattr(volume, "crop", None)),
            *rings.in_words(circles, trial.fit.contrast),
        ),
        drift=changes,
        shading=shading,
        rings=circles,
        excess=excess,
        raw_valley=sample.raw_valley,
    )


def _sample(volume: Any, voxel_size: VoxelSize | None, phases: int | str, levels: Sequence[float]) -> Sample:
    edges = voxel_size.relative if voxel_size is not None else (1.0, 1.0, 1.0)
    sample = Sample(volume, edges, find_outside(volume), phases, levels)
    if not any(f.size for f in sample.finite):
        raise SegmentationError(
            "every voxel looked at is NaN or outside the reconstruction, so there is nothing to segment; check the "
            "file, or cut to the part that holds data with --set input.crop=z0:z1,y0:y1,x0:x1"
        )
    return sample


@dataclass(frozen=True)
class _Chosen:
    """The filter, what is subtracted (None: nothing), and the last sample that filters were tried on."""

    trial: Trial
    shading: Shading | None
    sample: Sample


def _flattened(sample: Sample, options: DenoiseOptions, changes: drift.Drift, fixed: bool, one_level: bool) -> _Chosen:
    """The filter, and what is subtracted: nothing unless the phases found without it say that it is large.

    fixed: the user gave levels, in greys of the file.
    """
    trial = _choose(sample, options, one_level)
    shape = sample.volume.shape
    # the range of the cells is wider than the contrast by noise: three quarters are a safe guess
    shading = changes.shading(shape, 0.75 * changes.span) if changes.span else None
    if fixed or not options.flatten or shading is None:
        return _Chosen(trial, None, sample)
    flattened = sample.flattened(shading)
    other = _choose(flattened, options, one_level)
    contrast = other.fit.contrast
    worth = None if contrast is None else changes.shading(shape, contrast)
    return _Chosen(trial, None, flattened) if worth is None else _Chosen(other, worth, flattened)


def _choose(sample: Sample, options: DenoiseOptions, one_level: bool) -> Trial:
    if options.method == "none":
        return sample.trial(sample.gaussian(0.0))
    if options.method in ("median", "nlm"):
        coding = sample.coding(True)
        return sample.trial(Filter(options.method, NO_SIGMA, coding, sample.outside, sample.noise.sd))
    if options.sigma is not None:
        return sample.trial(sample.gaussian(options.sigma))
    return search_sigma(sample, one_level)


def _warnings(trial: Trial, noise: Noise, outside: Outside, excess: float, by_classes: bool) -> list[str]:
    """What is to be said of noise and filter; by_classes: one level between plain classes needs no noise target."""
    words: list[str] = []
    if outside.value is not None:
        words.append(Caution(outside.words(), LOG))
    if not noise.certain:
        words.append(
            Caution(
                f"structure is so fine that the noise cannot be told from it: it lies between {noise.low:.3g} and "
                f"{noise.high:.3g} grey values, and the filter is as weak as the lower number asks for; choose it "
                "yourself with --set denoise.sigma=VOXELS",
                DOUBT,
            )
        )
    if noise.sd and noise.correlation > CORRELATED_LAG_1:
        words.append(
            Caution(
                f"the noise is correlated (lag-1 autocorrelation {noise.correlation:.2f}), so the contrast-to-noise "
                "ratio overstates the quality and small voids are harder to see than it says",
                LOG,
            )
        )
    if excess > STREAK_RATIO:
        words.append(
            f"the grey of every phase spreads {excess:.1f} times as wide as the noise of flat places (streaks, "
            "rings or shading): small voids and thin gaps are less sure than the contrast-to-noise ratio says, and a "
            "correction in the reconstruction would help"
        )
    sigma = max(trial.how.sigma)
    if not trial.fit.ok and sigma > max(SIGMAS_EDGES):
        words.append(
            Caution(
                f"no phases are seen, so the volume was smoothed strongly (Gaussian of {sigma:g} voxels) before a "
                f"level was sought: gaps or walls thinner than {2 * sigma:.0f} voxels are lost (weaker: "
                "--set denoise.sigma=1)",
                DOUBT,
            )
        )
    if trial.fit.ok and not trial.reached and not by_classes:
        strongest = trial.how.method == "gaussian" and max(trial.how.sigma) >= SIGMAS_EDGES[-1]
        words.append(
            Caution(
                f"the noise target is not reached{' even at the strongest smoothing' if strongest else ''}: particles "
                f"and the next phase lie {trial.gap / trial.residual.sd:.1f} widths of the remaining noise apart "
                f"({MASK_SEPARATION_SD:g} wanted), so masks are unreliable and void fractions are left empty; bin the "
                "volume or average more projections",
                WRONG,
            )
        )
    return words


def apply(volume: Any, out: Any, plan: DenoisePlan, work: Work) -> GreyCounts:
    """Denoise a volume into codes and count its grey values, in one pass.

    Parameters
    ----------
    volume : array-like (Z, Y, X)
        Raw grey.
    out : array-like (Z, Y, X) uint16
        Written: grey = plan.offset + plan.scale * code, 0 = outside.
    plan : DenoisePlan
    work : Work
        Halo: `plan.reach`. Each brick holds the raw grey and PEAK_VOXEL_BYTES.

    Returns
    -------
    GreyCounts
    """
    octants = np.zeros((8, 2, BINS + 1), np.int64)
    low, high = (np.inf, 0), (-np.inf, 0)
    for counts, part_low, part_high in work.each(partial(_denoise_brick, volume, out, plan)):
        octants += counts
        low = _merge(low, part_low, min(low[0], part_low[0]))
        high = _merge(high, part_high, max(high[0], part_high[0]))
    return GreyCounts(
        edges=plan.bins.edges(plan.how.coding),
        octants=octants[:, :, :BINS].copy(),
        raw_low=float(low[0]),
        raw_high=float(high[0]),
        n_low=int(low[1]),
        n_high=int(high[1]),
        n_voxels=int(octants.sum()),
        n_outside=int(octants[:, :, BINS].sum()),
    )


def _merge(a: Extreme, b: Extreme, value: float) -> Extreme:
    """An extreme value and how many voxels hold it, of two parts."""
    return value, (a[1] if a[0] == value else 0) + (b[1] if b[0] == value else 0)


def _denoise_brick(volume: Any, out: Any, plan: DenoisePlan, brick: Brick) -> tuple[np.ndarray, Extreme, Extreme]:
    shape = tuple(volume.shape)
    outer, rim = brick.widened(plan.reach, shape), brick.widened((1, 1), shape)
    raw = np.asarray(volume[outer.here])
    valid = plan.outside.valid_brick(raw, volume, outer)
    codes = filter_brick(raw, valid, plan.how, rim.core(outer))
    if plan.shading is not None:
        plan.shading.subtract(codes, (rim.z0, rim.y0, 0), plan.scale)
    own = brick.widened((0, 0), shape)
    out[brick.here] = codes[own.within(rim)]
    octants = np.zeros((8, 2, BINS + 1), np.int64)
    span = Span(own.core(rim), (rim.z0, rim.y0))
    count_codes(codes, span, shape[:2], plan.bins.of_codes(), plan.flatness, valid is not None, octants)
    core = own.within(outer)
    return octants, *_extremes(raw[core], None if valid is None else valid[core])


def _extremes(raw: np.ndarray, valid: np.ndarray | None) -> tuple[Extreme, Extreme]:
    """Least and largest grey of the voxels that count; plane by plane, which takes no copy of the brick."""
    low, high = (np.inf, 0), (-np.inf, 0)
    for z, plane in enumerate(raw):
        grey = plane if valid is None else plane[valid[z] > 0]
        if grey.size:
            least, n_low, largest, n_high = extremes(np.ascontiguousarray(grey))
            low = _merge(low, (float(least), int(n_low)), min(low[0], float(least)))
            high = _merge(high, (float(largest), int(n_high)), max(high[0], float(largest)))
    return low, high
