"""Closed outlines: even spacing, smoothing that does not shrink, the largest circle inside."""

from __future__ import annotations

import math

import numpy as np

from ..extremes import smallest_of_scratch
from ..jit import jit

# best-first search of the largest circle: open squares at most, and evaluations at most
MOST_OPEN_CELLS, MOST_EVALUATIONS = 8192, 4000
FIRST_CELLS = 128  # of those, room at the start
SURE_PIXELS = 1e-6  # pixels beyond a bound on where a point lies: far more than its rounding


@jit
def perimeter(xs, ys):
    """Length of a closed polygon."""
    total = 0.0
    for i in range(xs.size):
        j = i + 1 if i + 1 < xs.size else 0
        total += math.sqrt((xs[j] - xs[i]) ** 2 + (ys[j] - ys[i]) ** 2)
    return total


@jit
def resampled(xs, ys, n):
    """n points evenly spaced along a closed polygon -> xs, ys, spacing."""
    length = perimeter(xs, ys)
    out_x, out_y = np.empty(n), np.empty(n)
    k, at = 0, 0.0
    j = 1 % xs.size
    side = math.sqrt((xs[j] - xs[k]) ** 2 + (ys[j] - ys[k]) ** 2)
    for i in range(n):
        t = i * length / n
        while at + side < t and k + 1 < xs.size:
            at += side
            k += 1
            j = k + 1 if k + 1 < xs.size else 0
            side = math.sqrt((xs[j] - xs[k]) ** 2 + (ys[j] - ys[k]) ** 2)
        share = (t - at) / max(side, 1e-30)
        out_x[i] = xs[k] + share * (xs[j] - xs[k])
        out_y[i] = ys[k] + share * (ys[j] - ys[k])
    return out_x, out_y, length / n


@jit
def smoothed(values, sigma):
    """Gaussian along a closed line, sigma in points."""
    n = values.size
    reach = int(4 * sigma + 0.5)
    weights = np.empty(2 * reach + 1)
    total = 0.0
    for k in range(-reach, reach + 1):
        weights[k + reach] = math.exp(-0.5 * (k / sigma) ** 2)
        total += weights[k + reach]
    wrapped = np.empty(n + 2 * reach)
    for i in range(n + 2 * reach):
        wrapped[i] = values[(i - reach) % n]
    out = np.zeros(n)
    for k in range(2 * reach + 1):
        weight = weights[k] / total
        part = wrapped[k : k + n]
        for i in range(n):
            out[i] += weight * part[i]
    return out


@jit
def smoothed_unshrunk(values, sigma):
    """Gaussian once, less what a second one would take: 2 G - G G, which keeps a circle's radius."""
    once = smoothed(values, sigma)
    return 2 * once - smoothed(once, sigma)


@jit
def nearest_vertex(xs, ys, x, y, squared):
    """Distance from a point to the nearest vertex; `squared` (n,) is scratch."""
    for i in range(xs.size):
        squared[i] = (xs[i] - x) ** 2 + (ys[i] - y) ** 2
    return math.sqrt(smallest_of_scratch(squared))


@jit
def _contains(xs, ys, x, y):
    """Whether a point lies in a closed polygon (crossings of a ray)."""
    inside = False
    j = xs.size - 1
    for i in range(xs.size):
        if (ys[i] > y) != (ys[j] > y) and x < (xs[j] - xs[i]) * (y - ys[i]) / (ys[j] - ys[i]) + xs[i]:
            inside = not inside
        j = i
    return inside


@jit
def _margin(depth, inside, longest):
    """How far a point surely lies from the polygon, negative outside of it; `depth` to the nearest vertex."""
    squared = depth * depth - 0.25 * longest * longest  # no point of a side is nearer than this
    if squared <= 0:
        return 0.0
    return math.sqrt(squared) if inside else -math.sqrt(squared)


