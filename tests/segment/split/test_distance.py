"""Exact squared distance: against brute force, SciPy and edt, and the same bytes however it is cut."""

from dataclasses import replace

import edt
import numpy as np
import pytest
from naive import split as naive
from scipy import ndimage

from morphct.ground.executors import Threads
from morphct.ground.plane_file import PlaneFile
from morphct.ground.scratch import Scratch
from morphct.ground.work import Work
from morphct.kernels.split import distance as kernel
from morphct.segment.split import distance


def run(mask, spacing=(1, 1, 1), planes=1000, run_map=map, out=None, rows=None):
    mask = np.asarray(mask).astype(np.uint8)
    out = np.zeros(mask.shape, np.float32) if out is None else out
    distance.squared_distance(mask, spacing, out, Work.of(mask.shape, planes, run_map, rows))
    return out


def blobs(shape, seed, sigma=2.0, level=0.0):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    return noise > level * noise.std()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95, 0.999])
def test_naive_twin(seed, share):
    mask = np.random.default_rng(seed).random((7, 9, 11)) < share
    np.testing.assert_array_equal(run(mask), naive.squared_distance(mask, (1, 1, 1)))


@pytest.mark.parametrize("spacing", [(3.0, 1, 1), (1, 2.5, 1.3), (0.75, 0.25, 0.25), (25e-3, 26e-3, 27e-3)])
def test_naive_twin_with_other_voxels(spacing):
    mask = blobs((9, 10, 11), 1, 1.0, -1)
    edges = distance.relative_edges(spacing)
    np.testing.assert_allclose(run(mask, spacing), naive.squared_distance(mask, edges), rtol=3e-7)


@pytest.mark.parametrize("level", [0.0, -1.5, -3.0])
def test_against_scipy_and_edt(level):
    mask = blobs((40, 50, 130), 3, 4.0, level)
    found = run(mask)
    np.testing.assert_array_equal(found, edt.edtsq(mask, black_border=False))
    np.testing.assert_allclose(np.sqrt(found), ndimage.distance_transform_edt(mask), rtol=1e-6)


@pytest.mark.parametrize("spacing", [(1, 1, 1), (2.5, 1, 1), (1, 1.5, 4)])
def test_long_distances(spacing):
    """One background voxel far away: beyond LONG the lower envelope is at work."""
    mask = np.ones((230, 150, 140), bool)
    mask[220, 5, 130] = False
    mask[3, 140, 2] = False
    z, y, x = (np.arange(n, dtype=float) * e for n, e in zip(mask.shape, distance.relative_edges(spacing)))
    first = (z - z[220])[:, None, None] ** 2 + (y - y[5])[:, None] ** 2 + (x - x[130]) ** 2
    second = (z - z[3])[:, None, None] ** 2 + (y - y[140])[:, None] ** 2 + (x - x[2]) ** 2
    np.testing.assert_allclose(run(mask, spacing), np.minimum(first, second), rtol=3e-7)


def test_shifts_and_envelope_agree():
    values = np.where(blobs((150, 60, 1), 5)[:, :, 0], 4000, 0).astype(np.float32)
    values[values > 0] += np.random.default_rng(0).integers(0, 500, int((values > 0).sum()))
    steps, a, b = kernel.step_table(1.0, 151), np.empty_like(values), np.empty_like(values)
    kernel._shifted_minima(values, steps, a)
    kernel._envelope(values, steps, 1.0, b)
    np.testing.assert_array_equal(a, b)


def test_faces_are_not_background():
    mask = np.ones((5, 6, 7), bool)
    mask[0, 0, 0] = False
    found = run(mask)
    assert found[-1, -1, -1] == 16 + 25 + 36


def test_no_background_and_no_solid():
    assert (run(np.ones((3, 4, 5), bool)) == 9 + 16 + 25).all()
    assert (run(np.zeros((3, 4, 5), bool)) == 0).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 20, 30), (20, 1, 30), (20, 30, 1), (1, 1, 9)])
def test_flat_volumes(shape):
    mask = np.random.default_rng(2).random(shape) < 0.8
    np.testing.assert_array_equal(run(mask), naive.squared_distance(mask, (1, 1, 1)))


@pytest.mark.parametrize("spacing", [(1, 1, 1), (3, 1, 1.7)])
def test_wide_volumes_are_cut_along_x(spacing):
    mask = blobs((9, 60, 700), 2)
    whole = run(mask, spacing, 9)
    for planes, rows in ((9, 2), (1, 1), (4, 30)):
        np.testing.assert_array_equal(run(mask, spacing, planes, Threads(2), None, rows), whole)
        scratch = Scratch(None, 1 << 16)
        work = replace(Work.of(mask.shape, planes, Threads(2), rows), scratch=scratch)
        with scratch:
            assert scratch.create("chunked", mask.shape, np.uint8).chunks
            np.testing.assert_array_equal(distance.heights(mask.astype(np.uint8), spacing, work)[:], whole)


