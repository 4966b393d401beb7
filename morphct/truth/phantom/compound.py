"""Bodies that are one particle though they bend, branch, bulge or are hollow: tubes, coils, dendrites, lobes, shells.

Each is a union of balls in a frame of its own (radius of the tube, or of the main ball: 1), turned at random and scaled
to a wanted volume; shells are a ball less one or more hollows.
"""

from dataclasses import dataclass, field

import numpy as np

from ...kernels.truth import phantom as kernels
from ...kernels.truth.phantom import Body
from .bodies import NO_BUMPS, NO_FACETS, rotation, unit_vectors

BALL_STEP_RADII = 0.25  # between the balls of a tube, in its radii: ripples of .8 % of the radius
LATTICE_CELLS = 64  # cells along the longest side of the lattice on which volumes are counted


@dataclass
class Compound:
    """One particle made of several bodies.

    Attributes
    ----------
    parts : list of Body
        Their union is the particle.
    hollows : list of Body
        Cut out of it; what they hold is a void.
    mouths : list of Body
        Cut out as well, from a hollow to the outside or between hollows; one void with them.
    volume : float
        Of the particle with what it encloses, in voxels.
    """

    parts: list[Body]
    hollows: list[Body] = field(default_factory=list)
    mouths: list[Body] = field(default_factory=list)
    volume: float = 0.0

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest corner (3,) of the particle, exact for balls."""
        centres, radii = np.array([b.centre for b in self.parts]), np.array([b.radius for b in self.parts])
        return (centres - radii[:, None]).min(axis=0), (centres + radii[:, None]).max(axis=0)


def _ball(centre: np.ndarray, radius: float) -> Body:
    return Body(np.asarray(centre, float), np.eye(3) / radius, 1.0, NO_BUMPS, NO_FACETS, 0, float(radius))


def _along(points: np.ndarray, radii: np.ndarray) -> list[Body]:
    """Balls along a path (N, 3), never farther apart than a share of their radius."""
    balls = [_ball(points[0], radii[0])]
    for a, b, ra, rb in zip(points[:-1], points[1:], radii[:-1], radii[1:]):
        gap = np.sqrt(((b - a) ** 2).sum())
        count = max(1, int(np.ceil(gap / (BALL_STEP_RADII * min(ra, rb)))))
        balls += [_ball(a + (b - a) * k / count, ra + (rb - ra) * k / count) for k in range(1, count + 1)]
    return balls


def _walk(rng: np.random.Generator, length: float, turn: float) -> np.ndarray:
    """A path of steps of half a radius that bends by `turn` radians a radius, its axis of bending drifting."""
    way, axis = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    points = [np.zeros(3)]
    for _ in range(int(2 * length)):
        way = way + 0.5 * turn * axis
        way /= np.sqrt((way * way).sum())
        axis = axis + rng.normal(0, 0.12, 3)
        axis -= way * (axis * way).sum()
        axis /= np.sqrt((axis * axis).sum())
        points.append(points[-1] + 0.5 * way)
    return np.array(points)


def _tubes(rng: np.random.Generator) -> Compound:
    # half of them straight; a bend closes no circle
    length = rng.uniform(8, 20)
    turn = 0.0 if rng.random() < 0.5 else rng.uniform(1.0, 4.0) / length
    points = _walk(rng, length, turn)
    along = np.linspace(0, 1, len(points))
    swell = 1 + rng.uniform(0, 0.12) * np.cos(2 * np.pi * (rng.uniform(1, 2.5) * along + rng.random()))
    return Compound(_along(points, swell))


def _coils(rng: np.random.Generator) -> Compound:
    turns, radius = rng.uniform(1.6, 3.2), rng.uniform(1.9, 2.8)
    pitch, taper = rng.uniform(2.8, 3.6), rng.uniform(0.75, 1.0)
    angle = np.linspace(0, 2 * np.pi * turns, int(24 * turns))
    share = angle / angle[-1]
    wide = radius * (1 - rng.uniform(0, 0.25) * share)
    points = np.column_stack([pitch * angle / (2 * np.pi), wide * np.sin(angle), wide * np.cos(angle)])
    return Compound(_along(points, 1 - (1 - taper) * share))


def _dendrites(rng: np.random.Generator) -> Compound:
    length = rng.uniform(7, 12)
    trunk = _walk(rng, length, rng.uniform(0, 1.0) / length)
    parts = _along(trunk, np.linspace(1, 0.8, len(trunk)))
    turned = rng.uniform(0, 2 * np.pi)
    for place in np.linspace(0.2, 0.85, int(rng.integers(2, 5))):
        at = int(place * (len(trunk) - 1))
        start, way = trunk[at], trunk[at + 1] - trunk[at]
        way /= np.sqrt((way * way).sum())
        side = np.cross(way, [0.0, np.sin(turned), np.cos(turned)])
        side = side / np.sqrt((side * side).sum()) + rng.uniform(0.2, 0.7) * way
        side /= np.sqrt((side * side).sum())
        thick = rng.uniform(0.65, 0.85)
        parts += _along(np.array([start, start + rng.uniform(3, 5) * side]), np.array([thick, 0.85 * thick]))
        turned += rng.uniform(1.2, 2.4)
    return Compound(parts)


def _lobed(rng: np.random.Generator) -> Compound:
    # lobes sunk by more than half, so that the neck of each is as wide as the lobe
    parts, ways, count = [_ball(np.zeros(3), 1.0)], unit_vectors(rng, 1), int(rng.integers(8, 15))
    while len(ways) < count:
        more = unit_vectors(rng, 8)
        ways = np.vstack([ways, more[(more @ ways.T).max(axis=1).argmin()]])
    for way in ways:
        radius = rng.uniform(0.32, 0.5)
        parts.append(_ball(way * rng.uniform(0.8, 0.95), radius))
    return Compound(parts)


def _shells(rng: np.random.Generator) -> Compound:
    wall, kind = rng.uniform(0.25, 0.4), rng.random()
    inner, way = 1 - wall, unit_vectors(rng, 1)[0]
    shell = Compound([_ball(np.zeros(3), 1.0)])
    if kind < 0.7:
        shell.hollows = [_ball(np.zeros(3), inner)]
    else:  # two chambers with a wall between them
        small = 0.5 * inner
        shell.hollows = [_ball(way * (small + 0.06), small), _ball(-way * (small + 0.06), small)]
    if kind < 0.4 or kind > 0.85:
        # from the middle of the hollow outward, so that the mouth is as wide as this
        centre = shell.hollows[0].centre
        steps = np.linspace(0, 1.3, 12)
        shell.mouths = [_ball(centre + way * s, rng.uniform(0.45, 0.6) * inner * 0.8) for s in steps]
    return shell


SHAPES = {"tubes": _tubes, "coils": _coils, "dendrites": _dendrites, "lobed": _lobed, "shells": _shells}


def _counted(parts: list[Body]) -> float:
    """Volume of a union of bodies, on a lattice of its own."""
    low, high = Compound(parts).box
    edge = float((high - low).max()) / LATTICE_CELLS
    spacing = np.full(3, edge)
    shape = tuple(int(n) for n in np.ceil((high - low) / edge) + 1)
    return float(np.count_nonzero(stamped(parts, shape, low, spacing)) * edge**3)


def stamped(parts: list[Body], shape: tuple[int, ...], origin: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """1 in a union of bodies, (Z, Y, X) uint16; origin (3,): place of voxel (0, 0, 0), spacing (3,): voxel edges."""
    out = np.zeros(shape, np.uint16)
    for part in parts:
        kernels.stamp(out, part, 1, origin, spacing, np.full(3, part.radius))
    return out


def draw_compound(family: str, diameter: float, rng: np.random.Generator) -> Compound:
    """A random compound body of a family.

    Parameters
    ----------
    family : str
        One of `SHAPES`.
    diameter : float
        Diameter of the ball of its volume, what it encloses included, in cube roots of a voxel.
    """
    unit, turn = SHAPES[family](rng), rotation(rng)
    scale = 0.5 * diameter / np.cbrt(3 / (4 * np.pi) * _counted(unit.parts))
    middle = np.mean(unit.box, axis=0)
    parts, hollows, mouths = (
        [_ball(scale * (turn @ (b.centre - middle)), scale * b.radius) for b in bodies]
        for bodies in (unit.parts, unit.hollows, unit.mouths)
    )
    return Compound(parts, hollows, mouths, np.pi / 6 * diameter**3)
