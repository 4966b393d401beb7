"""Groups of touching particles: numbers, weld ratios, scores, classes."""

import numpy as np
import pytest
from even_calibration import uncalibrated

from morphct.ground.errors import SettingsError
from morphct.ground.units import VoxelSize
from morphct.ground.work import Work
from morphct.measurement.aggregates import AggregateOptions, Sizes, groups, weld_ratios
from morphct.measurement.all_passes import measure
from morphct.measurement.labelled import Labelled
from morphct.pipeline.measuring import measure_array
from morphct.results.tabulate import tabulate
from morphct.segment.labels.accumulators import Pairs
from morphct.segment.voids.facts import VoidFacts
from morphct.segment.voids.ownership import Voids


def pairs_of(*links: tuple[int, int], area: float = 1.0) -> Pairs:
    first, second = (np.array(side, np.int64) for side in zip(*links)) if links else (np.zeros(0, np.int64),) * 2
    none = np.full(len(links), np.nan)
    boxes = np.zeros((len(links), 6), np.int64)
    return Pairs(first, second, np.ones(len(links), np.int64), np.full(len(links), area), none, none, boxes)


def sizes_of(neck: np.ndarray, radius: float = 12.0) -> Sizes:
    """Necks between two equal balls; the area as much wider than the neck as blur makes it."""
    same = np.full(len(neck), radius)
    return Sizes(neck, 1.2 * neck, same, same)


def test_groups_are_numbered_by_their_first_member():
    assert groups(pairs_of((3, 4), (0, 5), (4, 6)), 8).tolist() == [1, 0, 0, 2, 2, 1, 2, 0]
    assert groups(pairs_of(), 3).tolist() == [0, 0, 0]
    assert groups(pairs_of(), 0).tolist() == []


@pytest.mark.parametrize("seed", range(3))
def test_groups_equal_a_plain_search(seed):
    rng = np.random.default_rng(seed)
    n = 60
    links = sorted({(int(a), int(b)) for a, b in np.sort(rng.integers(0, n, (35, 2)), 1) if a < b})
    number = groups(pairs_of(*links), n)
    reach = np.eye(n, dtype=bool)
    for a, b in links:
        reach[a, b] = reach[b, a] = True
    for _ in range(6):
        reach = reach @ reach
    for a in range(n):
        alone = reach[a].sum() == 1
        assert (number[a] == 0) == alone
        if not alone:
            assert set(np.flatnonzero(number == number[a])) == set(np.flatnonzero(reach[a]))


def test_weld_ratio_is_of_the_smaller_particle():
    radius = np.array([2.0, 5.0, 1.0])
    ratios = weld_ratios(pairs_of((0, 1), (1, 2), area=np.pi), radius)
    np.testing.assert_allclose(ratios, [1 / 4, 1.0])


def test_scores():
    limits = AggregateOptions()
    necks = np.array([0.0, 2.0, 4.0, 11.0])
    for dip in (0.05, np.nan):
        scores = limits.scores(sizes_of(necks), np.full(4, dip))
        assert scores[0] == 0
        assert (np.diff(scores) > 0).all()
        assert scores[1] < 0.3 < 0.7 < scores[3]
    # a drop of grey speaks against a weld, and more so the larger the contact is
    dips = np.array([-0.1, 0.0, 0.1, 0.3])
    for size in (3.0, 8.0):
        scores = limits.scores(sizes_of(np.full(4, size)), dips)
        assert (np.diff(scores) < 0).all()
    assert scores[0] > 0.9
    assert scores[-1] < 0.05
    # the same neck is wide between small particles and narrow between large ones
    small, large = (limits.scores(sizes_of(np.array([4.0]), radius), np.array([0.1])) for radius in (6.0, 24.0))
    assert large < small
    with pytest.raises(SettingsError, match=r"aggregates\.weld_ratio"):
        AggregateOptions(weld_ratio=0)


