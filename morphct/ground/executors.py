"""Executors: each one is a `map` over independent tasks, results in the order of the items.

Tasks are module-level functions (bound with `functools.partial`) that take a slab or a batch of labels and array-likes.
On other machines (`cluster`) they are pickled, so they hand back what they find and write volumes of scratch alone.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from .errors import SettingsError

if TYPE_CHECKING:
    from .cluster.connection import Cluster

T = TypeVar("T")
R = TypeVar("R")


class RunMap(Protocol):
    """Apply a function to every item, yielding results in order."""

    def __call__(self, function: Callable[[T], R], items: Iterable[T], /) -> Iterator[R]: ...


class Threads:
    """A map over `workers` threads; kernels release the GIL.

    Work is done on `workers` items at a time, so the memory of a stage is that many slabs. As many again may have been
    done ahead of the one that is waited for, so that one long task leaves no thread idle.
    """

    shared = apart = False  # with other processes, on other machines

    def __init__(self, workers: int) -> None:
        self.workers = max(1, workers)

    def meet(self, folder: Path, files: Sequence[str | Path] = ()) -> None:
        """Nothing: all threads are here."""

    def __call__(self, function: Callable[[T], R], items: Iterable[T], /) -> Iterator[R]:
        if self.workers == 1:
            yield from map(function, items)
            return
        with ThreadPoolExecutor(self.workers) as pool:
            waiting: deque = deque()
            try:
                for item in items:
                    waiting.append(pool.submit(function, item))
                    if len(waiting) >= 2 * self.workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def as_done(self, function: Callable[[T], R], items: Sequence[T], sizes: Sequence[int], room: int) -> Iterator[R]:
        """What `function` gives for every item, as it is done; items that need much memory do not run side by side.

        Items are begun in their order, but for those that do not fit beside what is under way: what comes after goes
        first. One that needs more than all the room runs when nothing else does.

        Parameters
        ----------
        sizes : sequence of int
            Bytes that each item needs.
        room : int
            Bytes that all under way may need together.
        """
        if self.workers == 1:
            yield from map(function, items)
            return
        waiting = deque(range(len(items)))
        under_way: dict[Future[R], int] = {}
        with ThreadPoolExecutor(self.workers) as pool:
            try:
                while waiting or under_way:
                    while len(under_way) < 2 * self.workers:
                        left = room - sum(under_way.values())
                        fits = next((i for i in waiting if sizes[i] <= left or not under_way), None)
                        if fits is None:
                            break
                        waiting.remove(fits)
                        under_way[pool.submit(function, items[fits])] = sizes[fits]
                    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                        del under_way[future]
                        yield future.result()
            finally:
                for future in under_way:
                    future.cancel()


def as_done(
    run_map: RunMap, function: Callable[[T], R], items: Sequence[T], sizes: Sequence[int], room: int
) -> Iterator[R]:
    """`Threads.as_done` by any map; one that has no such method keeps the order of the items."""
    own = getattr(run_map, "as_done", None)
    return run_map(function, items) if own is None else own(function, items, sizes, room)


class Crew(RunMap, Protocol):
    """Who does the work of a run, here or on other machines.

    Attributes
    ----------
    workers : int
        Threads that share the memory of one process.
    shared, apart : bool
        Whether other processes write the volumes of scratch, and whether on other machines.
    """

    workers: int
    shared: bool
    apart: bool

    def meet(self, folder: Path, files: Sequence[str | Path] = ()) -> None:
        """Look whether all can work in `folder` on the input `files`; raises a UserError."""
        ...


@contextmanager
def many_machines(
    scheduler: str | None, queue: str | None = None, jobs: int | None = None
) -> Iterator["Cluster | None"]:
    """A map over the workers of a scheduler or a queue as long as the block lasts; None when neither is named.

    Raises
    ------
    SettingsError
        When both are named.
    MissingLibraryError, ClusterError
        When it cannot be used.
    """
    if not scheduler and not queue:
        yield None
        return
    if scheduler and queue:
        raise SettingsError(
            f"run.scheduler is {scheduler!r} and run.cluster {queue!r}: give the address of a scheduler that runs, or "
            "the queue that starts workers, not both"
        )
    from .cluster.connection import connected

    with connected(scheduler, queue, jobs) as cluster:
        yield cluster
