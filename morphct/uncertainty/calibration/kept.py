"""Bodies that were measured before under the very same conditions: their columns, from the user's cache folder.

A batch of bodies is known by a digest of all that decides what is measured on it: the bodies, the conditions, the
columns, the seed, the code that digitises and measures, the libraries it calls and the processor it is compiled for. So
the answer is the same to the byte whether it was kept or not. The large bodies without blur that true values are taken
from are alike for most scans, so that a new scan finds a part of its calibration done.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ...ground import user_cache
from ...kernels.jit import processor
from .conditions import Conditions
from .ladder import Specimen

PLACE = "calibration"  # in the user's cache folder
MOST_KEPT = 8000  # batches, some 2 kB each: a hundred kinds of scan
# what digitises and measures, all below this folder in the house
_SOURCES = ("descriptors", "ground", "kernels", "measurement", "segment", "truth", "uncertainty/calibration")
_LIBRARIES = ("numpy", "scipy", "numba", "llvmlite", "connected-components-3d", "edt", "scikit-image")

Columns = dict[str, np.ndarray]


@cache
def stamp() -> str:
    """Digest of the sources, libraries and processor that the columns of a body hang on."""
    package = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for folder in _SOURCES:
        for file in sorted((package / folder).rglob("*.py")):
            digest.update(f"{file.relative_to(package).as_posix()}\n".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    facts = [sys.version, sys.platform, processor(), *(_version(name) for name in _LIBRARIES)]
    digest.update("\n".join(facts).encode())
    return digest.hexdigest()


def _version(library: str) -> str:
    try:
        return f"{library} {version(library)}"
    except ModuleNotFoundError:  # `PackageNotFoundError` is one
        return library


def recalled(
    task: Callable[[list[Specimen]], Columns],
    names: Sequence[str],
    conditions: Conditions,
    seed: int,
    trials: list[Specimen],
) -> Columns:
    """The columns of a batch of bodies as they were kept, else what `task` gives, which is kept then.

    Parameters
    ----------
    task : callable
        Digitises and measures the batch: columns (len(trials),) float64 by name.
    names : sequence of str
        Columns wanted.
    conditions : Conditions
    seed : int
        Of the noise.
    trials : list of Specimen
    """
    place = user_cache.folder(PLACE)
    if place is None:
        return task(trials)
    facts = "\n".join([stamp(), repr(tuple(names)), repr(conditions), repr(seed), *map(repr, trials)])
    path = place / hashlib.sha256(facts.encode()).hexdigest()
    found = _columns(user_cache.read(path), len(trials))
    if found is None:
        found = task(trials)
        user_cache.write(path, _content(found))
    return found


def tidy() -> None:
    """Delete the oldest of what was kept when it has become too much."""
    place = user_cache.folder(PLACE)
    if place is not None:
        user_cache.keep_newest(place, MOST_KEPT)


def _content(columns: Columns) -> bytes:
    head = json.dumps(list(columns)).encode() + b"\n"
    return head + b"".join(column.astype("<f8").tobytes() for column in columns.values())


def _columns(content: bytes | None, n: int) -> Columns | None:
    """The columns that were kept; None when it is not what was written."""
    if content is None:
        return None
    head, _, body = content.partition(b"\n")
    names: Any = json.loads(head)
    values = np.frombuffer(body, "<f8").astype(np.float64)
    return dict(zip(names, values.reshape(len(names), n))) if len(names) else {}
