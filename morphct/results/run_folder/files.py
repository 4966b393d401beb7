"""Whole files: each is written under a temporary name and moved into place, so a file that exists is whole."""

import contextlib
import errno
import io
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ground import disk
from ...ground.errors import OutputError
from .spreadsheet import csv_of

if TYPE_CHECKING:
    import pandas as pd


@contextlib.contextmanager
def disk_told(folder: Path) -> Iterator[None]:
    """Turn what the disk refuses while writing into `folder` into one sentence.

    Raises
    ------
    OutputError
        For any `OSError` inside the block.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(_sentence(folder, error)) from error


def _sentence(folder: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk that holds {folder} is full; free some room there or choose another output folder with -o"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"{folder} cannot be written (read-only, or not yours); choose another output folder with -o"
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return f"{folder} cannot be a folder because a file is in its way; choose another output folder with -o"
    return f"{folder} cannot be written ({error.strerror or error}); choose another output folder with -o"


def plain(value: Any) -> Any:
    """`value` as what JSON can hold: numpy scalars and arrays unwrapped, NaN and infinities None, paths as texts."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v) for v in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


class FileWriter:
    """Writes whole files into one folder.

    Parameters
    ----------
    folder : path
        Where the files go; names may carry a subfolder (`figures/sizes.png`).
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    @contextlib.contextmanager
    def file(self, name: str) -> Iterator[Path]:
        """A temporary path to write `name` to; moved into place when the block ends well, deleted when it does not.

        Raises
        ------
        OutputError
            When the disk refuses.
        """
        target = self.folder / name
        # the ending is kept, because some writers choose their format by it
        temporary = target.with_name(f".{target.stem}.{os.getpid()}{target.suffix}")
        with disk_told(self.folder):
            disk.make_folder(target.parent)
            try:
                disk.step("write", target)
                yield temporary
                disk.move(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)

    def data(self, name: str, content: bytes) -> None:
        """Write bytes."""
        with self.file(name) as path, open(path, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def text(self, name: str, content: str) -> None:
        """Write a text as UTF-8 with line feeds."""
        self.data(name, content.encode("utf-8"))

    def json(self, name: str, content: Any) -> None:
        """Write JSON: keys sorted, NaN and infinities null, numpy values unwrapped."""
        text = json.dumps(plain(content), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        self.text(name, text + "\n")

    def table(self, name: str, frame: "pd.DataFrame", csv: bool = True) -> None:
        """Write a table as `name`.parquet (every bit) and `name`.csv (nine digits, empty = missing; named index)."""
        if csv:
            named = frame.index.name is not None
            self.text(f"{name}.csv", csv_of(frame, named))
        buffer = io.BytesIO()
        frame.to_parquet(buffer, engine="pyarrow", compression="zstd")
        self.data(f"{name}.parquet", buffer.getvalue())
