"""Random star-shaped bodies of each family, scaled to a wanted volume."""

import numpy as np

from ...kernels.truth.phantom import Body, gauges

# directions for volumes and extents of bodies, and for the coarser contact search between two of them
DIRECTIONS = 1500
NO_BUMPS = np.empty((0, 5))
NO_FACETS = np.empty((0, 4))


def directions(count: int) -> np.ndarray:
    """Unit vectors spread evenly over the sphere (Fibonacci lattice), (N, 3)."""
    k = np.arange(count) + 0.5
    z = 1 - 2 * k / count
    turn = np.pi * (1 + 5**0.5) * k
    radius = np.sqrt(1 - z * z)
    return np.column_stack([z, radius * np.sin(turn), radius * np.cos(turn)])


def unit_vectors(rng: np.random.Generator, count: int) -> np.ndarray:
    """Random unit vectors, uniform on the sphere, (N, 3)."""
    v = rng.normal(size=(count, 3))
    return v / np.sqrt((v * v).sum(axis=1, keepdims=True))


def rotation(rng: np.random.Generator) -> np.ndarray:
    """Random rotation, uniform, (3, 3) (Shoemake's unit quaternion)."""
    q = rng.normal(size=4)
    w, x, y, z = q / np.sqrt((q * q).sum())
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _bumps(rng: np.random.Generator, count: int, amplitude: float) -> np.ndarray:
    ends = rng.uniform(0.1, 0.75, count)
    return np.column_stack([unit_vectors(rng, count), rng.normal(0, amplitude, count), 1 / (1 - ends)])


def _spread_normals(rng: np.random.Generator, count: int) -> np.ndarray:
    """Normals that keep apart, so that no facet is a sliver: best of a few candidates each."""
    chosen = unit_vectors(rng, 1)
    while len(chosen) < count:
        candidates = unit_vectors(rng, 6)
        nearest = (candidates @ chosen.T).max(axis=1)
        chosen = np.vstack([chosen, candidates[nearest.argmin()]])
    return chosen


def _facets(normals: np.ndarray, distances: np.ndarray) -> np.ndarray:
    return np.column_stack([normals, 1 / distances])


def _prism(rng: np.random.Generator, sides: int, jitter: float) -> np.ndarray:
    """Facets of an upright prism around the first axis of the unit frame."""
    angles = 2 * np.pi * (np.arange(sides) + rng.uniform(-jitter, jitter, sides)) / sides
    walls = np.column_stack([np.zeros(sides), np.sin(angles), np.cos(angles)])
    ends = np.array([[1.0, 0, 0], [-1.0, 0, 0]])
    tilt = rng.normal(0, 0.5 * jitter, (2, 3))
    ends = ends + tilt
    ends /= np.sqrt((ends * ends).sum(axis=1, keepdims=True))
    return _facets(np.vstack([walls, ends]), rng.uniform(0.9, 1.0, sides + 2))


def _irregular(rng: np.random.Generator) -> tuple:
    # chopped lumps: the aspect ratios give medians near .8 and .6, as the reference study's
    b, c = np.clip(rng.normal(0.82, 0.1), 0.5, 1), np.clip(rng.normal(0.74, 0.12), 0.4, 1)
    chops = int(rng.integers(2, 6))
    facets = _facets(_spread_normals(rng, chops), rng.uniform(0.72, 0.95, chops))
    return (1.0, b, b * c), 1.0, _bumps(rng, 10, 0.16), facets, 4


def _near_round(rng: np.random.Generator) -> tuple:
    b = rng.uniform(0.88, 1)
    return (1.0, b, b * rng.uniform(0.85, 1)), 1.0, _bumps(rng, 8, 0.035), NO_FACETS, 0


def _faceted(rng: np.random.Generator) -> tuple:
    count = int(rng.integers(9, 17))
    b = rng.uniform(0.7, 1)
    facets = _facets(_spread_normals(rng, count), rng.uniform(0.8, 1.0, count))
    return (1.0, b, b * rng.uniform(0.6, 1)), 0.0, NO_BUMPS, facets, int(rng.integers(4, 6))


