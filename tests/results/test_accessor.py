"""`table.morphct`: what a data frame cannot give as an attribute."""

import numpy as np
import pandas as pd
import pytest

import morphct
from morphct.results.run_folder import RunFolder


@pytest.fixture(scope="module")
def table():
    labels = np.zeros((30, 30, 60), np.uint8)
    labels[0:6, 2:8, 2:8], labels[2:28, 2:28, 12:38] = 1, 2
    return morphct.measure(labels)


def test_flags_and_class_by_attribute(table):
    assert not isinstance(table.flags, pd.Series)  # pandas' own
    pd.testing.assert_series_equal(table.morphct.flags, table["flags"], check_dtype=False)
    assert table.morphct.class_.tolist() == ["single", "single"]
    assert table.morphct.not_resolved.tolist() == table["not_resolved"].tolist()


def test_questions(table):
    assert table.morphct.flagged("border").tolist() == [True, False]
    assert table.morphct.resolved("sphericity").tolist() == [False, True]
    assert table.morphct.resolved("volume_px3").tolist() == [True, True]
    with pytest.raises(ValueError, match="'bordr' is no flag; allowed are border, one_voxel"):
        table.morphct.flagged("bordr")
    with pytest.raises(ValueError, match="'sphericty' is no column of the table; allowed are n_voxels"):
        table.morphct.resolved("sphericty")


def test_tables_of_a_run_folder_have_it(table, tmp_path):
    """Empty words are NaN in a table that was read."""
    table.to_csv(tmp_path / "particles.csv")
    (tmp_path / "run.json").write_text("{}")
    read = RunFolder(tmp_path).particles
    assert read.morphct.flagged("border").tolist() == [True, False]
    assert read.morphct.not_resolved.tolist()[1] == ""


def test_a_foreign_table_is_told():
    with pytest.raises(AttributeError, match="columns a, b is none of morphct's"):
        pd.DataFrame({"a": [1], "b": [2]}).morphct  # noqa: B018
