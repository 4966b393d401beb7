"""From a grey volume, or labels made elsewhere, to particles and voids, step by step (stages 2 to 10 of `run`).

`segment` is the order; what a step hands on is told in `segmented`. A volume of a handful of values is no grey volume:
its particles are one of the values, exactly (`few_values`).
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..ground.errors import SegmentationError
from ..ground.units import VoxelSize
from ..ground.work import Work
from ..reading import planes_once
from ..reading.volume import Volume
from ..segment.grey import denoise, histogram
from ..segment.labels import components, likeness, numbering, values
from ..segment.labels import ids as label_image
from ..segment.mask import hysteresis, method_choice, sealing, threshold
from ..segment.mask.quality import RELIABLE_SEPARATION_SD
from ..segment.split import split
from ..segment.voids import (
    detection_limit,
    dip_model,
    dips,
    given_labels,
    ownership,
    sealed_pockets,
    voids,
)
from ..segment.voids import holes as void_holes
from ..segment.voids.bounds import bounded, surely_void
from ..segment.voids.facts import VoidFacts, VoidSearch
from ..segment.voids.open_voids import add_open
from . import kept_steps, threshold_record
from .few_values import find_values, segment_values
from .job import Job
from .kept_steps import KeptSteps
from .segmented import Apart, Filled, Grey, Searched, Segmented
from .settings import Settings

VOID_DEPTH_CONTRAST = 0.5  # of the contrast below a level that follows a halo: as dark as what surrounds particles
log = logging.getLogger("morphct")


def segment(volume: Any, job: Job, settings: Settings, steps: KeptSteps | None = None) -> Segmented:
    """Stages 2 to 10: particles and voids of a volume.

    Parameters
    ----------
    volume : (Z,Y,X) array-like
        Raw grey or a few values, any real type.
    job : Job
    settings : Settings
    steps : KeptSteps, optional
        What a killed run has left of it, and where this one leaves its own.

    Raises
    ------
    SegmentationError
        When the grey values allow no reliable threshold, or no particle is left.
    """
    few = find_values(volume, job, settings)
    if few is not None:
        return segment_values(volume, few, job, settings)
    steps = steps or KeptSteps()
    grey = find_level(volume, job, settings)

    def told_apart() -> Apart:
        filled = steps.done(kept_steps.ENVELOPE, lambda: find_envelope(grey, job, settings), job)
        return tell_apart(filled, job, settings)

    apart = steps.done(kept_steps.PARTICLES, told_apart, job)
    parts, kept = apart.parts, apart.kept
    with job.stage("voids", 4) as work:
        # voids that a face cuts belong to the envelopes in which the others are looked for
        cut = void_holes.claim_cut(parts.labels, work, smallest_cut(grey, apart.holes, job.voxel_size))
        searched = search(grey, parts.labels, apart.holes, work, job.voxel_size, settings)
        owned = ownership.assign_to_particles(
            searched.found, parts.labels, settings.voids, work, searched.surely, cut, searched.dips
        )
        if cut is not None:
            work.scratch.release(cut.ids)
        owned = replace(owned, facts=how_large(owned.facts, grey, searched, job.voxel_size))
        work.scratch.release(grey.codes)
        work.scratch.trim()
        owned = add_open(owned, parts.labels, kept.n, job.voxel_size, settings.voids, work)
    return Segmented(
        labels=parts.labels,
        n=kept.n,
        voids=owned,
        detection_diameter=searched.detection_diameter(job.voxel_size),
        voids_trusted=grey.plan.reached or (apart.holes is not None and grey.threshold.method != "halo"),
        facts={"split": parts.summary(), "sealed": apart.sealed, "dropped": kept.dropped},
        threshold=threshold_record.threshold_record(grey, searched, kept.n, job.voxel_size),
        histogram=threshold_record.histogram_text(grey.counts, grey.fit),
        margins=parts.margins and parts.margins.renumbered(kept.table),
    )


def find_level(volume: Any, job: Job, settings: Settings) -> Grey:
    """Stages 2 to 5: denoised codes, the fit of the histogram, the threshold."""
    levels = [v for v in (settings.threshold.low, settings.threshold.high) if v is not None]
    with job.stage("look at a sample"):
        plan, choice = look_at_sample(volume, job.voxel_size, settings, levels)
        threshold.refuse_empty(plan.counts)
    log.info("filter: %s", plan.in_words())
    codes = job.scratch.create("codes", job.shape, np.uint16)
    with job.stage("denoise") as work, planes_once(volume, work) as once:
        counts = denoise.apply(once, codes, plan, work)
    with job.stage("threshold", 2) as work:
        fit = histogram.deconvolve(counts, plan.sd_after, settings.threshold.phases, plan.clear)
        found = threshold.find_threshold(codes, plan, fit, counts, settings.threshold, work, choice)
    for sentence in [*plan.warnings, *found.warnings]:
        job.warn(sentence)
    return Grey(codes, plan, counts, fit, found)


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
    sure = plan.fit.ok and plan.reached and plan.fit.separation >= RELIABLE_SEPARATION_SD
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


def find_envelope(grey: Grey, job: Job, settings: Settings) -> Filled:
    """Stages 5 to 7: the solid mask with its voids filled, before sealing as well; with one level, the mask's holes."""
    level, halo = grey.threshold, grey.threshold.method == "halo"
    mask = job.scratch.create("mask", job.shape, np.uint8)
    holes = unsealed = None
    with job.stage("envelope", 6) as work:
        if halo:  # a void is darker than any core
            threshold.apply(grey.codes, level, mask, work, -VOID_DEPTH_CONTRAST)
            holes = void_holes.holes(mask, work)
        threshold.apply(grey.codes, level, mask, work)
        if halo:
            hysteresis.drop_faint(mask, grey.codes, level, settings.particles.min_voxels, work)
        elif level.method != "deconvolution" or settings.voids.threshold == "holes":
            holes = void_holes.holes(mask, work)
        components.drop_small(mask, settings.particles.min_voxels, work)
        components.fill(mask, work)
        if settings.voids.seal:
            unsealed = job.scratch.create("unsealed", job.shape, np.uint8)
            work.quiet.copy(mask, unsealed)
            sealing.seal(mask, job.voxel_size.relative, sealing.RADII_EDGES + sealing.HALO_RADII_EDGES * halo, work)
    return Filled(mask, unsealed, holes)


