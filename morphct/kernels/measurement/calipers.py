"""Least width of a convex polytope from its facets.

The least width is met either on a facet and the vertex opposite, or between two edges whose parallel planes it lies
between (Houle & Toussaint 1988, doi 10.1109/34.9106): for every edge the opposite vertex is walked from the one that
faces its first facet to the one that faces its second.
"""

from __future__ import annotations

import math

import numpy as np

from ..extremes import largest
from ..jit import jit


@jit
def vertex_neighbours(triangles, n):
    """Neighbours of each of n vertices: `begins` (n + 1,) into `ends`, both int64; a neighbour may be there twice."""
    begins = np.zeros(n + 1, np.int64)
    for f in range(triangles.shape[0]):
        for k in range(3):
            begins[triangles[f, k] + 1] += 2
    for i in range(n):
        begins[i + 1] += begins[i]
    at = begins[:n].copy()
    ends = np.empty(begins[n], np.int64)
    for f in range(triangles.shape[0]):
        for k in range(3):
            a = triangles[f, k]
            ends[at[a]] = triangles[f, (k + 1) % 3]
            ends[at[a] + 1] = triangles[f, (k + 2) % 3]
            at[a] += 2
    return begins, ends


@jit
def opposite_vertices(points, normals, offsets):
    """For every outward unit normal the vertex farthest behind the facet (lowest index among equals), and how far.

    Parameters
    ----------
    points : (n, 3) float64; normals : (f, 3) float64, nan for a facet without area; offsets : (f,), normal . point.
    """
    z, y, x = points[:, 0].copy(), points[:, 1].copy(), points[:, 2].copy()
    depths = np.empty(z.size)
    vertex = np.zeros(normals.shape[0], np.int64)
    widths = np.full(normals.shape[0], np.nan)
    for f in range(normals.shape[0]):
        nz, ny, nx, top = normals[f, 0], normals[f, 1], normals[f, 2], offsets[f]
        if nz != nz:
            continue
        for i in range(z.size):
            depths[i] = max(top - (nz * z[i] + ny * y[i] + nx * x[i]), 0.0)
        widths[f] = largest(depths)
        for i in range(z.size):
            if depths[i] == widths[f]:
                vertex[f] = i
                break
    return vertex, widths


@jit
def _walk(points, begins, ends, start, stop, along, skin, best):
    """Least width between an edge and the vertices opposite it while the direction turns from one facet to the next.

    Parameters
    ----------
    start, stop : int, opposite vertices of the first and second facet.
    along : (3, 3) float64: the two unit normals and a point of the edge.
    skin : (3,) float64, see `least_width`.
    best : float, the least width so far; the return value is the new one.
    """
    at = start
    turned = 0.0
    d = np.empty(3)
    for _ in range(1000):
        if at == stop:
            return best
        following, to = 2.0, -1
        for p in range(begins[at], begins[at + 1]):
            other = ends[p]
            a = b = 0.0
            for k in range(3):
                step = points[at, k] - points[other, k]
                a += along[0, k] * step
                b += along[1, k] * step
            # (1 - t) a + t b turns positive: `other` lies lower from there on
            if b > a and b > 1e-12:
                t = max(-a / (b - a), turned)
                if t < following:
                    following, to = t, other
        if to < 0 or following > 1:
            return best
        turned = following
        length = width = thick = 0.0
        for k in range(3):
            d[k] = (1 - turned) * along[0, k] + turned * along[1, k]
            length += d[k] * d[k]
            width += d[k] * (along[2, k] - points[at, k])
            thick += (skin[k] * d[k]) ** 2
        best = min(best, (width + 2 * math.sqrt(thick)) / math.sqrt(length))
        at = to
    return best


@jit
def least_width(points, triangles, neighbours, normals, offsets, skin):
    """Least width of a polytope over all directions, with its skin.

    Parameters
    ----------
    points : (n, 3) float64 vertices, physical.
    triangles, neighbours : (f, 3) int64; neighbours[f, k] shares the edge opposite triangles[f, k].
    normals : (f, 3) float64, unit, outward, nan where a triangle has no area; offsets : (f,) float64.
    skin : (3,) float64: a width along the unit direction u is made larger by 2 |skin * u| before the least is taken.

    Returns
    -------
    float
    """
    vertex, widths = opposite_vertices(points, normals, offsets)
    begins, ends = vertex_neighbours(triangles, points.shape[0])
    best = np.inf
    for f in range(triangles.shape[0]):
        if widths[f] == widths[f]:
            thick = 0.0
            for k in range(3):
                thick += (skin[k] * normals[f, k]) ** 2
            best = min(best, widths[f] + 2 * math.sqrt(thick))
    along = np.empty((3, 3))
    for f in range(triangles.shape[0]):
        for k in range(3):
            g = neighbours[f, k]
            if g <= f or widths[f] != widths[f] or widths[g] != widths[g]:
                continue
            i = triangles[f, (k + 1) % 3]
            for q in range(3):
                along[0, q], along[1, q], along[2, q] = normals[f, q], normals[g, q], points[i, q]
            best = _walk(points, begins, ends, vertex[f], vertex[g], along, skin, best)
    return best
