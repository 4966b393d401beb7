"""Bodies of known size and shape, in closed form: ellipsoids, rounded blocks, octahedra, a cross; balls as voids.

Spheres, cubes, plates and rods are among them. Lengths are in volume-equivalent radii of the envelope.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from ..kernels.truth import bodies as kernel

BALL_VOLUME_FACTOR = 4 / 3 * np.pi
Triple = tuple[float, float, float]
CODES = {"ellipsoid": kernel.ELLIPSOID, "octahedron": kernel.OCTAHEDRON, "cross": kernel.CROSS}


@dataclass(frozen=True)
class Pose:
    """How a body lies among voxels.

    Parameters
    ----------
    turn : (3, 3)
        Its columns are the body's axes as z, y, x.
    centre : (3,)
        From the middle of voxel (0, 0, 0).
    spacing : (z, y, x)
        Voxel edges.
    """

    turn: np.ndarray
    centre: np.ndarray
    spacing: Triple


@dataclass(frozen=True)
class Body:
    """A body in its own frame, symmetric about its three planes, with balls taken out of it.

    Parameters
    ----------
    name : str
        What it is called in tables.
    kind : {"ellipsoid", "block", "octahedron", "cross"}
    half : (a, b, c)
        Semi-axes, half edges, distances of the corners, or half lengths of the bars; a >= b >= c.
    fillet : float
        Radius of the edges and corners of a block.
    volume, area : float
        Of the envelope.
    farthest, nearest : float
        Radii of the smallest ball around it and of the largest ball inside.
    variances : (a, b, c)
        Second moments of the envelope along its axes, over its volume.
    voids : tuple of (a, b, c, radius)
        Balls inside it that neither overlap nor reach its surface.
    narrowest, hull : float
        Half its least width, and the volume of its convex hull; 0: it is convex, they are `nearest` and `volume`.
    """

    name: str
    kind: str
    half: Triple
    fillet: float
    volume: float
    area: float
    farthest: float
    nearest: float
    variances: Triple
    voids: tuple[tuple[float, float, float, float], ...] = field(default=())
    narrowest: float = 0.0
    hull: float = 0.0

    def extents(self, turn: np.ndarray) -> np.ndarray:
        """Half extents (3,) along z, y, x when the columns of `turn` are the body's axes."""
        reach = np.abs(turn) * np.array(self.half)
        if self.kind == "ellipsoid":
            return np.sqrt((reach * reach).sum(axis=1))
        if self.kind == "octahedron":
            return reach.max(axis=1)
        if self.kind == "cross":
            return (reach.sum(axis=1) + 2 * reach.max(axis=1)) / 3
        return np.abs(turn) @ (np.array(self.half) - self.fillet) + self.fillet

    def with_voids(self, voids: tuple[tuple[float, float, float, float], ...]) -> "Body":
        """The same body with these balls taken out."""
        return replace(self, voids=voids)

    def draw(self, diameter: float, pose: "Pose", soft: float, coat: np.ndarray, out: np.ndarray) -> None:
        """Draw it with its voids into a box of 0 and 1, of that volume-equivalent diameter in the unit of the pose.

        Parameters
        ----------
        soft : float
            Width over which the surface falls from 1 to 0; 0: a voxel is 1 where its centre lies in the body.
        coat : (6,)
            Normal and offset of a plane, beyond which it is covered; thickness and grey of the cover.
        out : (Z,Y,X) float32
            Written.
        """
        scale = 0.5 * diameter / (self.volume / BALL_VOLUME_FACTOR) ** (1 / 3)
        round_ = CODES.get(self.kind, self.fillet * scale)
        spacing = np.array(pose.spacing, float)
        kernel.draw(np.array(self.half) * scale, round_, pose.turn, pose.centre, spacing, soft, coat, out)
        if self.voids:
            balls = np.array(self.voids) * scale
            balls[:, :3] = balls[:, :3] @ pose.turn.T + pose.centre
            kernel.carve(balls, spacing, soft, out)

    def truth(self, diameter: float) -> dict[str, float]:
        """True values by name of descriptor, for a body of that volume-equivalent diameter; lengths in its unit."""
        void = BALL_VOLUME_FACTOR * sum(v[3] ** 3 for v in self.voids)
        walls = 4 * np.pi * sum(v[3] ** 2 for v in self.voids)
        a, b, c = (math.sqrt(5 * v) for v in self.variances)
        quotient = 36 * np.pi * self.volume**2 / self.area**3
        values = {
            1: {
                "equivalent_diameter": 2 * (self.volume / BALL_VOLUME_FACTOR) ** (1 / 3),
                "feret_max": 2 * self.farthest,
                # the least width of a convex body that is its own mirror image in a point
                "feret_min": 2 * (self.narrowest or self.nearest),
                "inscribed_radius": self.nearest,
                "circumscribed_radius": self.farthest,
                "semi_axis_a": a,
                "semi_axis_b": b,
                "semi_axis_c": c,
                "void_largest_diameter": 2 * max((v[3] for v in self.voids), default=math.nan),
            },
            2: {"surface_area": self.area, "surface_area_total": self.area + walls},
            3: {"volume": self.volume, "solid_volume": self.volume - void, "void_volume": void},
            0: {
                "ellipticity_yx": b / a,
                "ellipticity_zx": c / a,
                "ellipticity_zy": c / b,
                "sphericity": self.nearest / self.farthest,
                "sphericity_wadell": quotient ** (1 / 3),
                "isoperimetric_quotient": quotient,
                "solidity": self.volume / self.hull if self.hull else 1.0,
                "void_fraction": void / self.volume,
                "void_count": len(self.voids),
            },
        }
        scale = 0.5 * diameter / (self.volume / BALL_VOLUME_FACTOR) ** (1 / 3)
        return {name: float(v * scale**power) for power, named in values.items() for name, v in named.items()}


