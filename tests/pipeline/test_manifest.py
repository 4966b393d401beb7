"""Manifests as people's programs write them: read, or refused with the line."""

from pathlib import Path

import pytest

from morphct.ground.errors import InputError
from morphct.pipeline import csv_text, manifest


def write(folder: Path, text: str | bytes, name: str = "lots.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(folder: Path, text: str | bytes, **how):
    return manifest.read(write(folder, text), **how)


def test_a_table_gives_samples_with_facts_sizes_and_settings(tmp_path):
    found = read(tmp_path, "sample,path,voxel_size,lot,split.join\nA 1,a.tif,25nm,7,0.8\n,b.raw.npy,,8,\n")
    first, second = found.samples
    assert (first.name, first.title, first.voxel_size, first.facts, first.overrides, first.line) == (
        "A_1",
        "A 1",
        "25nm",
        {"lot": "7"},
        ("split.join=0.8",),
        2,
    )
    assert first.path == str(tmp_path / "a.tif")
    assert (second.name, second.overrides, second.line) == ("b.raw", (), 3)
    assert not found.faults


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no rows"),
        ("sample,path\n", "no rows"),
        ("\n\n", "no rows"),
        ("sample,file\na,b.tif\n", "no column 'path'"),
        ("sample,pth\na,b.tif\n", "did you mean 'pth'"),
        ("path,lot,lot\na,1,2\n", r"'lot' twice \(columns 2 and 3\)"),
        ('"pa\nth","of\n\nus"\na,1\n', r"no column 'path'.*; it has pa th, of us$"),
        ("path,Path\na,b\n", r"'path' twice"),
        ("path,,lot\na,1,2\n", "column 2 .* has no name"),
        ("path,status,manifest_status\na,1,2\n", "'status'.*'manifest_status'"),
        ('path,lot\n"a.tif,1\nb.tif,2\n', "from line 2 on"),
        (b"PK\x03\x04 and so on", "workbook"),
        (b"path\n\x81\x8d", "no text"),
    ],
)
def test_what_is_wrong_with_a_table_is_one_sentence(tmp_path, text, words):
    with pytest.raises(InputError, match=words) as told:
        read(tmp_path, text)
    assert "\n" not in str(told.value)


def test_rows_that_are_none_are_told_with_their_lines_and_the_others_read(tmp_path):
    text = 'sample,path,note\n\n \t\na,a.tif,"two\nlines"\nb,,\nc,c.tif,x,surplus\nd,d.tif,x,,\na,e.tif\n\nf,f.tif\n'
    found = read(tmp_path, text)
    assert [(s.called, s.line) for s in found.samples] == [("a", 4), ("d", 8), ("f", 11)]
    assert found.samples[0].facts["note"] == "two\nlines"
    assert len(found.faults) == 3
    assert "line 7 has 4 cells, the header 3 columns" in found.faults[0]
    assert "line 6 has no path" in found.faults[1]
    assert found.faults[2].startswith("line 9 (a): there are two samples named 'a' (line 4 (a))")


TABLE = "sample;path;Größe\nNi–80;Pülver.tif;0,8\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        TABLE.encode("utf-16-le"),
        b"\xfe\xff" + TABLE.encode("utf-16-be"),
        TABLE.encode("cp1252"),
        TABLE.replace("\n", "\r\n").encode("cp1252"),
        TABLE.replace("\n", "\r").encode(),
        ("sep=;\n" + TABLE).encode("cp1252"),
        ("\ufeffsep=;\r\n" + TABLE).encode(),
        ('"sep=;"\n' + TABLE).encode(),
        TABLE.replace(";", "\t").encode("utf-16"),
        TABLE.replace(";", "|").encode(),
        TABLE.replace("0,8", '"0,8"').replace(";", ",").encode(),
        TABLE.replace("sample;path", "Sample; Path ").encode(),
    ],
)
def test_tables_as_spreadsheets_write_them(tmp_path, content):
    found = read(tmp_path, content)
    (sample,) = found.samples
    assert (sample.called, Path(sample.path).name, sample.facts) == ("Ni–80", "Pülver.tif", {"Größe": "0,8"})
    assert sample.line == (3 if b"sep" in content else 2)
    assert bool(found.notes) == (b"\x96" in content)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("0,025um", "0.025um"),
        (" 0,025 µm ", "0.025µm"),
        ("25,5nm", "25.5nm"),
        ("0,05um,0,025um,0,025um", "0.05um,0.025um,0.025um"),
        ("0,05 um; 0,025 um; 0,025 um", "0.05um,0.025um,0.025um"),
        ("75nm,25nm,25nm", "75nm,25nm,25nm"),
        ("75,25,25nm", "75,25,25nm"),
        ("25nm", "25nm"),
        ("1px", "1px"),
        ("", ""),
    ],
)
def test_decimal_commas_of_voxel_sizes(written, meant):
    assert manifest.pointed(written) == meant


