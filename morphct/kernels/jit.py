"""The one compile policy: compiled once (cache), the GIL released, no fast-math (bytes must repeat), no own threads.

Threads are outside, over slabs or particles (`executors`): numba's own parallel loops abort the process when two
threads enter them without libgomp.

What was compiled is kept beside the sources, and numba compiles a kernel again when its own file has changed. It does
not see a change in a kernel that is called from another file, which is compiled into the caller: after an update old
code would run on, or fail. Here a kernel's stamp is the content of its file and of all it imports from this package.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit

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


def _compiled(**options: str) -> Callable[[Callable], Any]:
    compiled = njit(nogil=True, cache=True, error_model="numpy", **options)

    def decorate(function: Callable) -> Any:
        kernel = compiled(function)
        if hasattr(kernel, "_cache"):  # not when compiling is switched off
            kernel._cache._cache_file._source_stamp = stamp(Path(function.__code__.co_filename))
        return kernel

    return decorate


jit = _compiled()
# small functions that must vanish into their caller's loop
jit_inline = _compiled(inline="always")
