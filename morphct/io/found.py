"""What readers are asked and what they answer: a location, a request, the formats of a family, what was found."""

import re
import struct
import tokenize
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import InputError, UserError
from ..units import MOST_EDGE_RATIO, UNITS_UM, check_length_um, edge_ratio
from ..volume import Source
from .silence import quiet_libraries

# what libraries raise on headers that were cut or overwritten
_DAMAGE = (
    OSError,
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    MemoryError,
    SyntaxError,
    struct.error,
    tokenize.TokenError,
)


@dataclass(frozen=True)
class Location:
    """A file, folder or glob, and the dataset inside it (`file.h5::/path`)."""

    path: Path
    dataset: str | None = None


@dataclass(frozen=True)
class Request:
    """What the user says about a file that does not say it itself.

    Parameters
    ----------
    raw_shape : tuple of int, optional
        Lengths of the axes of a raw file, slowest first.
    raw_dtype : dtype, optional
        Type of its voxels, with the byte order.
    raw_offset : int
        Bytes before its first voxel.
    follow_links : bool
        Whether files outside the volume's own folder that it names may be read.
    """

    raw_shape: tuple[int, int, int] | None = None
    raw_dtype: np.dtype | None = None
    raw_offset: int = 0
    follow_links: bool = False


@dataclass(frozen=True)
class Format:
    """One file format a reader takes.

    Parameters
    ----------
    name : str
        As users call it.
    suffixes : tuple of str
        Endings of the file name, lower case, with the dot.
    words : str
        What of it is read, for help texts.
    magic : tuple of bytes
        How such a file begins; recognises a file of another name.
    extra : str
        Library of the `formats` extra it needs, "" for none.
    refused : str
        For a known format that holds no volume: what it holds and what to do, the end of a sentence.
    """

    name: str
    suffixes: tuple[str, ...]
    words: str
    magic: tuple[bytes, ...] = ()
    extra: str = ""
    refused: str = ""


@dataclass(frozen=True)
class Stated:
    """A voxel size as one place states it.

    Parameters
    ----------
    edges : tuple of float, optional
        Micrometres along the stored axes; None when it cannot be used.
    source : str
        The place, in words.
    trouble : str
        Why it cannot be used, "" when it can.
    sidecar : bool
        Stated in a file beside the volume, which goes before what the volume's own header says.
    """

    edges: tuple[float, float, float] | None
    source: str
    trouble: str = ""
    sidecar: bool = False


@dataclass(frozen=True)
class Found:
    """A file opened by its reader.

    Parameters
    ----------
    source : Source
        The voxels.
    format : str
        Name of the format.
    axes : str
        Order of the axes as far as the file says, slowest first.
    reversed : bool
        Whether the source has the axes the other way round (an array in Fortran order).
    stated : list of Stated
        Voxel sizes the file states.
    notes : list of str
        Warnings, one sentence each.
    dataset : str, optional
        The dataset that was chosen.
    files : tuple of Path
        Files that hold the voxels.
    """

    source: Source
    format: str
    axes: str = "zyx"
    reversed: bool = False
    stated: Sequence[Stated] = ()
    notes: list[str] = field(default_factory=list)
    dataset: str | None = None
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Reader:
    """A family of formats and the function that opens them."""

    formats: tuple[Format, ...]
    open: Callable[[Location, Request], Found]


def state(
    edges: Sequence[float | None],
    unit: str | None,
    source: str,
    *,
    sidecar: bool = False,
    placeholders: bool = True,
    usual: str = "",
) -> Stated:
    """A stated voxel size, checked.

    Parameters
    ----------
    edges : sequence of float or None
        One value (a cube) or three along the stored axes.
    unit : str or None
        Unit of the values as written; None or an unknown word cannot be used.
    placeholders : bool
        Whether 1/1/1 counts as "never set", as where the unit is implied by the format rather than written.
    usual : str
        Unit that programs mean where a format states none (`mm`): the sentence gives the size in it, never the run.
    """
    values = list(edges) * (3 if len(edges) == 1 else 1)
    known = [abs(v) for v in values if v is not None]
    text = ", ".join(f"{v:g}" for v in sorted(set(known))) or "nothing"
    word = (unit or "").strip()
    factor = _micrometres(word)
    trouble = ""
    if len(known) < 3:
        trouble = f"states {text} {word}".rstrip() + " for some axes only"
    elif any(v == 0 for v in known):
        trouble = "states a voxel size of zero"
    elif factor is None:
        trouble = f"states {text} without a unit of length" + (f" ({word})" if word else _in_unit(known, usual))
    elif placeholders and all(v == 1 for v in known):
        trouble = f"states 1 {word} along every axis, which is what programs write when nobody set it"
    elif not all(check_length_um(v * factor) for v in known):
        trouble = f"states {text} {word}, outside 1 nm to 100 um"
    if trouble or factor is None:
        return Stated(None, source, trouble, sidecar)
    # the last digits of products such as 6.5e-6 * 1e4 are noise that would show in every table
    a, b, c = (float(f"{v * factor:.12g}") for v in known)
    if edge_ratio((a, b, c)) > MOST_EDGE_RATIO:
        trouble = f"states {text} {word}, edges that differ {edge_ratio((a, b, c)):.3g} times (a mistaken unit?)"
        return Stated(None, source, trouble, sidecar)
    return Stated((a, b, c), source, "", sidecar)


