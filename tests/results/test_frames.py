"""Tables: types, index, empty cells, what survives CSV and Parquet, and the in-memory function."""

import io

import numpy as np
import pandas as pd
import pytest

import morphct
from morphct.ground.errors import InputError
from morphct.pipeline.measuring import measure_array


@pytest.fixture
def image() -> np.ndarray:
    """Labels 4, 5 (touching) and 2^40 (alone, one voxel), the first one hollow."""
    labels = np.zeros((12, 14, 16), np.int64)
    labels[1:9, 1:9, 1:7], labels[1:9, 1:9, 7:13] = 4, 5
    labels[3:5, 3:5, 3:5] = 0
    labels[11, 12, 14] = 2**40
    return labels


def test_types_and_index(image):
    tables = measure_array(image, image.astype(np.float32), "25nm")
    particles = tables.particles
    assert particles.index.tolist() == [4, 5, 2**40]
    assert particles["n_voxels"].dtype == np.int64
    assert particles["touches_border"].dtype == bool
    assert particles["aggregate_id"].isna().tolist() == [False, False, True]
    assert str(particles["aggregate_id"].dtype) == "Int64"
    assert particles["sphericity"].dtype == np.float64
    assert tables.voids["label"].tolist() == [4]
    assert tables.voids["open"].tolist() == ["closed"]
    assert tables.contacts[["label_1", "label_2"]].to_numpy().tolist() == [[4, 5]]


def test_csv_and_parquet_keep_everything(image):
    particles = measure_array(image, None, "25nm").particles
    back = pd.read_csv(io.StringIO(particles.to_csv(float_format="%.9g")), index_col="label", keep_default_na=True)
    assert list(back.columns) == list(particles.columns)
    np.testing.assert_allclose(back["volume_um3"], particles["volume_um3"], rtol=1e-8)
    assert back["sphericity"].isna().tolist() == particles["sphericity"].isna().tolist()
    buffer = io.BytesIO()
    particles.to_parquet(buffer)
    pd.testing.assert_frame_equal(pd.read_parquet(buffer), particles)


def test_no_cell_holds_an_infinity_or_a_minus_zero(image):
    text = measure_array(image, None, "75nm,25nm,25nm").particles.to_csv(float_format="%.9g")
    cells = {cell for row in text.splitlines() for cell in row.split(",")}
    assert not cells & {"inf", "-inf", "-0", "nan"}


def test_in_memory_function(image):
    table = morphct.measure(image, voxel_size="75nm,25nm,25nm")
    assert table.loc[4, "volume_um3"] == pytest.approx(8 * 8 * 6 * 0.075 * 0.025**2)
    assert table.loc[4, "n_voxels"] == 8 * 8 * 6 - 8
    assert table.loc[4, "void_count"] == 1
    assert "grey_mean" not in table.columns


def test_grey_of_another_shape_is_refused(image):
    with pytest.raises(InputError, match=r"\(12, 14, 15\).*\(12, 14, 16\)"):
        morphct.measure(image, np.zeros((12, 14, 15)))
    with pytest.raises(InputError, match="whole numbers"):
        morphct.measure(image.astype(float))
    with pytest.raises(InputError, match="voxel size"):
        morphct.measure(image, voxel_size="0nm")


def test_arrays_are_not_changed(image):
    before, grey = image.copy(), np.ones(image.shape, np.uint8)
    image.setflags(write=False)
    grey.setflags(write=False)
    morphct.measure(image, grey)
    np.testing.assert_array_equal(image, before)


def test_layout_and_byte_order_do_not_matter(image):
    plain = morphct.measure(image, image % 251)
    other = morphct.measure(np.asfortranarray(image).astype(">i8"), np.asfortranarray(image % 251).astype(">u2"))
    pd.testing.assert_frame_equal(plain, other)
