"""Tables of the page: which rows and columns, and their cells as texts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...results.population import HEADLINE
from .words import DASH, interval, number, percent, unit_word

if TYPE_CHECKING:
    import pandas as pd

    from ...results.run_folder import RunFolder

LARGEST_ROWS = 12
_SHARES = {
    "void_fraction": "void fraction",
    "porous_fraction": "porous particles",
    "aggregate_fraction": "in aggregates",
    "defective_fraction": "porous or in aggregates",
}
_PARTICLES = (
    "class", "equivalent_diameter_{u}", "ellipticity_yx", "ellipticity_zx", "ellipticity_zy", "sphericity",
    "sphericity_wadell", "roundness", "solidity", "void_fraction", "void_count", "n_contacts", "flags",
)  # fmt: skip
_VOIDS = (
    "label", "equivalent_diameter_{u}", "volume_{u}3", "thickness_{u}", "depth_{u}", "ellipticity_yx", "ellipticity_zx",
    "ellipticity_zy", "kind", "open", "resolved", "flags",
)  # fmt: skip
_AGGREGATES = (
    "n_members", "equivalent_diameter_{u}", "volume_{u}3", "solidity", "weld_area_{u}2", "weld_ratio_max",
    "void_fraction", "score", "joint", "reasons",
)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table ready to be printed: heads of (name, unit), rows of texts, and how many rows there are in all."""

    heads: list[tuple[str, str]]
    rows: list[list[str]]
    total: int


def head(column: str, unit: str) -> tuple[str, str]:
    """A column's name in words, and its unit."""
    for ending, power in ((f"_{unit}3", 3), (f"_{unit}2", 2), (f"_{unit}", 1)):
        if column.endswith(ending):
            return column.removesuffix(ending).replace("_", " "), unit_word(unit, power)
    return column.replace("_", " "), ""


def cell(value: Any) -> str:
    """A value as text."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return f"{int(value)}"
    if isinstance(value, (float, np.floating)):
        return number(float(value))
    text = "" if value is None else str(value)
    return "" if text in ("nan", "<NA>", "None") else ", ".join(_flag(word) for word in text.split(";"))


def _flag(word: str) -> str:
    """One of the words that flags and reasons list; `not_resolved:a+b+c` of older runs by its count."""
    name, _, columns = word.partition(":")
    name = name.replace("_", " ")
    return f"{name} ({columns.count('+') + 1} columns)" if columns else name


def largest(frame: "pd.DataFrame", columns: Sequence[str], unit: str) -> Table:
    """The rows of the largest volume with the columns that are there; empty columns are left out."""
    volume = f"volume_{unit}3"
    by = frame.sort_values(volume, ascending=False, kind="stable") if volume in frame.columns else frame
    shown = by.head(LARGEST_ROWS)
    names = [c for c in (c.format(u=unit) for c in columns) if c in shown.columns]
    names = [c for c in names if any(cell(v) not in ("", DASH) for v in shown[c])]
    heads = [head(str(frame.index.name or ""), unit), *(head(c, unit) for c in names)]
    cells = [[str(index), *(cell(row[c]) for c in names)] for index, row in shown.iterrows()]
    return Table(heads, cells, len(frame))


def particles(run: "RunFolder") -> Table:
    """The largest particles."""
    return largest(run.particles, _PARTICLES, run.unit)


def voids(run: "RunFolder") -> Table:
    """The largest voids."""
    return largest(run.voids, _VOIDS, run.unit)


def aggregates(run: "RunFolder") -> Table:
    """The largest aggregates."""
    return largest(run.aggregates, _AGGREGATES, run.unit)


def medians(summary: dict[str, Any]) -> Table:
    """Median, its interval, quartiles and mean of the headline columns."""
    unit = summary.get("unit", "um")
    heads = [("", ""), ("median", ""), ("95 % interval", ""), ("quartiles", ""), ("mean ± sd", ""), ("n", "")]
    rows = []
    found, plain = summary.get("columns", {}), uncorrected(summary).get("columns", {})
    if plain:
        heads.append(("uncorrected median", ""))
    for column in (h.format(u=unit) for h in HEADLINE):
        c = found.get(column)
        if not c or not c.get("n"):
            continue
        name, unit_text = head(column, unit)
        quartiles = f"{number(c['q25'])} to {number(c['q75'])}"
        spread = f"{number(c['mean'])} ± {number(c['sd'])}"
        label = f"{name} ({unit_text})" if unit_text else name
        row = [label, number(c["median"]), interval(c) or DASH, quartiles, spread, number(c["n"])]
        rows.append([*row, number(plain.get(column, {}).get("median"))] if plain else row)
    return Table(heads, rows, len(rows))


def sizes(summary: dict[str, Any]) -> Table:
    """D10, D50, D90 by number and by volume and the shares, and what they are without the weights of the border."""
    unit, plain = unit_word(summary.get("unit", "um")), uncorrected(summary)
    heads = [("", ""), ("found", ""), ("95 % interval", "")]
    heads += [("whole ones, each once", ""), ("95 % interval", "")] if plain else []
    parts = [summary, plain] if plain else [summary]
    rows = []
    for weight in ("number", "volume"):
        for name in ("d10", "d50", "d90"):
            cells = [part.get("size", {}).get(f"by_{weight}", {}).get(name, {}) for part in parts]
            rows.append([f"{name.upper()} by {weight} ({unit})", *_both(cells, number)])
    for name, label in _SHARES.items():
        rows.append([label, *_both([part.get(name, {}) for part in parts], percent)])
    rows = [row for row in rows if row[1] != DASH]
    return Table(heads, rows, len(rows))


def uncorrected(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers when each whole particle counts once; {} where they are the same."""
    return summary.get("border", {}).get("uncorrected", {})


def _both(cells: Sequence[Mapping[str, Any]], show: Callable[[Any], str]) -> list[str]:
    return [text for c in cells for text in (show(c.get("value")), interval(c, show) or DASH)]
