"""`morphct descriptors`: the glossary."""

import textwrap

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


@click.command("descriptors")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--markdown", is_flag=True, help="As Markdown tables.")
@click.option("--unit", type=click.Choice(["um", "px"]), default="um", show_default=True, help="Unit of lengths.")
def command(names: tuple[str, ...], markdown: bool, unit: str) -> None:
    """The glossary: every column of every table with unit, definition, formula, source and smallest meaningful size.

    NAME leaves only columns, groups or tables of that name.
    """
    from ..descriptors import glossary
    from ..errors import SettingsError
    from ..options import nearest

    rows = glossary(unit)
    known = {row[key] for row in rows for key in ("name", "group", "table")}
    for name in names:
        if name not in known:
            raise SettingsError(f"there is no column, group or table {name!r}{nearest(name, known)}")
    if names:
        rows = [row for row in rows if {row["name"], row["group"], row["table"]} & set(names)]
    for table in dict.fromkeys(row["table"] for row in rows):
        _print_table(table, [row for row in rows if row["table"] == table], markdown)


def _print_table(title: str, rows: list[dict[str, str]], markdown: bool) -> None:
    click.echo(f"## {title}\n" if markdown else title)
    if markdown:
        click.echo("| " + " | ".join(HEADINGS.values()) + " |")
        click.echo("|---" * len(HEADINGS) + "|")
    for group in dict.fromkeys(row["group"] for row in rows):
        if not markdown:
            click.echo(f"\n  {group}")
        for row in (row for row in rows if row["group"] == group):
            click.echo(_markdown(row) if markdown else _plain(row))
    click.echo()


def _markdown(row: dict[str, str]) -> str:
    cells = dict(row)
    cells["name"] = f"`{row['name']}`"
    cells["formula"] = f"${row['formula']}$" if row["formula"] else ""
    return "| " + " | ".join(cells[key].replace("|", "\\|") for key in HEADINGS) + " |"


def _plain(row: dict[str, str]) -> str:
    head = row["name"] + (f" [{row['unit']}]" if row["unit"] else "")
    facts = [
        f"{HEADINGS[key]}: {row[key]}" for key in ("range", "smallest", "formula", "source", "elsewhere") if row[key]
    ]
    lines = [row["definition"], *facts]
    wrapped = [textwrap.fill(line, 110, initial_indent=" " * 8, subsequent_indent=" " * 10) for line in lines if line]
    return "\n".join([f"    {head}", *wrapped])
