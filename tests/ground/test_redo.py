"""Tasks run twice: what they change in place is made once, and what they only write is written again."""

import pickle
from functools import partial

import numpy as np
import pytest

from morphct.ground.bricks import Brick, plan_bricks
from morphct.ground.plane_file import PlaneFile, let_go
from morphct.ground.redo import run_once

SHAPE = (6, 8, 5)


@pytest.fixture
def volume(tmp_path):
    made = PlaneFile(tmp_path / "v.raw", SHAPE, np.int32)
    made[:] = np.arange(240).reshape(SHAPE)
    return made


def add_one(volume, brick: Brick) -> int:
    """In place, in two steps that see each other."""
    volume[brick.here] = volume[brick.here] + 1
    volume[brick.z0 : brick.z0 + 1, brick.y0 : brick.y1] = volume[brick.z0, brick.y0 : brick.y1] * 2
    return int(volume[brick.here].sum())


def wanted():
    out = np.arange(240).reshape(SHAPE) + 1
    out[::3] *= 2
    return out


def test_a_task_run_twice_changes_its_volume_once(volume, tmp_path):
    bricks = plan_bricks(SHAPE, 3, 4)
    sums = [wanted()[b.here].sum() for b in bricks]
    for _ in range(2):
        for brick in bricks:
            assert run_once(partial(add_one, volume, brick), tmp_path / f"note{brick.index}") == sums[brick.index]
    np.testing.assert_array_equal(volume[:], wanted())


def test_a_task_that_dies_before_its_end_has_changed_nothing(volume, tmp_path):
    before = volume[:]

    def dies():
        add_one(volume, Brick(0, 0, 3))
        raise InterruptedError

    with pytest.raises(InterruptedError):
        run_once(dies, tmp_path / "note")
    np.testing.assert_array_equal(volume[:], before)
    assert [p.name for p in tmp_path.iterdir()] == ["v.raw"]


def test_a_task_cut_off_while_its_changes_are_made_is_finished_by_the_next(volume, tmp_path, monkeypatch):
    brick, note = Brick(0, 0, 6), tmp_path / "note"
    real, done = PlaneFile.put, []

    def cut_off(self, part, block):
        if len(done) == 1:
            raise InterruptedError
        done.append(real(self, part, block))

    monkeypatch.setattr(PlaneFile, "put", cut_off)
    with pytest.raises(InterruptedError):
        run_once(partial(add_one, volume, brick), note)
    monkeypatch.undo()
    run_once(partial(add_one, volume, brick), note)
    alone = np.arange(240).reshape(SHAPE) + 1
    alone[0] *= 2
    np.testing.assert_array_equal(volume[:], alone)


def test_what_is_only_written_needs_no_note(volume, tmp_path):
    other = PlaneFile(tmp_path / "w.raw", SHAPE, np.int32)

    def copy():
        other[2:4] = volume[2:4]

    run_once(copy, tmp_path / "note")
    np.testing.assert_array_equal(other[2:4], volume[2:4])
    assert not (tmp_path / "note").exists()


def test_a_task_that_was_done_elsewhere_meanwhile_gives_that_result(volume, tmp_path):
    note = tmp_path / "note"

    def slow():
        found = add_one(volume, Brick(0, 0, 3))
        run_once(partial(add_one, volume, Brick(0, 0, 3)), note)  # another worker, quicker
        return found

    run_once(slow, note)
    np.testing.assert_array_equal(volume[:3], wanted()[:3])


def test_a_pickled_volume_opens_its_file_again(volume):
    volume.at_once = True
    again = pickle.loads(pickle.dumps(volume))
    again[0] = 7
    let_go()
    assert (volume[0] == 7).all()
    assert again.at_once
