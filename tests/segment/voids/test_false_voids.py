"""Bright specks stand for the false voids of a scan."""

import numpy as np
import pytest
from scipy import ndimage

from morphct.ground.work import Work
from morphct.segment.voids import dips, false_voids, voids
from morphct.segment.voids.dip_model import DipModel

SHAPE = (40, 60, 64)


def model(sd=2000.0, **more):
    return DipModel(particle=40_000.0, contrast=16_000.0, sd=sd, blur=1.2, margin=0, relative=(1.0, 1.0, 1.0), **more)


def noisy(seed, sd=2000.0):
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=SHAPE), 1.0, mode="wrap")
    return np.clip(40_000 + sd * noise / noise.std(), 1, 65535).astype(np.uint16)


def both(codes, scan, planes=40, rows=None):
    work = Work.of(SHAPE, planes, rows=rows)
    cores = voids.fit_cores(codes, np.ones(SHAPE, np.int32), scan, work)
    found = dips.find_dips(codes, cores, work, specks=True)
    assert found.specks == false_voids.expected(codes, cores, work)
    return found.n, found.specks


def test_a_mirrored_volume_keeps_what_is_outside():
    codes = np.array([[[0, 1, 40_000, 65535]]], np.uint16)
    mirrored = false_voids.Mirrored(codes)
    assert mirrored.shape == codes.shape
    np.testing.assert_array_equal(mirrored[0:1], [[[0, 65535, 25_536, 1]]])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_makes_as_many_specks_as_dips(seed):
    dark, bright = zip(*[both(noisy(10 * seed + i), model(factor=3.0)) for i in range(4)])
    assert sum(dark) > 40
    assert abs(sum(dark) - sum(bright)) < 4 * np.sqrt(sum(dark) + sum(bright))


@pytest.mark.parametrize("seed", [4, 5])
def test_a_void_is_no_speck_and_a_bright_grain_is_one(seed):
    codes = noisy(seed, 500.0).astype(float)
    ball = sum((np.arange(n).reshape([-1 if i == k else 1 for i in range(3)]) - c) ** 2
               for k, (n, c) in enumerate(zip(SHAPE, (20, 30, 20)))) <= 9  # fmt: skip
    codes -= 16_000 * ndimage.gaussian_filter(ball.astype(float), 1.0)
    assert both(codes.astype(np.uint16), model(500.0, factor=6.0)) == (1, 0)
    codes += 12_000 * ndimage.gaussian_filter(np.roll(ball, 24, axis=2).astype(float), 1.0)
    assert both(codes.astype(np.uint16), model(500.0, factor=6.0)) == (1, 1)


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_greys_cut_at_the_top_make_no_voids_of_their_noise(seed):
    noise = np.random.default_rng(seed).normal(scale=2000.0, size=SHAPE)
    codes = np.minimum(40_000 + noise, 40_000).astype(np.uint16)  # half the voxels hold the largest grey
    plain, _ = both(codes, model())
    told, specks = both(codes, model(clipped=True))
    assert plain > 20
    assert told <= 2
    assert specks is None


@pytest.mark.parametrize(("planes", "rows"), [(7, None), (13, 9), (40, 1), (2, 31)])
def test_bricks_make_no_difference(planes, rows):
    codes = noisy(6)
    codes[:, :5] = 0
    assert both(codes, model(factor=2.8), planes, rows) == both(codes, model(factor=2.8))


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_heavy_tails_ask_for_deeper_dips(seed):
    rng = np.random.default_rng(seed)
    codes = noisy(seed, 1000.0).astype(float)
    for sign in (-1, 1) * 25:  # specks of both signs, deeper than the width of the noise tells
        place = tuple(rng.integers(4, n - 4) for n in SHAPE)
        codes[tuple(slice(p - 1, p + 2) for p in place)] += sign * 5500
    ball = sum((np.arange(n).reshape([-1 if i == k else 1 for i in range(3)]) - c) ** 2
               for k, (n, c) in enumerate(zip(SHAPE, (20, 30, 20)))) <= 16  # fmt: skip
    codes = np.clip(codes - 15_000 * ndimage.gaussian_filter(ball.astype(float), 1.0), 1, 65535).astype(np.uint16)
    many, bright = both(codes, model(1000.0))
    few, left = both(codes, model(1000.0, streaked=True))
    assert many > 8
    assert bright > 8
    assert left == 0
    assert few in (1, 2, 3)  # the void stays
    assert both(codes, model(1000.0, streaked=True), 9, 17) == (few, left)


def test_a_bright_grain_does_not_make_voids_vanish():
    codes = noisy(14, 500.0).astype(float)
    ball = sum((np.arange(n).reshape([-1 if i == k else 1 for i in range(3)]) - c) ** 2
               for k, (n, c) in enumerate(zip(SHAPE, (20, 30, 20)))) <= 16  # fmt: skip
    codes += 20_000 * ndimage.gaussian_filter(np.roll(ball, 24, axis=2) * 1.0 - 0.75 * ball, 1.0)
    assert both(np.clip(codes, 1, 65535).astype(np.uint16), model(500.0, streaked=True))[0] == 1
