"""The convex hull of a particle's voxel centres: solidity, Feret diameters, enclosing ball."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...kernels.measurement import calipers, enclosing
from ...kernels.measurement import hull as facets
from .box import Spacing

# What a body reaches beyond its outermost voxel centres, in voxels along every axis (docs/methods.md, 2 and 5)
SKIN_VOXELS = 0.25


@dataclass(frozen=True)
class Hull:
    """The hull's numbers; lengths in the units of the spacing.

    rank : dimensions the voxel centres span: 0 one voxel, 1 a line, 2 a plane, 3 a body.
    n_voxels, lattice_points : voxels of the particle, and lattice points in the closed hull of their centres.
    feret_max, feret_min : largest and least width, a skin of 1/4 voxel added on both sides.
    enclosing_radius : of the smallest ball around the centres, with that skin.
    """

    rank: int
    n_voxels: int
    lattice_points: int
    feret_max: float
    feret_min: float
    enclosing_radius: float

    @property
    def solidity(self) -> float:
        """Voxels over lattice points: exactly 1 for a digitised convex body."""
        return self.n_voxels / self.lattice_points if self.lattice_points else float("nan")


def hull(mask: np.ndarray, spacing: Spacing) -> Hull:
    """Measure the convex hull of the voxel centres of a particle.

    Parameters
    ----------
    mask : (Z,Y,X), any dtype, non-zero = particle; no margin needed.
    spacing : z, y, x voxel edges.

    Returns
    -------
    Hull. An empty mask has rank -1 and nan; flat, straight and single sets are exact too, their least width being the
    skin alone.

    Notes
    -----
    The lattice count and so the solidity are of the lattice and do not depend on the spacing. The hull's facets are
    those of the lattice hull, moved: a linear map keeps them.
    """
    return hull_of(*corner_points(mask), mask.shape, spacing)


def corner_points(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Voxels of a mask among which the corners of its hull are, (n, 3) int64 z, y, x; its number of voxels."""
    return facets.hull_candidates(mask if mask.dtype == np.uint8 else (mask != 0).astype(np.uint8))


def lattice_points(points: np.ndarray) -> int:
    """Lattice points in the closed hull of lattice points (n, 3) int64, n of 1 or more."""
    points = points - points.min(0)
    rank, normal = _span(points)
    if rank < 3:
        return _flat(points, np.ones(3), normal)[0] if rank == 2 else _line(points, np.ones(3))[0]
    return _facets(points, tuple(points.max(0) + 1))[0]


def hull_of(points: np.ndarray, voxels: int, shape: tuple[int, ...], spacing: Spacing) -> Hull:
    """`hull` of a crop of this shape from its `corner_points`."""
    if voxels == 0:
        nan = float("nan")
        return Hull(-1, 0, 0, nan, nan, nan)
    unit = min(spacing)
    edges = np.asarray(spacing, float) / unit
    rank, normal = _span(points)
    lattice, longest, least = (
        _body(points, edges, shape)
        if rank == 3
        else _flat(points, edges, normal)
        if rank == 2
        else _line(points, edges)
    )
    radius = _enclosing_radius(points * edges, SKIN_VOXELS * edges)
    return Hull(rank, int(voxels), lattice, longest * unit, least * unit, radius * unit)


def _span(points: np.ndarray) -> tuple[int, np.ndarray]:
    """Dimensions that lattice points (n, 3) span, exactly; the primitive normal of their plane (rank 2)."""
    steps = points - points[0]
    longest = steps[np.argmax(np.square(steps).sum(1))]
    across = np.cross(steps, longest)
    normal = across[np.argmax(np.square(across).sum(1))]
    if not longest.any():
        return 0, normal
    if not normal.any():
        return 1, normal
    normal = normal // np.gcd.reduce(np.abs(normal))
    return (3, np.zeros_like(normal)) if (steps @ normal).any() else (2, normal)


def _facets(points: np.ndarray, shape: tuple[int, ...]) -> tuple[int, Any, np.ndarray, np.ndarray, np.ndarray]:
    """Rank 3: lattice points, Qhull's hull, its triangles, their integer normals and offsets."""
    from scipy.spatial import ConvexHull

    found = ConvexHull(points)
    triangles = found.simplices.astype(np.int64)
    normals, offsets = facets.facet_planes(points, triangles, points[found.vertices].mean(0))
    lattice = facets.lattice_points(points, triangles, normals, offsets, shape[0], shape[1])
    return int(lattice), found, triangles, normals, offsets