def _of_unit_radius(body: Body) -> Body:
    """The same body, its volume that of the unit ball."""
    s = (BALL_VOLUME_FACTOR / body.volume) ** (1 / 3)
    a, b, c = (h * s for h in body.half)
    va, vb, vc = (v * s * s for v in body.variances)
    return Body(
        body.name, body.kind, (a, b, c), body.fillet * s, body.volume * s**3, body.area * s**2,
        body.farthest * s, body.nearest * s, (va, vb, vc), body.voids, body.narrowest * s, body.hull * s**3,
    )  # fmt: skip


def ellipsoid(name: str, b: float = 1.0, c: float = 1.0) -> Body:
    """An ellipsoid whose semi-axes are as 1 : b : c, 1 >= b >= c."""
    area = ellipsoid_area(1.0, b, c)
    return _of_unit_radius(
        Body(name, "ellipsoid", (1.0, b, c), 0.0, BALL_VOLUME_FACTOR * b * c, area, 1.0, c, (0.2, b * b / 5, c * c / 5))
    )


def octahedron(name: str, b: float = 1.0, c: float = 1.0) -> Body:
    """An octahedron whose corners lie at 1, b and c on the axes, 1 >= b >= c."""
    area = 4 * math.sqrt(b * b + c * c + b * b * c * c)
    nearest = 1 / math.sqrt(1 + 1 / b**2 + 1 / c**2)
    return _of_unit_radius(
        Body(name, "octahedron", (1.0, b, c), 0.0, 4 / 3 * b * c, area, 1.0, nearest, (0.1, b * b / 10, c * c / 10))
    )


def block(name: str, b: float = 1.0, c: float = 1.0, rounding: float = 0.0) -> Body:
    """A block whose edges are as 1 : b : c, rounded by a share of the shortest half edge (1: a ball rolled along).

    Source: Steiner's formula for the box that is left inside, and a ball.
    """
    f = rounding * c
    p, q, r = 1 - f, b - f, c - f
    volume = (
        8 * p * q * r + 8 * f * (p * q + q * r + r * p) + 2 * np.pi * f * f * (p + q + r) + BALL_VOLUME_FACTOR * f**3
    )
    area = 8 * (p * q + q * r + r * p) + 4 * np.pi * f * (p + q + r) + 4 * np.pi * f * f
    va, vb, vc = (_second_moment(*sides, f) / volume for sides in ((p, q, r), (q, r, p), (r, p, q)))
    farthest = math.sqrt(p * p + q * q + r * r) + f
    return _of_unit_radius(Body(name, "block", (1.0, b, c), f, volume, area, farthest, c, (va, vb, vc)))


def cross(name: str) -> Body:
    """Three square bars through one another, each three times as long as wide: sharp, and far from convex.

    It is made of seven cubes of edge 2/3. The hull adds to them twelve half cubes between the arms and eight corners;
    its least width is that between its sloping faces.
    """
    edge = 2 / 3
    variance = 2 / 7 * edge**2 + edge**2 / 12
    return _of_unit_radius(
        Body(
            name, "cross", (1.0, 1.0, 1.0), 0.0, 7 * edge**3, 30 * edge**2, math.sqrt(11) / 3, math.sqrt(2) / 3,
            (variance,) * 3, narrowest=math.sqrt(8) / 3, hull=(7 + 12 / 2 + 8 / 6) * edge**3,
        )
    )  # fmt: skip


def _second_moment(p: float, q: float, r: float, f: float) -> float:
    """Second moment of a rounded block along the axis of its flat half edge p: its sections, integrated exactly."""
    box, rim, disc = 4 * q * r, 4 * (q + r) * f, np.pi * f * f
    middle = 2 * p**3 / 3 * (box + rim + disc)
    # the section at p + f s is box + rim sqrt(1 - s^2) + disc (1 - s^2); integrals of s^k times each, from 0 to 1
    caps = (
        box + rim * np.pi / 4 + disc * 2 / 3,
        box / 2 + rim / 3 + disc / 4,
        box / 3 + rim * np.pi / 16 + disc * 2 / 15,
    )
    return float(middle + 2 * f * (p * p * caps[0] + 2 * p * f * caps[1] + f * f * caps[2]))


def ellipsoid_area(a: float, b: float, c: float) -> float:
    """Surface of an ellipsoid with semi-axes a >= b >= c.

    Source: Legendre's elliptic integrals, DLMF 19.33.
    """
    from scipy.special import ellipeinc, ellipkinc

    if a - c < 1e-12 * a:
        return 4 * np.pi * a * a
    angle = np.arccos(c / a)
    m = (a * a * (b * b - c * c)) / (b * b * (a * a - c * c))
    sine = np.sin(angle)
    terms = ellipeinc(angle, m) * sine**2 + ellipkinc(angle, m) * (c / a) ** 2
    return float(2 * np.pi * c * c + 2 * np.pi * a * b / sine * terms)
