"""The quicker loops over crops against plain ones: the highest values, derivatives, deep voxels, sure sides."""

import numpy as np
import pytest

from morphct.kernels.extremes import smallest, smallest_of_scratch
from morphct.kernels.measurement import background, curvature, outlines, resample


def plain_highest(field, wanted, alike_within, worst):
    """`resample.highest` by sorting."""
    level = np.partition(field, field.size - wanted, axis=None)[field.size - wanted]
    out = (field > max(level + np.float32(alike_within), np.float32(0))).astype(np.uint8)
    alike = np.flatnonzero((np.abs(field - level) <= np.float32(alike_within)) & (field > 0))
    lacking = wanted - int(np.count_nonzero(out))
    if 0 < lacking <= len(alike):
        if min(lacking, len(alike) - lacking) > worst * wanted:
            alike = alike[np.arange(lacking) * len(alike) // lacking]
        elif 2 * lacking < len(alike):
            alike = alike[:0]
    out.reshape(-1)[alike] = 1
    return out


@pytest.mark.parametrize("seed", range(6))
def test_highest_values_are_those_by_sorting(seed):
    rng = np.random.default_rng(seed)
    field = np.maximum(rng.random((5, 6, 7)) - 0.4, 0).astype(np.float32)
    if seed % 2:
        field = np.round(field * 4).astype(np.float32) / 4  # faces of equal values
    for wanted in (1, 7, 60, 130, field.size):
        found = resample.highest(field, wanted, np.float32(1e-5), 0.01)
        np.testing.assert_array_equal(found, plain_highest(field, wanted, 1e-5, 0.01))
        level = np.partition(field, field.size - wanted, axis=None)[field.size - wanted]
        assert resample._counted_level(field, wanted) == level  # as large fields are ranked


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rows_of_zeros_change_no_bit_of_a_convolution(axis):
    rng = np.random.default_rng(axis)
    field = np.zeros((9, 8, 10), np.float32)
    field[3:6, 2:5, 4:8] = rng.random((3, 3, 4))
    weights = rng.normal(size=5).astype(np.float32)
    wanted = np.zeros_like(field)
    wide = np.pad(field, 2)
    for k in range(5):
        part = [slice(2, -2)] * 3
        part[axis] = slice(k, k + field.shape[axis])
        wanted += weights[k] * wide[tuple(part)]
    found = np.full_like(field, 7)
    curvature.convolve(field, weights, axis, found)
    np.testing.assert_array_equal(found, wanted)


def test_deep_voxels_are_found_in_their_order():
    rng = np.random.default_rng(0)
    surface = np.pad(rng.integers(0, 5, (4, 5, 6)), 3).astype(np.float32)
    depth = surface + np.pad(rng.integers(0, 3, (4, 5, 6)), 3).astype(np.float32)
    wide = np.arange(9 * 9 * 9).reshape(9, 9, 9)
    places, depths = background.deep_places(surface, depth, np.float32(3), 3, (2, 1, 3), wide.shape)
    inner = (slice(3, -3),) * 3
    deep = surface[inner] >= 3
    np.testing.assert_array_equal(places, wide[2:6, 1:6, 3:9][deep])
    np.testing.assert_array_equal(depths, depth[inner][deep])


@pytest.mark.parametrize("seed", range(4))
def test_smallest_needs_no_memory(seed):
    values = np.random.default_rng(seed).random(37)
    assert smallest_of_scratch(values.copy()) == smallest(values) == values.min()


@pytest.mark.parametrize("seed", range(4))
def test_a_point_as_far_from_a_polygon_as_is_said_lies_on_the_known_side(seed):
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.random(40)) * 2 * np.pi
    radius = 10 * (1 + 0.3 * rng.random(40))
    xs, ys = radius * np.cos(angle), radius * np.sin(angle)
    longest = outlines._longest_side(xs, ys)
    for x, y in rng.uniform(-14, 14, (200, 2)):
        inside = outlines._contains(xs, ys, x, y)
        depth = outlines.nearest_vertex(xs, ys, x, y, np.empty(xs.size))
        margin = outlines._margin(depth, inside, longest)
        assert margin * (1 if inside else -1) >= 0
        for turn in rng.random(4) * 2 * np.pi:
            off = 0.999 * abs(margin)
            assert outlines._contains(xs, ys, x + off * np.cos(turn), y + off * np.sin(turn)) == inside or margin == 0
