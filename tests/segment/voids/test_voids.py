"""Holes, their owners, and dips of grey against constructed truths."""

import numpy as np
import pytest
from naive import labels as naive
from naive import voids as naive_voids
from scipy import ndimage

from morphct.ground.errors import SettingsError
from morphct.ground.executors import Threads
from morphct.ground.work import Work
from morphct.kernels.voids import dips as kernel
from morphct.segment.voids import holes, ownership, voids
from morphct.segment.voids.dip_model import DipModel, contrast_seen, detection_limits
from morphct.segment.voids.options import VoidOptions
from morphct.segment.voids.ownership import Candidates

CUTS = (56, 17, 5)


def labelled(seed):
    """Two hundred random seeds grown into touching cells with holes."""
    rng = np.random.default_rng(seed)
    shape = (30, 34, 38)
    points = np.zeros(shape, int)
    points[tuple(rng.integers(0, n, 12) for n in shape)] = np.arange(1, 13)
    nearest = ndimage.distance_transform_edt(points == 0, return_indices=True, return_distances=False)
    cells = points[tuple(nearest)]
    return np.where(ndimage.gaussian_filter(rng.normal(size=shape), 1.0) > -0.12, cells, 0).astype(np.int32)


@pytest.mark.parametrize("seed", range(3))
def test_holes_of_labels_belong_to_the_one_label_they_touch(seed):
    labels = labelled(seed)
    truth = naive.voids_of(labels)
    assert truth
    for planes in CUTS:
        found = holes.inside_labels(labels, VoidOptions(), Work.of(30, planes, Threads(2)))
        assert found.n == len(truth)
        ids = np.asarray(found.labels)
        for i, (mask, label) in enumerate(truth, start=1):
            np.testing.assert_array_equal(ids == i, mask)
            assert found.owner[i] == label


def test_voids_cut_by_a_face_are_voids_and_the_outside_is_not():
    z, y, x = np.mgrid[:30, :30, :30]
    labels = np.zeros((30, 30, 30), np.int32)
    labels[(z - 15) ** 2 + (y - 15) ** 2 + (x - 4) ** 2 <= 12**2] = 7
    labels[(z - 15) ** 2 + (y - 15) ** 2 + x**2 <= 4**2] = 0  # half a sphere at the face x = 0
    labels[20, 15, 8] = 0
    for planes in (30, 16, 1):
        work = Work.of(30, planes)
        found = holes.inside_labels(labels, VoidOptions(), work)
        assert found.n == 2
        assert found.owner.tolist() == [0, 7, 7]
        filled = labels.copy()
        cut = holes.claim_cut(filled, work)
        assert cut.n == 1
        assert filled[15, 15, 0] == 7
        assert filled[20, 15, 8] == 0  # closed: not cut
        ids = np.zeros_like(filled)
        assert holes.add_cut(Candidates(ids, 4), cut, work).n == 5
        assert ids[15, 15, 0] == 5


@pytest.mark.parametrize("planes", [24, 5])
def test_specks_at_a_face_are_filled_but_are_no_voids(planes):
    labels = np.full((24, 20, 20), 3, np.int32)
    labels[0, 10, 10] = labels[12, 0, 5] = 0  # specks
    labels[8:12, 8:12, :3] = 0
    filled = labels.copy()
    cut = holes.claim_cut(filled, Work.of(24, planes), smallest=10.0)
    assert cut.n == 1
    hole = labels == 0
    hole[0, 10, 10] = hole[12, 0, 5] = False
    np.testing.assert_array_equal(np.asarray(cut.ids) > 0, hole)
    assert (filled == 3).all()


def test_a_void_belongs_to_the_particle_that_holds_most_of_it():
    labels = np.ones((4, 4, 8), np.int32)
    labels[:, :, 5:] = 2
    ids = np.zeros_like(labels)
    ids[1, 1, 3:7] = 1  # two voxels in each: the lower label
    ids[2, 2, 4:7] = 2  # one and two
    ids[3, 3, 0] = 3
    found = ownership.assign_to_particles(Candidates(ids, 3), labels, VoidOptions(min_voxels=2), Work.of(4, 3))
    assert found.n == 2
    assert found.owner.tolist() == [0, 1, 2]
    assert not (np.asarray(found.labels) == 3).any()


def test_threshold_words_are_checked():
    assert VoidOptions.from_mapping({"threshold": "4.5"}).threshold == 4.5
    with pytest.raises(SettingsError, match="auto, holes, or a number"):
        VoidOptions(threshold="otsu")


