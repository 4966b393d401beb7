"""`morphct phantom`: a synthetic powder with its truth."""

import dataclasses
from pathlib import Path
from typing import Any

import click

from ..pipeline.settings import describe, read_toml
from ..truth.phantom.options import PhantomOptions
from .shared_options import verbosity_options
from .terminal import show_log


def _options(command: Any) -> Any:
    """One flag for each setting of a phantom, made from its field."""
    for field in reversed(dataclasses.fields(PhantomOptions)):
        flag = "--" + field.name.replace("_", "-")
        if isinstance(field.default, bool):
            command = click.option(f"{flag}/--no-{flag[2:]}", field.name, default=None, help=describe(field))(command)
        else:
            command = click.option(flag, field.name, metavar="VALUE", help=describe(field))(command)
    return command


@click.command("phantom")
@click.option("-o", "--out", required=True, metavar="FILE", help="TIFF to write; the truth is written beside it.")
@click.option("--size", type=int, metavar="N", help="A cube of N voxels: depth, height and width at once.")
@click.option("--config", metavar="FILE", help="Settings as TOML with a section [phantom].")
@click.option("--overwrite", is_flag=True, help="Replace the files when they are there.")
@click.option("--memory", metavar="SIZE", help="Memory cap such as 4GiB; default half of what is free.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Threads; default all processors.")
@_options
@verbosity_options
def command(
    out: str,
    size: int | None,
    config: str | None,
    overwrite: bool,
    memory: str | None,
    workers: int | None,
    verbosity: int,
    **given: str | bool | None,
) -> None:
    """Make a synthetic powder: grey volume, label truth, void truth and tables of what is true.

    Defaults: a mixed powder at the contrast of a nano-CT study of single-crystal cathode particles. The same settings
    give the same bytes, whatever the memory and the workers.
    """
    from ..ground.errors import OutputError
    from ..ground.units import parse_bytes
    from ..pipeline.memory_plan import DEFAULT_SHARE, free_memory, machine_workers

    show_log(verbosity)
    values: dict[str, Any] = read_toml(Path(config)).get(PhantomOptions.section, {}) if config else {}
    if size is not None:
        values |= {"depth": size, "height": size, "width": size}
    values |= {name: value for name, value in given.items() if value is not None}
    options = PhantomOptions.from_mapping(values)
    if Path(out).exists() and not overwrite:
        raise OutputError(f"{out} is already there; choose another name with -o, or give --overwrite")
    cap = parse_bytes(memory) if memory else int(DEFAULT_SHARE * free_memory())
    # imported late: a setting that is refused must not wait for the kernels
    from ..truth.phantom.drawing import write_drawn

    drawn, files = write_drawn(options, out, cap, workers or machine_workers())
    if verbosity >= 0:
        click.echo(f"{len(drawn.table):,} particles, {len(drawn.void_table):,} voids, {drawn.solid:.1%} solid")
        for file in files:
            click.echo(f"  {file}")
