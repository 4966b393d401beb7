"""What lies inside a hole does not open it: specks and shells in voids, by `measure` and by `run` on a mask."""

import numpy as np
import pytest
import tifffile

from morphct.ground.executors import Threads
from morphct.ground.work import Work
from morphct.pipeline import run as pipeline
from morphct.pipeline.measuring import measure_array
from morphct.pipeline.settings import Settings
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
    assert row["volume_px3"] == SHELL.sum() + void
    assert row["void_fraction"] == pytest.approx(void / (SHELL.sum() + void))
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


def test_a_label_inside_and_outside_opens_nothing():
    image = np.pad(with_specks(label2=(25, 25, 25)), ((0, 0), (0, 0), (0, 20)))
    image[20:30, 20:30, 55:65] = 2
    assert measure_array(image, names=NAMES).voids["n_voxels"].tolist() == [HOLE.sum() - 1]


def test_a_hole_between_two_particles_is_of_neither():
    image = with_specks()
    image[SHELL & (np.indices(FAR.shape)[2] > 25)] = 2
    assert len(measure_array(image, names=NAMES).voids) == 0


@pytest.mark.parametrize(("planes", "workers"), [(1, 1), (7, 3)])
def test_the_cut_into_slabs_changes_nothing(planes, workers):
    image = SPECKS["several"]
    cut = measure_array(image, names=NAMES, work=Work.of(len(image), planes, Threads(workers)))
    whole = measure_array(image, names=NAMES)
    for title in ("particles", "voids"):
        assert getattr(cut, title).to_csv() == getattr(whole, title).to_csv()


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
