"""What files state of axes, units and raw projections is believed, or one sentence asks."""

import contextlib

import h5py
import numpy as np
import pytest
import tifffile
import zarr

from morphct.ground.errors import InputError
from morphct.reading import open_volume, require_voxel_size
from morphct.reading.axes import letters_of
from morphct.reading.coordinates import step_of
from morphct.reading.stated import state


def close(volume, *spacing):
    assert volume.voxel_size is not None, volume.notes
    assert volume.voxel_size.spacing == pytest.approx(spacing, rel=1e-6)


# --- axes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["XYZ", "ZXY", "YXZ", "YZX", "XZY"])
def test_tiff_axes_as_stated(grey, same_voxels, tmp_path, order):
    array = grey("u2")
    stored = np.ascontiguousarray(array.transpose(["ZYX".index(a) for a in order]))
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="minisblack", metadata={"axes": order})
    same_voxels(open_volume(tmp_path / "a.tif"), array)


def scales(group, names, lengths, steps, unit="um"):
    for name, n, step in zip(names, lengths, steps):
        group[name] = np.arange(n) * step
        group[name].attrs["units"] = unit


@pytest.mark.parametrize("order", ["xyz", "zyx", "yxz"])
def test_nexus_axes_and_coordinates(grey, same_voxels, tmp_path, order):
    array = grey("u1")
    size = dict(zip("zyx", (0.2, 0.1, 0.05)))
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        data = file.create_group("entry/data")
        data.attrs.update({"NX_class": "NXdata", "signal": "v", "axes": list(order)})
        data["v"] = array.transpose(["zyx".index(a) for a in order])
        scales(data, order, data["v"].shape, [size[a] * 1000 for a in order], "nm")
    volume = open_volume(tmp_path / "a.nxs")
    same_voxels(volume, array)
    close(volume, 0.2, 0.1, 0.05)


def test_axes_of_an_nxdata_that_links_to_the_dataset(grey, same_voxels, tmp_path):
    array = grey("u1")
    with h5py.File(tmp_path / "a.nxs", "w", userblock_size=512) as file:  # the mark lies behind 512 bytes
        file["entry/recon/v"] = array.transpose(2, 1, 0)
        data = file.create_group("entry/data")
        data.attrs.update({"NX_class": "NXdata", "signal": "v", "axes": ["x", "y", "z"]})
        data["v"] = h5py.SoftLink("/entry/recon/v")
        scales(data, "xyz", (17, 13, 11), (0.1, 0.1, 0.1))
    for name in ("a.nxs", "a.nxs::/entry/recon/v", "a.nxs::/entry/data/v", "a.nxs::/entry/data"):
        volume = open_volume(f"{tmp_path}/{name}")
        same_voxels(volume, array)
        close(volume, 0.1, 0.1, 0.1)


def test_nexus_default_chooses_among_several(grey, same_voxels, tmp_path):
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        file["entry/other"] = grey("u1", seed=1)
        file["entry/plot/v"] = grey("u1")
        file.attrs["default"], file["entry"].attrs["default"] = "entry", "plot"
        file["entry/plot"].attrs["signal"] = "v"
    same_voxels(open_volume(tmp_path / "a.nxs"), grey("u1"))


def test_dimension_labels_and_scales(grey, same_voxels, tmp_path):
    array = grey("u1")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["v"] = array.transpose(2, 1, 0)
        scales(file, ("sx", "sy", "sz"), (17, 13, 11), (0.1, 0.1, 0.3))
        for dim, name, scale in zip(file["v"].dims, "xyz", ("sx", "sy", "sz")):
            dim.label = name
            file[scale].make_scale(name)
            dim.attach_scale(file[scale])
    volume = open_volume(tmp_path / "a.h5")
    same_voxels(volume, array)
    close(volume, 0.3, 0.1, 0.1)


@pytest.mark.parametrize("unit", ["[n_m]", "nm", "[nm]"])
def test_emd(grey, same_voxels, tmp_path, unit):
    array = grey("f4")
    with h5py.File(tmp_path / "a.emd", "w") as file:
        group = file.create_group("data/tomogram")
        group.attrs["emd_group_type"] = 1
        group["data"] = array.transpose(2, 1, 0)
        for i, (name, n) in enumerate(zip("xyz", (17, 13, 11))):
            group[f"dim{i + 1}"] = np.arange(n, dtype="f4") * 25
            group[f"dim{i + 1}"].attrs["name"], group[f"dim{i + 1}"].attrs["units"] = name, unit
    volume = open_volume(tmp_path / "a.emd")
    same_voxels(volume, array)
    close(volume, 0.025, 0.025, 0.025)


