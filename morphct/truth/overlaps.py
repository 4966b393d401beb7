"""Voxels that the labels of two images share, and what else a score needs, counted in one walk along z."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..ground.bricks import Brick, plan_bricks
from ..ground.errors import InputError, MemoryCapError
from ..ground.executors import RunMap
from ..ground.units import format_bytes
from ..kernels.truth.scoring import pair_runs

SLAB_VOXELS = 16_000_000
# of a slab while it is looked at: four images of up to 4 bytes, what reading one takes beside it, and runs
WORK_VOXEL_BYTES = 24


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


@dataclass(frozen=True)
class Overlaps:
    """What a walk along two label images, and two void images, counts.

    Attributes
    ----------
    labels : Contingency
    voids : Contingency or None
    truth_faces, found_faces : (N + 1,) bool
        Labels that touch a face of the volume.
    found_envelope : int
        Voxels of found particles; found voids count as inside whether they carry their particle's label or 0.
    """

    labels: Contingency
    voids: Contingency | None
    truth_faces: np.ndarray
    found_faces: np.ndarray
    found_envelope: int


Counted = tuple[list[tuple[np.ndarray, np.ndarray]], list[np.ndarray], int]


def contingency(truth: Any, found: Any, run: RunMap = map) -> Contingency:
    """Count shared voxels of two (Z, Y, X) label array-likes, slab by slab.

    Raises
    ------
    InputError
        When the shapes differ.
    """
    counted = list(run(partial(_count, (truth, found), False), _slabs((truth, found))))
    return _joined([pairs[0] for pairs, _, _ in counted])


def overlaps(truth: Any, found: Any, truth_voids: Any, found_voids: Any, run: RunMap = map) -> Overlaps:
    """Walk along (Z, Y, X) label array-likes, and void images or None; each is read once, in slabs.

    Raises
    ------
    InputError
        When the shapes differ.
    """
    voids = () if truth_voids is None or found_voids is None else (truth_voids, found_voids)
    images = (truth, found, *voids)
    counted = list(run(partial(_count, images, True), _slabs(images)))
    labels = _joined([pairs[0] for pairs, _, _ in counted])
    faces = []
    for side, sizes in enumerate((labels.truth_sizes, labels.found_sizes)):
        touched = np.zeros(len(sizes), bool)
        for _, touching, _ in counted:
            touched[touching[side]] = True
        faces.append(touched)
    of_voids = _joined([pairs[1] for pairs, _, _ in counted]) if voids else None
    return Overlaps(labels, of_voids, faces[0], faces[1], sum(envelope for _, _, envelope in counted))


def slab_bytes(images: tuple[Any, ...]) -> int:
    """Bytes that one slab of a walk takes."""
    return _planes(images) * int(np.prod(images[0].shape[1:])) * WORK_VOXEL_BYTES


def check_memory(images: tuple[Any, ...], memory: int, workers: int) -> int:
    """How many of the `workers` may look at slabs side by side within `memory` bytes.

    Raises
    ------
    MemoryCapError
        When not one may.
    """
    least = slab_bytes(images)
    if memory < least:
        raise MemoryCapError(
            f"the memory cap has {format_bytes(max(memory, 0))} left for slabs of {_planes(images)} planes, which take "
            f"{format_bytes(least)}; give more with --memory"
        )
    return max(1, min(workers, memory // least))


def _planes(images: tuple[Any, ...]) -> int:
    """Planes of a slab: whole chunks of the images that have chunks, so that none is read twice."""
    depth, plane = images[0].shape[0], int(np.prod(images[0].shape[1:]))
    chunks = [int(image.chunks[0]) for image in images if getattr(image, "chunks", None)]
    chunk = max(chunks, default=1)
    return min(depth, max(1, SLAB_VOXELS // max(plane * chunk, 1)) * chunk)


def _slabs(images: tuple[Any, ...]) -> list[Brick]:
    shape = tuple(images[0].shape)
    for image in images[1:]:
        if tuple(image.shape) != shape:
            raise InputError(
                f"the label images to compare are {shape} and {tuple(image.shape)} voxels; give equal shapes"
            )
    return plan_bricks(shape, _planes(images))


def _count(images: tuple[Any, ...], everything: bool, slab: Brick) -> Counted:
    """Pairs of labels and of voids, labels at faces, voxels of the found envelope; of one slab."""
    blocks = [np.asarray(image[slab.z0 : slab.z1]) for image in images]
    pairs = [_summed(*pair_runs(a, b)) for a, b in zip(blocks[::2], blocks[1::2])]
    if not everything:
        return pairs, [], 0
    faces = [_at_faces(block, slab.z0 == 0, slab.z1 == images[0].shape[0]) for block in blocks[:2]]
    inside = blocks[1] != 0
    if len(blocks) > 2:
        inside |= blocks[3] != 0
    return pairs, faces, int(np.count_nonzero(inside))


def _at_faces(block: np.ndarray, first: bool, last: bool) -> np.ndarray:
    """Labels in the outermost rows and columns of a slab, and in its first or last plane."""
    faces = [block[:, 0], block[:, -1], block[:, :, 0], block[:, :, -1]]
    faces += [block[0]] if first else []
    faces += [block[-1]] if last else []
    return np.unique(np.concatenate([face.ravel() for face in faces]))


def _joined(parts: list[tuple[np.ndarray, np.ndarray]]) -> Contingency:
    pairs = np.concatenate([np.empty((0, 2), np.int64), *(pair for pair, _ in parts)])
    pair, voxels = _summed(pairs, np.concatenate([np.empty(0, np.int64), *(counts for _, counts in parts)]))
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
