"""The doubtful particles on the page, and how the headline numbers move: sentences, cards, a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import words
from .pictures import kept_cut
from .tables import Table

if TYPE_CHECKING:
    import pandas as pd

    from ...results.run_folder import RunFolder

MOST_CARDS = 12
PICTURE = "figures/doubtful_{}.png"
_NAMES: dict[str, tuple[str, Callable[[Any], str]]] = {
    "n_particles": ("particles", words.number),
    "n_interior": ("whole particles", words.number),
    **{
        f"{d}_{weight}": (f"{d.upper()} by {weight} ({{u}})", words.number)
        for weight in ("number", "volume")
        for d in ("d10", "d50", "d90")
    },
    "void_fraction": ("void fraction", words.percent),
    "porous_fraction": ("porous particles", words.percent),
    "aggregate_fraction": ("in aggregates", words.percent),
    "defective_fraction": ("porous or in aggregates", words.percent),
}


@dataclass(frozen=True)
class Card:
    """A doubtful particle as the page shows it."""

    label: int
    title: str
    doubt: str
    change: str
    address: str
    scale: str


def shown(review: "pd.DataFrame", particles: "pd.DataFrame") -> list[int]:
    """Labels of the first ones to look at; those cut by the border come after all others."""
    if "touches_border" not in particles.columns:
        return [int(label) for label in review.index[:MOST_CARDS]]
    cut = particles["touches_border"].astype(bool).reindex(review.index)
    return [int(label) for label in [*review.index[~cut], *review.index[cut]][:MOST_CARDS]]


def partner(row: "pd.Series") -> int:
    """The neighbour that the largest doubt of a row is about; 0: none."""
    column = {"merge": "merges_with", "weld": "welds_with"}.get(str(row["reasons"]).split(";")[0])
    return int(row[column]) if column else 0


def story(run: "RunFolder") -> list[str]:
    """How many are doubtful and why; empty for a run that was not reviewed."""
    found = run.review
    if found is None:
        return []
    n = len(run.particles)
    if len(found) == 0:
        return [f"None of the {n:,} particles is doubtful within the uncertainty of the level and of the split."]
    why = [
        f"{what} of {int((found[column] > 0).sum()):,}"
        for what, column in (("the split", "split_doubt"), ("the class", "class_doubt"), ("the size", "level_doubt"))
        if (found[column] > 0).any()
    ]
    listed = " and ".join([", ".join(why[:-1]), why[-1]] if len(why) > 1 else why)
    verb = "is" if len(found) == 1 else "are"
    return [f"{len(found):,} of {words.counted(n, 'particle')} {verb} doubtful: {listed}."]


def cards(run: "RunFolder") -> list[Card]:
    """The first doubtful particles with their pictures, as far as the folder has them."""
    found = run.review
    if found is None:
        return []
    diameter, made = f"equivalent_diameter_{run.unit}", []
    for label in shown(found, run.particles):
        row, particle = found.loc[label], run.particles.loc[label]
        title = [str(row["class"])] if row["class"] else []
        if diameter in run.particles.columns:
            title.append(f"{words.number(float(particle[diameter]))} {words.unit_word(run.unit)}")
        address, scale = kept_cut(run.path / PICTURE.format(label))
        doubt = f"{row['doubt']:.2f}"
        change = str(row["change"])
        made.append(Card(label, ", ".join(title), doubt, change[:1].upper() + change[1:], address, scale))
    return made


def moves(summary: Mapping[str, Any]) -> Table | None:
    """How the headline numbers move with level and split; None when the run does not tell."""
    found = (summary.get("sensitivity") or {}).get("numbers") or {}
    unit = words.unit_word(summary.get("unit", "um"))
    rows = []
    for name, (label, show) in _NAMES.items():
        one = found.get(name)
        if one and one.get("value") is not None and (one["threshold"] or one["split"]):
            ranges = [words.interval(one[p] or {}, show) or words.DASH for p in ("threshold", "split")]
            rows.append([label.format(u=unit), show(one["value"]), *ranges])
    if not rows:
        return None
    return Table([("", ""), ("found", ""), ("with the level", ""), ("with the split", "")], rows, len(rows))


def moved_by(summary: Mapping[str, Any]) -> str:
    """By how much the level and the split were moved, in a sentence; empty when the run does not tell."""
    found = summary.get("sensitivity") or {}
    parts = []
    if found.get("level_uncertainty"):
        unit = words.unit_word(summary.get("unit", "um"))
        parts.append(
            f"the level by {words.percent(found['level_uncertainty'])} of the contrast (surfaces by "
            f"{words.number(found['surface_shift'])} {unit})"
        )
    if found.get("join_uncertainty"):
        parts.append(f"`split.join` by {found['join_uncertainty']:g} around {found['join']:g}")
    return f"Within their uncertainty were moved {' and '.join(parts)}, each alone." if parts else ""
