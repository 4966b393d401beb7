"""TIFF stacks and slices: what programs really write, read back voxel by voxel."""

import numpy as np
import pytest
import tifffile

from morphct.ground.errors import InputError
from morphct.reading import open_volume, slice_names
from morphct.reading.raw_source import FlatSource
from morphct.reading.tiff import TiffPages

TYPES = ["u1", "<u2", ">u2", "<i2", "<f4", ">f4", "<f8", "<i4", "<u4"]


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("dtype", TYPES)
def test_plain_stacks(grey, same_voxels, tmp_path, dtype, bigtiff):
    array = grey(dtype)
    path = tmp_path / "a.tif"
    order = ">" if np.dtype(dtype).str[0] == ">" else "<"
    tifffile.imwrite(path, array, bigtiff=bigtiff, byteorder=order)
    same_voxels(open_volume(path), array)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "how",
    [
        {"compression": "lzw"},
        {"compression": "zlib", "predictor": True},
        {"compression": "zstd"},
        {"compression": "packbits"},
        {"compression": "zlib", "rowsperstrip": 4},
        {"compression": "zlib", "tile": (16, 16)},
        {"tile": (16, 16)},
        {"rowsperstrip": 3},
    ],
    ids=str,
)
def test_compressed_and_tiled(grey, same_voxels, tmp_path, how, order):
    if how.get("compression") == "packbits":
        array = grey("u1", (5, 33, 21))
    else:
        array = grey("u2", (5, 33, 21))
    tifffile.imwrite(tmp_path / "a.tif", array, byteorder=order, **how)
    same_voxels(open_volume(tmp_path / "a.tif"), array)


def test_float_predictor(grey, same_voxels, tmp_path):
    array = grey("f4", (5, 33, 21))
    tifffile.imwrite(tmp_path / "a.tif", array, compression="zlib", predictor=3)
    same_voxels(open_volume(tmp_path / "a.tif"), array)


def test_one_bit(grey, same_voxels, tmp_path):
    array = grey("?")
    tifffile.imwrite(tmp_path / "a.tif", array)
    volume = open_volume(tmp_path / "a.tif")
    assert volume.stored_dtype == np.bool_
    same_voxels(volume, array)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("description", [None, {}])
def test_one_write_a_page(grey, same_voxels, tmp_path, compression, description):
    """Pages written one by one: plain pages (None), or one series a page as ESRF's single files have."""
    array = grey("u2")
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for plane in array:
            writer.write(plane, compression=compression, contiguous=False, metadata=description)
    same_voxels(open_volume(tmp_path / "a.tif"), array)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_imagej_stack(grey, same_voxels, tmp_path, dtype, compression):
    array = grey(dtype)
    tifffile.imwrite(tmp_path / "a.tif", array, imagej=True, metadata={"axes": "ZYX"}, compression=compression)
    same_voxels(open_volume(tmp_path / "a.tif"), array)


def test_imagej_above_4_gib_has_one_page(tmp_path):
    """ImageJ writes one directory for a huge stack; the planes follow one another."""
    shape = (1100, 2048, 2048)
    path = tmp_path / "huge.tif"
    words = f"ImageJ=1.54f\nimages={shape[0]}\nslices={shape[0]}\n"
    with tifffile.TiffWriter(path, byteorder=">") as writer:
        writer.write(np.zeros(shape[1:], ">u1"), description=words, metadata=None)
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[0].dataoffsets[0]
    with open(path, "r+b") as file:  # a sparse file: only two planes take room
        file.truncate(offset + int(np.prod(shape, dtype=np.int64)))
        for plane in (0, 1099):
            file.seek(offset + plane * shape[1] * shape[2] + 5)
            file.write(b"\x07\x08")
    assert path.stat().st_size > 1 << 32
    volume = open_volume(path)
    assert volume.shape == shape
    assert isinstance(volume.source, FlatSource)
    assert volume[1099, 0, 4:8].tolist() == [0, 7, 8, 0]
    assert int(volume[1:2].max()) == 0
    with open(path, "r+b") as file:
        file.truncate(offset + 1000 * shape[1] * shape[2])
    with pytest.raises(InputError, match="truncated"):
        open_volume(path)


