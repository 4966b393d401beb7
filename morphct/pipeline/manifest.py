"""Manifests of a batch: a CSV as spreadsheets write it, a folder or a glob, read into samples with all their faults.

What is wrong with a row is told with its line in the file, and the other rows are read on, so that one look mends all.
"""

import glob
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..ground.errors import InputError
from ..results.population import number_names
from . import csv_text

KNOWN = ("sample", "path", "voxel_size")
# columns of batch.csv that are made here: a column of the manifest of that name gets `PREFIX` before it
OWN_COLUMNS = ("folder", "status", "phase", "limits_broken", "warnings", "error")
PREFIX = "manifest_"
LONGEST_NAME = 80  # characters of a folder name; file systems take 255 bytes, and the names within it come on top
# names that label images made from a volume have beside it
_LABELS = re.compile(r"[-_. ](labels?|lbls?|voids)$", re.I)
_MASKS = re.compile(r"[-_. ](masks?|seg|segmented|segmentation|binary|thresholded)$", re.I)
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
_COMMA_LENGTH = re.compile(r"\s*(\d+),(\d+)\s*([^\d\s,;.]+)\s*")


@dataclass(frozen=True)
class Sample:
    """A row of a manifest.

    Attributes
    ----------
    name : str
        Of its run folder.
    path : str
        The volume; relative to the manifest.
    voxel_size : str
        "" = as the file says.
    overrides : tuple of str
        Settings of this sample alone, `section.key=value`, from columns with a dot in their name.
    facts : dict
        All other columns (lot, operator, ...), carried into the table and the page.
    title : str
        The sample's name as it was given; "": that of the folder.
    line : int
        Of the manifest; 0 where it has no lines.
    """

    name: str
    path: str
    voxel_size: str = ""
    overrides: tuple[str, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    title: str = ""
    line: int = 0

    @property
    def called(self) -> str:
        """Its name for people."""
        return self.title or self.name

    @property
    def place(self) -> str:
        """Where it stands in the manifest, to begin a sentence with."""
        return f"line {self.line} ({self.called})" if self.line else self.called


@dataclass(frozen=True)
class Manifest:
    """Samples in their order, sentences on what is wrong with the others, and remarks on the reading."""

    path: str
    samples: tuple[Sample, ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read(manifest: str | Path, decimal_comma: bool = False) -> Manifest:
    """Samples of a CSV table, a folder of volumes or a glob.

    Parameters
    ----------
    manifest : path
        A CSV with a column `path` and as wanted `sample`, `voxel_size`, settings (`threshold.method`), and others; or a
        folder whose volumes are the samples; or a glob.
    decimal_comma : bool
        Numbers of the table are written `0,8`; without it they are taken so only where nothing else can be meant.

    Raises
    ------
    InputError
        When there is nothing to do, or the table cannot be read as one.
    """
    path = Path(manifest)
    if path.is_file() and path.suffix.lower() in (".csv", ".tsv", ".txt"):
        return _distinct(_from_table(path, decimal_comma))
    if path.is_dir() and not path.name.endswith(".zarr"):
        return _distinct(_from_files(sorted(p for p in path.iterdir() if not p.name.startswith(".")), str(manifest)))
    if glob.has_magic(str(manifest)):
        return _distinct(_from_files(sorted(Path(p) for p in glob.glob(str(manifest), recursive=True)), str(manifest)))
    if path.exists():
        raise InputError(f"{manifest} is one volume; use `morphct run` for it, or give a CSV table, a folder or a glob")
    raise InputError(f"the manifest {manifest} is not there; give a CSV table with a column path, a folder or a glob")


def _from_table(path: Path, decimal_comma: bool) -> Manifest:
    table = csv_text.read(path, KNOWN)
    names = _carried(table.columns, path)
    samples, faults = [], list(table.faults)
    for line, cells in table.rows:
        values = dict(zip(table.columns, cells))
        if decimal_comma:
            values = {n: v.replace(",", ".") if DECIMAL_COMMA.fullmatch(v) else v for n, v in values.items()}
        if values["path"]:
            samples.append(_sample(values, names, path, line))
        else:
            faults.append(f"line {line} has no path; give one, or take the line out")
    if not samples and not faults:
        raise InputError(f"the manifest {path} has no rows; give one row per volume below a header with a column path")
    return Manifest(str(path), tuple(samples), tuple(faults), table.notes)


def _carried(columns: Sequence[str], path: Path) -> dict[str, str]:
    """Under which name each further column is carried into the table.

    Raises
    ------
    InputError
        When a name that is ours is there with our prefix as well.
    """
    ours = {*OWN_COLUMNS, *number_names("um"), *number_names("px")}
    names = {c: PREFIX + c if c in ours else c for c in columns if c not in KNOWN and "." not in c}
    twice = [c for c, name in names.items() if name != c and name in columns]
    if twice:
        raise InputError(
            f"the manifest {path} has the columns {twice[0]!r}, which is a column of batch.csv too, and "
            f"{names[twice[0]]!r}, as it would be called there; name one of them otherwise"
        )
    return names


def _sample(values: Mapping[str, str], names: Mapping[str, str], manifest: Path, line: int) -> Sample:
    place = Path(values["path"])
    found = place if place.is_absolute() else manifest.parent / place
    overrides = tuple(f"{k}={v}" for k, v in values.items() if "." in k and v)
    facts = {names[k]: v for k, v in values.items() if k in names}
    title = values.get("sample") or _name_of(place)
    size = pointed(values.get("voxel_size", ""))
    return Sample(folder_name(title), str(found), size, overrides, facts, title, line)


def pointed(size: str) -> str:
    """A voxel size with decimal points: `0,025um` and `0,05 um,0,025 um,0,025 um` can mean nothing but decimals."""
    edges = list(_COMMA_LENGTH.finditer(size))
    if len(edges) not in (1, 3) or not re.fullmatch(r"[\s,;]*", _COMMA_LENGTH.sub("", size)):
        return size
    return ",".join(f"{edge[1]}.{edge[2]}{edge[3]}" for edge in edges)


def _from_files(paths: Sequence[Path], manifest: str) -> Manifest:
    from .. import reading

    known = tuple(sorted(ending for kind in reading.formats() for ending in kind.suffixes))
    volumes = [p for p in paths if str(p).lower().endswith(known) or _is_stack(p, known)]
    # the data of a header is no sample of its own
    headers = {p.with_suffix("") for p in volumes if p.suffix.lower() in (".mhd", ".nhdr", ".hdr", ".vgi")}
    data = (".raw", ".bin", ".dat", ".img", ".vol")
    volumes = [p for p in volumes if not (p.suffix.lower() in data and p.with_suffix("") in headers)]
    if not volumes:
        raise InputError(f"{manifest} holds no volume; known endings are {', '.join(known)}")
    labels = _label_images(volumes)
    kept = [p for p in volumes if p not in labels]
    listed = ", ".join(p.name for p in labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")
    if not kept:
        raise InputError(
            f"{manifest} holds label images alone by their names ({listed}); use `morphct measure`, or name the "
            "files in a CSV table"
        )
    left = f"left out, because by their names they are label images: {listed}; a CSV table with a column path takes any"
    samples = tuple(Sample(folder_name(_name_of(p)), str(p), title=_name_of(p)) for p in kept)
    return Manifest(manifest, samples, notes=(left,) if labels else ())


def _label_images(volumes: Sequence[Path]) -> list[Path]:
    """Those that are made from a volume by their names: labels and voids always, masks beside what they mask."""
    stems = {_name_of(p) for p in volumes}
    return [
        p
        for p in volumes
        if _LABELS.search(_name_of(p)) or ((m := _MASKS.search(_name_of(p))) and _name_of(p)[: m.start()] in stems)
    ]


def _is_stack(path: Path, known: tuple[str, ...]) -> bool:
    """Whether a folder holds slices; a run folder holds pictures too."""
    if not path.is_dir() or (path / "run.json").exists():
        return False
    return any(str(p).lower().endswith(known) for p in path.iterdir() if p.is_file())


def _distinct(manifest: Manifest) -> Manifest:
    """The same manifest; samples that would have one run folder are faults."""
    seen: dict[str, Sample] = {}
    return Manifest(
        manifest.path,
        tuple(s for s in manifest.samples if seen.setdefault(s.name, s) is s),
        (*manifest.faults, *_twice(manifest.samples)),
        manifest.notes,
    )


def _twice(samples: Sequence[Sample]) -> Iterator[str]:
    seen: dict[str, Sample] = {}
    for sample in samples:
        first = seen.setdefault(sample.name, sample)
        if first is not sample:
            also = "" if first.called == sample.called else f" (and {first.called!r}: both in the folder {sample.name})"
            where = f" ({first.place})" if first.line else f" ({first.path})"
            yield f"{sample.place}: there are two samples named {sample.called!r}{where}{also}; give each its own name"


def _name_of(path: Path) -> str:
    return re.sub(r"(\.ome)?\.[A-Za-z0-9]+$", "", path.name.split("::")[0])


def folder_name(name: str) -> str:
    """A name as a folder can have it: no signs of paths and shells, not ours, and short (the rest as a hash)."""
    plain = re.sub(r"[^\w.+-]+", "_", name).strip("._") or "sample"
    if plain in ("batch.csv", "batch.html") or plain.startswith("-"):
        plain = f"_{plain}"
    if len(plain) <= LONGEST_NAME and len(plain.encode()) <= 2 * LONGEST_NAME:
        return plain
    short = plain.encode()[:LONGEST_NAME].decode(errors="ignore")
    return f"{short}-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
