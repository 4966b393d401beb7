"""The main job on phantoms and real volumes: quality, byte-identity, bad input, the library."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

import morphct
from morphct import reading
from morphct.ground.errors import InputError, MemoryCapError, OutputError, SegmentationError, SettingsError
from morphct.ground.executors import Threads
from morphct.ground.scratch import Scratch
from morphct.ground.work import Work
from morphct.pipeline import machine, memory_plan
from morphct.pipeline import run as pipeline
from morphct.pipeline.settings import Settings
from morphct.results.run_folder.writer import OWN_NAMES
from morphct.segment.voids import holes
from morphct.segment.voids.options import VoidOptions
from morphct.truth import phantom, scoring
from morphct.truth.phantom import PhantomOptions

BARE = ["output.renders=false", "output.meshes=false", "calibrate.method=none"]
TABLES = ("particles", "voids", "aggregates", "contacts")


@pytest.fixture(scope="module")
def powder(tmp_path_factory):
    """A small powder at the reference study's contrast, written as a file, with its truth."""
    made = phantom.make(PhantomOptions(depth=96, height=112, width=128, seed=5, diameter=24.0))
    path = tmp_path_factory.mktemp("powder") / "powder.tif"
    phantom.write(made, path)
    return made, path


def run(path, out, *overrides, **options):
    """A run without pictures."""
    settings = Settings().with_overrides([*BARE, *overrides])
    return pipeline.run(path, out, settings=settings, **options)


def fingerprint(folder: Path) -> dict[str, str]:
    """Hashes of every table and label chunk."""
    found = [p for p in sorted(folder.rglob("*")) if p.is_file() and not p.name.endswith((".png", ".html", ".log"))]
    found = [p for p in found if p.name not in ("run.json", "settings.toml")]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


@pytest.fixture(scope="module")
def done(powder, tmp_path_factory):
    """One run of the powder."""
    return run(powder[1], tmp_path_factory.mktemp("done") / "run")


def test_particles_and_voids_of_a_powder(powder, done):
    made, _ = powder
    open_ids = made.void_table.index[made.void_table["open"].astype(bool)].to_numpy()
    score = scoring.score(
        made.labels,
        done.labels,
        truth_voids=made.voids,
        found_voids=done.void_labels,
        open_voids=open_ids,
        min_voxels=270,
    )
    assert score.f1 >= 0.9
    assert abs(score.count_error) <= 0.08
    assert abs(score.diameter_bias) < 0.02


def test_tables_agree_with_the_label_images(done):
    labels, voids = np.asarray(done.labels[:]), np.asarray(done.void_labels[:])
    assert labels.dtype.kind == "u"
    counts = np.bincount(labels.ravel())
    assert (done.particles["n_voxels"].to_numpy() == counts[1:]).all()
    assert (done.voids["n_voxels"].to_numpy() == np.bincount(voids.ravel())[1:]).all()
    assert (labels[voids > 0] > 0).all()
    share = done.particles["void_volume_um3"] / done.particles["volume_um3"]
    np.testing.assert_allclose(done.particles["void_fraction"], share, rtol=1e-9)
    assert done.particles["volume_um3"].sum() == pytest.approx((labels > 0).sum() * 0.025**3)


def test_the_run_folder_is_as_promised(done):
    names = {p.name for p in done.path.iterdir()}
    wanted = {f"{t}.{kind}" for t in TABLES for kind in ("csv", "parquet")}
    wanted |= {"labels.zarr", "voids.zarr", "histogram.csv", "threshold.json", "summary.json", "run.json"}
    wanted |= {"settings.toml", "report.html", "figures", "morphct.log"}
    assert wanted <= names
    assert not [n for n in names if n.startswith(".")]
    assert names <= {*OWN_NAMES, "run.json"}, "a file that the writer does not know, and would leave behind"
    assert done.provenance["input"]["voxel_size"]["source"]
    assert done.provenance["peak_memory"] > 0
    text = (done.path / "particles.csv").read_text()
    assert "inf" not in text.lower()


