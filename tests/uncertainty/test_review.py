"""The doubtful and the sensitivity: margins of the split, what the level moves, the review, pictures, the page."""

import io
import json

import fake_run
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from morphct.ground.units import VoxelSize
from morphct.measurement.aggregates import AggregateOptions
from morphct.results.population import summarise
from morphct.results.run_folder import RunFolder
from morphct.results.run_folder.files import plain
from morphct.segment.labels.numbering import ParticleOptions
from morphct.segment.split import margins, merging
from morphct.segment.split.basin_graph import Graph
from morphct.segment.split.margins import Margins
from morphct.uncertainty.review import MUCH_VOLUME_SHARE, REASONS, review
from morphct.uncertainty.sensitivity import HEADLINE, by_split, sensitivity, surface_shift, volume_change
from morphct.views import report
from morphct.views.figures import cuts
from morphct.views.report import doubtful

NO_CONTACTS = pd.DataFrame({"label_1": np.zeros(0, int), "label_2": np.zeros(0, int), "score": np.zeros(0)})


def row_of_basins(limits: list[float], sizes: list[int]) -> tuple[Graph, merging.Steps]:
    """Basins in a row along x, ten voxels apart; the k-th join is of basins 0 .. k with basin k + 1."""
    n = len(sizes)
    size = np.array(sizes)
    moments = np.zeros((n, 9), np.int64)
    moments[:, 2] = 10 * np.arange(n) * size
    none = np.zeros(0, np.int64)
    cut = np.arange(n) == n - 1
    graph = Graph(
        np.ones(n), size, size, moments, none.reshape(0, 2), none, none, none, none, 1.0, cut, np.zeros(n, int)
    )
    pairs = np.stack([np.zeros(n - 1, np.int64), np.arange(1, n)], axis=1)
    return graph, merging.Steps(np.arange(n), pairs, np.array(limits))


def margins_of(limits: list[float], sizes: list[int], join: float = 0.9, reach: float = 0.1, least: int = 5) -> Margins:
    graph, steps = row_of_basins(limits, sizes)
    _, particles = np.unique(steps.joined(steps.made(join)), return_inverse=True)
    return margins.find_margins(graph, steps, (particles + 1).astype(np.int32), join, reach, least)


def test_a_particle_near_to_falling_apart_and_to_a_merge():
    # 0 and 1 are one for good, 2 joined them at .86, 3 would at .95, 4 at 1.2
    found = margins_of([0.5, 0.86, 0.95, 1.2], [100, 100, 90, 80, 70])
    np.testing.assert_array_equal(found.particle, [1, 1, 2, 3])  # the pieces: {0, 1}, 2, 3, 4
    np.testing.assert_array_equal(found.voxels, [200, 90, 80, 70])
    np.testing.assert_array_equal(found.cut, [False, False, False, True])
    assert len(np.unique(found.group)) == 2
    assert found.falls_at[1:].tolist() == pytest.approx([0.86, np.nan, np.nan], nan_ok=True)
    assert found.falls_into[1:].tolist() == [2, 1, 1]
    assert found.merges_at[1:].tolist() == pytest.approx([0.95, 0.95, np.nan], nan_ok=True)
    told = found.untold()
    assert told.pop("share") == pytest.approx(2 / 3)
    assert told == {"may_be_several": 1, "parts": 2, "may_be_one_with_another": 2}
    assert found.merges_with[1:].tolist() == [2, 1, 0]
    # it comes apart sooner than it merges: half way between the middle of {0, 1} and 2; particle 2 merges
    np.testing.assert_allclose(found.place[1], [0, 0, (5 + 20) / 2])
    np.testing.assert_allclose(found.place[2], [0, 0, ((0 + 10) * 100 + 20 * 90) / 290 / 2 + 15])
    assert np.isnan(found.place[3]).all()


