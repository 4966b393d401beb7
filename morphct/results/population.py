"""The population in numbers: functions of the tables alone, no voxel is read.

One population a number, the one with the least bias: shares of volume are those of all particles, cut ones too; sizes,
shapes and classes those of whole particles, weighted for what the border of the volume cuts.
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

    from .run_folder import RunFolder

SHARES = np.array([0.1, 0.5, 0.9])
QUARTILES = np.array([0.25, 0.5, 0.75])
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

    Shares of volume are those of all particles, cut ones too: every voxel counts once. Sizes, shapes and classes are
    those of whole particles; where the border cuts some, each whole one counts by `intervals.border_weights`.

    Parameters
    ----------
    particles, voids, aggregates : DataFrame
        The tables of a run.
    seed : int
        Of the bootstrap behind the intervals of weighted numbers.
    shape : (Z, Y, X), optional
        Voxels of the volume; without it nothing is weighted.

    Returns
    -------
    dict
        `counts`, `size` (D10, D50, D90 `by_number` and `by_volume`), `columns` (median, quartiles, mean, sd of the
        headline columns), `void_fraction`, shares of classes, `size_correlation` (Spearman's, of shape with size);
        `whole_volume_share`: how much of the volume of all particles is in whole ones; `border`: the weights, and
        under `uncorrected` the same numbers when each whole particle counts once; {} where nothing is weighted.
        Numbers with an uncertainty are `{value, low, high}` with a 95 % interval; NaN where nothing can be said.
        `population` says of each whether it is of `all` particles or of the `whole` ones, `n` of how many.
    """
    unit = unit_of(particles)
    used = interior(particles)
    of = "whole" if len(used) < len(particles) or _none_cut(particles) else "all"
    weights = _weights(used, particles, shape)
    return {
        "unit": unit,
        "statistics_on": "interior" if of == "whole" else "all",
        "counts": _counts(particles, used, voids, aggregates),
        **_statistics(used, weights, unit, seed, of),
        "void_fraction": _void_fraction(particles, unit, seed) | {"population": "all", "n": len(particles)},
        "whole_volume_share": _volume_share(used, particles, unit),
        "void_size": _void_size(voids, unit),
        "size_correlation": _with_size(used, unit),
        "border": _border(used, weights, unit, seed),
    }


def _statistics(
    used: "pd.DataFrame", weights: np.ndarray | None, unit: str, seed: int, of: str = "whole"
) -> dict[str, Any]:
    """Sizes, medians and shares of classes; weights: how much each row counts, None: all the same."""
    about = {"population": of, "n": len(used)}
    columns = [c for c in (h.format(u=unit) for h in HEADLINE) if c in used.columns]
    shares = {f"{n}_fraction": _class_share(used, unit, classes, weights) | about for n, classes in CLASSES.items()}
    return {
        "size": _sizes(used, weights, unit, seed) | about,
        "columns": {c: _column(_values(used, c), weights, seed) for c in columns},
        **shares,
    }


def numbers(summary: dict[str, Any]) -> dict[str, float]:
    """A summary as one flat row: the single numbers that limits, batch tables and sentences name.

    `n_particles`, `n_interior`, `n_voids`, `n_aggregates`, `d10_number` ... `d90_volume`, `span_number`, `span_volume`,
    `void_fraction`, `aggregate_fraction`, `porous_fraction`, `defective_fraction`, and each headline column's median
    under the column's own name (but `void_fraction`, which is that of all particles together, as of one body).
    Diameters and shares with the ending `_uncorrected` count each whole particle once, where the others are weighted
    for the border; `whole_volume_share` of the volume of all particles is in whole ones; `sphericity_size_correlation`
    is Spearman's.
    """
    row: dict[str, float] = {name: _number(c["median"]) for name, c in summary.get("columns", {}).items()}
    row["whole_volume_share"] = _number(summary.get("whole_volume_share"))
    row["void_fraction"] = _number(summary.get("void_fraction", {}).get("value"))
    counts = summary.get("counts", {})
    for name in ("particles", "interior", "voids", "aggregates"):
        row[f"n_{name}"] = _number(counts.get(name))
    for part, ending in ((summary, ""), (summary.get("border", {}).get("uncorrected", {}), "_uncorrected")):
        for weight in ("number", "volume"):
            sizes = part.get("size", {}).get(f"by_{weight}", {})
            for name in ("d10", "d50", "d90"):
                row[f"{name}_{weight}{ending}"] = _number(sizes.get(name, {}).get("value"))
            if not ending:
                row[f"span_{weight}"] = _number(sizes.get("span"))
        for name in CLASSES:
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


def _column(values: np.ndarray, weights: np.ndarray | None = None, seed: int = 0) -> dict[str, float | int]:
    """Median with its interval, quartiles, mean and standard deviation of values (N,)."""
    known = np.isfinite(values)
    values = values[known]
    found: dict[str, float | int] = {"n": len(values)}
    if len(values) == 0:
        return found | dict.fromkeys(("median", "low", "high", "q25", "q75", "mean", "sd"), float("nan"))
    if weights is None:
        low, high = quantile_interval(values, 0.5)
        q25, median, q75 = (float(q) for q in np.quantile(values, QUARTILES))
        mean, sd = float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    else:
        weights = weights[known]
        q25, median, q75 = (float(q) for q in weighted_quantiles(values, weights, QUARTILES))
        low, high = weighted_quantile_intervals(values, weights, QUARTILES[1:2], seed)[0]
        mean, sd = intervals.weighted_moments(values, weights)
    return found | {"median": median, "low": low, "high": high, "q25": q25, "q75": q75, "mean": mean, "sd": sd}


