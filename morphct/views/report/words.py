"""Numbers and findings as sentences and cells."""

import math
import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

DASH = "–"


def number(value: Any, digits: int = 3) -> str:
    """A number with so many significant digits, thousands kept whole; a dash where there is none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    if abs(value) >= 10**digits:
        return f"{value:,.0f}"
    if abs(value) < 1e-4:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"


def percent(share: Any) -> str:
    """A share as per cent with two digits; a dash where there is none."""
    if share is None or not math.isfinite(share):
        return DASH
    value = 100 * share
    if abs(value) < 1e-6:  # the rounding of an interval's end
        return "0 %"
    if value >= 10:
        return f"{value:.0f} %"
    return f"{value:.1f} %" if value >= 1 else f"{value:.2g} %"


def unit_word(unit: str, power: int = 1) -> str:
    """`µm`, `µm³`, `voxels`."""
    sign = {1: "", 2: "²", 3: "³"}[power]
    return f"µm{sign}" if unit == "um" else ("voxels" if power == 1 else f"voxel{sign}")


def interval(found: Mapping[str, Any], show: Any = number) -> str:
    """`1.85 to 1.95`, empty where there is no interval."""
    low, high = found.get("low"), found.get("high")
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    if show is percent:
        return f"{percent(low).removesuffix(' %')} to {percent(high)}"
    return f"{show(low)} to {show(high)}"


def interval_of(found: Mapping[str, Any], about: Mapping[str, Any], show: Any = number) -> str:
    """`1.85 to 1.95; 47 whole particles`: the interval of a number and whom it is of (`population`, `n` of `about`)."""
    n, of = about.get("n"), about.get("population")
    whom = "" if n is None else f"all {n:,} particles" if of == "all" else counted(n, "whole particle")
    return "; ".join(text for text in (interval(found, show), whom) if text)


def counted(n: int, one: str, many: str = "") -> str:
    """`1 void`, `12 voids`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def verdict(summary: Mapping[str, Any]) -> list[str]:
    """What was found, in a few sentences."""
    counts, unit = summary.get("counts", {}), unit_word(summary.get("unit", "um"))
    n, used = int(counts.get("particles", 0)), int(counts.get("used", 0))
    if n == 0:
        return ["No particle was found."]
    return [
        _how_many(n, int(counts.get("border", 0)), used, summary.get("statistics_on") == "all"),
        *_how_large(summary, unit),
        *_how_sound(summary, int(counts.get("voids", 0)), int(counts.get("cut_voids", 0))),
    ]


def _how_many(n: int, cut: int, used: int, all_used: bool) -> str:
    if not cut:
        return f"{counted(n, 'particle')} {'was' if n == 1 else 'were'} found, none of them cut by the border."
    if all_used:
        return (
            f"{counted(n, 'particle')} found, all of them cut by the border, so sizes and shapes are those of pieces."
        )
    return (
        f"{counted(n, 'particle')} found; {cut:,} of them {'is' if cut == 1 else 'are'} cut by the border of the "
        f"volume, so sizes and shapes are those of the other {used:,}."
    )


def _how_large(summary: Mapping[str, Any], unit: str) -> list[str]:
    size = summary.get("size", {})
    by_number, by_volume = size.get("by_number", {}), size.get("by_volume", {})
    median = by_number.get("d50", {})
    if median.get("value") is None:
        return []
    about = interval(median)
    text = f"Half of them are smaller than {number(median['value'])} {unit} (D50 by number"
    text += f"; 95 % interval {about})" if about else ")"
    d10, d90 = (by_number.get(name, {}).get("value") for name in ("d10", "d90"))
    text += f", and eight of ten lie between {number(d10)} and {number(d90)} {unit}."
    heavy = by_volume.get("d50", {}).get("value")
    if heavy is not None:
        text += f" Half of the volume is in particles below {number(heavy)} {unit}."
    return [text]


def _how_sound(summary: Mapping[str, Any], n_voids: int, n_cut: int) -> list[str]:
    sentences = []
    void = summary.get("void_fraction", {})
    cut = f", and {n_cut:,} that the border cuts" if n_cut else ""
    seen = f"{counted(n_voids, 'closed void')} {'was' if n_voids == 1 else 'were'} found{cut}"
    if n_voids + n_cut == 0:
        sentences.append("No closed void was found in them.")
    elif void.get("value") is None:
        sentences.append(f"{seen}, but their share of the volume is not reliable.")
    else:
        about = interval(void, percent)
        text = f"{seen}; void fills {percent(void['value'])} of the volume of all particles"
        sentences.append(text + (f" (95 % interval {about})." if about else "."))
    porous, welded = (summary.get(f"{name}_fraction", {}).get("value") for name in ("porous", "aggregate"))
    if porous is not None and welded is not None:
        whole = " whole" if summary.get("counts", {}).get("border") and summary.get("statistics_on") != "all" else ""
        sentences.append(
            f"{percent(welded)} of the{whole} particles belong to an aggregate and {percent(porous)} are porous."
        )
    return sentences


