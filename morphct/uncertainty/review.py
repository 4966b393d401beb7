"""The doubtful: particles whose split, class or size would be another one if a parameter moved by its uncertainty.

A doubt runs from 0, where it takes the whole uncertainty to change what is told, to 1, where the least move does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..descriptors import identity
from ..measurement.aggregates import AggregateOptions
from ..segment.split.margins import Margins

if TYPE_CHECKING:
    import pandas as pd

REASONS: Mapping[str, str] = {
    "merge": "joined with a neighbour when `split.join` is higher by its uncertainty",
    "fall_apart": "two or more particles when `split.join` is lower by its uncertainty",
    "weld": "its surest contact may be a weld or a touch",
    "voids": "it holds voids, and is porous or not within the band of its void fraction",
    "vanish": "too small to be kept when the level moves by its uncertainty",
    "volume": "its volume changes by more than a tenth when the level moves by its uncertainty",
}
SPLIT, CLASS, LEVEL = ("merge", "fall_apart"), ("weld", "voids"), ("vanish", "volume")
UNSURE_SCORE = 0.25  # a score of a contact this near to the cut may as well lie on its other side; a choice
MUCH_VOLUME_SHARE = 0.1  # of a particle's volume, 3 % of its diameter: a change worth a look; a choice


@dataclass(frozen=True)
class _Doubts:
    """Doubts by reason (R,) (N,), and what each would change."""

    values: dict[str, np.ndarray]
    changes: dict[str, np.ndarray]


def review(
    particles: "pd.DataFrame",
    contacts: "pd.DataFrame",
    margins: Margins | None,
    volume_change: np.ndarray,
    limits: AggregateOptions,
    least: int,
) -> "pd.DataFrame":
    """The doubtful particles, the most doubtful first.

    Parameters
    ----------
    particles, contacts : DataFrame
        The tables of a run; doubts that need a column they do not have are left out.
    margins : Margins or None
        Of the split, particles being 1 to N in the order of the table; None: not known.
    volume_change : (N,)
        As `sensitivity.volume_change` gives it.
    limits : AggregateOptions
    least : int
        Voxels of the smallest particle that is kept.

    Returns
    -------
    DataFrame
        Index `label`; `doubt` (the largest of its reasons), `reasons` (words of REASONS, the surest first), `change` in
        words, `class` and `other_class`, `merges_with`, `welds_with`, `falls_into`, `volume_change` (a share),
        `split_doubt`, `class_doubt`, `level_doubt`, `look_z`, `look_y`, `look_x` (the voxel to look at).
    """
    import pandas as pd

    n, ids = len(particles), particles.index.to_numpy(np.int64)
    found = _Doubts({}, {})
    _of_split(found, margins, ids)
    other, neighbour = _of_class(found, particles, contacts, limits, ids)
    _of_level(found, particles, volume_change, least)
    values = np.stack([found.values.get(reason, np.zeros(n)) for reason in REASONS])
    doubt = values.max(0, initial=0.0)
    order = np.lexsort((ids, -doubt))
    order = order[doubt[order] > 0]
    words = _words(values, found, order)
    at = dict(zip(REASONS, range(len(REASONS))))
    table = {
        "doubt": doubt,
        "class": particles["class"].to_numpy(object) if "class" in particles else np.full(n, "", object),
        "other_class": other,
        "merges_with": _ids(margins, ids),
        "welds_with": np.where(found.values.get("weld", np.zeros(n)) > 0, neighbour, 0),
        "falls_into": np.ones(n, np.int64) if margins is None else margins.falls_into[1:],
        "volume_change": volume_change,
        **{
            f"{name}_doubt": np.max([values[at[reason]] for reason in of], axis=0)
            for name, of in (("split", SPLIT), ("class", CLASS), ("level", LEVEL))
        },
        **_places(particles, margins),
    }
    frame = pd.DataFrame({name: column[order] for name, column in table.items()}, index=ids[order])
    for name in ("class", "other_class"):
        frame[name] = pd.array(frame[name], dtype=str)
    for name in ("merges_with", "welds_with"):
        frame[name] = pd.array(np.where(frame[name] == 0, None, frame[name]), dtype="Int64")
    frame.insert(1, "reasons", pd.array([w[0] for w in words], dtype=str))
    frame.insert(2, "change", pd.array([w[1] for w in words], dtype=str))
    frame.index.name = "label"
    return frame


def _linear(distance: np.ndarray, reach: np.ndarray | float) -> np.ndarray:
    """1 where it takes no move, 0 where it takes the whole reach or more; 0 for NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        doubt = 1 - distance / reach
    return np.clip(np.where(np.isfinite(doubt), doubt, 0), 0, 1)


def _of_split(found: _Doubts, margins: Margins | None, ids: np.ndarray) -> None:
    if margins is None:
        return
    found.values["merge"] = _linear(margins.merges_at[1:] - margins.join, margins.uncertainty)
    found.values["fall_apart"] = _linear(margins.join - margins.falls_at[1:], margins.uncertainty)
    found.changes["merge"] = np.array([f"merges with {label}" for label in _ids(margins, ids)], object)
    found.changes["fall_apart"] = np.array([f"falls into {count}" for count in margins.falls_into[1:]], object)


