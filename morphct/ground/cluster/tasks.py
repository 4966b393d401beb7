"""What travels to a worker and what it does there: a task is the path of a call and an item, and is done once.

A call is one map over items. Its function, bound to volumes that reopen their files by path, is written once into a
file on the shared disk; a task carries the path of that file and its item, so nothing of it is lost with a worker.
"""

import pickle
import uuid
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import ClusterError
from ..redo import run_once
from .identity import stamp

CALLS_KEPT = 2  # functions that a worker keeps loaded: stages go over the volume one after the other, or two together


def write_call(folder: Path, function: Callable[[Any], Any]) -> Path:
    """Write a function into a new file of `folder`.

    Raises
    ------
    TypeError
        When it cannot be pickled: a closure, or bound to something that lives in this process.
    """
    path = folder / f"call-{uuid.uuid4().hex}"
    try:
        content = pickle.dumps(function, protocol=5)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(f"{function} cannot be sent to another machine: {error}") from error
    path.write_bytes(stamp().encode() + b"\n" + content)
    return path


@lru_cache(maxsize=CALLS_KEPT)
def _function(path: str) -> Callable[[Any], Any]:
    with open(path, "rb") as file:
        if file.readline().strip().decode() != stamp():
            raise ClusterError(
                "a worker that came later has another version of morphct, or other libraries; start all workers from "
                "one installation, and give --resume"
            )
        return pickle.load(file)


def note_of(call: Path, number: int) -> Path:
    """The file that keeps what a task changes in place."""
    return call.with_name(f"{call.name}-{number}")


def do(path: str, number: int, item: Any) -> Any:
    """Run a task on a worker.

    Parameters
    ----------
    path : str
        Of the call's file, as `write_call` gives it.
    number : int
        Of the item.
    item : object
        A brick, a batch of labels.
    """
    try:
        function = _function(path)
    except FileNotFoundError as error:
        raise ClusterError(
            f"a worker cannot read {path}, on which all must work; start workers where the folder of the run is seen "
            "under the same path, or name one that all see with --scratch DIR"
        ) from error
    return run_once(lambda: function(item), note_of(Path(path), number))
