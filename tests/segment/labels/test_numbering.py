"""Which labels become particles."""

import numpy as np
import pytest
from scipy import ndimage

from morphct.ground.work import Work
from morphct.segment.labels.numbering import ParticleOptions, keep_particles

CUTS = pytest.mark.parametrize(("planes", "rows"), [(12, None), (5, None), (1, None), (5, 4), (1, 1), (12, 3)])


def volume():
    labels = np.zeros((12, 10, 10), np.int32)
    labels[0:4, 1:4, 1:4] = 5  # cut by the first plane
    labels[5:8, 4:8, 4:8] = 2
    labels[9, 1, 1] = 3  # too small
    labels[9:12, 6:9, 6:9] = 1  # cut by the last plane
    return labels


@CUTS
def test_small_ones_go_and_numbers_follow_the_first_voxel(planes, rows):
    labels = volume()
    kept = keep_particles(labels, 5, ParticleOptions(min_voxels=8), Work.of(labels.shape, planes, rows=rows))
    assert kept.n == 3
    assert kept.table.tolist() == [0, 3, 2, 0, 0, 1]
    assert kept.dropped == {"too_small": 1, "voxels": 1, "joined": 0, "cut_by_border": 0}
    assert (labels[0, 1, 1], labels[6, 5, 5], labels[10, 7, 7], labels[9, 1, 1]) == (1, 2, 3, 0)


@CUTS
def test_particles_cut_by_the_border_can_be_dropped(planes, rows):
    labels = volume()
    kept = keep_particles(
        labels, 5, ParticleOptions(min_voxels=8, border="drop"), Work.of(labels.shape, planes, rows=rows)
    )
    assert kept.n == 1
    assert kept.table.tolist() == [0, 0, 1, 0, 0, 0]
    assert kept.dropped == {"too_small": 1, "voxels": 1, "joined": 0, "cut_by_border": 2}
    assert np.array_equal(np.unique(labels), [0, 1])
    assert (labels > 0).sum() == 48


def test_no_labels_at_all():
    labels = np.zeros((4, 4, 4), np.int32)
    assert keep_particles(labels, 0, ParticleOptions(), Work.of(4, 3)).n == 0


def naive_joined(labels, least):
    """Slow twin: the smallest label of all goes to the neighbour of most shared faces until none is small."""
    labels, settled = labels.copy(), set()
    first = np.bincount(labels.ravel())
    order = sorted(np.flatnonzero(first[1:]) + 1, key=lambda i: (first[i], i))
    for one in order:
        size = (labels == one).sum()
        if first[one] >= least or not size or size >= least or one in settled:
            continue
        shared = {}
        for axis in range(3):
            a, b = (np.moveaxis(labels, axis, 0)[part] for part in (slice(None, -1), slice(1, None)))
            for x, y in ((a, b), (b, a)):
                for other in y[(x == one) & (y != one) & (y != 0)]:
                    shared[other] = shared.get(other, 0) + 1
        if shared:
            labels[labels == one] = min(shared, key=lambda other: (-shared[other], other))
    return labels


@CUTS
@pytest.mark.parametrize("seed", range(6))
def test_small_pieces_go_back_to_the_neighbour_they_share_most_faces_with(seed, planes, rows):
    rng = np.random.default_rng(seed)
    seeds = rng.random((12, 13, 14)) < 0.02
    n = int(seeds.sum())
    distance, at = ndimage.distance_transform_edt(~seeds, return_indices=True)
    numbers = np.zeros(seeds.shape, np.int32)
    numbers[seeds] = rng.permutation(n) + 1
    labels = np.where(distance < 3.5, numbers[tuple(at)], 0).astype(np.int32)
    wanted = naive_joined(labels, 40)
    sizes = np.bincount(wanted.ravel(), minlength=n + 1)
    found = labels.copy()
    kept = keep_particles(found, n, ParticleOptions(min_voxels=40), Work.of(labels.shape, planes, rows=rows))
    assert kept.dropped["joined"] > 3
    assert np.array_equal(found > 0, (wanted > 0) & (sizes >= 40)[wanted])
    assert np.array_equal(found, kept.table[wanted])
    assert kept.n == (sizes[1:] >= 40).sum()


def test_a_rim_of_what_was_taken_out_goes_to_its_neighbour():
    labels = np.zeros((6, 10, 20), np.int32)
    labels[:, :, :8] = 1
    labels[:, :, 8:14] = 2
    lost = np.array([0, 0, 400])
    kept = keep_particles(labels.copy(), 2, ParticleOptions(), Work.of(6, 2), lost=lost)
    assert (kept.n, kept.dropped["joined"], kept.table.tolist()) == (1, 1, [0, 1, 0])
    labels[:, :, 7] = 0  # stands alone: it stays
    assert keep_particles(labels, 2, ParticleOptions(), Work.of(6, 2), lost=lost).n == 2
