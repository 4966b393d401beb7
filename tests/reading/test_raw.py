"""Plain voxels behind or beside a header: raw, .vol, .npy, MetaImage, NRRD."""

import gzip
import zlib

import numpy as np
import pytest

from morphct.ground.errors import InputError, SettingsError
from morphct.reading import gzip_source, open_volume, require_voxel_size

TYPES = ["u1", "i1", "<u2", ">u2", "<i2", ">i2", "<f4", ">f4", "<f8", ">f8"]


# --- raw --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TYPES)
def test_raw(grey, same_voxels, tmp_path, dtype):
    array = grey(dtype)
    path = tmp_path / "scan.raw"
    array.tofile(path)
    same_voxels(open_volume(path, raw_shape="11,13,17", raw_dtype=dtype), array)


def test_raw_of_any_name_and_order(grey, same_voxels, tmp_path):
    array = grey("<u2")
    array.transpose(1, 0, 2).tofile(tmp_path / "scan.xyz")
    same_voxels(open_volume(tmp_path / "scan.xyz", raw_shape=(13, 11, 17), raw_dtype="<u2", axes="yzx"), array)


def test_raw_of_a_wrong_size_says_both_sizes(grey, tmp_path):
    grey("<u2").tofile(tmp_path / "scan.raw")
    with pytest.raises(InputError, match=r"has 4,862 bytes, 11 x 13 x 18 voxels of uint16 are 5,148"):
        open_volume(tmp_path / "scan.raw", raw_shape="11,13,18", raw_dtype="<u2")
    with pytest.raises(InputError, match=r"has 4,862 bytes, 11 x 13 x 17 voxels of uint8 are 2,431"):
        open_volume(tmp_path / "scan.raw", raw_shape="11,13,17", raw_dtype="u1")


def test_raw_without_a_shape_says_how_to_give_it(grey, tmp_path):
    grey("<u2").tofile(tmp_path / "scan.raw")
    with pytest.raises(InputError, match="--raw-shape z,y,x --raw-dtype"):
        open_volume(tmp_path / "scan.raw")
    with pytest.raises(InputError, match="--raw-dtype"):
        open_volume(tmp_path / "scan.raw", raw_shape="11,13,17")
    (tmp_path / "scan.mhd").write_text("ObjectType = Image\n")
    with pytest.raises(InputError, match=r"open that instead"):
        open_volume(tmp_path / "scan.raw")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"raw_shape": "11,13"}, "raw shape"),
        ({"raw_shape": "11,13,x"}, "raw shape"),
        ({"raw_shape": "0,13,17"}, "raw shape"),
        ({"raw_dtype": "u3"}, "raw type"),
        ({"axes": "abc"}, "input.axes"),
        ({"crop": "1:2"}, "crop"),
        ({"crop": "0:12,:,:"}, r"0:12 along z does not lie in 0:11"),
        ({"crop": "5:5,:,:"}, "5:5 along z"),
    ],
)
def test_settings_that_make_no_sense(grey, tmp_path, options, words):
    grey("<u2").tofile(tmp_path / "scan.raw")
    with pytest.raises(SettingsError, match=words):
        open_volume(tmp_path / "scan.raw", **({"raw_shape": "11,13,17", "raw_dtype": "<u2"} | options))


def test_crop_in_zyx(grey, same_voxels, tmp_path):
    array = grey(">u2")
    array.tofile(tmp_path / "a.raw")
    volume = open_volume(tmp_path / "a.raw", raw_shape="11,13,17", raw_dtype=">u2", crop="2:9, :10 ,3:")
    same_voxels(volume, array[2:9, :10, 3:])


def test_a_file_cut_while_it_is_read_is_one_sentence(grey, tmp_path):
    grey("<u2").tofile(tmp_path / "a.raw")
    volume = open_volume(tmp_path / "a.raw", raw_shape="11,13,17", raw_dtype="<u2")
    with open(tmp_path / "a.raw", "r+b") as file:
        file.truncate(100)
    with pytest.raises(InputError, match="has changed since it was opened"):
        volume[3:5]


