"""The population in numbers: functions of the tables alone, no voxel is read.

Particles cut by the border of the volume are counted but left out of the statistics, as long as there are others.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Z95 = 1.959964  # two-sided 95 % of a normal distribution
FEWEST = 6  # below this many values an interval says nothing
_DRAWS = 4_000_000  # bootstrap draws in all: 1000 resamples up to 4000 particles, fewer above, at least 50

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


def weighted_quantiles(values: np.ndarray, weights: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Quantiles of `values` (N,) when each counts as much as its weight (N,); linear between the middles of the steps.

    A value's place on the cumulative curve is the weight below it plus half its own, over the sum.
    """
    order = np.argsort(values, kind="stable")
    return _sorted_quantiles(values[order], weights[order], shares)


def _sorted_quantiles(values: np.ndarray, weights: np.ndarray, shares: np.ndarray) -> np.ndarray:
    total = weights.sum()
    if len(values) == 0 or total <= 0:
        return np.full(len(shares), np.nan)
    places = (np.cumsum(weights) - 0.5 * weights) / total
    return np.interp(shares, places, values)


def quantile_interval(values: np.ndarray, share: float) -> tuple[float, float]:
    """95 % interval of a quantile of `values` (N,), from the ranks alone (no assumption on the distribution).

    The number of values below the true quantile is binomial; its normal approximation gives the two ranks.
    (NaN, NaN) with fewer than six values or when a rank falls outside.
    """
    ordered = np.sort(values[np.isfinite(values)])
    n = len(ordered)
    half = Z95 * np.sqrt(n * share * (1 - share))
    low, high = int(np.floor(n * share - half)) - 1, int(np.ceil(n * share + half))
    if n < FEWEST or low < 0 or high >= n:
        return float("nan"), float("nan")
    return float(ordered[low]), float(ordered[high])


