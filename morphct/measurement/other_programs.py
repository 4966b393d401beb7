"""What other programs make of the same label image, by their own estimators: for tables that have to be compared.

Each function follows the published definition of a program and its defaults, on the voxels that carry the label, as the
program would find them in the label image; what lies outside the volume counts as background.
"""

from dataclasses import dataclass

import numpy as np

from ..kernels.crofton import DIRECTIONS, pair_areas
from ..kernels.measurement import chamfer as kernel
from ..segment.labels.envelope import Envelope
from .crops.box import MARGIN_VOXELS, Spacing
from .particle_pass import Cut

RESULTS = (
    "crofton_area",
    "crofton_area_fixed",
    "face_area",
    "mask_mesh_area",
    "porespy_mesh_area",
    "spam_mesh_area",
    "chamfer_radius",
    "label_covariance",
)
SPAM_SIGMA, SPAM_SMALLEST = 0.75, 256  # blur in voxels, and the voxels below which it gives no value
_PLACES = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]


@dataclass(frozen=True)
class ConventionsLook:
    """RESULTS of every particle, in the unit of the spacing.

    But `porespy_mesh_area` and `spam_mesh_area` are in voxels: these programs know no voxel size.

    Attributes
    ----------
    hollow : (N,) bool
        Whether void voxels of the particle carry no label, so that other programs see holes.
    envelope : Envelope, optional
        Where particles are cut out instead: with no other ones in their holes, which these programs do not fill.
    """

    hollow: np.ndarray
    envelope: Envelope | None = None
    width: int = len(RESULTS) - 1 + len(_PLACES)

    def results(self, table: np.ndarray) -> dict[str, np.ndarray]:
        """(N,) arrays by name, `label_covariance` (N, 3, 3), from the table (N, width) of all particles."""
        covariance = np.empty((len(table), 3, 3))
        for k, (i, j) in enumerate(_PLACES):
            covariance[:, i, j] = covariance[:, j, i] = table[:, len(RESULTS) - 1 + k]
        return dict(zip(RESULTS[:-1], table.T.copy())) | {RESULTS[-1]: covariance}

    def of(self, cut: Cut) -> list[float]:
        """The numbers of one particle."""
        if self.envelope is not None:
            cut = cut.within(self.envelope)
        crop, body = cut.crop, cut.body
        bare = self.hollow[cut.particle] and crop.solid is not None
        mask, box = (crop.solid, body.solid_box) if bare else (crop.mask, body.box)
        assert mask is not None
        unlike = unlike_pairs(box)
        return [
            unlike @ pair_areas(cut.spacing),
            unlike @ fixed_pair_areas(cut.spacing),
            unlike @ _face_areas(cut.spacing),
            mesh_area(box.astype(np.float32), 0.5, cut.spacing),
            porespy_area(box) * crop.step**2,
            spam_area(box) * crop.step**2,
            chamfer_ball(box) * crop.step,
            *covariance(mask, cut.spacing),
        ]


def unlike_pairs(box: np.ndarray) -> np.ndarray:
    """Voxel pairs of which one is in the particle, by direction (13,), of a padded box of 0 and 1."""
    inner = tuple(slice(1, -1) for _ in range(3))
    count = int(np.count_nonzero(box))
    both = [
        np.count_nonzero(box[inner] & box[tuple(slice(1 + d, n - 1 + d) for d, n in zip(step, box.shape))])
        for step in DIRECTIONS
    ]
    return 2 * (count - np.array(both))


def fixed_pair_areas(spacing: Spacing) -> np.ndarray:
    """As `crofton.pair_areas`, but with the shares of cubic voxels whatever the voxels are, as ITK has it."""
    lengths = np.linalg.norm(DIRECTIONS * np.asarray(spacing), axis=1)
    cubic = np.linalg.norm(DIRECTIONS, axis=1)
    return pair_areas((1.0, 1.0, 1.0)) * cubic * np.prod(spacing) / lengths


def _face_areas(spacing: Spacing) -> np.ndarray:
    """Area of the voxel face that a pair shares, by direction; 0 along diagonals."""
    along = np.abs(DIRECTIONS)
    return np.where(along.sum(1) == 1, np.prod(spacing) / (along @ np.asarray(spacing)), 0.0)


def mesh_area(field: np.ndarray, level: float, spacing: Spacing = (1.0, 1.0, 1.0)) -> float:
    """Area of scikit-image's marching cubes at a level; NaN where the field does not reach it."""
    from skimage.measure import marching_cubes, mesh_surface_area

    if not field.min() <= level < field.max():
        return float("nan")
    vertices, faces, _, _ = marching_cubes(field, level)
    return float(mesh_surface_area(vertices.astype(np.float64) * spacing, faces))


def porespy_area(box: np.ndarray) -> float:
    """Surface of PoreSpy's `regionprops_3D`: the mask grown by its face neighbours, meshed where it begins.

    It leaves a margin of one voxel, which the grown mask fills where it is widest: the mesh is open there.
    """
    from scipy.ndimage import binary_dilation

    tight = box[tuple(slice(MARGIN_VOXELS - 1, 1 - MARGIN_VOXELS) for _ in range(3))]
    return mesh_area(binary_dilation(tight).astype(np.float32), 0.0)


def spam_area(box: np.ndarray) -> float:
    """Surface of SPAM's `trueSphericity`; NaN below its smallest volume."""
    from scipy.ndimage import gaussian_filter

    if np.count_nonzero(box) < SPAM_SMALLEST:
        return float("nan")
    return mesh_area(gaussian_filter(box.astype(np.float32), SPAM_SIGMA), 0.5)


def chamfer_ball(box: np.ndarray) -> float:
    """Radius of MorphoLibJ's inscribed ball in voxels: the largest 3-4-5 chamfer distance, over three."""
    return float(kernel.largest_chamfer(box, np.empty(box.shape, np.int32))) / 3


def covariance(mask: np.ndarray, spacing: Spacing) -> list[float]:
    """Raw covariance of the voxel centres: zz, yy, xx, zy, zx, yx."""
    inside = mask != 0
    planes = [inside.sum(axis) for axis in (2, 1, 0)]  # counts over (z, y), (z, x), (y, x)
    lines = [planes[0].sum(1), planes[0].sum(0), planes[1].sum(0)]
    index = [np.arange(n) for n in mask.shape]
    count = int(lines[0].sum())
    first = [float(line @ i) / count for line, i in zip(lines, index)]
    square = [float(line @ (i - m) ** 2) / count * e * e for line, i, m, e in zip(lines, index, first, spacing)]
    mixed = []
    for plane, (i, j) in zip(planes, ((0, 1), (0, 2), (1, 2))):
        product = (index[i] - first[i]) @ plane @ (index[j] - first[j])
        mixed.append(float(product) / count * spacing[i] * spacing[j])
    return [*square, *mixed]