def grey_ball(seed, voids_at, noise=0.11, blur=1.0):
    """A ball of grey 1 in 0 with spherical voids, blurred; noise given after filtering; codes with contrast 8000."""
    rng = np.random.default_rng(seed)
    z, y, x = np.mgrid[:56, :56, :56].astype(float)
    ball = (z - 28) ** 2 + (y - 28) ** 2 + (x - 28) ** 2 <= 24**2
    void = np.zeros(ball.shape, bool)
    for (cz, cy, cx), r in voids_at:
        void |= (z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 <= r * r
    clean = ndimage.gaussian_filter((ball & ~void).astype(float), blur)
    grain = ndimage.gaussian_filter(rng.normal(size=ball.shape), 0.8)
    values = clean + noise * grain / grain.std()
    return (10000 + 8000 * values).astype(np.uint16), ball.astype(np.int32), void


def model(blur=1.0, noise=0.11):
    return DipModel(18000.0, 8000.0, 8000 * noise, blur, 3, (1.0, 1.0, 1.0))


@pytest.mark.parametrize("seed", range(4))
def test_dips_find_the_voids_and_no_others(seed):
    rng = np.random.default_rng(100 + seed)
    centres = np.array([(20, 28, 28), (36, 22, 28), (28, 36, 36), (30, 34, 18)]) + rng.uniform(-0.5, 0.5, (4, 3))
    truth = list(zip(centres, (2.6, 3.0, 3.6, 5.0), strict=True))
    codes, labels, void = grey_ball(seed, truth)
    dips, fitted = voids.find_dips(codes, labels, model(), Work.of(56, 56))
    found = ownership.assign_to_particles(dips.candidates, labels, VoidOptions(), Work.of(56, 56))
    assert found.n == 4
    ids = np.asarray(found.labels)
    for centre, _ in truth:
        assert ids[tuple(np.round(centre).astype(int))] > 0
    assert abs(np.count_nonzero(ids) / void.sum() - 1) < 0.2
    assert fitted.sd == pytest.approx(8000 * 0.11, rel=0.15)


def test_dips_are_the_same_bytes_however_cut():
    codes, labels, _ = grey_ball(3, [((20, 28, 28), 3.0), ((28, 36, 33), 4.0)])
    results = []
    for planes in CUTS:
        found, fitted = voids.find_dips(codes, labels, model(), Work.of(56, planes, Threads(2)))
        arrays = [np.asarray(a).tobytes() for a in (found.ids, found.deeper, found.suggested)]
        results.append((*arrays, found.n, fitted.sd, fitted.correlation))
    assert results[0] == results[1] == results[2]


def test_no_dips_in_a_sound_particle_of_many_seeds():
    false = 0
    for seed in range(6):
        codes, labels, _ = grey_ball(seed, [])
        false += voids.find_dips(codes, labels, model(), Work.of(56, 56))[0].n
    assert false <= 2


def test_detection_limit_follows_noise_and_blur():
    quiet = detection_limits(model(1.0, 0.05))
    loud = detection_limits(model(1.0, 0.10))
    assert quiet["d50"] < loud["d50"] < loud["d95"]
    wide = detection_limits(model(2.0, 0.05))
    assert wide["d50"] > quiet["d50"]
    # a void far larger than the blur shows its whole contrast
    assert contrast_seen(40.0, 1.0) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_dip_kernels_naive_twins(seed):
    rng = np.random.default_rng(seed)
    shape, z0 = (6, 7, 21), 5
    volume = rng.integers(1, 900, (z0 + 6, 7, 21)).astype(np.uint16) * (rng.random((z0 + 6, 7, 21)) < 0.9)
    volume = volume.astype(np.uint16)
    plateau = rng.integers(0, 900, tuple(-(-n // 8) for n in volume.shape)).astype(np.float32)
    codes = np.ascontiguousarray(volume[z0:])
    depths = rng.integers(0, 4, shape).astype(np.uint8) * (rng.random(shape[:2]) < 0.7)[..., None].astype(np.uint8)
    truth = np.array([naive_voids.dip(volume, plateau, 8, (p[0] + z0, *p[1:])) for p in np.ndindex(*shape)])
    truth = truth.reshape(shape)
    inside = (depths == 3) & (codes > 0)
    dips, marks = np.zeros(shape, np.int32), np.zeros(shape, np.uint8)
    assert kernel.flat_core(codes, depths, 3, plateau, 8, z0, np.array([90, 300]), (dips, marks))
    np.testing.assert_array_equal(marks, np.where(inside, (np.abs(truth) < 90) + 2 * (truth > 300), 0))
    np.testing.assert_array_equal(dips[marks > 0], truth[marks > 0])
    found = np.zeros(shape, np.uint8)
    assert kernel.seeds(codes, depths, 3, plateau, 8, z0, 200, found)
    np.testing.assert_array_equal(found, inside & (truth > 200))
    assert not kernel.seeds(codes, depths, 3, plateau, 8, z0, 2**31 - 1, found * 0)
    ids = rng.integers(0, 3, shape).astype(np.int32)
    places, values = kernel.dips_of(ids, codes, plateau, 8, z0)
    np.testing.assert_array_equal(places, np.flatnonzero(ids))
    np.testing.assert_array_equal(values, truth[ids > 0])
    peaks = np.zeros(3, np.int32)
    kernel.peaks_of(ids, places, values, peaks)
    assert peaks.tolist() == [0, truth[ids == 1].max(), truth[ids == 2].max()]
    kept = ids.copy()
    marked = np.zeros(shape, np.uint8)
    kernel.mark_deeper(kept, places, values, np.array([0, 50, -50], np.int32), marked)
    kernel.keep_deeper(kept, places, values, np.array([0, 50, -50], np.int32))
    np.testing.assert_array_equal(marked, kept > 0)
    np.testing.assert_array_equal(kept, np.where(truth >= np.array([0, 50, -50])[ids], ids, 0))


@pytest.mark.parametrize("planes", CUTS)
def test_dips_whose_walls_are_shared_lie_between_particles(planes):
    labels = np.zeros((56, 20, 20), np.int32)
    labels[4:52, 4:10, 4:16] = 1
    labels[4:52, 10:16, 4:16] = 2
    ids = np.zeros(labels.shape, np.int32)
    ids[10:13, 9:11, 8:10] = 1  # half in either
    ids[20:23, 5:8, 8:10] = 2  # within the first
    ids[30:33, 4:10, 8:10] = 3  # reaches its end: an eleventh of its walls are the other's
    ids[50:52, 4:6, 4:6] = 4  # at the background, else within the first
    gap = ownership.between(Candidates(ids, 4), labels, Work.of(56, planes, Threads(2)))
    assert gap.tolist() == [False, True, False, False, False]
    found = Candidates(ids.copy(), 4)
    owned = ownership.assign_to_particles(found, labels, VoidOptions(), Work.of(56, planes), dropped=gap)
    assert owned.n == 3
    assert owned.owner.tolist() == [0, 1, 1, 1]
