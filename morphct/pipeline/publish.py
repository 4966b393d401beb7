"""What a run leaves for people and programs: label stores, tables, population numbers, figures, pictures, the page."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from ..descriptors import identity
from ..ground.bricks import Brick, plan_bricks
from ..ground.cautions import LOG, Caution
from ..ground.units import format_bytes
from ..results import population, qc
from ..results.run_folder import CHUNK as LABEL_CHUNK
from ..results.run_folder import FileWriter, RunFolder, RunWriter, label_dtype
from ..results.tabulate import Tables
from ..segment.voids.ownership import Voids
from ..uncertainty import review
from ..uncertainty.calibration import Calibration
from ..uncertainty.doubts import Doubts
from ..views.figures.mid_planes import MidPlaneRecorder
from .job import Job
from .machine import resident
from .memory_plan import FIGURES_BYTES, why_no_room_to_draw
from .segmented import Segmented
from .settings import Settings

T = TypeVar("T")
VOID_RATIOS = (
    "void_fraction",
    "void_fraction_low",
    "void_fraction_high",
    "void_fraction_expected",
    "void_fraction_u",
)  # empty where masks are not to be trusted inside particles


def id_dtype(largest: int) -> np.dtype:
    """Type of stored labels up to `largest`."""
    return np.dtype(np.uint64) if largest > np.iinfo(np.uint32).max else label_dtype(largest)


def write_labels(
    writer: RunWriter, job: Job, labels: Any, n: int, ids: np.ndarray | None, voids: Voids, tick: Any = None
) -> None:
    """Write labels.zarr and voids.zarr, so many planes at a time as a chunk of theirs has.

    Parameters
    ----------
    labels : (Z,Y,X) int32 array-like, 1 to `n`
    ids : (n,) int64 or None
        Labels to be written in place of 1 to n.
    """
    largest = n if ids is None or not len(ids) else int(ids[-1])
    table = None if ids is None else np.concatenate([[0], ids]).astype(id_dtype(largest))
    with (
        writer.labels("labels.zarr", job.shape, id_dtype(largest), job.voxel_size) as label_store,
        writer.labels("voids.zarr", job.shape, label_dtype(voids.n), job.voxel_size) as void_store,
    ):
        bricks = tuple(plan_bricks(job.shape, LABEL_CHUNK[0], job.plan.rows))
        for layer in dataclasses.replace(job.work, bricks=bricks).layers:
            label_store.write(_layer(labels, layer, label_store.dtype, table))
            void_store.write(_layer(voids.labels, layer, void_store.dtype, None))
            if tick:
                tick(layer[0].depth)


def _layer(volume: Any, layer: Sequence[Brick], dtype: np.dtype, table: np.ndarray | None) -> np.ndarray:
    """The planes of a layer of bricks as they are stored; `table`: what is stored for each label."""
    if len(layer) == 1:
        block = np.asarray(volume[layer[0].here])
        return block if table is None else table[block]
    planes = np.empty((layer[0].depth, *volume.shape[1:]), dtype)
    for brick in layer:
        block = np.asarray(volume[brick.here])
        planes[:, brick.y0 : brick.y1] = block if table is None else table[block]
    return planes


def without_voids(tables: Tables) -> Tables:
    """The same tables with the void fractions empty: the mask missed its noise target."""
    particles = tables.particles.copy()
    for name in particles.columns.intersection(list(VOID_RATIOS)):
        particles[name] = np.nan
    if "flags" in particles:
        flags = particles["flags"].fillna("").astype(str)
        particles["flags"] = np.where(flags == "", "noise_target_missed", flags + ";noise_target_missed")
    return dataclasses.replace(tables, particles=particles)


def write_calibration(writer: FileWriter, calibration: Calibration | None) -> None:
    """Write calibration.csv (bias and spread by column, body and size) and calibration.json (for what conditions)."""
    if calibration is not None:
        text = calibration.table().to_csv(index=False, float_format="%.9g", lineterminator="\n")
        writer.text("calibration.csv", text)
        writer.json("calibration.json", calibration.to_mapping())


def write_tables(writer: RunWriter, settings: Settings, tables: Tables) -> None:
    """Write particles, voids, aggregates and contacts, and the profiles of channels where there are any."""
    for name in ("particles", "voids", "aggregates", "contacts"):
        writer.table(name, getattr(tables, name), csv=settings.output.csv)
    if tables.channels is not None:
        writer.table("channels", tables.channels, csv=settings.output.csv)


def write_summary(
    writer: RunWriter, job: Job, settings: Settings, tables: Tables, doubts: "Doubts | None" = None
) -> dict[str, Any]:
    """Write summary.json: population numbers, limits, and how the numbers move with what they hang on.

    Voids are the closed ones; those cut by a face of the volume, and open ones, have counts of their own.
    """
    seed, shape = settings.run.seed, job.shape
    kinds = tables.voids["open"]
    summary = population.summarise(tables.particles, tables.voids[kinds == "closed"], tables.aggregates, seed, shape)
    summary["counts"]["open_voids"] = int((kinds == "surface").sum())
    summary["counts"]["cut_voids"] = int((kinds == "cut").sum())
    summary["qc"] = [v.to_mapping() for v in qc.judge(population.numbers(summary), settings.qc.limits)]
    if doubts is not None:
        summary["sensitivity"] = doubts.sensitivity(summary, tables, settings)
    writer.json("summary.json", summary)
    return summary


def write_review(
    writer: RunWriter, job: Job, settings: Settings, found: Segmented, tables: Tables, doubts: Doubts, grey: Any
) -> None:
    """Write review.csv, and cuts through the first of the doubtful particles unless tables alone are wanted.

    grey : (Z,Y,X) array-like or None
    """
    from ..views.figures import cuts
    from ..views.report import doubtful
    from ..views.report.words import unit_word

    particles = tables.particles
    doubted = review.review(
        particles, tables.contacts, doubts.margins, doubts.change, settings.aggregates, settings.particles.min_voxels
    )
    writer.table("review", doubted, csv=settings.output.csv)
    if settings.output.tables_only or not {"look_z", "bbox_z0"} <= {*doubted.columns, *particles.columns}:
        return
    # smoothed as much as what was segmented
    sigma = (found.threshold.get("denoise") or {}).get("sigma") or (0.0, 0.0, 0.0)
    row_of = {int(label): row for row, label in enumerate(particles.index, start=1)}
    edge, unit = float(np.cbrt(job.voxel_size.volume)), unit_word(job.voxel_size.unit)
    for label in doubtful.shown(doubted, particles):
        row = doubted.loc[label]
        number, partner = row_of[label], row_of.get(doubtful.partner(row), 0)
        box = particles.loc[label, list(identity.BOX)].to_numpy(np.int64)
        place = cuts.contact(found.labels, box, number, partner) if partner else None
        place = place or row[["look_z", "look_y", "look_x"]].to_numpy(np.int64)
        window = cuts.Window.of(place, box, job.shape)
        picture = cuts.picture(
            cuts.planes(found.labels, window), None if grey is None else cuts.planes(grey, window, sigma),
            number, partner, edge * window.step, unit,
        )  # fmt: skip
        writer.data(doubtful.PICTURE.format(label), picture)


def write_pages(writer: RunWriter, job: Job, settings: Settings, grey: MidPlaneRecorder | None) -> None:
    """Write meshes, pictures, figures and the page, from what is in the folder already."""
    from ..views import render, report

    middle = grey.middle if grey is not None and grey.middle.complete else None
    if settings.output.renders:
        with job.stage("pictures and figures", total=1):
            shown = _draw(writer, job, settings, lambda: report.draw(RunFolder(writer.folder), middle))
        with job.stage("page", total=1):
            report.write(RunFolder(writer.folder), middle, shown=shown)
    else:
        if settings.output.meshes:
            with job.stage("meshes", total=1):
                render.write_meshes(RunFolder(writer.folder))
        with job.stage("figures and page", total=1):
            report.write(RunFolder(writer.folder), middle)
    _tell_cap(job, settings)


def _draw(writer: RunWriter, job: Job, settings: Settings, draw_figures: Callable[[], T]) -> T:
    """Meshes and pictures in a process of its own, figures meanwhile; where a cap has no room for that, one after the
    other, if at all. What `draw_figures` gives is handed back."""
    from ..views import render

    missing, first = "", None
    if settings.run.memory is not None and why_no_room_to_draw(job.plan, FIGURES_BYTES):
        first = [draw_figures()]
        missing = why_no_room_to_draw(job.plan)
    held, drawn = resident(), first or []

    def meanwhile() -> None:
        if first is None:
            drawn.append(draw_figures())
        job.held_while_drawing = max(held, resident())

    if not missing:
        missing = render.apart(writer.folder, meanwhile=meanwhile, with_meshes=settings.output.meshes)
    if missing:
        job.warn(missing)
        if settings.output.meshes and not (writer.folder / render.PARTICLE_MESH).exists():
            render.write_meshes(RunFolder(writer.folder))
    return drawn[0]


def _tell_cap(job: Job, settings: Settings) -> None:
    """Say in the log and the notes when a cap that was asked for was not kept."""
    if settings.run.memory is not None and job.peak_together > job.plan.cap:
        peak, cap = format_bytes(job.peak_together), format_bytes(job.plan.cap)
        job.warn(
            Caution(f"{peak} of memory were used, the cap is {cap}: the first run compiles its kernels beside it", LOG)
        )
