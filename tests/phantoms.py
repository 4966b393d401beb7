"""Bodies with known answers, digitised at voxel centres in random pose and at a random place between voxel centres.

    body = digitise("cube", radius=20, seed=3)                  # radius: volume-equivalent, in units of `spacing`
    body.mask, body.truth["surface_area"], body.truth["sphericity"]

Numbers: closed forms; means and medians of the local thickness are taken from careful integration.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ellipeinc, ellipkinc

Inside = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Body:
    """A body in its own frame and units.

    `inside` takes (..., 3) points; `moments` are the variances along the own axes, descending; `hull` is the hull's
    volume; `envelope` is the body without its closed voids (None: there are none).
    """

    inside: Inside
    extent: float
    volume: float
    area: float
    inscribed: float
    circumscribed: float
    moments: tuple[float, float, float]
    hull: float
    thickness: tuple[float, float] | None = None
    envelope: Inside | None = None
    void_volume: float = 0.0

    @property
    def radius(self) -> float:
        """Volume-equivalent radius of the body (its solid)."""
        return float(np.cbrt(3 * self.volume / (4 * np.pi)))


def _norm(p: np.ndarray) -> np.ndarray:
    return np.sqrt((p * p).sum(axis=-1))


def ellipsoid_area(a: float, b: float, c: float) -> float:
    """Surface of an ellipsoid with semi-axes a >= b >= c (Legendre's elliptic integrals)."""
    if a - c < 1e-12 * a:
        return 4 * np.pi * a * a
    cosine = c / a
    sine = np.sqrt(1 - cosine**2)
    phi = np.arccos(cosine)
    m = (a * a * (b * b - c * c)) / (b * b * (a * a - c * c))
    terms = ellipeinc(phi, m) * sine**2 + ellipkinc(phi, m) * cosine**2
    return float(2 * np.pi * c * c + 2 * np.pi * a * b / sine * terms)


def _ellipsoid(a: float, b: float, c: float, thickness: tuple[float, float] | None = None) -> Body:
    axes = np.array([a, b, c])
    volume = 4 / 3 * np.pi * a * b * c
    moments = (a * a / 5, b * b / 5, c * c / 5)
    return Body(lambda p: _norm(p / axes) <= 1, a, volume, ellipsoid_area(a, b, c), c, a, moments, volume, thickness)


def _hollow_sphere() -> Body:
    volume = 4 / 3 * np.pi * (1 - 0.5**3)
    moment = (1 - 0.5**5) / (1 - 0.5**3) / 5
    return Body(
        lambda p: (_norm(p) <= 1) & (_norm(p) > 0.5),
        1.0,
        volume,
        4 * np.pi * 1.25,
        0.25,
        1.0,
        (moment,) * 3,
        4 / 3 * np.pi,
        (0.261, 0.261),
        lambda p: _norm(p) <= 1,
        4 / 3 * np.pi * 0.125,
    )


def _two_spheres(half: float = 0.75) -> Body:
    """Two unit balls, their centres `half` from the middle along the first axis."""
    ends = np.array([half, 0, 0])
    z = np.linspace(-1 - half, 1 + half, 200_001)
    disc = np.maximum(0, 1 - (np.abs(z) - half) ** 2)  # squared radius of the cross-section
    step = z[1] - z[0]
    volume = float(np.pi * disc.sum() * step)
    along = float(np.pi * (z * z * disc).sum() * step / volume)
    across = float(np.pi / 4 * (disc**2).sum() * step / volume)
    return Body(
        lambda p: (_norm(p - ends) <= 1) | (_norm(p + ends) <= 1),
        1 + half,
        volume,
        8 * np.pi - 4 * np.pi * (1 - half),
        1.0,
        1 + half,
        (along, across, across),
        4 / 3 * np.pi + np.pi * 2 * half,
        (0.805, 0.805),
    )


def _rounded_cube(fillet: float, thickness: tuple[float, float] | None = None) -> Body:
    """A cube of half side 1 with edges and corners rounded by `fillet`."""
    flat = 1 - fillet
    volume = 8 * flat**3 + 24 * flat**2 * fillet + 6 * np.pi * flat * fillet**2 + 4 / 3 * np.pi * fillet**3
    area = 24 * flat**2 + 12 * np.pi * flat * fillet + 4 * np.pi * fillet**2
    x = np.linspace(-1, 1, 20_001)
    edge = np.sqrt(np.maximum(0, fillet**2 - np.maximum(np.abs(x) - flat, 0) ** 2))
    section = 4 * flat**2 + 8 * flat * edge + np.pi * edge**2
    moment = float((x * x * section).sum() / section.sum())
    return Body(
        lambda p: _norm(np.maximum(np.abs(p) - flat, 0)) <= fillet,
        np.sqrt(3) * flat + fillet,
        volume,
        area,
        1.0,
        np.sqrt(3) * flat + fillet,
        (moment,) * 3,
        volume,
        thickness,
    )


def _polyhedron(
    normals: np.ndarray,
    distances: np.ndarray,
    numbers: tuple[float, float, float, tuple[float, float, float]],
    thickness: tuple[float, float] | None = None,
) -> Body:
    """Half spaces normal . x <= distance; numbers: volume, area, circumscribed radius, moments."""
    volume, area, outer, moments = numbers
    inner = float(distances.min())
    return Body(
        lambda p: (p @ normals.T <= distances).all(axis=-1),
        outer,
        volume,
        area,
        inner,
        outer,
        moments,
        volume,
        thickness,
    )


def _cube() -> Body:
    normals = np.vstack([np.eye(3), -np.eye(3)])
    return _polyhedron(normals, np.ones(6), (8.0, 24.0, np.sqrt(3), (1 / 3,) * 3), (0.666, 0.806))


def _cylinder() -> Body:
    """Height equal to the diameter; its axis is the first one."""
    return Body(
        lambda p: (_norm(p[..., 1:]) <= 1) & (np.abs(p[..., 0]) <= 1),
        np.sqrt(2),
        2 * np.pi,
        6 * np.pi,
        1.0,
        np.sqrt(2),
        (1 / 3, 1 / 4, 1 / 4),
        2 * np.pi,
        (0.769, 0.874),
    )


def _octahedron() -> Body:
    normals = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]) / np.sqrt(3)
    return _polyhedron(normals, np.full(8, 1 / np.sqrt(3)), (4 / 3, 4 * np.sqrt(3), 1.0, (0.1,) * 3), (0.736, 0.846))


