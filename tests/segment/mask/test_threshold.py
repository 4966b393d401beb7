"""From codes to mask: the local level beside its slow twin, cuts to the byte, exact fixed levels, honest refusals."""

from functools import cache, partial

import numpy as np
import pytest
from naive import grey

from morphct.ground.bricks import Brick, plan_bricks
from morphct.ground.errors import SegmentationError, SettingsError
from morphct.ground.executors import Threads
from morphct.ground.units import VoxelSize
from morphct.ground.work import Work
from morphct.kernels.grey import blocks as kernels
from morphct.pipeline.threshold_record import contrast
from morphct.segment.grey import denoise, histogram
from morphct.segment.grey.codes import Coding
from morphct.segment.grey.denoise import DenoiseOptions
from morphct.segment.mask import threshold
from morphct.segment.mask.levels import as_level
from morphct.segment.mask.local_level import find_map, total_blur
from morphct.segment.mask.threshold import ThresholdOptions
from morphct.truth import phantom
from morphct.truth.phantom.grey import grey_volume


def plain_parts(found):
    """What is known of a level but for its maps."""
    return {name: value for name, value in vars(found).items() if not isinstance(value, np.ndarray)}


def chain(volume, options=None, filter_options=None, planes=16, run_map=map, voxel_size=None, rows=None):
    """Plan, codes, fit, threshold and mask of a volume."""
    options, filter_options = options or ThresholdOptions(), filter_options or DenoiseOptions()
    work = Work.of(volume.shape, planes, run_map, rows)
    plan = denoise.plan(volume, voxel_size, filter_options, options.phases, fixed_levels(options))
    codes = np.zeros(volume.shape, np.uint16)
    counts = denoise.apply(volume, codes, plan, work)
    fit = histogram.deconvolve(counts, plan.sd_after, options.phases)
    found = threshold.find_threshold(codes, plan, fit, counts, options, work)
    mask = np.zeros(volume.shape, np.uint8)
    total = threshold.apply(codes, found, mask, work)
    assert total == mask.sum()
    return plan, codes, fit, found, mask.astype(bool)


def fixed_levels(options):
    return [v for v in (options.low, options.high) if v is not None]


@cache
def bodies(seed):
    return phantom.make(phantom_options(seed=seed))


def phantom_options(**settings):
    return phantom.PhantomOptions.from_mapping({"depth": 80, "height": 96, "width": 112, **settings})


def powder(seed, **settings):
    """Grey of a powder drawn once, and where its particles are."""
    made = bodies(seed)
    grey = grey_volume(made.labels, made.voids, phantom_options(seed=seed, **settings))
    return grey, (made.labels > 0) & (made.voids == 0)


def balls(seed=0, shape=(48, 64, 72), sd=300.0, size=(5, 11), n=14):
    """uint16 balls of 5737 in 4255 with white noise, and where they are."""
    rng = np.random.default_rng(seed)
    place = np.indices(shape)
    solid = np.zeros(shape, bool)
    for centre in rng.uniform(0, shape, (n, 3)):
        solid |= sum((p - c) ** 2 for p, c in zip(place, centre)) < rng.uniform(*size) ** 2
    return np.clip(rng.normal(np.where(solid, 5737, 4255), sd), 0, 65535).astype(np.uint16), solid


# kernels and their twins