@pytest.mark.parametrize("dip", [0.1, np.nan])
def test_limits_move_the_score(dip):
    sizes, dip = sizes_of(np.array([5.0])), np.array([dip])
    as_is = AggregateOptions().scores(sizes, dip)
    assert AggregateOptions(weld_ratio=0.8).scores(sizes, dip) < as_is
    assert (AggregateOptions(neck_dip=0.15).scores(sizes, dip) > as_is) == np.isfinite(dip)
    # twice the limit asks for twice the area
    larger = sizes_of(np.sqrt(2) * np.array([5.0]))
    wider = AggregateOptions(weld_ratio=1.0).scores(larger, dip / np.sqrt(2))
    moved = AggregateOptions().scores(sizes, dip)
    assert wider == pytest.approx(moved, abs=1e-9)


def two_balls(distance: float, radius: int = 12) -> np.ndarray:
    """Two balls of `radius`, centres `distance` apart along x, cut at the middle plane."""
    grid = np.indices((2 * radius + 5, 2 * radius + 5, 3 * radius + int(distance))).astype(float)
    labels = np.zeros(grid.shape[1:], np.int32)
    middle = radius + 2 + distance / 2
    for label, place in ((1, middle - distance / 2), (2, middle + distance / 2)):
        centre = np.array([radius + 2, radius + 2, place])[:, None, None, None]
        side = (grid[2] < middle) == (label == 1)
        labels[(((grid - centre) ** 2).sum(0) <= radius**2) & side] = label
    return labels


def test_a_neck_is_told_from_a_touch():
    """Balls whose neck has 3/4 of their radius are an aggregate; balls that just touch are a group, but each single."""
    neck = measure_array(two_balls(2 * 12 * np.sqrt(1 - 0.75**2)))
    touch = measure_array(two_balls(24.0))
    # a ball cut at .66 of its radius holds one of .83 of it
    assert neck.aggregates.loc[1, "weld_ratio_max"] == pytest.approx(0.75**2 / 0.83**2, rel=0.1)
    assert neck.particles["class"].tolist() == ["aggregate", "aggregate"]
    assert neck.aggregates.loc[1, "reasons"].startswith("wide_neck")
    assert touch.particles["aggregate_id"].tolist() == [1, 1]
    assert touch.particles["class"].tolist() == ["single", "single"]
    assert touch.aggregates.loc[1, "reasons"].startswith("narrow_neck")
    assert touch.aggregates.loc[1, "weld_area_px2"] == 0
    assert touch.aggregates.loc[1, "score"] < 0.5 <= neck.aggregates.loc[1, "score"]


@pytest.mark.parametrize(
    ("drop", "kinds", "group", "reason"),
    [
        (0.0, "aggregate", True, "wide_neck;bright_neck"),
        (0.15, "single", True, "wide_neck;dark_neck"),
        (0.4, "single", False, ""),
    ],
)
@pytest.mark.parametrize("background", [40.0, 360.0])
def test_grey_tells_a_weld_from_a_touch_and_a_gap(drop, kinds, group, reason, background):
    """The same two labels: joined, touching with a darker neck, or with a gap too narrow to be seen as background."""
    labels = two_balls(16.0)
    grey = np.where(labels > 0, 200.0, background)
    edge = np.zeros(labels.shape, bool)
    edge[:, :, :-1] |= (labels[:, :, :-1] == 1) & (labels[:, :, 1:] == 2)
    edge[:, :, 1:] |= edge[:, :, :-1].copy()
    edge[:, :, :-1] |= edge[:, :, 1:].copy()  # blur makes a thin gap four voxels wide
    edge[:, :, 1:] |= edge[:, :, :-1].copy()
    grey[edge & (labels > 0)] -= drop * (200.0 - background)
    tables = measure_array(labels, grey)
    assert tables.contacts.loc[0, "grey_dip"] == pytest.approx(drop, abs=0.04)
    assert tables.particles["class"].tolist() == [kinds, kinds]
    assert len(tables.aggregates) == group
    assert tables.particles["n_contacts"].tolist() == [1, 1], "labels touch whatever the grey says"
    if group:
        assert tables.aggregates.loc[1, "reasons"].startswith(reason)


def test_grey_without_contrast_tells_nothing():
    labels = two_balls(16.0)
    tables = measure_array(labels, np.random.default_rng(0).normal(100, 10, labels.shape))
    assert np.isnan(tables.contacts.loc[0, "grey_dip"])
    assert tables.particles["class"].tolist() == ["aggregate", "aggregate"]


