"""Surfaces of labelled volumes: one mesh of the whole population with a label per cell, or one particle in detail.

How fine a mesh is depends on the volume and on the table alone, never on the memory or the machine.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ground.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import pyvista as pv

    from ...results.run_folder import FileWriter, RunFolder

MOST_VOXELS = 32_000_000  # of the thinned volume that is meshed
MOST_FACES = 2_000_000  # quads of the population's mesh
MOST_PARTICLE_VOXELS = 24_000_000  # of one particle's box
FACES_PER_AREA = 1.5  # voxel faces of a surface in random direction, per its area in voxel faces
_LARGEST_TABLE = 1 << 26
_BAND = (16, 256)  # planes and rows read at once: whole chunks of the label store
CELL_COLUMNS = ("equivalent_diameter_{u}", "sphericity", "void_fraction")


def coarse_step(
    shape: tuple[int, ...], spacing: tuple[float, ...], area: float, voxels: int = MOST_VOXELS, faces: int = MOST_FACES
) -> tuple[int, int, int]:
    """How many voxels along z, y, x make one cell of the mesh, so that it keeps both limits and cells are near cubes.

    Parameters
    ----------
    shape, spacing : tuple
        (Z, Y, X) voxels and their edges.
    area : float
        Surface that will be meshed, in the unit of `spacing` squared.
    voxels, faces : int
        Limits of the thinned volume and of the mesh.
    """
    volume = float(np.prod([n * s for n, s in zip(shape, spacing)]))
    edge = max(np.cbrt(volume / voxels), np.sqrt(FACES_PER_AREA * area / faces), min(spacing))
    z, y, x = (max(1, int(np.ceil(edge / s - 1e-6))) for s in spacing)
    return z, y, x


def thinned(labels: Any, step: tuple[int, int, int]) -> np.ndarray:
    """Every `step`-th voxel of an array-like (Z, Y, X), from the middle of its cell, read a few chunks at a time."""
    starts = [s // 2 for s in step]
    kept = [range(first, n, s) for first, n, s in zip(starts, labels.shape, step)]
    out = np.zeros([len(k) for k in kept], labels.dtype)
    planes, rows = _BAND
    for z0 in range(0, labels.shape[0], planes):
        zs = [z for z in kept[0] if z0 <= z < z0 + planes]
        if not zs:
            continue
        iz = (zs[0] - starts[0]) // step[0]
        for y0 in range(0, labels.shape[1], rows):
            ys = [y for y in kept[1] if y0 <= y < y0 + rows]
            if ys:
                iy = (ys[0] - starts[1]) // step[1]
                block = np.asarray(labels[z0 : z0 + planes, y0 : y0 + rows])
                part = block[zs[0] - z0 :: step[0], ys[0] - y0 :: step[1], starts[2] :: step[2]]
                out[iz : iz + len(zs), iy : iy + len(ys)] = part
    return out


def surface(volume: np.ndarray, spacing: tuple[float, ...], origin: tuple[float, ...]) -> "pv.PolyData":
    """Smoothed surfaces of all labels of a volume as one mesh of quads.

    Parameters
    ----------
    volume : (Z, Y, X) integer array
        0 is outside; also what lies beyond the array.
    spacing : tuple of float
        (z, y, x) edges of a voxel of `volume`.
    origin : tuple of float
        (z, y, x) of the centre of its first voxel.

    Returns
    -------
    PolyData
        Points in x, y, z order; cell arrays `label` and `neighbour`: what lies on the two sides, `neighbour` 0 for
        outside. A wall between two labels is one cell, kept under the smaller label.

    Source
    ------
    Frisken 2022, Surface Nets for multi-label segmentations (J. Comput. Graph. Tech. 11(1)).
    """
    import pyvista as pv
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkSurfaceNets3D

    padded = np.pad(volume, 1)  # so that what touches the border is closed
    present, compact = _compact(padded)
    if len(present) == 0:
        return _empty()
    image = vtkImageData()
    image.SetDimensions(*padded.shape[::-1])
    image.SetSpacing(*spacing[::-1])
    image.SetOrigin(*(o - s for o, s in zip(origin[::-1], spacing[::-1])))
    scalars = numpy_to_vtk(compact.ravel())
    image.GetPointData().SetScalars(scalars)
    nets = vtkSurfaceNets3D()
    nets.SetInputData(image)
    nets.SetBackgroundLabel(0)
    nets.GenerateLabels(len(present), 1, len(present))
    nets.SetOutputMeshTypeToQuads()
    nets.Update()
    mesh = pv.wrap(nets.GetOutput())
    sides = vtk_to_numpy(nets.GetOutput().GetCellData().GetArray("BoundaryLabels")).astype(np.int64)
    sides = np.concatenate([[0], present.astype(np.int64)])[sides]
    mesh.clear_data()
    low, high = sides.min(1), sides.max(1)
    mesh.cell_data["label"] = np.where(low > 0, low, high)
    mesh.cell_data["neighbour"] = np.where(low > 0, high, 0)
    return mesh


def _compact(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels that occur, in order, and the volume with their ranks from 1 (int32): the filter wants labels in a row."""
    top = int(labels.max(initial=0))
    if top > _LARGEST_TABLE:  # ids of another program, perhaps beyond any table
        known = np.unique(np.concatenate([np.unique(plane) for plane in labels]))
        return known[known > 0], np.searchsorted(known, labels).astype(np.int32)
    seen = np.zeros(top + 1, bool)
    for plane in labels:
        seen[plane] = True
    seen[0] = False
    ranks = np.cumsum(seen, dtype=np.int32)
    ranks[0] = 0
    return np.flatnonzero(seen), ranks[labels]


