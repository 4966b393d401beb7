"""The main job, in order: this file alone knows the order of the stages.

    1  open the volume, plan the work within the memory cap
    2  plan the filter from a sample: noise, strength, what lies outside
    3  denoise, counting grey histograms
    4  deconvolve the histogram into phases
    5  find the threshold map; solid mask
    6  (otsu, fixed) note the enclosed background: the voids
    7  drop dust, fill enclosed voids, seal leaking ones: the envelope
    8  distance, basins, joins: particles; sealed pockets between particles opened again
    9  drop what is too small; number the particles
   10  (deconvolution) voids as dips of grey inside the particles; owners of voids
   11  write labels and voids
   12  measure: passes over voxels, descriptors, tables, groups
   13  population numbers, limits, provenance, pictures, page

A label image made elsewhere (`measure`) enters at 11.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import (
    components,
    denoise,
    grey_record,
    histogram,
    io,
    measuring,
    numbering,
    pockets,
    publish,
    split,
    threshold,
    voids,
)
from . import labels as label_image
from .errors import SegmentationError
from .executors import executor
from .job import Job, Progress, Silence
from .measurement import measure as run_passes
from .planning import plan_work
from .provenance import input_record, now, record
from .result import RunFolder, RunWriter
from .scratch import Scratch
from .settings import Settings
from .units import VoxelSize
from .volume import Volume

SEAL_RADII = (1.0, 2.0)  # shortest edges; 3 would fill the gaps between particles
log = logging.getLogger("morphct")


@dataclass
class Segmented:
    """Particles and voids, and what is known of how they were found."""

    labels: Any
    n: int
    voids: voids.Voids
    ids: np.ndarray | None = None
    detection_diameter: float | None = None
    voids_trusted: bool = True
    facts: dict[str, Any] = field(default_factory=dict)
    threshold: dict[str, Any] = field(default_factory=dict)
    histogram: Any = None


def run(
    path: str | Path,
    out: str | Path,
    *,
    voxel_size: str | VoxelSize | None = None,
    settings: Settings | None = None,
    config: str | Path | None = None,
    overwrite: bool = False,
    sample: str | None = None,
    progress: Progress | None = None,
) -> RunFolder:
    """From a grey volume to a run folder.

    Parameters
    ----------
    path : path
        The volume, in any format of `morphct.io`.
    out : path
        The run folder to be made.
    voxel_size : str or VoxelSize, optional
        `25nm`, or `75nm,25nm,25nm` as z,y,x; wins over what settings and file say.
    settings : Settings, optional
    config : path, optional
        TOML file of settings, when `settings` are not given.
    overwrite : bool
        Replace an older run in `out`.
    sample : str, optional
        Name of the sample on the page; default the name of the folder.
    progress : Progress, optional
        Is told of stages.

    Returns
    -------
    RunFolder

    Raises
    ------
    UserError
        For everything the user can mend; nothing is left behind then.
    """
    settings = _settings(settings, config, voxel_size)
    volume = open_volume(path, settings)
    size = io.require_voxel_size(volume)
    with _job(volume.shape, size, settings, out, overwrite, progress) as (job, writer):
        for note in volume.notes:
            job.warn(note)
        segmented = segment(volume, job, settings)
        return _finish("run", job, writer, settings, volume, volume, segmented, sample)


def measure_file(
    path: str | Path,
    out: str | Path,
    *,
    grey: str | Path | None = None,
    voxel_size: str | VoxelSize | None = None,
    settings: Settings | None = None,
    config: str | Path | None = None,
    overwrite: bool = False,
    sample: str | None = None,
    progress: Progress | None = None,
) -> RunFolder:
    """From a label image made elsewhere to a run folder; labels are kept as they are.

    Parameters
    ----------
    path : path
        Label image: whole numbers, 0 for background, ids of any size with or without gaps.
    grey : path, optional
        The volume the labels were made from, of the same shape.
    voxel_size, settings, config, overwrite, sample, progress
        As for `run`.

    Raises
    ------
    UserError
        For everything the user can mend; nothing is left behind then.
    """
    settings = _settings(settings, config, voxel_size)
    image = io.open_labels(path, **settings.input.to_mapping())
    volume = open_volume(grey, settings) if grey is not None else None
    if volume is not None:
        io.require_same_shape(image, volume)
    size = io.require_voxel_size(image if image.voxel_size is not None or volume is None else volume)
    with _job(image.shape, size, settings, out, overwrite, progress) as (job, writer):
        for note in [*image.notes, *(volume.notes if volume is not None else [])]:
            job.warn(note)
        return _finish("measure", job, writer, settings, image, volume, as_given(image, job, settings), sample)


def _settings(settings: Settings | None, config: str | Path | None, voxel_size: str | VoxelSize | None) -> Settings:
    """Settings as given, of a file, or the defaults; a voxel size becomes one of them: the record repeats the run."""
    settings = settings or (Settings.from_toml(config) if config else Settings())
    if voxel_size is None:
        return settings
    return replace(settings, input=replace(settings.input, voxel_size=str(voxel_size)))


def open_volume(path: str | Path, settings: Settings) -> Volume:
    """The volume as the settings say it is to be read."""
    return io.open_volume(path, **settings.input.to_mapping())


@contextlib.contextmanager
def _job(
    shape: tuple[int, int, int],
    size: VoxelSize,
    settings: Settings,
    out: str | Path,
    overwrite: bool,
    progress: Progress | None,
) -> Iterator[tuple[Job, RunWriter]]:
    """Plan, folder, log and scratch of a piece of work; all gone again when it fails."""
    plan = plan_work(shape, settings.run.memory, settings.run.workers, settings.run.slab)
    with (
        RunWriter(out, overwrite or settings.run.overwrite) as writer,
        _logged(writer),
        Scratch(writer.scratch, plan.scratch) as scratch,
    ):
        run_map = executor(plan.workers, settings.run.scheduler)
        job = Job(shape, size, plan, scratch, run_map, progress or Silence())
        log.info(
            "volume %s, voxel %s (%s), %d slabs of %d planes", shape, size, size.source, len(job.slabs), plan.planes
        )
        yield job, writer


@contextlib.contextmanager
def _logged(writer: RunWriter) -> Iterator[None]:
    """Keep the log of a run in its folder."""
    handler = logging.FileHandler(writer.log_path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    level = log.level
    log.setLevel(min(logging.INFO, level) if level else logging.INFO)
    try:
        yield
    finally:
        log.setLevel(level)
        log.removeHandler(handler)
        handler.close()


def segment(volume: Any, job: Job, settings: Settings) -> Segmented:
    """Stages 2 to 10: particles and voids of a grey volume.

    Parameters
    ----------
    volume : (Z,Y,X) array-like
        Raw grey, any real type.

    Raises
    ------
    SegmentationError
        When the grey values allow no honest level, or no particle is left.
    """
    codes, plan, fit, counts, found = _find_level(volume, job, settings)
    edge, unit = job.voxel_size.smallest, job.voxel_size.unit
    facts = grey_record.threshold_record(plan, fit, counts, found, edge, unit)
    mask, before, holes = _envelope(codes, found, job, settings)
    with job.stage("split", split.PASSES.get(settings.split.method, 5)) as tick:
        parts = split.split(mask, job.voxel_size.spacing, settings.split, job.scratch, job.slabs, job.run_map, tick)
        sealed = {}
        if before is not None:
            sealed = pockets.open_gaps(parts.labels, before, mask, job.slabs, job.run_map)
            log.info("%(pockets)d pockets sealed, %(gaps)d of them gaps between particles, opened again", sealed)
            job.scratch.release("unsealed")
        job.scratch.release("mask")
        n, dropped = numbering.keep_particles(parts.labels, parts.n, settings.particles, job.slabs, job.run_map)
    if n == 0:
        raise SegmentationError(
            f"no particle of at least {settings.particles.min_voxels} voxels was found ({dropped['too_small']} smaller "
            "ones); lower --set particles.min_voxels=N, or look at the level with `morphct inspect`"
        )
    trusted = True
    with job.stage("voids", 4) as tick:
        cut, n_cut = voids.claim_cut(parts.labels, job.scratch, job.slabs, job.run_map, tick)
        if holes is None:
            factor = settings.voids.threshold if isinstance(settings.voids.threshold, float) else None
            model = grey_record.dip_model(plan, fit, found, settings.voids.false_per_particle, factor)
            ids, count, model = voids.find_dips(codes, parts.labels, model, job.scratch, job.slabs, job.run_map, tick)
            facts["voids"] = grey_record.dip_record(model, plan.scale, edge, unit)
            trusted = plan.reached
        else:
            ids, count = holes
        count = voids.add_cut(ids, count, cut, n_cut, job.slabs, job.run_map)
        job.scratch.release("cut_ids")
        owned = voids.own(ids, count, parts.labels, settings.voids, job.slabs, job.run_map)
    job.scratch.release("codes")
    detection = facts.get("voids", {}).get("detection_diameter_95")
    return Segmented(
        parts.labels, n, owned, None, detection, trusted,
        {"split": parts.summary(), "sealed": sealed, "dropped": dropped},
        facts, grey_record.histogram_table(counts, fit),
    )  # fmt: skip


def _find_level(volume: Any, job: Job, settings: Settings) -> tuple:
    """Stages 2 to 5: denoised codes, the fit of the histogram, the threshold."""
    levels = [v for v in (settings.threshold.low, settings.threshold.high) if v is not None]
    with job.stage("look at a sample"):
        plan = denoise.plan(volume, job.voxel_size, settings.denoise, settings.threshold.phases, levels)
        if settings.threshold.method == "deconvolution" and not plan.fit.ok:
            threshold.refuse_empty(plan.counts)
    codes = job.scratch.create("codes", job.shape, np.uint16)
    with job.stage("denoise") as tick:
        counts = denoise.apply(volume, codes, plan, job.slabs, job.run_map, tick)
    with job.stage("threshold", 2) as tick:
        fit = histogram.deconvolve(counts, plan.sd_after, settings.threshold.phases)
        found = threshold.find(codes, plan, fit, counts, settings.threshold, job.slabs, job.run_map, tick)
    for sentence in [*plan.warnings, *found.warnings]:
        job.warn(sentence)
    return codes, plan, fit, counts, found


def _envelope(codes: Any, found: threshold.Threshold, job: Job, settings: Settings) -> tuple[Any, Any, Any]:
    """Stages 5 to 7: the solid mask with its voids filled, before sealing as well; with one level, the mask's holes."""
    mask = job.scratch.create("mask", job.shape, np.uint8)
    holes = None
    with job.stage("envelope", 6) as tick:
        threshold.apply(codes, found, mask, job.slabs, job.run_map, tick)
        if found.method != "deconvolution" or settings.voids.threshold == "holes":
            holes = voids.holes(mask, job.scratch, job.slabs, job.run_map, tick)
        components.drop_small(mask, settings.particles.min_voxels, job.slabs, job.run_map, tick)
        components.fill(mask, job.slabs, job.run_map, tick)
        before = None
        if settings.voids.seal:
            before = job.scratch.create("unsealed", job.shape, np.uint8)
            for slab in job.slabs:
                before[slab.z0 : slab.z1] = mask[slab.z0 : slab.z1]
            components.seal(mask, job.voxel_size.relative, SEAL_RADII, job.scratch, job.slabs, job.run_map, tick)
    return mask, before, holes


