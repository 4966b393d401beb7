"""What a worker says of itself before the work begins, and the sentence on one that cannot take part."""

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ClusterError
from .identity import content, versions

TOKEN = "seen-by-all"  # a file in the folder of the run, which every worker reads
MOST_FILES_LOOKED_AT = 20  # of the input: a folder of slices may have thousands


def answer(token: str, files: Sequence[str], dask_worker: Any = None) -> dict[str, Any]:
    """What is asked of each worker; `dask_worker` is filled in there.

    Returns
    -------
    dict
        `versions`, `content` of its morphct, `token` (text of that file, None: cannot be read), `missing` (the first of
        `files` that cannot be read, None: all can), `writes` (the token's folder), `machine`.
    """
    try:
        read: str | None = Path(token).read_text()
    except OSError:
        read = None
    missing = next((name for name in files if not os.access(name, os.R_OK)), None)
    return {
        "versions": versions(),
        "content": content(),
        "token": read,
        "missing": missing,
        "writes": os.access(Path(token).parent, os.W_OK),
        "machine": socket.gethostname(),
    }


def looked_at(files: Sequence[str]) -> list[str]:
    """Some of many files, the first and the last among them."""
    step = max(1, -(-len(files) // MOST_FILES_LOOKED_AT))
    return [*files[::step], *files[-1:]]


def refuse_others(answers: Mapping[str, Any], token: str, text: str) -> None:
    """Refuse workers that would give other numbers, or do not see what all must see.

    Parameters
    ----------
    answers : address -> what `answer` gave there, or the error that came instead.
    token, text : str
        The file of the token, and what is in it.

    Raises
    ------
    ClusterError
        One sentence with the first such worker's address.
    """
    for address, said in answers.items():
        if isinstance(said, BaseException):
            raise ClusterError(
                f"the worker {address} has no morphct that can answer ({type(said).__name__}: {said}); install "
                f"morphct {versions()['morphct']} there, with the same libraries as here, and start it again"
            )
        for name, here in versions().items():
            there = said["versions"].get(name, "none")
            if there != here:
                raise ClusterError(
                    f"the worker {address} has {name} {there}, here it is {here}; install the same version there, "
                    "best the same environment on all machines, and start it again"
                )
        if said["content"] != content():
            raise ClusterError(
                f"the worker {address} has a morphct {said['versions']['morphct']} of other content than the one here; "
                "bring both to the same state and start it again"
            )
        if said["token"] != text or not said["writes"]:
            does = "cannot write in" if said["token"] == text else "does not see"
            raise ClusterError(
                f"the worker {address} {does} {Path(token).parent}, where intermediate volumes are; name a folder on a "
                "disk that all machines see under the same path with --scratch DIR"
            )
        if said["missing"] is not None:
            raise ClusterError(
                f"the worker {address} cannot read {said['missing']}; put the volume on a disk that all machines see "
                "under the same path"
            )
