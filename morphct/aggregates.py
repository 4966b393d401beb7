"""Groups of touching particles: which belong together, and how strongly they are joined."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from .crop_pass import union_share
from .envelope import Envelope
from .executors import RunMap
from .options import Options, option
from .passes import Pairs


@dataclass(frozen=True)
class AggregateOptions(Options):
    """When touching particles count as welded, and particles as porous."""

    section: ClassVar[str] = "aggregates"

    weld_ratio: float = option(
        0.2,
        "contact area over the largest circle in the smaller particle that makes it a weld",
        "",
        min=0.001,
    )
    score: float = option(0.5, "score from which a particle is called an aggregate; 0.5 is met at weld_ratio", "", 0, 1)
    porous_fraction: float = option(0.05, "void fraction from which a particle is called porous", "", 0, 1)
    concave: float = option(0.9, "solidity below which a group is called concave", "", 0, 1)

    def scores(self, ratio: np.ndarray) -> np.ndarray:
        """How welded, from 0 to 1, for largest weld ratios (N,)."""
        return ratio / (ratio + self.weld_ratio)


def weld_ratios(pairs: Pairs, inscribed_radius: np.ndarray) -> np.ndarray:
    """Interface area over pi r^2, r the smaller of the two inscribed radii; (K,) for K pairs, radii (N,)."""
    smaller = np.minimum(inscribed_radius[pairs.first], inscribed_radius[pairs.second])
    return pairs.area / (np.pi * smaller**2)


def groups(pairs: Pairs, n: int) -> np.ndarray:
    """Number of the group each of `n` particles belongs to: 1 on, in order of first members; 0 = it touches none."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs.first), np.int8), (pairs.first, pairs.second)), shape=(n, n))
    _, part = connected_components(links, directed=False)
    together = np.bincount(part, minlength=1)[part] > 1 if n else np.zeros(0, bool)
    number = np.zeros(n, np.int64)
    kept, first = np.unique(part[together], return_index=True)
    order = np.argsort(first)
    renumber = np.zeros(n + 1, np.int64)
    renumber[kept[order]] = np.arange(1, len(kept) + 1)
    number[together] = renumber[part[together]]
    return number


def measure_groups(
    number: np.ndarray,
    ratios: np.ndarray,
    results: Mapping[str, Any],
    envelope: Envelope,
    limits: AggregateOptions,
    run_map: RunMap = map,
) -> dict[str, Any]:
    """What the descriptors of groups have as parameters, one row a group.

    Parameters
    ----------
    number : (N,) int64
        Group of each particle (`groups`).
    ratios : (K,) float
        Weld ratio of each pair.
    results : mapping
        Results of the passes over particles.
    envelope : Envelope
    limits : AggregateOptions

    Returns
    -------
    dict of (G, ...) arrays and scalars
    """
    pairs: Pairs = results["pairs"]
    count = int(number.max(initial=0))
    of_pair = number[pairs.first] - 1

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(number, weights=values, minlength=count + 1)[1:]

    largest = np.zeros(count)
    np.maximum.at(largest, of_pair, ratios)
    boxes = np.tile(np.array([2**62, 0] * 3, np.int64), (count + 1, 1))
    np.minimum.at(boxes[:, 0::2], number, results["box"][:, 0::2])
    np.maximum.at(boxes[:, 1::2], number, results["box"][:, 1::2])
    welded = np.where(ratios >= limits.weld_ratio, pairs.area, 0.0)
    members = [np.flatnonzero(number == g + 1) + 1 for g in range(count)]
    share = partial(_solidity, envelope, results["spacing"])
    return {
        "voxels": total(results["voxels"]),
        "void_voxels": total(results["void_voxels"]),
        "members": np.bincount(number, minlength=count + 1)[1:],
        "area_welded": np.bincount(of_pair, weights=welded, minlength=count),
        "ratio_largest": largest,
        "hull_share": np.fromiter(run_map(share, list(zip(members, boxes[1:]))), float, count),
        "voxel_volume": results["voxel_volume"],
        "limits": limits,
    }


def _solidity(envelope: Envelope, spacing: tuple[float, float, float], group: tuple[np.ndarray, np.ndarray]) -> float:
    return union_share(envelope, *group, spacing)
