"""What is true of a packed powder: tables of particles and voids, counted as they lie in the volume."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ...ground.units import VoxelSize
from ...kernels.truth import runs as kernels
from .bodies import semi_axes
from .placed import Packed

if TYPE_CHECKING:
    import pandas as pd


def tables(packed: Packed, voxel: VoxelSize) -> tuple["pd.DataFrame", "pd.DataFrame"]:
    """Truth tables; labels and void ids that `packed` paints become consecutive.

    Particles that lie wholly outside the faces, and voids without a voxel, are dropped.

    Returns
    -------
    particles, voids : DataFrame
        Index `label` and `void_id`. Columns as in the tables of a run where they mean the same.
    """
    label_sums = np.vstack([np.zeros((1, 6), np.int64), *(one.label_sums[1:] for one in packed.placed)])
    void_sums = np.vstack([np.zeros((1, 5), np.int64), *(one.void_sums[1:] for one in packed.placed)])
    opened = np.concatenate([[0], *(one.void_open[1:] for one in packed.placed)])
    owner, count = [0], 0
    for one in packed.placed:
        owner += [count + member for member in one.owners]
        count += one.group.count
    label_of, void_of = _consecutive(label_sums[:, 0]), _consecutive(void_sums[:, 0])
    packed.numbered(label_of, void_of)
    kept_voids = np.flatnonzero(void_of)
    owners = label_of[np.array(owner)[kept_voids]]
    voids = _void_table(void_sums[kept_voids], owners, opened[kept_voids] != 0, voxel)
    return _particle_table(packed, label_sums, label_of, voids, voxel), voids


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


class Contacts:
    """Faces that particles share, counted slab by slab."""

    def __init__(self) -> None:
        self.rows = np.empty((0, 5), np.int64)

    def count(self, labels: np.ndarray, planes: int) -> None:
        """Add the faces of the first `planes` planes of (Z, Y, X) labels, those to the plane behind them too."""
        faces = kernels.contact_faces(labels, planes)
        found, number = np.unique(faces[:, :3], axis=0, return_inverse=True)
        number = number.ravel()
        counts = np.bincount(number, minlength=len(found)).astype(np.int64)
        net = np.bincount(number, faces[:, 3], minlength=len(found)).astype(np.int64)
        rows = np.vstack([self.rows, np.column_stack([found, counts, net])])
        found, number = np.unique(rows[:, :3], axis=0, return_inverse=True)
        sums = np.zeros((len(found), 2), np.int64)
        np.add.at(sums, number.ravel(), rows[:, 3:])
        self.rows = np.column_stack([found, sums])

    def table(self, packed: Packed, particles: "pd.DataFrame", voxel: VoxelSize) -> "pd.DataFrame":
        """Pairs of particles that share faces; of the faces' vectors the sum is taken, exact for a flat neck."""
        import pandas as pd

        pairs, number = np.unique(self.rows[:, :2], axis=0, return_inverse=True)
        net, n_faces = np.zeros((len(pairs), 3)), np.zeros(len(pairs), np.int64)
        net[number.ravel(), self.rows[:, 2]] = self.rows[:, 4]
        np.add.at(n_faces, number.ravel(), self.rows[:, 3])
        area = np.sqrt(((net * (voxel.volume / np.array(voxel.spacing))) ** 2).sum(axis=1))
        end = voxel.suffix
        diameter = particles[f"equivalent_diameter_{end}"].to_numpy()
        smaller = 0.5 * np.minimum(diameter[pairs[:, 0] - 1], diameter[pairs[:, 1] - 1])
        welds = _welds(packed)
        return pd.DataFrame(
            {
                "label_a": pairs[:, 0],
                "label_b": pairs[:, 1],
                "n_faces": n_faces,
                f"contact_area_{end}2": area,
                "neck_ratio": np.sqrt(area / np.pi) / smaller,
                "welded": [(int(a), int(b)) in welds for a, b in pairs],
            },
            index=pd.RangeIndex(1, len(pairs) + 1, name="contact"),
        )


def _welds(packed: Packed) -> set[tuple[int, int]]:
    """Pairs of final labels that are welded, the smaller first."""
    welds = set()
    for one, labels in zip(packed.placed, packed.values["labels"]):
        # a member's own code is its number
        for a, b in one.group.welds:
            first, second = int(labels[a + 1]), int(labels[b + 1])
            welds.add((min(first, second), max(first, second)))
    return welds


def _made(packed: Packed, kept: np.ndarray, index: Any, voxel: VoxelSize) -> "pd.DataFrame":
    """What is known because it was drawn: family, group, welds and exact semi-axes."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    length = np.cbrt(voxel.volume)
    for number, one in enumerate(packed.placed, start=1):
        group = one.group
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
