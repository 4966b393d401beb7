"""What decoding libraries log or warn about a damaged file stays unsaid: the reader's own sentence says it once."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

_LIBRARIES = ("tifffile", "pydicom", "fabio", "nibabel", "nibabel.global", "PIL", "mrcfile", "h5py", "zarr", "nrrd")
_here = threading.local()


def _wanted(record: logging.LogRecord) -> bool:
    return getattr(_here, "depth", 0) == 0


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Drop what the libraries log in this thread, and their warnings."""
    for name in _LIBRARIES:  # a filter is kept once, however often it is added
        logging.getLogger(name).addFilter(_wanted)
    _here.depth = getattr(_here, "depth", 0) + 1
    # the filters of warnings belong to all threads, so only the first one changes them
    first = threading.current_thread() is threading.main_thread()
    try:
        with warnings.catch_warnings() if first else nullcontext():
            if first:
                warnings.simplefilter("ignore")
            yield
    finally:
        _here.depth -= 1
