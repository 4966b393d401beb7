"""A crop made ready for the kernels: 0 and 1 with a margin of background, and its distance map."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ...kernels.measurement.crop_distance import squared_distance
from ...kernels.measurement.hull import hull_candidates

Spacing = tuple[float, float, float]

MARGIN_VOXELS = 3  # the surface's blur reaches 2 voxels, and one more closes it


def padded(mask: np.ndarray) -> np.ndarray:
    """Copy a crop (Z,Y,X), any dtype, non-zero = particle, into uint8 0/1 with a margin of background."""
    box = np.zeros([n + 2 * MARGIN_VOXELS for n in mask.shape], np.uint8)
    inner = slice(MARGIN_VOXELS, -MARGIN_VOXELS)
    box[inner, inner, inner] = mask != 0
    return box


def squared_distances(box: np.ndarray, spacing: Spacing, most: float = np.inf) -> np.ndarray:
    """Squared distance of every voxel to the nearest background voxel centre, in units of the finest spacing.

    Parameters
    ----------
    box : (Z,Y,X) uint8, 0 or 1.
    spacing : z, y, x voxel edges.
    most : in units of the finest spacing; longer distances are given as this one.

    Returns
    -------
    (Z,Y,X) float32; whole numbers, and exact, where the squared spacings are whole multiples of the finest one's.
    """
    out = np.empty(box.shape, np.float32)
    squared_distance(box, squared_weights(spacing), np.float32(most) ** 2, out)
    return out


def squared_weights(spacing: Spacing) -> np.ndarray:
    """Squares of the voxel edges z, y, x in units of the finest, (3,) float32; whole numbers where they nearly are."""
    weights = np.square(np.asarray(spacing, float) / min(spacing))
    whole = np.rint(weights)
    if (np.abs(weights - whole) <= 1e-8).all():
        weights = whole
    return weights.astype(np.float32)


class Body:
    """One particle cut out, with what several measurements of it share: each is made when first asked for.

    Parameters
    ----------
    envelope : (Z,Y,X), any dtype, non-zero = the particle with its enclosed voids filled; no margin needed.
    spacing : z, y, x voxel edges.
    solid : (Z,Y,X), the same crop without the voids; None: it has none.
    """

    def __init__(self, envelope: np.ndarray, spacing: Spacing, solid: np.ndarray | None = None) -> None:
        self.envelope, self.spacing, self.solid = envelope, spacing, solid

    @cached_property
    def box(self) -> np.ndarray:
        """The envelope `padded`."""
        return padded(self.envelope)

    @cached_property
    def voxels(self) -> int:
        """Voxels of the envelope."""
        return int(np.count_nonzero(self.box))

    @cached_property
    def squared(self) -> np.ndarray:
        """`squared_distances` within the envelope."""
        return squared_distances(self.box, self.spacing)

    @cached_property
    def corners(self) -> tuple[np.ndarray, int]:
        """Voxels of the envelope among which the corners of its hull are (`hull.corner_points`), and its voxels."""
        plain = self.envelope.dtype == np.uint8
        return hull_candidates(self.envelope if plain else (self.envelope != 0).astype(np.uint8))

    @cached_property
    def solid_box(self) -> np.ndarray:
        """The solid `padded`."""
        return self.box if self.solid is None else padded(self.solid)

    @cached_property
    def solid_squared(self) -> np.ndarray:
        """`squared_distances` within the solid."""
        return self.squared if self.solid is None else squared_distances(self.solid_box, self.spacing)
