"""Samples that fail without stopping the rest, that are kept or measured again, and the table of them."""

from types import SimpleNamespace

import fake_run
import faults
import pytest

from morphct.ground.errors import SegmentationError
from morphct.pipeline import batch
from morphct.pipeline.job import Silence
from morphct.pipeline.manifest import Sample
from morphct.pipeline.settings import Settings
from morphct.results.run_folder import RunFolder, csv_of


@pytest.fixture(autouse=True)
def little_page():
    """A page without figures."""
    with faults.quick_page():
        yield


RESUME = Settings().with_overrides(["run.resume=true"])


class Told(Silence):
    """What a batch says while it works."""

    def __init__(self):
        self.said = []

    def note(self, text):
        self.said.append(text)


def runs(run, differences=lambda *_: []):
    return SimpleNamespace(run=run, differences=differences)


def run_one(path, out, overwrite=False, **_):
    if path == "2":
        raise SegmentationError("no honest level can be found")
    if path == "3":
        raise ZeroDivisionError("oh")
    if path == "4":
        raise FileNotFoundError(2, "No such file or directory", "4")
    fake_run.write(out, overwrite=overwrite)
    return RunFolder(out)


def test_a_failed_sample_is_told_and_the_rest_go_on(tmp_path):
    samples = [Sample("good", "1"), Sample("bad", "2", facts={"lot": "9"}), Sample("broken", "3"), Sample("gone", "4")]
    outcomes = batch.run_batch(samples, tmp_path, Settings(), runs(run_one))
    table = batch.table(outcomes)
    assert list(table["status"]) == ["done", "failed", "failed", "failed"]
    assert table.loc["bad", "error"] == "no honest level can be found"
    assert table.loc["bad", "lot"] == "9"
    assert "ZeroDivisionError" in table.loc["broken", "error"]
    assert "defect" not in table.loc["gone", "error"]
    assert table.loc["good", "n_particles"] > 0


def test_a_sample_that_is_done_is_kept_and_held_against_the_limits_of_now(tmp_path):
    samples = [Sample("good", "1", title="Good, 1")]
    batch.run_batch(samples, tmp_path, Settings(), runs(run_one))
    limits = RESUME.with_overrides(["qc.n_particles.min=9999"])
    (kept,) = batch.run_batch(samples, tmp_path, limits, runs(run_one))
    assert kept.skipped
    table = batch.table([kept])
    assert list(table["status"]) == ["done"]
    assert list(table.index) == ["Good, 1"]
    assert list(table["folder"]) == ["good"]
    assert list(table["limits_broken"]) == [1]
    assert "n_particles" in (tmp_path / "good/report.html").read_text()


def test_a_sample_of_other_work_is_measured_again_and_told_why(tmp_path):
    samples, told = [Sample("good", "1")], Told()
    batch.run_batch(samples, tmp_path, Settings(), runs(run_one))
    before = (tmp_path / "good/run.json").stat().st_ino
    other = runs(run_one, lambda *_: ["split.join is 0.7, was 0.8"])
    (again,) = batch.run_batch(samples, tmp_path, RESUME, other, told)
    assert not again.skipped
    assert (tmp_path / "good/run.json").stat().st_ino != before
    assert "sample good is measured again: split.join is 0.7, was 0.8" in told.said


def test_a_run_folder_that_cannot_be_read_is_measured_again(tmp_path):
    (tmp_path / "good").mkdir()
    (tmp_path / "good/run.json").write_text("{ half")
    (outcome,) = batch.run_batch([Sample("good", "1")], tmp_path, RESUME, runs(run_one))
    assert outcome.status == "done"
    assert not outcome.skipped


def test_a_sample_that_was_cut_off_may_be_replaced_when_it_is_of_other_work(tmp_path):
    (tmp_path / "a/.morphct-partial").mkdir(parents=True)
    (tmp_path / "a/.morphct-partial/moving.json").write_text("{}")
    seen = []

    def watched(path, out, overwrite=False, **_):
        seen.append(overwrite)
        return run_one(path, out.with_name("elsewhere"), overwrite=True)

    batch.run_batch([Sample("a", "1")], tmp_path, RESUME, runs(watched))
    batch.run_batch([Sample("a", "1")], tmp_path, Settings(), runs(watched))
    assert seen == [True, False]


def test_what_is_kept_is_known_before_the_first_sample_and_all_is_told_after_each(tmp_path):
    samples = [Sample(n, "1") for n in ("a", "b", "c")]
    fake_run.write(tmp_path / "c")
    seen = []
    batch.run_batch(samples, tmp_path, RESUME, runs(run_one), told=lambda o: seen.append([x.status for x in o]))
    assert seen == [
        ["waiting", "waiting", "done"],
        ["done", "waiting", "done"],
        ["done", "done", "done"],
    ]


def test_every_sample_begins_and_ends_with_a_line_and_the_time_left_is_that_of_those_that_ran(tmp_path, monkeypatch):
    """A sample that is kept or fails says nothing of how long the others take."""
    now, told = [0.0], Told()
    monkeypatch.setattr(batch.time, "monotonic", lambda: now[0])

    def timed(path, out, **how):
        now[0] += float(path)
        if path == "1":
            raise SegmentationError("no honest level can be found")
        fake_run.write(out)
        return RunFolder(out)

    fake_run.write(tmp_path / "kept")
    samples = [Sample("kept", "7"), *(Sample(f"s{n}", seconds) for n, seconds in enumerate(["1", "100", "300", "5"]))]
    batch.run_batch(samples, tmp_path, RESUME, runs(timed), told)
    assert told.said == [
        "sample kept is kept: the same version, settings and content",
        "sample 2 of 5: s0",
        "sample s0 failed: no honest level can be found",
        "sample 3 of 5: s1",
        "sample 3 of 5: s1 done in 2 min",
        "sample 4 of 5: s2, about 3 min left",
        "sample 4 of 5: s2 done in 5 min",
        "sample 5 of 5: s3, about 3 min left",
        "sample 5 of 5: s3 done in 5 s",
    ]


@pytest.mark.parametrize(
    ("override", "found"), [("split.join=0,75", 0.75), ("split.join=0.75", 0.75), ("voids.threshold=3,5", 3.5)]
)
def test_decimal_commas_of_settings_that_are_numbers(override, found):
    section, name = override.partition("=")[0].split(".")
    own = batch.own_settings(Sample("a", "1", overrides=(override,)), Settings())
    assert getattr(getattr(own, section), name) == found


def test_formulas_of_the_manifest_do_not_run_and_numbers_stay_numbers(tmp_path):
    facts = {"=cmd|' /C calc'!A0": "x", "mass": "-0.8", "lot": "@SUM(A1)", "by": "\t=1+1", "shift": "+3 h", "t": "-5,2"}
    text = csv_of(batch.table([batch.Outcome(Sample("a", "=1.tif", facts=facts, title="-2+3"), error="oh")]))
    header, row = text.splitlines()
    assert header.startswith("sample,path,'=cmd|' /C calc'!A0,mass,lot,by,shift,t,folder")
    assert row == "'-2+3,'=1.tif,x,-0.8,'@SUM(A1),'\t=1+1,'+3 h,\"-5,2\",a,failed,oh"
