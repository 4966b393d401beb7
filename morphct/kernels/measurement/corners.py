"""Corners of an outline: the circles that fit its arcs, the widest turns first.

Circles are fitted to every arc by least squares on prefix sums (Kasa), so all n^2 arcs cost n^2.

Source: docs/methods.md, 7; after Wadell 1932 and Zheng & Hryciw 2015, doi 10.1680/geot./14-P-192.
"""

from __future__ import annotations

import math

import numpy as np

from ..jit import jit, jit_inline
from .outlines import nearest_vertex

# rms of a fit, in pixels and as a share of the largest radius; the least turn; the least sagitta in tolerances;
# the largest radius as a share; what a corner blocks on both sides, as a share of its arc
RMS_PIXELS, RMS_SHARE, LEAST_TURN, SAGITTA, LARGEST, MARGIN = 0.15, 0.01, math.radians(40), 4.0, 1.03, 0.25


@jit
def _sums(xs, ys):
    """Running sums over two rounds of the points: x, y, z = x^2 + y^2, xx, xy, yy, xz, yz, zz -> (9, 2 n + 1)."""
    n = xs.size
    sums = np.zeros((9, 2 * n + 1))
    for i in range(2 * n):
        x, y = xs[i % n], ys[i % n]
        z = x * x + y * y
        sums[0, i + 1] = sums[0, i] + x
        sums[1, i + 1] = sums[1, i] + y
        sums[2, i + 1] = sums[2, i] + z
        sums[3, i + 1] = sums[3, i] + x * x
        sums[4, i + 1] = sums[4, i] + x * y
        sums[5, i + 1] = sums[5, i] + y * y
        sums[6, i + 1] = sums[6, i] + x * z
        sums[7, i + 1] = sums[7, i] + y * z
        sums[8, i + 1] = sums[8, i] + z * z
    return sums


@jit_inline
def _fit(sums, i, n):
    """Least-squares circle of n points from i on: twice its centre, squared radius (1e18: none), rms of the fit."""
    s1 = float(n)
    sx, sy, sz = sums[0, i + n] - sums[0, i], sums[1, i + n] - sums[1, i], sums[2, i + n] - sums[2, i]
    mx, my, mz = sx / s1, sy / s1, sz / s1
    a = sums[3, i + n] - sums[3, i] - sx * mx
    b = sums[4, i + n] - sums[4, i] - sx * my
    d = sums[5, i + n] - sums[5, i] - sy * my
    e = sums[6, i + n] - sums[6, i] - sx * mz
    f = sums[7, i + n] - sums[7, i] - sy * mz
    det = a * d - b * b
    straight = det <= 1e-14 * s1 * s1
    det = 1.0 if straight else det
    u, v = (d * e - b * f) / det, (a * f - b * e) / det
    squared = mz - u * mx - v * my + 0.25 * (u * u + v * v)
    residual = max(sums[8, i + n] - sums[8, i] - sz * mz - u * e - v * f, 0.0)
    squared = 1e18 if straight or squared <= 0 else squared
    return u, v, squared, math.sqrt(residual / s1 / (4 * squared))


@jit
def _candidates(xs, ys, sums, r_max, step, tolerance):
    """Arcs that make a corner, widest turn first (ties: first point, then length): their first points and lengths.

    Points are in units of `step`'s unit; lengths, radii and the tolerance too. `sums` from `_sums`.
    """
    n = xs.size
    turns, arcs = np.empty(n * n), np.empty(n * n, np.int64)
    us, vs, radii, errors = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    count = 0
    for length in range(4, n + 1):
        for i in range(n):
            u, v, squared, error = _fit(sums, i, length)
            us[i], vs[i], radii[i], errors[i] = u, v, math.sqrt(squared), error
        for i in range(n):
            r = radii[i]
            if r > r_max * LARGEST or errors[i] > tolerance:
                continue
            turn = min(length * step / max(r, 1e-9), 2 * math.pi)
            if turn < LEAST_TURN or r * (1 - math.cos(min(turn, math.pi) / 2)) < SAGITTA * tolerance:
                continue
            q = (i + (length - 1) // 2) % n
            after, before = (q + 1) % n, (q - 1) % n
            # the outline runs counter-clockwise: (dy, -dx) points outward, and so must the arc's middle from its centre
            out = (xs[q] - 0.5 * us[i]) * (ys[after] - ys[before]) - (ys[q] - 0.5 * vs[i]) * (xs[after] - xs[before])
            if out <= 0:
                continue
            turns[count] = -turn
            arcs[count] = i * n + length - 1
            count += 1
    arcs, turns = arcs[:count], turns[:count]
    by_place = np.argsort(arcs)
    order = by_place[np.argsort(turns[by_place], kind="mergesort")]
    return arcs[order] // n, arcs[order] % n + 1


@jit
def mean_corner_radius(xs, ys, r_max, step):
    """Corners of an evenly spaced, smoothed, counter-clockwise outline.

    Parameters
    ----------
    xs, ys : (n,) float64; r_max : radius of the largest circle inside; step : spacing of the points.

    Returns
    -------
    Mean of min(r, r_max) / r_max over the corners (1 without any), number of corners.
    """
    n = xs.size
    middle_x, middle_y = xs.mean(), ys.mean()
    # sums of fourth powers: centred and of size one they keep their digits
    scale = max(np.abs(xs - middle_x).max(), np.abs(ys - middle_y).max())
    xs, ys = (xs - middle_x) / scale, (ys - middle_y) / scale
    r_max, step = r_max / scale, step / scale
    tolerance = max(RMS_PIXELS / scale, RMS_SHARE * r_max)
    sums = _sums(xs, ys)
    firsts, lengths = _candidates(xs, ys, sums, r_max, step, tolerance)
    used = np.zeros(n, np.bool_)
    squared = np.empty(n)
    total, corners = 0.0, 0
    for w in range(firsts.size):
        first, length = firsts[w], lengths[w]
        free = not used[(first + length - 1) % n]
        for k in range(first, first + length):
            if used[k % n]:
                free = False
                break
        if not free:
            continue
        u, v, r, _ = _fit(sums, first, length)
        r = math.sqrt(r)
        if nearest_vertex(xs, ys, 0.5 * u, 0.5 * v, squared) < r - 3 * tolerance:
            continue  # the circle sticks out of the outline
        total += min(r, r_max) / r_max
        corners += 1
        margin = math.floor(MARGIN * length + 0.5)
        for k in range(first - margin, first + length + margin):
            used[k % n] = True
    if corners == 0:
        return 1.0, 0
    return total / corners, corners
