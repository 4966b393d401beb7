"""One case of the scoreboard: morphct with its defaults, the best any merging of its basins could do, and the peers."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scoreboard_phantoms import Case, phantom

from morphct.descriptors.options import DescriptorOptions
from morphct.ground.scratch import Scratch
from morphct.measurement.all_passes import measure
from morphct.measurement.labelled import Labelled
from morphct.pipeline import segmenting
from morphct.pipeline.job import Job
from morphct.pipeline.memory_plan import plan_work
from morphct.pipeline.settings import Settings
from morphct.results import tabulate
from morphct.segment.labels import numbering
from morphct.segment.labels.numbering import ParticleOptions
from morphct.segment.split import basins, distance
from morphct.truth import scoring
from morphct.truth.phantom import Phantom

SMALLEST = 200  # voxels; smaller particles are not scored
CLASSES = ("single", "porous", "aggregate")
POROUS = 0.05
NEAR = 0.2  # of the limit: void fractions that fall on either side of it by chance
WIDE, NARROWEST = (
    0.35,
    2.5,
)  # neck over the smaller radius as wide as a weld may be; neck in voxels that blur still shows
AS_A_WELD = 0.45  # neck over the smaller radius, nearest to what parts welds (.5 drawn) from touches
HEIGHTS = (0.3, 0.6, 1.0, 1.5, 2.5, 4.0)  # of h-maxima, voxels
REACHES = (2, 4, 7)  # of SNOW's maximum filter, voxels


def play(case: Case) -> dict[str, Any]:
    """All scores of a case, as plain values."""
    named = {"case": case.key, "part": case.part, "row": case.row, "diameter": case.diameter}
    return named | _morphct(phantom(case))


def play_peers(case: Case) -> dict[str, Any]:
    """Scores of the peers at each of their settings."""
    made = phantom(case)
    return {"peers": {name: _scored(made, image) for name, image in _peers(made)}}


def _plain(score: scoring.Score) -> dict[str, Any]:
    return {k: v for k, v in score.to_mapping().items() if v is not None}


def _scored(made: Phantom, labels: np.ndarray) -> dict[str, Any]:
    return _plain(scoring.score(made.labels, labels, min_voxels=SMALLEST))


def _morphct(made: Phantom) -> dict[str, Any]:
    settings = Settings()
    with Scratch() as scratch:
        job = Job(made.grey.shape, made.voxel_size, plan_work(made.grey.shape), scratch, map)
        best = _best_merge(made, job, settings)
        job = Job(made.grey.shape, made.voxel_size, plan_work(made.grey.shape), scratch, map)
        segmented = segmenting.segment(made.grey, job, settings)
        labels, voids = np.array(segmented.labels[:]), np.array(segmented.voids.labels[:])
        is_open = made.void_table.index[made.void_table["open"].astype(bool)].to_numpy()
        score = scoring.score(
            made.labels, labels, truth_voids=made.voids, found_voids=voids, open_voids=is_open, min_voxels=SMALLEST
        )
        pairs = made.contacts[["label_a", "label_b"]].to_numpy(np.int64)
        together = scoring.kept(made.labels, labels, pairs, SMALLEST)
        wanted = DescriptorOptions(names=("class", "void_fraction"))
        labelled = Labelled(
            labels, segmented.n, made.voxel_size, replace(segmented.voids, labels=voids), segmented.detection_diameter
        )
        measured = measure(labelled, job.work, grey=made.grey, wanted=tabulate.needed(wanted))
        table = tabulate.tabulate(measured, None, wanted).particles
    return {
        "ours": _plain(score),
        "best": best,
        "kept": together.to_mapping(),
        **_confusion(made, labels, table["class"].astype(str).to_numpy()),
        "resolved": _resolved(made, voids, segmented.detection_diameter, is_open),
    }


def _best_merge(made: Phantom, job: Job, settings: Settings) -> dict[str, Any]:
    """Scores when every basin goes to the true particle that holds most of it: what no merging can surpass."""
    grey = segmenting.find_level(made.grey, job, settings)
    filled = segmenting.find_envelope(grey, job, settings)
    labels = job.scratch.create("labels", job.shape, np.int32)
    heights = job.scratch.create("distance", job.shape, np.float32)
    distance.squared_distance(filled.mask, made.voxel_size.spacing, heights, job.work)
    found = basins.find_basins(heights, labels, job.work)
    basins.write_particles(found, np.arange(1, found.n + 1, dtype=np.int32), job.work)
    table = scoring.contingency(made.labels, labels)
    order = np.lexsort((table.truth, -table.voxels))
    order = order[(table.found[order] > 0) & (table.truth[order] > 0)]
    basin, first = np.unique(table.found[order], return_index=True)
    goal = np.zeros(found.n + 1, np.int32)
    goal[basin] = table.truth[order][first]
    merged = goal[np.asarray(labels[:])]
    for volume in (labels, heights, grey.codes):
        job.scratch.release(volume)
    segmenting.release(filled, job.work)
    numbering.keep_particles(merged, int(goal.max()), ParticleOptions(), job.work)
    return _scored(made, merged)


def _verdicts(made: Phantom) -> dict[str, np.ndarray]:
    """By true label: its class as drawn, the class that its true necks and voids show, and whether it can be told.

    Touching members of a group sink .7 voxels into each other, so a touch of small particles is a neck as solid, and
    as wide, as a weld. What cannot be told: such touches, welds narrower than blur shows, void fractions at the limit.
    """
    table, contacts, unit = made.table, made.contacts, made.voxel_size.suffix
    welded = contacts["welded"].to_numpy(bool)
    ratio = contacts["neck_ratio"].to_numpy(float)
    radius = np.sqrt(contacts[f"contact_area_{unit}2"].to_numpy(float) / np.pi) / np.cbrt(made.voxel_size.volume)
    touch, neck, weld = np.zeros((3, len(table) + 1))
    for side in ("label_a", "label_b"):
        label = contacts[side].to_numpy(np.int64)
        np.maximum.at(neck, label, ratio)
        np.maximum.at(touch, label[~welded], ratio[~welded])
        np.maximum.at(weld, label[welded], radius[welded])
    joined, fraction = np.zeros(len(table) + 1, bool), np.zeros(len(table) + 1)
    joined[1:], fraction[1:] = table["welded"].to_numpy(bool), table["void_fraction"].to_numpy(float)
    by_voids = np.where(fraction >= POROUS, "porous", "single")
    apart = (touch < WIDE) & (np.abs(fraction - POROUS) >= NEAR * POROUS)
    return {
        "drawn": np.where(joined, "aggregate", by_voids),
        "shown": np.where(neck >= AS_A_WELD, "aggregate", by_voids),
        "clear": np.where(joined, weld >= NARROWEST, apart),
    }


def _confusion(made: Phantom, labels: np.ndarray, classes: np.ndarray) -> dict[str, list[list[int]]]:
    """Whole particles that were found, by true class (rows) and class told (columns): all, those that can be told, and
    the class that the true necks and voids show in place of the one told."""
    table = scoring.contingency(made.labels, labels)
    both = (table.truth > 0) & (table.found > 0)
    truth, found, shared = table.truth[both], table.found[both], table.voxels[both]
    union = table.truth_sizes[truth] + table.found_sizes[found] - shared
    match = (2 * shared > union) & (table.truth_sizes[truth] >= SMALLEST)
    match &= ~made.table["touches_border"].to_numpy(bool)[truth - 1]
    verdicts, counts = _verdicts(made), {name: np.zeros((3, 3), int) for name in ("classes", "clear", "shown")}
    for a, b in zip(truth[match], found[match]):
        row, told = CLASSES.index(verdicts["drawn"][a]), CLASSES.index(classes[b - 1])
        counts["classes"][row, told] += 1
        counts["clear"][row, told] += int(verdicts["clear"][a])
        counts["shown"][row, CLASSES.index(verdicts["shown"][a])] += 1
    return {name: one.tolist() for name, one in counts.items()}


def _resolved(made: Phantom, voids: np.ndarray, diameter: float | None, is_open: np.ndarray) -> list[float]:
    """Voxels of true and of found voids above the simulated limit of detection; such true ones, and those seen."""
    edge = np.cbrt(made.voxel_size.volume)
    least = np.pi / 6 * ((diameter or 0.0) / edge) ** 3
    true, seen = np.bincount(made.voids.ravel()), np.bincount(voids.ravel())
    true[0] = seen[0] = 0
    true[is_open] = 0
    large = true >= max(least, 1)
    covered = np.bincount(made.voids[voids > 0], minlength=len(true)) >= scoring.COVERED_SHARE * true
    found = seen[seen >= max(least, 1)].sum()
    return [float(n) for n in (true[large].sum(), found, large.sum(), (large & covered).sum())]


def _peers(made: Phantom) -> Iterator[tuple[str, np.ndarray]]:
    """The peers' labels at each of their settings, from whichever of their masks is nearest to the truth."""
    from porespy.filters import snow_partitioning
    from scipy import ndimage
    from skimage.measure import label
    from skimage.morphology import h_maxima
    from skimage.segmentation import watershed

    warnings.simplefilter("ignore")
    mask = _peers_mask(made)
    edges = np.array(made.voxel_size.spacing) / made.voxel_size.smallest
    height = ndimage.distance_transform_edt(mask, sampling=edges).astype(np.float32)
    for h in HEIGHTS:
        yield f"h-maxima {h:g}", watershed(-height, label(h_maxima(height, h)), mask=mask)
    for reach in REACHES:
        yield f"SNOW {reach}", np.where(mask, np.asarray(snow_partitioning(mask, dt=height, r_max=reach).regions), 0)


def _peers_mask(made: Phantom) -> np.ndarray:
    """Otsu's or multi-Otsu's mask of the volume smoothed by 1, 1.5 or 2.5 voxels: the nearest to the truth."""
    from scipy import ndimage
    from skimage.filters import threshold_multiotsu, threshold_otsu
    from skimage.morphology import remove_small_objects

    best, fewest = made.labels > 0, made.labels.size
    for sigma in (1.0, 1.5, 2.5):
        smooth = ndimage.gaussian_filter(made.grey, sigma, output=np.float32)
        for level in (threshold_multiotsu(smooth, 3)[-1], threshold_otsu(smooth)):
            mask = remove_small_objects(ndimage.binary_fill_holes(smooth > level), max_size=29)
            wrong = np.count_nonzero(mask != (made.labels > 0))
            if wrong < fewest:
                best, fewest = mask, wrong
    return best
