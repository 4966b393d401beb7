"""Work: the slabs a stage goes by, the map its tasks run on, whom it tells of its progress, and its scratch volumes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from .executors import RunMap
from .scratch import Scratch
from .slabs import Slab, plan_slabs

Tell = Callable[[int], None] | None
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Work:
    """How a stage goes over a volume; handed from stage to stage as one thing.

    Attributes
    ----------
    slabs : tuple of Slab
        How the volume is cut; no answer depends on it.
    run_map : callable
        An executor's map.
    progress : callable or None
        Is told the steps done: planes, unless the stage says otherwise.
    scratch : Scratch
        Makes intermediate volumes and releases them; default: all of them in memory.
    """

    slabs: tuple[Slab, ...]
    run_map: RunMap = map
    progress: Tell = None
    scratch: Scratch = field(default_factory=Scratch)

    @classmethod
    def of(cls, depth: int, planes: int = 64, run_map: RunMap = map) -> "Work":
        """Work on a volume of `depth` planes, cut into slabs of `planes` planes, its intermediate volumes in memory."""
        return cls(tuple(plan_slabs(depth, planes)), run_map)

    @classmethod
    def whole(cls, depth: int) -> "Work":
        """Work on a volume of `depth` planes in one piece, in memory."""
        return cls.of(depth, depth)

    @property
    def depth(self) -> int:
        """Planes of the volume."""
        return self.slabs[-1].z1 if self.slabs else 0

    def each(self, task: Callable[[Slab], R]) -> Iterator[R]:
        """What `task` gives for every slab, in the order of the slabs; progress hears of each slab's planes."""
        for slab, result in zip(self.slabs, self.run_map(task, self.slabs)):
            self.tell(slab.depth)
            yield result

    def do(self, task: Callable[[Slab], object]) -> None:
        """Run a task that writes what it finds on every slab."""
        for _ in self.each(task):
            pass

    def over(self, task: Callable[[T], R], items: Sequence[T], steps: Iterable[int] | None = None) -> Iterator[R]:
        """What `task` gives for every item, in order.

        Parameters
        ----------
        task : callable
        items : sequence
            Bands of rows, batches of labels, pairs of slabs.
        steps : iterable of int, optional
            What progress hears as each item is done; None: nothing.
        """
        results = self.run_map(task, items)
        if steps is None:
            yield from results
            return
        for done, result in zip(steps, results):
            self.tell(done)
            yield result

    def copy(self, source: Any, out: Any) -> None:
        """Copy a volume, (Z,Y,X) array-likes, slab by slab."""
        self.do(partial(_copy, source, out))

    def tell(self, steps: int) -> None:
        """Tell progress of steps done."""
        if self.progress:
            self.progress(steps)

    def telling(self, progress: Tell) -> "Work":
        """The same work, another to be told of it (None: nobody)."""
        return replace(self, progress=progress)

    @property
    def quiet(self) -> "Work":
        """The same work with nobody told: passes that the bar of a stage does not count."""
        return self.telling(None)


def _copy(source: Any, out: Any, slab: Slab) -> None:
    out[slab.z0 : slab.z1] = source[slab.z0 : slab.z1]
