"""Stages 2 to 10 of the main job, in order: from a volume, or labels made elsewhere, to particles and voids.

A volume of a handful of values is no grey volume: its particles are one of the values, exactly (`values`).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..ground import slabs
from ..ground.errors import SegmentationError, SettingsError
from ..ground.units import VoxelSize
from ..reading.volume import Volume
from ..segment.grey import denoise, histogram
from ..segment.labels import components, likeness, numbering, values
from ..segment.labels import ids as label_image
from ..segment.mask import chosen_values, hysteresis, method_choice, sealing, threshold
from ..segment.mask.quality import SEPARATED
from ..segment.split import split
from ..segment.split.margins import Margins
from ..segment.voids import detection_limit, dip_model, given_labels, ownership, sealed_pockets, voids
from ..segment.voids import holes as void_holes
from ..segment.voids.bounds import bounded, surely_void
from ..segment.voids.dip_model import DipModel
from ..segment.voids.facts import VoidSearch
from ..segment.voids.open_voids import add_open
from . import threshold_record
from .job import Job
from .settings import Settings

VOID_DEPTH = 0.5  # of the contrast below a level that follows a halo: as dark as what surrounds particles
SEAL_RADII = (1.0, 2.0)  # shortest edges; 3 would fill the gaps between particles
HALO_RADII = (4.0,)  # rims of particles in phase contrast are broken by the streaks of such scans
log = logging.getLogger("morphct")


@dataclass
class Segmented:
    """Particles and voids, and what is known of how they were found."""

    labels: Any
    n: int
    voids: ownership.Voids
    ids: np.ndarray | None = None
    detection_diameter: float | None = None
    voids_trusted: bool = True
    facts: dict[str, Any] = field(default_factory=dict)
    threshold: dict[str, Any] = field(default_factory=dict)
    histogram: str = ""
    margins: Margins | None = None


def segment(volume: Any, job: Job, settings: Settings) -> Segmented:
    """Stages 2 to 10: particles and voids of a volume.

    Parameters
    ----------
    volume : (Z,Y,X) array-like
        Raw grey or a few values, any real type.

    Raises
    ------
    SegmentationError
        When the grey values allow no honest level, or no particle is left.
    """
    few = find_values(volume, job, settings)
    if few is not None:
        return segment_values(volume, few, job, settings)
    codes, plan, fit, counts, found = find_level(volume, job, settings)
    size = job.voxel_size
    facts = threshold_record.threshold_record(plan, fit, counts, found, size.smallest, size.unit)
    mask, before, holes = find_envelope(codes, found, job, settings)
    with job.stage("split", split.PASSES.get(settings.split.method, 5)) as work:
        parts = split.split(
            mask, job.voxel_size.spacing, settings.split, job.scratch, job.slabs, job.run_map, work.progress,
            settings.particles.min_voxels, before,
        )  # fmt: skip
        sealed = {}
        if before is not None:
            sealed = sealed_pockets.open_gaps(parts.labels, before, mask, job.slabs, job.run_map)
            log.info("%(pockets)d pockets sealed, %(gaps)d of them gaps between particles, opened again", sealed)
            job.scratch.release("unsealed")
        job.scratch.release("mask")
        n, dropped, table = numbering.keep_particles(parts.labels, parts.n, settings.particles, job.slabs, job.run_map)
    if n == 0:
        raise SegmentationError(
            f"no particle of at least {settings.particles.min_voxels} voxels was found ({dropped['too_small']} smaller "
            "ones); lower --set particles.min_voxels=N, or look at the level with `morphct inspect`"
        )
    with job.stage("voids", 4) as work:
        owned, record = _voids(codes, parts.labels, holes, (plan, fit, found), job, settings, work.progress)
        if record.get("false_expected") is not None:
            record["false_per_particle"] = record["false_expected"] / n
        facts["voids"] = record
        job.scratch.release("codes")
        job.scratch.trim()
        owned = add_open(owned, parts.labels, n, job.voxel_size, settings.voids, job.slabs, job.run_map)
    trusted = plan.reached or (holes is not None and found.method != "halo")
    return Segmented(
        parts.labels, n, owned, None, record.get("detection_diameter_95"), trusted,
        {"split": parts.summary(), "sealed": sealed, "dropped": dropped},
        facts, threshold_record.histogram_text(counts, fit), parts.margins and parts.margins.renumbered(table),
    )  # fmt: skip


def _voids(
    codes: Any, labels: Any, holes: tuple[Any, int] | None, grey: tuple, job: Job, settings: Settings, tick: Any
) -> tuple[ownership.Voids, dict[str, Any]]:
    """Stage 10: the closed voids with their owners and bounds, and what threshold.json tells of them.

    holes: enclosed background found in the mask; None: dips of grey are looked for. grey: plan, fit and threshold.
    """
    plan, fit, found = grey
    edge, deep, shallowest, specks = job.voxel_size.smallest, None, 0.0, None
    seen: detection_limit.Detection | None = None
    gaps = None

    def learn(model: DipModel) -> DipModel:
        nonlocal seen
        seen = detection_limit.simulate(model, settings.run.seed)
        return seen.learned()

    # specks of noise in the mask are as wide as the blur; within particles they were filled, at faces they look cut
    speck = 0.0 if holes is not None else (2 * dip_model.total_blur(plan, found)) ** 3
    speck /= float(np.prod(job.voxel_size.relative))
    cut, n_cut = void_holes.claim_cut(labels, job.scratch, job.slabs, job.run_map, tick, speck)
    if holes is None:
        factor = settings.voids.threshold if isinstance(settings.voids.threshold, float) else None
        model = dip_model.dip_model(plan, fit, found, settings.voids.false_per_particle, factor)
        dips, model = voids.find_dips(codes, labels, model, job.scratch, job.slabs, job.run_map, tick, learn, True)
        ids, count, specks = dips.ids, dips.n, dips.specks
        deep, shallowest = surely_void(dips.deeper, found.uncertainty), model.core_depth * edge
        gaps = ownership.between(ids, count, labels, job.slabs, job.run_map)
    else:
        ids, count = holes
        model = dip_model.hole_model(plan, fit, found)
        if model is not None:
            learn(model)
    count = void_holes.add_cut(ids, count, cut, n_cut, job.slabs, job.run_map)
    job.scratch.release("cut_ids")
    owned = ownership.assign_to_particles(ids, count, labels, settings.voids, job.slabs, job.run_map, deep, gaps)
    blur = model.blur if model is not None else dip_model.total_blur(plan, found)
    known = bounded(owned.facts, blur, found.uncertainty, job.voxel_size.relative, seen)
    owned = replace(owned, facts=replace(known, seeing=VoidSearch(shallowest)))
    return owned, {} if seen is None else threshold_record.dip_record(
        seen, specks, plan.scale, edge, job.voxel_size.unit
    )


def find_level(volume: Any, job: Job, settings: Settings) -> tuple:
    """Stages 2 to 5: denoised codes, the fit of the histogram, the threshold."""
    levels = [v for v in (settings.threshold.low, settings.threshold.high) if v is not None]
    with job.stage("look at a sample"):
        plan, choice = look_at_sample(volume, job.voxel_size, settings, levels)
        threshold.refuse_empty(plan.counts)
    log.info("filter: %s", plan.in_words())
    codes = job.scratch.create("codes", job.shape, np.uint16)
    with job.stage("denoise") as work:
        counts = denoise.apply(volume, codes, plan, job.slabs, job.run_map, work.progress)
    with job.stage("threshold", 2) as work:
        fit = histogram.deconvolve(counts, plan.sd_after, settings.threshold.phases, plan.clear)
        found = threshold.find(
            codes, plan, fit, counts, settings.threshold, job.slabs, job.run_map, work.progress, choice
        )
    for sentence in [*plan.warnings, *found.warnings]:
        job.warn(sentence)
    return codes, plan, fit, counts, found


def look_at_sample(
    volume: Any, size: VoxelSize | None, settings: Settings, levels: Sequence[float] = ()
) -> tuple[denoise.DenoisePlan, method_choice.Choice | None]:
    """How to denoise, and which method the sample speaks for; None when the settings name one."""
    method, options, phases = settings.threshold.method, settings.denoise, settings.threshold.phases
    if method == "halo":  # a halo looks like drift in small volumes
        options = replace(options, flatten=False)
    plan = denoise.plan(volume, size, options, phases, levels, method in ("otsu", "halo"))
    if method != "auto":
        return plan, None
    sure = plan.fit.ok and plan.reached and plan.fit.separation >= SEPARATED
    if sure:
        return plan, method_choice.by_phases(plan.fit)
    if plan.clear:
        plan = denoise.plan(volume, size, options, phases, levels, True)
        return plan, method_choice.by_classes(plan.raw_valley)
    # noise alone: a particle that the sample missed may yet be seen in the whole volume
    if plan.fit.ok or method_choice.is_noise(plan.fit, plan.sd_after):
        return plan, method_choice.by_phases(plan.fit)
    strong = denoise.plan(volume, size, replace(options, flatten=False), phases, levels, True)
    return strong, method_choice.LOOK_FOR_HALO


def find_envelope(codes: Any, found: threshold.Threshold, job: Job, settings: Settings) -> tuple[Any, Any, Any]:
    """Stages 5 to 7: the solid mask with its voids filled, before sealing as well; with one level, the mask's holes."""
    mask = job.scratch.create("mask", job.shape, np.uint8)
    holes = None
    with job.stage("envelope", 6) as work:
        halo = found.method == "halo"
        if halo:  # a void is darker than any core
            threshold.apply(codes, found, mask, job.slabs, job.run_map, work.progress, -VOID_DEPTH)
            holes = void_holes.holes(mask, job.scratch, job.slabs, job.run_map, work.progress)
        threshold.apply(codes, found, mask, job.slabs, job.run_map, work.progress)
        if halo:
            hysteresis.drop_faint(
                mask, codes, found, settings.particles.min_voxels, job.slabs, job.run_map, work.progress
            )
        elif found.method != "deconvolution" or settings.voids.threshold == "holes":
            holes = void_holes.holes(mask, job.scratch, job.slabs, job.run_map, work.progress)
        components.drop_small(mask, settings.particles.min_voxels, job.slabs, job.run_map, work.progress)
        components.fill(mask, job.slabs, job.run_map, work.progress)
        before = None
        if settings.voids.seal:
            before = job.scratch.create("unsealed", job.shape, np.uint8)
            for slab in job.slabs:
                before[slab.z0 : slab.z1] = mask[slab.z0 : slab.z1]
            radii = SEAL_RADII + HALO_RADII * halo
            sealing.seal(mask, job.voxel_size.relative, radii, job.scratch, job.slabs, job.run_map, work.progress)
    return mask, before, holes


