"""Formats by libraries and small parsers, on files they (or a few lines) write: Amira, VGI, DICOM, MRC, NIfTI."""

import os
import zipfile
import zlib

import h5py
import numpy as np
import pytest
import zarr

from morphct import reading
from morphct.cli import main
from morphct.ground.errors import InputError
from morphct.reading import open_volume, require_voxel_size


def close(volume, *spacing):
    assert volume.voxel_size is not None, volume.notes
    assert volume.voxel_size.spacing == pytest.approx(spacing, rel=1e-6)


# --- Amira ------------------------------------------------------------------------------------------------------------

HEAD = """# {first}

define Lattice 17 13 11

Parameters {{
    {units}
    Content "17x13x11 {word}, uniform coordinates",
    BoundingBox 0 1.6 0 1.2 0 2,
    CoordType "{coordinates}"
}}

Lattice {{ {word} Data }} @1{packing}

# Data section follows
@1
"""


def run_lengths(data):
    """Amira's run lengths: a repeated byte, or up to 127 as they are."""
    out, at = bytearray(), 0
    while at < len(data):
        same = 1
        while at + same < len(data) and same < 127 and data[at + same] == data[at]:
            same += 1
        if same > 2:
            out += bytes([same, data[at]])
            at += same
            continue
        piece = data[at : at + 100]
        out += bytes([128 | len(piece)]) + piece
        at += len(piece)
    return bytes(out)


def write_amira(path, array, packing="", units='Units { Coordinates "µm" }', coordinates="uniform", text=False):
    words = {"u1": "byte", "u2": "ushort", "i2": "short", "f4": "float", "i4": "int"}
    big = array.dtype.byteorder == ">"
    first = "AmiraMesh 3D ASCII 2.0" if text else f"AmiraMesh BINARY{'' if big else '-LITTLE-ENDIAN'} 2.1"
    data = array.tobytes()
    if packing:
        data = {"HxZip": zlib.compress, "HxByteRLE": run_lengths}[packing](data)
        packing = f"({packing},{len(data)})"
    if text:
        data = "\n".join(repr(v) for v in array.ravel().tolist()).encode()
    head = HEAD.format(
        first=first, word=words[array.dtype.str[1:]], packing=packing, units=units, coordinates=coordinates
    )
    path.write_bytes(head.encode() + data + b"\n")
    return path


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "<f4", ">i4"])
@pytest.mark.parametrize("packing", ["", "HxZip", "HxByteRLE", "text"])
def test_amira(grey, same_voxels, tmp_path, dtype, packing):
    array = grey(dtype)
    array[3:6] = array[3, 0, 0]  # long runs, over the ends of planes
    how = {"text": True} if packing == "text" else {"packing": packing}
    volume = open_volume(write_amira(tmp_path / "a.am", array, **how))
    same_voxels(volume, array)
    close(volume, 0.2, 0.1, 0.1)


def test_amira_troubles(grey, tmp_path):
    path = tmp_path / "a.am"
    assert open_volume(write_amira(path, grey("u1"), units="")).voxel_size is None
    stacked = open_volume(write_amira(path, grey("u1"), coordinates="stacked"))
    with pytest.raises(InputError, match="stacked coordinates"):
        require_voxel_size(stacked)
    for packing in ("", "HxZip", "HxByteRLE"):
        data = write_amira(path, grey("u1"), packing=packing).read_bytes()
        path.write_bytes(data[:-20])
        with pytest.raises(InputError, match="truncated"):
            open_volume(path)
    path.write_bytes(data.replace(b"byte Data", b"byte[3] Data"))
    with pytest.raises(InputError, match="vectors"):
        open_volume(path)


# --- VGI --------------------------------------------------------------------------------------------------------------


def write_vgi(folder, array, unit="unit = mm"):
    (folder / "a.vol").write_bytes(array.tobytes())
    kind = {"u": "unsigned integer", "f": "float"}[array.dtype.kind]
    (folder / "a.vgi").write_text(
        "{volume1}\n[representation]\nsize = 17 13 11\n[file1]\nRegionOfInterestStart = 0 0 0\nFileFormat = raw\n"
        f"Size = 17 13 11\nName = a.vol\nDatatype = {kind}\ndatarange = 0 -1\nBitsPerElement = {8 * array.itemsize}\n"
        f"{{volumeprimitive12}}\n[geometry]\nresolution = 0.001 0.001 0.002\n{unit}\n[volume]\nvolume = volume1\n"
    )
    return folder / "a.vgi"


