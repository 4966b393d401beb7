"""Faults at every change of the disk that a run makes, tried in one go: plain functions for tests and the long mode.

A run is made once, in a process that has its kernels. At each change (`ground.disk.step`) its folder is copied as a
kill at that moment would leave it, or a forked child goes on with a fault and the folder is put back afterwards.
"""

import contextlib
import hashlib
import os
import shutil
import signal
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from morphct.ground import disk
from morphct.pipeline import run as pipeline
from morphct.pipeline.job import Progress, Silence
from morphct.pipeline.settings import Settings
from morphct.results.run_folder import RunFolder
from morphct.views import report

# what tells of the making, not of the sample
OF_THE_MAKING = ("run.json", "morphct.log", "report.html")
QUICK = ("output.renders=false", "calibrate.method=none", "run.workers=1")


def powder(path: Path, seed: int = 0, n: int = 36) -> Path:
    """A TIFF of a few balls, one of them hollow, in white noise."""
    import tifffile

    rng = np.random.default_rng(seed)
    grid = np.moveaxis(np.mgrid[:n, :n, :n], 0, -1)
    grey = np.full((n, n, n), 4000.0)
    for at, radius in (((9, 9, 9), 6), ((9, 24, 24), 7), ((25, 10, 25), 7), ((26, 26, 9), 6)):
        grey[((grid - at) ** 2).sum(-1) < radius**2] = 8000
    grey[((grid - (9, 24, 24)) ** 2).sum(-1) < 9] = 4000
    grey += rng.normal(0, 250, grey.shape)
    tifffile.imwrite(
        path, grey.clip(0, 65535).astype(np.uint16), imagej=True, resolution=(40, 40),
        metadata={"axes": "ZYX", "spacing": 0.025, "unit": "um"},
    )  # fmt: skip
    return path


def small_page(run: RunFolder, *_: Any, **__: Any) -> None:
    """In place of the page with its figures, which takes most of the time of a small run."""
    run.files.data("figures/sizes.png", b"a figure")
    run.files.text("report.html", f"<p>{len(run.particles)} particles, limits {run.summary.get('qc')}</p>")


@contextlib.contextmanager
def quick_page() -> Iterator[None]:
    """`report.write` is `small_page` meanwhile."""
    own = report.write
    report.write = small_page
    try:
        yield
    finally:
        report.write = own


@contextlib.contextmanager
def at_each_change(told: Callable[[int, str, Path], None]) -> Iterator[None]:
    """`told(number, action, path)` is called before each change of the disk."""
    own, count = disk.step, 0

    def step(action: str, path: Path) -> None:
        nonlocal count
        count += 1
        told(count, action, Path(path))

    disk.step = step
    try:
        yield
    finally:
        disk.step = own


def work(volume: Path, out: Path, *texts: str, progress: Progress | None = None) -> RunFolder:
    """A run of `volume` into `out` with quick settings and these ones."""
    return pipeline.run(volume, out, settings=Settings().with_overrides([*QUICK, *texts]), progress=progress)


def tree(folder: Path) -> dict[str, str]:
    """Hash of every file but those that tell of the making (times), by name."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name not in OF_THE_MAKING
    }


def restore(kept: Path | None, place: Path) -> None:
    """Put a copy of a folder in its place; None: nothing was there."""
    if place.exists():
        shutil.rmtree(place)
    if kept is not None:
        shutil.copytree(kept, place, symlinks=True)


def in_child(task: Callable[[], str]) -> str:
    """What `task` gives in a forked child; "killed by N" when it does not live to tell."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            os.close(reader)
            try:
                said = task()
            except BaseException:
                said = traceback.format_exc()
            os.write(writer, said.encode()[-60_000:])
        os._exit(0)
    os.close(writer)
    said = _read(reader)
    _, status = os.waitpid(pid, 0)
    return f"killed by {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else said


def kill_states(volume: Path, out: Path, kept: Path, *texts: str) -> list[tuple[str, Path]]:
    """What a kill before each change of a run leaves of `out`: (what was to be done, copy of the folder)."""
    states: list[tuple[str, Path]] = []

    def copy(number: int, action: str, path: Path) -> None:
        state = kept / f"{number:03}"
        if out.exists():
            shutil.copytree(out, state)
        states.append((f"{action} {os.path.relpath(path, out)}", state))

    with at_each_change(copy):
        work(volume, out, *texts)
    return states


class Notes(Silence):
    """What a run says while it works."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        """Keep it."""
        self.said.append(text)


def resumed(volume: Path, out: Path, state: Path | None, *texts: str) -> str:
    """Resume from a state, in a child; what it says on the way, or the error."""
    restore(state if state is not None and state.exists() else None, out)

    def go_on() -> str:
        notes = Notes()
        work(volume, out, "run.resume=true", *texts, progress=notes)
        return "\n".join(notes.said)

    return in_child(go_on)


def failed_at_each_change(
    volume: Path,
    out: Path,
    fault: Callable[[], BaseException],
    judge: Callable[[BaseException | None], str],
    *texts: str,
    lasting: bool = False,
    every: int = 1,
) -> dict[str, str]:
    """What `judge` says of the end of a run in which a change fails, by change; "" = as it should be.

    At each change (each third, ...: `every`) of one run a child goes on that fails there (`lasting`: in all writes from
    there on), and the folder is put back for the run itself, which goes on to its next change.
    """
    said: dict[str, str] = {}
    kept = out.with_name(f"{out.name}-kept")
    pipes: list[int] = []  # of the child, in the child

    def fork(number: int, action: str, path: Path) -> None:
        if pipes:
            if lasting and action == "write":
                raise fault()
            return
        if number % every:
            return
        restore(out if out.exists() else None, kept)
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            pipes.append(writer)
            raise fault()
        os.close(writer)
        said[f"{number} {action} {os.path.relpath(path, out)}"] = _read(reader)
        os.waitpid(pid, 0)
        restore(kept if kept.exists() else None, out)

    error: BaseException | None = None
    try:
        with at_each_change(fork):
            work(volume, out, *texts)
    except BaseException as told:
        error = told
        if not pipes:
            raise
    if pipes:
        with contextlib.suppress(BaseException):
            os.write(pipes[0], judge(error).encode())
        os._exit(0)
    restore(None, kept)
    return said


def _read(pipe: int) -> str:
    text = b""
    while part := os.read(pipe, 1 << 16):
        text += part
    os.close(pipe)
    return text.decode(errors="replace")


def killed(task: Callable[[], Any], at: int) -> str:
    """A child that does `task` and kills itself before the change of this number."""

    def kill(number: int, action: str, path: Path) -> None:
        if number == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def do() -> str:
        with at_each_change(kill):
            task()
        return "not killed"

    return in_child(do)
