"""All settings of a run: the options of the stages, composed under their section names, read from and written to TOML.

A default stands once, in the options class beside its stage. The options of what has no stage of its own (`input`,
`output`, `qc`, `run`) are here.
"""

import dataclasses
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ..ground.cluster.queues import QUEUES
from ..ground.errors import SettingsError
from ..ground.options import Options, nearest, option
from ..ground.units import parse_bytes, parse_voxel_size
from ..results.qc import check_limits
from .memory_plan import brick_size

if TYPE_CHECKING:
    from ..descriptors.options import DescriptorOptions
    from ..measurement.aggregates import AggregateOptions
    from ..segment.grey.denoise import DenoiseOptions
    from ..segment.labels.numbering import ParticleOptions
    from ..segment.mask.threshold import ThresholdOptions
    from ..segment.split.split import SplitOptions
    from ..segment.voids.options import VoidOptions
    from ..uncertainty.calibration import CalibrateOptions

# Said for one call: a settings file that repeats a run must not overwrite or resume another one.
ONCE = {"run": ("overwrite", "resume")}


@dataclass(frozen=True)
class InputOptions(Options):
    """How the input file is understood."""

    section: ClassVar[str] = "input"

    voxel_size: str | None = option(None, "edge of a voxel: 25nm, 0.025um, or 75nm,25nm,25nm as z,y,x; 1px: voxels")
    axes: str | None = option(None, "axis order of the file where it is not z,y,x, such as xyz")
    crop: str | None = option(None, "part to read, half-open voxel ranges z0:z1,y0:y1,x0:x1; an empty end is the edge")
    raw_shape: str | None = option(None, "shape z,y,x of a raw file without header", unit="voxels")
    raw_dtype: str | None = option(None, "type of the voxels of a raw file, such as uint8, <u2 or >f4")
    raw_offset: int = option(0, "bytes of a raw file before its first voxel", unit="bytes", min=0)
    follow_links: bool = option(
        False, "read files outside the volume's own folder that it names: links, data files, parts of a virtual dataset"
    )
    channels: tuple[str, ...] = option((), "co-registered maps to take statistics of, each NAME=FILE")

    def validate(self) -> None:
        """Refuse a voxel size that is none."""
        super().validate()
        if self.voxel_size is not None:
            parse_voxel_size(self.voxel_size)

    @property
    def reading(self) -> dict[str, Any]:
        """What opening a volume takes of these."""
        return {name: value for name, value in self.to_mapping().items() if name != "channels"}


@dataclass(frozen=True)
class OutputOptions(Options):
    """What is written beside the tables, the labels and the page."""

    section: ClassVar[str] = "output"

    labels_tif: bool = option(False, "write labels.tif too, for programs that cannot read Zarr")
    meshes: bool = option(True, "write meshes/particles.vtp, the surfaces of all particles")
    renders: bool = option(True, "write the 3D pictures renders/*.png")
    csv: bool = option(True, "write the tables as CSV too (Parquet always)")
    tables_only: bool = option(
        False, "write tables, labels and summary.json alone: no calibration, no pictures, no meshes, no page"
    )


