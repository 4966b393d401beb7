"""The bodies of the calibration: drawn as their slow twin draws them, and true to their closed forms."""

import numpy as np
import pytest
from naive.truth import bodies

from morphct.kernels.truth import bodies as kernel
from morphct.truth.bodies import BALL_VOLUME_FACTOR, Body, Pose, block, cross, ellipsoid, octahedron
from morphct.truth.phantom.bodies import rotation, unit_vectors

BODIES = (
    ellipsoid("sphere"),
    ellipsoid("ellipsoid", 0.7, 0.4),
    block("cube"),
    block("plate", 1.0, 0.3),
    block("rounded", 0.8, 0.5, 0.6),
    block("capsule", 0.5, 0.5, 1.0),
    octahedron("octahedron"),
    octahedron("flat octahedron", 0.9, 0.4),
    cross("cross"),
)
CUBIC, COARSE = (1.0, 1.0, 1.0), (1.5, 0.8, 0.9)
BARE = np.zeros(6)


def posed(body: Body, diameter: float, spacing, rng) -> tuple[Pose, tuple[int, ...]]:
    """A random pose and a box that holds the body."""
    turn = rotation(rng)
    middle = np.ceil((body.extents(turn) * 0.5 * diameter + 3) / spacing)
    centre = (middle + rng.uniform(-0.5, 0.5, 3)) * spacing
    return Pose(turn, centre, tuple(spacing)), tuple((2 * middle + 1).astype(int))


def drawn(body: Body, diameter: float, pose: Pose, shape, soft: float, coat=BARE) -> np.ndarray:
    """The body as `Body.draw` leaves it."""
    out = np.full(shape, np.nan, np.float32)
    body.draw(diameter, pose, soft, coat, out)
    return out


@pytest.mark.parametrize("body", BODIES, ids=lambda b: b.name)
@pytest.mark.parametrize("spacing", [CUBIC, COARSE], ids=["cubic", "coarse"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_drawn_as_the_twin_draws(body, spacing, seed):
    rng = np.random.default_rng(seed)
    diameter = rng.uniform(4, 14)
    pose, shape = posed(body, diameter, np.array(spacing), rng)
    radius = 0.5 * diameter
    half, fillet = np.array(body.half) * radius, body.fillet * radius
    coat = np.array([*unit_vectors(rng, 1)[0], rng.uniform(-0.5, 0.5) * radius, rng.uniform(0.5, 3), 0.43])
    for soft in (0.0, 0.9):
        for cover in (BARE, coat):
            wanted = bodies.draw(body.kind, half, fillet, pose.turn, pose.centre, pose.spacing, soft, cover, shape)
            found = drawn(body, diameter, pose, shape, soft, cover)
            np.testing.assert_allclose(found, wanted, atol=2e-6)
            if not soft:  # voxels in or out are the very same ones
                assert ((found > 0) == (wanted > 0)).all()


@pytest.mark.parametrize("spacing", [CUBIC, COARSE], ids=["cubic", "coarse"])
@pytest.mark.parametrize("seed", [4, 5])
def test_carved_as_the_twin_carves(spacing, seed):
    rng = np.random.default_rng(seed)
    shape = (13, 17, 19)
    place = rng.uniform(0, 1, (4, 3)) * (np.array(shape) - 1) * spacing  # some of them reach out of the box
    balls = np.column_stack([place, rng.uniform(0.4, 3.5, 4)])
    for soft in (0.0, 0.8):
        out = rng.random(shape, dtype=np.float32)
        wanted = bodies.carve(balls, spacing, soft, out.astype(float))
        kernel.carve(balls, np.array(spacing), soft, out)
        np.testing.assert_allclose(out, wanted, atol=2e-6)


@pytest.mark.parametrize("body", BODIES, ids=lambda b: b.name)
def test_closed_forms_are_those_of_what_is_drawn(body):
    rng = np.random.default_rng(6)
    diameter = 40.0
    pose, shape = posed(body, diameter, np.ones(3), rng)
    inside = drawn(body, diameter, pose, shape, 1.0).astype(float)
    truth = body.truth(diameter)
    assert truth["equivalent_diameter"] == pytest.approx(diameter)
    assert inside.sum() == pytest.approx(BALL_VOLUME_FACTOR * (diameter / 2) ** 3, rel=0.01)
    # shells on either side of the surface: their volume over their thickness is the area
    shells = [
        abs(drawn(body, diameter, pose, shape, 0.0, np.array([0.0, 0, 0, -1, t, 1.0])).sum() - (inside >= 0.5).sum())
        for t in (1.0, 2.0)
    ]
    assert 2 * shells[0] - shells[1] / 2 == pytest.approx(truth["surface_area"], rel=0.05)
    points = bodies.centres(shape, CUBIC) - pose.centre
    own = (points @ pose.turn)[inside >= 0.5]
    ratios = np.sqrt(own.var(axis=0))
    assert ratios[1] / ratios[0] == pytest.approx(truth["ellipticity_yx"], abs=0.01)
    assert ratios[2] / ratios[0] == pytest.approx(truth["ellipticity_zx"], abs=0.01)
    far = np.sqrt((own**2).sum(axis=1)).max()
    assert far == pytest.approx(truth["circumscribed_radius"], abs=1.5)
    outside = np.sqrt((points[inside < 0.5] ** 2).sum(axis=1)).min()
    assert outside == pytest.approx(truth["inscribed_radius"], abs=1.0)


def test_voids_are_taken_out_where_they_lie():
    rng = np.random.default_rng(7)
    balls = ((0.3, 0.1, 0.0, 0.2), (-0.4, 0.0, 0.2, 0.25))
    body = ellipsoid("porous", 0.9, 0.8).with_voids(balls)
    pose, shape = posed(body, 36.0, np.ones(3), rng)
    solid = drawn(ellipsoid("solid", 0.9, 0.8), 36.0, pose, shape, 1.0).sum()
    held = drawn(body, 36.0, pose, shape, 1.0)
    assert 1 - held.sum() / solid == pytest.approx(body.truth(36.0)["void_fraction"], rel=0.02)
    for *centre, radius in np.array(balls) * 18.0:
        middle = np.round(pose.turn @ centre + pose.centre).astype(int)
        assert radius > 2
        assert held[tuple(middle)] == 0
