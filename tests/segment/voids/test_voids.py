"""Holes, their owners, and dips of grey against constructed truths."""

import numpy as np
import pytest
from naive import labels as naive
from naive import voids as naive_voids
from scipy import ndimage

from morphct.ground.errors import SettingsError
from morphct.ground.executors import Threads
from morphct.ground.work import Work
from morphct.kernels.labels import morphology
from morphct.kernels.labels import runs as run_kernel
from morphct.kernels.voids import dip_runs as by_runs
from morphct.kernels.voids import dips as kernel
from morphct.segment.voids import holes, ownership, voids, zones
from morphct.segment.voids.dip_model import DipModel, contrast_seen, detection_limits
from morphct.segment.voids.options import VoidOptions
from morphct.segment.voids.ownership import Candidates

CUTS = ((56, None), (17, None), (5, 9), (64, 11), (13, 3))


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
    for planes, rows in (*CUTS, (1, 1)):
        found = holes.inside_labels(labels, VoidOptions(), Work.of(labels.shape, planes, Threads(2), rows))
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
    for planes, rows in ((30, None), (16, 13), (1, None), (1, 1), (64, 4)):
        work = Work.of(labels.shape, planes, rows=rows)
        found = holes.inside_labels(labels, VoidOptions(), work)
        assert found.n == 2
        assert found.owner.tolist() == [0, 7, 7]
        filled = labels.copy()
        cut = holes.claim_cut(filled, work)
        assert cut.n == 1
        assert filled[15, 15, 0] == 7
        assert filled[20, 15, 8] == 0  # closed: not cut
        closed = Candidates(np.where(np.indices(labels.shape).sum(0) == 43, 1, 0).astype(np.int32), 1)
        closed.ids[labels != 0] = 0
        owned = ownership.assign_to_particles(closed, filled, VoidOptions(), work, cut=cut)
        assert owned.n == 1  # the first lies outside
        assert owned.labels[15, 15, 0] == 1


@pytest.mark.parametrize(("planes", "rows"), [(24, None), (5, None), (3, 7), (24, 1)])
def test_specks_at_a_face_are_filled_but_are_no_voids(planes, rows):
    labels = np.full((24, 20, 20), 3, np.int32)
    labels[0, 10, 10] = labels[12, 0, 5] = 0  # specks
    labels[8:12, 8:12, :3] = 0
    filled = labels.copy()
    cut = holes.claim_cut(filled, Work.of(labels.shape, planes, rows=rows), smallest=10.0)
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
    found = ownership.assign_to_particles(
        Candidates(ids, 3), labels, VoidOptions(min_voxels=2), Work.of(labels.shape, 3)
    )
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
    dips, fitted = voids.find_dips(codes, labels, model(), Work.of(codes.shape, 56))
    found = ownership.assign_to_particles(dips.candidates, labels, VoidOptions(), Work.of(codes.shape, 56))
    assert found.n == 4
    ids = np.asarray(found.labels)
    for centre, _ in truth:
        assert ids[tuple(np.round(centre).astype(int))] > 0
    assert abs(np.count_nonzero(ids) / void.sum() - 1) < 0.2
    assert fitted.sd == pytest.approx(8000 * 0.11, rel=0.15)


def test_dips_are_the_same_bytes_however_cut():
    codes, labels, _ = grey_ball(3, [((20, 28, 28), 3.0), ((28, 36, 33), 4.0)])
    results = []
    for planes, rows in (*CUTS, (1, 5)):
        work = Work.of(codes.shape, planes, Threads(2), rows)
        found, fitted = voids.find_dips(codes, labels, model(), work)
        arrays = [np.asarray(a).tobytes() for a in (found.ids, found.deeper, found.suggested)]
        results.append((*arrays, found.n, fitted.sd, fitted.correlation))
        assert found.filled.tolist() == [bool(found.ids[brick.here].any()) for brick in work.bricks]
    assert all(result == results[0] for result in results)


