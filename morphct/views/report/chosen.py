"""Chosen particles side by side, as in the reference study's Table S1: size, ellipticities, sphericity, roundness.

The study took S and R on silhouettes, so theirs is the column `S`; `S 3D` and `R 3D` are what it says in three
dimensions. The file `particles_table.csv` holds the same cells with all digits under the names of the columns.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...ground.errors import InputError
from ...results.run_folder import csv_of
from .tables import Table, cell
from .words import DASH, unit_word

if TYPE_CHECKING:
    import pandas as pd

    from ...results.run_folder import RunFolder

FILE = "particles_table.csv"
# column -> heading, in the study's order; what a run does not have is left out
LAYOUT = {
    "equivalent_diameter_{u}": "eq. diameter",
    "ellipticity_yx": "e_yx",
    "ellipticity_zx": "e_zx",
    "ellipticity_zy": "e_zy",
    "sphericity_silhouette": "S",
    "sphericity": "S 3D",
    "roundness": "R",
    "roundness_3d": "R 3D",
    "void_fraction": "void fraction",
    "class": "class",
}


def parse_labels(text: str) -> list[int]:
    """Labels of `6,2,1,7`.

    Raises
    ------
    InputError
        When it is no list of whole numbers.
    """
    parts = [part.strip().lstrip("#") for part in text.replace(";", ",").split(",") if part.strip()]
    if not parts or not all(part.isdecimal() for part in parts):
        raise InputError(f"--particles {text!r} is no list of labels; give whole numbers with commas, such as 6,2,1,7")
    return list(dict.fromkeys(int(part) for part in parts))


def write(run: "RunFolder", labels: Sequence[int]) -> "pd.DataFrame":
    """Write `particles_table.csv` of these particles into the run folder, and return its table.

    Raises
    ------
    InputError
        When a label is none of the run's.
    """
    frame = run.particles
    for label in labels:
        if label not in frame.index:
            span = f"{frame.index.min()} to {frame.index.max()}" if len(frame) else "none"
            raise InputError(
                f"particle {label} is not in {run.path}, whose {len(frame):,} labels run from {span}; choose among them"
            )
    names = [name for name in (c.format(u=run.unit) for c in LAYOUT) if name in frame.columns]
    found = frame.loc[list(labels), names]
    run.files.text(FILE, csv_of(found))
    return found


def kept(run: "RunFolder") -> list[int]:
    """Labels in the run's `particles_table.csv` that the run still has; none without the file."""
    path = run.path / FILE
    if not path.is_file():
        return []
    first = [line.split(",", 1)[0] for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    return [int(label) for label in first if label.isdecimal() and int(label) in run.particles.index]


def table(run: "RunFolder", labels: Sequence[int]) -> Table:
    """The same as texts: a row for each particle."""
    names = {c.format(u=run.unit): heading for c, heading in LAYOUT.items() if c.format(u=run.unit) in run.particles}
    heads = [("particle", ""), *((h, unit_word(run.unit) if h == "eq. diameter" else "") for h in names.values())]
    chosen = run.particles.loc[list(labels), list(names)]
    rows = [
        [f"#{label}", *(cell(value) or DASH for value in row)] for label, row in zip(labels, chosen.to_numpy(object))
    ]
    return Table(heads, rows, len(rows))


def text(found: Table) -> str:
    """A table as aligned lines."""
    heads = [f"{name} [{unit}]" if unit else name for name, unit in found.heads]
    widths = [max(len(row[i]) for row in [heads, *found.rows]) for i in range(len(heads))]
    lines = ["  ".join(value.rjust(width) for value, width in zip(row, widths)) for row in [heads, *found.rows]]
    return "\n".join(line.rstrip() for line in lines)
