"""Volumes inside HDF5, Zarr and OLE files."""

import struct

import h5py
import numpy as np
import pytest
import zarr

from morphct.ground.errors import InputError
from morphct.reading import open_volume

TYPES = ["u1", "<u2", ">u2", "<i2", "<f4", ">f4", "<f8", "?", "<u4"]


# --- HDF5 -------------------------------------------------------------------------------------------------------------


def write_h5(path, **datasets):
    with h5py.File(path, "w") as file:
        for name, array in datasets.items():
            file[name.replace("__", "/")] = array
    return path


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "how", [{}, {"chunks": (4, 5, 6), "compression": "gzip"}, {"chunks": True, "compression": "lzf"}]
)
def test_dataset_by_path(grey, same_voxels, tmp_path, dtype, how):
    array = grey(dtype)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("entry/data", data=array, **how)
        file["other"] = array
    volume = open_volume(f"{tmp_path / 'a.h5'}::/entry/data")
    same_voxels(volume, array)
    assert volume.dataset == "/entry/data"
    assert volume.chunk_planes == (4 if how.get("compression") == "gzip" else volume.chunk_planes)


def test_the_only_volume_and_the_nabu_layout(grey, same_voxels, tmp_path):
    array = grey("f4")
    path = write_h5(tmp_path / "a.nxs", entry__angles=np.arange(5.0), entry__data__v=array, entry__flat=array[0])
    same_voxels(open_volume(path), array)
    path = write_h5(
        tmp_path / "b.hdf5",
        entry0000__reconstruction__results__data=array,
        entry0000__other=array,
        entry0000__reconstruction__configuration__processing_options__reconstruction__voxel_size_cm=6.5e-6,
    )
    volume = open_volume(path)
    same_voxels(volume, array)
    assert volume.dataset == "/entry0000/reconstruction/results/data"
    assert volume.voxel_size.spacing == (0.065, 0.065, 0.065)
    assert volume.voxel_size.source == "voxel_size_cm of b.hdf5"
    inside = open_volume(f"{path}::/entry0000")
    same_voxels(inside, array)
    assert inside.dataset == volume.dataset


def test_nabu_older_name_and_three_values(grey, tmp_path):
    base = "e__reconstruction__configuration__processing_options__reconstruction__"
    facts = {base + "pixel_size_cm": np.array([7.5e-6, 2.5e-6, 2.5e-6])}
    path = write_h5(tmp_path / "b.h5", e__reconstruction__results__data=grey("u1"), **facts)
    assert open_volume(path).voxel_size.spacing == (0.075, 0.025, 0.025)


def test_element_size_um_and_axistags(grey, same_voxels, tmp_path):
    array = grey("u1")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("volume", data=array.transpose(2, 1, 0)[..., None])
        data.attrs["element_size_um"] = np.array([0.1, 0.2, 0.3], "f4")
        data.attrs["axistags"] = '{"axes": [{"key": "x"}, {"key": "y"}, {"key": "z"}, {"key": "c"}]}'
    volume = open_volume(tmp_path / "a.h5")
    same_voxels(volume, array)
    assert volume.voxel_size.spacing == (0.3, 0.2, 0.1)


def test_axes_of_length_one_are_dropped(grey, same_voxels, tmp_path):
    array = grey("u1")
    same_voxels(open_volume(write_h5(tmp_path / "a.h5", v=array[None, :, :, :, None])), array)


def test_several_volumes_are_named(grey, tmp_path):
    path = write_h5(tmp_path / "a.h5", raw=grey(), labels=grey())
    with pytest.raises(InputError, match=r"holds 2 volumes \(labels, raw\); name one as a.h5::/labels"):
        open_volume(path)
    with pytest.raises(InputError, match=r"a.h5 has no dataset /lables; there is labels"):
        open_volume(f"{path}::/lables")
    with pytest.raises(InputError, match=r"no three-dimensional dataset"):
        open_volume(write_h5(tmp_path / "b.h5", line=np.arange(4)))


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 5)), "2D image"),
        (np.zeros((2, 3, 4, 5)), "4 axes"),
        (np.zeros((3, 4, 5), complex), "complex"),
        (np.full((3, 4, 5), b"x"), "holds text"),
        (np.zeros((3, 4, 5), [("a", "i4")]), "holds records"),
    ],
)
def test_datasets_that_are_no_volume(tmp_path, array, words):
    with pytest.raises(InputError, match=words):
        open_volume(f"{write_h5(tmp_path / 'a.h5', v=array)}::v")