def border_story(summary: Mapping[str, Any]) -> str:
    """How whole particles are weighted for what the border cuts, and how far to trust it; empty where none are."""
    found = summary.get("border", {})
    if not found:
        return ""
    text = (
        "The border of the volume cuts large particles more often than small ones. So each whole particle counts by "
        "the inverse of its chance to lie whole in the volume (weights after Miles and Lantuéjoul"
    )
    text += f", up to {number(found.get('largest_weight'))}); beside stands what they are when each counts once."
    used = summary.get("counts", {}).get("used", 0)
    if found.get("effective_number", used) < 0.5 * used:
        text += (
            f" The weights differ so much that the {used:,} particles tell no more than "
            f"{found['effective_number']:.0f} of equal weight would; a larger volume is the remedy."
        )
    return text


def size_story(summary: Mapping[str, Any]) -> str:
    """How sphericity goes with size; empty where nothing is known."""
    found = summary.get("size_correlation", {}).get("sphericity", {})
    if found.get("value") is None or found.get("low") is None:
        return ""
    low, high = found["low"], found["high"]
    way = "falls with size" if high < 0 else "rises with size" if low > 0 else "shows no clear trend with size"
    return (
        f"Sphericity {way}: Spearman's rank correlation with the equivalent diameter is {number(found['value'], 2)} "
        f"(95 % interval {number(low, 2)} to {number(high, 2)})."
    ).replace("-0.", "−0.")


def grey_story(found: Mapping[str, Any]) -> list[str]:
    """How the particles were told from the rest, in sentences; empty for labels made elsewhere."""
    if not found:
        return []
    if found.get("method") == "values":
        return [*_values(found), *_specks(found)]
    return [
        *_chosen(found), *_filtered(found.get("denoise") or {}), *_phases(found), *_taken(found), *_level(found),
        *_quality(found), *_seen(found),
    ]  # fmt: skip


METHODS = {
    "deconvolution": "deconvolution of the histogram, with a local level",
    "otsu": "one level after Otsu",
    "halo": "a level that follows the halo of phase contrast",
    "values": "one value of a volume that is segmented already, exactly",
}


def method(found: Mapping[str, Any]) -> str:
    """How the level was found, and why so where the program chose; empty where nothing is to be said."""
    chosen = found.get("choice") or {}
    name = METHODS.get(str(found.get("method")), "")
    return f"{name}, because {chosen['reason']}" if name and chosen.get("reason") else name


def _chosen(found: Mapping[str, Any]) -> list[str]:
    return [f"The method was chosen by what the volume shows: {method(found)}."] if found.get("choice") else []


def phase_shares(found: Mapping[str, Any]) -> list[str]:
    """`particle (grey 151, 34 % of the volume, taken)` for every phase, darkest first; empty where none is known."""
    phases = [p for p in found.get("phases") or [] if p.get("volume_share") is not None]
    return [
        f"{p.get('name', 'phase')} (grey {number(p.get('mean'))}, {percent(p['volume_share'])} of the volume"
        + (", taken for the particles)" if p.get("taken") else ")")
        for p in phases
    ]


def _taken(found: Mapping[str, Any]) -> list[str]:
    phases = [p for p in found.get("phases") or [] if p.get("volume_share") is not None]
    taken = next((p for p in phases if p.get("taken")), None)
    if taken is None or len(phases) < 2:
        return []
    others = "; ".join(f"{p.get('name', 'phase')} fills {percent(p['volume_share'])}" for p in phases if p is not taken)
    names = [p.get("name", "phase") for p in phases]
    most = max(range(len(names)), key=lambda i: taken["touches"][i])
    return [
        f"The brightest phase, {percent(taken['volume_share'])} of the volume, was taken for the particles ({others}); "
        f"{percent(taken['touches'][most])} of its surface lies against {names[most]}."
    ]


def _values(found: Mapping[str, Any]) -> list[str]:
    """What a segmented volume holds, and which of its values the particles are."""
    rows = found["values"]
    names = [f"{number(row['value'])} ({percent(row['share'])})" for row in rows]
    taken = " and ".join(number(row["value"]) for row in rows if row["particle"])
    others = " or ".join(f"`--phase {row['value']:g}`" for row in rows if not row["particle"])
    which = "as the settings say" if found.get("chosen") else "the brighter of the two"
    text = f"The volume was segmented already, it holds {counted(len(rows), 'value')}: {', '.join(names)}. "
    text += f"The particles are the voxels of value {taken}, exactly, {which}: nothing was smoothed or fitted"
    return [f"{text}; {others} measures the other{'s' if len(rows) > 2 else ''}." if others else f"{text}."]


