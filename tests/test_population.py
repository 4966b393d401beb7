"""Population numbers against plain numpy and against known distributions."""

import numpy as np
import pandas as pd
import pytest

from morphct.population import (
    interior,
    numbers,
    quantile_interval,
    share_interval,
    summarise,
    weighted_quantiles,
)


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
def test_quantile_intervals_cover(share):
    rng = np.random.default_rng(2)
    true = np.quantile(rng.normal(size=2_000_000), share)
    hits = [(lambda i: i[0] <= true <= i[1])(quantile_interval(rng.normal(size=200), share)) for _ in range(400)]
    assert 0.92 <= np.mean(hits) <= 0.995


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
