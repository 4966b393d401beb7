"""Executors: each one is a `map` over independent tasks, results in the order of the items.

Tasks are module-level functions (bound with `functools.partial`) that take a slab or a batch of labels and array-likes.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from .errors import SettingsError

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

    def __init__(self, workers: int) -> None:
        self.workers = max(1, workers)

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


def executor(workers: int, scheduler: str | None = None) -> RunMap:
    """The map for these settings.

    Raises
    ------
    SettingsError
        For a scheduler: this version works on one machine.
    """
    if scheduler:
        raise SettingsError(
            f"run.scheduler is {scheduler!r}, but this version works on one machine only: leave it empty, and share "
            "the work among its processors with --workers N"
        )
    return Threads(workers)
