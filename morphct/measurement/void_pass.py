"""Voids: how thick each one is, how deep it lies, and how the closed ones of a particle lie together.

Thickness needs a void's own box only; the rest is looked at on the crop of its particle.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..ground.chunks import CHUNK_VOXELS
from ..ground.work import Work
from ..kernels.measurement.small_thickness import Rules
from ..segment.labels.envelope import crop_step
from ..segment.voids.facts import VoidSearch
from .crops.box import MARGIN_VOXELS, Spacing
from .crops.small import SMALL_VOXELS, small_medians, small_rules
from .crops.thickness import local_thickness
from .particle_pass import Cut
from .void_placement import placement

RESULTS = ("void_depth", "void_rank", "void_thickness")  # by void
PARTICLE_RESULTS = ("voids_apart", "voids_apart_p", "voids_rank", "voids_rank_p", "voids_thickness")
# Small voids are done by tiles of so many chunks along z, y and x, whose ids are read once: 2 million voxels, a hundred
# voids of the phantom of a nano-CT study, which read less than a third of the block twice.
TILE_CHUNKS = (4, 4, 2)
TILE_VOIDS = 4096  # of a tile in one task at most, half a second
BLOCK_VOXELS_A_VOID = 2**16  # where voids lie farther apart than this each is read by itself: a chunk


def void_thickness(ids: Any, boxes: np.ndarray, spacing: Spacing, work: Work) -> np.ndarray:
    """Median local thickness of every void, (V,) float; NaN for one that has no voxel on its grid.

    Parameters
    ----------
    ids : (Z,Y,X) int32 array-like
        Void ids, 1 to V.
    boxes : (V, 6) int64
        z0 z1 y0 y1 x0 x1 of each void.
    spacing : z, y, x voxel edges.
    work : Work
        Tells nobody.
    """
    found = np.full(len(boxes), np.nan)
    sides = boxes[:, 1::2] - boxes[:, 0::2]
    small = (sides <= SMALL_VOXELS).all(1)
    large = np.flatnonzero(~small)
    ones = [np.array([row]) for row in large[np.argsort(-np.prod(sides[large], axis=1), kind="stable")]]
    tiles = _tiles(boxes, np.flatnonzero(small & (sides > 0).all(1)), getattr(ids, "chunks", CHUNK_VOXELS))
    parts = ones + tiles  # what takes long first, then by place: neighbours read the same chunks
    task = partial(_thicknesses, ids, boxes, spacing, small_rules(spacing))
    for rows, values in zip(parts, work.quiet.over(task, parts)):
        found[rows] = values
    return found


def _tiles(boxes: np.ndarray, rows: np.ndarray, chunks: tuple[int, ...]) -> list[np.ndarray]:
    """Rows of small voids by the tile of the volume where their boxes begin, in the order of the tiles and chunks."""
    at = boxes[rows, 0::2] // np.asarray(chunks)
    tile = at // TILE_CHUNKS
    order = np.lexsort((*at.T[::-1], *tile.T[::-1]))
    rows, tile = rows[order], tile[order]
    ends = np.flatnonzero((np.diff(tile, axis=0) != 0).any(1)) + 1
    found = np.split(rows, ends) if len(rows) else []
    return [part[i : i + TILE_VOIDS] for part in found for i in range(0, len(part), TILE_VOIDS)]


def _thicknesses(ids: Any, boxes: np.ndarray, spacing: Spacing, rules: Rules, rows: np.ndarray) -> np.ndarray:
    """Median local thickness of the voids of a task."""
    sides = boxes[rows, 1::2] - boxes[rows, 0::2]
    if (sides > SMALL_VOXELS).any():
        return np.array([_thickness(ids, boxes[row], spacing, int(row) + 1) for row in rows])
    low, high = boxes[rows, 0::2].min(0), boxes[rows, 1::2].max(0)
    if len(rows) > 1 and np.prod(high - low) > BLOCK_VOXELS_A_VOID * len(rows):
        return np.concatenate([_thicknesses(ids, boxes, spacing, rules, rows[i : i + 1]) for i in range(len(rows))])
    block = np.asarray(ids[tuple(slice(int(a), int(b)) for a, b in zip(low, high))])
    return small_medians(block, boxes[rows] - np.repeat(low, 2), rows + 1, spacing, rules)


def _thickness(ids: Any, box: np.ndarray, spacing: Spacing, void: int) -> float:
    """Median local thickness of a void, on its own box."""
    z0, z1, y0, y1, x0, x1 = (int(b) for b in box)
    step = crop_step(box)
    if step == 1:
        mask = ids[z0:z1, y0:y1, x0:x1] == void
    else:
        planes = [ids[z : z + 1, y0:y1, x0:x1][:, ::step, ::step] == void for z in range(z0, z1, step)]
        mask = np.concatenate(planes)
    return local_thickness(mask, (spacing[0] * step, spacing[1] * step, spacing[2] * step)).median


@dataclass(frozen=True)
class PlacementLook:
    """How the closed voids of a particle lie.

    Attributes
    ----------
    voids : mapping
        Results of the slab pass over voids, `voxels`, `position`, `voxel_volume`.
    rows : (K,) int64
        Rows of closed voids, those of a particle together.
    starts : (N+1,) int64
        `rows[starts[i] : starts[i + 1]]` are those of particle i.
    seeing : VoidSearch
    """

    voids: Mapping[str, Any]
    rows: np.ndarray
    starts: np.ndarray
    seeing: VoidSearch
    width: None = None

    @classmethod
    def on(cls, voids: Mapping[str, Any], n: int, seeing: VoidSearch) -> "PlacementLook":
        """The look at `n` particles."""
        owner = np.where(voids["void_open"], 0, voids["owner_label"])
        rows = np.argsort(owner, kind="stable")
        return cls(voids, rows, np.searchsorted(owner[rows], np.arange(1, n + 2)), seeing)

    def of(self, cut: Cut) -> np.ndarray:
        """Ratio, its p, mean rank and its p (`void_placement.Placement`); depths, then ranks of the voids."""
        held = self.rows[self.starts[cut.particle] : self.starts[cut.particle + 1]]
        if not len(held):
            return np.zeros(0)
        middles = (self.voids["position"][held] - cut.box[0::2]) / cut.crop.step + MARGIN_VOXELS
        radii = np.cbrt(3 * self.voids["voxels"][held] * self.voids["voxel_volume"] / (4 * np.pi))
        lies = placement(cut.body.squared, cut.spacing, middles, radii, self.seeing, cut.particle + 1)
        return np.concatenate([[lies.ratio, lies.ratio_p, lies.rank_mean, lies.rank_p], lies.depths, lies.ranks])

    def results(
        self, found: Mapping[int, np.ndarray], thickness: np.ndarray
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """What is known of voids and of particles.

        Parameters
        ----------
        found : mapping of int to (4 + 2 K,)
            By row of a particle, as `of` tells.
        thickness : (V,) float, of every void.

        Returns
        -------
        voids : dict of (V,) float
            RESULTS: the distance of each void's middle to the outside of its particle; the share of the places it
            could have had that lie deeper; its median local thickness. Open voids have a thickness only.
        particles : dict of (N,) float
            PARTICLE_RESULTS: as `void_placement.Placement` tells, and the thickness above which half of the voids'
            volume lies; of closed voids.
        """
        table = np.full((len(thickness), 2), np.nan)
        of_particles = np.full((len(self.starts) - 1, len(PARTICLE_RESULTS)), np.nan)
        for particle, row in found.items():
            held = self.rows[self.starts[particle] : self.starts[particle + 1]]
            table[held] = row[4:].reshape(2, -1).T
            of_particles[particle, :4] = row[:4]
            of_particles[particle, 4] = _half_way(thickness[held], self.voids["voxels"][held])
        by_void = dict(zip(RESULTS, (*table.T.copy(), thickness)))
        return by_void, dict(zip(PARTICLE_RESULTS, of_particles.T.copy()))


def _half_way(values: np.ndarray, weights: np.ndarray) -> float:
    """Weighted median of (K,) values; NaN without one that is known."""
    known = np.isfinite(values)
    if not known.any():
        return float("nan")
    order = np.argsort(values[known], kind="stable")
    reached = np.cumsum(weights[known][order])
    return float(values[known][order][np.searchsorted(reached, reached[-1] / 2)])
