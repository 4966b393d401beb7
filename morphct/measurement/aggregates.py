"""Groups of touching particles: which belong together, and how strongly they are joined."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ..ground.options import Options, option
from ..ground.work import Work
from ..segment.labels.accumulators import Pairs
from ..segment.labels.envelope import Envelope
from .crop_pass import union_share
from .crops.hull import lattice_points

# logistic fits to 29,279 contacts of 124 phantoms (docs/segmentation.md): constant, ln(neck), ln(radius of the area),
# ln(radius of the smaller particle), ln(that of the larger one), dip x radius of the area; lengths in voxels. A fit to
# 8954 contacts of 48 others (scripts/fit_welds) has other coefficients, for the terms go together, but is no better on
# 24 further phantoms: log loss .219 for .204 of these with grey, .250 for .247 without
SCORE_WEIGHTS_GREY = (-4.75, 3.94, 1.98, -0.69, -0.76, -4.85)
SCORE_WEIGHTS_SHAPE = (-3.39, 6.51, 0.0, -1.78, -1.50, 0.0)
FITTED_AT = (0.5, 0.1)  # weld ratio and dip at which the limits in the settings move nothing
LEAST_CONTRAST_SD = 0.5  # of particle against background, in standard deviations: below it a drop of grey tells nothing


@dataclass(frozen=True)
class AggregateOptions(Options):
    """When touching particles count as welded, and particles as porous."""

    section: ClassVar[str] = "aggregates"

    weld_ratio: float = option(
        0.5,
        "contact area over the largest circle in the smaller particle, from which a neck is wide; a larger one asks "
        "for more area",
        min=0.001,
    )
    neck_dip: float = option(
        0.1,
        "drop of grey at a contact, as a share of particle against background, up to which a neck is bright; a larger "
        "one forgives more",
        "",
        0,
        1,
    )
    gap_dip: float = option(
        0.2, "drop of grey from which a contact is a gap too narrow for this scan: it joins no group", "", 0, 1
    )
    score: float = option(
        0.35, "score from which a particle is an aggregate; at 0.35 as many are called so as are, on phantoms", "", 0, 1
    )
    porous_fraction: float = option(
        0.05, "void fraction, corrected for voids not seen, from which a particle is called porous", "", 0, 1
    )
    concave: float = option(0.9, "solidity below which a group is called concave", "", 0, 1)

    def scores(self, sizes: "Sizes", dip: np.ndarray) -> np.ndarray:
        """How surely contacts are welds, from 0 to 1: of those scored .8 about 80 % are, on phantoms.

        A neck that is solid loses grey to blur along its rim alone, so a drop of grey counts by the radius. The limits
        for the ratio and the dip move the balance.

        Parameters
        ----------
        sizes : Sizes
        dip : (K,)
            Grey dips over two voxels on either side; NaN where not known.
        """
        known = np.isfinite(dip)
        constant, neck, area, smaller, larger, dark = (
            np.where(known, a, b) for a, b in zip(SCORE_WEIGHTS_GREY, SCORE_WEIGHTS_SHAPE, strict=True)
        )
        drop = np.where(known, dip - (self.neck_dip - FITTED_AT[1]), 0.0)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            # a larger limit asks for a larger area; radii follow it by the root
            z = constant - (neck + area) / 2 * np.log(self.weld_ratio / FITTED_AT[0])
            z += neck * np.log(sizes.neck) + smaller * np.log(sizes.smaller) + larger * np.log(sizes.larger)
            z += np.where(area > 0, area * np.log(sizes.area), 0.0) + dark * drop * sizes.area
            return np.where(sizes.neck > 0, 1 / (1 + np.exp(-z)), 0.0)


@dataclass(frozen=True)
class Sizes:
    """Radii at contacts, in cube roots of a voxel, each (K,).

    Attributes
    ----------
    neck : thickness of the neck (`necks`)
    area : of the circle of the interface's area
    smaller, larger : of the balls of the volumes of the two particles
    """

    neck: np.ndarray
    area: np.ndarray
    smaller: np.ndarray
    larger: np.ndarray

    @classmethod
    def of(cls, results: Mapping[str, Any]) -> "Sizes":
        """From the results of the passes."""
        pairs: Pairs = results["pairs"]
        edge = np.cbrt(results["voxel_volume"])
        radius = np.cbrt(3 / (4 * np.pi) * np.asarray(results["voxels"], float))
        both = radius[pairs.first], radius[pairs.second]
        area = np.sqrt(pairs.area / np.pi) / edge
        return cls(results["necks"] / edge, area, np.minimum(*both), np.maximum(*both))


@dataclass(frozen=True)
class Welds:
    """How strongly pairs of touching particles are joined, one row a pair.

    Attributes
    ----------
    ratio : (K,)
        Interface area over the largest circle in the smaller particle.
    dip : (K,)
        Drop of grey at the interface, as a share of the contrast between the two particles and the background; NaN
        where not known.
    score : (K,)
        How surely it is a weld, from 0 to 1.
    gap : (K,) bool
        The grey drops so far that there is a gap between the two.
    """

    ratio: np.ndarray
    dip: np.ndarray
    score: np.ndarray
    gap: np.ndarray


def find_welds(results: Mapping[str, Any], limits: AggregateOptions) -> Welds:
    """Judge every contact from the results of the passes (`all_passes`)."""
    pairs: Pairs = results["pairs"]
    ratio = weld_ratios(pairs, results["ball_inside"])
    dip, near = grey_dips(results, pairs.grey), grey_dips(results, pairs.grey_near)
    return Welds(ratio, dip, limits.scores(Sizes.of(results), near), dip > limits.gap_dip)


def grey_dips(results: Mapping[str, Any], grey: np.ndarray) -> np.ndarray:
    """Drops of a grey (K,) at contacts; NaN without grey, and where particles hardly differ from the background."""
    pairs: Pairs = results["pairs"]
    if "grey_background" not in results:
        return np.full(len(pairs.first), np.nan)
    mean, spread = results["grey_average"], results["grey_deviation"]
    inside = (mean[pairs.first] + mean[pairs.second]) / 2
    noise = (spread[pairs.first] + spread[pairs.second]) / 2
    contrast = inside - results["grey_background"]
    told = np.abs(contrast) > LEAST_CONTRAST_SD * noise
    return np.where(told, (inside - grey) / np.where(told, contrast, 1), np.nan)


def weld_ratios(pairs: Pairs, inscribed_radius: np.ndarray) -> np.ndarray:
    """Interface area over pi r^2, r the smaller of the two inscribed radii; (K,) for K pairs, radii (N,)."""
    smaller = np.minimum(inscribed_radius[pairs.first], inscribed_radius[pairs.second])
    return pairs.area / (np.pi * smaller**2)


def groups(pairs: Pairs, n: int, joined: np.ndarray | None = None) -> np.ndarray:
    """Number of the group each of `n` particles belongs to: 1 on, in order of first members; 0 = it touches none.

    joined: (K,) bool, the pairs that count; default all.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = (pairs.first, pairs.second) if joined is None else (pairs.first[joined], pairs.second[joined])
    links = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(n, n))
    _, part = connected_components(links, directed=False)
    together = np.bincount(part, minlength=1)[part] > 1 if n else np.zeros(0, bool)
    number = np.zeros(n, np.int64)
    kept, place = np.unique(part[together], return_index=True)
    renumber = np.zeros(n + 1, np.int64)
    renumber[kept[np.argsort(place)]] = np.arange(1, len(kept) + 1)
    number[together] = renumber[part[together]]
    return number


