"""Writing a phantom: volume, label truth, void truth, tables and settings, moved into place when all are whole."""

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ground.errors import OutputError
from ...ground.units import VoxelSize, format_bytes

if TYPE_CHECKING:
    import pandas as pd

    from . import Phantom
    from .drawing import Powder
    from .options import PhantomOptions

log = logging.getLogger(__name__)
BIG_BYTES = 2**31  # files of images beyond get offsets of 64 bits
WRITE_BUFFER_BYTES = 2**26  # of planes that are compressed side by side
TRUTH_VOXEL_BYTES = 0.1  # on disk, of labels, voids and tables: .03 to .05 measured on default powders of 384^3


@dataclass(frozen=True)
class _Image:
    """An image to be written: its type, its planes in order, and whether it is worth compressing."""

    dtype: np.dtype
    planes: Iterable[np.ndarray]
    packed: bool = True


def write(phantom: "Phantom", path: str | os.PathLike[str]) -> list[Path]:
    """Write a phantom beside `path`, the TIFF of its grey volume.

    Parameters
    ----------
    phantom : Phantom
    path : path of a `.tif` file
        `<stem>_labels.tif`, `<stem>_voids.tif`, `<stem>_truth.csv`, `<stem>_voids.csv`, `<stem>_contacts.csv` and
        `<stem>_phantom.json` are written beside it.

    Returns
    -------
    list of Path
        The files, the volume first.

    Raises
    ------
    OutputError
        When the folder cannot be written.
    """
    grey = phantom.grey.dtype
    images = [_Image(grey, phantom.grey, not is_large(phantom.grey.shape, grey))]
    for volume, count in ((phantom.labels, len(phantom.table)), (phantom.voids, len(phantom.void_table))):
        images.append(_Image(narrow(count), map(partial(_cast, narrow(count)), volume)))
    return _write(images, phantom, Path(path), 1)


def write_slabs(powder: "Powder", path: str | os.PathLike[str], planes: int, workers: int) -> list[Path]:
    """Write what `write` does, to the byte, of a powder whose images are made `planes` planes at a time.

    Raises
    ------
    OutputError
        When the folder cannot be written.
    """
    grey = np.dtype(powder.options.grey_type)
    counts = len(powder.table), len(powder.void_table)
    labels, voids = narrow(counts[0]), narrow(counts[1])
    images = [
        # the slab's memory is used again while its planes wait to be compressed
        _Image(grey, (p.copy() for p in _planes(powder.grey(planes))), not is_large(powder.options.shape, grey)),
        _Image(labels, _planes(powder.labels(planes, labels.type))),
        _Image(voids, _planes(powder.voids(planes, voids.type))),
    ]
    return _write(images, powder, Path(path), workers)


def _cast(dtype: np.dtype, plane: np.ndarray) -> np.ndarray:
    return plane.astype(dtype)


def _planes(slabs: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    for slab in slabs:
        yield from slab


def check_place(path: str | os.PathLike[str], shape: tuple[int, int, int], grey: Any) -> None:
    """Refuse a name that is no TIFF, and a disk without the room.

    Raises
    ------
    OutputError
        With what it takes and what is free.
    """
    target = Path(path)
    if target.suffix.lower() not in (".tif", ".tiff"):
        raise OutputError(f"the phantom's file {target.name!r} is not a .tif; give a name that ends in .tif")
    folder = target.absolute().parent
    while not folder.exists():
        folder = folder.parent
    needed = int(np.prod(shape, dtype=float) * (np.dtype(grey).itemsize + TRUTH_VOXEL_BYTES))
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(
            f"the phantom takes about {format_bytes(needed)} and {format_bytes(free)} are free in {folder}; free some "
            "room, choose another place with -o, or make it smaller"
        )


def _write(images: list[_Image], powder: Any, target: Path, workers: int) -> list[Path]:
    options, voxel, stem, folder = powder.options, powder.voxel_size, target.stem, target.parent
    check_place(target, options.shape, images[0].dtype)
    facts = {
        "n_particles": len(powder.table),
        "n_voids": len(powder.void_table),
        "solid_fraction": round(powder.solid, 6),
        options.section: options.to_mapping(),
    }
    names = [target, folder / f"{stem}_labels.tif", folder / f"{stem}_voids.tif"]
    jobs: list[tuple[Path, Callable[[Path], object]]] = [
        (name, partial(_tiff, image, (options, voxel), workers)) for name, image in zip(names, images)
    ]
    jobs += [
        (folder / f"{stem}_truth.csv", lambda p: _csv(p, powder.table)),
        (folder / f"{stem}_voids.csv", lambda p: _csv(p, powder.void_table)),
        (folder / f"{stem}_contacts.csv", lambda p: _csv(p, powder.contacts)),
        (folder / f"{stem}_phantom.json", lambda p: p.write_text(json.dumps(facts, indent=1) + "\n")),
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _moved_into_place(jobs)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"the phantom cannot be written to {folder} ({reason}); choose another place") from error
    return [file for file, _ in jobs]


def _moved_into_place(jobs: list[tuple[Path, Callable[[Path], object]]]) -> None:
    """Write all files under other names, and give them their own once all are whole."""
    parts = [file.with_name(f".{file.stem}.part{file.suffix}") for file, _ in jobs]
    try:
        for part, (file, job) in zip(parts, jobs):
            job(part)
            log.info("%s made", file.name)
        for part, (file, _) in zip(parts, jobs):
            os.replace(part, file)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def narrow(top: int) -> np.dtype:
    """The smallest unsigned type that holds labels up to `top` (ImageJ reads no int32)."""
    return np.dtype(np.uint8 if top < 2**8 else np.uint16 if top < 2**16 else np.uint32)


def is_large(shape: tuple[int, ...], dtype: Any) -> bool:
    """Whether a volume does not fit the offsets of ImageJ's TIFF, 32 bits with some room for its tags.

    The grey of so large a volume is not compressed: noise gives back a sixth of the disk for half of the time.
    """
    return int(np.prod([int(n) for n in shape], dtype=object)) * np.dtype(dtype).itemsize >= 2**32 - 2**25


def _tiff(image: _Image, facts: tuple["PhantomOptions", VoxelSize], workers: int, file: Path) -> None:
    import tifffile

    options, voxel = facts
    plain = {"axes": "ZYX", "spacing": voxel.z, "unit": "um" if voxel.unit == "um" else "pixel"}
    n_bytes = int(np.prod(options.shape, dtype=np.int64)) * image.dtype.itemsize
    imagej = image.dtype.itemsize < 4 and not is_large(options.shape, image.dtype)
    with tifffile.TiffWriter(file, imagej=imagej, bigtiff=not imagej and n_bytes > BIG_BYTES) as tif:
        # zlib is in the standard library: no reader needs anything more
        tif.write(
            iter(image.planes),
            shape=options.shape,
            dtype=image.dtype,
            compression="zlib" if image.packed else None,
            compressionargs={"level": 6} if image.packed else None,
            resolution=(1 / voxel.x, 1 / voxel.y),
            metadata=plain,
            software="morphct",
            maxworkers=workers,
            buffersize=WRITE_BUFFER_BYTES,
        )


def _csv(file: Path, table: "pd.DataFrame") -> None:
    table.to_csv(file, float_format="%.9g", lineterminator="\n")
