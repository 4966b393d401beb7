"""Files that name other files: links, virtual datasets, data beside a header. What is missing or outside is told."""

import json
import os
import pickle

import h5py
import numpy as np
import pytest
import zarr

from morphct.ground.errors import InputError
from morphct.reading import open_volume

SHAPE = (11, 13, 17)


@pytest.fixture
def folder(grey, tmp_path):
    """A folder with `recon.h5` (exchange/data), and one above it with `far.h5` (v) and `far.raw`."""
    inner = tmp_path / "scan"
    inner.mkdir()
    with h5py.File(inner / "recon.h5", "w") as file:
        file["exchange/data"] = grey("f4")
    with h5py.File(tmp_path / "far.h5", "w") as file:
        file["v"] = grey("f4")
    (tmp_path / "far.raw").write_bytes(grey("<u2").tobytes())
    return inner


def make(path, **links):
    with h5py.File(path, "w") as file:
        for name, link in links.items():
            file[name.replace("__", "/")] = link
    return path


def virtual(path, *parts, shape=SHAPE):
    """A virtual dataset v of (target slice, file, name, shape of the source)."""
    layout = h5py.VirtualLayout(shape, "f4")
    for target, file, name, size in parts:
        layout[target] = h5py.VirtualSource(file, name, size)
    with h5py.File(path, "w", libver="latest") as file:
        file.create_virtual_dataset("v", layout, fillvalue=0)
    return path


def test_the_linked_dataset_is_read_not_its_namesake(grey, same_voxels, folder):
    decoy = np.full(SHAPE, 7, "f4")
    make(folder / "master.h5", exchange__data=decoy, recon=h5py.ExternalLink("recon.h5", "/exchange"))
    same_voxels(open_volume(f"{folder}/master.h5::/recon/data"), grey("f4"))
    same_voxels(open_volume(f"{folder}/master.h5::/exchange/data"), decoy)
    with pytest.raises(InputError, match=r"holds 2 volumes \(exchange/data, recon/data\)"):
        open_volume(folder / "master.h5")


@pytest.mark.parametrize(
    "links",
    [
        {"result": h5py.ExternalLink("recon.h5", "/exchange/data")},
        {"result": h5py.ExternalLink("./recon.h5", "exchange/data")},
        {"result": h5py.SoftLink("/deep/group/data"), "deep__group": h5py.ExternalLink("recon.h5", "/exchange")},
        {
            "result": h5py.SoftLink("a/b"),
            "a__b": h5py.SoftLink("c"),
            "a__c": h5py.ExternalLink("recon.h5", "exchange/data"),
        },
        {"result": h5py.ExternalLink("/no/such/folder/recon.h5", "/exchange/data")},
    ],
)
def test_links_of_all_kinds_lead_there(grey, same_voxels, folder, links):
    path = make(folder / "scan.nxs", **links)
    volume = open_volume(path)
    same_voxels(volume, grey("f4"))
    assert [f.name for f in volume.files] == ["scan.nxs", "recon.h5"]
    same_voxels(open_volume(f"{path}::/result"), grey("f4"))


def test_chains_through_several_files(grey, same_voxels, folder):
    make(folder / "b.h5", x=h5py.SoftLink("/y"), y__z=h5py.ExternalLink("recon.h5", "/exchange/data"))
    path = make(folder / "a.h5", v=h5py.ExternalLink("b.h5", "/x/z"))
    same_voxels(open_volume(path), grey("f4"))


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (h5py.ExternalLink("gone.h5", "/v"), r"a.h5 names gone.h5 as the target of its link /v, and it is not there"),
        (h5py.ExternalLink("recon.h5", "/nothing"), r"recon.h5 has no /nothing"),
        (h5py.SoftLink("/v"), "runs in a circle"),
        (h5py.ExternalLink("text.h5", "/v"), r"text.h5, named by a.h5, is no HDF5 file"),
        (h5py.ExternalLink("../far.h5", "/v"), r"../far.h5 .* outside its own folder, .*--follow-links"),
    ],
)
def test_links_that_lead_nowhere_are_named(folder, link, words):
    (folder / "text.h5").write_text("hello")
    path = make(folder / "a.h5", v=link)
    for name in (path, f"{path}::/v"):
        with pytest.raises(InputError, match=words):
            open_volume(name)


def test_a_broken_link_beside_a_volume_is_noted(grey, folder):
    path = make(folder / "a.h5", v=grey("u1"), w=h5py.ExternalLink("gone.h5", "/v"))
    assert any("gone.h5" in note for note in open_volume(path).notes)


