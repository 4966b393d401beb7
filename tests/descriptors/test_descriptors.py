"""The registry and what is made from it: choice of columns, bounds and reasons, flags, degenerate particles."""

import ast
import inspect

import numpy as np
import pytest

from morphct import descriptors
from morphct.descriptors import AGGREGATES, PARTICLES, VOIDS, compute, required
from morphct.descriptors.registry import descriptor, registry
from morphct.ground.errors import SettingsError
from morphct.pipeline.measuring import measure, measure_array
from morphct.results import flags

# the columns that people's scripts rely on, in their order; `#` stands for um or px. A new one may stand between them
PARTICLE_COLUMNS = """
n_voxels centroid_z_# centroid_y_# centroid_x_# bbox_z0 bbox_z1 bbox_y0 bbox_y1 bbox_x0 bbox_x1 touches_border class
aggregate_id flags not_resolved volume_#3 solid_volume_#3 equivalent_diameter_# feret_max_# feret_min_# semi_axis_a_#
semi_axis_b_#
semi_axis_c_# axis_a_z axis_a_y axis_a_x axis_c_z axis_c_y axis_c_x ellipticity_yx ellipticity_zx ellipticity_zy
shape_class surface_area_#2 surface_area_total_#2 inscribed_radius_# circumscribed_radius_# sphericity
sphericity_silhouette sphericity_wadell isoperimetric_quotient roundness roundness_sd roundness_corners roundness_3d
solidity void_fraction void_fraction_low void_fraction_high void_fraction_expected void_count void_volume_#3
void_largest_diameter_# void_thickness_median_#
open_void_fraction void_depth_rank_mean void_depth_p void_clustering_ratio void_clustering_p thickness_mean_#
thickness_median_# grey_mean grey_std grey_heterogeneity grey_core_shell n_contacts
contact_area_#2 weld_ratio_max
"""
VOID_COLUMNS = """
label n_voxels volume_#3 equivalent_diameter_# thickness_# centroid_z_# centroid_y_# centroid_x_# depth_# depth_rank
ellipticity_yx ellipticity_zx ellipticity_zy kind open resolved flags not_resolved
"""
GROUP_COLUMNS = """
n_members volume_#3 equivalent_diameter_# solidity weld_area_#2 weld_ratio_max void_fraction
open_void_fraction score reasons joint
"""


def columns_of(text: str, suffix: str = "um") -> list[str]:
    return text.replace("#", suffix).split()


@pytest.mark.parametrize("suffix", ["um", "px"])
def test_promised_columns_are_there_in_order(suffix):
    labels = np.ones((4, 5, 6), np.uint8)
    tables = measure_array(labels, labels, f"1{suffix}")
    for frame, text, index in (
        (tables.particles, PARTICLE_COLUMNS, "label"),
        (tables.voids, VOID_COLUMNS, "void_id"),
        (tables.aggregates, GROUP_COLUMNS, "aggregate_id"),
    ):
        promised = columns_of(text, suffix)
        assert [name for name in frame.columns if name in promised] == promised
        assert frame.index.name == index


def test_names_are_read_from_functions():
    for rows in (PARTICLES, VOIDS, AGGREGATES):
        for about in rows:
            assert about.function.__name__.rstrip("_") == about.name
            assert about.inputs == tuple(inspect.signature(about.function).parameters)


def test_a_name_stands_once():
    @descriptor(source="a test")
    def twice(voxels):
        """A thing."""

    with pytest.raises(ValueError, match="two descriptors"):
        registry([twice.descriptor, twice.descriptor])


