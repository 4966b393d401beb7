"""How far to trust each column: what the calibration of a run found, in sentences and as a table."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ...results.population import interior
from . import words
from .tables import Table

if TYPE_CHECKING:
    import pandas as pd

    from ...results.run_folder import RunFolder

AS_FOUND, ALL = "as found", "all"


def story(run: "RunFolder") -> list[str]:
    """What was done, in sentences; empty when the run was not calibrated."""
    table, facts = run.calibration, run.calibrated
    if table is None or not facts:
        return []
    bodies = int(table[(table["body"] == ALL) & (table["descriptor"] == table["descriptor"].iloc[0])]["n"].sum())
    found = facts["conditions"]
    return [
        f"{words.counted(bodies, 'body', 'bodies')} of known size and shape (spheres, cubes, plates, octahedra, a "
        "cross and others, ellipsoids and rounded blocks with the axis ratios of these particles) were put through "
        f"what stands between a particle and its numbers here: {_conditions(found)}. They were then measured as the "
        "particles were.",
        "A column counts as resolved from the size on at which bias and spread together stay within "
        f"{100 * facts['tolerance']:g} % of a length, area or volume, or {facts['tolerance']:g} of a ratio, on bodies "
        "shaped as the particles; smaller particles have the column's name in `not_resolved`. Columns that "
        "end in `_u` are standard uncertainties, bias included: the value give or take twice that holds the truth of "
        "19 bodies in 20. How particles were told apart, and voids too small to be seen, are no part of it.",
    ]


def _conditions(found: dict[str, Any]) -> str:
    if not found["blur"]:
        return "the voxels (nothing is known of the blur and noise behind what was segmented elsewhere)"
    parts = ["the voxels", f"a blur of σ = {words.number(found['blur'])} voxels, the filter's included"]
    if found["noise"]:
        parts.append(f"noise of {words.percent(found['noise'])} of the contrast, correlated as the filter leaves it")
    if found["binder"] and found["wet"]:
        parts.append(f"binder on a side of {words.percent(found['wet'])} of them")
    level = (
        "a level half way" if found["level"] == 0.5 else f"a level at {words.percent(found['level'])} of the contrast"
    )
    return ", ".join(parts) + f", and {level}, give or take {100 * found['level_bound']:g} % of the contrast"


def table(run: "RunFolder") -> Table | None:
    """A row a column: resolved from which size on, how many particles are as large, bias and spread at the median size,
    and the median uncertainty; None when the run was not calibrated."""
    lines, facts = run.calibration, run.calibrated
    if lines is None or not facts:
        return None
    edge = float(np.cbrt(run.voxel_size.volume))
    inside = interior(run.particles)
    diameters = inside[f"equivalent_diameter_{run.unit}"].to_numpy(dtype=float) / edge
    middle = float(np.median(diameters)) if len(diameters) else math.nan
    unit = words.unit_word(run.unit)
    heads = [
        ("column", ""), ("resolved from", "voxels across"), ("", unit), ("particles as large", ""),
        ("bias", f"at {words.number(middle)} voxels"), ("spread", ""), ("median uncertainty", ""),
    ]  # fmt: skip
    rows = []
    for name in lines["descriptor"].unique():
        held = lines[(lines["descriptor"] == name) & (lines["body"] == AS_FOUND)]
        if len(held) and name in facts["resolved_from_voxels"]:
            limit = facts["resolved_from_voxels"][name]
            rows.append([name.replace("_", " "), *_sizes(limit, held, diameters, edge), *_errors(held, middle)])
            rows[-1].append(_uncertainty(inside, name, run.unit))
    return Table(heads, rows, len(rows))


def _sizes(limit: float | None, held: "pd.DataFrame", diameters: np.ndarray, edge: float) -> list[str]:
    """From which size on a column is resolved, in voxels and as a length, and the share of particles as large."""
    if limit is None:
        return ["never", words.DASH, words.percent(0.0)]
    sign = "≤ " if limit <= held["diameter_voxels"].min() else ""
    share = float((diameters >= limit).mean()) if len(diameters) else math.nan
    return [f"{sign}{limit:.2g}", f"{sign}{limit * edge:.2g}", words.percent(share)]


def _errors(held: "pd.DataFrame", diameter: float) -> list[str]:
    """Bias and spread at a diameter, between the sizes tried."""
    relative = held["error"].iloc[0] == "relative"
    found = [np.interp(np.log(diameter), np.log(held["diameter_voxels"]), held[n]) for n in ("bias", "spread")]
    return [_error(float(value), relative, signed) for value, signed in zip(found, (True, False))]


def _error(value: float, relative: bool, signed: bool) -> str:
    if not math.isfinite(value):
        return words.DASH
    sign = "+" if signed else ""
    return f"{100 * value:{sign}.1f} %" if relative else f"{value:{sign}.3f}"


def _uncertainty(particles: "pd.DataFrame", name: str, unit: str) -> str:
    """Median of a column's uncertainty, as a share of the value where it has a unit."""
    for column in (f"{name}_{unit}", f"{name}_{unit}2", name):
        if f"{column}_u" in particles.columns:
            values = particles[f"{column}_u"] / (particles[column].abs() if column != name else 1.0)
            return _error(float(values.median()), column != name, False)
    return ""
