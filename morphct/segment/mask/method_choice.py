"""Which way of finding the level suits a volume (`threshold.method=auto`), by what was measured on it.

Phases that the deconvolution tells apart come first: it has a local level and looks for voids by their depth. Where it
sees one phase only, two classes of raw grey with a valley between them have their own level; where there is no valley
either, the halo of phase contrast has to be found in the volume before its level is taken. Else it is refused: with
what was measured, and with what to try, the likeliest first.
"""

import math
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from ...ground.errors import SegmentationError
from ...ground.units import format_share
from ..grey.histogram import PLAIN_VALLEY_RATIO, GreyCounts, PhaseFit, otsu, valley

# share of the contrast that particles take from what lies around them; the model finds 0 in noise, smooth fields,
# hills, stripes and powders without a halo, .43 and .44 in two transmission-microscope grains
CLEAR_HALO_DEPTH = 0.10
NOISE_ALONE_SD = 1.5  # standard deviations of the noise: a single phase no wider than that is noise and nothing else


@dataclass(frozen=True)
class Choice:
    """The method taken, and why, in sentences for the page."""

    method: str
    reason: str
    evidence: dict[str, Any] = field(default_factory=dict)


LOOK_FOR_HALO = Choice("halo", "")  # neither phases nor classes are seen: only the whole volume can tell


def valley_of(counts: np.ndarray) -> float:
    """Lowest place of a histogram between the peaks of Otsu's two classes, over the smaller peak; 1: no valley."""
    found = valley(counts)
    return 1.0 if found is None else found.floor


def is_noise(fit: PhaseFit, sd: float) -> bool:
    """Whether one phase is all there is, no wider than noise of `sd` (grey) makes it."""
    return fit.n_phases == 1 and float(fit.sds[0]) <= NOISE_ALONE_SD * sd


def by_phases(fit: PhaseFit) -> Choice:
    """The deconvolution, where it tells phases apart."""
    separation = None if math.isinf(fit.separation) else fit.separation
    evidence = {"phases": fit.n_phases, "separation": separation}
    seen, between = f"the histogram of flat places shows {fit.n_phases} phases", ", the two brightest"
    if fit.of_classes:
        seen, between = "the grey values fall into two plain classes", ","
    apart = "" if separation is None else f"{between} {separation:.1f} standard deviations apart"
    return Choice("deconvolution", seen + apart, evidence)


def by_classes(floor: float) -> Choice:
    """One level of its own for two plain classes of raw grey; floor: of the valley between them."""
    return Choice(
        "otsu",
        "the raw grey values fall into two plain classes: between their peaks the histogram sinks to "
        f"{format_share(floor)} of the smaller one",
        {"valley": floor},
    )


def by_halo(depth: float) -> Choice | None:
    """The level that follows a halo, where one was found; None elsewhere."""
    if not depth >= CLEAR_HALO_DEPTH:
        return None
    return Choice(
        "halo",
        "no phases can be told apart, and particles darken what lies around them by "
        f"{format_share(depth)} of their contrast (the halo of phase contrast)",
        {"halo_depth": depth},
    )


def refuse(fit: PhaseFit, counts: GreyCounts, sd: float, depth: float = 0.0) -> NoReturn:
    """Raise SegmentationError: what was measured, and what to try, the likeliest first.

    sd: noise of the volume that was counted, grey. depth: of the halo that was found.
    """
    filled = counts.all
    floor = valley_of(filled)
    seen = fit.words[-1] if fit.words else "no two phases can be told apart"
    tries = [(depth / CLEAR_HALO_DEPTH, "--set threshold.method=halo")] if depth else []
    if np.count_nonzero(filled) > 1:
        level = float(counts.edges[otsu(filled)])
        one = f"--set threshold.method=fixed --set threshold.low={level:.5g} (the level after Otsu)"
        tries.append(((1 - floor) / (1 - PLAIN_VALLEY_RATIO), one))
    if is_noise(fit, sd):
        remedy = f"if particles are there, give their level: {tries[-1][1]}" if tries else ""
        raise SegmentationError(f"no reliable threshold can be found: {seen}; {remedy}")
    first = " or, less likely, ".join(words for _, words in sorted(tries, key=lambda t: -t[0]))
    raise SegmentationError(
        f"no reliable threshold can be found: {seen}, two classes of grey are not clear (between their peaks the "
        f"histogram sinks to {format_share(floor)} of the smaller one, {format_share(PLAIN_VALLEY_RATIO)} or less is "
        f"wanted), and a halo of phase contrast was {'found of' if depth else 'not found'}{_depth(depth)}; try {first}"
        ", and look at the mask"
    )


def _depth(depth: float) -> str:
    return f" {format_share(depth)} of the contrast ({format_share(CLEAR_HALO_DEPTH)} are wanted)" if depth else ""