@pytest.mark.parametrize("version", [2, 3])
def test_zarr_dimension_names(grey, same_voxels, tmp_path, version):
    array = grey("u2")
    group = zarr.create_group(str(tmp_path / "a.zarr"), zarr_format=version)
    named = (lambda *names: {"dimension_names": list(names)}) if version == 3 else lambda *names: {}
    stored = group.create_array("v", data=array.transpose(2, 1, 0).copy(), chunks=(8, 8, 8), **named("x", "y", "z"))
    stored.attrs["_ARRAY_DIMENSIONS"] = ["x", "y", "z"]
    for name, n, step in zip("xyz", array.shape[::-1], (0.1, 0.1, 0.2)):
        group.create_array(name, data=np.arange(n) * step, **named(name)).attrs["units"] = "micrometer"
    volume = open_volume(tmp_path / "a.zarr")
    same_voxels(volume, array)
    close(volume, 0.2, 0.1, 0.1)


def test_ome_zarr_axes_in_words(grey, same_voxels, tmp_path):
    group = zarr.create_group(str(tmp_path / "a.zarr"))
    group.create_array("0", data=grey("u2"))
    axes = [{"name": n, "type": "space", "unit": "micrometer"} for n in ("depth", "height", "width")]
    scale = [{"type": "scale", "scale": [0.2, 0.1, 0.1]}]
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}],
    }
    volume = open_volume(tmp_path / "a.zarr")
    same_voxels(volume, grey("u2"))
    close(volume, 0.2, 0.1, 0.1)


