"""What readers are asked and what they answer: a location, a request, the formats of a family, what was found."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..ground.errors import InputError, UserError
from .silence import quiet_libraries
from .stated import Stated
from .volume import Source


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
    except Exception as error:  # there is hardly a kind that libraries do not raise on damaged headers
        raise InputError(
            f"{path.name} cannot be read as {kind.name} ({reason_of(error)}): it is damaged or truncated, copy it again"
        ) from error


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
