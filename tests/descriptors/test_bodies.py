"""Known bodies within their tolerances, as docs/bodies.md shows them at length; the page itself is complete."""

from functools import cache
from pathlib import Path

import body_values as values
import numpy as np
import phantoms
import pytest

import morphct
from morphct.descriptors import PARTICLES

ROOT = Path(__file__).parents[2]
NAMES = ("sphere", "ellipsoid 2:1:1", "cube", "octahedron", "two spheres", "rounded cube .5")
SEEDS = (31, 32, 33)
COLUMNS = (
    "surface_area",
    "inscribed_radius",
    "circumscribed_radius",
    "sphericity",
    "sphericity_wadell",
    "ellipticity_yx",
    "ellipticity_zx",
    "ellipticity_zy",
    "solidity",
    "feret_max",
    "feret_min",
    "sphericity_silhouette",
    "thickness_median",
)


@cache
def measured(radius: int, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)):
    length = radius * np.prod(spacing) ** (1 / 3)
    parts = [
        phantoms.digitise(name, length, 97 * seed + i, spacing=spacing)
        for seed in SEEDS
        for i, name in enumerate(NAMES)
    ]
    size = ",".join(f"{edge:g}um" for edge in spacing)
    return morphct.measure(phantoms.row_of(parts), None, size, names=COLUMNS), length


def found(table, column: str, name: str) -> np.ndarray:
    rows = [1 + seed * len(NAMES) + NAMES.index(name) for seed in range(len(SEEDS))]
    return table.loc[rows, PARTICLES.known[column].column("um")].to_numpy(float)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("column", COLUMNS)
def test_bodies_of_ten_voxels(column, name):
    """The margin on the tolerance is for poses that the table did not draw."""
    table, length = measured(10)
    allowed = values.tolerance(column, name, 10)
    if np.isnan(allowed):
        pytest.skip("nothing is promised at this size")
    true = values.scaled(column, values.truths(name)[column], length)
    off = (found(table, column, name) - true) / true
    assert np.abs(off).max() < 1.25 * allowed


def test_silhouettes_of_bodies_whose_ratio_is_known():
    assert values.silhouette_ratio("cube") == pytest.approx(0.709, abs=0.002)
    assert values.silhouette_ratio("octahedron") == pytest.approx(0.665, abs=0.002)
    assert values.silhouette_ratio("hexagonal plate") == pytest.approx(0.625, abs=0.002)


def test_the_page_tells_of_every_body_and_descriptor():
    path = ROOT / "docs" / "bodies.md"
    if not path.is_file():
        pytest.skip("no docs beside the tests")
    text = path.read_text(encoding="utf-8")
    assert all(f"| {name} |" in text for name in phantoms.bodies())
    assert all(f"### `{column}`" in text for column in values.truths("sphere"))
