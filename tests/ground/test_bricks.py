import numpy as np
import pytest

from morphct.ground.bricks import Brick, plan_bricks, spans


@pytest.mark.parametrize(("planes", "rows"), [(1, 1), (3, 4), (20, None), (7, 100), (4, 9)])
def test_bricks_cover_a_volume_once(planes, rows):
    times = np.zeros((10, 9, 3), np.int64)
    bricks = plan_bricks(times.shape, planes, rows)
    for i, brick in enumerate(bricks):
        assert brick.index == i
        times[brick.here] += 1
    assert (times == 1).all()


def test_a_halo_ends_where_the_volume_does():
    inner = Brick(3, 4, 6, 0, 5)
    outer = inner.widened((3, 2), (8, 20, 30))
    assert (outer.z0, outer.z1, outer.y0, outer.y1) == (1, 8, 0, 7)
    assert inner.core(outer) == (3, 5, 0, 5)
    volume = np.arange(8 * 20 * 30).reshape(8, 20, 30)
    np.testing.assert_array_equal(volume[outer.here][inner.within(outer)], volume[inner.here])


def test_spans_are_half_open_and_none_is_empty():
    assert spans(7, 3) == [(0, 3), (3, 6), (6, 7)]
    assert spans(2, 5) == [(0, 2)]
    assert spans(3, 0) == [(0, 1), (1, 2), (2, 3)]
