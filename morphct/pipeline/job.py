"""A piece of work under way: what every stage needs at hand, and the record of what it took."""

import contextlib
import ctypes
import logging
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..ground.bricks import Brick
from ..ground.cautions import LOG, WRONG, foremost, weight_of
from ..ground.executors import RunMap
from ..ground.scratch import Scratch
from ..ground.units import VoxelSize
from ..ground.work import Work
from .memory_plan import WorkPlan

log = logging.getLogger("morphct")


class Progress(Protocol):
    """What a pipeline tells while it works."""

    def expect(self, stages: Mapping[str, float]) -> None:
        """The stages of a run are to come, with the seconds foretold of each."""

    def stage(self, name: str, total: int, voxels: int = 0) -> None:
        """A stage of `total` steps begins, each of so many voxels (0: of particles or other things)."""

    def advance(self, n: int = 1) -> None:
        """So many planes are done."""

    def note(self, text: str) -> None:
        """One line worth reading now."""


class Silence:
    """Progress where nobody looks."""

    def expect(self, stages: Mapping[str, float]) -> None:
        """Nothing."""

    def stage(self, name: str, total: int, voxels: int = 0) -> None:
        """Nothing."""

    def advance(self, n: int = 1) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""


def peak_memory() -> int:
    """Largest memory this process has held, bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def peak_memory_of_drawing() -> int:
    """Largest memory of a process that this one has started and seen to its end, bytes; 0 without any."""
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def give_back() -> None:
    """Give memory that was freed back to the system: threads' heaps keep it for themselves (glibc)."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


@dataclass
class Job:
    """Volume shape, plan, scratch room, map over slabs, and the record of stages and warnings."""

    shape: tuple[int, int, int]
    voxel_size: VoxelSize
    plan: WorkPlan
    scratch: Scratch
    run_map: RunMap
    progress: Progress = field(default_factory=Silence)
    stages: list[dict[str, Any]] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)
    held_while_drawing: int = 0  # bytes of this process while another one draws

    @property
    def bricks(self) -> list[Brick]:
        """The slabs of the volume."""
        return self.plan.bricks

    @property
    def peak_together(self) -> int:
        """Largest memory of this process and the one that draws at one time, bytes (an upper bound)."""
        drawing = self.held_while_drawing + peak_memory_of_drawing() if self.held_while_drawing else 0
        return max(peak_memory(), drawing)

    def scratch_record(self) -> dict[str, Any]:
        """What intermediate volumes took, for the record: the most held at one time, and traffic of their files."""
        room = self.scratch.room
        return {
            "memory_bytes": self.scratch.most_in_memory,
            "disk_bytes": room.most_on_disk,
            "disk_bytes_per_voxel": round(room.most_on_disk / max(self.voxels, 1), 3),
            "bytes_read": room.bytes_read,
            "bytes_written": room.bytes_written,
        }

    @property
    def work(self) -> Work:
        """How stages go over the volume, where nobody is told of it."""
        return Work(tuple(self.bricks), self.run_map, None, self.scratch, self.plan.under_way)

    @property
    def voxels(self) -> int:
        """Voxels of the volume."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    @property
    def warnings(self) -> list[str]:
        """The cautions that could change a conclusion, at most three."""
        return foremost(self.cautions)

    @property
    def notes(self) -> list[str]:
        """The other cautions."""
        shown = self.warnings
        return [s for s in self.cautions if s not in shown]

    def warn(self, sentence: str) -> None:
        """Keep a caution: all go to the log, the weightiest to page and terminal; each is said once."""
        if sentence not in self.cautions:
            self.cautions.append(sentence)
            log.log(logging.INFO if weight_of(sentence) == LOG else logging.WARNING, sentence)
            if weight_of(sentence) >= WRONG:  # not only at the end: the run may not be worth waiting for
                self.progress.note(sentence)

    @contextlib.contextmanager
    def stage(self, name: str, passes: int = 1, total: int | None = None) -> Iterator[Work]:
        """Time a stage; yields its work, which tells the planes done.

        Parameters
        ----------
        name : str
            In words, as the person at the terminal reads it.
        passes : int
            How often the stage goes over the volume, for the bar.
        total : int, optional
            Steps of a stage that does not go by planes.
        """
        if total is None:
            self.progress.stage(name, passes * self.shape[0], self.shape[1] * self.shape[2])
        else:
            self.progress.stage(name, total)
        start = time.perf_counter()
        yield self.work.telling(self.progress.advance)
        seconds = time.perf_counter() - start
        give_back()
        rate = self.voxels / max(seconds, 1e-9) / 1e6
        self.stages.append(
            {"name": name, "seconds": round(seconds, 3), "mvoxel_per_s": round(rate, 2), "peak_bytes": peak_memory()}
        )
        log.info("%s: %.2f s, %.1f Mvoxel/s, peak %.2f GiB", name, seconds, rate, peak_memory() / 2**30)

    def part(self, name: str, total: int) -> Callable[[int], None]:
        """What a stage calls with the steps done of a part that has steps of its own; the first call begins the part.

        Parameters
        ----------
        name : str
            In words, as the person at the terminal reads it.
        total : int
            Steps, such as particles.
        """
        begun = False

        def tick(n: int) -> None:
            nonlocal begun
            if not begun:
                begun = True
                self.progress.stage(name, total)
            self.progress.advance(n)

        return tick