def measure_groups(
    number: np.ndarray,
    welds: Welds,
    results: Mapping[str, Any],
    envelope: Envelope,
    corners: Mapping[int, np.ndarray],
    limits: AggregateOptions,
    work: Work,
) -> dict[str, Any]:
    """What the descriptors of groups have as parameters, one row a group.

    Parameters
    ----------
    number : (N,) int64
        Group of each particle (`groups`).
    welds : Welds
    results : mapping
        Results of the passes over particles.
    envelope : Envelope
    corners : mapping of int to (n, 3) int32
        By row of a particle: voxels among which the corners of its hull are (`crop_pass.CornersLook`).
    limits : AggregateOptions
    work : Work

    Returns
    -------
    dict of (G, ...) arrays and scalars
    """
    pairs: Pairs = results["pairs"]
    count = int(number.max(initial=0))
    inside = np.flatnonzero(~welds.gap)
    group = number[pairs.first[inside]] - 1
    # the surest contact of each group stands last; of equals the one of the lower labels
    order = np.lexsort((-inside, welds.score[inside]))
    surest = np.zeros(count, np.int64)
    surest[group[order]] = inside[order]
    boxes = np.tile(np.array([2**62, 0] * 3, np.int64), (count + 1, 1))
    np.minimum.at(boxes[:, 0::2], number, results["box"][:, 0::2])
    np.maximum.at(boxes[:, 1::2], number, results["box"][:, 1::2])
    largest = np.zeros(count)
    np.maximum.at(largest, group, welds.ratio[inside])
    welded = np.where(welds.score >= limits.score, pairs.area, 0.0)[inside]
    members = np.split(np.argsort(number, kind="stable") + 1, np.cumsum(np.bincount(number, minlength=count + 1)))[1:-1]
    own = np.where(_within_own(number, envelope), 0, results["voxels"])
    coarse = np.asarray(results.get("step", np.ones(len(number)))) > 1
    share = partial(_solidity, _Hulls(envelope, results["spacing"], corners, own, coarse))
    return {
        "voxels": _total(number, np.where(_held(number, envelope), 0, results["voxels"]), count),
        **{name: _total(number, results[name], count) for name in ("void_voxels", "open_void_voxels")},
        "open_searched": _total(number, ~results["open_searched"], count) == 0,
        "members": np.bincount(number, minlength=count + 1)[1:],
        "area_welded": np.bincount(group, weights=welded, minlength=count).astype(float),
        "ratio_largest": largest,
        "score_surest": welds.score[surest] if count else np.zeros(0),
        "ratio_surest": welds.ratio[surest] if count else np.zeros(0),
        "dip_surest": welds.dip[surest] if count else np.zeros(0),
        "hull_share": np.fromiter(work.over(share, list(zip(members, boxes[1:]))), float, count),
        "voxel_volume": results["voxel_volume"],
        "limits": limits,
    }