def find_values(volume: Any, job: Job, settings: Settings) -> values.Values | None:
    """Stage 2, before any grey is looked at: the values of a segmented volume; None: it is grey.

    Raises
    ------
    UserError
        For a label image, and for `threshold.phase` where there are greys.
    """
    options, smoothing = settings.threshold, settings.denoise
    filtered = smoothing.method not in ("auto", "none") or bool(smoothing.sigma)
    with job.stage("look at the values") as work:
        found = values.find(volume, job.slabs, job.run_map, work.progress)
    if found is None and options.phase is not None:
        raise SettingsError(
            f"--phase {options.phase:g} names a value of a segmented volume, but {values.name_of(volume)} holds more "
            f"than {values.MOST} values; leave it out, or give a level with --set threshold.method=fixed --set "
            "threshold.low=GREY"
        )
    if found is None:
        if options.method not in ("fixed", "otsu", "halo") and not filtered:
            likeness.refuse_labels(volume, values.looked_at(volume))
        return None
    if options.phase is None and len(found.values) > 2 and (found.noisy or filtered):
        log.info("%s is taken for a grey volume of few greys: %s", values.name_of(volume), found.words())
        return None
    if filtered:
        job.warn("the volume is segmented, so it is not smoothed, whatever denoise.method and denoise.sigma say")
    return found


