"""The main job in its order, from opening a volume to the page; how particles and voids are found is in `segmenting`.

    1  open the volume, plan the work within the memory cap
    2  a handful of values: a segmented volume, taken exactly, on to 7; else plan the filter from a sample: noise,
       strength, what lies outside
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
   13  population numbers, limits, what is doubtful, provenance, pictures, page

A label image made elsewhere (`measure`) enters at 11.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import reading
from ..ground.executors import Crew, RunMap, Threads, many_machines
from ..ground.scratch import Scratch
from ..ground.units import VoxelSize
from ..measurement.all_passes import measure as run_passes
from ..measurement.all_passes import needs_crops_of_grey
from ..measurement.labelled import Labelled
from ..reading.volume import Volume
from ..results import population, qc, tabulate
from ..results.run_folder import RunFolder, RunWriter
from ..uncertainty import doubts as doubts_
from ..uncertainty.calibration import Calibration, calibrate_measured
from ..views.figures import mid_planes
from . import checkpoint, foretelling, kept_steps, publish, resuming
from .compiling import compiling_beside
from .job import Job, Progress, Silence
from .memory_plan import plan_of
from .provenance import channel_record, input_record, now, record
from .same_work import Request
from .segmented import Segmented
from .segmenting import as_given, segment
from .settings import Settings

log = logging.getLogger("morphct")


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
        The volume, in any format of `morphct.reading`.
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
    request = request_of(path, settings, sample)
    replaced = overwrite or settings.run.overwrite
    if settings.run.resume and (done := resuming.finished(out, request, replaced, progress)) is not None:
        return done
    volume = request.source
    beginning = _job(request, out, overwrite, progress)
    with beginning as (job, writer), compiling_beside(job, volume.dtype, settings.run.memory is not None):
        for note in volume.notes:
            job.warn(note)
        found = _segmented(request, job, writer)
        # the values of a segmented volume are names, no greys
        grey = None if found.threshold.get("method") == "values" else volume
        return _finish(request, job, writer, found, grey)


def measure_file(
    path: str | Path,
    out: str | Path,
    *,
    grey: str | Path | None = None,
    voxel_size: str | VoxelSize | None = None,
    settings: Settings | None = None,
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
    voxel_size, settings, overwrite, sample, progress
        As for `run`.

    Raises
    ------
    UserError
        For everything the user can mend; nothing is left behind then.
    """
    settings = _settings(settings, None, voxel_size)
    image = reading.open_labels(path, **settings.input.reading)
    volume = open_volume(grey, settings) if grey is not None else None
    if volume is not None:
        reading.require_same_shape(image, volume)
    size = reading.require_voxel_size(image if image.voxel_size is not None or volume is None else volume)
    request = Request("measure", settings, size, image, volume, open_channels(settings, image, size), sample)
    replaced = overwrite or settings.run.overwrite
    if settings.run.resume and (done := resuming.finished(out, request, replaced, progress)) is not None:
        return done
    values = volume.dtype if volume is not None else None
    beginning = _job(request, out, overwrite, progress)
    with beginning as (job, writer), compiling_beside(job, values, settings.run.memory is not None):
        for note in [*image.notes, *(volume.notes if volume is not None else [])]:
            job.warn(note)
        return _finish(request, job, writer, _segmented(request, job, writer), volume)


def _settings(settings: Settings | None, config: str | Path | None, voxel_size: str | VoxelSize | None) -> Settings:
    """Settings as given, of a file, or the defaults; a voxel size becomes one of them: the record repeats the run."""
    settings = settings or (Settings.from_toml(config) if config else Settings())
    if settings.output.tables_only:
        output = replace(settings.output, meshes=False, renders=False)
        settings = replace(settings, output=output, calibrate=replace(settings.calibrate, method="none"))
    if voxel_size is None:
        return settings
    return replace(settings, input=replace(settings.input, voxel_size=str(voxel_size)))


def open_volume(path: str | Path, settings: Settings) -> Volume:
    """The volume as the settings say it is to be read."""
    return reading.open_volume(path, **settings.input.reading)


