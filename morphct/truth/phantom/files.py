"""Writing a phantom: volume, label truth, void truth, tables and settings, each moved into place when whole."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...ground.errors import OutputError
from ...ground.units import VoxelSize

if TYPE_CHECKING:
    import pandas as pd

    from . import Phantom


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
    target = Path(path)
    if target.suffix.lower() not in (".tif", ".tiff"):
        raise OutputError(f"the phantom's file {target.name!r} is not a .tif; give a name that ends in .tif")
    stem, folder = target.stem, target.parent
    facts = {
        "n_particles": len(phantom.table),
        "n_voids": len(phantom.void_table),
        "solid_fraction": round(phantom.solid, 6),
        phantom.options.section: phantom.options.to_mapping(),
    }
    jobs: list[tuple[Path, Callable[[Path], object]]] = [
        (target, lambda p: _tiff(p, phantom.grey, phantom.voxel_size)),
        (folder / f"{stem}_labels.tif", lambda p: _tiff(p, _narrow(phantom.labels), phantom.voxel_size)),
        (folder / f"{stem}_voids.tif", lambda p: _tiff(p, _narrow(phantom.voids), phantom.voxel_size)),
        (folder / f"{stem}_truth.csv", lambda p: _csv(p, phantom.table)),
        (folder / f"{stem}_voids.csv", lambda p: _csv(p, phantom.void_table)),
        (folder / f"{stem}_contacts.csv", lambda p: _csv(p, phantom.contacts)),
        (folder / f"{stem}_phantom.json", lambda p: p.write_text(json.dumps(facts, indent=1) + "\n")),
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, job in jobs:
            _moved_into_place(file, job)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"the phantom cannot be written to {folder} ({reason}); choose another place") from error
    return [file for file, _ in jobs]


def _moved_into_place(file: Path, job: Callable[[Path], object]) -> None:
    part = file.with_name(f".{file.stem}.part{file.suffix}")
    try:
        job(part)
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)


def _narrow(labels: np.ndarray) -> np.ndarray:
    """Labels in the smallest unsigned type that holds them all (ImageJ reads no int32)."""
    top = int(labels.max(initial=0))
    return labels.astype(np.uint8 if top < 2**8 else np.uint16 if top < 2**16 else np.uint32)


def _tiff(file: Path, volume: np.ndarray, voxel: VoxelSize) -> None:
    import tifffile

    plain = {"axes": "ZYX", "spacing": voxel.z, "unit": "um" if voxel.unit == "um" else "pixel"}
    imagej = volume.dtype.itemsize < 4 and volume.nbytes < 2**32 - 2**25
    with tifffile.TiffWriter(file, imagej=imagej, bigtiff=not imagej and volume.nbytes > 2**31) as tif:
        # zlib is in the standard library: no reader needs anything more
        tif.write(
            volume,
            compression="zlib",
            compressionargs={"level": 6},
            resolution=(1 / voxel.x, 1 / voxel.y),
            metadata=plain,
            software="morphct",
        )


def _csv(file: Path, table: "pd.DataFrame") -> None:
    table.to_csv(file, float_format="%.9g", lineterminator="\n")
