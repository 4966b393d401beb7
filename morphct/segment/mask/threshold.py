"""From grey to mask: the level between particles and the rest, local or single, and how far to trust it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ...ground.errors import SegmentationError, SettingsError
from ...ground.options import Options, option
from ...ground.work import Work
from ..grey.codes import LAST_CODE, Coding
from ..grey.histogram import GreyCounts, PhaseFit, otsu
from ..grey.plan import DenoisePlan
from . import local_level, method_choice, phase_contrast, quality
from .levels import Threshold, apply, constant, mask_of, range_of, shifted

__all__ = ["Threshold", "ThresholdOptions", "apply", "find_threshold", "mask_of", "refuse_empty", "shifted"]


@dataclass(frozen=True)
class ThresholdOptions(Options):
    """Options of the threshold."""

    section: ClassVar[str] = "threshold"

    method: str = option(
        "auto",
        "how the level is found: deconvolution of the histogram with a local level, one Otsu level, a level that "
        "follows the halo of phase contrast, or a fixed range; auto = the one that the volume itself speaks for",
        choices=("auto", "deconvolution", "otsu", "halo", "fixed"),
    )
    phases: int | str = option("auto", "number of grey phases, or auto", min=2, max=4)
    low: float | None = option(None, "least grey of the particles (method fixed); empty = no lower bound", unit="grey")
    high: float | None = option(
        None, "largest grey of the particles (method fixed); empty = no upper bound", unit="grey"
    )
    phase: float | None = option(
        None, "value of the particles in a segmented volume; empty = the brighter one of two", unit="grey"
    )

    def validate(self) -> None:
        """Refuse what the fields do not allow, and a fixed method without a level.

        Raises
        ------
        SettingsError
        """
        super().validate()
        if isinstance(self.phases, str) and self.phases != "auto":
            raise SettingsError(f"threshold.phases is {self.phases!r}; allowed are auto and 2 to 4")
        if self.method == "fixed" and self.low is None and self.high is None:
            raise SettingsError(
                "threshold.method is fixed but no level is given; add --set threshold.low=GREY (bright particles) or "
                "--set threshold.high=GREY (dark particles)"
            )
        if self.phase is not None and (self.low is not None or self.high is not None):
            raise SettingsError(
                f"threshold.phase is {self.phase:g} and threshold.low or threshold.high are given too; give the value "
                "of a segmented volume or a range of greys, not both"
            )
        if self.low is not None and self.high is not None and self.low > self.high:
            raise SettingsError(
                f"threshold.low is {self.low:g} and threshold.high {self.high:g}; low must not be above high"
            )


def find_threshold(
    codes: Any,
    plan: DenoisePlan,
    fit: PhaseFit,
    counts: GreyCounts,
    options: ThresholdOptions,
    work: Work,
    choice: method_choice.Choice | None = None,
) -> Threshold:
    """Find the level.

    Parameters
    ----------
    codes : array-like (Z, Y, X) uint16
        Denoised volume.
    plan : DenoisePlan
        What it was denoised with.
    fit : PhaseFit
        Of the whole volume.
    counts : GreyCounts
    options : ThresholdOptions
    work : Work
        Passes read a halo of one plane.
    choice : Choice, optional
        What the sample spoke for, when the method is auto; None: the phases, or else a halo.

    Raises
    ------
    SegmentationError
        When the volume holds no or one grey value, or nothing in it supports a level.
    """
    refuse_empty(counts)
    method = options.method
    if method == "auto":
        choice = choice or (method_choice.by_phases(fit) if fit.ok else method_choice.LOOK_FOR_HALO)
        method = choice.method
    if method == "fixed":
        found = _fixed(codes.shape, plan, counts, options)
    elif method == "otsu":
        found = _otsu(codes.shape, plan, counts)
    elif method == "deconvolution" and fit.ok:
        found = _local(codes, plan, fit, work)
    else:
        if method != "halo" and method_choice.is_noise(fit, plan.sd_after):
            method_choice.refuse(fit, counts, plan.sd_after)
        found = phase_contrast.find_halo_level(codes, plan, otsu_level(counts), work)
        if options.method != "halo":
            choice = _halo_or_nothing(found, fit, counts, plan, options.method == "deconvolution")
    if choice is not None:
        if choice.method == "deconvolution":  # of the whole volume now
            choice = method_choice.by_phases(fit)
        found = replace(found, choice=choice)
    judged, warnings = quality.judge(found, codes, plan, fit, counts)
    return replace(found, quality=judged, warnings=tuple(warnings))


def _halo_or_nothing(
    found: Threshold, fit: PhaseFit, counts: GreyCounts, plan: DenoisePlan, refused: bool
) -> method_choice.Choice:
    """The halo where it was measured, else SegmentationError; `refused`: it was not asked for."""
    assert found.halo is not None
    depth = float(found.halo.depth or 0.0)
    choice = method_choice.by_halo(depth)
    if choice is None or refused:
        method_choice.refuse(fit, counts, plan.sd_after, depth)
    return choice


def refuse_empty(counts: GreyCounts) -> None:
    """Raise SegmentationError for a volume without grey values or with a single one."""
    if counts.n_outside == counts.n_voxels:
        raise SegmentationError(
            "every voxel is NaN or outside the reconstruction, so there is nothing to segment; check the file or the "
            "part of it given with --set input.crop=..."
        )
    if counts.raw_low == counts.raw_high:
        raise SegmentationError(
            f"every voxel has the one grey value {counts.raw_low:g}, so there is nothing to segment; check the file, "
            "its data type and the dataset inside it"
        )


def _single(
    method: str, shape: Sequence[int], coding: Coding, span: tuple[int, int], level: float, counts: GreyCounts
) -> Threshold:
    """A threshold of one level for the whole volume; the grey on both sides comes from the histogram."""
    low, high = coding.grey(span[0] - 0.5), coding.grey(span[1] + 0.5)
    within = (counts.centres > low) & (counts.centres < high)
    inside, outside = (_mean(counts, part, level) for part in (within, ~within))
    share = float(counts.all[within].sum() / max(1, counts.all.sum()))
    maps = constant(shape, level), constant(shape, inside), constant(shape, outside)
    return Threshold(
        method, *maps, coding, span, value=level, mean_inside=inside, mean_outside=outside, solid_share=share
    )


def _mean(counts: GreyCounts, part: np.ndarray, default: float) -> float:
    n = counts.all[part].sum()
    return float((counts.all * counts.centres)[part].sum() / n) if n else default


def _otsu(shape: Sequence[int], plan: DenoisePlan, counts: GreyCounts) -> Threshold:
    first = plan.bins.first + plan.bins.width * otsu(counts.all)  # bins begin at whole codes
    return _single("otsu", shape, plan.how.coding, (first, LAST_CODE), otsu_level(counts), counts)


def otsu_level(counts: GreyCounts) -> float:
    """Grey between Otsu's two classes."""
    return float(counts.edges[otsu(counts.all)])


