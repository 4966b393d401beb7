"""Other programs' conventions: side by side with the programs that are here, against plain loops for the others."""

from functools import cache

import numpy as np
import pandas as pd
import phantoms
import pytest

from morphct.descriptors import PARTICLES, particle_rows
from morphct.ground.executors import Threads
from morphct.ground.work import Work
from morphct.kernels.crofton import DIRECTIONS, pair_areas
from morphct.measurement.crops.box import padded
from morphct.measurement.other_programs import chamfer_ball, covariance, fixed_pair_areas, unlike_pairs
from morphct.pipeline.measuring import measure_array

COLUMNS = [d.column("px") for d in particle_rows((), "morphometry")][len(PARTICLES.columns) :]


@cache
def scene() -> np.ndarray:
    """A few bodies, one of them hollow, labels 1 to 4."""
    names = ("ellipsoid 1:.5:.25", "rounded cube .25", "hollow sphere", "octahedron")
    return phantoms.row_of([phantoms.digitise(name, 9.0, seed) for seed, name in enumerate(names)], gap=3)


@cache
def table() -> pd.DataFrame:
    return measure_array(scene(), names=("identity", "compat"), compat="morphometry").particles


def test_columns_are_there_when_asked_for_alone():
    assert set(COLUMNS) <= set(table().columns)
    assert not set(COLUMNS) & set(measure_array(scene(), names=("identity",)).particles.columns)
    assert "itk_roundness" in measure_array(scene(), names=("itk_roundness", "itk_perimeter_um2")).particles
    assert all(name.split("_")[0] in NAMED for name in COLUMNS)


NAMED = ("morpholibj", "imagej3d", "porespy", "skimage", "spam", "itk", "geodict")


def test_porespy_says_the_same():
    porespy = pytest.importorskip("porespy")
    for row in porespy.metrics.regionprops_3D(scene()):
        ours = table().loc[row.label]
        assert ours["porespy_surface_area"] == pytest.approx(row.surface_area, rel=1e-5)
        assert ours["porespy_sphericity"] == pytest.approx(row.sphericity, rel=1e-5)


def test_scikit_image_says_the_same():
    from skimage.measure import marching_cubes, mesh_surface_area, regionprops

    for row in regionprops(scene()):
        ours = table().loc[row.label]
        assert ours["skimage_axis_major_length_px"] == pytest.approx(row.axis_major_length, rel=1e-9)
        assert ours["skimage_axis_minor_length_px"] == pytest.approx(row.axis_minor_length, rel=1e-9)
        vertices, faces, _, _ = marching_cubes(np.pad(row.image, 1).astype(float), 0.5)
        assert ours["skimage_surface_area_px2"] == pytest.approx(mesh_surface_area(vertices, faces), rel=1e-5)


