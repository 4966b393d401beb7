"""Who lies in whose hole, against taking every label away in turn, and on graphs of labels."""

import numpy as np
import pytest
from scipy import ndimage

from morphct.ground.work import Work
from morphct.segment.labels.envelope import Envelope
from morphct.segment.labels.nesting import Nesting, find_nesting
from tests.naive import labels as naive


def around(image: np.ndarray, planes: int = 5, rows: int | None = None) -> np.ndarray:
    n = int(image.max())
    found = find_nesting(Envelope(image, n).read, image.shape, n, 1.2, Work.of(image.shape, planes, rows=rows))
    return np.zeros(n + 1, np.int64) if found is None else found.around


def balls(seed: int) -> np.ndarray:
    """Balls about two places laid over each other, large ones first: many lie in one another, some between several."""
    rng = np.random.default_rng(seed)
    shape = (18, 18, 30)
    kind = np.zeros(shape, np.int32)
    for i, radius in enumerate(range(8, 0, -1), 1):
        middle = np.array([9, 9, 9 + 12 * (i % 2)]) + rng.uniform(-0.8, 0.8, 3)
        kind[((np.indices(shape) - middle[:, None, None, None]) ** 2).sum(0) <= radius**2] = i
    image, n = np.zeros(shape, np.int32), 0
    for i in range(1, 9):
        pieces, count = ndimage.label(kind == i, naive.SIX)
        image[pieces > 0] = pieces[pieces > 0] + n
        n += count
    numbers = np.concatenate([[0], rng.permutation(n) + 1])  # labels in no order of their places
    return np.pad(numbers[image].astype(np.int32), 1)


@pytest.mark.parametrize("seed", range(4))
def test_as_taking_every_label_away_tells(seed):
    image = balls(seed)
    truth = naive.within(image, 1.2)
    assert (truth > 0).any()
    for planes, rows in ((1, None), (5, None), (len(image), None), (4, 7), (1, 1), (len(image), 3)):
        np.testing.assert_array_equal(around(image, planes, rows), truth)


def test_a_grain_among_several_lies_in_none():
    image = np.zeros((12, 12, 12), np.int32)
    image[1:11, 1:11, 1:6], image[1:11, 1:11, 6:11] = 1, 2
    image[4:8, 4:8, 4:8] = 3
    assert not around(image).any()
    image[5:7, 5:7, 5:7] = 4
    assert around(image).tolist() == [0, 0, 0, 0, 3]


@pytest.mark.parametrize(("side", "held"), [(2, True), (24, False)])
def test_at_a_face_walls_are_held_against_the_area(side, held):
    """One plane deep: 4 + 8 faces with the other for 4 at the face, and 576 + 96 for 576."""
    image = np.ones((8, 40, 40), np.int32)
    image[:1, 4 : 4 + side, 4 : 4 + side] = 2
    assert around(image).tolist() == [0, 0, int(held)]


def test_what_holds_a_corner_lies_in_nothing():
    image = np.ones((8, 8, 8), np.int32)
    image[:3, :3, :3] = 2
    assert not around(image).any()


def test_everything_within():
    nesting = Nesting.of(np.array([0, 0, 1, 2, 2, 0]))
    assert nesting.within(np.array([1])).tolist() == [2, 3, 4]
    assert nesting.within(np.array([1, 2])).tolist() == [3, 4]
    assert nesting.within(np.array([5])).tolist() == []
    assert [(a.tolist(), b.tolist()) for a, b in nesting.outward()] == [([2, 3, 4], [1, 2, 2]), ([3, 4], [1, 1])]