def test_a_unit_without_a_scale_is_no_size(grey, tmp_path):
    group = zarr.create_group(str(tmp_path / "a.zarr"))
    group.create_array("0", data=grey("u2"))
    axes = [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": [{"path": "0"}]}]}
    assert open_volume(tmp_path / "a.zarr").voxel_size is None


def test_uneven_coordinates_ask(grey, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["v"] = grey("u1")
        file.attrs.update({"NX_class": "NXdata", "signal": "v", "axes": ["z", "y", "x"]})
        scales(file, "zyx", (11, 13, 17), (0.1, 0.1, 0.1))
        file["z"][5] += 0.05
    volume = open_volume(tmp_path / "a.h5")
    with pytest.raises(InputError, match=r"uneven steps.*--voxel-size"):
        require_voxel_size(volume)


def test_axis_words():
    assert letters_of(["depth", "rows", "columns"], "v") == "zyx"
    assert letters_of(["sample_x", "sample_y", "sample_z"], "v") == "xyz"
    assert letters_of(["energy", "y", "x"], "v") == "zyx"
    assert letters_of(["dim_0", "dim_1", "dim_2"], "v") is None
    with pytest.raises(InputError, match="two of them alike"):
        letters_of(["x", "x", "y"], "v")
    with pytest.raises(InputError, match="projections"):
        letters_of(["rotation_angle", "y", "x"], "v")


@pytest.mark.parametrize(
    ("values", "length", "step"),
    [
        (np.arange(5) * 0.1 + 1e3, 5, 0.1),
        (np.arange(5, dtype="f4") * np.float32(0.1), 5, 0.1),
        (np.arange(6) * 0.1, 5, 0.1),  # edges of the voxels
        (np.array([0, 0.1]), 5, 0.1),
        (np.arange(5)[::-1] * 0.1, 5, 0.1),
        (np.array([0, 0.1, 0.2, 0.4, 0.5]), 5, -1),
        (np.array([0, 0.1, np.nan, 0.3, 0.4]), 5, -1),
        (np.arange(9) * 0.1, 5, None),
    ],
)
def test_steps_of_coordinates(values, length, step):
    assert step_of(values, length) == pytest.approx(step)


# --- projections ------------------------------------------------------------------------------------------------------


def tomography(file, kind):
    """A file of projections as the field writes it; returns the name of the data."""
    data = np.ones((12, 10, 9), "u2")
    if kind == "nxtomo":
        entry = file.create_group("entry")
        entry["definition"] = "NXtomo"
        entry["instrument/detector/data"] = data
        return "entry/instrument/detector/data"
    if kind == "nxdata":
        file["entry/definition"] = np.bytes_("NXtomo")
        file["entry/instrument/detector/data"] = data
        file["entry/instrument/detector/image_key"] = np.zeros(12, int)
        file["entry/data/data"] = h5py.SoftLink("/entry/instrument/detector/data")
        return "entry/data/data"
    if kind == "angles":
        file["entry/instrument/detector/data"] = data
        file["entry/sample/rotation_angle"] = np.linspace(0, 180, 12)
        return "entry/instrument/detector/data"
    if kind == "sinograms":
        file["exchange/data"] = data.transpose(1, 0, 2)
        file["exchange/theta"] = np.linspace(0, 180, 12)
        return "exchange/data"
    file["exchange/data"] = data
    if kind == "fields":
        file["exchange/data_white"], file["exchange/data_dark"] = data[:2], data[:2]
    else:
        file["exchange/theta"] = np.linspace(0, np.pi, 12)
    return "exchange/data"


@pytest.mark.parametrize("kind", ["nxtomo", "nxdata", "angles", "sinograms", "fields", "exchange"])
def test_projections_are_refused(tmp_path, kind):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        name = tomography(file, kind)
    for path in (tmp_path / "a.h5", f"{tmp_path}/a.h5::/{name}"):
        with pytest.raises(InputError, match=r"holds projections, not a volume .*reconstruct it"):
            open_volume(path)


def test_a_reconstruction_beside_its_projections_is_read(grey, same_voxels, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        tomography(file, "nxdata")
        file["entry/reconstruction/results/data"] = grey("f4")
        file["entry/sample/rotation_angle"] = np.linspace(0, 180, 11)
    same_voxels(open_volume(tmp_path / "a.h5"), grey("f4"))


def test_a_reconstruction_in_exchange_is_read(grey, same_voxels, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["exchange/data"], file["exchange/theta"] = grey("f4"), np.linspace(0, 180, 1800)
    same_voxels(open_volume(tmp_path / "a.h5"), grey("f4"))


def test_projections_in_other_containers(tmp_path):
    data = np.ones((12, 10, 9), "u2")
    np.savez(tmp_path / "a.npz", data=data, theta=np.linspace(0, 180, 12))
    group = zarr.create_group(str(tmp_path / "a.zarr"))
    group.create_array("exchange/data", data=data)
    group.create_array("exchange/theta", data=np.linspace(0, 180, 12))
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="minisblack", metadata={"axes": "AYX"})
    for name in ("a.npz", "a.zarr", "a.tif"):
        with pytest.raises(InputError, match="projections"):
            open_volume(tmp_path / name)


# --- units ------------------------------------------------------------------------------------------------------------


def imagej(path, array, words, resolution=(10, 10), unit=None):
    header = f"ImageJ=1.53q\nimages={len(array)}\nslices={len(array)}\n{words}"
    how = {} if unit is None else {"resolutionunit": unit}
    with tifffile.TiffWriter(path) as writer:
        for i, plane in enumerate(array):
            writer.write(plane, description=header if i == 0 else None, metadata=None, resolution=resolution, **how)
    return open_volume(path)


def test_units_by_axis_of_imagej(grey, tmp_path):
    close(imagej(tmp_path / "a.tif", grey("u1"), "unit=micron\nzunit=nm\nspacing=50.0\n"), 0.05, 0.1, 0.1)
    close(imagej(tmp_path / "a.tif", grey("u1"), "unit=nm\nyunit=um\nspacing=50\n", (0.02, 20)), 0.05, 0.05, 0.05)
    close(imagej(tmp_path / "a.tif", grey("u1"), "unit=\\u00b5m\nspacing=0.1\n"), 0.1, 0.1, 0.1)
    close(imagej(tmp_path / "a.tif", grey("u1"), "unit=inch\nspacing=0.001\n", (1000, 1000)), 25.4, 25.4, 25.4)


def test_a_resolution_unit_that_contradicts(grey, tmp_path):
    # 500 pixels: a centimetre makes 20 um, as the planes are apart
    close(imagej(tmp_path / "a.tif", grey("u1"), "unit=um\nspacing=20\n", (500, 500), "CENTIMETER"), 20, 20, 20)
    # the inch that libraries write unasked makes no sense here
    close(imagej(tmp_path / "a.tif", grey("u1"), "unit=um\nspacing=0.1\n", (10, 10), "INCH"), 0.1, 0.1, 0.1)
    both = imagej(tmp_path / "a.tif", grey("u1"), "unit=um\nspacing=5\n", (1, 2000), "CENTIMETER")
    assert both.voxel_size is None
    between = imagej(tmp_path / "a.tif", grey("u1"), "unit=nm\nspacing=9000\n", (0.001, 0.001), "CENTIMETER")
    close(between, 9, 1, 1)


def test_a_size_of_some_axes_asks(grey, tmp_path):
    facts = {"axes": "ZYX", "spacing": 0.025, "unit": "um"}
    tifffile.imwrite(tmp_path / "a.tif", grey("u1"), imagej=True, metadata=facts)
    with pytest.raises(InputError, match=r"0.025 um for some axes only"):
        require_voxel_size(open_volume(tmp_path / "a.tif"))


def test_absurd_edges_are_refused_and_odd_ones_noted(grey, tmp_path):
    path = tmp_path / "a.tif"
    volume = imagej(path, grey("u1"), "unit=um\nspacing=50.0\n")
    with pytest.raises(InputError, match=r"edges that differ 500 times"):
        require_voxel_size(volume)
    volume = imagej(path, grey("u1"), "unit=um\nspacing=2\n")
    assert volume.voxel_size is not None
    assert any("differ 20 times" in note for note in volume.notes)
    assert not any("differ" in n for n in imagej(path, grey("u1"), "unit=um\nspacing=0.9\n").notes)
    for given in ("75um,25nm,25nm", "60px,1px,1px"):
        with pytest.raises(InputError, match=r"differ \d+ times, at most 50"):
            open_volume(path, voxel_size=given)


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        ([0.075, 0.025, 0.025], r"--voxel-size 75um,25um,25um"),
        ([0.025], r"in mm, as programs mean by it, it is --voxel-size 25um\)"),
        ([0.65], r"in um it is --voxel-size 0.65um"),
    ],
)
def test_units_by_convention_are_ready_to_paste(edges, words):
    import re

    assert re.search(words, state(edges, None, "x", usual="mm").trouble)


def test_imagej_headers_that_miscount(grey, same_voxels, tmp_path):
    array = grey("u1")
    header = "ImageJ=1.53q\nimages=9\nslices=9\nunit=um\nspacing=0.1\n"
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for i, plane in enumerate(array):
            writer.write(plane, description=header if i == 0 else None, metadata=None, resolution=(10, 10))
    volume = open_volume(tmp_path / "a.tif")
    same_voxels(volume, array)
    assert any("counts 9 images and 11 are there" in note for note in volume.notes)


def test_ome_in_several_files(grey, same_voxels, tmp_path):
    array = grey("u2", (4, 8, 9))
    parts = "".join(
        f'<TiffData FirstZ="{i}" IFD="0" PlaneCount="1"><UUID FileName="p{i}.ome.tif">urn:uuid:{i}</UUID></TiffData>'
        for i in range(4)
    )
    text = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{0}"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="9" SizeY="8" SizeZ="4" SizeC="1" SizeT="1" '
        'PhysicalSizeX="0.1" PhysicalSizeY="0.1" PhysicalSizeZ="0.2">{1}</Pixels></Image></OME>'
    )
    for i, plane in enumerate(array):
        tifffile.imwrite(tmp_path / f"p{i}.ome.tif", plane, description=text.format(i, parts), metadata=None)
    volume = open_volume(tmp_path / "p0.ome.tif")
    same_voxels(volume, array)
    close(volume, 0.2, 0.1, 0.1)
    assert len(volume.files) == 4
    same_voxels(open_volume(tmp_path), array)
    (tmp_path / "p2.ome.tif").unlink()
    with pytest.raises(InputError, match=r"1 of its 4 planes are in files that are not beside it"):
        open_volume(tmp_path / "p0.ome.tif")


