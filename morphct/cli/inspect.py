"""`morphct inspect`: what is in a volume, before anything is computed."""

import itertools
import json
import sys
from typing import TYPE_CHECKING, Any

import click

from .shared_options import settings_options
from .telling import tell_plan, tell_volume, tell_warnings

if TYPE_CHECKING:
    from ..pipeline.settings import Settings

BAR = 48  # characters of the fullest row of the histogram
# phases from the darkest on, cividis; the last is that outside the reconstruction
COLOURS = (
    (0, 34, 78), (87, 93, 109), (165, 156, 116), (253, 231, 55), (200, 100, 60), (120, 60, 90), (60, 140, 120),
    (230, 230, 230), (0, 0, 0),
)  # fmt: skip
SIGNS = " .+#oxs@?"


@click.command("inspect")
@click.argument("volume")
@click.option(
    "--formats",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda *given: _tell_formats(*given),
    help="List the formats that are read, and what an extra would add.",
)
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON, for programs.")
@settings_options
def command(volume: str, as_json: bool, settings: "Settings", shown: bool, quiet: bool) -> None:
    """What is in VOLUME: shape, type, voxel size and where it was read, greys, peaks, noise, memory and slab plan.

    Reads a sample of it. VOLUME is a TIFF stack, a folder of slices, raw, .vol, .mhd, NRRD, .am, .npy, HDF5, Zarr,
    .txm, DICOM, MRC, NIfTI or another of those that --formats lists.
    """
    from ..pipeline.inspection import inspect

    facts = inspect(volume, settings)
    if as_json:
        click.echo(json.dumps(facts, indent=1))
        return
    tell_volume(facts["volume"])
    if "values" in facts:
        for row in facts["values"]:
            click.echo(f"value       {row['value']:g}: {row['share']:.2%} of the sample")
    else:
        _tell_grey(facts["grey"], facts["phases"])
        _tell_choice(facts["choice"])
    _tell_histogram(facts["histogram"])
    _tell_cut(
        facts["cut"], [p["name"] for p in facts["phases"]] or [f"{v['value']:g}" for v in facts.get("values", [])]
    )
    tell_plan(facts["plan"])
    tell_warnings(facts["warnings"])


def _tell_formats(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Print the formats and leave, before a volume is asked for."""
    if not wanted or context.resilient_parsing:
        return
    from ..reading import format_lines, missing_libraries

    for line in format_lines():
        click.echo(line)
    missing = missing_libraries()
    if missing:
        click.echo(f"not installed: {', '.join(missing)}; pip install 'morphct[formats]' adds them")
    context.exit()


def _tell_grey(grey: dict[str, Any], phases: list[dict[str, Any]]) -> None:
    outside = f"{grey['outside']:.1%} outside the reconstruction" if grey["outside"] else "none outside"
    click.echo(f"grey        {grey['low']:g} to {grey['high']:g} in the planes looked at, {outside}")
    sigma = ",".join(f"{s:.3g}" for s in dict.fromkeys(grey["sigma"]))
    click.echo(f"noise       sd {grey['noise_sd']:.4g}, correlation between neighbours {grey['noise_correlation']:.2f}")
    click.echo(f"filter      {grey['filter']}, sigma {sigma} voxels (z,y,x): sd {grey['sd_after']:.4g} after it")
    if grey["cnr"] is not None:
        click.echo(f"contrast    SNR {grey['snr']:.2f}, CNR {grey['cnr']:.2f}")
    for phase in phases:
        where = f"{phase['mean']:.5g}, sd {phase['sd']:.3g} after the filter"
        click.echo(f"phase       {phase['name']}: {where}, {phase['weight']:.1%} of the flat voxels")


def _tell_choice(choice: dict[str, str] | None) -> None:
    if choice is None:
        return
    if choice["reason"]:
        click.echo(f"method      {choice['method']}, because {choice['reason']}")
    else:
        click.echo("method      no phases and no two classes of grey are seen in the sample: `run` looks for a halo")


def _tell_cut(cut: dict[str, Any] | None, names: list[str]) -> None:
    """Draw the cut: two rows of cells a line, in colour on a terminal, else a sign a phase and every second row."""
    if cut is None:
        return
    rows, coloured = cut["cells"], sys.stdout.isatty()
    (y, x), step = cut["start"], cut["step"]
    click.echo(
        f"cut         plane z = {cut['plane']}, y from {y} to {y + step * len(rows)}, x from {x} to "
        f"{x + step * len(rows[0])}, each phase in its {'colour' if coloured else 'sign'}:"
    )
    if coloured:
        for upper, lower in itertools.zip_longest(rows[::2], rows[1::2], fillvalue=[-1] * len(rows[0])):
            cells = (click.style("▀", fg=COLOURS[u], bg=COLOURS[v]) for u, v in zip(upper, lower))
            click.echo("            " + "".join(cells))
    else:
        for row in rows[::2]:
            click.echo("            " + "".join(SIGNS[i] for i in row).rstrip())
    swatches = (f"{click.style('██', fg=COLOURS[i]) if coloured else repr(SIGNS[i])} {n}" for i, n in enumerate(names))
    click.echo("            " + "   ".join(swatches))


def _tell_histogram(rows: list[dict[str, Any]]) -> None:
    most = max((row["count"] for row in rows), default=0)
    for row in rows:
        bar = "#" * round(BAR * row["count"] / max(most, 1))
        mark = "  <- " + ", ".join(row["phases"]) if row["phases"] else ""
        click.echo(f"{row['grey']:>10.5g}  {bar:<{BAR}}{mark}".rstrip())
