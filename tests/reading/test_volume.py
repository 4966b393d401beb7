"""The lazy volume: slicing, axis order, crop, types, errors while reading."""

import numpy as np
import pytest

from morphct.ground.bricks import Brick
from morphct.ground.errors import InputError
from morphct.ground.units import VoxelSize
from morphct.reading.volume import ArraySource, Volume, check_dtype, check_shape, summary_of


def test_slices_as_an_array_does(grey):
    array = grey("i2")
    volume = Volume(ArraySource(array))
    keys = [
        np.s_[:],
        np.s_[3],
        np.s_[-1],
        np.s_[2:5],
        np.s_[:, 4],
        np.s_[..., 5],
        np.s_[1:9:3, ::2, 1::4],
        np.s_[4:2],
        np.s_[2, 3, 4],
        np.s_[50:60],
    ]
    for key in keys:
        np.testing.assert_array_equal(volume[key], array[key])
    np.testing.assert_array_equal(np.asarray(volume), array)
    assert len(volume) == 11
    assert volume.ndim == 3
    assert volume.size == array.size
    assert volume.nbytes == array.nbytes
    assert sum(1 for _ in volume) == 11


@pytest.mark.parametrize("key", [np.s_[::-1], 11, -12, (0, 0, 0, 0)])
def test_refuses_indices_outside(grey, key):
    with pytest.raises(IndexError):
        Volume(ArraySource(grey()))[key]


@pytest.mark.parametrize("axes", ["zyx", "zxy", "yzx", "yxz", "xzy", "xyz"])
def test_axes_are_turned_to_zyx(grey, same_voxels, axes):
    array = grey("u1", (5, 6, 7))
    stored = array.transpose(["zyx".index(a) for a in axes])
    same_voxels(Volume(ArraySource(stored), axes), array)


@pytest.mark.parametrize("axes", ["zyx", "yxz"])
def test_crop_is_in_zyx_whatever_the_file(grey, same_voxels, axes):
    array = grey("u1", (9, 10, 11))
    stored = array.transpose(["zyx".index(a) for a in axes])
    volume = Volume(ArraySource(stored), axes, crop=((2, 9), (1, 8), (3, 11)))
    same_voxels(volume, array[2:9, 1:8, 3:11])
    assert volume.full_shape == (9, 10, 11)


@pytest.mark.parametrize("dtype", ["?", "u1", "i1", "<u2", ">u2", ">i2", "<f4", ">f4", ">f8", "i4", ">u8"])
def test_types_come_in_native_order(grey, same_voxels, dtype):
    array = grey(dtype)
    same_voxels(Volume(ArraySource(array)), array)


def test_half_floats_come_as_float32(grey):
    array = grey("f2")
    volume = Volume(ArraySource(array))
    assert volume.dtype == np.float32
    np.testing.assert_array_equal(volume[:], array.astype("f4"))


def test_slab_with_halo(grey):
    array = grey()
    volume = Volume(ArraySource(array))
    np.testing.assert_array_equal(volume.slab(Brick(1, 4, 7)), array[4:7])
    np.testing.assert_array_equal(volume.slab(Brick(0, 0, 3), 2), array[0:5])


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 5)), "2D image"),
        (np.zeros((1, 5, 5)), "2D image"),
        (np.zeros((2, 3, 4, 5)), "4 axes"),
        (np.zeros((0, 5, 5)), "no voxels"),
        (np.zeros((3, 4, 5), complex), "complex"),
        (np.zeros((3, 4, 5), "S3"), "values of type"),
    ],
)
def test_what_is_no_volume_is_refused(array, words):
    with pytest.raises(InputError, match=words):
        check_shape(array.shape, "the array")
        check_dtype(array.dtype, "the array")


class Broken:
    shape, dtype, chunk = (4, 4, 4), np.dtype("u1"), (1, 4, 4)

    def __init__(self, error: Exception) -> None:
        self.error = error

    def read(self, box):
        raise self.error


def test_a_failing_disk_is_one_sentence_and_a_defect_is_not():
    with pytest.raises(InputError, match="planes 1 to 2 of the array cannot be read"):
        Volume(Broken(OSError("input/output error")))[1:3]
    with pytest.raises(TypeError):
        Volume(Broken(TypeError("a defect")))[1:3]


def test_summary_reads_nothing_and_is_plain():
    volume = Volume(Broken(OSError()), voxel_size=VoxelSize(0.1, 0.05, 0.05, source="x"), crop=((0, 2), (0, 3), (1, 4)))
    facts = summary_of(volume)
    assert facts["shape"] == [2, 3, 3]
    assert facts["full_shape"] == [4, 4, 4]
    assert facts["voxel_size"] == [0.1, 0.05, 0.05]
    assert facts["voxel_size_source"] == "x"
    assert facts["bytes"] == 18
    assert facts["dtype"] == "uint8"
