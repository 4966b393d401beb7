"""The main job from mask to voids, of a volume of a handful of values: the particles are one of the values, exactly.

No noise, no level and no dip stands between such a volume and its mask; what that value encloses are the voids.
"""

import logging
from dataclasses import replace
from typing import Any

import numpy as np

from ..ground.errors import SegmentationError, SettingsError
from ..reading import planes_once
from ..segment.labels import components, likeness, numbering, values
from ..segment.mask import chosen_values, sealing
from ..segment.split import split
from ..segment.voids import holes as void_holes
from ..segment.voids import ownership, sealed_pockets
from ..segment.voids.open_voids import add_open
from .job import Job
from .segmented import Segmented
from .settings import Settings

log = logging.getLogger("morphct")


def find_values(volume: Any, job: Job, settings: Settings) -> values.Values | None:
    """Stage 2, before any grey is looked at: the values of a segmented volume; None: it is grey.

    Raises
    ------
    UserError
        For a label image, and for `threshold.phase` where there are greys.
    """
    options, smoothing = settings.threshold, settings.denoise
    filtered = smoothing.method not in ("auto", "none") or bool(smoothing.sigma)
    with job.stage("look at the values") as work, planes_once(volume, work) as once:
        found = values.find_values(once, work)
    if found is None and options.phase is not None:
        raise SettingsError(
            f"--phase {options.phase:g} names a value of a segmented volume, but {values.name_of(volume)} holds more "
            f"than {values.MOST_VALUES} values; leave it out, or give a level with --set threshold.method=fixed --set "
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
    with planes_once(volume, job.work) as once:
        taken = chosen_values.choose(found, once, settings.threshold, job.work)
    chosen = settings.threshold.phase is not None or settings.threshold.method == "fixed"
    log.info(chosen_values.sentence(found, taken, chosen))
    options, scratch = settings.particles, job.scratch
    mask = scratch.create("mask", job.shape, np.uint8)
    exact = scratch.create("unsealed", job.shape, np.uint8)
    with job.stage("envelope", 5) as work:
        with planes_once(volume, work) as once:
            values.write_mask(once, found.values[taken], exact, work)
        holes = void_holes.holes(exact, work)
        values.fill_in(exact, holes.ids, work)
        specks = components.drop_small(exact, options.min_voxels, work)
        work.quiet.copy(exact, mask)
        if settings.voids.seal:
            sealing.seal(mask, job.voxel_size.relative, sealing.RADII_EDGES, work)
    with job.stage("split", split.PASSES.get(settings.split.method, 5)) as work:
        how, size = settings.split.of_values(), job.voxel_size
        parts = split.split(mask, size.spacing, how, work, options.min_voxels, exact)
        lost = sealed_pockets.take_out(parts.labels, parts.n, exact, work)
        scratch.release(mask)
        scratch.release(exact)
        kept = numbering.keep_particles(parts.labels, parts.n, options, work.quiet, lost)
    if kept.n == 0:
        raise SegmentationError(
            f"no piece of the value {found.names(taken)} has the {options.min_voxels} voxels of a particle "
            f"({specks.pieces} are smaller; {values.name_of(volume)} holds {found.words()}); lower --set "
            "particles.min_voxels=N, or take another value with --phase VALUE"
        )
    with job.stage("voids", 3) as work:
        cut = void_holes.claim_cut(parts.labels, work)
        owned = ownership.assign_to_particles(holes, parts.labels, settings.voids, work, cut=cut)
        if cut is not None:
            scratch.release(cut.ids)
        assert owned.facts.voxels is not None
        exactly = owned.facts.voxels.astype(float)
        owned = replace(owned, facts=replace(owned.facts, low=exactly, high=exactly))
        scratch.trim()
        owned = add_open(owned, parts.labels, kept.n, size, settings.voids, work)
    noise = chosen_values.noise_of_mask(exactly[1:], specks.pieces)
    if noise is not None:
        job.warn(noise)
    return Segmented(
        labels=parts.labels,
        n=kept.n,
        voids=owned,
        facts={"split": parts.summary(), "sealed": {"voxels": int(lost.sum())}, "dropped": kept.dropped},
        threshold=chosen_values.record(found, taken, specks, chosen),
        histogram=chosen_values.histogram_text(found),
        margins=parts.margins and parts.margins.renumbered(kept.table),
    )
