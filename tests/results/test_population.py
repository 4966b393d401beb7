"""Population numbers against plain numpy and against known distributions."""

import numpy as np
import pandas as pd
import pytest

from morphct.results import intervals
from morphct.results.intervals import quantile_interval, rank_correlation, share_interval, weighted_quantiles
from morphct.results.population import interior, numbers, summarise


def table(diameters, border=None, classes=None, voids=0.0, unit="um"):
    d = np.asarray(diameters, float)
    frame = pd.DataFrame({f"equivalent_diameter_{unit}": d, f"volume_{unit}3": np.pi / 6 * d**3})
    frame["touches_border"] = False if border is None else border
    frame["class"] = "single" if classes is None else classes
    frame["void_fraction"] = voids
    frame["flags"] = ""
    frame.index = pd.RangeIndex(1, len(d) + 1, name="label")
    return frame


def test_number_quantiles_are_numpys():
    d = np.random.default_rng(0).lognormal(0.6, 0.4, 501)
    size = summarise(table(d))["size"]
    expected = np.percentile(d, [10, 50, 90])
    np.testing.assert_allclose([size["by_number"][k]["value"] for k in ("d10", "d50", "d90")], expected)
    assert size["by_number"]["span"] == pytest.approx((expected[2] - expected[0]) / expected[1])


def test_volume_quantiles_of_a_log_normal_follow_hatch_and_choate():
    """The volume median of a log-normal is exp(mu + 3 s^2)."""
    d = np.random.default_rng(1).lognormal(0.0, 0.3, 50_000)
    volume = summarise(table(d))["size"]["by_volume"]["d50"]
    assert volume["value"] == pytest.approx(np.exp(3 * 0.3**2), rel=0.01)
    assert volume["low"] < np.exp(3 * 0.3**2) < volume["high"]


def test_weighted_quantiles_count_a_value_as_often_as_its_weight():
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([2, 5, 1])
    repeated = np.repeat(values, weights)
    assert weighted_quantiles(values, weights, np.array([0.5]))[0] == pytest.approx(
        np.interp(0.5, (np.cumsum([5, 1, 2]) - np.array([2.5, 0.5, 1.0])) / 8, [1, 2, 3])
    )
    assert np.median(repeated) <= 1.5
    assert np.isnan(weighted_quantiles(np.array([]), np.array([]), np.array([0.5]))).all()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("n", [39, 47, 72, 200])
def test_quantile_intervals_cover(share, n):
    """Never below 95 %, and no wider than the ranks need: the exact binomial chances are at most 98.4 % here."""
    rng = np.random.default_rng(2)
    hits = [(lambda i: i[0] <= share <= i[1])(quantile_interval(rng.random(n), share)) for _ in range(600)]
    assert 0.93 <= np.mean(hits) <= 0.998


def test_quantile_intervals_are_the_narrowest_ranks_that_hold():
    """By counting: the chance that so many of n values lie below the quantile is binomial."""
    from scipy.stats import binom

    for n, share in ((6, 0.5), (36, 0.1), (47, 0.9), (72, 0.9), (200, 0.5)):
        values = np.arange(1.0, n + 1)
        low, high = quantile_interval(values, share)
        below, above = int(low), int(high)  # ranks from 1
        assert binom.cdf(below - 1, n, share) <= 0.025 < binom.cdf(below, n, share)
        assert binom.sf(above - 1, n, share) <= 0.025 < binom.sf(above - 2, n, share)
    assert np.isnan(quantile_interval(np.arange(35.0), 0.1)).all()
    assert np.isnan(quantile_interval(np.arange(5.0), 0.5)).all()


def test_share_interval():
    low, high = share_interval(17, 100)
    assert (low, high) == (pytest.approx(0.1089, abs=2e-3), pytest.approx(0.2555, abs=2e-3))
    assert share_interval(0, 10)[0] == 0.0
    assert np.isnan(share_interval(0, 0)).all()


def test_void_fraction_is_that_of_all_particles_together():
    found = summarise(table([1.0] * 10 + [2.0] * 10, voids=np.repeat([0.0, 0.1], 10)))["void_fraction"]
    assert found["value"] == pytest.approx(0.1 * 80 / 90)
    assert found["low"] < found["value"] < found["high"]


