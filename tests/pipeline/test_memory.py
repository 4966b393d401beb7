"""The memory cap counts the process that draws, and what was not kept is told."""

from types import SimpleNamespace

import pytest

from morphct.ground.scratch import Scratch
from morphct.ground.units import VoxelSize
from morphct.pipeline import job as jobs
from morphct.pipeline import publish
from morphct.pipeline.job import Job
from morphct.pipeline.machine import resident
from morphct.pipeline.memory_plan import DRAWING_BYTES, WorkPlan, why_no_room_to_draw
from morphct.pipeline.settings import Settings
from morphct.views import render

CAPPED = Settings().with_overrides(["run.memory=1GiB"])


def job(cap: int) -> Job:
    plan = WorkPlan(cap, 1, 8, 8, 0, (8, 8, 8))
    return Job((8, 8, 8), VoxelSize(1, 1, 1, "px"), plan, Scratch(), map)


def test_a_cap_has_room_to_draw_or_the_sentence_says_what_it_lacks():
    assert not why_no_room_to_draw(job(resident() + DRAWING_BYTES + (64 << 20)).plan)
    told = why_no_room_to_draw(job(resident() + DRAWING_BYTES // 2).plan)
    assert "morphct render" in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("settings", "cap", "order"), [(CAPPED, 1, ["meshes"]), (CAPPED, 1 << 40, ["meshes", "drawing"])]
)
def test_under_a_cap_nothing_is_done_beside_the_drawing(monkeypatch, tmp_path, settings, cap, order):
    done = []

    def apart(folder, meanwhile):
        done.append("drawing")
        meanwhile()
        return ""

    monkeypatch.setattr(render, "apart", apart)
    work = job(cap)
    publish._draw(SimpleNamespace(folder=tmp_path), work, settings, lambda: done.append("meshes"))
    assert done == order
    assert bool(work.warnings) == (len(order) == 1)


def test_without_a_cap_meshes_are_written_while_it_draws(monkeypatch, tmp_path):
    done = []
    monkeypatch.setattr(render, "apart", lambda folder, meanwhile: (done.append("drawing"), meanwhile(), "")[-1])
    publish._draw(SimpleNamespace(folder=tmp_path), job(1), Settings(), lambda: done.append("meshes"))
    assert done == ["drawing", "meshes"]


def test_both_processes_are_counted_together(monkeypatch):
    monkeypatch.setattr(jobs, "peak_memory", lambda: 500)
    monkeypatch.setattr(jobs, "peak_memory_of_drawing", lambda: 750)
    work = job(700)
    assert work.peak_together == 500
    work.held_while_drawing = 492
    assert work.peak_together == 1242
    publish._tell_cap(work, Settings())
    assert not work.notes
    publish._tell_cap(work, CAPPED)
    assert "the cap is" in work.notes[0]
