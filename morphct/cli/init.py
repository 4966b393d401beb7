"""`morphct init`: every setting as a commented TOML file."""

from pathlib import Path

import click


@click.command("init")
@click.option(
    "-o", "--out", default="morphct.toml", show_default=True, metavar="FILE", help="File to write; - for stdout."
)
@click.option("--overwrite", is_flag=True, help="Replace the file when it is there.")
def command(out: str, overwrite: bool) -> None:
    """Write every setting with its default, unit, legal values and meaning as a TOML file.

    Change what you need, delete what you do not, and give it as --config FILE.
    """
    from ..ground.errors import OutputError
    from ..pipeline.settings import Settings

    text = Settings().to_toml(commented=True)
    if out == "-":
        click.echo(text, nl=False)
        return
    path = Path(out)
    if path.exists() and not overwrite:
        raise OutputError(f"{out} is already there; choose another name with -o, or give --overwrite")
    path.write_text(text, encoding="utf-8")
    click.echo(f"{out} written; use it as: morphct run VOLUME -o OUT --config {out}")
