"""The smallest void that is seen, simulated; what deficits lose; bounds of the void fraction."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from morphct.ground.work import Work
from morphct.segment.voids import detection_limit, dips, voids
from morphct.segment.voids.bounds import bounded, surely_void
from morphct.segment.voids.detection_limit import blurred_ball, simulate
from morphct.segment.voids.dip_model import DipModel, detection_limits
from morphct.segment.voids.facts import VoidFacts
from morphct.segment.voids.options import VoidOptions


def model(blur=1.1, noise=0.12, correlation=0.9, relative=(1.0, 1.0, 1.0)):
    return DipModel(18000.0, 8000.0, 8000 * noise, blur, 3, relative, correlation=correlation)


@pytest.mark.parametrize(("radius", "blur"), [(1.5, 1.0), (4.0, 0.8), (0.7, 2.0)])
def test_a_blurred_ball_is_that_of_a_filter(radius, blur):
    fine = 0.125
    axis = np.arange(-6, 6 + fine / 2, fine)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij", sparse=True)
    ball = ((z * z + y * y + x * x) <= radius**2).astype(np.float32)
    wanted = ndimage.gaussian_filter(ball, blur / fine, truncate=5)
    middle = len(axis) // 2
    found = blurred_ball(np.abs(axis), radius, blur)
    np.testing.assert_allclose(found, wanted[middle, middle], atol=0.012)
    np.testing.assert_allclose(blurred_ball(np.zeros(1), radius, blur), wanted[middle, middle, middle], atol=0.012)


@pytest.mark.parametrize("correlation", [0.3, 0.8, 1.6])
def test_noise_is_as_correlated_as_the_model_says(correlation):
    noise = detection_limit._noise((60, 60, 60), model(correlation=correlation), np.random.default_rng(0))
    assert noise.std() == pytest.approx(960, rel=1e-3)
    step = np.mean([np.square(np.diff(noise, axis=axis)).mean() for axis in range(3)])
    expected = correlation if correlation > 0.55 else 0.5  # white noise
    assert math.sqrt(noise.var() / (2 * step)) == pytest.approx(expected, rel=0.1)


SCANS = {
    "the study's": model(),
    "sharp": model(0.8, 0.12, 0.4),
    "quiet": model(0.9, 0.04, 0.6),
    "correlated": model(2.0, 0.12, 1.9),
}


@pytest.mark.parametrize("name", SCANS)
def test_the_formula_is_within_half_a_voxel_and_a_tenth(name):
    found, formula = simulate(SCANS[name]), detection_limits(SCANS[name])
    assert found.d50 == pytest.approx(formula["d50"], abs=0.35, rel=0.1)
    assert found.d95 == pytest.approx(formula["d95"], abs=0.5, rel=0.15)
    assert found.d50 < found.d95
    assert found.probability(np.array([found.d50, found.d95])) == pytest.approx([0.5, 0.95], abs=0.02)


def planted(scan, diameter, seed, edge=15, count=3):
    """Share of `count`^3 voids of a diameter, in a noisy core, that the whole search finds; and what it fitted."""
    rng = np.random.default_rng(seed)
    shape = np.full(3, edge * count + 10)
    middles = np.stack(np.meshgrid(*[np.arange(count)] * 3, indexing="ij"), -1).reshape(-1, 3) * edge + 5 + edge / 2
    middles += rng.uniform(-0.5, 0.5, middles.shape)
    fine = np.indices(shape)
    solid = np.ones(shape)
    for middle in middles:
        solid -= blurred_ball(np.linalg.norm(fine - middle[:, None, None, None], axis=0), diameter / 2, scan.blur)
    grey = scan.particle - scan.contrast * (1 - solid) + detection_limit._noise(tuple(shape), scan, rng)
    codes = np.clip(grey, 1, 65535).astype(np.uint16)
    labels = np.ones(shape, np.int32)
    found, fitted = voids.find_dips(codes, labels, scan, Work.of(shape, 64))
    ids = np.asarray(found.ids)
    hits = sum(ids[tuple(slice(int(m) - 1, int(m) + 3) for m in middle)].any() for middle in middles)
    return hits / len(middles), fitted


def test_voids_at_the_limits_are_seen_as_often_as_it_says():
    """Through all of the search, plateau and noise being fitted, on other seeds."""
    scan = model()
    limit = simulate(planted(scan, 3.0, 9)[1])
    half = np.mean([planted(scan, limit.d50, seed)[0] for seed in range(3)])
    most = np.mean([planted(scan, limit.d95, seed)[0] for seed in range(3)])
    assert half == pytest.approx(0.5, abs=0.2)
    assert most >= 0.85


def test_more_noise_and_more_blur_hide_larger_voids():
    quiet, loud, wide = (simulate(model(blur, noise)) for blur, noise in ((1.0, 0.05), (1.0, 0.1), (1.8, 0.05)))
    assert quiet.d50 < loud.d50
    assert quiet.d50 < wide.d50
    blind = simulate(replace(model(), factor=20.0))  # deeper than any void can be
    assert math.isnan(blind.d50)
    assert blind.learned() is blind.model


def test_the_seed_decides_and_nothing_else():
    one, again, other = simulate(model(), 5), simulate(model(), 5), simulate(model(), 6)
    np.testing.assert_array_equal(one.suggested, again.suggested)
    assert (one.d50, one.d95) == (again.d50, again.d95)
    assert one.d50 != other.d50
    assert one.d50 == pytest.approx(other.d50, abs=0.3)


@pytest.mark.parametrize("name", SCANS)
def test_volumes_are_right_once_the_losses_are_learnt(name):
    scan = SCANS[name]
    learnt = simulate(scan).learned()
    limit = simulate(scan, 1).d95
    rng = np.random.default_rng(3)
    for diameter in (1.3 * limit, 2.4 * limit):
        edge = int(diameter + 6 * scan.blur + 4)
        shape = (2 * edge,) * 3
        grey = scan.particle + detection_limit._noise(shape, scan, rng)
        middles = np.array(list(np.ndindex(2, 2, 2))) * edge + edge / 2 + rng.uniform(-0.5, 0.5, (8, 3)) - 0.5
        fine = np.indices(shape)
        for middle in middles:
            far = np.linalg.norm(fine - middle[:, None, None, None], axis=0)
            grey -= scan.contrast * blurred_ball(far, diameter / 2, scan.blur)
        found = detection_limit._looked_for(np.clip(grey, 1, 65535).astype(np.uint16), learnt)
        assert found.n == 8
        volume = np.count_nonzero(np.asarray(found.ids)) / 8
        assert volume == pytest.approx(math.pi / 6 * diameter**3, rel=0.09)


def test_a_small_void_beside_a_large_one_is_found():
    scan = model(0.8, 0.03, 0.5)
    fine = np.indices((30, 30, 40))
    grey = np.full((30, 30, 40), scan.particle)
    for middle, diameter in (((15, 15, 13), 9.0), ((15, 15, 21.5), 2.2)):
        far = np.linalg.norm(fine - np.array(middle)[:, None, None, None], axis=0)
        grey -= scan.contrast * blurred_ball(far, diameter / 2, scan.blur)
    assert detection_limit._looked_for(grey.astype(np.uint16), scan).n == 2


def test_bounds_hold_what_was_counted_and_grow_with_doubt():
    seen = simulate(model())
    sizes = np.array([0, 500, 60, 20, 20])
    facts = VoidFacts(voxels=sizes, low=np.array([0, 420.0, 30.0, 0.0, np.nan]))
    sure, doubtful = (bounded(facts, 1.1, u, (1.0, 1.0, 1.0), seen) for u in (0.05, 0.1))
    for found in (sure, doubtful):
        assert (found.low <= sizes).all()
        assert (found.high >= sizes).all()
        assert found.low[1:4].tolist() == [420, 30, 0]
    assert (doubtful.high[1:] > sure.high[1:]).all()
    assert doubtful.low[4] < sure.low[4]
    # what is hardly ever seen stands for others of its size, a large void for itself
    assert sure.high[3] / 20 > sure.high[2] / 60 > sure.high[1] / 500
    assert sure.high[1] / 500 < 1.25
    assert sure.expected[3] / 20 > sure.expected[2] / 60 >= 1
    assert sure.expected[1] == pytest.approx(500, rel=0.01)
    np.testing.assert_array_equal(sure.expected, doubtful.expected)
    assert sure.hidden == pytest.approx(math.pi / 6 * seen.d50**3)
    blind = bounded(facts, 1.1, 0.05, (1.0, 1.0, 1.0), None)
    assert blind.hidden == 0
    assert (blind.high <= sure.high).all()


def test_facts_go_through_a_file():
    facts = VoidFacts(np.array([False, True]), np.array([True]), np.array([0, 9]), np.array([0.0, np.nan]), None, 2.5)
    back = VoidFacts.from_mapping(facts.to_mapping())
    for name in ("opened", "searched", "voxels", "low"):
        np.testing.assert_array_equal(getattr(back, name), getattr(facts, name))
    assert (back.high, back.hidden, back.seeing) == (None, 2.5, facts.seeing)


def test_surely_void_counts_beyond_the_middle():
    shares = np.arange(dips.PROFILE_BINS)[::-1][None, :]
    assert surely_void(shares, 0.0)[0] == dips.PROFILE_BINS // 2 - 1
    assert surely_void(shares, 0.05)[0] < surely_void(shares, 0.0)[0]
    assert VoidOptions().closing_radius == 0
