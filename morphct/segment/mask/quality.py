"""How well posed the segmentation is: numbers for `threshold.json`, and a sentence for each limit that is passed.

A look at a box in the middle of the volume: signs of a halo, which phase surrounds which, how sharp it is.
"""

import math
from typing import Any

import numpy as np

from ...ground.cautions import DOUBT, LOG, MATTERS, WRONG, Caution
from ...ground.units import format_share
from ...kernels.grey.blocks import above_level
from ..grey.drift import record
from ..grey.histogram import GreyCounts, PhaseFit, deconvolve_histogram
from ..grey.plan import DenoisePlan
from . import phase_choice
from .levels import UNCERTAINTY, UNCERTAINTY_MISSED, Threshold, as_level
from .local_level import LocalMap
from .method_choice import CLEAR_HALO

CLIPPED = 0.005  # share of voxels at one end of the range
SEPARATED = 3.0  # pooled sds between the fitted phases
DRIFT = 0.10  # of the contrast: 5 to 95 % range of the particles' plateau
PLATEAU_VOXELS = 64.0  # flat voxels around a block before its plateau is believed
OCTANT_VOXELS = 20_000  # flat voxels before the phases of an octant are counted
FRINGE, CORE_DROP = 0.03, 0.10  # of the contrast: halo


SIDES = (48, 224, 224)  # voxels of the box


NEAR, FAR = 2.5, 10.0  # finest edges: a fringe lies between them, its reference beyond


RIM_WIDTH, CORE_DEPTH = 2.0, 6.0  # finest edges, from where the blur of the surface ends


FEWEST = 500  # voxels for a median


FINEST = 1.05  # finest edges; coarser axes are left out where sharpness is measured