def _fixed(shape: Sequence[int], plan: DenoisePlan, counts: GreyCounts, options: ThresholdOptions) -> Threshold:
    coding = plan.how.coding
    low = 1 if options.low is None else _clip_code(np.ceil(_position(coding, options.low)), 1, LAST_CODE + 1)
    high = LAST_CODE if options.high is None else _clip_code(np.floor(_position(coding, options.high)), 0, LAST_CODE)
    level = options.low if options.low is not None else options.high
    assert level is not None
    found = _single("fixed", shape, coding, (low, high), float(level), counts)
    return replace(found, asked=(options.low, options.high))


def _position(coding: Coding, grey: float) -> float:
    """Code of a grey value; a hair's breadth from a whole one is that one (0.1 steps are not exact)."""
    position = coding.position(grey)
    return round(position) if abs(position - round(position)) < 1e-6 else position


def _clip_code(code: float, low: int, high: int) -> int:
    return int(min(max(code, low), high))


def _local(codes: Any, plan: DenoisePlan, fit: PhaseFit, work: Work) -> Threshold:
    means = (float(fit.means[-2]), float(fit.means[-1]))
    coding = plan.how.coding
    found = local_level.find_map(codes, coding, plan.map_flatness, means, work)
    level = found.level
    return Threshold(
        "deconvolution", level, found.inside, found.outside, coding,
        blur=local_level.total_blur(found.slopes),
        value=0.5 * (means[0] + means[1]), level_range=range_of(level),
        solid_share=found.above / math.prod(int(n) for n in codes.shape),
        plateau_spread=quality.plateau_spread(found, fit),
    )  # fmt: skip
