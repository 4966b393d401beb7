"""What a command says at its end: the numbers a person asks for first, and where the rest is."""

import math
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..result import RunFolder
    from ..settings import Settings


def tell_run(folder: "RunFolder") -> None:
    """Print count, sizes and void fraction of a run, its warnings and limits, and where its files are."""
    from ..population import numbers

    found = numbers(folder.summary)
    cut = found["n_particles"] - found["n_interior"]
    click.echo(f"{found['n_particles']:,.0f} particles" + (f", {cut:,.0f} of them cut by the border" if cut else ""))
    unit = "µm" if folder.unit == "um" else "voxels"
    sizes = [_value(found[f"d{share}_number"]) for share in (10, 50, 90)]
    click.echo(f"diameter    median {sizes[1]} {unit} (D10 {sizes[0]}, D90 {sizes[2]})")
    click.echo(f"voids       {found['n_voids']:,.0f}, {_percent(found['void_fraction'])} of the particles' volume")
    click.echo(f"aggregates  {found['n_aggregates']:,.0f}")
    for verdict in folder.summary.get("qc", []):
        click.echo(_limit(verdict))
    for sentence in folder.provenance.get("warnings", []):
        click.echo(f"warning: {sentence}")
    click.echo(f"page        {folder.path / 'report.html'}")
    click.echo(f"tables      {folder.path / 'particles.csv'} (voids, aggregates beside it)")
    if (folder.path / "renders").is_dir():
        click.echo(f"pictures    {folder.path / 'renders'}")


def exit_code(folder: "RunFolder", settings: "Settings") -> int:
    """3 when a limit is broken and the settings are strict about it, else 0."""
    broken = any(not verdict["passed"] for verdict in folder.summary.get("qc", []))
    return 3 if broken and settings.qc.strict else 0


def tell_facts(facts: dict[str, Any], indent: str = "") -> None:
    """Print names and values, one a line, tables inside tables indented."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        if isinstance(value, dict):
            click.echo(f"{indent}{name}")
            tell_facts(value, indent + "  ")
        else:
            click.echo(f"{indent}{name:<{width}}  {value}")


def _limit(verdict: dict[str, Any]) -> str:
    low, high = verdict["min"], verdict["max"]
    allowed = " to ".join("" if bound is None else f"{bound:g}" for bound in (low, high)).strip()
    word = "kept" if verdict["passed"] else "BROKEN"
    return f"limit       {verdict['name']} {_value(verdict['value'])}, allowed {allowed}: {word}"


def _value(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.3g}"


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.2f} %"
