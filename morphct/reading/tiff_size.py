"""The voxel size in the header of a TIFF file: OME-XML, ImageJ's description, or tifffile's JSON description.

The resolution tags of other TIFF files are meant for printers (72 per inch, 1/1) and say nothing about z: not used.
"""

import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ..ground.units import UNUSUAL_EDGE_RATIO, check_length_um, edge_ratio
from .stated import Stated, micrometres, one_unit, state

_RESOLUTION_UNITS = {2: "inch", 3: "centimeter"}


def sizes_in(tif: Any, path: Path, image: int = 0) -> list[Stated]:
    """What the header of an opened `tifffile.TiffFile` states of one of its images, along z, y, x."""
    if tif.is_ome:
        return _ome(tif.ome_metadata, path, image)
    if tif.is_imagej:
        return _described(tif.imagej_metadata or {}, tif, f"ImageJ header of {path.name}")
    if tif.is_shaped and tif.shaped_metadata:
        facts = tif.shaped_metadata[0]
        if "spacing" in facts or "unit" in facts:
            return _described(facts, tif, f"description of {path.name}")
    return []


def _ome(text: str | None, path: Path, image: int) -> list[Stated]:
    try:
        root = ElementTree.fromstring(text or "")
    except ElementTree.ParseError:
        return []
    # the namespace changes with the year of the schema
    images = [e for e in root.iter() if e.tag.rpartition("}")[2] == "Pixels"]
    if not images:
        return []
    pixels = images[image if image < len(images) else 0]
    edges = [_number(pixels.get(f"PhysicalSize{axis}")) for axis in "ZYX"]
    if not any(edges):
        return []
    edges_in_one, unit = one_unit(edges, [pixels.get(f"PhysicalSize{axis}Unit", "µm") for axis in "ZYX"])
    return [state(edges_in_one, unit, f"OME metadata of {path.name}")]


def _described(facts: dict[str, Any], tif: Any, source: str) -> list[Stated]:
    """`spacing` is that of planes, resolution tags count pixels in `unit`; `yunit` and `zunit` where they differ."""
    tags = tif.pages[0].tags
    y, x = (_pixel(tags.get(code)) for code in (283, 282))
    spacing = _number(facts.get("spacing"))
    if spacing is None and facts.get("unit") is None:
        return []
    units = [str(u) if (u := facts.get(key, facts.get("unit"))) else None for key in ("zunit", "yunit", "unit")]
    if spacing not in (None, 1) and all(_is_default(tags.get(code)) for code in (282, 283)):
        y = x = None  # 1/1 is what libraries write when nobody set it
    per = _RESOLUTION_UNITS.get(int(tags[296].value)) if 296 in tags else None
    if per is not None and None not in (spacing, y, x):
        answer = _by_resolution_unit([spacing, y, x], units, per, source)
        if answer is not None:
            return [answer]
    edges, unit = one_unit([spacing, y, x], units)
    return [state(edges, unit, source)]


def _by_resolution_unit(edges: list[Any], units: list[str | None], per: str, source: str) -> Stated | None:
    """What a resolution per inch or centimetre makes of a size whose description names another unit.

    Many libraries write such a resolution unit unasked, so the description counts where the other makes no sense.
    """
    factors = [micrometres(u or "") for u in units]
    other = micrometres(per) or 1.0
    if any(f is None for f in factors) or other in factors[1:]:
        return None
    by_unit = [e * (f or 1.0) for e, f in zip(edges, factors)]
    by_tag = [by_unit[0], edges[1] * other, edges[2] * other]
    if not _likely(by_tag):
        return None
    if _likely(by_unit):
        trouble = f"states {by_unit[2]:.4g} um a pixel by its unit and {by_tag[2]:.4g} um by its resolution per {per}"
        return Stated(None, source, trouble)
    return state(by_tag, "um", f"{source}, resolution per {per}")


def _likely(edges: list[float]) -> bool:
    return all(check_length_um(e) for e in edges) and edge_ratio(edges) <= UNUSUAL_EDGE_RATIO


def _is_default(tag: Any) -> bool:
    return tag is None or tag.value == (1, 1)


def _pixel(tag: Any) -> float | None:
    """Length of a pixel from a resolution tag (pixels a unit, a rational)."""
    if tag is None or not isinstance(tag.value, tuple) or len(tag.value) != 2 or not tag.value[0]:
        return None
    # rationals have 32 bits: later digits are noise
    return float(f"{tag.value[1] / tag.value[0]:.7g}")


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
