"""Samples of a batch on the workers of a cluster, one at a time on each, where that beats bricks over all of them."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..ground.cluster.workers import TOKEN
from ..ground.errors import ClusterError, MemoryCapError, UserError
from ..ground.scratch import PLAIN_VOXEL_BYTES, Scratch
from ..reading import open_volume
from .memory_plan import plan_of
from .settings import Settings

if TYPE_CHECKING:
    from ..ground.cluster.connection import Cluster

LOOK_SECONDS = 5.0
_alone = threading.Lock()  # of a worker's threads


@dataclass(frozen=True)
class Errand:
    """A sample for a worker: the volume, its folder, its settings, its name, and whether it replaces an older run."""

    path: str
    folder: str
    settings: Settings
    called: str
    overwrite: bool


def one_each(cluster: "Cluster", errands: Sequence[Errand]) -> bool:
    """Whether a sample a worker is quicker: as many wait as there are workers, and each fits a worker's memory."""
    if len(errands) < len(cluster.addresses):
        return False
    for errand in errands:
        try:
            volume = open_volume(errand.path, **errand.settings.input.reading)
            plan = plan_of(volume.shape, errand.settings.run, cluster)
        except MemoryCapError:
            return False
        except (UserError, OSError):  # told when its turn comes
            continue
        if plan.scratch < PLAIN_VOXEL_BYTES * volume.size:
            return False
    return True


def run_apart(
    cluster: "Cluster", errands: Sequence[Errand], out: Path, attempt: Callable[..., tuple[bool, str]]
) -> Iterator[tuple[int, bool, str]]:
    """Run samples on the workers.

    Parameters
    ----------
    errands : sequence of Errand
    out : path
        Folder of the batch.
    attempt : callable
        Runs one: takes an errand and progress, gives whether there is a run, and the sentence why not.

    Yields
    ------
    tuple
        The number of an errand that is done, and what `attempt` gave.
    """
    memory = f"{cluster.memory >> 20}MiB" if cluster.memory else None
    sent = []
    for errand in errands:
        own = errand.settings.run
        # a cap that was asked for counts on the worker too
        own = replace(own, scheduler=None, cluster=None, workers=cluster.workers, memory=own.memory or memory)
        path = os.path.join(os.getcwd(), os.path.expanduser(errand.path))
        sent.append(replace(errand, path=path, settings=replace(errand.settings, run=own)))
    shared = errands[0].settings.run.scratch or out
    with Scratch(shared, shared=True) as scratch:
        cluster.meet(scratch.folder, [file for e in sent if os.path.exists(file := e.path.partition("::")[0])])
        task = partial(_on_a_worker, str(scratch.folder), attempt)
        for number, (made, sentence) in cluster.as_they_end(task, sent):
            yield number, made, sentence


def _on_a_worker(folder: str, attempt: Callable[..., tuple[bool, str]], errand: Errand) -> tuple[bool, str]:
    """Run a sample when no other is under way in this process; what is done is noted, should the answer be lost."""
    note = Path(folder) / f"done-{Path(errand.folder).name}"
    with _alone:
        if not note.exists():
            made, sentence = attempt(errand, Watch(Path(folder) / TOKEN))
            draft = note.with_suffix(f".{os.getpid()}")
            draft.write_text(f"{int(made)}{sentence}", encoding="utf-8")
            os.replace(draft, note)
        text = note.read_text(encoding="utf-8")
    return text[0] == "1", text[1:]


class Watch:
    """Progress on a worker, which ends the work when the batch that asked for it has ended.

    Parameters
    ----------
    token : path
        Is there as long as the batch is.
    """

    def __init__(self, token: Path) -> None:
        self._token, self._looked = token, time.monotonic()

    def expect(self, stages: Mapping[str, float]) -> None:
        """Nothing: nobody sees it."""

    def stage(self, name: str, total: int, voxels: int = 0) -> None:
        """Look whether anyone still waits."""
        self._look()

    def advance(self, n: int = 1) -> None:
        """Look whether anyone still waits."""
        self._look()

    def note(self, text: str) -> None:
        """Nothing: it is in the log."""

    def _look(self) -> None:
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        if not self._token.exists():
            raise ClusterError("the batch has ended, and this sample with it")
