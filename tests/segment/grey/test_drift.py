"""Drift and jumps of the grey: found, said, subtracted; and not found where there are none."""

from functools import cache

import numpy as np
import pytest

from morphct import reading
from morphct.ground.work import Work
from morphct.segment.grey import denoise, histogram, sampling
from morphct.segment.grey.background_steps import cell_means, commonest, narrowest
from morphct.segment.grey.denoise import DenoiseOptions
from morphct.segment.grey.drift import LEAST_DRIFT_SHARE, Shading, find_drift
from morphct.segment.grey.sampling import read_bricks
from morphct.truth import phantom
from morphct.truth.phantom import PhantomOptions

CONTRAST = 1482.0
SHAPE = (96, 104, 112)


@cache
def powder(seed, family="mixed", **options):
    z, y, x = SHAPE
    made = phantom.make(PhantomOptions(depth=z, height=y, width=x, seed=seed, family=family, diameter=24.0, **options))
    made.grey.flags.writeable = False
    return made.grey


def moved(grey, by):
    """The volume with a background, as a share of the contrast."""
    return np.clip(np.rint(grey + CONTRAST * by), 0, 65535).astype(np.uint16)


def ramp(shape, axis, size):
    return np.linspace(-0.5 * size, 0.5 * size, shape[axis]).reshape([-1 if a == axis else 1 for a in range(3)])


def jump(shape, axis, plane, size):
    return (size * (np.arange(shape[axis]) >= plane)).reshape([-1 if a == axis else 1 for a in range(3)])


def seen(grey):
    bricks = read_bricks(grey, 4)
    return find_drift(grey, bricks, [None] * len(bricks))


def planned(grey, **options):
    return denoise.plan(grey, None, DenoiseOptions(**options))


def apply(grey, plan, planes, rows=None):
    codes = np.zeros(grey.shape, np.uint16)
    return codes, denoise.apply(grey, codes, plan, Work.of(grey.shape, planes, rows=rows))


@pytest.mark.parametrize("family", ["mixed", "near-round", "faceted", "rods", "plates", "bimodal", "sponge", "dense"])
def test_nothing_is_found_where_there_is_nothing(family):
    found = seen(powder(51, family))
    assert found.size < 0.8 * LEAST_DRIFT_SHARE * CONTRAST
    assert not found.large_jumps(CONTRAST)


@pytest.mark.parametrize("seed", [51, 52, 53])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_drift_is_measured(seed, axis):
    found = seen(moved(powder(seed), ramp(SHAPE, axis, 0.5)))
    assert found.axis == axis
    assert found.ranges()[axis] == pytest.approx(0.5 * CONTRAST, abs=0.06 * CONTRAST)
    assert not found.large_jumps(CONTRAST)


@pytest.mark.parametrize("seed", [51, 52, 53])
@pytest.mark.parametrize(("axis", "plane", "size"), [(0, 47, 0.5), (1, 60, -0.3), (2, 33, 0.8)])
def test_jump_is_found_at_its_plane(seed, axis, plane, size):
    found = seen(moved(powder(seed), jump(SHAPE, axis, plane, size))).large_jumps(CONTRAST)
    assert [(j.axis, j.plane) for j in found] == [(axis, plane)]
    assert found[0].size == pytest.approx(size * CONTRAST, abs=0.05 * CONTRAST)


@pytest.mark.parametrize("seed", [51, 52])
def test_jump_between_the_layers_of_the_sample(seed, monkeypatch):
    monkeypatch.setattr(sampling, "SAMPLE_LAYERS", 4)
    monkeypatch.setattr(sampling, "LAYER_PLANES", 16)
    monkeypatch.setattr(sampling, "WINDOW_VOXELS", 40)
    monkeypatch.setattr(sampling, "BUDGET_VOXELS", 1 << 18)
    grey = powder(seed)
    assert len(read_bricks(grey, 0)) > 4
    for axis, plane in ((0, 48), (2, 57)):
        found = seen(moved(grey, jump(SHAPE, axis, plane, 0.6))).large_jumps(CONTRAST)
        assert [(j.axis, j.plane) for j in found] == [(axis, plane)]