@dataclass(frozen=True)
class QcOptions(Options):
    """Limits a sample must keep: a table [qc.NAME] with min, max or both; NAME is a column or a summary number."""

    section: ClassVar[str] = "qc"

    strict: bool = option(False, "leave with exit code 3 when a limit is broken")
    limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Options from `strict` and one table of `min` and `max` for each limit.

        Raises
        ------
        SettingsError
            For a limit that is not a table of numbers.
        """
        strict = {name: value for name, value in values.items() if name == "strict"}
        limits = check_limits({name: value for name, value in values.items() if name != "strict"})
        return dataclasses.replace(super().from_mapping(strict), limits=limits)

    def to_mapping(self) -> dict[str, Any]:
        """`strict`, and a table for each limit."""
        return {"strict": self.strict} | {name: dict(limit) for name, limit in self.limits.items()}


@dataclass(frozen=True)
class RunOptions(Options):
    """How the work is done; no number in a table depends on these."""

    section: ClassVar[str] = "run"

    memory: str | None = option(
        None,
        "cap on memory, such as 4GiB, of this process and the one that draws; a first run compiles its kernels and may "
        "take 1.3 GiB once; empty: half of what is free at the start",
    )
    workers: int | None = option(
        None, "threads; with run.cluster: jobs of the queue; empty: as many as the machine gives, or one job", min=1
    )
    scheduler: str | None = option(
        None, "address of a dask scheduler whose workers do the work, such as tcp://host:8786; empty: this machine"
    )
    cluster: str | None = option(
        None,
        "queue whose jobs do the work, by the site's own dask configuration",
        choices=tuple(QUEUES),
    )
    slab: int | str = option(
        "auto", "planes of a brick of work, or planes and rows: 16,128; auto: from the memory cap", unit="voxels", min=1
    )
    scratch: str | None = option(
        None,
        "folder of intermediate volumes, where many machines work on a disk that all see; empty: beside the output",
    )
    seed: int = option(0, "seed of every random choice", min=0)
    overwrite: bool = option(False, "replace what is in the output folder")
    resume: bool = option(False, "go on from where an interrupted run stopped")

    def validate(self) -> None:
        """Refuse sizes and bricks that are none."""
        super().validate()
        if self.memory is not None:
            parse_bytes(self.memory)
        brick_size(self.slab, (1, 1))


def sections() -> dict[str, type[Options]]:
    """The options class of every section, in the order of the file.

    The stages are imported here, not above: they bring numba, and the command line must start without it.
    """
    from ..descriptors.options import DescriptorOptions
    from ..measurement.aggregates import AggregateOptions
    from ..segment.grey.denoise import DenoiseOptions
    from ..segment.labels.numbering import ParticleOptions
    from ..segment.mask.threshold import ThresholdOptions
    from ..segment.split.split import SplitOptions
    from ..segment.voids.options import VoidOptions
    from ..uncertainty.calibration import CalibrateOptions

    return {
        "input": InputOptions,
        "denoise": DenoiseOptions,
        "threshold": ThresholdOptions,
        "particles": ParticleOptions,
        "split": SplitOptions,
        "voids": VoidOptions,
        "aggregates": AggregateOptions,
        "descriptors": DescriptorOptions,
        "calibrate": CalibrateOptions,
        "output": OutputOptions,
        "qc": QcOptions,
        "run": RunOptions,
    }


def _defaults(section: str) -> Any:
    return field(default_factory=lambda: sections()[section]())


@dataclass(frozen=True)
class Settings:
    """Every setting of a run; each attribute is the options of one section."""

    input: InputOptions = _defaults("input")
    denoise: "DenoiseOptions" = _defaults("denoise")
    threshold: "ThresholdOptions" = _defaults("threshold")
    particles: "ParticleOptions" = _defaults("particles")
    split: "SplitOptions" = _defaults("split")
    voids: "VoidOptions" = _defaults("voids")
    aggregates: "AggregateOptions" = _defaults("aggregates")
    descriptors: "DescriptorOptions" = _defaults("descriptors")
    calibrate: "CalibrateOptions" = _defaults("calibrate")
    output: OutputOptions = _defaults("output")
    qc: QcOptions = _defaults("qc")
    run: RunOptions = _defaults("run")

    @classmethod
    def from_mapping(cls, tables: Mapping[str, Any]) -> Self:
        """Settings from a table for each section; what is left out has its default.

        Raises
        ------
        SettingsError
            For an unknown section or name (with the nearest known one) or an illegal value.
        """
        known = sections()
        for section, table in tables.items():
            if section not in known:
                raise SettingsError(_unknown_section(section))
            if not isinstance(table, Mapping):
                raise SettingsError(f"{section} is {table!r}; a section [{section}] with settings is wanted")
        given: dict[str, Any] = {section: known[section].from_mapping(table) for section, table in tables.items()}
        return cls(**given)

    @classmethod
    def from_toml(cls, path: Path | str) -> Self:
        """Settings from a TOML file.

        Raises
        ------
        SettingsError
            When it cannot be read, is no TOML, or holds what `from_mapping` refuses; the sentence names the file.
        """
        tables = read_toml(Path(path))
        try:
            return cls.from_mapping(tables)
        except SettingsError as error:
            raise SettingsError(f"{path}: {error}") from None

    def with_overrides(self, texts: Iterable[str]) -> Self:
        """The same settings with `section.key=value` texts laid over them, later ones winning.

        Raises
        ------
        SettingsError
            For a text of another form, an unknown section or name, or an illegal value.
        """
        tables = self.to_mapping()
        for text in texts:
            name, equals, value = text.partition("=")
            section, *path = name.strip().split(".")
            if not equals or not path or not all(path):
                raise SettingsError(f"--set {text} is not of the form section.key=value, such as {_example(section)}")
            if section not in tables:
                raise SettingsError(_unknown_section(section))
            table = tables[section]
            for step in path[:-1]:
                table = table.setdefault(step, {})
                if not isinstance(table, dict):
                    raise SettingsError(
                        f"--set {text} goes into {step}, which is a single value: use {section}.{step}=value"
                    )
            table[path[-1]] = value.strip()
        return self.from_mapping(tables)

    def to_mapping(self) -> dict[str, dict[str, Any]]:
        """Plain values by section and name; None where empty."""
        return {f.name: getattr(self, f.name).to_mapping() for f in dataclasses.fields(self)}

    def to_toml(self, commented: bool = False) -> str:
        """These settings as a TOML text that `from_toml` reads back exactly.

        Parameters
        ----------
        commented : bool
            Write meaning, unit, legal values and default over each setting, and also those said for one call only.
        """
        return "\n".join(_section_toml(getattr(self, f.name), commented) for f in dataclasses.fields(self))


def _unknown_section(section: str) -> str:
    known = sections()
    return f"the section [{section}] is not known{nearest(section, known)}; there are {', '.join(known)}"


def _example(name: str) -> str:
    """The full name of a setting whose section was forgotten, else any setting."""
    for section, options in sections().items():
        if any(f.name == name for f in dataclasses.fields(options)):
            return f"{section}.{name}=value"
    return "threshold.method=otsu"


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a settings file.

    Raises
    ------
    SettingsError
        When it is not there, not readable or no TOML; the sentence has the line.
    """
    remedy = "mend it, or write a fresh one with `morphct init -o FILE`"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            f"the settings file {path} does not exist; write one with `morphct init -o {path}`"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"the settings file {path} is not readable as TOML: {error}; {remedy}") from None
    except OSError as error:
        raise SettingsError(f"the settings file {path} cannot be read: {error.strerror}; {remedy}") from None


