"""Convex hull of a particle's voxel centres: candidate vertices, exact lattice count, diameters and widths.

The hull itself comes from Qhull, outside; here is what goes in (few candidates instead of all voxels) and what is read
from its facets. Vertices and normals are integers, so what is counted is exact.
"""

from __future__ import annotations

import math

import numpy as np

from ..extremes import largest
from ..jit import jit

UNBOUNDED = 1 << 40


@jit
def strict_hull(first, second, order, n):
    """Strict hull of the points (first, second)[order[:n]], which are sorted by (first, second), in exact integers.

    Returns
    -------
    Indices of the vertices in turning order, (k,) int64; one point twice at the most (sets of one point or a line).
    """
    chain = np.empty(2 * n + 2, np.int64)
    size = 0
    for side in range(2):
        start = size
        for q in range(n):
            i = order[q] if side == 0 else order[n - 1 - q]
            while size - start >= 2:
                a, b = chain[size - 2], chain[size - 1]
                turn = (first[b] - first[a]) * (second[i] - second[a]) - (second[b] - second[a]) * (first[i] - first[a])
                if turn > 0:
                    break
                size -= 1
            chain[size] = i
            size += 1
        size -= 1  # the other side begins with this point
    return chain[: max(size, 1)]


@jit
def _sort_by_pair(first, second, order, n):
    """Insertion sort of order[:n] by (first, second): the points of a slice come almost sorted."""
    for i in range(1, n):
        t = order[i]
        j = i - 1
        while j >= 0 and (first[order[j]] > first[t] or (first[order[j]] == first[t] and second[order[j]] > second[t])):
            order[j + 1] = order[j]
            j -= 1
        order[j + 1] = t


@jit
def _compact(points, keep, begin, end, target):
    """Move the kept points of [begin, end) to `target` onwards; returns the end of what was kept."""
    for i in range(begin, end):
        if keep[i]:
            points[:, target] = points[:, i]
            target += 1
    return target


@jit
def _row_ends(mask, points, keep, order):
    """Ends of every row, thinned to the strict hull of each z-slice; -> number of points kept, voxels counted."""
    depth, height, width = mask.shape
    n = 0
    voxels = 0
    for z in range(depth):
        begin = n
        for y in range(height):
            first = -1
            last = -1
            for x in range(width):
                if mask[z, y, x]:
                    if first < 0:
                        first = x
                    last = x
                    voxels += 1
            if first < 0:
                continue
            for x in (first, last):
                points[0, n], points[1, n], points[2, n] = z, y, x
                n += 1
                if first == last:
                    break
        for i in range(begin, n):
            order[i - begin] = i
            keep[i] = False
        if n > begin:
            keep[strict_hull(points[1], points[2], order, n - begin)] = True
            n = _compact(points, keep, begin, n, begin)
    return n, voxels


@jit
def hull_candidates(mask):
    """Voxels that are strict hull vertices of their z-, y- and x-slice: every hull vertex is among them.

    Parameters
    ----------
    mask : (Z,Y,X) uint8.

    Returns
    -------
    (n, 3) int64 z, y, x; number of voxels.
    """
    depth, height, _ = mask.shape
    most = 2 * depth * height
    points = np.empty((3, most), np.int64)
    keep = np.empty(most, np.bool_)
    order = np.empty(most, np.int64)
    n, voxels = _row_ends(mask, points, keep, order)
    for axis in range(1, 3):
        other = 3 - axis
        begins = np.zeros(mask.shape[axis] + 1, np.int64)
        for i in range(n):
            begins[points[axis, i] + 1] += 1
        for i in range(mask.shape[axis]):
            begins[i + 1] += begins[i]
        at = begins[:-1].copy()
        for i in range(n):
            order[at[points[axis, i]]] = i
            at[points[axis, i]] += 1
            keep[i] = False
        for s in range(mask.shape[axis]):
            m = begins[s + 1] - begins[s]
            if m > 0:
                part = order[begins[s] : begins[s + 1]]
                _sort_by_pair(points[0], points[other], part, m)
                keep[strict_hull(points[0], points[other], part, m)] = True
        n = _compact(points, keep, 0, n, 0)
    return points[:, :n].T.copy(), voxels


