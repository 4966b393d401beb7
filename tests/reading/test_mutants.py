"""Damaged files of every format: the right answer or one sentence, never another exception, never a hang."""

import os
import random
import shutil
import signal
import zipfile
from importlib.util import find_spec
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import zarr

from morphct.ground.errors import UserError
from morphct.reading import open_volume

COUNT = int(os.environ.get("MORPHCT_MUTANTS", "200"))  # of mutants a kind; 1000 in the long mode
SECONDS = 10  # for one of them
HEAD = 1200  # bytes where most of the lies are told
ARRAY = np.random.default_rng(0).integers(0, 4000, (7, 9, 11)).astype("<u2")
FACTS = "ObjectType = Image\nNDims = 3\nDimSize = 11 9 7\nElementSpacing = 1 1 2\nElementType = MET_USHORT\n"
AMIRA = (
    '# AmiraMesh BINARY-LITTLE-ENDIAN 2.1\ndefine Lattice 11 9 7\nParameters {{ Units {{ Coordinates "um" }}\n'
    'BoundingBox 0 1 0 1 0 1,\nCoordType "uniform" }}\nLattice {{ ushort Data }} @1{}\n@1\n'
)


def hdf5(path, **how):
    with h5py.File(path, "w", **how) as file:
        data = file.create_group("entry")
        data.attrs.update({"NX_class": "NXdata", "signal": "v", "axes": ["z", "y", "x"]})
        data["v"] = ARRAY
        for name, n in zip("zyx", ARRAY.shape):
            data[name] = np.arange(n) * 0.1
            data[name].attrs["units"] = "um"


def zipped(path):
    folder = path.with_name("store")
    zarr.create_array(str(folder), data=ARRAY, chunks=(4, 9, 11))
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.rglob("*"):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    shutil.rmtree(folder)


def run_lengths(path):
    data = b"".join(
        bytes([0x80 | len(p)]) + p for p in (ARRAY.tobytes()[i : i + 99] for i in range(0, 2 * ARRAY.size, 99))
    )
    path.write_bytes(AMIRA.format(f"(HxByteRLE,{len(data)})").encode() + data)


def mrc(path):
    import mrcfile

    with mrcfile.new(path) as file:
        file.set_data(ARRAY)


def nifti(path):
    import nibabel

    nibabel.save(nibabel.Nifti1Image(ARRAY.transpose(2, 1, 0), np.eye(4)), path)


def dicom(path):
    from reading.test_formats import write_dicom

    write_dicom(path.parent, ARRAY[:1], [path.name], NumberOfFrames=7, PixelData=ARRAY.tobytes())


def nrrd(path):
    head = "NRRD0004\ntype: ushort\ndimension: 3\nsizes: 11 9 7\nencoding: raw\nendian: little\nspacings: 1 1 1\n\n"
    path.write_bytes(head.encode() + ARRAY.tobytes())


WRITERS = {
    "plain.tif": lambda p: tifffile.imwrite(p, ARRAY, metadata=None),
    "lzw.tif": lambda p: tifffile.imwrite(p, ARRAY, compression="lzw", metadata=None),
    "tiled.tif": lambda p: tifffile.imwrite(p, ARRAY, tile=(16, 16)),
    "big.tif": lambda p: tifffile.imwrite(p, ARRAY, bigtiff=True),
    "imagej.tif": lambda p: tifffile.imwrite(
        p, ARRAY, imagej=True, resolution=(9, 9), metadata={"spacing": 0.1, "unit": "um"}
    ),
    "a.ome.tif": lambda p: tifffile.imwrite(p, ARRAY, metadata={"axes": "ZYX", "PhysicalSizeX": 0.1}),
    "a.npy": lambda p: np.save(p, ARRAY),
    "a.npz": lambda p: np.savez(p, v=ARRAY),
    "packed.npz": lambda p: np.savez_compressed(p, v=ARRAY, x=ARRAY[0]),
    "a.h5": hdf5,
    "new.h5": lambda p: hdf5(p, libver="latest"),
    "a.zarr.zip": zipped,
    "a.mha": lambda p: p.write_bytes(FACTS.encode() + b"ElementDataFile = LOCAL\n" + ARRAY.tobytes()),
    "a.nrrd": nrrd,
    "raw.am": lambda p: p.write_bytes(AMIRA.format("").encode() + ARRAY.tobytes()),
    "lengths.am": run_lengths,
    "a.mrc": mrc,
    "a.nii": nifti,
    "a.nii.gz": nifti,
    "a.dcm": dicom,
}
LIBRARIES = {"a.nrrd": "nrrd", "a.mrc": "mrcfile", "a.nii": "nibabel", "a.nii.gz": "nibabel", "a.dcm": "pydicom"}


