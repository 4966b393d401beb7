"""Sealed pockets after the split: which stay, which are opened again."""

import numpy as np
import pytest

from morphct.ground.work import Work
from morphct.segment.mask import sealing
from morphct.segment.voids import holes, sealed_pockets


def ball(centre, radius, shape=(30, 32, 64)):
    grid = np.meshgrid(*(np.arange(n, dtype=float) for n in shape), indexing="ij")
    return sum((g - c) ** 2 for g, c in zip(grid, centre)) <= radius**2


def sealed(solid, work):
    """The mask before and after sealing."""
    before = solid.astype(np.uint8)
    after = before.copy()
    sealing.seal(after, (1, 1, 1), (1, 2), work)
    return before, after


@pytest.mark.parametrize(("planes", "rows"), [(30, None), (7, None), (1, 1), (5, 6)])
def test_a_void_that_a_face_cuts_is_closed_for_the_split_and_opened_for_its_owner(planes, rows):
    work = Work.of((30, 32, 64), planes, rows=rows)
    hole = ball((3, 16, 20), 5)
    before, after = sealed(ball((6, 16, 20), 14) & ~hole, work)
    np.testing.assert_array_equal(after > 0, (before > 0) | hole)
    labels = after.astype(np.int32)
    assert sealed_pockets.open_gaps(labels, before, after, work) == {
        "pockets": 1,
        "gaps": 0,
        "cut": 1,
        "voxels": hole.sum(),
    }
    np.testing.assert_array_equal(labels > 0, before > 0)
    cut = holes.claim_cut(labels, work)
    assert cut.n == 1
    np.testing.assert_array_equal(cut.ids > 0, hole)
    np.testing.assert_array_equal(labels, after)


@pytest.mark.parametrize(("planes", "rows"), [(30, None), (7, 10)])
def test_a_leaking_void_stays_sealed_at_a_face_and_away_from_it(planes, rows):
    work = Work.of((30, 32, 64), planes, rows=rows)
    for depth in (3, 15):
        solid = ball((depth + 3, 16, 20), 14) & ~ball((depth, 16, 20), 5)
        solid[depth, 16, 20:] = False  # a channel one voxel wide
        before, after = sealed(solid, work)
        labels = after.astype(np.int32)
        found = sealed_pockets.open_gaps(labels, before, after, work)
        assert (found["gaps"], found["cut"]) == (0, 0)
        assert labels[depth, 16, 20] == 1


def test_a_gap_between_particles_is_opened_again():
    work = Work.of((30, 32, 64), 8)
    solid = np.ones((30, 32, 64), bool)
    gap = ball((15, 16, 32), 4)
    before, after = (solid & ~gap).astype(np.uint8), solid.astype(np.uint8)
    labels = np.ones(solid.shape, np.int32)
    labels[:, :, 32:] = 2
    assert sealed_pockets.open_gaps(labels, before, after, work)["gaps"] == 1
    np.testing.assert_array_equal(labels == 0, gap)