def _empty() -> "pv.PolyData":
    import pyvista as pv

    mesh = pv.PolyData()
    for name in ("label", "neighbour"):
        mesh.cell_data[name] = np.empty(0, np.int64)
    return mesh


@dataclass(frozen=True)
class Thinned:
    """A label volume thinned to what can be drawn.

    Parameters
    ----------
    volume : (Z, Y, X) integer array
    spacing : tuple of float
        (z, y, x) edges of one of its voxels.
    origin : tuple of float
        (z, y, x) of the centre of the first one.
    """

    volume: np.ndarray
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]

    def surface(self) -> "pv.PolyData":
        """Surfaces of all labels as one mesh, see `surface`."""
        return surface(self.volume, self.spacing, self.origin)


def population(run: "RunFolder", faces: int = MOST_FACES) -> Thinned:
    """The particles of a run, thinned where the volume is large, so that the smallest ones may be missing."""
    return _thin(run, run.labels, _area(run.particles, run.unit), faces)


def voids(run: "RunFolder", faces: int = MOST_FACES) -> Thinned | None:
    """The voids of a run, `label` in the mesh being the void's id; None when the run has none."""
    if run.void_labels is None or len(run.voids) == 0:
        return None
    return _thin(run, run.void_labels, _area(run.voids, run.unit), faces)


