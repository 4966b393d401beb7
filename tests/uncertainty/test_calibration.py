"""The calibration: conditions of a scan, errors by size and shape, intervals that hold the truth, the command."""

import json
from dataclasses import replace

import held_out
import numpy as np
import pandas as pd
import phantoms
import pytest

import morphct
from morphct.cli import main
from morphct.ground.errors import InputError, SettingsError
from morphct.ground.executors import Threads
from morphct.ground.units import VoxelSize
from morphct.ground.work import Work
from morphct.pipeline.measuring import measure_array
from morphct.pipeline.recalibrate import calibrate_run
from morphct.pipeline.settings import Settings
from morphct.results.run_folder import open_run
from morphct.truth.bodies import ellipsoid
from morphct.uncertainty.calibration import (
    CalibrateOptions,
    Conditions,
    PopulationSeen,
    calibrate,
    conditions,
    digitising,
    error_model,
)
from morphct.uncertainty.calibration.digitising import images, noise_tile
from morphct.uncertainty.calibration.ladder import Specimen
from morphct.uncertainty.calibration.trials import run_trials

CUBIC = (1.0, 1.0, 1.0)
LABELS = Conditions(CUBIC, 1.0)
GREY = Conditions(CUBIC, 1.0, blur=1.2, noise=0.06, noise_sigma=CUBIC, level_bound=0.05, local=True, by_dips=True)
QUICK = CalibrateOptions()
FEW = ("size", "ellipsoid", "surface_area", "sphericity_wadell")
WITH_U = ("equivalent_diameter_u", "surface_area_u", "ellipticity_yx_u")


def found(seed: int = 0, low: float = 8.0, high: float = 24.0, voids: bool = False) -> PopulationSeen:
    """What a powder of these diameters in voxels is."""
    rng = np.random.default_rng(seed)
    ratios = np.sort(rng.uniform(0.5, 1.0, (60, 2)), axis=1)[:, ::-1]
    held = rng.uniform(3, 6, 30) if voids else np.empty(0)
    return PopulationSeen(np.exp(rng.uniform(np.log(low), np.log(high), 60)), ratios, held, 2.0)


# --- conditions ---


def test_labels_made_elsewhere_are_digitised_only():
    scan = conditions(VoxelSize(0.05, 0.025, 0.025, "um"), {}, {"min_voxels": 4})
    assert not scan.grey
    assert scan.min_voxels == 4
    assert np.prod(scan.spacing) == pytest.approx(1)
    assert scan.spacing[0] == pytest.approx(2 * scan.spacing[1])
    assert scan.edge == pytest.approx((0.05 * 0.025**2) ** (1 / 3))


def test_conditions_of_a_local_level_and_of_a_single_one():
    size = VoxelSize(2.0, 1.0, 1.0, "um")
    record = {
        "method": "deconvolution",
        "mean_inside": 200.0,
        "mean_outside": 100.0,
        "phases": [{"mean": 100.0, "weight": 0.6}, {"mean": 140.0, "weight": 0.1}, {"mean": 200.0, "weight": 0.3}],
        "denoise": {"sigma": (0.5, 1.0, 1.0), "sd_after": 7.0},
        "blur": {"value": 1.3},
        "level_uncertainty": 0.04,
    }
    scan = conditions(size, record)
    assert scan.local
    assert scan.by_dips
    assert (scan.blur, scan.noise, scan.level, scan.level_bound) == (1.3, 0.07, 0.5, 0.04)
    assert (scan.binder, scan.wet) == pytest.approx((0.4, 4 / 7))
    assert not conditions(size, record, {"threshold": "holes"}).by_dips
    assert conditions(size, record, {"threshold": 2.5}).dip_factor == 2.5
    single = conditions(size, record | {"method": "otsu", "level": 130.0, "blur": None})
    assert (single.local, single.by_dips, single.binder) == (False, False, 0.0)
    assert single.level == pytest.approx(0.3)
    assert single.blur == pytest.approx(np.hypot(0.7, 1.0))


# --- digitising ---


