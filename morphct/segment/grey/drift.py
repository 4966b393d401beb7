"""Slow changes of the grey over a volume, and jumps: how large, in words, and what to subtract.

A background that is taken from every voxel: one profile along each axis.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...ground.cautions import DOUBT, LOG, MATTERS, Caution
from .background_steps import AVERAGED_SD, FEWEST_DIFFERENCES, Cells, cell_means, flat_cells, gains, peaks_of
from .codes import LAST_CODE
from .jumps import Jump, locate, sudden
from .sampling import Brick

BLURRED_SHARE = 0.12  # of the range of cells: sd of their noise that hides the phases, and drift with them
UNSURE_SHARE = 0.25  # of the range of greys, where no phases were told apart
AXES = "zyx"
LEAST_POSITIONS = 6  # along an axis; fewer tell nothing of drift
STEEP_SD = 3.5  # sds: cells that differ more from a neighbour lie at a surface
FIT_ROUNDS = 6  # of fits to the cells near the peaks
MOST_CELLS = 30_000  # of them are enough
LEAST_DRIFT_SHARE = 0.10  # of the contrast: less is left in and not spoken of


@dataclass(frozen=True)
class Shading:
    """Grey to be subtracted: the sum of three profiles.

    Parameters
    ----------
    profiles : 3 arrays of float32
        Along z, y, x; one grey value for each plane of the volume across that axis.
    """

    profiles: tuple[np.ndarray, np.ndarray, np.ndarray]

    def subtract(self, codes: np.ndarray, start: Sequence[int], scale: float) -> None:
        """Take it from (Z, Y, X) uint16 codes, in place.

        Parameters
        ----------
        codes : (Z, Y, X) uint16
            0 = outside, stays 0.
        start : (z, y, x)
            Where `codes[0, 0, 0]` lies in the volume.
        scale : float
            Grey of one code.

        Notes
        -----
        A voxel's shift depends on its place alone, so cuts do not matter.
        """
        z, y, x = (
            p[a : a + n].astype(np.float64) / scale for p, a, n in zip(self.profiles, start, codes.shape, strict=True)
        )
        plane = y[:, None] + x
        for i, part in enumerate(codes):
            moved = part - np.rint(plane + z[i]).astype(np.int32)
            np.clip(moved, 1, LAST_CODE, out=moved)
            moved[part == 0] = 0
            part[:] = moved


@dataclass(frozen=True)
class Drift:
    """How the background changes over a volume.

    Parameters
    ----------
    slow : (3, 2) float64
        Along z, y, x: grey from one face to the other, and how far the middle lies above the mean of the faces.
    jumps : tuple of Jump
    span : float
        Grey range of the cells once all this is taken off: a first idea of the contrast.
    sd : float
        Noise of a cell, grey values.
    """

    slow: np.ndarray = field(default_factory=lambda: np.zeros((3, 2)))
    jumps: tuple[Jump, ...] = ()
    span: float = 0.0
    sd: float = 0.0

    def ranges(self) -> list[float]:
        """Peak to peak of the slow part along z, y, x, grey values."""
        return [float(np.ptp(_slow(row, 65))) for row in self.slow]

    @property
    def size(self) -> float:
        """Peak to peak of the slow part over the volume, grey values."""
        return sum(self.ranges())

    @property
    def axis(self) -> int:
        """The axis along which it is strongest."""
        return int(np.argmax(self.ranges()))

    @property
    def blurred(self) -> bool:
        """Whether noise hides the phases of the cells, so that nothing is known of the slow part."""
        return self.sd >= BLURRED_SHARE * self.span > 0

    def is_large(self, contrast: float, share: float = LEAST_DRIFT_SHARE) -> bool:
        """Whether the slow part is worth a word; noise that blurs the phases of cells into one another feigns some."""
        return not self.blurred and self.size >= max(share * contrast, self.sd) and contrast > 0

    def large_jumps(self, contrast: float) -> list[Jump]:
        """The jumps worth a word."""
        return [j for j in self.jumps if abs(j.size) >= LEAST_DRIFT_SHARE * contrast]

    def shading(self, shape: Sequence[int], contrast: float) -> Shading | None:
        """What to subtract: the slow part and the jumps that are a tenth of the contrast or more; None: nothing is."""
        slow, jumps = self.is_large(contrast), self.large_jumps(contrast)
        if not slow and not jumps:
            return None
        profiles = []
        for axis, n in enumerate(shape):
            profile = _slow(self.slow[axis], n) if slow else np.zeros(n)
            for jump in jumps:
                if jump.axis == axis:
                    profile[jump.plane :] += jump.size
            profiles.append((profile - profile.mean()).astype(np.float32))
        return Shading(tuple(profiles))  # type: ignore[arg-type]


def record(found: Drift, contrast: float | None, shading: Shading | None) -> dict[str, Any]:
    """`drift` and `jumps` of `threshold.json`; shares of the contrast, None where that is not known."""

    def share(grey: float) -> float | None:
        return grey / contrast if contrast else None

    by_axis = found.ranges()
    return {
        "drift": {
            "share": None if found.blurred else share(found.size),
            "along": AXES[found.axis] if found.size and not found.blurred else None,
            "by_axis": {name: None if found.blurred else share(grey) for name, grey in zip(AXES, by_axis)},
            "subtracted": shading is not None and found.is_large(contrast or 0.0),
        },
        "jumps": [
            {"axis": AXES[j.axis], "plane": j.plane, "share": share(j.size), "subtracted": shading is not None}
            for j in found.large_jumps(contrast or found.span)
        ],
    }


def in_words(
    found: Drift, contrast: float | None, shading: Shading | None, crop: Sequence[tuple[int, int]] | None = None
) -> list[str]:
    """A sentence for the slow part and for each jump that is worth one.

    crop: the part of the file that was read, None for all of it; planes are those of the file.
    """
    least = LEAST_DRIFT_SHARE if contrast else UNSURE_SHARE
    contrast = contrast or found.span
    words: list[str] = []
    if found.is_large(contrast, least):
        done = "was subtracted" if shading is not None else "was left in"
        words.append(
            Caution(
                f"the grey drifts by {100 * found.size / contrast:.0f} % of the contrast over the volume, mostly along "
                f"{AXES[found.axis]}; this background {done}",
                LOG if shading is not None else MATTERS,
            )
        )
    for jump in found.large_jumps(contrast) if contrast > 0 else []:
        done = "was subtracted, but" if shading is not None else "was left in, and"
        at = jump.plane + (crop[jump.axis][0] if crop else 0)
        below, above = _parts(jump.axis, at, crop)
        words.append(
            Caution(
                f"the grey jumps by {100 * jump.size / contrast:+.0f} % of the contrast at voxel {at} along "
                f"{AXES[jump.axis]}, as where two volumes were glued; the jump {done} particles there may be cut: run "
                f"the parts apart with --crop {below} and --crop {above}",
                DOUBT,
            )
        )
    return words


def _parts(axis: int, at: int, crop: Sequence[tuple[int, int]] | None) -> tuple[str, str]:
    """What is read, cut in two, as --crop takes it."""
    ends = [(str(a), str(b)) for a, b in crop] if crop else [("", "")] * 3
    below, above = ([*ends], [*ends])
    below[axis], above[axis] = (ends[axis][0], str(at)), (str(at), ends[axis][1])
    return ",".join(map(":".join, below)), ",".join(map(":".join, above))


def _slow(row: np.ndarray, n: int) -> np.ndarray:
    """(n,) values of a parabola: `row` = (from end to end, middle above the ends)."""
    u = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
    return 0.5 * row[0] * u + row[1] * (1 - u * u)


def find_drift(volume: Any, bricks: Sequence[Brick], valid: Sequence[np.ndarray | None]) -> Drift:
    """Look for drift and jumps in a sample.

    Parameters
    ----------
    volume : array-like (Z, Y, X)
        Read once more in a few planes where there is a jump, to find_drift its plane.
    bricks, valid
        The sample, as `cell_means` takes it.
    """
    cells = cell_means(bricks, valid)
    shape = tuple(int(n) for n in volume.shape)
    slow, widths = np.zeros((3, 2)), [0.0]
    jumps: list[Jump] = []
    for axis in range(3):
        gain, _, width = gains(cells.means, axis)
        if width <= 0 or len(gain) < LEAST_POSITIONS - 1:
            continue
        widths.append(width)
        gain = np.nan_to_num(gain)
        at = cells.places[axis]
        for first, last in sudden(gain, width):
            jump = locate(volume, bricks[0], cells, axis, (first, last), width)
            gain[first:last] = np.median(np.delete(gain, slice(first, last)))
            if jump is not None:
                jumps.append(jump)
        slow[axis] = _fit(np.concatenate([[0.0], np.cumsum(gain)]), at, shape[axis])
    sd = max(widths) / 2**0.5
    slow, rest = _refined(cells, shape, slow, jumps, sd)
    span = float(np.ptp(np.quantile(rest, [0.01, 0.99]))) if rest.size else 0.0
    return Drift(slow, tuple(jumps), span, sd)


def _refined(
    cells: Cells, shape: Sequence[int], slow: np.ndarray, jumps: Sequence[Jump], sd: float
) -> tuple[np.ndarray, np.ndarray]:
    """The slow part, better known from the cells near the peaks of what is left of them; and what is left.

    The jumps stay as they are: next to their plane they are known without regard to the shares of the phases.
    """
    known = np.flatnonzero(flat_cells(cells.means, STEEP_SD * sd))
    known = known[:: max(1, known.size // MOST_CELLS) | 1]  # odd steps, so that all rows and columns take part
    places = [p[i] for p, i in zip(cells.places, np.unravel_index(known, cells.means.shape))]
    values = cells.means.ravel()[known].astype(np.float64)
    for jump in jumps:
        values -= jump.size * (places[jump.axis] >= jump.plane)
    u = [2 * p / max(1, n - 1) - 1 for p, n in zip(places, shape)]
    terms = np.stack([t for t_u in u for t in (0.5 * t_u, 1 - t_u * t_u)], axis=1)
    slow = slow.ravel()
    rest = values - terms @ slow
    for _ in range(FIT_ROUNDS if sd > 0 else 0):
        peaks = peaks_of(rest, sd)
        if not peaks.size:  # no cell is like its neighbours
            break
        nearest = np.abs(rest[:, None] - peaks).argmin(axis=1)
        off = rest - peaks[nearest]
        use = np.abs(off) < AVERAGED_SD * sd
        if use.sum() < FEWEST_DIFFERENCES:
            break
        design = np.concatenate([terms[use], nearest[use, None] == np.arange(len(peaks))], axis=1)
        slow = slow + np.linalg.lstsq(design.T @ design, design.T @ off[use], rcond=None)[0][: len(slow)]
        rest = values - terms @ slow
    return slow.reshape(3, 2), rest


def _fit(profile: np.ndarray, places: np.ndarray, length: int) -> np.ndarray:
    """End to end, and the middle above the ends, of the parabola nearest to a profile."""
    u = 2 * places / max(1, length - 1) - 1
    terms = np.stack([np.ones_like(u), 0.5 * u, 1 - u * u], axis=1)
    return np.linalg.lstsq(terms, profile, rcond=None)[0][1:]
