"""`morphct check`: settings and plan validated, no voxel read."""

from typing import TYPE_CHECKING

import click

from .shared_options import settings_options
from .telling import tell_plan, tell_volume, tell_warnings

if TYPE_CHECKING:
    from ..pipeline.settings import Settings


@click.command("check")
@click.argument("volume")
@settings_options
def command(volume: str, settings: "Settings", shown: bool, quiet: bool) -> None:
    """Validate settings and plan for VOLUME without reading voxels: what would stop `morphct run`, stops it."""
    from ..pipeline.inspection import check

    facts = check(volume, settings)
    if quiet:
        return
    tell_volume(facts["volume"])
    tell_plan(facts["plan"])
    tell_warnings(facts["warnings"])
    click.echo("settings    valid; `morphct run` can start")