def tell_apart(filled: Filled, job: Job, settings: Settings) -> Apart:
    """Stages 8 and 9: the particles of an envelope, whose volumes are given back.

    Raises
    ------
    SegmentationError
        When none is left.
    """
    with job.stage("split", split.PASSES.get(settings.split.method, 5)) as work:
        least = settings.particles.min_voxels
        parts = split.split(filled.mask, job.voxel_size.spacing, settings.split, work, least, filled.unsealed)
        sealed = open_gaps(parts.labels, filled, work)
        release(filled, work)
        kept = numbering.keep_particles(parts.labels, parts.n, settings.particles, work.quiet)
    if kept.n == 0:
        raise SegmentationError(
            f"no particle of at least {least} voxels was found ({kept.dropped['too_small']} smaller ones); lower --set "
            "particles.min_voxels=N, or look at the level with `morphct inspect`"
        )
    return Apart(parts, kept, sealed, filled.holes)


def open_gaps(labels: Any, filled: Filled, work: Work) -> dict[str, int]:
    """Stage 8, at last: pockets that were sealed between particles taken out of the labels again; counts of them."""
    if filled.unsealed is None:
        return {}
    sealed = sealed_pockets.open_gaps(labels, filled.unsealed, filled.mask, work.quiet)
    log.info("%(pockets)d pockets sealed, %(gaps)d of them gaps between particles, opened again", sealed)
    return sealed