@pytest.mark.parametrize("spacing", [CUBIC, (1.6, 0.8, 1 / 1.28)], ids=["cubic", "coarse"])
@pytest.mark.parametrize("scan", [LABELS, GREY], ids=["labels", "grey"])
def test_digitised_bodies_are_as_large_as_they_are_said_to_be(scan, spacing):
    scan = replace(scan, spacing=spacing, level_bound=0.0)
    trials = [Specimen(ellipsoid("e", 0.8, 0.6), 16.0, 16.0, 0, 0, (1, i)) for i in range(6)]
    made = run_trials(trials, ("equivalent_diameter", "ellipticity_zx"), scan, 1)
    assert made.errors("equivalent_diameter").mean() == pytest.approx(0, abs=0.04)
    assert made.errors("ellipticity_zx").mean() == pytest.approx(0, abs=0.05)


def test_bodies_that_blur_takes_away_leave_empty_rows():
    scan = replace(GREY, blur=3.0)
    trials = [Specimen(ellipsoid("e"), d, d, 0, 0, (1, i)) for i, d in enumerate((3.0, 24.0))]
    made = images(trials, scan, noise_tile(scan, 1))
    assert made.rows.tolist() == [1]
    values = run_trials(trials, ("equivalent_diameter",), scan, 1).values["equivalent_diameter"]
    assert np.isnan(values).tolist() == [True, False]


# --- errors ---


def of_kinds(seed: int, kinds: int, each: int, bias: float, power: float = 1.0):
    """Shapes, errors, sizes and kinds of bodies, each kind of which is off in its own way."""
    rng = np.random.default_rng(seed)
    diameters = np.geomspace(8, 32, 5)
    kind, size, _ = (a.ravel() for a in np.meshgrid(np.arange(kinds), np.arange(5), np.arange(each), indexing="ij"))
    place = rng.uniform([0, 0, 0], [0.2, 0.5, 0.5], (kinds, 3))
    shapes = np.column_stack([np.log(diameters[size]), place[kind] + rng.normal(0, 0.005, (len(kind), 3))])
    off = rng.normal(0, bias, kinds)[kind] + rng.normal(0, 1.0, len(kind))
    return shapes, off * diameters[size] ** -power, size, kind


def test_what_differs_between_kinds_of_bodies_counts_as_uncertainty():
    held = []
    for seed in range(12):
        shapes, wrong, size, kind = of_kinds(seed, 40, 2, bias=3.0)
        known = kind < 24
        for told in (kind[known], np.arange(known.sum())):  # as they are; each body taken for a kind of its own
            model = error_model.fit(shapes[known], wrong[known], size[known], told)
            held.append((np.abs(wrong) <= 2 * model.uncertainty(shapes))[~known].mean())
    assert 0.88 < np.mean(held[::2]) < 0.999
    assert np.mean(held[1::2]) < np.mean(held[::2]) - 0.03


def test_errors_fall_with_the_size_as_they_were_seen_to():
    shapes, wrong, size, kind = of_kinds(3, 24, 4, bias=0.0, power=1.5)
    model = error_model.fit(shapes, wrong, size, kind)
    assert model.power == pytest.approx(1.5, abs=0.2)
    middle = np.array([[np.log(d), 0.1, 0.25, 0.25] for d in (32.0, 64.0, 128.0)])
    u = model.uncertainty(middle)
    assert (u > 0).all()
    assert u[:-1] / u[1:] == pytest.approx(2**model.power, rel=1e-6)


def test_sharper_bodies_than_any_known_are_less_certain():
    shapes, wrong, size, kind = of_kinds(5, 24, 2, bias=1.0)
    model = error_model.fit(shapes, wrong, size, kind)
    edge = shapes[:, 1].max()
    wanted = np.array([[3.0, s, 0.25, 0.25] for s in (edge, 1.5 * edge, 2 * edge)])
    assert (np.diff(model.uncertainty(wanted)) > 0).all()


def test_too_few_errors_make_no_model():
    shapes, wrong, size, kind = of_kinds(1, 1, 1, bias=1.0)
    assert error_model.fit(shapes, wrong, size, kind) is None
    shapes, wrong, size, kind = of_kinds(1, 6, 1, bias=1.0)
    assert error_model.fit(shapes, np.full_like(wrong, np.nan), size, kind) is None


