"""Packing: groups drawn until they fill the wanted share, placed largest first where they overlap nothing."""

from dataclasses import dataclass, field

import numpy as np

from ...kernels.truth import phantom as kernels
from .groups import Group, draw_group, rasterise
from .options import PhantomOptions
from .voids import add_voids

TRIES_A_GROUP = 400
PACKING_ROUNDS = 8


@dataclass
class Packed:
    """Placed particles and voids; lists are by label - 1 or void id - 1.

    Attributes
    ----------
    labels, voids : (Z, Y, X) int32
    groups : list of (Group, int)
        Placed groups and the label of their first member.
    owners : list of int
        Label of the particle each void was carved from.
    """

    labels: np.ndarray
    voids: np.ndarray
    groups: list[tuple[Group, int]] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    count: int = 0


def pack(options: PhantomOptions, spacing: np.ndarray) -> Packed:
    """Draw groups and place them.

    Parameters
    ----------
    options : PhantomOptions
    spacing : (3,) float
        Voxel edges in cube roots of the voxel volume.
    """
    shape = options.shape
    packed = Packed(np.zeros(shape, np.int32), np.zeros(shape, np.int32))
    wanted = options.filling * packed.labels.size
    rng = np.random.default_rng([options.seed, 1])
    filled = 0
    for number in range(PACKING_ROUNDS):
        before = filled
        # what found no room is made up by smaller single particles, or by smaller aggregates in a sponge
        groups = _draw_enough(options, wanted - filled, spacing, rng, filler=number > 0)
        # largest first: the small ones find room between the large ones; the sort is stable
        for group in sorted(groups, key=lambda g: -g.volume):
            filled += _place(packed, group, options, spacing)
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


def _place(packed: Packed, group: Group, options: PhantomOptions, spacing: np.ndarray) -> int:
    """Rasterise a group, find it a place and write it; voxels it took inside the volume."""
    rng = np.random.default_rng([options.seed, 2, group.seed])
    box = rasterise(group, spacing, rng)
    taken = (box.labels != 0) | (box.voids != 0)
    corners = _corners(taken.shape, options.shape, rng)
    found = kernels.first_free(packed.labels, packed.voids, taken, corners)
    if found < 0:
        return 0
    corner = corners[found]
    if options.settle or options.family == "dense":
        corner = _settled(packed, taken, corner, rng)
    add_voids(box, group, options, spacing, rng)
    kernels.paste(packed.labels, packed.voids, box.labels, box.voids, corner, packed.count, len(packed.owners))
    packed.owners.extend(packed.count + member for member in box.owners)
    packed.groups.append((group, packed.count + 1))
    packed.count += group.count
    return _inside(taken, corner, options.shape)


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


def _settled(packed: Packed, taken: np.ndarray, corner: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The place after falling along -z and then sideways until blocked; the old one along axes where nothing is met."""
    ways = np.zeros((4, 3), np.int64)
    ways[0, 0] = ways[3, 0] = -1
    ways[1, 1], ways[2, 2] = rng.choice([-1, 1], 2)
    for way in ways:
        steps = kernels.settle(packed.labels, packed.voids, taken, corner, way, max(packed.labels.shape))
        if steps > 0:
            corner = corner + steps * way
    return corner


def _inside(taken: np.ndarray, corner: np.ndarray, shape: tuple[int, int, int]) -> int:
    cut = tuple(slice(max(0, -int(c)), max(0, int(n - c))) for c, n in zip(corner, shape))
    return int(np.count_nonzero(taken[cut]))