def _rods(rng: np.random.Generator) -> tuple:
    b = rng.uniform(0.24, 0.42)
    axes = (1.0, b, b * rng.uniform(0.8, 1))
    if rng.random() < 0.5:
        return axes, 1.0, _bumps(rng, 8, 0.07), NO_FACETS, 0
    return axes, 0.0, NO_BUMPS, _prism(rng, int(rng.integers(5, 9)), 0.15), 4


def _plates(rng: np.random.Generator) -> tuple:
    # the prism's own axis is the first of the unit frame, so the thin axis comes first here
    axes = (rng.uniform(0.2, 0.36), 1.0, rng.uniform(0.75, 1))
    return axes, 0.0, NO_BUMPS, _prism(rng, int(rng.integers(5, 8)), 0.15), 4


def _ellipsoids(rng: np.random.Generator) -> tuple:
    b = rng.uniform(0.5, 1)
    return (1.0, b, b * rng.uniform(0.5, 1)), 1.0, NO_BUMPS, NO_FACETS, 0


def _spheres(rng: np.random.Generator) -> tuple:
    return (1.0, 1.0, 1.0), 1.0, NO_BUMPS, NO_FACETS, 0


SHAPES = {
    "irregular": _irregular,
    "near-round": _near_round,
    "faceted": _faceted,
    "rods": _rods,
    "plates": _plates,
    "ellipsoids": _ellipsoids,
    "spheres": _spheres,
}


def draw_body(family: str, diameter: float, rng: np.random.Generator) -> Body:
    """A random body of a family, centred at the origin, of the volume of a ball of that diameter.

    Parameters
    ----------
    family : str
        One of `SHAPES`.
    diameter : float
        Volume-equivalent diameter, in cube roots of a voxel.
    """
    gauge = np.zeros(1)
    while not gauge.all():  # facets may leave a side open: none of 49,000 faceted bodies did, another one has
        axes, ball, bumps, facets, power = SHAPES[family](rng)
        unit = Body(np.zeros(3), np.eye(3), ball, bumps, facets, power, 1.0)
        gauge = gauges(unit, directions(DIRECTIONS))
    turn = rotation(rng)
    mean_cube = (1 / gauge**3).mean()
    scale = 0.5 * diameter / np.cbrt(axes[0] * axes[1] * axes[2] * mean_cube)
    matrix = np.ascontiguousarray((turn / (np.array(axes) * scale)).T)
    return Body(np.zeros(3), matrix, ball, bumps, facets, power, 0.5 * diameter)


def semi_axes(body: Body) -> tuple[float, float, float] | None:
    """Exact semi-axes a >= b >= c of a body that is an ellipsoid, else None."""
    if len(body.bumps) or len(body.facets):
        return None
    lengths = np.sort(body.ball / np.sqrt((body.matrix**2).sum(axis=1)))[::-1]
    return float(lengths[0]), float(lengths[1]), float(lengths[2])


def surface_points(body: Body, count: int = DIRECTIONS) -> np.ndarray:
    """Points on the surface of a body, (N, 3), even in the unit frame."""
    # rows of the matrix are orthogonal, so its inverse is its transpose over their squared lengths
    inverse = (body.matrix / (body.matrix**2).sum(axis=1, keepdims=True)).T
    offsets = directions(count) @ inverse.T
    return body.centre + offsets / gauges(body, body.centre + offsets)[:, None]


def reach(body: Body) -> np.ndarray:
    """Half extents (3,) of a box around the centre that holds the body, with a little to spare."""
    return extent(body) * 1.04 + 1.0


def extent(body: Body) -> np.ndarray:
    """Half extents (3,) of the body around its centre, a shade low at sharp corners."""
    return np.abs(surface_points(body) - body.centre).max(axis=0)