def test_crumbs_are_no_doubt():
    found = margins_of([0.86, 0.95], [100, 8, 7])  # parts of a tenth and less
    assert np.isnan(found.falls_at[1])
    assert found.falls_into[1] == 1
    assert np.isnan(found.merges_at[1])
    assert found.merges_with[2] == 1  # the crumb itself is in doubt
    assert np.isnan(margins_of([0.86], [40, 4]).falls_at[1])  # too small to be a particle


def test_numbers_of_particles_follow():
    found = margins_of([0.5, 0.86, 0.95, 1.2], [100, 100, 90, 80, 70])
    moved = found.renumbered(np.array([0, 2, 0, 1]))  # the second is dropped
    assert moved.particle.tolist() == [2, 2, 1]
    assert moved.voxels.tolist() == [200, 90, 70]
    assert moved.falls_into.tolist() == [1, 1, 2]
    assert np.isnan(moved.merges_at).all()
    again = Margins.from_mapping(json.loads(json.dumps(plain(found.to_mapping()))))
    for name, value in vars(found).items():
        np.testing.assert_array_equal(getattr(again, name), value)
        assert np.asarray(getattr(again, name)).dtype == np.asarray(value).dtype


def table(n: int = 4, volume: float = 100.0, **columns: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "n_voxels": np.full(n, int(volume)),
            "volume_um3": np.full(n, volume),
            "equivalent_diameter_um": np.full(n, np.cbrt(6 / np.pi * volume)),
            "touches_border": np.zeros(n, bool),
            "class": np.full(n, "single", object),
            "void_fraction": np.zeros(n),
            "surface_area_um2": np.full(n, 100.0),
            "contact_area_um2": np.zeros(n),
        },
        index=pd.Index(np.arange(1, n + 1), name="label"),
    )
    return frame.assign(**columns)


def test_a_wall_moves_by_the_level_over_its_slope():
    size = VoxelSize(0.5, 0.5, 0.5, "um", "test")
    record = {"blur": {"value": 0.6}, "level_uncertainty": 0.05, "denoise": {"sigma": [1, 1, 1]}}
    shift = surface_shift(record, size)
    # against the blurred wall itself: the level half way plus .05
    from scipy.special import ndtri

    assert shift == pytest.approx(0.6 * ndtri(0.55), rel=0.01)
    assert surface_shift({}, size) == 0
    frame = table(2, contact_area_um2=[0.0, 60.0])
    np.testing.assert_allclose(volume_change(frame, shift, "um"), [shift, 0.4 * shift])
    assert np.isnan(volume_change(frame, 0.0, "um")).all()


def test_the_review_sorts_and_says_why():
    found = margins_of([0.5, 0.86, 0.95, 1.2], [100, 100, 90, 80, 70])
    frame = table(3, n_voxels=[290, 80, 33], void_fraction=[0.0, 0.049, 0.0])
    frame["void_fraction_low"], frame["void_fraction_high"] = 0.0, [0.01, 0.052, 0.0]
    contacts = pd.DataFrame({"label_1": [1], "label_2": [2], "score": [0.45]})
    got = review(frame, contacts, found, np.array([0.05, 0.12, 0.2]), AggregateOptions(score=0.5), 30)
    assert got.index.tolist() == [1, 2, 3]
    assert got["doubt"].tolist() == pytest.approx([0.8, 0.8, 0.2 + 0.8 - 3 / 6.6], abs=0.26)
    assert got.loc[1, "reasons"] == "weld;fall_apart;merge"
    assert got.loc[2, "reasons"].split(";")[0] == "weld"
    assert set(got.loc[2, "reasons"].split(";")) == {"weld", "voids", "merge", "volume"}
    assert got.loc[3, "reasons"] == "vanish;volume"
    assert got.loc[1, "change"] == "single or aggregate, by its contact with 2; falls into 2; merges with 2"
    assert "single or porous, by its voids" in got.loc[2, "change"]
    assert got.loc[3, "level_doubt"] == pytest.approx(1 - 3 / 6.6)
    assert got.loc[1, "split_doubt"] == pytest.approx(0.6)
    assert got["merges_with"].isna().tolist() == [False, False, True]
    assert got["falls_into"].tolist() == [2, 1, 1]
    assert all(set(words.split(";")) <= set(REASONS) for words in got["reasons"])


