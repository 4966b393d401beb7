"""The scripts that make fitted constants again: they work, and do not speak against the figures in use."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
import fit_joins
import fit_levels
import fit_margins
import fit_welds

from morphct.kernels.split.join_scores import REFERENCE_JOIN
from morphct.measurement import aggregates
from morphct.segment.mask import levels
from morphct.truth.phantom import PhantomOptions, make

EDGE = 80


@pytest.fixture(scope="module")
def powder():
    sides = {"depth": EDGE, "height": EDGE, "width": EDGE}
    return make(PhantomOptions(**sides, diameter=18.0, family="irregular", cnr=4.0, weld_share=0.6, seed=51))


def test_where_the_volume_is_the_true_one():
    volumes = np.linspace(300, 100, len(fit_levels.SHIFTS))
    assert fit_levels.crossing(volumes, 200.0) == pytest.approx(0.0, abs=1e-12)
    assert fit_levels.crossing(volumes, 250.0) == pytest.approx(-0.3)
    assert np.isnan(fit_levels.crossing(volumes, 301.0))


def test_interval_of_the_quantile():
    value, low, high = fit_levels.quantile(np.abs(np.random.default_rng(0).normal(size=400)))
    assert low < 1.96 < high
    assert low < value < high


def test_levels(powder):
    found = fit_levels.measure(powder, {})
    assert found.method == "deconvolution"
    assert found.reached
    # one phantom of 95 in 100 lies within the figure, all known ones within twice as much
    assert abs(found.off) < 2 * levels.LEVEL_UNCERTAINTY


def test_margins_and_joins(powder):
    trial = fit_joins.Trial("irregular", *fit_joins.graph_of(powder, False))
    f1 = fit_margins.curve(trial)
    middle, width = fit_margins.best(f1)
    assert abs(middle - REFERENCE_JOIN) <= fit_margins.margins.JOIN_UNCERTAINTY + width / 2
    few, many = (fit_margins.untold(trial, reach) for reach in (0.03, 0.12))
    assert few["doubt"] <= many["doubt"]
    assert few["wrong"] == many["wrong"]
    # hardly any rim speaks against a join: bodies in contact are joined
    assert fit_joins.told([trial], {"compact_rim": 1.0})["irregular"]["f1"] < f1.max()


def test_best_limit_of_a_curve():
    f1 = np.full(len(fit_margins.LIMITS), 0.5)
    f1[10:15] = 0.9, 0.901, 0.903, 0.902, 0.901
    middle, width = fit_margins.best(f1)
    assert middle == pytest.approx(fit_margins.LIMITS[12])
    assert width == pytest.approx(0.1)


def test_contacts_of_a_phantom(powder):
    found = fit_welds.found_contacts(powder)
    assert found.features.shape == (len(found.weld), len(fit_welds.NAMES))
    assert found.weld.any()
    assert np.isfinite(found.features).all()
    loss = fit_welds.log_loss(found.features, found.weld, np.array(aggregates.SCORE_WEIGHTS_GREY))
    share = found.weld.mean()
    assert loss < -(share * np.log(share) + (1 - share) * np.log(1 - share))  # better than the share of welds alone


def test_the_fit_gives_back_what_was_drawn():
    rng = np.random.default_rng(1)
    figures = np.array(aggregates.SCORE_WEIGHTS_GREY)
    features = rng.normal(size=(20_000, len(figures)))
    features[:, 0] = 1
    weld = rng.random(len(features)) < 1 / (1 + np.exp(-features @ figures))
    np.testing.assert_allclose(fit_welds.logistic(features, weld), figures, rtol=0.1, atol=0.1)
