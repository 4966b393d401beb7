"""Files that decode whole planes: read by bricks, every plane is decoded once."""

import pickle
import threading

import numpy as np
import pytest
import tifffile

from morphct import reading
from morphct.ground.errors import InputError
from morphct.ground.executors import Threads
from morphct.ground.work import Work
from morphct.reading.held_planes import PIECE_PLANES, HeldPlanes, held_bytes, planes_once
from morphct.reading.volume import ArraySource, Volume

GREY = np.random.default_rng(0).integers(0, 60000, (29, 31, 37)).astype(np.uint16)


class Costly:
    """Planes along one axis that are decoded whole; counts how often."""

    def __init__(self, array, axis=0, broken=None):
        self.array, self.axis, self.broken = array, axis, broken
        self.shape, self.dtype = array.shape, array.dtype
        self.chunk = tuple(1 if i == axis else n for i, n in enumerate(array.shape))
        self.decoded = np.zeros(array.shape[axis], int)
        self.lock = threading.Lock()

    def read(self, box):
        a, b = box[self.axis]
        if self.broken is not None and a <= self.broken < b:
            raise OSError("damaged")
        with self.lock:
            self.decoded[a:b] += 1
        return self.array[tuple(slice(*part) for part in box)]

    def __getstate__(self):
        return {k: v for k, v in self.__dict__.items() if k != "lock"}

    def __setstate__(self, state):
        self.__dict__.update(state, lock=threading.Lock())


def read_all(volume, work, reach):
    """The volume put together from bricks that were read with a halo."""
    out = np.zeros(volume.shape, volume.dtype)

    def task(brick):
        outer = brick.widened(reach, volume.shape)
        out[brick.here] = volume[outer.here][brick.within(outer)]

    work.do(task)
    return out


@pytest.mark.parametrize("axes", ["zyx", "xyz", "yzx"])
@pytest.mark.parametrize("crop", [None, ((3, 27), (2, 30), (1, 36))])
@pytest.mark.parametrize(("planes", "rows"), [(7, 10), (5, 31), (29, 4), (1, 9)])
@pytest.mark.parametrize("reach", [(2, 3), (9, 1), (0, 0)])
def test_each_plane_is_decoded_once(axes, crop, planes, rows, reach):
    stored = GREY.transpose(["zyx".index(name) for name in axes])
    source = Costly(stored, axes.index("z"))
    volume = Volume(source, axes, crop)
    assert reading.costly_boxes(volume)
    wanted = volume[:].copy()
    for workers in (1, 3):
        source.decoded[:] = 0
        work = Work.of(volume.shape, planes, Threads(workers), rows)
        with planes_once(volume, work) as held:
            np.testing.assert_array_equal(read_all(held, work, reach), wanted)
            outer = min(planes + 2 * reach[0], volume.shape[0])
            if len(work.layers) < len(work.bricks):
                assert 0 < held.source.nbytes <= held_bytes(volume, outer, workers)
        seen = source.decoded[slice(*crop[0]) if crop else slice(None)]
        if len(work.layers) == len(work.bricks):
            assert held is volume
        elif workers == 1:  # several threads may ask for a layer before the one below is all there
            assert (seen == 1).all()
        else:
            assert seen.max() <= 2 + 2 * -(-reach[0] // planes)
        assert getattr(held.source, "nbytes", 0) == 0


def test_whole_planes_and_cheap_files_are_read_as_they_are():
    source = Costly(GREY)
    held = HeldPlanes(source, ((0, 29), (0, 31), (0, 37)), 0)
    np.testing.assert_array_equal(held.read(((3, 9), (0, 31), (0, 37))), GREY[3:9])
    assert held.nbytes == 0
    work = Work.of(GREY.shape, 7, rows=9)
    for cheap in (GREY, Volume(ArraySource(GREY))):
        with planes_once(cheap, work) as found:
            assert found is cheap
        assert held_bytes(cheap, 7, 2) == 0


def test_threads_decode_a_layer_together():
    source = Costly(np.zeros((4 * PIECE_PLANES, 20, 20), np.uint8))
    meet, read = threading.Barrier(2, timeout=30), source.read

    def met(box):
        if box[0][0] < 2 * PIECE_PLANES:
            meet.wait()  # two pieces are under way at one time, or this never ends
        return read(box)

    source.read = met
    work = Work.of(source.shape, source.shape[0], Threads(2), 5)
    with planes_once(Volume(source), work) as held:
        read_all(held, work, (0, 1))
    assert (source.decoded == 1).all()


def test_a_stream_read_forwards_is_decoded_in_one_piece():
    source = Costly(GREY)
    source.forwards = True
    pieces, read = [], source.read
    source.read = lambda box: pieces.append(box[0]) or read(box)
    work = Work.of(GREY.shape, 29, Threads(2), 7)
    with planes_once(Volume(source), work) as held:
        read_all(held, work, (0, 1))
    assert pieces == [(0, 29)]


@pytest.mark.parametrize("workers", [1, 3])
def test_damage_is_told_to_all_that_wait(workers):
    volume = Volume(Costly(GREY, broken=17))
    work = Work.of(GREY.shape, 12, Threads(workers), 6)
    with planes_once(volume, work) as held, pytest.raises(InputError, match="cannot be read"):
        read_all(held, work, (1, 1))


def test_what_is_held_stays_behind_when_pickled():
    held = HeldPlanes(Costly(GREY), ((0, 29), (0, 31), (0, 37)), 0)
    part = held.read(((3, 9), (4, 8), (0, 37)))
    other = pickle.loads(pickle.dumps(held))
    assert (held.nbytes, other.nbytes) == (GREY[3:9].nbytes, 0)
    np.testing.assert_array_equal(other.read(((3, 9), (4, 8), (0, 37))), part)
    part[:] = 0  # what is given out is not what is held
    np.testing.assert_array_equal(held.read(((3, 9), (4, 8), (0, 37))), GREY[3:9, 4:8])


@pytest.mark.parametrize("compression", ["zlib", "packbits"])
def test_compressed_tiff(tmp_path, compression):
    tifffile.imwrite(tmp_path / "grey.tif", GREY, compression=compression, photometric="minisblack")
    volume = reading.open_volume(tmp_path / "grey.tif")
    assert reading.costly_boxes(volume)
    work = Work.of(volume.shape, 9, Threads(2), 8)
    with planes_once(volume, work) as held:
        np.testing.assert_array_equal(read_all(held, work, (2, 1)), GREY)
