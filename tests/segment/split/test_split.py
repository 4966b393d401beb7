"""The split, room by room against slow twins, and as a whole on bodies with a known answer."""

import itertools
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from naive import split as naive
from scipy import ndimage

from morphct.ground.bricks import Brick
from morphct.ground.errors import MemoryCapError, SettingsError
from morphct.ground.executors import Threads
from morphct.ground.scratch import Scratch
from morphct.ground.work import Work
from morphct.kernels.crofton import DIRECTIONS, pair_areas
from morphct.kernels.split import box_counts, join_scores
from morphct.kernels.split import joins as join_kernel
from morphct.segment.split import basin_graph, basins, distance, merging, surroundings
from morphct.segment.split.split import PASSES, SplitOptions, split
from morphct.truth import phantom, scoring

SPACINGS = [(1.0, 1.0, 1.0), (3.0, 1.0, 1.0), (1.0, 1.3, 2.2)]


def blobs(shape, seed, sigma=1.5, level=0.0):
    """Smooth random 0/1 volume."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    return (noise > level * noise.std()).astype(np.uint8)


def grid(shape):
    return np.meshgrid(*(np.arange(n, dtype=float) for n in shape), indexing="ij")


def ball(shape, centre, radius, edges=(1, 1, 1)):
    return sum(((g - c) * e) ** 2 for g, c, e in zip(grid(shape), centre, edges)) <= radius**2


def heights_of(mask, spacing, planes):
    out = np.zeros(mask.shape, np.float32)
    distance.squared_distance(mask, spacing, out, Work.of(mask.shape, planes))
    return out


def basins_of(heights, planes, rows=None):
    labels = np.zeros(heights.shape, np.int32)
    return basins.find_basins(heights, labels, Work.of(heights.shape, planes, rows=rows))


def basin_image(found, planes, rows=None):
    """Basin of every voxel, -1 in background; planes, rows: of the bricks that the basins were found by."""
    image, shape = replace(found, labels=np.array(found.labels)), found.labels.shape
    basins.write_particles(image, np.arange(1, found.n + 1, dtype=np.int32), Work.of(shape, planes, rows=rows))
    return image.labels - 1


def labelled(mask, spacing=(1, 1, 1), planes=1000, run_map=map, scratch=None, tick=None, rows=None, **options):
    work = replace(Work.of(mask.shape, planes, run_map, rows), scratch=scratch or Scratch(), progress=tick)
    result = split(np.asarray(mask).astype(np.uint8), spacing, SplitOptions(**options), work)
    return np.asarray(result.labels[0 : mask.shape[0]]), result


# ---------------------------------------------------------------- basins


@pytest.mark.parametrize(("planes", "rows"), [(40, None), (3, None), (1, None), (4, 3), (40, 2), (1, 1)])
@pytest.mark.parametrize("kind", ["distance", "plateaus", "random"])
@pytest.mark.parametrize("seed", range(3))
def test_basins_naive_twin(seed, kind, planes, rows):
    rng = np.random.default_rng(seed)
    heights = {
        "distance": lambda: heights_of(blobs((9, 8, 10), seed), (1, 1, 1), 9),
        "plateaus": lambda: rng.integers(0, 3, (7, 8, 9)).astype(np.float32),
        "random": lambda: (rng.random((7, 9, 8)) * (rng.random((7, 9, 8)) < 0.7)).astype(np.float32),
    }[kind]()
    wanted, peaks = naive.basins(heights)
    found = basins_of(heights, planes, rows)
    np.testing.assert_array_equal(basin_image(found, planes, rows), wanted)
    np.testing.assert_array_equal(found.peaks, [heights[p] for p in peaks])


def test_a_plateau_through_every_brick_is_one_basin():
    heights = np.full((30, 20, 25), 4, np.float32)
    for planes, rows in ((30, None), (7, None), (1, None), (7, 6), (1, 1)):
        assert basins_of(heights, planes, rows).n == 1


def test_more_exits_than_the_first_guess():
    heights = np.arange(2 * 40 * 40, dtype=np.float32).reshape(2, 40, 40) % 1601 + 1
    whole = basin_image(basins_of(heights, 2), 2)
    np.testing.assert_array_equal(basin_image(basins_of(heights, 1), 1), whole)
    np.testing.assert_array_equal(basin_image(basins_of(heights, 1, 2), 1, 2), whole)


# ---------------------------------------------------------------- areas and graph


def test_pair_areas_of_a_cube_are_the_known_shares():
    shares = np.array([0.045778, 0.036981, 0.035196])
    steps = np.abs(DIRECTIONS).sum(1)
    np.testing.assert_allclose(pair_areas((2, 2, 2)), 4 * shares[steps - 1] * 4 / np.sqrt(steps), rtol=3e-5)


@pytest.mark.parametrize("spacing", [(1, 1, 1), (3, 1, 1), (1, 2, 1.5), (10, 1, 10)])
def test_pair_areas_measure_balls(spacing):
    edges = distance.relative_edges(spacing)
    shape = tuple(int(2 * 26 / e) + 4 for e in edges)
    solid = ball(shape, [(n - 1) / 2 + 0.2 for n in shape], 24.3, edges)
    area = 0.0
    for step, weight in zip(DIRECTIONS, pair_areas(edges)):
        other = np.roll(solid, step, (0, 1, 2))
        area += weight * np.count_nonzero(solid != other)
    assert area == pytest.approx(4 * np.pi * 24.3**2, rel=0.03 if max(edges) > 5 else 0.01)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize(
    ("seed", "shape", "sigma"), [(0, (9, 10, 11), 1.0), (1, (2, 4, 17), 0.7), (2, (17, 3, 5), 0.0)]
)
def test_graph_naive_twin(spacing, seed, shape, sigma):
    mask, edges = blobs(shape, seed, sigma, -0.3), distance.relative_edges(spacing)
    lattice = basin_graph.Lattice.of(edges)
    weights = {(k >> 2, k >> 1 & 1, k & 1): int(w) for k, w in enumerate(lattice.weights)}
    heights = heights_of(mask, spacing, 5)
    found = basins_of(heights, shape[0])
    image = basin_image(found, shape[0])
    surfaces, links = naive.graph(mask, heights, image, weights)
    for planes, rows in ((1000, None), (3, None), (1, None), (4, 2), (1000, 3), (1, 1)):
        work = Work.of(shape, planes, rows=rows)
        graph = basin_graph.build_graph(mask, heights, basins_of(heights, planes, rows), edges, work)
        np.testing.assert_array_equal(graph.sizes, np.bincount(image[image >= 0], minlength=graph.sizes.size))
        wanted = [naive.moments(image, i) for i in range(len(graph.peaks))]
        np.testing.assert_array_equal(graph.moments, np.reshape(wanted, (-1, 9)))
        assert graph.area_unit * basin_graph.FIXED_POINT == pytest.approx(np.prod(edges))
        assert {i: s for i, s in enumerate(graph.surfaces.tolist()) if s} == dict(surfaces)
        sums = zip(
            np.float32(graph.saddles**2).tolist(), graph.areas.tolist(), graph.rims.tolist(), graph.boxes.tolist()
        )
        got = dict(zip(map(tuple, graph.pairs.tolist()), map(list, sums)))
        assert list(got) == sorted(links)
        for pair, wanted in links.items():
            assert got[pair][0] == pytest.approx(wanted[0], rel=1e-6)
            assert got[pair][1:] == wanted[1:]


@pytest.mark.parametrize("spacing", [(1, 1, 1), (75, 25, 25), (1, 2, 1)])
@pytest.mark.parametrize(
    ("shape", "planes", "rows"),
    [((30, 33, 70), 1000, None), ((30, 33, 70), 7, None), ((30, 33, 70), 11, 8), ((2, 4, 17), 1, None)],
)
def test_whole_heights_give_the_same_graph(spacing, shape, planes, rows):
    mask, edges = blobs(shape, 5, 1.5, -0.3), distance.relative_edges(spacing)
    before = mask & (np.random.default_rng(2).random(shape) > 0.1)
    floats = heights_of(mask, spacing, planes)
    work = Work.of(shape, planes, rows=rows)
    whole = distance.heights(mask, spacing, work)
    assert whole.dtype == np.uint16
    a, b = basins_of(floats, planes, rows), basins_of(whole, planes, rows)
    np.testing.assert_array_equal(a.labels, b.labels)
    np.testing.assert_array_equal(a.peaks, b.peaks)
    graphs = [basin_graph.build_graph(mask, h, f, edges, work, before) for h, f in ((floats, a), (whole, b))]
    for one, other in zip(*(vars(graph).values() for graph in graphs)):
        np.testing.assert_array_equal(one, other)
    image = basin_image(a, planes, rows)
    counted = np.bincount(image[mask > before], minlength=a.n)
    np.testing.assert_array_equal(graphs[0].sealed, counted)
    faces = np.concatenate([face.ravel() for face in (image[[0, -1]], image[:, [0, -1]], image[:, :, [0, -1]])])
    np.testing.assert_array_equal(np.flatnonzero(graphs[0].cut), np.unique(faces[faces >= 0]))


# ---------------------------------------------------------------- joins


def random_graph(seed, n=40, links=90):
    rng = np.random.default_rng(seed)
    pairs = np.unique(np.sort(rng.integers(0, n, (links, 2)), axis=1), axis=0)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    peaks = rng.integers(2, 9, n) / 2
    saddles_ = np.minimum(peaks[pairs].min(1), rng.integers(1, 12, len(pairs)) / 3)
    areas = rng.integers(1, 6, len(pairs))
    rims = areas * rng.integers(0, 2, len(pairs))
    boxes = np.floor(rims * rng.uniform(0.4, 0.95, len(pairs)) * basin_graph.BOX_VOXELS).astype(np.int64)
    sizes = rng.integers(1, 9, n)
    # voxels in a loose heap, so that rooms differ and some pairs sprawl
    points = [rng.integers(0, 12, 3) + rng.integers(-1, 2, (k, 3)) for k in sizes]
    sums = [[*p.sum(0), *(p * p).sum(0), *(p[:, [0, 0, 1]] * p[:, [1, 2, 2]]).sum(0)] for p in points]
    return basin_graph.Graph(
        peaks, sizes, rng.integers(0, 20, n), np.array(sums), pairs, saddles_, areas, rims, boxes, 0.7
    )


@pytest.mark.parametrize("seed", range(12))
def test_floor_naive_twin(seed):
    graph = random_graph(seed)
    clusters, n = merging.flooded(graph, 1.0)
    wanted = naive.join_floor(graph.pairs, graph.saddles, graph.peaks, 1.0)
    assert {frozenset(np.flatnonzero(clusters == c).tolist()) for c in range(n)} == set(map(frozenset, wanted))
    assert [int(np.flatnonzero(clusters == c)[0]) for c in range(n)] == sorted(min(c) for c in wanted)


@pytest.mark.parametrize("links", [0, 3, 90, 400])
@pytest.mark.parametrize("seed", range(8))
def test_best_first_naive_twin(seed, links):
    graph = random_graph(seed, 40, links)
    waists = np.rint(graph.saddles * join_scores.SADDLE_UNIT).astype(np.int64)
    beside = np.rint(np.sort(graph.peaks[graph.pairs], axis=1).T * join_scores.SADDLE_UNIT).astype(np.int64)
    sums = np.stack([graph.areas, graph.rims, graph.boxes, waists, *beside])
    faces = np.random.default_rng(seed).integers(0, 2, 40)
    parts = (graph.pairs.reshape(-1), np.stack([graph.sizes, graph.surfaces, faces]), graph.peaks, graph.moments, sums)
    for limit, figures in itertools.product((0.9, 1.3), ({}, join_scores.EXACT)):
        rule = join_scores.Rule(686.0, 0.7, limit, **figures)
        pairs, scores = join_kernel.join_best(*parts, rule)
        assert (scores > 0).all()
        found = merging.Steps(np.arange(40), pairs, scores).joined(len(pairs))
        assert found.tolist() == naive.Joining(parts, rule, join_scores).run(join_kernel.REGROWN_PART)


@pytest.mark.parametrize("seed", range(8))
def test_one_order_of_joins_holds_for_all_limits(seed):
    """The joins of a lower limit are the first of those of a higher one."""
    graph = random_graph(seed, 60, 300)
    far = merging.join(graph, 0.3, 0.8, 0.6)
    for limit in (0.6, 0.8, 0.93, 1.1, 1.3):
        own = merging.join(graph, 0.3, limit)
        made = far.steps.made(limit)
        assert len(own.steps.pairs) == made
        np.testing.assert_array_equal(own.steps.pairs, far.steps.pairs[:made])
    assert (np.diff(far.steps.limits) >= 0).all()
    np.testing.assert_array_equal(far.particles, merging.join(graph, 0.3, 0.8).particles)


def test_a_hub_that_swallows_thousands_is_quick():
    """A star of equal links: the hub is always the larger, so a join looks at one link only."""
    n = 200_000
    pairs = np.stack([np.zeros(n, np.int64), np.arange(1, n + 1)], axis=1)
    ones = np.ones(n, np.int64)
    sizes = np.concatenate([[10 * n], ones])
    # surfaces of 1 and links of 1: half of the surface of each, with a rim that allows it
    moments = np.zeros((n + 1, 9), np.int64)  # all in one place: nothing sprawls
    # the ball inscribed is as large as the link
    peaks = np.full(n + 1, np.pi**-0.5)
    graph = basin_graph.Graph(peaks, sizes, sizes, moments, pairs, np.ones(n), ones, ones, 300 * ones, 1.0)
    assert merging.join(graph, 0.0, 0.9).n == 1


# ---------------------------------------------------------------- bodies with a known answer


@pytest.mark.parametrize("apart", [22, 25, 27])
def test_two_balls_that_overlap_are_two(apart):
    shape = (34, 34, 64)
    mask = ball(shape, (16.3, 16.1, 16.0), 14) | ball(shape, (16.0, 16.2, 16.0 + apart), 14)
    labels, result = labelled(mask)
    assert result.n == 2
    assert abs(np.count_nonzero(labels == 1) - np.count_nonzero(labels == 2)) < 0.03 * mask.sum()


def tube(points, radius, shape):
    """Voxels within a radius of any of the points (N, 3)."""
    far = np.ones(shape, bool)
    for z, y, x in np.rint(points).astype(int):
        far[z, y, x] = False
    return ndimage.distance_transform_edt(far) <= radius


@pytest.mark.parametrize("turns", [0.6, 1.5, 2.5])
def test_a_coil_is_one(turns):
    angle = np.linspace(0, 2 * np.pi * turns, 3000)
    points = np.column_stack([12 + 20 * angle / (2 * np.pi), 40 + 22 * np.sin(angle), 40 + 22 * np.cos(angle)])
    assert labelled(tube(points, 6.3, (76, 80, 80)))[1].n == 1


def test_a_branched_body_is_one_and_two_that_touch_are_two():
    trunk = np.column_stack([np.full(200, 20.0), np.full(200, 30.0), np.linspace(10, 90, 200)])
    sides = [np.column_stack([np.full(90, 20.0), np.linspace(30, 55, 90), np.full(90, x)]) for x in (30.0, 65.0)]
    shape = (40, 110, 100)
    body = tube(np.vstack([trunk, *sides]), 7.0, shape)
    assert labelled(body)[1].n == 1
    other = tube(trunk + np.array([0, 50, 0]), 7.0, shape) & ~body  # lies over the ends of both branches
    assert labelled(body | other)[1].n == 2


COMPOUND = {
    "tubes": (0.85, 1.3),
    "coils": (0.55, 1.8),
    "dendrites": (0.4, 1.9),
    "lobed": (0.55, 1.8),
    "shells": (0.95, 1.1),
}


@pytest.mark.parametrize("surface", ["exact", "blurred"])
@pytest.mark.parametrize("family", phantom.COMPOUNDS)
def test_compound_phantoms_stay_one(family, surface):
    """Exact masks of thick bodies: bodies of which nine tenths carry one label, and pieces a body."""
    bodies = whole = pieces = 0
    for seed in range(2):
        size = {"depth": 100, "height": 100, "width": 100}
        options = {"family": family, "diameter": 44.0, "seed": seed, "solid": 0.08, "noise": 1.0}
        made = phantom.make(phantom.PhantomOptions(**size, **options))
        found = labelled(made.labels > 0, surface=surface)[0]
        kept = scoring.kept(made.labels, found, np.empty((0, 2)), 200)
        bodies, whole, pieces = bodies + kept.bodies, whole + kept.whole, pieces + kept.pieces
    least, most = COMPOUND[family]
    assert whole >= least * bodies
    assert pieces <= most * bodies


def test_thin_bodies_stay_one_where_the_surface_is_exact():
    """Shells and tubes 3 to 6 voxels thick fall apart less without a blur to reckon with, and powder stays apart."""
    whole = {}
    for family, surface in itertools.product(["shells", "tubes", "near-round"], ["exact", "blurred"]):
        size = {"depth": 90, "height": 90, "width": 90}
        options = {"family": family, "diameter": 20.0, "seed": 3, "solid": 0.15, "noise": 1.0, "settle": True}
        made = phantom.make(phantom.PhantomOptions(**size, **options))
        found = labelled(made.labels > 0, surface=surface)[0]
        kept = scoring.kept(made.labels, found, np.empty((0, 2)), 200)
        whole[family, surface] = kept.whole / kept.bodies, kept.pieces / kept.bodies
    assert whole["shells", "exact"][0] >= whole["shells", "blurred"][0] + 0.1
    assert whole["tubes", "exact"][0] >= whole["tubes", "blurred"][0] + 0.05
    assert whole["near-round", "exact"][0] >= 0.95
    assert whole["near-round", "exact"][1] >= 0.98


@pytest.mark.parametrize(("name", "value", "most"), [("cochlea_0_255.tif", 255, 1), ("shell_grey.tif", None, 8)])
def test_real_long_bodies_stay_one(shared_data, name, value, most):
    """A coiled tube that tapers, and a chambered shell (Otsu's level): pieces of 30 voxels and more."""
    tifffile = pytest.importorskip("tifffile")
    grey = tifffile.imread(shared_data(name))
    solid, _ = ndimage.label(grey > 65 if value is None else grey == value)
    body = solid == np.bincount(solid.ravel())[1:].argmax() + 1
    labels = labelled(body, surface="exact")[0]
    assert np.count_nonzero(np.bincount(labels[body]) >= 30) <= most


@pytest.mark.parametrize("seed", range(4))
def test_an_ellipsoid_and_a_rod_are_one(seed):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    z, y, x = (g - 27.5 + o for g, o in zip(grid((56, 56, 56)), rng.random(3)))
    a, b, c = np.einsum("ij,jzyx->izyx", turn, np.stack([z, y, x]))
    assert labelled((a / 25) ** 2 + (b / 12) ** 2 + (c / 8) ** 2 <= 1)[1].n == 1
    assert labelled((abs(a) < 24) & (b**2 + c**2 < 49))[1].n == 1
    assert labelled(a**2 + b**2 + c**2 <= 400)[1].n == 1


def test_voxels_longer_along_z():
    edges = (3.0, 1.0, 1.0)
    shape = (14, 36, 66)
    mask = ball(shape, (6.4, 17, 17), 15, edges) | ball(shape, (6.6, 17.3, 44), 15, edges)
    assert labelled(mask, (75, 25, 25))[1].n == 2
    assert labelled(ball(shape, (6.4, 17, 25), 15, edges), (75, 25, 25))[1].n == 1


@pytest.mark.parametrize("method", ["ascent", "watershed", "none"])
@pytest.mark.parametrize("seed", range(3))
def test_labels_are_the_mask_in_connected_pieces(seed, method):
    mask = blobs((24, 26, 28), seed, 1.0 + seed, 0.1)
    labels, result = labelled(mask, planes=5, method=method)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels > 0, mask > 0)
    assert np.unique(labels[labels > 0]).tolist() == list(range(1, result.n + 1))
    for i, box in enumerate(ndimage.find_objects(labels), 1):
        assert ndimage.label(labels[box] == i, np.ones((3, 3, 3)))[1] == 1