def _specks(found: Mapping[str, Any]) -> list[str]:
    specks = found.get("specks") or {}
    if not specks.get("pieces"):
        return []
    pieces, one = counted(specks["pieces"], "piece"), specks["pieces"] == 1
    return [
        f"{pieces} of it ({counted(specks['voxels'], 'voxel')}) stand{'s' * one} alone and {'is' if one else 'are'} "
        "smaller than a particle (`particles.min_voxels`): left out."
    ]


def _filtered(denoise: Mapping[str, Any]) -> list[str]:
    method, sigma = denoise.get("method"), denoise.get("sigma") or []
    if method in (None, "none") or not any(sigma):
        return ["The grey values were used as they are, without a filter."]
    same = len(set(sigma)) == 1
    width = number(sigma[0]) if same else ", ".join(number(s) for s in sigma) + " (z, y, x)"
    text = f"The volume was smoothed ({method}, σ = {width} voxel{'' if width == '1' else 's'})"
    before, after = denoise.get("sd_before"), denoise.get("sd_after")
    if before and after:
        text += f", which takes the noise from {number(before)} to {number(after)} grey values"
    if denoise.get("target_reached") is False:
        text += "; that is more noise than the search for voids allows for"
    return [text + "."]


def _phases(found: Mapping[str, Any]) -> list[str]:
    phases = found.get("phases") or []
    if len(phases) < 2:
        return ["The grey histogram shows a single phase."] if phases else []
    names = ", ".join(f"{p.get('name', 'phase')} at {number(p.get('mean'))}" for p in phases)
    text = f"Away from edges the histogram shows {len(phases)} phases: {names}"
    if found.get("separation"):
        text += f"; the two brightest lie {number(found['separation'])} standard deviations apart"
    return [text + "."]


def _level(found: Mapping[str, Any]) -> list[str]:
    method, low, high = found.get("method"), found.get("low"), found.get("high")
    if method == "fixed":
        ends = [f"from {number(low)}" if low is not None else "", f"to {number(high)}" if high is not None else ""]
        return [f"Grey values {' '.join(e for e in ends if e)} were taken as particle, as the settings say."]
    level = number(found.get("level"))
    if method == "otsu":
        return [f"One level for the whole volume, {level}, was taken after Otsu."]
    if method == "halo":
        return [_halo(found)]
    span = found.get("level_range") or []
    if len(span) == 2 and span[1] > span[0]:
        return [
            f"The surface lies half way between a particle and what it touches there: the level runs from "
            f"{number(span[0])} (against the darkest) to {number(span[1])}."
        ]
    return [f"The surface lies at the grey level {level}."]


def _halo(found: Mapping[str, Any]) -> str:
    low, high = found.get("level_range") or (found.get("level"),) * 2
    if not found.get("halo_depth"):
        return f"No halo of phase contrast was found, so one level was taken, {number(found.get('level'))}."
    return (
        f"The scan shows the halo of phase contrast: particles darken what lies within about "
        f"{number(found.get('halo_reach_voxels'))} voxels by up to {percent(found['halo_depth'])} of their contrast, "
        f"their own cores and a fringe around them alike. The level follows, from {number(low)} to {number(high)}; "
        "what never reaches the grey of particles is left out, and only what is as dark as the surroundings is a void."
    )


def _quality(found: Mapping[str, Any]) -> list[str]:
    if found.get("cnr") is None:
        return []
    text = f"In the raw volume the signal is {number(found.get('snr'))} times the noise (SNR), "
    text += f"and the contrast of particle and darkest phase {number(found['cnr'])} times (CNR)"
    correlation = (found.get("denoise") or {}).get("noise_correlation")
    if correlation is not None and correlation > 0.1:
        text += (
            f"; neighbouring voxels share {percent(correlation)} of their noise, so it averages out less than it seems"
        )
    return [text + "."]


def _seen(found: Mapping[str, Any]) -> list[str]:
    voids = found.get("voids") or {}
    half, most = voids.get("detection_diameter_50"), voids.get("detection_diameter_95")
    if half is None or most is None:
        return []
    unit = unit_word(voids.get("unit", "um"))
    words = [
        f"A void of {number(half)} {unit} is seen every second time, one of {number(most)} {unit} in 95 of 100 cases; "
        "what is smaller is missing from all void numbers."
    ]
    false, rate = voids.get("false_expected"), voids.get("false_per_particle")
    if false is not None and rate is not None:
        words.append(
            f"About {false} of the voids are noise, {number(rate)} a particle: so many bright specks are as strong as "
            "the dips that count as voids."
            if false
            else "No bright speck is as strong as the dips that count as voids, so hardly any of them is noise."
        )
    return words


def ticks(text: str) -> Markup:
    """A text for the page with what stands between backticks set as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def formula(text: str) -> Markup:
    """A formula of the glossary for the page."""
    from ...descriptors.formulas import as_html

    return Markup(as_html(text))
