"""What lies inside a hole does not open it: specks and shells in voids, by `measure` and by `run` on a mask."""

import numpy as np
import pytest
import tifffile

from morphct.ground.executors import Threads
from morphct.ground.work import Work
from morphct.pipeline import run as pipeline
from morphct.pipeline.measuring import measure_array
from morphct.pipeline.settings import Settings
from morphct.results.population import summarise
from morphct.results.run_folder import RunFolder

NAMES = ("size", "voids", "surface", "class")
BARE = ("output.renders=false", "output.meshes=false", "calibrate.method=none", "voids.seal=false")
FAR = ((np.indices((50, 50, 50)) - 25) ** 2).sum(0)
SHELL, HOLE = (FAR <= 400) & (FAR >= 144), FAR < 144


def with_specks(label: int = 1, **specks: tuple[int, int, int]) -> np.ndarray:
    image = np.where(SHELL, label, 0).astype(np.int32)
    for name, place in specks.items():
        image[place] = int(name.removeprefix("label"))
    return image


SPECKS = {
    "one in the middle": with_specks(label2=(25, 25, 25)),
    "of a lower label": with_specks(2, label1=(25, 25, 25)),
    "at the wall": with_specks(label2=(25, 25, 36)),
    "several": with_specks(label2=(25, 25, 25), label3=(25, 20, 25), label4=(30, 25, 25)),
    "two of one label": with_specks(label2=(25, 25, 25)) + 2 * (np.indices(FAR.shape) == 22).all(0),
}


@pytest.mark.parametrize("image", SPECKS.values(), ids=SPECKS)
def test_a_speck_does_not_erase_the_void(image):
    tables = measure_array(image, names=NAMES)
    label = 2 if image[25, 25, 5] == 2 else 1
    row, specks = tables.particles.loc[label], int((HOLE & (image > 0)).sum())
    void = int(HOLE.sum()) - specks
    assert row["n_voxels"] == SHELL.sum()
    assert row["volume_px3"] == (FAR <= 400).sum()  # the speck lies within
    assert row["solid_volume_px3"] == SHELL.sum()
    assert row["void_fraction"] == void / (FAR <= 400).sum()
    assert row["void_fraction"] == pytest.approx(0.2132, abs=0.001)
    assert (row["void_count"], row["class"]) == (1, "porous")
    assert row["surface_area_px2"] == pytest.approx(4 * np.pi * 20**2, rel=0.01)
    assert tables.voids["label"].tolist() == [label]
    assert tables.voids["n_voxels"].tolist() == [void]
    assert (tables.particles.drop(label)["void_fraction"] == 0).all()
    assert len(tables.contacts) == (image[25, 25, 36] > 0)  # what floats in a void touches nothing


def test_a_shell_in_a_shell_has_its_own_void():
    inner, core = (FAR <= 64) & (FAR >= 25), FAR < 25
    image = np.where(SHELL, 1, np.where(inner, 2, 0)).astype(np.int32)
    tables = measure_array(image, names=NAMES)
    assert tables.voids[["label", "n_voxels"]].to_numpy().tolist() == [
        [1, HOLE.sum() - inner.sum() - core.sum()],
        [2, core.sum()],
    ]


ABOUT_VOIDS = {"label", "voids", "flags", "not_resolved", "n_contacts", "contact_area_px2", "weld_ratio_max", "class"}
CUT = (slice(25, None), slice(None), slice(None))
OCTANT = (slice(25, None),) * 3  # a corner of the volume lies in its void


def at(z: float, y: float, x: float) -> np.ndarray:
    return ((np.indices(FAR.shape) - np.reshape([z, y, x], (3, 1, 1, 1))) ** 2).sum(0)


def within(*others: np.ndarray) -> np.ndarray:
    """The shell as label 1 and others in its void, later ones over earlier ones."""
    image = with_specks()
    for label, other in enumerate(others, 2):
        image[other & HOLE] = label
    return image


INSIDE = {
    "a speck": within(at(25, 25, 25) == 0),
    "a speck at the wall": within(at(25, 25, 36) == 0),
    "a body out of the middle, welded to the wall": within(at(29, 27, 30) <= 36),
    "a shell": within((FAR <= 64) & (FAR >= 25)),
    "shells in shells": within((FAR <= 81) & (FAR >= 49), (FAR <= 25) & (FAR >= 9), FAR == 0),
    "balls in balls, no void": within(HOLE, FAR <= 64, FAR <= 16),
    "two that touch": within((at(25, 25, 25) <= 16), (at(25, 25, 32) <= 10)),
}