def open_channels(settings: Settings, volume: Volume, size: VoxelSize) -> dict[str, Volume]:
    """The co-registered maps; what is wrong with them, with columns or with limits is said before the work begins."""
    channels = reading.open_channels(reading.channel_files(settings.input.channels), volume, **settings.input.reading)
    tabulate.needed(settings.descriptors, tuple(channels))
    columns = tabulate.column_names(settings.descriptors, size.suffix, tuple(channels))
    qc.refuse_unknown(settings.qc.limits, population.number_names(size.suffix, columns))
    return channels


def request_of(path: str | Path, settings: Settings, sample: str | None = None) -> Request:
    """What `run` would be asked to do: files opened, limits and columns looked up, no voxel read."""
    volume = open_volume(path, settings)
    size = reading.require_voxel_size(volume)
    return Request("run", settings, size, volume, None, open_channels(settings, volume, size), sample)


def differences(path: str | Path, settings: Settings, sample: str | None, made: RunFolder) -> list[str]:
    """In which ways a finished run is not what `run` would make of this volume now, in words; none: it is."""
    return request_of(path, _settings(settings, None, None), sample).differences(made.provenance)


@contextlib.contextmanager
def _job(
    request: Request,
    out: str | Path,
    overwrite: bool,
    progress: Progress | None,
) -> Iterator[tuple[Job, RunWriter]]:
    """Workers, plan, folder, log and scratch of a piece of work; all gone again when it fails."""
    shape, size, settings = request.source.shape, request.voxel_size, request.settings
    read = [v for v in (request.source, request.grey, *request.channels.values()) if v is not None]
    files = [file for v in read for file in (v.files or (v.path,)) if file is not None]
    with contextlib.ExitStack() as held:
        cluster = held.enter_context(many_machines(settings.run.scheduler, settings.run.cluster, settings.run.workers))
        plan = plan_of(shape, settings.run, cluster)
        foretold = foretelling.foretell(plan, settings, request.command, _copies_of_grey(request))
        foretelling.refuse_full_disk(foretold, out, settings.run.scratch)
        run_map: Crew = cluster or Threads(plan.workers)
        writer = held.enter_context(RunWriter(out, overwrite or settings.run.overwrite, settings.run.resume))
        held.enter_context(_logged(writer))
        folder = settings.run.scratch or writer.scratch
        scratch = held.enter_context(Scratch(folder, plan.scratch))
        if run_map.shared:
            run_map.meet(scratch.folder, [*files, writer.log_path] if settings.run.resume else files)
            scratch.shared, scratch.apart = True, run_map.apart
        job = Job(shape, size, plan, scratch, run_map, progress or Silence())
        job.progress.expect(foretold.stages)
        log.info(
            "volume %s, voxel %s (%s), %d bricks of %d planes and %d rows",
            shape,
            size,
            size.source,
            len(job.bricks),
            plan.planes,
            plan.rows,
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


def _segmented(request: Request, job: Job, writer: RunWriter) -> Segmented:
    """Stages 2 to 11, or what an interrupted run of the same input and settings has kept of them."""
    settings, source, grey = request.settings, request.source, request.grey
    if settings.run.resume:
        kept = checkpoint.load(writer, request, job, (*kept_steps.NAMES, kept_steps.results_name(request)))
        if kept is not None:
            log.info("labels and voids taken from the interrupted run")
            return kept
    steps = kept_steps.KeptSteps(writer, request, settings.run.resume)
    if request.command == "run":
        found = segment(source, job, settings, steps)
    else:
        found = as_given(source, job, settings, grey)
    with job.stage("write labels") as work:
        publish.write_labels(writer, job, found.labels, found.n, found.ids, found.voids, work.progress)
    checkpoint.save(writer, request, found, job)
    steps.clear()
    return found


def _finish(request: Request, job: Job, writer: RunWriter, found: Segmented, grey: Volume | None) -> RunFolder:
    """Stages 11 to 13: from labels, and grey where there is any, to a whole run folder."""
    started, settings = now(), request.settings
    if settings.output.labels_tif:
        with job.stage("labels.tif", total=1):
            writer.labels_tiff("labels.tif", found.labels, job.voxel_size)
    watched = mid_planes.MidPlaneRecorder(grey) if grey is not None else None
    tables, calibration, at_hand = _measure(request, job, found, watched, kept_steps.journal(writer, request, job))
    publish.write_tables(writer, settings, tables)
    publish.write_calibration(writer, calibration)
    if found.threshold:
        writer.text("histogram.csv", found.histogram)
        writer.json("threshold.json", found.threshold)
    doubts = doubts_.Doubts.of(found, tables, job)
    publish.write_summary(writer, job, settings, tables, doubts)
    with job.stage("review", total=1):
        publish.write_review(writer, job, settings, found, tables, doubts, at_hand)
    writer.text("settings.toml", settings.to_toml())
    inputs = _inputs(request, job)
    facts = {"sample": request.sample, "segmentation": found.facts}
    writer.json("run.json", record(request.command, job, settings, inputs, started, **facts))
    job.scratch.close()  # what draws needs the memory
    if watched is not None and not settings.output.tables_only:
        watched.look()  # at what was read elsewhere
    if not settings.output.tables_only:
        publish.write_pages(writer, job, settings, watched)
    writer.json("run.json", record(request.command, job, settings, inputs, started, **facts))
    made = RunFolder(writer.commit())
    voxels = tables.particles.get("n_voxels")
    foretelling.remember(job, settings, request.command, None if voxels is None else voxels.sum() / job.voxels)
    return made


def _copies_of_grey(request: Request) -> int:
    """Volumes of grey values that this work makes in scratch."""
    greys = [request.grey] if request.command == "measure" else [request.source]
    volumes = [v for v in (*greys, *request.channels.values()) if v is not None]
    return foretelling.copies_of_grey(volumes, smoothed=request.command == "run")


def _inputs(request: Request, job: Job) -> dict[str, Any]:
    """What was read, for the record."""
    contents = request.contents
    inputs = input_record(request.source, job.voxel_size, contents["input"])
    if request.grey is not None:
        inputs["grey"] = channel_record(request.grey, contents["grey"])
    if request.channels:
        inputs["channels"] = {n: channel_record(c, contents[f"channel {n}"]) for n, c in request.channels.items()}
    return inputs


def _measure(
    request: Request, job: Job, found: Segmented, grey: mid_planes.MidPlaneRecorder | None, crop_map: RunMap
) -> tuple[tabulate.Tables, Calibration | None, Any]:
    """Stage 12: the tables, how far to trust them, and the grey volume as it is read best from here on.

    crop_map: what measures particles, batch by batch.
    """
    settings, asked = request.settings, request.settings.descriptors
    channels = request.channels
    wanted = tabulate.needed(asked, tuple(channels))
    crops_of_grey = grey is not None and needs_crops_of_grey(wanted)
    maps = {name: _at_hand(name, channel, reading.costly_boxes(channel), job) for name, channel in channels.items()}
    if grey is not None:
        grey = _at_hand("grey", grey, crops_of_grey and reading.costly_boxes(grey.volume), job)
    facts = replace(found.voids.facts, seeing=replace(found.voids.facts.seeing, seed=settings.run.seed))
    voids = replace(found.voids, facts=facts)
    labelled = Labelled(found.labels, found.n, job.voxel_size, voids, found.detection_diameter)
    with job.stage("measure") as work:
        crops = work.telling(job.part("measure particles", found.n))
        crops = replace(crops, run_map=crop_map)
        measured = run_passes(labelled, work, grey=grey, channels=maps, wanted=wanted, views=asked.views, crops=crops)
    with job.stage("calibrate", total=1):
        calibration = calibrate_measured(
            measured, found.threshold, settings.calibrate, asked.names, settings.voids.to_mapping(),
            settings.run.seed, job.work,
        )  # fmt: skip
    with job.stage("tables", total=1):
        tables = tabulate.tabulate(measured, found.ids, asked, settings.aggregates, job.work, calibration)
    return tables if found.voids_trusted else publish.without_voids(tables), calibration, grey


def _at_hand(name: str, volume: Any, costly: bool, job: Job) -> Any:
    """The volume, or a copy in scratch when cutting boxes out of its file would decode whole planes each time."""
    if not costly:
        return volume
    copy = job.scratch.create(f"values_{name}", job.shape, volume.dtype)
    with job.stage(f"read {name}") as work, reading.planes_once(volume, work) as once:
        work.copy(once, copy)
    return copy
