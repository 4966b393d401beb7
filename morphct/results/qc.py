"""Limits a sample has to keep, and whether it does."""

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..ground.errors import SettingsError
from ..ground.options import nearest
from .population import number_names


@dataclass(frozen=True)
class Verdict:
    """One limit and what was found; `passed` is False as well when there is no value to hold against it."""

    name: str
    value: float
    min: float | None
    max: float | None
    passed: bool

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, as `summary.json` keeps them under `qc`."""
        return asdict(self)


def check_limits(limits: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Limits from the settings, as numbers: `{"d50_number": {"min": 1.0, "max": 3.0}}`.

    Raises
    ------
    SettingsError
        When a limit is not a table with `min`, `max` or both as numbers.
    """
    checked: dict[str, dict[str, float]] = {}
    for name, limit in limits.items():
        if not isinstance(limit, Mapping) or not limit or set(limit) - {"min", "max"}:
            raise SettingsError(f"qc.{name} is {limit!r}; a limit is written `{name} = {{ min = 1.0, max = 3.0 }}`")
        try:
            edges = {edge: float(value) for edge, value in limit.items()}
        except (TypeError, ValueError):
            edges = {"min": math.nan}
        if any(math.isnan(v) for v in edges.values()) or edges.get("min", -math.inf) > edges.get("max", math.inf):
            raise SettingsError(f"qc.{name} is {dict(limit)!r}; min and max are numbers and min is not above max")
        checked[name] = edges
    return checked


def refuse_unknown(limits: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse a limit that names no number of a sample, before the sample is measured.

    Parameters
    ----------
    limits : mapping of str to anything
    known : collection of str
        Names that the sample's numbers will have.

    Raises
    ------
    SettingsError
        With the nearest name.
    """
    for name in limits:
        if name not in known:
            raise SettingsError(
                f"qc.{name} names no number of this sample{nearest(name, known)}; a limit names a headline column or "
                f"one of {', '.join(sorted(n for n in known if n.startswith(('n_', 'd', 'span'))))}"
            )


def judge(numbers: Mapping[str, float], limits: Mapping[str, Mapping[str, float]]) -> list[Verdict]:
    """Hold a sample's numbers (`population.numbers`) against limits.

    Parameters
    ----------
    numbers : mapping of str to float
        Values by name; NaN where there is none.
    limits : mapping of str to mapping
        `min`, `max` or both by name; a headline column that this sample does not have breaks its limit.

    Raises
    ------
    SettingsError
        When a limit names no number that a sample can have.
    """
    refuse_unknown(limits, {*numbers, *number_names("um"), *number_names("px")})
    verdicts = []
    for name, limit in limits.items():
        value, low, high = float(numbers.get(name, math.nan)), limit.get("min"), limit.get("max")
        passed = not math.isnan(value) and (low is None or value >= low) and (high is None or value <= high)
        verdicts.append(Verdict(name, value, low, high, passed))
    return verdicts
