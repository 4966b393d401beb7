"""What a run will take: told before it begins, from what runs on this machine took; a disk too small is refused."""

import json
from types import SimpleNamespace

import pytest

from morphct.ground import user_cache
from morphct.ground.errors import OutputError
from morphct.pipeline import foretelling, memory_plan
from morphct.pipeline.foretelling import foretell, refuse_full_disk, remember
from morphct.pipeline.memory_plan import plan_work
from morphct.pipeline.settings import Settings

SMALL, LARGE = (128, 128, 128), (512, 512, 512)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(user_cache.PLACE, str(tmp_path / "cache"))
    monkeypatch.setattr(memory_plan, "resident", lambda: 200 << 20)
    monkeypatch.setattr(foretelling, "resident", lambda: 200 << 20)


def took(shape, factor, settings=None, workers=2):
    """A run of this machine, `factor` times as slow as the model."""
    plan = plan_work(shape, "4GiB", workers)
    job = SimpleNamespace(plan=plan, voxels=shape[0] * shape[1] * shape[2], stages=[])
    at = foretelling._Size(job.voxels, 0.35, workers)
    job.stages = [{"name": name, "seconds": factor * at.modelled(name)} for name in foretelling.MODEL]
    remember(job, settings or Settings(), "run", 0.35)
    left_out = foretelling._left_out(settings or Settings(), "run")
    return sum(stage["seconds"] for stage in job.stages if stage["name"] not in left_out)


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_a_run_is_foretold_from_smaller_ones_of_this_machine(factor):
    took(SMALL, factor)
    told = foretell(plan_work(LARGE, "4GiB", 2), Settings())
    assert told.seconds == pytest.approx(took(LARGE, factor), rel=0.01)
    assert "1 run on this machine" in told.source


def test_without_a_run_the_speed_of_this_machine_counts(monkeypatch):
    plan = plan_work(LARGE, "4GiB", 2)
    monkeypatch.setattr(foretelling, "_probe", lambda: 2 * foretelling.PROBE_SECONDS)
    slow = foretell(plan, Settings())
    monkeypatch.setattr(foretelling, "_probe", lambda: foretelling.PROBE_SECONDS)
    assert slow.seconds == pytest.approx(2 * foretell(plan, Settings()).seconds)
    assert "another machine" in slow.source


def test_the_probe_times_this_machine():
    assert 0.001 < foretelling._probe() < 5


def test_other_kinds_of_runs_do_not_count():
    tables = Settings().with_overrides(["output.tables_only=true"])
    took(SMALL, 50.0, tables)
    plan = plan_work(SMALL, "4GiB", 2)
    assert "another machine" in foretell(plan, Settings()).source
    assert "calibrate" not in foretell(plan, tables).stages
    assert "denoise" not in foretell(plan, Settings(), "measure").stages


def test_more_particles_take_longer():
    plan = plan_work(LARGE, "4GiB", 2)
    assert foretell(plan, Settings(), solid=0.7).seconds > 1.3 * foretell(plan, Settings(), solid=0.2).seconds


def test_a_record_that_cannot_be_read_is_none(tmp_path):
    for text in (
        "",
        "{",
        '{"a": 1}',
        '[{"voxels": 0}]',
        "[3]",
        json.dumps([{"voxels": "x", "workers": 1, "solid": 1}]),
    ):
        user_cache.write(user_cache.folder(foretelling.RATES) / foretelling.RECORD, text.encode())
        assert "another machine" in foretell(plan_work(SMALL, "4GiB", 2), Settings()).source


def test_only_so_many_runs_are_kept():
    for _ in range(foretelling.RUNS_KEPT + 3):
        took(SMALL, 1.0)
    assert len(foretelling._record()) == foretelling.RUNS_KEPT


def test_nothing_is_kept_where_the_user_says_so(monkeypatch):
    monkeypatch.setenv(user_cache.PLACE, "")
    took(SMALL, 1.0)
    assert user_cache.folder(foretelling.RATES) is None
    assert foretelling._record() == []


def test_large_volumes_have_scratch_on_disk_small_ones_none():
    shape = (960, 2560, 2560)
    assert foretell(plan_work(SMALL, "4GiB", 2), Settings()).scratch_disk == 0
    little, much = (foretell(plan_work(shape, cap, 2), Settings(), grey_copies=1) for cap in ("2GiB", "12GiB"))
    assert 6e9 < little.scratch_disk < 16e9
    assert much.scratch_disk < little.scratch_disk
    assert little.memory <= 2 << 30


def test_a_disk_too_small_is_refused_with_both_figures(tmp_path, monkeypatch):
    told = foretell(plan_work((960, 2560, 2560), "2GiB", 2), Settings())
    monkeypatch.setattr(foretelling, "free_disk", lambda folder: 8 << 30)
    with pytest.raises(OutputError, match=r"will take about .* GiB, and 8.* GiB are free where .*--scratch"):
        refuse_full_disk(told, tmp_path / "out", None)
    monkeypatch.setattr(foretelling, "free_disk", lambda folder: 80 << 30)
    refuse_full_disk(told, tmp_path / "out", tmp_path / "scratch")
