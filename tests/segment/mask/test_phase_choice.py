"""Which phase is taken for the particles, and when a question is asked."""

import numpy as np
import pytest
from scipy import ndimage

from morphct.ground.cautions import WRONG
from morphct.segment.grey.codes import Coding
from morphct.segment.grey.histogram import GreyCounts, PhaseFit
from morphct.segment.mask import phase_choice

SHAPE = (40, 60, 60)
UNKNOWN = phase_choice.Surroundings()


def spheres(radius, n, seed, apart=True):
    rng, grid, solid = np.random.default_rng(seed), np.indices(SHAPE), np.zeros(SHAPE, bool)
    for _ in range(n):
        centre = rng.uniform(0, 1, 3) * SHAPE
        near = ((grid - centre[:, None, None, None]) ** 2).sum(axis=0)
        if not apart or not solid[near < (radius + 3) ** 2].any():
            solid |= near < radius**2
    return solid


def seen(codes, means):
    counts = np.bincount(codes.ravel(), minlength=1024)[:1024]
    octants = np.zeros((8, 2, 1024), np.int64)
    octants[0, 1] = counts
    edges = np.arange(1025) - 0.5
    k = len(means)
    fit = PhaseFit(np.ones(k) / k, np.array(means, float), np.ones(k), {}, 9.0, None, True, (), edges, counts)
    return phase_choice.phases_of(codes, fit, GreyCounts(edges, octants), Coding(0.0, 1.0), (1.0, 1.0, 1.0))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shares_cores_and_neighbours_are_those_of_the_voxels(seed):
    body = spheres(9, 12, seed)
    film = ndimage.binary_dilation(body, iterations=2) & ~body
    codes = np.where(body, 200, np.where(film, 300, 100)).astype(np.uint16)
    air, middle, bright = seen(codes, (100, 200, 300))
    for phase, mask in ((air, codes == 100), (middle, body), (bright, film)):
        assert phase.share == pytest.approx(mask.mean())
        depth = ndimage.distance_transform_edt(np.pad(mask, 8, "edge"))[8:-8, 8:-8, 8:-8]
        core = mask & (depth > phase_choice.CORE_DEPTH_EDGES)
        assert phase.core_share == pytest.approx(core.sum() / mask.sum(), abs=0.02)
    assert middle.touches == (0.0, 0.0, 1.0)
    assert sum(bright.touches) == pytest.approx(1)


def test_a_bright_film_round_thick_bodies_is_asked_about():
    body = spheres(9, 12, 4)
    film = ndimage.binary_dilation(body, iterations=2) & ~body
    codes = np.where(body, 200, np.where(film, 300, 100)).astype(np.uint16)
    (question,) = phase_choice.questions(seen(codes, (100, 200, 300)), 250.0, UNKNOWN)
    assert "threshold.low=150" in question
    assert "threshold.high=250" in question
    assert question.weight == WRONG


def test_particles_in_glue_or_resin_are_not_asked_about():
    body = spheres(8, 14, 5)
    glue = ndimage.binary_dilation(body, iterations=3) & ~body
    codes = np.where(body, 300, np.where(glue, 200, 100)).astype(np.uint16)
    assert not phase_choice.questions(seen(codes, (100, 200, 300)), 250.0, UNKNOWN)
    bubbles = spheres(4, 12, 6) & ~body
    resin = np.where(body, 300, np.where(bubbles, 100, 200)).astype(np.uint16)
    assert not phase_choice.questions(seen(resin, (100, 200, 300)), 250.0, UNKNOWN)


def test_dark_bodies_closed_in_a_bright_one_are_asked_about_and_open_pores_are_not():
    dark = spheres(8, 14, 7)
    dark[0] = dark[-1] = False
    assert phase_choice.closed_share(~dark) > 0.7
    phases = seen(np.where(dark, 100, 200).astype(np.uint16), (100, 200))
    (question,) = phase_choice.questions(phases, 150.0, phase_choice.Surroundings(closed_dark=0.8))
    assert "threshold.high=150" in question
    apart = phase_choice.Surroundings(largest_bright=0.99, largest_dark=0.2)
    (question,) = phase_choice.questions(phases, 150.0, apart)
    assert "falls into separate bodies" in question
    rng = np.random.default_rng(8)
    sponge = ndimage.gaussian_filter(rng.standard_normal(SHAPE), 3) > 0
    assert (phase_choice.closed_share(sponge) or 0) < 0.3
    assert phase_choice.closed_share(spheres(6, 14, 9)) is None  # apart: nothing surrounds
    shell = spheres(15, 1, 10, apart=False) & ~ndimage.binary_erosion(spheres(15, 1, 10, apart=False), iterations=4)
    assert (phase_choice.closed_share(shell) or 0) < 0.7  # one body with a void, most of the dark lies around it