@pytest.mark.parametrize("axes", ["ZYX", "TCZYX", "CZYX"])
@pytest.mark.parametrize("compression", [None, "lzw"])
def test_ome(grey, same_voxels, tmp_path, axes, compression):
    array = grey("u2")
    full = array.reshape((1,) * (len(axes) - 3) + array.shape)
    tifffile.imwrite(tmp_path / "a.ome.tif", full, metadata={"axes": axes}, compression=compression)
    same_voxels(open_volume(tmp_path / "a.ome.tif"), array)


def test_ome_with_channels_is_refused(grey, tmp_path):
    array = grey("u2", (6, 8, 9)).reshape(2, 3, 8, 9)
    tifffile.imwrite(tmp_path / "a.ome.tif", array, metadata={"axes": "CZYX"})
    with pytest.raises(InputError, match=r"more than one volume \(axes .*2 c x 3 z x 8 y x 9 x.*Fiji"):
        open_volume(tmp_path / "a.ome.tif")


def test_ome_pyramid_is_read_at_full_size(grey, same_voxels, tmp_path):
    array = grey("u2", (4, 64, 64))
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as writer:
        writer.write(array, subifds=1, tile=(32, 32), metadata={"axes": "ZYX"})
        writer.write(array[:, ::2, ::2], subfiletype=1, tile=(32, 32))
    same_voxels(open_volume(tmp_path / "a.ome.tif"), array)


def test_time_points_are_planes_with_a_note(grey, same_voxels, tmp_path):
    array = grey("u2")
    tifffile.imwrite(tmp_path / "a.tif", array, imagej=True, metadata={"axes": "TYX"})
    volume = open_volume(tmp_path / "a.tif")
    same_voxels(volume, array)
    assert any("time points" in n for n in volume.notes)


def test_grey_stored_as_rgb_is_read_and_colour_refused(grey, same_voxels, tmp_path):
    array = grey("u1")
    rgb = np.repeat(array[..., None], 3, -1)
    tifffile.imwrite(tmp_path / "a.tif", rgb, photometric="rgb")
    volume = open_volume(tmp_path / "a.tif")
    same_voxels(volume, array)
    assert any("channels that agree" in n for n in volume.notes)
    planar = np.repeat(array[:, None], 3, 1)
    tifffile.imwrite(tmp_path / "p.tif", planar, photometric="rgb", planarconfig="separate")
    same_voxels(open_volume(tmp_path / "p.tif"), array)
    rgb[0, 3, 4, 1] += 1
    tifffile.imwrite(tmp_path / "c.tif", rgb, photometric="rgb")
    with pytest.raises(InputError, match="colour image of 3 channels"):
        open_volume(tmp_path / "c.tif")


def test_an_rgb_photograph_is_refused(grey, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", grey("u1", (30, 40, 4)), photometric="rgb", extrasamples=["unassalpha"])
    with pytest.raises(InputError, match="2D image"):
        open_volume(tmp_path / "a.tif")


def test_padded_last_strip(grey, same_voxels, tmp_path):
    """Some writers compress the last strip with rows the image has not; decoders told the size refuse it."""
    import zlib

    array, rows = grey("u1", (3, 10, 9)), 4
    path = tmp_path / "a.tif"
    padded = np.pad(array, ((0, 0), (0, 2), (0, 0)))
    strips = [[zlib.compress(plane[r : r + rows].tobytes()) for r in range(0, 12, rows)] for plane in padded]
    path.write_bytes(_tiff_of_strips(strips, height=10, width=9, rows=rows))
    with pytest.raises(Exception, match=r"(?i)deflate|space"):
        tifffile.imread(path)
    same_voxels(open_volume(path), array)


def _tiff_of_strips(pages, height, width, rows):
    """A little-endian TIFF of deflated strips, written by hand."""
    import struct

    out = bytearray(b"II*\0\0\0\0\0")
    link = 4
    for strips in pages:
        starts = []
        for strip in strips:
            starts.append(len(out))
            out += strip
        lists = len(out)
        out += struct.pack(f"<{len(strips)}I", *starts) + struct.pack(f"<{len(strips)}I", *(len(s) for s in strips))
        out += b"\0" * (len(out) % 2)
        struct.pack_into("<I", out, link, len(out))
        n = len(strips)
        tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1)]
        tags += [(273, 4, n, lists), (277, 3, 1, 1), (278, 4, 1, rows), (279, 4, n, lists + 4 * n)]
        out += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *t) for t in tags)
        link = len(out)
        out += b"\0\0\0\0"
    return bytes(out)


