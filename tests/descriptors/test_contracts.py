"""What every descriptor keeps, by the registry: definition, unit, bounds, rotation, translation, cuts, coarse axes."""

import re
from functools import cache

import numpy as np
import pandas as pd
import phantoms
import pytest
from even_calibration import measure_evenly

from morphct.descriptors import AGGREGATES, VOIDS, glossary, particle_rows
from morphct.ground.executors import Threads
from morphct.ground.units import VoxelSize
from morphct.ground.work import Work
from morphct.results.tabulate import Tables

CUBE = VoxelSize(1.0, 1.0, 1.0)
ROWS = particle_rows(("map",), "morphometry")  # with what is made on demand alone
NAMES = list(ROWS.columns)
# columns that hang on the grey values of the whole volume: with a wider margin it has other phases
OF_THE_VOLUME = ("void_fraction_low", "void_fraction_high")
# columns that say where or how a particle lies, by what turns with the axes
TURNING = re.compile(r"^(centroid|bbox|axis_a|axis_c)_([zyx])")


@cache
def scene(edges: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> tuple[np.ndarray, np.ndarray]:
    """Labels and greys of a few bodies, among them a hollow and a welded one, sampled with these voxel edges."""
    names = ("ellipsoid 1:.5:.25", "rounded cube .25", "hollow sphere", "octahedron", "two spheres")
    parts = [phantoms.digitise(name, 10.0, seed, spacing=edges) for seed, name in enumerate(names)]
    labels = phantoms.row_of(parts, gap=3)
    last = labels == len(names)
    middle = np.argwhere(last).mean(0)
    far = (np.indices(labels.shape) - middle[:, None, None, None]) * np.array(edges)[:, None, None, None]
    side = np.tensordot(parts[-1].turn[:, 0], far, 1) > 0
    labels[last & side] = len(names) + 1  # the two balls are cut apart at their neck
    labels = np.pad(labels, ((2, 3), (4, 1), (1, 2)))
    grey = np.random.default_rng(0).integers(100, 60000, labels.shape).astype(np.uint16)
    return labels, grey


def column(name: str) -> str:
    return ROWS.known[name].column("um")


def everything(labels: np.ndarray, grey: np.ndarray, *rest, **options) -> Tables:
    return measure_evenly(labels, grey, *rest, channels={"map": grey / 7}, compat="morphometry", **options)


@cache
def measured(edges: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Tables:
    return everything(*scene(edges), VoxelSize(*edges))


@cache
def rescaled(factor: float) -> Tables:
    return everything(*scene(), VoxelSize(factor, factor, factor))


@cache
def turned(p: int, q: int) -> Tables:
    return everything(*(np.ascontiguousarray(np.rot90(a, axes=(p, q))) for a in scene()), CUBE)


@cache
def shifted() -> tuple[Tables, tuple[int, int, int]]:
    by = (3, 5, 2)
    return everything(*(np.pad(a, [(n, 0) for n in by]) for a in scene()), CUBE), by


@cache
def cut(planes: int, workers: int) -> Tables:
    labels, grey = scene()
    return everything(labels, grey, CUBE, work=Work.of(len(labels), planes, Threads(workers)))


def same(found: pd.Series, wanted: pd.Series, relative: float) -> None:
    assert found.dtype == wanted.dtype
    if found.dtype.kind == "f":
        np.testing.assert_allclose(found.to_numpy(), wanted.to_numpy(), rtol=relative, atol=relative)
    else:
        pd.testing.assert_series_equal(found, wanted, check_names=False)


def test_the_scene_has_what_is_to_be_tested():
    table = measured().particles
    assert table["void_count"].tolist() == [0, 0, 1, 0, 0, 0]
    assert table["n_contacts"].tolist() == [0, 0, 0, 0, 1, 1]
    assert not table["touches_border"].any()


@pytest.mark.parametrize(
    "about", [d for rows in (ROWS, VOIDS, AGGREGATES) for d in rows], ids=lambda d: f"{d.group}.{d.name}"
)
def test_definition(about):
    assert about.definition.endswith("."), "a docstring of whole sentences"
    assert about.source
    assert about.power in (0, 1, 2, 3)
    assert about.bounds[0] < about.bounds[1]
    assert not (about.power and about.unit), "a length has its unit from its power"
    assert len(about.name) < 40


@pytest.mark.parametrize("name", NAMES)
def test_unit(name):
    """With voxels of three times the edge every value is 3^power times as large."""
    found, wanted = rescaled(3.0).particles[column(name)], measured().particles[column(name)]
    power = ROWS.known[name].power
    same(found, wanted * 3.0**power if power else wanted, 1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_bounds(name):
    about = ROWS.known[name]
    values = measured().particles[column(name)]
    if values.dtype.kind in "fi":
        held = values.dropna().astype(float)
        assert np.isfinite(held).all()
        assert held.between(*about.bounds).all()


# arcs that just pass or just fail a limit, and surfaces whose cells are cut along another diagonal
TURNED = {"roundness": 0.01, "roundness_u": 0.01, "roundness_sd": 0.15, "roundness_corners": 0.05, "roundness_3d": 0.01}


@pytest.mark.parametrize("axes", [(0, 1), (1, 2), (0, 2)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_rotation(name, axes):
    """A quarter turn of the volume moves places and directions with it and changes nothing else."""
    found, wanted = turned(*axes).particles[column(name)], expected_turn(measured().particles, name, axes)
    if name.startswith("axis_"):  # which end of an axis is told depends on the axes: see the test of directions
        found, wanted = found.abs(), wanted.abs()
    same(found, wanted, TURNED.get(name, 2e-3 if crop_based(name) else 1e-6))


@pytest.mark.parametrize("which", ["a", "c"])
def test_directions_turn_as_a_whole(which):
    before, after = (t.particles[[f"axis_{which}_{n}" for n in "zyx"]].to_numpy() for t in (measured(), turned(0, 1)))
    # along z it is what was along y, reversed; along y what was along z
    wanted = np.column_stack([-before[:, 1], before[:, 0], before[:, 2]])
    np.testing.assert_allclose(np.abs((wanted * after).sum(1)), 1, rtol=1e-9)
    np.testing.assert_allclose((before**2).sum(1), 1, rtol=1e-12)
    assert (before[np.arange(len(before)), np.abs(before).argmax(1)] > 0).all()


def crop_based(name: str) -> bool:
    """Whether a search or a mesh stands behind it, whose rounding sees the order of the axes."""
    groups = ("size", "surface", "spheres", "sphericity", "convexity", "contacts", "compat", "thickness", "uncertainty")
    return ROWS.known[name].group in groups


def expected_turn(before: pd.DataFrame, name: str, axes: tuple[int, int]) -> pd.Series:
    """Index i along axis p is n_q - 1 - i of axis q before, index j along axis q is j of axis p before."""
    match = TURNING.match(name)
    if not match:
        return before[column(name)]
    p, q = axes
    axis = "zyx".index(match[2])
    if axis not in axes:
        return before[column(name)]
    other = "zyx"[q if axis == p else p]
    n = scene()[0].shape[q]
    if match[1] == "centroid":
        values = before[f"centroid_{other}_um"]
        return n - 1 - values if axis == p else values
    if match[1] == "bbox":
        end = name[-1]
        if axis == q:
            return before[f"bbox_{other}{end}"]
        return n - before[f"bbox_{other}{'10'[int(end)]}"]
    return before[f"{match[1]}_{other}"]


@pytest.mark.parametrize("name", [n for n in NAMES if not n.startswith("axis_") and n not in OF_THE_VOLUME])
def test_translation(name):
    tables, by = shifted()
    match = TURNING.match(name)
    offset = by["zyx".index(match[2])] if match else 0
    found, wanted = tables.particles[column(name)], measured().particles[column(name)]
    if name == "flags":
        found, wanted = (v.str.replace("no_band;", "") for v in (found, wanted))
    same(found, wanted + offset if offset else wanted, 1e-9)


@pytest.mark.parametrize(("planes", "workers"), [(1, 1), (3, 2), (7, 3), (64, 2)])
def test_cuts(planes, workers):
    """All four tables, to the byte."""
    found, whole = cut(planes, workers), cut(1000, 1)
    for title in ("particles", "voids", "aggregates", "contacts"):
        assert getattr(found, title).to_csv() == getattr(whole, title).to_csv()
        pd.testing.assert_frame_equal(getattr(found, title), getattr(whole, title), check_exact=True)


# how far a coarse axis may move a value at an equivalent radius of ten fine voxels
COARSE = {
    "surface_area": 0.06,
    "inscribed_radius": 0.1,
    "circumscribed_radius": 0.06,
    "sphericity": 0.12,
    "sphericity_wadell": 0.06,
    "isoperimetric_quotient": 0.18,
    "solidity": 0.06,
    "feret_min": 0.12,
    "feret_max": 0.06,
    "contact_area": 0.1,
    "roundness": 0.3,  # of an octahedron of 8 voxels inside, half of them along an axis: corners are those of the blur
    "roundness_u": 0.3,
    "surface_area_u": 0.06,
    "sphericity_u": 0.12,
    "sphericity_wadell_u": 0.06,
    "void_fraction_u": 0.12,
    "roundness_corners": 0.25,
    "roundness_3d": 0.1,
    "weld_ratio_max": 0.3,
    "void_largest_diameter": 0.06,
    "void_volume": 0.12,
    "void_fraction": 0.12,
}
NOT_OF_THE_BODY = re.compile(
    r"^(n_voxels|bbox_|flags|not_resolved|grey_)|^(centroid|axis)_|^void_count|^roundness_sd|^touches|^shape_class|^map_"
)


@pytest.mark.parametrize("name", [n for n in NAMES if not NOT_OF_THE_BODY.match(n) and ROWS.known[n].group != "compat"])
def test_anisotropic_voxels(name):
    """The same bodies in the same pose, sampled half as densely along z or along x."""
    wanted = measured().particles[column(name)]
    for edges in ((2.0, 1.0, 1.0), (1.0, 1.0, 2.0)):
        found = measured(edges).particles[column(name)]
        if found.dtype.kind == "f":
            np.testing.assert_allclose(found, wanted, rtol=COARSE.get(name, 0.05), equal_nan=True)
        else:
            assert found.tolist() == wanted.tolist()


def test_glossary_tells_everything():
    rows = glossary()
    assert {r["table"] for r in rows} == {"particles", "voids", "aggregates"}
    assert len(rows) == sum(len(t.columns) for t in (ROWS, VOIDS, AGGREGATES))
    assert all(r["definition"] and r["source"] and r["name"] for r in rows)
    sphericity = {r["name"]: r for r in rows}["sphericity"]
    assert "reference study" in sphericity["elsewhere"]
    assert glossary("px")[1]["name"] == "centroid_z_px"