@pytest.mark.parametrize("dtype", ["u1", "<u2", "<f4"])
def test_vgi(grey, same_voxels, tmp_path, dtype):
    array = grey(dtype)
    path = write_vgi(tmp_path, array)
    for name in (path, path.with_suffix(".vol")):
        volume = open_volume(name)
        same_voxels(volume, array)
        close(volume, 2, 1, 1)
    assert open_volume(write_vgi(tmp_path, array, unit="")).voxel_size is None
    (tmp_path / "a.vol").write_bytes(array.tobytes()[:-1])
    with pytest.raises(InputError, match="truncated"):
        open_volume(path)


# --- sidecars of .vol, raw with a header ------------------------------------------------------------------------------


def test_vol_beside_its_xml(grey, same_voxels, tmp_path):
    array = grey("<f4")
    (tmp_path / "p.vol").write_bytes(array.tobytes())
    (tmp_path / "p.vol.xml").write_text(
        "<tomodb2><reconstruction><listSubVolume><subVolume><SIZEX>17</SIZEX><SIZEY>13</SIZEY><SIZEZ>11</SIZEZ>"
        "<voxelSize>0.65</voxelSize><BYTE_ORDER>LOWBYTEFIRST</BYTE_ORDER></subVolume></listSubVolume></reconstruction>"
        "</tomodb2>"
    )
    volume = open_volume(tmp_path / "p.vol")
    same_voxels(volume, array)
    close(volume, 0.65, 0.65, 0.65)


@pytest.mark.parametrize("mark", ["#", "!", ";"])
def test_vol_info_with_comments(grey, same_voxels, tmp_path, mark):
    array = grey("<f4")
    (tmp_path / "p.vol").write_bytes(array.tobytes())
    (tmp_path / "p.vol.info").write_text(
        f"{mark} PyHST volume\nNUM_X = 17 {mark} width\nNUM_Y = 13{mark}height\nNUM_Z = 11\n"
        f"voxelSize = 0.65 {mark} um\nBYTEORDER = LOWBYTEFIRST\n"
    )
    volume = open_volume(tmp_path / "p.vol")
    same_voxels(volume, array)
    close(volume, 0.65, 0.65, 0.65)


def test_raw_behind_a_header(grey, same_voxels, tmp_path):
    array = grey(">u2")
    (tmp_path / "a.raw").write_bytes(b"x" * 100 + array.tobytes())
    how = {"raw_shape": "11,13,17", "raw_dtype": ">u2"}
    same_voxels(open_volume(tmp_path / "a.raw", **how, raw_offset=100), array)
    with pytest.raises(InputError, match=r"or say --raw-offset 100"):
        open_volume(tmp_path / "a.raw", **how)


def test_metaimage_as_text(grey, same_voxels, tmp_path):
    array = grey("u1")
    (tmp_path / "a.txt").write_text(" ".join(map(str, array.ravel())) + "\n")
    facts = "ObjectType = Image\nNDims = 3\nBinaryData = False\nDimSize = 17 13 11\nElementType = MET_UCHAR\n"
    (tmp_path / "a.mhd").write_text(facts + "ElementDataFile = a.txt\n")
    same_voxels(open_volume(tmp_path / "a.mhd"), array)
    (tmp_path / "a.txt").write_text(" ".join(["300"] * array.size))
    with pytest.raises(InputError, match="do not fit its type"):
        open_volume(tmp_path / "a.mhd")
    (tmp_path / "a.txt").write_text("1 2 3")
    with pytest.raises(InputError, match="holds 3 numbers as text where 2,431"):
        open_volume(tmp_path / "a.mhd")


# --- archives ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npz(grey, same_voxels, tmp_path, save, order):
    array = grey("f4")
    save(tmp_path / "a.npz", v=np.asarray(array, order=order), x=np.arange(3))
    same_voxels(open_volume(tmp_path / "a.npz"), array)
    same_voxels(open_volume(f"{tmp_path}/a.npz::v"), array)
    save(tmp_path / "b.npz", v=array, w=array)
    with pytest.raises(InputError, match=r"holds 2 volumes \(v, w\); name one as b.npz::v"):
        open_volume(tmp_path / "b.npz")


