"""`morphct calibrate`: bias and uncertainty of every column of a run, in full."""

from pathlib import Path

import click

from .shared_options import verbosity_options
from .telling import tell_calibration
from .terminal import progress, show_log


@click.command("calibrate")
@click.argument("run")
@click.option("--quick", is_flag=True, help="As within `morphct run`: some hundred bodies instead of some thousand.")
@click.option("--tolerance", type=float, help="Bias and spread together up to which a column counts as resolved.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Threads; default: as many as there are CPUs.")
@click.option("--no-progress", is_flag=True, help="Tell no progress: no bars on a terminal, no lines elsewhere.")
@verbosity_options
def command(
    run: str, quick: bool, tolerance: float | None, workers: int | None, no_progress: bool, verbosity: int
) -> None:
    """How far to trust each column of the run folder RUN, at its voxel size, blur, noise and level.

    Digitised spheres, ellipsoids, cubes, plates and bodies shaped as the particles found go through what the scan did
    and are measured by the same code. Writes calibration.csv and .json, the columns `*_u`, the flags and the page anew.
    """
    from ..ground.executors import Threads
    from ..pipeline import recalibrate
    from ..pipeline.machine import processors

    show_log(verbosity)
    run_map = Threads(workers or processors())
    with progress(not no_progress and verbosity >= 0) as told:
        folder = recalibrate.calibrate_run(run, "quick" if quick else "full", tolerance, run_map, told)
    if verbosity >= 0:
        tell_calibration(folder)
        click.echo(Path(run) / "report.html")
