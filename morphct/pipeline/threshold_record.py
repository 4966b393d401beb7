"""How grey became a mask, as `threshold.json` and `histogram.csv` tell it."""

import math
from typing import TYPE_CHECKING, Any

from ..segment.grey.denoise import DenoisePlan
from ..segment.grey.histogram import GreyCounts, PhaseFit
from ..segment.mask.phase_choice import phase_names
from ..segment.mask.threshold import Threshold
from ..segment.voids.detection_limit import Detection
from ..segment.voids.dip_model import detection_limits

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


def dip_record(seen: Detection, specks: int | None, scale: float, voxel_edge: float, unit: str) -> dict[str, Any]:
    """What the search for voids found out: noise inside particles, depth that counts, smallest void seen.

    The detection diameters are simulated; those of the formula (`dip_model.detection_limits`) stand beside them.
    specks: bright ones that would be voids were they dark (`false_voids`), None where voids are no dips.
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