def one_unit(edges: Sequence[float | None], units: Sequence[str | None]) -> tuple[Sequence[float | None], str | None]:
    """The same lengths in one unit: theirs when they share it, else micrometres; None when one of them is unknown."""
    if len(set(units)) == 1:
        return edges, units[0]
    factors = [_micrometres((u or "").strip()) for u in units]
    if any(f is None for f in factors):
        return edges, None
    return [None if e is None else e * f for e, f in zip(edges, factors) if f is not None], "um"


def _in_unit(edges: Sequence[float], usual: str) -> str:
    """What the edges would be in the unit that programs mean but do not write, ready to paste (z,y,x)."""
    if not usual or not all(v > 0 for v in edges):
        return ""
    for unit in (usual, "um"):
        sizes = [v * (_micrometres(unit) or 1.0) for v in edges]
        if all(check_length_um(v) for v in sizes):
            text = ",".join(f"{v:.7g}um" for v in (sizes if len(set(sizes)) > 1 else sizes[:1]))
            meant = f"in {unit}, as programs mean by it," if unit == usual else f"in {unit}"
            return f" ({meant} it is --voxel-size {text})"
    return ""


def _micrometres(word: str) -> float | None:
    """Micrometres in a unit as programs spell it (`Micron`, `nanometers`, `[n_m]`, ImageJ's escaped micro sign)."""
    word = re.sub(r"\\u00b5|\\u03bc|Âµ|Î¼", "µ", word, flags=re.IGNORECASE).strip("[]() \"'").replace("_", "")
    names = (word, word.lower(), word.lower().removesuffix("s"))
    return next((UNITS_UM[name] for name in names if name in UNITS_UM), None)


@contextmanager
def reading(path: Path, kind: Format) -> Iterator[None]:
    """While a library reads a header: what it raises on a damaged file becomes one sentence.

    Raises
    ------
    InputError
        The sentence, with the library's own words.
    """
    try:
        with quiet_libraries():
            yield
    except UserError:
        raise
    except _DAMAGE as error:
        raise InputError(
            f"{path.name} cannot be read as {kind.name} ({reason_of(error)}): it is damaged or truncated, copy it again"
        ) from error


def micrometres(unit: str) -> float | None:
    """Micrometres in a unit of length as programs spell it, None for other words."""
    return _micrometres(unit)


def reason_of(error: Exception) -> str:
    """The first line of an error, shortened."""
    lines = str(error).strip().splitlines()
    return lines[0][:100] if lines else type(error).__name__


def head_of(path: Path, count: int = 512) -> bytes:
    """The first bytes of a file.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read(count)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check its permissions and the disk") from error


def looks_like_text(head: bytes) -> bool:
    """Whether these first bytes are plain text."""
    return bool(head) and not any(b < 9 or 13 < b < 32 for b in head[:512])


def check_magic(path: Path, kind: Format) -> None:
    """Refuse a file that does not begin as its format does.

    Raises
    ------
    InputError
        One sentence.
    """
    head = head_of(path)
    if not head.startswith(kind.magic):
        what = "a text file" if looks_like_text(head) else "something else"
        raise InputError(f"{path.name} is named like a {kind.name} file but is {what}; check the path or convert it")


def check_size(path: Path, found: int, wanted: int, what: str) -> None:
    """Refuse a file shorter than its header says.

    Raises
    ------
    InputError
        One sentence with both sizes.
    """
    if found < wanted:
        raise InputError(
            f"{path.name} is truncated: it has {found:,} bytes where {what} asks for {wanted:,}; copy it again"
        )
