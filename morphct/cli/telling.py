"""What a command says at its end: the numbers a person asks for first, and where the rest is."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..ground.units import format_bytes, format_seconds

if TYPE_CHECKING:
    from ..pipeline.settings import Settings
    from ..results.run_folder import RunFolder


def tell_run(folder: "RunFolder", out: str) -> None:
    """Print count, sizes and void fraction of a run, its limits and warnings, and where its files are (in `out`)."""
    from ..results.population import numbers

    found = numbers(folder.summary)
    if folder.threshold.get("method") == "values":
        click.echo(f"phase       {folder.threshold['words'][0]}")
    cut = found["n_particles"] - found["n_interior"]
    click.echo(f"{found['n_particles']:,.0f} particles" + (f", {cut:,.0f} of them cut by the border" if cut else ""))
    unit = "µm" if folder.unit == "um" else "voxels"
    sizes = [_value(found[f"d{share}_number"]) for share in (10, 50, 90)]
    whom = f"; {found['n_interior']:,.0f} whole ones" if cut and found["n_interior"] else ""
    click.echo(f"diameter    median {sizes[1]} {unit} (D10 {sizes[0]}, D90 {sizes[2]}{whom})")
    opened = folder.summary.get("counts", {}).get("cut_voids", 0)
    voids = f"{found['n_voids']:,.0f} closed" + (f", {opened:,} cut by the border" if opened else "")
    click.echo(f"voids       {voids}; {_percent(found['void_fraction'])} of the volume of all particles")
    click.echo(f"aggregates  {found['n_aggregates']:,.0f}")
    _tell_grey(folder.threshold)
    for verdict in folder.summary.get("qc", []):
        click.echo(_limit(verdict))
    tell_warnings(folder.provenance.get("warnings", []))
    more = len(folder.provenance.get("notes", []))
    if more:
        click.echo(f"notes       {more} more in {Path(out) / 'morphct.log'}")
    for what, name in {"page": "report.html", "tables": "particles.csv", "pictures": "renders"}.items():
        if (folder.path / name).exists():
            click.echo(f"{what:<10}  {Path(out) / name}")
    if not (folder.path / "report.html").exists():
        click.echo(f"page        left out; `morphct report {out}` writes it")


def _tell_grey(found: dict[str, Any]) -> None:
    """Print how grey became particles: phases, method and why, smoothing; nothing for labels made elsewhere."""
    from ..views.report.words import method, phase_shares

    if not found:
        return
    shares = phase_shares(found)
    if shares:
        click.echo(f"phases      {', '.join(shares)}")
    if method(found):
        click.echo(f"level       {method(found)}")
    if filtered := (found.get("denoise") or {}).get("words"):
        click.echo(f"filter      {filtered}")


def tell_calibration(folder: "RunFolder") -> None:
    """Print from which diameter on each column of a calibrated run is within the tolerance."""
    facts = folder.calibrated
    click.echo(f"bias and spread together stay within {100 * facts['tolerance']:g} % from this many voxels across on:")
    for name, limit in sorted(facts["resolved_from_voxels"].items(), key=lambda item: (item[1] is None, item[1] or 0)):
        click.echo(f"{'never' if limit is None else f'{limit:.3g}':>7}  {name}")


def exit_code(folder: "RunFolder", settings: "Settings") -> int:
    """3 when a limit is broken and the settings are strict about it, else 0."""
    broken = any(not verdict["passed"] for verdict in folder.summary.get("qc", []))
    return 3 if broken and settings.qc.strict else 0


def tell_volume(facts: dict[str, Any]) -> None:
    """Print what a volume is (`volume.summary_of`)."""
    z, y, x = facts["shape"]
    what = facts["format"] + (f", {facts['files']} files" if facts["files"] > 1 else "")
    click.echo(f"volume      {facts['path'] or 'array'} ({what})")
    click.echo(f"shape       {z} x {y} x {x} (z, y, x), {facts['dtype']}, {format_bytes(facts['bytes'])}")
    if facts["axes"] != "zyx":
        click.echo(f"axes        {facts['axes']} in the file")
    if facts["voxel_size"]:
        edges = " x ".join(f"{edge:g}" for edge in facts["voxel_size"])
        unit = "µm" if facts["voxel_size_unit"] == "um" else "voxels"
        click.echo(f"voxel size  {edges} {unit} (z, y, x), from: {facts['voxel_size_source']}")
    else:
        click.echo("voxel size  none stated: give --voxel-size 25nm, or 75nm,25nm,25nm (z,y,x), or 1px")


def tell_plan(plan: dict[str, Any]) -> None:
    """Print how the work would be cut (`memory_plan.describe`)."""
    cap, held = (format_bytes(plan[name]) for name in ("memory_cap_bytes", "in_memory_bytes"))
    bricks, planes, rows = (plan[name] for name in ("bricks", "brick_planes", "brick_rows"))
    click.echo(f"plan        {bricks} bricks of {planes} planes and {rows} rows, {plan['workers']} workers")
    click.echo(f"memory      cap {cap}; intermediate volumes may hold up to {held} of it")
    memory, scratch, output = (
        format_bytes(plan[name]) for name in ("memory_bytes", "scratch_disk_bytes", "output_bytes")
    )
    click.echo(f"foretold    about {format_seconds(plan['seconds'])}, by {plan['rates_from']}")
    click.echo(f"            up to {memory} of memory, {scratch} of scratch on disk, {output} of results")


def tell_warnings(sentences: Iterable[str]) -> None:
    """Print warnings, one a line."""
    for sentence in sentences:
        click.echo(f"warning: {sentence}")


def _limit(verdict: dict[str, Any]) -> str:
    low, high = verdict["min"], verdict["max"]
    allowed = " to ".join("" if bound is None else f"{bound:g}" for bound in (low, high)).strip()
    word = "kept" if verdict["passed"] else "BROKEN"
    return f"limit       {verdict['name']} {_value(verdict['value'])}, allowed {allowed}: {word}"


def _value(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.3g}"


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.2f} %" if value > 0.001 else f"{100 * value:.2g} %"
