"""How well posed the segmentation is, in numbers, and a sentence for each limit that is passed."""

from typing import Any

import numpy as np

from ...ground.cautions import DOUBT, LOG, MATTERS, WRONG, Caution
from ...ground.units import format_share
from ..grey.histogram import GreyCounts, PhaseFit, deconvolve_histogram
from ..grey.plan import DenoisePlan
from . import phase_choice
from .facts import Quality
from .levels import LEVEL_UNCERTAINTY, LEVEL_UNCERTAINTY_MISSED, Threshold
from .local_level import LocalMap
from .method_choice import CLEAR_HALO_DEPTH
from .middle_box import measure_box

# of the voxels at one end of the range; a choice: phantoms in 16 bits have 0 (scripts/fit_limits)
CLIPPED_SHARE = 0.005
# pooled sds between the two brightest fitted phases: half way between them .07 of each lies beyond (Phi(-1.5))
RELIABLE_SEPARATION_SD = 3.0
# of the contrast, 5 to 95 % range of the particles' plateau: .055 on 24 undisturbed phantoms (95 % of them below .108,
# 4 above the limit), above it on 6 of 6 with rings and 3 of 6 with streaks (scripts/fit_limits)
PLATEAU_SPREAD_SHARE = 0.10
FEWEST_PLATEAU_VOXELS = 64.0  # flat voxels around a block before its plateau is believed: its mean is good to sd / 8
FEWEST_OCTANT_VOXELS = 20_000  # flat voxels, a phase of LEAST_PHASE_SHARE has 100 of them; a choice
# of the contrast, dark fringe around particles and cores below their rims: 95 % of undisturbed phantoms lie below .006
# and .014 (scripts/fit_limits); a halo of two voxels' reach does not show here, so no phantom speaks for the rest
FRINGE_SHARE, CORE_DROP_SHARE = 0.03, 0.10


def plateau_spread(found: LocalMap, fit: PhaseFit) -> float:
    """Range (5 to 95 %) of the particles' grey over the volume, as a share of the contrast; 0 with nothing to go by."""
    known = found.inside[found.support >= FEWEST_PLATEAU_VOXELS]
    if known.size < 2:
        return 0.0
    low, high = np.quantile(known, [0.05, 0.95])
    return float(high - low) / float(fit.means[-1] - fit.means[0])


def octant_phases(counts: GreyCounts, sd: float, phases: int | str = "auto") -> list[int | None]:
    """Number of phases in each octant (z, y, x halves), None where too few flat voxels lie."""
    flat = counts.octants[:, 1]
    known = [o.sum() >= FEWEST_OCTANT_VOXELS for o in flat]
    return [
        deconvolve_histogram(counts.edges, o, sd, phases).n_phases if enough else None for o, enough in zip(flat, known)
    ]


def judge(
    found: Threshold, codes: Any, plan: DenoisePlan, fit: PhaseFit, counts: GreyCounts
) -> tuple[Quality, list[str]]:
    """What speaks for and against a level: noise, phases, clipping, drift and halo, and the sentences they call for."""
    supported = _supported(found, plan, fit)
    local = found.method == "deconvolution"
    asked = fit.n_phases if len(fit.bic) == 1 else "auto"
    judged = Quality(
        level_uncertainty=LEVEL_UNCERTAINTY if plan.reached or not local else LEVEL_UNCERTAINTY_MISSED,
        # a fixed level is the user's own judgement
        reliable=found.method == "fixed" or (supported and (plan.reached or not local)),
        clipped_share=counts.clipped if plan.noise.sd else 0.0,
        clipped_high_share=counts.n_high / max(1, counts.n_voxels - counts.n_outside) if plan.noise.sd else 0.0,
        outside_share=counts.n_outside / max(1, counts.n_voxels),
        octant_phases=tuple(octant_phases(counts, plan.sd_after, asked)) if local else (),
        signs=measure_box(codes, found, plan, fit, counts),
    )
    warnings = [*plan.warnings, *_fit_words(found, plan, fit, supported), *_grey_words(judged, counts)]
    if found.method != "fixed" and found.value is not None and judged.signs.phases:
        warnings += phase_choice.questions(judged.signs.phases, found.value, judged.signs.surroundings)
    return judged, warnings + _place_words(found, judged, fit)


def _supported(found: Threshold, plan: DenoisePlan, fit: PhaseFit) -> bool:
    """Whether the grey values speak for the level: phases, two clear classes, or a halo."""
    if found.choice is not None:  # made by what was measured
        return True
    if found.halo is not None and (found.halo.depth or 0.0) >= CLEAR_HALO_DEPTH:
        return True
    return fit.ok or (found.method == "otsu" and plan.clear)


