"""Groups of particles: one, or several that touch or are welded, drawn and rasterised in a box of their own."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...kernels.truth import phantom as kernels
from ...kernels.truth.phantom import Body
from ...kernels.truth.runs import clear, encode, largest_parts
from .bodies import draw_body, extent, reach, surface_points, unit_vectors
from .compound import Compound, draw_compound, stamped
from .options import COMPOUNDS, PhantomOptions, mix

CONTACT_POINTS = 400
SLIDE_STEPS = 11
RAYS_PER_BODY = 16
# primaries of one aggregate are alike; compound bodies are, because their thin parts are much thinner than the whole
SPONGE_SIGMA = 0.2
# a touch sinks this far in, in voxels, so that digitised surfaces share faces
TOUCH_DEPTH_VOXELS = 0.7


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
    compound : Compound or None
        The one particle of the group where it is made of several bodies; `bodies` is empty then.
    """

    bodies: list[Body]
    families: list[str]
    welds: list[tuple[int, int]]
    seed: int
    compound: Compound | None = None

    @property
    def count(self) -> int:
        """Particles."""
        return len(self.families)

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest corner (3,), a shade inside sharp corners of bodies."""
        if self.compound is not None:
            return self.compound.box
        halves = [extent(b) for b in self.bodies]
        low = np.min([b.centre - half for b, half in zip(self.bodies, halves)], axis=0)
        return low, np.max([b.centre + half for b, half in zip(self.bodies, halves)], axis=0)

    @property
    def volume(self) -> float:
        """Sum of the members' volumes, in voxels (overlaps counted twice)."""
        if self.compound is not None:
            return self.compound.volume
        return sum(4 / 3 * np.pi * b.radius**3 for b in self.bodies)


def draw_diameter(options: PhantomOptions, rng: np.random.Generator, small: bool = False) -> float:
    """A log-normal diameter in voxels; "bimodal" takes most particles from a mode a third as large."""
    median = max(options.smallest, 0.6 * options.diameter) if small else options.diameter
    if options.family == "bimodal" and rng.random() < 0.85:
        median = max(options.smallest, median / 3)
    alike = options.family == "sponge" or options.family in COMPOUNDS
    sigma = min(options.sigma, SPONGE_SIGMA) if alike else options.sigma
    for _ in range(100):
        diameter = float(np.exp(np.log(median) + sigma * rng.normal()))
        if diameter >= options.smallest:
            return diameter
    return max(options.smallest, median)


def draw_group(options: PhantomOptions, rng: np.random.Generator, filler: bool = False) -> Group:
    """A random group: bodies, their places and which contacts are welded; a `filler` is smaller."""
    if options.family in COMPOUNDS:
        whole = draw_compound(options.family, draw_diameter(options, rng), rng)
        return Group([], [options.family], [], int(rng.integers(2**62)), whole)
    sponge = options.family == "sponge"
    count = 1
    if sponge:
        count = int(rng.integers(2, 7)) if filler else int(rng.integers(6, 29))
    elif not filler and rng.random() < options.group_share:
        count = 2 + int(rng.poisson(options.group_members - 2))
    shares = mix(options.family)
    families = [str(f) for f in rng.choice(list(shares), size=count, p=list(shares.values()))]
    sizes = [draw_diameter(options, rng, filler and not sponge) for _ in range(count)]
    members = [_member(draw_body(f, d, rng)) for f, d in zip(families, sizes)]
    placed = members[:1]
    welds: list[tuple[int, int]] = []
    for member in members[1:]:
        welded = sponge or rng.random() < options.weld_share
        member, partners = _attach(placed, member, options.neck if welded else 0.0, rng)
        if welded:
            welds.extend((partner, len(placed)) for partner in partners)
        placed.append(member)
    return Group([m.body for m in placed], families, welds, int(rng.integers(2**62)))


class _Member(NamedTuple):
    """A body with points of its surface and the radius of a ball around its centre that holds it."""

    body: Body
    points: np.ndarray
    size: float

    def at(self, place: np.ndarray) -> "_Member":
        return _Member(self.body._replace(centre=place), self.points + (place - self.body.centre), self.size)


