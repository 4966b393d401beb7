"""Particles cut by the faces of the volume are left out, large ones more often: weights that make up for it.

Each whole particle counts as often as the inverse of the chance that a particle of its bounding box, thrown anywhere
into the volume, touches no face.

Source: Miles 1974, On the elimination of edge effects in planar sampling, in Stochastic Geometry (eds. Harding and
Kendall); Lantuejoul 1980, On the estimation of mean values in individual analysis of particles, Microscopica Acta;
Serra 1982, Image Analysis and Mathematical Morphology.
"""

import numpy as np


def weights(boxes: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Weights of whole particles.

    Parameters
    ----------
    boxes : (N, 6) int
        z0 z1 y0 y1 x0 x1, half-open; none reaches a face of the volume.
    shape : (Z, Y, X) voxels of the volume

    Returns
    -------
    (N,) float, 1 and above
        Product over the axes of L / (L - l - 1): a box of l voxels may begin at any of the L voxels of an axis, and
        touches neither face at L - l - 1 of them.
    """
    lengths = np.asarray(shape, float)
    sizes = boxes[:, 1::2] - boxes[:, 0::2]
    return np.prod(lengths / np.maximum(lengths - sizes - 1, 1), axis=1)


def effective_number(weighted: np.ndarray) -> float:
    """How many particles of equal weight would tell as much (Kish 1965): the squared sum over the sum of squares."""
    square = float(np.square(weighted).sum())
    return float(weighted.sum()) ** 2 / square if square > 0 else 0.0
