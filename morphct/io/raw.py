"""Raw voxels: with the shape and type the user gives, or with an ESRF `.info` or `.xml` beside the file."""

import re
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..volume import check_dtype, check_shape
from .flat import FlatSource, bytes_of
from .found import Format, Found, Location, Reader, Request, Stated, state

RAW = Format("raw", (".raw", ".bin", ".dat", ".img"), "raw voxels with a given shape and type (or a .info beside)")
VOL = Format("ESRF vol", (".vol",), "with its .vol.info or .xml")

PLACEHOLDER_UM = 40.0
_BY_ITEMSIZE: dict[int, np.dtype] = {1: np.dtype("u1"), 2: np.dtype("u2"), 4: np.dtype("f4"), 8: np.dtype("f8")}
_WORDS = {"float": "f4", "floatvalue": "f4", "double": "f8", "unsignedbyte": "u1", "unsignedshort": "u2"}


def open_raw(location: Location, request: Request) -> Found:
    """A raw file as the user or the file beside it describes it.

    Raises
    ------
    InputError
        When nothing describes it, or its size does not fit the description.
    """
    path = location.path
    name = VOL.name if path.suffix.lower() == ".vol" else RAW.name
    sidecar = next((s for s in _sidecars(path) if s.is_file()), None)
    stated: list[Stated] = []
    if request.raw_shape is not None:
        if request.raw_dtype is None:
            raise InputError(f"the type of the voxels of {path.name} is not known; give it as --raw-dtype '<u2'")
        shape, dtype = request.raw_shape, request.raw_dtype
    elif sidecar is not None:
        shape, dtype, stated = _described(path, sidecar)
    else:
        raise InputError(_how_to(path))
    check_shape(shape, path.name)
    check_dtype(dtype, path.name)
    found, wanted = path.stat().st_size, bytes_of(shape, dtype)
    if found != wanted:
        text = " x ".join(str(n) for n in shape)
        raise InputError(
            f"{path.name} has {found:,} bytes, {text} voxels of {dtype} are {wanted:,}; mend the raw shape or type"
        )
    return Found(FlatSource(path, shape, dtype), name, stated=stated, files=(path,))


def _sidecars(path: Path) -> list[Path]:
    return [path.with_name(path.name + ".info"), path.with_suffix(".info"), path.with_suffix(".xml")]


def _how_to(path: Path) -> str:
    for suffix in (".mhd", ".nhdr"):
        if path.with_suffix(suffix).is_file():
            return f"{path.name} is described by {path.with_suffix(suffix).name}; open that instead"
    beside = f" or put {path.name}.info beside it" if path.suffix.lower() == ".vol" else ""
    return (
        f"{path.name} is a raw file whose shape is not known; "
        f"give it as --raw-shape z,y,x --raw-dtype '<u2' ('>u2' big endian){beside}"
    )


def _described(path: Path, sidecar: Path) -> tuple[tuple[int, int, int], np.dtype, list[Stated]]:
    """Shape, type and voxel size that an ESRF `.info` (name = value) or `.xml` gives."""
    text = sidecar.read_text(encoding="utf-8", errors="replace")
    if sidecar.suffix.lower() == ".xml":
        pairs = re.findall(r"<(\w+)[^>]*>([^<]+)</\1>", text)
    else:
        pairs = re.findall(r"^\s*(\w+)\s*=\s*(.+?)\s*$", text, re.MULTILINE)
    facts = {key.lower().replace("_", ""): value.strip() for key, value in pairs}
    try:
        lengths = [int(float(facts.get(f"num{a}", facts.get(f"size{a}", "")))) for a in "zyx"]
    except ValueError:
        raise InputError(f"{sidecar.name} does not give NUM_X, NUM_Y and NUM_Z; mend it or give --raw-shape") from None
    shape = (lengths[0], lengths[1], lengths[2])
    dtype = _dtype(path, sidecar, shape, facts)
    return shape, dtype, _stated(sidecar, facts)


def _dtype(path: Path, sidecar: Path, shape: tuple[int, int, int], facts: dict[str, str]) -> np.dtype:
    word = facts.get("datatype", "").lower()
    try:
        dtype = np.dtype(_WORDS.get(word, word)) if word else None
    except TypeError:
        raise InputError(
            f"the DATA_TYPE {word!r} of {sidecar.name} is not known; give --raw-shape, --raw-dtype"
        ) from None
    if dtype is None:  # the ESRF writes float32 and does not say so; converted volumes keep the .info
        voxels = bytes_of(shape, np.dtype("u1"))
        itemsize, rest = divmod(path.stat().st_size, max(voxels, 1))
        dtype = _BY_ITEMSIZE.get(itemsize, np.dtype("f4")) if rest == 0 else np.dtype("f4")
    return dtype.newbyteorder(">" if facts.get("byteorder", "").upper().startswith("HIGH") else "<")


def _stated(sidecar: Path, facts: dict[str, str]) -> list[Stated]:
    text = facts.get("voxelsize", "")
    source = f"sidecar {sidecar.name}"
    try:
        value = float(text)
    except ValueError:
        return []
    if value == PLACEHOLDER_UM:
        return [Stated(None, source, "states 40 um, the placeholder of files whose voxel size was never set", True)]
    return [state([value], "um", source, sidecar=True)]


READER = Reader((RAW, VOL), open_raw)
