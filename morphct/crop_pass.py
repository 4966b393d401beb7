"""The pass over crops: what needs whole particles, one bounding box after another, batches of them at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from . import crops
from .crops.box import MARGIN, padded, squared_distances
from .envelope import Crop, Envelope, crop_step
from .executors import RunMap
from .units import VoxelSize

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
BATCH = 2**21  # voxels of crops in a task
_DIMENSIONS = {"one_voxel": 0, "line": 1, "flat": 2}


@dataclass(frozen=True)
class _Work:
    """What every task of the pass needs; `void_rows[void_from[i] : void_from[i + 1]]` are the voids of particle i."""

    envelope: Envelope
    boxes: np.ndarray
    spacing: tuple[float, float, float]
    results: tuple[str, ...]
    void_rows: np.ndarray
    void_from: np.ndarray
    void_positions: np.ndarray
    views: int


def crop_pass(
    envelope: Envelope,
    boxes: np.ndarray,
    voxel_size: VoxelSize,
    wanted: tuple[str, ...],
    voids: dict[str, Any] | None = None,
    run_map: RunMap = map,
    tick: Callable[[int], None] | None = None,
    views: int = 24,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Measure every particle on its crop.

    Parameters
    ----------
    envelope : Envelope
    boxes : (N, 6) int64
        z0 z1 y0 y1 x0 x1 of each label's envelope.
    voxel_size : VoxelSize
    wanted : tuple of str
        Names of RESULTS.
    voids : dict, optional
        Results of the slab pass over voids, for their depths.
    tick : callable, optional
        Told of particles done.
    views : int
        Directions of the silhouettes.

    Returns
    -------
    results : dict of (N,) arrays
        What was wanted, and FACTS.
    depths : (V,) float
        Distance of each void's middle to the outside of its particle; empty without `voids`.
    """
    owner = voids["owner_label"] if voids else np.zeros(0, np.int64)
    rows = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[rows], np.arange(1, len(boxes) + 2))
    positions = voids["position"] if voids else np.zeros((0, 3))
    work = _Work(envelope, boxes, voxel_size.spacing, tuple(wanted), rows, starts, positions, views)
    table = np.full((len(boxes), len(wanted) + len(FACTS)), np.nan)
    depths = np.full(len(owner), np.nan)
    for particles, found, void_rows, void_depths in run_map(partial(_measure, work), list(batches(boxes))):
        table[particles] = found
        depths[void_rows] = void_depths
        if tick:
            tick(len(particles))
    return dict(zip((*wanted, *FACTS), table.T.copy())), depths


def batches(boxes: np.ndarray) -> Iterator[np.ndarray]:
    """Rows of particles for a task each, large ones first so that tasks running side by side take about as long."""
    sizes = np.prod(boxes[:, 1::2] - boxes[:, 0::2], axis=1)
    order = np.argsort(-sizes, kind="stable")
    start, held = 0, 0
    for i, size in enumerate(sizes[order]):
        if i > start and held + size > BATCH:
            yield order[start:i]
            start, held = i, 0
        held += int(size)
    if start < len(order):
        yield order[start:]


def _measure(work: _Work, particles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Measure some particles; returns their rows, their table, and rows and depths of their voids."""
    table = np.empty((len(particles), len(work.results) + len(FACTS)))
    void_rows: list[np.ndarray] = [np.zeros(0, np.int64)]
    depths: list[np.ndarray] = [np.zeros(0)]
    for i, particle in enumerate(particles):
        box = work.boxes[particle]
        crop = work.envelope.crop(box, np.array([particle + 1]))
        spacing = (work.spacing[0] * crop.step, work.spacing[1] * crop.step, work.spacing[2] * crop.step)
        table[i] = _row(crop, spacing, work.results, work.views)
        held = work.void_rows[work.void_from[particle] : work.void_from[particle + 1]]
        if len(held):
            void_rows.append(held)
            depths.append(_depths(crop, spacing, work.void_positions[held] - box[0::2]))
    return particles, table, np.concatenate(void_rows), np.concatenate(depths)


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


def _depths(crop: Crop, spacing: tuple[float, float, float], positions: np.ndarray) -> np.ndarray:
    """Distance from the voxels nearest to `positions` (K, 3) in the crop to the nearest voxel outside the particle."""
    squared = squared_distances(padded(crop.mask), spacing)
    places = np.rint(positions / crop.step).astype(np.int64) + MARGIN
    places = np.clip(places, 0, np.array(squared.shape) - 1)
    found = np.sqrt(squared[tuple(places.T)].astype(float)) * min(spacing)
    return np.where(found > 0, found, np.nan)


def union_share(envelope: Envelope, members: np.ndarray, box: np.ndarray, spacing: tuple[float, float, float]) -> float:
    """Solidity of several particles together: their voxels over the voxel centres in the hull of all of them."""
    crop = envelope.crop(box, members)
    step = crop_step(box)
    found = crops.hull(crop.mask, (spacing[0] * step, spacing[1] * step, spacing[2] * step))
    return found.solidity
