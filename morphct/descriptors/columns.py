"""From results of passes to columns: each descriptor after what it needs, bounds kept, reasons for what is missing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..ground.errors import SettingsError
from .registry import Descriptor, chosen, inputs_of
from .rows import PARTICLES, Rows

# a digitised value up to this share beyond a bound is put on the bound (a ball's sphericity of 1.004); farther out it
# says nothing but that the body is too small
BOUND_TOLERANCE_SHARE = 0.02
OUT_OF_RANGE = "out_of_range"
# who and how large: every table has these, because population numbers, pages and pictures are about them
AFTERWARDS = ("flags", "not_resolved")  # made from the other columns
ALWAYS = ("identity", "volume", "solid_volume", "equivalent_diameter")


@dataclass
class Columns:
    """Computed columns of a table.

    Attributes
    ----------
    rows : Rows
        The table.
    names : tuple of str
        Descriptors asked for, in order.
    values : dict of str to (N,) array
        What was asked for and what that needed, by name of descriptor.
    reasons : dict of str to (N,) array of str
        Flag that tells why a value is missing, "" where it is not; for the columns that miss any.
    """

    rows: Rows
    names: tuple[str, ...]
    values: dict[str, np.ndarray] = field(default_factory=dict)
    reasons: dict[str, np.ndarray] = field(default_factory=dict)


def available(rows: Rows, results: Mapping[str, Any]) -> list[str]:
    """Columns that can be computed from these results of passes."""
    return [name for name in rows.columns if inputs_of(rows.known, [name]) <= set(results)]


def required(names: Iterable[str] = (), rows: Rows = PARTICLES) -> frozenset[str]:
    """Results of passes that these columns or groups need; all without names. `ALWAYS` are always there."""
    names = tuple(names)
    wanted = chosen(rows.known, [*names, *ALWAYS]) if names else list(rows.columns)
    return frozenset(inputs_of(rows.known, wanted))


def compute(results: Mapping[str, Any], names: Iterable[str] = (), rows: Rows = PARTICLES) -> Columns:
    """Compute columns from the results of passes.

    Parameters
    ----------
    results : mapping
        Arrays with a row for each thing, and scalars, by the names that descriptors have as parameters.
    names : iterable of str
        Columns or groups (`ALWAYS` are always added); none: all that the results allow.
    rows : Rows
        The table.

    Raises
    ------
    SettingsError
        When a name is not known, or needs what was not measured.
    """
    there = available(rows, results)
    wanted = there
    names = tuple(names)
    if names:
        asked = chosen(rows.known, names)
        missing = [n for n in asked if n not in there and n in rows.columns and n not in AFTERWARDS]
        if missing:
            raise SettingsError(
                f"descriptors.names asks for {missing[0]}, which needs {_what(rows, missing[0], results)}; "
                "give it or leave the column out"
            )
        wanted = [n for n in there if n in {*asked, *chosen(rows.known, ALWAYS)}]
    columns = Columns(rows, tuple(wanted))
    for name in wanted:
        _add(columns, name, results)
    return columns


def _what(rows: Rows, name: str, results: Mapping[str, Any]) -> str:
    lacking = inputs_of(rows.known, [name]) - set(results)
    return "a grey volume (--grey)" if any(n.startswith("grey") for n in lacking) else ", ".join(sorted(lacking))


def _add(columns: Columns, name: str, results: Mapping[str, Any]) -> None:
    """Compute one descriptor and, before it, what it needs."""
    if name in columns.values:
        return
    about = columns.rows.known[name]
    for other in about.inputs:
        if other in columns.rows.known:
            _add(columns, other, results)
    inputs = [columns.values[i] if i in columns.values else results[i] for i in about.inputs]
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.asarray(about.function(*inputs))
    if values.dtype.kind == "f":
        values, reasons = _bounded(values, about, columns)
        if (reasons != "").any():
            columns.reasons[name] = reasons
    columns.values[name] = values


def _bounded(values: np.ndarray, about: Descriptor, columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    """Values within their legal range, NaN where they cannot be had, and the reason for each of those."""
    low, high = about.bounds
    reasons = np.full(len(values), "", dtype=object)
    empty = np.isnan(values)
    for other in about.inputs:
        if other in columns.reasons:
            inherited = columns.reasons[other]
            reasons = np.where(empty & (reasons == "") & (inherited != ""), inherited, reasons)
    reasons[empty & (reasons == "")] = about.empty
    margin = [BOUND_TOLERANCE_SHARE * abs(b) if np.isfinite(b) else 0.0 for b in (low, high)]
    outside = ~empty & ((values < low - margin[0]) | (values > high + margin[1]) | ~np.isfinite(values))
    reasons[outside] = OUT_OF_RANGE
    return np.where(outside, np.nan, np.clip(values, low, high)), reasons
