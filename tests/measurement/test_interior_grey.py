"""Grey and channels inside particles: against plain loops, and on particles made with a known inside."""

import numpy as np
import pytest
from naive.measurement import inside as naive

from morphct.ground.errors import InputError, SettingsError
from morphct.ground.executors import Threads
from morphct.ground.units import VoxelSize
from morphct.ground.work import Work
from morphct.kernels.measurement import background as kernel
from morphct.measurement.interior_grey import (
    CHANNEL_RESULTS,
    GREY_RESULTS,
    SHELLS,
    channel_result,
    halves,
    look_inside,
    quiet_side,
)
from morphct.pipeline.measuring import measure, measure_array
from morphct.reading import channel_files
from morphct.segment.labels.envelope import Envelope


def balls(shape=(34, 40, 44)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two balls of 10 and 8 voxels that touch, the larger with a void; labels, void ids, owners."""
    far = [
        np.linalg.norm(np.indices(shape) - np.array(c)[:, None, None, None], axis=0)
        for c in ((14, 16, 14), (20, 20, 30))
    ]
    labels = np.select([far[0] <= 10, far[1] <= 8], [1, 2]).astype(np.int32)
    voids = (np.linalg.norm(np.indices(shape) - np.array([12, 18, 12])[:, None, None, None], axis=0) <= 2.5).astype(
        np.int32
    )
    return labels, voids, np.array([0, 1])


def boxes_of(labels: np.ndarray) -> np.ndarray:
    at = [np.nonzero(labels == k) for k in range(1, labels.max() + 1)]
    return np.array([[e for a in axes for e in (a.min(), a.max() + 1)] for axes in at])


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("reach", [1, 2, 3])
def test_widening_is_that_of_cubes(seed, reach):
    marked = (np.random.default_rng(seed).random((9, 2, 11)) < 0.02).astype(np.uint8)
    found = marked.copy()
    kernel.widen(found, reach)
    np.testing.assert_array_equal(found, naive.widened(marked, reach))


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2"])
def test_greys_are_counted_one_by_one(dtype):
    rng = np.random.default_rng(5)
    grey = rng.integers(-9 if dtype[0] == "i" else 0, 12, (5, 6, 7)).astype(dtype)
    marked = (rng.random(grey.shape) < 0.4).astype(np.uint8)
    low = int(np.iinfo(dtype).min)
    counts = np.zeros(int(np.iinfo(dtype).max) - low + 1, np.int64)
    kernel.count_greys(grey, marked, low, counts)
    for value in range(-9, 12):
        if low <= value:
            assert counts[value - low] == (0 if value == 0 else ((grey == value) & (marked == 0)).sum())
    assert counts.sum() == ((grey != 0) & (marked == 0)).sum()


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4"])
@pytest.mark.parametrize("edges", [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0)])
def test_grey_inside_is_that_of_plain_loops(edges, dtype):
    labels, voids, owner = balls()
    rng = np.random.default_rng(1)
    grey = (60 * (labels > 0) + rng.normal(90, 9, labels.shape)).astype(dtype)
    grey[:4] = 0  # outside the reconstruction
    boxes = boxes_of(labels)
    carried = np.where(voids > 0, 0, labels)  # the voids' voxels have no label
    for image in (labels, carried):
        found = look_inside(Envelope(image, 2, voids, owner), boxes, VoxelSize(*edges), Work(()), grey).results
        for label in (1, 2):
            wanted = naive.grey(labels, voids, owner, grey, label, edges)
            np.testing.assert_allclose([found[n][label - 1] for n in GREY_RESULTS], wanted, rtol=1e-9)


def test_channels_are_those_of_plain_loops():
    labels, voids, owner = balls()
    channel = np.random.default_rng(2).normal(8333, 2, labels.shape)
    channel[:, :, 8:11] = np.nan
    found = look_inside(
        Envelope(labels, 2, voids, owner), boxes_of(labels), VoxelSize(1, 1, 1), Work(()), None, {"Ni": channel}
    )
    for label in (1, 2):
        solid = (labels == label) & (voids == 0)
        depth, shell, away = naive.layers(solid, labels == label, (1.0, 1.0, 1.0))
        values = channel[solid]
        known = np.isfinite(values)
        wanted = [np.nanmean(values), np.nanstd(values), *naive.halves(values[known & away], depth[known & away])]
        row = [found.results[channel_result("Ni", name)][label - 1] for name in CHANNEL_RESULTS]
        np.testing.assert_allclose(row, wanted, rtol=1e-12)
        for k in range(SHELLS):
            inside = values[known & (shell == k)]
            n, mean, sd = found.profiles["Ni"][label - 1, k]
            assert n == len(inside)
            if len(inside):
                np.testing.assert_allclose([mean, sd], [inside.mean(), inside.std()], rtol=1e-9, atol=1e-9)


def test_halves_hold_half_of_the_volume_each():
    depth = np.array([1, 1, 1, 2, 2, 3, 4.0])
    values = np.array([0, 0, 0, 10, 10, 20, 30.0])
    inner, outer = halves(values, depth)
    assert inner == pytest.approx((30 + 20 + 1.5 * 10) / 3.5)
    assert outer == pytest.approx(0.5 * 10 / 3.5)


def test_noise_is_not_made_larger_by_a_further_phase():
    """In an electrode a third of what lies around a particle may be binder; the noise is that of the air."""
    rng = np.random.default_rng(3)
    around = np.sort(np.r_[rng.normal(4255, 649, 60_000), rng.normal(4900, 649, 25_000)])
    middle, spread = quiet_side(around, np.ones(len(around), int), 5737.0)
    assert spread == pytest.approx(649, rel=0.12)
    assert middle < 4500
    mirrored, same = quiet_side(-around[::-1], np.ones(len(around), int), -5737.0)
    assert (mirrored, same) == (pytest.approx(-middle), pytest.approx(spread))
    assert np.isnan(quiet_side(around[:5], np.ones(5, int), 5737.0)).all()


def scene(inside: float = 0.0, core: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A ball of 16 voxels in noise of 50: 200 grey of contrast, blur of .7, `inside` spread, a core less by `core`."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    far = np.linalg.norm(np.indices((61, 61, 61)) - 30, axis=0)
    labels = (far <= 16).astype(np.uint8)
    body = labels * (1.0 - core * (far <= 11))
    grey = 1000 + 200 * gaussian_filter(body, 0.7) + labels * rng.normal(0, inside, labels.shape)
    return labels, (grey + rng.normal(0, 50, labels.shape)).astype(np.float32)


@pytest.mark.parametrize("seed", [0, 1])
def test_heterogeneity_is_what_was_put_in(seed):
    columns = "grey_heterogeneity", "grey_core_shell"
    even = measure(*scene(seed=seed), names=columns)
    mixed = measure(*scene(inside=30, seed=seed), names=columns)
    assert even.loc[1, "grey_heterogeneity"] < 12
    assert mixed.loc[1, "grey_heterogeneity"] == pytest.approx(30, abs=3)
    assert abs(even.loc[1, "grey_core_shell"]) < 0.02


def test_a_porous_core_is_below_zero_by_its_missing_material():
    assert measure(*scene(core=0.1)).loc[1, "grey_core_shell"] == pytest.approx(-0.1, abs=0.02)
    labels, grey = scene(core=0.1)
    dark = measure(labels, 3000 - grey)  # particles darker than the background: the same statement
    assert dark.loc[1, "grey_core_shell"] == pytest.approx(-0.1, abs=0.02)


def test_what_has_no_inside_says_so():
    labels = np.full((12, 12, 24), 2, np.uint8)
    labels[4:8, 4:8, 4:8], labels[:3, :3, :3] = 1, 0
    table = measure(labels, labels.astype(np.uint16) * 100 + 5)
    assert table["grey_core_shell"].isna().all()  # one is too small, beside the other there is no background
    assert table["grey_heterogeneity"].isna().all()
    assert table["flags"].str.contains("no_interior").all()
    assert table["grey_mean"].tolist() == [105.0, 205.0]


# ---- channels as columns and as a table


def test_columns_and_profiles_of_channels():
    labels = np.zeros((30, 30, 60), np.int64)
    labels[3:23, 3:23, 3:23], labels[5:20, 5:20, 30:50] = 2**40, 7
    xrf = np.full(labels.shape, np.nan, np.float32)
    xrf[labels == 7] = 5
    tables = measure_array(labels, None, "25nm", channels={"Ni": xrf, "Co": labels > 10})
    frame = tables.particles
    assert list(frame.columns[-6:]) == ["Ni_mean", "Ni_std", "Ni_core_shell", "Co_mean", "Co_std", "Co_core_shell"]
    assert frame.loc[7, ["Ni_mean", "Ni_std", "Ni_core_shell"]].tolist() == [5, 0, 0]
    assert frame.loc[2**40, ["Ni_mean", "Ni_std", "Ni_core_shell"]].isna().all()
    assert "not_measured" in frame.loc[2**40, "flags"]
    assert frame["Co_mean"].tolist() == [0, 1]
    profile = tables.channels
    assert profile.index.name == "label"
    assert list(profile.columns) == ["channel", "shell", "mean", "std", "n"]
    assert len(profile) == 2 * 2 * SHELLS
    one = profile.loc[7].query("channel == 'Ni'")
    assert one["shell"].tolist() == list(range(1, SHELLS + 1))
    assert one["n"].sum() == 15 * 15 * 20
    assert profile.loc[2**40].query("channel == 'Ni'")["mean"].isna().all()


def test_channels_do_not_depend_on_cuts_and_workers():
    labels, grey = scene(seed=4)
    maps = {"d": grey.astype(np.float64) / 7}
    whole = measure_array(labels, grey, channels=maps)
    for planes, workers in ((1, 2), (7, 3)):
        cut = measure_array(labels, grey, channels=maps, work=Work.of(len(labels), planes, Threads(workers)))
        assert cut.particles.to_csv() == whole.particles.to_csv()
        assert cut.channels.to_csv() == whole.channels.to_csv()


def test_chosen_columns_of_channels():
    labels, grey = scene()
    table = measure(labels, names=("d_mean",), channels={"d": grey})
    assert "d_mean" in table
    assert "d_std" not in table
    assert "grey_mean" not in table
    assert {"d_mean", "d_std", "d_core_shell"} <= set(measure(labels, names=("channels",), channels={"d": grey}))


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        ({"d": np.zeros((3, 3, 4))}, "the channel d has shape"),
        ({"2d": np.zeros((3, 3, 3))}, "'2d'"),
        ({"grey": np.zeros((3, 3, 3))}, "grey_core_shell is a column"),
    ],
)
def test_channels_that_cannot_be(channels, words):
    with pytest.raises((InputError, SettingsError), match=words) as told:
        measure_array(np.ones((3, 3, 3), int), channels=channels)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("texts", "words"),
    [(("Ni",), "NAME=FILE"), (("=a",), "NAME=FILE"), (("a=b", "a=c"), "two channels"), (("a b=c",), "'a b'")],
)
def test_names_and_files_of_channels(texts, words):
    assert channel_files(("Ni=a=b,c.tif", "Co = x")) == {"Ni": "a=b,c.tif", "Co": "x"}
    with pytest.raises(SettingsError, match=words):
        channel_files(texts)