def test_a_damaged_hdf5(grey, tmp_path):
    path = write_h5(tmp_path / "a.h5", v=grey("u2", (20, 30, 30)))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=rf"truncated: it has 19,024 bytes where its header asks for {len(data):,}"):
        open_volume(path)
    path.write_text("hello")
    with pytest.raises(InputError, match="a text file"):
        open_volume(path)


def test_virtual_datasets_whose_parts_are_gone(grey, same_voxels, tmp_path):
    array = grey("f4", (6, 5, 4))
    layout = h5py.VirtualLayout((6, 5, 4), "f4")
    for i in range(2):
        write_h5(tmp_path / f"part{i}.h5", v=array[3 * i : 3 * i + 3])
        layout[3 * i : 3 * i + 3] = h5py.VirtualSource(f"part{i}.h5", "v", (3, 5, 4))
    with h5py.File(tmp_path / "all.h5", "w") as file:
        file.create_virtual_dataset("v", layout)
    volume = open_volume(tmp_path / "all.h5")
    same_voxels(volume, array)
    assert [f.name for f in volume.files] == ["all.h5", "part0.h5", "part1.h5"]
    (tmp_path / "part1.h5").unlink()
    with pytest.raises(InputError, match=r"all.h5 names part1.h5 as a source of its voxels, and it is not there"):
        open_volume(tmp_path / "all.h5")


def test_plug_in_filters(grey, same_voxels, tmp_path):
    hdf5plugin = pytest.importorskip("hdf5plugin")
    array = grey("u2")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("v", data=array, chunks=(4, 5, 6), **hdf5plugin.Blosc())
    same_voxels(open_volume(tmp_path / "a.h5"), array)


# --- Zarr -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", TYPES)
def test_zarr_arrays(grey, same_voxels, tmp_path, version, dtype):
    array = grey(dtype)
    store = tmp_path / "a.zarr"
    zarr.save_array(str(store), array, zarr_format=version)
    same_voxels(open_volume(store), array)


@pytest.mark.parametrize("version", [2, 3])
def test_zarr_groups(grey, same_voxels, tmp_path, version):
    array = grey("u2")
    group = zarr.create_group(str(tmp_path / "a.zarr"), zarr_format=version)
    group.create_array("deep/volume", data=array, chunks=(4, 8, 8))
    group.create_array("line", data=np.arange(4))
    volume = open_volume(tmp_path / "a.zarr")
    same_voxels(volume, array)
    assert (volume.dataset, volume.chunk_planes) == ("deep/volume", 4)
    same_voxels(open_volume(f"{tmp_path}/a.zarr::deep/volume"), array)
    same_voxels(open_volume(f"{tmp_path}/a.zarr::/deep"), array)
    same_voxels(open_volume(tmp_path / "a.zarr" / "deep" / "volume"), array)
    group.create_array("other", data=array)
    with pytest.raises(InputError, match=r"holds 2 volumes \(deep/volume, other\); name one as a.zarr::deep/volume"):
        open_volume(tmp_path / "a.zarr")
    with pytest.raises(InputError, match=r"a.zarr has no array deep/volum; there is deep/volume"):
        open_volume(f"{tmp_path}/a.zarr::deep/volum")


