"""The page of a batch: a row per sample, distributions laid over each other, and why a sample failed."""

import html
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
from markupsafe import Markup

from ... import __version__
from ...results.population import interior, numbers
from ...results.run_folder import FileWriter
from .. import figures
from . import pictures, words
from .page import environment

if TYPE_CHECKING:
    from ...results.run_folder import RunFolder

PAGE = "batch.html"
BAR, SPARK = (112, 18), (100, 26)  # pixels of an interval bar and of a small distribution
# what is compared: number, its name, and how it is written
COMPARED = (
    ("d50_number", "D50 by number", words.number),
    ("d50_volume", "D50 by volume", words.number),
    ("sphericity", "sphericity, median", words.number),
    ("void_fraction", "void fraction", words.percent),
    ("aggregate_fraction", "in aggregates", words.percent),
)
_COLOURS = ("#0b6e8a", "#c4581a", "#3b3f8f", "#2c6e49", "#8a6d1d", "#7d4f8a", "#a3270f", "#4f5d68")


@dataclass(frozen=True)
class Row:
    """A sample of a batch.

    Parameters
    ----------
    name : str
    run : RunFolder or None
        None when the sample failed or was not run yet.
    error : str
        The sentence that says why it failed.
    facts : mapping
        Further columns of the manifest (lot, ...).
    """

    name: str
    run: "RunFolder | None" = None
    error: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


def write_batch(folder: Path | str, rows: Sequence[Row]) -> Path:
    """Write the page of a batch into a folder and return its path.

    Raises
    ------
    OutputError
        When the folder cannot be written.
    """
    folder = Path(folder)
    FileWriter(folder).text(PAGE, page(folder, rows, folder.resolve().name))
    return folder / PAGE


def page(folder: Path, rows: Sequence[Row], title: str) -> str:
    """The page as text; `folder` is where it will lie, for the links to the samples' pages."""
    done = [row for row in rows if row.run is not None]
    failed = [row for row in rows if row.run is None and row.error]
    waiting = [row for row in rows if row.run is None and not row.error]
    colours = [_COLOURS[i % len(_COLOURS)] for i in range(len(done))]
    units = {row.run.unit for row in done if row.run is not None}
    drawn = _drawn([row.run for row in done if row.run is not None], colours) if len(units) == 1 else []
    spans = {key: _span([_whole(row, key) for row in done]) for key, _, _ in COMPARED}
    kept = [c for c in COMPARED if any(math.isfinite(_whole(row, c[0])["value"]) for row in done)]
    unit = words.unit_word(units.pop()) if len(units) == 1 else ""
    heads = [(label, unit if key.startswith("d50") else "", spans[key], show) for key, label, show in kept]
    range_ = _log_range(done)
    return environment().get_template("batch.html.j2").render(
        version=__version__,
        title=title,
        verdict=_verdict(done, failed, waiting),
        over=json.dumps(sorted(_over(folder, rows))),
        facts=sorted({name for row in rows for name in row.facts}),
        heads=[(label, u, show(span[0]), show(span[1])) for label, u, span, show in heads],
        rows=[_line(row, folder, kept, spans, colour, range_) for row, colour in zip(done, colours)],
        failed=failed,
        waiting=waiting,
        figures=drawn,
    )  # fmt: skip


def _drawn(runs: "list[RunFolder]", colours: list[str]) -> list[tuple[str, str, str, int]]:
    """The figures of all samples together: (title, caption, address, width)."""
    found = []
    for entry in figures.FIGURES:
        figure = entry.of_batch(runs, colours) if entry.of_batch is not None else None
        if figure is not None:
            address, width = pictures.drawn_figure(figure, entry.vector)
            found.append((entry.title, entry.of_batch_caption, address, width))
    return found


def _line(
    row: Row, folder: Path, kept: Sequence[Any], spans: Mapping[str, Any], colour: str, range_: tuple[float, float]
) -> dict[str, Any]:
    """What the page says of one sample."""
    run = row.run
    assert run is not None
    limits = run.summary.get("qc", [])
    broken = [v["name"].replace("_", " ") for v in limits if not v["passed"]]
    counts = run.summary.get("counts", {})
    cells = []
    for key, _, show in kept:
        one = _whole(row, key)
        cells.append((show(one["value"]), interval_bar(one, spans[key], colour)))
    return {
        "name": row.name,
        "link": _link(run, folder),
        "facts": row.facts,
        "particles": f"{counts.get('particles', 0):,}",
        "voids": f"{counts.get('voids', 0):,}",
        "colour": colour,
        "spark": spark(run, colour, range_),
        "cells": cells,
        "limits": len(limits),
        "broken": broken,
        "warnings": [text[:1].upper() + text[1:] for text in run.provenance.get("warnings", [])],
    }


def _over(folder: Path, rows: Sequence[Row]) -> list[str]:
    """What a page is over: the run folders as addresses from it, those without by name."""
    return [row.name if row.run is None else _address(row.run, folder) for row in rows]


def _address(run: "RunFolder", folder: Path) -> str:
    return quote(os.path.relpath(run.path / "report.html", folder).replace(os.sep, "/"), errors="surrogateescape")


def _link(run: "RunFolder", folder: Path) -> str:
    """Address of a sample's page from the batch's; empty where tables alone were wanted."""
    alone = run.provenance.get("settings", {}).get("output", {}).get("tables_only", False)
    return "" if alone and not (run.path / "report.html").exists() else _address(run, folder)


