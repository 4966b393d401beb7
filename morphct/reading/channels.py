"""Co-registered maps: NAME=FILE, each on the very voxels of the volume."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..ground.errors import InputError, SettingsError
from .opening import open_volume
from .volume import Volume

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def check_channels(names: Iterable[str]) -> None:
    """Refuse names that cannot begin the name of a column.

    Raises
    ------
    SettingsError
        For the first of them.
    """
    for name in names:
        if not _NAME.fullmatch(name):
            raise SettingsError(
                f"a channel is named {name!r}; a letter and then letters, digits and _ are wanted, such as Ni_XRF"
            )


def channel_files(texts: Sequence[str]) -> dict[str, str]:
    """Names and files of `NAME=FILE` texts.

    Raises
    ------
    SettingsError
        For a text of another form, a name that cannot begin the name of a column, or one that is given twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, file = (part.strip() for part in text.partition("="))
        if not equals or not name or not file:
            raise SettingsError(f"the channel {text!r} is not NAME=FILE, such as Ni=xrf_ni.tif")
        if name in found:
            raise SettingsError(f"two channels are named {name!r} ({found[name]} and {file}); give each its own name")
        found[name] = file
    check_channels(found)
    return found


def open_channels(files: Mapping[str, str], volume: Volume, **options: Any) -> dict[str, Volume]:
    """Open the maps that belong to a volume.

    Parameters
    ----------
    files : mapping of name to path
    volume : Volume
        Grey volume or label image; the crop it was opened with is applied to the maps too.
    options
        As for `open_volume`; what they say of voxel size and crop is not used.

    Raises
    ------
    InputError
        When a map cannot be read or has another shape.
    """
    options = {k: v for k, v in options.items() if k not in ("crop", "voxel_size")}
    found = {}
    for name, file in files.items():
        channel = open_volume(file, **options)
        if channel.full_shape != volume.full_shape:
            one, other = (" x ".join(str(n) for n in v.full_shape) for v in (channel, volume))
            raise InputError(
                f"the channel {name} ({channel.name}) is {one} and {volume.name} is {other} (z,y,x); resample the map "
                "onto the voxels of the volume"
            )
        found[name] = replace(channel, crop=volume.crop)
    return found


def costly_boxes(volume: Volume) -> bool:
    """Whether reading a small box decodes whole planes of the file."""
    return int(np.prod(volume.source.chunk)) > max(volume.source.shape)
