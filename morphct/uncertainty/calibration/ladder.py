"""Which bodies of which sizes are put through the conditions of a scan."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...truth.bodies import Body, block, cross, ellipsoid, octahedron
from .population_seen import PopulationSeen

LEAST_DIAMETER_VOXELS = 4.0  # voxels across
SIZE_RATIO = 1.45  # ratio of neighbouring sizes
RATIOS_OF_PARTICLES = 4  # axis ratios that stand for the particles found
AS_FOUND, POROUS = "as found", "porous"
VOID_DIAMETERS_VOXELS = (2.0, 16.0)  # voxels across
MOST_VOIDS, PLACING_TRIES = 6, 200


@dataclass(frozen=True)
class Extent:
    """How much is calibrated.

    Parameters
    ----------
    largest : float
        Largest diameter in voxels; errors of larger particles follow from how they fall up to there.
    sizes, void_sizes : int
        Most sizes of particles and of voids.
    poses, least : int
        Bodies of each shape at each size, or more until there are so many in all.
    references : int
        Large bodies of each shape, for true values without closed form.
    porous : int
        Bodies with voids at each size of void.
    """

    largest: float
    sizes: int
    poses: int
    least: int
    references: int
    void_sizes: int
    porous: int


EXTENTS = {
    "quick": Extent(largest=56.0, sizes=8, poses=1, least=84, references=1, void_sizes=4, porous=16),
    "full": Extent(largest=120.0, sizes=12, poses=5, least=1000, references=2, void_sizes=8, porous=40),
}


@dataclass(frozen=True)
class Specimen:
    """One body to be digitised.

    Parameters
    ----------
    body : Body
    diameter : float
        Volume-equivalent, in voxels.
    across : float
        The diameter its errors are reported at: its own, or the mean one of its voids.
    size, shape : int
        Places of that diameter and of the body among those of the calibration.
    seed : tuple of int
        Of its pose, its place between the voxels, its noise and the level of its mask.
    """

    body: Body
    diameter: float
    across: float
    size: int
    shape: int
    seed: tuple[int, ...]


def sizes(found: PopulationSeen, extent: Extent) -> np.ndarray:
    """Diameters in voxels (K,), of equal ratio, over the sizes present and not beyond what the extent allows."""
    held = found.diameters[found.diameters > 0]
    low, high = np.quantile(held, [0.02, 0.98]) if len(held) else (2 * LEAST_DIAMETER_VOXELS, 8 * LEAST_DIAMETER_VOXELS)
    low, high = np.clip([low, high], LEAST_DIAMETER_VOXELS, extent.largest)
    if high < low * SIZE_RATIO:  # one size alone tells no trend
        low, high = max(LEAST_DIAMETER_VOXELS, high / SIZE_RATIO), max(LEAST_DIAMETER_VOXELS * SIZE_RATIO, high)
    n = int(np.clip(np.ceil(np.log(high / low) / np.log(SIZE_RATIO)) + 1, 2, extent.sizes))
    return np.round(np.geomspace(low, high, n), 2)


def shapes(found: PopulationSeen) -> list[Body]:
    """The bodies: round ones, sharp ones, and smooth and rounded ones with the axis ratios of the particles.

    Many kinds with few poses each: how much errors differ from shape to shape is most of what is to be found out.
    """
    fixed = [
        ellipsoid("sphere"),
        *(ellipsoid("ellipsoid", b, c) for b, c in ((1.0, 0.5), (0.5, 0.5))),
        block("cube"),
        *(block("plate", b, c) for b, c in ((1.0, 0.3), (0.9, 0.2))),
        *(block("block", b, c) for b, c in ((0.7, 0.4), (0.5, 0.5))),
        block("rounded cube", rounding=0.5),
        *(block("rounded block", b, c, r) for b, c, r in ((0.8, 0.6, 0.25), (0.5, 0.5, 0.5))),
        *(block("ball rolled along", b, c, 1.0) for b, c in ((0.5, 0.5), (1.0, 0.4))),
        *(octahedron("octahedron", b, c) for b, c in ((1.0, 1.0), (0.5, 0.5))),
        *(octahedron("flat octahedron", b, c) for b, c in ((1.0, 0.4), (0.9, 0.25))),
        cross("cross"),
    ]
    ratios = found.typical_ratios(RATIOS_OF_PARTICLES)
    return fixed + [make for b, c in ratios for make in (ellipsoid(AS_FOUND, b, c), block(AS_FOUND, b, c, 0.5))]


def solid_trials(bodies: list[Body], diameters: np.ndarray, extent: Extent, seed: int) -> Iterator[Specimen]:
    """Every shape at every size, several times."""
    poses = max(extent.poses, -(-extent.least // (len(bodies) * len(diameters))))
    for size, diameter in enumerate(diameters):
        for shape, body in enumerate(bodies):
            for pose in range(poses):
                yield Specimen(body, float(diameter), float(diameter), size, shape, (seed, 1, size, shape, pose))


def references(bodies: list[Body], diameter: float, extent: Extent, seed: int) -> Iterator[Specimen]:
    """Every shape, large, for what has no closed form."""
    for shape, body in enumerate(bodies):
        for pose in range(extent.references):
            yield Specimen(body, diameter, diameter, 0, shape, (seed, 2, shape, pose))


def porous_trials(found: PopulationSeen, extent: Extent, wall: float, seed: int) -> Iterator[Specimen]:
    """Bodies with balls as voids, of the sizes of the voids found; none where there are no voids.

    Parameters
    ----------
    wall : float
        Voxels of solid around a void, at least.
    """
    if not len(found.void_diameters):
        return
    low, high = np.clip(np.quantile(found.void_diameters, [0.05, 0.95]), *VOID_DIAMETERS_VOXELS)
    n = int(np.clip(np.ceil(np.log(max(high, low * SIZE_RATIO) / low) / np.log(SIZE_RATIO)) + 1, 2, extent.void_sizes))
    most = int(np.clip(round(found.voids_each), 1, MOST_VOIDS))
    for size, diameter in enumerate(np.round(np.geomspace(low, max(high, low * SIZE_RATIO), n), 2)):
        for number in range(extent.porous):
            rng = np.random.default_rng((seed, 4, size, number))
            voids = int(rng.integers(1, most + 1))
            b, c = found.typical_ratios(RATIOS_OF_PARTICLES)[number % RATIOS_OF_PARTICLES]
            body = (ellipsoid if number % 2 else partial(block, rounding=0.5))(POROUS, b, max(c, 0.5 * b))
            room = 2 * wall + 1.3 * diameter * (1 + 1.2 * (voids - 1) ** (1 / 3))  # a ball that holds them all
            large = room / body.nearest
            body = _hollowed(body, large, diameter, voids, wall, rng)
            yield Specimen(body, large, float(diameter), size, number, (seed, 5, size, number))


def _hollowed(body: Body, large: float, diameter: float, n: int, wall: float, rng: np.random.Generator) -> Body:
    """The body with up to `n` balls thrown into the largest ball inside it; lengths in voxels."""
    scale = 0.5 * large
    balls: list[np.ndarray] = []
    for _ in range(PLACING_TRIES):
        radius = 0.5 * diameter * float(np.exp(rng.normal(0, 0.15)))
        place = rng.normal(size=3)
        place *= (body.nearest * scale - wall - radius) * rng.random() ** (1 / 3) / np.sqrt((place * place).sum())
        apart = all(((place - b[:3]) ** 2).sum() > (radius + b[3] + wall) ** 2 for b in balls)
        if apart and radius + wall < body.nearest * scale:
            balls.append(np.array([*place, radius]))
        if len(balls) == n:
            break
    return body.with_voids(tuple((float(a), float(b), float(c), float(r)) for a, b, c, r in np.array(balls) / scale))