def test_no_descriptor_reads_voxels():
    """Descriptors are functions of columns: none indexes a volume or imports a kernel."""
    import morphct.descriptors as package

    for path in __import__("pathlib").Path(package.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert "kernels" not in (node.module or "")


# ---- choosing columns


def test_columns_and_groups_can_be_chosen():
    labels = np.ones((9, 9, 9), np.uint8)
    table = measure(labels, names=("ellipsoid", "volume_um3", "solidity"))
    chosen = set(table.columns)
    assert {"volume_px3", "solidity", "semi_axis_a_px", "shape_class"} <= chosen
    assert not {"surface_area_px2", "grey_mean", "feret_max_px"} & chosen
    assert {"n_voxels", "flags", "class"} <= chosen, "identity is always there"
    assert list(table.columns) == [c for c in measure(labels).columns if c in chosen], "in the order of the table"


def test_passes_follow_the_columns():
    everything, few = required(), required(["volume"])
    assert {"grey_average", "outer_area", "hull_share"} <= everything
    assert not {"grey_average", "outer_area", "hull_share"} & few
    assert "voxels" in few


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("sphericty",), "sphericty.*did you mean 'sphericity'"),
        (("grey_mean",), "grey_mean, which needs a grey volume"),
        (("surfaces",), "did you mean 'surface'"),
    ],
)
def test_columns_that_cannot_be_had(names, words):
    with pytest.raises(SettingsError, match=words):
        measure(np.ones((3, 3, 3), np.uint8), names=names)


# ---- bounds and reasons


def test_values_beyond_their_range():
    """A little beyond a bound: on it. Far beyond: dropped, with the reason, which what is made from it inherits."""
    psi = PARTICLES.known["sphericity_wadell"]
    ball = np.pi / 6  # volume of a ball of diameter 1, area pi
    results = {
        "voxels": np.array([1, 1, 1, 1]),
        "voxel_volume": ball,
        "outer_area": np.pi / np.array([0.9, 1.01, 1.1, np.nan]),
    }
    columns = compute(results, ("sphericity_wadell", "isoperimetric_quotient"))
    np.testing.assert_allclose(columns.values[psi.name], [0.9, 1.0, np.nan, np.nan])
    assert columns.reasons[psi.name].tolist() == ["", "", "out_of_range", "no_surface"]
    assert columns.reasons["isoperimetric_quotient"].tolist() == ["", "", "out_of_range", "no_surface"]


def test_every_reason_is_in_the_vocabulary():
    used = {about.empty for rows in (PARTICLES, VOIDS, AGGREGATES) for about in rows.known.values()}
    assert used <= set(flags.VOCABULARY)
    assert all(sentence.endswith(".") for sentence in flags.VOCABULARY.values())


def words_of(text: str) -> set[str]:
    return {token.partition(":")[0] for token in text.split(";") if token}


def honest(frame) -> None:
    """No infinity, and a row with an empty cell says why."""
    for name, column in frame.items():
        if column.dtype.kind == "f":
            assert not np.isinf(column).any(), name
    assert all(words_of(text) <= set(flags.VOCABULARY) for text in frame["flags"])
    numbers = frame.drop(columns="aggregate_id", errors="ignore")
    for label, row in numbers.iterrows():
        if row.isna().any():
            empty = [c for c in numbers.columns if numbers.loc[label, c] != numbers.loc[label, c]]
            assert words_of(row["flags"]) - {"border"}, f"{empty} are empty without a reason"


# ---- degenerate particles


def one_voxel(labels):
    labels[3, 3, 3] = 1
    return {"one_voxel", "few_voxels"}


def line(labels):
    labels[3, 3, 1:7] = 1
    return {"line", "few_voxels", "no_axis"}


def diagonal_line(labels):
    labels[range(6), range(6), range(6)] = 1
    return {"line", "few_voxels", "border"}


def flat(labels):
    labels[3, 1:8, 1:7] = 1
    return {"flat", "few_voxels"}


def slanted_plane(labels):
    z, y, x = np.indices(labels.shape)
    labels[(z == y) & (x > 0)] = 1
    return {"flat", "border"}


def two_pieces(labels):
    labels[1:3, 1:4, 1:4] = labels[6:8, 5:7, 5:8] = 1
    return {"disconnected"}