def _body(points: np.ndarray, edges: np.ndarray, shape: tuple[int, ...]) -> tuple[int, float, float]:
    """Rank 3: lattice points, largest and least width with the skin."""
    lattice, found, triangles, normals, offsets = _facets(points, shape)
    numbers = np.full(len(points), -1, np.int64)
    numbers[found.vertices] = np.arange(len(found.vertices))
    planes = np.column_stack([normals, offsets]).astype(float)
    # triangles without area, which Qhull leaves on flat facets, take the plane of their facet
    flat = ~normals.any(1)
    planes[flat] = found.equations[flat] * (1, 1, 1, -1)
    planes[:, :3] /= edges  # n . p = d among voxels is (n / edges) . x = d in space
    planes /= np.linalg.norm(planes[:, :3], axis=1)[:, None]
    vertices = points[found.vertices] * edges
    least = calipers.least_width(
        vertices,
        numbers[triangles],
        found.neighbors.astype(np.int64),
        planes[:, :3].copy(),
        planes[:, 3].copy(),
        SKIN_VOXELS * edges,
    )
    return lattice, float(facets.longest_diameter(vertices, SKIN_VOXELS * edges)), float(least)


def _flat(points: np.ndarray, edges: np.ndarray, normal: np.ndarray) -> tuple[int, float, float]:
    """Rank 2: the same; lattice points are those of the plane, its least width is the skin across it."""
    across = int(np.argmax(np.abs(normal)))
    kept = [axis for axis in range(3) if axis != across]
    first, second = points[:, kept[0]].copy(), points[:, kept[1]].copy()
    order = np.lexsort((second, first))
    corners = points[facets.strict_hull(first, second, order, len(order))]
    low, high = corners[:, kept].min(0), corners[:, kept].max(0)
    grid = np.indices(high - low + 1).reshape(2, -1) + low[:, None]
    inside = (normal @ points[0] - normal[kept] @ grid) % normal[across] == 0
    for a, b in zip(corners[:, kept], np.roll(corners[:, kept], -1, axis=0)):
        inside &= (b[0] - a[0]) * (grid[1] - a[1]) - (b[1] - a[1]) * (grid[0] - a[0]) >= 0
    vertices = corners * edges
    upright = normal / edges
    least = 2 * SKIN_VOXELS * np.linalg.norm(edges * upright) / np.linalg.norm(upright)
    return int(inside.sum()), float(facets.longest_diameter(vertices, SKIN_VOXELS * edges)), float(least)


def _line(points: np.ndarray, edges: np.ndarray) -> tuple[int, float, float]:
    """Rank 1 and 0: the same; widths across the line are the skin alone."""
    ends = points[np.lexsort(points.T)[[0, -1]]]
    step = ends[1] - ends[0]
    lattice = int(np.gcd.reduce(np.abs(step))) + 1
    length = float(np.linalg.norm(step * edges))
    if length == 0:
        return lattice, 2 * SKIN_VOXELS * float(edges.max()), 2 * SKIN_VOXELS * float(edges.min())
    along = step * edges / length
    aside = np.eye(3) - np.outer(along, along)
    # the skin's width |edges u| is least, among directions across the line, along an eigenvector of its square there
    squares = np.linalg.eigvalsh(aside @ np.diag(edges**2) @ aside)
    longest = length + 2 * SKIN_VOXELS * float(np.linalg.norm(edges * along))
    return lattice, longest, 2 * SKIN_VOXELS * float(np.sqrt(squares[1]))


def _enclosing_radius(points: np.ndarray, skin: np.ndarray) -> float:
    """Radius of the smallest ball around points (n, 3), with what the skin pushes its support out, to first order."""
    centre, radius, support, weights = enclosing.enclosing_ball(points)
    if radius == 0:
        return float(skin.max())
    outward = (points[support] - centre) / radius
    return float(radius + weights @ np.linalg.norm(skin * outward, axis=1))
