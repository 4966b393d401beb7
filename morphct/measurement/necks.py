"""How thick the neck between two touching particles is: the largest ball about a voxel of their interface.

The interface's own area is larger than the neck by all that blur fills of the gap around it; how far the background is
from the middle of the interface says more.
"""

from functools import partial

import numpy as np

from ..ground.units import VoxelSize
from ..ground.work import Work
from ..kernels.measurement import necks as kernel
from ..segment.labels.accumulators import Pairs
from ..segment.labels.envelope import Envelope

LARGEST_EDGES = 64  # shortest edges; thicker necks count as this thick
TILE_VOXELS = 128  # voxels: of larger interfaces a part is looked at at a time
BATCH_INTERFACES = 256  # interfaces a task


def neck_radii(pairs: Pairs, envelope: Envelope, voxel_size: VoxelSize, work: Work) -> np.ndarray:
    """Of the voxels at each interface the largest distance to the nearest background voxel.

    No longer than half the diagonal of the interface's box: where a small particle sits in the surface of a large one
    the background is far although the neck is small.

    Returns
    -------
    (K,) float64, in the unit of the spacing
    """
    radii = np.zeros(len(pairs.first))
    order = np.argsort(pairs.boxes[:, 0], kind="stable")  # along z, as the image is stored
    tasks = [order[i : i + BATCH_INTERFACES] for i in range(0, len(order), BATCH_INTERFACES)]
    for rows, found in zip(tasks, work.over(partial(_search, pairs, envelope, voxel_size), tasks)):
        radii[rows] = found
    return radii


def _search(pairs: Pairs, envelope: Envelope, voxel_size: VoxelSize, rows: np.ndarray) -> list[float]:
    return [_neck(pairs, envelope, voxel_size, int(row)) for row in rows]


def _neck(pairs: Pairs, envelope: Envelope, voxel_size: VoxelSize, row: int) -> float:
    edges, shape = np.array(voxel_size.spacing), envelope.labels.shape
    labels = int(pairs.first[row]) + 1, int(pairs.second[row]) + 1
    box = pairs.boxes[row]
    diagonal = float(np.sqrt((((box[1::2] - box[0::2]) * edges) ** 2).sum()))
    most = min(diagonal / 2, LARGEST_EDGES * voxel_size.smallest)
    margin = np.ceil(most / edges).astype(np.int64)
    square = 0.0
    for tile in _tiles(box):
        low, high = np.maximum(tile[0::2] - margin, 0), np.minimum(tile[1::2] + margin, shape)
        crop = envelope.filled(np.column_stack([low, high]).reshape(-1))
        inside = tile - np.repeat(low, 2)
        square = max(square, kernel.farthest_from_background(crop, inside, *labels, edges**2, most**2))
    return float(np.sqrt(square))


def _tiles(box: np.ndarray) -> list[np.ndarray]:
    """A box (6,) in parts of at most TILE_VOXELS voxels along each axis."""
    starts = [range(int(a), int(b), TILE_VOXELS) for a, b in zip(box[0::2], box[1::2])]
    ends = [int(b) for b in box[1::2]]
    return [
        np.array([v for a, b in zip((z, y, x), ends) for v in (a, min(a + TILE_VOXELS, b))], np.int64)
        for z in starts[0]
        for y in starts[1]
        for x in starts[2]
    ]
