"""Groups of particles: one, or several that touch or are welded, drawn and rasterised in a box of their own."""

from dataclasses import dataclass, field

import numpy as np

from ..kernels import phantom as kernels
from ..kernels.phantom import Body
from .bodies import draw_body, reach, surface_points, unit_vectors
from .options import PhantomOptions, mix

CONTACT_POINTS = 400
SLIDE_STEPS = 11
RAYS = 16
# primaries of one aggregate are alike
SPONGE_SIGMA = 0.2
# a touch sinks this far in, in voxels, so that digitised surfaces share faces
TOUCH_DEPTH = 0.7


@dataclass
class Group:
    """Particles that move as one; positions relative to the first member.

    Attributes
    ----------
    bodies : list of Body
    families : list of str
    welds : list of (int, int)
        Pairs of members (from 0) joined by a neck.
    seed : int
        Seed of its voids and of its place between voxel centres.
    """

    bodies: list[Body]
    families: list[str]
    welds: list[tuple[int, int]] = field(default_factory=list)
    seed: int = 0

    @property
    def volume(self) -> float:
        """Sum of the members' volumes, in voxels (overlaps counted twice)."""
        return sum(4 / 3 * np.pi * b.radius**3 for b in self.bodies)


def draw_diameter(options: PhantomOptions, rng: np.random.Generator, small: bool = False) -> float:
    """A log-normal diameter in voxels; "bimodal" takes most particles from a mode a third as large."""
    median = max(options.smallest, 0.6 * options.diameter) if small else options.diameter
    if options.family == "bimodal" and rng.random() < 0.85:
        median = max(options.smallest, median / 3)
    sigma = min(options.sigma, SPONGE_SIGMA) if options.family == "sponge" else options.sigma
    for _ in range(100):
        diameter = float(np.exp(np.log(median) + sigma * rng.normal()))
        if diameter >= options.smallest:
            return diameter
    return max(options.smallest, median)


def draw_group(options: PhantomOptions, rng: np.random.Generator, filler: bool = False) -> Group:
    """A random group: bodies, their places and which contacts are welded; a `filler` is smaller."""
    sponge = options.family == "sponge"
    members = 1
    if sponge:
        members = int(rng.integers(2, 7)) if filler else int(rng.integers(6, 29))
    elif not filler and rng.random() < options.group_share:
        members = 2 + int(rng.poisson(options.group_members - 2))
    shares = mix(options.family)
    families = [str(f) for f in rng.choice(list(shares), size=members, p=list(shares.values()))]
    sizes = [draw_diameter(options, rng, filler and not sponge) for _ in range(members)]
    bodies = [draw_body(f, d, rng) for f, d in zip(families, sizes)]
    group = Group(bodies[:1], families[:1], seed=int(rng.integers(2**62)))
    for body, family in zip(bodies[1:], families[1:]):
        welded = sponge or rng.random() < options.weld_share
        placed, partners = _attach(group, body, options.neck if welded else 0.0, rng)
        if welded:
            group.welds.extend((partner, len(group.bodies)) for partner in partners)
        group.bodies.append(placed)
        group.families.append(family)
    return group


def _attach(group: Group, body: Body, neck: float, rng: np.random.Generator) -> tuple[Body, list[int]]:
    """`body` moved towards the middle of the group until it touches or is welded, and the members it then meets.

    Coming from outside along the best of a few random rays makes groups compact, as real aggregates are.
    """
    middle = np.mean([b.centre for b in group.bodies], axis=0)
    way = _shortest_way(group, body, middle, unit_vectors(rng, RAYS))
    points = surface_points(body, CONTACT_POINTS)
    size = float(np.abs(points).max()) * 1.75
    met, far = [], 0.0
    for index, other in enumerate(group.bodies):
        offset = other.centre - middle
        along = float((offset * way).sum())
        aside = np.sqrt(max(0.0, float((offset * offset).sum()) - along * along))
        other_points = surface_points(other, CONTACT_POINTS)
        other_size = float(np.abs(other_points - other.centre).max()) * 1.75
        if aside < size + other_size:
            met.append((index, other, other_points))
            far = max(far, along + size + other_size)
    smaller = min([body.radius, *(other.radius for _, other, _ in met)])
    low, high = 0.0, far
    for _ in range(SLIDE_STEPS):
        distance = 0.5 * (low + high)
        moved = body._replace(centre=middle + distance * way)
        if _neck_area(moved, points + moved.centre, met).sum() > np.pi * (neck * smaller) ** 2:
            low = distance
        else:
            high = distance
    placed = body._replace(centre=middle + (low if neck > 0 else low - TOUCH_DEPTH) * way)
    areas = _neck_area(placed, points + placed.centre, met)
    return placed, [index for (index, _, _), area in zip(met, areas) if area > areas.max() / 3]


