"""Components in bricks against whole-volume SciPy; every cut gives the same bytes."""

import numpy as np
import pytest
from naive import labels as naive
from scipy import ndimage

from morphct.ground.bricks import Brick
from morphct.ground.executors import Threads
from morphct.ground.plane_file import PlaneFile
from morphct.ground.scratch import Scratch
from morphct.ground.work import Work
from morphct.kernels import flagged
from morphct.kernels.labels import morphology, runs
from morphct.segment.labels import components
from morphct.segment.mask import sealing

CUTS = [(40, None), (13, None), (7, None), (1, None), (5, 6), (1, 1), (64, 3), (13, 20)]  # planes, rows


def joined(volume_of, work, shape, *more):
    """A volume put together from its bricks."""
    out = np.zeros(shape, np.int64)
    for brick in work.bricks:
        out[brick.here] = volume_of(brick, *more)
    return out


def blobs(seed, level=0.0, shape=(40, 33, 47)):
    """Smooth random 0/1 volume."""
    noise = np.random.default_rng(seed).normal(size=shape)
    return (ndimage.gaussian_filter(noise, 1.2) > level).astype(np.uint8)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("connectivity", [6, 26])
def test_label_equals_scipy_whatever_the_cut(seed, connectivity):
    mask = blobs(seed, 0.1)
    truth, n = naive.label_in_raster_order(mask, connectivity)
    for planes, rows in CUTS:
        work = Work.of(mask.shape, planes, Threads(2), rows)
        found = components.label(components.Solid(mask), mask.shape, connectivity, work)
        assert found.n == n
        np.testing.assert_array_equal(joined(found.planes, work, mask.shape), truth)
        np.testing.assert_array_equal(found.sizes[1:], np.bincount(truth.ravel(), minlength=n + 1)[1:])
        faces = {int(v) for axis in range(3) for i in (0, -1) for v in np.unique(np.take(truth, i, axis))} - {0}
        assert set(np.flatnonzero(found.faces)) == faces
        np.testing.assert_array_equal(found.cut[1:], naive.sides(truth, n)[1:] == 1)


@pytest.mark.parametrize("seed", range(3))
def test_fill_and_drop_small_equal_scipy(seed, tmp_path):
    mask = blobs(seed)
    for planes, rows in CUTS:
        work = Work.of(mask.shape, planes, rows=rows)
        filled = PlaneFile(tmp_path / f"{planes}-{rows}.raw", mask.shape, np.uint8)
        filled[:] = mask
        added = components.fill(filled, work)
        np.testing.assert_array_equal(filled[:], ndimage.binary_fill_holes(mask))
        assert added == int(filled[:].sum()) - int(mask.sum())
        kept = mask.copy()
        components.drop_small(kept, 50, work)
        labels, _ = ndimage.label(mask, naive.SIX)
        sizes = np.bincount(labels.ravel())
        np.testing.assert_array_equal(kept.astype(bool), (labels > 0) & (sizes[labels] >= 50))


@pytest.mark.parametrize("relative", [(1.0, 1.0, 1.0), (3.0, 1.0, 1.0)])
@pytest.mark.parametrize("seed", range(2))
def test_seal_equals_distance_maps(seed, relative):
    mask = blobs(seed, -0.05)
    assert naive.enclosed(mask == 0).sum() > (ndimage.binary_fill_holes(mask) & (mask == 0)).sum()  # cut ones
    truth = naive.seal(mask, relative, (1, 2))
    for planes, rows in CUTS:
        sealed = mask.copy()
        sealing.seal(sealed, relative, (1, 2), Work.of(mask.shape, planes, Threads(2), rows))
        np.testing.assert_array_equal(sealed.astype(bool), truth)


def test_seal_closes_a_leaking_void_and_leaves_a_bay_open():
    z, y, x = np.mgrid[:40, :40, :40]
    solid = ((z - 20) ** 2 + (y - 20) ** 2 + (x - 20) ** 2 <= 15**2).astype(np.uint8)
    solid[(z - 20) ** 2 + (y - 20) ** 2 + (x - 20) ** 2 <= 6**2] = 0
    leaking, bay = solid.copy(), solid.copy()
    leaking[20, 20, 20:] = 0  # a channel one voxel wide
    bay[14:27, 14:27, 20:] = 0  # a mouth as wide as the void
    for mask, closed in ((leaking, True), (bay, False)):
        sealing.seal(mask, (1, 1, 1), (1, 2), Work.of(40, 16))
        assert bool(mask[20, 20, 20]) is closed


@pytest.mark.parametrize("radius", [0.5, 1, 1.5, 2, 2.5, 4])
@pytest.mark.parametrize("relative", [(1.0, 1.0, 1.0), (3.0, 1.0, 1.0), (1.0, 2.0, 1.5)])
def test_dilation_is_that_of_a_ball(radius, relative):
    mask = blobs(5, 0.25)
    half = morphology.ball_half_widths(radius, relative)
    truth = naive.distance(mask == 0, relative) <= radius + 1e-6
    np.testing.assert_array_equal(
        morphology.dilate(mask, half, (0, *mask.shape[:1], 0, *mask.shape[1:2])).astype(bool), truth
    )
    np.testing.assert_array_equal(components.dilated_planes(mask, half, Brick(0, 11, 19)).astype(bool), truth[11:19])
    corner = Brick(0, 11, 19, 4, 9)
    np.testing.assert_array_equal(components.dilated_planes(mask, half, corner).astype(bool), truth[corner.here])
    near = morphology.ball_half_widths(0.6 * radius, relative)
    classes = (1 - mask) + (naive.distance(mask == 0, relative) > 0.6 * radius + 1e-6) + ~truth
    np.testing.assert_array_equal(morphology.depth_classes(mask, near, half, (3, 17, 2, 29)), classes[3:17, 2:29])
    part = morphology.dilate(mask[2:20, 1:30].copy(), half, (5, 11, 6, 20)).astype(bool)
    np.testing.assert_array_equal(part, truth[7:13, 7:21])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("connectivity", [6, 26])
