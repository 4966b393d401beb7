"""How the headline numbers move when the level or `split.join` does by its uncertainty: from tables alone.

What the level's uncertainty does to sizes: how far surfaces move, what share of its volume a particle gains.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ground.units import VoxelSize
from ..measurement.aggregates import AggregateOptions
from ..results.intervals import quantiles, weighted_quantiles
from ..results.population import SHARES, border_weights_of, interior, numbers, unit_of
from ..segment.labels.numbering import ParticleOptions
from ..segment.split.margins import Margins
from .calibration.conditions import conditions

if TYPE_CHECKING:
    import pandas as pd

HEADLINE = (
    "n_particles", "n_interior", "d10_number", "d50_number", "d90_number", "d10_volume", "d50_volume", "d90_volume",
    "void_fraction", "porous_fraction", "aggregate_fraction", "defective_fraction",
)  # fmt: skip
OF_VOIDS = ("void_fraction", "porous_fraction", "defective_fraction")


@dataclass(frozen=True)
class _Bodies:
    """Particles as they would be, one row each; volumes in the unit of the run, `void` NaN where not known.

    expected: of the voids, with those not seen; what `porous` goes by. weight: what a whole one counts for.
    """

    volume: np.ndarray
    void: np.ndarray
    expected: np.ndarray
    cut: np.ndarray
    welded: np.ndarray
    weight: np.ndarray

    def numbers(self, porous_fraction: float, dropped: bool) -> dict[str, float]:
        """The headline numbers, counted as `population` does; dropped: particles cut by the border are no particles."""
        found = {"n_particles": float((~self.cut).sum() if dropped else len(self.cut))}
        found["n_interior"] = float((~self.cut).sum())
        known = np.isfinite(self.void)
        total = self.volume[known].sum()
        found["void_fraction"] = float(self.void[known].sum() / total) if total > 0 else np.nan
        used = ~self.cut if (~self.cut).any() else np.ones(len(self.cut), bool)
        volume, welded, weight = self.volume[used], self.welded[used], self.weight[used]
        diameter = np.cbrt(6 / np.pi * volume)
        by_number = quantiles(diameter, weight, SHARES)
        by_volume = weighted_quantiles(diameter, weight * volume, SHARES)
        for kind, values in (("number", by_number), ("volume", by_volume)):
            found |= {f"{name}_{kind}": float(v) for name, v in zip(("d10", "d50", "d90"), values)}
        expected = np.where(np.isfinite(self.expected[used]), self.expected[used], 0)
        porous = expected >= porous_fraction * volume
        classes = {"porous": porous & ~welded, "aggregate": welded, "defective": porous | welded}
        for name, hit in classes.items():
            found[f"{name}_fraction"] = float(weight[hit].sum() / weight.sum()) if len(weight) else 0.0
        return found


def sensitivity(
    summary: dict[str, Any],
    particles: "pd.DataFrame",
    contacts: "pd.DataFrame",
    margins: Margins | None,
    change: np.ndarray,
    limits: AggregateOptions,
    kept: ParticleOptions,
    shape: tuple[int, int, int] | None = None,
) -> dict[str, Any]:
    """What `summary.json` holds under `sensitivity`.

    Parameters
    ----------
    summary : dict
        The population numbers.
    particles, contacts : DataFrame
    margins : Margins or None
        Of the split.
    change : (N,)
        `sensitivity.volume_change`.
    limits : AggregateOptions
    kept : ParticleOptions
    shape : (Z, Y, X), optional
        Voxels of the volume, as for `population.summarise`.

    Returns
    -------
    dict
        By number: `value`, and `threshold` and `split` with `low` and `high`; None where nothing can be said.
    """
    value = numbers(summary)
    weights = border_weights_of(particles, shape)
    level = by_level(particles, change, weights, limits, kept)
    joins = by_split(particles, contacts, margins, weights, limits, kept)
    found: dict[str, Any] = {}
    for name in HEADLINE:
        found[name] = {"value": value[name], "threshold": None, "split": None}
        if name in OF_VOIDS and not np.isfinite(value["void_fraction"]):
            continue
        for parameter, ends in (("threshold", level), ("split", joins)):
            around = [e[name] for e in ends if np.isfinite(e.get(name, np.nan))]
            if around and np.isfinite(value[name]):
                around.append(value[name])
                found[name][parameter] = {"low": min(around), "high": max(around)}
    return found


def by_level(
    particles: "pd.DataFrame", change: np.ndarray, weights: np.ndarray, limits: AggregateOptions, kept: ParticleOptions
) -> list[dict[str, float]]:
    """The numbers with the level at either end of its uncertainty, as far as surfaces and void bands tell them."""
    unit = unit_of(particles)
    if not np.isfinite(change).any():
        return []
    used = particles.index.isin(interior(particles).index)
    volume, change = particles[f"volume_{unit}3"].to_numpy(float), np.where(np.isfinite(change), change, 0.0)
    found = []
    for sign, band in ((1, "low"), (-1, "high")):
        # a lower level: larger bodies, shallower voids
        moved = volume * np.maximum(1 + sign * change, 0)
        large = particles["n_voxels"].to_numpy(float) * np.maximum(1 + sign * change, 0) >= kept.min_voxels
        unknown = np.full(len(moved), np.nan)
        one = _Bodies(moved, unknown, unknown, ~used, np.zeros(len(moved), bool), weights)
        ends = one.numbers(limits.porous_fraction, False)
        told = {name: ends[name] for name in HEADLINE if name.startswith("d") and name != "defective_fraction"}
        told["n_particles"], told["n_interior"] = float(large.sum()), float((large & used).sum())
        name = f"void_fraction_{band}"
        if {name, "class"} <= set(particles):
            void, welded = particles[name].to_numpy(float), (particles["class"] == "aggregate").to_numpy()
            void = void * volume
            bodies = _Bodies(volume, void, void, ~used, welded, weights)
            ends = bodies.numbers(limits.porous_fraction, False)
            if np.isfinite(ends["void_fraction"]):
                told |= {n: ends[n] for n in OF_VOIDS}
        found.append(told)
    return found


def by_split(
    particles: "pd.DataFrame",
    contacts: "pd.DataFrame",
    margins: Margins | None,
    weights: np.ndarray,
    limits: AggregateOptions,
    kept: ParticleOptions,
) -> list[dict[str, float]]:
    """The numbers with `split.join` at either end of its uncertainty, counted again from the pieces."""
    if margins is None or "class" not in particles or not len(particles):
        return []
    unit = unit_of(particles)
    pieces = _pieces(particles, margins, weights, unit)
    welds = contacts[contacts["score"] >= limits.score]
    joined = _together(pieces, margins, particles, welds, kept.min_voxels)
    apart = [_apart(pieces, margins, kept.min_voxels, welded) for welded in (False, True)]
    return [b.numbers(limits.porous_fraction, kept.border == "drop") for b in (joined, *apart)]


def _pieces(particles: "pd.DataFrame", margins: Margins, weights: np.ndarray, unit: str) -> _Bodies:
    """Pieces as parts of their particles: of its volume and its voids they take what they hold of its voxels.

    Each counts for what its particle does: where a piece's own box lies is not known.
    """
    ids, voxels = margins.particle, margins.voxels.astype(float)
    held = np.bincount(ids, weights=voxels, minlength=len(particles) + 1)
    volume = np.concatenate([[np.nan], particles[f"volume_{unit}3"].to_numpy(float)])
    fraction, expected = np.full((2, len(volume)), np.nan)
    if "void_fraction" in particles:
        fraction[1:] = expected[1:] = particles["void_fraction"].to_numpy(float)
    if "void_fraction_expected" in particles:
        expected[1:] = particles["void_fraction_expected"].to_numpy(float)
    welded = np.concatenate([[False], (particles["class"] == "aggregate").to_numpy()])
    share = voxels / held[ids]
    held = share * volume[ids]
    weight = np.concatenate([[1.0], weights])[ids]
    return _Bodies(held, held * fraction[ids], held * expected[ids], margins.cut, welded[ids], weight)


def _together(
    pieces: _Bodies, margins: Margins, particles: "pd.DataFrame", welds: "pd.DataFrame", least: int
) -> _Bodies:
    """Particles with more joins: contacts inside one are contacts no more."""
    group, n = margins.group, int(margins.group.max(initial=-1)) + 1
    volume = np.bincount(group, weights=pieces.volume, minlength=n)
    void, expected = (np.bincount(group, weights=v, minlength=n) for v in (pieces.void, pieces.expected))
    of_particle = np.zeros(len(particles) + 1, np.int64)
    of_particle[margins.particle] = group
    rows = [np.searchsorted(particles.index, welds[name]) + 1 for name in ("label_1", "label_2")]
    first, second = (of_particle[r] for r in rows)
    welded = np.zeros(n, bool)
    for side in (first, second):
        welded[side[first != second]] = True
    cut = np.bincount(group, weights=pieces.cut, minlength=n) > 0
    kept = np.bincount(group, weights=margins.solid, minlength=n) >= least
    weight = np.ones(n)
    np.maximum.at(weight, group, pieces.weight)
    return _Bodies(volume[kept], void[kept], expected[kept], cut[kept], welded[kept], weight[kept])


def _apart(pieces: _Bodies, margins: Margins, least: int, welded: bool) -> _Bodies:
    """Particles with fewer joins; welded: those that fall apart count as welded, their necks being strong."""
    kept = margins.solid >= least
    mates = np.bincount(margins.particle[kept], minlength=len(margins.falls_into))
    neck = (mates[margins.particle] > 1) & (margins.particle > 0)
    joined = pieces.welded | neck if welded else pieces.welded
    void, expected = pieces.void[kept], pieces.expected[kept]
    return _Bodies(pieces.volume[kept], void, expected, pieces.cut[kept], joined[kept], pieces.weight[kept])


def surface_shift(record: Mapping[str, Any], size: VoxelSize) -> float:
    """How far a flat surface moves when the level does by its uncertainty, in the unit of the run; 0: no level known.

    A wall blurred by a Gaussian of sigma s rises by the contrast over sqrt(2 pi) s at its middle, so a level off by a
    share u of the contrast puts it u sqrt(2 pi) s away.

    Parameters
    ----------
    record : mapping
        What `threshold.json` holds; empty for labels made elsewhere.
    """
    found = conditions(size, record)
    return found.level_bound * math.sqrt(2 * math.pi) * found.blur * size.smallest


def volume_change(particles: "pd.DataFrame", shift: float, unit: str) -> np.ndarray:
    """Share of its volume that each particle gains or loses when its surface moves by `shift`, (N,); NaN: not known.

    Only the free surface moves: where particles touch, no level divides them.
    """
    area, contact, volume = (f"{name}_{unit}{power}" for name, power in
                             (("surface_area", 2), ("contact_area", 2), ("volume", 3)))  # fmt: skip
    if not shift or not {area, volume} <= set(particles.columns):
        return np.full(len(particles), np.nan)
    free = particles[area].to_numpy(float)
    if contact in particles.columns:
        free = np.maximum(free - particles[contact].to_numpy(float), 0)
    return free * shift / particles[volume].to_numpy(float)
