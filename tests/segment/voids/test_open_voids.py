"""Open voids: pockets with a mouth, told from dents, cracks from grooves, gaps between particles from voids."""

import numpy as np
import phantoms
import pytest
from scipy import ndimage

from morphct.ground.executors import Threads
from morphct.ground.units import VoxelSize
from morphct.ground.work import Work
from morphct.kernels.labels import morphology
from morphct.segment.voids import holes
from morphct.segment.voids.open_voids import SMALLEST_VOXELS, _closed, add_open
from morphct.segment.voids.options import VoidOptions

CUBE = VoxelSize(1.0, 1.0, 1.0, unit="px")


def look(labels, radius, size=CUBE, planes=1000, run_map=map, rows=None, **more):
    """Voids of a label image, closed and open."""
    options = VoidOptions(closing_radius=radius, **more)
    work = Work.of(labels.shape, planes, run_map, rows)
    closed = holes.inside_labels(labels, options, work)
    return add_open(closed, labels, int(labels.max()), size, options, work)


def grid(shape, middle, edges=(1.0, 1.0, 1.0)):
    return [(np.arange(n) - c) * e for n, c, e in zip(shape, middle, edges)]


def flask(mouth, edges=(1.0, 1.0, 1.0), pose="x"):
    """A ball of 14 with a cavity of 6 in its middle, and a neck of radius `mouth` to the outside."""
    z, y, x = np.meshgrid(*grid([int(34 / e) + 1 for e in edges], [17 / e for e in edges], edges), indexing="ij")
    along, across = (x, np.hypot(y, z)) if pose == "x" else (z, np.hypot(x, y))
    body = x**2 + y**2 + z**2 <= 14**2
    cavity = x**2 + y**2 + z**2 <= 6**2
    neck = (across <= mouth) & (along > 0) & body & ~cavity
    return (body & ~cavity & ~neck).astype(np.int32), cavity, neck


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("radius", [1.0, 2.0, 2.9])
def test_closing_is_that_of_the_twin(seed, radius):
    """What no ball covers that can come from the outside."""
    rng = np.random.default_rng(seed)
    solid = np.pad(ndimage.gaussian_filter(rng.normal(size=(14, 15, 16)), 1.2) > 0.02, 6).astype(np.uint8)
    relative = (1.0, 1.0, 2.0) if seed % 2 else (1.0, 1.0, 1.0)
    offsets = np.array(list(np.ndindex(13, 13, 13))) - 6
    ball = (((offsets * relative) ** 2).sum(1) <= radius**2 + 1e-9).reshape(13, 13, 13)
    room = ~ndimage.binary_fill_holes(ndimage.binary_dilation(solid, ball))
    wanted = ~ndimage.binary_dilation(room, ball)
    np.testing.assert_array_equal(_closed(solid, radius, relative)[6:-6, 6:-6, 6:-6], wanted[6:-6, 6:-6, 6:-6])
    assert morphology.ball_half_widths(radius, relative).shape[0] % 2


@pytest.mark.parametrize("pose", ["x", "z"])
@pytest.mark.parametrize("mouth", [1.0, 2.0, 3.0])
def test_a_cavity_with_a_mouth_is_an_open_void(mouth, pose):
    labels, cavity, neck = flask(mouth, pose=pose)
    found = look(labels, mouth + 1.0)
    assert found.n == 1
    assert found.owner.tolist() == [0, 1]
    assert found.facts.opened.tolist() == [False, True]
    assert found.facts.searched.tolist() == [True]
    ids = np.asarray(found.labels) > 0
    assert ids[cavity].all()
    assert not (ids & (labels > 0)).any()
    assert abs(ids.sum() / (cavity.sum() + neck.sum()) - 1) < 0.05
    assert look(labels, mouth - 0.5).n == 0  # such a ball gets in


def test_off_by_default_and_closed_voids_stay_closed():
    labels, _, _ = flask(0.0)
    labels[17, 17, 18:] = 0  # a hair of a mouth
    assert look(labels, 0.0).n == 0
    assert look(labels, 0.0).facts.searched is None
    closed, cavity, _ = flask(-1.0)
    found = look(closed, 2.0)
    assert (found.n, found.facts.opened.tolist()) == (1, [False, False])
    assert (np.asarray(found.labels) > 0).sum() == cavity.sum()
    assert look(closed, 2.0, min_voxels=2000).n == 0  # too small to be kept, but not open for that


@pytest.mark.parametrize("name", list(phantoms.bodies()))
def test_bodies_without_voids_have_no_open_ones(name):
    for seed in range(3):
        labels = phantoms.digitise(name, 9.0, seed).envelope.astype(np.int32)
        for radius in (1.0, 2.5, 4.0):
            if name != "two spheres" or radius < 4:  # their neck is a groove all around
                assert look(labels, radius).n == 0


