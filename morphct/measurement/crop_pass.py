"""The pass over crops: what needs whole particles, one bounding box after another, batches of them at a time."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..ground.units import VoxelSize
from ..ground.work import Work
from ..segment.labels.envelope import Crop, Envelope, batches, crop_step
from . import crops

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
class _Task:
    """What it takes to measure some particles."""

    envelope: Envelope
    boxes: np.ndarray
    spacing: tuple[float, float, float]
    results: tuple[str, ...]
    views: int


def crop_pass(
    envelope: Envelope,
    boxes: np.ndarray,
    voxel_size: VoxelSize,
    wanted: tuple[str, ...],
    work: Work,
    views: int = 24,
) -> dict[str, np.ndarray]:
    """Measure every particle on its crop.

    Parameters
    ----------
    envelope : Envelope
    boxes : (N, 6) int64
        z0 z1 y0 y1 x0 x1 of each label's envelope.
    voxel_size : VoxelSize
    wanted : tuple of str
        Names of RESULTS.
    work : Work
        Tells of particles done.
    views : int
        Directions of the silhouettes.

    Returns
    -------
    dict of (N,) arrays
        What was wanted, and FACTS.
    """
    task = _Task(envelope, boxes, voxel_size.spacing, tuple(wanted), views)
    parts = list(batches(boxes))
    table = np.full((len(boxes), len(wanted) + len(FACTS)), np.nan)
    for particles, found in work.over(partial(_measure, task), parts, map(len, parts)):
        table[particles] = found
    return dict(zip((*wanted, *FACTS), table.T.copy()))


def _measure(task: _Task, particles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measure some particles; returns their rows and their table."""
    table = np.empty((len(particles), len(task.results) + len(FACTS)))
    for i, particle in enumerate(particles):
        crop = task.envelope.crop(task.boxes[particle], np.array([particle + 1]))
        spacing = (task.spacing[0] * crop.step, task.spacing[1] * crop.step, task.spacing[2] * crop.step)
        table[i] = _row(crop, spacing, task.results, task.views)
    return particles, table


def _row(crop: Crop, spacing: tuple[float, float, float], results: tuple[str, ...], views: int) -> list[float]:
    import cc3d

    asked = {RESULTS[name][0] for name in results}
    found = crops.measure_crop(crop.mask, spacing, asked, crop.solid, views)
    row = [float(found[RESULTS[name][1]]) for name in results]  # type: ignore[arg-type]
    if "hull_share" in results:
        place = results.index("hull_share")
        row[place] = np.count_nonzero(crop.mask) / row[place]
    pieces = cc3d.connected_components(crop.mask, connectivity=26, return_N=True, binary_image=True)[1]
    reasons: tuple[str, ...] = found["reasons"]  # type: ignore[assignment]
    extents = sum(n > 1 for n in crop.mask.shape)
    dimension = next((_DIMENSIONS[word] for word in reasons if word in _DIMENSIONS), extents)
    return [*row, float(pieces), float(crop.step), float(dimension), float("ball_open" in reasons)]


def union_share(envelope: Envelope, members: np.ndarray, box: np.ndarray, spacing: tuple[float, float, float]) -> float:
    """Solidity of several particles together: their voxels over the voxel centres in the hull of all of them."""
    crop = envelope.crop(box, members)
    step = crop_step(box)
    found = crops.hull(crop.mask, (spacing[0] * step, spacing[1] * step, spacing[2] * step))
    return found.solidity