def test_pages_that_differ_are_refused(grey, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for plane in [*grey("u2"), *grey("u2", (1, 12, 17)), *grey("u2")]:
            writer.write(plane, metadata=None)
    with pytest.raises(InputError, match=r"page 12 of a.tif is 12 x 17 of 16 bits unsigned, the first is 13 x 17"):
        open_volume(tmp_path / "a.tif")


@pytest.mark.parametrize("how", [{}, {"compression": "zlib"}, {"imagej": True}, {"bigtiff": True}], ids=str)
@pytest.mark.parametrize("share", [0.999, 0.6, 0.2, 0.02])
def test_truncated_is_found_at_once(grey, tmp_path, how, share):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, grey("u2", (11, 40, 40)), **how)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"truncated|ends in its first page|damaged|cannot be read"):
        open_volume(path)


def test_truncated_in_the_chain_of_pages(grey, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for plane in grey("u2", (11, 40, 40)):
            writer.write(plane, metadata=None)
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"truncated"):
        open_volume(tmp_path / "a.tif")


def test_a_page_damaged_inside_is_one_sentence(grey, tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, grey("u1", (5, 40, 40)), compression="zlib")
    with tifffile.TiffFile(path) as tif:
        at = tif.pages[2].dataoffsets[0]
    data = bytearray(path.read_bytes())
    data[at : at + 200] = b"\xff" * 200
    path.write_bytes(data)
    volume = open_volume(path)
    assert volume[:2].shape == (2, 40, 40)
    with pytest.raises(InputError, match=r"plane 2 of a.tif cannot be decoded"):
        volume[2]