def slit(depth, width):
    """A box of 20 x 24 x 30 with a slit from its upper face."""
    labels = np.zeros((30, 34, 40), np.int32)
    labels[5:25, 5:29, 5:35] = 3
    labels[5 : 5 + depth, 10:24, 18 : 18 + width] = 0
    return np.maximum(labels - 2, 0)


def test_a_crack_from_the_surface_is_an_open_void_and_a_groove_is_none():
    found = look(slit(9, 2), 2.0)
    assert found.n == 1
    assert (np.asarray(found.labels) > 0).sum() == pytest.approx(9 * 14 * 2, rel=0.12)  # the ball bulges into the mouth
    assert look(slit(2, 4), 2.5).n == 0
    assert look(slit(2, 5), 3.0).n == 0


def test_what_lies_between_particles_is_no_void():
    z, y, x = np.meshgrid(*grid((30, 30, 50), (15, 15, 25)), indexing="ij")
    shells = (x**2 + y**2 + z**2 <= 13**2) & (x**2 + y**2 + z**2 > 7**2)
    labels = np.where(shells, np.where(x < 0, 1, 2), 0).astype(np.int32)
    labels[(np.abs(x) < 1) & (y > 0)] = 0  # a slit between the two cups: the cavity is open
    for radius in (1.0, 2.0, 4.0):
        assert look(labels, radius).n == 0
    balls = np.where((x - 9) ** 2 + y**2 + z**2 <= 81, 2, np.where((x + 9) ** 2 + y**2 + z**2 <= 90, 1, 0))
    for radius in (1.0, 2.0, 4.0):
        assert look(balls.astype(np.int32), radius).n == 0


def test_a_particle_in_the_mouth_of_another_is_no_void_of_it():
    labels, cavity, _ = flask(2.0)
    labels[17, 17, 16:19] = 2
    found = look(labels, 3.0)
    assert found.n == 0
    assert not np.asarray(found.labels)[cavity].any()


def test_anisotropic_voxels():
    for edges in ((2.0, 1.0, 1.0), (1.0, 1.0, 1.5)):
        labels, cavity, neck = flask(2.0, edges)
        found = look(labels, 3.0, VoxelSize(*edges, unit="px"))
        assert found.n == 1
        assert (np.asarray(found.labels) > 0).sum() == pytest.approx(cavity.sum() + neck.sum(), rel=0.06)


def powder(seed):
    """Flasks in many places, some cut by the faces, with dents, grooves and closed voids."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((44, 60, 64), np.int32)
    for label in range(1, 9):
        body = flask(rng.choice([-1.0, 1.0, 2.0]))[0][::2, ::2, ::2] > 0
        body = np.rot90(body, rng.integers(4), rng.permutation(3)[:2])
        at = [int(rng.integers(-4, n - 12)) for n in labels.shape]
        low = [max(0, -a) for a in at]
        part = body[tuple(slice(b, min(s, n - a)) for b, s, n, a in zip(low, body.shape, labels.shape, at))]
        where = tuple(slice(a + b, a + b + s) for a, b, s in zip(at, low, part.shape))
        labels[where] = np.where(part & (labels[where] == 0), label, labels[where])
    kept = np.unique(labels)
    return np.searchsorted(kept, labels).astype(np.int32)


@pytest.mark.parametrize("seed", range(3))
def test_cuts_and_workers_change_nothing(seed):
    labels = powder(seed)
    whole = look(labels, 1.5)
    assert whole.facts.opened.any()
    for planes, workers in ((1, 1), (7, 2), (16, 3)):
        cut = look(labels, 1.5, planes=planes, run_map=Threads(workers))
        assert np.asarray(cut.labels).tobytes() == np.asarray(whole.labels).tobytes()
        assert cut.owner.tolist() == whole.owner.tolist()
        assert cut.facts.opened.tolist() == whole.facts.opened.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_every_open_void_is_one_piece_of_background_that_touches_its_owner_alone(seed):
    labels = powder(seed)
    found = look(labels, 1.5)
    ids = np.asarray(found.labels)
    for i in np.flatnonzero(found.facts.opened):
        void = ids == i
        assert void.sum() >= SMALLEST_VOXELS
        assert ndimage.label(void)[1] == 1
        around = ndimage.binary_dilation(void) & ~void
        assert set(np.unique(labels[around])) == {0, found.owner[i]}


def test_a_particle_too_large_for_memory_is_not_searched(monkeypatch):
    monkeypatch.setattr("morphct.segment.voids.open_voids.LARGEST_CROP_VOXELS", 1000)
    found = look(flask(2.0)[0], 3.0)
    assert found.n == 0
    assert found.facts.searched.tolist() == [False]
