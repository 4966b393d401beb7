"""The population in numbers: functions of the tables alone, no voxel is read.

Particles cut by the border of the volume are counted but left out of the statistics, as long as there are others.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from ..descriptors import identity
from . import flags, intervals
from .intervals import (
    quantile_interval,
    rank_correlation,
    ratio_interval,
    share_interval,
    weighted_quantile_intervals,
    weighted_quantiles,
)

if TYPE_CHECKING:
    import pandas as pd

SHARES = np.array([0.1, 0.5, 0.9])
CLASSES = {"aggregate": ("aggregate",), "porous": ("porous",), "defective": ("porous", "aggregate")}
# columns whose correlation with size is told
WITH_SIZE = ("sphericity", "sphericity_silhouette", "sphericity_wadell", "roundness", "ellipticity_zx", "void_fraction")

# what a person asks first of each particle; the rest of the columns is in the tables
HEADLINE = (
    "equivalent_diameter_{u}",
    "feret_max_{u}",
    "feret_min_{u}",
    "ellipticity_yx",
    "ellipticity_zx",
    "ellipticity_zy",
    "sphericity",
    "sphericity_silhouette",
    "sphericity_wadell",
    "isoperimetric_quotient",
    "roundness",
    "roundness_3d",
    "solidity",
    "void_fraction",
    "void_count",
    "thickness_mean_{u}",
    "grey_mean",
    "grey_std",
    "grey_heterogeneity",
    "n_contacts",
)


def unit_of(particles: "pd.DataFrame") -> str:
    """`um` or `px`, from the name of the diameter column."""
    return "px" if "equivalent_diameter_px" in particles.columns else "um"


def interior(particles: "pd.DataFrame") -> "pd.DataFrame":
    """The rows that statistics use: particles that touch no face of the volume, or all when every one does."""
    if "touches_border" not in particles.columns:
        return particles
    inside = particles[~particles["touches_border"].astype(bool)]
    return inside if len(inside) else particles


def summarise(
    particles: "pd.DataFrame",
    voids: "pd.DataFrame | None" = None,
    aggregates: "pd.DataFrame | None" = None,
    seed: int = 0,
    shape: tuple[int, int, int] | None = None,
) -> dict[str, Any]:
    """Population numbers of a sample: what `summary.json` holds.

    Parameters
    ----------
    particles, voids, aggregates : DataFrame
        The tables of a run.
    seed : int
        Of the bootstrap behind the intervals of weighted numbers.
    shape : (Z, Y, X), optional
        Voxels of the volume, for the correction of the border.

    Returns
    -------
    dict
        `counts`, `size` (D10, D50, D90 `by_number` and `by_volume`), `columns` (median, quartiles, mean, sd of the
        headline columns), `void_fraction` (`void_fraction_all`: with the particles that the border cuts;
        `whole_volume_share`: how much of the volume of all is in those that are used), shares of classes,
        `size_correlation` (Spearman's, of shape with size), and the same `border_corrected` where particles are cut.
        Numbers with an uncertainty are `{value, low, high}` with a 95 % interval; NaN where nothing can be said.
    """
    unit = unit_of(particles)
    used = interior(particles)
    return {
        "unit": unit,
        "statistics_on": "interior" if len(used) < len(particles) or _none_cut(particles) else "all",
        "counts": _counts(particles, used, voids, aggregates),
        "size": _sizes(used, unit, seed),
        "columns": {c: _column(used[c]) for c in (h.format(u=unit) for h in HEADLINE) if c in used.columns},
        "void_fraction": _void_fraction(used, unit, seed),
        "void_fraction_all": _void_fraction(particles, unit, seed),
        "whole_volume_share": _volume_share(used, particles, unit),
        "void_size": _void_size(voids, unit),
        **{f"{name}_fraction": _class_share(used, unit, classes) for name, classes in CLASSES.items()},
        "size_correlation": _with_size(used, unit),
        "border_corrected": _corrected(used, unit, seed, shape),
    }


def numbers(summary: dict[str, Any]) -> dict[str, float]:
    """A summary as one flat row: the single numbers that limits, batch tables and sentences name.

    `n_particles`, `n_interior`, `n_voids`, `n_aggregates`, `d10_number` ... `d90_volume`, `span_number`, `span_volume`,
    `void_fraction`, `aggregate_fraction`, `porous_fraction`, `defective_fraction`, and each headline column's median
    under the column's own name (but `void_fraction`, which is that of the whole population, and `void_fraction_all`,
    that of all particles, cut ones too; `whole_volume_share` of their volume is in whole ones). Diameters and fractions
    with the ending `_corrected` are those corrected for the border; `sphericity_size_correlation` is Spearman's.
    """
    row: dict[str, float] = {name: _number(c["median"]) for name, c in summary.get("columns", {}).items()}
    row["whole_volume_share"] = _number(summary.get("whole_volume_share"))
    row["void_fraction_all"] = _number(summary.get("void_fraction_all", {}).get("value"))
    counts = summary.get("counts", {})
    for name in ("particles", "interior", "voids", "aggregates"):
        row[f"n_{name}"] = _number(counts.get(name))
    for part, ending in ((summary, ""), (summary.get("border_corrected", {}), "_corrected")):
        for weight in ("number", "volume"):
            sizes = part.get("size", {}).get(f"by_{weight}", {})
            for name in ("d10", "d50", "d90"):
                row[f"{name}_{weight}{ending}"] = _number(sizes.get(name, {}).get("value"))
            if not ending:
                row[f"span_{weight}"] = _number(sizes.get("span"))
        for name in ("void", *CLASSES):
            row[f"{name}_fraction{ending}"] = _number(part.get(f"{name}_fraction", {}).get("value"))
    correlation = summary.get("size_correlation", {}).get("sphericity", {})
    row["sphericity_size_correlation"] = _number(correlation.get("value"))
    return row


def number_names(unit: str, columns: Collection[str] | None = None) -> list[str]:
    """The names that `numbers` can have in this unit (`um`, `px`), of the headline columns only those in `columns`."""
    headline = [name.format(u=unit) for name in HEADLINE]
    return [*numbers({}), *(name for name in headline if columns is None or name in columns)]


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _values(frame: "pd.DataFrame", column: str) -> np.ndarray:
    """A column as floats, NaN where empty."""
    return frame[column].to_numpy(dtype=float, na_value=np.nan)


def _none_cut(particles: "pd.DataFrame") -> bool:
    return "touches_border" in particles.columns and not particles["touches_border"].astype(bool).any()


def _counts(
    particles: "pd.DataFrame", used: "pd.DataFrame", voids: "pd.DataFrame | None", aggregates: "pd.DataFrame | None"
) -> dict[str, int]:
    cut = int(particles["touches_border"].astype(bool).sum()) if "touches_border" in particles.columns else 0
    counts = {"particles": len(particles), "interior": len(particles) - cut, "border": cut, "used": len(used)}
    counts["voids"] = 0 if voids is None else len(voids)
    counts["aggregates"] = 0 if aggregates is None else len(aggregates)
    if "class" in particles.columns:
        classes = particles["class"].astype(str)
        counts |= {name: int((classes == name).sum()) for name in ("single", "porous", "aggregate")}
    if "flags" in particles.columns:
        counts["flagged"] = sum(map(flags.is_serious, particles["flags"].fillna("").astype(str)))
    return counts


def _column(column: "pd.Series") -> dict[str, float | int]:
    values = column.to_numpy(dtype=float, na_value=np.nan)
    values = values[np.isfinite(values)]
    found: dict[str, float | int] = {"n": len(values)}
    if len(values) == 0:
        return found | dict.fromkeys(("median", "low", "high", "q25", "q75", "mean", "sd"), float("nan"))
    low, high = quantile_interval(values, 0.5)
    q25, median, q75 = (float(q) for q in np.quantile(values, [0.25, 0.5, 0.75]))
    sd = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return found | {
        **{"median": median, "low": low, "high": high, "q25": q25, "q75": q75},
        **{"mean": float(values.mean()), "sd": sd},
    }


def _sizes(used: "pd.DataFrame", unit: str, seed: int) -> dict[str, Any]:
    column = f"equivalent_diameter_{unit}"
    diameter = _values(used, column)
    diameter = np.sort(diameter[np.isfinite(diameter)])
    by_number = np.quantile(diameter, SHARES) if len(diameter) else np.full(3, np.nan)
    return {
        "column": column,
        "by_number": _d_values(by_number, [quantile_interval(diameter, s) for s in SHARES]),
        # of the equivalent sphere: the constant falls out
        "by_volume": _weighted_sizes(diameter, diameter**3, seed),
    }


def _weighted_sizes(diameter: np.ndarray, weights: np.ndarray, seed: int) -> dict[str, Any]:
    found = weighted_quantiles(diameter, weights, SHARES)
    return _d_values(found, weighted_quantile_intervals(diameter, weights, SHARES, seed))


def _d_values(values: np.ndarray, intervals: list[tuple[float, float]]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: {"value": float(v), "low": low, "high": high}
        for name, v, (low, high) in zip(("d10", "d50", "d90"), values, intervals)
    }
    found["span"] = float((values[2] - values[0]) / values[1])
    return found


def _void_fraction(used: "pd.DataFrame", unit: str, seed: int, weights: np.ndarray | float = 1.0) -> dict[str, float]:
    """Void volume over envelope volume of all particles together, with a bootstrap interval over particles."""
    volume_name = f"volume_{unit}3"
    if "void_fraction" not in used.columns or volume_name not in used.columns:
        return _nothing()
    volume = _values(used, volume_name) * weights
    void = volume * _values(used, "void_fraction")
    known = np.isfinite(void)
    volume, void = volume[known], void[known]
    if volume.sum() <= 0:
        return _nothing()
    low, high = ratio_interval(void, volume, seed)
    return {"value": float(void.sum() / volume.sum()), "low": low, "high": high}


def _volume_share(used: "pd.DataFrame", particles: "pd.DataFrame", unit: str) -> float:
    """Share of the volume of all particles that lies in those that the statistics use."""
    if f"volume_{unit}3" not in particles.columns:
        return float("nan")
    part, whole = (float(np.nansum(_values(frame, f"volume_{unit}3"))) for frame in (used, particles))
    return part / whole if whole > 0 else float("nan")


def _nothing() -> dict[str, float]:
    return dict.fromkeys(("value", "low", "high"), float("nan"))


def _void_size(voids: "pd.DataFrame | None", unit: str) -> dict[str, Any]:
    column = f"equivalent_diameter_{unit}"
    if voids is None or column not in voids.columns or len(voids) == 0:
        return {}
    return {"column": column} | _column(voids[column])


def _class_share(used: "pd.DataFrame", unit: str, classes: tuple[str, ...]) -> dict[str, float]:
    """Share by number with its interval, and by volume, of the particles of these classes."""
    if "class" not in used.columns or len(used) == 0:
        return _nothing() | {"by_volume": float("nan")}
    hit = used["class"].isin(classes).to_numpy()
    low, high = share_interval(int(hit.sum()), len(used))
    volume = _values(used, f"volume_{unit}3")
    by_volume = float(volume[hit].sum() / volume.sum()) if volume.sum() > 0 else float("nan")
    return {"value": float(hit.mean()), "low": low, "high": high, "by_volume": by_volume}


def _with_size(used: "pd.DataFrame", unit: str) -> dict[str, Any]:
    """Spearman's correlation of shape columns with the equivalent diameter."""
    diameter = _values(used, f"equivalent_diameter_{unit}")
    return {c: rank_correlation(diameter, _values(used, c)) for c in WITH_SIZE if c in used.columns}