# --- ESRF vol ---------------------------------------------------------------------------------------------------------


def info(shape, **facts):
    z, y, x = shape
    lines = ["! PyHST_SLAVE VOLUME INFO FILE", f"NUM_X =  {x}", f"NUM_Y =  {y}", f"NUM_Z =  {z}"]
    return "\n".join(lines + [f"{k} = {v}" for k, v in facts.items()]) + "\n"


@pytest.mark.parametrize(
    ("dtype", "order"), [("<f4", "LOWBYTEFIRST"), (">f4", "HIGHBYTEFIRST"), ("u1", "LOWBYTEFIRST")]
)
def test_vol_with_info(grey, same_voxels, tmp_path, dtype, order):
    array = grey(dtype)
    array.tofile(tmp_path / "scan.vol")
    (tmp_path / "scan.vol.info").write_text(info(array.shape, voxelSize=0.28, BYTEORDER=order, ValMin=-1.5))
    volume = open_volume(tmp_path / "scan.vol")
    same_voxels(volume, array)
    assert volume.voxel_size.spacing == (0.28, 0.28, 0.28)
    assert volume.voxel_size.source == "sidecar scan.vol.info"
    assert volume.format == "ESRF vol"


def test_vol_with_xml(grey, same_voxels, tmp_path):
    array = grey("<f4")
    array.tofile(tmp_path / "scan.vol")
    z, y, x = array.shape
    (tmp_path / "scan.xml").write_text(
        f"<!-- PyHST --><tomodb2><reconstruction><SUBVOLUME_NAME>scan.vol</SUBVOLUME_NAME><SIZEX>{x}</SIZEX>"
        f"<SIZEY>{y}</SIZEY><SIZEZ>{z}</SIZEZ><BYTE_ORDER>LOWBYTEFIRST</BYTE_ORDER><voxelSize>0.7</voxelSize>"
        "</reconstruction></tomodb2>"
    )
    volume = open_volume(tmp_path / "scan.vol")
    same_voxels(volume, array)
    assert volume.voxel_size.x == 0.7


def test_raw_with_an_info_that_says_its_type(grey, same_voxels, tmp_path):
    array = grey("<i2")
    array.tofile(tmp_path / "scan.raw")
    (tmp_path / "scan.raw.info").write_text(info(array.shape, DATA_TYPE="int16"))
    same_voxels(open_volume(tmp_path / "scan.raw"), array)


def test_vol_placeholder_is_no_voxel_size(grey, tmp_path):
    array = grey("<f4")
    array.tofile(tmp_path / "scan.vol")
    (tmp_path / "scan.vol.info").write_text(info(array.shape, voxelSize=40.0))
    volume = open_volume(tmp_path / "scan.vol")
    assert volume.voxel_size is None
    with pytest.raises(InputError, match=r"placeholder.*--voxel-size 25nm"):
        require_voxel_size(volume)


def test_vol_troubles(grey, tmp_path):
    array = grey("<f4")
    array.tofile(tmp_path / "scan.vol")
    with pytest.raises(InputError, match=r"put scan.vol.info beside it"):
        open_volume(tmp_path / "scan.vol")
    (tmp_path / "scan.vol.info").write_text("NUM_X = 17\n")
    with pytest.raises(InputError, match="does not give NUM_X, NUM_Y and NUM_Z"):
        open_volume(tmp_path / "scan.vol")
    (tmp_path / "scan.vol.info").write_text(info((11, 13, 18)))
    with pytest.raises(InputError, match=r"11 x 13 x 18 voxels of float32 are 10,296"):
        open_volume(tmp_path / "scan.vol")
    (tmp_path / "scan.vol.info").write_text(info((11, 13, 17), DATA_TYPE="PACKED_BINARY"))
    with pytest.raises(InputError, match="DATA_TYPE 'packed_binary'"):
        open_volume(tmp_path / "scan.vol")


