"""Manifests, and samples that fail without stopping the rest."""

from pathlib import Path

import fake_run
import pytest

from morphct.ground.errors import InputError, SegmentationError
from morphct.pipeline import batch
from morphct.pipeline.job import Silence
from morphct.pipeline.settings import Settings
from morphct.results.run_folder import RunFolder


def manifest(tmp_path, text):
    path = tmp_path / "lots.csv"
    path.write_text(text)
    return path


def test_a_table_gives_samples_with_facts_sizes_and_settings(tmp_path):
    path = manifest(tmp_path, "sample,path,voxel_size,lot,split.join\nA 1,a.tif,25nm,7,0.8\n,b.raw.npy,,8,\n")
    first, second = batch.read_manifest(path)
    assert (first.name, first.voxel_size, first.facts, first.overrides) == (
        "A_1",
        "25nm",
        {"lot": "7"},
        ("split.join=0.8",),
    )
    assert first.path == str(tmp_path / "a.tif")
    assert (second.name, second.overrides) == ("b.raw", ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no rows"),
        ("sample,file\na,b.tif\n", "no column 'path'"),
        ("sample,path\na,b.tif\na,c.tif\n", "two samples named 'a'"),
        ("sample,path\na,\n", "line 2"),
    ],
)
def test_what_is_wrong_with_a_table_is_one_sentence(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        batch.read_manifest(manifest(tmp_path, text))


def test_the_data_of_a_header_is_no_sample(tmp_path):
    for name in ("a.mhd", "a.raw", "b.vgi", "b.vol", "c.hdr", "c.img", "d.vol"):
        (tmp_path / name).write_bytes(b"x")
    found = [Path(s.path).name for s in batch.read_manifest(tmp_path)]
    assert found == ["a.mhd", "b.vgi", "c.hdr", "d.vol"]


def test_folders_and_globs(tmp_path):
    for name in ("b.tif", "a.tif", "notes.md", "c.npy"):
        (tmp_path / name).write_bytes(b"x")
    assert [s.name for s in batch.read_manifest(tmp_path)] == ["a", "b", "c"]
    assert [s.name for s in batch.read_manifest(str(tmp_path / "*.tif"))] == ["a", "b"]
    with pytest.raises(InputError, match="holds no volume"):
        batch.read_manifest(str(tmp_path / "*.md"))
    with pytest.raises(InputError, match="is not there"):
        batch.read_manifest(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="morphct run"):
        batch.read_manifest(tmp_path / "a.tif")


def test_a_failed_sample_is_told_and_the_rest_go_on(tmp_path):
    samples = [batch.Sample("good", "1"), batch.Sample("bad", "2", facts={"lot": "9"}), batch.Sample("broken", "3")]

    def run_one(path, out, **_):
        if path == "2":
            raise SegmentationError("no honest level can be found")
        if path == "3":
            raise ZeroDivisionError("oh")
        fake_run.write(out)
        return RunFolder(out)

    outcomes = batch.run_batch(samples, tmp_path, Settings(), run_one)
    table = batch.table(outcomes)
    assert list(table["status"]) == ["done", "failed", "failed"]
    assert table.loc["bad", "error"] == "no honest level can be found"
    assert table.loc["bad", "lot"] == "9"
    assert "ZeroDivisionError" in table.loc["broken", "error"]
    assert table.loc["good", "n_particles"] > 0

    again = batch.run_batch(samples[:1], tmp_path, Settings().with_overrides(["run.resume=true"]), run_one)
    assert again[0].skipped
    assert batch.table(again)["status"].iloc[0] == "kept"


def test_the_time_left_is_that_of_the_samples_that_ran(tmp_path, monkeypatch):
    """A sample that is kept or fails says nothing of how long the others take."""
    now, said = [0.0], []
    monkeypatch.setattr(batch.time, "monotonic", lambda: now[0])

    class Told(Silence):
        def note(self, text):
            said.append(text)

    def run_one(path, out, **_):
        now[0] += float(path)
        if path == "1":
            raise SegmentationError("no honest level can be found")
        fake_run.write(out)
        return RunFolder(out)

    fake_run.write(tmp_path / "kept")
    samples = [
        batch.Sample("kept", "7"),
        *(batch.Sample(f"s{n}", seconds) for n, seconds in enumerate(["1", "100", "300", "5"])),
    ]
    batch.run_batch(samples, tmp_path, Settings().with_overrides(["run.resume=true"]), run_one, Told())
    assert [line for line in said if "failed" not in line] == [
        "sample 1 of 5: kept",
        "sample 2 of 5: s0",
        "sample 3 of 5: s1",
        "sample 4 of 5: s2, about 3 min left",
        "sample 5 of 5: s3, about 3 min left",
    ]