def test_nothing_known_is_no_doubt():
    empty = review(table(0), NO_CONTACTS, None, np.zeros(0), AggregateOptions(), 30)
    assert len(empty) == 0
    sure = review(table(3), NO_CONTACTS, None, np.full(3, np.nan), AggregateOptions(), 30)
    assert len(sure) == 0
    assert sure.index.name == "label"
    few = review(table(3)[["n_voxels"]], NO_CONTACTS, None, np.full(3, 2 * MUCH_VOLUME_SHARE), AggregateOptions(), 30)
    assert few["reasons"].tolist() == ["volume"] * 3


@pytest.mark.parametrize("seed", range(4))
def test_the_recount_without_a_move_is_the_summary(seed):
    """Pieces that are the particles give the numbers of the population itself."""
    rng = np.random.default_rng(seed)
    n = 40
    volume = rng.lognormal(5, 1, n)
    kinds = rng.choice(["single", "porous", "aggregate"], n)
    frame = table(n, n_voxels=np.ceil(volume).astype(int) + 30, volume_um3=volume)
    frame["equivalent_diameter_um"], frame["class"] = np.cbrt(6 / np.pi * volume), kinds
    frame["touches_border"] = rng.random(n) < 0.3
    frame["void_fraction"] = np.where(kinds == "porous", 0.1, 0.01)
    # an aggregate is one by a contact with another
    welded = frame.index[kinds == "aggregate"].to_numpy()
    contacts = pd.DataFrame({"label_1": welded[:-1], "label_2": welded[1:], "score": 0.9})
    ids = np.arange(1, n + 1)
    none = np.full(n + 1, np.nan)
    still = Margins(
        0.9, 0.05, ids, *[frame["n_voxels"].to_numpy()] * 2, frame["touches_border"].to_numpy(), ids - 1,
        none, np.ones(n + 1, int), none, np.zeros(n + 1, int), np.full((n + 1, 3), np.nan),
    )  # fmt: skip
    summary = summarise(frame)
    found = sensitivity(summary, frame, contacts, still, np.full(n, np.nan), AggregateOptions(), ParticleOptions())
    assert set(found) == set(HEADLINE)
    for one in found.values():
        assert one["threshold"] is None
        assert one["split"]["low"] == pytest.approx(one["value"])
        assert one["split"]["high"] == pytest.approx(one["value"])


def test_counts_follow_the_joins():
    found = margins_of([0.5, 0.86, 0.95, 1.2], [100, 100, 90, 80, 70])
    frame = table(3, n_voxels=[290, 80, 70], volume_um3=[290.0, 80.0, 70.0])
    frame["touches_border"] = [False, False, True]
    fewer, more, welded = by_split(
        frame, NO_CONTACTS, found, np.ones(len(frame)), AggregateOptions(), ParticleOptions()
    )
    assert (fewer["n_particles"], more["n_particles"]) == (2, 4)
    assert (fewer["n_interior"], more["n_interior"]) == (1, 3)
    assert fewer["d50_number"] == pytest.approx(np.cbrt(6 / np.pi * 370))
    assert more["aggregate_fraction"] == 0
    assert welded["aggregate_fraction"] == pytest.approx(2 / 3)
    dropped = by_split(
        frame, NO_CONTACTS, found, np.ones(len(frame)), AggregateOptions(), ParticleOptions(border="drop")
    )
    assert [e["n_particles"] for e in dropped] == [1, 3, 3]


def test_a_weld_inside_a_particle_is_no_weld():
    found = margins_of([0.95], [100, 90])
    frame = table(2, **{"class": ["aggregate", "aggregate"]})
    contacts = pd.DataFrame({"label_1": [1], "label_2": [2], "score": [0.9]})
    joined, apart, _ = by_split(frame, contacts, found, np.ones(len(frame)), AggregateOptions(), ParticleOptions())
    assert joined["aggregate_fraction"] == 0
    assert apart["aggregate_fraction"] == 1


