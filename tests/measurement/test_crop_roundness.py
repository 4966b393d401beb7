"""Silhouettes, corners and curvature: kernels against slow twins, values of known bodies."""

import numpy as np
import pytest
from naive.measurement import crops as naive
from scipy import ndimage

from morphct.kernels.measurement import corners, curvature, outlines, silhouettes, surface_mesh
from morphct.measurement import crops
from morphct.measurement.crops import box as crop_box
from morphct.measurement.crops.balls import ball_of_box
from morphct.measurement.crops.roundness import (
    OUTLINE_LEVEL,
    SILHOUETTE_BLUR_VOXELS,
    roundness_of_box,
    view_frames,
)

ISOTROPIC = (1.0, 1.0, 1.0)
# docs/methods.md, 7: all views, in the continuum: roundness; and the silhouette ratio where it is given
SEEN = {
    "sphere": (1.0, 1.0),
    "cube": (0.255, 0.709),
    "rounded25": (0.363, None),
    "rounded50": (0.561, None),
    "prolate": (0.742, None),
    "ellipsoid": (0.597, None),
    "octahedron": (0.188, 0.665),
    "hexplate": (None, 0.625),
}
CURVED = {
    "sphere": 0.98,
    "cube": 0.47,
    "rounded25": 0.50,
    "rounded50": 0.62,
    "octahedron": 0.52,
    "prolate": 0.86,
    "ellipsoid": 0.64,
}


def seen(mask, spacing=ISOTROPIC, views=24):
    box = crop_box.padded(mask)
    return roundness_of_box(box, spacing, ball_of_box(box, crop_box.squared_distances(box, spacing), spacing), views)


def curved(mask):
    return crops.measure_crop(mask, ISOTROPIC, ["roundness_3d"])["roundness_3d"]