def test_border_particles_are_counted_but_left_out():
    frame = table([1.0, 2.0, 30.0], border=[False, False, True])
    summary = summarise(frame)
    assert summary["counts"] | {"particles": 3, "interior": 2, "border": 1} == summary["counts"]
    assert summary["statistics_on"] == "interior"
    assert summary["size"]["by_number"]["d50"]["value"] == 1.5
    everything = summarise(table([1.0, 2.0], border=True))
    assert everything["statistics_on"] == "all"
    assert everything["size"]["by_number"]["d50"]["value"] == 1.5
    assert len(interior(frame)) == 2


def test_classes_are_shares_by_number_and_volume():
    summary = summarise(table([1.0, 1.0, 2.0], classes=["single", "porous", "aggregate"]))
    assert summary["aggregate_fraction"]["value"] == pytest.approx(1 / 3)
    assert summary["aggregate_fraction"]["by_volume"] == pytest.approx(0.8)
    assert summary["defective_fraction"]["value"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_few_particles_make_no_intervals_and_no_errors(n):
    summary = summarise(table(np.arange(1.0, n + 1)))
    row = numbers(summary)
    assert row["n_particles"] == n
    assert np.isnan(row["d50_volume"]) == (n == 0)
    assert np.isnan(summary["size"]["by_volume"]["d50"]["low"])


def test_pixels_and_missing_columns():
    summary = summarise(table([1.0, 2.0, 3.0], unit="px").drop(columns=["void_fraction", "class", "touches_border"]))
    assert summary["unit"] == "px"
    assert np.isnan(numbers(summary)["void_fraction"])
    assert numbers(summary)["equivalent_diameter_px"] == 2.0


def test_the_same_twice():
    frame = table(np.random.default_rng(3).lognormal(0, 0.4, 300), voids=0.03)
    assert summarise(frame) == summarise(frame)
    assert summarise(frame, seed=1)["size"]["by_volume"] != summarise(frame, seed=2)["size"]["by_volume"]


# ---- correlation with size


@pytest.mark.parametrize("seed", [0, 1])
def test_rank_correlation_is_scipys_and_its_interval_covers(seed):
    from scipy.stats import spearmanr

    rng = np.random.default_rng(seed)
    first = np.round(rng.normal(size=60), 1)  # with ties
    second = -first + rng.normal(size=60)
    found = rank_correlation(first, np.where(np.arange(60) < 5, np.nan, second))
    assert found["value"] == pytest.approx(spearmanr(first[5:], second[5:]).statistic)
    assert found["n"] == 55
    true = 6 / np.pi * np.arcsin(-np.sqrt(0.5) / 2)  # of two normal columns with correlation -sqrt(1/2)
    hits = []
    for _ in range(300):
        x = rng.normal(size=80)
        one = rank_correlation(x, rng.normal(size=80) - x)
        hits.append(one["low"] <= true <= one["high"])
    assert 0.9 <= np.mean(hits) <= 0.99


def test_rank_correlation_where_there_is_none():
    assert np.isnan(rank_correlation(np.ones(20), np.arange(20.0))["value"])
    assert np.isnan(rank_correlation(np.arange(4.0), np.arange(4.0))["low"])


def test_sphericity_that_falls_with_size_shows():
    frame = table(np.arange(1.0, 51))
    frame["sphericity"] = 1 / frame["equivalent_diameter_um"]
    summary = summarise(frame)
    assert summary["size_correlation"]["sphericity"]["value"] == pytest.approx(-1)
    assert numbers(summary)["sphericity_size_correlation"] == pytest.approx(-1)


# ---- the border


def test_weights_are_the_inverse_chances_to_be_whole():
    """By counting: of all places of a box's first voxel in the volume, those at which no face is touched."""
    shape = (9, 12, 20)
    box = np.array([[2, 5, 3, 9, 4, 15]])
    sizes = (3, 6, 11)
    places = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1).reshape(-1, 3)
    whole = ((places > 0) & (places + sizes < shape)).all(1).mean()
    assert intervals.border_weights(box, shape)[0] == pytest.approx(1 / whole)
    assert intervals.effective_number(np.ones(7)) == pytest.approx(7)
    assert intervals.effective_number(np.array([1.0, 1e9])) == pytest.approx(1)


