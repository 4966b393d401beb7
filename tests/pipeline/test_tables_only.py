"""`--tables-only`: tables, labels and numbers, and nothing that takes time to draw or to calibrate."""

import shlex
from pathlib import Path

import numpy as np
import pytest
import tifffile

import morphct
from morphct.cli.entry import main
from morphct.results.run_folder import open_run

DRAWN = {"report.html", "figures", "renders", "meshes", "review", "calibration.csv", "calibration.json"}


@pytest.fixture
def labels(tmp_path) -> Path:
    image = np.zeros((20, 20, 44), np.uint8)
    image[2:18, 2:18, 2:18], image[4:16, 4:16, 24:36] = 1, 2
    tifffile.imwrite(tmp_path / "labels.tif", image)
    return tmp_path / "labels.tif"


def test_measure_writes_tables_alone(labels, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["measure", str(labels), "-o", str(out), "--voxel-size", "1um", "--tables-only", "--no-progress"]) == 0
    said = capsys.readouterr().out
    assert f"page        left out; `morphct report {out}` writes it" in said
    there = {p.name for p in out.iterdir()}
    assert not DRAWN & there
    assert {"particles.csv", "voids.csv", "review.csv", "summary.json", "labels.zarr", "run.json"} <= there
    particles = open_run(out).particles
    assert particles["n_voxels"].tolist() == [16**3, 12**3]
    assert not [c for c in particles.columns if c.endswith("_u")]
    assert main(["report", str(out)]) == 0
    assert (out / "report.html").exists()


def test_run_writes_tables_alone(labels, tmp_path):
    mask = (tifffile.imread(labels) > 0).astype(np.uint8)
    tifffile.imwrite(tmp_path / "mask.tif", mask)
    out = tmp_path / "out"
    given = ["run", str(tmp_path / "mask.tif"), "-o", str(out), "--voxel-size", "1um", "--tables-only", "-q"]
    assert main(given) == 0
    assert not DRAWN & {p.name for p in out.iterdir()}
    again = tmp_path / "again"
    assert main([*given[:3], str(again), "--config", str(out / "settings.toml"), "-q"]) == 0
    assert {p.name for p in again.iterdir()} == {p.name for p in out.iterdir()}


def test_a_batch_writes_tables_alone_keeps_them_and_says_how_the_pages_are_made(labels, tmp_path, capsys):
    mask = (tifffile.imread(labels) > 0).astype(np.uint8)
    for name in ("a", "b b"):
        tifffile.imwrite(tmp_path / f"{name}.tif", mask)
    lots, out = tmp_path / "lots.csv", tmp_path / "out"
    lots.write_text("sample,path,voxel_size\na,a.tif,1um\nb b,b b.tif,1um\n")
    given = ["batch", str(lots), "-o", str(out), "--tables-only", "--no-progress"]
    assert main(given) == 0
    sentence = f"pages       of 2 samples left out; `morphct report {out / 'a'} {out / 'b_b'}` writes them"
    assert sentence in capsys.readouterr().out
    assert not DRAWN & {p.name for name in ("a", "b_b") for p in (out / name).iterdir()}
    assert 'href="a/report.html' not in (out / "batch.html").read_text()
    written = (out / "a/particles.parquet").stat().st_mtime_ns
    assert main([*given, "--resume", "--set", "qc.n_particles.min=9", "--strict"]) == 3
    said = capsys.readouterr().out
    assert said.count("(done before)") == 2
    assert sentence in said
    assert (out / "a/particles.parquet").stat().st_mtime_ns == written
    assert not DRAWN & {p.name for name in ("a", "b_b") for p in (out / name).iterdir()}
    assert main(shlex.split(sentence.split("`")[1])[1:]) == 0
    assert all((out / name / "report.html").exists() for name in ("a", "b_b"))
    assert 'href="a/report.html' in (out / "batch.html").read_text()


def test_the_command_for_the_pages_works_where_a_sample_failed(labels, tmp_path, capsys):
    mask = (tifffile.imread(labels) > 0).astype(np.uint8)
    for name in ("a", "b"):
        tifffile.imwrite(tmp_path / f"{name}.tif", mask)
    tifffile.imwrite(tmp_path / "flat.tif", np.zeros((16, 16, 16), np.uint16))
    (tmp_path / "lots.csv").write_text("sample,path,voxel_size\na,a.tif,1um\nb,b.tif,1um\nflat,flat.tif,1um\n")
    given = ["batch", str(tmp_path / "lots.csv"), "-o", str(tmp_path / "out"), "--tables-only", "--no-progress"]
    assert main(given) == 2
    command = capsys.readouterr().out.split("`")[1]
    assert main(shlex.split(command)[1:]) == 0
    assert (tmp_path / "out/b/report.html").exists()
    assert "flat" in (tmp_path / "out/batch.html").read_text()


def test_an_image_without_labels_is_told(tmp_path, capsys):
    tifffile.imwrite(tmp_path / "empty.tif", np.zeros((8, 9, 10), np.uint8))
    given = ["measure", str(tmp_path / "empty.tif"), "-o", str(tmp_path / "out"), "--voxel-size", "1um"]
    assert main([*given, "--tables-only", "--no-progress"]) == 0
    assert "empty.tif holds no label: every voxel is 0" in capsys.readouterr().out
    with pytest.warns(UserWarning, match="the label image holds no label: every voxel is 0"):
        table = morphct.measure(np.zeros((8, 9, 10), np.uint8))
    assert len(table) == 0


def test_a_mask_is_told_by_the_function_too(labels):
    mask = (tifffile.imread(labels) > 0).astype(np.uint8)
    with pytest.warns(UserWarning, match="its 1 label lies in 2 separate pieces.*scipy.ndimage.label.*`morphct run`"):
        table = morphct.measure(mask, names=("size",))
    assert len(table) == 1


def test_names_as_toml_writes_them(labels, tmp_path):
    given = ["measure", str(labels), "-o", str(tmp_path / "out"), "--voxel-size", "1um", "--tables-only", "-q"]
    assert main([*given, "--set", 'descriptors.names=["size","surface"]']) == 0
    columns = set(open_run(tmp_path / "out").particles.columns)
    assert {"volume_um3", "surface_area_um2"} <= columns
    assert "sphericity" not in columns