@jit
def _look(polygon, square, best, tolerance, squared):
    """Evaluate the middle of a square, writing its bound and margin and raising `best`; 1 if it stays open.

    `polygon` is its xs, ys and longest side. `square` is (bound, x, y, edge, margin of a point half a diagonal off or
    0): the side of the polygon that this one is known to lie on needs no counting of crossings.
    """
    xs, ys, longest = polygon
    x, y, reach = square[1], square[2], square[3] * 0.70711
    depth = nearest_vertex(xs, ys, x, y, squared)
    if depth + reach <= best[0] + tolerance:
        return 0
    if abs(square[4]) > reach + SURE_PIXELS:
        inside = square[4] > 0
    else:
        inside = _contains(xs, ys, x, y)
    square[4] = _margin(depth, inside, longest)
    if not inside:
        depth = -depth
    if depth > best[0]:
        best[0], best[1], best[2] = depth, x, y
    square[0] = depth + reach
    return 1 if square[0] > best[0] + tolerance else 0


@jit
def _longest_side(xs, ys):
    longest = 0.0
    for i in range(xs.size):
        j = i + 1 if i + 1 < xs.size else 0
        longest = max(longest, (xs[j] - xs[i]) ** 2 + (ys[j] - ys[i]) ** 2)
    return math.sqrt(longest)


@jit
def _with_room(squares, n):
    """The same squares, with room for four more."""
    if n + 4 <= squares.shape[0]:
        return squares
    more = np.empty((2 * squares.shape[0], squares.shape[1]))
    more[:n] = squares[:n]
    return more


@jit
def _widest(squares, n):
    """The first of the squares with the largest bound."""
    k = 0
    for i in range(1, n):
        if squares[i, 0] > squares[k, 0]:
            k = i
    return k


@jit
def largest_circle(xs, ys, start, tolerance):
    """The largest circle, centred inside a closed polygon, that holds no vertex; its radius certain to `tolerance`.

    Best-first over squares: the distance changes no faster than its argument, so a square's middle bounds all of it.
    `start` (2,) float64 is a guess of the centre, the better the quicker.

    Returns
    -------
    (3,) float64: radius, centre x, y.
    """
    x0, x1, y0, y1 = xs.min(), xs.max(), ys.min(), ys.max()
    squared = np.empty(xs.size)
    squares = np.empty((FIRST_CELLS, 5))  # as `_look` has them
    polygon = (xs, ys, _longest_side(xs, ys))
    n = 0
    best = np.array([0.0, start[0], start[1]])
    if _contains(xs, ys, start[0], start[1]):
        best[0] = nearest_vertex(xs, ys, start[0], start[1], squared)
    edge = max(min(x1 - x0, y1 - y0) / 4, 1e-3)
    for a in range(min(math.ceil((x1 - x0) / edge), 60)):
        for b in range(min(math.ceil((y1 - y0) / edge), 60)):
            squares = _with_room(squares, n)
            squares[n, 1], squares[n, 2], squares[n, 3] = x0 + (a + 0.5) * edge, y0 + (b + 0.5) * edge, edge
            squares[n, 4] = 0.0
            n += _look(polygon, squares[n], best, tolerance, squared)
    for _ in range(MOST_EVALUATIONS // 4):
        if n == 0:
            break
        k = _widest(squares, n)
        if squares[k, 0] <= best[0] + tolerance or n + 3 > MOST_OPEN_CELLS:
            break
        x, y, half, margin = squares[k, 1], squares[k, 2], squares[k, 3] / 2, squares[k, 4]
        n -= 1
        squares[k] = squares[n]
        squares = _with_room(squares, n)
        for q in range(4):
            squares[n, 1], squares[n, 2] = x + ((q & 1) - 0.5) * half, y + ((q >> 1) - 0.5) * half
            squares[n, 3], squares[n, 4] = half, margin
            n += _look(polygon, squares[n], best, tolerance, squared)
    return best
