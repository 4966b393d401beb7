"""A library's file handle that is opened when first used, once a process, and never travels in a pickle."""

import os
import threading
from collections.abc import Callable
from typing import Any


class Reopened:
    """The handle of an opened file.

    Parameters
    ----------
    opener : callable
        Module-level function (or partial of one) that opens the file and returns its handle.
    """

    def __init__(self, opener: Callable[[], Any]) -> None:
        self.opener = opener
        self._start()

    def _start(self) -> None:
        self.lock = threading.RLock()
        self._handle: Any = None
        self._process = -1

    def __getstate__(self) -> dict:
        return {"opener": self.opener}

    def __setstate__(self, state: dict) -> None:
        self.opener = state["opener"]
        self._start()

    def get(self) -> Any:
        """The handle; a forked process opens its own, because two must not share one file position."""
        with self.lock:
            if self._handle is None or self._process != os.getpid():
                self._handle, self._process = self.opener(), os.getpid()
            return self._handle