@pytest.mark.parametrize("overrides", [["run.workers=1"], ["run.slab=13"], ["run.memory=tight", "run.slab=5"]])
def test_the_same_bytes_however_the_work_is_cut(powder, done, overrides, tmp_path):
    tight = (machine.resident() + memory_plan.LIBRARY_BYTES >> 20) + 100  # this process has run other tests before
    overrides = [o.replace("tight", f"{tight}MiB") for o in overrides]
    assert fingerprint(run(powder[1], tmp_path / "again", *overrides).path) == fingerprint(done.path)


def test_files_instead_of_memory_give_the_same_bytes(powder, done, tmp_path, monkeypatch):

    monkeypatch.setattr(pipeline, "Scratch", lambda folder, budget: Scratch(folder, 0))
    assert fingerprint(run(powder[1], tmp_path / "disk").path) == fingerprint(done.path)
    assert not (tmp_path / "disk" / "scratch").exists()


def test_settings_toml_repeats_the_run(powder, done, tmp_path):
    again = pipeline.run(powder[1], tmp_path / "again", config=done.path / "settings.toml")
    assert fingerprint(again.path) == fingerprint(done.path)


def test_measure_of_the_labels_gives_the_same_shapes(powder, done, tmp_path):
    again = pipeline.measure_file(
        done.path / "labels.zarr", tmp_path / "m", grey=powder[1], settings=Settings().with_overrides(BARE)
    )
    for name in ("n_voxels", "feret_max_um", "ellipticity_yx", "surface_area_um2", "inscribed_radius_um"):
        np.testing.assert_allclose(again.particles[name], done.particles[name], rtol=1e-9)


def test_other_methods_run_through(powder, tmp_path):
    for number, method in enumerate(("watershed", "snow", "none")):
        made = run(powder[1], tmp_path / str(number), f"split.method={method}")
        assert len(made.particles) > 3
    otsu = run(powder[1], tmp_path / "otsu", "threshold.method=otsu", "particles.min_voxels=200")
    assert len(otsu.particles) > 3
    fixed = run(powder[1], tmp_path / "fixed", "threshold.method=fixed", "threshold.low=5300")
    assert len(fixed.particles) > 3


def test_library_entry_points(powder, tmp_path):
    labels = np.zeros((20, 20, 20), np.uint16)
    labels[5:15, 5:15, 5:15] = 3
    table = morphct.measure(labels, voxel_size="25nm")
    assert table.index.tolist() == [3]
    assert table.loc[3, "n_voxels"] == 1000
    with pytest.raises(InputError):
        morphct.open_run(tmp_path)


BAD = {
    "missing": (None, "there is no file"),
    "empty": (b"", "empty"),
    "text": (b"just words, many of them, on a line\n" * 40, "text|not a"),
}


@pytest.mark.parametrize("kind", list(BAD))
def test_what_is_no_volume_is_one_sentence_and_leaves_nothing(kind, tmp_path):
    content, words = BAD[kind]
    path = tmp_path / "v.tif"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"(?i){words}"):
        run(path, tmp_path / "out", voxel_size="25nm")
    assert not (tmp_path / "out").exists()


def volume(tmp_path, array, name="v.tif"):
    tifffile.imwrite(tmp_path / name, array, photometric="minisblack")
    return tmp_path / name


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((20, 20, 20), 7, np.uint8), "one grey value"),
        (np.full((20, 20, 20), np.nan, np.float32), "NaN"),
        (np.random.default_rng(0).normal(100, 5, (40, 40, 40)).astype(np.float32), "one phase"),
    ],
)
def test_what_cannot_be_segmented_is_one_sentence_and_leaves_nothing(array, words, tmp_path):
    with pytest.raises(SegmentationError, match=words) as caught:
        run(volume(tmp_path, array), tmp_path / "out", voxel_size="25nm")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_some_nan_is_outside_with_a_warning(powder, tmp_path):
    grey = powder[0].grey.astype(np.float32)
    grey[:, :20, :20] = np.nan
    made = run(volume(tmp_path, grey), tmp_path / "out", voxel_size="25nm")
    assert (np.asarray(made.labels[:])[:, :20, :20] == 0).all()
    assert any("NaN" in w for w in made.provenance["notes"])


