"""Scores on cases whose answer is plain, and against slow or foreign versions."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from naive.truth import phantom as naive
from skimage.metrics import adapted_rand_error

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import score as score_script

from morphct.ground import executors
from morphct.ground.errors import InputError, MemoryCapError
from morphct.kernels.truth.scoring import pair_runs
from morphct.truth import overlaps, phantom, scoring
from morphct.truth.overlaps import contingency
from morphct.truth.scoring import score


def boxes(*corners: tuple[int, int, int], size: int = 4, shape: tuple[int, int, int] = (20, 20, 20)) -> np.ndarray:
    labels = np.zeros(shape, np.int32)
    for label, (z, y, x) in enumerate(corners, start=1):
        labels[z : z + size, y : y + size, x : x + size] = label
    return labels


TRUTH = boxes((2, 2, 2), (2, 2, 10), (10, 2, 2), (10, 10, 10), (0, 12, 12))


@pytest.mark.parametrize("seed", range(3))
def test_contingency_is_the_naive_one(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    truth = np.repeat(rng.integers(0, 5, (7, 6, 5)), 3, axis=2).astype(np.int32)
    found = np.repeat(rng.integers(0, 4, (7, 6, 3)), 5, axis=2).astype(np.uint16)
    whole = contingency(truth, found)
    assert dict(zip(zip(whole.truth.tolist(), whole.found.tolist()), whole.voxels)) == naive.contingency(truth, found)
    np.testing.assert_array_equal(whole.truth_sizes[1:], np.bincount(truth.ravel())[1:])
    np.testing.assert_array_equal(whole.found_sizes[1:], np.bincount(found.ravel())[1:])
    monkeypatch.setattr(overlaps, "SLAB_VOXELS", 2 * 6 * 15)
    cut = contingency(truth, found)
    for name in ("truth", "found", "voxels", "truth_sizes", "found_sizes"):
        assert getattr(whole, name).tobytes() == getattr(cut, name).tobytes()
    pairs, lengths = pair_runs(truth, found)
    assert lengths.sum() == np.count_nonzero(truth.astype(bool) | found.astype(bool))
    assert (lengths > 0).all()
    assert len(pairs) == len(lengths)


def test_perfect():
    result = score(TRUTH, (TRUTH * 7).astype(np.uint16))
    assert result.f1 == result.f1_interior == result.precision == result.recall == 1
    assert (result.n_truth, result.n_truth_interior, result.n_matched) == (5, 4, 5)
    assert result.count_error == result.rand_error == result.diameter_bias == result.volume_bias == 0
    assert result.over_splits == result.under_splits == 0
    assert result.void_fraction_truth is None


def test_a_split_and_a_merge():
    found = TRUTH.copy()
    found[2:4, 2:6, 2:6] = 9  # particle 1 in two halves: neither half is above one half
    split = score(TRUTH, found)
    assert (split.n_found, split.n_matched, split.over_splits, split.under_splits) == (6, 4, 1, 0)
    assert split.f1 == pytest.approx(2 * 4 / 11)
    assert split.count_error == pytest.approx(0.2)
    merged = score(TRUTH, np.where(TRUTH == 2, 1, TRUTH))
    assert (merged.n_found, merged.n_matched, merged.over_splits, merged.under_splits) == (4, 3, 0, 1)
    assert merged.recall == pytest.approx(3 / 5)
    assert merged.precision == pytest.approx(3 / 4)


def test_crumbs_are_no_split():
    found = TRUTH.copy()
    found[2, 2, 2:4] = 9
    result = score(TRUTH, found, min_voxels=1)
    assert result.over_splits == 0
    assert result.n_found == 6
    assert score(TRUTH, found, min_voxels=3).n_found == 5


def test_smallest_size_holds_on_both_sides():
    truth, found = TRUTH.copy(), TRUTH.copy()
    truth[18, 18, 10:15] = 6
    found[18, 10:15, 18] = 6
    assert score(truth, found).f1 == 1
    assert score(truth, found, min_voxels=5).f1 == pytest.approx(10 / 12)


def test_interior_leaves_out_what_touches_a_face():
    found = np.where(TRUTH == 5, 0, TRUTH)  # the one at a face is missed
    result = score(TRUTH, found)
    assert result.recall == pytest.approx(0.8)
    assert result.f1_interior == 1
    # shrunk by the plane at the face it no longer touches it: its partner does, and it is held against nobody
    found = TRUTH.copy()
    found[0] = 0
    result = score(TRUTH, found)
    assert result.n_found_interior == 5
    assert result.precision_interior == 1


def test_faces_of_every_side():
    for corner in ((0, 8, 8), (16, 8, 8), (8, 0, 8), (8, 16, 8), (8, 8, 0), (8, 8, 16)):
        assert score(boxes(corner), boxes(corner)).n_truth_interior == 0
    assert score(boxes((8, 8, 8)), boxes((8, 8, 8))).n_truth_interior == 1


def test_diameter_bias():
    found = boxes((2, 2, 2), (2, 2, 10), (10, 2, 2), (10, 10, 10), size=5)
    assert score(boxes((2, 2, 2), (2, 2, 10), (10, 2, 2), (10, 10, 10)), found).diameter_bias == pytest.approx(0.25)


def test_volume_bias_is_that_of_matched_pairs_together():
    found = boxes((2, 2, 2), (2, 2, 10), (10, 2, 2), (10, 10, 10))
    truth = found.copy()
    found[2:6, 2:6, 2:7] = 1  # 80 for 64 voxels
    found[10, 2:6, 2:6] = 0  # 48 for 64
    found[10:14, 10:14, 10:14] = 0  # a missed one counts in no ratio
    assert score(truth, found).volume_bias == pytest.approx(0)
    found[3, 2:6, 10:14] = 0
    assert score(truth, found).volume_bias == pytest.approx(-16 / 192)


@pytest.mark.parametrize("seed", range(3))
def test_rand_error_is_that_of_scikit_image(seed):
    rng = np.random.default_rng(seed)
    truth, found = rng.integers(0, 6, (2, 12, 12, 12))
    wanted = adapted_rand_error(truth, found, ignore_labels=(0,))[0]
    assert score(truth, found).rand_error == pytest.approx(wanted, abs=1e-12)


def test_voids():
    truth = boxes((2, 2, 2), (2, 2, 12), size=6)
    voids = np.zeros_like(truth)
    voids[4, 4, 4:6], voids[4, 4, 14:16] = 1, 2
    voids[4, 2, 5] = 3  # an open one
    truth[voids == 3] = 0
    found = np.zeros_like(truth)
    found[4, 4, 4] = 1  # half of the first
    found[6, 6, 6] = 2  # a false one
    found[4, 2, 5] = 3  # the open one: neither wanted nor false
    result = score(truth, truth, truth_voids=voids, found_voids=found, open_voids=np.array([3]))
    assert (result.voids_truth, result.voids_found, result.voids_hit, result.voids_false) == (2, 3, 1, 1)
    envelope = np.count_nonzero(truth)
    assert result.void_fraction_truth == pytest.approx(4 / envelope)
    assert result.void_fraction_found == pytest.approx(3 / (envelope + 1))


def test_nothing():
    empty = np.zeros((4, 5, 6), np.int32)
    assert score(empty, empty).f1 == 1
    assert score(TRUTH, np.zeros_like(TRUTH)).f1 == 0
    assert score(np.zeros_like(TRUTH), TRUTH).f1 == 0


def test_refusals():
    with pytest.raises(InputError, match="equal shapes"):
        score(TRUTH, TRUTH[:5])
    with pytest.raises(InputError, match="unique"):
        score(TRUTH, TRUTH, iou=0.3)


def test_one_stays_one_and_two_stay_two():
    truth = boxes((2, 2, 2), (2, 2, 6), (10, 2, 2), (10, 10, 10))
    found = truth.copy()
    found[2:6, 2:6, 6:10] = 1  # the first two, which touch, are found as one
    found[12:14, 2:6, 2:6] = 9  # half of the third is a piece of its own
    found[10:13, 10:14, 10:14] = 0  # three quarters of the last are not found: it does not count
    pairs = np.array([[1, 2], [2, 3], [3, 4]])
    kept = scoring.kept(truth, found, pairs)
    assert kept.to_mapping() == {"bodies": 3, "whole": 2, "pieces": 2, "pairs": 2, "apart": 1}
    assert scoring.kept(truth, truth, pairs).to_mapping() == {
        "bodies": 4, "whole": 4, "pieces": 4, "pairs": 3, "apart": 3
    }  # fmt: skip


class Chunked:
    """An image in chunks, which notes what is read of it."""

    def __init__(self, image: np.ndarray, depth: int) -> None:
        self.image, self.shape, self.chunks, self.seen = image, image.shape, (depth, 8, 8), []

    def __getitem__(self, key):
        self.seen.append((key.start, key.stop))
        return self.image[key]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_score_reads_each_plane_once_and_is_the_same_however_cut(workers, monkeypatch):
    rng = np.random.default_rng(0)
    found = np.where(rng.random(TRUTH.shape) < 0.1, 0, TRUTH)
    voids, others = (np.where(rng.random(TRUTH.shape) < 0.05, 1 + TRUTH, 0) for _ in range(2))
    whole = score(TRUTH, found, truth_voids=voids, found_voids=others, min_voxels=1)
    monkeypatch.setattr(overlaps, "SLAB_VOXELS", 8 * 400)
    images = [Chunked(image, depth) for image, depth in ((TRUTH, 1), (found, 6), (voids, 3), (others, 6))]
    cut = scoring.score_of(overlaps.overlaps(*images, executors.Threads(workers)), min_voxels=1)
    assert cut == whole
    for image in images:
        assert sorted(image.seen) == [(0, 6), (6, 12), (12, 18), (18, 20)]


def test_a_cap_below_one_slab_is_one_sentence():
    images = (Chunked(TRUTH, 4), Chunked(TRUTH, 16))
    assert overlaps.check_memory(images, 1 << 30, 2) == 2
    assert overlaps.check_memory(images, int(1.5 * overlaps.slab_bytes(images)), 2) == 1
    with pytest.raises(MemoryCapError, match="--memory"):
        overlaps.check_memory(images, 1000, 2)


def test_the_script_scores_a_run_of_a_phantom(tmp_path, capsys, monkeypatch):
    made = phantom.make(phantom.PhantomOptions(depth=40, height=40, width=40, diameter=16.0, seed=1))
    phantom.write(made, tmp_path / "p.tif")
    one, other = made.table["n_voxels"].nlargest(2).index
    found = np.where(made.labels == one, other, made.labels)
    run = SimpleNamespace(labels=found, void_labels=made.voids, provenance={})
    monkeypatch.setattr(score_script, "open_run", lambda _: run)
    assert score_script.main([str(tmp_path), str(tmp_path / "p.tif"), "--min-voxels", "50"]) == 0
    told = json.loads(capsys.readouterr().out)
    opened = made.void_table.index[made.void_table["open"]].to_numpy()
    voids = {"truth_voids": made.voids, "found_voids": made.voids, "open_voids": opened}
    wanted = score(made.labels, found, **voids, min_voxels=50)
    assert told == {k: v for k, v in wanted.to_mapping().items() if v is not None}
    assert told["under_splits"] == 1
    assert score_script.main([str(tmp_path), str(tmp_path / "p.tif"), "--memory", "1MiB"]) == 2
    assert "--memory" in capsys.readouterr().err
    (tmp_path / "p_voids.csv").unlink()
    assert score_script.main([str(tmp_path), str(tmp_path / "p.tif")]) == 2
    assert "p_voids.csv is not there" in capsys.readouterr().err