def _held(number: np.ndarray, envelope: Envelope) -> np.ndarray:
    """Which particles (N,) lie in a hole of another one of their group, whose envelope counts their voxels."""
    if envelope.nesting is None:
        return np.zeros(len(number), bool)
    around = envelope.nesting.around[1:]
    return (around > 0) & (number[around - 1] == number)


def _total(number: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Whole-number sums (G,) of what the members have, exact."""
    total = np.zeros(count + 1, np.int64)
    np.add.at(total, number, values)
    return total[1:]


def _within_own(number: np.ndarray, envelope: Envelope) -> np.ndarray:
    """Which particles (N,) lie in a hole of another one of their group, however deep."""
    found = np.zeros(len(number), bool)
    if envelope.nesting is not None:
        for inner, outer in envelope.nesting.outward():
            found[inner - 1] |= number[inner - 1] == number[outer - 1]
    return found


@dataclass(frozen=True)
class _Hulls:
    """What the hulls of groups are made of: of each particle the corners, voxels that no other one of its group holds,
    and whether it was measured on every second voxel or fewer."""

    envelope: Envelope
    spacing: tuple[float, float, float]
    corners: Mapping[int, np.ndarray]
    voxels: np.ndarray
    coarse: np.ndarray


def _solidity(hulls: _Hulls, group: tuple[np.ndarray, np.ndarray]) -> float:
    """Voxels of a group over the lattice points in its hull, whose corners are among those of its members."""
    members, box = group
    rows = members - 1
    if hulls.coarse[rows].any():  # its corners are not known to the voxel
        return union_share(hulls.envelope, members, box, hulls.spacing)
    return float(hulls.voxels[rows].sum() / lattice_points(np.concatenate([hulls.corners[int(r)] for r in rows])))
