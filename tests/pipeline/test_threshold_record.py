"""What `threshold.json` tells: of every method what it has, and nothing of what it has not."""

import json

import numpy as np
import pytest
from scipy import ndimage

from morphct.ground.scratch import Scratch
from morphct.ground.units import VoxelSize
from morphct.pipeline import segmenting
from morphct.pipeline.job import Job
from morphct.pipeline.memory_plan import plan_work
from morphct.pipeline.segmented import Searched
from morphct.pipeline.settings import Settings
from morphct.pipeline.threshold_record import threshold_record
from morphct.segment.voids.detection_limit import simulate
from morphct.segment.voids.dip_model import DipModel
from morphct.segment.voids.ownership import Candidates

SIZE = VoxelSize(0.05, 0.025, 0.025, "um")
NOWHERE = Searched(Candidates(None, 0), None, None)
ALWAYS = {
    "method", "level", "solid_share", "contrast", "snr", "cnr", "level_uncertainty", "reliable", "clipped_share",
    "clipped_high_share", "outside_share", "octant_phases", "drift", "jumps", "rings", "halo_fringe", "halo_drop",
    "largest_bright", "largest_dark", "closed_dark", "edge_step", "phases", "fit", "separation", "grey_range",
    "clipped", "voxels_outside", "blur", "denoise", "words", "warnings", "voids",
}  # fmt: skip
MORE = {
    "deconvolution": {"level_range", "plateau_spread"},
    "otsu": {"mean_inside", "mean_outside"},
    "fixed": {"mean_inside", "mean_outside", "low", "high"},
    "halo": {"level_range", "mean_inside", "mean_outside", "halo_depth", "halo_reach_voxels", "halo_contrast",
             "halo_rounds"},
}  # fmt: skip


def balls():
    field = ndimage.gaussian_filter(np.random.default_rng(1).standard_normal((36, 60, 60)), 4)
    return field > 0.6 * field.std()


def seen(*overrides):
    clean = ndimage.gaussian_filter(balls().astype(float), 0.7)
    grey = np.rint(5000 + 1500 * clean + np.random.default_rng(2).normal(0, 150, clean.shape)).astype(np.uint16)
    with Scratch() as scratch:
        job = Job(grey.shape, SIZE, plan_work(grey.shape), scratch, map)
        return segmenting.find_level(grey, job, Settings().with_overrides(list(overrides)))


@pytest.mark.parametrize("method", MORE)
def test_each_method_tells_what_it_has(method):
    more = ["threshold.low=5700"] if method == "fixed" else []
    grey = seen(f"threshold.method={method}", *more)
    record = threshold_record(grey, NOWHERE, 1, SIZE)
    assert set(record) == ALWAYS | MORE[method]
    assert record["voids"] == {}
    assert record["level"] == grey.threshold.value
    if method == "fixed":
        assert (record["low"], record["high"], record["level"]) == (5700, None, 5700)
    assert [p["name"] for p in record["phases"]] == ["air", "particle"]
    assert [p["taken"] for p in record["phases"]] == [False, method != "fixed"]
    json.dumps(record, allow_nan=False)


def test_a_method_that_was_chosen_says_why():
    grey = seen()
    record = threshold_record(grey, NOWHERE, 1, SIZE)
    assert record["choice"] == {"reason": grey.threshold.choice.reason, **grey.threshold.choice.evidence}


def test_lengths_of_the_search_for_voids_are_in_the_unit_of_the_voxel_size():
    model = DipModel(40_000.0, 16_000.0, 1500.0, 1.2, 0, (2.0, 1.0, 1.0), correlation=1.0)
    found = Searched(Candidates(None, 0), model, simulate(model), specks=6)
    told = threshold_record(seen(), found, 4, SIZE)["voids"]
    assert told["detection_diameter_95"] == pytest.approx(found.seen.d95 * 0.025)
    assert told["detection_diameter_95"] == found.detection_diameter(SIZE)
    assert (told["unit"], told["false_expected"], told["false_per_particle"]) == ("um", 6, 1.5)
