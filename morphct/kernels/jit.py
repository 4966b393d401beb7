"""The one compile policy: compiled once (cache), the GIL released, no fast-math (bytes must repeat), no own threads.

Threads are outside, over slabs or particles (`executors`): numba's own parallel loops abort the process when two
threads enter them without libgomp.

What was compiled is kept beside the sources, and numba compiles a kernel again when its own file has changed. It does
not see a change in a kernel that is called from another file, which is compiled into the caller: after an update old
code would run on, or fail. Here a kernel's stamp is the content of its file and of all it imports from this package.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit
from numba.core import event

_IMPORT = re.compile(r"^from (\.{1,3})([\w.]+) import", re.MULTILINE)


@cache
def _read(file: Path) -> tuple[bytes, tuple[Path, ...]]:
    """Content of a module, and the modules of this package that it imports."""
    content = file.read_bytes()
    named = ((file.parents[len(dots) - 1], name) for dots, name in _IMPORT.findall(content.decode()))
    found = (folder.joinpath(*name.split(".")).with_suffix(".py") for folder, name in named)
    return content, tuple(path for path in found if path.is_file())


@cache
def stamp(file: Path) -> str:
    """Digest of a module and of all that it imports from this package, directly or not."""
    seen: set[Path] = set()
    waiting = [file]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += _read(path)[1]
    digest = hashlib.sha256()
    for path in sorted(seen):
        digest.update(hashlib.sha256(_read(path)[0]).digest())
    return digest.hexdigest()


def processor() -> str:
    """The processor that kernels are compiled for, with its instructions."""
    from llvmlite import binding

    return f"{binding.get_host_cpu_name()} {binding.get_host_cpu_features().flatten()}"


# kernels of the modules imported so far; not those that vanish into their callers
KERNELS: list[Any] = []


def not_kept() -> int:
    """How many of `KERNELS` have nothing compiled from the present sources on disk."""
    return sum(not kernel._cache._cache_file._load_index() for kernel in KERNELS)


class _First(event.Listener):
    """Tells of the first kernel to be compiled, and of no other."""

    def __init__(self, told: Callable[[], None]) -> None:
        self._told: Callable[[], None] | None = told

    def on_start(self, event: event.Event) -> None:
        told, self._told = self._told, None
        if told is not None:
            told()

    def on_end(self, event: event.Event) -> None:
        """Nothing."""


@contextmanager
def at_first_compile(told: Callable[[], None]) -> Iterator[None]:
    """Inside the block the first compiling of anything calls `told`; kernels that come from disk do not."""
    with event.install_listener("numba:compile", _First(told)):
        yield


def _compiled(keep: bool = True, **options: str) -> Callable[[Callable], Any]:
    compiled = njit(nogil=True, cache=True, error_model="numpy", **options)

    def decorate(function: Callable) -> Any:
        kernel = compiled(function)
        if hasattr(kernel, "_cache"):  # not when compiling is switched off
            kernel._cache._cache_file._source_stamp = stamp(Path(function.__code__.co_filename))
            if keep:
                KERNELS.append(kernel)
        return kernel

    return decorate


jit = _compiled()
# small functions that must vanish into their caller's loop
jit_inline = _compiled(keep=False, inline="always")