def _fit_words(found: Threshold, plan: DenoisePlan, fit: PhaseFit, supported: bool) -> list[str]:
    if not supported:
        said = fit.words[-1] if fit.words else "no phases can be told apart"
        if found.method == "fixed":
            return [Caution(f"{said}: the level is the one given, and nothing in the histogram speaks for it", LOG)]
        return [Caution(f"{said}, so nothing in the grey values supports the level: look at the mask in slices", WRONG)]
    if found.method == "halo":
        return [
            Caution(
                "the level follows a halo of phase contrast, so dark cores and narrow gaps are told by a model: look "
                "at the outlines in the slices before the numbers are used",
                DOUBT,
            )
        ]
    if found.method != "deconvolution":
        return []
    words: list[str] = [Caution(text, LOG if fit.of_classes else DOUBT) for text in fit.words]
    if not plan.reached and not plan.fit.ok:
        words.append(
            Caution(
                "the planes looked at first showed one phase, so the strength of the filter is a guess: choose it with "
                "--set denoise.sigma=VOXELS",
                DOUBT,
            )
        )
    if fit.separation < RELIABLE_SEPARATION_SD:
        words.append(
            Caution(
                f"the two brightest phases lie {fit.separation:.1f} standard deviations apart "
                f"({RELIABLE_SEPARATION_SD:g} are wanted), so the level between them is uncertain: look at the "
                "outlines in the slices",
                DOUBT,
            )
        )
    return words


def _grey_words(judged: Quality, counts: GreyCounts) -> list[str]:
    words: list[str] = []
    inside = counts.n_voxels - counts.n_outside
    if judged.clipped_share > CLIPPED_SHARE:
        ends = (("least", counts.raw_low, counts.n_low), ("largest", counts.raw_high, counts.n_high))
        cut = [
            f"{100 * n / inside:.1f} % of the voxels hold the {end} grey value {grey:g}"
            for end, grey, n in ends
            if n > CLIPPED_SHARE * inside
        ]
        words.append(
            Caution(
                f"{' and '.join(cut)} (a grey window cut there, or a background set to one value), so noise and phases "
                "there are not what they seem: if it was cut, export the volume again with a wider grey window",
                MATTERS,
            )
        )
    if judged.outside_share > 0:
        words.append(
            Caution(
                f"{format_share(judged.outside_share)} of the voxels are NaN or outside the reconstruction and "
                "count as outside the sample",
                LOG,
            )
        )
    return words


def _place_words(found: Threshold, judged: Quality, fit: PhaseFit) -> list[str]:
    words: list[str] = []
    spread, signs = found.plateau_spread, judged.signs
    # noise that is still strong moves the local means by itself; then other sentences say so
    if spread is not None and spread > PLATEAU_SPREAD_SHARE and judged.reliable:
        words.append(
            Caution(
                f"the grey of the particles varies by {100 * spread:.0f} % of the contrast over the volume (drift, "
                "shading or rings); the local level follows it, a single level would not",
                LOG,
            )
        )
    counted = [n for n in judged.octant_phases if n is not None]
    # an octant may well lack a rare phase, and chance may split one; what tells of trouble is more than that
    if sum(n > fit.n_phases for n in counted) > 1 or any(n < 2 for n in counted):
        words.append(
            Caution(
                f"the octants of the volume show different numbers of phases ({', '.join(map(str, counted))}; the "
                f"whole shows {fit.n_phases}): where they differ the level may be off, so compare the outlines there",
                MATTERS if sum(n > fit.n_phases for n in counted) > 1 else LOG,
            )
        )
    followed = found.halo is not None and bool(found.halo.depth)  # a level that follows it has taken it into account
    halo = LOG if followed else MATTERS
    if signs.halo_fringe is not None and signs.halo_fringe > FRINGE_SHARE:
        words.append(
            Caution(
                f"a dark fringe of {100 * signs.halo_fringe:.0f} % of the contrast surrounds the particles "
                "(phase-contrast halo): dark gaps between particles may be fringe, so compare with "
                "--set threshold.method=halo",
                halo,
            )
        )
    if signs.halo_drop is not None and signs.halo_drop > CORE_DROP_SHARE:
        words.append(
            Caution(
                f"the particles are darker inside than at their rim by {100 * signs.halo_drop:.0f} % of the "
                "contrast (phase-contrast halo or beam hardening): a dark core is not a void, so look at large voids "
                "in the middle of particles",
                halo,
            )
        )
    return words