NECK = 2.5  # finest edges: half of the thickness below which a bridge does not count as a connection


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
    warnings : list of Caution
    """
    supported = _supported(found, plan, fit)
    seen, phases = measure_box(codes, found, plan, fit, counts)
    local = found.method == "deconvolution"
    asked = fit.n_phases if len(fit.bic) == 1 else "auto"
    octants = octant_phases(counts, plan.sd_after, asked) if local else []
    values: dict[str, Any] = {
        **contrast_values(plan, fit),
        "level_uncertainty": UNCERTAINTY if plan.reached or not local else UNCERTAINTY_MISSED,
        # a fixed level is the user's own judgement
        "reliable": found.method == "fixed" or (supported and (plan.reached or not local)),
        "clipped_share": counts.clipped if plan.noise.sd else 0.0,
        "clipped_high_share": counts.n_high / max(1, counts.n_voxels - counts.n_outside) if plan.noise.sd else 0.0,
        "outside_share": counts.n_outside / max(1, counts.n_voxels),
        "octant_phases": octants,
        **record(plan.drift, fit.contrast, plan.shading),
        "rings": plan.rings / fit.contrast if fit.contrast else None,
        **seen,
        "phase_facts": [p.to_mapping() for p in phases],
    }
    everything = {**found.values, **values}
    warnings = [*plan.warnings, *_fit_words(found, plan, fit, supported), *_grey_words(everything, counts)]
    level = everything.get("level")
    if found.method != "fixed" and level is not None and phases:
        warnings += phase_choice.questions(phases, level, seen)
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


def _supported(found: Threshold, plan: DenoisePlan, fit: PhaseFit) -> bool:
    """Whether the grey values speak for the level: phases, two clear classes, or a halo."""
    if "choice" in found.values:  # made by what was measured
        return True
    if found.method == "halo" and (found.values.get("halo_depth") or 0.0) >= CLEAR_HALO:
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
    if fit.separation < SEPARATED:
        words.append(
            Caution(
                f"the two brightest phases lie {fit.separation:.1f} standard deviations apart ({SEPARATED:g} are "
                "wanted), so the level between them is uncertain: look at the outlines in the slices",
                DOUBT,
            )
        )
    return words


def _grey_words(values: dict[str, Any], counts: GreyCounts) -> list[str]:
    words: list[str] = []
    inside = counts.n_voxels - counts.n_outside
    if values["clipped_share"] > CLIPPED:
        ends = (("least", counts.raw_low, counts.n_low), ("largest", counts.raw_high, counts.n_high))
        cut = [
            f"{100 * n / inside:.1f} % of the voxels hold the {end} grey value {grey:g}"
            for end, grey, n in ends
            if n > CLIPPED * inside
        ]
        words.append(
            Caution(
                f"{' and '.join(cut)} (a grey window cut there, or a background set to one value), so noise and phases "
                "there are not what they seem: if it was cut, export the volume again with a wider grey window",
                MATTERS,
            )
        )
    if values["outside_share"] > 0:
        words.append(
            Caution(
                f"{format_share(values['outside_share'])} of the voxels are NaN or outside the reconstruction and "
                "count as outside the sample",
                LOG,
            )
        )
    return words


def _place_words(values: dict[str, Any], fit: PhaseFit) -> list[str]:
    words: list[str] = []
    spread = values.get("plateau_spread")
    # noise that is still strong moves the local means by itself; then other sentences say so
    if spread is not None and spread > DRIFT and values["reliable"]:
        words.append(
            Caution(
                f"the grey of the particles varies by {100 * spread:.0f} % of the contrast over the volume (drift, "
                "shading or rings); the local level follows it, a single level would not",
                LOG,
            )
        )
    counted = [n for n in values["octant_phases"] if n is not None]
    # an octant may well lack a rare phase, and chance may split one; what tells of trouble is more than that
    if sum(n > fit.n_phases for n in counted) > 1 or any(n < 2 for n in counted):
        words.append(
            Caution(
                f"the octants of the volume show different numbers of phases ({', '.join(map(str, counted))}; the "
                f"whole shows {fit.n_phases}): where they differ the level may be off, so compare the outlines there",
                MATTERS if sum(n > fit.n_phases for n in counted) > 1 else LOG,
            )
        )
    halo = LOG if values.get("halo_depth") else MATTERS  # a level that follows it has taken it into account
    if max(values.get("halo_fringe") or -math.inf, 0) > FRINGE:
        words.append(
            Caution(
                f"a dark fringe of {100 * values['halo_fringe']:.0f} % of the contrast surrounds the particles "
                "(phase-contrast halo): dark gaps between particles may be fringe, so compare with "
                "--set threshold.method=halo",
                halo,
            )
        )
    if max(values.get("halo_drop") or -math.inf, 0) > CORE_DROP:
        words.append(
            Caution(
                f"the particles are darker inside than at their rim by {100 * values['halo_drop']:.0f} % of the "
                "contrast (phase-contrast halo or beam hardening): a dark core is not a void, so look at large voids "
                "in the middle of particles",
                halo,
            )
        )
    return words


def measure_box(
    codes: Any, found: Threshold, plan: DenoisePlan, fit: PhaseFit, counts: GreyCounts
) -> tuple[dict[str, float | None], list[phase_choice.Phase]]:
    """Halo and surroundings in a box in the middle.

    Parameters
    ----------
    codes : array-like (Z, Y, X) uint16
    found : Threshold
        The level; its maps give the contrast where there is no fit.

    Returns
    -------
    values : dict
        `halo_fringe`: median of the dark background beyond 10 voxels of a particle, less that at 2.5 to 10;
        `halo_drop`: median of the particles' rim, less that of their core; both as shares of the contrast.
        `largest_bright`, `largest_dark`: share of the largest piece of the particles and of the darkest phase, with
        bridges under 5 voxels cut; `closed_dark`: share of the darker voxels that one bright body encloses;
        `edge_step`: median difference of neighbours on both sides of the level, as a share of the contrast; 1 where the
        scan is sharp. None where too few voxels tell.
    phases : list of Phase
        Darkest first; empty where the fit tells none apart.
    """
    import edt

    box = [((n - min(n, s)) // 2, (n + min(n, s)) // 2) for n, s in zip(codes.shape, SIDES)]
    (z0, z1), (y0, y1), (x0, x1) = box
    part = np.ascontiguousarray(np.asarray(codes[z0:z1, y0:y1, x0:x1]))
    mask = _mask(part, found, box)
    # both distances at once: the transform takes every value as a region of its own; the box's faces are no surface
    depth = edt.edt(mask.astype(np.uint8) + np.uint8(1), anisotropy=plan.edges, black_border=False, parallel=1)
    grey = plan.how.coding.grey(part.astype(np.float32))
    inside, outside = _plateaus(found, fit)
    # binder near the particles is brighter than air: the background is what is nearer to air than to the next phase
    limit = 0.5 * float(fit.means[0] + fit.means[1]) if fit.ok else 0.5 * (inside + outside)
    dark = ~mask & (part > 0) & (grey < limit)
    thick = edt.edt(dark, anisotropy=plan.edges, black_border=False, parallel=1) > NECK
    halo = _halo(grey, mask, dark, depth, blur_of(found, plan)) if plan.noise.sd else (None, None)
    values = {
        "halo_fringe": None if halo[0] is None else halo[0] / (inside - outside),
        "halo_drop": None if halo[1] is None else halo[1] / (inside - outside),
        "largest_bright": _largest_piece(mask & (depth > NECK)),
        "largest_dark": _largest_piece(thick),
        "closed_dark": phase_choice.closed_share(mask),
        "edge_step": _edge_step(part, mask, (inside - outside) / plan.scale, plan.edges),
    }
    phases = phase_choice.look(part, fit, counts, plan.how.coding, plan.edges) if fit.ok else []
    return values, phases


def _edge_step(part: np.ndarray, mask: np.ndarray, contrast: float, edges: tuple[float, float, float]) -> float | None:
    """Median difference of neighbours along the finest axes of which one is in the mask, over the contrast in codes."""
    steps = []
    for axis in (i for i, e in enumerate(edges) if e < FINEST):
        codes, inside = np.moveaxis(part, axis, 0), np.moveaxis(mask, axis, 0)
        at = (inside[1:] != inside[:-1]) & (codes[1:] > 0) & (codes[:-1] > 0)
        steps.append(np.abs(codes[1:][at].astype(np.float32) - codes[:-1][at]))
    found = _median(np.concatenate(steps))
    return None if found is None or contrast <= 0 else found / contrast


def blur_of(found: Threshold, plan: DenoisePlan) -> float:
    """Total blur, finest edges: measured, or at least that of the filter."""
    return found.blur if found.blur is not None else max(1.0, *(s * e for s, e in zip(plan.sigma, plan.edges)))


def _plateaus(found: Threshold, fit: PhaseFit) -> tuple[float, float]:
    """Grey of the particles and of the darkest phase."""
    if fit.ok:
        return float(fit.means[-1]), float(fit.means[0])
    return float(np.median(found.inside)), float(np.median(found.outside))


def _halo(
    grey: np.ndarray, mask: np.ndarray, dark: np.ndarray, depth: np.ndarray, blur: float
) -> tuple[float | None, float | None]:
    """Grey by which the background near particles is darker than far from them, and cores darker than rims."""
    edge = 2 * blur
    far = _median(grey[dark & (depth > FAR)])
    near = _median(grey[dark & (depth > max(NEAR, edge)) & (depth <= FAR)])
    rim = _median(grey[mask & (depth > edge) & (depth <= edge + RIM_WIDTH)])
    core = _median(grey[mask & (depth > edge + CORE_DEPTH)])
    return None if far is None or near is None else far - near, None if rim is None or core is None else rim - core


def _median(values: np.ndarray) -> float | None:
    return float(np.median(values)) if values.size >= FEWEST else None


def _largest_piece(mask: np.ndarray) -> float | None:
    import cc3d

    pieces, n = cc3d.connected_components(mask, connectivity=6, return_N=True)
    if n < 1:
        return None
    sizes = np.bincount(pieces.ravel())[1:]
    return float(sizes.max() / sizes.sum())


def _mask(part: np.ndarray, found: Threshold, box: list[tuple[int, int]]) -> np.ndarray:
    if found.code_range is not None:
        return (part >= found.code_range[0]) & (part <= found.code_range[1])
    # the level is interpolated along whole rows: the box is laid into a plane of them
    (z0, _), (y0, y1), (x0, x1) = box
    plane, above = np.zeros((1, y1, x1), np.uint16), np.empty((1, y1, x1), np.uint8)
    mask = np.empty(part.shape, bool)
    level = as_level(found.level, found.level, found.coding)
    for i in range(len(part)):
        plane[0, y0:y1, x0:x1] = part[i]
        above_level(plane, z0 + i, level, above)
        mask[i] = above[0, y0:y1, x0:x1]
    return mask