def test_particles_are_numbered_in_raster_order_of_their_peaks():
    labels, result = labelled(blobs((30, 30, 30), 4, 2.0, 0.4))
    heights = heights_of((labels > 0).astype(np.uint8), (1, 1, 1), 30)
    image, peaks = naive.basins(heights)
    owners = [int(labels[p]) for p in peaks]
    first = [owners.index(i) for i in range(1, result.n + 1)]
    assert first == sorted(first)
    assert len(peaks) == result.basins == image.max() + 1


@pytest.mark.parametrize("method", ["ascent", "watershed", "none"])
@pytest.mark.parametrize("spacing", SPACINGS)
def test_the_cut_changes_no_byte(spacing, method, tmp_path):
    mask = blobs((41, 37, 39), 11, 1.4, -0.1)
    mask[18:24, 10:30, 5:30] = 1  # a flat block: ties and plateaus across cuts
    whole, result = labelled(mask, spacing, method=method)
    cuts = [(1, None, map), (5, None, Threads(2)), (11, None, map), (7, 6, Threads(3)), (5, 36, map), (50, 9, map)]
    for planes, rows, run_map in cuts:
        with Scratch(tmp_path, 0 if planes == 5 else 1 << 40) as scratch:
            labels, cut = labelled(mask, spacing, planes, run_map, scratch, rows=rows, method=method)
            np.testing.assert_array_equal(labels, whole)
            assert cut.summary() == result.summary()
            assert scratch.held == 1  # the labels