@pytest.mark.parametrize("cut", [(), CUT], ids=["whole", "cut by a face"])
@pytest.mark.parametrize("image", INSIDE.values(), ids=INSIDE)
def test_what_lies_within_is_not_seen_from_outside(image, cut):
    """Every column that is not of voids, contacts or grey is that of the same shell with nothing in its void."""
    bare, held = (measure_array(np.ascontiguousarray(i[cut])) for i in (with_specks(), image))
    columns = [c for c in bare.particles if c not in ABOUT_VOIDS and "void" not in c and c != "aggregate_id"]
    assert len(columns) > 40
    assert bare.particles.loc[1, columns].astype(str).to_dict() == held.particles.loc[1, columns].astype(str).to_dict()
    hollow = image[cut] == 0
    inside = int((hollow & (HOLE[cut])).sum())
    assert held.particles["void_volume_px3"].sum() == inside
    assert held.voids["n_voxels"].sum() == inside
    # each by itself: solids and voids together fill the outer shell
    own = held.particles["solid_volume_px3"].sum() + held.particles["void_volume_px3"].sum()
    assert own == held.particles.loc[1, "volume_px3"] == (FAR[cut] <= 400).sum()


def test_nested_ones_are_measured_as_by_themselves():
    image = INSIDE["shells in shells"]
    held = measure_array(image).particles
    for label in (2, 3, 4):
        alone = np.where(image == label, label, 0)
        row = measure_array(alone).particles.loc[label]
        for column in ("volume_px3", "surface_area_px2", "sphericity_wadell", "solidity", "inscribed_radius_px"):
            assert str(held.loc[label, column]) == str(row[column])


def test_groups_count_what_lies_within_once():
    tables = measure_array(INSIDE["balls in balls, no void"])
    assert tables.aggregates["volume_px3"].tolist() == [(FAR <= 400).sum()]
    assert list(zip(tables.contacts["label_1"], tables.contacts["label_2"])) == [(1, 2), (2, 3), (3, 4)]


def test_shares_of_all_particles_count_every_voxel_once():
    tables = measure_array(INSIDE["a shell"])
    share = summarise(tables.particles)["void_fraction"]["value"]
    assert share == pytest.approx((INSIDE["a shell"][FAR <= 400] == 0).sum() / (FAR <= 400).sum(), rel=1e-12)


@pytest.mark.parametrize("place", [(0, 25, 25), (0, 25, 36), (1, 25, 25), (8, 20, 25)])
@pytest.mark.parametrize("label", [2, 3])
def test_a_speck_in_a_cut_void_does_not_erase_it(place, label):
    """At the face, at the wall, in the depth; of a lower and of a higher label than its shell."""
    image = np.ascontiguousarray(with_specks(5 - label)[CUT])
    bare = measure_array(image)
    image[place] = label
    held = measure_array(image)
    assert bare.voids[["label", "open"]].to_numpy().tolist() == [[5 - label, "cut"]]
    assert held.voids[["label", "open"]].to_numpy().tolist() == [[5 - label, "cut"]]
    assert held.voids["n_voxels"].tolist() == [HOLE[CUT].sum() - 1]
    for column in ("volume_px3", "surface_area_px2", "solidity", "roundness_3d"):
        assert held.particles.loc[5 - label, column] == bare.particles.loc[5 - label, column]


def test_a_speck_makes_no_void_of_the_outside():
    """A dish of 1.2 times as much wall as mouth stays a dish with something in it; so does what holds a corner."""
    dish = np.zeros((20, 40, 40), np.uint8)
    dish[:12, 5:35, 5:35] = 1
    dish[:1, 10:30, 10:30] = 0
    dish[0, 10, 15:20] = 2
    corner = np.ascontiguousarray(INSIDE["a speck"][OCTANT])
    corner[3, 3, 3] = 2
    for image in (dish, corner):
        assert len(measure_array(image, names=NAMES).voids) == 0


