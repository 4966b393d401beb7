"""Deconvolution of histograms: number of phases, means, where they cross, and when to say no."""

import math

import numpy as np
import pytest
from naive import grey

from morphct.kernels.grey.mixture import fit_mixture
from morphct.segment.grey.histogram import BINS, GreyCounts, crossing, deconvolve, deconvolve_histogram, otsu


def histogram_of(parts, edges=None, seed=0):
    """Edges and counts of voxels drawn from (n, mean, sd) parts."""
    rng = np.random.default_rng(seed)
    voxels = np.concatenate([rng.normal(mean, sd, n) for n, mean, sd in parts])
    edges = np.linspace(0, 1000, BINS + 1) if edges is None else edges
    return edges, np.histogram(voxels, edges)[0]


def test_em_moments_are_those_of_the_bins():
    edges, counts = np.linspace(0, 12, 7), np.array([5.0, 30, 60, 41, 80, 12])
    start = np.array([0.4, 0.6]), np.array([4.0, 8.5]), np.array([1.3, 0.9])
    wanted = grey.mixture_step(edges, counts, *start)
    fitted = [a.copy() for a in start]
    fit_mixture(edges, counts, *fitted, 1e-3, 1, 0.0)
    for got, want in zip(fitted, wanted):
        np.testing.assert_allclose(got, want, rtol=2e-4)


@pytest.mark.parametrize("seed", range(4))
def test_three_phases_found_with_their_means(seed):
    edges, counts = histogram_of([(60000, 300, 20), (12000, 430, 20), (40000, 600, 20)], seed=seed)
    fit = deconvolve_histogram(edges, counts, 20.0)
    assert fit.n_phases == 3
    assert fit.ok
    np.testing.assert_allclose(fit.means, [300, 430, 600], atol=1.0)
    np.testing.assert_allclose(fit.sds, 20, rtol=0.03)
    np.testing.assert_allclose(fit.weights, np.array([60, 12, 40]) / 112, atol=0.003)
    assert fit.separation == pytest.approx(8.5, rel=0.03)
    assert fit.densities().sum() == pytest.approx(counts.sum(), rel=1e-3)


@pytest.mark.parametrize("width", [1, 6, 20])
def test_bins_as_wide_as_the_phases_do_not_bias_the_fit(width):
    edges = np.arange(0, 1000 + width, width, dtype=float)
    edges, counts = histogram_of([(60000, 300, 15), (40000, 400, 15)], edges)
    fit = deconvolve_histogram(edges, counts, 15.0)
    np.testing.assert_allclose(fit.means, [300, 400], atol=0.5)
    np.testing.assert_allclose(fit.sds, 15, rtol=0.02)


def test_one_phase_is_refused_in_words():
    fit = deconvolve_histogram(*histogram_of([(50000, 500, 20)]), 20.0)
    assert (fit.n_phases, fit.ok, fit.crossing) == (1, False, None)
    assert math.isinf(fit.separation)
    assert "one phase" in fit.words[0]
    assert "noise explains it all" in fit.words[0]


def test_streaks_are_no_phases():
    fit = deconvolve_histogram(*histogram_of([(50000, 500, 12), (20000, 505, 40), (5000, 520, 90)]), 9.0)
    assert not fit.ok
    assert "streaks" in fit.words[0]


def test_a_faint_phase_below_half_a_percent_is_none():
    fit = deconvolve_histogram(*histogram_of([(60000, 300, 20), (40000, 600, 20), (200, 900, 20)]), 20.0)
    assert fit.n_phases == 2


def test_a_given_number_of_phases_is_kept_or_refused():
    edges, counts = histogram_of([(60000, 300, 20), (40000, 600, 20)])
    assert deconvolve_histogram(edges, counts, 20.0, 2).n_phases == 2
    refused = deconvolve_histogram(edges, counts, 20.0, 3)
    assert not refused.ok
    assert "3 phases asked for" in refused.words[0]


def test_noiseless_phases():
    edges = np.arange(-0.5, BINS, 1.0)
    counts = np.zeros(BINS, int)
    counts[[0, 85, 170]] = 600, 300, 100
    fit = deconvolve_histogram(edges, counts, 0.0)
    np.testing.assert_allclose(fit.means, [0, 85, 170], atol=0.01)
    assert fit.ok


def test_crossing_has_equal_densities_and_is_none_when_one_phase_outweighs():
    weights, means, sds = np.array([0.7, 0.3]), np.array([10.0, 16.0]), np.array([2.0, 1.0])
    x = crossing(weights, means, sds)
    densities = weights / sds * np.exp(-0.5 * ((x - means) / sds) ** 2)
    assert densities[0] == pytest.approx(densities[1])
    assert 10 < x < 16
    same = crossing(np.array([0.5, 0.5]), np.array([10.0, 16.0]), np.array([1.0, 1.0]))
    assert same == pytest.approx(13.0)
    assert crossing(np.array([0.999, 0.001]), np.array([10.0, 11.0]), np.array([2.0, 2.0])) is None


def test_words_when_phases_do_not_cross():
    edges, counts = histogram_of([(99000, 400, 30), (800, 475, 25)])
    fit = deconvolve_histogram(edges, counts, 30.0, 2)
    if fit.ok and fit.crossing is None:
        assert any("do not cross" in w for w in fit.words)


@pytest.mark.parametrize("seed", range(3))
def test_otsu_is_the_best_of_all_levels(seed):
    counts = np.random.default_rng(seed).integers(0, 50, 40)
    x = np.arange(40)

    def within(level):
        parts = (counts[:level], x[:level]), (counts[level:], x[level:])
        return sum((n * (v - (n * v).sum() / max(n.sum(), 1)) ** 2).sum() for n, v in parts)

    assert within(otsu(counts)) == pytest.approx(min(within(k) for k in range(1, 40)))


def test_otsu_between_two_values_is_in_the_middle():
    counts = np.zeros(256, int)
    counts[[10, 20]] = 5, 7
    assert otsu(counts) == 15 or otsu(counts) == 16


def test_counts_of_octants_add_up():
    octants = np.random.default_rng(0).integers(0, 9, (8, 2, BINS))
    counts = GreyCounts(np.linspace(0, 1, BINS + 1), octants, n_low=3, n_high=9, n_voxels=100, n_outside=10)
    np.testing.assert_array_equal(counts.all, octants.sum((0, 1)))
    np.testing.assert_array_equal(counts.flat, octants[:, 1].sum(0))
    assert counts.clipped == pytest.approx(0.1)
    assert deconvolve(counts, 0.1).counts.sum() == octants[:, 1].sum()


def test_an_empty_histogram_is_no_error():
    fit = deconvolve_histogram(np.arange(11.0), np.zeros(10), 1.0)
    assert fit.n_phases == 0
    assert not fit.ok