def _ids(margins: Margins | None, ids: np.ndarray) -> np.ndarray:
    """Label of the particle each would be joined with; 0: none."""
    return np.zeros(len(ids), np.int64) if margins is None else np.concatenate([[0], ids])[margins.merges_with[1:]]


def _of_class(
    found: _Doubts, particles: "pd.DataFrame", contacts: "pd.DataFrame", limits: AggregateOptions, ids: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Doubts of the class; returns the class each would have, "" where there is no doubt, and its surest neighbour."""
    n = len(ids)
    other = np.full(n, "", object)
    if "class" not in particles or "void_fraction" not in particles:
        return other, np.zeros(n, np.int64)
    counted = "void_fraction_expected" if "void_fraction_expected" in particles else "void_fraction"
    kind, fraction = particles["class"].to_numpy(object), particles[counted].to_numpy(float)
    porous, welded = fraction >= limits.porous_fraction, kind == "aggregate"
    by_voids = np.where(porous, "single", "porous").astype(object)
    by_weld = np.where(welded, np.where(porous, "porous", "single"), "aggregate").astype(object)
    found.values["voids"] = np.zeros(n)
    if {"void_fraction_low", "void_fraction_high"} <= set(particles):
        bound = np.where(porous, particles["void_fraction_low"], particles["void_fraction_high"]).astype(float)
        crossed = np.where(porous, bound < limits.porous_fraction, bound >= limits.porous_fraction)
        crossed &= ~welded & (fraction > 0)  # what may hide where no void was seen is no matter of the level
        doubt = _linear(np.abs(limits.porous_fraction - fraction), np.abs(bound - fraction))
        found.values["voids"] = np.where(crossed, doubt, 0.0)
    best, partner = _surest(contacts, ids)
    found.values["weld"] = _linear(np.abs(best - limits.score), UNSURE_SCORE)
    found.changes["voids"] = np.array([f"{a} or {b}, by its voids" for a, b in zip(kind, by_voids)], object)
    found.changes["weld"] = np.array(
        [f"{a} or {b}, by its contact with {c}" for a, b, c in zip(kind, by_weld, partner)], object
    )
    weld = found.values["weld"] > found.values["voids"]
    return np.where(weld, by_weld, np.where(found.values["voids"] > 0, by_voids, other)).astype(object), partner


def _surest(contacts: "pd.DataFrame", ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The highest score among each particle's contacts (NaN without any), and with whom; of equals the first."""
    best, partner = np.full(len(ids), np.nan), np.zeros(len(ids), np.int64)
    sides = [contacts[name].to_numpy(np.int64) for name in ("label_1", "label_2")]
    score = np.tile(contacts["score"].to_numpy(float), 2)
    row, mate = np.searchsorted(ids, np.concatenate(sides)), np.concatenate(sides[::-1])
    # the surest of each row stands last
    order = np.lexsort((-mate, score, row))
    best[row[order]], partner[row[order]] = score[order], mate[order]
    return best, partner


def _of_level(found: _Doubts, particles: "pd.DataFrame", change: np.ndarray, least: int) -> None:
    moved = np.where(np.isfinite(change), change, 0.0)
    found.values["volume"] = np.where(moved > MUCH_VOLUME_SHARE, np.minimum(moved, 1.0), 0.0)
    found.changes["volume"] = np.array([f"volume ± {100 * c:.0f} %" for c in moved], object)
    if "n_voxels" in particles:
        voxels = particles["n_voxels"].to_numpy(float)
        found.values["vanish"] = _linear(voxels - least, voxels * moved)
        found.changes["vanish"] = np.full(len(voxels), "too small to be kept", object)


def _words(values: np.ndarray, found: _Doubts, order: np.ndarray) -> list[tuple[str, str]]:
    """Reasons and changes of the rows in this order, those of the largest doubt first."""
    names, words = list(REASONS), []
    for i in order:
        mine = sorted((r for r in range(len(names)) if values[r, i] > 0), key=lambda r: (-values[r, i], r))
        words.append((";".join(names[r] for r in mine), "; ".join(found.changes[names[r]][i] for r in mine)))
    return words


def _places(particles: "pd.DataFrame", margins: Margins | None) -> dict[str, np.ndarray]:
    """The voxel to look at: where it would be joined or divided, else the middle of its box."""
    if not set(identity.BOX) <= set(particles):
        return {}
    box = particles[list(identity.BOX)].to_numpy(np.int64)
    place = (box[:, 0::2] + box[:, 1::2]) // 2
    if margins is not None:
        known = np.isfinite(margins.place[1:]).all(1)
        place[known] = np.rint(margins.place[1:][known]).astype(np.int64)
        place = np.clip(place, box[:, 0::2], box[:, 1::2] - 1)
    return {f"look_{axis}": place[:, i] for i, axis in enumerate("zyx")}
