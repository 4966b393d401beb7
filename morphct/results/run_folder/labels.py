"""Label images on disk: a Zarr v3 store with OME-Zarr 0.5 metadata, and TIFF for Fiji. Written by planes, in order."""

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ...ground import disk
from ...ground.units import VoxelSize

CHUNK = (16, 256, 256)
ZSTD_LEVEL = 3  # fixed, because the same labels must give the same bytes
_LARGEST_IMAGEJ = (1 << 32) - (1 << 20)  # a classic TIFF holds 4 GiB, headers included
_OME_UNIT = {"um": "micrometer"}
_TIFF_UNIT = {"um": "\\u00B5m", "px": "pixel"}  # ImageJ reads the micro sign only as this escape


def label_dtype(count: int) -> np.dtype:
    """The smallest of uint16 and uint32 that holds labels 0 to `count` (uint8 would save little once compressed)."""
    return np.dtype(np.uint16 if count <= np.iinfo(np.uint16).max else np.uint32)


@cache
def _hashing_store() -> Any:
    """The class of a store on disk that remembers the hash of all it was given to write; zarr is imported when used."""
    from zarr.storage import LocalStore

    class HashingStore(LocalStore):
        """Writes files as its base does; `hashes` has the SHA-256 of each, by its name in the store."""

        hashes: dict[str, str]

        async def set(self, key: str, value: Any) -> None:
            """Write one file."""
            # of what was to be written: what the disk made of it is another matter
            self.hashes[key] = hashlib.sha256(value.as_buffer_like()).hexdigest()
            await super().set(key, value)

    return HashingStore


