"""What all readers share: the choice of a reader, bad input, label images, the fingerprint."""

import hashlib
import re

import h5py
import numpy as np
import pytest
import tifffile
import zarr

from morphct import reading
from morphct.ground.errors import InputError, UserError
from morphct.reading import hashing, open_labels, open_volume
from morphct.reading.volume import ArraySource, Volume


def test_formats_are_declared_once_and_listed():
    declared = reading.formats()
    assert len(reading.format_lines()) == len(declared)
    suffixes = [s for f in declared for s in f.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert all(s.startswith(".") and s == s.lower() for s in suffixes)
    for word in ("TIFF", "raw", ".vol", ".npy", ".mhd", ".nrrd", ".h5", ".zarr", ".txm"):
        assert word in reading.format_names()
    assert not any("txrm" in line for line in reading.format_lines())


BAD = {
    "missing": (None, "there is no file .*gone.tif"),
    "empty.tif": (b"", r"empty.tif is empty \(0 bytes\)"),
    "text.tif": (b"hello world\n", "text.tif is named like a TIFF stack file but is a text file"),
    "text.npy": (b"hello world\n", "is a text file"),
    "text.h5": (b"hello world\n", "is a text file"),
    "text.nrrd": (b"hello world\n", "is a text file"),
    "text.mhd": (b"hello world\n", "not a whole MetaImage header"),
    "text.txt": (b"hello world\n", r"text.txt is a text file; read are TIFF stack \(.tif\)"),
    "other.xyz": (bytes(range(200)), r"of a format that is not known; read are TIFF"),
    "noise.tif": (bytes(range(200)), "something else"),
    "noise.txm": (bytes(range(200)), "something else"),
    "head.tif": (b"II*\0", r"truncated or damaged: it ends in its first page"),
    "head2.tif": (b"II*\0\x08\0\0\0", r"truncated or damaged: it ends in its first page"),
    "nopage.tif": (b"II*\0\0\0\0\0", r"without a page"),
    "circle.tif": (b"II*\0\x08\0\0\0\0\0\x08\0\0\0", r"damaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(tmp_path, name):
    content, words = BAD[name]
    path = tmp_path / ("gone.tif" if content is None else name)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=words) as caught:
        open_volume(path)
    text = str(caught.value)
    assert "\n" not in text
    assert not re.search(r"\.\s+[A-Z]", text), "one sentence"


@pytest.mark.parametrize("kind", ["plain.tif", "packed.tif", "imagej.tif", "a.npy", "a.h5"])
def test_files_that_were_cut_or_overwritten_never_end_in_a_traceback(grey, tmp_path, kind):
    rng, array, path = np.random.default_rng(5), grey("u2", (6, 20, 21)), tmp_path / kind
    if kind == "a.npy":
        np.save(path, array)
    elif kind == "a.h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("v", data=array, chunks=(3, 8, 8), compression="gzip")
    else:
        how = {"packed.tif": {"compression": "lzw"}, "imagej.tif": {"imagej": True}}.get(kind, {})
        tifffile.imwrite(path, array, **how)
    whole = path.read_bytes()
    for trial in range(24):
        data = bytearray(whole)
        if trial % 2:
            data = data[: rng.integers(1, len(data))]
        else:
            for at in rng.integers(0, (64, 600, len(data))[trial % 3], 3):
                data[at] = rng.integers(256)
        path.write_bytes(data)
        sentence = ""
        try:
            volume = open_volume(path)
            assert volume[:2].ndim == 3
            assert volume[len(volume) - 1].ndim == 2
        except UserError as error:
            sentence = str(error)
        assert "\n" not in sentence


def test_a_file_of_another_name_is_known_by_its_content(grey, same_voxels, tmp_path):
    array = grey("u2")
    tifffile.imwrite(tmp_path / "scan.001", array)
    same_voxels(open_volume(tmp_path / "scan.001"), array)
    with open(tmp_path / "scan.array", "wb") as file:
        np.save(file, array)
    same_voxels(open_volume(tmp_path / "scan.array"), array)


def test_near_names_are_offered(grey, tmp_tif):
    path = tmp_tif(grey(), "powder_lot7.tif")
    with pytest.raises(InputError, match=r"did you mean powder_lot7.tif\?"):
        open_volume(path.with_name("powder_lot_7.tif"))
    with pytest.raises(InputError, match=r"nor a folder"):
        open_volume(path.parent / "nowhere" / "a.tif")


def test_upper_case_endings_and_strings(grey, same_voxels, tmp_tif):
    array = grey()
    same_voxels(open_volume(str(tmp_tif(array, "SCAN.TIF"))), array)


def test_a_raw_shape_for_a_file_that_needs_none(grey, tmp_tif, monkeypatch):
    path = tmp_tif(grey())
    monkeypatch.chdir(path.parent)
    volume = open_volume("volume.tif", raw_shape="1,2,3", raw_dtype="u1")
    assert volume.shape == (11, 13, 17)
    assert volume.path == path
    assert any("the raw shape is not used" in n for n in volume.notes)


# --- label images -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "u4", "i4", "i8", "u8", "f4", "f8", "?"])
def test_labels_of_every_type(same_voxels, tmp_path, dtype):
    labels = np.random.default_rng(0).integers(0, 2 if dtype == "?" else 100, (9, 8, 7)).astype(dtype)
    np.save(tmp_path / "l.npy", labels)
    volume = open_labels(tmp_path / "l.npy")
    same_voxels(volume, labels.astype("i8") if dtype in ("f4", "f8") else labels)
    assert any("whole numbers" in n for n in volume.notes) == (dtype in ("f4", "f8"))


@pytest.mark.parametrize("dtype", ["i8", "u8", "f8"])
def test_large_ids(tmp_path, dtype):
    labels = np.zeros((4, 5, 6), dtype)
    labels[1, 2, 3] = 2**40
    np.save(tmp_path / "l.npy", labels)
    assert int(open_labels(tmp_path / "l.npy")[1, 2, 3]) == 2**40


@pytest.mark.parametrize(
    ("value", "dtype", "words"),
    [
        (0.5, "f4", "holds 0.5; labels are whole numbers, give the label image"),
        (-1, "f4", "holds -1; labels are whole numbers from 0"),
        (-3, "i2", "holds -3"),
        (np.nan, "f4", "holds nan"),
        (np.inf, "f4", "holds inf"),
    ],
)
@pytest.mark.parametrize("plane", [0, 4, 2])
def test_what_is_no_label_is_refused(tmp_path, value, dtype, words, plane):
    labels = np.zeros((9, 5, 6), dtype)
    labels[plane, 2, 3] = value
    np.save(tmp_path / "l.npy", labels)
    with pytest.raises(InputError, match=words):
        open_labels(tmp_path / "l.npy")[:]  # plane 2 is not among the three that are looked at when it is opened


def test_shapes_must_agree():
    one, other = (Volume(ArraySource(np.zeros(s, "u1"))) for s in ((3, 4, 5), (3, 4, 6)))
    reading.require_same_shape(one, one)
    reading.require_same_shape(one, None)
    with pytest.raises(InputError, match="is 3 x 4 x 5 and the grey volume the array is 3 x 4 x 6"):
        reading.require_same_shape(one, other)


# --- fingerprint ------------------------------------------------------------------------------------------------------


def test_one_file_has_its_plain_sha256(grey, tmp_tif):
    path = tmp_tif(grey())
    found = reading.content_hash(open_volume(path))
    assert found == ("sha256", hashlib.sha256(path.read_bytes()).hexdigest())
    assert str(found).startswith("sha256:")


def test_folders_do_not_depend_on_where_they_lie(grey, tmp_path):
    array = grey()
    digests = set()
    for folder in ("a", "b/c"):
        (tmp_path / folder).mkdir(parents=True)
        for i, plane in enumerate(array):
            tifffile.imwrite(tmp_path / folder / f"s{i}.tif", plane)
        digests.add(reading.content_hash(open_volume(tmp_path / folder)))
        digests.add(reading.content_hash(open_volume(f"{tmp_path / folder}/*.tif")))
    assert len(digests) == 1
    tifffile.imwrite(tmp_path / "a" / "s3.tif", array[4])
    assert reading.content_hash(open_volume(tmp_path / "a")) not in digests
    zarr.save_array(str(tmp_path / "z.zarr"), array)
    assert reading.content_hash(open_volume(tmp_path / "z.zarr")).method == "sha256"
    assert reading.content_hash(Volume(ArraySource(array))) is None


def test_huge_files_are_sampled_evenly(grey, tmp_tif, monkeypatch):
    monkeypatch.setattr(hashing, "WHOLE_UP_TO", 1000)
    monkeypatch.setattr(hashing, "SAMPLE_BYTES", 16)
    monkeypatch.setattr(hashing, "SAMPLES", 20)
    path = tmp_tif(grey())
    data = bytearray(path.read_bytes())
    volume = open_volume(path)
    first = reading.content_hash(volume)
    assert first.method == "sha256-sampled"
    data[-1] ^= 1
    path.write_bytes(data)
    assert reading.content_hash(volume) != first
