"""Noise, filters and codes: kernels beside their slow twins, cuts to the byte, exact greys when unfiltered."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from naive import grey as naive_grey

from morphct.ground.bricks import plan_bricks as cut_bricks
from morphct.ground.errors import SegmentationError
from morphct.ground.executors import Threads
from morphct.ground.units import VoxelSize
from morphct.ground.work import Work
from morphct.kernels.grey import blocks as kernels
from morphct.kernels.grey.filters import gaussian_codes, gaussian_codes_masked
from morphct.kernels.grey.neighbourhood import median_codes, nlm_codes
from morphct.segment.grey import denoise
from morphct.segment.grey.codes import Coding, Outside, choose_coding, find_outside
from morphct.segment.grey.denoise import DenoiseOptions
from morphct.segment.grey.drift import Shading
from morphct.segment.grey.filter_trials import Sample
from morphct.segment.grey.filters import Filter, filter_brick
from morphct.segment.grey.noise import cut_blocks, flattest_blocks, full_kernel, half_kernel, measure_noise
from morphct.segment.grey.sampling import layer_ranges, plan_bricks, read_bricks

SHAPE = (6, 7, 11)
WHOLE = (0, 6, 0, 7)


def raw_grey(seed, dtype=np.uint16, shape=SHAPE):
    return np.random.default_rng(seed).integers(100, 250, shape).astype(dtype)


def padded(half):
    return np.pad(half, (0, -(len(half) - 1) % 3)).astype(np.float32)


def powder(seed=0, shape=(48, 64, 72), sd=400.0):
    """Balls of 5737 in air of 4255 with white noise, uint16."""
    rng = np.random.default_rng(seed)
    place = np.indices(shape)
    solid = np.zeros(shape, bool)
    for centre in rng.uniform(0, shape, (14, 3)):
        solid |= sum((p - c) ** 2 for p, c in zip(place, centre)) < rng.uniform(5, 11) ** 2
    return np.clip(rng.normal(np.where(solid, 5737, 4255), sd), 0, 65535).astype(np.uint16)


def denoised(volume, options=None, planes=5, run_map=map, phases="auto", rows=None):
    plan = denoise.plan(volume, None, options or DenoiseOptions(), phases)
    out = np.zeros(volume.shape, np.uint16)
    counts = denoise.apply(volume, out, plan, Work.of(volume.shape, planes, run_map, rows))
    return plan, out, counts


# kernels and their twins


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("sigmas", [(0.7, 0.7, 0.7), (0.33, 1.0, 1.25), (0.0, 0.6, 1.7)])
def test_gaussian_is_that_of_the_kernel(dtype, sigmas):
    grey, out = raw_grey(1, dtype), np.empty(SHAPE, np.uint16)
    halves = [half_kernel(s) for s in sigmas]
    gaussian_codes(grey, tuple(map(padded, halves)), WHOLE, np.float32(100), np.float32(0.5), out)
    np.testing.assert_allclose(out, 100 * naive_grey.gaussian(grey, halves), atol=0.51)


def test_gaussian_leaves_out_what_does_not_count():
    rng = np.random.default_rng(2)
    valid = (rng.random(SHAPE) > 0.3).astype(np.uint8)
    grey, out = raw_grey(3) * valid, np.empty(SHAPE, np.uint16)
    halves = [half_kernel(s) for s in (0.5, 0.8, 1.0)]
    gaussian_codes_masked(grey, valid, tuple(map(padded, halves)), WHOLE, np.float32(100), np.float32(0.5), out)
    wanted = 100 * naive_grey.gaussian(grey, halves, valid)
    np.testing.assert_allclose(out[valid > 0], wanted[valid > 0], atol=0.52)
    assert not out[valid == 0].any()


def test_gaussian_far_from_what_does_not_count_has_the_same_bytes():
    grey, valid = raw_grey(4, shape=(12, 20, 30)), np.ones((12, 20, 30), np.uint8)
    valid[:, :, :4] = 0
    weights = (padded(half_kernel(1.0)),) * 3
    plain, masked = np.empty(grey.shape, np.uint16), np.empty(grey.shape, np.uint16)
    args = weights, (0, 12, 0, 20), np.float32(64.3), np.float32(0.2)
    gaussian_codes(grey, *args, plain)
    gaussian_codes_masked(np.where(valid, grey, 0).astype(np.uint16), valid, *args, masked)
    np.testing.assert_array_equal(plain[:, :, 7:], masked[:, :, 7:])


def test_median_is_the_median():
    rng = np.random.default_rng(5)
    grey, out = rng.integers(1, 60, (6, 7, 9)).astype(np.float32), np.empty((6, 7, 9), np.uint16)
    valid = (rng.random(grey.shape) > 0.1).astype(np.uint8)
    median_codes(grey, valid, WHOLE, out)
    np.testing.assert_array_equal(out, np.where(valid, naive_grey.median(grey, valid), 0))


def test_non_local_means_is_the_mean_of_the_alike():
    rng = np.random.default_rng(6)
    shape = (3, 4, 7)
    grey = (np.where(np.arange(7) > 3, 3000, 1000) + rng.normal(0, 60, shape)).astype(np.float32)
    out, pad = np.empty(shape, np.uint16), ((0, 0), (0, 0), (3, 3))
    ones = np.ones((*shape[:2], shape[2] + 6), np.float32)
    nlm_codes(np.pad(grey, pad, mode="edge"), ones, (0, 3, 0, 4), np.float32(2 * 60.0**2), out)
    # at the faces of the volume patches differ by how they repeat voxels: the middle column does not see that
    np.testing.assert_allclose(out[1, 1:3, 3], naive_grey.non_local_means(grey, 2 * 60.0**2)[1, 1:3, 3], atol=12)
    assert out[..., :3].max() < 1300
    assert out[..., 5:].min() > 2700


def test_flat_voxels_and_octants_are_counted():
    rng = np.random.default_rng(7)
    codes = rng.integers(90, 110, (5, 6, 9)).astype(np.uint16)
    codes[2, 3, 4] = 0
    bins = np.minimum(np.arange(65536) // 7, 15).astype(np.uint16)
    bins[0] = 16
    weights, limit = (0.25, 0.25, 0.03), 40.0
    flatness = kernels.Flatness(*map(np.float32, (*weights, limit, 0)))
    wanted = naive_grey.octant_counts(codes, bins, weights, limit, 17)
    whole, cut = np.zeros((8, 2, 17), np.int64), np.zeros((8, 2, 17), np.int64)
    kernels.count_codes(codes, kernels.Span((0, 5, 0, 6), (0, 0)), (5, 6), bins, flatness, True, whole)
    np.testing.assert_array_equal(whole, wanted)
    for planes, rows in ((2, None), (2, 4), (1, 1), (5, 5)):
        cut[:] = 0
        for brick in cut_bricks(codes.shape, planes, rows):
            outer = brick.widened((1, 1), codes.shape)
            span = kernels.Span(brick.core(outer), (outer.z0, outer.y0))
            part = np.ascontiguousarray(codes[outer.here])
            kernels.count_codes(part, span, (5, 6), bins, flatness, True, cut)
        np.testing.assert_array_equal(cut, whole)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_extremes(dtype):
    grey = np.random.default_rng(8).integers(3, 9, (4, 5, 6)).astype(dtype)
    low, n_low, high, n_high = kernels.extremes(grey)
    assert (low, n_low, high, n_high) == (3, (grey == 3).sum(), 8, (grey == 8).sum())


# noise


@pytest.mark.parametrize("seed", range(3))
def test_noise_of_a_powder_and_what_a_gaussian_leaves(seed):
    volume = powder(seed, (64, 64, 64))
    plan, out, _ = denoised(volume, DenoiseOptions(method="gaussian", sigma=1.0))
    assert plan.noise.sd == pytest.approx(400, rel=0.015)
    assert abs(plan.noise.correlation) < 0.05
    air = powder(seed, (64, 64, 64), 0.0) == 4255
    import edt

    deep = edt.edt(np.ascontiguousarray(air)) > 5
    deep[:4] = deep[-4:] = deep[:, :4] = deep[:, -4:] = deep[:, :, :4] = deep[:, :, -4:] = False
    assert plan.sd_after == pytest.approx(plan.scale * out[deep].std(), rel=0.06)


def test_noise_is_not_taken_from_surfaces_of_a_fine_powder():
    rng = np.random.default_rng(3)
    place = np.indices((64, 64, 64))
    solid = np.zeros((64, 64, 64), bool)
    for centre in rng.uniform(0, 64, (45, 3)):
        solid |= sum((p - c) ** 2 for p, c in zip(place, centre)) < rng.uniform(4, 8) ** 2
    volume = rng.normal(np.where(solid, 5737, 4255), 300).astype(np.uint16)
    assert denoise.plan(volume, None, DenoiseOptions()).noise.sd == pytest.approx(300, rel=0.05)


def test_blocks_of_padding_and_of_outside_are_no_noise():
    volume = powder(0, (48, 64, 64))
    volume[:20] = 0
    valid = np.ones(volume.shape, np.uint8)
    valid[:, 40:] = 0
    places = flattest_blocks([volume], [valid])
    assert places
    assert all(z >= 20 - 15 and y + 16 <= 40 for _, z, y, _ in places)
    assert measure_noise(cut_blocks([volume], places)).sd == pytest.approx(400, rel=0.1)


def test_correlated_noise_is_said():
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    noise = gaussian_filter(rng.normal(size=(48, 64, 64)), 1.0)
    volume = (powder(1, noise.shape, 0.0) + 200 * noise / noise.std()).astype(np.uint16)
    plan, _, _ = denoised(volume)
    assert plan.noise.correlation == pytest.approx(np.exp(-0.25), abs=0.08)
    assert any("correlated" in w for w in plan.warnings)


def test_prediction_of_the_noise_left():
    rng = np.random.default_rng(1)
    noise = measure_noise(rng.normal(0, 3, (200, 16, 16, 16)).astype(np.float32))
    for sigmas in ((1.0, 1.0, 1.0), (0.33, 1.5, 1.5)):
        exact = 3 * np.prod([np.sqrt((full_kernel(s) ** 2).sum()) for s in sigmas])
        assert noise.after(sigmas).sd == pytest.approx(exact, rel=0.02)
        overlap = np.correlate(full_kernel(sigmas[2]), full_kernel(sigmas[2]), "full")
        middle = len(overlap) // 2
        assert noise.after(sigmas).acf[2, 2] == pytest.approx(overlap[middle + 2] / overlap[middle], abs=0.02)


# choice


@pytest.mark.parametrize(("sd", "sigma"), [(150, 0.0), (250, 0.6), (650, 0.7), (1000, 1.0)])
def test_strength_follows_the_noise(sd, sigma):
    plan, _, _ = denoised(powder(0, (64, 64, 64), sd))
    assert plan.reached
    assert abs(plan.sigma[0] - sigma) <= 0.26
    gap = plan.fit.means[-1] - plan.fit.means[-2]
    assert gap >= 8 * plan.sd_after
    assert plan.noise.after([0.8 * s for s in plan.sigma]).sd > 0.5 * gap / 8


@pytest.mark.parametrize("seed", range(3))
def test_a_weaker_filter_is_enough_where_the_darkest_phase_lies_clear(seed):
    rng = np.random.default_rng(seed)
    shape = (64, 64, 64)
    sharp = powder(seed, shape, 0.1).astype(float)
    sharp[:, :, 32:][sharp[:, :, 32:] < 5000] = 4900
    volume = np.rint(rng.normal(sharp, 700)).astype(np.uint16)
    plan, _, _ = denoised(volume)
    assert plan.reached
    assert plan.fit.n_phases == 3
    assert 6.2 <= (plan.fit.means[-1] - plan.fit.means[-2]) / plan.sd_after < 8
    assert plan.fit.contrast > 10 * plan.sd_after
    bright = np.rint(rng.normal(np.where(sharp > 5000, 5737, 4255), 700)).astype(np.uint16)
    two, _, _ = denoised(bright)
    assert two.fit.contrast >= 8 * two.sd_after  # two phases: no weaker one


@pytest.mark.parametrize("seed", range(3))
def test_streaks_call_for_a_stronger_filter_and_are_said(seed):
    rng = np.random.default_rng(seed)
    volume = powder(seed, (64, 96, 96), 650)
    plain, _, _ = denoised(volume)
    bands = np.repeat(rng.normal(0, 350, (16, 96, 1)), 4, axis=0)  # rows of four planes, each its own
    streaked, _, _ = denoised(np.clip(np.rint(volume + bands), 0, 65535).astype(np.uint16))
    assert streaked.sigma[0] > plain.sigma[0]
    assert any("spreads" in w for w in streaked.warnings)
    assert not any("spreads" in w for w in plain.warnings)


def test_target_out_of_reach_is_said():
    plan, _, _ = denoised(powder(0, (32, 64, 64), 650), DenoiseOptions(sigma=0.5))
    assert not plan.reached
    assert any("noise target is not reached" in w for w in plan.warnings)


def test_gaussian_is_round_in_space():
    plan = denoise.plan(powder(), VoxelSize(0.075, 0.025, 0.025), DenoiseOptions(sigma=1.2))
    np.testing.assert_allclose(plan.sigma, (0.4, 1.2, 1.2))


# cuts


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("plain", DenoiseOptions()),
        ("plain", DenoiseOptions(method="none")),
        ("plain", DenoiseOptions(method="median")),
        ("plain", DenoiseOptions(method="nlm")),
        ("uint8", DenoiseOptions(sigma=1.5)),
        ("nan", DenoiseOptions(sigma=1.0)),
        ("nan", DenoiseOptions(method="median")),
        ("nan", DenoiseOptions(method="none")),
        ("cylinder", DenoiseOptions(sigma=0.7)),
    ],
)
def test_whole_and_cut_give_the_same_bytes(kind, options):
    volume = powder(2, (25, 40, 40))
    if kind == "uint8":
        volume = (volume // 40).astype(np.uint8)
    elif kind == "nan":
        volume = volume.astype(np.float32)
        volume[3:9, 5:12, 30:] = np.nan
        volume[20, 2, 2] = np.inf
    elif kind == "cylinder":
        y, x = np.indices((40, 40)) - 19.5
        volume[:, np.hypot(y, x) > 19.5] = 0
    plan = denoise.plan(volume, None, options)
    results = []
    cuts = ((25, map, None), (1, map, None), (7, Threads(2), None), (4, map, 9), (6, Threads(2), 23), (13, map, 1))
    for planes, run_map, rows in cuts:
        out = np.zeros(volume.shape, np.uint16)
        ticks = []
        counts = denoise.apply(volume, out, plan, Work.of(volume.shape, planes, run_map, rows).telling(ticks.append))
        assert sum(ticks) == 25
        results.append((out, counts))
    first, counts = results[0]
    for out, other in results[1:]:
        assert out.tobytes() == first.tobytes()
        np.testing.assert_array_equal(other.octants, counts.octants)
        assert replace(other, octants=None, edges=None) == replace(counts, octants=None, edges=None)
    outside = ~np.isfinite(volume) if kind == "nan" else np.zeros(volume.shape, bool)
    if kind == "cylinder":
        outside = np.broadcast_to(np.hypot(y, x) > 19.5, volume.shape)
        assert plan.outside.value == 0
        assert any("circle" in w for w in plan.warnings)
    np.testing.assert_array_equal(first == 0, outside)
    assert counts.n_outside == outside.sum()
    assert counts.all.sum() == volume.size - outside.sum()


def test_clipped_greys_are_counted():
    volume = np.clip(powder(3), 4100, 5600)
    _, _, counts = denoised(volume)
    assert (counts.raw_low, counts.raw_high) == (4100, 5600)
    assert counts.n_low == (volume == 4100).sum()
    assert counts.n_high == (volume == 5600).sum()


# codes


@pytest.mark.parametrize(
    ("dtype", "greys"),
    [
        (np.uint8, [0, 85, 170, 255]),
        (np.uint16, [0, 85, 170]),
        (np.uint16, [3000, 61000, 65534]),
        (np.int16, [-32768, -5, 32766]),
        (np.int32, [-70000, -69900, -20001]),
        (np.uint32, [0, 1, 2]),
        (np.float32, [0, 85, 170]),
        (np.float64, [-3, 0, 4000]),
        (np.bool_, [0, 1]),
    ],
)
def test_unfiltered_whole_greys_are_exact(dtype, greys):
    volume = np.random.default_rng(0).choice(np.array(greys), (20, 24, 28)).astype(dtype)
    plan, out, _ = denoised(volume, DenoiseOptions(method="none"))
    np.testing.assert_array_equal(plan.offset + plan.scale * out, volume)
    again, out, _ = denoised(volume)
    assert again.method == "none", "a segmented volume has no noise to take off"
    np.testing.assert_array_equal(again.offset + again.scale * out, volume)


def test_only_the_last_of_all_greys_shares_its_code():
    coding = choose_coding(np.dtype(np.uint16), [np.array([0, 65535], np.uint16)], False)
    greys = np.arange(65536)
    back = coding.grey(coding.encode(greys).astype(float))
    np.testing.assert_array_equal(back[:-1], greys[:-1])
    assert back[-1] == 65534


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_filtered_codes_are_fine(dtype):
    sample = np.array([10, 200], dtype)
    coding = choose_coding(np.dtype(dtype), [sample], True)
    assert coding.scale <= 0.01
    assert 1 <= coding.position(10) < coding.position(200) <= 65535


def test_hot_voxels_do_not_take_the_resolution_away():
    rng = np.random.default_rng(0)
    sample = rng.normal(0, 1, 100_000).astype(np.float32)
    sample[7] = 1e7
    assert choose_coding(np.dtype(np.float32), [sample], True).scale < 0.01


def test_encode_keeps_the_range():
    coding = Coding(10.0, 0.5)
    np.testing.assert_array_equal(coding.encode(np.array([-1e9, 11.0, 1e9, np.nan])), [1, 2, 65535, 1])


def test_negative_greys_through_the_table():
    volume = np.random.default_rng(0).integers(-300, 300, (6, 7, 8)).astype(np.int16)
    coding = choose_coding(volume.dtype, [volume], False)
    codes = filter_brick(volume, None, Filter("none", (0, 0, 0), coding, Outside()), (1, 5, 2, 6))
    np.testing.assert_array_equal(coding.grey(codes.astype(float)), volume[1:5, 2:6])


# outside


def test_no_circle_in_a_segmented_volume():
    y, x = np.indices((60, 60)) - 29.5
    volume = np.zeros((8, 60, 60), np.uint8)
    volume[:, np.hypot(y - 5, x) < 15] = 255
    assert find_outside(volume).value is None
    volume[:, np.hypot(y, x) < 30] = 255
    assert find_outside(volume).value == 0, "a full disc of data is what a reconstruction mask looks like"


def test_all_nan_is_refused_with_one_sentence():
    volume = np.full((20, 20, 20), np.nan, np.float32)
    with pytest.raises(SegmentationError, match=r"NaN.*input\.crop"):
        denoise.plan(volume, None, DenoiseOptions())


# sample


def test_sample_reads_few_planes():
    assert layer_ranges(100) == [(0, 100)]
    layers = layer_ranges(2000)
    assert len(layers) == 8
    assert all(b - a == 16 for a, b in layers)
    bricks = plan_bricks((2000, 3000, 3000))
    voxels = sum(np.prod([b - a for a, b in brick]) for brick in bricks)
    assert voxels <= 9 << 20
    assert len(bricks) == len(set(bricks))


def test_bricks_are_pieces_of_the_volume_with_their_halo(monkeypatch):
    monkeypatch.setattr("morphct.segment.grey.sampling.BUDGET_VOXELS", 8 * 16 * 150 * 150)
    volume = np.random.default_rng(0).integers(0, 255, (140, 300, 310), np.uint8)

    class Counted:
        shape, dtype, planes = volume.shape, volume.dtype, 0

        def __getitem__(self, key):
            assert isinstance(key, slice)
            Counted.planes += key.stop - key.start
            return volume[key]

    bricks = read_bricks(Counted(), 4)
    assert len(bricks) == 8 * 4
    assert Counted.planes <= 8 * 24
    for brick in bricks:
        z, y, x = brick.start
        n = brick.grey.shape
        np.testing.assert_array_equal(brick.grey, volume[z : z + n[0], y : y + n[1], x : x + n[2]])
        assert brick.inner.shape == (16, 64, 64)
        lower = [c.start for c in brick.core]
        assert all(h == 4 or s == 0 for h, s in zip(lower, brick.start))


@pytest.mark.parametrize("shape", [(1, 40, 40), (3, 20, 50), (9, 9, 9), (40, 5, 5)])
def test_small_volumes(shape):
    _, out, counts = denoised(powder(0, shape), planes=2, rows=3)
    assert counts.n_voxels == out.size
    assert (out > 0).all()


def test_read_only_volumes_are_taken():
    volume = powder(0, (20, 30, 30))
    wanted = denoised(volume)[1]
    volume.flags.writeable = False
    np.testing.assert_array_equal(denoised(volume)[1], wanted)


def test_tasks_can_be_pickled():
    import pickle

    volume = powder(0, (20, 30, 30))
    plan = denoise.plan(volume, None, DenoiseOptions())
    task = pickle.loads(pickle.dumps(partial(denoise._denoise_brick, volume, np.zeros(volume.shape, np.uint16), plan)))
    counts, _, _ = task(cut_bricks(volume.shape, 20)[0])
    assert counts.sum() == volume.size


@pytest.mark.parametrize(
    "pad",
    [((0, 0), (12, 20), (9, 15)), ((0, 0), (0, 30), (0, 0)), ((10, 6), (0, 0), (0, 0)), ((8, 8), (16, 4), (7, 7))],
)
@pytest.mark.parametrize("value", [0, 65535])
def test_a_frame_of_one_value_round_the_data_is_outside(pad, value):
    grey = powder(101)
    framed = np.pad(grey, pad, constant_values=value)
    inner = tuple(slice(a, n - b) for (a, b), n in zip(pad, framed.shape))
    outside = find_outside(framed)
    valid = np.ones(framed.shape, np.uint8) if (v := outside.valid(framed)) is None else v
    wanted = np.zeros(framed.shape, np.uint8)
    wanted[inner] = 1
    np.testing.assert_array_equal(valid, wanted)
    for brick in cut_bricks(framed.shape, 9, 21):
        part = outside.valid_brick(framed[brick.here], framed, brick)
        np.testing.assert_array_equal(np.ones_like(wanted[brick.here]) if part is None else part, wanted[brick.here])
    plain, seen = (denoise.plan(v, None, DenoiseOptions()).fit for v in (grey, framed))
    assert seen.n_phases == plain.n_phases
    np.testing.assert_allclose(seen.means, plain.means, atol=60)


def test_a_circle_beside_the_middle_is_found_and_a_background_of_one_value_is_none():
    grey = powder(102)
    solid = grey > np.median(grey)
    _, ny, nx = grey.shape
    y, x = np.indices((ny, nx))
    round_ = np.hypot(y - 0.5 * (ny - 1), x - 0.5 * (nx - 1)) <= 0.5 * min(ny, nx)
    framed = np.pad(np.where(round_, grey, 0), ((0, 0), (0, 40), (10, 0)))
    valid = find_outside(framed).valid(framed)
    np.testing.assert_array_equal(valid, np.pad(np.broadcast_to(round_, grey.shape), ((0, 0), (0, 40), (10, 0))))
    assert find_outside(np.where(solid, grey, 0)).value is None
    assert find_outside(np.pad(np.where(solid, grey, 0), 10)).value is None


def test_a_sample_freed_of_drift_leaves_the_other_as_it_was():
    """What was tried before counts for the first alone; the second codes hold what is left."""
    volume = powder(3, (24, 40, 40))
    sample = Sample(volume, (1.0, 1.0, 1.0), Outside())
    before = sample.start
    slope = Shading((np.linspace(0, 200, 24), np.zeros(40), np.zeros(40)))
    other = sample.flattened(slope)
    assert sample.shading is None
    assert sample.start is before
    assert other.start is not before
    assert other.noise is sample.noise
    assert other.start.fit.means.tolist() != before.fit.means.tolist()
