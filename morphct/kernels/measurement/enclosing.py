"""The smallest circle or ball that encloses points: the farthest point joins a small active set, which is solved whole.

Source: Gaertner 1999, doi 10.1007/3-540-48481-7_29, for the farthest-point pivot; with at most D + 2 points in the set
every subset is tried, which is short and has no cycling.
"""

from __future__ import annotations

import math

import numpy as np

from ..jit import jit


@jit
def _circumscribed(points, chosen, k, centre, weights):
    """Ball through k <= D + 1 points in their own affine hull: writes centre and its barycentric weights.

    Returns the squared radius, negative when the points are (nearly) dependent.
    """
    dims = points.shape[1]
    origin = chosen[0]
    centre[:] = points[origin]
    weights[:] = 0
    weights[0] = 1
    m = k - 1
    if m == 0:
        return 0.0
    system = np.zeros((m, m + 1))
    size = 0.0
    for i in range(m):
        for j in range(m):
            for q in range(dims):
                step = points[chosen[i + 1], q] - points[origin, q]
                system[i, j] += 2 * step * (points[chosen[j + 1], q] - points[origin, q])
        system[i, m] = 0.5 * system[i, i]
        size = max(size, system[i, i])
    for i in range(m):
        pivot = i
        for j in range(i + 1, m):
            if abs(system[j, i]) > abs(system[pivot, i]):
                pivot = j
        if abs(system[pivot, i]) < 1e-11 * size:
            return -1.0
        for q in range(m + 1):
            system[i, q], system[pivot, q] = system[pivot, q], system[i, q]
        for j in range(m):
            if j != i:
                t = system[j, i] / system[i, i]
                for q in range(i, m + 1):
                    system[j, q] -= t * system[i, q]
    squared = 0.0
    for i in range(m):
        weights[i + 1] = system[i, m] / system[i, i]
        weights[0] -= weights[i + 1]
    for q in range(dims):
        shift = 0.0
        for i in range(m):
            shift += weights[i + 1] * (points[chosen[i + 1], q] - points[origin, q])
        centre[q] += shift
        squared += shift * shift
    return squared


@jit
def _smallest_of(points, active, n, centre, weights):
    """Smallest ball of the n <= D + 2 active points, the newest on its surface; `active` shrinks to its support.

    Returns the squared radius (negative: none found) and the size of the support.
    """
    dims = points.shape[1]
    chosen = np.empty(dims + 2, np.int64)
    support = np.empty(dims + 2, np.int64)
    trial = np.empty(dims)
    trial_weights = np.empty(dims + 2)
    best, best_n = np.inf, 0
    for subset in range(1 << (n - 1), 1 << n):
        k = 0
        for i in range(n):
            if subset >> i & 1:
                chosen[k] = active[i]
                k += 1
        if k > dims + 1:
            continue
        squared = _circumscribed(points, chosen, k, trial, trial_weights)
        if squared < 0 or squared >= best:
            continue
        holds = True
        for i in range(n):
            d = 0.0
            for q in range(dims):
                d += (points[active[i], q] - trial[q]) ** 2
            if d > squared * (1 + 1e-10) + 1e-12:
                holds = False
        if holds:
            best, best_n = squared, k
            centre[:] = trial
            weights[:] = trial_weights
            support[:] = chosen
    active[:best_n] = support[:best_n]
    return (best if best_n else -1.0), best_n


@jit
def enclosing_ball(points):
    """Smallest enclosing circle (D = 2) or ball (D = 3).

    Parameters
    ----------
    points : (n, D) float64, n >= 1, of a size not far from one (the tolerances are absolute near zero).

    Returns
    -------
    centre : (D,), radius : float, support : (k,) int64, weights : (k,), the centre as a mean of the support.
    """
    n, dims = points.shape
    active = np.zeros(dims + 3, np.int64)
    trial = active.copy()
    weights = np.zeros(dims + 2)
    weights[0] = 1
    new_weights = weights.copy()
    centre = points[0].copy()
    new_centre = centre.copy()
    squared = 0.0
    k = 1
    for _ in range(2000):
        far, at = -1.0, 0
        for i in range(n):
            d = 0.0
            for q in range(dims):
                d += (points[i, q] - centre[q]) ** 2
            if d > far:
                far, at = d, i
        if far <= squared * (1 + 1e-12) + 1e-12:
            break
        trial[:k] = active[:k]
        trial[k] = at
        found, support = _smallest_of(points, trial, k + 1, new_centre, new_weights)
        if found < 0 or found <= squared:  # the last digits no longer let the ball grow
            squared = max(far, squared)
            break
        squared, k = found, support
        active[:] = trial
        centre[:] = new_centre
        weights[:] = new_weights
    return centre, math.sqrt(squared), active[:k].copy(), weights[:k].copy()
