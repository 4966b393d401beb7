"""The glossary: every column of every table, made from the registry."""

import math
from collections.abc import Sequence

from .registry import Descriptor
from .rows import AGGREGATES, VOIDS, Rows, particle_rows

FIELDS = (
    "table",
    "group",
    "descriptor",
    "name",
    "unit",
    "definition",
    "formula",
    "source",
    "range",
    "smallest",
    "elsewhere",
)


def glossary(suffix: str = "um", channels: Sequence[str] = ("NAME",)) -> list[dict[str, str]]:
    """One row a column, in the order of the tables, those made on demand among them; keys are FIELDS, all values text.

    Parameters
    ----------
    suffix : {"um", "px"}
        Unit of lengths.
    channels : sequence of str
        Names of channels, whose columns begin with them.
    """
    tables = (particle_rows(channels, "morphometry"), VOIDS, AGGREGATES)
    return [_row(rows, about, suffix) for rows in tables for about in rows]


def _row(rows: Rows, about: Descriptor, suffix: str) -> dict[str, str]:
    return {
        "table": rows.title,
        "group": about.group,
        "descriptor": about.name,
        "name": about.column(suffix),
        "unit": about.unit_text(suffix),
        "definition": about.definition,
        "formula": about.symbol,
        "source": about.source,
        "range": _range(about.bounds),
        "smallest": f"{about.smallest:g} voxels across" if about.smallest else "",
        "elsewhere": "; ".join(f"{program}: {meaning}" for program, meaning in about.also.items()),
    }


def _range(bounds: tuple[float, float]) -> str:
    low, high = bounds
    if math.isinf(low) and math.isinf(high):
        return ""
    return f"{low:g} and above" if math.isinf(high) else f"{low:g} to {high:g}"
