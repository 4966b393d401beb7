"""Voids thrown at random into their own particle, without overlap: clustering and depth of voids are held against it.

A place is a random point of a random voxel that is deep enough. Lengths are in units of the finest spacing.
"""

from __future__ import annotations

import math

import numpy as np

from ..jit import jit

DEPTH_BINS = 64  # bins of depth to the finest spacing: up to 32 voxels deep no two distances of a lattice share one
TRIES_PER_VOID = 20_000  # places tried for a void, on average of a throw, before the particle counts as too crowded


@jit
def _random(state):
    """Next number in [0, 1) of the SplitMix64 generator; state (1,) uint64, changed in place.

    Source: Steele, Lea & Flood 2014, doi 10.1145/2660193.2660195.
    """
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) * 2.0**-53


@jit
def depth_counts(squared):
    """Voxels by depth: bin int(DEPTH_BINS sqrt(s)) of every s > 0 of `squared` (Z,Y,X) float32; (bins,) int64."""
    flat = squared.reshape(-1)
    most = np.float32(0)
    for i in range(flat.size):
        most = max(most, flat[i])
    counts = np.zeros(int(DEPTH_BINS * math.sqrt(most)) + 1, np.int64)
    for i in range(flat.size):
        if flat[i] > 0:
            counts[int(DEPTH_BINS * math.sqrt(flat[i]))] += 1
    return counts


@jit
def mean_nearest(points):
    """Mean distance from each of `points` (n, 3) float64 to the nearest other one; n of 2 or more is not checked."""
    n = points.shape[0]
    nearest = np.full(n, np.inf)
    for i in range(n):
        for j in range(i):
            dz, dy, dx = points[i, 0] - points[j, 0], points[i, 1] - points[j, 1], points[i, 2] - points[j, 2]
            d = dz * dz + dy * dy + dx * dx
            if d < nearest[i]:
                nearest[i] = d
            if d < nearest[j]:
                nearest[j] = d
    total = 0.0
    for i in range(n):
        total += math.sqrt(nearest[i])
    return total / n


@jit
def least_gap(points, radii):
    """Least distance between the surfaces of two balls; points (n, 3), radii (n,) float64, infinite for one ball."""
    gap = np.inf
    for i in range(radii.size):
        for j in range(i):
            dz, dy, dx = points[i, 0] - points[j, 0], points[i, 1] - points[j, 1], points[i, 2] - points[j, 2]
            gap = min(gap, math.sqrt(dz * dz + dy * dy + dx * dx) - radii[i] - radii[j])
    return gap


@jit
def _free(point, radius, points, radii, placed, gap):
    """Whether a ball keeps `gap` from the first `placed` of the balls."""
    for j in range(placed):
        reach = radius + radii[j] + gap
        dz, dy, dx = points[j, 0] - point[0], points[j, 1] - point[1], points[j, 2] - point[2]
        if dz * dz + dy * dy + dx * dx < reach * reach:
            return False
    return True


@jit
def throw_voids(squared, edges, radii, limits, deeper, places, seed, out):
    """Throw all voids together as often as `out` has rows; returns how many throws found room.

    Parameters
    ----------
    squared : (Z,Y,X) float32, squared distance to the nearest voxel outside the particle, with a margin of zeros.
    edges : (3,) float64, z, y, x voxel edges.
    radii : (n,) float64, descending: the large ones find room before the small ones.
    limits : (n,) float32, squared depth below which no void's centre may lie, and float, least solid between two voids.
    deeper : (B,) float64, voxels deeper than a depth, by bins as of `depth_counts`.
    places : (n,) float64, voxels in which each void may lie.
    seed : uint64
    out : (S, 2) float64, written: mean distance to the nearest neighbour, mean share of places that lie deeper.
    """
    least, gap = limits
    depth, height, width = squared.shape
    n = radii.size
    state = np.full(1, seed, np.uint64)
    points, point = np.empty((n, 3)), np.empty(3)
    tries, most = 0, 0
    for k in range(out.shape[0]):
        most += TRIES_PER_VOID * n
        ranks = 0.0
        for i in range(n):
            while True:
                tries += 1
                if tries > most:
                    return k
                z = int(_random(state) * depth)
                y = int(_random(state) * height)
                x = int(_random(state) * width)
                s = squared[z, y, x]
                if s < least[i]:
                    continue
                point[0] = (z + _random(state) - 0.5) * edges[0]
                point[1] = (y + _random(state) - 0.5) * edges[1]
                point[2] = (x + _random(state) - 0.5) * edges[2]
                if _free(point, radii[i], points, radii, i, gap):
                    break
            points[i] = point
            ranks += min(1.0, deeper[int(DEPTH_BINS * math.sqrt(s))] / places[i])
        out[k, 0], out[k, 1] = mean_nearest(points), ranks / n
    return out.shape[0]
