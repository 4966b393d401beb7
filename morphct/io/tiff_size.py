"""The voxel size in the header of a TIFF file: OME-XML, ImageJ's description, or tifffile's JSON description.

The resolution tags of other TIFF files are meant for printers (72 per inch, 1/1) and say nothing about z: not used.
"""

import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from .found import Stated, one_unit, state


def sizes_in(tif: Any, path: Path) -> list[Stated]:
    """What the header of an opened `tifffile.TiffFile` states, along z, y, x."""
    if tif.is_ome:
        return _ome(tif.ome_metadata, path)
    if tif.is_imagej:
        return _described(tif.imagej_metadata or {}, tif, f"ImageJ header of {path.name}")
    if tif.is_shaped and tif.shaped_metadata:
        facts = tif.shaped_metadata[0]
        if "spacing" in facts or "unit" in facts:
            return _described(facts, tif, f"description of {path.name}")
    return []


def _ome(text: str | None, path: Path) -> list[Stated]:
    try:
        root = ElementTree.fromstring(text or "")
    except ElementTree.ParseError:
        return []
    # the namespace changes with the year of the schema
    pixels = next((e for e in root.iter() if e.tag.rpartition("}")[2] == "Pixels"), None)
    if pixels is None:
        return []
    edges = [_number(pixels.get(f"PhysicalSize{axis}")) for axis in "ZYX"]
    if not any(edges):
        return []
    edges_in_one, unit = one_unit(edges, [pixels.get(f"PhysicalSize{axis}Unit", "µm") for axis in "ZYX"])
    return [state(edges_in_one, unit, f"OME metadata of {path.name}")]


def _described(facts: dict[str, Any], tif: Any, source: str) -> list[Stated]:
    """`spacing` is that of planes, the resolution tags count pixels in `unit`."""
    y, x = (_pixel(tif.pages[0].tags.get(code)) for code in (283, 282))
    spacing, unit = _number(facts.get("spacing")), facts.get("unit")
    if spacing is None and unit is None:
        return []
    return [state([spacing, y, x], str(unit) if unit else None, source)]


def _pixel(tag: Any) -> float | None:
    """Length of a pixel from a resolution tag (pixels a unit, a rational)."""
    if tag is None or len(tag.value) != 2 or not tag.value[0]:
        return None
    # rationals have 32 bits: later digits are noise
    return float(f"{tag.value[1] / tag.value[0]:.7g}")


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
