"""Touching particles told apart: labels of a 0/1 volume, in bricks.

    mask -> distance -> basins -> graph of basins -> joins -> labels

Each of these is a room of its own (`distance`, `basins`, `basin_graph`, `merging`); this one is their face.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.errors import MemoryCapError
from ...ground.options import Options, option
from ...ground.units import format_bytes
from ...ground.work import Work
from ...kernels.split.join_scores import EXACT
from . import basin_graph, basins, distance, merging
from . import margins as split_margins
from .margins import Margins

PASSES = {"ascent": 5, "watershed": 5, "none": 2, "snow": 2}  # over the volume, for progress


@dataclass(frozen=True)
class SplitOptions(Options):
    """How touching particles are told apart; a voxel's length is the cube root of its volume where its edges differ."""

    section = "split"
    method: str = option(
        "ascent",
        "ascent: basins joined by five features; watershed: flooded from h-maxima; snow: PoreSpy; none",
        choices=("ascent", "watershed", "snow", "none"),
    )
    floor: float = option(
        0.0, "ascent: peaks of the distance map that rise less above their saddle are no peaks", "voxels", min=0.0
    )
    join: float = option(
        0.905, "ascent: more joins more; a neck this solid is joined where all else is even", min=0.0, max=2.0
    )
    surface: str = option(
        "auto",
        "ascent: exact where no blur has filled the waists between bodies; auto: in segmented volumes",
        choices=("auto", "exact", "blurred"),
    )
    h: float = option(
        1.0,
        "watershed: peaks that rise less above their saddle are no markers; more joins more",
        "voxels",
        min=0.0,
    )

    def of_values(self) -> "SplitOptions":
        """The same for the mask of a segmented volume, whose surface is exact unless the settings say otherwise."""
        return replace(self, surface="exact") if self.surface == "auto" else self


@dataclass
class SplitResult:
    """Particles of a volume.

    Attributes
    ----------
    labels : (Z,Y,X) int32 array-like
        1 to n, 0 outside the mask; held in scratch.
    n : int
        Particles.
    basins, interfaces, joined_by_floor, joined_by_rule : int
        What the graph was and what became of it, for the log.
    margins : Margins or None
        How near it was to another split ("ascent").
    """

    labels: Any
    n: int
    basins: int = 0
    interfaces: int = 0
    joined_by_floor: int = 0
    joined_by_rule: int = 0
    margins: Margins | None = None

    def summary(self) -> dict[str, int]:
        """Counts for the log and the provenance."""
        names = ("basins", "interfaces", "joined_by_floor", "joined_by_rule")
        return {"particles": self.n, **{name: getattr(self, name) for name in names}}


def split(
    mask: Any,
    spacing: tuple[float, float, float],
    options: SplitOptions,
    work: Work,
    smallest: int = 1,
    unsealed: Any = None,
) -> SplitResult:
    """Label the particles of a 0/1 volume.

    Parameters
    ----------
    mask : (Z,Y,X) uint8 0/1 array-like
        Solid with its voids filled (the envelope).
    spacing : tuple of float
        (z,y,x) voxel edges.
    options : SplitOptions
    work : Work
        Its scratch holds the labels when done and, on the way, a (Z,Y,X) uint16 or float32 distance map; it is told
        PASSES[method] times the depth. The answer does not depend on the bricks.
    smallest : int
        Voxels of the smallest particle that will be kept; `margins` speak of no smaller one.
    unsealed : (Z,Y,X) uint8 0/1 array-like, optional
        The mask before sealing: what is in sealed pockets alone is no particle to `margins`.

    Returns
    -------
    SplitResult

    Raises
    ------
    MemoryCapError
        When `method` is "snow" and the volume does not fit into memory.
    """
    if options.method == "none":
        return _connected(mask, work)
    if options.method == "snow":
        return _snow(mask, spacing, work)
    labels = work.scratch.create("labels", mask.shape, np.int32)
    edges = distance.relative_edges(spacing)
    heights = distance.heights(mask, spacing, work)
    found = basins.find_basins(heights, labels, work)
    graph = basin_graph.build_graph(mask, heights, found, edges, work, unsealed)
    distance.release(heights, work)
    del heights
    mean_edge = float(np.cbrt(np.prod(edges)))  # the small bumps of a digital surface are as high as its voxels
    joined, margins = _joined(graph, options, mean_edge, smallest)
    basins.write_particles(found, joined.particles, work)
    counts = found.n, len(graph.pairs), joined.by_floor, joined.by_rule
    return SplitResult(labels, joined.n, *counts, margins)


def _joined(
    graph: basin_graph.Graph, options: SplitOptions, mean_edge: float, smallest: int
) -> tuple[merging.Joined, Margins | None]:
    """Basins joined into particles, and how near that was to another split."""
    if options.method == "watershed":
        return merging.flood(graph, options.h * mean_edge), None
    reach = split_margins.JOIN_UNCERTAINTY
    figures = EXACT if options.surface == "exact" else None
    joined = merging.join(graph, options.floor * mean_edge, options.join, reach, figures)
    assert joined.steps is not None
    return joined, split_margins.find_margins(graph, joined.steps, joined.particles, options.join, reach, smallest)


def _write_components(components: Any, labels: Any, brick: Brick) -> None:
    labels[brick.here] = components.planes(brick)


def _connected(mask: Any, work: Work) -> SplitResult:
    from ..labels import components

    pieces = components.label(components.Solid(mask), mask.shape, 26, work)
    labels = work.scratch.create("labels", mask.shape, np.int32)
    work.do(partial(_write_components, pieces, labels))
    return SplitResult(labels, pieces.n)


def _snow(mask: Any, spacing: tuple[float, float, float], work: Work) -> SplitResult:
    from . import snow

    scratch = work.scratch
    scratch.trim()
    needed = snow.BYTES_PER_VOXEL * int(np.prod(mask.shape, dtype=np.int64))
    if scratch.in_memory + needed > scratch.budget:
        raise MemoryCapError(
            f'split.method = "snow" works on the whole volume at once and needs {format_bytes(needed)} of '
            f"{format_bytes(scratch.budget)} allowed; choose split.method = ascent, or allow more with --memory"
        )
    heights = np.empty(mask.shape, np.float32)
    distance.squared_distance(mask, spacing, heights, work)
    regions = snow.partition(np.asarray(mask[0 : mask.shape[0]]) > 0, np.sqrt(heights, out=heights))
    labels = scratch.create("labels", mask.shape, np.int32)
    labels[0 : mask.shape[0]] = regions
    return SplitResult(labels, int(regions.max(initial=0)))
