"""A voxel size as a file states it: checked for units, placeholders, missing axes and absurd edges."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..ground.units import MOST_EDGE_RATIO, UNITS_UM, check_length_um, edge_ratio


@dataclass(frozen=True)
class Stated:
    """A voxel size as one place states it.

    Parameters
    ----------
    edges : tuple of float, optional
        Micrometres along the stored axes; None when it cannot be used.
    source : str
        The place, in words.
    trouble : str
        Why it cannot be used, "" when it can.
    sidecar : bool
        Stated in a file beside the volume, which goes before what the volume's own header says.
    """

    edges: tuple[float, float, float] | None
    source: str
    trouble: str = ""
    sidecar: bool = False


def state(
    edges: Sequence[float | None],
    unit: str | None,
    source: str,
    *,
    sidecar: bool = False,
    placeholders: bool = True,
    usual: str = "",
) -> Stated:
    """A stated voxel size, checked.

    Parameters
    ----------
    edges : sequence of float or None
        One value (a cube) or three along the stored axes.
    unit : str or None
        Unit of the values as written; None or an unknown word cannot be used.
    placeholders : bool
        Whether 1/1/1 counts as "never set", as where the unit is implied by the format rather than written.
    usual : str
        Unit that programs mean where a format states none (`mm`): the sentence gives the size in it, never the run.
    """
    values = list(edges) * (3 if len(edges) == 1 else 1)
    known = [abs(v) for v in values if v is not None]
    text = ", ".join(f"{v:g}" for v in sorted(set(known))) or "nothing"
    word = (unit or "").strip()
    factor = micrometres(word)
    trouble = ""
    if len(known) < 3:
        trouble = f"states {text} {word}".rstrip() + " for some axes only"
    elif any(v == 0 for v in known):
        trouble = "states a voxel size of zero"
    elif factor is None:
        trouble = f"states {text} without a unit of length" + (f" ({word})" if word else _in_unit(known, usual))
    elif placeholders and all(v == 1 for v in known):
        trouble = f"states 1 {word} along every axis, which is what programs write when nobody set it"
    elif not all(check_length_um(v * factor) for v in known):
        trouble = f"states {text} {word}, outside 1 nm to 100 um"
    if trouble or factor is None:
        return Stated(None, source, trouble, sidecar)
    # the last digits of products such as 6.5e-6 * 1e4 are noise that would show in every table
    a, b, c = (float(f"{v * factor:.12g}") for v in known)
    if edge_ratio((a, b, c)) > MOST_EDGE_RATIO:
        trouble = (
            f"states {text} {word}, edges that differ {round(edge_ratio((a, b, c)), 1):g} times (a mistaken unit?)"
        )
        return Stated(None, source, trouble, sidecar)
    return Stated((a, b, c), source, "", sidecar)


def one_unit(edges: Sequence[float | None], units: Sequence[str | None]) -> tuple[Sequence[float | None], str | None]:
    """The same lengths in one unit: theirs when they share it, else micrometres; None when one of them is unknown."""
    if len(set(units)) == 1:
        return edges, units[0]
    factors = [micrometres((u or "").strip()) for u in units]
    if any(f is None for f in factors):
        return edges, None
    return [None if e is None else e * f for e, f in zip(edges, factors) if f is not None], "um"


def _in_unit(edges: Sequence[float], usual: str) -> str:
    """What the edges would be in the unit that programs mean but do not write, ready to paste (z,y,x)."""
    if not usual or not all(v > 0 for v in edges):
        return ""
    for unit in (usual, "um"):
        sizes = [v * (micrometres(unit) or 1.0) for v in edges]
        if all(check_length_um(v) for v in sizes):
            text = ",".join(f"{v:.7g}um" for v in (sizes if len(set(sizes)) > 1 else sizes[:1]))
            meant = f"in {unit}, as programs mean by it," if unit == usual else f"in {unit}"
            return f" ({meant} it is --voxel-size {text})"
    return ""


def micrometres(word: str) -> float | None:
    """Micrometres in a unit as programs spell it (`Micron`, `nanometers`, `[n_m]`, ImageJ's escaped micro sign)."""
    word = re.sub(r"\\u00b5|\\u03bc|Âµ|Î¼", "µ", word, flags=re.IGNORECASE).strip("[]() \"'").replace("_", "")
    names = (word, word.lower(), word.lower().removesuffix("s"))
    return next((UNITS_UM[name] for name in names if name in UNITS_UM), None)