@pytest.mark.parametrize(("planes", "rows"), [(1, None), (5, None), (11, None), (40, None), (7, 9), (40, 16), (3, 1)])
def test_margins_know_faces_and_sealed_pockets(planes, rows):
    """Which pieces reach a face, how much of them was solid before sealing, and that the cut changes nothing."""
    mask = blobs((30, 31, 32), 7, 1.6, -0.1)
    before = (np.random.default_rng(2).random(mask.shape) < 0.9) & (mask > 0)
    work = Work.of(mask.shape, planes, rows=rows)
    heights, image = np.empty(mask.shape, np.float32), np.empty(mask.shape, np.int32)
    distance.squared_distance(mask, (1, 1, 1), heights, work)
    found = basins.find_basins(heights, image, work)
    graph = basin_graph.build_graph(mask, heights, found, (1.0, 1.0, 1.0), work, before.astype(np.uint8))
    basins.write_particles(found, np.arange(1, found.n + 1, dtype=np.int32), work)
    faces = np.concatenate([np.take(image, end, axis).ravel() for axis in range(3) for end in (0, -1)])
    np.testing.assert_array_equal(np.flatnonzero(graph.cut) + 1, np.unique(faces[faces > 0]))
    lost = image[(mask > 0) & ~before]
    np.testing.assert_array_equal(graph.sealed, np.bincount(lost, minlength=found.n + 1)[1:])
    options = SplitOptions()
    result = split(mask, (1, 1, 1), options, work, smallest=5, unsealed=before.astype(np.uint8))
    whole = split(mask, (1, 1, 1), options, Work.whole(mask.shape), smallest=5, unsealed=before.astype(np.uint8))
    for name, value in vars(whole.margins).items():
        np.testing.assert_array_equal(getattr(result.margins, name), value)
    labels = np.asarray(result.labels[:])
    held = np.bincount(result.margins.particle, weights=result.margins.voxels)
    np.testing.assert_array_equal(held[1:], np.bincount(labels.ravel())[1:])


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("method", ["ascent", "watershed", "none"])
def test_all_or_nothing(share, method):
    labels, result = labelled(np.full((6, 7, 8), share), planes=4, method=method)
    assert result.n == int(share)
    assert (labels == share).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 30, 40), (30, 1, 40), (30, 40, 1)])
