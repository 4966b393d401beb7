"""Which value of a segmented volume the particles are, and what is told of it."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ground.errors import SegmentationError, SettingsError
from ...ground.work import Work
from ..labels import components
from ..labels.values import Equal, Values, name_of, percent

MANY_SPECKS = 100  # voids of one voxel, and pieces too small for a particle, from which both are told of as noise

if TYPE_CHECKING:
    from .threshold import ThresholdOptions


def choose(found: Values, volume: Any, options: "ThresholdOptions", work: Work):
    """Which values are the particles.

    Returns
    -------
    (K,) bool

    Raises
    ------
    SegmentationError, SettingsError
        When that cannot be known, or nothing would be left.
    """
    if options.phase is not None:
        taken = np.isclose(found.values.astype(float), options.phase, rtol=1e-6, atol=0)
        if not taken.any():
            raise SettingsError(
                f"--phase {options.phase:g} is no value of {name_of(volume)}, which holds {found.words()}; give one of "
                "these"
            )
    elif options.method == "fixed":
        low, high = (v if v is not None else s * math.inf for v, s in ((options.low, -1), (options.high, 1)))
        taken = (found.values >= low) & (found.values <= high)
        if not taken.any():
            raise SegmentationError(
                f"no voxel of {name_of(volume)} lies from {low:g} to {high:g} as threshold.low and threshold.high ask: "
                f"it holds {found.words()}; choose one with --phase VALUE"
            )
    elif len(found.values) == 1:
        taken = np.zeros(1, bool)
    elif len(found.values) == 2:
        taken = np.array([False, True])
    else:
        raise SegmentationError(_choices(found, volume, work))
    if (taken.all() or not taken.any()) and not (taken.any() and found.outside):
        _refuse_one(found, volume)
    return taken


def _refuse_one(found: Values, volume: Any) -> None:
    if len(found.values) == 1 and found.outside:
        value = found.values[0]
        raise SegmentationError(
            f"every voxel of {name_of(volume)} that counts has the one value {value:g}, the other "
            f"{found.outside:,} are not finite; if these are the background, take the value with --phase {value:g}"
        )
    if len(found.values) == 1:
        raise SegmentationError(
            f"every voxel has the one grey value {found.values[0]:g}, so there is nothing to segment; check the file, "
            "its data type and the dataset inside it"
        )
    raise SegmentationError(
        f"all {len(found.values)} values of {name_of(volume)}, {found.words()}, lie in the range given, so nothing is "
        "left around the particles; choose one with --phase VALUE"
    )


def _choices(found: Values, volume: Any, work: Work) -> str:
    """The sentence that lists what each value would be."""
    parts, most = [], 0
    for value, share in zip(found.values.tolist(), found.shares.tolist()):
        pieces = components.label(Equal(volume, (value,)), volume.shape, 6, work.quiet)
        largest = pieces.sizes.max() / pieces.sizes.sum()
        what = f"{pieces.n:,} pieces, the largest {percent(largest)} of it" if pieces.n > 1 else "one piece"
        parts.append(f"{value:g} ({percent(share)} of the volume in {what}) with --set threshold.phase={value:g}")
        most = max(most, pieces.n if value else 0)
    name = name_of(volume)
    text = (
        f"{name} is segmented already and holds {len(parts)} values, so say which of them the particles are: "
        f"{'; '.join(parts)} (--phase VALUE is short for it)"
    )
    return text if most > 1 else f"{text}; if each value is a particle of its own, use `morphct measure {name} -o OUT`"


def record(found: Values, taken: np.ndarray, specks: components.Specks, chosen: bool) -> dict[str, Any]:
    """The content of `threshold.json`: no noise, no fit and no level stand between these values and the mask.

    specks: pieces too small to be particles, and their voxels. chosen: whether the user said which value it is.
    """
    return {
        "method": "values",
        "level": None,
        "values": [row | {"particle": t} for row, t in zip(rows(found), taken.tolist(), strict=True)],
        "chosen": chosen,
        "solid_share": float(found.shares[taken].sum()),
        "specks": {"pieces": specks.pieces, "voxels": specks.voxels},
        "snr": None,
        "cnr": None,
        "phases": [],
        "grey_range": [float(found.values[0]), float(found.values[-1])],
        "voxels_outside": found.outside,
        "denoise": {"method": "none", "sigma": [0.0, 0.0, 0.0]},
        "words": [sentence(found, taken, chosen)],
        "warnings": [],
    }


def rows(found: Values) -> list[dict[str, Any]]:
    """Each value with its voxels and their share."""
    columns = found.values.tolist(), found.counts.tolist(), found.shares.tolist()
    return [{"value": v, "voxels": n, "share": s} for v, n, s in zip(*columns, strict=True)]


def advice(found: Values) -> list[str]:
    """What a run would do with a volume of these values."""
    if len(found.values) < 2:
        return [f"every voxel looked at holds {found.values[0]:g}"]
    if len(found.values) == 2:
        dark, bright = found.values.tolist()
        return [
            f"the volume is segmented: a run measures the brighter value {bright:g} exactly, the other with --phase "
            f"{dark:g}"
        ]
    return ["the volume is segmented: a run has to be told which value the particles are, with --phase VALUE"]


def sentence(found: Values, taken: np.ndarray, chosen: bool) -> str:
    """What was taken, and what else could have been."""
    share = percent(float(found.shares[taken].sum()))
    others = found.values[~taken].tolist()
    way = " or ".join(f"--phase {v:g}" for v in others)
    which = "the settings say so" if chosen else "the brighter of two"
    text = f"the volume is segmented: the value {found.names(taken)} was measured ({share} of it; {which})"
    return text + (f", the other{'s' * (len(others) > 1)} with {way}" if others else "")


def histogram_text(found: Values) -> str:
    """The content of `histogram.csv`: a row a value."""
    rows = "".join(f"{v:.9g},{n}\n" for v, n in zip(found.values.tolist(), found.counts.tolist()))
    return f"grey,count\n{rows}"


def noise_of_mask(voids: np.ndarray, specks: int) -> str | None:
    """The warning that a mask is noisy: its voids, (V,) voxels each, are single voxels mostly, and specks abound."""
    single = int((voids == 1).sum())
    if min(single, specks) < MANY_SPECKS or 2 * single < len(voids):
        return None
    return (
        f"{single:,} of the {len(voids):,} voids are single voxels and {specks:,} pieces are too small for particles, "
        "as noise of a segmentation makes them; --set voids.min_voxels=8 leaves such voids out"
    )
