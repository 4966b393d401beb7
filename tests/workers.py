"""A real dask scheduler and real workers on this machine, as processes of their own."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
START_SECONDS = 120


class Site:
    """A scheduler with workers.

    Attributes
    ----------
    address : str
    workers : list of Popen
    """

    def __init__(self, folder: Path, workers: int) -> None:
        self._file = folder / "scheduler.json"
        self._folder = folder
        self._scheduler = self._start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.workers = [self.start_worker() for _ in range(workers)]
        until = time.monotonic() + START_SECONDS
        while not self._file.exists() or not self._file.read_text():
            assert time.monotonic() < until, "the scheduler did not start"
            time.sleep(0.05)
        self.address: str = json.loads(self._file.read_text())["address"]

    def start_worker(self) -> subprocess.Popen:
        return self._start(
            "dask_worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "4GiB",
            "--local-directory", str(self._folder),
        )  # fmt: skip

    def _start(self, module: str, *options: str) -> subprocess.Popen:
        paths = os.pathsep.join([str(TESTS.parent), str(TESTS)])
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", "--scheduler-file", str(self._file), *options],
            env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def wait(self) -> None:
        """Until all workers that live are there."""
        import distributed

        living = sum(w.poll() is None for w in self.workers)
        with distributed.Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(living, timeout=START_SECONDS)

    def stop(self) -> None:
        for process in [*self.workers, self._scheduler]:
            process.kill()
            process.wait()


@contextlib.contextmanager
def site(folder: Path, workers: int) -> Iterator[Site]:
    made = Site(folder, workers)
    try:
        made.wait()
        yield made
    finally:
        made.stop()