@pytest.mark.parametrize("seed", [51, 52])
def test_boundary_of_the_sample_is_no_jump(seed):
    """Half of the volume is air: the grey changes there because the sample ends."""
    grey = powder(seed).copy()
    noise = np.random.default_rng(seed).normal(4255, 649, (SHAPE[0] // 2, *SHAPE[1:]))
    grey[: SHAPE[0] // 2] = noise.astype(np.uint16)
    assert not seen(grey).large_jumps(CONTRAST)


@pytest.mark.parametrize("seed", [51, 52])
def test_correlated_noise_is_no_drift(seed):
    found = seen(powder(seed, noise_blur=0.7))
    assert not found.is_large(CONTRAST)
    assert not found.large_jumps(CONTRAST)


@pytest.mark.parametrize("background", [ramp(SHAPE, 1, 0.5), jump(SHAPE, 2, 50, 0.5)])
def test_phases_are_those_without_the_background(background):
    plain, spoilt = planned(powder(51)), planned(moved(powder(51), background))
    assert plain.shading is None
    assert spoilt.fit.n_phases == plain.fit.n_phases == 3
    np.testing.assert_allclose(np.diff(spoilt.fit.means), np.diff(plain.fit.means), rtol=0.03)
    assert any("subtracted" in w for w in spoilt.warnings)


def test_codes_are_the_same_however_cut():
    grey = moved(powder(52), jump(SHAPE, 0, 50, 0.5) + ramp(SHAPE, 2, 0.3))
    plan = planned(grey)
    assert plan.shading is not None
    (whole, counts), (cut, pieces) = apply(grey, plan, 200), apply(grey, plan, 7, 19)
    np.testing.assert_array_equal(whole, cut)
    np.testing.assert_array_equal(counts.octants, pieces.octants)
    assert histogram.deconvolve(counts, plan.sd_after).n_phases == 3


def test_it_can_be_left_in_and_is_said_so():
    plan = planned(moved(powder(51), ramp(SHAPE, 0, 0.5)), flatten=False)
    assert plan.shading is None
    assert any("drifts by" in w and "left in" in w for w in plan.warnings)


def test_a_fixed_level_is_one_of_the_file():
    grey = moved(powder(51), ramp(SHAPE, 0, 0.5))
    assert denoise.plan(grey, None, DenoiseOptions(), levels=[5000.0]).shading is None


def test_jump_says_which_parts_to_run_apart(tmp_path):
    """Planes are those of the file, also when a part of it is read."""
    grey = moved(powder(53), jump(SHAPE, 0, 60, 0.6))
    np.save(tmp_path / "glued.npy", grey)
    volume = reading.open_volume(tmp_path / "glued.npy", voxel_size="1um", crop="10:,:,:")
    words = [w for w in planned(volume).warnings if "jumps" in w]
    assert len(words) == 1
    assert "at voxel 60 along z" in words[0]
    assert "--crop 10:60,0:104,0:112 and --crop 60:96,0:104,0:112" in words[0]
    (whole,) = [w for w in planned(grey).warnings if "jumps" in w]
    assert "--crop :60,:,: and --crop 60:,:,:" in whole


def test_volume_without_noise_has_no_drift():
    grey = np.zeros((40, 40, 40), np.uint8)
    grey[10:30, 10:30, 10:30] = 200
    found = seen(grey)
    assert found.size == 0
    assert not found.jumps


def test_cells_of_a_masked_sample():
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 100, (13, 18, 21)).astype(np.uint16)
    bricks, valid = read_bricks(grey, 2), np.ones(grey.shape, np.uint8)
    valid[5, 6, 7] = 0
    cells = cell_means(bricks, [valid])
    expected = grey[:12, :16, :20].reshape(3, 4, 4, 4, 5, 4).mean((1, 3, 5))
    expected[1, 1, 1] = np.nan
    np.testing.assert_allclose(cells.means, expected, rtol=1e-6)
    np.testing.assert_allclose(cells.places[0], [1.5, 5.5, 9.5])


@pytest.mark.parametrize("seed", range(4))
def test_commonest_value_of_a_mixture(seed):
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.normal(3, 1, 3000), rng.normal(12, 1, 1500), rng.normal(-6, 1, 1500)])
    width = narrowest(values)
    assert 0.8 < width < 2.5
    assert commonest(values, width)[0] == pytest.approx(3, abs=0.12)


def test_shading_leaves_what_is_outside():
    shading = Shading(tuple(np.arange(n, dtype=np.float32) for n in (4, 5, 6)))
    codes = np.full((2, 5, 6), 1000, np.uint16)
    codes[0, 0, 0] = 0
    shading.subtract(codes, (2, 0, 0), 0.5)
    z, y, x = np.indices(codes.shape)
    expected = 1000 - 2 * (z + 2 + y + x)
    expected[0, 0, 0] = 0
    np.testing.assert_array_equal(codes, expected)