def test_a_speck_in_the_cut_void_of_a_mask(mask, tmp_path):
    """By `run`: the speck is a particle of its own, the void and the outer shape stay."""
    bare, speck = mask[:, :, 50:].copy(), mask[:, :, 50:].copy()
    speck[2:8, 22:28, 27:33] = 1
    found = []
    for name, image in (("bare", bare), ("speck", speck)):
        (tmp_path / name).mkdir()
        found.append(run_of(image, tmp_path / name))
    assert [len(run.voids) for run in found] == [1, 1]
    assert found[1].voids["n_voxels"].tolist() == [found[0].voids["n_voxels"].iloc[0] - 216]
    largest = [run.particles.loc[run.particles["volume_um3"].idxmax()] for run in found]
    for column in ("volume_um3", "surface_area_um2", "solidity"):
        assert largest[0][column] == largest[1][column]


def test_a_label_inside_and_outside_opens_nothing():
    image = np.pad(with_specks(label2=(25, 25, 25)), ((0, 0), (0, 0), (0, 20)))
    image[20:30, 20:30, 55:65] = 2
    assert measure_array(image, names=NAMES).voids["n_voxels"].tolist() == [HOLE.sum() - 1]


def test_a_hole_between_two_particles_is_of_neither():
    image = with_specks()
    image[SHELL & (np.indices(FAR.shape)[2] > 25)] = 2
    assert len(measure_array(image, names=NAMES).voids) == 0


@pytest.mark.parametrize(("planes", "rows", "workers"), [(1, None, 1), (7, 9, 3), (50, 1, 2)])
@pytest.mark.parametrize("name", ["several", "shells in shells", "two that touch"])
@pytest.mark.parametrize("cut", [(), CUT], ids=["whole", "cut by a face"])
def test_the_cut_into_bricks_changes_nothing(name, cut, planes, rows, workers):
    image = np.ascontiguousarray((SPECKS | INSIDE)[name][cut])
    made = measure_array(image, names=NAMES, work=Work.of(image.shape, planes, Threads(workers), rows))
    whole = measure_array(image, names=NAMES)
    for title in ("particles", "voids", "contacts", "aggregates"):
        assert getattr(made, title).to_csv() == getattr(whole, title).to_csv()


@pytest.fixture(scope="module")
def mask() -> np.ndarray:
    """A shell with a speck in its void, and a shell that the first plane cuts in half."""
    image = np.zeros((50, 50, 110), np.uint8)
    image[:, :, :50] = SHELL
    image[25, 25, 25] = 1
    z, y, x = np.indices((50, 50, 60))
    far = z**2 + (y - 25) ** 2 + (x - 30) ** 2
    image[:, :, 50:] = (far <= 400) & (far >= 100)
    return image


def run_of(mask: np.ndarray, folder) -> RunFolder:
    tifffile.imwrite(folder / "mask.tif", mask)
    settings = Settings().with_overrides(BARE)
    return pipeline.run(folder / "mask.tif", folder / "out", voxel_size="1um", settings=settings)


def test_run_and_measure_take_the_same_voids(mask, tmp_path):
    """Closed and cut ones, told apart in `open` and counted apart in summary.json."""
    made = run_of(mask, tmp_path)
    labels = np.where(mask, np.where(np.arange(110) < 50, 1, 2), 0).astype(np.uint8)
    given = measure_array(labels, voxel_size="1um", names=NAMES)
    z, y, x = np.indices((50, 50, 60))
    half = int((z**2 + (y - 25) ** 2 + (x - 30) ** 2 < 100).sum())
    for voids in (made.voids, given.voids):
        told = {tuple(row) for row in voids[["n_voxels", "open"]].to_numpy().tolist()}
        assert told == {(HOLE.sum() - 1, "closed"), (half, "cut")}
    assert made.summary["counts"]["voids"] == 1
    assert made.summary["counts"]["cut_voids"] == 1
    shares = (sorted(table["void_fraction"]) for table in (made.particles, given.particles))
    np.testing.assert_allclose(*shares, rtol=2e-4)


def test_a_groove_at_a_face_is_the_outside():
    """No more than 1.2 times as much wall as area at the face: a shallow dish, not a void."""
    image = np.zeros((20, 40, 40), np.uint8)
    image[:12, 5:35, 5:35] = 1
    image[:1, 10:30, 10:30] = 0
    assert len(measure_array(image, names=NAMES).voids) == 0
    image[:8, 10:30, 10:30] = 0
    assert measure_array(image, names=NAMES).voids["open"].tolist() == ["cut"]
