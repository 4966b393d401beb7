"""Packing: groups drawn until they fill the wanted share, placed largest first where they overlap nothing.

What is taken is held as one bit a voxel. Groups are rasterised before and carved after they are placed, by threads; the
places are found one after the other, so that the number of threads changes nothing.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from ...ground.errors import MemoryCapError
from ...ground.units import format_bytes
from ...kernels.truth import placing as kernels
from .groups import Box, Group, box_shape, draw_group, rasterise
from .options import PhantomOptions
from .placed import Packed, Placed, placed
from .voids import add_voids

TRIES_A_GROUP = 400
PACKING_ROUNDS = 8
# of the box of a group under way: codes of 2 bytes, twice while it is trimmed, and its bits, runs and bookkeeping
BOX_VOXEL_BYTES = 5


def occupied_bytes(shape: tuple[int, int, int]) -> int:
    """Bytes of the volume's taken voxels, a bit each."""
    return shape[0] * shape[1] * (-(-shape[2] // 64)) * 8


def pack(options: PhantomOptions, spacing: np.ndarray, workers: int = 1, memory: int = 1 << 62) -> Packed:
    """Draw groups and place them.

    Parameters
    ----------
    options : PhantomOptions
    spacing : (3,) float
        Voxel edges in cube roots of the voxel volume.
    workers : int
        Threads that rasterise and carve.
    memory : int
        Bytes for the bits and for groups under way.

    Raises
    ------
    MemoryCapError
        When one group takes more.
    """
    packed = Packed(options.shape)
    wanted = options.filling * float(np.prod(options.shape))
    rng = np.random.default_rng([options.seed, 1])
    filled = 0
    room = memory - occupied_bytes(options.shape)
    with _Placing(packed, options, spacing, workers, room) as placing:
        for number in range(PACKING_ROUNDS):
            before = filled
            # what found no room is made up by smaller single particles, or by smaller aggregates in a sponge
            groups = _draw_enough(options, wanted - filled, spacing, rng, filler=number > 0)
            # largest first: the small ones find room between the large ones; the sort is stable
            filled += placing.place(sorted(groups, key=lambda g: -g.volume))
            if filled >= 0.985 * wanted or filled - before < 0.005 * wanted:
                break
    return packed


def _draw_enough(
    options: PhantomOptions, wanted: float, spacing: np.ndarray, rng: np.random.Generator, filler: bool
) -> list[Group]:
    """Groups whose expected volume inside the faces is `wanted` voxels."""
    groups: list[Group] = []
    size = np.array(options.shape)
    expected = 0.0
    while wanted > 0 and expected < wanted:
        group = draw_group(options, rng, filler)
        low, high = group.box
        # corners are uniform over all places where the box meets the volume, so this share falls inside
        expected += group.volume * float(np.prod(size / (size + (high - low) / spacing - 1)))
        groups.append(group)
    return groups


class _Placing:
    """Places groups in the order given, with threads that draw ahead of it and carve behind it."""

    def __init__(self, packed: Packed, options: PhantomOptions, spacing: np.ndarray, workers: int, room: int) -> None:
        self.packed, self.options, self.spacing, self.room = packed, options, spacing, room
        nz, ny, nx = options.shape
        self.occupied = np.zeros((nz, ny, -(-nx // 64)), np.uint64)
        self.workers = workers
        self.carving: deque[tuple[Future[Placed], int]] = deque()
        self.under_way = 0

    def __enter__(self) -> "_Placing":
        self.pool = ThreadPoolExecutor(self.workers)
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(cancel_futures=True)

    def place(self, groups: list[Group]) -> int:
        """Place groups; voxels they took inside the volume."""
        before = self.packed.n_voxels
        for group, drawn, size in self._drawn(groups):
            if not self._placed(group, *drawn, size):
                self.under_way -= size
        while self.carving:
            self._collect()
        return self.packed.n_voxels - before

    def _drawn(self, groups: list[Group]) -> Iterator[tuple[Group, tuple[Box, np.ndarray, np.random.Generator], int]]:
        ahead: deque[tuple[Group, Future, int]] = deque()
        for group in groups:
            size = int(np.prod(box_shape(group, self.spacing))) * BOX_VOXEL_BYTES
            if size > self.room:
                raise MemoryCapError(
                    f"a group of touching particles takes {format_bytes(size)} while it is drawn, of the memory cap "
                    f"{format_bytes(max(0, self.room))} are left for it; give more with --memory, or smaller particles "
                    "with --diameter or --group-members"
                )
            while ahead and (self.under_way + size > self.room or len(ahead) >= 2 * self.workers):
                yield self._next(ahead)
            while self.carving and self.under_way + size > self.room:
                self._collect()
            self.under_way += size
            ahead.append((group, self.pool.submit(self._rasterised, group), size))
        while ahead:
            yield self._next(ahead)

    def _next(self, ahead: deque) -> tuple:
        group, future, size = ahead.popleft()
        return group, future.result(), size

    def _rasterised(self, group: Group) -> tuple[Box, np.ndarray, np.random.Generator]:
        rng = np.random.default_rng([self.options.seed, 2, group.seed])
        box = rasterise(group, self.spacing, rng)
        return box, kernels.taken_bits(box.code), rng

    def _placed(self, group: Group, box: Box, bits: np.ndarray, rng: np.random.Generator, size: int) -> bool:
        """Find a rasterised group a place and take it; False when there is none."""
        corners = _corners(box.code.shape, self.options.shape, rng)
        found = kernels.first_free(self.occupied, bits, corners)
        if found < 0:
            return False
        corner = corners[found]
        if self.options.settle or self.options.family == "dense":
            corner = self._settled(bits, corner, rng)
        kernels.mark(self.occupied, bits, corner, self.options.width)
        while len(self.carving) >= 2 * self.workers:
            self._collect()
        self.carving.append((self.pool.submit(self._carved, group, box, corner, rng), size))
        return True

    def _settled(self, bits: np.ndarray, corner: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The place after falling along -z and then sideways until blocked; the old one where nothing is met."""
        ways = np.zeros((4, 3), np.int64)
        ways[0, 0] = ways[3, 0] = -1
        ways[1, 1], ways[2, 2] = rng.choice([-1, 1], 2)
        for way in ways:
            steps = kernels.settle(self.occupied, bits, corner, way, max(self.options.shape))
            if steps > 0:
                corner = corner + steps * way
        return corner

    def _carved(self, group: Group, box: Box, corner: np.ndarray, rng: np.random.Generator) -> Placed:
        add_voids(box, group, self.options, self.spacing, rng)
        return placed(group, box, corner, self.options.shape)

    def _collect(self) -> None:
        future, size = self.carving.popleft()
        self.packed.add(future.result())
        self.under_way -= size


def _corners(box: tuple[int, ...], shape: tuple[int, int, int], rng: np.random.Generator) -> np.ndarray:
    """Places to try, (T, 3); along an axis where the first one sticks out, the others stick out as far.

    A place half outside is free more often; were every try drawn anew, the faces would fill with slivers.
    """
    first = np.array([rng.integers(1 - b, n) for b, n in zip(box, shape)])
    corners = np.empty((TRIES_A_GROUP, 3), np.int64)
    for axis, (b, n) in enumerate(zip(box, shape)):
        inside = 0 <= first[axis] <= n - b
        corners[:, axis] = rng.integers(0, n - b + 1, TRIES_A_GROUP) if inside else first[axis]
    corners[0] = first
    return corners
