"""`morphct run`: the main job."""

from typing import TYPE_CHECKING

import click

from .shared_options import settings_options
from .telling import exit_code, tell_run
from .terminal import progress

if TYPE_CHECKING:
    from ..pipeline.settings import Settings


@click.command("run")
@click.argument("volume")
@click.option("-o", "--out", required=True, metavar="OUT", help="The run folder to make.")
@click.option("--sample", metavar="NAME", help="Name of the sample on the page; default: the folder's.")
@settings_options
def command(volume: str, out: str, sample: str | None, settings: "Settings", shown: bool, quiet: bool) -> int:
    """The main job: from a grey VOLUME to labels, tables, pictures and a page in the folder OUT.

    VOLUME is a file, a folder or glob of slices, FILE.h5::/path/to/dataset, or STORE.zarr[::path]; TIFF, raw, .mhd,
    NRRD, .txm and others (`morphct inspect --formats`).
    """
    from ..pipeline import run as pipeline

    with progress(shown) as told:
        folder = pipeline.run(volume, out, settings=settings, sample=sample, progress=told)
    if not quiet:
        tell_run(folder, out)
    return exit_code(folder, settings)
