"""`morphct descriptors`: the glossary, and what other programs call the same."""

import json
import textwrap
from collections.abc import Sequence

import click

# heading of each column of the glossary, in the order they are printed
HEADINGS = {
    "name": "column",
    "unit": "unit",
    "definition": "definition",
    "formula": "formula",
    "source": "source",
    "range": "range",
    "smallest": "smallest meaningful size",
    "elsewhere": "elsewhere called",
}
WORDS = {
    "program": "program",
    "word": "its word",
    "meaning": "what it is there",
    "here": "here",
    "conversion": "to get here",
}
WIDTH = 110
_NOTES = {
    "channels": "for each --channel NAME=FILE",
    "compat": "with --compat morphometry",
}


@click.command("descriptors")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--markdown", is_flag=True, help="As Markdown tables.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: columns and crosswalk.")
@click.option("--unit", type=click.Choice(["um", "px"]), default="um", show_default=True, help="Unit of lengths.")
def command(names: tuple[str, ...], markdown: bool, as_json: bool, unit: str) -> None:
    """The glossary: every column of every table with unit, definition, formula, source, range and smallest meaningful
    size, and the crosswalk: what other programs call or mean by the same words, and how to get from there to here.

    NAME leaves only columns, groups or tables of that name.
    """
    from ..descriptors import crosswalk, glossary
    from ..ground.errors import SettingsError
    from ..ground.options import nearest

    rows = glossary(unit)
    known = {row[key] for row in rows for key in ("name", "group", "table")}
    for name in names:
        if name not in known:
            raise SettingsError(f"there is no column, group or table {name!r}{nearest(name, known)}")
    if names:
        rows = [row for row in rows if {row["name"], row["group"], row["table"]} & set(names)]
    words = crosswalk([row["descriptor"] for row in rows] if names else None)
    if as_json:
        click.echo(json.dumps({"columns": rows, "crosswalk": words}, ensure_ascii=False, indent=1))
        return
    for table in dict.fromkeys(row["table"] for row in rows):
        _print_table(table, [row for row in rows if row["table"] == table], markdown)
    if words:
        _print_words(words, markdown)


def _print_table(title: str, rows: list[dict[str, str]], markdown: bool) -> None:
    click.echo(f"## Columns of {title}\n" if markdown else title)
    for group in dict.fromkeys(row["group"] for row in rows):
        note = f", {_NOTES[group]}" if group in _NOTES else ""
        click.echo(f"### {group}{note}\n" if markdown else f"\n  {group}{note}")
        of_group = [row for row in rows if row["group"] == group]
        if markdown:
            _print_rows(HEADINGS, [_cells(row) for row in of_group])
        for row in [] if markdown else of_group:
            click.echo(_plain(row))
    click.echo()


def _print_words(rows: list[dict[str, str]], markdown: bool) -> None:
    click.echo("## The same words in other programs\n" if markdown else "the same words in other programs")
    for topic in dict.fromkeys(row["topic"] for row in rows):
        click.echo(f"### {topic}\n" if markdown else f"\n  {topic}")
        of_topic = [row for row in rows if row["topic"] == topic]
        if markdown:
            _print_rows(WORDS, of_topic)
            continue
        for row in of_topic:
            click.echo(f"    {row['program']}: {row['word']}")
            for line in (row["meaning"], f"here {row['here']}: {row['conversion']}".replace("`", "")):
                click.echo(_wrapped(line))


def _print_rows(headings: dict[str, str], rows: Sequence[dict[str, str]]) -> None:
    """A Markdown table."""
    click.echo("| " + " | ".join(headings.values()) + " |")
    click.echo("|---" * len(headings) + "|")
    for row in rows:
        click.echo("| " + " | ".join(row[key].replace("|", "\\|") for key in headings) + " |")
    click.echo()


def _cells(row: dict[str, str]) -> dict[str, str]:
    return row | {"name": f"`{row['name']}`", "formula": f"${row['formula']}$" if row["formula"] else ""}


def _plain(row: dict[str, str]) -> str:
    head = row["name"] + (f" [{row['unit']}]" if row["unit"] else "")
    from ..descriptors.formulas import plain

    row = row | {"formula": plain(row["formula"])}
    facts = [
        f"{HEADINGS[key]}: {row[key]}" for key in ("range", "smallest", "formula", "source", "elsewhere") if row[key]
    ]
    return "\n".join([f"    {head}", *(_wrapped(line) for line in (row["definition"], *facts) if line)])


def _wrapped(line: str) -> str:
    return textwrap.fill(line, WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 10)