def test_spam_is_a_blurred_mesh_and_gives_nothing_for_little():
    from scipy.ndimage import gaussian_filter
    from skimage.measure import marching_cubes, mesh_surface_area

    mask = np.pad(scene() == 1, 4)
    vertices, faces, _, _ = marching_cubes(gaussian_filter(mask.astype("f4"), 0.75), 0.5)
    sphere = 4 * np.pi * (3 * mask.sum() / (4 * np.pi)) ** (2 / 3)
    assert table().loc[1, "spam_true_sphericity"] == pytest.approx(
        sphere / mesh_surface_area(vertices, faces), rel=1e-5
    )
    small = measure_array(np.pad(np.ones((6, 6, 7), int), 2), compat="morphometry").particles
    assert np.isnan(small.loc[1, "spam_true_sphericity"])
    assert "no_surface" in small.loc[1, "flags"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_chamfer_is_the_shortest_way(seed):
    """Against Dijkstra's way of doing it: voxels relaxed until nothing changes."""
    rng = np.random.default_rng(seed)
    mask = rng.random((9, 8, 10)) < 0.97
    far = np.where(np.pad(mask, 1), 10**6, 0)
    while True:
        before = far.copy()
        for dz, dy, dx in np.ndindex(3, 3, 3):
            step = 2 + abs(dz - 1) + abs(dy - 1) + abs(dx - 1)
            moved = np.pad(far, 1, constant_values=10**6)[dz:, dy:, dx:][tuple(slice(n) for n in far.shape)]
            far = np.where(far > 0, np.minimum(far, moved + step), 0)
        if (far == before).all():
            break
    assert chamfer_ball(padded(mask.astype(np.uint8))) == far.max() / 3


@pytest.mark.parametrize("seed", [0, 1])
def test_unlike_pairs_are_counted_one_by_one(seed):
    mask = np.random.default_rng(seed).random((6, 7, 5)) < 0.5
    wide = np.pad(mask, 1)
    wanted = []
    for step in DIRECTIONS:
        moved = np.roll(wide, step, (0, 1, 2))  # the margin takes what is rolled over
        wanted.append(int((wide != moved).sum()))
    assert unlike_pairs(padded(mask)).tolist() == wanted


def test_moments_are_those_of_the_voxel_centres():
    mask, edges = scene() == 1, np.array([2.0, 1.0, 0.5])
    zz, yy, xx, zy, zx, yx = covariance(mask, tuple(edges))
    wanted = np.cov(np.argwhere(mask).T * edges[:, None], bias=True)
    np.testing.assert_allclose([[zz, zy, zx], [zy, yy, yx], [zx, yx, xx]], wanted, rtol=1e-9, atol=1e-9)


def test_itk_keeps_the_shares_of_cubic_voxels():
    np.testing.assert_allclose(fixed_pair_areas((1, 1, 1)), pair_areas((1.0, 1.0, 1.0)), rtol=1e-12)
    coarse = fixed_pair_areas((2.0, 1.0, 1.0))
    # Ox, Oxy and Oxyz with dz twice the others: 4 vol c / d
    along = [4 * 2 * 0.04577789120476 / 1, 4 * 2 * 0.03698062787608 / np.sqrt(2), 4 * 2 * 0.03519563978232 / np.sqrt(6)]
    found = [coarse[[(d == want).all() for d in DIRECTIONS]][0] for want in ((0, 0, 1), (0, 1, 1), (1, 1, 1))]
    np.testing.assert_allclose(found, along, rtol=1e-9)
    assert not np.allclose(coarse, pair_areas((2.0, 1.0, 1.0)))


def test_morpholibj_scales_its_ball_by_x_alone():
    cube = np.pad(np.ones((12, 12, 12), np.uint8), 2)
    frame = measure_array(cube, voxel_size="3um,1um,2um", compat="morphometry", names=("compat",)).particles
    assert frame.loc[1, "morpholibj_inscribed_radius_um"] == 12.0


def test_holes_count_as_the_label_image_has_them():
    """Voids without a label are surface to other programs; voids that carry it, as in a run, are not there for them."""
    row = table().loc[3]
    solid = int((scene() == 3).sum())
    assert row["n_voxels"] == solid
    ball = phantoms.digitise("hollow sphere", 9.0, 2)
    outer = (ball.truth["surface_area"]) / 1.25  # inner radius half the outer: a quarter of its area
    assert row["morpholibj_surface_area_px2"] > 1.15 * outer
    assert row["imagej3d_sphericity"] < 0.6


def test_they_depend_on_no_cut():
    whole = table()
    for planes, workers in ((1, 2), (5, 3)):
        work = Work.of(len(scene()), planes, Threads(workers))
        names = ("identity", "compat")
        cut = measure_array(scene(), names=names, compat="morphometry", work=work).particles
        pd.testing.assert_frame_equal(cut, whole, check_exact=True)


def test_degenerate_particles_have_values_or_reasons():
    labels = np.zeros((9, 9, 30), int)
    labels[4, 4, 4], labels[4, 4, 8:14], labels[4, 2:7, 18:24], labels[:, :, 26:] = 1, 2, 3, 4
    frame = measure_array(labels, compat="morphometry").particles
    values = frame[COLUMNS].to_numpy(float)
    assert not np.isinf(values).any()
    assert (frame["morpholibj_inscribed_radius_px"].to_numpy() == [1, 1, 1, 4 / 3 + 2 / 3]).all()