def _sizes(used: "pd.DataFrame", weights: np.ndarray | None, unit: str, seed: int) -> dict[str, Any]:
    column = f"equivalent_diameter_{unit}"
    diameter = _values(used, column)
    known = np.isfinite(diameter)
    diameter, each = diameter[known], np.ones(known.sum()) if weights is None else weights[known]
    if weights is None:
        values = np.quantile(diameter, SHARES) if len(diameter) else np.full(3, np.nan)
        by_number = _d_values(values, [quantile_interval(diameter, s) for s in SHARES])
    else:
        by_number = _weighted_sizes(diameter, each, seed)
    # by volume of the equivalent sphere: the constant falls out
    by_volume = _weighted_sizes(diameter, each * diameter**3, seed)
    return {"column": column, "by_number": by_number, "by_volume": by_volume}


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


def _void_fraction(used: "pd.DataFrame", unit: str, seed: int) -> dict[str, Any]:
    """Void volume over envelope volume of these particles together, with a bootstrap interval over particles."""
    volume_name = f"volume_{unit}3"
    if "void_fraction" not in used.columns or volume_name not in used.columns:
        return _nothing()
    void = _values(used, volume_name) * _values(used, "void_fraction")
    volume = _own_volume(used, unit)
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
    part, whole = (float(np.nansum(_own_volume(frame, unit))) for frame in (used, particles))
    return part / whole if whole > 0 else float("nan")


def _own_volume(frame: "pd.DataFrame", unit: str) -> np.ndarray:
    """Envelope volumes without other particles in their holes, which count by themselves."""
    volume = _values(frame, f"volume_{unit}3")
    if not {"void_fraction", f"solid_volume_{unit}3"} <= set(frame.columns):
        return volume
    others = volume - _values(frame, f"solid_volume_{unit}3") - volume * _values(frame, "void_fraction")
    return np.where(others > 1e-9 * volume, volume - others, volume)  # less is rounding


def _nothing() -> dict[str, float]:
    return dict.fromkeys(("value", "low", "high"), float("nan"))


def _void_size(voids: "pd.DataFrame | None", unit: str) -> dict[str, Any]:
    column = f"equivalent_diameter_{unit}"
    if voids is None or column not in voids.columns or len(voids) == 0:
        return {}
    return {"column": column} | _column(_values(voids, column))


def _class_share(
    used: "pd.DataFrame", unit: str, classes: tuple[str, ...], weights: np.ndarray | None
) -> dict[str, Any]:
    """Share by number with its interval, and by volume, of the particles of these classes."""
    if "class" not in used.columns or len(used) == 0:
        return _nothing() | {"by_volume": float("nan")}
    each = np.ones(len(used)) if weights is None else weights
    hit = used["class"].isin(classes).to_numpy()
    share, n = float(each[hit].sum() / each.sum()), intervals.effective_number(each)
    low, high = share_interval(share * n, n)
    volume = _values(used, f"volume_{unit}3") * each
    by_volume = float(volume[hit].sum() / volume.sum()) if volume.sum() > 0 else float("nan")
    return {"value": share, "low": low, "high": high, "by_volume": by_volume}


def _with_size(used: "pd.DataFrame", unit: str) -> dict[str, Any]:
    """Spearman's correlation of shape columns with the equivalent diameter."""
    diameter = _values(used, f"equivalent_diameter_{unit}")
    return {c: rank_correlation(diameter, _values(used, c)) for c in WITH_SIZE if c in used.columns}


def border_weights_of(particles: "pd.DataFrame", shape: tuple[int, int, int] | None) -> np.ndarray:
    """How much each row counts where it is whole, (N,); 1 where the border cuts none, or all, or places are unknown."""
    boxes = list(identity.BOX)
    used = interior(particles)
    if shape is None or len(used) in (0, len(particles)) or not set(boxes) <= set(particles.columns):
        return np.ones(len(particles))
    return intervals.border_weights(particles[boxes].to_numpy(np.int64), shape)


def whole_particles(run: "RunFolder") -> tuple["pd.DataFrame", np.ndarray]:
    """The rows of a run that statistics use, and how much each counts, (N,)."""
    shape = run.provenance.get("input", {}).get("shape")
    used = interior(run.particles)
    weights = border_weights_of(run.particles, tuple(shape) if shape else None)
    return used, weights[run.particles.index.isin(used.index)]


def _weights(used: "pd.DataFrame", particles: "pd.DataFrame", shape: tuple[int, int, int] | None) -> np.ndarray | None:
    """How much each whole particle counts; None where all count the same."""
    weights = border_weights_of(particles, shape)[particles.index.isin(used.index)]
    return None if len(weights) == 0 or (weights == 1).all() else weights


def _border(used: "pd.DataFrame", weights: np.ndarray | None, unit: str, seed: int) -> dict[str, Any]:
    """What the weights are, and the numbers without them; {} without any."""
    if weights is None:
        return {}
    return {
        "method": "Miles-Lantuejoul",
        "particles": float(weights.sum()),
        "effective_number": intervals.effective_number(weights),
        "largest_weight": float(weights.max()),
        "uncorrected": _statistics(used, None, unit, seed)
        | {"void_fraction": _void_fraction(used, unit, seed) | {"population": "whole", "n": len(used)}},
    }