def _tetrahedron() -> Body:
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    # corners on the unit sphere: edge sqrt(8/3), faces at a third of the radius
    volume, area = 8 / (9 * np.sqrt(3)), 8 / np.sqrt(3)
    return _polyhedron(-corners, np.full(4, 1 / 3), (volume, area, 1.0, (1 / 15,) * 3))


def _hexagonal_plate() -> Body:
    """Corner radius 1, thickness 0.5; its axis is the third one."""
    angles = np.pi / 3 * np.arange(6)
    walls = np.column_stack([np.cos(angles), np.sin(angles), np.zeros(6)])
    normals = np.vstack([walls, [[0, 0, 1], [0, 0, -1]]])
    distances = np.array([np.sqrt(3) / 2] * 6 + [0.25] * 2)
    hexagon = 1.5 * np.sqrt(3)
    numbers = (0.5 * hexagon, 2 * hexagon + 3.0, np.sqrt(1.0625), (5 / 24, 5 / 24, 1 / 48))
    return _polyhedron(normals, distances, numbers, (0.354, 0.369))


@cache
def bodies() -> dict[str, Body]:
    """Every body by name."""
    return {
        "sphere": _ellipsoid(1, 1, 1, (1.0, 1.0)),
        "ellipsoid 2:1:1": _ellipsoid(2, 1, 1, (0.772, 0.794)),
        "ellipsoid 1:.5:.25": _ellipsoid(1, 0.5, 0.25, (0.448, 0.471)),
        "cube": _cube(),
        "cylinder": _cylinder(),
        "octahedron": _octahedron(),
        "tetrahedron": _tetrahedron(),
        "hexagonal plate": _hexagonal_plate(),
        "hollow sphere": _hollow_sphere(),
        "two spheres": _two_spheres(),
        "rounded cube .25": _rounded_cube(0.25, (0.696, 0.816)),
        "rounded cube .5": _rounded_cube(0.5, (0.771, 0.848)),
        "rounded cube .75": _rounded_cube(0.75),
    }


