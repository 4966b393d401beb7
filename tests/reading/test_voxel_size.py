"""Where the voxel size comes from: the user, a sidecar, the header; and when none of them is believed."""

import logging

import numpy as np
import pytest
import tifffile

from morphct.ground.errors import InputError
from morphct.ground.units import VoxelSize
from morphct.reading import open_volume, require_voxel_size
from morphct.reading.stated import state


@pytest.mark.parametrize(
    ("edges", "unit", "um"),
    [
        ([0.025], "um", (0.025,) * 3),
        ([75, 25, 25], "nm", (0.075, 0.025, 0.025)),
        ([75, 25, 25], "nanometer", (0.075, 0.025, 0.025)),
        ([-0.5, 0.25, 0.25], "micrometer", (0.5, 0.25, 0.25)),
        ([0.5], "µm", (0.5,) * 3),
        ([0.5], "μm", (0.5,) * 3),
        ([0.5], "\\u00B5m", (0.5,) * 3),
        ([0.5], "Microns", (0.5,) * 3),
        ([6.5e-6], "cm", (0.065,) * 3),
        ([0.001], "mm", (1.0,) * 3),
        ([2.5e-8], "m", (0.025,) * 3),
        ([250], "Å", (0.025,) * 3),
    ],
)
def test_units_as_programs_spell_them(edges, unit, um):
    stated = state(edges, unit, "test")
    assert stated.edges == um
    assert not stated.trouble


@pytest.mark.parametrize(
    ("edges", "unit", "words"),
    [
        ([0.025], None, "without a unit"),
        ([0.025], "pixel", r"without a unit of length \(pixel\)"),
        ([0.0], "um", "zero"),
        ([0.1, 0.0, 0.1], "um", "zero"),
        ([1], "um", "nobody set it"),
        ([1, 1, 1], "micron", "nobody set it"),
        ([5, 5, 5], "mm", "outside 1 nm to 100 um"),
        ([0.5], "pm", "outside 1 nm to 100 um"),
        ([float("nan")], "um", "outside"),
        ([None, 0.1, 0.1], "um", "some axes only"),
        ([None], "um", "some axes only"),
    ],
)
def test_what_is_not_believed(edges, unit, words):
    import re

    stated = state(edges, unit, "test")
    assert stated.edges is None
    assert re.search(words, stated.trouble)


def test_imagej(grey, tmp_tif):
    volume = open_volume(tmp_tif(grey("u1"), voxel_um=(0.075, 0.025, 0.025)))
    assert volume.voxel_size == VoxelSize(0.075, 0.025, 0.025, "um", "ImageJ header of volume.tif")
    assert require_voxel_size(volume) is volume.voxel_size
    assert volume.notes == []


def test_imagej_units(grey, tmp_path):
    for unit, factor in [("nm", 1e3), ("micron", 1), ("\\u00B5m", 1), ("mm", 1e-3)]:
        facts = {"axes": "ZYX", "spacing": 0.5 * factor, "unit": unit}
        resolution = (4 / factor, 4 / factor)
        tifffile.imwrite(tmp_path / "a.tif", grey("u1"), imagej=True, resolution=resolution, metadata=facts)
        assert open_volume(tmp_path / "a.tif").voxel_size.spacing == (0.5, 0.25, 0.25), unit


def test_imagej_without_z_or_unit_is_asked_for(grey, tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", grey("u1"), imagej=True, resolution=(4, 4), metadata={"axes": "ZYX", "unit": "um"}
    )
    with pytest.raises(InputError, match=r"ImageJ header of a.tif states 0.25 um for some axes only\); give it as"):
        require_voxel_size(open_volume(tmp_path / "a.tif"))
    tifffile.imwrite(
        tmp_path / "a.tif", grey("u1"), imagej=True, resolution=(4, 4), metadata={"axes": "ZYX", "spacing": 0.25}
    )
    with pytest.raises(InputError, match="without a unit"):
        require_voxel_size(open_volume(tmp_path / "a.tif"))


def test_tifffile_description(grey, tmp_path):
    facts = {"axes": "ZYX", "spacing": 0.5, "unit": "um"}
    tifffile.imwrite(tmp_path / "a.tif", grey("u1"), resolution=(4, 4), metadata=facts)
    assert open_volume(tmp_path / "a.tif").voxel_size.spacing == (0.5, 0.25, 0.25)


