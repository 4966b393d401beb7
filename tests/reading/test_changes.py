"""A volume whose files change or vanish while it is read is refused at the next read, not after measuring."""

import os

import numpy as np
import pytest
import tifffile

from morphct.ground.errors import InputError
from morphct.reading import open_volume


def older(path):
    """The file as if it was changed a while ago: a clock too coarse must not hide the change that follows."""
    stamp = path.stat().st_mtime_ns - 10**10
    os.utime(path, ns=(stamp, stamp))


@pytest.fixture
def one_file(tmp_path):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, np.arange(8 * 9 * 10, dtype=np.uint16).reshape(8, 9, 10), metadata={"axes": "ZYX"})
    older(path)
    return path


@pytest.fixture
def stack(tmp_path):
    folder = tmp_path / "stack"
    folder.mkdir()
    for z in range(40):
        tifffile.imwrite(folder / f"slice_{z:03}.tif", np.full((9, 10), z, np.uint16))
        older(folder / f"slice_{z:03}.tif")
    return folder


def test_a_file_that_is_written_again(one_file):
    volume = open_volume(one_file)
    assert volume[0:2].shape == (2, 9, 10)
    tifffile.imwrite(one_file, np.zeros((8, 9, 10), np.uint16), metadata={"axes": "ZYX"})
    with pytest.raises(InputError, match=r"^scan\.tif has changed since it was opened, .* start again$"):
        volume[2:4]


def test_a_file_that_goes_away(one_file):
    volume = open_volume(one_file)
    one_file.unlink()
    with pytest.raises(InputError, match=r"is no longer there since it was opened"):
        volume[0:2]


def test_a_plane_of_a_stack(stack):
    volume = open_volume(stack)
    tifffile.imwrite(stack / "slice_030.tif", np.zeros((9, 10), np.uint16))
    assert (volume[0:20] == np.arange(20)[:, None, None]).all()
    with pytest.raises(InputError, match=r"slice_030\.tif of stack has changed"):
        volume[20:40, 0:3]


def test_a_crop_looks_at_its_own_planes(stack):
    volume = open_volume(stack, crop="10:20,0:9,0:10")
    tifffile.imwrite(stack / "slice_005.tif", np.ones((9, 10), np.uint16))
    assert volume[0:10].shape == (10, 9, 10)
    (stack / "slice_012.tif").unlink()
    with pytest.raises(InputError, match="slice_012"):
        volume[0:10]