def as_given(image: Volume, job: Job, settings: Settings) -> Segmented:
    """The labels of an image made elsewhere, numbered 1 to n, and the closed voids in them."""
    with job.stage("labels", 2) as tick:
        ids = label_image.find_ids(image, job.slabs, job.run_map, tick)
        # numbered once: crops are cut from it, and a compressed file would decode whole planes for each
        numbered = job.scratch.create("labels", job.shape, np.int32)
        numbering.copy(label_image.Numbered(image, ids), numbered, job.slabs, job.run_map, tick)
    with job.stage("voids", 3) as tick:
        found = voids.inside_labels(numbered, settings.voids, job.scratch, job.slabs, job.run_map, tick)
    return Segmented(numbered, len(ids), found, ids)


def _finish(
    command: str,
    job: Job,
    writer: RunWriter,
    settings: Settings,
    source: Volume,
    grey: Volume | None,
    found: Segmented,
    sample: str | None,
) -> RunFolder:
    """Stages 11 to 13: from labels to a whole run folder."""
    started = now()
    with job.stage("write labels") as tick:
        publish.write_labels(writer, job, found.labels, found.n, found.ids, found.voids, tick)
        if settings.output.labels_tif:
            writer.labels_tiff("labels.tif", found.labels, job.voxel_size)
    watched = publish.Watched(grey) if grey is not None else None
    tables = _measure(job, settings, found, watched)
    publish.write_tables(writer, settings, tables)
    if found.threshold:
        writer.text("histogram.csv", found.histogram.to_csv(index=False, float_format="%.9g", lineterminator="\n"))
        writer.json("threshold.json", found.threshold)
    publish.write_summary(writer, settings, tables)
    writer.text("settings.toml", settings.to_toml())
    inputs = input_record(source, job.voxel_size, io.content_hash(source))
    facts = {"sample": sample, "segmentation": found.facts}
    writer.json("run.json", record(command, job, settings, inputs, started, **facts))
    job.scratch.close()  # what draws needs the memory
    publish.write_pages(writer, job, settings, watched)
    writer.json("run.json", record(command, job, settings, inputs, started, **facts))
    return RunFolder(writer.commit())


def _measure(job: Job, settings: Settings, found: Segmented, grey: Any) -> measuring.Tables:
    """Stage 12: the tables."""
    wanted = measuring.needed(settings.descriptors)
    with job.stage("measure") as tick:
        measured = run_passes(
            found.labels, found.n, job.voxel_size, slabs=job.slabs, void_labels=found.voids.labels,
            owner=found.voids.owner, grey=grey, wanted=wanted, detection_diameter=found.detection_diameter,
            run_map=job.run_map, tick=tick,
        )  # fmt: skip
        tables = measuring.tabulate(measured, found.ids, settings.descriptors, settings.aggregates, job.run_map)
    return tables if found.voids_trusted else publish.without_voids(tables)
