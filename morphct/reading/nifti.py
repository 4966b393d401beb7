"""NIfTI volumes (`.nii`, `.nii.gz`, or `.hdr` with `.img`); the header is read by nibabel; axes x, y, z."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from ..ground.errors import InputError, MissingLibraryError
from .companions import companion
from .contract import Format, Found, Location, Reader, Request, check_size, reading
from .gzip_source import GZIP, DeflatedSource
from .joined import Scaled
from .raw_source import FlatSource, bytes_of
from .stated import state
from .volume import Source, check_dtype, check_shape

NIFTI = Format("NIfTI", (".nii", ".nii.gz", ".hdr"), "plain or gzip, .hdr with its .img", extra="nibabel")


def open_nifti(location: Location, request: Request) -> Found:
    """A NIfTI volume.

    Raises
    ------
    InputError
        When the header is damaged, the data is truncated, or it is no grey volume.
    MissingLibraryError
        When nibabel is not installed.
    """
    path = location.path
    with reading(path, NIFTI):
        image = _image(path)
        header, proxy = image.header, image.dataobj
        lengths, dtype = [int(n) for n in header.get_data_shape()], np.dtype(header.get_data_dtype())
        offset, slope, intercept = int(proxy.offset), float(proxy.slope), float(proxy.inter)
        data = Path(image.file_map["image"].filename or path)
        zooms = [float(f"{float(z):.7g}") for z in header.get_zooms()[:3]]
        unit = header.get_xyzt_units()[0] if hasattr(header, "get_xyzt_units") else "unknown"
    while len(lengths) > 3 and lengths[-1] == 1:
        lengths.pop()
    check_shape(tuple(lengths[::-1]), path.name)
    check_dtype(dtype, path.name)
    if data != path:
        data = companion(path, data.name, request.follow_links, "its data file").path
    source = _source(data, (lengths[2], lengths[1], lengths[0]), dtype, offset)
    notes = []
    if (slope, intercept) != (1.0, 0.0) and math.isfinite(slope) and math.isfinite(intercept) and slope != 0:
        source = Scaled(source, slope, intercept)
        notes.append(f"the values of {path.name} are scaled as its header says: {slope:g} x stored + {intercept:g}")
    stated = [state(zooms[::-1], None if unit == "unknown" else unit, f"pixdim of {path.name}", usual="mm")]
    files = (path,) if data == path else (path, data)
    return Found(source, NIFTI.name, stated=stated, notes=notes, files=files)


def _image(path: Path) -> Any:
    try:
        import nibabel
    except ImportError:
        raise MissingLibraryError(
            f"{path.name} is a NIfTI file and the library nibabel is not installed; pip install 'morphct[formats]'"
        ) from None
    own = (
        nibabel.filebasedimages.ImageFileError,
        nibabel.spatialimages.HeaderDataError,
        nibabel.wrapstruct.WrapStructError,
    )
    try:
        return nibabel.load(path)
    except own as error:
        raise ValueError(str(error)) from error


def _source(data: Path, shape: tuple[int, int, int], dtype: np.dtype, offset: int) -> Source:
    wanted = offset + bytes_of(shape, dtype)
    if data.suffix.lower() != ".gz":
        check_size(data, data.stat().st_size, wanted, "its header")
        return FlatSource(data, shape, dtype, offset)
    with open(data, "rb") as file:  # the last four bytes of a gzip stream are its unpacked length
        file.seek(-4, 2)
        length = int.from_bytes(file.read(4), "little")
    if length != 0 and length < wanted % (1 << 32) and wanted < (1 << 32):
        raise InputError(f"{data.name} is truncated: its compressed data does not end as gzip does; copy it again")
    return DeflatedSource(data, shape, dtype, 0, GZIP, offset)


READER = Reader((NIFTI,), open_nifti)
