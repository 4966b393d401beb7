"""Rings: how strong they are, and that particles, noise and edges are not taken for some."""

from functools import cache

import numpy as np
import pytest

from morphct import reading
from morphct.segment.grey import denoise, rings
from morphct.segment.grey.denoise import DenoiseOptions
from morphct.segment.grey.sampling import read_bricks
from morphct.truth import phantom
from morphct.truth.phantom import PhantomOptions

CONTRAST = 1482.0
EDGE = 112


@cache
def powder(seed, family="mixed", noise_blur=0.0):
    options = PhantomOptions(
        depth=40, height=EDGE, width=EDGE, seed=seed, family=family, diameter=24.0, noise_blur=noise_blur
    )
    made = phantom.make(options)
    made.grey.flags.writeable = False
    return made.grey


def ringed(grey, sd, seed=0, middle=0.5 * (EDGE - 1)):
    """Rings one voxel wide, other ones in each plane; sd as a share of the contrast."""
    rng = np.random.default_rng(seed)
    radius = np.hypot(*(np.indices(grey.shape[1:]) - middle)).astype(int)
    strength = rng.normal(0, sd * CONTRAST, (len(grey), radius.max() + 1))
    return np.clip(np.rint(grey + strength[:, radius]), 0, 65535).astype(np.uint16)


def seen(grey, valid=None):
    bricks = read_bricks(grey, 4)
    return rings.measure(grey, bricks, [valid] * len(bricks)) / CONTRAST


@pytest.mark.parametrize("family", ["mixed", "near-round", "plates", "dense"])
@pytest.mark.parametrize("seed", [51, 52])
def test_none_where_there_are_none(family, seed):
    assert seen(powder(seed, family)) < 0.5 * rings.LEAST_RING_SHARE


@pytest.mark.parametrize("seed", [51, 52])
def test_correlated_noise_is_no_ring(seed):
    assert seen(powder(seed, noise_blur=1.0)) < 0.5 * rings.LEAST_RING_SHARE


@pytest.mark.parametrize("middle", [0.5 * (EDGE - 1), 0.5 * EDGE])
@pytest.mark.parametrize("seed", [51, 52, 53])
def test_strength(seed, middle):
    assert seen(ringed(powder(seed), 0.2, seed, middle)) == pytest.approx(0.18, abs=0.05)


def test_edge_of_a_reconstruction_is_no_ring():
    grey = powder(51).copy()
    beyond = np.hypot(*(np.indices(grey.shape[1:]) - 0.5 * (EDGE - 1))) > 50
    grey[:, beyond] = 0
    valid = np.ones(grey.shape, np.uint8)
    valid[:, beyond] = 0
    assert seen(grey, valid) < 0.5 * rings.LEAST_RING_SHARE


def test_they_are_said():
    plain, spoilt = (denoise.plan(g, None, DenoiseOptions()) for g in (powder(51), ringed(powder(51), 0.25)))
    assert not any("rings about" in w for w in plain.warnings)
    assert any("rings about the z axis" in w for w in spoilt.warnings)


def test_axis_is_that_of_the_file(tmp_path):
    np.save(tmp_path / "ringed.npy", ringed(powder(52), 0.25))
    part = reading.open_volume(tmp_path / "ringed.npy", voxel_size="1um", crop=":,20:,:100")
    bricks = read_bricks(part, 4)
    assert rings.measure(part, bricks, [None] * len(bricks)) > 0.12 * CONTRAST
