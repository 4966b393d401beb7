"""The level that follows a halo of phase contrast: model, mask, cores that are no voids, streaks that are none."""

import json

import numpy as np
import pytest
from scipy import ndimage

from morphct.ground.scratch import Scratch
from morphct.ground.units import VoxelSize
from morphct.ground.work import Work
from morphct.pipeline import segmenting
from morphct.pipeline.job import Job
from morphct.pipeline.memory_plan import plan_work
from morphct.pipeline.settings import Settings
from morphct.segment.grey.codes import Coding
from morphct.segment.mask import hysteresis, levels
from morphct.segment.mask import phase_contrast as halo

SHAPE = (56, 112, 120)


def phase_contrast(seed, depth=0.7, reach=12.0, spacing=(1.0, 1.0, 1.0), noise=25.0):
    """(grey, mask): lumpy bodies as phase contrast shows them, 60 grey values above 120."""
    rng = np.random.default_rng(seed)
    grids = np.meshgrid(*[s * np.arange(n) for s, n in zip(spacing, SHAPE)], indexing="ij", sparse=True)
    mask = np.zeros(SHAPE, bool)
    for centre, radius in (((0.5, 0.42, 0.42), 24.0), ((0.45, 0.72, 0.75), 14.0), ((0.6, 0.2, 0.8), 8.0)):
        place = [c * s * n for c, s, n in zip(centre, spacing, SHAPE)]
        stretch = rng.uniform(0.85, 1.15, 3)
        mask |= sum(((g - p) / (radius * t)) ** 2 for g, p, t in zip(grids, place, stretch)) <= 1
    around = ndimage.gaussian_filter(mask.astype(float), [reach / s for s in spacing], mode="nearest")
    grey = 120 + 60 * (mask - depth * around)
    grey = ndimage.gaussian_filter(grey, [0.8 / s for s in spacing])
    grain = ndimage.gaussian_filter(rng.normal(size=SHAPE), [0.8 / s for s in spacing])
    return np.clip(grey + noise / grain.std() * 0.6 * grain, 0, 255).astype(np.uint8), mask


def segmented(grey, spacing=(1.0, 1.0, 1.0), slab="auto", **settings):
    size = VoxelSize(*(0.025 * s for s in spacing))
    options = Settings.from_mapping({"threshold": {"method": "halo"}, **settings})
    with Scratch() as scratch:
        job = Job(grey.shape, size, plan_work(grey.shape, slab=slab), scratch, map)
        found = segmenting.segment(grey, job, options)
        return np.array(found.labels[:]), np.array(found.voids.labels[:]), found


def overlap(a, b):
    return np.count_nonzero(a & b) / np.count_nonzero(a | b)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0)])
def test_cores_are_filled_and_no_voids(seed, spacing):
    grey, mask = phase_contrast(seed, spacing=spacing)
    labels, voids, found = segmented(grey, spacing)
    assert overlap(labels > 0, mask) > 0.9
    assert not voids.any()
    largest = np.bincount(labels.ravel())[1:].max()
    assert largest > 0.9 * np.bincount(ndimage.label(mask)[0].ravel())[1:].max()
    # .42 at the most (.7, and a Gaussian of 12 voxels leaves .6 in a ball of 24): blurred edges make it read low
    assert 0.1 < found.threshold["halo_depth"] < 0.5
    assert found.threshold["halo_reach_voxels"] > 8
    assert found.voids_trusted == found.threshold["reliable"]


@pytest.mark.parametrize("seed", [4, 5])
def test_without_a_halo_the_level_is_one(seed):
    grey, mask = phase_contrast(seed, depth=0.0)
    labels, _, found = segmented(grey)
    assert overlap(labels > 0, mask) > 0.93
    low, high = found.threshold["level_range"]
    assert high - low < 6