def _member(body: Body) -> _Member:
    points = surface_points(body, CONTACT_POINTS)
    # points miss the very corners, hence a little more
    return _Member(body, points, float(np.sqrt(((points - body.centre) ** 2).sum(axis=1).max())) * 1.05)


def _attach(placed: list[_Member], member: _Member, neck: float, rng: np.random.Generator) -> tuple[_Member, list[int]]:
    """`member` moved towards the middle until it touches or is welded, and the indices of those it then meets.

    Coming from outside along the best of a few random rays makes groups compact, as real aggregates are.
    """
    offsets = np.array([m.body.centre for m in placed])
    middle = offsets.mean(axis=0)
    offsets = offsets - middle
    way = _shortest_way(offsets, np.array([m.body.radius for m in placed]) + member.body.radius, rng)
    low, high = 0.0, float(max((o * way).sum() + m.size for o, m in zip(offsets, placed))) + member.size
    wanted = np.pi * (neck * np.array([min(member.body.radius, m.body.radius) for m in placed])) ** 2
    for _ in range(SLIDE_STEPS):
        distance = 0.5 * (low + high)
        if (_neck_areas(member.at(middle + distance * way), placed) > wanted).any():
            low = distance
        else:
            high = distance
    member = member.at(middle + (low if neck > 0 else low - TOUCH_DEPTH_VOXELS) * way)
    areas = _neck_areas(member, placed)
    return member, [int(i) for i in np.flatnonzero(areas > areas.max() / 3)]