def ome_zarr(path, array, version, axes="zyx", scale=None, unit="micrometer", whole=None):
    """An OME-Zarr image of two resolutions."""
    group = zarr.create_group(str(path), zarr_format=2 if version == "0.4" else 3)
    group.create_array("s0", data=array, chunks=(1,) * (array.ndim - 3) + (4, 8, 8))
    group.create_array("s1", data=array[..., ::2, ::2])
    scale = scale or [0.05] * array.ndim
    kinds = {"t": "time", "c": "channel"}
    units = unit if isinstance(unit, list) else [unit] * array.ndim
    image = {
        "axes": [
            {"name": a, "type": kinds.get(a, "space")} | ({"unit": u} if u and a in "zyx" else {})
            for a, u in zip(axes, units)
        ],
        "datasets": [
            {"path": p, "coordinateTransformations": [{"type": "scale", "scale": [f * s for s in scale]}]}
            for p, f in (("s0", 1), ("s1", 2))
        ],
    }
    if whole:
        image["coordinateTransformations"] = [{"type": "scale", "scale": whole}]
    if version == "0.4":
        group.attrs["multiscales"] = [image | {"version": "0.4"}]
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [image]}
    return path


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr(grey, same_voxels, tmp_path, version):
    array = grey("u2")
    path = ome_zarr(tmp_path / "a.zarr", array, version, scale=[-75.0, 25.0, 25.0], unit="nanometer")
    volume = open_volume(path)
    same_voxels(volume, array)
    assert volume.voxel_size.spacing == (0.075, 0.025, 0.025)
    assert volume.voxel_size.source == "multiscales of a.zarr"
    assert (volume.dataset, len(volume.files)) == ("s0", len([p for p in (path / "s0").rglob("*") if p.is_file()]))
    half = open_volume(f"{path}::s1")
    assert half.shape == (11, 7, 9)
    assert half.voxel_size.spacing == (0.15, 0.05, 0.05)
    assert open_volume(path / "s1").voxel_size.spacing == (0.15, 0.05, 0.05)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_axes_and_scales(grey, same_voxels, tmp_path, version):
    array = grey("u1")
    stored = array.transpose(2, 1, 0)[None, None]
    path = ome_zarr(tmp_path / "a.zarr", stored, version, "tcxyz", [1, 1, 0.1, 0.2, 0.3], whole=[1, 1, 2, 2, 2])
    volume = open_volume(path)
    same_voxels(volume, array)
    assert volume.voxel_size.spacing == (0.6, 0.4, 0.2)


def test_ome_zarr_mixed_and_absent_units(grey, tmp_path):
    array = grey("u1")
    units = ["micrometer", "nanometer", "nanometer"]
    path = ome_zarr(tmp_path / "a.zarr", array, "0.4", scale=[0.1, 50, 50], unit=units)
    assert open_volume(path).voxel_size.spacing == (0.1, 0.05, 0.05)
    path = ome_zarr(tmp_path / "b.zarr", array, "0.5", scale=[1, 1, 1], unit=None)
    assert open_volume(path).voxel_size is None


def test_ome_zarr_with_channels_is_refused(grey, tmp_path):
    array = np.stack([grey("u1"), grey("u1")])
    with pytest.raises(InputError, match="more than one volume"):
        open_volume(ome_zarr(tmp_path / "a.zarr", array, "0.5", "czyx"))


def test_bioformats2raw_layout(grey, same_voxels, tmp_path):
    array = grey("u1")
    zarr.create_group(str(tmp_path / "a.zarr"), zarr_format=2)
    ome_zarr(tmp_path / "a.zarr" / "0", array, "0.4")
    volume = open_volume(tmp_path / "a.zarr")
    same_voxels(volume, array)
    assert volume.dataset == "0/s0"
    assert volume.voxel_size.x == 0.05