def test_resolved_is_where_bias_and_spread_come_within_the_tolerance_and_stay():
    d = np.array([5.0, 10.0, 20.0, 40.0])
    none = np.zeros(4)
    assert error_model.resolved(d, -1 / d, none, 0.05) == pytest.approx(20)
    assert error_model.resolved(d, 1 / d, none, 0.01) == pytest.approx(100)  # goes on as it did
    assert error_model.resolved(d, none, none, 0.05) == 5
    assert error_model.resolved(d, np.full(4, 0.1), none, 0.05) == np.inf
    assert 20 < error_model.resolved(d, np.array([0.0, 0.0, 0.2, 0.0]) + 0.001, none, 0.05) < 40
    assert np.isnan(error_model.resolved(d, np.full(4, np.nan), none, 0.05))


# --- the study ---


def as_bytes(made) -> bytes:
    """All that follows from a calibration."""
    rng = np.random.default_rng(0)
    shape = [rng.uniform(6, 40, 50), *rng.uniform(0.5, 1.0, (3, 50))]
    u = [made.uncertainty(name, shape[0], *shape) for name in made.models]
    facts = json.dumps(made.to_mapping() | {"limits": made.limits}, default=str)
    return made.table().to_csv().encode() + np.array(u).tobytes() + facts.encode()


@pytest.mark.parametrize("scan", [LABELS, GREY], ids=["labels", "grey"])
def test_same_bytes_whatever_the_workers(scan):
    one, two = (calibrate(found(voids=True), scan, QUICK, FEW, 5, Work((), Threads(n))) for n in (1, 2))
    assert as_bytes(one) == as_bytes(two)
    other = calibrate(found(voids=True), scan, QUICK, FEW, 6)
    assert as_bytes(other) != as_bytes(one)


@pytest.mark.parametrize("scan", [LABELS, replace(GREY, local=False)], ids=["labels", "one level"])
def test_same_errors_however_many_bodies_are_digitised_together(scan, monkeypatch):
    trials = [Specimen(ellipsoid("e", 0.8, 0.6), 10.0, 10.0, 0, 0, (1, i)) for i in range(5)]
    together = run_trials(trials, ("equivalent_diameter", "surface_area"), scan, 1).values
    monkeypatch.setattr(digitising, "BATCH_VOXELS", 1)
    alone = run_trials(trials, ("equivalent_diameter", "surface_area"), scan, 1).values
    for name, values in together.items():
        np.testing.assert_array_equal(values, alone[name])


def test_intervals_hold_the_truth_of_bodies_never_seen():
    """Wanted are 90 to 99 %; few bodies here, so that there is room for chance."""
    held = []
    for seed, scan in ((1, LABELS), (2, GREY), (3, replace(LABELS, spacing=(1.6, 0.8, 1 / 1.28)))):
        made = calibrate(found(seed, 8, 20), scan, QUICK, held_out.CLOSED, seed)
        trials = held_out.trials_of((9.0, 16.0), 3, seed=1000 + seed)
        seen = held_out.measured(scan, trials, held_out.CLOSED)
        held.append(np.array(list(held_out.coverage(made, seen, held_out.CLOSED).values())))
    assert 0.85 < np.nanmean(held) <= 1
    assert (np.nanmean(held, axis=(1, 2)) > 0.8).all()
    assert (np.nanmean(held, axis=(0, 2)) > 0.75).all()  # of each column


def test_void_fractions_have_uncertainties():
    made = calibrate(found(voids=True), LABELS, QUICK, (*FEW, "voids"), 1)
    fraction, across = np.array([0.05, 0.05, np.nan]), np.array([3.5, 6.0, np.nan])
    u = made.void_uncertainty("void_fraction", fraction, across)
    assert np.isnan(u).tolist() == [False, False, True]
    assert 0 < u[1] < u[0] < 0.05
    without = calibrate(found(), LABELS, QUICK, FEW, 1)
    assert np.isnan(without.void_uncertainty("void_fraction", fraction, across)).all()


