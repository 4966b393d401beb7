"""`morphct report`: the page again, from run folders alone."""

import os
from pathlib import Path

import click

from .terminal import show_log


@click.command("report")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "-o", "--out", metavar="FOLDER", help="Where the page over several runs goes; default: the folder above them."
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
def command(runs: tuple[str, ...], out: str | None, quiet: bool) -> None:
    """Make the page of each run folder RUN again, and for several one page over all of them."""
    from .. import report
    from ..result import open_run

    show_log(0)
    folders = [open_run(run) for run in runs]
    pages = []
    for folder in folders:
        report.write(folder)
        pages.append(folder.path / "report.html")
    if len(folders) > 1:
        above = Path(out) if out else Path(os.path.commonpath([f.path.resolve().parent for f in folders]))
        pages.append(report.write_batch(above, [report.Row(folder.name, folder) for folder in folders]))
    if not quiet:
        for page in pages:
            click.echo(page)