def test_the_level_moves_sizes_and_voids():
    frame = table(5, n_voxels=[32, 100, 100, 100, 100])
    frame["void_fraction"], frame["void_fraction_low"], frame["void_fraction_high"] = 0.04, 0.03, 0.06
    summary = summarise(frame)
    found = sensitivity(summary, frame, NO_CONTACTS, None, np.full(5, 0.1), AggregateOptions(), ParticleOptions())
    d50 = found["d50_number"]
    assert d50["threshold"]["low"] == pytest.approx(d50["value"] * 0.9 ** (1 / 3))
    assert d50["threshold"]["high"] == pytest.approx(d50["value"] * 1.1 ** (1 / 3))
    assert found["void_fraction"]["threshold"] == {"low": pytest.approx(0.03), "high": pytest.approx(0.06)}
    assert found["porous_fraction"]["threshold"] == {"low": 0.0, "high": 1.0}
    assert found["n_particles"]["threshold"] == {"low": 4.0, "high": 5.0}
    assert all(one["split"] is None for one in found.values())


@pytest.mark.parametrize("place", [(10, 10, 10), (0, 0, 39), (39, 20, 5)])
def test_cuts_are_the_planes_through_a_place(place):
    rng = np.random.default_rng(1)
    volume = rng.integers(0, 9, (40, 40, 40))
    box = [end for p in place for end in (max(0, p - 4), min(40, p + 5))]
    window = cuts.Window.of(place, box, volume.shape)
    assert all(f >= 0 and f + window.n <= 40 for f in window.first)
    got = cuts.planes(volume, window)

    wide = np.pad(volume.astype(float), 200, constant_values=np.nan)
    cube = wide[tuple(slice(200 + f, 200 + f + window.n) for f in window.first)]
    middle = [p - f for p, f in zip(place, window.first)]
    for axis in range(3):
        np.testing.assert_array_equal(got[axis], np.take(cube, middle[axis], axis))
    smooth = cuts.planes(np.full((40, 40, 40), 3.0), window, (1.0, 1.0, 1.0))
    assert np.nanmax(np.abs(smooth[0] - 3)) < 1e-9


def test_a_window_larger_than_the_volume():
    volume = np.arange(12**3).reshape(12, 12, 12)
    window = cuts.Window.of((6, 6, 6), (0, 12, 0, 12, 0, 12), volume.shape)
    got = cuts.planes(volume, window)
    inside = np.isfinite(got[0])
    np.testing.assert_array_equal(got[0][inside], volume[6].ravel())
    np.testing.assert_array_equal(got[2][inside], volume[:, :, 6].ravel())


def test_the_middle_of_a_contact():
    labels = np.zeros((30, 30, 60), int)
    labels[5:25, 5:25, 5:30], labels[10:21, 12:19, 30:55] = 7, 3
    assert cuts.contact(labels, (5, 25, 5, 25, 5, 30), 7, 3) == (15, 15, 29)
    assert cuts.contact(labels, (10, 21, 12, 19, 30, 55), 3, 7) == (15, 15, 30)
    assert cuts.contact(labels, (5, 25, 5, 25, 5, 30), 7, 9) is None


def test_large_bodies_are_thinned():
    window = cuts.Window.of((300, 300, 300), (0, 600, 0, 600, 0, 600), (900, 900, 900))
    assert window.step == 2
    assert window.n <= cuts.TILE


