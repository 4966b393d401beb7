"""Work kept for a run that goes on: volumes and values come back as they were, damage is noticed, no code is run."""

from dataclasses import dataclass

import numpy as np
import pytest

from morphct.ground import keeping
from morphct.ground.bricks import Brick
from morphct.ground.executors import Threads, as_done
from morphct.ground.keeping import Damaged, Journal, keep, kept
from morphct.ground.scratch import Scratch
from morphct.segment.voids.ownership import Candidates

SHAPE = (40, 50, 60)


@pytest.fixture(params=[0, 1 << 30], ids=["chunks", "arrays"])
def scratch(request, tmp_path):
    with Scratch(tmp_path / "scratch", request.param) as made:
        yield made


@pytest.mark.parametrize("seed", range(3))
def test_values_and_their_volumes_come_back(scratch, tmp_path, seed):
    rng = np.random.default_rng(seed)
    ids = scratch.create("ids", SHAPE, np.int32)
    ids[3:30, 5:20] = rng.integers(0, 5000, (27, 15, 60)).astype(np.int32)
    facts = {
        "n": 7,
        "table": rng.random(9),
        "brick": Brick(1, 2, 3, 4, 5),
        "name": "dips",
        "none": None,
        "odd": (1, {2}),
    }
    keep(tmp_path / "step.kept", (Candidates(ids, 7), facts))
    found, again = kept(tmp_path / "step.kept", scratch)
    assert type(found.ids) is type(ids)
    np.testing.assert_array_equal(found.ids[:], ids[:])
    np.testing.assert_array_equal(again.pop("table"), facts.pop("table"))
    assert (found.n, again) == (7, facts)
    scratch.release(found.ids)


def test_one_byte_changed_or_missing_is_noticed_wherever_it_is(scratch, tmp_path):
    ids = scratch.create("ids", SHAPE, np.uint8)
    ids[5:9] = 3
    path = tmp_path / "step.kept"
    keep(path, Candidates(ids, 1))
    content, held = path.read_bytes(), scratch.held
    for place in np.linspace(0, len(content) - 1, 40).astype(int):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(Damaged):
            kept(path, scratch)
        path.write_bytes(content[:place])
        with pytest.raises(Damaged):
            kept(path, scratch)
    assert scratch.held == held


class Evil:
    def __reduce__(self):
        return (eval, ("1 + 1",))


@dataclass
class Foreign:
    value: int = 1


@pytest.mark.parametrize("thing", [Evil(), Foreign()])
def test_what_is_no_plain_value_or_type_of_ours_is_not_made(scratch, tmp_path, thing):
    keep(tmp_path / "step.kept", [thing])
    with pytest.raises(Damaged, match="nothing that is kept"):
        kept(tmp_path / "step.kept", scratch)


def test_functions_of_ours_are_not_called(scratch, tmp_path):
    class Caller:
        def __reduce__(self):
            from morphct.ground import disk

            return disk.remove, (tmp_path,)

    keep(tmp_path / "step.kept", Caller())
    with pytest.raises(Damaged):
        kept(tmp_path / "step.kept", scratch)
    assert tmp_path.exists()


def doubled(calls):
    def task(n):
        calls.append(n)
        return n, np.full(3, 2.0 * n)

    return task


def played(journal, calls, items=(3, 4, 5, 6)):
    return [(n, list(values)) for _ in range(2) for n, values in journal(doubled(calls), items)]


@pytest.mark.parametrize("run_map", [map, Threads(2)])
def test_results_that_were_kept_are_not_made_again(tmp_path, run_map):
    first, again = [], []
    journal = Journal(tmp_path / "results", run_map)
    told = played(journal, first)
    journal.flush()
    assert len(first) == 8
    assert played(Journal(tmp_path / "results", run_map), again) == told
    assert again == []


@pytest.mark.parametrize("run_map", [map, Threads(2)])
def test_results_in_any_order_are_kept_too(tmp_path, run_map):
    items, first, again = list(range(9)), [], []
    journal = Journal(tmp_path / "results", run_map)
    told = sorted(n for n, _ in as_done(journal, doubled(first), items, [1] * 9, 4))
    journal.flush()
    content = (tmp_path / "results").read_bytes()
    (tmp_path / "results").write_bytes(content[: len(content) // 2])
    resumed = Journal(tmp_path / "results", run_map)
    assert sorted(n for n, _ in as_done(resumed, doubled(again), items, [1] * 9, 4)) == told
    assert 0 < len(again) < 9


@pytest.mark.parametrize("share", [0.3, 0.55, 0.9])
def test_a_tail_cut_off_costs_its_own_results_alone(tmp_path, share):
    first, again = [], []
    journal = Journal(tmp_path / "results", map)
    told = played(journal, first)
    journal.flush()
    content = (tmp_path / "results").read_bytes()
    (tmp_path / "results").write_bytes(content[: int(share * len(content))])
    resumed = Journal(tmp_path / "results", map)
    assert 0 < resumed.taken_up < 8
    assert resumed.damage
    assert played(resumed, again) == told
    assert 0 < len(again) < 8
    resumed.flush()
    assert Journal(tmp_path / "results", map).taken_up == 8


def test_nothing_is_written_before_its_time(tmp_path):
    now = [0.0]
    journal = Journal(tmp_path / "results", map, lambda: now[0])
    results = journal(doubled([]), range(5))
    next(results)
    assert not (tmp_path / "results").exists()
    now[0] = keeping.LEAST_SECONDS
    next(results)
    assert (tmp_path / "results").exists()