def test_virtual_datasets_with_a_source_that_is_not_there(grey, same_voxels, folder):
    whole = (slice(0, 11), "recon.h5", "exchange/data", SHAPE)
    same_voxels(open_volume(virtual(folder / "v.h5", whole)), grey("f4"))
    # a whole path from another machine: HDF5 looks beside the file, too
    beside = (slice(0, 11), "/no/such/place/recon.h5", "exchange/data", SHAPE)
    same_voxels(open_volume(virtual(folder / "v.h5", beside)), grey("f4"))
    half = (slice(5, 11), "recon.h5", "nowhere", (6, 13, 17))
    with pytest.raises(InputError, match=r"made of parts and /nowhere of recon.h5 is not there"):
        open_volume(virtual(folder / "v.h5", whole, half))
    with pytest.raises(InputError, match=r"names gone.h5 as a source of its voxels, and it is not there"):
        open_volume(virtual(folder / "v.h5", (slice(0, 11), "gone.h5", "v", SHAPE)))
    with pytest.raises(InputError, match=r"takes more than there is of recon.h5"):
        open_volume(
            virtual(folder / "v.h5", (slice(0, 20), "recon.h5", "exchange/data", (20, 13, 17)), shape=(20, 13, 17))
        )
    uncovered = open_volume(virtual(folder / "v.h5", whole, shape=(22, 13, 17)))
    assert any("50.0%" in note and "no source" in note for note in uncovered.notes)


def test_what_was_never_written_is_told(folder):
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("v", SHAPE, "u2")
    with pytest.raises(InputError, match="never written"):
        open_volume(folder / "a.h5")
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("v", SHAPE, "u2", chunks=(4, 13, 17))[:4] = 1
    assert any("2 of the 3 chunks" in note for note in open_volume(folder / "a.h5").notes)


# --- outside the folder, and what is no file --------------------------------------------------------------------------


def header(path, data):
    if path.suffix == ".mhd":
        facts = "ObjectType = Image\nNDims = 3\nDimSize = 17 13 11\nElementType = MET_USHORT\nElementDataFile = {}\n"
    else:
        facts = (
            "NRRD0004\ntype: ushort\ndimension: 3\nsizes: 17 13 11\nencoding: raw\nendian: little\ndata file: {}\n\n"
        )
    path.write_text(facts.format(data))
    return path


@pytest.mark.parametrize("name", ["a.mhd", "a.nhdr"])
@pytest.mark.parametrize("whole", [False, True])
def test_data_files_outside_are_read_when_asked(grey, same_voxels, folder, name, whole):
    if name == "a.nhdr":
        pytest.importorskip("nrrd")
    path = header(folder / name, folder.parent / "far.raw" if whole else "../far.raw")
    with pytest.raises(InputError, match=r"outside its own folder, .*--follow-links"):
        open_volume(path)
    volume = open_volume(path, follow_links=True)
    same_voxels(volume, grey("u2"))
    assert any("far.raw, outside its own folder" in note for note in volume.notes)


def test_a_symbolic_link_to_elsewhere_is_outside(folder):
    os.symlink(folder.parent / "far.raw", folder / "near.raw")
    with pytest.raises(InputError, match="outside its own folder"):
        open_volume(header(folder / "a.mhd", "near.raw"))


def test_a_linked_header_finds_its_data_where_it_really_is(grey, same_voxels, folder, tmp_path):
    (folder / "v.raw").write_bytes(grey("<u2").tobytes())
    header(folder / "a.mhd", "v.raw")
    other = tmp_path / "links"
    other.mkdir()
    for name in ("a.mhd", "v.raw"):
        os.symlink(folder / name, other / name)
    same_voxels(open_volume(other / "a.mhd"), grey("u2"))


@pytest.mark.parametrize("follow", [False, True])
def test_pipes_are_never_opened(folder, follow):
    os.mkfifo(folder / "pipe")
    os.mkfifo(folder / "pipe.h5")
    with h5py.File(folder / "raw.h5", "w") as file:
        file.create_dataset("v", SHAPE, "u2", external=[("pipe", 0, h5py.h5f.UNLIMITED)])
    make(folder / "link.h5", v=h5py.ExternalLink("pipe.h5", "/v"))
    virtual(folder / "virtual.h5", (slice(0, 11), "pipe.h5", "v", SHAPE))
    header(folder / "a.mhd", "pipe")
    for name in ("raw.h5", "link.h5", "virtual.h5", "a.mhd"):
        with pytest.raises(InputError, match="no regular file"):
            open_volume(folder / name, follow_links=follow)