def powder(shape, n, rng):
    """Boxes thrown with their first voxel anywhere in the volume, half of them small, half large."""
    size = np.where(rng.random(n) < 0.5, 6, 40)
    low = rng.integers(0, shape, (n, 3))
    cut = ((low == 0) | (low + size[:, None] >= shape)).any(1)
    frame = table(size.astype(float), border=cut, classes=np.where(size > 20, "porous", "single"))
    for k, axis in enumerate("zyx"):
        frame[f"bbox_{axis}0"], frame[f"bbox_{axis}1"] = low[:, k], low[:, k] + size
    return frame


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_correction_gives_large_particles_their_share_back(seed):
    """Half of the particles are large; whole ones are mostly small; weighted, they are half again."""
    shape = (80, 90, 100)
    summary = summarise(powder(shape, 20_000, np.random.default_rng(seed)), seed=seed, shape=shape)
    raw, corrected = summary["border"]["uncorrected"]["porous_fraction"], summary["porous_fraction"]
    assert raw["value"] < 0.25
    assert corrected["low"] < 0.5 < corrected["high"]
    assert corrected["value"] == pytest.approx(0.5, abs=0.04)
    assert corrected["population"] == "whole"
    assert corrected["n"] == summary["counts"]["interior"]
    assert summary["border"]["particles"] == pytest.approx(20_000, rel=0.05)
    row = numbers(summary)
    assert row["defective_fraction"] == corrected["value"]
    assert row["defective_fraction_uncorrected"] == raw["value"]
    assert row["d50_volume_uncorrected"] <= row["d50_volume"] + 1e-9
    assert row["d90_number"] == 40
    column = summary["columns"]["equivalent_diameter_um"]
    assert 6 <= column["low"] <= column["median"] <= column["high"] <= 40
    assert column["mean"] == pytest.approx(23, abs=1.5)
    assert column["sd"] == pytest.approx(17, abs=0.5)


def test_no_correction_where_it_means_nothing():
    assert summarise(table([1.0, 2.0]))["border"] == {}
    shape, rng = (50, 50, 50), np.random.default_rng(0)
    every = powder(shape, 200, rng)
    every["touches_border"] = True
    assert summarise(every, shape=shape)["border"] == {}
    assert np.isnan(numbers(summarise(every, shape=shape))["d50_number_uncorrected"])
    every["touches_border"] = False  # nothing is cut: the volume holds all there is
    assert summarise(every, shape=shape)["border"] == {}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_share_of_void_counts_every_particle(seed):
    """Large particles are hollow and mostly cut: of the whole ones alone the share would be far too low."""
    shape = (80, 90, 100)
    frame = powder(shape, 4000, np.random.default_rng(seed))
    volume = frame["volume_um3"]
    frame["void_fraction"] = np.where(frame["class"] == "porous", 0.1, 0.0)
    found = summarise(frame, seed=seed, shape=shape)
    true = float((volume * frame["void_fraction"]).sum() / volume.sum())
    assert found["void_fraction"]["value"] == pytest.approx(true)
    assert found["void_fraction"]["low"] < true < found["void_fraction"]["high"]
    assert (found["void_fraction"]["population"], found["void_fraction"]["n"]) == ("all", 4000)
    assert numbers(found)["void_fraction"] == pytest.approx(true)
    assert found["border"]["uncorrected"]["void_fraction"]["population"] == "whole"


def test_weighted_moments_are_those_of_repeated_values():
    rng = np.random.default_rng(5)
    values, weights = rng.normal(size=200), rng.integers(1, 9, 200)
    mean, sd = intervals.weighted_moments(values, weights.astype(float))
    repeated = np.repeat(values, weights)
    assert mean == pytest.approx(repeated.mean())
    assert sd == pytest.approx(repeated.std(), rel=0.01)  # as many values as weights say, but fewer degrees of freedom
    assert intervals.weighted_moments(values, np.ones(200))[1] == pytest.approx(values.std(ddof=1))
    assert np.isnan(intervals.weighted_moments(values[:1], np.ones(1))[1])


def test_flagged_counts_what_to_mend_not_what_is_missing():
    frame = table([1.0, 2.0, 3.0, 4.0])
    frame["flags"] = ["", "no_voids;not_resolved:roundness+void_fraction", "border;no_voids", None]
    assert summarise(frame)["counts"]["flagged"] == 1