def test_decimal_commas_where_asked(tmp_path):
    text = "path;mass;lot\na.tif;0,8;1,2,3\n"
    assert read(tmp_path, text).samples[0].facts == {"mass": "0,8", "lot": "1,2,3"}
    assert read(tmp_path, text, decimal_comma=True).samples[0].facts == {"mass": "0.8", "lot": "1,2,3"}


def test_columns_named_like_ours_are_kept_with_a_prefix(tmp_path):
    found = read(tmp_path, "path,status,n_particles,d50_number,equivalent_diameter_um,lot\na.tif,ok,7,1,2,3\n")
    assert found.samples[0].facts == {
        "manifest_status": "ok",
        "manifest_n_particles": "7",
        "manifest_d50_number": "1",
        "manifest_equivalent_diameter_um": "2",
        "lot": "3",
    }


@pytest.mark.parametrize(
    "name", ["x" * 300, "ö" * 300, "粉" * 300, "batch.csv", "-rf", "..", "a/b", "=cmd|' /C calc'!A0", "\t"]
)
def test_any_name_gives_a_folder_that_can_be_made(tmp_path, name):
    folder = manifest.folder_name(name)
    assert folder not in ("batch.csv", "batch.html", ".", "..")
    assert not folder.startswith("-")
    (tmp_path / folder).mkdir()
    assert (tmp_path / folder).parent == tmp_path
    assert len(f".{folder}.12345.parquet".encode()) < 255


def test_long_names_stay_apart(tmp_path):
    found = read(tmp_path, f"sample,path\n{'x' * 300}1,a.tif\n{'x' * 300}2,b.tif\n")
    assert len({s.name for s in found.samples}) == 2
    assert not found.faults


def test_two_names_with_one_folder_are_told(tmp_path):
    found = read(tmp_path, "sample,path\nA 1,a.tif\nA/1,b.tif\n")
    assert len(found.samples) == 1
    assert "both in the folder A_1" in found.faults[0]


def test_the_data_of_a_header_is_no_sample(tmp_path):
    for name in ("a.mhd", "a.raw", "b.vgi", "b.vol", "c.hdr", "c.img", "d.vol"):
        (tmp_path / name).write_bytes(b"x")
    assert [Path(s.path).name for s in manifest.read(tmp_path).samples] == ["a.mhd", "b.vgi", "c.hdr", "d.vol"]


def test_folders_and_globs(tmp_path):
    for name in ("b.tif", "a.tif", "notes.md", "c.npy"):
        (tmp_path / name).write_bytes(b"x")
    assert [s.name for s in manifest.read(tmp_path).samples] == ["a", "b", "c"]
    assert [s.name for s in manifest.read(str(tmp_path / "*.tif")).samples] == ["a", "b"]
    with pytest.raises(InputError, match="holds no volume"):
        manifest.read(str(tmp_path / "*.md"))
    with pytest.raises(InputError, match="is not there"):
        manifest.read(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="morphct run"):
        manifest.read(tmp_path / "a.tif")


def test_label_images_beside_volumes_are_no_samples(tmp_path):
    names = (
        "A1.tif",
        "A1_labels.tif",
        "A1_voids.tif",
        "A2.tif",
        "A2-mask.tif",
        "A2.seg.tif",
        "B_Label.npy",
        "C_mask.tif",
    )
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "old").mkdir()
    for name in ("run.json", "labels.tif"):
        (tmp_path / "old" / name).write_bytes(b"x")
    found = manifest.read(tmp_path)
    assert [s.called for s in found.samples] == ["A1", "A2", "C_mask"]  # C has no volume of which it could be the mask
    assert "A1_labels.tif" in found.notes[0]
    with pytest.raises(InputError, match="morphct measure"):
        manifest.read(str(tmp_path / "*_labels.tif"))
    assert [s.called for s in read(tmp_path, "path\nA1_labels.tif\n").samples] == ["A1_labels"]


def test_a_table_that_cannot_be_opened_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        csv_text.read(tmp_path, ("path",))