@pytest.mark.parametrize("seed", [6, 7])
def test_a_real_void_stays_one(seed):
    grey, _ = phase_contrast(seed, noise=10.0)
    ball = sum((np.arange(n).reshape([-1 if i == k else 1 for i in range(3)]) - c) ** 2
               for k, (n, c) in enumerate(zip(SHAPE, (28, 47, 50)))) <= 36  # fmt: skip
    grey = grey.astype(float)
    grey -= 60 * ndimage.gaussian_filter(ball.astype(float), 0.8)
    _, voids, _ = segmented(np.clip(grey, 0, 255).astype(np.uint8))
    assert 0.4 < np.count_nonzero(voids) / np.count_nonzero(ball) < 1.6
    assert ball[voids > 0].mean() > 0.7


def test_slabs_make_no_difference():
    grey, _ = phase_contrast(8)
    whole, _, a = segmented(grey)
    cut, _, b = segmented(grey, slab=11)
    assert whole.tobytes() == cut.tobytes()
    assert json.dumps(a.threshold, default=str) == json.dumps(b.threshold, default=str)


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_the_model_is_found_from_sums_over_blocks(seed):
    rng = np.random.default_rng(seed)
    shape = (6, 14, 15)
    share = ndimage.gaussian_filter((rng.random(shape) < 0.2).astype(float), 1.0)
    inside = np.rint(512 * share / share.max()).astype(int)
    counts = np.stack([512 - inside, inside])
    around = ndimage.gaussian_filter(inside.astype(float), 20 / 8, mode="nearest") / 512
    sums = np.stack([counts[0] * (1000 - 300 * around), counts[1] * (1400 - 300 * around)])
    found = halo.fit(sums, counts, (1.0, 1.0, 1.0))
    assert found.reach == 20
    np.testing.assert_allclose([found.base, found.contrast, found.depth], [1000, 400, 300], rtol=1e-6)
    np.testing.assert_allclose(found.map_at(0.5), 1200 - 300 * around, rtol=1e-5)


@pytest.mark.parametrize("inside", [0, 512])
def test_a_mask_of_all_or_nothing_has_no_halo(inside):
    counts = np.stack([np.full((2, 2, 2), 512 - inside), np.full((2, 2, 2), inside)])
    found = halo.fit(counts * 7, counts, (1.0, 1.0, 1.0))
    assert (found.base, found.contrast, found.depth) == pytest.approx((7, 0, 0))


@pytest.mark.parametrize(("planes", "rows"), [(3, None), (20, None), (5, 7), (11, 1)])
def test_faint_pieces_go(planes, rows):
    codes = np.full((20, 24, 26), 100, np.uint16)
    codes[2:8, 2:8, 2:8] = 160  # reaches the particles' grey
    codes[10:18, 10:18, 4:12] = 135  # does not
    codes[10:12, 2:4, 20:22] = 160  # does, in too few voxels
    maps = [np.full(levels.block_shape(codes.shape), v, np.float32) for v in (130, 160, 100)]
    threshold = levels.Threshold("halo", *maps, Coding(0.0, 1.0))
    mask = (codes > 120).astype(np.uint8)
    assert hysteresis.drop_faint(mask, codes, threshold, 30, Work.of(codes.shape, planes, rows=rows)) == 2
    assert mask.sum() == 6**3
    assert mask[2:8, 2:8, 2:8].all()


@pytest.mark.parametrize(
    ("name", "voxels"), [("nanoct_compact_grain.tif", 60_000), ("nanoct_lobed_grain.tif", 1_000_000)]
)
def test_real_grains_in_phase_contrast(shared_data, name, voxels):
    import tifffile

    grey = tifffile.imread(shared_data(name))
    labels, voids, found = segmented(grey, (3.0, 1.0, 1.0), split={"method": "none"})
    assert np.bincount(labels.ravel())[1:].max() > voxels
    assert found.n < 30
    assert np.count_nonzero(voids) < 0.002 * np.count_nonzero(labels)
    assert found.threshold["halo_depth"] > 0.3
    assert not found.voids_trusted