def mutate(data: bytes, rng: random.Random) -> bytes:
    """A copy that was cut, or has a few bytes changed, lost or put in, most of them near its begin."""
    found = bytearray(data)
    if rng.random() < 0.1:
        return bytes(found[: rng.randrange(1, len(found))])
    for _ in range(rng.choice((1, 1, 2, 4))):
        reach = len(found) if rng.random() < 0.3 else min(len(found), HEAD)
        at, kind = rng.randrange(reach), rng.random()
        if kind < 0.5:
            found[at] = rng.choice((0, 255, rng.randrange(256), found[at] ^ (1 << rng.randrange(8))))
        elif kind < 0.7:
            lies = (
                b"\xff\xff\xff\xff",
                b"\0\0\0\0",
                b"\x7f\xff\xff\xff",
                b"-1  ",
                b"1e99",
                b"inf ",
                b"\xff\xff\xff\x7f",
            )
            found[at : at + 4] = rng.choice(lies)
        elif kind < 0.85:
            del found[at : at + rng.randrange(1, 5)]
        else:
            found[at:at] = rng.randbytes(rng.randrange(1, 5))
    return bytes(found)


class Hang(BaseException):  # no reader takes it for damage
    """One file took too long."""


def hang(*_):
    raise Hang(f"more than {SECONDS} s")


@pytest.mark.parametrize("name", WRITERS)
def test_mutants(tmp_path: Path, name: str):
    if name in LIBRARIES and find_spec(LIBRARIES[name]) is None:
        pytest.skip(f"needs {LIBRARIES[name]}")
    path = tmp_path / name
    WRITERS[name](path)
    data, rng = path.read_bytes(), random.Random(name)
    np.testing.assert_array_equal(open_volume(path)[:], ARRAY)
    before = signal.signal(signal.SIGALRM, hang)
    sentences = []
    try:
        for _ in range(COUNT):
            path.unlink()  # a new file each time: libraries keep what they know of one that is open
            path.write_bytes(mutate(data, rng))
            signal.alarm(SECONDS)
            try:
                volume = open_volume(path)
                _ = volume[:] if volume.size < 1e7 else volume[0, :9, :9]
            except UserError as error:
                sentences.append(str(error))
            except MemoryError:  # the command line has its sentence for it
                sentences.append("no memory")
            finally:
                signal.alarm(0)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(sentences) > COUNT // 20
    assert not [s for s in sentences if not s or "\n" in s]


def test_a_tag_that_is_no_number_is_a_sentence():
    """Damage can turn a TIFF tag into several values, which tifffile compares with a number when it is asked."""
    from types import SimpleNamespace

    from morphct.reading.tiff_decode import decode_page

    class Page(SimpleNamespace):
        @property
        def is_tiled(self):
            return (16, 16) > 0

        def asarray(self, **_):
            raise ValueError("invalid tile width")

    with pytest.raises(UserError, match=r"plane 3 cannot be decoded \(invalid tile width\)"):
        decode_page(Page(compression=8, samplesperpixel=1), None, "plane 3")
