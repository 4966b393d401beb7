"""Lengths and bytes as people write them: `25nm`, `0.025um`, `75nm,25nm,25nm`, `4GiB`."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .errors import InputError, SettingsError

# micrometres per unit; the micro sign exists twice in Unicode
UNITS_UM = {
    "pm": 1e-6,
    "angstrom": 1e-4,
    "Å": 1e-4,
    "\u212b": 1e-4,  # the sign of the unit, beside the letter
    "nm": 1e-3,
    "nanometer": 1e-3,
    "nanometre": 1e-3,
    "um": 1.0,
    "µm": 1.0,
    "μm": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "mm": 1e3,
    "millimeter": 1e3,
    "millimetre": 1e3,
    "cm": 1e4,
    "centimeter": 1e4,
    "centimetre": 1e4,
    "inch": 25400.0,
    "inches": 25400.0,
    "in": 25400.0,
    "m": 1e6,
    "meter": 1e6,
    "metre": 1e6,
}
PIXEL_UNITS = {"px", "pixel", "pixels", "voxel", "voxels"}
SMALLEST_UM, LARGEST_UM = 1e-3, 100.0
# edges of a voxel that differ more are unusual (serial sections), or a mistaken unit: a nm read as um is 1000 times
UNUSUAL_EDGE_RATIO, MOST_EDGE_RATIO = 10.0, 50.0
REMEDY = "give it as --voxel-size 25nm, 0.025um or 75nm,25nm,25nm (z,y,x), or --voxel-size 1px to go on in voxels"

_LENGTH = re.compile(r"^\s*([-+]?[0-9.]+(?:[eE][-+]?\d+)?)\s*([^\d\s.,]+)\s*$")
_BYTES = re.compile(r"^\s*([0-9.]+)\s*([KMGT]?)(i?)B?\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class VoxelSize:
    """Edge lengths of a voxel along z, y, x.

    Parameters
    ----------
    z, y, x : float
        Edge lengths in `unit`.
    unit : {"um", "px"}
        Micrometres, or voxels when the physical size is not known.
    source : str
        Where the value was read, in words.
    """

    z: float
    y: float
    x: float
    unit: str = "um"
    source: str = ""

    @property
    def spacing(self) -> tuple[float, float, float]:
        """(z, y, x) edge lengths."""
        return (self.z, self.y, self.x)

    @property
    def volume(self) -> float:
        """Volume of a voxel, unit cubed."""
        return self.z * self.y * self.x

    @property
    def smallest(self) -> float:
        """The shortest edge."""
        return min(self.spacing)

    @property
    def suffix(self) -> str:
        """Ending of length columns: `um` or `px`."""
        return self.unit

    @property
    def relative(self) -> tuple[float, float, float]:
        """(z, y, x) edges in units of the shortest one."""
        return (self.z / self.smallest, self.y / self.smallest, self.x / self.smallest)

    @property
    def isotropic(self) -> bool:
        """Whether the three edges agree within a thousandth."""
        return max(self.spacing) <= 1.001 * self.smallest

    def with_source(self, source: str) -> "VoxelSize":
        """The same size with another `source`."""
        return replace(self, source=source)

    def __str__(self) -> str:
        edges = [self.x] if self.isotropic else list(self.spacing)
        if self.unit == "px":
            return ",".join(f"{e:g}px" for e in edges)
        if max(edges) < 1.0:
            return ",".join(f"{e * 1e3:.6g}nm" for e in edges)
        return ",".join(f"{e:.6g}um" for e in edges)


def parse_length(text: str) -> tuple[float, str]:
    """A length such as `25nm` as (value, unit) with unit `um` or `px`.

    Raises
    ------
    InputError
        When the text is not a positive number with a known unit.
    """
    match = _LENGTH.match(text)
    if not match:
        raise InputError(f"the voxel size {text!r} is not a number with a unit; {REMEDY}")
    try:
        value = float(match[1])
    except ValueError:
        raise InputError(f"the voxel size {text!r} is not a number with a unit; {REMEDY}") from None
    name = match[2]
    if name.lower() in PIXEL_UNITS:
        unit, factor = "px", 1.0
    elif name in UNITS_UM or name.lower() in UNITS_UM:
        unit, factor = "um", UNITS_UM.get(name, UNITS_UM.get(name.lower(), 0.0))
    else:
        raise InputError(f"the unit {name!r} of the voxel size {text!r} is not known (nm, um, mm, px); {REMEDY}")
    value *= factor
    if not math.isfinite(value) or value <= 0:
        raise InputError(f"the voxel size {text!r} must be above zero; {REMEDY}")
    return value, unit


def check_length_um(value: float) -> bool:
    """Whether an edge length in micrometres can be that of a nano- or micro-CT voxel (1 nm to 100 um)."""
    return math.isfinite(value) and SMALLEST_UM <= value <= LARGEST_UM


def edge_ratio(edges: Sequence[float]) -> float:
    """The longest edge over the shortest."""
    return max(edges) / min(edges)


def parse_voxel_size(text: str, source: str = "command line") -> VoxelSize:
    """A voxel size as `25nm` (a cube) or `75nm,25nm,25nm` (z,y,x).

    Raises
    ------
    InputError
        When there are not one or three lengths, units are mixed with pixels, or an edge is outside 1 nm to 100 um.
    """
    parts = [p for p in str(text).split(",") if p.strip()]
    if len(parts) not in (1, 3):
        raise InputError(f"the voxel size {text!r} has {len(parts)} lengths, one or three (z,y,x) are wanted; {REMEDY}")
    if len(parts) == 3 and not _LENGTH.match(parts[0]):  # `75,25,25nm`: one unit for all three
        unit = re.sub(r"^[\s0-9.eE+-]+", "", parts[2]).strip()
        parts = [p if _LENGTH.match(p) else p + unit for p in parts]
    lengths = [parse_length(p) for p in parts]
    units = {unit for _, unit in lengths}
    if len(units) > 1:
        raise InputError(f"the voxel size {text!r} mixes pixels with lengths; {REMEDY}")
    unit = units.pop()
    edges = [value for value, _ in lengths] * (3 if len(lengths) == 1 else 1)
    if unit == "um" and not all(check_length_um(e) for e in edges):
        raise InputError(f"the voxel size {text!r} is outside 1 nm to 100 um; {REMEDY}")
    if edge_ratio(edges) > MOST_EDGE_RATIO:
        raise InputError(
            f"the edges of the voxel size {text!r} differ {round(edge_ratio(edges), 1):g} times, at most "
            f"{MOST_EDGE_RATIO:g} are taken; check the units and the order z,y,x"
        )
    # lengths such as 25 * 1e-3 carry a last-digit error that would show in every table
    edges = [float(f"{e:.12g}") for e in edges]
    return VoxelSize(edges[0], edges[1], edges[2], unit, source)


def as_voxel_size(value: "str | VoxelSize | Sequence[str] | None") -> VoxelSize:
    """A voxel size from what callers of the library give; None means voxels.

    Raises
    ------
    InputError
        For bare numbers, whose unit nobody knows.
    """
    if isinstance(value, VoxelSize):
        return value
    if value is None:
        return parse_voxel_size("1px")
    if isinstance(value, str):
        return parse_voxel_size(value)
    if isinstance(value, Sequence) and value and all(isinstance(v, str) for v in value):
        return parse_voxel_size(",".join(value))
    raise InputError(f"the voxel size {value!r} has no unit; give it as '25nm', '0.025um' or '75nm,25nm,25nm' (z,y,x)")


def parse_bytes(text: str) -> int:
    """A memory size such as `4GiB`, `800MB` or `2G` in bytes (K, M, G alone mean KiB, MiB, GiB).

    Raises
    ------
    SettingsError
        When the text is not a size.
    """
    match = _BYTES.match(str(text))
    if not match or match[1].count(".") > 1 or not match[1].strip("."):
        raise SettingsError(f"the memory size {text!r} is not a size such as 800MiB, 4GiB or 16G; give one like that")
    base = 1000 if (match[2] and not match[3] and str(text).strip().upper().endswith("B")) else 1024
    return int(float(match[1]) * base ** " KMGT".index(match[2].upper() or " "))


def format_bytes(count: float) -> str:
    """Bytes in words: `3.2 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1024
    return f"{count:.3g} TiB"


def format_share(share: float) -> str:
    """A share as per cent: `44 %`, `2.3 %`, `.01 %` with two digits below ten."""
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.2g} %"


def format_seconds(seconds: float) -> str:
    """A time still to come, in words and no finer than it can be known: `35 s`, `4 min`, `2.5 h`."""
    if seconds < 10:
        return f"{max(seconds, 1):.0f} s"
    if seconds < 97.5:  # to 5 s
        return f"{5 * round(seconds / 5)} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
