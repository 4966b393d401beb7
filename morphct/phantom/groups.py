"""Groups of particles: one, or several that touch or are welded, drawn and rasterised in a box of their own."""

from dataclasses import dataclass, field

import numpy as np

from ..kernels import phantom as kernels
from ..kernels.phantom import Body
from .bodies import draw_body, reach, surface_points, unit_vectors
from .options import PhantomOptions, mix

CONTACT_POINTS = 600
TRIES = 12
# how much of a newcomer's surface may lie inside group members other than the one it is put against
CROWDED = 0.08
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


def draw_diameter(options: PhantomOptions, rng: np.random.Generator) -> float:
    """A log-normal diameter in voxels; "bimodal" takes every second particle from a mode a third as large."""
    median = options.diameter
    if options.family == "bimodal" and rng.random() < 0.85:
        median = max(options.smallest, median / 3)
    for _ in range(100):
        diameter = float(np.exp(np.log(median) + options.sigma * rng.normal()))
        if diameter >= options.smallest:
            return diameter
    return max(options.smallest, median)


def draw_group(options: PhantomOptions, rng: np.random.Generator) -> Group:
    """A random group: bodies, their places and which contacts are welded."""
    sponge = options.family == "sponge"
    members = 1
    if sponge:
        members = int(rng.integers(8, 33))
    elif rng.random() < options.group_share:
        members = 2 + int(rng.poisson(options.group_members - 2))
    shares = mix(options.family)
    families = [str(f) for f in rng.choice(list(shares), size=members, p=list(shares.values()))]
    sizes = [draw_diameter(options, rng) for _ in range(members)]
    bodies = [draw_body(f, d, rng) for f, d in zip(families, sizes)]
    group = Group(bodies[:1], families[:1], seed=int(rng.integers(2**62)))
    for body, family in zip(bodies[1:], families[1:]):
        welded = sponge or rng.random() < options.weld_share
        found = _attach(group, body, options.neck if welded else 0.0, rng)
        if found is None:
            continue
        placed, partner = found
        group.bodies.append(placed)
        group.families.append(family)
        if welded:
            group.welds.append((partner, len(group.bodies) - 1))
    return group


def _attach(group: Group, body: Body, neck: float, rng: np.random.Generator) -> tuple[Body, int] | None:
    """`body` moved against a random member, clear of the others; None when there is no room."""
    points = surface_points(body, CONTACT_POINTS)
    for way in unit_vectors(rng, TRIES):
        partner = int(rng.integers(len(group.bodies)))
        other = group.bodies[partner]
        distance = _slide(other, body, points, way, neck)
        placed = body._replace(centre=other.centre + distance * way)
        moved = points + placed.centre
        inside = [
            (kernels.gauges(b, moved) < 1).mean()
            for i, b in enumerate(group.bodies)
            if i != partner and _near(b, placed)
        ]
        if sum(inside) <= CROWDED:
            return placed, partner
    return None


def _near(a: Body, b: Body) -> bool:
    gap = a.centre - b.centre
    return float((gap * gap).sum()) < (4 * (a.radius + b.radius)) ** 2


def _slide(other: Body, body: Body, points: np.ndarray, way: np.ndarray, neck: float) -> float:
    """Distance between centres along `way` where the two touch (`neck` 0) or share a neck of that relative radius."""
    partner_points = surface_points(other, CONTACT_POINTS) - other.centre
    wanted = np.pi * (neck * min(body.radius, other.radius)) ** 2
    area_a = 4 * np.pi * body.radius**2 / len(points)
    area_b = 4 * np.pi * other.radius**2 / len(partner_points)
    low, high = 0.0, float(np.abs(points).max() + np.abs(partner_points).max()) * 1.75
    for _ in range(14):
        distance = 0.5 * (low + high)
        moved = body._replace(centre=distance * way)
        at_origin = other._replace(centre=np.zeros(3))
        hits_a = int((kernels.gauges(at_origin, points + moved.centre) < 1).sum())
        hits_b = int((kernels.gauges(moved, partner_points) < 1).sum())
        # both sides of the lens count, so the neck's area is about their mean
        if 0.5 * (hits_a * area_a + hits_b * area_b) > wanted:
            low = distance
        else:
            high = distance
    return low if neck > 0 else low - TOUCH_DEPTH


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