def test_a_picture_is_legible_in_grey():
    labels = np.zeros((60, 60, 60), int)
    labels[15:45, 15:45, 15:30], labels[15:45, 15:45, 30:45] = 1, 2
    grey = np.where(labels > 0, 200.0, 100.0)
    window = cuts.Window.of((30, 30, 30), (15, 45, 15, 45, 15, 30), (60, 60, 60))
    planes = cuts.planes(labels, window), cuts.planes(grey, window)
    content = cuts.picture(*planes, 1, 2, 0.025, "µm")
    assert content == cuts.picture(*planes, 1, 2, 0.025, "µm")
    with Image.open(io.BytesIO(content)) as image:
        assert image.info["scale"].endswith(" µm")
        luma = np.asarray(image.convert("L"))
    values = set(luma[:, : cuts.TILE].ravel().tolist())
    line = round(0.299 * cuts.LINE[0] + 0.587 * cuts.LINE[1])
    assert {0, cuts.DARK, cuts.BRIGHT} <= values
    assert any(abs(v - line) <= 1 for v in values)  # edged in black, so it stands out from bright grey
    assert cuts.picture(planes[0], None, 1, 0, 1.0, "voxels") != content


def test_whole_particles_are_shown_first():
    particles = table(4, touches_border=[True, False, True, False])
    order = pd.DataFrame({"doubt": [0.9, 0.8, 0.7, 0.6]}, index=[1, 2, 3, 4])
    assert doubtful.shown(order, particles) == [2, 4, 1, 3]
    assert doubtful.shown(order, particles.drop(columns="touches_border")) == [1, 2, 3, 4]


@pytest.fixture
def made(tmp_path):
    """A run folder with a review of its particles, pictures of the first of them and their sensitivity."""
    fake = fake_run.write(tmp_path / "run", n=20)
    run = RunFolder(tmp_path / "run")
    n = len(fake.particles)
    contacts = pd.DataFrame({"label_1": [1, 3], "label_2": [2, 4], "score": [0.45, 0.55]})
    change = np.linspace(0.0, 0.2, n)
    table = review(fake.particles, contacts, None, change, AggregateOptions(), 30)
    run.files.table("review", table)
    for label in doubtful.shown(table, fake.particles)[:2]:
        box = fake.particles.loc[label, [f"bbox_{a}{e}" for a in "zyx" for e in (0, 1)]].to_numpy(int)
        window = cuts.Window.of((box[0::2] + box[1::2]) // 2, box, fake.labels.shape)
        planes = cuts.planes(fake.labels, window), cuts.planes(fake.grey, window, (1.0, 1.0, 1.0))
        run.files.data(doubtful.PICTURE.format(label), cuts.picture(*planes, label, 0, 0.025, "µm"))
    numbers = sensitivity(run.summary, fake.particles, contacts, None, change, AggregateOptions(), ParticleOptions())
    level = {"level_uncertainty": 0.05, "surface_shift": 0.004, "join": None, "join_uncertainty": None}
    run.files.json("summary.json", run.summary | {"sensitivity": level | {"numbers": numbers}})
    return tmp_path / "run", table


def test_the_page_shows_the_doubtful(made):
    path, table = made
    run = RunFolder(path)
    pd.testing.assert_frame_equal(run.review, table)
    report.write(run)
    page = (path / "report.html").read_text(encoding="utf-8")
    section = page[page.index('id="doubtful"') : page.index('id="particles"')]
    assert f"{len(table)} of" in section
    assert "the size of" in section
    assert section.count("data:image/png") == 2
    assert section.count("<figure>") == min(doubtful.MOST_CARDS, len(table))
    assert "What these numbers hang on" in page
    assert "the level by 5.0 % of the contrast" in page
    report.write(RunFolder(path))
    assert (path / "report.html").read_text(encoding="utf-8") == page


def test_without_a_review_the_page_is_silent(tmp_path):
    fake_run.write(tmp_path / "run", n=8)
    run = RunFolder(tmp_path / "run")
    assert run.review is None
    report.write(run)
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "oubtful" not in page
    assert "hang on" not in page


def test_no_doubt_is_a_sentence(tmp_path):
    fake = fake_run.write(tmp_path / "run", n=8)
    run = RunFolder(tmp_path / "run")
    n = len(fake.particles)
    run.files.table("review", review(fake.particles, NO_CONTACTS, None, np.zeros(n), AggregateOptions(), 30))
    assert doubtful.story(run) == [
        f"None of the {n} particles is doubtful within the uncertainty of the level and of the split."
    ]
    assert doubtful.cards(run) == []