def test_external_raw_storage(grey, same_voxels, folder, monkeypatch):
    array = grey("<u2")
    (folder / "near.raw").write_bytes(array.tobytes())
    monkeypatch.chdir(folder.parent)  # the library alone would look in the working folder
    with h5py.File(folder / "near.h5", "w") as file:
        file.create_dataset("v", SHAPE, "<u2", external=[("near.raw", 0, h5py.h5f.UNLIMITED)])
    same_voxels(open_volume(folder / "near.h5"), array)
    (folder / "near.raw").write_bytes(array.tobytes()[:-2])
    with pytest.raises(InputError, match="truncated"):
        open_volume(folder / "near.h5")
    with h5py.File(folder / "far.h5", "w") as file:
        file.create_dataset("v", (2, 2, 2), "u1", external=[("/etc/passwd", 0, 8)])
    with pytest.raises(InputError, match=r"/etc/passwd as a part of its raw data, outside its own folder"):
        open_volume(folder / "far.h5")


def test_zarr_stores_stay_inside(grey, same_voxels, folder):
    array = grey("u2")
    zarr.create_array(str(folder / "far.zarr"), data=array, chunks=(4, 13, 17))
    group = zarr.create_group(str(folder / "near.zarr"))
    group.attrs["multiscales"] = [{"axes": ["z", "y", "x"], "datasets": [{"path": "../far.zarr"}]}]
    with pytest.raises(InputError, match=r"../far.zarr as its array, outside the store"):
        open_volume(folder / "near.zarr")
    same_voxels(open_volume(folder / "near.zarr", follow_links=True), array)
    chunk = folder / "far.zarr" / "c" / "0" / "0" / "0"
    chunk.unlink()
    assert any("1 of the 3 chunks" in note for note in open_volume(folder / "far.zarr").notes)
    os.mkfifo(chunk)
    with pytest.raises(InputError, match="no regular file"):
        open_volume(folder / "far.zarr")
    chunk.unlink()
    os.symlink(folder / "recon.h5", chunk)
    with pytest.raises(InputError, match="link to a file outside"):
        open_volume(folder / "far.zarr")


def test_names_that_are_not_utf8(grey, same_voxels, tmp_path):
    from morphct.reading import content_hash
    from morphct.reading.volume import summary_of

    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.raw")
    with open(path, "wb") as file:
        file.write(grey("<u2").tobytes())
    volume = open_volume(path, raw_shape=SHAPE, raw_dtype="<u2")
    same_voxels(volume, grey("u2"))
    assert content_hash(volume) is not None
    for text in (volume.name, summary_of(volume)["path"], *volume.notes):
        text.encode("utf-8")  # as tables, pages and logs write it
    with pytest.raises(InputError) as told:
        open_volume(path)
    str(told.value).encode("utf-8")


def test_zarr_codecs_that_run_programs_are_refused(grey, folder):
    path = folder / "a.zarr"
    path.mkdir()
    facts = {
        "zarr_format": 2,
        "shape": [4, 4, 4],
        "chunks": [4, 4, 4],
        "dtype": "|u1",
        "fill_value": 0,
        "order": "C",
        "filters": None,
        "compressor": {"id": "pickle", "protocol": 5},
    }
    (path / ".zarray").write_text(json.dumps(facts))

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(folder / "run"),)

    (path / "0.0.0").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError):
        _ = open_volume(path)[:]
    assert not (folder / "run").exists()


@pytest.mark.parametrize("name", ["a.mhd", "a.nhdr"])
@pytest.mark.parametrize("whole", [False, True])
def test_the_command_line_reads_nothing_outside_unasked(folder, capsys, name, whole):
    """A volume of three axes, that it could read: `inspect`, `check` and `run` refuse it in one sentence."""
    from morphct.cli import main

    if name == "a.nhdr":
        pytest.importorskip("nrrd")
    named = str(folder.parent / "far.raw") if whole else "../far.raw"
    path, out = str(header(folder / name, named)), folder.parent / "out"
    for argv in (["inspect", path], ["check", path], ["run", path, "-o", str(out), "--voxel-size", "1um"]):
        assert main(argv) == 2
        told = capsys.readouterr()
        assert f"{name} names {named} as its data file, outside its own folder" in told.err
        assert "--follow-links" in told.err
        assert told.err.count("\n") == 1
        assert not told.out
    assert not out.exists()
    assert main(["inspect", path, "--voxel-size", "1um", "--follow-links", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["volume"]["shape"] == list(SHAPE)
