"""Segmented volumes: recognised by their values, taken exactly, refused with what there is to choose."""

import json

import numpy as np
import pytest
import tifffile
from pipeline.test_pipeline import fingerprint
from scipy import ndimage

from morphct.cli import main
from morphct.ground.errors import InputError, SegmentationError, SettingsError
from morphct.ground.executors import Threads
from morphct.ground.work import Work
from morphct.kernels.labels import values as kernel
from morphct.pipeline import run as pipeline
from morphct.pipeline.settings import Settings
from morphct.results.run_folder import open_run
from morphct.segment.labels import likeness, values
from morphct.views.report import words

BARE = ["output.renders=false", "output.meshes=false", "calibrate.method=none", "descriptors.names=volume,voids"]


@pytest.fixture
def no_page(monkeypatch):
    """Runs leave out the page and its figures, which take most of the time of a small one."""
    monkeypatch.setattr("morphct.pipeline.publish.write_pages", lambda *_: None)


def sponge(seed, edge=64, length=3.0, solid=0.45):
    """A blurred random field above a level, with single voxels turned over: pieces, voids and specks of every size."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.standard_normal((edge, edge, edge)), length)
    mask = field > np.quantile(field, 1 - solid)
    return mask ^ (rng.random(mask.shape) < 0.002)


def saved(folder, array, name="v.tif"):
    tifffile.imwrite(folder / name, array, photometric="minisblack")
    return folder / name


def run(path, out, *overrides, **options):
    """A run without pictures, on few columns."""
    settings = Settings().with_overrides([*BARE, *overrides])
    return pipeline.run(path, out, settings=settings, voxel_size="1um", **options)


def enclosed(mask):
    """Background that reaches no face, by faces alone."""
    return ndimage.binary_fill_holes(mask) & ~mask


def without_specks(mask, least):
    """The mask without what stands alone and is smaller than `least` with its holes filled."""
    ids, _ = ndimage.label(ndimage.binary_fill_holes(mask))
    sizes = np.bincount(ids.ravel())
    return mask & (sizes >= least)[ids]


def parts(made):
    return np.asarray(made.labels[:]), np.asarray(made.void_labels[:])


pytestmark = pytest.mark.usefixtures("no_page")
COUNTED = {
    "bool": lambda m: m,
    "0/1": lambda m: m.astype(np.uint8),
    "0/255": lambda m: m.astype(np.uint8) * 255,
    "-5/300": lambda m: np.where(m, 300, -5).astype(np.int16),
    "0.0/1.0": lambda m: m.astype(np.float32),
    "0/0.1 double": lambda m: m * 0.1,
}


@pytest.mark.parametrize("kind", list(COUNTED))
def test_the_labels_are_the_brighter_value_and_the_voids_what_it_encloses(kind, tmp_path):
    for seed in (1, 2):
        mask = sponge(seed)
        made = run(saved(tmp_path, COUNTED[kind](mask), f"{seed}.tif"), tmp_path / str(seed))
        labels, voids = parts(made)
        solid = (labels > 0) & (voids == 0)
        assert np.array_equal(solid & mask, solid)
        assert np.array_equal(solid, without_specks(mask, 30))
        kept = enclosed(mask) & (labels > 0)
        cut = np.isin(voids, made.voids.index[made.voids["open"] == "cut"])
        assert np.array_equal((voids > 0) & ~cut, kept)
        assert not mask[cut].any()
        assert made.summary["counts"]["cut_voids"] == ndimage.label(cut)[1] > 0  # by a face of the volume
        assert made.summary["counts"]["voids"] == ndimage.label(kept)[1]
        assert (made.voids["label"].to_numpy() > 0).all()
        assert made.threshold["method"] == "values"
        assert made.threshold["specks"]["voxels"] == (mask & ~solid).sum()
        assert made.particles["n_voxels"].min() >= 30


def test_the_other_value_and_a_range_of_values(tmp_path):
    mask = sponge(3)
    path = saved(tmp_path, mask.astype(np.uint8) * 255)
    for number, overrides in enumerate((["threshold.phase=0"], ["threshold.method=fixed", "threshold.high=100"])):
        labels, voids = parts(run(path, tmp_path / str(number), *overrides))
        assert np.array_equal((labels > 0) & (voids == 0), without_specks(~mask, 30))


def test_one_of_three_values_is_taken_exactly(tmp_path):
    mask = sponge(4)
    three = np.where(mask, 85, np.where(sponge(5), 170, 0)).astype(np.uint8)
    path = saved(tmp_path, three)
    with pytest.raises(
        SegmentationError, match=r"holds 3 values.*threshold\.phase=0;.*threshold\.phase=85;.*phase=170"
    ):
        run(path, tmp_path / "none")
    assert not (tmp_path / "none").exists()
    labels, voids = parts(run(path, tmp_path / "one", "threshold.phase=85"))
    assert np.array_equal((labels > 0) & (voids == 0), without_specks(three == 85, 30))
    with pytest.raises(SettingsError, match=r"--phase 7 is no value of v\.tif, which holds 0 \(.*85 \(.*170"):
        run(path, tmp_path / "none", "threshold.phase=7")
    with pytest.raises(SegmentationError, match="from 200 to 210"):
        run(path, tmp_path / "none", "threshold.method=fixed", "threshold.low=200", "threshold.high=210")
    with pytest.raises(SegmentationError, match="nothing is left around"):
        run(path, tmp_path / "none", "threshold.method=fixed", "threshold.low=0")


def test_one_voxel_of_a_third_value_is_seen_wherever_it_lies(tmp_path):
    mask = sponge(6, 48).astype(np.uint8) * 255
    for place in ((0, 0, 0), (47, 47, 47), (5, 40, 3)):
        odd = mask.copy()
        odd[place] = 7
        with pytest.raises(SegmentationError, match=r"7 \(.*one piece"):
            run(saved(tmp_path, odd), tmp_path / "out")


@pytest.mark.parametrize(("planes", "rows"), [(64, None), (17, None), (5, 6), (64, 3), (9, 40)])
def test_values_are_counted_however_the_volume_is_cut(planes, rows):
    mask = sponge(7)
    volume = np.where(mask, 3, np.where(sponge(8), 2, 9)).astype(np.int32)
    found = values.find_values(volume, Work.of(volume.shape, planes, Threads(2), rows))
    assert found.values.tolist() == [2, 3, 9]
    assert found.counts.tolist() == [int((volume == v).sum()) for v in (2, 3, 9)]
    assert not found.noisy
    volume[1, 1, :7] = np.arange(7) + 20
    assert values.find_values(volume, Work.of(volume.shape, planes, Threads(2), rows)) is None


def test_what_is_not_finite_is_no_value(tmp_path):
    mask = sponge(9)
    padded = mask.astype(np.float32)
    padded[:, :8] = np.nan
    padded[:4] = np.inf
    labels, voids = parts(run(saved(tmp_path, padded), tmp_path / "out"))
    assert np.array_equal((labels > 0) & (voids == 0), without_specks(padded == 1, 30))
    alone = np.where(mask, 1.0, np.nan).astype(np.float32)
    with pytest.raises(SegmentationError, match="--phase 1"):
        run(saved(tmp_path, alone), tmp_path / "none")
    labels, _ = parts(run(saved(tmp_path, alone), tmp_path / "told", "threshold.phase=1"))
    assert labels.any()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_unequal_neighbours_are_counted(seed):
    volume = np.random.default_rng(seed).integers(0, 3, (6, 7, 8)).astype(np.float32)
    volume[2, 3, 4] = np.nan
    pairs = unequal = 0
    equal, near = np.zeros(volume.shape, int), np.zeros(volume.shape, int)
    for axis in range(3):
        first, second = (np.moveaxis(volume, axis, 0)[part] for part in (slice(None, -1), slice(1, None)))
        both, same = np.isfinite(first) & np.isfinite(second), first == second
        pairs += both.sum()
        unequal += (both & ~same).sum()
        for held, what in ((equal, same), (near, both)):
            view = np.moveaxis(held, axis, 0)
            view[:-1] += what
            view[1:] += what
    lone = (np.isfinite(volume) & (near > 0) & (equal == 0)).sum()
    whole = kernel.unequal_neighbours(volume, (0, 6, 0, 7))
    assert whole.tolist() == [pairs, unequal, lone]
    for cut in ((3, None), (3, 4), (1, 1)):
        bricks = Work.of(volume.shape, cut[0], rows=cut[1]).bricks
        assert sum(values._brick_pairs(volume, brick) for brick in bricks).tolist() == whole.tolist()


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("greys", "noise"), [(3, 0.2), (4, 0.15), (5, 0.15), (8, 0.1)])
def test_a_noisy_scan_of_few_greys_is_no_segmented_volume(seed, greys, noise):
    rng = np.random.default_rng(seed)
    grey = 0.2 + 0.6 * ndimage.gaussian_filter(sponge(seed).astype(float), 0.7)
    stored = np.clip(np.rint((greys - 1) * (grey + 0.6 * noise * rng.standard_normal(grey.shape))), 0, greys - 1)
    assert values.find_values(stored.astype(np.uint8), Work.of(64, 20)).noisy


@pytest.mark.parametrize("length", [1.0, 1.6, 3.0])
def test_fine_structure_of_three_values_is_segmented(length):
    three = sponge(1, length=length).astype(np.uint8) + sponge(2, length=length)
    assert not values.find_values(three, Work.of(64, 20)).noisy


def boxes(edge=60, size=6):
    """Labels of touching boxes, in a shuffled order."""
    place = np.arange(edge) // size
    n = edge // size
    numbers = np.random.default_rng(0).permutation(n**3) + 1
    return numbers[(place[:, None, None] * n + place[None, :, None]) * n + place].astype(np.uint16)


def test_a_label_image_given_to_run_is_sent_to_measure(tmp_path):
    path = saved(tmp_path, boxes())
    with pytest.raises(InputError, match=r"morphct measure v\.tif"):
        run(path, tmp_path / "out")
    fixed = ["threshold.method=fixed", "threshold.low=1", "denoise.method=none"]
    assert len(run(path, tmp_path / "fixed", *fixed).particles) == 1


def test_grey_given_to_measure_is_sent_to_run(tmp_path):
    grey = np.random.default_rng(1).normal(120, 20, (40, 40, 40)).astype(np.uint8)
    with pytest.raises(InputError, match=r"morphct run v\.tif"):
        pipeline.measure_file(saved(tmp_path, grey), tmp_path / "out", voxel_size="1um")


def test_what_are_labels_is_taken_for_labels():
    for image in (
        boxes(),
        boxes(60, 3),
        boxes(60, 1),
        (np.arange(8000) * (np.arange(8000) % 7 == 0)).reshape(20, 20, 20),
    ):
        likeness.refuse_grey_labels(image)


def test_a_mask_given_to_measure_is_told(tmp_path):
    two = np.zeros((30, 30, 30), np.uint8)
    two[2:10, 2:10, 2:10] = two[15:25, 15:25, 15:25] = 255
    settings = Settings().with_overrides(BARE)
    made = pipeline.measure_file(saved(tmp_path, two), tmp_path / "two", voxel_size="1um", settings=settings)
    assert any("its one label 255 lies in 2 separate pieces" in w for w in made.provenance["warnings"])
    two[2:10, 2:10, 2:10] = 1
    made = pipeline.measure_file(saved(tmp_path, two), tmp_path / "labels", voxel_size="1um", settings=settings)
    assert not made.provenance["warnings"]


def test_a_phase_of_a_grey_volume_is_one_sentence(tmp_path):
    grey = np.random.default_rng(1).normal(120, 20, (40, 40, 40)).astype(np.uint8)
    with pytest.raises(SettingsError, match="holds more than 8 values"):
        run(saved(tmp_path, grey), tmp_path / "out", "threshold.phase=120")
    with pytest.raises(SettingsError, match="not both"):
        Settings().with_overrides(["threshold.phase=1", "threshold.low=1"]).threshold.validate()


@pytest.mark.parametrize("overrides", [["run.workers=1"], ["run.slab=11"], ["run.slab=5"]])
def test_the_same_bytes_however_the_work_is_cut(overrides, tmp_path):
    path = saved(tmp_path, sponge(11).astype(np.uint8) * 255)
    assert fingerprint(run(path, tmp_path / "a", *overrides).path) == fingerprint(run(path, tmp_path / "b").path)


def test_no_piece_is_large_enough(tmp_path):
    dust = np.zeros((20, 20, 20), np.uint8)
    dust[::4, ::4, ::4] = 1
    with pytest.raises(SegmentationError, match=r"no piece of the value 1 .* 30 voxels .* \(125 are smaller"):
        run(saved(tmp_path, dust), tmp_path / "out")


def test_the_command_line_tells_values_and_phase(tmp_path, capsys):
    path = saved(tmp_path, sponge(12).astype(np.uint8) * 255)
    assert main(["inspect", str(path)]) == 0
    told = capsys.readouterr().out
    assert "value       255: " in told
    assert "--phase 0" in told
    assert main(["inspect", str(path), "--json"]) == 0
    assert [v["value"] for v in json.loads(capsys.readouterr().out)["values"]] == [0, 255]
    bare = [word for setting in BARE for word in ("--set", setting)]
    argv = ["run", str(path), "-o", str(tmp_path / "out"), "--voxel-size", "1um", "--no-progress", *bare]
    assert main([*argv, "--phase", "0"]) == 0
    assert "the value 0 was measured" in capsys.readouterr().out
    story = " ".join(words.grey_story(open_run(tmp_path / "out").threshold))
    assert "The particles are the voxels of value 0, exactly, as the settings say" in story
    assert main([*argv, "--phase", "3", "--overwrite"]) == 2
    assert "--phase 3 is no value" in capsys.readouterr().err


REAL = {  # value, enclosed voids and their voxels, as known of the files
    "cochlea_0_255.tif": (255, 0, 0),
    "ketton_limestone_0_255.tif": (255, 1393, 5567),
    "grains_0_1.tif": (1, 26, 147),
    "nmc_electrode_012.tif": (1, 55, 130),
    "nmc_electrode_3phase.tif": (85, 134, 815),
}


@pytest.mark.parametrize("name", list(REAL))
def test_real_segmented_volumes_are_taken_exactly(shared_data, name, tmp_path):
    path, (value, count, voxels) = shared_data(name), REAL[name]
    mask = tifffile.imread(path) == value
    made = run(path, tmp_path / "out", f"threshold.phase={value}", "descriptors.names=volume")
    labels, voids = parts(made)
    assert np.array_equal((labels > 0) & (voids == 0), without_specks(mask, 30))
    closed = made.voids["open"] == "closed"
    assert (made.summary["counts"]["voids"], int(made.voids["n_voxels"][closed].sum())) == (count, voxels)


def test_a_noisy_mask_is_told(tmp_path):
    rng = np.random.default_rng(3)
    mask = sponge(13) ^ (rng.random((64, 64, 64)) < 0.01)
    made = run(saved(tmp_path, mask), tmp_path / "out")
    assert any("voids are single voxels" in w and "voids.min_voxels=8" in w for w in made.provenance["warnings"])
    assert not run(saved(tmp_path, ndimage.binary_opening(mask)), tmp_path / "clean").provenance["warnings"]
