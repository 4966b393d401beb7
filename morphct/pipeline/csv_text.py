"""CSV tables as people's programs write them: encodings, separators, blank lines, newlines in cells."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..ground.errors import InputError
from ..ground.options import nearest

DELIMITERS = (",", ";", "\t", "|")
NEEDED = "path"
csv.field_size_limit(1 << 24)


@dataclass(frozen=True)
class Table:
    """A table: names of its columns, rows as (line of the file, cells), sentences on rows that are none, remarks."""

    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read(path: Path, known: Sequence[str]) -> Table:
    """Read a table whose header has a column `path`.

    Parameters
    ----------
    path : Path
    known : sequence of str
        Columns that may be written in capitals or with a blank for the underscore (`Voxel size`).

    Raises
    ------
    InputError
        When it is no text, or its header has no `path`, a column twice, or one without a name that holds something.
    """
    text, notes = decoded(path)
    lines = text.splitlines(keepends=True)
    said = lines[0].strip().strip('"').lower() if lines else ""
    skipped = 1 if said.startswith("sep=") else 0  # Excel's own line
    body = "".join(lines[skipped:])
    delimiter = (lines[0].strip().strip('"')[4:5] or "\t") if skipped else _delimiter(body, known)
    rows = _rows(body, delimiter, skipped, path)
    if not rows:
        raise InputError(f"the manifest {path} has no rows; give one row per volume below a header with a column path")
    header = [_known_name(" ".join(cell.split()), known) for cell in rows[0][1]]
    while header and not header[-1] and all(not any(c.strip() for c in cells[len(header) - 1 :]) for _, cells in rows):
        header.pop()
    _refuse_header(header, path)
    faults, kept = [], []
    for line, cells in rows[1:]:
        stripped = [cell.strip() for cell in cells]
        if not any(stripped):
            continue
        if any(stripped[len(header) :]):
            comma = " (a decimal comma, or a comma in a text, needs quotes around the cell)" if delimiter == "," else ""
            faults.append(f"line {line} has {len(stripped)} cells, the header {len(header)} columns{comma}")
            continue
        kept.append((line, tuple([*stripped, *[""] * len(header)][: len(header)])))
    return Table(tuple(header), tuple(kept), tuple(faults), notes)


def decoded(path: Path) -> tuple[str, tuple[str, ...]]:
    """The text of a file, and a remark where its encoding had to be guessed.

    UTF-8 with or without its mark, UTF-16 with or without, else the Windows encoding of western Europe.

    Raises
    ------
    InputError
        When it cannot be read or is no text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"the manifest {path} cannot be read ({error.strerror}); check its permissions") from None
    if content[:4] == b"PK\x03\x04" or content[:4] == b"\xd0\xcf\x11\xe0":
        raise InputError(f"the manifest {path} is a workbook, no CSV; save it from the spreadsheet program as CSV")
    marked = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    half = content[: len(content) // 2 * 2]
    codes = ["utf-16"] if marked else ["utf-8-sig", "cp1252"]
    if not marked and half and b"\0" in half:  # ASCII in UTF-16 has a zero in every second byte
        codes = ["utf-16-le" if half[1::2].count(0) > half[::2].count(0) else "utf-16-be"]
    for code in codes:
        try:
            text = content.decode(code)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        guessed = f"{path.name} is no UTF-8 and was read as Windows-1252 (western Europe); look at the names"
        return text, (guessed,) if code == "cp1252" else ()
    raise InputError(f"the manifest {path} is no text that can be read; save it as CSV in UTF-8")


def _rows(text: str, delimiter: str, skipped: int, path: Path) -> list[tuple[int, list[str]]]:
    """Rows that are not empty, each with the line it begins in; cells may hold newlines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, line = [], skipped + 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((line, cells))
            line = skipped + reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f'the manifest {path} cannot be read from line {line} on ({error}); is a " without its partner there?'
        ) from None
    return rows


def _delimiter(text: str, known: Sequence[str]) -> str:
    """The separator by which the header names most columns, one of them `path`."""
    header = next((line for line in text.splitlines() if line.strip()), "")

    def worth(delimiter: str) -> tuple[bool, int]:
        try:
            cells = next(csv.reader([header], delimiter=delimiter), [])
        except csv.Error:
            return False, 0
        return NEEDED in [_known_name(c.strip(), known) for c in cells], len(cells)

    return max(DELIMITERS, key=worth)


def _known_name(name: str, known: Sequence[str]) -> str:
    plain = name.lower().replace(" ", "_").replace("-", "_")
    return plain if plain in known else name


def _refuse_header(header: Sequence[str], path: Path) -> None:
    for number, name in enumerate(header, start=1):
        if not name:
            raise InputError(f"column {number} of the manifest {path} has no name; give it one in the header")
        if name in header[: number - 1]:
            raise InputError(
                f"the manifest {path} has the column {name!r} twice (columns {header.index(name) + 1} and {number}); "
                "take one out or give it another name"
            )
    if NEEDED not in header:
        raise InputError(
            f"the manifest {path} has no column {NEEDED!r}{nearest(NEEDED, header)}; it has {', '.join(header)}"
        )
