"""A segmentation against the truth: matches, splits and merges, sizes and voids."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..ground.errors import InputError
from .overlaps import Contingency, Overlaps, contingency, overlaps

# a piece counts as a part of a split or merged particle when more than this share of it lies there
MAJORITY_SHARE = 0.5
# ... and when it is at least this share of the whole: crumbs are no splits
PART_SHARE = 0.1
# a true void is found when found voids cover this share of it
COVERED_SHARE = 0.25
# a body stays one when one label holds this share of what was found of it
WHOLE_SHARE = 0.9


@dataclass(frozen=True)
class Score:
    """How a segmentation compares with the truth.

    Particles smaller than `min_voxels` are left out on both sides. "Interior" ones touch no face of the volume.

    Attributes
    ----------
    n_truth, n_found, n_matched : int
        Particles, and pairs whose intersection over union is above `iou`.
    f1, precision, recall : float
    n_truth_interior, n_found_interior : int
    f1_interior, precision_interior, recall_interior : float
        Of interior particles; their partner may touch a face.
    count_error : float
        n_found / n_truth - 1.
    over_splits : int
        True particles that hold most of two or more found ones.
    under_splits : int
        Found particles that hold most of two or more true ones.
    rand_error : float
        Adapted Rand error over the true particles' voxels (0 perfect), all sizes.
    diameter_bias : float
        Median over matched pairs of found / true volume-equivalent diameter, minus 1.
    volume_bias : float
        Total volume of the found ones of matched pairs over that of the true ones, minus 1.
    void_fraction_truth, void_fraction_found : float or None
        Sealed void voxels over envelope voxels, whole volume.
    voids_truth, voids_found, voids_hit, voids_false : int or None
        True sealed voids and found voids of `min_void_voxels` and more; true ones covered to a quarter by found ones;
        found ones that meet no true void, sealed or open.
    """

    n_truth: int
    n_found: int
    n_matched: int
    f1: float
    precision: float
    recall: float
    n_truth_interior: int
    n_found_interior: int
    f1_interior: float
    precision_interior: float
    recall_interior: float
    count_error: float
    over_splits: int
    under_splits: int
    rand_error: float
    diameter_bias: float
    volume_bias: float
    void_fraction_truth: float | None = None
    void_fraction_found: float | None = None
    voids_truth: int | None = None
    voids_found: int | None = None
    voids_hit: int | None = None
    voids_false: int | None = None

    def to_mapping(self) -> dict[str, Any]:
        """Plain values by name."""
        return asdict(self)


def score(
    truth: Any,
    found: Any,
    *,
    truth_voids: Any = None,
    found_voids: Any = None,
    open_voids: np.ndarray | None = None,
    min_voxels: int = 8,
    min_void_voxels: int = 1,
    iou: float = 0.5,
) -> Score:
    """Compare found labels with true ones.

    Parameters
    ----------
    truth, found : (Z, Y, X) integer array-likes
        Envelopes of particles, 0 outside; sliced along z only.
    truth_voids, found_voids : (Z, Y, X) integer array-likes, optional
        Void ids, 0 elsewhere; both or none.
    open_voids : (K,) int, optional
        Ids in `truth_voids` that are open: neither wanted nor held against a finder.
    min_voxels, min_void_voxels : int
        Smaller particles or voids are left out on both sides.
    iou : float
        Two particles match above this intersection over union, 0.5 or more so that each has one partner.

    Raises
    ------
    InputError
        When shapes differ or `iou` is below 0.5.
    """
    _check_overlap(iou)
    seen = overlaps(truth, found, truth_voids, found_voids)
    return score_of(seen, open_voids, min_voxels=min_voxels, min_void_voxels=min_void_voxels, iou=iou)


def score_of(
    seen: Overlaps,
    open_voids: np.ndarray | None = None,
    *,
    min_voxels: int = 8,
    min_void_voxels: int = 1,
    iou: float = 0.5,
) -> Score:
    """`score` of images that were walked along before, by several workers perhaps.

    Raises
    ------
    InputError
        When `iou` is below 0.5.
    """
    _check_overlap(iou)
    table = seen.labels
    kept = [sizes >= max(1, min_voxels) for sizes in (table.truth_sizes, table.found_sizes)]
    inner = [k & ~faces for k, faces in zip(kept, (seen.truth_faces, seen.found_faces))]
    return Score(
        **_match_score(table, kept, inner, iou),
        **_split_score(table, kept),
        rand_error=_rand_error(table),
        **_void_score(seen, open_voids, min_void_voxels),
    )


@dataclass(frozen=True)
class Kept:
    """Whether one stays one, and two stay two.

    Attributes
    ----------
    bodies, whole : int
        True particles of some size of which at least half was found, and those of them held by one label.
    pieces : int
        Found labels that have most of their voxels in one of these bodies.
    pairs, apart : int
        True particles in contact, both among these bodies, and those whose largest shares carry two labels.
    """

    bodies: int
    whole: int
    pieces: int
    pairs: int
    apart: int

    def to_mapping(self) -> dict[str, Any]:
        """Plain values by name."""
        return asdict(self)


def kept(truth: Any, found: Any, contacts: np.ndarray, min_voxels: int = 8) -> Kept:
    """Count the true particles that stay one, and the touching pairs of them that stay two.

    Parameters
    ----------
    truth, found : (Z, Y, X) integer array-likes
        Particles, 0 outside; sliced along z only.
    contacts : (K, 2) int
        True labels that touch.
    min_voxels : int
        Smaller true particles are left out.

    Raises
    ------
    InputError
        When the shapes differ.
    """
    table = contingency(truth, found)
    both = (table.truth != 0) & (table.found != 0)
    of, label, voxels = table.truth[both], table.found[both], table.voxels[both]
    covered = np.bincount(of, voxels, len(table.truth_sizes))
    counts = (table.truth_sizes >= max(1, min_voxels)) & (2 * covered >= table.truth_sizes)
    counts[0] = False
    order = np.lexsort((label, -voxels, of))
    bodies, first = np.unique(of[order], return_index=True)
    largest, holder = np.zeros((2, len(table.truth_sizes)), np.int64)
    largest[bodies], holder[bodies] = voxels[order][first], label[order][first]
    inside = counts[of] & (2 * voxels > table.found_sizes[label])
    pairs = np.asarray(contacts, np.int64).reshape(-1, 2)
    pairs = pairs[counts[pairs].all(axis=1)]
    return Kept(
        int(counts.sum()),
        int((counts & (largest >= WHOLE_SHARE * covered)).sum()),
        int(inside.sum()),
        len(pairs),
        int((holder[pairs[:, 0]] != holder[pairs[:, 1]]).sum()),
    )


def _check_overlap(iou: float) -> None:
    if iou < 0.5:
        raise InputError(f"the overlap for a match is {iou:g}; 0.5 and above make matches unique")


def _match_score(table: Contingency, kept: list[np.ndarray], inner: list[np.ndarray], iou: float) -> dict[str, Any]:
    both = kept[0][table.truth] & kept[1][table.found]
    union = table.truth_sizes[table.truth] + table.found_sizes[table.found] - table.voxels
    match = both & (table.voxels > iou * union)
    truth, found = table.truth[match], table.found[match]
    n_truth, n_found = int(kept[0].sum()), int(kept[1].sum())
    inner_truth, inner_found = int(inner[0].sum()), int(inner[1].sum())
    recall, precision = _share(len(truth), n_truth), _share(len(truth), n_found)
    inner_recall = _share(int(inner[0][truth].sum()), inner_truth)
    inner_precision = _share(int(inner[1][found].sum()), inner_found)
    ratio = np.cbrt(table.found_sizes[found] / table.truth_sizes[truth])
    return {
        "n_truth": n_truth,
        "n_found": n_found,
        "n_matched": len(truth),
        "f1": _harmonic(precision, recall),
        "precision": precision,
        "recall": recall,
        "n_truth_interior": inner_truth,
        "n_found_interior": inner_found,
        "f1_interior": _harmonic(inner_precision, inner_recall),
        "precision_interior": inner_precision,
        "recall_interior": inner_recall,
        "count_error": n_found / n_truth - 1 if n_truth else float(n_found > 0),
        "diameter_bias": float(np.median(ratio) - 1) if len(ratio) else float("nan"),
        "volume_bias": float(table.found_sizes[found].sum() / table.truth_sizes[truth].sum() - 1)
        if len(ratio)
        else float("nan"),
    }


def _split_score(table: Contingency, kept: list[np.ndarray]) -> dict[str, Any]:
    both = kept[0][table.truth] & kept[1][table.found]
    truth, found, voxels = table.truth[both], table.found[both], table.voxels[both]
    return {
        "over_splits": _holders(truth, found, voxels, table.truth_sizes, table.found_sizes),
        "under_splits": _holders(found, truth, voxels, table.found_sizes, table.truth_sizes),
    }


def _share(part: int, whole: int) -> float:
    # nothing wanted and nothing found is a perfect answer
    return part / whole if whole else 1.0


def _harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b > 0 else 0.0


def _holders(
    whole: np.ndarray, part: np.ndarray, voxels: np.ndarray, whole_sizes: np.ndarray, part_sizes: np.ndarray
) -> int:
    """Wholes that hold the majority of two or more parts of some size."""
    held = (voxels > MAJORITY_SHARE * part_sizes[part]) & (voxels >= PART_SHARE * whole_sizes[whole])
    return int((np.bincount(whole[held], minlength=1) >= 2).sum())


def _rand_error(table: Contingency) -> float:
    """Adapted Rand error, true background ignored.

    Source: Arganda-Carreras et al. 2015, doi:10.3389/fnana.2015.00142.
    """
    inside = table.truth != 0
    if not inside.any():
        return 0.0
    shared = table.voxels[inside].astype(float)
    found_totals = np.zeros(len(table.found_sizes))
    np.add.at(found_totals, table.found[inside], shared)
    total = shared.sum()
    pairs_shared = (shared**2).sum() - total
    pairs_truth = (table.truth_sizes.astype(float) ** 2).sum() - total
    pairs_found = (found_totals**2).sum() - total
    return float(1 - 2 * pairs_shared / (pairs_truth + pairs_found)) if pairs_truth + pairs_found > 0 else 0.0


def _void_score(seen: Overlaps, open_voids: np.ndarray | None, least: int) -> dict[str, Any]:
    table = seen.voids
    if table is None:
        return {}
    is_open = np.zeros(len(table.truth_sizes), bool)
    if open_voids is not None:
        opened = np.asarray(open_voids, np.int64)
        is_open[opened[opened < len(is_open)]] = True  # others lie outside a crop
    covered = np.zeros(len(table.truth_sizes), np.int64)
    np.add.at(covered, table.truth[table.found != 0], table.voxels[table.found != 0])
    wanted = (table.truth_sizes >= max(1, least)) & ~is_open
    counted = table.found_sizes >= max(1, least)
    meets = np.zeros(len(counted), bool)
    meets[table.found[table.truth != 0]] = True
    sealed = int(table.truth_sizes[~is_open].sum())
    return {
        "void_fraction_truth": _fraction(sealed, int(seen.labels.truth_sizes.sum())),
        "void_fraction_found": _fraction(int(table.found_sizes.sum()), seen.found_envelope),
        "voids_truth": int(wanted.sum()),
        "voids_found": int(counted.sum()),
        "voids_hit": int((wanted & (covered >= COVERED_SHARE * table.truth_sizes)).sum()),
        "voids_false": int((counted & ~meets).sum()),
    }


def _fraction(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
