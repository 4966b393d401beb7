"""How grey became a mask, as `threshold.json` and `histogram.csv` tell it."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .conditioning import CLIPPED
from .denoise import DenoisePlan
from .detection import Detection
from .dip_model import DipModel, detection_limits
from .grey_plan import UNEVEN
from .histogram import GreyCounts, PhaseFit
from .phase_choice import phase_names
from .threshold import Threshold

if TYPE_CHECKING:
    import pandas as pd

# median step between neighbours on both sides of the level, as a share of the contrast, by blur in shortest edges:
# balls and random fields of voxels blurred by a Gaussian, noise up to .15 of the contrast
STEP = (0.983, 0.838, 0.628, 0.479, 0.395)
STEP_BLUR = (0.3, 0.4, 0.5, 0.6, 0.7)


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


def threshold_record(
    plan: DenoisePlan, fit: PhaseFit, counts: GreyCounts, found: Threshold, voxel_edge: float, unit: str
) -> dict[str, Any]:
    """The content of `threshold.json` before voids are looked for; greys are those of the file."""
    values = {k: v for k, v in found.values.items() if k != "phase_facts"}
    phases = [
        {"name": name, "mean": float(m), "sd": float(s), "weight": float(w)}
        for name, m, s, w in zip(phase_names(fit.n_phases), fit.means, fit.sds, fit.weights, strict=True)
    ]
    for phase, facts in zip(phases, found.values.get("phase_facts", [])):
        phase |= facts | {"taken": found.method in ("deconvolution", "otsu", "halo") and phase is phases[-1]}
    return {
        "method": found.method,
        "level": found.values.get("level"),
        **values,
        **contrast(plan, fit),
        "phases": phases,
        "fit": fit.to_mapping(),
        "separation": None if math.isinf(fit.separation) else fit.separation,
        "grey_range": [counts.raw_low, counts.raw_high],
        "clipped": counts.clipped,
        "voxels_outside": counts.n_outside,
        "blur": {"value": None if found.blur is None else found.blur * voxel_edge, "unit": unit},
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
    }


def contrast(plan: DenoisePlan, fit: PhaseFit) -> dict[str, float | None]:
    """SNR = mean / sd and CNR = (mean - darkest mean) / sd, the noise being that of the raw volume."""
    if fit.n_phases < 2 or not plan.noise.sd:
        return {"snr": None, "cnr": None}
    top, bottom = float(fit.means[-1]), float(fit.means[0])
    return {"snr": top / plan.noise.sd, "cnr": (top - bottom) / plan.noise.sd}


def dip_model(plan: DenoisePlan, fit: PhaseFit, found: Threshold, false_per_particle: float, factor: float | None):
    """What the search for voids starts from, in codes and shortest voxel edges."""
    top, bottom = float(fit.means[-1]), float(fit.means[0])
    return DipModel(
        particle=(top - plan.offset) / plan.scale,
        contrast=(top - bottom) / plan.scale,
        sd=max(plan.sd_after / plan.scale, 1.0),
        blur=total_blur(plan, found),
        margin=int(np.ceil(3 * max(plan.sigma))),
        relative=plan.edges,
        false_per_particle=false_per_particle,
        factor=factor,
        clipped=found.values.get("clipped_high_share", 0.0) > CLIPPED,
        streaked=plan.excess > UNEVEN,
    )


def total_blur(plan: DenoisePlan, found: Threshold) -> float:
    """Blur of the denoised volume, a sigma in shortest edges: from the slope of its edges, or that of the filter and of
    sharp optics; where edges are too steep for that, from the step between neighbours."""
    blur, step = plan.blur if found.blur is None else found.blur, found.values.get("edge_step")
    if step is None or step <= STEP[-1]:
        return blur
    return min(blur, float(np.interp(-step, [-s for s in STEP], STEP_BLUR)))


def hole_model(plan: DenoisePlan, fit: PhaseFit, found: Threshold) -> DipModel | None:
    """What is seen as a hole of the mask, in terms of dips: what is deeper than the level; None without two phases."""
    level = found.values.get("level")
    if fit.n_phases < 2 or level is None:
        return None
    model = dip_model(plan, fit, found, 0.05, None)
    level = (level - plan.offset) / plan.scale
    # the local level of the deconvolution lies half way to what surrounds a place, and a void is dark
    depth = 0.5 * model.contrast if found.method == "deconvolution" else model.particle - level
    if not 0 < depth < model.contrast:
        return None
    return replace(model, factor=depth / model.sd, correlation=max(model.blur, 0.5))


def dip_record(seen: Detection, specks: int | None, scale: float, voxel_edge: float, unit: str) -> dict[str, Any]:
    """What the search for voids found out: noise inside particles, depth that counts, smallest void seen.

    The detection diameters are simulated; those of the formula (`dip_model.detection_limits`) stand beside them.
    specks: bright ones that would be voids were they dark (`false_dips`), None where voids are no dips.
    """
    model = seen.model
    formula = detection_limits(model)
    return {
        "sd_inside": model.sd * scale,
        "noise_correlation_length": model.correlation * voxel_edge,
        "depth": model.seed_depth * scale,
        "depth_in_sd": model.seed_depth / model.sd,
        "detection_diameter_50": _number(seen.d50 * voxel_edge),
        "detection_diameter_95": _number(seen.d95 * voxel_edge),
        "formula_diameter_50": _number(formula["d50"] * voxel_edge),
        "formula_diameter_95": _number(formula["d95"] * voxel_edge),
        "simulated": [
            {"diameter": float(d) * voxel_edge, "seen": int(s), "voids": int(n)}
            for d, s, n in zip(seen.diameters, seen.seen, seen.trials)
        ],
        "false_expected": specks,
        "unit": unit,
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
