"""How well posed the segmentation is: numbers for `threshold.json`, and a sentence for each limit that is passed."""

import math
from typing import Any

import numpy as np

from .closeup import look
from .drift import record
from .grey_plan import DenoisePlan
from .histogram import GreyCounts, PhaseFit, deconvolve_histogram
from .levels import UNCERTAINTY, UNCERTAINTY_MISSED, Threshold
from .localmap import LocalMap

CLIPPED = 0.005  # share of voxels at one end of the range
SEPARATED = 3.0  # pooled sds between the fitted phases
DRIFT = 0.10  # of the contrast: 5 to 95 % range of the particles' plateau
PLATEAU_VOXELS = 64.0  # flat voxels around a block before its plateau is believed
OCTANT_VOXELS = 20_000  # flat voxels before the phases of an octant are counted
FRINGE, CORE_DROP = 0.03, 0.10  # of the contrast: halo
# a phase of which one piece holds so much surrounds the other, of which no piece may hold more than the second number
SURROUNDING, SURROUNDED = 0.9, 0.7


def plateau_spread(found: LocalMap, fit: PhaseFit) -> float:
    """Range (5 to 95 %) of the particles' grey over the volume, as a share of the contrast; 0 with nothing to go by."""
    known = found.inside[found.support >= PLATEAU_VOXELS]
    if known.size < 2:
        return 0.0
    low, high = np.quantile(known, [0.05, 0.95])
    return float(high - low) / float(fit.means[-1] - fit.means[0])


def octant_phases(counts: GreyCounts, sd: float, phases: int | str = "auto") -> list[int | None]:
    """Number of phases in each octant (z, y, x halves), None where too few flat voxels lie."""
    flat = counts.octants[:, 1]
    return [
        deconvolve_histogram(counts.edges, o, sd, phases).n_phases if o.sum() >= OCTANT_VOXELS else None for o in flat
    ]


def judge(
    found: Threshold, codes: Any, plan: DenoisePlan, fit: PhaseFit, counts: GreyCounts
) -> tuple[dict[str, Any], list[str]]:
    """Numbers on noise, phases, clipping, drift and halo, and the sentences they call for.

    Returns
    -------
    values : dict
        Plain numbers and texts.
    warnings : list of str
    """
    local = found.method == "deconvolution"
    asked = fit.n_phases if len(fit.bic) == 1 else "auto"
    octants = octant_phases(counts, plan.sd_after, asked) if local else []
    values: dict[str, Any] = {
        **contrast_values(plan, fit),
        "level_uncertainty": UNCERTAINTY if plan.reached or not local else UNCERTAINTY_MISSED,
        # a fixed level is the user's own judgement
        "reliable": found.method == "fixed" or bool(fit.ok and (plan.reached or not local)),
        "clipped_share": counts.clipped if plan.noise.sd else 0.0,
        "clipped_high_share": counts.n_high / max(1, counts.n_voxels - counts.n_outside) if plan.noise.sd else 0.0,
        "outside_share": counts.n_outside / max(1, counts.n_voxels),
        "octant_phases": octants,
        **record(plan.drift, fit.contrast, plan.shading),
        "rings": plan.rings / fit.contrast if fit.contrast else None,
        **look(codes, found, plan, fit),
    }
    everything = {**found.values, **values}
    warnings = [*plan.warnings, *_fit_words(found, plan, fit), *_grey_words(found.method, everything, counts)]
    return values, warnings + _place_words(everything, fit)


def contrast_values(plan: DenoisePlan, fit: PhaseFit) -> dict[str, float | None]:
    """Signal and contrast in widths of the raw noise, None where there is one phase or no noise.

    Notes
    -----
    SNR = mean of the particles / sd, CNR = (mean of the particles - mean of the darkest phase) / sd, with the sd of the
    raw grey in flat places, as the reference study does.
    """
    if not fit.ok:
        return {"contrast": None, "snr": None, "cnr": None}
    contrast, sd = float(fit.means[-1] - fit.means[0]), plan.noise.sd
    return {
        "contrast": contrast,
        "snr": float(fit.means[-1]) / sd if sd else None,
        "cnr": contrast / sd if sd else None,
    }


def _fit_words(found: Threshold, plan: DenoisePlan, fit: PhaseFit) -> list[str]:
    if not fit.ok:
        return [f"{fit.words[-1]}, so nothing in the grey values supports the level: look at the mask in slices"]
    if found.method != "deconvolution":
        return []
    words = list(fit.words)
    if not plan.reached and not plan.fit.ok:
        words.append(
            "the planes looked at first showed one phase, so the strength of the filter is a guess: choose it with "
            "--set denoise.sigma=VOXELS"
        )
    if fit.separation < SEPARATED:
        words.append(
            f"the two brightest phases lie {fit.separation:.1f} standard deviations apart ({SEPARATED:g} are wanted), "
            "so the level between them is uncertain"
        )
    return words


def _grey_words(found_by: str, values: dict[str, Any], counts: GreyCounts) -> list[str]:
    words, inside = [], counts.n_voxels - counts.n_outside
    if values["clipped_share"] > CLIPPED:
        ends = (("least", counts.raw_low, counts.n_low), ("largest", counts.raw_high, counts.n_high))
        cut = [
            f"{100 * n / inside:.1f} % of the voxels hold the {end} grey value {grey:g}"
            for end, grey, n in ends
            if n > CLIPPED * inside
        ]
        words.append(
            f"the grey range was clipped: {' and '.join(cut)}, so noise and phases there are not what they seem"
        )
    if values["outside_share"] > 0:
        words.append(
            f"{100 * values['outside_share']:.2g} % of the voxels are NaN or outside the reconstruction and count as "
            "outside the sample"
        )
    if found_by != "fixed" and _inverted(values):
        words.append(
            "the bright phase surrounds the dark one, so the particles are probably dark in bright surroundings: give "
            "their range with --set threshold.method=fixed --set threshold.high=GREY"
        )
    return words


def _inverted(values: dict[str, Any]) -> bool:
    bright, dark = values["largest_bright"], values["largest_dark"]
    return bright is not None and dark is not None and bright > SURROUNDING and dark < SURROUNDED


def _place_words(values: dict[str, Any], fit: PhaseFit) -> list[str]:
    words = []
    spread = values.get("plateau_spread")
    # noise that is still strong moves the local means by itself; then other sentences say so
    if spread is not None and spread > DRIFT and values["reliable"]:
        words.append(
            f"the grey of the particles varies by {100 * spread:.0f} % of the contrast over the volume (drift, shading "
            "or rings); the local level follows it, a single level would not"
        )
    counted = [n for n in values["octant_phases"] if n is not None]
    # an octant may well lack a rare phase, and chance may split one; what tells of trouble is more than that
    if sum(n > fit.n_phases for n in counted) > 1 or any(n < 2 for n in counted):
        words.append(
            f"the octants of the volume show different numbers of phases ({', '.join(map(str, counted))}; the whole "
            f"shows {fit.n_phases}), so one description does not fit everywhere"
        )
    if max(values.get("halo_fringe") or -math.inf, 0) > FRINGE:
        words.append(
            f"a dark fringe of {100 * values['halo_fringe']:.0f} % of the contrast surrounds the particles "
            "(phase-contrast halo); dark gaps between particles may be fringe"
        )
    if max(values.get("halo_drop") or -math.inf, 0) > CORE_DROP:
        words.append(
            f"the particles are darker inside than at their rim by {100 * values['halo_drop']:.0f} % of the contrast "
            "(phase-contrast halo or beam hardening); a dark core is not a void"
        )
    return words