def test_no_dips_in_a_sound_particle_of_many_seeds():
    false = 0
    for seed in range(6):
        codes, labels, _ = grey_ball(seed, [])
        false += voids.find_dips(codes, labels, model(), Work.of(codes.shape, 56))[0].n
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
    shape, corner = (6, 7, 21), (5, 3)
    volume = rng.integers(1, 900, (11, 10, 21)) * (rng.random((11, 10, 21)) < 0.9)
    volume = volume.astype(np.uint16)
    plateau = rng.integers(0, 900, tuple(-(-n // 8) for n in volume.shape)).astype(np.float32)
    codes = np.ascontiguousarray(volume[5:, 3:])
    depths = rng.integers(0, 4, shape).astype(np.uint8) * (rng.random(shape[:2]) < 0.7)[..., None].astype(np.uint8)
    truth = [naive_voids.dip(volume, plateau, 8, (z + 5, y + 3, x)) for z, y, x in np.ndindex(*shape)]
    truth = np.array(truth).reshape(shape)
    inside = (depths == 3) & (codes > 0)
    dips, marks = np.zeros(shape, np.int32), np.zeros(shape, np.uint8)
    assert kernel.flat_core(codes, depths, 3, plateau, 8, corner, np.array([90, 300]), (dips, marks))
    np.testing.assert_array_equal(marks, np.where(inside, (np.abs(truth) < 90) + 2 * (truth > 300), 0))
    np.testing.assert_array_equal(dips[marks > 0], truth[marks > 0])
    found = np.zeros(shape, np.uint8)
    assert kernel.seeds(codes, depths, 3, plateau, 8, corner, (200, 400), found)
    np.testing.assert_array_equal(found, inside * ((truth > 200) + 2 * (truth > 400)))
    assert not kernel.seeds(codes, depths, 3, plateau, 8, corner, (2**31 - 1, 2**31 - 1), found * 0)
    z, y, left, right = kernel.block_sums(codes, depths & 1, 8, corner)
    assert (z, y, left.shape) == (0, 0, (2, 2, 3))
    for at in np.ndindex(2, 2, 3):
        box = np.zeros(volume.shape, bool)
        box[tuple(slice(8 * a, 8 * a + 8) for a in at)] = True
        used = box[5:, 3:] & (depths % 2 == 1)
        assert (left[at], right[at]) == (codes[used].sum(), used.sum())


@pytest.mark.parametrize("seed", range(4))
def test_kernels_of_runs_naive_twins(seed):
    rng = np.random.default_rng(seed)
    shape, at = (5, 6, 21), (1, 0)
    volume = rng.integers(0, 900, (9, 10, 21)).astype(np.uint16)
    plateau = rng.integers(0, 900, (2, 2, 3)).astype(np.float32)
    mask = ndimage.gaussian_filter(rng.normal(size=shape), 0.8) > 0.1
    ids, n = ndimage.label(mask, np.ones((3, 3, 3)))
    runs = run_kernel.label_runs(mask.astype(np.uint8), True)
    codes = np.ascontiguousarray(volume[2:, 3:])  # the block begins a plane behind it
    values = by_runs.dips_of(runs, codes, at, plateau, 8, (2, 3))
    truth = [naive_voids.dip(volume, plateau, 8, (z + 3, y + 3, x)) for z, y, x in np.argwhere(mask)]
    np.testing.assert_array_equal(values, truth)
    image = np.zeros(shape, int)
    image[mask] = truth
    peaks = np.zeros(n + 1, np.int32)
    by_runs.peaks_of(runs, values, peaks)
    assert peaks.tolist() == [0, *(max(0, image[ids == i].max()) for i in range(1, n + 1))]
    levels = rng.integers(-50, 200, n + 1).astype(np.int32)
    kept = by_runs.deeper(runs, values, levels)
    out = np.zeros(shape, np.int32)
    run_kernel.paint_at(kept, (0, 0), np.arange(n + 1, dtype=np.int32), out)
    np.testing.assert_array_equal(out, np.where(image >= levels[ids], ids, 0))
    part = np.zeros((3, 4, 21), np.int32)
    run_kernel.paint_at(kept, (-1, 1), np.arange(n + 1, dtype=np.int32), part)
    np.testing.assert_array_equal(part[:, 1:], out[1:4, :3])
    again = run_kernel.labelled(kept, True)
    assert again.n == ndimage.label(out, np.ones((3, 3, 3)))[1]
    integrals, profile = np.zeros(n + 1, np.int64), np.zeros((n + 1, 8), np.int64)
    by_runs.dip_profiles(runs, values, 300, integrals, profile)
    for i in range(1, n + 1):
        held = image[ids == i]
        assert integrals[i] == held.sum()
        bins = np.minimum(held[held > 0] * 8 // 300, 7)
        assert profile[i].tolist() == np.bincount(bins, minlength=8).tolist()


@pytest.mark.parametrize("relative", [(1.0, 1.0, 1.0), (2.0, 1.0, 1.5)])
@pytest.mark.parametrize("seed", range(3))
def test_the_nearest_void_and_what_is_out_of_reach(seed, relative):
    rng = np.random.default_rng(seed)
    ids = (rng.integers(1, 9, (7, 9, 12)) * (rng.random((7, 9, 12)) < 0.05)).astype(np.int32)
    half = morphology.ball_half_widths(2.3, relative)
    offsets, core = zones.ball_offsets(half, relative), (2, 5, 1, 7)
    asked = (rng.random((3, 6, 12)) < 0.7).astype(np.uint8)
    wanted = np.zeros(asked.shape, np.int32)
    for place in np.argwhere(asked):
        steps = (np.argwhere(ids) - place - [2, 1, 0]) * relative
        far = (steps**2).sum(1)
        if far.size and far.min() <= 2.3**2 + 1e-9:
            order = sorted(range(len(far)), key=lambda i: (far[i], tuple(steps[i])))
            wanted[tuple(place)] = ids[tuple(np.argwhere(ids)[order[0]])]
    found = by_runs.nearest_void(ids, asked, offsets, core)
    out = np.zeros(asked.shape, np.int32)
    run_kernel.paint_at(found, (0, 0), np.arange(9, dtype=np.int32), out)
    np.testing.assert_array_equal(out, wanted)
    free = by_runs.out_of_reach(run_kernel.label_runs(asked, True), (ids > 0).view(np.uint8), offsets, (2, 1))
    left = np.zeros(asked.shape, np.uint8)
    run_kernel.paint_at(free, (0, 0), np.ones(2, np.uint8), left)
    np.testing.assert_array_equal(left, asked * (wanted == 0))


@pytest.mark.parametrize(("planes", "rows"), [*CUTS, (1, 1)])
def test_dips_whose_walls_are_shared_lie_between_particles(planes, rows):
    labels = np.zeros((56, 20, 20), np.int32)
    labels[4:52, 4:10, 4:16] = 1
    labels[4:52, 10:16, 4:16] = 2
    ids = np.zeros(labels.shape, np.int32)
    ids[10:13, 9:11, 8:10] = 1  # half in either
    ids[20:23, 5:8, 8:10] = 2  # within the first
    ids[30:33, 4:10, 8:10] = 3  # reaches its end: an eleventh of its walls are the other's
    ids[50:52, 4:6, 4:6] = 4  # at the background, else within the first
    work = Work.of(labels.shape, planes, Threads(2), rows)
    owned = ownership.assign_to_particles(Candidates(ids.copy(), 4), labels, VoidOptions(), work, walls=True)
    assert owned.n == 3
    assert owned.owner.tolist() == [0, 1, 1, 1]
    np.testing.assert_array_equal(owned.labels, np.array([0, 0, 1, 2, 3])[ids])