@pytest.mark.parametrize("shape", [(17, 20, 29), (3, 9, 8), (8, 5, 4)])
def test_local_level_is_trilinear(shape):
    rng = np.random.default_rng(0)
    coarse = rng.uniform(500, 900, [-(-n // 8) for n in shape]).astype(np.float32)
    wanted = grey.local_level(coarse.astype(float), shape)
    level = as_level(coarse, coarse, Coding(100.0, 0.5))
    row, work = np.empty(shape[2], np.float32), np.empty(coarse.shape[2] + 1, np.float32)
    for z, y in np.ndindex(shape[:2]):
        kernels.level_row(level, z, y, work, row)
        np.testing.assert_allclose(row, (wanted[z, y] - 100) / 0.5, rtol=1e-5)
    codes = rng.integers(700, 1700, shape).astype(np.uint16)
    codes[0, 0, 0] = 0
    out = np.empty(shape, np.uint8)
    kernels.above_level(codes, (0, 0), level, out)
    part = np.empty((shape[0] - 1, shape[1] - 2, shape[2]), np.uint8)
    kernels.above_level(np.ascontiguousarray(codes[1:, 2:]), (1, 2), level, part)
    np.testing.assert_array_equal(part, out[1:, 2:])
    clear = np.abs(codes - (wanted - 100) / 0.5) > 1e-2
    np.testing.assert_array_equal(out[clear], (codes >= (wanted - 100) / 0.5)[clear] & (codes[clear] > 0))


@pytest.mark.parametrize("cut", [(13, 18), (5, 18), (5, 6), (1, 1), (8, 11)])
def test_block_sums_are_those_of_the_flat_voxels(cut):
    rng = np.random.default_rng(1)
    shape = (13, 18, 21)
    codes = rng.integers(900, 1100, shape).astype(np.uint16)
    codes[5:7, 4, 9] = 0
    coarse = np.full([-(-n // 8) for n in shape], 1000, np.float32)
    level = as_level(coarse, coarse * 0 + 50, Coding(0.0, 1.0))
    weights, limit = (0.25, 0.25, 0.25), 4000.0
    flatness = kernels.Flatness(*map(np.float32, (*weights, limit, 100)))
    wanted = grey.block_sums(codes, np.full(shape, 1000.0), weights, limit)
    sums, counts = np.zeros((2, *coarse.shape), np.int32), np.zeros((2, *coarse.shape), np.int32)
    slopes = np.zeros(64, np.int64)
    above = 0
    for brick in plan_bricks(shape, *cut):
        outer = brick.widened((1, 1), shape)
        span, part = kernels.Span(brick.core(outer), (outer.z0, outer.y0)), np.ascontiguousarray(codes[outer.here])
        own = slice(None), slice(brick.z0 // 8, None), slice(brick.y0 // 8, None)
        above += kernels.sum_blocks(part, span, level, flatness, True, sums[own], counts[own], slopes)
    np.testing.assert_array_equal(sums, wanted[0])
    np.testing.assert_array_equal(counts, wanted[1])
    assert above == (codes >= 1000).sum()
    slope = grey.gradient(codes, weights)
    near = (np.abs(codes - 1000.0) < 5) & np.isfinite(slope)
    wanted_slopes = np.minimum(np.sqrt(np.maximum(slope[near] - 100, 0)) / 50 * 64, 63).astype(int)
    np.testing.assert_array_equal(slopes, np.bincount(wanted_slopes, minlength=64))


# the local level


@pytest.mark.parametrize(("cnr", "sigma"), [(1.5, 1.5), (2.28, 1.0), (4.0, 0.7)])
@pytest.mark.parametrize("seed", [101, 102])
def test_three_phases_at_low_contrast(cnr, sigma, seed):
    grey, solid = powder(seed, cnr=cnr)
    plan, _, fit, found, mask = chain(grey)
    assert fit.n_phases == 3
    np.testing.assert_allclose(fit.means, [4255, 4900, 5737], atol=30)
    assert abs(plan.sigma[0] - sigma) <= 0.26
    assert plan.reached
    assert abs(mask.sum() / solid.sum() - 1) < 0.03
    assert (mask & solid).sum() / (mask | solid).sum() > {1.5: 0.88, 2.28: 0.90, 4.0: 0.92}[cnr]
    told = contrast(plan, fit)
    assert told["cnr"] == pytest.approx(cnr, rel=0.04)
    assert told["snr"] == pytest.approx(5737 * cnr / 1482, rel=0.04)
    assert found.blur == pytest.approx(np.hypot(0.7, plan.sigma[0]), rel=0.12)
    assert found.quality.reliable
    assert found.warnings == ()


def test_two_phases_have_no_bias():
    grey, solid = powder(101, phases=2)
    _, _, fit, _, mask = chain(grey)
    assert fit.n_phases == 2
    assert abs(mask.sum() / solid.sum() - 1) < 0.012


def test_level_is_lower_next_to_air_than_next_to_glue():
    shape = (32, 48, 96)
    x = np.arange(96)
    grey = np.where((x >= 24) & (x < 72), 5737.0, np.where(x < 24, 4255.0, 4900.0))
    noise = np.random.default_rng(0).normal(0, 200, shape)
    _, _, fit, found, _ = chain((grey + noise).astype(np.uint16))
    assert fit.n_phases == 3
    np.testing.assert_allclose(found.level[:, 1:-1, :3].mean(), 4996, atol=25)
    np.testing.assert_allclose(found.level[:, 1:-1, -3:].mean(), 5318, atol=25)


def test_drift_is_followed_and_said():
    grey, solid = powder(102)
    drift = np.linspace(-0.15, 0.15, grey.shape[0])[:, None, None] * 1482
    left_in = DenoiseOptions(flatten=False)
    _, _, _, found, mask = chain((grey + drift).astype(np.uint16), filter_options=left_in)
    assert found.plateau_spread > 0.15
    assert any("drift" in w for w in found.warnings)
    assert (mask & solid).sum() / (mask | solid).sum() > 0.9


def test_level_moves_by_a_share_of_the_contrast():
    volume, _ = balls()
    _, codes, _, found, mask = chain(volume)
    counts = [
        threshold.mask_of(codes, threshold.shifted(found, s), Brick(0, 0, len(codes))).sum() for s in (-0.05, 0.0, 0.05)
    ]
    assert counts[0] > counts[1] > counts[2]
    assert counts[1] == mask.sum()
    assert counts[0] / counts[2] < 1.1
    assert found.uncertainty == 0.05


@pytest.mark.parametrize("blur", [0.8, 1.2, 2.0])
def test_blur_of_an_edge(blur):
    from scipy.ndimage import gaussian_filter

    _, solid = balls(3, (48, 48, 48))
    codes = (20000 + 10000 * gaussian_filter(solid.astype(float), blur)).astype(np.uint16)
    flatness = kernels.Flatness(*map(np.float32, (0.25, 0.25, 0.25, 3.0, 0.0)))
    found = find_map(codes, Coding(0.0, 1.0), flatness, (20000.0, 30000.0), Work.of((48, 48, 48), 20, rows=13))
    # the voxel itself blurs by 1/12
    assert total_blur(found.slopes) == pytest.approx(np.hypot(blur, 12**-0.5), rel=0.1)
    assert total_blur(np.zeros(64, int)) is None
    assert total_blur(np.bincount([0] * 900 + [1] * 100, minlength=64)) is None  # level surfaces in noise: no slope


@pytest.mark.parametrize("method", ["deconvolution", "otsu", "fixed"])
@pytest.mark.parametrize("kind", ["plain", "nan"])
def test_whole_and_cut_give_the_same_bytes(method, kind):
    volume, _ = balls(4, (37, 41, 46))
    if kind == "nan":
        volume = volume.astype(np.float32)
        volume[10:20, :9, 30:] = np.nan
    options = ThresholdOptions(method=method, low=5000.0)
    whole = chain(volume, options, planes=37)
    for planes, run_map, rows in ((1, map, None), (5, Threads(2), 6), (16, map, None), (37, Threads(2), 3)):
        _, codes, _, found, mask = chain(volume, options, planes=planes, run_map=run_map, rows=rows)
        assert codes.tobytes() == whole[1].tobytes()
        for name in ("level", "inside", "outside"):
            assert getattr(found, name).tobytes() == getattr(whole[3], name).tobytes()
        assert mask.tobytes() == whole[4].tobytes()
        assert plain_parts(found) == plain_parts(whole[3])
        assert (found.warnings, found.blur) == (whole[3].warnings, whole[3].blur)
    if kind == "nan":
        assert not whole[4][np.isnan(volume)].any()
        assert any("NaN" in w for w in whole[3].warnings)


# one level


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64])
def test_fixed_range_on_segmented_greys_is_exact(dtype):
    volume = np.random.default_rng(0).choice([0, 85, 170], (20, 30, 34)).astype(dtype)
    none = DenoiseOptions(method="none")
    for low, high, wanted in (
        (60, 120, volume == 85),
        (85, 85, volume == 85),
        (85, None, volume >= 85),
        (None, 84.9, volume == 0),
        (85.1, None, volume == 170),
        (None, 85, volume <= 85),
        (200, None, volume > 200),
        (None, -5, volume < -5),
    ):
        options = ThresholdOptions(
            method="fixed", low=None if low is None else float(low), high=None if high is None else float(high)
        )
        *_, mask = chain(volume, options, none)
        np.testing.assert_array_equal(mask, wanted)


def test_fixed_with_the_whole_range_of_16_bits():
    volume = np.random.default_rng(0).integers(0, 65536, (20, 30, 34)).astype(np.uint16)
    volume[0, 0, :2] = 0, 65535
    options = ThresholdOptions(method="fixed", low=1.0, high=65533.0)
    *_, mask = chain(volume, options, DenoiseOptions(method="none"))
    np.testing.assert_array_equal(mask, (volume >= 1) & (volume <= 65533))


def test_fixed_level_beyond_the_sample_is_exact():
    volume = np.zeros((300, 20, 20), np.float32)
    volume[150, 3:9, 3:9] = 0.1
    volume[18, 2, 2] = 7.25  # between the layers of the sample
    options = ThresholdOptions(method="fixed", low=5.0)
    *_, mask = chain(volume, options, DenoiseOptions(method="none"))
    np.testing.assert_array_equal(mask, volume >= 5)


def test_electrode(shared_data):
    import tifffile

    volume = tifffile.imread(shared_data("nmc_electrode_3phase.tif"))[:96, :120, :120]
    options = ThresholdOptions(method="fixed", low=60.0, high=120.0)
    *_, found, mask = chain(volume, options, DenoiseOptions(method="none"))
    np.testing.assert_array_equal(mask, volume == 85)
    assert found.warnings == ()


def test_otsu_is_one_level():
    volume, solid = balls(5)
    _, codes, _, found, mask = chain(volume, ThresholdOptions(method="otsu"))
    low, _ = found.code_range
    np.testing.assert_array_equal(mask, codes >= low)
    assert found.value == pytest.approx(4996, abs=60)
    assert (mask & solid).sum() / (mask | solid).sum() > 0.85


# when to say no, and what to say


def test_one_phase_is_refused_with_the_way_forward():
    volume = np.random.default_rng(0).normal(5000, 300, (40, 48, 48)).astype(np.uint16)
    with pytest.raises(
        SegmentationError, match=r"one phase.*threshold\.method=fixed --set threshold\.low=\d"
    ) as caught:
        chain(volume)
    assert "\n" not in str(caught.value)
    chain(volume, ThresholdOptions(method="otsu"))


@pytest.mark.parametrize("name", ["nanoct_lobed_grain.tif", "nanoct_compact_grain.tif"])
def test_real_grains_show_their_halo_and_are_refused_where_it_is_not_wanted(shared_data, name):
    import tifffile

    volume = tifffile.imread(shared_data(name))
    work = Work.of(len(volume), 16)
    size = VoxelSize(0.075, 0.025, 0.025)
    plan = denoise.plan(volume, size, DenoiseOptions(flatten=False), one_level=True)
    codes = np.zeros(volume.shape, np.uint16)
    counts = denoise.apply(volume, codes, plan, work)
    fit = histogram.deconvolve(counts, plan.sd_after)
    with pytest.raises(SegmentationError, match=r"one phase.*try --set threshold\.method=halo"):
        threshold.find_threshold(codes, plan, fit, counts, ThresholdOptions(method="deconvolution"), work)
    found = threshold.find_threshold(codes, plan, fit, counts, ThresholdOptions(), work)
    assert found.method == "halo"
    assert found.choice.evidence["halo_depth"] > 0.2
    found = threshold.find_threshold(codes, plan, fit, counts, ThresholdOptions(method="otsu"), work)
    mask = threshold.mask_of(codes, found, Brick(0, 0, len(codes)))
    assert 0.03 < mask.mean() < 0.6
    assert any("correlated" in w for w in found.warnings)
    assert any("one phase" in w for w in found.warnings)
    assert not found.quality.reliable


@pytest.mark.parametrize("method", ["deconvolution", "otsu", "fixed"])
def test_one_grey_value_is_refused(method):
    options = ThresholdOptions(method=method, low=1.0)
    with pytest.raises(SegmentationError, match="one grey value 7"):
        chain(np.full((20, 20, 20), 7, np.uint8), options)


def test_dark_particles_are_noticed_and_can_be_taken():
    grey, solid = powder(101, phases=2)
    volume = (10000 - grey.astype(int)).astype(np.uint16)
    *_, found, _ = chain(volume)
    assert any("dark" in w and "threshold.high" in w for w in found.warnings)
    *_, found, mask = chain(volume, ThresholdOptions(method="fixed", high=10000 - 4996.0))
    assert (mask & solid).sum() / (mask | solid).sum() > 0.9
    assert not any("bright surroundings" in w for w in found.warnings)


def test_clipping_is_said():
    volume, _ = balls(6)
    *_, found, _ = chain(np.clip(volume, 4000, 5900))
    (words,) = [w for w in found.warnings if "grey window" in w]
    assert "the least grey value 4000" in words
    assert "the largest grey value 5900" in words


def test_halo_is_said():
    from scipy.ndimage import gaussian_filter

    volume, _ = balls(7, (48, 96, 96), 100.0, size=(12, 18), n=5)
    grey = volume.astype(float)
    halo = grey + 0.6 * (gaussian_filter(grey, 0.7) - gaussian_filter(grey, 4))
    *_, plain, _ = chain(volume)
    *_, found, _ = chain(halo.astype(np.uint16))
    assert found.quality.signs.halo_drop > plain.quality.signs.halo_drop + 0.05
    assert any("halo" in w for w in found.warnings)
    assert not any("halo" in w for w in plain.warnings)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"method": "fixed"}, "no level is given"),
        ({"method": "fixed", "low": 5, "high": 3}, "low must not be above high"),
        ({"phases": "many"}, "allowed are auto"),
        ({"phases": 1}, "2 to 4"),
        ({"method": "otso"}, "otsu"),
    ],
)
def test_options_are_refused_in_words(values, word):
    with pytest.raises(SettingsError, match=word):
        ThresholdOptions.from_mapping(values)


def test_options_from_texts():
    options = ThresholdOptions.from_mapping({"method": "fixed", "low": "", "high": "120", "phases": "3"})
    assert (options.low, options.high, options.phases) == (None, 120.0, 3)


def test_tasks_can_be_pickled():
    import pickle

    volume, _ = balls(8, (20, 30, 30))
    _, codes, _, found, mask = chain(volume)
    task = pickle.loads(pickle.dumps(partial(threshold.mask_of, codes, found)))
    np.testing.assert_array_equal(task(Brick(0, 3, 9, 4, 11)), mask[3:9, 4:11])