def _thin(run: "RunFolder", labels: Any, area: float, faces: int) -> Thinned:
    spacing = run.voxel_size.spacing
    step = coarse_step(labels.shape, spacing, area, faces=faces)
    z, y, x = ((n // 2) * s for n, s in zip(step, spacing))
    dz, dy, dx = (n * s for n, s in zip(step, spacing))
    return Thinned(thinned(labels, step), (dz, dy, dx), (z, y, x))


def _area(table: "pd.DataFrame", unit: str) -> float:
    """Surface of all bodies in a table; that of the spheres of their volumes (times 1.3) where it was not measured."""
    if f"surface_area_{unit}2" in table.columns:
        return float(np.nansum(table[f"surface_area_{unit}2"].to_numpy(dtype=float, na_value=np.nan)))
    column = table.get(f"equivalent_diameter_{unit}")
    return 0.0 if column is None else float(1.3 * np.pi * np.nansum(column.to_numpy(dtype=float) ** 2))


def particle_row(run: "RunFolder", label: int) -> "pd.Series":
    """The row of a particle.

    Raises
    ------
    InputError
        When the run has no such particle.
    """
    known = run.particles.index
    if label not in known:
        span = f"between {known.min()} and {known.max()}" if len(known) else "none, it found no particle"
        raise InputError(f"{run.path} has no particle {label}; its labels are {span}, as particles.csv lists them")
    return run.particles.loc[label]


def particle(run: "RunFolder", label: int) -> tuple["pv.PolyData", "pv.PolyData"]:
    """One particle's envelope and its voids, in full detail (thinned only above 24 million voxels of box).

    Raises
    ------
    InputError
        When the run has no such particle.
    """
    row = particle_row(run, label)
    low = [int(row[f"bbox_{a}0"]) for a in "zyx"]
    high = [int(row[f"bbox_{a}1"]) for a in "zyx"]
    box = tuple(slice(a, b) for a, b in zip(low, high))
    spacing = run.voxel_size.spacing
    shape = tuple(b - a for a, b in zip(low, high))
    step = coarse_step(shape, spacing, 0.0, voxels=MOST_PARTICLE_VOXELS)
    thin = tuple(slice(s // 2, None, s) for s in step)
    origin = tuple((a + n // 2) * s for a, n, s in zip(low, step, spacing))
    z, y, x = (n * s for n, s in zip(step, spacing))
    inside = np.asarray(run.labels[box])[thin] == label
    holes = np.zeros(inside.shape, np.int64)
    if run.void_labels is not None and "label" in run.voids.columns:
        found = np.asarray(run.void_labels[box])[thin]
        own = run.voids.index[run.voids["label"] == label]
        holes = np.where(np.isin(found, own), found, 0).astype(np.int64)
    envelope = inside | (holes > 0)
    return surface(envelope.astype(np.int64) * label, (z, y, x), origin), surface(holes, (z, y, x), origin)


def with_columns(mesh: "pv.PolyData", run: "RunFolder") -> "pv.PolyData":
    """The mesh with a few columns of the particles table and the class (0 single, 1 porous, 2 aggregate) per cell."""
    for template in CELL_COLUMNS:
        name = template.format(u=run.unit)
        if name in run.particles.columns:
            mesh.cell_data[name] = per_cell(mesh, run.particles[name], np.float32)
    if "class" in run.particles.columns:
        codes = run.particles["class"].map({"single": 0, "porous": 1, "aggregate": 2}).fillna(0)
        mesh.cell_data["class"] = per_cell(mesh, codes, np.uint8)
    return mesh


def volume_bounds(run: "RunFolder") -> tuple[float, float, float, float, float, float]:
    """Faces of a run's volume: x, x, y, y, z, z; zero is the centre of the first voxel, as in the tables."""
    spacing = run.voxel_size.spacing
    (z0, y0, x0), (z1, y1, x1) = (
        [(n - 0.5) * s for n, s in zip(ends, spacing)] for ends in ((0, 0, 0), run.labels.shape)
    )
    return (x0, x1, y0, y1, z0, z1)


def per_cell(mesh: "pv.PolyData", column: "pd.Series", dtype: Any = np.float32) -> np.ndarray:
    """A column of the particles table spread over the cells of a mesh by their label; NaN where a label has no row."""
    labels = mesh.cell_data["label"]
    index = column.index.to_numpy()
    order = np.argsort(index, kind="stable")
    place = np.searchsorted(index[order], labels).clip(0, max(len(index) - 1, 0))
    if len(index) == 0:
        return np.zeros(len(labels), dtype)
    values = column.to_numpy(dtype=float, na_value=np.nan)[order][place]
    values[index[order][place] != labels] = np.nan
    return values.astype(dtype) if np.dtype(dtype).kind == "f" else np.nan_to_num(values).astype(dtype)


def write_vtp(files: "FileWriter", name: str, mesh: "pv.PolyData") -> None:
    """Write a mesh as compressed VTK XML, the same bytes for the same mesh."""
    from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

    writer = vtkXMLPolyDataWriter()
    writer.SetInputData(mesh)
    writer.SetWriteToOutputString(True)  # a full disk is told by us: VTK would print lines of its own
    writer.SetDataModeToAppended()
    writer.EncodeAppendedDataOff()
    writer.SetCompressorTypeToZLib()
    if not writer.Write():
        raise ValueError(f"VTK could not put {name} into words (error {writer.GetErrorCode()})")
    content = writer.GetOutputString()
    files.data(name, content if isinstance(content, bytes) else content.encode())
