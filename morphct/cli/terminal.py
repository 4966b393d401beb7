"""What is seen while a command works: bars on a terminal, plain lines elsewhere, log lines with -v. All on stderr."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from ..ground.units import format_seconds
from ..pipeline.job import Progress, Silence
from ..pipeline.outlook import Outlook

if TYPE_CHECKING:
    from rich.progress import TaskID


@dataclass
class Pace:
    """How far a stage is, and how fast: steps in all and done, voxels of a step, when it began."""

    total: int = 0
    voxels: int = 0
    begun: float = 0.0
    done: int = 0

    @property
    def share(self) -> float:
        """Of the steps that are done."""
        return min(self.done / max(self.total, 1), 1.0)

    def rate(self, now: float) -> str:
        """In words: millions of voxels a second, or steps a second."""
        rate = self.done * max(self.voxels, 1) / max(now - self.begun, 1e-9)
        return f"{rate / 1e6:.3g} Mvoxel/s" if self.voxels else f"{rate:.3g} a second"


class Bars:
    """One bar per stage: its name, steps done, rate, time left of the whole; finished ones stay with their time."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self.rich = RichProgress(
            TextColumn("{task.description:<24}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[left]}"),
            console=Console(stderr=True),
        )
        self._task: TaskID | None = None
        self._pace = Pace()
        self._outlook: Outlook | None = None

    @property
    def seen(self) -> bool:
        """Whether stderr is a terminal that can draw."""
        return self.rich.console.is_terminal and not self.rich.console.is_dumb_terminal

    def expect(self, stages: Mapping[str, float]) -> None:
        """Tell the time left of all these stages from now on."""
        self._outlook = Outlook(stages)

    def stage(self, name: str, total: int, voxels: int = 0) -> None:
        """Finish the bar of the stage before and begin one."""
        self._finish()
        if self._outlook is not None:
            self._outlook.begin(name)
        self._pace = Pace(total, voxels, time.monotonic())
        self._task = self.rich.add_task(name, total=total, rate="", left=self._left())

    def advance(self, n: int = 1) -> None:
        """Move the bar of this stage."""
        if self._task is not None:
            self._pace.done += n
            rate = self._pace.rate(time.monotonic())
            self.rich.update(self._task, advance=n, rate=rate, left=self._left())

    def _left(self) -> str:
        if self._outlook is None:
            return ""
        return f"about {format_seconds(self._outlook.left(self._pace.share))} left in all"

    def note(self, text: str) -> None:
        """Print a line over the bars."""
        self.rich.console.print(text, highlight=False, markup=False)

    def _finish(self) -> None:
        if self._task is not None:
            task = self.rich.tasks[-1]
            self.rich.update(self._task, completed=task.total, left="")


class Lines:
    """A line per stage as it begins, and while a long one lasts now and then a line of how far it is.

    For a file, a pipe or a batch system: nothing is drawn over, each line starts with the time since the start and is
    flushed. A reader that has gone away ends the lines, never the work.

    Parameters
    ----------
    clock : callable
        Seconds, from any zero.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = self._begun = self._told = clock()
        self._name, self._pace = "", Pace()
        self._outlook: Outlook | None = None
        self._gone = False
        self._lock = threading.Lock()  # stages advance from their threads, and a thread of its own looks at the clock
        self._end = threading.Event()

    def expect(self, stages: Mapping[str, float]) -> None:
        """Tell the time left of all these stages from now on."""
        with self._lock:
            self._outlook = Outlook(stages, self._clock)

    def stage(self, name: str, total: int, voxels: int = 0) -> None:
        """Say that a stage begins."""
        with self._lock:
            self._name, self._begun = name, self._clock()
            self._pace = Pace(total, voxels, self._begun)
            if self._outlook is not None:
                self._outlook.begin(name)
            self._say(name)

    def advance(self, n: int = 1) -> None:
        """Count what is done of this stage."""
        with self._lock:
            self._pace.done += n

    def note(self, text: str) -> None:
        """Print a line."""
        with self._lock:
            self._say(text)

    def beat(self) -> None:
        """Say how far this stage is, if nothing was said for a while: half a minute, then a fifth of what it took."""
        with self._lock:
            now = self._clock()
            taken = now - self._begun
            quiet = min(max(LINE_AFTER_SECONDS, taken / 5), LONGEST_QUIET_SECONDS)
            if self._name and now - self._told >= quiet:
                self._say(f"{self._name}: {self._progress(taken)}")

    def _progress(self, taken: float) -> str:
        """Share, rate and time left where a stage tells enough of itself, else that it is still at work."""
        share, told = self._pace.share, SMALLEST_SHARE <= self._pace.share < 1
        words = [f"{100 * share:.0f} % done, {self._pace.rate(self._clock())}" if told else "at work"]
        if self._outlook is not None:
            words.append(f"about {format_seconds(self._outlook.left(share))} left in all")
        elif told:
            words.append(f"about {format_seconds(taken * (1 - share) / share)} left")
        return ", ".join(words)

    def _say(self, text: str) -> None:
        self._told = self._clock()
        seconds = int(self._told - self._start)
        hours = f"{seconds // 3600}:{seconds // 60 % 60:02}" if seconds >= 3600 else f"{seconds // 60}"
        if self._gone:
            return
        try:
            print(f"[{hours}:{seconds % 60:02}] {text}", file=sys.stderr, flush=True)
        except (OSError, ValueError):
            self._gone = True

    def watch(self) -> None:
        """Look at the clock until `stop`, in a thread of its own."""
        while not self._end.wait(LOOK_SECONDS):
            self.beat()

    def stop(self) -> None:
        """End `watch`."""
        self._end.set()


LINE_AFTER_SECONDS, LONGEST_QUIET_SECONDS, LOOK_SECONDS = 30.0, 300.0, 1.0
SMALLEST_SHARE = 0.05  # of a stage: from less the time left cannot be told


@contextmanager
def progress(shown: bool) -> Iterator[Progress]:
    """Bars where stderr is a terminal that can draw them, plain lines elsewhere, silence when nothing is wanted."""
    if not shown or sys.stderr is None:
        yield Silence()
        return
    if sys.stderr.isatty() and (bars := Bars()).seen:
        with bars.rich:
            yield bars
            bars._finish()
        return
    lines = Lines()
    watcher = threading.Thread(target=lines.watch, name="progress", daemon=True)
    watcher.start()
    try:
        yield lines
    finally:
        lines.stop()
        watcher.join()


_NOTHING = logging.CRITICAL + 1


class _Lines(logging.Handler):
    """Log lines to stderr as it is now: the bars put themselves between, and tests replace it."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=True)


def show_log(verbosity: int) -> None:
    """Show log lines of morphct on stderr: none at 0 (the command says what matters), all at 2, the main ones at 1."""
    logger = logging.getLogger("morphct")
    for handler in [h for h in logger.handlers if isinstance(h, _Lines)]:
        logger.removeHandler(handler)
    # a handler even at 0: without one, Python itself prints warnings
    lines = _Lines(level=_NOTHING if verbosity <= 0 else logging.INFO if verbosity == 1 else logging.DEBUG)
    lines.setFormatter(
        logging.Formatter("%(levelname)s %(message)s" if verbosity < 2 else "%(relativeCreated)d ms %(message)s")
    )
    logger.addHandler(lines)
    logger.setLevel(logging.DEBUG if verbosity >= 2 else logging.INFO)
