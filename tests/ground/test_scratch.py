"""Scratch volumes: plain, chunked or shared files; handed on as values and released by value."""

import pickle

import numpy as np
import pytest

from morphct.ground.chunks import ChunkedVolume
from morphct.ground.errors import OutputError
from morphct.ground.plane_file import PlaneFile
from morphct.ground.scratch import Scratch

SHAPE = (4, 5, 6)


@pytest.mark.parametrize("budget", [0, 1 << 40])
def test_volumes_of_one_name_are_two_and_each_is_released_alone(tmp_path, budget):
    with Scratch(tmp_path, budget) as scratch:
        one, other = (scratch.create("mask", SHAPE, np.uint8) for _ in range(2))
        assert isinstance(one, ChunkedVolume) is (budget == 0)
        one[0:4], other[0:4] = 1, 2
        scratch.release(one)
        assert scratch.held == 1
        assert (np.asarray(other[0:4]) == 2).all()
        assert len(list(tmp_path.rglob("*.raw"))) == (budget == 0)
    assert scratch.held == 0
    assert list(tmp_path.iterdir()) == []


def test_what_was_not_made_here_is_not_released():
    scratch = Scratch()
    made = scratch.create("mask", SHAPE, np.uint8)
    with pytest.raises(ValueError, match="not made here"):
        scratch.release(made.copy())
    scratch.release(made)
    with pytest.raises(ValueError, match="released before"):
        scratch.release(made)


def test_a_volume_of_a_block_is_gone_after_it_whatever_happens(tmp_path):
    scratch = Scratch(tmp_path, 0)
    with pytest.raises(KeyError), scratch.volume("mask", SHAPE, np.uint8) as made:
        assert not np.asarray(made[0:4]).any()
        raise KeyError
    assert scratch.held == 0
    assert not list(tmp_path.rglob("*.raw"))
    scratch.close()


def test_shared_volumes_are_files_that_another_process_opens(tmp_path):
    with Scratch(tmp_path, shared=True) as scratch:
        made = scratch.create("mask", SHAPE, np.uint8)
        assert isinstance(made, PlaneFile)
        pickle.loads(pickle.dumps(made))[1:3, 2:4] = 5
        assert made[:].sum() == 5 * 2 * 2 * 6
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told(tmp_path):
    with Scratch(tmp_path, shared=True) as scratch, pytest.raises(OutputError, match="free some room"):
        scratch.create("huge", (1 << 20, 1 << 20, 1 << 10), np.uint8)


def test_released_memory_is_used_again_as_zeros_within_the_budget():
    scratch = Scratch(budget=15_000)
    first = scratch.create("first", (10, 10, 10), np.float32)
    first[:] = 7
    scratch.release(first)
    again = scratch.create("again", (10, 10, 10), np.int32)
    assert np.shares_memory(first, again)
    assert again.dtype == np.int32
    assert not again.any()
    scratch.release(again)
    other = scratch.create("other", (10, 10, 10), np.uint8)
    assert isinstance(other, np.ndarray)
    assert not np.shares_memory(other, again)
    scratch.close()