def _section_toml(options: Options, commented: bool) -> str:
    lines = [f"[{options.section}]"]
    if commented and options.__doc__:
        lines.insert(0, f"# {options.__doc__.splitlines()[0]}")
    meta = {f.name: f for f in dataclasses.fields(options)}
    tables: list[str] = []
    for name, value in options.to_mapping().items():
        if isinstance(value, dict):
            bounds = [f"{key} = {_toml(bound)}" for key, bound in value.items()]
            tables += ["", f"[{options.section}.{_key(name)}]", *bounds]
        elif commented:
            lines += [f"# {describe(meta[name])}", f"{name} = {_toml(value)}"]
        elif name not in ONCE.get(options.section, ()):
            lines.append(f"{name} = {_toml(value)}")
    return "\n".join(lines + tables) + "\n"


def describe(f: "dataclasses.Field[Any]") -> str:
    """A setting in one line: what it is, its unit, what is allowed, its default."""
    meta = f.metadata
    parts = [meta["unit"]] if meta["unit"] else []
    if meta["choices"]:
        parts.append("one of " + ", ".join(meta["choices"]))
    low, high = meta["min"], meta["max"]
    if low is not None or high is not None:
        parts.append(
            f"{low:g} to {high:g}" if None not in (low, high) else f"from {low:g}" if high is None else f"to {high:g}"
        )
    parts.append("default empty" if f.default is None else f"default {_toml(f.default)}")
    return f"{meta['help']} ({'; '.join(parts)})"


def _key(name: str) -> str:
    bare = name.replace("_", "").replace("-", "")
    return name if bare.isascii() and bare.isalnum() else json.dumps(name)


def _toml(value: Any) -> str:
    if value is None:
        return '""'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return repr(value)
