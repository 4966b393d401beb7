"""What keeps a batch from starting is known before the first voxel, all of it in one go."""

import os

import fake_run
import numpy as np
import pytest

from morphct.cli import main
from morphct.pipeline import batch_check, manifest
from morphct.pipeline.settings import Settings


@pytest.fixture
def lots(tmp_path, tmp_tif):
    """`lots(text)` is a manifest of these lines beside the volumes a.tif (25 nm) and bare.tif (no voxel size)."""
    grey = np.zeros((8, 9, 10), np.uint16)
    tmp_tif(grey, "a.tif", 0.025)
    tmp_tif(grey, "bare.tif")

    def write(text):
        path = tmp_path / "lots.csv"
        path.write_text(text)
        return path

    return write


def faults(path, *texts, out=None):
    return batch_check.faults(manifest.read(path), Settings().with_overrides(texts), out)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("gone.tif,,", "gone.tif"),
        ("lots.csv,,", "lots.csv"),
        ("bare.tif,,", "--voxel-size"),
        ("a.tif,25,", "25"),
        ("a.tif,25 parsec,", "parsec"),
        ("a.tif,,magic", "split.method"),
        ("x" * 5000 + ".tif,,", "xxx"),
    ],
)
def test_each_fault_of_a_row_has_its_line(lots, row, words):
    (told,) = faults(lots(f"sample,path,voxel_size,split.method\nok,a.tif,,\n\nbad,{row}\n"))
    assert told.startswith("line 4 (bad): ")
    assert words in told
    assert "defect" not in told


def test_all_faults_are_told_in_one_go(lots):
    rows = ("A,gone.tif,,", "B,a.tif,25,", "C,a.tif,,otsu", "D,,,", "A,a.tif,,", "ok,a.tif,,", "")
    told = faults(lots("\n".join(("sample,path,voxel_size,threshold.metod", *rows))))
    for words in ("line 2 (A): ", "line 3 (B): ", "line 4 (C): ", "line 5 has no path", "line 6 (A): there are two"):
        assert any(words in sentence for sentence in told), words
    assert any("did you mean 'method'" in sentence for sentence in told)


def test_a_misspelt_limit_is_told_once_with_the_nearest_name(lots):
    text = "sample,path\nA,a.tif\nB,a.tif\n"
    (told,) = faults(lots(text), "qc.d50_numbr.min=1")
    assert "lines 2, 3: " in told
    assert "did you mean 'd50_number'" in told
    assert not faults(lots(text), "qc.d50_number.min=1", "qc.equivalent_diameter_um.max=3", "qc.grey_mean.min=0")
    assert "equivalent_diameter_um" in faults(lots(text), "qc.equivalent_diameter_px.max=3")[0]
    (told,) = faults(lots("sample,path,qc.d50_numbr.min\nA,a.tif,1\nB,a.tif,\n"))
    assert told.startswith("line 2 (A): ")


def test_a_limit_on_a_column_that_was_not_asked_for_is_told(lots):
    (told,) = faults(lots("path\na.tif\n"), "qc.sphericity.min=0", "descriptors.names=solidity")
    assert "qc.sphericity" in told


def test_mixed_units_are_told(lots):
    (told,) = faults(lots("sample,path,voxel_size\nA,a.tif,\nB,a.tif,1px\nC,bare.tif,30nm\n"))
    assert "lines 2, 4 in micrometres, line 3 (B) in voxels" in told


def test_a_memory_cap_that_is_too_small_is_told(lots):
    assert "--memory" in faults(lots("path\na.tif\n"), "run.memory=1KiB")[0]


def test_what_is_done_is_not_replaced_unasked(lots, tmp_path):
    path, out = lots("sample,path\nA,a.tif\nB,a.tif\n"), tmp_path / "out"
    assert not faults(path, out=out)
    fake_run.write(out / "A")
    (told,) = faults(path, out=out)
    assert "already holds runs of 1 of these samples" in told
    assert not faults(path, "run.resume=true", out=out)
    assert not faults(path, "run.overwrite=true", out=out)
    (out / "B").mkdir()
    assert not faults(path, "run.resume=true", out=out)
    (out / "B/mine.txt").write_text("x")
    assert "line 3 (B): " in faults(path, "run.resume=true", out=out)[0]
    other = tmp_path / "other"
    other.mkdir()
    (other / "batch.csv").write_text("sample\n")
    assert "of another batch" in faults(path, out=other)[0]


def test_an_output_folder_that_cannot_be_is_told(lots, tmp_path):
    path = lots("path\na.tif\n")
    assert "is a file" in faults(path, out=tmp_path / "a.tif" / "below")[0]
    (tmp_path / "shut").mkdir(mode=0o500)
    if not os.access(tmp_path / "shut", os.W_OK):
        assert "cannot be written" in faults(path, out=tmp_path / "shut" / "below")[0]


def test_nothing_is_started_with_a_fault(lots, tmp_path, capsys):
    path, out = lots("sample,path\nA,a.tif\nB,gone.tif\nC,\n"), tmp_path / "out"
    assert main(["batch", str(path), "-o", str(out)]) == 2
    told = capsys.readouterr()
    assert told.err.count("\n") == 3
    assert all(line.startswith("morphct: ") for line in told.err.splitlines())
    assert "nothing was started" in told.err
    assert not out.exists()
    assert main(["batch", str(path), "--check"]) == 2
    assert "line 3 (B)" in capsys.readouterr().err
    assert main(["batch", str(lots("path\na.tif\n")), "--check"]) == 0
    assert "1 samples can be run" in capsys.readouterr().out
    assert main(["batch", str(path)]) == 2
    assert "-o OUT" in capsys.readouterr().err


def test_a_batch_again_leaves_table_and_page_alone(lots, tmp_path, capsys):
    path, out = lots("sample,path\nA,a.tif\n"), tmp_path / "out"
    fake_run.write(out / "A")
    for name in ("batch.csv", "batch.html"):
        (out / name).write_text("good")
    assert main(["batch", str(path), "-o", str(out)]) == 2
    assert "--resume" in capsys.readouterr().err
    assert [(out / name).read_text() for name in ("batch.csv", "batch.html")] == ["good", "good"]
