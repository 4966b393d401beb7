"""`morphct render`: still 3D pictures and meshes."""

from pathlib import Path

import click

from .terminal import show_log


@click.command("render")
@click.argument("run")
@click.option(
    "--particle", type=int, metavar="LABEL", help="One particle alone, with its voids seen through its solid."
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
def command(run: str, particle: int | None, quiet: bool) -> None:
    """Draw the 3D pictures of the run folder RUN again, and write its meshes; or draw one particle."""
    from ..results.run_folder import open_run
    from ..views.render import render

    show_log(0)
    folder = open_run(run)
    render(folder, particle, told=lambda name: None if quiet else click.echo(Path(run) / name))
