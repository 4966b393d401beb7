"""What is seen while a command works: progress on a terminal, log lines with -v. All of it on stderr."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from ..job import Progress, Silence

if TYPE_CHECKING:
    from rich.progress import TaskID


class Bars:
    """One bar per stage: its name, planes done, time left; finished ones stay with the time they took."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self.rich = RichProgress(
            TextColumn("{task.description:<24}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task: TaskID | None = None

    @property
    def seen(self) -> bool:
        """Whether stderr is a terminal that can draw."""
        return self.rich.console.is_terminal and not self.rich.console.is_dumb_terminal

    def stage(self, name: str, total: int) -> None:
        """Finish the bar of the stage before and begin one."""
        self._finish()
        self._task = self.rich.add_task(name, total=total)

    def advance(self, n: int = 1) -> None:
        """Move the bar of this stage."""
        if self._task is not None:
            self.rich.advance(self._task, n)

    def note(self, text: str) -> None:
        """Print a line over the bars."""
        self.rich.console.print(text, highlight=False, markup=False)

    def _finish(self) -> None:
        if self._task is not None:
            task = self.rich.tasks[-1]
            self.rich.update(self._task, completed=task.total)


@contextmanager
def progress(shown: bool) -> Iterator[Progress]:
    """Bars when they are wanted and stderr is a terminal, else silence."""
    if not shown or not sys.stderr.isatty():
        yield Silence()
        return
    bars = Bars()
    if not bars.seen:
        yield Silence()
        return
    with bars.rich:
        yield bars
        bars._finish()


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
