"""Open voids: background inside a particle whose mouth is narrow enough to be closed.

Particle by particle, after the split: a ball is rolled over the outside of the particle alone; what it cannot reach is
inside. What of that is no solid and lies deeper than it is wide is an open void, unless it touches another particle:
then it is a gap between the two. What leaks through a mouth of up to four voxels was closed before the split already
(`sealing.seal`), because noise and blur open the thin walls of closed voids so far; it counts as closed.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.scratch import changed
from ...ground.units import VoxelSize
from ...ground.work import Work
from ...kernels.labels import morphology
from ..labels import components
from ..labels.accumulators import Contacts, Shape
from ..labels.envelope import LARGEST_CROP_VOXELS, Envelope, batches
from .options import VoidOptions
from .ownership import Voids

# of a pocket's surface: a groove as deep as half of a cylinder has .61, half of a ball .67. On noisy masks of phantoms
# (CNR 2.28) .55 doubles what is found, but one in ten of that is roughness between dents; .67 halves it
WALLED_SHARE = 0.62
SMALLEST_VOXELS = 8  # voxels; less is the roughness of any surface made of voxels
_SOLID, _OTHERS, _OUTSIDE = 1, 2, 3  # parts of a crop, pockets are numbered from the next one on


@dataclass(frozen=True)
class _Search:
    """What a search of a particle needs; lengths in voxels, the radius in shortest edges."""

    envelope: Envelope
    boxes: np.ndarray
    voxel_size: VoxelSize
    radius: float
    smallest: int


@dataclass(frozen=True)
class _Pockets:
    """Pockets of one particle: its row, flat places in the volume, and the number (from 0) of each place's pocket."""

    particle: int
    places: np.ndarray
    numbers: np.ndarray


def add_open(
    found: Voids,
    labels: Any,
    n: int,
    voxel_size: VoxelSize,
    options: VoidOptions,
    work: Work,
) -> Voids:
    """Add the open voids, numbered after the closed ones by label and then by their first voxels.

    Parameters
    ----------
    found : Voids
        Closed voids; the open ones are written into their image.
    labels : (Z,Y,X) int32 array-like
        Particles 1 to n; closed voids carry their label or 0, open ones 0.
    n : int
    voxel_size : VoxelSize
    options : VoidOptions
        Its `closing_radius`, in shortest edges; 0: nothing is looked for.

    Returns
    -------
    Voids
        With `facts.opened` and `facts.searched`; particles too large to be kept in memory are not searched.
    """
    if options.closing_radius <= 0:
        return found
    envelope = Envelope(labels, n, found.labels, found.owner)
    boxes = _boxes(envelope, work)
    searched = (
        np.prod(boxes[:, 1::2] - boxes[:, 0::2] + 2 * _margin(options.closing_radius), axis=1) <= LARGEST_CROP_VOXELS
    )
    rows = np.flatnonzero(searched)
    search = _Search(envelope, boxes, voxel_size, options.closing_radius, max(options.min_voxels, SMALLEST_VOXELS))
    parts: list[_Pockets] = []
    for more in work.over(partial(_search, search), [rows[b] for b in batches(boxes[rows])]):
        parts += more
    owner = _write(found, sorted(parts, key=lambda p: p.particle), work)
    opened = np.arange(len(found.owner) + len(owner)) > found.n
    facts = replace(found.facts.extended(len(owner)), opened=opened, searched=searched)
    return Voids(found.labels, np.concatenate([found.owner, owner]), found.n + len(owner), facts)


def _margin(radius: float) -> int:
    """Voxels around a particle's box: the ball must have room to roll all around it."""
    return int(np.ceil(radius)) + 2


def _brick_boxes(envelope: Envelope, brick: Brick) -> Shape:
    return Shape.of(envelope.read(brick), brick.z0, brick.y0)


def _boxes(envelope: Envelope, work: Work) -> np.ndarray:
    total = Shape.create(1, envelope.n)
    for part in work.quiet.each(partial(_brick_boxes, envelope)):
        total.merge(part)
    return total.boxes


def _search(search: _Search, particles: np.ndarray) -> list[_Pockets]:
    return [p for p in (_pockets_of(search, int(particle)) for particle in particles) if len(p.places)]


