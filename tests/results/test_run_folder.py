"""The run folder: whole or not there, the same bytes twice, opened lazily, refused with a sentence."""

import errno
import json
import os
from pathlib import Path

import fake_run
import numpy as np
import pandas as pd
import pytest

from morphct.ground.errors import InputError, OutputError, SettingsError
from morphct.ground.units import VoxelSize
from morphct.results.run_folder import (
    CHUNK,
    FileWriter,
    LabelStore,
    RunFolder,
    RunWriter,
    label_dtype,
    open_labels,
    open_run,
)
from morphct.results.run_folder import files as files_module

SIZE = VoxelSize(0.075, 0.025, 0.025, "um", "test")


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def broken_run(out: Path, error: BaseException, log: str = "log", overwrite: bool = False) -> None:
    """Write a part of everything, then fail."""
    with RunWriter(out, overwrite) as writer:
        writer.text("particles.csv", "new")
        writer.text("figures/a.txt", "x")
        writer.log_path.write_text(log)
        with writer.labels("labels.zarr", (20, 5, 6), np.uint16, SIZE) as store:
            store.write(np.zeros((3, 5, 6), np.int32))
            raise error


def small_run(out: Path, overwrite: bool = False, sample: str = "a") -> None:
    with RunWriter(out, overwrite) as writer:
        writer.table("particles", pd.DataFrame({"label": [1, 2], "x": [0.5, np.nan]}).set_index("label"))
        writer.json("run.json", {"sample": sample})
        writer.log_path.write_text("log of " + sample)
        writer.commit()


def test_a_run_folder_reads_back(tmp_path):
    fake = fake_run.write(tmp_path / "run", n=12)
    run = open_run(tmp_path / "run")
    assert run.particles.index.name == "label"
    assert run.voids.index.name == "void_id"
    assert run.aggregates.index.name == "aggregate_id"
    pd.testing.assert_frame_equal(run.particles, fake.particles, check_dtype=False)
    np.testing.assert_array_equal(run.labels[:], fake.labels)
    np.testing.assert_array_equal(run.void_labels[3:9, 2:50, 7:8], fake.voids[3:9, 2:50, 7:8])
    assert run.voxel_size.spacing == fake.voxel_size.spacing
    assert run.summary["counts"]["particles"] == len(fake.particles)
    assert run.threshold["cnr"] == 2.28
    assert len(run.histogram) == 512
    assert run.provenance["input"]["dtype"] == "uint16"
    assert not list((tmp_path / "run").glob(".*"))


