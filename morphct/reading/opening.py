"""Opening a volume: the reader, the axis order, the crop and the voxel size, checked before a voxel is read."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..ground.errors import InputError, SettingsError
from ..ground.units import VoxelSize
from . import raw
from .contract import Found, Request
from .readers import locate, reader_of
from .volume import Box, Volume, printable
from .voxel_size import choose, sidecar_sizes

AXES = ("zyx", "zxy", "yzx", "yxz", "xzy", "xyz")


def open_volume(
    path: str | Path,
    *,
    voxel_size: str | VoxelSize | None = None,
    raw_shape: str | Sequence[int] | None = None,
    raw_dtype: Any = None,
    raw_offset: int = 0,
    axes: str | None = None,
    crop: str | None = None,
    follow_links: bool = False,
) -> Volume:
    """Open a volume without reading its voxels.

    Parameters
    ----------
    path : str or Path
        A file, a folder or glob of slices, `file.h5::/dataset` or `store.zarr::array`.
    voxel_size : str or VoxelSize, optional
        Edge lengths (z,y,x or one); goes before what files say.
    raw_shape : str or sequence of int, optional
        Lengths of a raw file's axes as it stores them, slowest first: `z,y,x` unless `axes` says otherwise.
    raw_dtype : str or dtype, optional
        Type of a raw file's voxels with the byte order, such as `<u2` or `>f4`.
    raw_offset : int
        Bytes of a raw file before its first voxel (a header of another program).
    axes : str, optional
        Order in which the file stores the axes, slowest first, when it is not z, y, x: such as `yxz`.
    crop : str, optional
        Part to use, `z0:z1,y0:y1,x0:x1` in voxels, half-open; an empty limit means the end of the axis.
    follow_links : bool
        Read files outside the volume's own folder that it names (links, data files, parts); `notes` names them.

    Returns
    -------
    Volume
        `voxel_size` is None when nothing trustworthy states one; `notes` says why.

    Raises
    ------
    InputError
        When the file cannot be read or is no grey volume; one sentence.
    SettingsError
        When `axes`, `crop`, `raw_shape` or `raw_dtype` make no sense.
    """
    location = locate(path)
    request = Request(_raw_shape(raw_shape), _raw_dtype(raw_dtype), _raw_offset(raw_offset), bool(follow_links))
    found = reader_of(location, request).open(location, request)
    order = _axes(axes, found)
    # a sidecar lies beside what was named, or beside the file that holds the voxels
    beside = location.path if location.path.exists() else found.files[0].parent
    stated = [*sidecar_sizes(beside), *found.stated]
    size, size_notes = choose(voxel_size, stated, order, location.path.name)
    volume = Volume(
        source=found.source,
        axes=order,
        voxel_size=size,
        path=location.path,
        dataset=found.dataset,
        format=found.format,
        notes=[printable(n) for n in (*found.notes, *_notes(found, order, request, location.path.name), *size_notes)],
        files=found.files,
    )
    return replace(volume, crop=parse_crop(crop, volume.full_shape)) if crop else volume


def parse_crop(text: str, shape: tuple[int, int, int]) -> Box:
    """(z, y, x) half-open ranges of `z0:z1,y0:y1,x0:x1`.

    Raises
    ------
    SettingsError
        When the text is no crop, or leaves the volume.
    """
    parts = [p.strip() for p in str(text).split(",")]
    found = [re.fullmatch(r"(\d*)\s*:\s*(\d*)", p) for p in parts]
    if len(parts) != 3 or not all(found):
        raise SettingsError(f"the crop {text!r} is not z0:z1,y0:y1,x0:x1 in voxels, such as 100:300,:,50:450; mend it")
    ranges = []
    for match, n, axis in zip(found, shape, "zyx"):
        start, stop = (int(g) if g else default for g, default in zip(match.groups() if match else (), (0, n)))
        if not 0 <= start < stop <= n:
            raise SettingsError(f"the crop {start}:{stop} along {axis} does not lie in 0:{n}; mend input.crop")
        ranges.append((start, stop))
    return ranges[0], ranges[1], ranges[2]


def _axes(axes: str | None, found: Found) -> str:
    """Order of the axes of the source."""
    order = (axes or found.axes).strip().lower().replace(",", "")
    if order not in AXES and not axes:
        raise InputError(
            f"the file names its axes {found.axes}, which are not z, y and x; give their order as --axes zyx"
        )
    if order not in AXES:
        raise SettingsError(f"input.axes is {axes!r}; allowed are {', '.join(AXES)} (slowest first)")
    return order[::-1] if found.reversed else order


def _notes(found: Found, order: str, request: Request, name: str) -> list[str]:
    notes = []
    if request.raw_shape is not None and found.format not in [f.name for f in raw.READER.formats]:
        notes.append(f"{name} is a {found.format} file and says its own shape: the raw shape is not used")
    planes, chunk = found.source.shape[order.index("z")], found.source.chunk[order.index("z")]
    if order[0] != "z" and chunk >= planes:
        place = "fastest" if order[2] == "z" else "middle"
        notes.append(f"{name} stores z as the {place} axis: every slab reads all of it")
    return notes


def _raw_shape(value: str | Sequence[int] | None) -> tuple[int, int, int] | None:
    if value is None:
        return None
    parts = re.split(r"[,x\s]+", value.strip()) if isinstance(value, str) else list(value)
    try:
        lengths = [int(p) for p in parts]
    except ValueError:
        lengths = []
    if len(lengths) != 3 or min(lengths) < 1:
        raise SettingsError(f"the raw shape {value!r} is not z,y,x in voxels, such as 960,2560,2560; mend it")
    return lengths[0], lengths[1], lengths[2]


def _raw_offset(value: int) -> int:
    if isinstance(value, bool) or int(value) < 0:
        raise SettingsError(f"the raw offset {value!r} is not a number of bytes from 0 on; mend it")
    return int(value)


def _raw_dtype(value: Any) -> np.dtype | None:
    if value is None:
        return None
    try:
        dtype = np.dtype(value)
    except TypeError:
        raise SettingsError(f"the raw type {value!r} is not known; give such as uint8, '<u2', '>u2' or '<f4'") from None
    if dtype.kind not in "biuf":
        raise InputError(f"the raw type {value!r} holds no grey values; give such as uint8, '<u2', '>u2' or '<f4'")
    return dtype