def damage(path: Path, hashes: Mapping[str, str]) -> str:
    """What is not whole in a label store whose files should have these hashes; an empty text when all of it is.

    A chunk that is missing reads as background, so files are counted both ways.
    """
    there = {p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()}
    if missing := sorted(hashes.keys() - there):
        return f"{path.name} lacks {len(missing)} of {len(hashes)} files"
    if there - hashes.keys():
        return f"{path.name} holds files that were never written"
    for name, wanted in hashes.items():
        with open(path / name, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != wanted:
                return f"{path.name}/{name} is damaged"
    return ""


class LabelStore:
    """A label image written plane by plane and readable as an array-like once closed; `hashes` of its files by name.

    Parameters
    ----------
    path : path
        The `.zarr` folder to make.
    shape : tuple of int
        (Z, Y, X).
    dtype : dtype
        Of the stored labels; wider labels are cast, so it must hold the largest one.
    voxel_size : VoxelSize
        Goes into the metadata, so that viewers show the right size.
    """

    def __init__(self, path: Path | str, shape: tuple[int, int, int], dtype: Any, voxel_size: VoxelSize) -> None:
        import zarr
        from zarr.codecs import BytesCodec, ZstdCodec

        self.path = Path(path)
        self.shape = tuple(int(n) for n in shape)
        self.dtype = np.dtype(dtype)
        disk.step("make", self.path)
        store = _hashing_store()(self.path)
        self.hashes: dict[str, str] = {}
        store.hashes = self.hashes
        group = zarr.create_group(store=store, zarr_format=3, overwrite=True)
        self._array = group.create_array(
            "0",
            shape=self.shape,
            chunks=tuple(min(c, max(1, n)) for c, n in zip(CHUNK, self.shape)),
            dtype=self.dtype,
            serializer=BytesCodec(endian="little"),
            compressors=ZstdCodec(level=ZSTD_LEVEL, checksum=False),
            fill_value=0,
            dimension_names=("z", "y", "x"),
        )
        group.attrs["ome"] = _ome(self.path.stem, voxel_size)
        self._depth = self._array.chunks[0]
        self._held: list[np.ndarray] = []
        self._done = 0

    def write(self, planes: np.ndarray) -> None:
        """Add the next planes, (n, Y, X) with any n; a thinner rest waits for a whole chunk.

        Raises
        ------
        OSError
            When the disk refuses (`RunWriter.labels` tells it in a sentence).
        """
        start = 0
        waiting = sum(len(h) for h in self._held)
        if waiting:
            start = min(len(planes), self._depth - waiting)
            # a copy: the caller may use its slab again
            self._held.append(planes[:start].astype(self.dtype))
            if waiting + start == self._depth:
                self._flush()
        while len(planes) - start >= self._depth:
            self._put(planes[start : start + self._depth])
            start += self._depth
        if start < len(planes):
            self._held.append(planes[start:].astype(self.dtype))

    def close(self) -> None:
        """Write what waits; every plane must have come.

        Raises
        ------
        ValueError
            When planes are missing, which is a defect of the caller.
        """
        self._flush()
        if self._done != self.shape[0]:
            raise ValueError(f"{self.path.name} got {self._done} of {self.shape[0]} planes")

    def __getitem__(self, key: Any) -> np.ndarray:
        return np.asarray(self._array[key])

    def _flush(self) -> None:
        if self._held:
            block = self._held[0] if len(self._held) == 1 else np.concatenate(self._held)
            self._held = []
            self._put(block)

    def _put(self, block: np.ndarray) -> None:
        disk.step("write", self.path)
        self._array[self._done : self._done + len(block)] = block.astype(self.dtype, copy=False)
        self._done += len(block)


def _ome(name: str, voxel_size: VoxelSize) -> dict[str, Any]:
    """OME-Zarr 0.5 `ome` attribute of a label image with one resolution."""
    unit = _OME_UNIT.get(voxel_size.unit)
    axes = [{"name": a, "type": "space"} | ({"unit": unit} if unit else {}) for a in "zyx"]
    scale = {"type": "scale", "scale": [float(s) for s in voxel_size.spacing]}
    return {
        "version": "0.5",
        "multiscales": [
            {"name": name, "axes": axes, "datasets": [{"path": "0", "coordinateTransformations": [scale]}]}
        ],
        "image-label": {},
    }


def open_labels(path: Path | str) -> Any:
    """The (Z, Y, X) array of a label store, read lazily when sliced."""
    import zarr

    return zarr.open_array(store=str(Path(path) / "0"), mode="r")


def write_tiff(path: Path | str, labels: Any, voxel_size: VoxelSize) -> None:
    """Write a label image as TIFF: an ImageJ hyperstack where that can hold it (uint16, < 4 GiB), else OME-BigTIFF.

    Parameters
    ----------
    path : path
        File to write.
    labels : array-like
        (Z, Y, X) uint16 or uint32, sliced by planes.
    voxel_size : VoxelSize
        Goes into the metadata.
    """
    import tifffile

    shape, dtype = tuple(labels.shape), np.dtype(labels.dtype)
    planes: dict[str, Any] = {"shape": shape, "dtype": dtype, "photometric": "minisblack"}
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    z, y, x = voxel_size.spacing
    if dtype == np.uint16 and size < _LARGEST_IMAGEJ:
        unit = _TIFF_UNIT[voxel_size.unit]
        planes |= {"resolution": (1 / x, 1 / y), "metadata": {"axes": "ZYX", "spacing": z, "unit": unit}}
        with tifffile.TiffWriter(path, imagej=True) as tiff:
            tiff.write(_planes(labels), **planes)
        return
    unit = "µm" if voxel_size.unit == "um" else "pixel"
    physical: dict[str, Any] = {f"PhysicalSize{a}": s for a, s in zip("ZYX", (z, y, x))}
    physical |= {f"PhysicalSize{a}Unit": unit for a in "ZYX"}
    # a fixed UUID: the same labels must give the same bytes
    uuid = {"UUID": "urn:uuid:00000000-0000-0000-0000-000000000000"}
    with tifffile.TiffWriter(path, bigtiff=True, ome=True) as tiff:
        tiff.write(_planes(labels), **planes, compression="zlib", metadata={"axes": "ZYX", **physical, **uuid})


def _planes(labels: Any) -> Iterator[np.ndarray]:
    depth = CHUNK[0]
    for z in range(0, labels.shape[0], depth):
        yield from np.asarray(labels[z : z + depth])
