"""Thickness of small bodies of a block: to the bit what each body alone gives; its loops against plain ones."""

import numpy as np
import pytest
from naive.measurement import balls as naive
from scipy import ndimage

from morphct.ground.chunks import ChunkedVolume, Room
from morphct.ground.work import Work
from morphct.kernels.measurement import crop_distance, flat_faces
from morphct.measurement import crops, void_pass
from morphct.measurement.crops import box as crop_box
from morphct.measurement.crops import small

ISOTROPIC, COARSE_PLANES = (0.025, 0.025, 0.025), (0.05, 0.025, 0.025)
SPACINGS = [ISOTROPIC, COARSE_PLANES, (1.0, 1.3, 0.7)]


def bodies(seed, shape=(60, 64, 70)):
    """A block of ids: blobs of several sizes that touch its faces, plates, needles and single voxels; its boxes."""
    rng = np.random.default_rng(seed)
    ids, _ = ndimage.label(ndimage.gaussian_filter(rng.normal(size=shape), rng.uniform(0.8, 2.0)) > 0.08)
    ids = ids.astype(np.int32)
    n = ids.max()
    for _ in range(60):
        n += 1
        size = rng.choice([1, 1, 2, 3, 5, 9], 3)
        low = [int(rng.integers(0, m - s + 1)) for m, s in zip(shape, size)]
        ids[tuple(slice(a, a + s) for a, s in zip(low, size))] = n
    boxes = np.zeros((n, 6), np.int64)
    for i, found in enumerate(ndimage.find_objects(ids, n)):
        if found:
            boxes[i] = [v for along in found for v in (along.start, along.stop)]
    return ids, boxes


def one_by_one(ids, boxes, spacing):
    masks = (ids[z0:z1, y0:y1, x0:x1] == i + 1 for i, (z0, z1, y0, y1, x0, x1) in enumerate(boxes.tolist()))
    return np.array([crops.local_thickness(mask, spacing).median for mask in masks])


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(4))
def test_small_bodies_are_as_thick_as_each_alone(seed, spacing):
    ids, boxes = bodies(seed)
    sides = boxes[:, 1::2] - boxes[:, 0::2]
    chosen = np.flatnonzero((sides <= small.SMALL_VOXELS).all(1))
    assert len(chosen) > 60
    found = small.small_medians(ids, boxes[chosen], chosen + 1, spacing, small.small_rules(spacing))
    np.testing.assert_array_equal(found, one_by_one(ids, boxes, spacing)[chosen])


@pytest.mark.parametrize("shape", [(32, 32, 32), (32, 32, 19), (3, 32, 32), (1, 1, 32)])
def test_the_largest_of_the_small(shape):
    """Thick ones are painted on the grid as it is; with fine planes they want a coarser one, made one by one."""
    for spacing in (*SPACINGS, (1.0, 8.0, 8.0)):
        ids, box = np.ones(shape, np.int32), np.array([[0, shape[0], 0, shape[1], 0, shape[2]]])
        found = small.small_medians(ids, box, np.array([1]), spacing, small.small_rules(spacing))
        assert found[0] == crops.local_thickness(ids, spacing).median


@pytest.mark.parametrize("far_apart", [1, void_pass.BLOCK_VOXELS_A_VOID])
@pytest.mark.parametrize("chunked", [False, True])
def test_voids_are_found_wherever_they_lie(tmp_path, monkeypatch, chunked, far_apart):
    """By tiles or one by one, small ones and large ones, absent ones, in chunks or not: what each alone gives."""
    ids, boxes = bodies(7)
    boxes = np.concatenate([boxes, np.zeros((1, 6), np.int64)])
    assert ((boxes[:, 1::2] - boxes[:, 0::2]) > small.SMALL_VOXELS).any()
    held = ids
    if chunked:
        held = ChunkedVolume(tmp_path / "ids", ids.shape, np.int32, Room(1 << 30))
        held[:, :, :] = ids
    monkeypatch.setattr(void_pass, "TILE_CHUNKS", (2, 1, 1))
    monkeypatch.setattr(void_pass, "TILE_VOIDS", 30)
    monkeypatch.setattr(void_pass, "BLOCK_VOXELS_A_VOID", far_apart)
    found = void_pass.void_thickness(held, boxes, ISOTROPIC, Work.whole(ids.shape))
    np.testing.assert_array_equal(found, one_by_one(ids, boxes, ISOTROPIC))


def test_no_voids():
    nothing = void_pass.void_thickness(
        np.zeros((4, 4, 4), np.int32), np.zeros((0, 6), np.int64), ISOTROPIC, Work.whole(4)
    )
    assert nothing.shape == (0,)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(3))
def test_balls_end_where_plain_loops_say(seed, spacing):
    ids, boxes = bodies(seed, (24, 26, 30))
    rng, edges = np.random.default_rng(seed), np.asarray(spacing)
    for i, (z0, z1, y0, y1, x0, x1) in enumerate(boxes.tolist()):
        box = crop_box.padded(ids[z0:z1, y0:y1, x0:x1] == i + 1)
        if not box.any():
            continue
        squared = crop_box.squared_distances(box, spacing)
        np.testing.assert_array_equal(
            crop_distance.small_squared_distance(box, crop_box.squared_weights(spacing)), squared
        )
        place, depth = flat_faces.deepest(squared)
        wanted, wanted_depth = naive.deepest(squared)
        assert (place == wanted).all()
        assert depth == wanted_depth
        depth *= edges.min()
        for centre in (place * edges, (place + rng.uniform(-0.5, 0.5, 3)) * edges):
            radius = depth * rng.uniform(0.9, 1.1)
            assert flat_faces.voxels_in(box, centre, radius, edges) == naive.voxels_in(box, centre, radius, edges)
            asked = box, centre, radius, 0.9 * radius, edges, 0.25 * edges.max()
            assert flat_faces.between_faces(*asked) == naive.between_faces(*asked)
