"""Counts by pair of numbers, added up over bricks, and which label holds most of a pocket."""

from collections.abc import Sequence

import numpy as np

OPEN = 0  # label of the background next to a pocket


def summed(runs: np.ndarray) -> np.ndarray:
    """Runs (N,3) of a number, a label and a count: those of equal number and label as one, in ascending order."""
    if not len(runs):
        return runs
    pairs, inverse = np.unique(runs[:, :2], axis=0, return_inverse=True)
    return np.column_stack([pairs, np.bincount(inverse.ravel(), weights=runs[:, 2]).astype(np.int64)])


def held_faces(parts: Sequence[np.ndarray], n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What holds `n` pockets, each (n+1,): faces shared with labels, the most with one of them, faces with none.

    parts: (K,3) pocket, label or OPEN, faces, of the bricks.
    """
    total, largest, free = np.zeros((3, n + 1), np.int64)
    pocket, label, faces = summed(np.concatenate([np.zeros((0, 3), np.int64), *parts])).T
    held = label != OPEN
    np.add.at(total, pocket[held], faces[held])
    np.maximum.at(largest, pocket[held], faces[held])
    np.add.at(free, pocket[~held], faces[~held])
    return total, largest, free
