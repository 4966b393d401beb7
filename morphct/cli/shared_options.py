"""The options that `run`, `measure`, `inspect`, `check` and `batch` share, made from the settings they stand for."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import click

from ..descriptors.options import DescriptorOptions
from ..ground.options import Options
from ..pipeline.settings import InputOptions, OutputOptions, QcOptions, RunOptions, Settings, describe
from .entry import record_of
from .terminal import show_log

# flag -> section and field; help, kind and default come from the field
_FLAGS: dict[str, tuple[type[Options], str]] = {
    "--voxel-size": (InputOptions, "voxel_size"),
    "--axes": (InputOptions, "axes"),
    "--crop": (InputOptions, "crop"),
    "--raw-shape": (InputOptions, "raw_shape"),
    "--raw-dtype": (InputOptions, "raw_dtype"),
    "--raw-offset": (InputOptions, "raw_offset"),
    "--follow-links": (InputOptions, "follow_links"),
    "--channel": (InputOptions, "channels"),
    "--compat": (DescriptorOptions, "compat"),
    "--labels-tif": (OutputOptions, "labels_tif"),
    "--tables-only": (OutputOptions, "tables_only"),
    "--memory": (RunOptions, "memory"),
    "--workers": (RunOptions, "workers"),
    "--scratch": (RunOptions, "scratch"),
    "--scheduler": (RunOptions, "scheduler"),
    "--cluster": (RunOptions, "cluster"),
    "--resume": (RunOptions, "resume"),
    "--overwrite": (RunOptions, "overwrite"),
    "--strict": (QcOptions, "strict"),
}
_METAVARS = {
    "voxel_size": "LENGTH",
    "raw_offset": "BYTES",
    "memory": "SIZE",
    "workers": "N",
    "scratch": "DIR",
    "scheduler": "ADDRESS",
    "cluster": "QUEUE",
    "crop": "RANGES",
    "channels": "NAME=FILE",
    "compat": "WORD",
}


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the shared options; it is called with `settings`, `shown` and `quiet` in their place.

    `shown` says whether to tell progress, `quiet` whether to print nothing at the end.
    """

    @functools.wraps(command)
    def call(config: str | None, overrides: tuple[str, ...], phase: str | None, verbosity: int, **values: Any) -> Any:
        given = {flag: values.pop(_parameter(flag)) for flag in _FLAGS}
        silent = values.pop("no_progress")
        show_log(verbosity)
        settings = Settings.from_toml(config) if config else Settings()
        texts = [
            f"{_name(flag)}={str(value).lower() if value is True else value}"
            for flag, value in given.items()
            if value and not isinstance(value, tuple)
        ]
        texts += [f"threshold.phase={phase}"] if phase is not None else []
        settings = settings.with_overrides([*overrides, *texts])
        for flag, value in given.items():
            if value and isinstance(value, tuple):  # not by a text: there may be commas in it
                options, name = _FLAGS[flag]
                changed = dataclasses.replace(getattr(settings, options.section), **{name: value})
                settings = dataclasses.replace(settings, **{options.section: changed})
        quiet = verbosity < 0
        _remember(values.get("out"))
        return command(settings=settings, shown=not silent and not quiet, quiet=quiet, **values)

    decorators = [*map(_option, _FLAGS), *_others(), verbosity_options]
    return functools.reduce(lambda wrapped, decorate: decorate(wrapped), reversed(decorators), call)


def verbosity_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`-v` and `-q` as one number, `verbosity`: -1 quiet, 0 as it comes, 1 and 2 with log lines."""

    @functools.wraps(command)
    def call(verbose: int, quiet: bool, **values: Any) -> Any:
        return command(verbosity=-1 if quiet else verbose, **values)

    call = click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")(call)
    return click.option("-v", "--verbose", count=True, help="Log lines on stderr; -vv for all of them.")(call)


def _remember(out: str | None) -> None:
    """Tell `entry.main` where the log of this command is."""
    facts = click.get_current_context().find_object(dict)
    if facts is not None and out:
        facts |= {"out": out, "record": record_of(out)}


def _others() -> list[Callable[..., Any]]:
    return [
        click.option("--config", metavar="FILE", help="Settings as TOML (see `morphct init`)."),
        click.option(
            "--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE", help="One setting; may be repeated."
        ),
        # its options class would bring the kernels along
        click.option(
            "--phase", metavar="VALUE", help="Value of the particles in a segmented volume [threshold.phase]."
        ),
        click.option(
            "--no-progress", is_flag=True, help="Tell no progress: no bars on a terminal, no lines elsewhere."
        ),
    ]


def _parameter(flag: str) -> str:
    return "set_" + flag.lstrip("-").replace("-", "_")


def _name(flag: str) -> str:
    options, field = _FLAGS[flag]
    return f"{options.section}.{field}"


def _option(flag: str) -> Callable[..., Any]:
    options, name = _FLAGS[flag]
    field = next(f for f in dataclasses.fields(options) if f.name == name)
    help = f"{describe(field)} [{_name(flag)}]"
    if isinstance(field.default, bool):
        return click.option(flag, _parameter(flag), is_flag=True, help=help)
    metavar, several = _METAVARS.get(name, "TEXT"), isinstance(field.default, tuple)
    return click.option(flag, _parameter(flag), metavar=metavar, multiple=several, help=help)