def test_flat_volumes(shape):
    mask = blobs(shape, 3, 0.8)
    labels, _ = labelled(mask, planes=7)
    np.testing.assert_array_equal(labels > 0, mask > 0)


def test_ticks_add_up():
    mask = blobs((20, 21, 22), 1)
    for method in ("ascent", "watershed", "none"):
        told = []
        labelled(mask, planes=6, method=method, tick=told.append)
        assert sum(told) == PASSES[method] * 20


@pytest.mark.parametrize("seed", [101, 102, 103])
@pytest.mark.parametrize("voxel_size", ["25nm", "75nm,25nm,25nm", "25nm,50nm,50nm"])
def test_phantoms(voxel_size, seed):
    options = phantom.PhantomOptions(
        depth=96, height=96, width=96, seed=seed, diameter=24.0, open_share=0.0, voxel_size=voxel_size
    )
    powder = phantom.make(options)
    truth = powder.labels
    labels, _ = labelled(truth > 0, powder.voxel_size.spacing, planes=32)
    assert scoring.score(truth, labels).f1 > 0.95


# ---------------------------------------------------------------- peers


@pytest.mark.parametrize("seed", range(3))
def test_watershed_is_a_flooding_from_h_maxima(seed):
    """Against scikit-image voxel by voxel: as many markers, the same particles but for where slopes divide."""
    from skimage.morphology import local_maxima, reconstruction
    from skimage.segmentation import watershed

    mask = blobs((50, 52, 54), seed, 3.0, 0.2)
    labels, result = labelled(mask, method="watershed", h=0.7)
    heights = np.sqrt(heights_of(mask, (1, 1, 1), 50).astype(float))
    maxima = local_maxima(reconstruction(heights - 0.7, heights), connectivity=3) & (mask > 0)
    markers, n = ndimage.label(maxima, np.ones((3, 3, 3)))
    regions = watershed(-heights, markers, mask=mask > 0, connectivity=3)
    assert result.n == n
    assert scoring.score(regions, labels).f1 > 0.95


