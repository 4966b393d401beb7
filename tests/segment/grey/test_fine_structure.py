"""Structure as fine as a few voxels: its noise, its phases, and a mask no worse than a plain level."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from morphct.ground.scratch import Scratch
from morphct.ground.units import VoxelSize
from morphct.pipeline import segmenting
from morphct.pipeline.job import Job
from morphct.pipeline.memory_plan import plan_work
from morphct.pipeline.settings import Settings
from morphct.segment.grey import denoise, noise_scales
from morphct.segment.grey.histogram import otsu, valley
from morphct.segment.grey.noise import cut_blocks, flattest_blocks, measure_noise
from morphct.segment.mask import threshold
from morphct.truth.phantom import PhantomOptions, make

EDGE, CONTRAST = 64, 18000.0


def field(length, solid, seed, shape=(EDGE,) * 3):
    """A blurred random field cut at a level: structure of about 3 correlation lengths."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), length, mode="wrap")
    return smooth > np.quantile(smooth, 1 - solid)


def scanned(mask, sd, optics, seed, noise_blur=0.0):
    noise = np.random.default_rng([seed, 1]).normal(size=mask.shape)
    if noise_blur:
        noise = ndimage.gaussian_filter(noise, noise_blur, mode="wrap")
    sharp = ndimage.gaussian_filter(mask.astype(float), optics) if optics else mask
    return np.rint(20000 + CONTRAST * sharp + sd * noise / noise.std()).clip(0, 65535).astype(np.uint16)


def plain(grey):
    counts, edges = np.histogram(grey, 1024)
    return grey >= edges[otsu(counts)]


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


def found(grey, method="deconvolution", size=(1.0, 1.0, 1.0)):
    settings = Settings()
    settings = replace(settings, threshold=replace(settings.threshold, method=method))
    job = Job(grey.shape, VoxelSize(*size, unit="px"), plan_work(grey.shape), Scratch(), map)
    seen = segmenting.find_level(grey, job, settings)
    mask = np.zeros(grey.shape, np.uint8)
    threshold.apply(seen.codes, seen.threshold, mask, job.work)
    return seen.plan, seen.fit, mask > 0


@pytest.mark.parametrize("optics", [0.0, 0.6])
@pytest.mark.parametrize("cnr", [3, 6, 30])
@pytest.mark.parametrize(("length", "solid", "seed"), [(1.6, 0.5, 1), (1.6, 0.9, 2), (2.2, 0.2, 3), (3.0, 0.6, 4)])
def test_noise_phases_and_mask(length, solid, seed, cnr, optics):
    mask = field(length, solid, seed)
    grey = scanned(mask, CONTRAST / cnr, optics, seed)
    plan, fit, solid_found = found(grey)
    assert plan.noise.sd == pytest.approx(CONTRAST / cnr, rel=0.15)
    assert plan.noise.certain
    assert fit.n_phases == 2
    assert dice(solid_found, mask) > dice(plain(grey), mask) - 0.005


@pytest.mark.parametrize("noise_blur", [0.5, 0.7])
@pytest.mark.parametrize("seed", range(3))
def test_noise_a_little_correlated(seed, noise_blur):
    """Snow in micro-CT: two phases, contrast to noise 27."""
    mask = field(1.6 + 0.6 * seed, 0.35, seed)
    grey = scanned(mask, CONTRAST / 27, 0.5, seed, noise_blur)
    for method in ("deconvolution", "otsu", "halo"):
        plan, fit, solid = found(grey, method)
        assert plan.noise.sd == pytest.approx(CONTRAST / 27, rel=0.15)
        assert fit.n_phases == 2
        assert dice(solid, plain(grey)) > 0.99
        assert max(plan.sigma) == 0


