"""`morphct view`: look inside a run."""

import contextlib

import click

from .terminal import show_log


@click.command("view")
@click.argument("run")
@click.option("--web", is_flag=True, help="In a browser on this machine instead of a window.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Port of --web; default: a free one."
)
@click.option(
    "--browser/--no-browser", default=True, help="Open the page of --web in the browser, or only say its address."
)
def command(run: str, web: bool, port: int, browser: bool) -> None:
    """Look inside the run folder RUN: particles coloured by any column, voids seen through them, a cut, a click."""
    from ..results.run_folder import open_run
    from ..views.viewer import serve, show

    show_log(0)
    folder = open_run(run)
    if not web:
        show(folder)
        return
    with contextlib.suppress(KeyboardInterrupt):  # that is how one closes it
        serve(folder, port, open_browser=browser, told=_tell_address)


def _tell_address(address: str) -> None:
    click.echo(f"{address}\nOpen it in a browser on this machine; Ctrl-C ends.")
