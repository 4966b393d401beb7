"""Where voids lie: kernels against slow twins, sizes and power of the two tests over many seeds."""

import numpy as np
import pytest
from naive import voids as naive

from morphct.kernels.measurement import void_throws
from morphct.measurement import void_placement
from morphct.measurement.crops.box import MARGIN_VOXELS, padded, squared_distances
from morphct.measurement.void_placement import placement
from morphct.segment.voids.facts import VoidSearch

CUBE = (1.0, 1.0, 1.0)


def ball(radius, edges=CUBE):
    """A ball around the middle voxel of a crop."""
    grid = np.indices([2 * int(radius / e) + 1 for e in edges]).astype(float)
    for axis, edge in enumerate(edges):
        grid[axis] = (grid[axis] - int(radius / edge)) * edge
    return (grid**2).sum(0) <= radius**2


def lump(seed):
    """A rough body of a few hundred voxels."""
    rng = np.random.default_rng(seed)
    mask = rng.random((11, 13, 12)) < 0.97
    mask[[0, -1]] = mask[:, [0, -1]] = mask[:, :, [0, -1]] = False
    return mask


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("edges", [CUBE, (2.0, 1.0, 1.5)])
def test_throws_are_those_of_the_twin(seed, edges):
    mask = lump(seed)
    squared = naive.squared_distance(mask, edges)
    np.testing.assert_array_equal(squared, squared_distances(mask.astype(np.uint8), edges))
    counts = void_throws.depth_counts(squared)
    above = np.cumsum(counts[::-1])[::-1]
    radii, limits = np.array([1.0, 0.7, 0.5]), np.array([1.5, 1.2, 1.0])
    least = np.ceil(limits * naive.STEPS).astype(int)
    assert least.max() < len(counts)
    out = np.empty((20, 2))
    relative = np.array(edges) / min(edges)
    done = void_throws.throw_voids(
        squared, relative, radii, (((least / naive.STEPS) ** 2).astype(np.float32), 0.5),
        above - 0.5 * counts, above[least].astype(float), np.uint64(2**63 + seed), out,
    )  # fmt: skip
    assert done == 20
    wanted = naive.throws(squared, relative, radii, least / naive.STEPS, 0.5, 2**63 + seed, 20)
    np.testing.assert_allclose(out, wanted, rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_distances_between_voids(seed):
    rng = np.random.default_rng(seed)
    points, radii = rng.normal(size=(30, 3)), rng.random(30)
    assert void_throws.mean_nearest(points) == pytest.approx(naive.mean_nearest(points), rel=1e-12)
    assert void_throws.least_gap(points, radii) == pytest.approx(naive.least_gap(points, radii), rel=1e-12)


def test_ranks_and_depths():
    squared = squared_distances(padded(ball(12)), CUBE)
    places = 12.0 + MARGIN_VOXELS + np.array([[0, 0, 0], [0, 0, 6], [10, 0, 0], [0, 20, 0]])
    found = placement(squared, (0.5,) * 3, places, np.array([1.0, 1.0, 1.0, 1.0]), VoidSearch(), 1)
    assert found.depths[0] == pytest.approx(0.5 * np.sqrt(squared.max()))
    assert np.isnan(found.depths[3])
    assert np.isnan(found.ranks[3])
    wanted = [naive.rank(squared, found.depths[i] / 0.5, 2.0 + 1.0) for i in range(3)]
    np.testing.assert_allclose(found.ranks[:3], wanted, rtol=1e-12)
    # of the ball that a void of two voxels and its wall can occupy, a sphere of 6/9 holds 8/27
    assert found.ranks[0] < 0.01
    assert found.ranks[1] == pytest.approx(8 / 27, abs=0.04)
    assert found.ranks[2] == 1
    assert np.isnan(found.rank_p)
    far = placement(squared, CUBE, places[:1], np.array([1.0]), VoidSearch(depth=8.0), 1)
    assert far.ranks[0] == pytest.approx(0.5 / np.count_nonzero(squared >= 64), rel=1e-9)


def test_voids_without_room_have_no_tests():
    squared = squared_distances(padded(np.ones((7, 7, 7))), CUBE)
    at = np.argwhere(squared == squared.max()).repeat(12, 0).astype(float)
    found = placement(squared, CUBE, at, np.full(len(at), 2.5), VoidSearch(), 1)
    assert np.isnan([found.ratio, found.ratio_p, found.rank_mean, found.rank_p]).all()
    assert np.isfinite(found.ranks).all()


def voids_at_random(rng, radius, n, r, density=None, wall=1.0):
    """Middles of `n` balls of radius `r` inside a ball, with a gap of one voxel, at random or by a density."""
    found = np.empty((0, 3))
    while len(found) < n:
        p = rng.uniform(-radius, radius, 3)
        if np.linalg.norm(p) > radius - r - wall or (density is not None and rng.random() > density(p / radius)):
            continue
        if len(found) and np.linalg.norm(found - p, axis=1).min() < 2 * r + 1:
            continue
        found = np.vstack([found, p])
    return found


def judged(seeds, density=None, n=25, radius=20, r=2.0, wall=1.0):
    """(S, 4): ratio, its p, mean rank, its p."""
    squared = squared_distances(padded(ball(radius)), CUBE)
    rows = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        at = voids_at_random(rng, radius, n, r, density(rng) if density else None, wall) + radius + MARGIN_VOXELS
        found = placement(squared, CUBE, at, np.full(n, r), VoidSearch(seed=7), seed)
        rows.append((found.ratio, found.ratio_p, found.rank_mean, found.rank_p))
    return np.array(rows)


@pytest.mark.parametrize(("n", "wall"), [(12, 1.0), (25, 0.5), (25, 1.7), (40, 1.2)])
def test_random_voids_are_called_random(n, wall):
    """Both tests call 5 % of random placements something else, whatever wall the voids keep: 2 to 9 % of 200."""
    found = judged(range(200), n=n, wall=wall)
    assert 0.02 <= (found[:, 1] <= 0.05).mean() <= 0.09
    assert 0.02 <= (found[:, 3] <= 0.05).mean() <= 0.09
    assert found[:, 0].mean() == pytest.approx(1, abs=0.03)
    assert found[:, 2].mean() == pytest.approx(0.52, abs=0.04)  # voids keep each other off and so lie a little outwards


def central(rng):
    return lambda p: np.exp(-(p @ p) / (2 * 0.3**2))


def shell(rng):
    return lambda p: np.exp(-((1 - np.linalg.norm(p)) ** 2) / (2 * 0.12**2))


def clusters(rng):
    nests = rng.uniform(-0.45, 0.45, (4, 3))
    return lambda p: np.exp(-((nests - p) ** 2).sum(1) / (2 * 0.1**2)).max()


def test_central_shell_and_clustered_voids_are_called_so():
    middle, under_surface, nests = (judged(range(20), d, radius=30) for d in (central, shell, clusters))
    assert (middle[:, 3] <= 0.05).mean() >= 0.9
    assert (middle[:, 2] < 0.4).mean() >= 0.9
    assert (under_surface[:, 3] <= 0.05).mean() >= 0.9
    assert (under_surface[:, 2] > 0.65).all()
    assert (under_surface[:, 1] <= 0.05).mean() <= 0.5  # a shell keeps its distances: the other test is needed
    assert (nests[:, 1] <= 0.05).mean() >= 0.9
    assert (nests[:, 0] < 0.85).all()


def test_the_label_and_the_seed_decide_the_throws():
    squared = squared_distances(padded(ball(14)), CUBE)
    at = voids_at_random(np.random.default_rng(0), 14, 12, 1.5) + 14 + MARGIN_VOXELS
    radii = np.full(12, 1.5)
    one, again = (placement(squared, CUBE, at, radii, VoidSearch(seed=3), 8) for _ in range(2))
    assert (one.ratio, one.ratio_p, one.rank_p) == (again.ratio, again.ratio_p, again.rank_p)
    assert one.ratio != placement(squared, CUBE, at, radii, VoidSearch(seed=3), 9).ratio
    assert one.ratio != placement(squared, CUBE, at, radii, VoidSearch(seed=4), 8).ratio
    assert one.rank_mean == placement(squared, CUBE, at, radii, VoidSearch(seed=4), 8).rank_mean


def test_lengths_may_be_in_any_unit_and_along_any_axis():
    at = voids_at_random(np.random.default_rng(0), 14, 12, 1.5) + 14
    squared = squared_distances(padded(ball(14)), CUBE)
    one = placement(squared, CUBE, at + MARGIN_VOXELS, np.full(12, 1.5), VoidSearch(), 1)
    small = placement(squared, (0.025,) * 3, at + MARGIN_VOXELS, np.full(12, 1.5 * 0.025), VoidSearch(), 1)
    assert small.ratio == pytest.approx(one.ratio, rel=1e-12)
    np.testing.assert_allclose(small.ranks, one.ranks, rtol=1e-12)
    turned = placement(squared, CUBE, at[:, [2, 0, 1]] + MARGIN_VOXELS, np.full(12, 1.5), VoidSearch(), 1)
    np.testing.assert_allclose(turned.ranks, one.ranks)
    edges = (2.0, 1.0, 1.0)
    coarse = squared_distances(padded(ball(14, edges)), edges)
    found = placement(coarse, edges, at / edges + MARGIN_VOXELS, np.full(12, 1.5), VoidSearch(), 1)
    np.testing.assert_allclose(found.ranks, one.ranks, atol=0.2)
    assert found.ratio == pytest.approx(one.ratio, abs=0.06)


def test_a_great_many_voids_cost_no_more_than_the_most():
    rng = np.random.default_rng(0)
    squared = squared_distances(padded(np.ones((70, 70, 70))), CUBE)
    at = np.stack(np.meshgrid(*[np.arange(3, 67, 5.0)] * 3, indexing="ij"), -1).reshape(-1, 3) + MARGIN_VOXELS
    assert len(at) > void_placement.MOST_VOIDS
    found = placement(squared, CUBE, at + rng.uniform(-0.2, 0.2, at.shape), np.full(len(at), 0.8), VoidSearch(), 1)
    assert np.isfinite(found.ranks).all()
    assert found.ratio > 1.02  # half of the voids of a lattice keep their distances
    assert found.ratio_p == pytest.approx(2 / 200)