def test_structure_that_is_the_same_in_every_block():
    """Regular solids: no cell of 4 voxels differs from another in its mean, and none is like its neighbours."""
    place = np.indices((EDGE,) * 3)
    for period in (3, 4, 5):
        mask = (place // period).sum(0) % 2 == 0
        plan, fit, solid = found(scanned(mask, CONTRAST / 13, 0, 1))
        assert plan.noise.sd == pytest.approx(CONTRAST / 13, rel=0.05)
        assert fit.n_phases == 2
        assert dice(solid, mask) > 0.999


@pytest.mark.parametrize("shape", [(14, 40, 40), (4, 96, 96), (1, 200, 200), (30, 9, 90)])
def test_thin_volumes(shape):
    mask = field(2.0, 0.5, 5, shape)
    plan, _, solid = found(scanned(mask, CONTRAST / 10, 0.5, 1))
    assert plan.noise.sd == pytest.approx(CONTRAST / 10, rel=0.15)
    assert dice(solid, mask) > 0.99


def test_coarse_planes():
    mask = field(2.5, 0.5, 6, (96, EDGE, EDGE))[::3]
    plan, _, solid = found(scanned(mask, 2000, 0, 2), size=(3.0, 1.0, 1.0))
    assert plan.noise.sd == pytest.approx(2000, rel=0.15)
    assert dice(solid, mask) > 0.99


@pytest.mark.parametrize("more", [{}, {"noise_blur": 1.0}, {"cnr": 8.0}, {"family": "dense"}])
def test_powders_keep_the_largest_blocks(more):
    size = {"depth": 80, "height": 80, "width": 80, "diameter": 26.0, "seed": 5}
    grey = make(PhantomOptions.from_mapping(size | more)).grey
    whole = measure_noise(cut_blocks([grey], flattest_blocks([grey], [None])))
    noise, places = noise_scales.measure([grey], [None], None)
    assert (noise.sd, noise.edge, noise.certain) == (whole.sd, 16, True)
    assert places


def test_what_cannot_be_told_is_said():
    """A few voxels of strong structure: bounds, the lower one used, and a sentence."""
    mask = field(2.0, 0.5, 5, (12, 12, 12))
    plan = denoise.plan(scanned(mask, 1800, 0.5, 3), None, denoise.DenoiseOptions())
    assert not plan.noise.certain
    assert plan.noise.low <= plan.noise.sd < plan.noise.high
    assert any("cannot be told from it" in w for w in plan.warnings)
    assert "between" in plan.in_words()


def test_constant_background_tells_nothing_of_noise():
    """A thin soft shell round exactly 0: one level on the grey as it is, nothing filled, no phase of width zero."""
    place = np.indices((72,) * 3) - 35.5
    radius = np.sqrt((place**2).sum(0))
    mask = (np.abs(radius - 24) < 4) | (np.abs(radius - 12) < 3)
    soft = ndimage.gaussian_filter(mask.astype(float), 0.8)
    rng = np.random.default_rng(4)
    texture = ndimage.gaussian_filter(rng.normal(size=mask.shape), 1.0)
    grey = (128 + 20 * texture / texture.std()) * soft + 2 * rng.normal(size=mask.shape)
    grey = np.where(soft > 0.02, np.clip(np.rint(grey), 0, 255), 0).astype(np.uint8)
    for method in ("deconvolution", "otsu", "halo"):
        plan, fit, solid = found(grey, method)
        assert fit.n_phases == 2
        assert dice(solid, plain(grey)) > 0.98
        assert dice(solid, mask) > 0.97
        assert plan.noise.sd > 4


def test_shell(shared_data):
    grey = tifffile.imread(shared_data("shell_grey.tif"))
    for method in ("otsu", "deconvolution", "halo"):
        _, _, solid = found(grey, method)
        assert dice(solid, grey > 65) > 0.98
    assert np.count_nonzero(found(grey, "otsu")[2]) == pytest.approx(401_999, rel=0.002)


def test_a_valley_is_plain_or_none():
    x = np.arange(200)
    two = 1000 * (np.exp(-0.5 * ((x - 60) / 10) ** 2) + np.exp(-0.5 * ((x - 120) / 10) ** 2))
    assert valley(two).plain
    assert 60 < valley(two).level < 120
    near = np.exp(-0.5 * ((x - 85) / 10) ** 2) + np.exp(-0.5 * ((x - 110) / 10) ** 2)
    assert not valley(1000 * near).plain
    assert not valley(1000 * np.exp(-0.5 * ((x - 90) / 20) ** 2)).plain
    assert valley(np.eye(1, 200)[0]) is None