@pytest.mark.parametrize("spacing", [(1, 1, 1), (3, 1, 1.7)])
def test_the_cut_changes_no_byte(spacing, tmp_path):
    mask = blobs((37, 41, 43), 7)
    whole = run(mask, spacing)
    for planes, rows in ((1, None), (5, 6), (1, 1), (13, 40)):
        np.testing.assert_array_equal(run(mask, spacing, planes, Threads(2), None, rows), whole)
    on_disk = PlaneFile(tmp_path / "distance.raw", mask.shape, np.float32)
    np.testing.assert_array_equal(run(mask, spacing, 7, Threads(2), on_disk)[0:37], whole)


def test_ticks_add_up():
    told = []
    mask = blobs((10, 23, 9), 1).astype(np.uint8)
    distance.squared_distance(
        mask, (1, 1, 1), np.empty(mask.shape, np.float32), Work.of(mask.shape, 3).telling(told.append)
    )
    assert sum(told) == 20


@pytest.mark.parametrize("spacing", [(1, 1, 1), (75, 25, 25), (1, 2, 1), (0.075, 0.025, 0.025)])
@pytest.mark.parametrize("shape", [(40, 30, 300), (70, 9, 17), (5, 60, 513)])
@pytest.mark.parametrize(("planes", "rows"), [(1000, None), (7, None), (5, 6), (1, 1)])
def test_whole_numbers_are_the_same_numbers(spacing, shape, planes, rows, tmp_path):
    mask = blobs(shape, 3, 3.0, -0.8).astype(np.uint8)
    bricks = Work.of(shape, planes, rows=rows).bricks
    for scratch in (Scratch(), Scratch(tmp_path, 0)):
        with scratch:
            found = distance.heights(mask, spacing, Work(bricks, Threads(2), None, scratch))
            assert found.dtype == np.uint16
            np.testing.assert_array_equal(found[: shape[0]], run(mask, spacing))


@pytest.mark.parametrize("mask", [np.ones((9, 8, 7)), np.arange(300).reshape(1, 1, 300) > 0])
def test_long_distances_take_floats(mask):
    """65535 and more does not fit 16 bits: no background at all, and 256 voxels away from it."""
    whole = distance.heights(mask.astype(np.uint8), (1, 1, 1), Work.of(mask.shape, 4))
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(whole, run(mask))


def test_the_longest_distance_of_16_bits():
    mask = (np.arange(256) > 0).astype(np.uint8).reshape(1, 1, 256)
    whole = distance.heights(mask, (1, 1, 1), Work.whole((1, 1, 256)))
    assert whole.dtype == np.uint16
    np.testing.assert_array_equal(whole[0, 0], np.arange(256) ** 2)


def test_edges_that_are_not_whole_take_floats():
    mask = blobs((9, 10, 11), 1, 1.0, -1).astype(np.uint8)
    assert distance.heights(mask, (1, 2.5, 1.3), Work.of(mask.shape, 4)).dtype == np.float32


@pytest.mark.parametrize("shape", [(960, 2560, 2560), (20, 3000, 500), (5000, 7, 100), (3, 2, 1), (40, 2000, 9000)])
@pytest.mark.parametrize("chunks", [None, (32, 64, 64), (16, 32, 128)])
@pytest.mark.parametrize("most", [10_000_000, 1_000_000, 1])
def test_boxes_of_columns_tile_the_volume_and_keep_to_a_brick(shape, chunks, most):
    volume = type("Volume", (), {"shape": shape, "chunks": chunks})()
    for axis in (0, 1):
        boxes = distance.column_boxes([volume], axis, most)
        assert sum(map(distance._voxels, boxes)) == np.prod(shape)
        assert len({tuple((part.start, part.stop) for part in box) for box in boxes}) == len(boxes)
        assert max(map(distance._voxels, boxes)) <= max(most, shape[axis] * distance.LANE_VOXELS)
        assert all(box[axis] == slice(0, shape[axis]) for box in boxes)
        across = 1 - axis
        if chunks is not None and most >= shape[axis] * chunks[across] * distance.LANE_VOXELS:
            assert all(box[across].start % chunks[across] == 0 for box in boxes)
            assert all(box[2].start % chunks[2] == 0 for box in boxes)