def is_over_others(folder: Path | str, rows: Sequence[Row]) -> bool:
    """Whether a page in this folder is over other samples than these (or does not say so), and not to be replaced."""
    path = Path(folder) / PAGE
    if not path.exists():
        return False
    found = re.search(r'<meta name="morphct-samples" content="([^"]*)">', path.read_text("utf-8", errors="replace"))
    return found is None or html.unescape(found[1]) != json.dumps(sorted(_over(Path(folder), rows)))


def _verdict(done: Sequence[Row], failed: Sequence[Row], waiting: Sequence[Row]) -> str:
    total = len(done) + len(failed) + len(waiting)
    text = f"{words.counted(total, 'sample')}: {len(done)} measured"
    text += f", {len(waiting)} not yet" if waiting else ""
    text += f", {len(failed)} failed." if failed else ", none failed."
    judged = [r for r in done if r.run is not None and r.run.summary.get("qc")]
    if judged:
        broken = sum(any(not v["passed"] for v in r.run.summary["qc"]) for r in judged if r.run is not None)
        text += f" {broken} of {len(judged)} broke a limit." if broken else " All limits were kept."
    medians = [numbers(r.run.summary)["d50_number"] for r in done if r.run is not None]
    medians = [m for m in medians if math.isfinite(m)]
    units = {r.run.unit for r in done if r.run is not None}
    if len(medians) > 1 and len(units) == 1:
        low, high, unit = words.number(min(medians)), words.number(max(medians)), words.unit_word(units.pop())
        text += f" D50 by number runs from {low} to {high} {unit}."
    return text


def _whole(row: Row, key: str) -> dict[str, float]:
    """A compared number with its interval, from the sample's summary."""
    summary = row.run.summary if row.run is not None else {}
    if key.startswith("d50_"):
        found = summary.get("size", {}).get(f"by_{key.removeprefix('d50_')}", {}).get("d50", {})
    elif key.endswith("_fraction"):
        found = summary.get(key, {})
    else:
        column = summary.get("columns", {}).get(key, {})
        found = {"value": column.get("median"), "low": column.get("low"), "high": column.get("high")}
    return {k: math.nan if found.get(k) is None else float(found[k]) for k in ("value", "low", "high")}


def _span(found: Sequence[Mapping[str, float]]) -> tuple[float, float]:
    """A range that holds all values and intervals, a little wider."""
    ends = [v for one in found for v in one.values() if math.isfinite(v)]
    if not ends:
        return 0.0, 1.0
    low, high = min(ends), max(ends)
    pad = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
    return max(0.0, low - pad) if low >= 0 else low - pad, high + pad


def interval_bar(one: Mapping[str, float], span: tuple[float, float], colour: str) -> Markup:
    """A dot with its interval on the axis that all samples share, as SVG; empty without a value."""
    if not math.isfinite(one["value"]):
        return Markup("")
    width, height = BAR

    def at(value: float) -> float:
        return 4 + (value - span[0]) / (span[1] - span[0]) * (width - 8)

    y = height / 2
    parts = [f'<line x1="0" x2="{width}" y1="{y}" y2="{y}" stroke="currentColor" stroke-opacity=".15"/>']
    if math.isfinite(one["low"]) and math.isfinite(one["high"]):
        parts.append(
            f'<line x1="{at(one["low"]):.1f}" x2="{at(one["high"]):.1f}" y1="{y}" y2="{y}" stroke="{colour}" '
            'stroke-width="5" stroke-opacity=".4"/>'
        )
    parts.append(f'<circle cx="{at(one["value"]):.1f}" cy="{y}" r="3.6" fill="{colour}"/>')
    return _svg(width, height, "".join(parts))


def spark(run: "RunFolder", colour: str, range_: tuple[float, float]) -> Markup:
    """The size distribution by number, small, on the axis that all samples share."""
    diameter = _diameters(run)
    if len(diameter) == 0:
        return Markup("")
    width, height = SPARK
    edges = np.geomspace(range_[0], range_[1], 25)
    counts = np.histogram(diameter, edges)[0]
    step = width / len(counts)
    top = counts.max() or 1
    bars = "".join(
        f'<rect x="{i * step:.1f}" y="{height * (1 - n / top):.1f}" width="{step - 0.6:.1f}" '
        f'height="{height * n / top:.1f}"/>'
        for i, n in enumerate(counts)
        if n
    )
    return _svg(width, height, f'<g fill="{colour}" fill-opacity=".65">{bars}</g>')


def _svg(width: int, height: int, inner: str) -> Markup:
    return Markup(
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" aria-hidden="true">{inner}</svg>'
    )


def _diameters(run: "RunFolder") -> np.ndarray:
    column = f"equivalent_diameter_{run.unit}"
    if column not in run.particles.columns:
        return np.empty(0)
    values = interior(run.particles)[column].to_numpy(dtype=float, na_value=np.nan)
    return values[np.isfinite(values) & (values > 0)]


def _log_range(done: Sequence[Row]) -> tuple[float, float]:
    found = [d for row in done if row.run is not None and len(d := _diameters(row.run))]
    if not found:
        return 0.1, 10.0
    low, high = min(d.min() for d in found), max(d.max() for d in found)
    return (low, high) if high > low * 1.01 else (low / 1.1, high * 1.1)