def every_border(labels):
    labels[4], labels[:, 4], labels[:, :, 4] = 1, 1, 1
    return {"border"}


def filling(labels):
    labels[:] = 1
    return {"border"}


def thin_shell(labels):
    labels[1:8, 1:8, 1:8] = 1
    labels[2:7, 2:7, 2:7] = 0
    return {"no_axis"}


def two_voxels(labels):
    labels[3, 3, 3:5] = 1
    return {"line", "few_voxels"}


DEGENERATE = [
    one_voxel, two_voxels, line, diagonal_line, flat, slanted_plane, two_pieces, every_border, filling, thin_shell
]  # fmt: skip


@pytest.mark.parametrize("spacing", ["1um", "3um,1um,1um"])
@pytest.mark.parametrize("make", DEGENERATE, ids=lambda f: f.__name__)
def test_degenerate_particles(make, spacing):
    labels = np.zeros((9, 9, 9), np.uint16)
    wanted = make(labels)
    tables = measure_array(labels, np.full(labels.shape, 7.5, np.float32), spacing)
    honest(tables.particles)
    honest(tables.voids)
    row = tables.particles.loc[1]
    assert wanted - {"no_axis"} <= words_of(row["flags"])
    if spacing == "1um":
        assert wanted <= words_of(row["flags"])
    assert row["n_voxels"] == (labels == 1).sum()
    assert row["volume_um3"] > 0
    assert row["semi_axis_c_um"] > 0
    assert row["semi_axis_a_um"] >= row["semi_axis_b_um"] >= row["semi_axis_c_um"]
    assert (row["grey_mean"], row["grey_std"]) == (7.5, 0)


def test_a_shell_of_one_voxel():
    labels = np.zeros((9, 9, 9), np.uint8)
    thin_shell(labels)
    row = measure(labels).loc[1]
    assert row["volume_px3"] == 7**3
    assert row["void_fraction"] == pytest.approx(5**3 / 7**3)
    assert row["solidity"] == 1


def test_greys_that_are_not_finite():
    labels = np.zeros((5, 5, 8), np.uint8)
    labels[1:4, 1:4, 1:4], labels[1:4, 1:4, 5:7] = 1, 2
    grey = np.ones(labels.shape, np.float32)
    grey[labels == 1] = np.nan
    grey[1, 1, 5] = np.inf
    table = measure(labels, grey)
    assert np.isnan(table.loc[1, "grey_mean"])
    assert "no_grey" in words_of(table.loc[1, "flags"])
    assert table.loc[2, "grey_mean"] == 1
    honest(table)


def test_an_image_without_labels():
    tables = measure_array(np.zeros((4, 5, 6), np.uint16), np.zeros((4, 5, 6)), "25nm")
    for frame in (tables.particles, tables.voids, tables.aggregates, tables.contacts):
        assert len(frame) == 0
    assert tables.particles["volume_um3"].dtype == np.float64
    full = measure(np.ones((4, 5, 6), np.uint16), np.zeros((4, 5, 6)), "25nm")
    assert list(tables.particles.columns) == list(full.columns)
    assert tables.particles.dtypes.to_dict() == full.dtypes.to_dict()


def test_flags_name_what_is_not_resolved():
    labels = np.zeros((30, 30, 60), np.uint8)
    labels[2:8, 2:8, 2:8], labels[2:28, 2:28, 12:38] = 1, 2
    table = measure(labels)
    small, large = table.loc[1, "not_resolved"], table.loc[2, "not_resolved"]
    named = small.split(";")
    assert set(named) <= set(table.columns)
    assert {"surface_area_px2", "sphericity", "solidity"} <= set(named)
    assert "volume_px3" not in named
    assert large == ""
    assert not table["flags"].str.contains("not_resolved").any()


def test_glossary_and_flags_are_public():
    assert descriptors.glossary()[0]["name"] == "n_voxels"
    assert not any(word != word.lower() or " " in word for word in flags.VOCABULARY)
