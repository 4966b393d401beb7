"""The commands end to end, on a phantom of 72^3 voxels: what they leave, what they say, and how they leave."""

import contextlib
import io
import json
import re
import shutil

import faults
import numpy as np
import pytest
import tifffile

from morphct.cli import main
from morphct.pipeline.settings import Settings
from morphct.results.run_folder import open_run


@pytest.fixture(scope="module")
def powder(tmp_path_factory):
    """A phantom with high contrast, so that little of it goes wrong."""
    path = tmp_path_factory.mktemp("powder") / "powder.tif"
    assert (
        main(["phantom", "-q", "-o", str(path), "--size", "72", "--diameter", "22", "--cnr", "6", "--seed", "5"]) == 0
    )
    return path


@pytest.fixture(scope="module")
def told(powder):
    """A run of it into the folder `done`: what it says on stdout and on stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        argv = ["run", str(powder), "-o", str(powder.parent / "done"), "--set", "output.renders=false"]
        assert main(argv) == 0
    return out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def done(powder, told):
    """The run folder."""
    return powder.parent / "done"


def test_run_leaves_the_run_folder(done):
    for name in ("particles", "voids", "aggregates"):
        assert (done / f"{name}.csv").stat().st_size > 0
        assert (done / f"{name}.parquet").exists()
    for name in ("labels.zarr", "voids.zarr", "histogram.csv", "threshold.json", "summary.json", "run.json"):
        assert (done / name).exists()
    for name in ("settings.toml", "report.html", "figures", "morphct.log"):
        assert (done / name).exists()
    assert not (done / "renders").exists()


def test_run_says_what_it_found_and_where(done, told):
    out, _ = told
    n = len(open_run(done).particles)
    assert f"{n:,} particles" in out
    assert str(done / "report.html") in out
    assert str(done / "particles.csv") in out


def test_without_a_terminal_each_stage_is_a_line(done, told):
    """As in a batch system or a pipe: time since the start, name of the stage as it begins; warnings among them."""
    lines = told[1].splitlines()
    assert all(re.match(r"\[\d+:\d\d\] \S", line) for line in lines)
    said = [line.split("] ")[1] for line in lines]
    stages = [stage["name"] for stage in open_run(done).provenance["stages"]]
    assert [line for line in said if line in stages] == stages
    assert len(lines) < 2 * len(stages)


def test_a_settings_file_repeats_the_run(powder, done, tmp_path, capsys):
    again = tmp_path / "again"
    assert main(["run", str(powder), "-o", str(again), "--config", str(done / "settings.toml"), "-q"]) == 0
    assert capsys.readouterr() == ("", "")  # neither numbers nor lines of progress
    for name in ("particles.csv", "voids.csv", "aggregates.csv", "settings.toml"):
        assert (again / name).read_bytes() == (done / name).read_bytes()
    assert Settings.from_toml(again / "settings.toml").output.renders is False


def test_a_finished_folder_is_not_overwritten_unasked(powder, done, capsys):
    before = (done / "particles.csv").stat().st_mtime_ns
    assert main(["run", str(powder), "-o", str(done)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (done / "particles.csv").stat().st_mtime_ns == before


@pytest.mark.parametrize(("limit", "code"), [("qc.n_particles.min=100000", 3), ("qc.n_particlse.min=1", 2)])
def test_a_broken_limit_is_3_when_strict(powder, tmp_path, limit, code, capsys):
    out = tmp_path / "out"
    argv = ["run", str(powder), "-o", str(out), "--set", limit, "--strict", "--set", "output.renders=false"]
    assert main([*argv, "--set", "output.meshes=false"]) == code
    assert out.exists() == (code != 2)
    if code == 3:
        assert "BROKEN" in capsys.readouterr().out


def test_measure_keeps_labels_made_elsewhere(powder, tmp_path, capsys):
    out = tmp_path / "measured"
    labels = powder.with_name("powder_labels.tif")
    argv = ["measure", str(labels), "--grey", str(powder), "-o", str(out), "--set", "output.renders=false"]
    assert main(argv) == 0
    table = open_run(out).particles
    assert set(table.index) == set(range(1, int(tifffile.imread(labels).max()) + 1))
    assert "grey_mean" in table.columns
    assert not (out / "threshold.json").exists()


def test_inspect_and_check_say_what_is_there(powder, capsys):
    assert main(["inspect", str(powder)]) == 0
    told = capsys.readouterr().out
    for word in ("72 x 72 x 72", "0.025", "noise", "CNR", "bricks", "particle"):
        assert word in told
    assert main(["inspect", str(powder), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["volume"]["shape"] == [72, 72, 72]
    assert len(facts["phases"]) >= 2
    assert main(["check", str(powder), "--set", "descriptors.names=solidity"]) == 0
    assert "valid" in capsys.readouterr().out
    assert main(["check", str(powder), "--set", "descriptors.names=solidty"]) == 2
    assert "did you mean 'solidity'" in capsys.readouterr().err
    assert main(["check", str(powder), "--memory", "1KiB"]) == 2
    assert "--memory" in capsys.readouterr().err


def test_report_is_made_again_from_the_folder(done, tmp_path, capsys):
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        shutil.copytree(done, folder)
        (folder / "report.html").unlink()
    assert main(["report", *map(str, folders)]) == 0
    assert all((folder / "report.html").exists() for folder in folders)
    assert (tmp_path / "batch.html").exists()
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert main(["report", str(folders[0]), "-o", str(tmp_path / "elsewhere")]) == 0
    assert (tmp_path / "elsewhere" / "report.html").read_bytes() == (folders[0] / "report.html").read_bytes()


@pytest.fixture
def little_page():
    """A page without figures, which take most of the time of a small run."""
    with faults.quick_page():
        yield


def test_batch_goes_on_after_a_failure_and_resumes(little_page, tmp_path, capsys):
    powder = faults.powder(tmp_path / "balls.tif")
    tifffile.imwrite(tmp_path / "flat.tif", np.zeros((16, 16, 16), np.uint16))
    lots = tmp_path / "lots.csv"
    lots.write_text(f"sample,path,voxel_size,lot\nGood 1,{powder},,1\nbad,flat.tif,25nm,2\n")
    quick = ["--set", "output.renders=false", "--set", "output.meshes=false", "--set", "calibrate.method=none"]
    out = tmp_path / "out"
    argv = ["batch", str(lots), "-o", str(out), *quick]
    assert main(argv) == 2
    told = capsys.readouterr()
    assert "] sample 1 of 2: Good_1" in told.err
    assert re.search(r"\] sample 1 of 2: Good_1 done in [\d.]+ (s|min|h)( \d+ (s|min))?\n", told.err)
    assert re.search(r"\] sample 2 of 2: bad, about [\d.]+ (s|min|h)( \d+ (s|min))? left\n", told.err)
    assert "sample bad failed" in told.err
    assert "Good_1: " in told.out
    assert "Good 1" in (out / "batch.html").read_text()
    assert open_run(out / "Good_1").name == "Good 1"
    first = (out / "batch.csv").read_text()
    assert "failed" in first

    assert main(argv) == 2  # neither resumed nor overwritten: nothing is touched
    assert "--resume keeps what is done" in capsys.readouterr().err
    assert (out / "batch.csv").read_text() == first

    argv += ["--resume", "--strict"]
    assert main(argv) == 2
    assert "(done before)" in capsys.readouterr().out
    lots.write_text(f"sample,path,lot\nGood 1,{powder},1\n")
    assert main([*argv, "--set", "qc.n_particles.min=9999"]) == 3
    assert "(done before)" in capsys.readouterr().out
    lots.write_text(f"sample,path,voxel_size\nGood 1,{powder},50nm\n")
    assert main(argv) == 0
    told = capsys.readouterr()
    assert "(done before)" not in told.out
    assert "Good_1 is measured again: the voxel size is 0.05,0.05,0.05, was 0.025,0.025,0.025" in told.err
    assert open_run(out / "Good_1").voxel_size.z == 0.05


def test_a_report_does_not_replace_the_page_of_others(little_page, done, tmp_path, capsys):
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        shutil.copytree(done, folder)
    names = [str(f) for f in folders]
    assert main(["report", "-q", *names]) == 0
    page = (tmp_path / "batch.html").read_bytes()
    stamp = (folders[0] / "report.html").stat().st_ino
    assert main(["report", *names[:2]]) == 2
    assert "a page over other samples" in capsys.readouterr().err
    assert main(["report", *names[:2], "-o", str(tmp_path)]) == 2
    assert main(["report", names[0], "-o", names[1]]) == 2
    assert "run folder of another sample" in capsys.readouterr().err
    assert (tmp_path / "batch.html").read_bytes() == page
    assert (folders[0] / "report.html").stat().st_ino == stamp  # nothing half done
    (tmp_path / "batch.html").write_text("an older page")
    assert main(["report", "-q", *names]) == 2
    assert main(["report", "-q", *names, "--overwrite"]) == 0
    assert (tmp_path / "batch.html").read_bytes() == page


@pytest.mark.parametrize("argv", [["report", "."], ["render", "."], ["view", "."], ["view", ".", "--web"]])
def test_what_is_no_run_folder_is_told(argv, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    assert "not a run folder" in capsys.readouterr().err


def test_the_glossary_lists_columns_and_takes_names(done, capsys):
    assert main(["descriptors"]) == 0
    told = capsys.readouterr().out
    missing = [column for column in open_run(done).particles.columns if column not in told]
    assert not missing
    assert main(["descriptors", "--markdown", "solidity"]) == 0
    assert "| `solidity` |" in capsys.readouterr().out
    assert main(["descriptors", "solidty"]) == 2
    assert "did you mean 'solidity'" in capsys.readouterr().err