def test_zarr_in_a_zip(grey, same_voxels, tmp_path):
    array = grey("u2")
    group = zarr.create_group(str(tmp_path / "a.zarr"))
    group.create_array("0", data=array, chunks=(4, 5, 6))
    scale = [{"type": "scale", "scale": [0.2, 0.1, 0.1]}]
    axes = [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
    images = [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": images}
    for root in ("", "a.zarr/"):
        with zipfile.ZipFile(tmp_path / "a.zarr.zip", "w") as archive:
            for folder, _, files in os.walk(tmp_path / "a.zarr"):
                for name in files:
                    inside = os.path.relpath(os.path.join(folder, name), tmp_path / "a.zarr")
                    archive.write(os.path.join(folder, name), root + inside)
        for name in ("a.zarr.zip", "a.zarr.zip::0"):
            volume = open_volume(f"{tmp_path}/{name}")
            same_voxels(volume, array)
            close(volume, 0.2, 0.1, 0.1)


def test_matlab(grey, same_voxels, tmp_path):
    array = grey("f4")
    path = tmp_path / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["V"] = array.transpose(0, 2, 1)  # V(y, x, z) as MATLAB writes it, last axis first
        file["#refs#/a"] = array
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")
    volume = open_volume(path)
    same_voxels(volume, array)
    assert any("rows are y, columns x, pages z" in n for n in volume.notes)
    path.write_bytes(b"MATLAB 5.0 MAT-file, Platform".ljust(200))
    with pytest.raises(InputError, match=r"-v7.3"):
        open_volume(path)


# --- by libraries -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["i1", "i2", "u2", "f4"])
@pytest.mark.parametrize("name", ["a.mrc", "a.rec"])
def test_mrc(grey, same_voxels, tmp_path, dtype, name):
    mrcfile = pytest.importorskip("mrcfile")
    array = grey(dtype)
    with mrcfile.new(tmp_path / name) as file:
        file.set_data(array)
        file.voxel_size = (250.0, 250.0, 500.0)
    volume = open_volume(tmp_path / name)
    same_voxels(volume, array)
    close(volume, 0.05, 0.025, 0.025)


def test_mrc_axes_and_troubles(grey, same_voxels, tmp_path):
    mrcfile = pytest.importorskip("mrcfile")
    array, path = grey("i2"), tmp_path / "a.mrc"
    with mrcfile.new(path) as file:
        file.set_data(array.transpose(2, 1, 0))
        file.header.mapc, file.header.mapr, file.header.maps = 3, 2, 1
        file.header.mx, file.header.my, file.header.mz = 17, 13, 11
        file.header.cella.x, file.header.cella.y, file.header.cella.z = 17 * 250, 13 * 250, 11 * 500
    volume = open_volume(path)
    same_voxels(volume, array)
    close(volume, 0.05, 0.025, 0.025)
    path.with_suffix(".rawtlt").write_text("\n".join(map(str, range(17))))
    with pytest.raises(InputError, match="projections"):
        open_volume(path)
    path.with_suffix(".rawtlt").unlink()
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(InputError, match="truncated"):
        open_volume(path)
    path.rename(tmp_path / "a.st")
    with pytest.raises(InputError, match="tilt series"):
        open_volume(tmp_path / "a.st")


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4"])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.hdr"])
def test_nifti(grey, same_voxels, tmp_path, dtype, name):
    nibabel = pytest.importorskip("nibabel")
    array = grey(dtype)
    kind = nibabel.Nifti1Pair if name == "a.hdr" else nibabel.Nifti1Image
    image = kind(np.asarray(array.transpose(2, 1, 0)), np.diag([0.1, 0.1, 0.2, 1]))
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / name)
    volume = open_volume(tmp_path / name)
    same_voxels(volume, array)
    close(volume, 0.2, 0.1, 0.1)


