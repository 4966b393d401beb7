"""The main job, in order; stages 2 to 10 are spelt out in `segmenting`.

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
from ..ground import slabs
from ..ground.executors import executor
from ..ground.scratch import Scratch
from ..ground.units import VoxelSize
from ..measurement.all_passes import measure as run_passes
from ..measurement.all_passes import needs_crops_of_grey
from ..reading.volume import Volume
from ..results import population, qc, tabulate
from ..results.run_folder import RunFolder, RunWriter
from ..uncertainty import doubts as doubts_
from ..uncertainty.calibration import Calibration, calibrate_measured
from ..views.figures import mid_planes
from . import checkpoint, publish, resuming
from .job import Job, Progress, Silence
from .memory_plan import plan_work
from .provenance import channel_record, input_record, now, record
from .same_work import Asked
from .segmenting import Segmented, as_given, segment
from .settings import Settings

_CHANNEL = "channel "  # before the name of a channel among the inputs
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
    asked = asked_of(path, settings, sample)
    volume, size = asked.volumes["input"], asked.voxel_size
    channels = {n.removeprefix(_CHANNEL): v for n, v in asked.volumes.items() if n.startswith(_CHANNEL)}
    if settings.run.resume and (done := resuming.finished(out, asked)) is not None:
        return done
    with _job(volume.shape, size, settings, out, overwrite, progress) as (job, writer):
        for note in volume.notes:
            job.warn(note)
        found = _segmented(asked, job, writer, volume)
        # the values of a segmented volume are names, no greys
        grey = None if found.threshold.get("method") == "values" else volume
        return _finish(asked, job, writer, volume, grey, channels, found)


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
    image = reading.open_labels(path, **settings.input.reading)
    volume = open_volume(grey, settings) if grey is not None else None
    if volume is not None:
        reading.require_same_shape(image, volume)
    size = reading.require_voxel_size(image if image.voxel_size is not None or volume is None else volume)
    channels = open_channels(settings, image, size)
    inputs = {"input": image, **({"grey": volume} if volume is not None else {}), **_named(channels)}
    asked = Asked("measure", settings, size, inputs, sample)
    if settings.run.resume and (done := resuming.finished(out, asked)) is not None:
        return done
    with _job(image.shape, size, settings, out, overwrite, progress) as (job, writer):
        for note in [*image.notes, *(volume.notes if volume is not None else [])]:
            job.warn(note)
        found = _segmented(asked, job, writer, image, volume)
        return _finish(asked, job, writer, image, volume, channels, found)


def _settings(settings: Settings | None, config: str | Path | None, voxel_size: str | VoxelSize | None) -> Settings:
    """Settings as given, of a file, or the defaults; a voxel size becomes one of them: the record repeats the run."""
    settings = settings or (Settings.from_toml(config) if config else Settings())
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


def _named(channels: dict[str, Volume]) -> dict[str, Volume]:
    return {f"{_CHANNEL}{name}": channel for name, channel in channels.items()}


def asked_of(path: str | Path, settings: Settings, sample: str | None = None) -> Asked:
    """What `run` would be asked to do: files opened, limits and columns looked up, no voxel read."""
    volume = open_volume(path, settings)
    size = reading.require_voxel_size(volume)
    channels = open_channels(settings, volume, size)
    return Asked("run", settings, size, {"input": volume, **_named(channels)}, sample)


def differences(path: str | Path, settings: Settings, sample: str | None, made: RunFolder) -> list[str]:
    """In which ways a finished run is not what `run` would make of this volume now, in words; none: it is."""
    return asked_of(path, settings, sample).differences(made.provenance)


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
    run_map = executor(plan.workers, settings.run.scheduler)
    with (
        RunWriter(out, overwrite or settings.run.overwrite, settings.run.resume) as writer,
        _logged(writer),
        Scratch(writer.scratch, plan.scratch) as scratch,
    ):
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


def _segmented(asked: Asked, job: Job, writer: RunWriter, source: Volume, grey: Volume | None = None) -> Segmented:
    """Stages 2 to 11, or what an interrupted run of the same input and settings has kept of them."""
    settings = asked.settings
    if settings.run.resume:
        kept = checkpoint.load(writer, asked, job)
        if kept is not None:
            log.info("labels and voids taken from the interrupted run")
            return kept
    found = segment(source, job, settings) if asked.command == "run" else as_given(source, job, settings, grey)
    with job.stage("write labels") as work:
        publish.write_labels(writer, job, found.labels, found.n, found.ids, found.voids, work.progress)
    checkpoint.save(writer, asked, found, job)
    return found


def _finish(
    asked: Asked,
    job: Job,
    writer: RunWriter,
    source: Volume,
    grey: Volume | None,
    channels: dict[str, Volume],
    found: Segmented,
) -> RunFolder:
    """Stages 11 to 13: from labels to a whole run folder."""
    started, command, settings = now(), asked.command, asked.settings
    if settings.output.labels_tif:
        with job.stage("labels.tif", total=1):
            writer.labels_tiff("labels.tif", found.labels, job.voxel_size)
    watched = mid_planes.MidPlaneRecorder(grey) if grey is not None else None
    tables, calibration, at_hand = _measure(job, settings, found, watched, channels)
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
    inputs = input_record(source, job.voxel_size, asked.contents["input"])
    if "grey" in asked.volumes:
        inputs["grey"] = channel_record(asked.volumes["grey"], asked.contents["grey"])
    if channels:
        inputs["channels"] = {n: channel_record(c, asked.contents[f"{_CHANNEL}{n}"]) for n, c in channels.items()}
    facts = {"sample": asked.sample, "segmentation": found.facts}
    writer.json("run.json", record(command, job, settings, inputs, started, **facts))
    job.scratch.close()  # what draws needs the memory
    publish.write_pages(writer, job, settings, watched)
    writer.json("run.json", record(command, job, settings, inputs, started, **facts))
    return RunFolder(writer.commit())


def _measure(
    job: Job,
    settings: Settings,
    found: Segmented,
    grey: mid_planes.MidPlaneRecorder | None,
    channels: dict[str, Volume],
) -> tuple[tabulate.Tables, Calibration | None, Any]:
    """Stage 12: the tables, how far to trust them, and the grey volume as it is read best from here on."""
    wanted = tabulate.needed(settings.descriptors, tuple(channels))
    crops_of_grey = grey is not None and needs_crops_of_grey(wanted)
    maps = {name: _at_hand(name, channel, reading.costly_boxes(channel), job) for name, channel in channels.items()}
    if grey is not None:
        grey = _at_hand("grey", grey, crops_of_grey and reading.costly_boxes(grey.volume), job)
    facts = replace(found.voids.facts, seeing=replace(found.voids.facts.seeing, seed=settings.run.seed))
    with job.stage("measure") as work:
        measured = run_passes(
            found.labels, found.n, job.voxel_size, slabs=job.slabs, void_labels=found.voids.labels,
            owner=found.voids.owner, void_facts=facts, grey=grey, channels=maps, wanted=wanted,
            detection_diameter=found.detection_diameter, run_map=job.run_map, tick=work.progress,
            views=settings.descriptors.views,
            tick_particles=job.part("measure particles", found.n * (1 + bool(found.voids.n))),
        )  # fmt: skip
    with job.stage("calibrate", total=1):
        calibration = calibrate_measured(
            measured, found.threshold, settings.calibrate, settings.descriptors.names, settings.voids.to_mapping(),
            settings.run.seed, job.run_map,
        )  # fmt: skip
    with job.stage("tables", total=1):
        tables = tabulate.tabulate(
            measured, found.ids, settings.descriptors, settings.aggregates, job.run_map, calibration
        )
    return tables if found.voids_trusted else publish.without_voids(tables), calibration, grey


def _at_hand(name: str, volume: Any, costly: bool, job: Job) -> Any:
    """The volume, or a copy in scratch when cutting boxes out of its file would decode whole planes each time."""
    if not costly:
        return volume
    copy = job.scratch.create(f"values_{name}", job.shape, volume.dtype)
    with job.stage(f"read {name}") as work:
        slabs.copy(volume, copy, job.slabs, job.run_map, work.progress)
    return copy
