"""`morphct measure`: the main job from measuring on."""

from typing import TYPE_CHECKING

import click

from .shared_options import settings_options
from .telling import exit_code, tell_run
from .terminal import progress

if TYPE_CHECKING:
    from ..pipeline.settings import Settings


@click.command("measure")
@click.argument("labels")
@click.option("--grey", metavar="VOLUME", help="The grey volume the labels were made from, for the grey columns.")
@click.option("-o", "--out", required=True, metavar="OUT", help="The run folder to make.")
@click.option("--sample", metavar="NAME", help="Name of the sample on the page; default: the folder's.")
@settings_options
def command(
    labels: str, grey: str | None, out: str, sample: str | None, settings: "Settings", shown: bool, quiet: bool
) -> int:
    """Measure the label image LABELS, made elsewhere (Fiji, Avizo, ilastik, cellpose), into the folder OUT.

    Labels are kept as they are: whole numbers, 0 for background, with or without gaps.
    """
    from ..pipeline import run as pipeline

    with progress(shown) as told:
        folder = pipeline.measure_file(labels, out, grey=grey, settings=settings, sample=sample, progress=told)
    if not quiet:
        tell_run(folder, out)
    return exit_code(folder, settings)
