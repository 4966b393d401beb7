"""Raw voxels: with the shape and type the user gives, or with an ESRF `.info` or `.xml` beside the file."""

import re
from pathlib import Path

import numpy as np

from ..ground.errors import InputError
from .contract import Format, Found, Location, Reader, Request
from .raw_source import FlatSource, bytes_of
from .stated import Stated, state
from .vgi import open_vgi
from .volume import check_dtype, check_shape

RAW = Format(
    "raw",
    (".raw", ".bin", ".dat", ".img"),
    "--raw-shape, --raw-dtype and --raw-offset of a header, or a .info or .xml beside",
)
VOL = Format("ESRF vol", (".vol",), "with its .vol.info, .vol.xml, .info, .xml or .vgi")

PLACEHOLDER_UM = 40.0
_MOST_HEADER = 1 << 16  # bytes; a longer rest is no header but a mistaken shape
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
    is_vol = path.suffix.lower() == ".vol"
    sidecar = next((s for s in _sidecars(path) if s.is_file()), None)
    stated: list[Stated] = []
    if request.raw_shape is None and is_vol and sidecar is None and path.with_suffix(".vgi").is_file():
        return open_vgi(Location(path.with_suffix(".vgi")), request)
    if request.raw_shape is not None:
        if request.raw_dtype is None:
            raise InputError(f"the type of the voxels of {path.name} is not known; give it as --raw-dtype '<u2'")
        shape, dtype = request.raw_shape, request.raw_dtype
    elif sidecar is not None:
        shape, dtype, stated = _described(path, sidecar, request.raw_offset)
    else:
        raise InputError(_how_to(path))
    check_shape(shape, path.name)
    check_dtype(dtype, path.name)
    check_bytes(path, shape, dtype, request.raw_offset)
    source = FlatSource(path, shape, dtype, request.raw_offset)
    return Found(source, VOL.name if is_vol else RAW.name, stated=stated, files=(path,))


def check_bytes(path: Path, shape: tuple[int, int, int], dtype: np.dtype, offset: int) -> None:
    """Refuse a raw file that is not as long as its description says.

    Raises
    ------
    InputError
        One sentence with both lengths; where a header would explain the rest, how to say so.
    """
    found, wanted = path.stat().st_size, bytes_of(shape, dtype) + offset
    if found == wanted:
        return
    text = " x ".join(str(n) for n in shape)
    behind = f" behind {offset:,}" if offset else ""
    header = ""
    if 0 < found - wanted <= _MOST_HEADER:
        header = f", or say --raw-offset {found - wanted + offset} if it begins with a header of so many bytes"
    raise InputError(
        f"{path.name} has {found:,} bytes, {text} voxels of {dtype} are {wanted - offset:,}{behind}; mend the raw "
        f"shape or type{header}"
    )


def _sidecars(path: Path) -> list[Path]:
    names = [path.name + ".info", path.name + ".xml", path.stem + ".info", path.stem + ".xml"]
    return [path.with_name(name) for name in names]


def _how_to(path: Path) -> str:
    for suffix in (".mhd", ".nhdr", ".vgi"):
        if path.with_suffix(suffix).is_file():
            return f"{path.name} is described by {path.with_suffix(suffix).name}; open that instead"
    beside = f" or put {path.name}.info beside it" if path.suffix.lower() == ".vol" else ""
    return (
        f"{path.name} is a raw file whose shape is not known; "
        f"give it as --raw-shape z,y,x --raw-dtype '<u2' ('>u2' big endian){beside}"
    )


def _described(path: Path, sidecar: Path, offset: int) -> tuple[tuple[int, int, int], np.dtype, list[Stated]]:
    """Shape, type and voxel size that an ESRF `.info` (name = value) or `.xml` gives."""
    text = sidecar.read_text(encoding="utf-8", errors="replace")
    if sidecar.suffix.lower() == ".xml":
        pairs = re.findall(r"<(\w+)[^>]*>([^<]+)</\1>", text)
    else:
        # comments begin with ! (PyHST), # or ; and may follow a value
        pairs = re.findall(r"^\s*(\w+)\s*=[ \t]*([^!#;\n]*?)[ \t]*(?:[!#;].*)?$", text, re.MULTILINE)
    facts = {key.lower().replace("_", ""): value.strip() for key, value in pairs}
    try:
        lengths = [int(float(facts.get(f"num{a}", facts.get(f"size{a}", "")))) for a in "zyx"]
    except (ValueError, OverflowError):
        raise InputError(f"{sidecar.name} does not give NUM_X, NUM_Y and NUM_Z; mend it or give --raw-shape") from None
    shape = (lengths[0], lengths[1], lengths[2])
    dtype = _dtype(path, sidecar, shape, facts, offset)
    return shape, dtype, _stated(sidecar, facts)


def _dtype(path: Path, sidecar: Path, shape: tuple[int, int, int], facts: dict[str, str], offset: int) -> np.dtype:
    word = facts.get("datatype", "").lower()
    try:
        dtype = np.dtype(_WORDS.get(word, word)) if word else None
    except TypeError:
        raise InputError(
            f"the DATA_TYPE {word!r} of {sidecar.name} is not known; give --raw-shape, --raw-dtype"
        ) from None
    if dtype is None:  # the ESRF writes float32 and does not say so; converted volumes keep the .info
        voxels = bytes_of(shape, np.dtype("u1"))
        itemsize, rest = divmod(path.stat().st_size - offset, max(voxels, 1))
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