def test_caps_folders_and_settings_that_make_no_sense(powder, tmp_path):
    path = powder[1]
    with pytest.raises(MemoryCapError, match="at least"):
        run(path, tmp_path / "out", "run.memory=1KiB")
    with pytest.raises(SettingsError, match="did you mean"):
        run(path, tmp_path / "out", "split.joim=1")
    with pytest.raises(SettingsError, match=r"tcp://there:8786.*slurm.*not both"):
        run(path, tmp_path / "out", "run.scheduler=tcp://there:8786", "run.cluster=slurm")
    with pytest.raises(InputError, match="voxel-size"):
        run(volume(tmp_path, powder[0].grey), tmp_path / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match="--overwrite"):
        run(path, tmp_path / "full")
    assert not (tmp_path / "out").exists()
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_an_interrupt_leaves_nothing(powder, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("morphct.segment.split.split.split", stop)
    with pytest.raises(KeyboardInterrupt):
        run(powder[1], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_interrupted_run_goes_on_from_its_labels(powder, done, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("morphct.pipeline.checkpoint.LEAST_SECONDS_KEPT", 0.0)
        patch.setattr(pipeline, "run_passes", stop)
        with pytest.raises(KeyboardInterrupt):
            run(powder[1], out)
    assert [p.name for p in out.iterdir()] == [".morphct-partial"]
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "segment", stop)  # is not needed again
        again = run(powder[1], out, "run.resume=true")
    assert fingerprint(again.path) == fingerprint(done.path)
    assert not [p for p in out.rglob("*") if p.name.startswith(".") or p.name == "checkpoint.json"]


def test_what_another_run_left_is_not_resumed(powder, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("morphct.pipeline.checkpoint.LEAST_SECONDS_KEPT", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "run_passes", stop)
        with pytest.raises(KeyboardInterrupt):
            run(powder[1], tmp_path / "out")
    made = run(powder[1], tmp_path / "out", "run.resume=true", "particles.min_voxels=4000")
    assert made.particles["n_voxels"].min() >= 4000


def test_pixels_instead_of_micrometres(powder, tmp_path):
    made = run(powder[1], tmp_path / "px", "particles.min_voxels=500", voxel_size="1px")
    assert "equivalent_diameter_px" in made.particles.columns
    assert not [c for c in made.particles.columns if "_um" in c]


@pytest.mark.parametrize("name", ["nanoct_lobed_grain.tif", "nanoct_compact_grain.tif"])
def test_a_real_grain_with_one_phase_shows_its_halo_or_is_refused_with_it(shared_data, name, tmp_path):
    with pytest.raises(SegmentationError, match=r"threshold\.method=halo"):
        run(shared_data(name), tmp_path / "out", "threshold.method=deconvolution", voxel_size="75nm,25nm,25nm")
    assert not os.path.exists(tmp_path / "out")
    made = run(shared_data(name), tmp_path / "out", "output.renders=false", voxel_size="75nm,25nm,25nm")
    assert made.threshold["method"] == "halo"
    assert "phase contrast" in made.threshold["choice"]["reason"]
    assert len(made.provenance["warnings"]) <= 3


def test_closed_voids_of_bone_are_counted_exactly(shared_data):
    bone = np.asarray(reading.open_labels(shared_data("bone_lacunae.tif"), voxel_size="1um")[:])
    found = holes.inside_labels(bone, VoidOptions(), Work.of(len(bone), 100, Threads(2)))
    sizes = np.bincount(np.asarray(found.labels).ravel())[1:]
    assert found.n == 13127
    assert (sizes >= 30).sum() == 3704
    assert (found.owner[1:] == 1).all()


def test_the_electrode_is_split_as_published(shared_data, tmp_path):
    made = run(
        shared_data("nmc_electrode_3phase.tif"),
        tmp_path / "nmc",
        *["denoise.method=none", "threshold.method=fixed", "threshold.low=60", "threshold.high=120"],
        "descriptors.names=volume,n_contacts",
        voxel_size="400nm",
    )
    assert abs(len(made.particles) / 1341 - 1) < 0.15
    assert made.particles["volume_um3"].max() < 0.1 * 256**3 * 0.4**3