def _pockets_of(search: _Search, particle: int) -> _Pockets:
    """Pockets of a particle, in raster order of their first voxels."""
    shape, margin = search.envelope.labels.shape, _margin(search.radius)
    box = search.boxes[particle]
    low = np.maximum(box[0::2] - margin, 0)
    high = np.minimum(box[1::2] + margin, shape)
    own = search.envelope.crop(np.column_stack([low, high]).reshape(-1), np.array([particle + 1])).mask
    # beyond the volume there is nothing: the ball rolls there too
    beyond = [(int(a), int(b)) for a, b in zip(low - box[0::2] + margin, box[1::2] + margin - high)]
    solid = np.pad(own, beyond)
    inside = _closed(solid, search.radius, search.voxel_size.relative)
    where = tuple(slice(int(a), int(b)) for a, b in zip(low, high))
    taken = (search.envelope.labels[where] != 0) | (search.envelope.voids[where] != 0)
    within = tuple(slice(a, n - b) for (a, b), n in zip(beyond, solid.shape))
    free = np.zeros_like(inside)
    free[within] = inside[within] & ~taken
    numbers = _walled(free, solid, np.pad(taken & (own == 0), beyond), search)
    at = np.argwhere(numbers[within])
    places = np.ravel_multi_index(tuple((at + low).T), shape) if len(at) else np.zeros(0, np.int64)
    return _Pockets(particle, places, numbers[within][tuple(at.T)] - 1)


def _closed(solid: np.ndarray, radius: float, relative: tuple[float, float, float]) -> np.ndarray:
    """What a ball of `radius` (shortest edges) outside of `solid` (Z,Y,X) uint8 cannot reach, solid included."""
    half, whole = morphology.ball_half_widths(radius, relative), Work.whole(solid.shape)
    core = (0, solid.shape[0], 0, solid.shape[1])
    no_room = morphology.dilate(solid, half, core)
    components.fill(no_room, whole)  # there may be room inside, but no way to it
    return 1 - morphology.dilate(1 - no_room, half, core)


def _walled(free: np.ndarray, solid: np.ndarray, others: np.ndarray, search: _Search) -> np.ndarray:
    """Numbers from 1 of the pieces of `free` that are open voids, 0 elsewhere; all (Z,Y,X)."""
    whole = Work.whole(free.shape)
    pieces = components.label(components.Solid(free), free.shape, 6, whole)
    image = np.where(solid != 0, _SOLID, np.where(others, _OTHERS, _OUTSIDE)).astype(np.int32)
    ids = pieces.planes(whole.bricks[0])
    image[ids > 0] = ids[ids > 0] + _OUTSIDE
    pairs = Contacts.of(image).finalize(search.voxel_size.spacing)
    area = np.zeros((pieces.n + 1, 4))  # by part of the crop
    met = (pairs.first < _OUTSIDE) & (pairs.second >= _OUTSIDE)
    area[pairs.second[met] - _OUTSIDE + 1, pairs.first[met] + 1] = pairs.area[met]
    wall, mouth = area[:, _SOLID], area[:, _OUTSIDE]
    # a piece without a mouth is a closed void, one that was too small to be kept
    kept = (
        (mouth > 0)
        & (area[:, _OTHERS] == 0)
        & (wall >= WALLED_SHARE * (wall + mouth))
        & (pieces.sizes >= search.smallest)
    )
    return np.where(kept, np.cumsum(kept), 0)[ids]


def _write(found: Voids, parts: list[_Pockets], work: Work) -> np.ndarray:
    """Write the pockets into the image of voids; returns their owners (labels). What two particles claim is dropped."""
    if not parts:
        return np.zeros(0, np.int64)
    counts = np.array([int(p.numbers.max()) + 1 for p in parts])
    places = np.concatenate([p.places for p in parts])
    numbers = np.concatenate([p.numbers + first for p, first in zip(parts, np.cumsum(counts) - counts)])
    order = np.argsort(places, kind="stable")
    places, numbers = places[order], numbers[order]
    twice = np.flatnonzero(places[1:] == places[:-1])
    kept = np.ones(int(counts.sum()), bool)
    kept[numbers[twice]] = kept[numbers[twice + 1]] = False
    table = np.where(kept, found.n + np.cumsum(kept), 0).astype(np.int32)
    kept_places = table[numbers] > 0
    work.quiet.do(partial(_paint, found.labels, places[kept_places], table[numbers[kept_places]]))
    return np.repeat([p.particle + 1 for p in parts], counts)[kept]


def _paint(image: Any, places: np.ndarray, ids: np.ndarray, brick: Brick) -> None:
    """Write ids (K,) int32 to those flat places (K,) of a volume, ascending, that lie in a brick."""
    brick = brick.widened((0, 0), image.shape)
    _, height, width = image.shape
    part = slice(*np.searchsorted(places, [brick.z0 * height * width, brick.z1 * height * width]))
    z, y, x = np.unravel_index(places[part], image.shape)
    here = (y >= brick.y0) & (y < brick.y1)
    if here.any():
        with changed(image, brick) as block:
            block[z[here] - brick.z0, y[here] - brick.y0, x[here]] = ids[part][here]