def _corrected(used: "pd.DataFrame", unit: str, seed: int, shape: tuple[int, int, int] | None) -> dict[str, Any]:
    """Sizes, medians and shares when each whole particle counts by its `intervals.border_weights`; {} without any."""
    boxes = list(identity.BOX)
    whole = "touches_border" in used.columns and not used["touches_border"].astype(bool).any()
    if shape is None or not whole or len(used) == 0 or not set(boxes) <= set(used.columns):
        return {}
    weights = intervals.border_weights(used[boxes].to_numpy(np.int64), shape)
    diameter = _values(used, f"equivalent_diameter_{unit}")
    found: dict[str, Any] = {
        "method": "Miles-Lantuejoul",
        "particles": float(weights.sum()),
        "effective_number": intervals.effective_number(weights),
        "largest_weight": float(weights.max()),
        "size": {
            "by_number": _weighted_sizes(diameter, weights, seed),
            "by_volume": _weighted_sizes(diameter, weights * diameter**3, seed),
        },
        "columns": {},
        "void_fraction": _void_fraction(used, unit, seed, weights),
    }
    for column in (h.format(u=unit) for h in HEADLINE):
        if column in used.columns:
            found["columns"][column] = _weighted_median(_values(used, column), weights, seed)
    for name, classes in CLASSES.items():
        if "class" in used.columns:
            share = float(weights[used["class"].isin(classes).to_numpy()].sum() / weights.sum())
            low, high = share_interval(share * found["effective_number"], found["effective_number"])
            found[f"{name}_fraction"] = {"value": share, "low": low, "high": high}
    return found


def _weighted_median(values: np.ndarray, weights: np.ndarray, seed: int) -> dict[str, float]:
    known = np.isfinite(values)
    half = np.array([0.5])
    low, high = weighted_quantile_intervals(values[known], weights[known], half, seed)[0]
    return {"median": float(weighted_quantiles(values[known], weights[known], half)[0]), "low": low, "high": high}