def test_snow():
    import logging

    shape = (40, 40, 70)
    mask = ball(shape, (20, 20, 20), 14) | ball(shape, (20, 20, 46), 14)
    before = (np.geterr(), list(logging.getLogger().handlers), logging.getLogger().level)
    labels, result = labelled(mask, method="snow")
    assert (np.geterr(), list(logging.getLogger().handlers), logging.getLogger().level) == before
    assert result.n == 2
    np.testing.assert_array_equal(labels > 0, mask)
    with pytest.raises(MemoryCapError, match="choose split"):
        labelled(mask, method="snow", scratch=Scratch(None, 1000))


# ---------------------------------------------------------------- options, and the kernels without the compiler


def test_options_are_checked():
    assert SplitOptions().method == "ascent"
    with pytest.raises(SettingsError, match="watershed"):
        SplitOptions(method="watershd")
    with pytest.raises(SettingsError, match=r"split\.join"):
        SplitOptions(join=2.5)


def test_uncompiled_kernels_agree():
    """The kernels as plain Python give the same labels: nothing hangs on what the compiler makes of them."""
    code = (
        "import json, numpy as np\n"
        "from morphct.ground.work import Work\n"
        "from morphct.segment.split.split import SplitOptions, split\n"
        "mask = (np.random.default_rng(5).random((5, 8, 9)) < 0.85).astype(np.uint8)\n"
        "r = split(mask, (2.0, 1.0, 1.0), SplitOptions(), Work.of(mask.shape, 2, rows=3))\n"
        "print(json.dumps([r.summary(), r.labels.tolist()]))"
    )
    root = Path(__file__).parents[3]
    said = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            capture_output=True, text=True, check=True, cwd=root, env={**os.environ, "NUMBA_DISABLE_JIT": off},
        ).stdout
        for off in ("0", "1")
    ]  # fmt: skip
    assert json.loads(said[0]) == json.loads(said[1])
    assert json.loads(said[0])[0]["basins"] > 3


