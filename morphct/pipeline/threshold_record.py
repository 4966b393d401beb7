"""How grey became a mask, as `threshold.json` and `histogram.csv` tell it."""

import math
from typing import TYPE_CHECKING, Any

from ..ground.units import VoxelSize
from ..segment.grey import drift
from ..segment.grey.denoise import DenoisePlan
from ..segment.grey.histogram import GreyCounts, PhaseFit
from ..segment.mask.phase_choice import phase_names
from ..segment.mask.threshold import Threshold
from ..segment.voids.dip_model import detection_limits
from .segmented import Grey, Searched

if TYPE_CHECKING:
    import pandas as pd


def histogram_table(counts: GreyCounts, fit: PhaseFit) -> "pd.DataFrame":
    """Bins of the denoised volume: `grey` (centre), `count`, `low_gradient` (the fitted ones), `fit` and `fit_1` on."""
    import pandas as pd

    table = pd.DataFrame({"grey": counts.centres, "count": counts.all, "low_gradient": counts.flat})
    if fit.n_phases:
        densities = fit.densities()
        table["fit"] = densities.sum(axis=0)
        for i, density in enumerate(densities, start=1):
            table[f"fit_{i}"] = density
    return table


def histogram_text(counts: GreyCounts, fit: PhaseFit) -> str:
    """The content of `histogram.csv`."""
    return histogram_table(counts, fit).to_csv(index=False, float_format="%.9g", lineterminator="\n")


def threshold_record(grey: Grey, searched: Searched, n: int, size: VoxelSize) -> dict[str, Any]:
    """The content of `threshold.json`; greys are those of the file. n: particles."""
    plan, fit, counts, found = grey.plan, grey.fit, grey.counts, grey.threshold
    blur = None if found.blur is None else found.blur * size.smallest
    return {
        "method": found.method,
        **_level(found),
        **_quality(grey),
        "phases": _phases(found, fit),
        "fit": fit.to_mapping(),
        "separation": None if math.isinf(fit.separation) else fit.separation,
        "grey_range": [counts.raw_low, counts.raw_high],
        "clipped": counts.clipped,
        "voxels_outside": counts.n_outside,
        "blur": {"value": blur, "unit": size.unit},
        "denoise": {
            "method": plan.method,
            "sigma": list(plan.sigma),
            "sd_before": plan.noise.sd,
            "sd_after": plan.sd_after,
            "noise_correlation": plan.noise.correlation,
            "noise_bounds": None if plan.noise.certain else [plan.noise.low, plan.noise.high],
            "words": plan.in_words(),
            "target_reached": plan.reached,
        },
        "words": list(fit.words),
        "warnings": list(found.warnings),
        "voids": _dips(searched, plan.scale, n, size),
    }


def _level(found: Threshold) -> dict[str, Any]:
    """The level in numbers, as far as its method has them, and why the method was taken."""
    told: dict[str, Any] = {
        "level": found.value,
        "level_range": None if found.level_range is None else list(found.level_range),
        "mean_inside": found.mean_inside,
        "mean_outside": found.mean_outside,
        "solid_share": found.solid_share,
        "plateau_spread": found.plateau_spread,
    }
    told = {name: value for name, value in told.items() if value is not None}
    if found.asked is not None:
        told |= dict(zip(("low", "high"), found.asked))
    if found.halo is not None:
        told |= {
            "halo_depth": found.halo.depth,
            "halo_reach_voxels": found.halo.reach,
            "halo_contrast": found.halo.contrast,
            "halo_rounds": found.halo.rounds,
        }
    if found.choice is not None:
        told["choice"] = {"reason": found.choice.reason, **found.choice.evidence}
    return told


def _quality(grey: Grey) -> dict[str, Any]:
    """How well posed the segmentation is."""
    plan, fit, judged = grey.plan, grey.fit, grey.threshold.quality
    assert judged is not None
    signs = judged.signs
    return {
        "contrast": fit.contrast,
        **contrast(plan, fit),
        "level_uncertainty": judged.level_uncertainty,
        "reliable": judged.reliable,
        "clipped_share": judged.clipped_share,
        "clipped_high_share": judged.clipped_high_share,
        "outside_share": judged.outside_share,
        "octant_phases": list(judged.octant_phases),
        **drift.record(plan.drift, fit.contrast, plan.shading),
        "rings": plan.rings / fit.contrast if fit.contrast else None,
        "halo_fringe": signs.halo_fringe,
        "halo_drop": signs.halo_drop,
        "largest_bright": signs.surroundings.largest_bright,
        "largest_dark": signs.surroundings.largest_dark,
        "closed_dark": signs.surroundings.closed_dark,
        "edge_step": signs.edge_step,
    }


def _phases(found: Threshold, fit: PhaseFit) -> list[dict[str, Any]]:
    """The phases of the histogram, darkest first, with what the box in the middle shows of them."""
    phases: list[dict[str, Any]] = [
        {"name": name, "mean": float(m), "sd": float(s), "weight": float(w)}
        for name, m, s, w in zip(phase_names(fit.n_phases), fit.means, fit.sds, fit.weights, strict=True)
    ]
    by_phases = found.method in ("deconvolution", "otsu", "halo")
    for phase, shown in zip(phases, found.quality.signs.phases if found.quality is not None else ()):
        phase |= shown.to_mapping() | {"taken": by_phases and phase is phases[-1]}
    return phases


def contrast(plan: DenoisePlan, fit: PhaseFit) -> dict[str, float | None]:
    """Signal and contrast in widths of the raw noise, None where there is one phase or no noise.

    Notes
    -----
    SNR = mean of the particles / sd, CNR = (mean of the particles - mean of the darkest phase) / sd, with the sd of the
    raw grey in flat places, as the reference study does.
    """
    if fit.n_phases < 2 or not plan.noise.sd:
        return {"snr": None, "cnr": None}
    top, bottom = float(fit.means[-1]), float(fit.means[0])
    return {"snr": top / plan.noise.sd, "cnr": (top - bottom) / plan.noise.sd}


def _dips(searched: Searched, scale: float, n: int, size: VoxelSize) -> dict[str, Any]:
    """What the search for voids found out: noise inside particles, depth that counts, smallest void seen.

    The detection diameters are simulated; those of the formula (`dip_model.detection_limits`) stand beside them.

    Parameters
    ----------
    searched : Searched
        Without a detection limit there is nothing to tell.
    scale : float
        Grey of a code.
    n : int
        Particles.
    """
    seen, specks = searched.seen, searched.specks
    if seen is None:
        return {}
    model, edge = seen.model, size.smallest
    formula = detection_limits(model)
    told = {
        "sd_inside": model.sd * scale,
        "noise_correlation_length": model.correlation * edge,
        "depth": model.seed_depth * scale,
        "depth_in_sd": model.seed_depth / model.sd,
        "detection_diameter_50": _number(seen.d50 * edge),
        "detection_diameter_95": searched.detection_diameter(size),
        "formula_diameter_50": _number(formula["d50"] * edge),
        "formula_diameter_95": _number(formula["d95"] * edge),
        "simulated": [
            {"diameter": float(d) * edge, "seen": int(s), "voids": int(v)}
            for d, s, v in zip(seen.diameters, seen.seen, seen.trials)
        ],
        "false_expected": specks,
        "unit": size.unit,
    }
    return told if specks is None else told | {"false_per_particle": specks / n}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
