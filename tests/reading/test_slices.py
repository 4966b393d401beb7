"""Folders of slices: the order people mean, odd files named, bit depths, palettes, stacks in several files."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from morphct.ground.errors import InputError
from morphct.reading import open_volume, require_voxel_size
from morphct.reading.slice_names import ordered


def names_of(*names):
    found, notes = ordered([Path(n) for n in names], "scan")
    return [p.name for p in found], notes


@pytest.mark.parametrize(
    "wanted",
    [
        [f"s{i}.tif" for i in range(12)],
        [f"r{i:03d}.jp2" for i in range(48)],  # the 2 of the ending counts nothing
        [f"slice_z{(i - 6) / 2:+.1f}um.tif" for i in range(13)],
        [f"z-{12 - i / 2:.1f}um.tif" for i in range(6)],
        [f"z{i}.tif" for i in range(-4, 5)],
        [f"z{(i - 6) / 2:+.1f}mm.tif".replace(".", ",", 1) for i in range(13)],
        [f"z{i / 4:g}.tif" for i in range(9)],  # 0, 0.25, 0.5, 1
        [f"vol1.{i}.tif" for i in range(8, 13)],  # 1.8, 1.9, 1.10: no decimals
        [f"scan-{i:04d}.tif" for i in range(12)],  # a hyphen
        [f"2024-01-15_{i}.tif" for i in range(12)],
        ["z500nm.tif", "z0.75um.tif", "z1um.tif", "z1250nm.tif"],
        ["A1B9.tif", "A1B10.tif", "A2B1.tif", "A2B2.tif"],
    ],
    ids=lambda names: names[1],
)
@pytest.mark.parametrize("seed", range(3))
def test_order(wanted, seed):
    mixed = list(np.random.default_rng(seed).permutation(wanted))
    found, notes = names_of(*mixed)
    assert found == wanted
    assert not any("kinds of names" in n or "gaps" in n or "left out" in n for n in notes)


@pytest.mark.parametrize(
    "odd",
    ["rec0003 (1).tif", "overview.tif", "rec_spr.tif", "rec0003 copy.tif", "Copy of rec0003.tif", "rec0003 - Copy.tif"],
)
def test_odd_files_are_named_and_left_out(odd):
    wanted = [f"rec{i:04d}.tif" for i in range(20)]
    found, notes = names_of(*wanted, odd)
    assert found == wanted
    assert any(odd in n and "left out" in n for n in notes)


def test_gaps_doubles_and_several_stacks():
    _, notes = names_of(*(f"r{i:03d}.jp2" for i in range(48) if i not in (5, 6, 30)))
    assert any("3 between the first and the last are missing, the first after r004.jp2" in n for n in notes)
    _, notes = names_of(*(f"r{i:03d}.tif" for i in range(0, 48, 2)))
    assert any("steps of 2" in n for n in notes)
    with pytest.raises(InputError, match=r"r01.tif and r1.tif, which have the same number"):
        names_of("r0.tif", "r1.tif", "r01.tif", "r2.tif")
    with pytest.raises(InputError, match=r"several stacks of slices \(12 like a_0.tif and 9 like b_0.tif\)"):
        names_of(*(f"a_{i}.tif" for i in range(12)), *(f"b_{i}.tif" for i in range(9)))
    _, notes = names_of(*(f"t{t}_z{z}.tif" for t in range(2) for z in range(5)))
    assert any("count in several places (2 and 5 values)" in n for n in notes)


def save(folder, array, name, **how):
    folder.mkdir(exist_ok=True)
    for i, plane in enumerate(array):
        image = plane if isinstance(plane, Image.Image) else Image.fromarray(plane)
        image.save(folder / name.format(i), **how)
    return folder


@pytest.mark.parametrize("ending", ["bmp", "png", "gif"])
def test_palettes_of_greys_are_applied_and_said(grey, same_voxels, tmp_path, ending):
    array = grey("u1")
    pictures = []
    for plane in array:
        picture = Image.frombytes("P", plane.shape[::-1], plane.tobytes())
        picture.putpalette([255 - i for i in range(256) for _ in "rgb"])
        pictures.append(picture)
    volume = open_volume(save(tmp_path / "a", pictures, f"s{{:02d}}.{ending}"))
    same_voxels(volume, 255 - array)
    assert any("table of greys" in n for n in volume.notes)


def test_palettes_of_colours_are_indices_and_said(grey, same_voxels, tmp_path):
    array = grey("u1")
    pictures = []
    for plane in array:
        picture = Image.frombytes("P", plane.shape[::-1], plane.tobytes())
        picture.putpalette([(i * k) % 256 for i in range(256) for k in (1, 3, 7)])
        pictures.append(picture)
    volume = open_volume(save(tmp_path / "a", pictures, "s{:02d}.png"))
    same_voxels(volume, array)
    assert any("colour table: its indices" in n for n in volume.notes)


def test_tiff_tables_of_greys(grey, same_voxels, tmp_path):
    array = grey("u1")
    table = np.tile(np.arange(255, -1, -1) * 257, (3, 1)).astype("u2")
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="palette", colormap=table, metadata=None)
    volume = open_volume(tmp_path / "a.tif")
    same_voxels(volume, 255 - array)
    assert any("table of greys" in n for n in volume.notes)


@pytest.mark.parametrize(
    ("dtype", "bits"), [("u1", 8), ("i1", 8), ("u2", 12), ("i2", 12), ("u2", 16), ("i2", 16), ("u1", 6)]
)
def test_jpeg2000_depths(same_voxels, tmp_path, dtype, bits):
    codecs = pytest.importorskip("imagecodecs")
    signed = np.dtype(dtype).kind == "i"
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    array = np.random.default_rng(0).integers(low, high, (5, 40, 36), endpoint=True).astype(dtype)
    for i, plane in enumerate(array):
        data = codecs.jpeg2k_encode(plane, level=0, codecformat="jp2" if i % 2 else "j2k", bitspersample=bits)
        (tmp_path / f"s{i}.jp2").write_bytes(data)
    same_voxels(open_volume(tmp_path), array)


@pytest.mark.parametrize("bits", [2, 4])
def test_png_of_few_bits(same_voxels, tmp_path, bits):
    codecs = pytest.importorskip("imagecodecs")
    import struct
    import zlib

    array = np.random.default_rng(0).integers(0, 1 << bits, (5, 12, 16)).astype("u1")

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    assert codecs is not None
    for i, plane in enumerate(array):
        flags = (plane[..., None] >> np.arange(bits - 1, -1, -1)) & 1
        rows = np.packbits(flags.reshape(12, -1), axis=1)
        body = b"".join(b"\0" + row.tobytes() for row in rows)
        head = struct.pack(">IIBBBBB", 16, 12, bits, 0, 0, 0, 0)
        data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")
        (tmp_path / f"s{i}.png").write_bytes(data)
    same_voxels(open_volume(tmp_path), array)


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_24_bits(same_voxels, tmp_path, order):
    import struct

    array = np.random.default_rng(0).integers(0, 1 << 24, (3, 12, 16)).astype("u4")
    parts = array.astype(f"{order}u4").view("u1").reshape(3, 12, 16, 4)
    parts = parts[..., :3] if order == "<" else parts[..., 1:]
    out, at = bytearray((b"II*\0" if order == "<" else b"MM\0*") + b"\0\0\0\0"), 4
    for plane in parts:
        start = len(out)
        out += plane.tobytes()
        struct.pack_into(order + "I", out, at, len(out))
        tags = [(256, 16), (257, 12), (258, 24), (259, 1), (262, 1), (273, start), (277, 1), (278, 12), (279, 576)]
        out += struct.pack(order + "H", 9) + b"".join(struct.pack(order + "HHII", t, 4, 1, v) for t, v in tags)
        at = len(out)
        out += b"\0" * 4
    (tmp_path / "a.tif").write_bytes(out)
    same_voxels(open_volume(tmp_path / "a.tif"), array)


@pytest.mark.parametrize(("bits", "dtype"), [(2, "u1"), (4, "u1"), (10, "u2"), (12, "u2"), (14, "u2")])
def test_packed_tiff(same_voxels, tmp_path, bits, dtype):
    pytest.importorskip("imagecodecs")
    array = np.random.default_rng(0).integers(0, 1 << bits, (4, 12, 16)).astype(dtype)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for plane in array:
            writer.write(plane, bitspersample=bits, photometric="minisblack", metadata=None)
    same_voxels(open_volume(tmp_path / "a.tif"), array)


def test_jpeg_slices_say_that_they_are_lossy(grey, tmp_path):
    volume = open_volume(save(tmp_path / "a", grey("u1", (5, 40, 36)), "s{}.jpg"))
    assert volume.shape == (5, 40, 36)
    assert any("JPEG" in n for n in volume.notes)


def test_a_preview_of_another_format_is_left_out(grey, same_voxels, tmp_path):
    folder = save(tmp_path / "a", grey("u1"), "s{:02d}.tif")
    Image.fromarray(grey("u1")[0]).save(folder / "preview.jpg")
    volume = open_volume(folder)
    same_voxels(volume, grey("u1"))
    assert any("preview.jpg" in n and "left out" in n for n in volume.notes)
    save(folder, grey("u1"), "s{:02d}.png")
    with pytest.raises(
        InputError, match=r"several formats \(.jpg, .png, .tif\); name one kind, as in 'a/\*.(png|tif)'"
    ):
        open_volume(folder)


def test_one_slice_alone_is_an_image(grey, tmp_path):
    save(tmp_path / "a", grey("u1"), "s{:02d}.png")
    with pytest.raises(InputError, match=r"s03.png is a 2D image, one slice; give its folder"):
        open_volume(tmp_path / "a" / "s03.png")


def test_edf_volumes(grey, same_voxels, tmp_path):
    fabio = pytest.importorskip("fabio")
    array = grey("f4", (5, 12, 16))
    image = fabio.edfimage.EdfImage(data=array[0])
    for plane in array[1:]:
        image.append_frame(data=plane)
    image.write(str(tmp_path / "a.edf"))
    same_voxels(open_volume(tmp_path / "a.edf"), array)


def test_several_multi_page_tiffs(grey, same_voxels, tmp_path):
    array = grey("u2", (21, 13, 17))
    how = {"metadata": None, "photometric": "minisblack"}
    for i, (a, b) in enumerate(((0, 10), (10, 20), (20, 21))):
        tifffile.imwrite(tmp_path / f"part{i + 8}.tif", array[a:b], compression="zlib" if i else None, **how)
    volume = open_volume(tmp_path)
    same_voxels(volume, array)
    assert any("one behind the other (10 + 10 + 1 planes)" in n for n in volume.notes)
    tifffile.imwrite(tmp_path / "part11.tif", array[:3, :5], **how)
    with pytest.raises(InputError, match=r"part11.tif .* must agree"):
        open_volume(tmp_path)


def test_skyscan(grey, same_voxels, tmp_path):
    array = grey("u1")
    folder = save(tmp_path / "powder", array, "powder_rec{:08d}.bmp")
    Image.fromarray(array[0][:5]).save(folder / "powder_rec_spr.bmp")
    (folder / "powder_rec.log").write_text(
        "[Acquisition]\nImage Pixel Size (um)=1.5\n[Reconstruction]\nPixel Size (um)=0.75000\n"
    )
    volume = open_volume(folder)
    same_voxels(volume, array)
    assert require_voxel_size(volume).spacing == (0.75, 0.75, 0.75)
    assert any("powder_rec_spr.bmp" in n for n in volume.notes)


def test_brackets_in_names(grey, same_voxels, tmp_path):
    array = grey("u1")
    folder = save(tmp_path / "scan [1]", array, "s{:02d}[a].png")
    same_voxels(open_volume(folder), array)
    same_voxels(open_volume(folder / "*.png"), array)
    same_voxels(open_volume(folder / "s0[0-4]*.png"), array[:5])
    same_voxels(open_volume(folder / "s*[a].png"), array)


@pytest.mark.parametrize("colours", [2, 16])
def test_bmp_palettes_of_few_greys(same_voxels, tmp_path, colours):
    import struct

    bits = {2: 1, 16: 4}[colours]
    array = np.random.default_rng(0).integers(0, colours, (5, 12, 32)).astype("u1")
    greys = np.linspace(255, 0, colours).astype("u1")
    palette = b"".join(bytes([g, g, g, 0]) for g in greys)
    for i, plane in enumerate(array):
        flags = (plane[::-1, :, None] >> np.arange(bits - 1, -1, -1)) & 1  # BMP begins at the bottom
        rows = np.packbits(flags.reshape(12, -1), axis=1).tobytes()
        start = 54 + len(palette)
        head = struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start)
        facts = struct.pack("<IiiHHIIiiII", 40, 32, 12, 1, bits, 0, len(rows), 2835, 2835, colours, 0)
        (tmp_path / f"s{i}.bmp").write_bytes(head + facts + palette + rows)
    same_voxels(open_volume(tmp_path), greys[array])