def test_zarr_troubles(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(InputError, match="not a Zarr store"):
        open_volume(tmp_path / "a.zarr")
    zarr.create_group(str(tmp_path / "b.zarr"))
    with pytest.raises(InputError, match="no three-dimensional array"):
        open_volume(tmp_path / "b.zarr")
    (tmp_path / "b.zarr" / "zarr.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read as Zarr"):
        open_volume(tmp_path / "b.zarr")
    zarr.save_array(str(tmp_path / "c.zarr"), np.zeros((3, 4, 5), complex))
    with pytest.raises(InputError, match="complex"):
        open_volume(tmp_path / "c.zarr")


# --- Zeiss ------------------------------------------------------------------------------------------------------------


def ole_file(streams):
    """A compound file (OLE) with these streams, `storage/name` to bytes, each padded to whole sectors."""
    free, end, fat_mark, none = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
    storages = sorted({name.split("/")[0] for name in streams})
    entries = [("Root Entry", 5, b"", None)]
    entries += [(s, 1, b"", None) for s in storages]
    entries += [(n.split("/")[1], 2, d, n.split("/")[0]) for n, d in streams.items()]
    sectors, chain = [], []

    def put(data):
        if not data:
            return end
        first = len(sectors)
        pieces = [data[i : i + 512].ljust(512, b"\0") for i in range(0, len(data), 512)]
        sectors.extend(pieces)
        chain.extend([*range(first + 1, first + len(pieces)), end])
        return first

    starts = [put(d.ljust(4096, b"\0") if kind == 2 else d) for _, kind, d, _ in entries]
    children = {s: [i for i, e in enumerate(entries) if e[3] == s] for s in storages}
    top = [i for i, e in enumerate(entries) if e[1] == 1]
    right, child = {}, {}
    for group, parent in [(top, 0), *((children[s], 1 + i) for i, s in enumerate(storages))]:
        child[parent] = group[0] if group else none
        right.update(dict(zip(group, [*group[1:], none])))
    directory = b""
    for i, (name, kind, data, _) in enumerate(entries):
        text = (name + "\0").encode("utf-16-le")
        size = max(len(data), 4096) if kind == 2 else 0
        directory += struct.pack("<64sHBBIII", text, len(text), kind, 1, none, right.get(i, none), child.get(i, none))
        directory += b"\0" * 36 + struct.pack("<IQ", starts[i], size)
    directory_start = put(directory)
    fats = next(n for n in range(1, 100) if n * 128 >= len(chain) + n)
    table = chain + [fat_mark] * fats + [free] * (fats * 128 - len(chain) - fats)
    first_fat = len(sectors)
    sectors += [struct.pack("<128I", *table[i * 128 : i * 128 + 128]) for i in range(fats)]
    header = struct.pack("<8s16sHHHHH6s", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, b"")
    header += struct.pack("<IIIIIIIIII", 0, fats, directory_start, 0, 4096, end, 0, end, 0, first_fat)
    header += struct.pack("<108I", *range(first_fat + 1, first_fat + fats), *[free] * (108 - fats + 1))
    return header[:512] + b"".join(sectors)


def txm(path, array, code, size=0.065):
    z, y, x = array.shape
    facts = {"ImageWidth": x, "ImageHeight": y, "NoOfImages": z, "DataType": code}
    streams = {f"ImageInfo/{k}": struct.pack("<I", v) for k, v in facts.items()}
    streams["ImageInfo/PixelSize"] = struct.pack("<f", size)
    streams |= {f"ImageData{i // 100 + 1}/Image{i + 1}": p.tobytes() for i, p in enumerate(array)}
    path.write_bytes(ole_file(streams))
    return path


@pytest.mark.parametrize(("dtype", "code"), [("<u2", 5), ("<f4", 10)])
def test_txm(grey, same_voxels, tmp_path, dtype, code):
    pytest.importorskip("olefile")
    array = grey(dtype, (103, 50, 60))
    volume = open_volume(txm(tmp_path / "a.txm", array, code))
    same_voxels(volume, array)
    assert volume.voxel_size.spacing == (0.065, 0.065, 0.065)


def test_txm_troubles(grey, tmp_path):
    with pytest.raises(InputError, match=r"projections.*reconstruct it and give the .txm"):
        open_volume(txm(tmp_path / "a.txrm", grey("<u2"), 5))
    pytest.importorskip("olefile")
    with pytest.raises(InputError, match="Zeiss type 99"):
        open_volume(txm(tmp_path / "a.txm", grey("<u2"), 99))
    (tmp_path / "a.txm").write_bytes(ole_file({"ImageInfo/ImageWidth": b"\1\0\0\0"}))
    with pytest.raises(InputError, match="no ImageInfo"):
        open_volume(tmp_path / "a.txm")
    whole = txm(tmp_path / "a.txm", grey("<u2", (5, 60, 60)), 5).read_bytes()
    (tmp_path / "a.txm").write_bytes(whole[:9000])
    with pytest.raises(InputError, match=r"truncated|cannot be read"):
        open_volume(tmp_path / "a.txm")
