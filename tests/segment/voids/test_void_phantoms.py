"""Particles with known voids, from labels and from grey to the table: how many, how much, how thick, where."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from morphct.descriptors.options import DescriptorOptions
from morphct.ground.executors import Threads
from morphct.ground.scratch import Scratch
from morphct.ground.units import VoxelSize
from morphct.ground.work import Work
from morphct.measurement.all_passes import measure
from morphct.measurement.labelled import Labelled
from morphct.pipeline import segmenting
from morphct.pipeline.job import Job
from morphct.pipeline.measuring import measure_array
from morphct.pipeline.memory_plan import plan_work
from morphct.pipeline.settings import Settings
from morphct.results import tabulate as tabulate_
from morphct.results.tabulate import tabulate

RADIUS, VOIDS, DIAMETER = 30, 16, 6.0
PIXEL = VoxelSize(1.0, 1.0, 1.0, unit="px")


def _density(placement, rng):
    """Chance to keep a void whose middle lies at p, a point of the unit ball."""
    nests = rng.uniform(-0.45, 0.45, (3, 3))
    return {
        "random": lambda p: 1.0,
        "central": lambda p: np.exp(-(p @ p) / (2 * 0.3**2)),
        "shell": lambda p: np.exp(-((1 - np.linalg.norm(p)) ** 2) / (2 * 0.12**2)),
        "clusters": lambda p: np.exp(-((nests - p) ** 2).sum(1) / (2 * 0.13**2)).max(),
    }[placement]


@cache
def powder(placement, seed):
    """A ball with spherical voids: labels (voids are 0), true middles of the voids."""
    rng = np.random.default_rng(seed)
    density = _density(placement, rng)
    middles = np.empty((0, 3))
    while len(middles) < VOIDS:
        p = rng.uniform(-RADIUS, RADIUS, 3)
        if np.linalg.norm(p) > RADIUS - DIAMETER / 2 - 2 or rng.random() > density(p / RADIUS):
            continue
        if len(middles) and np.linalg.norm(middles - p, axis=1).min() < DIAMETER + 2:
            continue
        middles = np.vstack([middles, p])
    half = RADIUS + 5
    grid = np.indices((2 * half + 1,) * 3) - half
    labels = ((grid**2).sum(0) <= RADIUS**2).astype(np.uint8)
    for p in middles:
        labels[((grid - p[:, None, None, None]) ** 2).sum(0) <= (DIAMETER / 2) ** 2] = 0
    return labels, middles + half


@cache
def measured(placement, seed):
    return measure_array(powder(placement, seed)[0], None, PIXEL, names=("voids",))


PLACEMENTS = ("random", "central", "shell", "clusters")
TRUE = VOIDS * DIAMETER**3 / (2 * RADIUS) ** 3


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("seed", range(3))
def test_from_labels(placement, seed):
    tables, (_, middles) = measured(placement, seed), powder(placement, seed)
    row = tables.particles.loc[1]
    assert row["void_count"] == VOIDS
    assert row["void_fraction"] == pytest.approx(TRUE, rel=0.02)
    assert row["void_thickness_median_px"] == pytest.approx(DIAMETER, rel=0.05)
    table = tables.voids
    assert table["thickness_px"].between(0.8 * DIAMETER, 1.2 * DIAMETER).all()
    assert (table["kind"] == "pore").all()
    assert set(table["open"]) == {"closed"}
    found = table[["centroid_z_px", "centroid_y_px", "centroid_x_px"]].to_numpy()
    apart = np.linalg.norm(found[:, None] - middles, axis=-1)
    assert sorted(apart.argmin(1)) == list(range(VOIDS))
    assert apart.min(1).max() < 0.35
    depth = RADIUS + 0.5 - np.linalg.norm(found - (RADIUS + 5), axis=1)
    np.testing.assert_allclose(table["depth_px"], depth, atol=1.3)


def test_where_voids_lie_is_called_right():
    """Over ten particles of each kind: a test of size .05 that sees what is there."""
    p, ratio, rank = {}, {}, {}
    for placement in PLACEMENTS:
        rows = [measured(placement, seed).particles.loc[1] for seed in range(10)]
        p[placement] = np.array([(r["void_clustering_p"] <= 0.05, r["void_depth_p"] <= 0.05) for r in rows]).mean(0)
        ratio[placement] = np.mean([r["void_clustering_ratio"] for r in rows])
        rank[placement] = np.mean([r["void_depth_rank_mean"] for r in rows])
    assert (p["random"] <= 0.2).all()
    assert p["central"][1] >= 0.9
    assert p["shell"][1] >= 0.8
    assert p["clusters"][0] >= 0.8
    assert ratio["clusters"] < 0.85 < ratio["random"] < 1.15
    assert rank["central"] < 0.3 < 0.4 < rank["random"] < 0.62 < 0.72 < rank["shell"]


def segmented(labels, noise, seed, settings=None):
    """Tables of a grey volume made of labels, with blur and noise."""
    rng = np.random.default_rng(seed)
    clean = ndimage.gaussian_filter(labels.astype(float), 0.7)
    grey = (20000 + 10000 * (clean + noise * rng.normal(size=labels.shape))).astype(np.uint16)
    settings = settings or Settings()
    job = Job(grey.shape, PIXEL, plan_work(grey.shape, "4GiB", 1), Scratch(), map)
    found = segmenting.segment(grey, job, settings)
    options = DescriptorOptions(names=("voids",))
    labelled = Labelled(found.labels, found.n, PIXEL, found.voids, found.detection_diameter)
    result = measure(labelled, job.work, wanted=tabulate_.needed(options))
    return found, tabulate(result, None, options)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_from_grey(placement):
    """Voids half as large again as what is seen in 95 of 100 cases, at a contrast to noise of 10."""
    found, tables = segmented(powder(placement, 0)[0], 0.1, 1)
    assert found.n == 1
    row = tables.particles.loc[1]
    assert found.detection_diameter < DIAMETER / 1.5
    assert row["void_count"] == VOIDS
    assert row["void_fraction"] == pytest.approx(TRUE, rel=0.02)
    assert row["void_fraction_low"] < TRUE < row["void_fraction_high"]
    assert row["void_fraction_high"] < 1.35 * TRUE
    assert tables.voids["thickness_px"].between(0.8 * DIAMETER, 1.2 * DIAMETER).all()
    assert tables.voids["resolved"].all()
    told = found.threshold["voids"]
    assert told["detection_diameter_50"] < told["detection_diameter_95"]
    assert told["formula_diameter_95"] == pytest.approx(told["detection_diameter_95"], abs=0.5)


def test_one_level_has_its_bounds_too():
    settings = Settings.from_mapping({"threshold": {"method": "otsu"}})
    found, tables = segmented(powder("random", 0)[0], 0.02, 1, settings)
    row = tables.particles.loc[1]
    assert row["void_count"] == VOIDS
    assert row["void_fraction_low"] < row["void_fraction"] < row["void_fraction_high"]
    assert row["void_fraction_low"] < TRUE < row["void_fraction_high"]
    assert found.threshold["voids"]["detection_diameter_95"] > 0


@pytest.mark.parametrize(("mouth", "sealed"), [(1.4, 1), (2.4, 0)])
def test_open_voids_of_a_run(mouth, sealed):
    """A cavity with a mouth: a narrow one is sealed and counts as closed; a wider one is closed when asked for."""
    half = RADIUS + 5
    grid = np.indices((2 * half + 1,) * 3) - half
    far = np.sqrt(((grid - np.array([0, 0, RADIUS - 9])[:, None, None, None]) ** 2).sum(0))
    neck = (np.hypot(grid[0], grid[1]) <= mouth) & (grid[2] > RADIUS - 9)
    labels = (((grid**2).sum(0) <= RADIUS**2) & (far > 6) & ~neck).astype(np.uint8)
    cavity = np.count_nonzero(far <= 6)
    _, usual = segmented(labels, 0.05, 0)
    assert usual.particles.loc[1, "void_count"] == sealed
    assert not (usual.voids["open"] == "surface").any()
    assert np.isnan(usual.particles.loc[1, "open_void_fraction"])
    for seal, count in ((True, sealed), (False, 0)):
        settings = Settings.from_mapping({"voids": {"seal": seal, "closing_radius": 4.0}})
        _, looked = segmented(labels, 0.05, 0, settings)
        row = looked.particles.loc[1]
        assert row["void_count"] == count
        assert looked.voids["open"].tolist() == ["surface" if count == 0 else "closed"]
        assert looked.voids.loc[1, "volume_px3"] == pytest.approx(cavity, rel=0.1)
        volume = row["open_void_fraction"] if count == 0 else row["void_fraction"]
        assert volume == pytest.approx(cavity / np.count_nonzero((grid**2).sum(0) <= RADIUS**2), rel=0.1)
        assert (row["open_void_fraction"] > 0) == (count == 0)


@pytest.mark.parametrize("noise", [0.05, 0.4])
def test_labels_with_their_grey_volume_have_bounds(noise):
    labels, _ = powder("random", 0)
    rng = np.random.default_rng(0)
    grey = ndimage.gaussian_filter(labels.astype(np.float32), 0.7) + noise * rng.normal(size=labels.shape)
    bare = measured("random", 0)
    assert bare.particles[["void_fraction_low", "void_fraction_high"]].isna().all(axis=None)
    assert "no_band" in bare.particles.loc[1, "flags"]
    assert bare.voids["resolved"].all()  # three voxels, where nothing tells
    known = measure_array(labels, grey, PIXEL, names=("voids",))
    row = known.particles.loc[1]
    assert row["void_fraction_low"] < TRUE < row["void_fraction_high"]
    assert row["void_fraction"] == bare.particles.loc[1, "void_fraction"]
    noisy = measure_array(labels, -grey, PIXEL, names=("voids",))  # dark particles: not judged
    assert np.isnan(noisy.particles.loc[1, "void_fraction_low"])


def test_cuts_workers_and_places_change_nothing():
    labels, _ = powder("clusters", 1)
    whole = measured("clusters", 1)
    for planes, rows, workers in ((7, None, 2), (9, 10, 3)):
        work = Work.of(labels.shape, planes, Threads(workers), rows)
        cut = measure_array(labels, None, PIXEL, names=("voids",), work=work)
        for table in ("particles", "voids"):
            assert getattr(cut, table).to_csv() == getattr(whole, table).to_csv()
    moved = measure_array(np.pad(labels, ((3, 0), (0, 2), (5, 1))), None, PIXEL, names=("voids",)).particles
    columns = [c for c in moved if c.startswith("void")]
    pd.testing.assert_frame_equal(moved[columns], whole.particles[columns], rtol=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("blur", "within"), [(0.0, 0.02), (0.5, 0.02), (0.7, 0.03)])
def test_volumes_of_voids_in_sharp_and_quiet_scans(seed, blur, within):
    """Twenty voids of six voxels across, noise 3 of a contrast of 180: all found, none made, volumes right."""
    rng, half = np.random.default_rng(seed), 33
    grid = np.indices((2 * half + 1,) * 3) - half
    middles = np.empty((0, 3))
    while len(middles) < 20:
        p = rng.uniform(-28, 28, 3)
        if np.linalg.norm(p) < 21 and (not len(middles) or np.linalg.norm(middles - p, axis=1).min() > 11):
            middles = np.vstack([middles, p])
    void = np.zeros(grid.shape[1:], bool)
    for p in middles:
        void |= ((grid - p[:, None, None, None]) ** 2).sum(0) <= 9
    solid = (((grid**2).sum(0) <= 28**2) & ~void).astype(float)
    grey = 40 + 180 * (ndimage.gaussian_filter(solid, blur) if blur else solid) + rng.normal(0, 3, solid.shape)
    volume = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    with Scratch() as scratch:
        job = Job(volume.shape, PIXEL, plan_work(volume.shape), scratch, map)
        found = segmenting.segment(volume, job, Settings())
        assert (found.n, found.voids.n) == (1, 20)
        volumes = np.bincount(np.asarray(found.voids.labels[:]).ravel())[1:]
    assert volumes.sum() == pytest.approx(void.sum(), rel=within)