def share_interval(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share of `hits` in `n` (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    if n == 0:
        return float("nan"), float("nan")
    p, z2 = hits / n, Z95**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * np.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def summarise(
    particles: "pd.DataFrame",
    voids: "pd.DataFrame | None" = None,
    aggregates: "pd.DataFrame | None" = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Population numbers of a sample: what `summary.json` holds.

    Parameters
    ----------
    particles, voids, aggregates : DataFrame
        The tables of a run.
    seed : int
        Of the bootstrap behind the intervals of volume-weighted numbers.

    Returns
    -------
    dict
        `counts`, `size` (D10, D50, D90 `by_number` and `by_volume`), `columns` (median, quartiles, mean, sd of the
        headline columns), `void_fraction`, shares of classes. Numbers with an uncertainty are `{value, low, high}`
        with a 95 % interval; NaN where nothing can be said.
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
        "void_size": _void_size(voids, unit),
        "aggregate_fraction": _class_share(used, unit, ("aggregate",)),
        "porous_fraction": _class_share(used, unit, ("porous",)),
        "defective_fraction": _class_share(used, unit, ("porous", "aggregate")),
    }


def numbers(summary: dict[str, Any]) -> dict[str, float]:
    """A summary as one flat row: the single numbers that limits, batch tables and sentences name.

    `n_particles`, `n_interior`, `n_voids`, `n_aggregates`, `d10_number` ... `d90_volume`, `span_number`, `span_volume`,
    `void_fraction`, `aggregate_fraction`, `porous_fraction`, `defective_fraction`, and each headline column's median
    under the column's own name (but `void_fraction`, which is that of the whole population).
    """
    row: dict[str, float] = {name: _number(c["median"]) for name, c in summary.get("columns", {}).items()}
    counts = summary.get("counts", {})
    for name in ("particles", "interior", "voids", "aggregates"):
        row[f"n_{name}"] = _number(counts.get(name))
    for weight in ("number", "volume"):
        sizes = summary.get("size", {}).get(f"by_{weight}", {})
        for name in ("d10", "d50", "d90"):
            row[f"{name}_{weight}"] = _number(sizes.get(name, {}).get("value"))
        row[f"span_{weight}"] = _number(sizes.get("span"))
    for name in ("void_fraction", "aggregate_fraction", "porous_fraction", "defective_fraction"):
        row[name] = _number(summary.get(name, {}).get("value"))
    return row


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


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
        counts["flagged"] = int((particles["flags"].fillna("").astype(str) != "").sum())
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
    diameter = used[column].to_numpy(dtype=float, na_value=np.nan)
    diameter = np.sort(diameter[np.isfinite(diameter)])
    volume = diameter**3  # of the equivalent sphere: the constant falls out
    shares = np.array([0.1, 0.5, 0.9])
    found: dict[str, Any] = {"column": column}
    by_number = np.quantile(diameter, shares) if len(diameter) else np.full(3, np.nan)
    found["by_number"] = _d_values(by_number, [quantile_interval(diameter, s) for s in shares])
    draws = np.array([_sorted_quantiles(diameter, w * volume, shares) for w in _resamples(len(diameter), seed)])
    intervals = [_percentiles(draws[:, i]) if len(draws) else (float("nan"),) * 2 for i in range(3)]
    found["by_volume"] = _d_values(_sorted_quantiles(diameter, volume, shares), intervals)
    return found


def _d_values(values: np.ndarray, intervals: list[tuple[float, float]]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: {"value": float(v), "low": low, "high": high}
        for name, v, (low, high) in zip(("d10", "d50", "d90"), values, intervals)
    }
    found["span"] = float((values[2] - values[0]) / values[1])
    return found


def _resamples(n: int, seed: int) -> Iterator[np.ndarray]:
    """How often each of n values is drawn, per resample; none for fewer values than an interval needs."""
    if n < FEWEST:
        return
    rng = np.random.default_rng(seed)
    for _ in range(int(np.clip(_DRAWS // n, 50, 1000))):
        yield np.bincount(rng.integers(0, n, n), minlength=n)


def _percentiles(draws: np.ndarray) -> tuple[float, float]:
    draws = draws[np.isfinite(draws)]
    if len(draws) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def _void_fraction(used: "pd.DataFrame", unit: str, seed: int) -> dict[str, float]:
    """Void volume over envelope volume of all particles together, with a bootstrap interval over particles."""
    nothing = dict.fromkeys(("value", "low", "high"), float("nan"))
    volume_name = f"volume_{unit}3"
    if "void_fraction" not in used.columns or volume_name not in used.columns or len(used) == 0:
        return nothing
    volume = used[volume_name].to_numpy(dtype=float, na_value=np.nan)
    void = volume * used["void_fraction"].to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(void)
    volume, void = volume[known], void[known]
    if volume.sum() <= 0:
        return nothing
    draws = np.array([(w @ void) / (w @ volume) for w in _resamples(len(void), seed)])
    low, high = _percentiles(draws)
    return {"value": float(void.sum() / volume.sum()), "low": low, "high": high}


def _void_size(voids: "pd.DataFrame | None", unit: str) -> dict[str, Any]:
    column = f"equivalent_diameter_{unit}"
    if voids is None or column not in voids.columns or len(voids) == 0:
        return {}
    return {"column": column} | _column(voids[column])


def _class_share(used: "pd.DataFrame", unit: str, classes: tuple[str, ...]) -> dict[str, float]:
    """Share by number with its interval, and by volume, of the particles of these classes."""
    if "class" not in used.columns or len(used) == 0:
        return dict.fromkeys(("value", "low", "high", "by_volume"), float("nan"))
    hit = used["class"].isin(classes).to_numpy()
    low, high = share_interval(int(hit.sum()), len(used))
    volume = used[f"volume_{unit}3"].to_numpy(dtype=float)
    by_volume = float(volume[hit].sum() / volume.sum()) if volume.sum() > 0 else float("nan")
    return {"value": float(hit.mean()), "low": low, "high": high, "by_volume": by_volume}