def segment_values(volume: Any, found: values.Values, job: Job, settings: Settings) -> Segmented:
    """Stages 5 to 10 of a segmented volume: the particles are one of its values, the voids what that value encloses.

    What is sealed helps the split alone; no voxel of the value is lost but in pieces too small to be particles.
    """
    taken = chosen_values.choose(found, volume, settings.threshold, job.slabs, job.run_map)
    chosen = settings.threshold.phase is not None or settings.threshold.method == "fixed"
    log.info(chosen_values.sentence(found, taken, chosen))
    options, run = settings.particles, (job.slabs, job.run_map)
    mask = job.scratch.create("mask", job.shape, np.uint8)
    exact = job.scratch.create("unsealed", job.shape, np.uint8)
    with job.stage("envelope", 5) as work:
        values.write_mask(volume, found.values[taken], exact, *run, work.progress)
        holes = void_holes.holes(exact, job.scratch, *run, work.progress)
        values.fill_in(exact, holes[0], *run)
        specks = components.drop_small(exact, options.min_voxels, *run, work.progress)
        slabs.copy(exact, mask, *run)
        if settings.voids.seal:
            sealing.seal(mask, job.voxel_size.relative, SEAL_RADII, job.scratch, *run, work.progress)
    with job.stage("split", split.PASSES.get(settings.split.method, 5)) as work:
        parts = split.split(
            mask,
            job.voxel_size.spacing,
            settings.split.of_values(),
            job.scratch,
            *run,
            work.progress,
            options.min_voxels,
            exact,
        )
        lost = sealed_pockets.take_out(parts.labels, parts.n, exact, *run)
        job.scratch.release("mask")
        job.scratch.release("unsealed")
        n, dropped, table = numbering.keep_particles(parts.labels, parts.n, options, *run, lost=lost)
    if n == 0:
        raise SegmentationError(
            f"no piece of the value {found.names(taken)} has the {options.min_voxels} voxels of a particle "
            f"({specks[0]} are smaller; {values.name_of(volume)} holds {found.words()}); lower --set "
            "particles.min_voxels=N, or take another value with --phase VALUE"
        )
    with job.stage("voids", 2):
        owned = ownership.assign_to_particles(*holes, parts.labels, settings.voids, *run)
        assert owned.facts.voxels is not None
        exactly = owned.facts.voxels.astype(float)
        owned = replace(owned, facts=replace(owned.facts, low=exactly, high=exactly))
        job.scratch.trim()
        owned = add_open(owned, parts.labels, n, job.voxel_size, settings.voids, *run)
    noise = chosen_values.noise_of_mask(exactly[1:], specks[0])
    if noise is not None:
        job.warn(noise)
    return Segmented(
        parts.labels, n, owned,
        facts={"split": parts.summary(), "sealed": {"voxels": int(lost.sum())}, "dropped": dropped},
        threshold=chosen_values.record(found, taken, specks, chosen), histogram=chosen_values.histogram_text(found),
        margins=parts.margins and parts.margins.renumbered(table),
    )  # fmt: skip