def test_chosen_columns_do_not_change_the_class():
    labels = two_balls(16.0)
    grey = np.where(labels > 0, 200.0, 40.0)
    grey[:, :, labels.shape[2] // 2 - 3 : labels.shape[2] // 2 + 3] -= 60
    assert (
        measure_array(labels, grey).particles["class"]
        == measure_array(labels, grey, names=("size",)).particles["class"]
    ).all()


def test_solidity_is_of_the_group():
    table = measure_array(two_balls(24.0))
    # two touching balls fill 2 V of a capsule of V + pi r^2 2 r
    assert table.aggregates.loc[1, "solidity"] == pytest.approx(8 / 3 / (4 / 3 + 2), rel=0.03)
    assert "concave" in table.aggregates.loc[1, "reasons"]
    assert (table.particles["solidity"] > 0.98).all()


def test_porous_particles():
    labels = np.zeros((20, 20, 50), np.int32)
    labels[2:18, 2:18, 2:18], labels[2:18, 2:18, 30:46] = 1, 2
    labels[5:14, 5:14, 5:14] = 0  # 17.8 %
    labels[9, 9, 38] = 0
    table = measure_array(labels).particles
    assert table["class"].tolist() == ["porous", "single"]
    limits = AggregateOptions(porous_fraction=1e-6)
    assert measure_array(labels, settings=uncalibrated(aggregates=limits)).particles["class"].tolist() == [
        "porous",
        "porous",
    ]


def test_porous_counts_voids_not_seen():
    """The class goes by what the voids found stand for; the void fraction stays what was found."""
    labels = np.zeros((20, 20, 40), np.int32)
    labels[2:18, 2:18, 2:18], labels[2:18, 2:18, 20:36] = 1, 2
    voids = np.zeros_like(labels)
    voids[5:11, 5:11, 5:10], voids[5:11, 5:11, 23:28] = 1, 2  # 4.4 % each
    size = 6 * 6 * 5
    facts = VoidFacts(expected=np.array([0.0, 1.2 * size, 1.05 * size]))
    found = Labelled(labels, 2, VoxelSize(1, 1, 1, unit="px"), Voids(voids, np.array([0, 1, 2]), 2, facts))
    table = tabulate(measure(found, Work.of(20, 7))).particles
    assert table["class"].tolist() == ["porous", "single"]
    np.testing.assert_allclose(table["void_fraction"], size / 16**3)
    np.testing.assert_allclose(table["void_fraction_expected"], np.array([1.2, 1.05]) * size / 16**3)


def test_a_chain_is_one_group():
    labels = np.zeros((14, 14, 64), np.int32)
    for i in range(5):
        labels[1:13, 1:13, 2 + 12 * i : 14 + 12 * i] = i + 1
    tables = measure_array(labels, None, "2um")
    group = tables.aggregates.loc[1]
    assert group["n_members"] == 5
    assert group["volume_um3"] == 12**3 * 5 * 8
    assert group["weld_area_um2"] == pytest.approx(4 * 144 * 4)
    assert tables.particles["n_contacts"].tolist() == [1, 2, 2, 2, 1]
    assert tables.contacts["faces"].tolist() == [144] * 4


@pytest.mark.parametrize("seed", range(3))
def test_hulls_of_groups_are_those_of_their_voxels(seed):
    """A group's hull is had from the corners of its members; the same number comes from all its voxels."""
    from morphct.measurement.crops import hull

    rng = np.random.default_rng(seed)
    z, y, x = np.indices((24, 30, 40))
    labels = np.zeros(z.shape, np.int32)
    for label in range(1, 9):
        c, r = rng.uniform(4, (20, 26, 36)), rng.uniform(2, 6)
        labels[((z - c[0]) ** 2 + (y - c[1]) ** 2 + (x - c[2]) ** 2 < r * r) & (labels == 0)] = label
    kept = np.unique(labels)[1:]
    labels = np.searchsorted(np.r_[0, kept], labels).astype(np.int32)
    measured = measure(Labelled(labels, len(kept), VoxelSize(1, 1, 1)), Work.whole(24))
    number = groups(measured.results["pairs"], len(kept))
    tables = tabulate(measured)
    assert len(tables.aggregates)
    for group, solidity in tables.aggregates["solidity"].items():
        union = np.isin(labels, np.flatnonzero(number == group) + 1)
        assert solidity == hull(union, (1.0, 1.0, 1.0)).solidity
