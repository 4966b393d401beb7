"""What is true of a packed powder: tables of particles and voids, counted on the very images."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ...ground.units import VoxelSize
from ...kernels.truth import phantom as kernels
from .bodies import semi_axes
from .packing import Packed

if TYPE_CHECKING:
    import pandas as pd


def tables(packed: Packed, voxel: VoxelSize) -> tuple["pd.DataFrame", "pd.DataFrame", "pd.DataFrame"]:
    """Truth tables; labels and void ids become consecutive in the images, in place.

    Particles that lie wholly outside the faces, and voids without a voxel, are dropped.

    Returns
    -------
    particles, voids, contacts : DataFrame
        Index `label`, `void_id` and a running number. Columns as in the tables of a run where they mean the same.
    """
    owner = np.array([0, *packed.owners], np.int64)
    label_sums = np.zeros((packed.count + 1, 6), np.int64)
    void_sums = np.zeros((len(owner), 5), np.int64)
    opened = np.zeros(len(owner), np.int64)
    kernels.census(packed.labels, packed.voids, owner, label_sums, void_sums, opened)
    label_of, void_of = _consecutive(label_sums[:, 0]), _consecutive(void_sums[:, 0])
    for z in range(packed.labels.shape[0]):
        packed.labels[z] = label_of[packed.labels[z]]
        packed.voids[z] = void_of[packed.voids[z]]
    kept_voids = np.flatnonzero(void_of)
    voids = _void_table(void_sums[kept_voids], label_of[owner[kept_voids]], opened[kept_voids] != 0, voxel)
    particles = _particle_table(packed, label_sums, label_of, voids, voxel)
    return particles, voids, _contact_table(packed, label_of, particles, voxel)


def _consecutive(counts: np.ndarray) -> np.ndarray:
    kept = counts > 0
    kept[0] = False
    return np.where(kept, np.cumsum(kept), 0).astype(np.int32)


def _void_table(sums: np.ndarray, owner: np.ndarray, opened: np.ndarray, voxel: VoxelSize) -> "pd.DataFrame":
    import pandas as pd

    end = voxel.suffix
    volume = sums[:, 0] * voxel.volume
    columns: dict[str, Any] = {
        "label": owner,
        "n_voxels": sums[:, 0],
        f"volume_{end}3": volume,
        f"equivalent_diameter_{end}": np.cbrt(6 / np.pi * volume),
        "open": opened,
        "touches_border": sums[:, 4] != 0,
    }
    for axis, (name, edge) in enumerate(zip("zyx", voxel.spacing)):
        columns[f"centroid_{name}_{end}"] = sums[:, 1 + axis] / np.maximum(sums[:, 0], 1) * edge
    return pd.DataFrame(columns, index=pd.RangeIndex(1, len(sums) + 1, name="void_id"))


def _particle_table(
    packed: Packed, sums: np.ndarray, label_of: np.ndarray, voids: "pd.DataFrame", voxel: VoxelSize
) -> "pd.DataFrame":
    import pandas as pd

    end, kept = voxel.suffix, np.flatnonzero(label_of)
    volume = sums[kept, 0] * voxel.volume
    sealed, opened = voids[~voids["open"]], voids[voids["open"]]
    index = pd.RangeIndex(1, len(kept) + 1, name="label")
    columns: dict[str, Any] = {
        "n_voxels": sums[kept, 0],
        f"volume_{end}3": volume,
        f"equivalent_diameter_{end}": np.cbrt(6 / np.pi * volume),
        "touches_border": sums[kept, 5] != 0,
    }
    for axis, (name, edge) in enumerate(zip("zyx", voxel.spacing)):
        columns[f"centroid_{name}_{end}"] = sums[kept, 2 + axis] / sums[kept, 0] * edge
    columns["void_count"] = np.bincount(sealed["label"], minlength=len(kept) + 1)[1:]
    columns[f"void_volume_{end}3"] = sums[kept, 1] * voxel.volume
    columns["void_fraction"] = sums[kept, 1] / sums[kept, 0]
    columns["open_void_count"] = np.bincount(opened["label"], minlength=len(kept) + 1)[1:]
    frame = pd.DataFrame(columns, index=index)
    return frame.join(_made(packed, kept, index, voxel))


def _contact_table(packed: Packed, label_of: np.ndarray, particles: "pd.DataFrame", voxel: VoxelSize) -> "pd.DataFrame":
    """Pairs of particles that share faces; of the faces' vectors the sum is taken, exact for a flat neck."""
    import pandas as pd

    faces, end = kernels.contact_faces(packed.labels), voxel.suffix
    pairs, number = np.unique(faces[:, :2], axis=0, return_inverse=True)
    number = number.ravel()
    area = np.zeros((len(pairs), 3))
    of_axis = voxel.volume / np.array(voxel.spacing)
    np.add.at(area, (number, faces[:, 2]), faces[:, 3] * of_axis[faces[:, 2]])
    area = np.sqrt((area * area).sum(axis=1))
    diameter = particles[f"equivalent_diameter_{end}"].to_numpy()
    smaller = 0.5 * np.minimum(diameter[pairs[:, 0] - 1], diameter[pairs[:, 1] - 1])
    welds = {
        tuple(sorted((int(label_of[first + a]), int(label_of[first + b]))))
        for group, first in packed.groups
        for a, b in group.welds
    }
    return pd.DataFrame(
        {
            "label_a": pairs[:, 0],
            "label_b": pairs[:, 1],
            "n_faces": np.bincount(number, minlength=len(pairs)),
            f"contact_area_{end}2": area,
            "neck_ratio": np.sqrt(area / np.pi) / smaller,
            "welded": [(int(a), int(b)) in welds for a, b in pairs],
        },
        index=pd.RangeIndex(1, len(pairs) + 1, name="contact"),
    )


def _made(packed: Packed, kept: np.ndarray, index: Any, voxel: VoxelSize) -> "pd.DataFrame":
    """What is known because it was drawn: family, group, welds and exact semi-axes."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    length = np.cbrt(voxel.volume)
    for number, (group, _) in enumerate(packed.groups, start=1):
        welded = {member for pair in group.welds for member in pair}
        for member, family in enumerate(group.families):
            axes = None if group.compound is not None else semi_axes(group.bodies[member])
            row: dict[str, Any] = {"family": family, "aggregate_id": number, "n_members": group.count}
            row["welded"] = member in welded
            for i, name in enumerate("abc"):
                row[f"semi_axis_{name}_{voxel.suffix}"] = axes[i] * length if axes and member not in welded else None
            rows.append(row)
    frame = pd.DataFrame(rows).iloc[kept - 1] if rows else pd.DataFrame()
    frame.index = index
    axes_columns = [c for c in frame.columns if c.startswith("semi_axis")]
    return frame.astype(dict.fromkeys(axes_columns, float))
