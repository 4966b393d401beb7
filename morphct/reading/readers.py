"""The readers, one a family, and the choice of the one a file needs. Adding a format: one module, one line here."""

import difflib
from importlib.util import find_spec
from pathlib import Path

from ..ground.errors import InputError
from . import amira, dicom, hdf5, metaimage, mrc, nifti, npy, npz, nrrd_file, raw, slices, tiff, vgi, xradia, zarr_store
from .contract import Format, Location, Reader, Request, head_of, looks_like_text
from .zarr_files import ZARR, is_zarr

READERS: tuple[Reader, ...] = (
    tiff.READER,
    slices.READER,
    raw.READER,
    vgi.READER,
    npy.READER,
    npz.READER,
    metaimage.READER,
    nrrd_file.READER,
    hdf5.READER,
    zarr_store.READER,
    xradia.READER,
    amira.READER,
    dicom.READER,
    mrc.READER,
    nifti.READER,
)


def formats() -> list[Format]:
    """Formats that are read, in the order of the readers; help texts and messages are made from it."""
    return [f for reader in READERS for f in reader.formats if not f.refused]


def format_lines() -> list[str]:
    """A line a format: name, endings, what of it is read, the library it needs."""
    lines = []
    for kind in formats():
        endings = f" ({' '.join(kind.suffixes)})" if kind.suffixes else ""
        extra = f"; needs {kind.extra}" if kind.extra else ""
        lines.append(f"{kind.name}{endings}: {kind.words}{extra}")
    return lines


def missing_libraries() -> list[str]:
    """Libraries of the extra `formats` that are not installed, with the formats that need them."""
    wanted = {f.extra: f.name for f in formats() if f.extra} | {"fabio": "EDF", "hdf5plugin": "compressed HDF5"}
    modules = {"pynrrd": "nrrd"}
    return [f"{name} ({kind})" for name, kind in wanted.items() if find_spec(modules.get(name, name)) is None]


def format_names() -> str:
    """The formats in one line, with the first ending of each."""
    return ", ".join(f"{f.name} ({f.suffixes[0]})" if f.suffixes else f.name for f in formats())


def locate(text: str | Path) -> Location:
    """Split `file.h5::/path/to/dataset` into the file and the dataset."""
    # absolute, because a pickled volume may be opened again in another working folder
    whole = Path(text).expanduser().absolute()
    if "::" in str(text) and not whole.exists():
        path, _, dataset = str(text).rpartition("::")
        return Location(Path(path).expanduser().absolute(), dataset.strip("/") or None)
    return Location(whole)


def reader_of(location: Location, request: Request) -> Reader:
    """The reader a file, folder or glob needs.

    Raises
    ------
    InputError
        When there is no such file, it is empty, or no reader knows it.
    """
    path = location.path
    if not path.exists():
        if any(c in str(path) for c in "*?["):
            return slices.READER
        raise InputError(f"there is no file {path}{_similar(path)}; check the path")
    if path.is_dir():
        is_store = is_zarr(path) or path.suffix.lower() in ZARR.suffixes
        return zarr_store.READER if is_store else dicom.READER if dicom.is_series(path) else slices.READER
    if not path.is_file():
        raise InputError(f"{path} is neither a file nor a folder; give the file of the volume")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty (0 bytes); copy it again")
    return _of_file(path, request)


def _of_file(path: Path, request: Request) -> Reader:
    known = _by_suffix(path) or _by_magic(path)
    if known is None and path.suffix.lower() in slices.SUFFIXES:
        return slices.READER
    if known is None and request.raw_shape is not None:
        return raw.READER
    if known is None:
        what = "is a text file" if looks_like_text(head_of(path)) else "is of a format that is not known"
        raise InputError(f"{path.name} {what}; read are {format_names()}, and any other file with --raw-shape")
    reader, kind = known
    if kind.refused:
        raise InputError(f"{path.name} {kind.refused}")
    return reader


def _by_suffix(path: Path) -> tuple[Reader, Format] | None:
    name = path.name.lower()
    fits = [(r, f) for r in READERS for f in r.formats if f.suffixes and name.endswith(f.suffixes)]
    # the longest ending: .zarr.zip, .nii.gz
    return max(fits, key=lambda fit: max(len(s) for s in fit[1].suffixes if name.endswith(s))) if fits else None


def _by_magic(path: Path) -> tuple[Reader, Format] | None:
    head = head_of(path)
    fits = [(r, f) for r in READERS for f in r.formats if f.magic and head.startswith(f.magic)]
    return fits[0] if fits else None


def _similar(path: Path) -> str:
    if not path.parent.is_dir():
        return f" (nor a folder {path.parent})"
    near = difflib.get_close_matches(path.name, [p.name for p in path.parent.iterdir()], n=1, cutoff=0.75)
    return f" (did you mean {near[0]}?)" if near else ""
