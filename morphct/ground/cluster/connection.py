"""A dask scheduler found, its workers looked at, and the map over them: results in order, lost work done again."""

import logging
import socket
import time
import uuid
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from .. import plane_file
from ..errors import ClusterError, MissingLibraryError
from . import queues, tasks, workers

T = TypeVar("T")
R = TypeVar("R")

ANSWER_SECONDS = 10  # that a scheduler is waited for
ALONE_SECONDS = 60  # without any worker, before that is told
TASKS_A_THREAD = 2  # sent ahead, so that a worker never waits for the next one
WORKER_SHARE = 0.6  # of a worker's memory limit that a plan may use: dask holds a worker up at .8 of it
log = logging.getLogger("morphct")


class Cluster:
    """A map over the workers of a scheduler.

    Parameters
    ----------
    client : distributed.Client
    queued : bool
        Whether a queue gives the workers, so that new ones may come at any time.

    Attributes
    ----------
    threads : int
        Of all workers.
    workers : int
        Threads of the one that has most.
    memory : int or None
        Bytes that a plan may use on the worker that has least; None: no worker has a limit.
    """

    shared = True

    def __init__(self, client: Any, queued: bool = False) -> None:
        self.client, self.queued = client, queued
        self._folder: Path | None = None
        self.apart = False  # whether workers are on other machines
        self.address: str = client.scheduler.address
        self._look()

    def _look(self) -> None:
        found = self.client.scheduler_info(n_workers=-1)["workers"]
        threads = [int(w["nthreads"]) for w in found.values()]
        limits = [int(w["memory_limit"]) for w in found.values() if w.get("memory_limit")]
        self.addresses = list(found)
        self._seen = time.monotonic()  # when a worker was there, or was asked for
        self.threads, self.workers = max(1, sum(threads)), max([1, *threads])
        self.memory = int(WORKER_SHARE * min(limits)) if limits else None

    def meet(self, folder: Path, files: Sequence[str | Path] = ()) -> None:
        """Look at every worker: same morphct, same libraries, sees the folder and the input.

        Parameters
        ----------
        folder : path
            Of this run, on the shared disk; calls are kept there from now on.
        files : sequence of path
            Of the input.

        Raises
        ------
        ClusterError
            One sentence on a worker that cannot take part.
        """
        token, text = folder / workers.TOKEN, uuid.uuid4().hex
        token.write_text(text)
        names = workers.looked_at([str(f) for f in files])
        answers = self.client.run(workers.answer, str(token), names, on_error="return")
        workers.refuse_others(answers, str(token), text)
        self._folder = folder
        self.apart = any(said["machine"] != socket.gethostname() for said in answers.values())
        log.info("%d workers with %d threads in all", len(answers), self.threads)

    def __call__(self, function: Callable[[T], R], items: Iterable[T], /) -> Iterator[R]:
        """Apply a function to every item on the workers, results in order.

        Raises
        ------
        ClusterError
            When all workers have gone, or the scheduler has.
        """
        if self._folder is None:
            raise RuntimeError("the workers have not been met: there is no folder for calls")
        self._look()
        call = tasks.write_call(self._folder, function)
        plane_file.let_go()
        waiting: deque = deque()
        try:
            for number, item in enumerate(items):
                key = f"morphct-{call.name}-{number}"  # never one that was there before: nothing is taken for known
                waiting.append((number, self._submit(key, tasks.do, str(call), number, item)))
                if len(waiting) >= TASKS_A_THREAD * self.threads:
                    yield self._next(call, waiting)
            while waiting:
                yield self._next(call, waiting)
        finally:
            with suppress(Exception):  # the scheduler may be the one that has gone
                self.client.cancel([future for _, future in waiting], force=True)
            for left in [call, *(tasks.note_of(call, number) for number, _ in waiting)]:
                left.unlink(missing_ok=True)
            plane_file.let_go()

    def as_they_end(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Apply a function to every item, as many at a time as there are workers; what is done first comes first.

        For long work that fills a worker: the function sees to it that a worker is at one item only.

        Raises
        ------
        ClusterError
            As for the map.
        """
        if self._folder is None:
            raise RuntimeError("the workers have not been met: there is no folder for calls")
        call = tasks.write_call(self._folder, function)
        left = list(enumerate(items))[::-1]
        under_way: dict[Any, int] = {}
        try:
            while left or under_way:
                self._look()
                while left and len(under_way) < max(1, len(self.addresses)):
                    number, item = left.pop()
                    key = f"morphct-{call.name}-{number}"
                    under_way[self._submit(key, tasks.do, str(call), number, item)] = number
                done = next((future for future in under_way if future.done()), None)
                if done is None:
                    self._wait(list(under_way))
                    continue
                number = under_way.pop(done)
                yield number, self.result(done)
        finally:
            with suppress(Exception):
                self.client.cancel(list(under_way), force=True)
            call.unlink(missing_ok=True)

    def _wait(self, futures: list[Any]) -> None:
        from distributed import wait

        with suppress(TimeoutError), self.client.as_current():
            wait(futures, timeout=ANSWER_SECONDS, return_when="FIRST_COMPLETED")
        self._refuse_nobody()

    def _submit(self, key: str, function: Callable[..., Any], *values: Any) -> Any:
        return self.client.submit(function, *values, key=key, pure=False)

    def _next(self, call: Path, waiting: deque) -> Any:
        number, future = waiting[0]
        result = self.result(future)
        waiting.popleft()
        tasks.note_of(call, number).unlink(missing_ok=True)  # given for good: it is never run again
        return result

    def result(self, future: Any) -> Any:
        """Wait for a task, with an eye on whether anyone is there to do it.

        Raises
        ------
        ClusterError
            When nobody is, or the task has cost several workers.
        """
        from distributed import KilledWorker
        from distributed.client import CancelledError
        from distributed.comm import CommClosedError

        while True:
            try:
                return future.result(timeout=ANSWER_SECONDS)
            except TimeoutError:
                if future.status == "error":  # the task itself raised it; a result may be done and lost on its way
                    raise
            except KilledWorker as error:
                raise ClusterError(
                    f"a piece of work was given up after it had cost {error.allowed_failures + 1} workers, most likely "
                    "for want of memory; start workers with more of it or fewer threads, or lower --memory"
                ) from error
            except (CancelledError, CommClosedError, OSError) as error:
                if self.client.status == "running" and not isinstance(error, CancelledError):
                    raise
                raise ClusterError(
                    "the scheduler has gone in the middle of the work; start it and its workers again, and give "
                    "--resume"
                ) from error
            self._refuse_nobody()

    def _refuse_nobody(self) -> None:
        """Raise `ClusterError` when no worker has been there for a while; a queue may give one at any time."""
        now = time.monotonic()
        if self.queued or self._anyone():
            self._seen = now
        if now - self._seen > ALONE_SECONDS:
            raise ClusterError(
                f"no worker has been there for {ALONE_SECONDS} s; start some with `dask worker {self.address}`, and "
                "give --resume"
            )

    def _anyone(self) -> bool:
        try:
            return bool(self.client.scheduler_info(n_workers=1)["workers"])
        except (OSError, KeyError, TimeoutError):
            return False


@contextmanager
def connected(scheduler: str | None, queue: str | None = None, jobs: int | None = None) -> Iterator[Cluster]:
    """A map over the workers of a scheduler or of a queue, as long as the block lasts.

    Parameters
    ----------
    scheduler : str or None
        Its address, such as `tcp://host:8786`.
    queue : str or None
        Name of a queue whose jobs become workers, when there is no address.
    jobs : int, optional
        Jobs asked of the queue.

    Raises
    ------
    MissingLibraryError
        When dask is not installed.
    ClusterError
        When nobody answers, there is no worker, or the queue cannot be used.
    """
    try:
        import distributed
    except ImportError:
        raise MissingLibraryError(
            'run.scheduler needs dask, which is not installed; install it with pip install "morphct[cluster]"'
        ) from None
    warnings.filterwarnings("ignore", "(?s).*Mismatched versions", module="distributed")  # said in a sentence of ours
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it says of lost workers is no news to a user
    if queue:
        with (
            queues.started(queue, jobs or 1) as (cluster, refusals),
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            queues.wait(client, queue, refusals)
            yield Cluster(client, queued=True)
        return
    client = _client(str(scheduler))
    try:
        if not client.scheduler_info(n_workers=1)["workers"]:
            raise ClusterError(
                f"the scheduler {scheduler} has no worker; start some with `dask worker {scheduler}` on the machines "
                "that are to work"
            )
        yield Cluster(client)
    finally:
        with suppress(Exception):
            client.close(timeout=ANSWER_SECONDS)


def _client(address: str) -> Any:
    import distributed

    try:
        return distributed.Client(address, timeout=ANSWER_SECONDS, set_as_default=False, name="morphct")
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:100]
        raise ClusterError(
            f"no dask scheduler answers at {address} ({type(error).__name__}: {reason}); start one with `dask "
            "scheduler` and give its address, such as --scheduler tcp://host:8786"
        ) from None