def truth(name: str, radius: float = 1.0) -> dict[str, float]:
    """True values of a body of that volume-equivalent radius; lengths in the same unit.

    `volume` is the solid's (voids left out); `semi_axis_*` are those of the ellipsoid with the same moments;
    `thickness_*` are diameters.
    """
    body = bodies()[name]
    scale = radius / body.radius
    area, volume = body.area * scale**2, body.volume * scale**3
    axes = [np.sqrt(5 * m) * scale for m in body.moments]
    quotient = 36 * np.pi * volume**2 / area**3
    numbers = {
        "volume": volume,
        "surface_area": area,
        "inscribed_radius": body.inscribed * scale,
        "circumscribed_radius": body.circumscribed * scale,
        "semi_axis_a": axes[0],
        "semi_axis_b": axes[1],
        "semi_axis_c": axes[2],
        "ellipticity_yx": axes[1] / axes[0],
        "ellipticity_zx": axes[2] / axes[0],
        "ellipticity_zy": axes[2] / axes[1],
        "sphericity": body.inscribed / body.circumscribed,
        "sphericity_wadell": np.cbrt(quotient),
        "isoperimetric_quotient": quotient,
        "solidity": body.volume / body.hull,
        "void_fraction": body.void_volume / (body.volume + body.void_volume),
    }
    if body.thickness:
        numbers["thickness_mean"], numbers["thickness_median"] = (t * 2 * radius for t in body.thickness)
    return {key: float(value) for key, value in numbers.items()}


def rotation(rng: np.random.Generator) -> np.ndarray:
    """A random rotation, (3, 3), uniform."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


@dataclass(frozen=True)
class Digitised:
    """A digitised body: `mask` and `envelope` (Z, Y, X) bool, `spacing` (z, y, x), `truth` in the spacing's unit."""

    name: str
    mask: np.ndarray
    envelope: np.ndarray
    spacing: tuple[float, float, float]
    truth: dict[str, float]
    turn: np.ndarray


def digitise(
    name: str,
    radius: float,
    seed: int = 0,
    *,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    pad: int = 3,
    turn: np.ndarray | None = None,
) -> Digitised:
    """A body of volume-equivalent `radius` (in the spacing's unit), voxels whose centre lies inside.

    Parameters
    ----------
    seed : int
        Of the pose and of the shift within a voxel.
    pad : int
        Empty voxels around it, at least.
    turn : (3, 3), optional
        The pose, body axes to z, y, x; random if not given.
    """
    rng = np.random.default_rng(seed)
    body = bodies()[name]
    turn = rotation(rng) if turn is None else turn
    scale = radius / body.radius
    edges = np.array(spacing, float)
    half = np.ceil(body.extent * scale / edges).astype(int) + pad
    shift = rng.uniform(-0.5, 0.5, 3) * edges
    grid = [np.arange(-h, h + 1) * e - s for h, e, s in zip(half, edges, shift)]
    points = np.stack(np.meshgrid(*grid, indexing="ij"), axis=-1) @ turn / scale
    mask = body.inside(points)
    envelope = body.envelope(points) if body.envelope else mask
    return Digitised(name, mask, envelope, tuple(float(e) for e in edges), truth(name, radius), turn)


def row_of(parts: list[Digitised], gap: int = 2) -> np.ndarray:
    """A label image (Z, Y, X) int32 of digitised bodies side by side along x, their solids labelled from 1."""
    depth = max(p.mask.shape[0] for p in parts)
    height = max(p.mask.shape[1] for p in parts)
    labels = np.zeros((depth, height, sum(p.mask.shape[2] + gap for p in parts)), np.int32)
    x = 0
    for label, part in enumerate(parts, start=1):
        z, y, w = part.mask.shape
        labels[:z, :y, x : x + w][part.mask] = label
        x += w + gap
    return labels