def as_given(image: Volume, job: Job, settings: Settings, grey: Volume | None = None) -> Segmented:
    """The labels of an image made elsewhere, numbered 1 to n, and their voids; `grey` tells what could be seen."""
    likeness.refuse_grey_labels(image)
    with job.stage("labels", 2) as work:
        ids = label_image.find_ids(image, job.slabs, job.run_map, work.progress)
        # numbered once: crops are cut from it, and a compressed file would decode whole planes for each
        numbered = job.scratch.create("labels", job.shape, np.int32)
        slabs.copy(label_image.Numbered(image, ids), numbered, job.slabs, job.run_map, work.progress)
        pieces = likeness.pieces_of_labels(numbered, len(ids), settings.particles.min_voxels, job.slabs, job.run_map)
    if pieces is not None:
        job.warn(likeness.is_a_mask(image, ids, pieces))
    with job.stage("voids", 3) as work:
        found = void_holes.inside_labels(numbered, settings.voids, job.scratch, job.slabs, job.run_map, work.progress)
        smallest = None
        if grey is not None:
            found, smallest = given_labels.look(
                found, numbered, grey, job.voxel_size, settings.denoise, settings.run.seed
            )
        found = add_open(found, numbered, len(ids), job.voxel_size, settings.voids, job.slabs, job.run_map)
    return Segmented(numbered, len(ids), found, ids, smallest)