# --- tables ---


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    """Spheres and cubes of 8 to 20 voxels across."""
    image = np.zeros((32, 64, 90), np.uint16)
    for i, (name, radius) in enumerate([("sphere", 4), ("cube", 4), ("sphere", 7), ("cube", 7), ("sphere", 10)]):
        mask = phantoms.digitise(name, radius=radius, seed=i).mask
        points = np.argwhere(mask)
        z, y, x = (points - points.min(axis=0) + [2, 2 + 32 * (i // 3), 2 + 30 * (i % 3)]).T
        image[z, y, x] = i + 1
    return image


def with_u(table: pd.DataFrame) -> set[str]:
    return {c for c in table.columns if c.endswith("_u")}


def test_uncertainties_stand_in_the_table_of_labels_without_grey(labels):
    table = morphct.measure(labels, voxel_size="2um,1um,1um", calibrate="quick", names=[*FEW, *WITH_U])
    assert with_u(table) == {"equivalent_diameter_um_u", "surface_area_um2_u", "ellipticity_yx_u"}
    share = table["equivalent_diameter_um_u"] / table["equivalent_diameter_um"]
    assert (share > 0).all()
    assert share.iloc[-1] < 0.05
    assert share.iloc[-1] < share.iloc[0]


def test_without_calibration_there_are_none(labels):
    assert not with_u(morphct.measure(labels))


def test_flags_follow_the_tolerance(labels):
    tables = [
        measure_array(labels, names=FEW, settings=Settings(calibrate=CalibrateOptions(tolerance=t))).particles
        for t in (0.002, 0.3)
    ]
    strict, loose = ([len(names.split(";")) if names else 0 for names in t["not_resolved"]] for t in tables)
    assert all(a >= b for a, b in zip(strict, loose))
    assert sum(strict) > sum(loose)


def test_an_unknown_method_is_refused(labels):
    with pytest.raises(SettingsError, match="allowed are quick, full, none"):
        morphct.measure(labels, calibrate="thorough")
    with pytest.raises(SettingsError, match="tolerance"):
        CalibrateOptions(tolerance=2.0)


# --- the command ---


@pytest.fixture(scope="module")
def run(tmp_path_factory, labels):
    """A run folder of labels, not calibrated."""
    import tifffile

    path = tmp_path_factory.mktemp("calibrate") / "labels.tif"
    tifffile.imwrite(path, labels)
    argv = ["measure", str(path), "-o", str(path.parent / "run"), "--voxel-size", "1um", "-q"]
    for setting in (
        "output.renders=false",
        "output.meshes=false",
        "calibrate.method=none",
        f"descriptors.names={','.join(FEW)}",
    ):
        argv += ["--set", setting]
    assert main(argv) == 0
    return path.parent / "run"


def test_the_command_calibrates_a_finished_run(run, capsys):
    before = open_run(run)
    assert not with_u(before.particles)
    assert before.calibration is None
    assert main(["calibrate", str(run), "--quick", "--tolerance", "0.04", "--no-progress"]) == 0
    said = capsys.readouterr().out
    after = open_run(run)
    assert "within 4 %" in said
    assert "surface_area" in said
    assert str(run / "report.html") in said
    assert {"equivalent_diameter_um_u", "surface_area_um2_u", "ellipticity_zy_u"} <= with_u(after.particles)
    assert (after.particles["equivalent_diameter_um_u"] > 0).all()
    assert {"descriptor", "error", "body", "diameter_voxels", "bias", "spread", "n"} == set(after.calibration.columns)
    assert after.calibrated["tolerance"] == 0.04
    assert after.provenance["settings"]["calibrate"]["method"] == "quick"
    assert "resolved from" in (run / "report.html").read_text("utf-8")
    pd.testing.assert_frame_equal(
        after.particles[before.particles.columns.drop("not_resolved")], before.particles.drop(columns="not_resolved")
    )
    columns = list(after.particles.columns)
    again = calibrate_run(run, "quick", 0.3).particles  # in place of the older ones
    assert list(again.columns) == columns
    fewer, more = (t["not_resolved"].fillna("").str.count(";").sum() for t in (again, after.particles))
    assert fewer <= more


def test_a_folder_that_is_no_run_is_refused(tmp_path, capsys):
    assert main(["calibrate", str(tmp_path)]) == 2
    assert "is not a run folder" in capsys.readouterr().err
    assert main(["calibrate", str(tmp_path / "none")]) == 2
    with pytest.raises(InputError, match="is a file"):
        path = tmp_path / "a.txt"
        path.write_text("")
        calibrate_run(path)
