"""What callers of the library hand over: turned arrays, lists, masks, bare numbers; and lists as TOML writes them."""

import numpy as np
import pandas as pd
import pytest
import tifffile

import morphct
from morphct import reading
from morphct.ground.errors import InputError, OutputError, SettingsError
from morphct.pipeline.settings import Settings
from morphct.results.run_folder.writer import RunWriter

NAMES = ("n_voxels", "void_fraction", "grey_mean")


@pytest.fixture
def labels():
    image = np.zeros((20, 24, 28), np.int32)
    image[2:14, 2:14, 2:14] = 1
    image[6:8, 6:8, 6:8] = 0
    image[14:18, 16:22, 3:24] = 2
    return image


@pytest.mark.parametrize(
    "turn",
    [
        np.asfortranarray,
        lambda a: np.ascontiguousarray(a.T).T,
        lambda a: np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 0, 2)), 2, 0),
        lambda a: np.repeat(a, 2, axis=2)[:, :, ::2],
        lambda a: a[::-1][::-1],
        lambda a: a.astype(a.dtype.newbyteorder(">")),
    ],
)
def test_turned_arrays_measure_the_same(labels, turn):
    grey = np.random.default_rng(0).normal(100, 5, labels.shape).astype("f4")
    wanted = morphct.measure(labels, grey, "100nm", names=NAMES)
    assert wanted["void_fraction"].iloc[0] == pytest.approx(8 / 12**3)
    pd.testing.assert_frame_equal(morphct.measure(turn(labels), turn(grey), "100nm", names=NAMES), wanted)


def test_lists_and_no_size(labels):
    wanted = morphct.measure(labels, names=NAMES[:2])
    pd.testing.assert_frame_equal(morphct.measure(labels.tolist(), None, None, names=NAMES[:2]), wanted)
    sizes = morphct.measure(labels, None, ("200nm", "100nm", "100nm"), names=("size",))
    assert sizes["volume_um3"].iloc[0] == pytest.approx(12**3 * 0.002)


@pytest.mark.parametrize("size", [0.025, (1, 1, 1), 1, np.float32(0.1), [0.1, 0.1, 0.1]])
def test_numbers_without_a_unit_are_refused(labels, size):
    with pytest.raises(InputError, match="has no unit; give it as"):
        morphct.measure(labels, None, size)


def test_masks_and_odd_types_are_refused(labels):
    with pytest.raises(InputError, match=r"label image is a masked array.*filled\(0\)"):
        morphct.measure(np.ma.array(labels, mask=labels == 2))
    with pytest.raises(InputError, match=r"grey volume is a masked array.*filled\(numpy.nan\)"):
        morphct.measure(labels, np.ma.array(labels, mask=labels == 2, dtype=float))
    for grey in (labels * 1j, labels.astype(object)):
        with pytest.raises(InputError, match="real numbers are wanted"):
            morphct.measure(labels, grey)
    with pytest.raises(InputError, match="whole numbers are wanted"):
        morphct.measure(labels.astype("f4"))
    with pytest.raises(InputError, match=r"label image is no \(z,y,x\) array .*; give lists of equal length"):
        morphct.measure([[[1, 2], [3]]])
    with pytest.raises(InputError, match=r"label image is the text 'labels.tif'; an array is wanted, so read the file"):
        morphct.measure("labels.tif")


def test_wide_floats_and_plain_views(labels):
    """long double, negative strides, either byte order and read-only arrays measure alike."""
    grey = np.random.default_rng(0).normal(100, 5, labels.shape)
    wanted = morphct.measure(labels, grey, names=("size", "grey"))
    frozen = labels.copy()
    frozen.flags.writeable = False
    for image, values in (
        (labels, grey.astype(np.longdouble)),
        (labels[::-1].copy()[::-1], grey[:, ::-1].copy()[:, ::-1]),
        (labels.astype(labels.dtype.newbyteorder(">")), grey.astype(">f8")),
        (frozen, grey),
    ):
        pd.testing.assert_frame_equal(morphct.measure(image, values, names=("size", "grey")), wanted)


@pytest.mark.parametrize(("dtype", "largest"), [("f4", 1 << 24), ("f2", 1 << 11)])
def test_float_labels_beyond_what_they_tell_apart(tmp_path, dtype, largest):
    array = np.zeros((4, 5, 6), dtype)
    array[1:3, 1:3, 1:3] = largest - 1
    np.save(tmp_path / "a.npy", array)
    assert reading.open_labels(tmp_path / "a.npy")[1].max() == largest - 1
    array[2, 2, 2] = largest
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match="save it as an integer type"):
        reading.open_labels(tmp_path / "a.npy")


@pytest.mark.parametrize("text", ["size,surface", '["size","surface"]', '[ "size", "surface" ]', "['size', 'surface']"])
def test_lists_of_settings(text):
    assert Settings().with_overrides([f"descriptors.names={text}"]).descriptors.names == ("size", "surface")


def test_a_broken_list_is_one_sentence():
    with pytest.raises(SettingsError, match="a list of words"):
        Settings().with_overrides(['descriptors.names=["size"'])


def test_an_output_folder_that_is_no_utf8_is_refused_at_once(tmp_path):
    with pytest.raises(OutputError, match="no UTF-8"):
        RunWriter(f"{tmp_path}/o\udce9t")


def test_a_label_file_is_still_read(labels, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", labels, metadata=None)
    np.testing.assert_array_equal(reading.open_labels(tmp_path / "a.tif")[:], labels)
