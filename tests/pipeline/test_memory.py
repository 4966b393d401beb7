"""The memory cap counts the process that draws, and what was not kept is told."""

from types import SimpleNamespace

import pytest

from morphct.ground.scratch import Scratch
from morphct.ground.units import VoxelSize
from morphct.pipeline import job as jobs
from morphct.pipeline import publish
from morphct.pipeline.job import Job
from morphct.pipeline.machine import resident
from morphct.pipeline.memory_plan import DRAWING_BYTES, FIGURES_BYTES, WorkPlan, why_no_room_to_draw
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


@pytest.fixture
def told(monkeypatch):
    """What is done, in order; drawing begins before what is done meanwhile and ends after it."""
    done = []

    def apart(folder, meanwhile, with_meshes):
        done.append("drawing begins")
        meanwhile()
        done.append("drawing ends")
        return ""

    monkeypatch.setattr(render, "apart", apart)
    monkeypatch.setattr(render, "write_meshes", lambda run: done.append("meshes"))
    monkeypatch.setattr(publish, "RunFolder", lambda folder: None)
    return done


@pytest.mark.parametrize(
    ("settings", "cap", "order"),
    [
        (Settings(), 1, ["drawing begins", "figures", "drawing ends"]),
        (CAPPED, 1 << 40, ["drawing begins", "figures", "drawing ends"]),
        (CAPPED, DRAWING_BYTES, ["figures", "meshes"]),
    ],
)
def test_figures_are_drawn_beside_the_pictures_where_the_cap_has_room(told, tmp_path, settings, cap, order):
    work = job(cap)
    drawn = publish._draw(SimpleNamespace(folder=tmp_path), work, settings, lambda: told.append("figures") or "drawn")
    assert drawn == "drawn"
    assert told == order
    assert bool(work.warnings) == ("meshes" in order)
    assert bool(work.held_while_drawing) == ("meshes" not in order)


def test_a_cap_with_room_for_the_pictures_alone_has_the_figures_first(told, tmp_path):
    work = job(resident() + DRAWING_BYTES + FIGURES_BYTES // 2)
    publish._draw(SimpleNamespace(folder=tmp_path), work, CAPPED, lambda: told.append("figures"))
    assert told == ["figures", "drawing begins", "drawing ends"]


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
