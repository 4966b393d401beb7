"""A level for phase contrast: particles darken their own cores and their surroundings, and the level follows.

Scans in phase contrast pass edges and lose what is broad: a particle is bright at its rim and as dark as its
surroundings in its core, and a dark fringe lies around it. The model is grey = base + contrast m - depth w, with m the
mask and w the share of particle nearby (m blurred by a Gaussian, the reach of the halo). Grey and mask are known block
by block, so base, contrast and depth follow from least squares, the reach is the one that fits best, and a new mask is
what lies above base + contrast / 2 - depth w; this is repeated until the mask stays.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ground.work import Work
from ...kernels.grey.blocks import BLOCK_VOXELS
from ..grey.plan import DenoisePlan
from . import local_level
from .facts import HaloFacts
from .levels import Threshold, as_level, constant, range_of

REACHES_EDGES = (8.0, 12.0, 20.0, 30.0, 45.0)  # finest edges, sigmas of the Gaussian
LEVEL_ROUNDS = 16
SETTLED_SHARE = 5e-4  # share of the voxels by which the mask may still change


@dataclass(frozen=True)
class Halo:
    """The model of a halo.

    Attributes
    ----------
    base, contrast : float
        Grey far from particles, and what particles add to it.
    depth : float
        Grey that is lost where all around is particle; 0 = no halo.
    reach : float
        Sigma of what counts as around, finest voxel edges.
    nearby : (z, y, x) float32
        Share of particle around each block of 8^3 voxels.
    misfit : float
        Sum of squares that is not explained, less a constant; smaller is better.
    """

    base: float
    contrast: float
    depth: float
    reach: float
    nearby: np.ndarray
    misfit: float

    def map_at(self, share: float) -> np.ndarray:
        """The grey of every block at this share of the contrast: 0 surroundings, 1 particles; (z, y, x) float32."""
        return (self.base + share * self.contrast - self.depth * self.nearby).astype(np.float32)


def find_halo_level(
    codes: Any,
    plan: DenoisePlan,
    start: float,
    work: Work,
) -> Threshold:
    """The level that follows the halo.

    Parameters
    ----------
    codes : array-like (Z, Y, X) uint16
    plan : DenoisePlan
    start : float
        Grey of the first level, the same everywhere.
    work : Work
        Passes read a halo of one plane.
    """
    coding, n_voxels = plan.how.coding, math.prod(int(n) for n in codes.shape)
    flatness = plan.map_flatness._replace(limit=np.float32(np.inf))  # every voxel counts
    level, above, rounds = constant(codes.shape, start), -n_voxels, 0
    while True:
        sums, counts, _, now = local_level.sum_all(codes, as_level(level, level, coding), flatness, work)
        halo = fit(sums, counts, plan.edges)
        rounds += 1
        if abs(now - above) <= SETTLED_SHARE * n_voxels or rounds == LEVEL_ROUNDS:
            break
        level, above = _grey(halo.map_at(0.5), coding), now
    inside, outside = _grey(halo.map_at(1.0), coding), _grey(halo.map_at(0.0), coding)
    facts = HaloFacts(
        depth=halo.depth * float(halo.nearby.max()) / halo.contrast if halo.contrast > 0 else None,
        reach=halo.reach if halo.depth > 0 else None,
        contrast=halo.contrast * coding.scale,
        rounds=rounds,
    )
    return Threshold(
        "halo", level, inside, outside, coding,
        value=float(np.median(level)), level_range=range_of(level),
        mean_inside=float(np.median(inside)), mean_outside=float(np.median(outside)),
        solid_share=now / n_voxels, halo=facts,
    )  # fmt: skip


def _grey(code: np.ndarray, coding: Any) -> np.ndarray:
    return (coding.offset + coding.scale * code).astype(np.float32)


def fit(sums: np.ndarray, counts: np.ndarray, edges: Sequence[float]) -> Halo:
    """Least squares of the model on sums over blocks, at the reach that explains most.

    Parameters
    ----------
    sums, counts : (2, z, y, x) int
        Grey (codes) and number of the voxels of each block outside [0] and inside [1] the mask.
    edges : (z, y, x)
        Voxel edges, in finest ones.

    Returns
    -------
    Halo
        In codes. Without a halo, or with nothing in the mask, its depth is 0.
    """
    from scipy.ndimage import gaussian_filter

    # in float64, and the sums over blocks are those of whole numbers: cuts make no difference
    inside, total = counts[1].astype(float), counts.sum(axis=0).astype(float)
    grey_inside, grey = sums[1].astype(float), sums.sum(axis=0).astype(float)
    best = _solved(inside, total, grey_inside, grey, np.zeros_like(total), 0.0)
    for reach in REACHES_EDGES:
        sigma = [reach / (e * BLOCK_VOXELS) for e in edges]
        around = gaussian_filter(total, sigma, mode="nearest")
        share = np.divide(gaussian_filter(inside, sigma, mode="nearest"), around, where=around > 0,
                          out=np.zeros_like(total))  # fmt: skip
        halo = _solved(inside, total, grey_inside, grey, share, reach)
        if halo.depth > 0 and halo.contrast > 0 and halo.misfit < best.misfit:
            best = halo
    return best


def _solved(
    inside: np.ndarray, total: np.ndarray, grey_inside: np.ndarray, grey: np.ndarray, share: np.ndarray, reach: float
) -> Halo:
    m, mw, w, ww = inside.sum(), (inside * share).sum(), (total * share).sum(), (total * share**2).sum()
    left = np.array([[total.sum(), m, -w], [m, m, -mw], [-w, -mw, ww]])
    right = np.array([grey.sum(), grey_inside.sum(), -(grey * share).sum()])
    known = np.array([True, bool(0 < m < total.sum()), reach > 0])
    values = np.zeros(3)
    values[known] = np.linalg.lstsq(left[np.ix_(known, known)], right[known], rcond=None)[0]
    base, contrast, depth = (float(v) for v in values)
    return Halo(base, contrast, depth, reach, share.astype(np.float32), -float(values @ right))
