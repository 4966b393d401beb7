"""Work: the bricks a stage goes by, the map its tasks run on, whom it tells of its progress, and its scratch."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import Any, TypeVar

from .bricks import Brick, plan_bricks, plan_slabs
from .chunks import ChunkedVolume
from .executors import RunMap
from .scratch import Scratch

Tell = Callable[[int], None] | None
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Work:
    """How a stage goes over a volume; handed from stage to stage as one thing.

    Attributes
    ----------
    bricks : tuple of Brick
        How the volume is cut; no answer depends on it.
    run_map : callable
        An executor's map.
    progress : callable or None
        Is told the steps done: planes, unless the stage says otherwise.
    scratch : Scratch
        Makes intermediate volumes and releases them; default: all of them in memory.
    room : int
        Bytes that all tasks under way may take together, as far as a task of its own fits.
    """

    bricks: tuple[Brick, ...]
    run_map: RunMap = map
    progress: Tell = None
    scratch: Scratch = field(default_factory=Scratch)
    room: int = 1 << 62

    @classmethod
    def of(
        cls, shape: tuple[int, ...] | int, planes: int = 64, run_map: RunMap = map, rows: int | None = None
    ) -> "Work":
        """Work on a volume of `shape` (Z,Y,X), cut into bricks of so many planes and rows, all scratch in memory."""
        cut = plan_bricks(shape, planes, rows) if isinstance(shape, tuple) else plan_slabs(int(shape), planes)
        return cls(tuple(cut), run_map)

    @classmethod
    def whole(cls, shape: tuple[int, ...] | int) -> "Work":
        """Work on a volume of `shape` (Z,Y,X) in one piece, in memory."""
        return cls.of(shape, shape[0] if isinstance(shape, tuple) else int(shape))

    @property
    def depth(self) -> int:
        """Planes of the volume."""
        return self.bricks[-1].z1 if self.bricks else 0

    @property
    def layers(self) -> tuple[tuple[Brick, ...], ...]:
        """The bricks in layers along z, each in order of y."""
        return tuple(tuple(layer) for _, layer in groupby(self.bricks, key=lambda brick: brick.z0))

    def each(self, task: Callable[[Brick], R]) -> Iterator[R]:
        """What `task` gives for every brick, in the order of the bricks; progress hears of the planes done."""
        height = max((brick.y1 for brick in self.bricks), default=1)
        rows = told = 0
        for brick, result in zip(self.bricks, self.run_map(task, self.bricks)):
            rows += brick.depth * brick.height
            self.tell(rows // height - told)
            told = rows // height
            yield result

    def do(self, task: Callable[[Brick], object]) -> None:
        """Run a task that writes what it finds on every brick."""
        for _ in self.each(task):
            pass

    def over(self, task: Callable[[T], R], items: Sequence[T], steps: Iterable[int] | None = None) -> Iterator[R]:
        """What `task` gives for every item, in order.

        Parameters
        ----------
        task : callable
        items : sequence
            Bands of rows, batches of labels, pairs of bricks.
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
        """Copy a volume, (Z,Y,X) array-likes, brick by brick; of chunks what they hold as it is."""
        if isinstance(source, ChunkedVolume) and isinstance(out, ChunkedVolume) and source.dtype == out.dtype:
            out.copy(source)
            self.tell(self.depth)
            return
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


def _copy(source: Any, out: Any, brick: Brick) -> None:
    out[brick.here] = source[brick.here]
