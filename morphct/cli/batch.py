"""`morphct batch`: many volumes, a run folder each, one page."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .shared_options import settings_options
from .terminal import progress

if TYPE_CHECKING:
    from ..pipeline.batch import Outcome
    from ..pipeline.settings import Settings


@click.command("batch")
@click.argument("manifest")
@click.option("-o", "--out", required=True, metavar="OUT", help="Folder of the run folders, batch.csv and batch.html.")
@settings_options
def command(manifest: str, out: str, settings: "Settings", shown: bool, quiet: bool) -> int:
    """Run every volume of MANIFEST: a CSV with sample,path,voxel_size and other columns, a folder, or a glob.

    Columns with a dot in their name are settings of their sample (threshold.method). A sample that fails is told and
    does not stop the others; with --resume those that are done already are kept.
    """
    from ..pipeline import batch
    from ..pipeline import run as pipeline
    from ..results.run_folder import FileWriter
    from ..views import report

    samples = batch.read_manifest(manifest)
    with progress(shown) as told:
        outcomes = batch.run_batch(samples, out, settings, pipeline.run, told)
    FileWriter(Path(out)).text("batch.csv", batch.table(outcomes).to_csv(lineterminator="\n"))
    rows = [report.Row(o.sample.name, o.run, o.error, o.sample.facts) for o in outcomes]
    page = report.write_batch(out, rows)
    for outcome in outcomes:
        if not quiet or outcome.error:
            click.echo(_line(outcome), err=bool(outcome.error))
    if not quiet:
        click.echo(f"page        {page}\ntables      {page.with_name('batch.csv')}")
    return _code(outcomes, settings)


def _line(outcome: "Outcome") -> str:
    if outcome.run is None:
        return f"morphct: sample {outcome.sample.name} failed: {outcome.error}"
    counts = outcome.run.summary.get("counts", {})
    kept = " (kept)" if outcome.skipped else ""
    return f"{outcome.sample.name}: {counts.get('particles', 0):,} particles, {outcome.run.path}{kept}"


def _code(outcomes: list["Outcome"], settings: "Settings") -> int:
    """2 when a sample failed, 3 when a limit is broken and that is strict, else 0."""
    if any(outcome.error for outcome in outcomes):
        return 2
    runs = [outcome.run for outcome in outcomes if outcome.run is not None]
    broken = any(not verdict["passed"] for run in runs for verdict in run.summary.get("qc", []))
    return 3 if broken and settings.qc.strict else 0