@jit
def facet_planes(points, triangles, inner):
    """Integer outward normals and offsets of triangles, n . p = offset; a triangle without area has normal zero.

    Parameters
    ----------
    points : (n, 3) int64; triangles : (f, 3) int64; inner : (3,) float64, a point strictly inside.

    Returns
    -------
    normals : (f, 3) int64, offsets : (f,) int64.
    """
    normals = np.empty((triangles.shape[0], 3), np.int64)
    offsets = np.empty(triangles.shape[0], np.int64)
    for f in range(triangles.shape[0]):
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        u0, u1, u2 = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        v0, v1, v2 = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        n0, n1, n2 = u1 * v2 - u2 * v1, u2 * v0 - u0 * v2, u0 * v1 - u1 * v0
        offset = n0 * points[a, 0] + n1 * points[a, 1] + n2 * points[a, 2]
        if n0 * inner[0] + n1 * inner[1] + n2 * inner[2] > offset:
            n0, n1, n2, offset = -n0, -n1, -n2, -offset
        normals[f, 0], normals[f, 1], normals[f, 2] = n0, n1, n2
        offsets[f] = offset
    return normals, offsets


@jit
def _row_range(corners, z):
    """The y of the lattice points of a counter-clockwise triangle (3, 2) z, y at this z: first, last (empty: 1, 0)."""
    low = min(corners[0, 1], corners[1, 1], corners[2, 1])
    high = max(corners[0, 1], corners[1, 1], corners[2, 1])
    for k in range(3):
        p0, p1 = corners[k, 0], corners[k, 1]
        e0, e1 = corners[(k + 1) % 3, 0] - p0, corners[(k + 1) % 3, 1] - p1
        right = e1 * (z - p0) + e0 * p1  # inside: e0 y >= right
        if e0 > 0:
            low = max(low, -((-right) // e0))
        elif e0 < 0:
            high = min(high, (-right) // (-e0))
        elif e1 * (z - p0) > 0:
            return 1, 0
    return low, high


@jit
def lattice_points(points, triangles, normals, offsets, depth, height):
    """Number of lattice points in the closed polytope, exactly: every facet bounds the rows under its projection.

    Parameters
    ----------
    points : (n, 3) int64 within [0, depth) x [0, height) x anything.
    triangles, normals, offsets : from Qhull and `facet_planes`.
    """
    least = np.full((depth, height), -UNBOUNDED, np.int64)
    most = np.full((depth, height), UNBOUNDED, np.int64)
    corners = np.empty((3, 2), np.int64)
    for f in range(triangles.shape[0]):
        nx = normals[f, 2]
        if nx == 0:
            continue
        for k in range(3):
            corners[k] = points[triangles[f, k], :2]
        turn = (corners[1, 0] - corners[0, 0]) * (corners[2, 1] - corners[0, 1])
        turn -= (corners[1, 1] - corners[0, 1]) * (corners[2, 0] - corners[0, 0])
        if turn < 0:
            for k in range(2):
                corners[1, k], corners[2, k] = corners[2, k], corners[1, k]
        first = min(corners[0, 0], corners[1, 0], corners[2, 0])
        last = max(corners[0, 0], corners[1, 0], corners[2, 0])
        for z in range(first, last + 1):
            low, high = _row_range(corners, z)
            for y in range(low, high + 1):
                room = offsets[f] - normals[f, 0] * z - normals[f, 1] * y
                if nx > 0:
                    most[z, y] = min(most[z, y], room // nx)
                else:
                    least[z, y] = max(least[z, y], -(room // (-nx)))
    n = 0
    for z in range(depth):
        for y in range(height):
            if least[z, y] > -UNBOUNDED and most[z, y] < UNBOUNDED and most[z, y] >= least[z, y]:
                n += most[z, y] - least[z, y] + 1
    return n


@jit
def longest_diameter(points, skin):
    """Largest distance of two points (n, 3) float64, each pushed out along the line by |skin * direction|.

    `skin` (3,) float64 is what a voxel adds to its centre along each axis; with zeros it is the plain diameter.
    """
    z, y, x = points[:, 0].copy(), points[:, 1].copy(), points[:, 2].copy()
    squared = np.empty(z.size)
    most_skin = 2 * max(skin[0], skin[1], skin[2])
    best = 0.0
    for i in range(1, z.size):
        for j in range(i):
            squared[j] = (z[i] - z[j]) ** 2 + (y[i] - y[j]) ** 2 + (x[i] - x[j]) ** 2
        needed = max(best - most_skin, 0.0) ** 2
        if largest(squared[:i]) <= needed:
            continue
        for j in range(i):
            if squared[j] > needed:
                d = math.sqrt(squared[j])
                thick = (skin[0] * (z[i] - z[j])) ** 2 + (skin[1] * (y[i] - y[j])) ** 2 + (skin[2] * (x[i] - x[j])) ** 2
                best = max(best, d + 2 * math.sqrt(thick) / d)
    return best
