"""What a killed run leaves to the one that resumes it, beside labels and voids: the envelope, particles, measurements.

They lie in the hidden folder in which a run is built; steps go when labels and voids are written. Denoising is done
again: it is quicker than its result is written and read.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from ..ground import disk
from ..ground.keeping import Damaged, Journal, keep, kept
from ..results.run_folder import RunWriter
from .checkpoint import LEAST_SECONDS_KEPT
from .job import Job
from .same_work import Request, in_words

T = TypeVar("T")
log = logging.getLogger("morphct")
ENVELOPE, PARTICLES = ".envelope.kept", ".particles.kept"
NAMES = (ENVELOPE, PARTICLES)


def results_name(request: Request) -> str:
    """Name of the file of particles measured so far: of this very work, and no other."""
    asked = json.dumps([request.facts(), request.contents], sort_keys=True, default=str)
    return f".results-{hashlib.sha256(asked.encode()).hexdigest()[:24]}.kept"


def journal(writer: RunWriter, request: Request, job: Job) -> Journal:
    """The map that measures particles, and leaves what it has found to a run that resumes this one.

    A run that is not told to resume begins a new file.
    """
    path = writer.folder / results_name(request)
    if not request.settings.run.resume:
        disk.remove(path)
    made = Journal(path, job.run_map)
    if made.damage:
        job.progress.note(f"results kept from the interrupted run are used as far as they are whole ({made.damage})")
    if made.taken_up:
        log.info("%d batches of particles taken up from the interrupted run", made.taken_up)
    return made


class KeptSteps:
    """Results of steps, taken up from a killed run or made and kept.

    Parameters
    ----------
    writer : RunWriter or None
        In whose folder they lie; None: nothing is kept.
    request : Request
        What they must be of.
    resume : bool
        Whether to take up what is there.
    """

    def __init__(self, writer: RunWriter | None = None, request: Request | None = None, resume: bool = False) -> None:
        self._writer, self._request = writer, request
        self._begun = time.monotonic()
        if not resume:
            self.clear()

    def done(self, name: str, make: Callable[[], T], job: Job) -> T:
        """The result of a step: as it was kept, else made now, and kept once a minute of work hangs on it.

        Parameters
        ----------
        name : str
            One of NAMES.
        make : callable
        job : Job
            Its scratch holds the volumes of what is taken up; its record gets the stages that need not be done.
        """
        taken = self._taken(name, job)
        if taken is not None:
            return taken[0]
        before = len(job.stages)
        made = make()
        if self._writer and self._request and time.monotonic() - self._begun >= LEAST_SECONDS_KEPT:
            with job.stage("keep for --resume", total=1):
                keep(self._writer.folder / name, (self._request.of_labels(), made, job.stages[before:]))
            self.clear(NAMES[: NAMES.index(name)])
            self._writer.worth_keeping = True
        return made

    def _taken(self, name: str, job: Job) -> tuple | None:
        if self._writer is None or self._request is None or not (self._writer.folder / name).exists():
            return None
        try:
            with job.stage("read what was kept", total=1):
                asked, found, stages = kept(self._writer.folder / name, job.scratch)
            why = in_words(self._request.differences_of_labels(asked))
        except Damaged as error:
            why = str(error)
        if why:
            job.progress.note(f"a step kept from the interrupted run is not used ({why}); it is done anew")
            self.clear((name,))
            return None
        job.stages += stages
        log.info("%s taken up from the interrupted run", name)
        return (found,)

    def clear(self, names: Sequence[str] = NAMES) -> None:
        """Take what is kept away."""
        for name in names:
            if self._writer is not None:
                disk.remove(self._writer.folder / name)
