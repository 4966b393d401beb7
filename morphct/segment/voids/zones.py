"""Zones of dips: the places around seeds, which are voxels of the core deeper than noise can reach.

One pass over codes and depth classes finds them, and in the same bricks those of the mirrored grey where these are
asked for; all that follows goes by their runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ...ground.bricks import Brick
from ...ground.work import Work
from ...kernels.labels import morphology
from ...kernels.labels import runs as run_kernel
from ...kernels.run_lists import Runs
from ...kernels.voids import dip_runs as by_runs
from ..labels import components
from .dip_model import DipModel
from .marked import CORNERS, Marked, some
from .plateau import BLOCK_VOXELS, INNER, Interior

NEVER = float(np.iinfo(np.int32).max)  # a bar that no dip is above


class _Found(NamedTuple):
    """Of a brick: the zone, the deepest dip of its pieces (k+1,), and the seeds above the second bar."""

    zone: Runs | None = None
    peaks: np.ndarray | None = None
    strong: Runs | None = None


@dataclass(frozen=True)
class Zones:
    """Zones of a volume.

    Attributes
    ----------
    marked : Marked
    peaks : tuple of (k+1,) int32 or None
        Deepest dip of the pieces of each brick.
    strong : Marked
        The seeds whose dip is above the second bar.
    """

    marked: Marked
    peaks: tuple[np.ndarray | None, ...]
    strong: Marked

    def labelled(self, work: Work) -> components.Components:
        """The pieces of the bricks put together, connected all around."""
        return labelled(self.marked, work)

    def heights(self, pieces: components.Components) -> np.ndarray:
        """Deepest dip of each zone, (n+1,) int32."""
        heights = np.zeros(pieces.n + 1, np.int32)
        for table, peaks in zip(pieces.tables, self.peaks, strict=True):
            if peaks is not None:
                np.maximum.at(heights, table[1:], peaks[1:])
        return heights


def labelled(marked: Marked, work: Work) -> components.Components:
    """The pieces of marked voxels, connected all around."""
    return components.label(marked, marked.shape, 26, work.quiet)


def seed_half(model: DipModel) -> np.ndarray:
    """Ball around a seed that is its zone."""
    return model.half(max(1.0, round(model.blur)))


def find_zones(interiors: Sequence[Interior], bars: Sequence[tuple[float, float]], work: Work) -> list[Zones]:
    """The zones of one volume, and of others made of it: mirrored ones.

    Parameters
    ----------
    interiors : sequence of Interior
        Of the same depth classes; the codes of the second one are those of the first one mirrored.
    bars : sequence of (float, float)
        For each: the dip of a seed, and that of a strong one.
    """
    found = list(work.each(partial(_zones_of, tuple(interiors), tuple(bars))))
    shape, zones = interiors[0].codes.shape, []
    for parts in zip(*found):
        marked = Marked(shape, work.bricks, tuple(part.zone for part in parts))
        strong = Marked(shape, work.bricks, tuple(part.strong for part in parts))
        zones.append(Zones(marked, tuple(part.peaks for part in parts), strong))
    return zones


def _zones_of(interiors: Sequence[Interior], bars: Sequence[tuple[float, float]], brick: Brick) -> list[_Found]:
    first = interiors[0]
    if first.cores.empty(brick):
        return [_Found()] * len(interiors)
    half = seed_half(first.model)
    brick, outer = first.around(brick, half)
    codes, depths = first.read(outer)
    found = []
    for interior, pair in zip(interiors, bars, strict=True):
        own = codes if interior is first else np.negative(codes)
        seeds = interior.seeds(own, depths, outer, pair)
        found.append(_Found() if seeds is None else _around(interior, own, depths, seeds, half, brick, outer))
    return found


def _around(
    interior: Interior, codes: Any, depths: Any, seeds: np.ndarray, half: np.ndarray, brick: Brick, outer: Brick
) -> _Found:
    here, core = brick.within(outer), brick.core(outer)
    near = morphology.dilate(seeds, half, core)
    near &= depths[here] >= INNER
    zone = run_kernel.label_runs(near, CORNERS)
    if not zone.starts.size:
        return _Found()
    strong = seeds[here] > 1
    at, corner = (core[0], core[2]), (outer.z0, outer.y0)
    peaks = np.zeros(zone.n + 1, np.int32)
    by_runs.peaks_of(zone, by_runs.dips_of(zone, codes, at, interior.plateau, BLOCK_VOXELS, corner), peaks)
    return _Found(zone, peaks, run_kernel.label_runs(strong.view(np.uint8), CORNERS) if strong.any() else None)


def second_zones(interior: Interior, zones: Zones, halves: Marked, work: Work) -> Zones | None:
    """Zones around the strong seeds that no void found so far has within reach; None when there are none.

    halves: the voids found so far.
    """
    parts = tuple(work.quiet.each(partial(_left_over, interior, zones.strong, halves)))
    left = Marked(halves.shape, work.bricks, parts)
    if not left.filled.any():
        return None
    found = list(work.quiet.each(partial(_around_left_over, interior, zones.marked, left)))
    return Zones(
        Marked(halves.shape, work.bricks, tuple(part.zone for part in found)),
        tuple(part.peaks for part in found),
        left,
    )


def _left_over(interior: Interior, strong: Marked, halves: Marked, brick: Brick) -> Runs | None:
    seeds = strong.parts[brick.index]
    if seeds is None:
        return None
    half = interior.model.half(interior.model.reach)
    brick, outer = interior.around(brick, half)
    taken, core = halves.painted(outer), brick.core(outer)
    if taken is None:
        return seeds
    return some(by_runs.out_of_reach(seeds, taken, ball_offsets(half, interior.model.relative), (core[0], core[2])))


def _around_left_over(interior: Interior, zone: Marked, left: Marked, brick: Brick) -> _Found:
    if zone.parts[brick.index] is None:
        return _Found()
    half = seed_half(interior.model)
    brick, outer = interior.around(brick, half)
    seeds = left.painted(outer)
    if seeds is None:
        return _Found()
    near = morphology.dilate(seeds, half, brick.core(outer)) & zone(brick)
    runs = run_kernel.label_runs(near, CORNERS)
    if not runs.starts.size:
        return _Found()
    peaks = np.zeros(runs.n + 1, np.int32)
    by_runs.peaks_of(runs, interior.dips_of(runs, brick), peaks)
    return _Found(runs, peaks)


def ball_offsets(half: np.ndarray, relative: tuple[float, float, float]) -> np.ndarray:
    """Steps (K,3) int64 to all voxels of a ball, sorted by distance, of equals by raster order."""
    rz, ry = half.shape[0] // 2, half.shape[1] // 2
    found = [
        (dz, dy, dx)
        for dz in range(-rz, rz + 1)
        for dy in range(-ry, ry + 1)
        for dx in range(-half[dz + rz, dy + ry], half[dz + rz, dy + ry] + 1)
    ]
    found.sort(key=lambda o: (sum((c * r) ** 2 for c, r in zip(o, relative, strict=True)), o))
    return np.array(found, np.int64).reshape(-1, 3)
