"""Expectation-maximisation of a sum of Gaussians on a binned histogram, with moments integrated over the bins."""

import math

import numpy as np

from ..jit import jit


@jit
def _bin_moments(a, b, mean, sd, out):
    """Mass of a Gaussian between a and b, and its first and second moments about `mean`, into out[0:3]."""
    u, v = (a - mean) / sd, (b - mean) / sd
    if u > 0:  # the far tail is computed on the side where it is small
        mass = 0.5 * (math.erfc(u * math.sqrt(0.5)) - math.erfc(v * math.sqrt(0.5)))
    else:
        mass = 0.5 * (math.erfc(-v * math.sqrt(0.5)) - math.erfc(-u * math.sqrt(0.5)))
    p, q = math.exp(-0.5 * u * u) / math.sqrt(2 * math.pi), math.exp(-0.5 * v * v) / math.sqrt(2 * math.pi)
    out[0] = mass
    out[1] = sd * (p - q)
    out[2] = sd * sd * (mass + u * p - v * q)


@jit
def fit_mixture(edges, counts, weights, means, sds, floor, rounds, tolerance):
    """EM from a start, in place.

    Parameters
    ----------
    edges : (B + 1,) float64
        Bin edges.
    counts : (B,) float64
        Voxels a bin.
    weights, means, sds : (K,) float64
        The start; replaced by the fit.
    floor : float
        Smallest standard deviation allowed.
    rounds : int
        At most so many.
    tolerance : float
        Stop when the mean log-likelihood of a voxel rises by less.

    Returns
    -------
    float
        Log-likelihood of the counts.
    """
    n, k = counts.size, weights.size
    moments = np.empty((k, 3))
    sums = np.empty((k, 3))
    total = counts.sum()
    old = -np.inf
    likelihood = old
    for _ in range(rounds):
        sums[:] = 0.0
        likelihood = 0.0
        for j in range(n):
            if counts[j] == 0:
                continue
            mass = 1e-300
            for i in range(k):
                _bin_moments(edges[j], edges[j + 1], means[i], sds[i], moments[i])
                mass += weights[i] * moments[i, 0]
            likelihood += counts[j] * math.log(mass)
            for i in range(k):
                share = counts[j] * weights[i] / mass
                for m in range(3):
                    sums[i, m] += share * moments[i, m]
        if likelihood - old < tolerance * total:
            break
        old = likelihood
        for i in range(k):
            size = max(sums[i, 0], 1e-12 * total)
            step = sums[i, 1] / size
            weights[i] = size / total
            means[i] += step
            sds[i] = max(math.sqrt(max(sums[i, 2] / size - step * step, 0.0)), floor)
    return likelihood
