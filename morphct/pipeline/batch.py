"""Many samples: each its own run folder, a failed one not stopping the rest, one table and one page for all."""

import csv
import glob
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from ..ground.errors import InputError, UserError
from ..ground.options import nearest
from ..ground.units import format_seconds
from ..results.run_folder import RunFolder
from .job import Progress
from .settings import Settings

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger("morphct")
REQUIRED = ("path",)
_KNOWN = ("sample", "path", "voxel_size")


@dataclass(frozen=True)
class Sample:
    """A row of a manifest.

    Attributes
    ----------
    name : str
        Of the sample and of its run folder.
    path : str
        The volume; relative to the manifest.
    voxel_size : str
        "" = as the file says.
    overrides : tuple of str
        Settings of this sample alone, `section.key=value`, from columns with a dot in their name.
    facts : dict
        All other columns (lot, operator, ...), carried into the table and the page.
    """

    name: str
    path: str
    voxel_size: str = ""
    overrides: tuple[str, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)


@dataclass
class Outcome:
    """What became of a sample: its run folder, or the sentence that says why there is none."""

    sample: Sample
    run: RunFolder | None = None
    error: str = ""
    skipped: bool = False


def read_manifest(manifest: str | Path) -> list[Sample]:
    """Samples of a CSV table, a folder of volumes or a glob.

    Parameters
    ----------
    manifest : path
        A CSV with a column `path` and as wanted `sample`, `voxel_size`, settings (`threshold.method`), and others; or a
        folder whose volumes are the samples; or a glob.

    Raises
    ------
    InputError
        When there is nothing to do, a column or a name is missing, or two samples have one name.
    """
    path = Path(manifest)
    if path.is_file() and path.suffix.lower() in (".csv", ".tsv", ".txt"):
        samples = _from_table(path)
    elif path.is_dir() and not path.name.endswith(".zarr"):
        samples = _from_files(sorted(p for p in path.iterdir() if not p.name.startswith(".")), str(manifest))
    elif glob.has_magic(str(manifest)):
        samples = _from_files(sorted(Path(p) for p in glob.glob(str(manifest), recursive=True)), str(manifest))
    elif path.exists():
        raise InputError(f"{manifest} is one volume; use `morphct run` for it, or give a CSV table, a folder or a glob")
    else:
        raise InputError(
            f"the manifest {manifest} is not there; give a CSV table with a column path, a folder or a glob"
        )
    names: dict[str, str] = {}
    for sample in samples:
        if sample.name in names:
            raise InputError(
                f"{manifest} has two samples named {sample.name!r} ({names[sample.name]} and {sample.path}); give each "
                "a name of its own in the column sample"
            )
        names[sample.name] = sample.path
    return samples


def _from_table(path: Path) -> list[Sample]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        dialect = csv.Sniffer().sniff(text[:4096], delimiters=",;\t") if text.strip() else csv.excel
    except (csv.Error, UnicodeDecodeError):
        dialect = csv.excel
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    rows = list(csv.DictReader(text.splitlines(), dialect=dialect))
    columns = [c.strip() for c in (rows[0] if rows else {}) if c]
    if not rows:
        raise InputError(f"the manifest {path} has no rows; give one row per volume below a header with a column path")
    for name in REQUIRED:
        if name not in columns:
            raise InputError(
                f"the manifest {path} has no column {name!r}{nearest(name, columns)}; it has {', '.join(columns)}"
            )
    return [_sample(row, path, number) for number, row in enumerate(rows, start=2)]


def _sample(row: Mapping[str, Any], manifest: Path, line: int) -> Sample:
    values = {k.strip(): (v or "").strip() for k, v in row.items() if k is not None and not isinstance(v, list)}
    if not values["path"]:
        raise InputError(f"line {line} of {manifest} has no path; give one, or take the line out")
    place = Path(values["path"])
    found = place if place.is_absolute() else manifest.parent / place
    overrides = tuple(f"{k}={v}" for k, v in values.items() if "." in k and v)
    facts = {k: v for k, v in values.items() if k not in _KNOWN and "." not in k}
    name = values.get("sample") or _name_of(place)
    return Sample(_folder_name(name), str(found), values.get("voxel_size", ""), overrides, facts)


