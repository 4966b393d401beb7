"""`morphct calibrate`: the calibration of a finished run, in full, and its tables and page with it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..descriptors import PARTICLES
from ..ground.errors import InputError
from ..ground.executors import RunMap
from ..ground.units import VoxelSize
from ..ground.work import Work
from ..results import flags
from ..results.run_folder import RunFolder
from ..uncertainty.calibration import Calibration, PopulationSeen, calibrate, conditions, planned
from ..views import report
from . import publish
from .job import Progress, Silence
from .settings import Settings

if TYPE_CHECKING:
    import pandas as pd

GROUP = "uncertainty"


def calibrate_run(
    path: str | Path,
    method: str = "full",
    tolerance: float | None = None,
    run_map: RunMap = map,
    progress: Progress | None = None,
) -> RunFolder:
    """Calibrate a run anew and write what follows: calibration.csv and .json, uncertainties and flags, settings, page.

    Parameters
    ----------
    path : path
        A run folder.
    method : {"full", "quick"}
    tolerance : float, optional
        Bias and spread together up to which a column counts as resolved; default that of the run's settings.
    run_map : callable, optional
        An executor's map over batches of bodies.
    progress : Progress, optional
        Is told of bodies done.

    Raises
    ------
    InputError
        When it is no run folder, or there is no particle in it.
    OutputError
        When it cannot be written.
    """
    run = RunFolder(path)
    settings = _settings(run)
    kept = settings.calibrate.tolerance
    options = replace(settings.calibrate, method=method, tolerance=kept if tolerance is None else tolerance)
    if not len(run.particles):
        raise InputError(f"{path} holds no particle, so there is no size to calibrate for; give a run with particles")
    size, told = run.voxel_size, progress or Silence()
    scan = conditions(size, run.threshold, settings.voids.to_mapping())
    found = PopulationSeen.of_tables(run.particles, run.voids, size)
    seed = settings.run.seed
    told.stage("calibrate", sum(len(trials) for trials in planned(found, scan, options, seed)))
    made = calibrate(found, scan, options, settings.descriptors.names, seed, Work((), run_map, told.advance))
    files = run.files
    publish.write_calibration(files, made)
    files.table("particles", with_calibration(run.particles, made, size), settings.output.csv)
    settings = replace(settings, calibrate=options)
    files.text("settings.toml", settings.to_toml())
    files.json("run.json", run.provenance | {"settings": settings.to_mapping()})
    told.stage("page", 1)
    report.write(RunFolder(path))
    return RunFolder(path)


def _settings(run: RunFolder) -> Settings:
    """The settings of a run."""
    path = run.path / "settings.toml"
    return Settings.from_toml(path) if path.exists() else Settings.from_mapping(run.provenance.get("settings", {}))


def with_calibration(particles: "pd.DataFrame", made: Calibration, size: VoxelSize) -> "pd.DataFrame":
    """A table of particles with the uncertainties and `not_resolved` of a calibration, in place of any older."""
    suffix = size.suffix
    columns = {about.name: about.column(suffix) for about in PARTICLES}
    values = {name: particles[column].to_numpy() for name, column in columns.items() if column in particles.columns}
    table = particles.copy()
    for about in (about for about in PARTICLES if about.group == GROUP):
        inputs = [made if name == "calibration" else values.get(name) for name in about.inputs]
        if all(given is not None for given in inputs):
            with np.errstate(invalid="ignore", divide="ignore"):
                table[columns[about.name]] = about.function(*inputs)
    if "flags" in table.columns:
        table["flags"] = [_without_columns(text) for text in table["flags"]]
        about_all = [about for about in PARTICLES if columns[about.name] in table.columns]
        diameter = values["equivalent_diameter"] / made.conditions.edge
        table["not_resolved"] = flags.not_resolved(about_all, diameter, suffix, made.limits)
    order = [columns[name] for name in PARTICLES.columns if columns[name] in table.columns]
    return table[[*order, *(c for c in table.columns if c not in order)]]


def _without_columns(text: object) -> str:
    """Flags without the columns that older runs kept among them."""
    words = text.split(";") if isinstance(text, str) else []
    return ";".join(word for word in words if word and not word.startswith("not_resolved"))
