"""Which way of finding the level a volume speaks for."""

import numpy as np
import pytest
from scipy import ndimage

from morphct.ground.bricks import Brick
from morphct.ground.errors import SegmentationError
from morphct.ground.scratch import Scratch
from morphct.ground.units import VoxelSize
from morphct.ground.work import Work
from morphct.pipeline import segmenting
from morphct.pipeline.job import Job
from morphct.pipeline.memory_plan import plan_work
from morphct.pipeline.settings import Settings
from morphct.segment.grey import denoise, histogram
from morphct.segment.grey.denoise import DenoiseOptions
from morphct.segment.mask import method_choice, threshold
from morphct.segment.mask.threshold import ThresholdOptions

SHAPE = (64, 80, 80)


def noise(seed, sd=600.0, blur=0.0):
    field = np.random.default_rng(seed).standard_normal(SHAPE)
    if blur:
        field = ndimage.gaussian_filter(field, blur)
        field /= field.std()
    return sd * field


def balls(seed, radius=9.0, n=9):
    rng, grid = np.random.default_rng(seed), np.indices(SHAPE)
    solid = np.zeros(SHAPE, bool)
    for _ in range(n):
        centre = rng.uniform(0, 1, 3) * SHAPE
        solid |= ((grid - centre[:, None, None, None]) ** 2).sum(axis=0) < radius**2
    return solid


def stored(grey):
    return np.clip(np.rint(grey), 0, 65535).astype(np.uint16)


def level_of(volume, *overrides):
    settings = Settings().with_overrides(list(overrides))
    with Scratch() as scratch:
        job = Job(volume.shape, VoxelSize(1.0, 1.0, 1.0, "px"), plan_work(volume.shape), scratch, map)
        return segmenting.find_level(volume, job, settings).threshold


@pytest.mark.parametrize("seed", [1, 2])
def test_phases_that_lie_apart_are_deconvolved(seed):
    blurred = ndimage.gaussian_filter(balls(seed).astype(float), 0.7)
    found = level_of(stored(4255 + 1482 * blurred + noise(seed, 650)))
    assert found.method == "deconvolution"
    assert "2 phases" in found.choice.reason


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_noise_alone_is_refused_whatever_it_is_stored_as(seed, dtype):
    """Greys of a step of one are a comb in a fine histogram: no valley; small volumes show halos by chance: none."""
    field = np.random.default_rng(seed).normal(100, 5, (40, 40, 40)) * (200 if dtype is np.uint16 else 1)
    volume = field.astype(dtype) if dtype is np.float32 else np.rint(field).astype(dtype)
    with pytest.raises(SegmentationError, match="no reliable threshold"):
        level_of(volume)


@pytest.mark.parametrize("seed", [3, 4])
def test_a_mask_saved_with_losses_is_taken_by_its_classes_and_not_called_unreliable(seed):
    solid = balls(seed)
    rings = ndimage.gaussian_laplace(solid.astype(float), 1.2)  # what lossy pictures leave round edges
    volume = np.clip(np.rint(255 * solid + 60 * rings * np.random.default_rng(seed).random(SHAPE)), 0, 255)
    found = level_of(volume.astype(np.uint8))
    mask = threshold.mask_of(_codes(volume.astype(np.uint8)), found, Brick(0, 0, len(volume)))
    assert 2 * (mask & solid).sum() / (mask.sum() + solid.sum()) > 0.98
    assert not any("unreliable" in w for w in found.warnings)


def _codes(volume):
    plan, _ = segmenting.look_at_sample(volume, None, Settings())
    codes = np.zeros(volume.shape, np.uint16)
    denoise.apply(volume, codes, plan, Work.of(len(volume), 16))
    return codes


def test_what_the_user_names_is_done():
    volume = stored(4255 + 1482 * balls(3) + noise(3, 300))
    for method in ("otsu", "halo", "deconvolution"):
        found = level_of(volume, f"threshold.method={method}")
        assert found.method == method
        assert found.choice is None


@pytest.mark.parametrize(
    ("name", "volume"),
    [
        ("white noise", lambda: 20000 + noise(5)),
        ("correlated noise", lambda: 20000 + noise(6, blur=1.5)),
        ("smooth field and noise", lambda: 20000 + noise(7, 1200, blur=5) + noise(8)),
        ("a hill", lambda: 20000 + 2500 * np.exp(-((np.indices(SHAPE) - 36) ** 2).sum(axis=0) / 800) + noise(9)),
    ],
)
def test_where_nothing_is_told_apart_it_is_refused_with_what_was_measured(name, volume):
    with pytest.raises(SegmentationError, match=r"threshold\.low=\d") as caught:
        level_of(stored(volume()))
    assert "\n" not in str(caught.value)
    assert "GREY" not in str(caught.value)


@pytest.mark.parametrize(("reach", "depth", "taken"), [(9, 1.0, True), (14, 0.8, True), (9, 0.0, False)])
def test_a_halo_is_taken_where_it_is_in_the_volume(reach, depth, taken):
    solid = ndimage.gaussian_filter(balls(11, 14, 5).astype(float), 1)
    volume = stored(20000 + 1500 * (solid - depth * ndimage.gaussian_filter(solid, reach)) + noise(11, 200))
    work = Work.of(len(volume), 16)
    plan = denoise.plan(volume, None, DenoiseOptions(flatten=False))
    codes = np.zeros(volume.shape, np.uint16)
    counts = denoise.apply(volume, codes, plan, work)
    nothing_seen = histogram.deconvolve_histogram(counts.edges, counts.flat, 1e4, 1)  # one phase, as in streaks
    if not taken:
        with pytest.raises(SegmentationError, match="a halo of phase contrast was not found"):
            threshold.find_threshold(codes, plan, nothing_seen, counts, ThresholdOptions(), work)
        return
    found = threshold.find_threshold(codes, plan, nothing_seen, counts, ThresholdOptions(), work)
    assert found.method == "halo"
    assert found.choice.evidence["halo_depth"] >= method_choice.CLEAR_HALO_DEPTH
    assert "phase contrast" in found.choice.reason


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_valley_between_two_classes(seed):
    rng = np.random.default_rng(seed)

    def histogram(*parts):
        return np.histogram(np.concatenate([rng.normal(m, s, n) for m, s, n in parts]), 400, (0, 400))[0]

    assert method_choice.valley_of(histogram((100, 10, 90_000), (300, 12, 30_000))) < 0.01
    assert 0.1 < method_choice.valley_of(histogram((150, 30, 60_000), (260, 30, 60_000))) < 0.6
    assert method_choice.valley_of(histogram((200, 40, 90_000))) > 0.9
    assert method_choice.valley_of(histogram((150, 30, 90_000), (210, 30, 9_000))) > 0.9  # a shoulder
    assert method_choice.valley_of(np.bincount([7], minlength=20)) == 1