def test_a_single_image_is_2d(grey, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", grey("u1")[0])
    with pytest.raises(InputError, match="2D image"):
        open_volume(tmp_path / "a.tif")


def test_a_palette_and_white_as_zero_are_noted(grey, tmp_path):
    array = grey("u1")
    tifffile.imwrite(tmp_path / "p.tif", array, photometric="palette", colormap=np.zeros((3, 256), "u2"))
    assert any("colour table" in n for n in open_volume(tmp_path / "p.tif").notes)
    tifffile.imwrite(tmp_path / "w.tif", array, photometric="miniswhite")
    assert any("0 as white" in n for n in open_volume(tmp_path / "w.tif").notes)


# --- slices -----------------------------------------------------------------------------------------------------------


def write_slices(folder, array, name="slice_{}.tif", **how):
    folder.mkdir(exist_ok=True)
    for i, plane in enumerate(array):
        tifffile.imwrite(folder / name.format(i), plane, **how)
    return folder


@pytest.mark.parametrize("how", [{}, {"compression": "lzw"}, {"byteorder": ">"}, {"metadata": None}], ids=str)
def test_folder_in_natural_order(grey, same_voxels, tmp_path, how):
    array = grey("u2", (12, 8, 9))  # slice_2 comes before slice_10
    folder = write_slices(tmp_path / "scan", array, **how)
    (folder / "._slice_0.tif").write_bytes(b"shadow")
    (folder / "notes.txt").write_text("not a slice")
    volume = open_volume(folder)
    same_voxels(volume, array)
    assert len(volume.files) == 12
    same_voxels(open_volume(f"{folder}/slice_*.tif"), array)
    assert open_volume(str(folder / "slice_[0-4].tif")).shape == (5, 8, 9)


def test_slices_of_both_byte_orders(grey, same_voxels, tmp_path):
    array = grey("u2", (4, 8, 9))
    folder = write_slices(tmp_path / "scan", array)
    tifffile.imwrite(folder / "slice_2.tif", array[2], byteorder=">")
    same_voxels(open_volume(folder), array)


def test_png_slices(grey, same_voxels, tmp_path):
    from PIL import Image

    for dtype in ("u1", "u2"):
        array = grey(dtype, (3, 8, 9))
        folder = tmp_path / dtype
        folder.mkdir()
        for i, plane in enumerate(array):
            Image.fromarray(plane).save(folder / f"s{i}.png")
        same_voxels(open_volume(folder), array)


def test_edf_slices(grey, same_voxels, tmp_path):
    fabio = pytest.importorskip("fabio")
    array = grey("f4", (3, 8, 9))
    for i, plane in enumerate(array):
        fabio.edfimage.EdfImage(data=plane).write(str(tmp_path / f"s{i}.edf"))
    same_voxels(open_volume(tmp_path), array)


def test_slices_that_differ_are_refused(grey, tmp_path):
    folder = write_slices(tmp_path / "scan", grey("u2", (4, 8, 9)))
    tifffile.imwrite(folder / "slice_2.tif", grey("u2", (3, 8, 7))[0])
    with pytest.raises(InputError, match=r"slice_2.tif is 8 x 7 uint16, slice_0.tif is 8 x 9 uint16"):
        open_volume(folder)
    tifffile.imwrite(folder / "slice_2.tif", grey("u1", (3, 8, 9))[0])
    with pytest.raises(InputError, match=r"8 x 9 uint8"):
        open_volume(folder)


def test_bad_folders_are_one_sentence(grey, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="the folder empty matches no slices"):
        open_volume(empty)
    with pytest.raises(InputError, match=r"the pattern .* matches no slices"):
        open_volume(empty / "*.tif")
    folder = write_slices(tmp_path / "scan", grey("u2", (4, 8, 9)))
    (folder / "slice_1.tif").write_bytes(b"")
    with pytest.raises(InputError, match=r"slice_1.tif is empty"):
        open_volume(folder)
    (folder / "slice_1.tif").write_text("hello")
    with pytest.raises(InputError, match=r"slice_1.tif is named like a TIFF stack file but is a text file"):
        open_volume(folder)
    tifffile.imwrite(folder / "slice_1.tif", grey("u2", (5, 8, 9)), metadata=None)
    with pytest.raises(InputError, match="holds 5 pages"):
        open_volume(folder)


def test_gaps_and_mixed_names_are_noted(grey, tmp_path):
    folder = write_slices(tmp_path / "scan", grey("u2", (9, 8, 9)))
    assert not any("gaps" in n for n in open_volume(folder).notes)
    (folder / "slice_4.tif").unlink()
    assert any("1 between the first and the last are missing" in n for n in open_volume(folder).notes)
    (folder / "slice_5.tif").rename(folder / "other_5.tif")
    volume = open_volume(folder)
    assert any("other_5.tif" in n and "left out" in n for n in volume.notes)
    assert len(volume) == 7


def test_a_folder_with_one_stack(grey, same_voxels, tmp_path):
    array = grey("u2")
    tifffile.imwrite(tmp_path / "stack.tif", array)
    same_voxels(open_volume(tmp_path), array)


def test_natural_order():
    from pathlib import Path

    names = ["s10.tif", "s9.tif", "S1.tif", "a.tif", "1.tif", "s9b2.tif", "s9b10.tif"]
    ordered = [p.name for p in sorted(map(Path, names), key=slice_names.natural_key)]
    assert ordered == ["1.tif", "a.tif", "S1.tif", "s9.tif", "s9b2.tif", "s9b10.tif", "s10.tif"]


# --- real files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shape", "dtype"),
    [
        ("nmc_electrode_3phase.tif", (256, 256, 256), "uint8"),
        ("nanoct_lobed_grain.tif", (70, 290, 250), "uint8"),
        ("nanoct_compact_grain.tif", (40, 137, 200), "uint8"),
        ("bone_lacunae.tif", (600, 250, 350), "uint8"),
        ("two_phase_1bit.tif", (100, 100, 100), "bool"),
        ("labels_64_boxes.tif", (51, 51, 51), "int32"),
        ("ellipsoid_A30_B20_C10_T30_P30.tif", (100, 100, 100), "uint8"),
    ],
)
def test_real_files(shared_data, name, shape, dtype):
    path = shared_data(name)
    volume = open_volume(path)
    assert (volume.shape, str(volume.stored_dtype)) == (shape, dtype)
    wanted = tifffile.imread(path)
    planes = slice(shape[0] // 2, shape[0] // 2 + 5)
    np.testing.assert_array_equal(volume[planes], wanted[planes])


def test_real_padded_strips(shared_data):
    volume = open_volume(shared_data("bone_padded_strip.tif"))
    twin = open_volume(shared_data("bone_lacunae.tif"))
    assert isinstance(volume.source, TiffPages)
    for planes in (slice(0, 4), slice(300, 304), slice(596, 600)):
        np.testing.assert_array_equal(volume[planes] > 0, twin[planes] > 0)
