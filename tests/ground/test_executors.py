"""Maps over tasks: results as they are done, heavy items not side by side."""

import threading

import pytest

from morphct.ground.executors import Threads, as_done


@pytest.mark.parametrize("run_map", [map, Threads(1), Threads(3)])
def test_every_item_comes_back_once(run_map):
    found = list(as_done(run_map, lambda n: n * n, list(range(50)), [1] * 50, 3))
    assert sorted(found) == [n * n for n in range(50)]


def test_heavy_items_wait_for_each_other_and_light_ones_go_first():
    lock, under_way, most = threading.Lock(), [0], [0]
    sizes = [9, 9, 1, 1, 20, 1]

    def task(i):
        with lock:
            under_way[0] += sizes[i]
            most[0] = max(most[0], under_way[0] if sizes[i] <= 10 else 0)
        threading.Event().wait(0.002)
        with lock:
            under_way[0] -= sizes[i]
        return i

    assert sorted(as_done(Threads(3), task, list(range(6)), sizes, 10)) == list(range(6))
    assert most[0] <= 10


def test_an_error_of_a_task_comes_out():
    def task(i):
        if i == 3:
            raise ValueError("three")
        return i

    with pytest.raises(ValueError, match="three"):
        list(as_done(Threads(2), task, list(range(9)), [1] * 9, 4))