def test_a_damaged_imagej_file_is_one_sentence(grey, tmp_path, caplog):
    tifffile.imwrite(tmp_path / "a.tif", grey("u1"), imagej=True)
    data = bytearray((tmp_path / "a.tif").read_bytes())
    at = data.find(b"images=11")
    data[at : at + 9] = b"images=\xff\xff"
    (tmp_path / "a.tif").write_bytes(data)
    with contextlib.suppress(InputError):
        open_volume(tmp_path / "a.tif")
    assert not [r for r in caplog.records if r.name.startswith("tifffile")]


def test_nrrd_units_by_axis(grey, tmp_path):
    pytest.importorskip("nrrd")
    facts = (
        "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 17 13 11\nencoding: raw\nspace dimension: 3\n"
        'space directions: (100,0,0) (0,0.1,0) (0,0,0.2)\nspace units: "nm" "um" "um"\n\n'
    )
    (tmp_path / "a.nrrd").write_bytes(facts.encode() + grey("u1").tobytes())
    close(open_volume(tmp_path / "a.nrrd"), 0.2, 0.1, 0.1)
    (tmp_path / "a.nrrd").write_bytes(facts.replace('"nm" "um" "um"', "").encode() + grey("u1").tobytes())
    assert open_volume(tmp_path / "a.nrrd").voxel_size is None