def test_pieces_filled_are_those_labelled(seed, connectivity, monkeypatch):
    mask = blobs(seed, 0.1)
    truth, n = naive.label_in_raster_order(mask, connectivity)
    asked = np.where(np.random.default_rng(seed).random(n + 1) < 0.5, np.arange(n + 1), 0)
    asked[0] = 0
    for share in (0.0, 2.0):  # always labelled, always filled
        monkeypatch.setitem(components.FEW, connectivity, share)
        for planes, rows in ((40, None), (7, None), (9, 10)):
            work = Work.of(mask.shape, planes, rows=rows)
            found = components.label(components.Solid(mask), mask.shape, connectivity, work)
            np.testing.assert_array_equal(joined(found.planes, work, mask.shape), truth)
            np.testing.assert_array_equal(joined(found.planes, work, mask.shape, asked), asked[truth])


@pytest.mark.parametrize("shape", [(3, 4, 1), (2, 5, 8), (4, 3, 31)])
@pytest.mark.parametrize("seed", range(3))
def test_rows_are_listed_laid_over_and_cleared(seed, shape):
    rng = np.random.default_rng(seed)
    labels = (rng.integers(0, 4, shape) * (rng.random(shape) < 0.3)).astype(np.uint16)
    table, under = np.array([9, 0, 5, 7], np.int32), rng.integers(0, 3, shape).astype(np.int32)
    over, cleared = under.copy(), under.copy()
    morphology.lay_over(labels, table, over)
    np.testing.assert_array_equal(over, np.where(labels > 1, table[labels], under))
    assert morphology.clear(labels, cleared) == np.count_nonzero(labels)
    np.testing.assert_array_equal(cleared, np.where(labels > 0, 0, under))
    marks, found = flagged.room(shape[2] + 1)
    for row in labels.reshape(-1, shape[2]):
        flagged.run_starts(row, marks)
        assert found[: flagged.places(marks, found)].tolist() == (np.flatnonzero(np.diff(row)) + 1).tolist()
        assert flagged.any_set(row) == row.any()


@pytest.mark.parametrize("few", [0.0, 1.0])
@pytest.mark.parametrize("files", [False, True])
def test_written_ids_are_those_read(files, few, tmp_path, monkeypatch):
    monkeypatch.setattr(components, "FEW", {6: few, 26: few})
    mask = blobs(1).astype(np.uint8)
    work = Work.of(mask.shape, 7, rows=12)
    found = components.label(components.Solid(mask), mask.shape, 26, work)
    table = np.where(np.arange(found.n + 1) % 3 == 1, np.arange(found.n + 1), 0).astype(np.int32)
    with Scratch(tmp_path, 0 if files else 1 << 40) as scratch:
        out = scratch.create("ids", mask.shape, np.int32)
        for brick in work.bricks:
            found.write(brick, out, table)
        wanted = joined(found.planes, work, mask.shape, table)
        np.testing.assert_array_equal(out[: len(mask)], wanted)
        assert wanted.any()


@pytest.mark.parametrize("connectivity", [6, 26])
@pytest.mark.parametrize("share", [0.0, 0.03, 0.3, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 5, 8), (7, 9, 33), (3, 2, 1100)])
def test_runs_are_labelled_as_voxels_are(shape, share, connectivity):
    mask = (np.random.default_rng(6).random(shape) < share).astype(np.uint8)
    found = runs.label_runs(mask, connectivity == 26)
    image = np.zeros(shape, np.int32)
    runs.paint(found, 0, np.arange(found.n + 1, dtype=np.int32), image)
    wanted, n = ndimage.label(mask, np.ones((3, 3, 3)) if connectivity == 26 else None)
    assert found.n == n
    np.testing.assert_array_equal(image, wanted)  # both number by the first voxel
    for ends in ((True, False, True, False), (False, True, False, True), (True,) * 4):
        facts = morphology.component_facts(wanted, n, ends)
        for one, other in zip(runs.facts_of(found, ends), facts):
            np.testing.assert_array_equal(one, other)
    depth, height, _ = shape
    np.testing.assert_array_equal(runs.face_of(found, (depth - 1) * height, 1, height), wanted[-1])
    np.testing.assert_array_equal(runs.face_of(found, height - 1, height, depth), wanted[:, -1])


def test_pieces_that_meet_at_an_edge_of_four_bricks_are_one_when_corners_count():
    mask = np.zeros((4, 6, 5), np.uint8)
    mask[0, 4, 1], mask[1, 3, 1], mask[2, 2, 2], mask[3, 1, 2] = 1, 1, 1, 1  # down along z, up along y
    mask[1, 2, 4], mask[2, 3, 4] = 1, 1
    for connectivity, n in ((26, 2), (6, 6)):
        work = Work.of(mask.shape, 2, rows=3)
        found = components.label(components.Solid(mask), mask.shape, connectivity, work)
        truth, count = naive.label_in_raster_order(mask, connectivity)
        assert (found.n, count) == (n, n)
        np.testing.assert_array_equal(joined(found.planes, work, mask.shape), truth)
