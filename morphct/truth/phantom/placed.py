"""Placed groups, each kept as compressed runs along x; planes of labels, voids or phases are painted from them."""

import zlib
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ...ground.executors import RunMap
from ...kernels.truth import runs as kernels
from .groups import Box, Group

PIECE_PLANES = 32


@dataclass
class Piece:
    """Some planes of a placed group: runs, compressed; `z0` and `z1` (half-open) in the volume."""

    z0: int
    z1: int
    rows: int
    runs: bytes

    @classmethod
    def of(cls, z0: int, z1: int, starts: np.ndarray, runs: np.ndarray) -> "Piece":
        """Of the (R + 1,) starts of rows and the (N, 3) runs of these planes."""
        lengths = np.diff(starts).astype(np.int32)
        # columns, and their differences from run to run: more alike than the runs themselves
        columns = np.diff(runs[:, [0, 2, 1]], axis=0, prepend=np.zeros((1, 3), np.int32))
        return cls(z0, z1, len(lengths), zlib.compress(lengths.tobytes() + columns.T.tobytes(), 1))

    def unpacked(self) -> tuple[np.ndarray, np.ndarray]:
        """Starts and runs."""
        numbers = np.frombuffer(zlib.decompress(self.runs), np.int32)
        starts = np.zeros(self.rows + 1, np.int64)
        np.cumsum(numbers[: self.rows], out=starts[1:])
        first, code, end = np.cumsum(numbers[self.rows :].reshape(3, -1), axis=1, dtype=np.int32)
        return starts, np.column_stack([first, end, code])


@dataclass
class Placed:
    """A group in its place.

    Attributes
    ----------
    group : Group
    corner, shape : (3,) int64
        Where in the volume that part of its box begins that lies inside, and its shape.
    pieces : list of Piece
    labels, voids : (C,) int64
        Member and void by code.
    owners : list of int
        Member of each void.
    label_sums, void_sums, void_open : int64
        What `kernels.census` counts, by member and by void.
    n_voxels : int
        Voxels inside the volume that it takes.
    """

    group: Group
    corner: np.ndarray
    shape: np.ndarray
    pieces: list[Piece]
    labels: np.ndarray
    voids: np.ndarray
    owners: list[int]
    label_sums: np.ndarray
    void_sums: np.ndarray
    void_open: np.ndarray
    n_voxels: int


def placed(group: Group, box: Box, corner: np.ndarray, shape: tuple[int, int, int]) -> Placed:
    """Count a carved group in its place and pack it.

    Parameters
    ----------
    corner : (3,) int64
        Place of the box, which may stick out of the volume.
    shape : tuple of int
        The volume's.
    """
    low = np.maximum(corner, 0)
    cut = np.maximum(np.minimum(corner + box.code.shape, shape) - low, 0)
    part = box.code[tuple(slice(int(a), int(a + n)) for a, n in zip(low - corner, cut))]
    starts, runs = kernels.encode(np.ascontiguousarray(part))
    labels, voids = np.array(box.labels), np.array(box.voids)
    label_sums = np.zeros((group.count + 1, 6), np.int64)
    void_sums = np.zeros((len(box.owners) + 1, 5), np.int64)
    void_open = np.zeros(len(box.owners) + 1, np.int64)
    tables = (labels, voids, np.array([0, *box.owners]))
    place = np.array([corner, shape, low, cut])
    kernels.census(box.code, (starts, runs), tables, place, label_sums, void_sums, void_open)
    pieces, rows = [], int(cut[1])
    for z in range(0, int(cut[0]), PIECE_PLANES):
        end = min(z + PIECE_PLANES, int(cut[0]))
        own = starts[z * rows : end * rows + 1]
        pieces.append(Piece.of(int(low[0]) + z, int(low[0]) + end, own, runs[own[0] : own[-1]]))
    taken = int((runs[:, 1] - runs[:, 0]).sum())
    return Placed(group, low, cut, pieces, labels, voids, box.owners, label_sums, void_sums, void_open, taken)


@dataclass
class Packed:
    """Placed particles and voids; particles and voids are numbered from 1 in the order of the groups.

    Attributes
    ----------
    shape : tuple of int
        The volume's.
    placed : list of Placed
    values : dict
        By "labels", "voids" and "phases": what each code of each group is painted as; filled by `numbered`.
    n_voxels : int
        Voxels inside the volume that groups take.
    """

    shape: tuple[int, int, int]
    placed: list[Placed] = field(default_factory=list)
    values: dict[str, list[np.ndarray]] = field(default_factory=dict)
    n_voxels: int = 0

    def add(self, one: Placed) -> None:
        """One more group."""
        self.placed.append(one)
        self.n_voxels += one.n_voxels

    def numbered(self, label_of: np.ndarray, void_of: np.ndarray) -> None:
        """Say what is painted: new labels (N + 1,) and void ids (V + 1,) by the running numbers, 0 first."""
        labels, voids, phases = [], [], []
        label, void = 0, 0
        for one in self.placed:
            new_label, new_void = np.zeros((2, len(one.labels)), np.int64)
            new_label[one.labels > 0] = label_of[label + one.labels[one.labels > 0]]
            new_void[one.voids > 0] = void_of[void + one.voids[one.voids > 0]]
            labels.append(new_label)
            voids.append(new_void)
            phases.append(np.where(new_label == 0, 0, np.where(new_void == 0, 1, 2)))
            label += one.group.count
            void += len(one.owners)
        self.values = {"labels": labels, "voids": voids, "phases": phases}

    def planes(self, what: str, z0: int, z1: int, dtype: Any, run: RunMap) -> np.ndarray:
        """Planes z0 to z1 of "labels", "voids" or "phases", (z1 - z0, Y, X)."""
        out = np.zeros((z1 - z0, *self.shape[1:]), dtype)
        # groups share no voxel, so they can be painted side by side
        jobs = [
            (piece, one, values)
            for one, values in zip(self.placed, self.values[what])
            for piece in one.pieces
            if piece.z0 < z1 and z0 < piece.z1
        ]
        list(run(partial(_paint, out, z0), jobs))
        return out


def _paint(out: np.ndarray, z0: int, job: tuple[Piece, Placed, np.ndarray]) -> None:
    piece, one, values = job
    place = np.array([[piece.z0 - z0, one.corner[1], one.corner[2]], [piece.z1 - piece.z0, *one.shape[1:]]])
    kernels.paint(out, *piece.unpacked(), values, place)