def _shortest_way(offsets: np.ndarray, reaches: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The one of some random rays on which a body gets nearest to the middle, all taken as balls.

    offsets : (M, 3) members' centres from the middle; reaches : (M,) their radius and the body's together.
    """
    ways = unit_vectors(rng, RAYS_PER_BODY)
    along = (ways[:, None, :] * offsets).sum(axis=2)
    aside = (offsets * offsets).sum(axis=1) - along * along
    stops = np.where(aside < reaches**2, along + np.sqrt(np.maximum(reaches**2 - aside, 0)), 0)
    return ways[stops.max(axis=1).argmin()]


def _neck_areas(member: _Member, placed: list[_Member]) -> np.ndarray:
    """About the area of the necks of a member with others, from surface points of the one inside the other."""
    areas = np.zeros(len(placed))
    for i, other in enumerate(placed):
        gap = member.body.centre - other.body.centre
        if (gap * gap).sum() > (member.size + other.size) ** 2:
            continue
        hits = (kernels.gauges(other.body, member.points) < 1).sum() * member.body.radius**2
        hits_other = (kernels.gauges(member.body, other.points) < 1).sum() * other.body.radius**2
        # both caps of the lens count, so the neck is about their mean
        areas[i] = 0.5 * 4 * np.pi / CONTACT_POINTS * (hits + hits_other)
    return areas


@dataclass
class Box:
    """A rasterised group.

    Attributes
    ----------
    code : (z, y, x) uint16 or uint32
        0 background; what the others are is said by the two lists.
    labels, voids : list of int
        By code: member (from 1) and void (from 1), 0 for none. A sealed void has both, an open one no member.
    origin : (3,) float
        Position of voxel (0, 0, 0) in the group's own coordinates.
    owners : list of int
        Member (from 1) of each void.
    """

    code: np.ndarray
    labels: list[int]
    voids: list[int]
    origin: np.ndarray
    owners: list[int]

    def new_void(self, member: int, opened: bool) -> None:
        """One more code and void: the next ones."""
        self.owners.append(member)
        self.labels.append(0 if opened else member)
        self.voids.append(len(self.owners))

    def make_room(self) -> None:
        """Widen the codes when the next one would not fit."""
        if len(self.labels) > np.iinfo(self.code.dtype).max:
            self.code = self.code.astype(np.uint32)


def box_shape(group: Group, spacing: np.ndarray) -> np.ndarray:
    """About the shape (3,) of the box that `rasterise` draws a group into."""
    low, high = group.box
    return np.ceil(1.04 * (high - low) / spacing) + 4


def rasterise(group: Group, spacing: np.ndarray, rng: np.random.Generator) -> Box:
    """Draw the members into a box just large enough, at a random place between voxel centres; hollows, no voids yet."""
    if group.compound is not None:
        return _rasterised_whole(group.compound, spacing, rng)
    reaches = [reach(b) for b in group.bodies]
    low = np.min([b.centre - r for b, r in zip(group.bodies, reaches)], axis=0)
    high = np.max([b.centre + r for b, r in zip(group.bodies, reaches)], axis=0)
    origin = low - spacing * rng.uniform(0, 1, 3)
    code = np.zeros(tuple(int(n) for n in np.ceil((high - origin) / spacing) + 1), np.uint16)
    for label, (body, reached) in enumerate(zip(group.bodies, reaches), start=1):
        met = kernels.stamp(code, body, label, origin, spacing, reached)
        _deeper_wins(code, met, group.bodies, label, (origin, spacing))
    start = _cleaned(code, len(group.bodies))
    members = list(range(len(group.bodies) + 1))
    return Box(np.ascontiguousarray(code[start]), members, [0] * len(members), _corner(start, origin, spacing), [])


def _deeper_wins(
    code: np.ndarray, met: np.ndarray, bodies: list[Body], label: int, frame: tuple[np.ndarray, np.ndarray]
) -> None:
    """Of the voxels (N, 3) where the body of `label` meets earlier ones it takes those in which it is the deeper."""
    origin, spacing = frame
    before = code[tuple(met.T)]
    for other in np.unique(before):
        at = met[before == other]
        points = origin + at * spacing
        depths = [
            ((1.0 - kernels.gauges(b, points)) * b.radius).astype(np.float32)
            for b in (bodies[label - 1], bodies[other - 1])
        ]
        code[tuple(at[depths[0] > depths[1]].T)] = label


def _rasterised_whole(whole: Compound, spacing: np.ndarray, rng: np.random.Generator) -> Box:
    """A compound body and its hollows: closed ones are voids within it, those with a mouth are open."""
    low, high = whole.box
    origin = low - spacing * (1 + rng.uniform(0, 1, 3))
    shape = tuple(int(n) for n in np.ceil((high - origin) / spacing) + 2)
    labels, voids = stamped(whole.parts, shape, origin, spacing), np.zeros(shape, np.uint16)
    inside, opened = labels > 0, stamped(whole.mouths, shape, origin, spacing) > 0
    for void, hollow in enumerate(whole.hollows, start=1):
        held = (stamped([hollow], shape, origin, spacing) > 0) & inside
        meets = bool((held & opened).any())
        if meets:
            held |= opened & inside
            labels[held] = 0
        voids[held & (voids == 0)] = void
    count = len(whole.hollows)
    # a hollow may lie in part in the mouth of another: both kinds of voxel have a code
    codes = range(2 * (count + 1))
    return Box(2 * voids + labels, [c % 2 for c in codes], [c // 2 for c in codes], origin, [1] * count)


def _cleaned(code: np.ndarray, members: int) -> tuple[slice, ...]:
    """Clear the crumbs of members that a neighbour cut in two, in place; the part of the box that is filled."""
    starts, runs = encode(code)
    if members > 1:
        kept = largest_parts(starts, runs, code.shape[1], members)
        if not kept.all():
            clear(code, starts, runs, kept)
            starts, runs = encode(code)
    if len(runs) == 0:
        return (slice(0, 1),) * 3
    filled = np.diff(starts).reshape(code.shape[:2]) > 0
    z, y = (np.flatnonzero(filled.any(axis=axis)) for axis in (1, 0))
    ends = [(z[0], z[-1] + 1), (y[0], y[-1] + 1), (runs[:, 0].min(), runs[:, 1].max())]
    return tuple(slice(int(a), int(b)) for a, b in ends)


def _corner(start: tuple[slice, ...], origin: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    return origin + np.array([float(s.start) for s in start]) * spacing