def test_printer_resolutions_are_no_voxel_size(grey, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", grey("u1"), resolution=(72, 72), resolutionunit=2)
    volume = open_volume(tmp_path / "a.tif")
    assert volume.voxel_size is None
    assert volume.notes == ["a.tif states no voxel size"]


def test_ome_tiff(grey, tmp_path):
    path = tmp_path / "a.ome.tif"
    facts = {"axes": "ZYX", "PhysicalSizeX": 25.0, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 25.0}
    facts |= {"PhysicalSizeYUnit": "nm", "PhysicalSizeZ": 0.075}
    tifffile.imwrite(path, grey("u1"), metadata=facts)
    volume = open_volume(path)
    assert volume.voxel_size.spacing == (0.075, 0.025, 0.025)
    assert volume.voxel_size.source == "OME metadata of a.ome.tif"
    tifffile.imwrite(path, grey("u1"), metadata={"axes": "ZYX", "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1})
    assert "some axes only" in open_volume(path).notes[0]


INFOS = """[processing_options.phase]
delta_beta = 100.0
[processing_options.reconstruction]
method = FBP
voxel_size_cm = {}
"""


def test_the_sidecar_goes_before_the_header_and_the_user_before_both(grey, tmp_tif, tmp_path, caplog):
    path = tmp_tif(grey("u1"), voxel_um=(0.075, 0.025, 0.025))
    (tmp_path / "volume_infos.txt").write_text(INFOS.format("(6.5e-06, 6.5e-06, 6.5e-06)"))
    with caplog.at_level(logging.INFO, "morphct"):
        volume = open_volume(path)
    assert volume.voxel_size == VoxelSize(0.065, 0.065, 0.065, "um", "sidecar volume_infos.txt")
    assert "voxel size of volume.tif: 65nm (sidecar volume_infos.txt)" in caplog.text
    assert len(volume.notes) == 1
    assert "ImageJ header of volume.tif says 75nm,25nm,25nm: they differ by more than 1 %" in volume.notes[0]
    volume = open_volume(path, voxel_size="30nm")
    assert volume.voxel_size == VoxelSize(0.03, 0.03, 0.03, "um", "command line")
    assert len(volume.notes) == 2
    assert not open_volume(path, voxel_size="1px").notes
    assert open_volume(path, voxel_size="1px").voxel_size.unit == "px"


def test_less_than_one_percent_apart_is_no_difference(grey, tmp_tif):
    path = tmp_tif(grey("u1"), voxel_um=(0.025, 0.025, 0.025))
    assert not open_volume(path, voxel_size="25.2nm").notes
    assert open_volume(path, voxel_size="25.3nm").notes


def test_sidecar_of_a_folder(grey, tmp_path):
    folder = tmp_path / "scan"
    folder.mkdir()
    for i, plane in enumerate(grey("u1")):
        tifffile.imwrite(folder / f"s{i}.tif", plane)
    (folder / "scan_infos.txt").write_text(INFOS.format("5e-06"))
    assert open_volume(folder).voxel_size.spacing == (0.05, 0.05, 0.05)
    assert open_volume(folder / "s*.tif").voxel_size.spacing == (0.05, 0.05, 0.05)
    (folder / "scan_infos.txt").rename(folder / "other_infos.txt")
    assert open_volume(folder).voxel_size.spacing == (0.05, 0.05, 0.05)


def test_a_useless_sidecar_leaves_the_header(grey, tmp_tif, tmp_path):
    path = tmp_tif(grey("u1"), voxel_um=0.025)
    (tmp_path / "volume_infos.txt").write_text(INFOS.format("0.0"))
    volume = open_volume(path)
    assert volume.voxel_size.x == 0.025
    assert volume.notes == ["sidecar volume_infos.txt states a voxel size of zero: it is not used"]


@pytest.mark.parametrize("given", ["5mm", "0.5pm", VoxelSize(0.5, 0.5, 5000.0), "25", "25nm,25nm", "0nm", "-1um"])
def test_a_value_of_the_user_that_makes_no_sense_stops(grey, tmp_tif, given):
    with pytest.raises(InputError, match="--voxel-size 25nm"):
        open_volume(tmp_tif(grey("u1")), voxel_size=given)


def test_axes_turn_the_voxel_size_of_the_header(grey, tmp_tif):
    """The header gives the step between stored planes; here these lie along y."""
    array = grey("u1")
    path = tmp_tif(array.transpose(1, 0, 2), voxel_um=(0.3, 0.2, 0.1))
    volume = open_volume(path, axes="yzx")
    np.testing.assert_array_equal(volume[:], array)
    assert volume.voxel_size.spacing == (0.2, 0.3, 0.1)


def test_none_at_all_says_how_to_give_it(grey, tmp_tif):
    with pytest.raises(InputError, match=r"volume.tif has no usable voxel size; give it as --voxel-size 25nm.*1px"):
        require_voxel_size(open_volume(tmp_tif(grey("u1"))))
