"""Chunked volumes: an array to read and to write, whatever its chunks, in memory or in a file, by several threads."""

import errno
import threading

import numpy as np
import pytest

from morphct.ground import chunks
from morphct.ground.chunks import CHUNK_VOXELS, ChunkedVolume, Room
from morphct.ground.errors import OutputError
from morphct.ground.work import Work

SHAPE = (40, 70, 300)  # chunks of 16 x 32 x 128: cut along every axis, the last ones partly filled


def a_box(rng):
    cut = [np.sort(rng.integers(0, n + 1, 2)) for n in SHAPE]
    return tuple(slice(int(a), int(b)) for a, b in cut)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64, np.float32])
@pytest.mark.parametrize("budget", [0, 20_000, 1 << 30])
def test_boxes_written_and_read_are_those_of_an_array(tmp_path, dtype, budget):
    for seed in range(3):
        rng, room = np.random.default_rng(seed), Room(budget)
        held = ChunkedVolume(tmp_path / "volume.raw", SHAPE, dtype, room)
        plain = np.zeros(SHAPE, dtype)
        for step in range(12):
            box = a_box(rng)
            largest = 200 if step % 3 else 70_000
            values = rng.integers(-5 if np.dtype(dtype).kind in "if" else 0, min(largest, 250) + 1, plain[box].shape)
            plain[box] = values
            held[box] = values.astype(dtype)
            box = a_box(rng)
            np.testing.assert_array_equal(held[box], plain[box])
        np.testing.assert_array_equal(held[:], plain)
        np.testing.assert_array_equal(held[3], plain[3])
        np.testing.assert_array_equal(held[3:5, 7], plain[3:5, 7])
        held.close()
        assert (room.in_memory, room.on_disk) == (0, 0)
        assert not list(tmp_path.iterdir())


def test_a_value_is_written_everywhere():
    held = ChunkedVolume("unused", SHAPE, np.int32, Room(1 << 30))
    held[2:30] = 7
    held[5] = np.arange(300, dtype=np.int32)
    assert (held[2:5] == 7).all()
    np.testing.assert_array_equal(held[5], np.broadcast_to(np.arange(300), SHAPE[1:]))
    with pytest.raises(ValueError, match="step 1"):
        held[::2]


def test_large_and_negative_numbers_keep_their_values():
    held = ChunkedVolume("unused", (8, 8, 8), np.int32, Room(1 << 30))
    for value in (255, 256, -1, 65_535, 65_536, -40_000, 2**31 - 1, -(2**31)):
        held[:4] = value
        held[4:] = 3
        assert held[0, 0, 0] == value
        assert held[7, 7, 7] == 3
        assert held[:].dtype == np.int32


def test_zeros_and_one_label_take_next_to_no_room():
    room = Room(1 << 30)
    held = ChunkedVolume("unused", (64, 128, 512), np.int32, room)
    held[:] = 0
    assert room.in_memory == 0
    held[:] = 123_456
    assert room.in_memory < 0.02 * held.nbytes


def test_noise_leaves_half_of_the_room_to_what_shrinks(tmp_path):
    rng, room = np.random.default_rng(1), Room(400_000)
    grey = ChunkedVolume(tmp_path / "grey.raw", (64, 64, 128), np.uint16, room)
    grey[:] = rng.integers(0, 1 << 16, grey.shape).astype(np.uint16)
    assert room.in_memory <= 200_000
    assert room.on_disk > 500_000
    before = room.on_disk
    labels = ChunkedVolume(tmp_path / "labels.raw", (64, 64, 128), np.int32, room)
    labels[:, :, :60] = 5
    assert room.on_disk == before
    grey.close()
    labels.close()


def test_what_is_written_again_uses_its_place_again(tmp_path):
    rng, room = np.random.default_rng(2), Room(0)
    held = ChunkedVolume(tmp_path / "grey.raw", (32, 32, 128), np.uint16, room)
    sizes = []
    for _ in range(6):
        held[:] = rng.integers(0, 1 << 16, held.shape).astype(np.uint16)
        sizes.append(room.on_disk)
    assert sizes[-1] <= 2 * sizes[0]
    held.close()


@pytest.mark.parametrize("budget", [0, 1 << 30])
def test_threads_write_their_parts_of_one_chunk_and_read_their_own(tmp_path, budget):
    held = ChunkedVolume(tmp_path / "volume.raw", (16, 32, 128), np.uint16, Room(budget))
    wrong = []

    def work(z):
        for round_ in range(1, 30):
            held[z, 3:20] = 100 * round_ + z
            if not (held[z, 3:20] == 100 * round_ + z).all():
                wrong.append(z)

    threads = [threading.Thread(target=work, args=(z,)) for z in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not held[:, :3].any()
    held.close()


@pytest.mark.parametrize("budget", [0, 60_000, 1 << 30])
def test_a_copy_and_its_source_change_apart(tmp_path, budget):
    rng, room = np.random.default_rng(4), Room(budget)
    one, other = (ChunkedVolume(tmp_path / name, SHAPE, np.uint16, room) for name in ("one.raw", "other.raw"))
    first = rng.integers(0, 900, SHAPE).astype(np.uint16)
    first[:16] = 0
    one[:], other[:] = first, 7
    Work.of(SHAPE, 7).copy(one, other)
    np.testing.assert_array_equal(other[:], first)
    one[5:20, 3:50] = 1
    np.testing.assert_array_equal(other[:], first)
    other[:] = 2
    assert (one[5:20, 3:50] == 1).all()
    one.close()
    other.close()
    assert (room.in_memory, room.on_disk) == (0, 0)


def test_a_full_disk_is_a_sentence(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    held = ChunkedVolume(tmp_path / "volume.raw", (4, 4, 4), np.uint8, Room(0))
    monkeypatch.setattr(chunks.os, "pwrite", full)
    with pytest.raises(OutputError, match=r"the disk of intermediate volumes is full .*--scratch DIR"):
        held[:] = 3
    held.close()


def test_chunks_are_no_larger_than_the_volume():
    assert ChunkedVolume("unused", (3, 1000, 20), np.uint8, Room(0)).chunks == (3, CHUNK_VOXELS[1], 20)