def wavy(n, seed, r=20.0):
    """A smooth closed outline (n, 2), counter-clockwise."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) * 2 * np.pi / n
    radius = r * (1 + sum(rng.uniform(-0.1, 0.1) * np.cos(k * t + rng.uniform(0, 6)) for k in range(2, 7)))
    return np.stack([radius * np.cos(t), radius * np.sin(t)], 1)


# --- kernels against their twins


@pytest.mark.parametrize("name", ["cube", "ellipsoid", "twospheres"])
def test_outline_equals_the_turned_volumes(name):
    mask = np.pad(naive.BODIES[name].digitise(9, np.random.default_rng(1)), 6).view(np.uint8)
    field = surface_mesh.blurred(mask, surface_mesh.gaussian_weights(SILHOUETTE_BLUR_VOXELS))
    blocks = silhouettes.occupied_blocks(field)
    room = np.empty((4000, 2))
    core = np.array(np.unravel_index(field.argmax(), field.shape), float)
    for frame in view_frames()[::5]:
        n = silhouettes.trace(field, blocks, frame, core, OUTLINE_LEVEL, room)
        found = room[:n] - silhouettes._image(field.shape, frame).shape // np.array(2)
        truth = naive.outline(field, frame, OUTLINE_LEVEL)
        apart = np.linalg.norm(found[:, None] - truth[None], axis=-1)
        assert len(found) == pytest.approx(len(truth), abs=3)
        assert max(apart.min(0).max(), apart.min(1).max()) < 0.05


@pytest.mark.parametrize("seed", range(4))
def test_largest_circle_equals_grid_search(seed):
    points = wavy(200, seed)
    found = outlines.largest_circle(points[:, 0].copy(), points[:, 1].copy(), np.zeros(2), 1e-3)
    assert found[0] == pytest.approx(naive.largest_circle(points), abs=2e-3)
    assert np.linalg.norm(points - found[1:], axis=1).min() == pytest.approx(found[0])


@pytest.mark.parametrize("seed", range(3))
def test_corners_equal_brute_force(seed):
    points = wavy(70, seed)
    xs, ys, step = outlines.resampled(points[:, 0].copy(), points[:, 1].copy(), 70)
    r_max = outlines.largest_circle(xs, ys, np.zeros(2), 1e-3)[0]
    value, count = corners.mean_corner_radius(xs, ys, r_max, step)
    slow_value, slow_count = naive.corners(np.stack([xs, ys], 1), r_max)
    assert count == slow_count
    assert value == pytest.approx(slow_value, abs=2e-3)


def test_outline_tools():
    circle = np.stack([np.cos(np.arange(300) / 300 * 2 * np.pi), np.sin(np.arange(300) / 300 * 2 * np.pi)]) * 15
    xs, ys = circle[0].copy(), circle[1].copy()
    assert outlines.perimeter(xs, ys) == pytest.approx(30 * np.pi, rel=1e-3)
    even_x, even_y, step = outlines.resampled(xs, ys, 100)
    assert step == pytest.approx(0.3 * np.pi, rel=1e-3)
    np.testing.assert_allclose(np.hypot(np.diff(even_x), np.diff(even_y)), step, rtol=2e-3)
    once = ndimage.gaussian_filter1d(even_x, 3, mode="wrap", truncate=4)
    np.testing.assert_allclose(outlines.smoothed(even_x, 3.0), once, atol=1e-10)
    # a second pass is taken off again: the circle keeps its radius where one pass shrinks it
    smooth = np.hypot(outlines.smoothed_unshrunk(even_x, 3.0), outlines.smoothed_unshrunk(even_y, 3.0))
    assert abs(smooth.mean() - 15) < 0.1 * (15 - np.hypot(once, outlines.smoothed(even_y, 3.0)).mean())


@pytest.mark.parametrize("views", [1, 24, 48, 100])
def test_views_are_spread_and_closed_under_turns(views):
    frames = view_frames(views)
    assert len(frames) == 24 * -(-views // 24)
    np.testing.assert_allclose(frames @ frames.transpose(0, 2, 1), np.broadcast_to(np.eye(3), frames.shape), atol=1e-12)
    lines = frames[:, 0]
    close = np.abs(lines @ lines.T) - 2 * np.eye(len(lines))
    assert np.degrees(np.arccos(close.max())) > 90 / np.sqrt(len(lines))
    turned = lines @ np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    np.testing.assert_allclose(np.abs(turned @ lines.T).max(1), 1, atol=1e-12)


def test_derivatives_equal_scipy():
    rng = np.random.default_rng(0)
    field = ndimage.gaussian_filter(rng.random((14, 15, 16)), 1).astype(np.float32)
    for axis in range(3):
        weights = rng.normal(size=7).astype(np.float32)
        out = np.empty_like(field)
        curvature.convolve(field, weights, axis, out)
        truth = ndimage.correlate1d(field.astype(float), weights, axis, mode="constant")
        np.testing.assert_allclose(out, truth, atol=1e-5)
    mask = (field > 0.5).astype(np.uint8)
    blocks = curvature.block_means(mask, 3, 1)
    whole = np.pad(mask, [(0, -n % 3) for n in mask.shape]).astype(float)
    truth = whole.reshape(5, 3, 5, 3, 6, 3).mean((1, 3, 5))
    np.testing.assert_allclose(blocks[1:-1, 1:-1, 1:-1], truth, atol=1e-6)


@pytest.mark.parametrize("name", ["cube", "ellipsoid", "rounded50"])
def test_curvature_equals_the_slow_estimator(name):
    mask = naive.BODIES[name].digitise(12, np.random.default_rng(2))
    radius = crops.measure_crop(mask, ISOTROPIC, ["inscribed"])["inscribed_radius"]
    slow = naive.curvature_roundness(mask, radius)
    assert curved(mask) == pytest.approx(slow, abs=0.015)


# --- bodies


@pytest.mark.parametrize("name", list(SEEN))
def test_silhouettes_of_bodies(name):
    """24 views of one pose scatter by .02 about all views; .05 is what voxels add from an inscribed radius of 16 on."""
    roundness, ratio = SEEN[name]
    body = naive.BODIES[name]
    r = 24
    found = [seen(body.digitise(r, np.random.default_rng(s))) for s in range(3)]
    if roundness is not None:
        assert np.mean([f.roundness for f in found]) == pytest.approx(roundness, abs=0.07)
    if ratio is not None:
        assert np.mean([f.sphericity for f in found]) == pytest.approx(ratio, abs=0.025)
    assert all(f.n_views == 24 for f in found)


def test_rounded_cubes_are_ordered_by_their_fillet():
    """The exact R of a rounded cube in any view is its fillet over the inscribed radius of the view: it must rank."""
    values = []
    for fillet in (0.25, 0.5, 0.75):
        body = naive.Body(naive._rounded_cube(0.85, fillet), 1, 0.85, 1.5)
        values.append(seen(body.digitise(22, np.random.default_rng(6))).roundness)
    assert values == sorted(values)
    assert values[0] == pytest.approx(0.363, abs=0.06)
    assert values[1] == pytest.approx(0.561, abs=0.05)
    assert values[2] == pytest.approx(0.806, abs=0.05)


@pytest.mark.parametrize("r", [12, 20, 30])
@pytest.mark.parametrize("name", list(CURVED))
def test_curvature_of_bodies(name, r):
    if naive.BODIES[name].r_ins * r < 9:
        pytest.skip("means something from an inscribed radius of 10 on")
    mask = naive.BODIES[name].digitise(r, np.random.default_rng(r))
    assert curved(mask) == pytest.approx(CURVED[name], abs=0.03)


@pytest.mark.parametrize("spacing", [(2.0, 1.0, 1.0), (1.0, 1.0, 2.0)])
@pytest.mark.parametrize("name", ["cube", "prolate"])
def test_unequal_spacings(name, spacing):
    scale = 18 * np.prod(spacing) ** (1 / 3)
    mask = naive.BODIES[name].digitise(scale, np.random.default_rng(2), spacing)
    got = crops.measure_crop(mask, spacing, ["roundness", "roundness_3d"])
    assert got["roundness"] == pytest.approx(SEEN[name][0], abs=0.09)
    assert got["roundness_3d"] == pytest.approx(CURVED[name], abs=0.03)
    assert got["reasons"] == ()


def test_large_bodies_are_seen_on_the_halved_grid():
    body = naive.BODIES["rounded50"]
    below, above = (seen(body.digitise(r, np.random.default_rng(1))).roundness for r in (69, 73))
    assert above == pytest.approx(below, abs=0.03)


# --- what must not change anything, and what must not crash


@pytest.mark.parametrize("name", ["cube", "ellipsoid"])
def test_turning_by_ninety_degrees(name):
    mask = naive.BODIES[name].digitise(14, np.random.default_rng(9))
    wanted = ["roundness", "roundness_3d"]
    here = crops.measure_crop(mask, ISOTROPIC, wanted)
    for axes in ((1, 0, 2), (2, 0, 1)):
        there = crops.measure_crop(np.transpose(mask, axes)[::-1], ISOTROPIC, wanted)
        assert there["sphericity_silhouette"] == pytest.approx(here["sphericity_silhouette"], abs=1e-3)
        assert there["roundness"] == pytest.approx(here["roundness"], abs=0.01)
        assert there["roundness_3d"] == pytest.approx(here["roundness_3d"], abs=0.01)


def test_repeats_are_equal_to_the_byte_and_units_do_not_matter():
    mask = naive.BODIES["twospheres"].digitise(12, np.random.default_rng(1))
    wanted = ["roundness", "roundness_3d", "thickness"]
    one = crops.measure_crop(mask, ISOTROPIC, wanted)
    assert crops.measure_crop(mask, ISOTROPIC, wanted) == one
    small = crops.measure_crop(mask, (0.025,) * 3, wanted)
    for key in ("roundness", "roundness_sd", "roundness_corners", "sphericity_silhouette", "roundness_3d"):
        assert small[key] == pytest.approx(one[key], rel=1e-6), key


@pytest.mark.parametrize("spacing", [ISOTROPIC, (2.0, 1.0, 1.0)])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 9), (1, 20, 20), (2, 2, 2), (3, 3, 30)])
def test_degenerate_bodies_have_a_reason(shape, spacing):
    got = crops.measure_crop(np.ones(shape), spacing)
    for key in ("roundness", "sphericity_silhouette"):
        assert 0 < got[key] <= 1 or {"no_silhouette"} & set(got["reasons"]), key
    assert 0 < got["roundness_3d"] <= 1 or "no_curvature" in got["reasons"]


def test_frame_one_voxel_thick():
    frame = np.ones((1, 30, 30), bool)
    frame[:, 1:-1, 1:-1] = False
    got = crops.measure_crop(frame, ISOTROPIC)
    assert {"flat", "no_silhouette"} <= set(got["reasons"])