def test_the_same_run_twice_gives_the_same_bytes(tmp_path):
    fake_run.write(tmp_path / "a", n=8)
    fake_run.write(tmp_path / "b", n=8)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_missing_tables_are_empty_not_errors(tmp_path):
    small_run(tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    assert len(run.voids) == 0
    assert run.voids.index.name == "void_id"
    assert run.void_labels is None
    assert run.histogram is None
    assert run.threshold == {}
    with pytest.raises(InputError, match=r"labels\.zarr"):
        _ = run.labels


def test_csv_is_read_when_parquet_is_gone(tmp_path):
    small_run(tmp_path / "run")
    (tmp_path / "run/particles.parquet").unlink()
    table = RunFolder(tmp_path / "run").particles
    assert list(table.index) == [1, 2]
    assert np.isnan(table["x"].iloc[1])


def test_what_is_not_a_run_folder_is_told(tmp_path):
    with pytest.raises(InputError, match="is not there"):
        RunFolder(tmp_path / "nothing")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        RunFolder(tmp_path / "file")
    with pytest.raises(InputError, match="not a run folder"):
        RunFolder(tmp_path)
    (tmp_path / "run.json").write_text("{ broken")
    with pytest.raises(InputError, match="cannot be read"):
        RunFolder(tmp_path)
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(InputError, match="not what morphct writes"):
        RunFolder(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "particles.parquet").write_bytes(b"PAR1 cut short")
    with pytest.raises(InputError, match="cannot be read"):
        _ = RunFolder(tmp_path).particles


def test_an_existing_folder_needs_overwrite(tmp_path):
    out = tmp_path / "run"
    small_run(out)
    before = tree(out)
    with pytest.raises(OutputError, match="--overwrite"):
        RunWriter(out)
    assert tree(out) == before
    small_run(out, overwrite=True, sample="b")
    assert RunFolder(out).name == "b"


def test_an_empty_folder_and_a_left_over_log_are_no_obstacle(tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    (out / "morphct.log").write_text("of a failed run")
    small_run(out)
    assert (out / "morphct.log").read_text() == "log of a"


def test_overwrite_takes_away_the_old_run_but_nothing_of_the_users(tmp_path):
    out = tmp_path / "run"
    small_run(out)
    (out / "labels.tif").write_text("of the older run")
    (out / "figures").mkdir()
    (out / "figures/old.png").write_text("x")
    (out / "notes.txt").write_text("mine")
    small_run(out, overwrite=True)
    names = {p.name for p in out.iterdir()}
    assert "notes.txt" in names
    assert not names & {"labels.tif", "figures"}


def test_overwrite_of_a_folder_that_is_no_run_deletes_nothing(tmp_path):
    out = tmp_path / "mine"
    (out / "figures").mkdir(parents=True)
    (out / "labels.tif").write_text("my input")
    small_run(out, overwrite=True)
    assert (out / "labels.tif").read_text() == "my input"
    assert (out / "figures").is_dir()


def test_the_old_run_stays_until_the_new_one_is_whole(tmp_path):
    out = tmp_path / "run"
    small_run(out)
    before = tree(out)
    with RunWriter(out, overwrite=True) as writer:
        writer.text("particles.csv", "new")
        assert (out / "particles.csv").read_bytes() == before["particles.csv"]
    with pytest.raises(InputError):
        broken_run(out, InputError("no"), overwrite=True)
    assert tree(out) == before


@pytest.mark.parametrize("error", [InputError("no"), KeyboardInterrupt()])
def test_nothing_is_left_after_a_user_error_or_an_interrupt(tmp_path, error):
    with pytest.raises(type(error)):
        broken_run(tmp_path / "deep/er/run", error)
    assert list(tmp_path.iterdir()) == []


def test_after_a_defect_the_log_stays_and_does_not_block_the_next_run(tmp_path):
    out = tmp_path / "run"
    with pytest.raises(ZeroDivisionError):
        broken_run(out, ZeroDivisionError(), "traceback")
    assert tree(out) == {"morphct.log": b"traceback"}
    small_run(out)
    with pytest.raises(ZeroDivisionError):
        broken_run(out, ZeroDivisionError(), "second", overwrite=True)
    assert (out / "morphct.log").read_text() == "log of a"
    assert (out / "morphct-failed.log").read_text() == "second"


def test_a_killed_run_is_cleared_away(tmp_path):
    out = tmp_path / "run"
    (out / ".morphct-partial/figures").mkdir(parents=True)
    (out / ".morphct-partial/particles.csv").write_text("half")
    small_run(out)
    assert not (out / ".morphct-partial").exists()
    assert (out / "particles.csv").read_text().startswith("label,x")


def test_two_runs_cannot_write_one_folder(tmp_path):
    with RunWriter(tmp_path / "run") as writer:
        with pytest.raises(OutputError, match="another morphct"):
            RunWriter(tmp_path / "run")
        assert writer.folder.exists()


def test_out_is_a_file(tmp_path):
    (tmp_path / "run").write_text("x")
    with pytest.raises(OutputError, match="is a file"):
        RunWriter(tmp_path / "run", overwrite=True)
    with pytest.raises(OutputError, match="in its way"):
        RunWriter(tmp_path / "run" / "below")


@pytest.mark.parametrize(("code", "words"), [(errno.ENOSPC, "is full"), (errno.EROFS, "read-only"), (5, "cannot be")])
def test_what_the_disk_refuses_is_one_sentence(tmp_path, monkeypatch, code, words):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files_module.os, "fsync", refuse)
    with pytest.raises(OutputError, match=words) as told:
        small_run(tmp_path / "run")
    assert "\n" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_while_labels_are_written(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(LabelStore, "_put", refuse)
    with (
        pytest.raises(OutputError, match="is full"),
        RunWriter(tmp_path / "run") as writer,
        writer.labels("labels.zarr", (20, 5, 6), np.uint16, SIZE) as store,
    ):
        store.write(np.zeros((20, 5, 6), np.int32))
    assert list(tmp_path.iterdir()) == []


def test_json_is_sorted_and_has_no_nan(tmp_path):
    content = {"b": np.float64("nan"), "a": [np.int64(3), float("inf"), np.bool_(True)], "p": Path("x"), "d": (1, 2)}
    FileWriter(tmp_path).json("x.json", content)
    text = (tmp_path / "x.json").read_text()
    assert json.loads(text) == {"a": [3, None, True], "b": None, "d": [1, 2], "p": "x"}
    assert text.index('"a"') < text.index('"b"')


def test_a_failed_write_leaves_the_older_file(tmp_path):
    writer = FileWriter(tmp_path)
    writer.text("a.txt", "old")

    def half(path: Path) -> None:
        path.write_text("half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), writer.file("a.txt") as path:
        half(path)
    assert tree(tmp_path) == {"a.txt": b"old"}


@pytest.mark.parametrize("cuts", [[1] * 37, [5, 30, 2], [16, 16, 5], [37], [3, 34], [32, 5]])
def test_label_store_bytes_do_not_depend_on_the_slabs(tmp_path, cuts):
    rng = np.random.default_rng(1)
    labels = np.repeat(rng.integers(0, 9, (37, 10, 11)), 30, axis=2).astype(np.int32)
    stores = []
    for name, thick in (("cut", cuts), ("whole", [37])):
        store = LabelStore(tmp_path / f"{name}.zarr", labels.shape, np.uint16, SIZE)
        z = 0
        for n in thick:
            block = labels[z : z + n].copy()
            store.write(block)
            block[:] = -1  # the caller may use its slab again
            z += n
        store.close()
        stores.append(tree(tmp_path / f"{name}.zarr"))
        np.testing.assert_array_equal(open_labels(tmp_path / f"{name}.zarr")[:], labels)
    cut, whole = ({k: v for k, v in s.items() if k != "zarr.json"} for s in stores)
    assert cut == whole


def test_label_store_metadata(tmp_path):
    LabelStore(tmp_path / "l.zarr", (20, 300, 30), np.uint32, SIZE)
    array = open_labels(tmp_path / "l.zarr")
    assert array.chunks == (CHUNK[0], CHUNK[1], 30)
    assert array.metadata.dimension_names == ("z", "y", "x")
    ome = json.loads((tmp_path / "l.zarr/zarr.json").read_text())["attributes"]["ome"]
    scale = ome["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"]
    assert scale == [0.075, 0.025, 0.025]
    assert ome["multiscales"][0]["axes"][0] == {"name": "z", "type": "space", "unit": "micrometer"}
    store = LabelStore(tmp_path / "px.zarr", (20, 3, 3), np.uint16, VoxelSize(1, 1, 1, "px"))
    with pytest.raises(ValueError, match="0 of 20"):
        store.close()


@pytest.mark.parametrize(("count", "dtype"), [(0, "uint16"), (65535, "uint16"), (65536, "uint32")])
def test_label_dtype(count, dtype):
    assert label_dtype(count) == np.dtype(dtype)


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
def test_labels_tiff(tmp_path, dtype):
    tifffile = pytest.importorskip("tifffile")
    labels = np.random.default_rng(0).integers(0, 60000, (19, 20, 30)).astype(dtype)
    contents = []
    for name in ("a", "b"):
        with RunWriter(tmp_path / name) as writer:
            writer.labels_tiff("labels.tif", labels, SIZE)
            writer.json("run.json", {})
            writer.commit()
        contents.append((tmp_path / name / "labels.tif").read_bytes())
    assert contents[0] == contents[1]
    with tifffile.TiffFile(tmp_path / "a/labels.tif") as tiff:
        np.testing.assert_array_equal(tiff.asarray(), labels)
        assert tiff.is_imagej == (dtype == np.uint16)
        if tiff.is_imagej:
            assert tiff.imagej_metadata["spacing"] == 0.075
            assert tiff.pages[0].tags["XResolution"].value == (40, 1)
        else:
            assert 'PhysicalSizeZ="0.075"' in tiff.ome_metadata


def test_limits():
    from morphct.results.qc import check_limits, judge

    limits = check_limits(
        {"d50_number": {"min": 1, "max": 3}, "void_fraction": {"max": 0.05}, "sphericity": {"min": 0}}
    )
    verdicts = judge({"d50_number": 2.0, "void_fraction": 0.06, "sphericity": float("nan"), "n_voids": 3.0}, limits)
    assert [v.passed for v in verdicts] == [True, False, False]
    with pytest.raises(SettingsError, match="d50_number"):
        judge({"d50_number": 1.0}, {"d50_numbr": {"min": 1}})
    for bad in ({"a": 3}, {"a": {}}, {"a": {"low": 1}}, {"a": {"min": "x"}}, {"a": {"min": 3, "max": 1}}):
        with pytest.raises(SettingsError, match=r"qc\.a"):
            check_limits(bad)


def test_an_index_without_a_name_is_no_column(tmp_path):
    with RunWriter(tmp_path / "run") as writer:
        writer.table("contacts", pd.DataFrame({"label_1": [3], "label_2": [7]}))
        writer.table("voids", pd.DataFrame({"label": [3]}, index=pd.Index([1], name="void_id")))
        writer.json("run.json", {})
        writer.commit()
    assert (tmp_path / "run/contacts.csv").read_text() == "label_1,label_2\n3,7\n"
    assert (tmp_path / "run/voids.csv").read_text() == "void_id,label\n1,3\n"
