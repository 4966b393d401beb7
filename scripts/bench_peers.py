"""The main job done with SciPy + scikit-image + edt, chained as a careful user would: what morphct is held against.

The same outputs as `morphct run`: labels, void labels, the particles and voids tables, figures, a mesh, a picture.
Prints the seconds of every step as JSON. It is a stop-watch, not a reference: its numbers are those of the libraries.

    python scripts/bench_peers.py VOLUME OUT --voxel-size 0.025
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import edt
import numpy as np
import pandas as pd
import tifffile
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist
from skimage import filters, measure, morphology, segmentation

SMALLEST = 200  # voxels, the default of morphct too


class Watch:
    """Seconds by step, in the order of the steps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.seconds[step] = round(now - self._since, 3)
        self._since = now


def segment(grey: np.ndarray, watch: Watch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels (Z,Y,X) int32, void labels (Z,Y,X) int32 and the distance map (Z,Y,X) float32."""
    smooth = ndimage.gaussian_filter(grey, 1.5, output=np.float32)
    watch.lap("gaussian")
    level = filters.threshold_multiotsu(smooth, classes=3, nbins=256)[-1]
    mask = smooth > level
    del smooth
    watch.lap("multi-Otsu")
    envelope = ndimage.binary_fill_holes(mask)
    envelope = morphology.remove_small_objects(envelope, max_size=SMALLEST - 1)
    voids, _ = ndimage.label(envelope & ~mask)
    del mask
    watch.lap("fill and label voids")
    distance = edt.edt(envelope, parallel=0)
    watch.lap("distance")
    markers, _ = ndimage.label(morphology.h_maxima(distance, 1.0), structure=np.ones((3, 3, 3)))
    watch.lap("h-maxima")
    labels = segmentation.watershed(-distance, markers, mask=envelope)
    watch.lap("watershed")
    return labels, voids, distance


def hull_columns(coords: np.ndarray) -> tuple[float, float, float, float]:
    """Largest and smallest Feret diameter, enclosing ball's radius and hull's volume of voxel centres (N, 3)."""
    try:
        hull = ConvexHull(coords)
    except (QhullError, ValueError):
        return (np.nan,) * 4
    corners = coords[hull.vertices]
    widths = np.ptp(corners @ hull.equations[:, :3].T, axis=0)
    centre = corners.mean(axis=0)
    for _ in range(200):  # Badoiu and Clarkson's walk towards the farthest point
        far = corners[np.argmax(((corners - centre) ** 2).sum(axis=1))]
        centre += (far - centre) / (_ + 2)
    radius = np.sqrt(((corners - centre) ** 2).sum(axis=1).max())
    return pdist(corners).max(), widths.min(), radius, hull.volume


def particles(labels: np.ndarray, grey: np.ndarray, distance: np.ndarray, edge: float, watch: Watch) -> pd.DataFrame:
    """One row per particle: identity, size, ellipsoid, surface, spheres, sphericity, convexity, grey."""
    names = ("label", "area", "bbox", "centroid", "inertia_tensor_eigvals", "intensity_mean", "intensity_std")
    table = pd.DataFrame(measure.regionprops_table(labels, grey, properties=names))
    watch.lap("regionprops: sums")
    table["solidity"] = measure.regionprops_table(labels, properties=("solidity",))["solidity"]
    watch.lap("regionprops: solidity")
    rows = []
    for region in measure.regionprops(labels):
        box = np.pad(region.image_filled, 1)
        vertices, faces, _, _ = measure.marching_cubes(box.astype(np.float32), 0.5)
        rows.append((measure.mesh_surface_area(vertices, faces), *hull_columns(region.coords.astype(float))))
    table[["surface", "feret_max", "feret_min", "circumscribed", "hull_volume"]] = np.array(rows).reshape(-1, 5)
    watch.lap("surface, hull, Feret, ball")
    table["inscribed"] = ndimage.maximum(distance, labels, table["label"])
    table["sphericity"] = table["inscribed"] / table["circumscribed"]
    table["wadell"] = np.cbrt(np.pi) * np.cbrt(6 * table["area"]) ** 2 / table["surface"]
    for name, power in {"surface": 2, "feret_max": 1, "feret_min": 1, "circumscribed": 1, "inscribed": 1}.items():
        table[name] *= edge**power
    table["volume"] = table["area"] * edge**3
    watch.lap("spheres")
    return table


def contacts(labels: np.ndarray) -> pd.DataFrame:
    """Faces between touching labels."""
    pairs = []
    for axis in range(3):
        low = labels[tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))]
        high = labels[tuple(slice(1, None) if a == axis else slice(None) for a in range(3))]
        touch = (low != high) & (low > 0) & (high > 0)
        pairs.append(np.sort(np.stack([low[touch], high[touch]], axis=1), axis=1))
    found, faces = np.unique(np.concatenate(pairs), axis=0, return_counts=True)
    return pd.DataFrame({"a": found[:, 0], "b": found[:, 1], "faces": faces})


def write(out: Path, labels: np.ndarray, voids: np.ndarray, tables: dict[str, pd.DataFrame]) -> None:
    """Tables as CSV and Parquet, label images as Zarr."""
    import zarr

    for name, table in tables.items():
        table.to_csv(out / f"{name}.csv", index=False)
        table.to_parquet(out / f"{name}.parquet", index=False)
    for name, image in {"labels": labels, "voids": voids}.items():
        store: Any = zarr.create_array(
            out / f"{name}.zarr", shape=image.shape, dtype=image.dtype, chunks=(128, 128, 128), overwrite=True
        )
        store[:] = image


def figures(out: Path, grey: np.ndarray, labels: np.ndarray, table: pd.DataFrame, voids: pd.DataFrame) -> None:
    """The study's figures: sizes by number and volume, shapes, sphericities, voids, the histogram, three slices."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    sizes = np.cbrt(6 * table["volume"] / np.pi)
    a, b, c = np.sqrt(np.abs(table[[f"inertia_tensor_eigvals-{i}" for i in range(3)]].to_numpy())).T
    figure, panels = pyplot.subplots(3, 3, figsize=(15, 15))
    panels[0, 0].hist(sizes, 40)
    panels[0, 1].hist(sizes, 40, weights=table["volume"])
    panels[0, 2].scatter(b / a, c / b, s=sizes)
    panels[1, 0].scatter(table["sphericity"], table["wadell"])
    panels[1, 1].hist(np.cbrt(voids["area"]), 40)
    panels[1, 2].hist(grey[::4].ravel(), 256)
    for axis, panel in enumerate(panels[2]):
        panel.imshow(np.take(grey, grey.shape[axis] // 2, axis))
        panel.contour(np.take(labels, grey.shape[axis] // 2, axis) > 0, [0.5])
    figure.savefig(out / "figures.png", dpi=150)


def draw(out: Path, labels: np.ndarray, voids: np.ndarray, table: pd.DataFrame) -> None:
    """Meshes of all particles and voids; six pictures: all particles twice, the four largest with their voids."""
    import pyvista

    meshes = {}
    for name, image in {"particles": labels, "voids": voids}.items():
        grid = pyvista.ImageData(dimensions=image.shape[::-1])
        grid.point_data["labels"] = image.ravel()
        meshes[name] = grid.contour_labels(output_mesh_type="triangles", smoothing=True)
        meshes[name].save(out / f"{name}.vtp")
    for shown in ("volume", "sphericity"):
        values = np.zeros(int(table["label"].max()) + 1)
        values[table["label"]] = table[shown]
        mesh = meshes["particles"]
        sides = np.asarray(mesh.cell_data["boundary_labels"]).reshape(mesh.n_cells, -1)
        mesh.cell_data["shown"] = values[sides.max(axis=1)]
        _picture(out / f"{shown}.png", [(mesh, {"scalars": "shown"})])
    for row in table.nlargest(4, "area").itertuples():
        corner, end = np.array(row[3:6], int), np.array(row[6:9], int)
        box = tuple(slice(max(a - 2, 0), b + 2) for a, b in zip(corner, end, strict=True))
        parts = []
        for image, look in ((labels[box] == row.label, {"opacity": 0.3}), ((voids[box] > 0), {"color": "red"})):
            if image.any():
                grid = pyvista.ImageData(dimensions=image.shape[::-1])
                grid.point_data["inside"] = image.ravel().astype(np.float32)
                parts.append((grid.contour([0.5]), look))
        _picture(out / f"particle_{row.label}.png", parts)


def _picture(path: Path, parts: list[tuple[Any, dict[str, Any]]]) -> None:
    import pyvista

    plotter = pyvista.Plotter(off_screen=True, window_size=[1120, 900])
    for mesh, look in parts:
        plotter.add_mesh(mesh, smooth_shading=True, **look)
    plotter.enable_anti_aliasing("ssaa")
    plotter.screenshot(path)
    plotter.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("volume", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--voxel-size", type=float, default=0.025, help="edge of a voxel in um")
    parser.add_argument("--no-pictures", action="store_true", help="leave out the mesh and the 3D picture")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    watch = Watch()
    grey = tifffile.imread(given.volume)
    watch.lap("read")
    labels, voids, distance = segment(grey, watch)
    table = particles(labels, grey, distance, given.voxel_size, watch)
    del distance
    void_table = pd.DataFrame(measure.regionprops_table(voids, properties=("label", "area", "centroid")))
    owners = ndimage.maximum(labels, voids, void_table["label"]) if len(void_table) else []
    tables = {"particles": table, "voids": void_table.assign(owner=owners), "contacts": contacts(labels)}
    watch.lap("voids and contacts")
    write(given.out, labels, voids, tables)
    watch.lap("write")
    figures(given.out, grey, labels, table, void_table)
    watch.lap("figures")
    if not given.no_pictures:
        draw(given.out, labels, voids, table)
        watch.lap("meshes and pictures")
    print(json.dumps({"particles": len(table), "voids": len(void_table), "seconds": watch.seconds}))


if __name__ == "__main__":
    main()
