"""The page of a run: self-contained, made from the run folder alone."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...ground.units import format_bytes
from ...results.population import numbers
from .. import figures
from . import chosen, doubtful, pictures, tables, trust, words

if TYPE_CHECKING:
    import jinja2

    from ...results.run_folder import RunFolder
    from ..figures import MidPlanes

PAGE = "report.html"
Glossary = Sequence[Mapping[str, str]]


def write(
    run: "RunFolder",
    grey: "MidPlanes | None" = None,
    glossary: Glossary | None = None,
    shown: Sequence[pictures.Shown] | None = None,
) -> None:
    """Draw the figures of a run and write `figures/*.png` and `report.html` into its folder.

    Parameters
    ----------
    run : RunFolder
        Tables, summary and `run.json` must be there; pictures in `renders/` are shown when they are.
    grey : MidPlanes, optional
        The middle planes of the grey volume for the figure of slices; without them an older one in the folder is kept.
    glossary : sequence of mapping, optional
        Definitions of the columns (`descriptors.glossary`); that of this version when not given.
    shown : sequence of Shown, optional
        What `draw` gave for this run, when the figures are drawn already.

    Raises
    ------
    OutputError
        When the folder cannot be written.
    """
    run.files.text(PAGE, page(run, draw(run, grey) if shown is None else shown, glossary))


def draw(run: "RunFolder", grey: "MidPlanes | None" = None) -> list[pictures.Shown]:
    """Draw the figures of a run and write `figures/*.png`; parameters and errors as of `write`.

    Returns
    -------
    list of Shown
        The figures as they stand on the page.
    """
    shown = []
    for entry in figures.FIGURES:
        kept = run.path / f"figures/{entry.name}.png"
        if entry.name == "slices" and grey is None and kept.exists():
            shown.append(pictures.Shown(entry, *pictures.kept_figure(kept)))
            continue
        figure = figures.slices(run, grey) if entry.name == "slices" else entry.draw(run)
        if figure is not None:
            content = figures.png(figure)
            run.files.data(f"figures/{entry.name}.png", content)
            shown.append(pictures.Shown(entry, *pictures.drawn_figure(figure, entry.vector, content)))
    return shown


def page(run: "RunFolder", shown: Sequence[pictures.Shown], glossary: Glossary | None = None) -> str:
    """The page as text, with these figures in it."""
    summary, found = run.summary, run.threshold
    return environment().get_template("run.html.j2").render(
        version=run.provenance.get("version", __version__),
        name=run.name,
        facts=facts(run),
        verdict=words.verdict(summary),
        warnings=_warnings(run),
        notes=_notes(run),
        tiles=tiles(summary),
        limits=[_limit(v, run.unit) for v in summary.get("qc", [])],
        renders=_renders(run),
        figures=[s for s in shown if s.entry.section == "particles"],
        grey_figures=[s for s in shown if s.entry.section == "grey"],
        trust_figures=[s for s in shown if s.entry.section == "trust"],
        trust=trust.story(run),
        trusted=trust.table(run),
        doubtful=doubtful.story(run),
        cards=doubtful.cards(run),
        moves=doubtful.moves(summary),
        moved_by=doubtful.moved_by(summary),
        grey=words.grey_story(found),
        unreliable=found.get("reliable") is False,
        medians=tables.medians(summary),
        weighted=bool(tables.uncorrected(summary)),
        sizes=tables.sizes(summary),
        stories=[text for text in (words.border_story(summary), words.size_story(summary)) if text],
        chosen=chosen.table(run, labels) if (labels := chosen.kept(run)) else None,
        particles=tables.particles(run),
        voids=tables.voids(run),
        aggregates=tables.aggregates(run),
        definitions=definitions(run, glossary),
        crosswalk=elsewhere(run),
        provenance=provenance(run),
        settings=_settings(run),
    )  # fmt: skip


def environment() -> "jinja2.Environment":
    """Where templates are found; everything is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("morphct.views.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["ticks"] = words.ticks
    environment.filters["formula"] = words.formula
    return environment


def facts(run: "RunFolder") -> list[tuple[str, str]]:
    """What was looked at: names and values for the head of the page."""
    source = run.provenance.get("input", {})
    shape = source.get("shape") or []
    size = run.voxel_size
    rows = [("volume", str(source.get("path", "")).replace("\\", "/").rsplit("/", 1)[-1])]
    if shape:
        edges = " × ".join(f"{n * e:.4g}" for n, e in zip(shape, size.spacing))
        physical = f" = {edges} µm (z, y, x)" if run.unit == "um" else " (z, y, x)"
        rows.append(("size", " × ".join(f"{n:,}" for n in shape) + " voxels" + (physical if shape else "")))
    rows.append(("voxel", f"{size}" + (f", from {size.source}" if size.source else "")))
    made = str(run.provenance.get("started", ""))[:16].replace("T", " ")
    version = run.provenance.get("version", __version__)
    rows.append(("made", f"{made}, morphct {run.provenance.get('command', 'run')}, version {version}"))
    return [(name, value) for name, value in rows if value]


def tiles(summary: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The numbers asked for first: (what, value, interval and the particles it is of)."""
    unit, row = words.unit_word(summary.get("unit", "um")), numbers(dict(summary))
    size = summary.get("size", {})
    found = [("particles", f"{int(row['n_particles']):,}", f"{words.number(row['n_interior'])} whole")]
    for weight in ("number", "volume"):
        d50 = size.get(f"by_{weight}", {}).get("d50", {})
        about = words.interval_of(d50, size)
        found.append((f"D50 by {weight}", f"{words.number(d50.get('value'))} {unit}", about))
    for name, label in (("void_fraction", "void fraction"), ("porous_fraction", "porous particles"),
                        ("aggregate_fraction", "in aggregates")):  # fmt: skip
        share = summary.get(name, {})
        found.append((label, words.percent(share.get("value")), words.interval_of(share, share, words.percent)))
    return found


def _warnings(run: "RunFolder") -> list[str]:
    """The sentences that could change a conclusion."""
    return [text[:1].upper() + text[1:] for text in run.provenance.get("warnings", [])]


def _notes(run: "RunFolder") -> list[str]:
    """What else was noticed."""
    return [text[:1].upper() + text[1:] for text in run.provenance.get("notes", [])]


def _limit(verdict: Mapping[str, Any], unit: str) -> dict[str, Any]:
    name, unit_text = tables.head(verdict["name"], unit)
    low, high = verdict.get("min"), verdict.get("max")
    allowed = f"{words.number(low)} to {words.number(high)}"
    if high is None:
        allowed = f"{words.number(low)} and above"
    elif low is None:
        allowed = f"{words.number(high)} and below"
    label = f"{name} ({unit_text})" if unit_text else name
    return {"name": label, "value": words.number(verdict["value"]), "allowed": allowed, "passed": verdict["passed"]}


def _renders(run: "RunFolder") -> list[tuple[str, str]]:
    """Pictures in the order in which they are to be looked at: (caption, address)."""
    captions = {
        "population_diameter": "All particles, coloured by equivalent diameter.",
        "population_class": "All particles by class: single, porous (void fraction above the limit in the settings), "
        "or part of an aggregate. Counts are of all, those that the border cuts among them.",
    }
    found = []
    for path in sorted((run.path / "renders").glob("*.png"), key=lambda p: (p.stem not in captions, p.stem)):
        text = captions.get(path.stem)
        if text is None:
            text = f"Particle {path.stem.removeprefix('particle_')}, its voids seen through the solid."
        found.append((text, pictures.photo(path)))
    # the population by size comes before the population by class
    return sorted(found, key=lambda item: not item[0].endswith("diameter."))


def definitions(run: "RunFolder", glossary: Glossary | None) -> list[tuple[str, list[Mapping[str, str]]]]:
    """Per table, the glossary's rows of the columns that this run has in it."""
    if glossary is None:
        from ...descriptors.glossary import glossary as of_this_version

        measured = run.channels
        channels = () if measured is None else tuple(dict.fromkeys(measured["channel"]))
        glossary = of_this_version(run.unit, channels)
    there = {
        name: {*frame.columns, frame.index.name}
        for name, frame in (("particles", run.particles), ("voids", run.voids), ("aggregates", run.aggregates))
    }
    found = {
        table: [row for row in glossary if row.get("table") == table and row.get("name") in columns]
        for table, columns in there.items()
    }
    return [(table, rows) for table, rows in found.items() if rows]


def elsewhere(run: "RunFolder") -> list[dict[str, str]]:
    """The crosswalk's words that are about columns of this run."""
    from ...descriptors import crosswalk

    endings = ("", f"_{run.unit}", f"_{run.unit}2", f"_{run.unit}3")
    there = [c.removesuffix(e) for c in run.particles.columns for e in endings if c.endswith(e)]
    return crosswalk(there)


def provenance(run: "RunFolder") -> list[tuple[str, list[tuple[str, str]]]]:
    """Groups of (name, value) on where the result comes from."""
    record = run.provenance
    source = [(k, _value(v)) for k, v in sorted(record.get("input", {}).items()) if k != "voxel_size"]
    stages = [(s["name"], f"{s['seconds']:.1f} s") for s in record.get("stages", [])]
    stages = stages or [(k, f"{v:.1f} s") for k, v in record.get("timings", {}).items()]
    peak = record.get("peak_memory")
    plan = [_planned(k, v) for k, v in record.get("plan", {}).items()]
    groups = [
        ("input", [*source, ("voxel size", f"{run.voxel_size} ({run.voxel_size.source or 'no source'})")]),
        ("time", stages),
        ("memory", [*([("peak", format_bytes(peak))] if peak else []), *plan]),
        ("versions", [(k, _value(v)) for k, v in record.get("versions", {}).items()]),
    ]
    return [(title, rows) for title, rows in groups if rows]


def _planned(name: str, value: Any) -> tuple[str, str]:
    if name.endswith("_bytes") and value is not None:
        return name.removesuffix("_bytes").replace("_", " "), format_bytes(value)
    return name.replace("_", " "), _value(value)


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(v) for v in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_value(v)}" for k, v in value.items())
    return words.DASH if value is None else str(value)


def _settings(run: "RunFolder") -> str:
    path = run.path / "settings.toml"
    if path.exists():
        return path.read_text(encoding="utf-8").strip()
    lines = []
    for section, values in run.provenance.get("settings", {}).items():
        lines += [f"[{section}]", *(f"{k} = {v!r}" for k, v in values.items() if v is not None), ""]
    return "\n".join(lines).strip()