@pytest.mark.parametrize("shape", [(9, 8, 12), (2, 5, 40), (4, 2, 3)])
def test_boxes_naive_twin(shape):
    mask = blobs(shape, 4, 0.8, -0.5)
    mirrored = np.pad(mask, 3, mode="symmetric")
    boxes = [(0, shape[0], 0, shape[1]), (1, 2, 0, 2), (0, 1, 1, 2)]
    for z0, z1, y0, y1 in boxes:
        box = Brick(0, z0, z1, y0, y1)
        solid = surroundings.Region.of(mask, box.widened((3, 3), shape))
        padded = surroundings.padded(solid, box, shape)
        np.testing.assert_array_equal(padded, mirrored[z0 : z1 + 6, y0 : y1 + 6])
        out = np.zeros((z1 - z0 + 1, y1 - y0 + 2, shape[2] + 2), np.uint16)
        box_counts.count_boxes(padded, 2, out)
        for z, y, x in np.ndindex(z1 - z0, y1 - y0, shape[2]):
            place = (z0 + z, y0 + y, x)
            found = int(out[z + 1, y + 2, x + 1])
            assert found & int(box_counts.COUNT) == naive.box_count(mask, place)
            if mask[place]:
                assert (found > box_counts.COUNT) == naive.on_surface(mask, place)