# --- npy --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [*TYPES, "?", "<i4", "<u8"])
def test_npy(grey, same_voxels, tmp_path, dtype, order):
    array = grey(dtype)
    np.save(tmp_path / "a.npy", np.asarray(array, order=order))
    same_voxels(open_volume(tmp_path / "a.npy"), array)


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_axes_are_those_of_the_array(grey, same_voxels, tmp_path, order):
    array = grey("u2")
    np.save(tmp_path / "a.npy", np.asarray(array.transpose(2, 1, 0), order=order))
    volume = open_volume(tmp_path / "a.npy", axes="xyz")
    same_voxels(volume, array)
    assert any("every slab reads all of it" in n for n in volume.notes) == (order == "C")


def test_npy_troubles(grey, tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, grey("u2"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(InputError, match=r"truncated: it has 4,989 bytes where its header asks for 4,990"):
        open_volume(path)
    path.write_bytes(whole[:50])
    with pytest.raises(InputError, match=r"cannot be read as NumPy npy"):
        open_volume(path)
    np.save(path, np.array([[["a", None]]], object), allow_pickle=True)
    with pytest.raises(InputError, match="Python objects"):
        open_volume(path)
    np.save(path, grey("f4") * 1j)
    with pytest.raises(InputError, match="complex"):
        open_volume(path)
    np.save(path, grey("f4")[0])
    with pytest.raises(InputError, match="2D image"):
        open_volume(path)
    np.save(path, grey("f4")[None])
    assert open_volume(path).shape == (11, 13, 17)


# --- MetaImage --------------------------------------------------------------------------------------------------------

MET = {
    "u1": "UCHAR",
    "i1": "CHAR",
    "u2": "USHORT",
    "i2": "SHORT",
    "i4": "INT",
    "u4": "UINT",
    "f4": "FLOAT",
    "f8": "DOUBLE",
}


def meta_header(array, data, **facts):
    kind = MET[array.dtype.str[1:]]
    fields = {
        "ObjectType": "Image",
        "NDims": 3,
        "BinaryDataByteOrderMSB": array.dtype.str[0] == ">",
        "DimSize": " ".join(str(n) for n in array.shape[::-1]),
        **facts,
        "ElementType": f"MET_{kind}",
        "ElementDataFile": data,
    }
    return "".join(f"{k} = {v}\n" for k, v in fields.items()).encode()


@pytest.mark.parametrize("dtype", ["u1", "i1", "<u2", ">u2", ">i2", "<i4", "<u4", "<f4", ">f8"])
def test_mhd_and_mha(grey, same_voxels, tmp_path, dtype):
    array = grey(dtype)
    (tmp_path / "a.mhd").write_bytes(meta_header(array, "a.raw"))
    array.tofile(tmp_path / "a.raw")
    same_voxels(open_volume(tmp_path / "a.mhd"), array)
    (tmp_path / "a.mha").write_bytes(meta_header(array, "LOCAL") + array.tobytes())
    same_voxels(open_volume(tmp_path / "a.mha"), array)
    (tmp_path / "z.mha").write_bytes(meta_header(array, "LOCAL", CompressedData=True) + zlib.compress(array.tobytes()))
    same_voxels(open_volume(tmp_path / "z.mha"), array)


@pytest.mark.parametrize("size", [7, -1])
def test_mhd_header_size(grey, same_voxels, tmp_path, size):
    array = grey("<u2")
    (tmp_path / "a.raw").write_bytes(b"1234567" + array.tobytes())
    (tmp_path / "a.mhd").write_bytes(meta_header(array, "a.raw", HeaderSize=size))
    same_voxels(open_volume(tmp_path / "a.mhd"), array)


def test_mhd_voxel_size_needs_a_unit(grey, tmp_path):
    array = grey("<u2")
    spacing = {"ElementSpacing": "0.025 0.025 0.075"}
    (tmp_path / "a.mha").write_bytes(meta_header(array, "LOCAL", **spacing) + array.tobytes())
    volume = open_volume(tmp_path / "a.mha")
    assert volume.voxel_size is None
    with pytest.raises(InputError, match=r"ElementSpacing of a.mha states 0.025, 0.075 without a unit of length"):
        require_voxel_size(volume)
    (tmp_path / "b.mha").write_bytes(meta_header(array, "LOCAL", **spacing, DistanceUnits="um") + array.tobytes())
    assert open_volume(tmp_path / "b.mha").voxel_size.spacing == (0.075, 0.025, 0.025)


def test_mhd_troubles(grey, tmp_path):
    array = grey("<u2")
    path = tmp_path / "a.mhd"
    for data, facts, words in [
        ("gone.raw", {}, "a.mhd names gone.raw as its data file, and it is not there"),
        ("LIST", {}, "open their folder"),
        ("LOCAL", {"ElementNumberOfChannels": 3}, "several channels"),
        ("LOCAL", {"DimSize": "17 13"}, "2D image"),
        ("LOCAL", {"DimSize": ""}, "no DimSize"),
        ("LOCAL", {}, "truncated"),
        ("LOCAL", {"CompressedData": True, "CompressedDataSize": 99999}, "truncated"),
    ]:
        path.write_bytes(meta_header(array, data, **facts) + array.tobytes()[:-2])
        with pytest.raises(InputError, match=words):
            open_volume(path)
    path.write_bytes(b"ObjectType = Image\nNDims = 3\n")
    with pytest.raises(InputError, match="no ElementDataFile"):
        open_volume(path)


# --- NRRD -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", ">i2", "<f4", ">f4", "<f8", "<i4"])
def test_nrrd(grey, same_voxels, tmp_path, dtype, encoding):
    nrrd = pytest.importorskip("nrrd")
    array = grey(dtype)
    nrrd.write(str(tmp_path / "a.nrrd"), array, {"encoding": encoding}, index_order="C")
    same_voxels(open_volume(tmp_path / "a.nrrd"), array)


def test_nrrd_detached(grey, same_voxels, tmp_path):
    nrrd = pytest.importorskip("nrrd")
    array = grey("u2")
    nrrd.write(str(tmp_path / "a.nhdr"), array, {"encoding": "raw"}, index_order="C", detached_header=True)
    same_voxels(open_volume(tmp_path / "a.nhdr"), array)


@pytest.mark.parametrize("skip", [{"byte skip": 5}, {"byte skip": -1}, {"line skip": 2}])
def test_nrrd_skips(grey, same_voxels, tmp_path, skip):
    pytest.importorskip("nrrd")
    array = grey("<u2")
    before = {5: b"12345", -1: b"any", 2: b"one\ntwo\n"}[next(iter(skip.values()))]
    (tmp_path / "a.raw").write_bytes(before + array.tobytes())
    words = "".join(f"{k}: {v}\n" for k, v in skip.items())
    (tmp_path / "a.nhdr").write_text(
        "NRRD0004\ntype: uint16\ndimension: 3\nsizes: 17 13 11\nendian: little\nencoding: raw\n"
        f"{words}data file: a.raw\n\n"
    )
    same_voxels(open_volume(tmp_path / "a.nhdr"), array)


def test_nrrd_voxel_size(grey, tmp_path):
    nrrd = pytest.importorskip("nrrd")
    directions = np.diag([25.0, 25.0, 75.0])  # x, y, z
    facts = {"space dimension": 3, "space directions": directions, "space units": ["nm"] * 3}
    nrrd.write(str(tmp_path / "a.nrrd"), grey("u2"), facts, index_order="C")
    assert open_volume(tmp_path / "a.nrrd").voxel_size.spacing == (0.075, 0.025, 0.025)
    nrrd.write(str(tmp_path / "b.nrrd"), grey("u2"), {"spacings": [0.1, 0.1, 0.2]}, index_order="C")
    volume = open_volume(tmp_path / "b.nrrd")
    assert volume.voxel_size is None
    assert "without a unit" in " ".join(volume.notes)


def test_nrrd_troubles(grey, tmp_path):
    nrrd = pytest.importorskip("nrrd")
    for encoding in ("raw", "gzip"):
        nrrd.write(str(tmp_path / "a.nrrd"), grey("u2"), {"encoding": encoding}, index_order="C")
        data = (tmp_path / "a.nrrd").read_bytes()
        (tmp_path / "a.nrrd").write_bytes(data[:-100])
        with pytest.raises(InputError, match="truncated"):
            open_volume(tmp_path / "a.nrrd")
    nrrd.write(str(tmp_path / "a.nrrd"), grey("u2"), {"encoding": "bzip2"}, index_order="C")
    with pytest.raises(InputError, match="encoded as bzip2"):
        open_volume(tmp_path / "a.nrrd")
    (tmp_path / "a.nrrd").write_bytes(data[:30])
    with pytest.raises(InputError, match=r"header of a.nrrd is damaged|damaged or truncated"):
        open_volume(tmp_path / "a.nrrd")


# --- compressed streams -----------------------------------------------------------------------------------------------


def test_slabs_of_a_stream_in_any_order(grey, same_voxels, tmp_path, monkeypatch):
    """Reading goes on from marks along the stream, also across streams that follow one another in a file."""
    monkeypatch.setattr(gzip_source, "SPACING", 1000)
    monkeypatch.setattr(gzip_source, "_PIECE", 777)
    array = grey("<u2", (40, 13, 17))
    half = array.nbytes // 2 + 3
    data = array.tobytes()
    (tmp_path / "a.gz").write_bytes(b"head" + gzip.compress(data[:half]) + gzip.compress(data[half:]))
    source = gzip_source.DeflatedSource(tmp_path / "a.gz", array.shape, np.dtype("<u2"), 4)
    from morphct.reading.volume import Volume

    same_voxels(Volume(source), array)
    assert len(source._marks) > 10
    for z in (39, 0, 20, 19, 21):
        np.testing.assert_array_equal(Volume(source)[z], array[z])


def test_a_stream_that_grows_a_thousandfold(tmp_path):
    """All input is taken in long before all output is out."""
    array = np.zeros((60, 300, 300), "u1")
    array[-1, -1, -1] = 7
    (tmp_path / "a").write_bytes(zlib.compress(array.tobytes(), 9))
    source = gzip_source.DeflatedSource(tmp_path / "a", array.shape, array.dtype, 0, gzip_source.ZLIB)
    for z in (0, 59, 30, 59):
        np.testing.assert_array_equal(source.read(((z, z + 1), (0, 300), (0, 300)))[0], array[z])


def test_a_stream_that_ends_early_or_is_damaged(grey, tmp_path):
    array = grey("<u2", (40, 13, 17))
    data = bytearray(zlib.compress(array.tobytes()))
    (tmp_path / "a").write_bytes(data[: len(data) // 2])
    source = gzip_source.DeflatedSource(tmp_path / "a", array.shape, np.dtype("<u2"), 0, gzip_source.ZLIB)
    with pytest.raises(InputError, match="truncated"):
        source.read(((0, 40), (0, 13), (0, 17)))
    data[5000:5100] = b"\xff" * 100
    (tmp_path / "a").write_bytes(data)
    source = gzip_source.DeflatedSource(tmp_path / "a", array.shape, np.dtype("<u2"), 0, gzip_source.ZLIB)
    with pytest.raises(InputError, match="damaged"):
        source.read(((0, 40), (0, 13), (0, 17)))
