"""Fixtures of the whole suite: the shared real volumes, small files, and a check of what a volume reads."""

import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SHARED = Path(os.environ.get("MORPHCT_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")

# tests measure: nothing is taken from the user's cache, nor kept in it; tests of it set a folder of their own
os.environ["MORPHCT_CACHE_DIR"] = ""


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """`shared_data("name.tif")` is the path of a shared real volume; the test is skipped where it is absent."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.is_file():
            pytest.skip(f"no {name} beside the repository (MORPHCT_SHARED_DATA says where)")
        return path

    return find


@pytest.fixture
def tmp_tif(tmp_path: Path) -> Callable[..., Path]:
    """`tmp_tif(array, name="volume.tif", voxel_um=None)` writes a stack; `voxel_um` (z,y,x) as ImageJ does."""

    def write(array: np.ndarray, name: str = "volume.tif", voxel_um: Any = None) -> Path:
        import tifffile

        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if voxel_um is None:
            tifffile.imwrite(path, array, metadata={"axes": "ZYX"})
        else:
            z, y, x = (voxel_um,) * 3 if np.isscalar(voxel_um) else voxel_um
            facts = {"axes": "ZYX", "spacing": z, "unit": "um"}
            tifffile.imwrite(path, array, imagej=True, resolution=(1 / x, 1 / y), metadata=facts)
        return path

    return write


@pytest.fixture
def grey() -> Callable[..., np.ndarray]:
    """`grey(dtype, shape)` is a volume in which every voxel can be told from its neighbours."""

    def make(dtype: Any = "u2", shape: tuple[int, int, int] = (11, 13, 17), seed: int = 0) -> np.ndarray:
        rng, dtype = np.random.default_rng(seed), np.dtype(dtype)
        if dtype.kind == "b":
            return rng.random(shape) < 0.5
        if dtype.kind == "f":
            return rng.normal(0, 100, shape).astype(dtype)
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype.newbyteorder("="), endpoint=True).astype(dtype)

    return make


@pytest.fixture
def same_voxels() -> Callable[[Any, np.ndarray], None]:
    """`same_voxels(volume, array)`: slabs, boxes, threads and a pickled copy all read the voxels of the array."""

    def check(volume: Any, array: np.ndarray) -> None:
        wanted = array.view(np.uint8) if array.dtype == np.bool_ else array
        wanted = wanted.astype(wanted.dtype.newbyteorder("="))
        assert volume.shape == array.shape
        assert volume.dtype == wanted.dtype
        assert volume.dtype.isnative
        depth, height, width = array.shape
        slabs = [(z, min(z + 3, depth)) for z in range(0, depth, 3)]
        with ThreadPoolExecutor(4) as pool:  # several at a time, and backwards: no slab may depend on the one before
            blocks = list(pool.map(lambda s: volume[s[0] : s[1]], slabs[::-1]))[::-1]
        assert all(b.flags.c_contiguous and b.dtype.isnative for b in blocks)
        np.testing.assert_array_equal(np.concatenate(blocks), wanted)
        for box in (np.s_[1:depth, 2 : height - 1, 1 : width - 2], np.s_[depth - 1 :, :, 3:4], np.s_[:, 4:5, :]):
            np.testing.assert_array_equal(volume[box], wanted[box])
        again = pickle.loads(pickle.dumps(volume))
        np.testing.assert_array_equal(again[depth // 2], wanted[depth // 2])

    return check
