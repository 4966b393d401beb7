"""`morphct batch`: many volumes, a run folder each, one page."""

import contextlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..ground.errors import InputError
from .shared_options import settings_options
from .terminal import progress

if TYPE_CHECKING:
    from ..pipeline.batch import Outcome
    from ..pipeline.manifest import Manifest
    from ..pipeline.settings import Settings


@click.command("batch")
@click.argument("manifest")
@click.option("-o", "--out", metavar="OUT", help="Folder of the run folders, batch.csv and batch.html.")
@click.option("--check", "look", is_flag=True, help="Say what would keep the batch from starting; run nothing.")
@click.option("--decimal-comma", is_flag=True, help="Numbers of the CSV are written with a comma, such as 0,8.")
@settings_options
def command(
    manifest: str,
    out: str | None,
    look: bool,
    decimal_comma: bool,
    settings: "Settings",
    shown: bool,
    quiet: bool,
) -> int:
    """Run every volume of MANIFEST: a CSV with sample,path,voxel_size and other columns, a folder, or a glob.

    Columns with a dot in their name are settings of their sample (threshold.method). Everything that can be looked at
    before the first voxel is, and all faults are told at once. A sample that fails later is told and does not stop the
    others; table and page are written after every sample. With --resume those that are done already are kept, when
    version, settings and content are the same, and held against the limits anew.
    """
    from ..pipeline import batch
    from ..pipeline import manifest as manifests
    from ..pipeline import run as pipeline
    from ..results.run_folder import alone

    if out is None and not look:
        raise click.UsageError("batch needs an output folder: give -o OUT, or --check to look only")
    read = manifests.read(manifest, decimal_comma)
    with contextlib.ExitStack() as held:
        there = out is not None and not look and Path(out).is_dir()
        if out is not None and there:
            held.enter_context(alone(out))  # before the faults: what another batch is at is no fault of this one
        _refuse_faults(read, settings, out)
        for note in () if quiet else read.notes:
            click.echo(f"note: {note}", err=True)
        if look or out is None:
            if not quiet:
                click.echo(f"{len(read.samples)} samples can be run")
            return 0
        if not there:
            held.enter_context(alone(out))
        told = held.enter_context(progress(shown))
        outcomes = batch.run_batch(read.samples, out, settings, pipeline, told, lambda done: _write(done, out))
    for outcome in outcomes:
        if not quiet or outcome.error:
            click.echo(_line(outcome), err=bool(outcome.error))
    if not quiet:
        click.echo(f"page        {Path(out) / 'batch.html'}\ntables      {Path(out) / 'batch.csv'}")
        _tell_pages_left_out(outcomes, out)
    return _code(outcomes, settings)


def _refuse_faults(manifest: "Manifest", settings: "Settings", out: str | None) -> None:
    """Print every fault, one a line, and end with one sentence; nothing when there is none."""
    from ..pipeline import batch_check

    faults = batch_check.faults(manifest, settings, out)
    if len(faults) == 1:
        raise InputError(f"{faults[0]}; nothing was started")
    for fault in faults:
        click.echo(f"morphct: {' '.join(fault.split())}", err=True)
    if faults:
        raise InputError(f"{manifest.path} cannot be run for these {len(faults)} reasons; nothing was started")


def _write(outcomes: Sequence["Outcome"], out: str) -> None:
    """Write table and page of what is done so far."""
    from ..pipeline import batch
    from ..results.run_folder import FileWriter, RunFolder, csv_of
    from ..views import report

    FileWriter(Path(out)).text("batch.csv", csv_of(batch.table(outcomes)))
    # opened again, so that no table of a sample stays in memory
    runs = [None if o.run is None else RunFolder(o.run.path) for o in outcomes]
    rows = [report.Row(o.sample.called, run, o.error, o.sample.facts) for o, run in zip(outcomes, runs)]
    report.write_batch(out, rows)


def _tell_pages_left_out(outcomes: list["Outcome"], out: str) -> None:
    """Print the command that writes the pages of samples whose tables alone were wanted."""
    names = [o.sample.name for o in outcomes if o.run is not None and not (o.run.path / "report.html").exists()]
    if names:
        folders = [str(Path(out) / name) for name in names]
        # the batch's page tells of samples that this command does not: it goes elsewhere
        elsewhere = ["-o", str(Path(out) / "pages")] if 1 < len(names) < len(outcomes) else []
        told = shlex.join(["morphct", "report", *folders, *elsewhere])
        click.echo(f"pages       of {len(names)} sample{'s' * (len(names) > 1)} left out; `{told}` writes them")


def _line(outcome: "Outcome") -> str:
    if outcome.run is None:
        return f"morphct: sample {outcome.sample.name} failed: {outcome.error}"
    counts = outcome.run.summary.get("counts", {})
    before = " (done before)" if outcome.skipped else ""
    return f"{outcome.sample.name}: {counts.get('particles', 0):,} particles, {outcome.run.path}{before}"


def _code(outcomes: list["Outcome"], settings: "Settings") -> int:
    """2 when a sample failed, 3 when a limit is broken and that is strict, else 0."""
    if any(outcome.error for outcome in outcomes):
        return 2
    runs = [outcome.run for outcome in outcomes if outcome.run is not None]
    broken = any(not verdict["passed"] for run in runs for verdict in run.summary.get("qc", []))
    return 3 if broken and settings.qc.strict else 0
