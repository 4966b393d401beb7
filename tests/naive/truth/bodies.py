"""Slow and obvious twin of `kernels.bodies`: bodies by the distance of voxel centres to what they are made of."""

import numpy as np


def centres(shape, spacing):
    """Places of voxel centres (Z, Y, X, 3), from the middle of voxel (0, 0, 0)."""
    return np.stack(np.meshgrid(*(np.arange(n) * e for n, e in zip(shape, spacing)), indexing="ij"), axis=-1)


def beyond_block(points, half, fillet):
    """Signed distance to a rounded block: to the nearest point of the box within it, or to the nearest of its faces."""
    box = np.asarray(half) - fillet
    nearest = np.clip(points, -box, box)
    away = np.sqrt(((points - nearest) ** 2).sum(axis=-1))
    faces = (np.abs(points) - box).max(axis=-1)
    return np.where(away > 0, away, faces) - fillet


def beyond_octahedron(points, half):
    """Signed distance to the nearest of the planes through three corners."""
    corners = np.diag(half)
    signs = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)])
    found = []
    for sign in signs:
        a, b, c = corners * sign[:, None]
        normal = np.cross(b - a, c - a)
        normal *= np.sign(normal @ a) / np.sqrt((normal**2).sum())
        found.append((points - a) @ normal)
    return np.max(found, axis=0)


def beyond_ellipsoid(points, half):
    """Distance to first order: the implicit function over the length of its gradient."""
    half = np.asarray(half)
    level = np.sqrt(((points / half) ** 2).sum(axis=-1))
    gradient = points / half**2 / np.maximum(level, 1e-300)[..., None]
    steep = np.sqrt((gradient**2).sum(axis=-1))
    return np.where(level > 0, (level - 1) / np.maximum(steep, 1e-300), -half.min())


def beyond_cross(points, half):
    """Distance to the nearest of three bars a third as wide as they are long."""
    bars = np.asarray(half) * (np.full((3, 3), 1 / 3) + np.eye(3) * 2 / 3)
    return np.min([beyond_block(points, bar, 0.0) for bar in bars], axis=0)


def share(outside, soft):
    """Share of a voxel within a body whose surface is `outside` away."""
    return np.clip(0.5 - outside / soft, 0, 1) if soft else (outside <= 0).astype(float)


def draw(kind, half, fillet, turn, centre, spacing, soft, coat, shape):
    """What `kernels.bodies.draw` writes, (Z, Y, X) float64."""
    away = centres(shape, spacing) - centre
    own = away @ turn
    outside = {
        "block": lambda: beyond_block(own, half, fillet),
        "cross": lambda: beyond_cross(own, half),
        "octahedron": lambda: beyond_octahedron(own, half),
        "ellipsoid": lambda: beyond_ellipsoid(own, half),
    }[kind]()
    body = share(outside, soft)
    covered = body + coat[5] * (share(outside - coat[4], soft) - body)
    return np.where((coat[5] != 0) & (away @ coat[:3] >= coat[3]), covered, body)


def carve(balls, spacing, soft, drawn):
    """What `kernels.bodies.carve` leaves."""
    points = centres(drawn.shape, spacing)
    for *centre, radius in balls:
        away = np.sqrt(((points - centre) ** 2).sum(axis=-1))
        drawn = drawn * (1 - share(away - radius, soft))
    return drawn
