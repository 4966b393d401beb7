"""Which way of finding the level suits a volume (`threshold.method=auto`), by what was measured on it.

Phases that the deconvolution tells apart come first: it has a local level and looks for voids by their depth. Where it
sees one phase only, two classes of raw grey with a valley between them have their own level; where there is no valley
either, the halo of phase contrast has to be found in the volume before its level is taken. Else it is refused: with
what was measured, and with what to try, the likeliest first.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...ground.errors import SegmentationError
from ...ground.units import format_share
from ..grey.histogram import PLAIN, GreyCounts, PhaseFit, otsu, valley

# share of the contrast that particles take from what lies around them; the model finds 0 in noise, smooth fields,
# hills, stripes and powders without a halo, .43 and .44 in two transmission-microscope grains
CLEAR_HALO = 0.10
NOISE_ALONE = 1.5  # standard deviations of the noise: a single phase no wider than that is noise and nothing else


@dataclass(frozen=True)
class Evidence:
    """What speaks for each way of finding the level.

    Attributes
    ----------
    phases : int
        That the deconvolution tells apart.
    separation : float
        Of the two brightest, in pooled standard deviations; 0 for one.
    noise_alone : bool
        The spread of the one phase that is seen is that of the noise.
    valley : float
        Lowest place of the histogram between Otsu's two classes, over the smaller of their peaks; 1: no valley.
    level : float or None
        Otsu's, grey.
    halo_depth : float or None
        Share of the contrast that particles take from what lies around them; None: not looked for.
    """

    phases: int
    separation: float
    noise_alone: bool
    valley: float
    level: float | None
    halo_depth: float | None = None


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
    return fit.n_phases == 1 and float(fit.sds[0]) <= NOISE_ALONE * sd


def evidence_of(fit: PhaseFit, counts: GreyCounts, sd: float, halo_depth: float | None = None) -> Evidence:
    """What the histogram shows; sd: noise of the volume it was counted on, grey."""
    filled = counts.all
    level = float(counts.edges[otsu(filled)]) if np.count_nonzero(filled) > 1 else None
    return Evidence(
        phases=fit.n_phases if fit.ok else min(fit.n_phases, 1),
        separation=float(fit.separation) if fit.ok else 0.0,
        noise_alone=is_noise(fit, sd),
        valley=valley_of(filled),
        level=level,
        halo_depth=halo_depth,
    )


def by_phases(fit: PhaseFit) -> Choice:
    """The deconvolution, where it tells phases apart."""
    apart = "" if math.isinf(fit.separation) else f", the two brightest {fit.separation:.1f} standard deviations apart"
    if fit.of_classes:
        reason = f"the grey values fall into two plain classes{apart.replace(', the two brightest', ',')}"
        return Choice("deconvolution", reason, {"phases": 2, "separation": fit.separation})
    return Choice(
        "deconvolution",
        f"the histogram of flat places shows {fit.n_phases} phases{apart}",
        {"phases": fit.n_phases, "separation": None if math.isinf(fit.separation) else fit.separation},
    )


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
    if not depth >= CLEAR_HALO:
        return None
    return Choice(
        "halo",
        "no phases can be told apart, and particles darken what lies around them by "
        f"{format_share(depth)} of their contrast (the halo of phase contrast)",
        {"halo_depth": depth},
    )


def refuse(fit: PhaseFit, evidence: Evidence) -> None:
    """Raise SegmentationError: what was measured, and what to try, the likeliest first."""
    said = [fit.words[-1] if fit.words else "no two phases can be told apart"]
    said.append(
        f"two classes of grey are not clear (between their peaks the histogram sinks to "
        f"{format_share(evidence.valley)} of the smaller one, {format_share(PLAIN)} or less is wanted)"
    )
    depth = evidence.halo_depth or 0.0
    said.append(f"a halo of phase contrast was {'found of' if depth else 'not found'}{_depth(depth)}")
    tries = [(depth / CLEAR_HALO, "--set threshold.method=halo")] if depth else []
    if evidence.level is not None:
        one = f"--set threshold.method=fixed --set threshold.low={evidence.level:.5g} (the level after Otsu)"
        tries.append(((1 - evidence.valley) / (1 - PLAIN), one))
    first = " or, less likely, ".join(words for _, words in sorted(tries, key=lambda t: -t[0]))
    if evidence.noise_alone:
        first = f"if particles are there, give their level: {tries[-1][1]}" if tries else ""
        raise SegmentationError(f"no reliable threshold can be found: {said[0]}; {first}")
    raise SegmentationError(
        f"no reliable threshold can be found: {said[0]}, {said[1]}, and {said[2]}; try {first}, and look at the mask"
    )


def _depth(depth: float) -> str:
    return f" {format_share(depth)} of the contrast ({format_share(CLEAR_HALO)} are wanted)" if depth else ""
