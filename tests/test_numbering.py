"""Which labels become particles."""

import numpy as np
import pytest

from morphct.components import ParticleOptions
from morphct.numbering import keep_particles
from morphct.slabs import plan_slabs


def volume():
    labels = np.zeros((12, 10, 10), np.int32)
    labels[0:4, 1:4, 1:4] = 5  # cut by the first plane
    labels[5:8, 4:8, 4:8] = 2
    labels[9, 1, 1] = 3  # too small
    labels[9:12, 6:9, 6:9] = 1  # cut by the last plane
    return labels


@pytest.mark.parametrize("planes", [12, 5, 1])
def test_small_ones_go_and_numbers_follow_the_first_voxel(planes):
    labels = volume()
    n, dropped, table = keep_particles(labels, 5, ParticleOptions(min_voxels=8), plan_slabs(12, planes))
    assert n == 3
    assert table.tolist() == [0, 3, 2, 0, 0, 1]
    assert dropped == {"too_small": 1, "cut_by_border": 0}
    assert (labels[0, 1, 1], labels[6, 5, 5], labels[10, 7, 7], labels[9, 1, 1]) == (1, 2, 3, 0)


@pytest.mark.parametrize("planes", [12, 5, 1])
def test_particles_cut_by_the_border_can_be_dropped(planes):
    labels = volume()
    n, dropped, table = keep_particles(labels, 5, ParticleOptions(min_voxels=8, border="drop"), plan_slabs(12, planes))
    assert n == 1
    assert table.tolist() == [0, 0, 1, 0, 0, 0]
    assert dropped == {"too_small": 1, "cut_by_border": 2}
    assert np.array_equal(np.unique(labels), [0, 1])
    assert (labels > 0).sum() == 48


def test_no_labels_at_all():
    labels = np.zeros((4, 4, 4), np.int32)
    assert keep_particles(labels, 0, ParticleOptions(), plan_slabs(4, 3))[0] == 0
