"""A fingerprint of the input: SHA-256 of the files, of samples of them where they are huge."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from .volume import Volume

WHOLE_UP_TO = 2 << 30
SAMPLE_BYTES = 1 << 20
SAMPLES = 512


class ContentHash(NamedTuple):
    """A fingerprint of the input files.

    Parameters
    ----------
    method : str
        `sha256` (every byte) or `sha256-sampled` (sizes, and 512 evenly spaced pieces of 1 MiB).
    digest : str
        Hexadecimal.
    """

    method: str
    digest: str

    def __str__(self) -> str:
        return f"{self.method}:{self.digest}"


def content_hash(volume: Volume) -> ContentHash | None:
    """The fingerprint of a volume's files; None for an array in memory.

    A single file up to 2 GiB gives the plain SHA-256 of its bytes, as `sha256sum` prints. Several files (slices, Zarr)
    are hashed one behind the other, each after a line with its name and size. Above 2 GiB in all, 512 pieces of 1 MiB
    are hashed that lie evenly over all bytes, the first and the last among them: a changed header, a truncation or
    another scan shows; a change of single voxels between the pieces does not.
    """
    if not volume.files:
        return None
    sizes = [f.stat().st_size for f in volume.files]
    total, digest = sum(sizes), hashlib.sha256()
    whole = total <= WHOLE_UP_TO
    pieces = [] if whole else _piece_starts(total)
    begin = 0
    for path, size in zip(volume.files, sizes):
        if len(volume.files) > 1 or not whole:
            digest.update(os.fsencode(f"{_relative(path, volume)} {size}\n"))
        if whole:
            _update(digest, path, 0, size)
        else:
            for start in (p for p in pieces if begin <= p < begin + size):
                _update(digest, path, start - begin, SAMPLE_BYTES)
        begin += size
    return ContentHash("sha256" if whole else "sha256-sampled", digest.hexdigest())


def _piece_starts(total: int) -> list[int]:
    last = total - SAMPLE_BYTES
    return [last * i // (SAMPLES - 1) for i in range(SAMPLES)]


def _update(digest: "hashlib._Hash", path: Path, start: int, count: int) -> None:
    with open(path, "rb", buffering=0) as file:
        file.seek(start)
        while count > 0 and (data := file.read(min(count, SAMPLE_BYTES))):
            digest.update(data)
            count -= len(data)


def _relative(path: Path, volume: Volume) -> str:
    """The name of a file inside its volume; where the volume lies must not change its fingerprint."""
    base = volume.path if volume.path is not None and volume.path.is_dir() else path.parent
    return os.path.relpath(path, base)
