"""Work goes over slabs and items in order, tells its progress, and does not hang on the cut."""

import numpy as np
import pytest

from morphct.ground.executors import Threads
from morphct.ground.work import Work


@pytest.mark.parametrize("planes", [1, 3, 7, 64])
@pytest.mark.parametrize("run_map", [map, Threads(2)])
def test_each_gives_results_in_order_and_tells_planes(planes, run_map):
    volume, told = np.arange(20 * 3 * 4).reshape(20, 3, 4), []
    work = Work.of(20, planes, run_map).telling(told.append)
    parts = list(work.each(lambda slab: volume[slab.z0 : slab.z1].sum()))
    assert [s.index for s in work.bricks] == list(range(len(parts)))
    assert sum(parts) == volume.sum()
    assert sum(told) == work.depth == 20
    assert told == [s.depth for s in work.bricks]


def test_do_runs_every_slab():
    out = np.zeros((9, 2, 2), int)

    def write(slab):
        out[slab.z0 : slab.z1] += slab.index + 1

    Work.of(9, 4).do(write)
    assert out[:, 0, 0].tolist() == [1] * 4 + [2] * 4 + [3]


def test_over_items_tells_what_each_counts_for():
    told = []
    work = Work.of(5).telling(told.append)
    assert list(work.over(str, [3, 1], steps=[30, 10])) == ["3", "1"]
    assert told == [30, 10]
    assert list(work.over(str, [3, 1])) == ["3", "1"]
    assert told == [30, 10]
    assert list(work.telling(None).over(str, [2], steps=[5])) == ["2"]
    assert told == [30, 10]


def test_an_error_of_a_task_comes_through():
    def task(slab):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Work.of(5, 1, Threads(2)).do(task)


def test_no_volume_no_slabs():
    work = Work(())
    assert work.depth == 0
    assert list(work.each(str)) == []


@pytest.mark.parametrize("planes", [1, 4, 20])
def test_a_copy_is_the_same_and_a_quiet_one_tells_nobody(planes):
    told, volume = [], np.arange(20 * 3 * 4).reshape(20, 3, 4)
    work = Work.of(20, planes).telling(told.append)
    for one, planes_told in ((work, 20), (work.quiet, 20)):
        out = np.zeros_like(volume)
        one.copy(volume, out)
        np.testing.assert_array_equal(out, volume)
        assert sum(told) == planes_told


def test_work_in_one_piece_has_one_slab():
    assert [(s.z0, s.z1) for s in Work.whole(300).bricks] == [(0, 300)]
