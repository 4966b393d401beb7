"""How thick necks are: against an exact distance map, and on balls whose neck is known."""

import numpy as np
import pytest
from scipy import ndimage

from morphct.ground.units import VoxelSize
from morphct.ground.work import Work
from morphct.kernels.measurement import necks as kernel
from morphct.measurement import necks
from morphct.segment.labels.accumulators import Contacts
from morphct.segment.labels.envelope import Envelope

UNIT = VoxelSize(1.0, 1.0, 1.0)


def sponge(seed: int, shape: tuple[int, int, int] = (14, 20, 18)) -> np.ndarray:
    """Two labels that wind around each other and the background."""
    rng = np.random.default_rng(seed)
    rough, smooth = (ndimage.gaussian_filter(rng.normal(size=shape), s) for s in (1.2, 2.5))
    return np.where(rough < -0.05, 0, np.where(smooth > 0, 1, 2)).astype(np.int32)


def at_faces(labels: np.ndarray, first: int, second: int) -> np.ndarray:
    """Voxels that share a face with the other one of two labels."""
    met = np.zeros(labels.shape, bool)
    for axis in range(3):
        image, mark = np.moveaxis(labels, axis, 0), np.moveaxis(met, axis, 0)
        face = np.sort(np.stack([image[1:], image[:-1]]), 0) == np.reshape([first, second], (2, 1, 1, 1))
        mark[1:] |= face.all(0)
        mark[:-1] |= face.all(0)
    return met


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("most", [1e9, 9.0])
def test_kernel_equals_the_distance_map(seed, most):
    labels, edges = sponge(seed), np.array([2.0, 1.0, 1.5])
    squares = ndimage.distance_transform_edt(labels > 0, sampling=edges) ** 2
    box = np.array([2, 12, 0, 20, 3, 18])
    within = np.zeros(labels.shape, bool)
    within[2:12, 0:20, 3:18] = True
    expected = min(most, squares[at_faces(labels, 1, 2) & within].max())
    assert kernel.farthest_from_background(labels, box, 1, 2, edges**2, most) == pytest.approx(expected)


def test_labels_that_do_not_meet_have_no_neck():
    labels = np.zeros((3, 3, 5), np.int32)
    labels[..., 0], labels[..., 4] = 1, 2
    box = np.array([0, 3, 0, 3, 0, 5])
    assert kernel.farthest_from_background(labels, box, 1, 2, np.ones(3), 9.0) == 0


@pytest.mark.parametrize("seed", range(3))
def test_tiles_do_not_change_the_neck(seed, monkeypatch):
    """Cut to a part at a time, and over threads or not, it is the distance map's value up to the limit of the box."""
    labels = sponge(seed, (22, 24, 20))
    pairs = Contacts.of(labels).finalize(UNIT.spacing)
    whole = necks.neck_radii(pairs, Envelope(labels, 2), UNIT, Work(()))
    far = ndimage.distance_transform_edt(labels > 0)[at_faces(labels, 1, 2)].max()
    size = pairs.boxes[:, 1::2] - pairs.boxes[:, 0::2]
    np.testing.assert_allclose(whole, np.minimum(far, np.sqrt((size**2).sum(1)) / 2))
    monkeypatch.setattr(necks, "TILE_VOXELS", 5)
    monkeypatch.setattr(necks, "BATCH_INTERFACES", 1)
    np.testing.assert_array_equal(necks.neck_radii(pairs, Envelope(labels, 2), UNIT, Work(())), whole)


@pytest.mark.parametrize("neck", [3.0, 5.0, 8.0])
def test_neck_of_two_balls(neck):
    """Balls that meet in a disc: its radius, give or take the voxel."""
    radius, grid = 12.0, np.indices((29, 29, 55)).astype(float)
    half = np.sqrt(radius**2 - neck**2)
    labels = np.zeros(grid.shape[1:], np.int32)
    for label, place in ((1, 27 - half), (2, 27 + half)):
        inside = (grid[0] - 14) ** 2 + (grid[1] - 14) ** 2 + (grid[2] - place) ** 2 <= radius**2
        labels[inside & ((grid[2] < 27) == (label == 1))] = label
    pairs = Contacts.of(labels).finalize(UNIT.spacing)
    assert necks.neck_radii(pairs, Envelope(labels, 2), UNIT, Work(()))[0] == pytest.approx(neck, abs=1.0)


def test_a_void_is_no_background():
    """A void that carries no label of its own does not make the neck thin."""
    labels = np.ones((15, 15, 16), np.int32)
    labels[:, :, 8:] = 2
    voids = np.zeros_like(labels)
    voids[7, 7, 6] = 1
    hollow = np.where(voids > 0, 0, labels).astype(np.int32)
    hollow[0], labels[0] = 0, 0
    pairs = Contacts.of(labels).finalize(UNIT.spacing)
    plain = necks.neck_radii(pairs, Envelope(labels, 2), UNIT, Work(()))
    filled = necks.neck_radii(pairs, Envelope(hollow, 2, voids, np.array([0, 1])), UNIT, Work(()))
    assert filled == plain
    assert necks.neck_radii(pairs, Envelope(hollow, 2), UNIT, Work(())) <= plain
