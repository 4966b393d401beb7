"""Voids thrown into rasterised particles, sealed and open."""

import numpy as np

from ...kernels.truth import phantom as kernels
from ...kernels.truth.phantom import Body
from .bodies import NO_BUMPS, NO_FACETS, rotation, unit_vectors
from .groups import Box, Group
from .options import PLACEMENTS, PhantomOptions

PLACES_TRIED = 60
MOST_MISSES = 10


def add_voids(box: Box, group: Group, options: PhantomOptions, spacing: np.ndarray, rng: np.random.Generator) -> None:
    """Carve voids into the porous members of a group; changes `box` in place."""
    for member, body in enumerate(group.bodies, start=1):
        if rng.random() < options.porous_share and options.void_fraction > 0:
            _fill_member(box, member, body, options, spacing, rng)


def _fill_member(
    box: Box, member: int, body: Body, options: PhantomOptions, spacing: np.ndarray, rng: np.random.Generator
) -> None:
    placement = options.void_placement
    if placement == "mixed":
        placement = str(rng.choice(PLACEMENTS[:-1]))
    nests = _places(body, "random", rng, int(rng.integers(1, 4))) if placement == "clustered" else None
    # a gamma variate of mean 1 spreads the porosity between particles, as in real powders
    missing = options.void_fraction * rng.gamma(3.0) / 3.0 * 4 / 3 * np.pi * body.radius**3
    median = options.void_diameter * (2 * body.radius / options.diameter) ** options.void_growth
    median = max(median, options.void_smallest)
    through, misses = bool(rng.random() < options.open_share), 0
    while misses < MOST_MISSES:
        diameter = float(np.exp(np.log(median) + options.void_sigma * rng.normal()))
        if not options.void_smallest <= diameter <= body.radius:
            misses += 1
            continue
        # the last void is thrown with the chance that keeps the mean porosity right
        if missing < np.pi / 6 * diameter**3 * rng.random():
            break
        carved = _throw(box, member, body, _void(diameter, rng), (placement, nests, through), options, spacing, rng)
        missing -= carved
        if carved:
            through, misses = bool(rng.random() < options.open_share), 0
        else:
            misses += 1  # the same kind again: sealed voids find room less often, and must not lose their share


def _void(diameter: float, rng: np.random.Generator) -> Body:
    axes = np.array([1.0, rng.uniform(0.65, 1), rng.uniform(0.65, 1)])
    axes *= 0.5 * diameter / np.cbrt(axes.prod())
    matrix = np.ascontiguousarray((rotation(rng) / axes).T)
    return Body(np.zeros(3), matrix, 1.0, NO_BUMPS, NO_FACETS, 0, 0.5 * diameter)


def _throw(
    box: Box,
    member: int,
    body: Body,
    void: Body,
    where: tuple[str, np.ndarray | None, bool],
    options: PhantomOptions,
    spacing: np.ndarray,
    rng: np.random.Generator,
) -> int:
    """Try places for one void; voxels carved, 0 when there is no room."""
    placement, nests, through = where
    if through:
        places = _mouths(body, void.radius, rng, PLACES_TRIED)
    elif nests is not None:
        chosen = nests[rng.integers(len(nests), size=PLACES_TRIED)]
        places = chosen + rng.normal(0, 0.28 * body.radius, (PLACES_TRIED, 3))
    else:
        places = _places(body, placement, rng, PLACES_TRIED)
    # the wall is a share of the gauge, which is thinnest along the shortest semi-axis
    lengths = 1 / np.sqrt((void.matrix**2).sum(axis=1))
    wall = options.void_wall / lengths.min()
    extent = np.full(3, lengths.max() * (1 + wall))
    box.make_room()
    names, frame = (member, len(box.labels)), (box.origin, spacing)
    carved = int(kernels.carve_somewhere(box.code, void, places, wall, names, frame, extent, through))
    if carved:
        box.new_void(member, through)
    return carved


def _places(body: Body, placement: str, rng: np.random.Generator, count: int) -> np.ndarray:
    """Random points in a body: anywhere, in its middle, or near its surface."""
    ways = unit_vectors(rng, count)
    share = np.cbrt(rng.random(count))
    if placement == "central":
        share = 0.6 * share
    elif placement == "shell":
        share = 0.6 + 0.35 * rng.random(count)
    return body.centre + ways * (share / kernels.gauges(body, body.centre + ways))[:, None]


def _mouths(body: Body, radius: float, rng: np.random.Generator, count: int) -> np.ndarray:
    """Points so near the surface that a ball of `radius` around them breaks through it."""
    ways = unit_vectors(rng, count)
    surface = 1 / kernels.gauges(body, body.centre + ways)
    depth = radius * rng.uniform(0.2, 0.8, count)
    return body.centre + ways * (surface - depth)[:, None]
