"""Colours of particles by a column of their table: continuous, by class, or one of its own for each."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...results.population import HEADLINE
from ..figures import CLASS_COLOURS, QUANTITY

if TYPE_CHECKING:
    import pandas as pd
    import pyvista as pv

    from ...results.run_folder import RunFolder

OWN = "label"  # the column that gives every particle a colour of its own
NO_VALUE = "#b9bfc4"
_OWN_COLOURS = 64
_POWERS = {"": "", "2": "²", "3": "³"}
_UNIT = re.compile(r"_(um|px)([23]?)$")


@dataclass(frozen=True)
class Colouring:
    """How particles are coloured by one column.

    Parameters
    ----------
    column, title : str
        The column, and its name and unit in words.
    values : Series
        What is looked up per particle, index = label; codes for categories.
    table : pyvista.LookupTable
        Colours over `span`.
    span : tuple of float
        Lowest and highest value of the colour bar.
    categories : tuple of str
        Names of codes 0, 1, ...; empty for quantities.
    """

    column: str
    title: str
    values: "pd.Series"
    table: "pv.LookupTable"
    span: tuple[float, float]
    categories: tuple[str, ...] = ()

    def stops(self, count: int = 16) -> list[str]:
        """Colours at even steps of the span, as `#rrggbb`; one per category where there are categories."""
        values = range(len(self.categories)) if self.categories else np.linspace(*self.span, count)
        shades = [self.table.map_value(float(v))[:3] for v in values]
        return ["#" + "".join(f"{round(255 * part):02x}" for part in shade) for shade in shades]


def column_title(name: str) -> str:
    """A column's name in words with its unit: `equivalent diameter (µm)`."""
    match = _UNIT.search(name)
    words = name[: match.start()] if match else name
    words = words.replace("_", " ").strip()
    if not match:
        return words
    unit = "µm" if match[1] == "um" else "voxel"
    return f"{words} ({unit}{_POWERS[match[2]]})"


def colour_columns(run: "RunFolder") -> list[str]:
    """Columns that particles can be coloured by: the headline ones first, class and own colour, then all numbers."""
    table = run.particles
    headline = [c for c in (h.format(u=run.unit) for h in HEADLINE) if c in table.columns]
    special = [c for c in ("class", "touches_border") if c in table.columns]
    numeric = [c for c in table.columns if table[c].dtype.kind in "iuf" and c not in headline and c not in special]
    return [*headline, *special, OWN, *numeric]


def colouring(run: "RunFolder", column: str) -> Colouring:
    """The colouring of a run's particles by a column (or by `label`, a colour each).

    Raises
    ------
    KeyError
        When the table has no such column.
    """
    table = run.particles
    if column == OWN:
        return _own(table)
    if column not in table.columns:
        raise KeyError(column)
    if column == "class" or table[column].dtype.kind not in "iuf":
        return _categories(table, column)
    return _quantity(table, column)


def _quantity(table: "pd.DataFrame", column: str) -> Colouring:
    import pyvista as pv

    values = table[column].astype(float)
    known = values[np.isfinite(values)]
    # a few extremes must not wash out all the rest
    low, high = (float(v) for v in np.quantile(known, [0.01, 0.99])) if len(known) else (0.0, 1.0)
    if high <= low:
        pad = abs(low) * 0.05 or 0.5
        low, high = low - pad, high + pad
    colours = pv.LookupTable(QUANTITY, n_values=256, scalar_range=(low, high), nan_color=NO_VALUE)
    return Colouring(column, column_title(column), values, colours, (low, high))


def _categories(table: "pd.DataFrame", column: str) -> Colouring:
    import pyvista as pv

    texts = table[column].astype(str)
    if table[column].dtype.kind == "b":
        texts = texts.map({"True": "yes", "False": "no"})
    if column == "class":
        names = tuple(CLASS_COLOURS)
        colours = list(CLASS_COLOURS.values())
    else:
        names = tuple(sorted(texts.unique())[:8])
        wheel = ["#9fb8c4", "#c4581a", "#3b3f8f", "#6aa56a", "#d9b23c", "#7d4f8a", "#2f7d86", "#8c8c8c"]
        colours = wheel[: len(names)]
    codes = texts.map({n: i for i, n in enumerate(names)}).astype(float)
    span = (-0.5, max(len(names), 1) - 0.5)
    return Colouring(column, column_title(column), codes, _steps(pv, colours or [NO_VALUE], span), span, names)


def _own(table: "pd.DataFrame") -> Colouring:
    """Neighbouring labels far apart in colour, the same colours each time."""
    import matplotlib
    import pandas as pd
    import pyvista as pv

    shades = matplotlib.colormaps[QUANTITY](np.random.default_rng(7).permutation(_OWN_COLOURS) / (_OWN_COLOURS - 1))
    codes = pd.Series((table.index.to_numpy(dtype=np.int64) % _OWN_COLOURS).astype(float), index=table.index)
    span = (-0.5, _OWN_COLOURS - 0.5)
    return Colouring(OWN, "each in a colour of its own", codes, _steps(pv, list(shades[:, :3]), span), span)


def _steps(pv: Any, colours: list[Any], span: tuple[float, float]) -> "pv.LookupTable":
    values = np.array([[*pv.Color(tuple(c) if not isinstance(c, str) else c).int_rgb, 255] for c in colours], np.uint8)
    table = pv.LookupTable(values=values, scalar_range=span, nan_color=NO_VALUE)
    return table
