"""What needs whole particles: hull, balls, surface, thickness, roundness of each, and what flags are made from."""

from dataclasses import dataclass

import numpy as np

from ..segment.labels.envelope import Envelope, crop_step
from . import crops
from .particle_pass import Cut

# result -> what `crops.measure_crop` is asked for, and under which name it answers
RESULTS = {
    "outer_area": ("surface", "surface_area"),
    "total_area": ("surface_total", "surface_area_total"),
    "ball_inside": ("inscribed", "inscribed_radius"),
    "ball_around": ("hull", "enclosing_radius"),
    "width_max": ("hull", "feret_max"),
    "width_min": ("hull", "feret_min"),
    "hull_share": ("hull", "hull_lattice_points"),
    "silhouette_circle_ratio": ("roundness", "sphericity_silhouette"),
    "silhouette_corner_share": ("roundness", "roundness"),
    "silhouette_corner_spread": ("roundness", "roundness_sd"),
    "silhouette_corners": ("roundness", "roundness_corners"),
    "curvature_share": ("roundness_3d", "roundness_3d"),
    "solid_thickness_mean": ("thickness", "thickness_mean"),
    "solid_thickness_median": ("thickness", "thickness_median"),
}
FACTS = ("pieces", "step", "dimension", "ball_open")  # what flags are made from, beside the results
_DIMENSIONS = {"one_voxel": 0, "line": 1, "flat": 2}


@dataclass(frozen=True)
class ShapeLook:
    """What of RESULTS is wanted of every particle, and FACTS.

    Attributes
    ----------
    wanted : tuple of str
        Names of RESULTS.
    views : int
        Directions of the silhouettes.
    """

    wanted: tuple[str, ...]
    views: int = 24

    @property
    def width(self) -> int:
        """Numbers of a particle."""
        return len(self.wanted) + len(FACTS)

    def results(self, table: np.ndarray) -> dict[str, np.ndarray]:
        """(N,) arrays by name, from the table (N, width) of all particles."""
        return dict(zip((*self.wanted, *FACTS), table.T.copy()))

    def of(self, cut: Cut) -> list[float]:
        """The numbers of one particle."""
        import cc3d

        crop = cut.crop
        found = crops.measure_body(cut.body, {RESULTS[name][0] for name in self.wanted}, self.views)
        row = [float(found[RESULTS[name][1]]) for name in self.wanted]  # type: ignore[arg-type]
        if "hull_share" in self.wanted:
            place = self.wanted.index("hull_share")
            row[place] = cut.body.voxels / row[place]
        pieces = cc3d.connected_components(crop.mask, connectivity=26, return_N=True, binary_image=True)[1]
        reasons: tuple[str, ...] = found["reasons"]  # type: ignore[assignment]
        extents = sum(n > 1 for n in crop.mask.shape)
        dimension = next((_DIMENSIONS[word] for word in reasons if word in _DIMENSIONS), extents)
        return [*row, float(pieces), float(crop.step), float(dimension), float("ball_open" in reasons)]


@dataclass(frozen=True)
class CornersLook:
    """Where the corners of the hulls of particles are, for the hulls of groups of them.

    Attributes
    ----------
    touching : (N,) bool
        Particles that are in a group.
    """

    touching: np.ndarray
    width: None = None

    def of(self, cut: Cut) -> np.ndarray:
        """z, y, x of voxels of the volume, (n, 3) int32; (0, 3) of one that touches none."""
        if not self.touching[cut.particle]:
            return np.zeros((0, 3), np.int32)
        return (cut.body.corners[0] * cut.crop.step + cut.box[0::2]).astype(np.int32)


def union_share(envelope: Envelope, members: np.ndarray, box: np.ndarray, spacing: tuple[float, float, float]) -> float:
    """Solidity of several particles together: their voxels over the voxel centres in the hull of all of them."""
    crop = envelope.crop(box, members)
    step = crop_step(box)
    found = crops.hull(crop.mask, (spacing[0] * step, spacing[1] * step, spacing[2] * step))
    return found.solidity
