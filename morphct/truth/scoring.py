"""A segmentation against the truth: matches, splits and merges, sizes and voids."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..ground.bricks import Brick, plan_slabs
from ..ground.errors import InputError
from ..kernels.truth.scoring import pair_runs

SLAB_VOXELS = 16_000_000
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


@dataclass(frozen=True)
class Contingency:
    """Voxels shared by the labels of two images.

    Attributes
    ----------
    truth, found, voxels : (P,) int64
        Labels of each pair that occurs, 0 being outside (never both), and its voxels.
    truth_sizes, found_sizes : (N + 1,) int64
        Voxels by label.
    """

    truth: np.ndarray
    found: np.ndarray
    voxels: np.ndarray
    truth_sizes: np.ndarray
    found_sizes: np.ndarray


def contingency(truth: Any, found: Any) -> Contingency:
    """Count shared voxels of two (Z, Y, X) label array-likes, slab by slab.

    Raises
    ------
    InputError
        When the shapes differ.
    """
    if tuple(truth.shape) != tuple(found.shape):
        raise InputError(f"the label images to compare are {truth.shape} and {found.shape} voxels; give equal shapes")
    pairs, counts = [np.empty((0, 2), np.int64)], [np.empty(0, np.int64)]
    for slab in _slabs(truth):
        here, lengths = pair_runs(np.asarray(truth[slab.z0 : slab.z1]), np.asarray(found[slab.z0 : slab.z1]))
        here, lengths = _summed(here, lengths)
        pairs.append(here)
        counts.append(lengths)
    pair, voxels = _summed(np.concatenate(pairs), np.concatenate(counts))
    sizes = [_totals(pair[:, side], voxels) for side in (0, 1)]
    return Contingency(pair[:, 0], pair[:, 1], voxels, sizes[0], sizes[1])


def _summed(pairs: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Equal pairs made one, in ascending order, their counts added."""
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    pairs, counts = pairs[order], counts[order]
    if len(pairs) == 0:
        return pairs, counts
    starts = np.flatnonzero(np.r_[True, (pairs[1:] != pairs[:-1]).any(axis=1)])
    return pairs[starts], np.add.reduceat(counts, starts)


def _totals(labels: np.ndarray, voxels: np.ndarray) -> np.ndarray:
    totals = np.zeros(int(labels.max(initial=0)) + 1, np.int64)
    np.add.at(totals, labels, voxels)
    totals[0] = 0
    return totals


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
    if iou < 0.5:
        raise InputError(f"the overlap for a match is {iou:g}; 0.5 and above make matches unique")
    table = contingency(truth, found)
    kept = [sizes >= max(1, min_voxels) for sizes in (table.truth_sizes, table.found_sizes)]
    inner = [k & ~_at_faces(image, len(k)) for k, image in zip(kept, (truth, found))]
    return Score(
        **_match_score(table, kept, inner, iou),
        **_split_score(table, kept),
        rand_error=_rand_error(table),
        **_void_score(truth, found, truth_voids, found_voids, open_voids, min_void_voxels),
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


def _at_faces(labels: Any, count: int) -> np.ndarray:
    """Which labels touch a face of the volume, (count,) bool."""
    touched = np.zeros(count, bool)
    for slab in _slabs(labels):
        block = np.asarray(labels[slab.z0 : slab.z1])
        for face in (block[:, 0], block[:, -1], block[:, :, 0], block[:, :, -1]):
            touched[face.ravel()] = True
    for end in (labels[:1], labels[-1:]):
        touched[np.asarray(end).ravel()] = True
    return touched


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


def _void_score(
    truth: Any, found: Any, truth_voids: Any, found_voids: Any, open_voids: np.ndarray | None, least: int
) -> dict[str, Any]:
    if truth_voids is None or found_voids is None:
        return {}
    table = contingency(truth_voids, found_voids)
    is_open = np.zeros(len(table.truth_sizes), bool)
    if open_voids is not None:
        is_open[np.asarray(open_voids, np.int64)] = True
    covered = np.zeros(len(table.truth_sizes), np.int64)
    np.add.at(covered, table.truth[table.found != 0], table.voxels[table.found != 0])
    wanted = (table.truth_sizes >= max(1, least)) & ~is_open
    counted = table.found_sizes >= max(1, least)
    meets = np.zeros(len(counted), bool)
    meets[table.found[table.truth != 0]] = True
    sealed = int(table.truth_sizes[~is_open].sum())
    return {
        "void_fraction_truth": _fraction(sealed, _envelope(truth, None)),
        "void_fraction_found": _fraction(int(table.found_sizes.sum()), _envelope(found, found_voids)),
        "voids_truth": int(wanted.sum()),
        "voids_found": int(counted.sum()),
        "voids_hit": int((wanted & (covered >= COVERED_SHARE * table.truth_sizes)).sum()),
        "voids_false": int((counted & ~meets).sum()),
    }


def _fraction(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _envelope(labels: Any, voids: Any) -> int:
    """Voxels of particles; found voids count as inside whether they carry their particle's label or 0."""
    total = 0
    for slab in _slabs(labels):
        inside = np.asarray(labels[slab.z0 : slab.z1]) != 0
        if voids is not None:
            inside |= np.asarray(voids[slab.z0 : slab.z1]) != 0
        total += int(np.count_nonzero(inside))
    return total


def _slabs(image: Any) -> list[Brick]:
    depth, plane = image.shape[0], int(np.prod(image.shape[1:]))
    return plan_slabs(depth, max(1, SLAB_VOXELS // max(plane, 1)))