def release(filled: Filled, work: Work) -> None:
    """Give back what `find_envelope` made; the holes become the voids' image."""
    if filled.unsealed is not None:
        work.scratch.release(filled.unsealed)
    work.scratch.release(filled.mask)


def smallest_cut(grey: Grey, holes: ownership.Candidates | None, size: VoxelSize) -> float:
    """Voxels of the smallest void that a face cuts: specks of noise in the mask are as wide as the blur.

    Within particles they were filled, at faces they look cut; where voids are holes, specks are holes too.
    """
    if holes is not None:
        return 0.0
    return float((2 * dip_model.total_blur(grey.plan, grey.threshold)) ** 3 / float(np.prod(size.relative)))


def search(
    grey: Grey, labels: Any, holes: ownership.Candidates | None, work: Work, size: VoxelSize, settings: Settings
) -> Searched:
    """Stage 10: pieces that may be voids, dips of grey inside `labels` or the holes of the mask, and what is seen."""
    if holes is not None:
        seen_as = dip_model.hole_model(grey.plan, grey.fit, grey.threshold)
        seen = None if seen_as is None else detection_limit.simulate(seen_as, settings.run.seed)
        return Searched(holes, seen_as, seen)
    factor = settings.voids.threshold if isinstance(settings.voids.threshold, float) else None
    first = dip_model.dip_model(grey.plan, grey.fit, grey.threshold, settings.voids.false_per_particle, factor)
    cores = voids.fit_cores(grey.codes, labels, first, work)
    seen = detection_limit.simulate(cores.model, settings.run.seed)
    cores = replace(cores, model=seen.learned())
    found = dips.find_dips(grey.codes, cores, work, specks=True)
    work.scratch.release(cores.depths)
    return Searched(
        found.candidates,
        cores.model,
        seen,
        surely=surely_void(found.deeper, grey.threshold.uncertainty),
        dips=True,
        depth=cores.model.core_depth * size.smallest,
        specks=found.specks,
    )


def how_large(facts: VoidFacts, grey: Grey, searched: Searched, size: VoxelSize) -> VoidFacts:
    """The facts with how large each void may be, and how deep voids were looked for."""
    model = searched.model
    blur = model.blur if model is not None else dip_model.total_blur(grey.plan, grey.threshold)
    known = bounded(facts, blur, grey.threshold.uncertainty, size.relative, searched.seen)
    return replace(known, seeing=VoidSearch(searched.depth))


def as_given(image: Volume, job: Job, settings: Settings, grey: Volume | None = None) -> Segmented:
    """The labels of an image made elsewhere, numbered 1 to n, and their voids; `grey` tells what could be seen."""
    likeness.refuse_grey_labels(image)
    with job.stage("labels", 2) as work, planes_once(image, work) as once:
        ids = label_image.find_ids(once, work)
        # numbered once: crops are cut from it, and a compressed file would decode whole planes for each
        numbered = job.scratch.create("labels", job.shape, np.int32)
        work.copy(label_image.Numbered(once, ids), numbered)
        pieces = likeness.pieces_of_labels(numbered, len(ids), settings.particles.min_voxels, work)
    if not len(ids):
        job.warn(likeness.no_labels(values.name_of(image)))
    if pieces is not None:
        job.warn(likeness.is_a_mask(image, ids, pieces))
    with job.stage("voids", 3) as work:
        found = void_holes.inside_labels(numbered, settings.voids, work)
        smallest = None
        if grey is not None:
            found, smallest = given_labels.void_limits(
                found, numbered, grey, job.voxel_size, settings.denoise, settings.run.seed
            )
        found = add_open(found, numbered, len(ids), job.voxel_size, settings.voids, work)
    return Segmented(labels=numbered, n=len(ids), voids=found, ids=ids, detection_diameter=smallest)
