"""`morphct report`: the page again, from run folders alone."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .terminal import show_log

if TYPE_CHECKING:
    from ..results.run_folder import RunFolder


@click.command("report")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "-o",
    "--out",
    metavar="FOLDER",
    help="Where a copy of the page goes, or the page over several runs (default: the folder above them).",
)
@click.option(
    "--particles",
    metavar="LABELS",
    help="Labels of particles, such as 6,2,1,7, to lay out as the reference study's Table S1: printed, in "
    "particles_table.csv, and on the page.",
)
@click.option("--overwrite", is_flag=True, help="Replace a page of other samples.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
def command(runs: tuple[str, ...], out: str | None, particles: str | None, overwrite: bool, quiet: bool) -> None:
    """Make the page of each run folder RUN again, and for several one page over all of them."""
    from ..results.run_folder import open_run
    from ..results.run_folder.files import FileWriter
    from ..views import report

    show_log(0)
    folders = [open_run(run) for run in runs]
    above = Path(out) if out else Path(os.path.commonpath([f.path.resolve().parent for f in folders]))
    if not overwrite:
        _refuse_to_replace(folders, above, out is not None)
    if particles is not None:
        _lay_out(folders, particles, quiet)
    pages = []
    for folder in folders:
        report.write(folder)
        pages.append(folder.path / "report.html")
    if len(folders) == 1 and out:
        page = folders[0].path / "report.html"
        FileWriter(Path(out)).data("report.html", page.read_bytes())
        pages.append(Path(out) / "report.html")
    if len(folders) > 1:
        pages.append(report.write_batch(above, [report.Row(folder.name, folder) for folder in folders]))
    if not quiet:
        for page in pages:
            click.echo(page)


def _refuse_to_replace(folders: list["RunFolder"], above: Path, asked: bool) -> None:
    """Refuse when the page that would be written is there already and is of other samples."""
    from ..ground.errors import OutputError
    from ..views import report

    if len(folders) > 1 and report.is_over_others(above, [report.Row(f.name, f) for f in folders]):
        other = "another folder" if asked else "a folder for this one"
        raise OutputError(
            f"{above / 'batch.html'} is a page over other samples; give {other} with -o, or --overwrite to replace it"
        )
    if len(folders) == 1 and asked and (above / "run.json").exists() and not above.samefile(folders[0].path):
        raise OutputError(
            f"{above} is the run folder of another sample, whose page would be replaced; give another folder with "
            "-o, or --overwrite"
        )


def _lay_out(folders: list["RunFolder"], particles: str, quiet: bool) -> None:
    """Print and write the table of chosen particles of one run."""
    from ..ground.errors import InputError
    from ..views.report import chosen

    labels = chosen.parse_labels(particles)
    if len(folders) > 1:
        raise InputError(f"--particles names labels of one run, {len(folders)} runs are given; give one at a time")
    chosen.write(folders[0], labels)
    if not quiet:
        click.echo(chosen.text(chosen.table(folders[0], labels)))
