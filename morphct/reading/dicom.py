"""DICOM: a folder (or a multi-frame file) of one series, planes in order of their positions; read by pydicom."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from ..ground.errors import InputError, MissingLibraryError
from .contract import Format, Found, Location, Reader, Request, reading
from .slice_names import natural_key
from .stated import Stated, state
from .volume import Box, check_dtype, check_shape

DICOM = Format("DICOM", (".dcm", ".ima", ".dicom"), "a folder of one series, or a multi-frame file", extra="pydicom")
_MARK_AT, _MARK = 128, b"DICM"
_LOOKED_AT = 20  # files of a folder, to tell whether it is a series
EVEN = 0.01  # steps between planes may differ by this share
# what must agree between the planes
_ALIKE: tuple[str, ...] = (
    "Rows",
    "Columns",
    "BitsAllocated",
    "PixelRepresentation",
    "SamplesPerPixel",
    "PhotometricInterpretation",
)
_ALIKE += ("RescaleSlope", "RescaleIntercept", "PixelSpacing")


class DicomPlanes:
    """Planes that are files of their own, or frames of one file.

    Parameters
    ----------
    paths : list of Path
        One a plane, in order; a single one for frames.
    shape : tuple of int
        Planes, height, width.
    dtype : dtype
        Type of a stored value.
    """

    def __init__(self, paths: list[Path], shape: tuple[int, int, int], dtype: np.dtype) -> None:
        self.paths, self.shape, self.dtype = paths, shape, np.dtype(dtype)
        self.frames = len(paths) == 1
        self.chunk = (1, shape[1], shape[2])

    def read(self, box: Box) -> np.ndarray:
        """Voxels of the half-open ranges `box`."""
        (a, b), rows, columns = box
        out = np.empty((b - a, rows[1] - rows[0], columns[1] - columns[0]), self.dtype)
        for i in range(a, b):
            pixels = _pixels(self.paths[0], i) if self.frames else _pixels(self.paths[i], 0)
            out[i - a] = self._checked(pixels)[slice(*rows), slice(*columns)]
        return out

    def _checked(self, pixels: np.ndarray) -> np.ndarray:
        if pixels.shape != self.shape[1:]:
            raise InputError(f"{self.paths[0].parent.name} holds a plane of another size than its header says")
        return pixels.astype(self.dtype, copy=False)


def is_series(folder: Path) -> bool:
    """Whether a folder holds DICOM files, by their endings or their first bytes."""
    files = itertools.islice((p for p in sorted(folder.iterdir()) if _is_candidate(p)), _LOOKED_AT)
    return any(p.suffix.lower() in DICOM.suffixes or (not p.suffix[1:].isalpha() and _is_dicom(p)) for p in files)


def open_dicom(location: Location, request: Request) -> Found:
    """The volume of a series.

    Raises
    ------
    InputError
        When there are several series, planes are missing or differ, or it is no grey volume.
    MissingLibraryError
        When pydicom is not installed, or a decoder it needs.
    """
    path = location.path
    with reading(path, DICOM):
        return _opened(path)


def _opened(path: Path) -> Found:
    """The series of a folder or file."""
    notes: list[str] = []
    paths = [path] if path.is_file() else _files(path)
    heads = [_head(p) for p in paths]
    _check_alike(paths, heads, path.name)
    first = heads[0]
    frames = int(first.get("NumberOfFrames", 1) or 1)
    if frames > 1 and len(paths) > 1:
        raise InputError(f"{path.name} holds {len(paths)} multi-frame files; name one of them")
    if frames == 1:
        paths, heads, places = _in_order(paths, heads, notes)
    else:
        places = None
    planes = frames if frames > 1 else len(paths)
    dtype = _dtype(first, paths[0])
    shape = (planes, int(first.get("Rows", 0) or 0), int(first.get("Columns", 0) or 0))
    check_shape(shape, path.name)
    slope, intercept = float(first.get("RescaleSlope", 1) or 1), float(first.get("RescaleIntercept", 0) or 0)
    if (slope, intercept) != (1.0, 0.0):
        notes.append(
            f"the values of {path.name} are read as they are stored ({slope:g} x value + {intercept:g} rescales)"
        )
    if str(first.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        notes.append(f"{path.name} declares 0 as white: values are read as they are stored")
    source = DicomPlanes(paths, shape, dtype)
    source.read(((0, 1), (0, shape[1]), (0, shape[2])))  # a compression nobody can read is refused at once
    stated = _stated(first, places, path.name)
    return Found(source, DICOM.name, stated=stated, notes=notes, files=tuple(paths))


def _is_candidate(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and path.name.upper() != "DICOMDIR"


def _is_dicom(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            file.seek(_MARK_AT)
            return file.read(4) == _MARK
    except OSError:
        return False


def _files(folder: Path) -> list[Path]:
    files = [p for p in sorted(folder.iterdir(), key=natural_key) if _is_candidate(p)]
    found = [p for p in files if _is_dicom(p)]
    odd = [p.name for p in files if p not in found and p.suffix.lower() in DICOM.suffixes]
    if odd:
        raise InputError(f"{odd[0]} in {folder.name} is named like a DICOM file but is something else; move it away")
    if not found:
        raise InputError(f"{folder.name} holds no DICOM files; check the path")
    return found


def _pydicom(path: Path) -> Any:
    try:
        import pydicom
        import pydicom.pixels
    except ImportError:
        raise MissingLibraryError(
            f"{path.name} is a DICOM file and the library pydicom is not installed; pip install 'morphct[formats]'"
        ) from None
    return pydicom


def _head(path: Path) -> Any:
    pydicom = _pydicom(path)
    with reading(path, DICOM):
        try:
            return pydicom.dcmread(path, stop_before_pixels=True)
        except pydicom.errors.InvalidDicomError as error:
            raise ValueError("its first bytes are not those of DICOM") from error


def _pixels(path: Path, frame: int) -> np.ndarray:
    """One frame as it is stored; of the file no more than that frame is unpacked."""
    pydicom = _pydicom(path)
    with reading(path, DICOM):
        syntax = getattr(pydicom.filereader.read_file_meta_info(path), "TransferSyntaxUID", None)
        try:
            return np.asarray(pydicom.pixels.pixel_array(path, index=frame, raw=True))
        except (RuntimeError, NotImplementedError) as error:
            if syntax is None or not syntax.is_compressed:
                raise
            raise MissingLibraryError(
                f"{path.name} is compressed as {syntax.name}, which is not decoded here; save it uncompressed"
            ) from error
        except AttributeError as error:
            raise ValueError(str(error)) from error


def _check_alike(paths: list[Path], heads: list[Any], name: str) -> None:
    series = {str(h.get("SeriesInstanceUID", "")) for h in heads}
    if len(series) > 1:
        raise InputError(f"{name} holds {len(series)} DICOM series; put the files of one into a folder of their own")
    for path, head in zip(paths, heads):
        for key in _ALIKE:
            if str(head.get(key, "")) != str(heads[0].get(key, "")):
                raise InputError(
                    f"{path.name} has {key} {head.get(key, 'none')}, {paths[0].name} has {heads[0].get(key, 'none')}; "
                    "the planes of a volume must agree"
                )


def _in_order(paths: list[Path], heads: list[Any], notes: list[str]) -> tuple[list[Path], list[Any], np.ndarray | None]:
    """Planes by their place along the normal of the planes; else by number, else by name."""
    places = [_place(h) for h in heads]
    known = np.array([p for p in places if p is not None])
    keys: list[Any]
    if len(known) == len(heads) and len(np.unique(known)) == len(heads):
        keys = list(known)
    else:
        known = np.zeros(0)
        keys = [h.get("InstanceNumber") for h in heads]
        if any(k is None for k in keys) or len({int(k) for k in keys}) < len(keys):
            if len(paths) > 1:
                notes.append(
                    "the planes state neither their place nor a number each: they are read in order of their names"
                )
            keys = list(range(len(paths)))
        else:
            keys = [int(k) for k in keys]
    order = sorted(range(len(paths)), key=lambda i: keys[i])
    places_in_order = np.sort(known) if known.size else None
    return [paths[i] for i in order], [heads[i] for i in order], places_in_order


def _place(head: Any) -> float | None:
    position, turned = head.get("ImagePositionPatient"), head.get("ImageOrientationPatient")
    if position is None or turned is None or len(position) != 3 or len(turned) != 6:
        return None
    values = np.array([float(v) for v in (*position, *turned)])
    place = float(np.dot(values[:3], np.cross(values[3:6], values[6:])))
    return place if np.isfinite(place) else None


def _dtype(head: Any, path: Path) -> np.dtype:
    bits, signed = int(head.get("BitsAllocated", 0) or 0), int(head.get("PixelRepresentation", 0) or 0)
    if int(head.get("SamplesPerPixel", 1) or 1) != 1:
        raise InputError(f"{path.name} is a colour image; save it in grey")
    if bits not in (1, 8, 16, 32):
        raise InputError(f"{path.name} has {bits} bits a voxel; 8, 16 and 32 are read")
    dtype = np.dtype(f"{'i' if signed else 'u'}{max(bits // 8, 1)}")
    check_dtype(dtype, path.name)
    return dtype


def _stated(head: Any, places: np.ndarray | None, name: str) -> list[Stated]:
    """PixelSpacing is that of rows and columns (y, x); planes by their places, in mm."""
    measures = _measures(head)
    spacing = head.get("PixelSpacing") or (measures.get("PixelSpacing") if measures is not None else None)
    between = head.get("SpacingBetweenSlices")
    if between is None and measures is not None:
        between = measures.get("SpacingBetweenSlices")
    z = None if between is None else float(between)
    source = f"PixelSpacing of {name}"
    if places is not None and len(places) > 1:
        steps = np.diff(places)
        if np.ptp(steps) > EVEN * steps.mean():
            text = f"{steps.min():g} to {steps.max():g} mm"
            return [Stated(None, source, f"belongs to planes at uneven steps ({text}): some may be missing")]
        z = float(f"{steps.mean():.7g}")
    if spacing is None or len(spacing) != 2:
        return []
    return [state([z, float(spacing[0]), float(spacing[1])], "mm", source, placeholders=False)]


def _measures(head: Any) -> Any:
    """The pixel measures that all frames of a multi-frame file share."""
    try:
        return head.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    except (AttributeError, IndexError, TypeError):
        return None


READER = Reader((DICOM,), open_dicom)
