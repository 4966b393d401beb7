"""Jumps of the grey from one plane to the next, as where two volumes were glued."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .background_steps import CELL_VOXELS, FEWEST_DIFFERENCES, Cells, coarse, commonest, narrowest, peaks_of
from .sampling import LAYER_PLANES, Brick

# with both no jump was found in undisturbed phantoms of eight families, CNR 1.5 to 8, and each of half the contrast was
# (docs/segmentation.md)
JUMP_SCATTERS = 8.0  # scatters of the gains along the axis
LEAST_JUMP_SD = 0.5  # sds of a cell's mean: less is not worth a word
MOST_JUMPS = 4  # along one axis
RARE_PEAK_SHARE = 0.02  # of the highest peak of a histogram: the particles of a thin powder
COMMON_HISTOGRAM_SHARE = 0.5  # common share of the histograms of both sides, the jump taken off


@dataclass(frozen=True)
class Jump:
    """The grey changes by `size` from one plane to the next along `axis` (0 = z); `plane` is the first one beyond."""

    axis: int
    plane: int
    size: float


def sudden(gain: np.ndarray, width: float) -> list[tuple[int, int]]:
    """Where the gain is far from that of the other positions: ranges of one or two, the largest first.

    A plane of a jump may lie within a cell, so two gains that follow one another share it.
    """
    rest = gain - np.median(gain)
    scatter = 1.4826 * float(np.median(np.abs(rest)))
    limit = max(JUMP_SCATTERS * scatter, LEAST_JUMP_SD * width)
    found: list[tuple[int, int]] = []
    while len(found) < MOST_JUMPS:
        two = np.abs(np.convolve(rest, [1, 1], "valid"))
        i = int(two.argmax())
        if two[i] < limit:
            break
        # the neighbour belongs to it only where it goes the same way by more than chance
        near = [k for k in (i, i + 1) if rest[k] * (rest[i] + rest[i + 1]) > 0 and abs(rest[k]) > 3 * scatter]
        first, last = (near[0], near[-1] + 1) if near else (i, i + 2)
        found.append((first, last))
        rest[first:last] = 0
    return found


def locate(volume: Any, brick: Brick, cells: Cells, axis: int, gains: tuple[int, int], width: float) -> Jump | None:
    """The jump among these gains: its plane, its size; None where the sample ends there rather than its grey changes.

    brick: the first one of the sample. width: sd of the differences between cells.
    """
    at = cells.places[axis]
    plane = _plane_of(volume, brick, axis, at[gains[0]], at[gains[1]])
    half = 0.5 * (CELL_VOXELS - 1)
    below, above = int(np.sum(at + half < plane)) - 1, int(np.sum(at - half < plane))
    if below < 0 or above >= len(at):
        return None
    moved = np.moveaxis(cells.means, axis, 0)
    steps = moved[above] - moved[below]
    steps = steps[np.isfinite(steps)]
    if steps.size < FEWEST_DIFFERENCES:
        return None
    jump = Jump(axis, plane, commonest(steps, width)[0])
    return jump if _same_phases(moved[: below + 1], moved[above:] - np.float32(jump.size), width) else None


def _same_phases(below: np.ndarray, above: np.ndarray, width: float) -> bool:
    """Whether both sides show the same greys, two of their peaks at least, once the jump is taken off."""
    below, above = below[np.isfinite(below)], above[np.isfinite(above)]
    if min(below.size, above.size) < FEWEST_DIFFERENCES:
        return False
    ends = np.quantile(np.concatenate([below, above]), [0.01, 0.99])
    bins = np.linspace(ends[0], ends[1], 25)
    shares = [np.histogram(side, bins)[0] / side.size for side in (below, above)]
    sd = width / 2**0.5
    off = np.abs(peaks_of(below, sd, RARE_PEAK_SHARE)[:, None] - peaks_of(above, sd, RARE_PEAK_SHARE))
    return float(np.minimum(*shares).sum()) > COMMON_HISTOGRAM_SHARE and int((off.min(axis=1) < sd).sum()) > 1


def _plane_of(volume: Any, brick: Brick, axis: int, low: float, high: float) -> int:
    """First plane beyond a jump between two places along an axis."""
    a, b = int(low), min(int(np.ceil(high)) + 1, volume.shape[axis])
    if axis == 0:
        a, b = _bisect(volume, a, b - 1)
        planes = np.asarray(volume[a : b + 1]).astype(np.float32)
    else:
        z = brick.start[0] + brick.core[0].start
        box = [slice(z, z + LAYER_PLANES), slice(None), slice(None)]
        box[axis] = slice(a, b)
        # planes are read whole: files cannot do otherwise
        planes = np.moveaxis(np.asarray(volume[box[0]])[(slice(None), *box[1:])].astype(np.float32), axis, 0)
    steps = np.diff(_in_cells(planes), axis=0)
    width = narrowest(steps[np.isfinite(steps)])
    return a + 1 + int(np.argmax([_usual(s, width) for s in steps]))


def _bisect(volume: Any, a: int, b: int) -> tuple[int, int]:
    """Narrow planes a to b, between which there is a jump, to a few without reading those between."""

    def read(plane: int) -> np.ndarray:
        return _in_cells(np.asarray(volume[plane : plane + 1]).astype(np.float32))[0]

    low, high = read(a), read(b)
    while b - a > 4 * CELL_VOXELS:
        middle = (a + b) // 2
        here = read(middle)
        up, down = here - low, high - here
        width = narrowest(up[np.isfinite(up)])
        a, b, low, high = (a, middle, low, here) if _usual(up, width) > _usual(down, width) else (middle, b, here, high)
    return a, b


def _in_cells(planes: np.ndarray) -> np.ndarray:
    """(n, cells) means of cells of 4 x 4 in each plane."""
    edges = [min(CELL_VOXELS, n) for n in planes.shape[1:]]
    return coarse(planes, (1, *edges)).reshape(len(planes), -1) / np.float32(edges[0] * edges[1])


def _usual(steps: np.ndarray, width: float) -> float:
    """Size of the commonest difference; of the middle one without noise, 0 without any."""
    steps = steps[np.isfinite(steps)]
    if not steps.size:
        return 0.0
    return abs(commonest(steps, width)[0] if width > 0 else float(np.median(steps)))