def test_nifti_scale_and_unit(grey, same_voxels, tmp_path):
    nibabel = pytest.importorskip("nibabel")
    array = grey("i2")
    image = nibabel.Nifti1Image(array.transpose(2, 1, 0), np.diag([0.01, 0.01, 0.02, 1]))
    image.header.set_slope_inter(0.5, 10)
    nibabel.save(image, tmp_path / "a.nii")
    with open(tmp_path / "a.nii", "r+b") as file:  # the library writes what it was given and divides the data
        file.seek(352)
        file.write(array.tobytes())
    volume = open_volume(tmp_path / "a.nii")
    same_voxels(volume, (array * 0.5 + 10).astype("f4"))
    with pytest.raises(InputError, match=r"--voxel-size 20um,10um,10um"):
        require_voxel_size(volume)


def write_dicom(folder, array, names, spacing=0.05, **facts):
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    folder.mkdir(exist_ok=True)
    series = generate_uid()
    for i, plane in enumerate(array):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID, meta.MediaStorageSOPInstanceUID = ExplicitVRLittleEndian, generate_uid()
        meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        data = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        data.SeriesInstanceUID, data.InstanceNumber = series, len(array) - i
        data.Rows, data.Columns = plane.shape
        data.BitsAllocated = data.BitsStored = 8 * plane.itemsize
        data.HighBit, data.SamplesPerPixel = data.BitsStored - 1, 1
        data.PixelRepresentation = int(plane.dtype.kind == "i")
        data.PhotometricInterpretation, data.PixelSpacing = "MONOCHROME2", [0.025, 0.02]
        data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, i * spacing], [1, 0, 0, 0, 1, 0]
        data.PixelData = plane.tobytes()
        for key, value in facts.items():
            setattr(data, key, value)
        data.save_as(folder / names[i], enforce_file_format=True)
    return folder


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2"])
@pytest.mark.parametrize("ending", [".dcm", ""])
def test_dicom_series_in_order_of_places(grey, same_voxels, tmp_path, dtype, ending):
    pytest.importorskip("pydicom")
    array = grey(dtype, (11, 12, 16))
    names = [f"im{(7 * i) % 11}{ending}" for i in range(11)]
    volume = open_volume(write_dicom(tmp_path / "a", array, names))
    same_voxels(volume, array)
    close(volume, 50, 25, 20)


def test_dicom_troubles(grey, tmp_path):
    pytest.importorskip("pydicom")
    array = grey("u2", (6, 12, 16))
    names = [f"im{i}.dcm" for i in range(6)]
    folder = write_dicom(tmp_path / "a", array, names)
    (folder / "im3.dcm").unlink()
    with pytest.raises(InputError, match="uneven steps"):
        require_voxel_size(open_volume(folder))
    write_dicom(folder, array[:1], ["other.dcm"])
    with pytest.raises(InputError, match="2 DICOM series"):
        open_volume(folder)
    (folder / "other.dcm").unlink()
    with pytest.raises(InputError, match="2D image"):
        open_volume(folder / "im2.dcm")
    (folder / "im9.dcm").write_text("hello")
    with pytest.raises(InputError, match=r"im9.dcm .* is something else"):
        open_volume(folder)
    rescaled = write_dicom(tmp_path / "b", array, names, RescaleSlope=2, RescaleIntercept=-1000)
    assert any("as they are stored" in n for n in open_volume(rescaled).notes)


def test_a_multi_frame_dicom(grey, same_voxels, tmp_path):
    pytest.importorskip("pydicom")
    array = grey("u2", (6, 12, 16))
    facts = {"NumberOfFrames": 6, "PixelData": array.tobytes(), "SpacingBetweenSlices": 0.03}
    folder = write_dicom(tmp_path / "a", array[:1], ["a.dcm"], **facts)
    volume = open_volume(folder / "a.dcm")
    same_voxels(volume, array)
    close(volume, 30, 25, 20)


def test_the_list_of_formats(capsys):
    assert main(["inspect", "--formats"]) == 0
    text = capsys.readouterr().out
    for kind in reading.formats():
        assert kind.name in text
    assert "needs mrcfile" in text
    for word in (".nrrd", ".txm", ".am", ".dcm", ".nii", ".npz", ".mat", ".zarr.zip", ".vgi"):
        assert word in text
