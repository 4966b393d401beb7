"""Label images, masks and grey volumes given to the wrong command: told apart by how their values lie in space.

A label is compact and its voxels have neighbours of its own; a grey value is scattered over the whole volume, and noise
gives neighbours different ones.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ground.errors import InputError
from ...ground.work import Work
from . import components
from .values import MOST_VALUES, Equal, few, looked_at, name_of

WINDOW_VOXELS = 512  # voxels, edge of the middle of a plane that is looked at
LABELLED_SHARE = 0.6  # share of equal pairs among labelled neighbours in labels of four voxels across and more
GREYISH_SHARE = 0.3  # the same in grey volumes stays below, but for those without any noise
COMPACT_SHARE = 0.1  # of its bounding box that a label fills in a plane; a grey value is scattered over the whole of it


def labelled(planes: Sequence[np.ndarray]) -> tuple[float, float]:
    """How much planes (Y,X) of whole numbers look like labels.

    Returns
    -------
    equal : float
        Share of equal pairs among neighbours that both hold something; NaN: there are none.
    compact : float
        Share of its bounding box in the plane that the median value fills, 0 left out; by voxels.
    """
    equal = pairs = 0
    fills, weights = [], []
    for plane in (p[_middle(p.shape[0]), _middle(p.shape[1])] for p in planes):
        for a, b in ((plane[1:], plane[:-1]), (plane[:, 1:], plane[:, :-1])):
            both = (a != 0) & (b != 0)
            pairs += int(both.sum())
            equal += int((both & (a == b)).sum())
        y, x = np.nonzero(plane)
        if not len(y):
            continue
        names, at = np.unique(plane[y, x], return_inverse=True)
        low, high = np.full((2, len(names)), plane.size), np.zeros((2, len(names)), np.int64)
        for axis, where in enumerate((y, x)):
            np.minimum.at(low[axis], at, where)
            np.maximum.at(high[axis], at, where + 1)
        count = np.bincount(at)
        fills.append(count / np.prod(high - low, axis=0))
        weights.append(count)
    if not fills:
        return math.nan, math.nan
    fill, weight = np.concatenate(fills), np.concatenate(weights)
    order = np.argsort(fill, kind="stable")
    middle = np.searchsorted(np.cumsum(weight[order]), 0.5 * weight.sum())
    return (equal / pairs if pairs else math.nan), float(fill[order][middle])


def _middle(length: int) -> slice:
    start = max(0, (length - WINDOW_VOXELS) // 2)
    return slice(start, start + WINDOW_VOXELS)


def refuse_labels(volume: Any, planes: Sequence[np.ndarray]) -> None:
    """Raise InputError for a label image: many whole numbers, each in a few compact pieces."""
    if any(p.dtype.kind == "f" and not (p == np.floor(p)).all() for p in planes) or min(p.min() for p in planes) < 0:
        return
    equal, compact = labelled(planes)
    if equal >= LABELLED_SHARE and compact >= COMPACT_SHARE:
        number = len(np.unique(np.concatenate([p.ravel() for p in planes])))
        name = name_of(volume)
        raise InputError(
            f"{name} looks like a label image ({number} whole numbers in three planes, each in compact pieces): "
            f"measure the labels as they are with `morphct measure {name} -o OUT`, or take all of them as one mask and "
            "split it anew with --set threshold.method=fixed --set threshold.low=1"
        )


def refuse_grey_labels(image: Any) -> None:
    """Raise InputError for a grey volume of whole numbers given as a label image."""
    planes = looked_at(image)
    if few([plane[None] for plane in planes]) is not None:
        return
    equal, compact = labelled(planes)
    if equal < GREYISH_SHARE and compact < COMPACT_SHARE:
        name = name_of(image)
        raise InputError(
            f"{name} looks like a grey volume, not like labels: {equal:.0%} of neighbouring voxels are equal and every "
            f"value is scattered; find the particles in it with `morphct run {name} -o OUT`, or give the label image"
        )


def pieces_of_labels(labels: Any, n: int, least: int, work: Work) -> int | None:
    """How many pieces a label image of a handful of labels falls into, when that are too many for particles.

    Parameters
    ----------
    labels : (Z,Y,X) int array-like
        Labels 1 to n.
    least : int
        Voxels of the smallest piece that counts.

    Returns
    -------
    int or None
        None: each label may well be one particle.
    """
    if not 0 < n <= MOST_VALUES:
        return None
    pieces = [components.label(Equal(labels, (i,)), labels.shape, 26, work.quiet) for i in range(1, n + 1)]
    total = sum(int((p.sizes >= least).sum()) for p in pieces)
    return total if total >= (2 if n == 1 else 3 * n) else None


def no_labels(what: str) -> str:
    """The warning that a label image holds nothing."""
    return (
        f"{what} holds no label: every voxel is 0, the background, so there is no particle; give the image in which "
        "each particle has a number of its own"
    )


def is_a_mask(image: Any, ids: np.ndarray, pieces: int) -> str:
    """The warning that labels (K,) were taken for particles though they are values of a segmented volume."""
    name = name_of(image)
    if len(ids) == 1:
        return (
            f"{name} looks like a mask, not like labels: its one label {ids[0]} lies in {pieces:,} separate pieces, "
            f"which were measured as one particle; `morphct run {name} -o OUT` tells them apart"
        )
    return (
        f"{name} looks like a segmented volume, not like labels: its {len(ids)} labels lie in {pieces:,} separate "
        f"pieces, and each label was measured as one particle; `morphct run {name} -o OUT --phase VALUE` tells the "
        "pieces of one apart"
    )