def _from_files(paths: Sequence[Path], manifest: str) -> list[Sample]:
    from .. import reading

    known = tuple(sorted(ending for kind in reading.formats() for ending in kind.suffixes))
    volumes = [p for p in paths if str(p).lower().endswith(known) or _is_stack(p, known)]
    # the data of a header is no sample of its own
    headers = {p.with_suffix("") for p in volumes if p.suffix.lower() in (".mhd", ".nhdr", ".hdr", ".vgi")}
    data = (".raw", ".bin", ".dat", ".img", ".vol")
    volumes = [p for p in volumes if not (p.suffix.lower() in data and p.with_suffix("") in headers)]
    if not volumes:
        raise InputError(f"{manifest} holds no volume; known endings are {', '.join(known)}")
    return [Sample(_folder_name(_name_of(p)), str(p)) for p in volumes]


def _is_stack(path: Path, known: tuple[str, ...]) -> bool:
    """Whether a folder holds slices."""
    return path.is_dir() and any(str(p).lower().endswith(known) for p in path.iterdir() if p.is_file())


def _name_of(path: Path) -> str:
    return re.sub(r"(\.ome)?\.[A-Za-z0-9]+$", "", path.name.split("::")[0])


def _folder_name(name: str) -> str:
    return re.sub(r"[^\w.+-]+", "_", name).strip("._") or "sample"


def run_batch(
    samples: Sequence[Sample],
    out: str | Path,
    settings: Settings,
    run_one: Callable[..., RunFolder],
    progress: Progress | None = None,
) -> list[Outcome]:
    """Run every sample into `out`/NAME; a failed one is told and the rest go on.

    Parameters
    ----------
    samples : sequence of Sample
    out : path
    settings : Settings
        For all; a sample's own overrides are laid over them. With `run.resume` samples that are done already are kept.
    run_one : callable
        `run.run`.

    Returns
    -------
    list of Outcome
        In the order of the samples.
    """
    outcomes: list[Outcome] = []
    took: list[float] = []  # seconds of each sample that was run to its end
    for number, sample in enumerate(samples, start=1):
        if progress is not None:
            left = f", about {format_seconds(mean(took) * (len(samples) - number + 1))} left" if took else ""
            progress.note(f"sample {number} of {len(samples)}: {sample.name}{left}")
        start = time.monotonic()
        outcomes.append(_run_sample(sample, Path(out) / sample.name, settings, run_one, progress))
        if outcomes[-1].run is not None and not outcomes[-1].skipped:
            took.append(time.monotonic() - start)
    return outcomes


def _run_sample(
    sample: Sample, folder: Path, settings: Settings, run_one: Callable[..., RunFolder], progress: Progress | None
) -> Outcome:
    if settings.run.resume and (folder / "run.json").exists():
        return Outcome(sample, RunFolder(folder), skipped=True)
    try:
        own = settings.with_overrides(sample.overrides)
        size = sample.voxel_size or None
        return Outcome(
            sample, run_one(sample.path, folder, voxel_size=size, settings=own, sample=sample.name, progress=progress)
        )
    except UserError as error:
        return _failed(sample, str(error), progress)
    except MemoryError:
        return _failed(sample, "the machine has no more memory to give; lower the cap with --memory", progress)
    except Exception as error:  # a defect in one sample must not cost the others; the traceback is in the log
        log.exception("sample %s", sample.name)
        return _failed(sample, f"a defect of morphct ({type(error).__name__}: {error})", progress)


def _failed(sample: Sample, sentence: str, progress: Progress | None) -> Outcome:
    log.error("sample %s failed: %s", sample.name, sentence)
    if progress is not None:
        progress.note(f"sample {sample.name} failed: {sentence}")
    return Outcome(sample, error=sentence)


def table(outcomes: Sequence[Outcome]) -> "pd.DataFrame":
    """A row per sample: its facts, `status` (done, kept, failed), the headline numbers, the sentence of a failure."""
    import pandas as pd

    from ..results import population

    rows = []
    for outcome in outcomes:
        sample = outcome.sample
        row: dict[str, Any] = {"sample": sample.name, "path": sample.path, **sample.facts}
        row["status"] = "failed" if outcome.run is None else "kept" if outcome.skipped else "done"
        if outcome.run is not None:
            row |= population.numbers(outcome.run.summary)
            held = outcome.run.threshold.get("values", [])  # of a segmented volume
            if held:
                row["phase"] = " and ".join(f"{v['value']:g}" for v in held if v["particle"])
            row["limits_broken"] = sum(not v["passed"] for v in outcome.run.summary.get("qc", []))
            row["warnings"] = len(outcome.run.provenance.get("warnings", []))
        row["error"] = outcome.error
        rows.append(row)
    frame = pd.DataFrame(rows).set_index("sample")
    return frame[[c for c in frame.columns if c != "error"] + ["error"]]
