"""What decoding libraries log or warn about a damaged file stays unsaid: the reader's own sentence says it once."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

_LIBRARIES = ("tifffile", "pydicom", "fabio", "nibabel", "PIL", "mrcfile", "h5py", "zarr", "nrrd")
_NOTHING = logging.CRITICAL + 1
_lock = threading.Lock()
_levels: dict[str, int] = {}  # as they were before the first of those who are inside
_inside = 0


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Drop what the libraries log, and their warnings."""
    # the filters of warnings belong to all threads, so only the first one changes them
    first = threading.current_thread() is threading.main_thread()
    _change(1)
    try:
        with warnings.catch_warnings() if first else nullcontext():
            if first:
                warnings.simplefilter("ignore")
            yield
    finally:
        _change(-1)


def _change(step: int) -> None:
    """Count who is inside; the first sets the levels, the last sets them back."""
    global _inside
    with _lock:
        _inside += step
        if step > 0 and _inside == 1:
            _levels.update({name: logging.getLogger(name).level for name in _LIBRARIES})
            for name in _LIBRARIES:
                logging.getLogger(name).setLevel(_NOTHING)
        elif _inside == 0:
            for name, level in _levels.items():
                logging.getLogger(name).setLevel(level)