def _shortest_way(group: Group, body: Body, middle: np.ndarray, ways: np.ndarray) -> np.ndarray:
    """The one of (N, 3) rays on which the body gets nearest to the middle, all taken as balls."""
    offsets = np.array([b.centre for b in group.bodies]) - middle
    reaches = np.array([b.radius for b in group.bodies]) + body.radius
    along = (ways[:, None, :] * offsets).sum(axis=2)
    aside = (offsets * offsets).sum(axis=1) - along * along
    stops = np.where(aside < reaches**2, along + np.sqrt(np.maximum(reaches**2 - aside, 0)), 0)
    return ways[stops.max(axis=1).argmin()]


def _neck_area(body: Body, points: np.ndarray, met: list[tuple[int, Body, np.ndarray]]) -> np.ndarray:
    """About the area of the necks of `body` with others, from surface points of the one inside the other."""
    areas = np.zeros(len(met))
    for i, (_, other, other_points) in enumerate(met):
        hits = (kernels.gauges(other, points) < 1).sum() * body.radius**2
        hits_other = (kernels.gauges(body, other_points) < 1).sum() * other.radius**2
        # both caps of the lens count, so the neck is about their mean
        areas[i] = 0.5 * 4 * np.pi / len(points) * (hits + hits_other)
    return areas


@dataclass
class Box:
    """A rasterised group.

    Attributes
    ----------
    labels, voids : (z, y, x) int32
        Members from 1 (envelopes; open voids cut out) and voids from 1; 0 elsewhere.
    origin : (3,) float
        Position of voxel (0, 0, 0) in the group's own coordinates.
    owners : list of int
        Member (from 1) of each void.
    """

    labels: np.ndarray
    voids: np.ndarray
    origin: np.ndarray
    owners: list[int]


def rasterise(group: Group, spacing: np.ndarray, rng: np.random.Generator) -> Box:
    """Draw the members into a box just large enough, at a random place between voxel centres; without voids yet."""
    reaches = [reach(b) for b in group.bodies]
    low = np.min([b.centre - r for b, r in zip(group.bodies, reaches)], axis=0)
    high = np.max([b.centre + r for b, r in zip(group.bodies, reaches)], axis=0)
    origin = low - spacing * rng.uniform(0, 1, 3)
    shape = tuple(int(n) for n in np.ceil((high - origin) / spacing) + 1)
    labels, depth = np.zeros(shape, np.int32), np.zeros(shape, np.float32)
    for label, (body, extent) in enumerate(zip(group.bodies, reaches), start=1):
        kernels.stamp(labels, depth, body, label, origin, spacing, extent)
    if len(group.bodies) > 1:
        _keep_largest_parts(labels)
    return _trimmed(labels, origin, spacing)


def _keep_largest_parts(labels: np.ndarray) -> None:
    """Clear the crumbs of members that a neighbour cut in two; in place."""
    import cc3d

    parts, count = cc3d.connected_components(labels, connectivity=6, return_N=True)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    of_part = np.zeros(count + 1, np.int64)
    of_part[parts.ravel()] = labels.ravel()
    order = np.lexsort((np.arange(count + 1), -sizes))
    keep, seen = np.zeros(count + 1, bool), set()
    for part in order:
        if of_part[part] and of_part[part] not in seen:
            seen.add(of_part[part])
            keep[part] = True
    labels[~keep[parts]] = 0


def _trimmed(labels: np.ndarray, origin: np.ndarray, spacing: np.ndarray) -> Box:
    cut, start = [], np.zeros(3)
    for axis in range(3):
        filled = np.flatnonzero(labels.any(axis=tuple(a for a in range(3) if a != axis)))
        first, last = (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, 1)
        cut.append(slice(first, last))
        start[axis] = first
    labels = np.ascontiguousarray(labels[tuple(cut)])
    return Box(labels, np.zeros_like(labels), origin + start * spacing, [])
