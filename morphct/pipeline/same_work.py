"""Whether work done before is the work asked for now: version, settings and contents of the inputs, one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .. import __version__, reading
from ..ground.units import VoxelSize
from ..reading.volume import Volume, printable
from ..results.run_folder.files import plain
from .settings import Settings

# settings that no number hangs on, and limits, which are judged anew
_FREE = ("qc", "run")
# sections that labels and voids do not depend on
_AFTER_LABELS = ("output", "descriptors", "aggregates", "calibrate")
MOST_TOLD = 3


@dataclass(frozen=True)
class Request:
    """What was asked for, and the files it is asked of.

    Attributes
    ----------
    command : {"run", "measure"}
    settings : Settings
    voxel_size : VoxelSize
        As it will be used.
    source : Volume
        The grey volume of a run, the label image of `measure`.
    grey : Volume or None
        What comes with a label image.
    channels : dict of Volume
        Co-registered maps by name.
    sample : str or None
        Its name on the page.
    """

    command: str
    settings: Settings
    voxel_size: VoxelSize
    source: Volume
    grey: Volume | None = None
    channels: dict[str, Volume] = field(default_factory=dict)
    sample: str | None = None

    @property
    def volumes(self) -> dict[str, Volume]:
        """All inputs: `input`, `grey`, `channel NAME`."""
        grey = {} if self.grey is None else {"grey": self.grey}
        return {"input": self.source, **grey, **{f"channel {name}": c for name, c in self.channels.items()}}

    @cached_property
    def contents(self) -> dict[str, tuple[str, str] | None]:
        """Method and digest of every input; the files are read when this is first asked for."""
        return {name: reading.content_hash(volume) for name, volume in self.volumes.items()}

    def facts(self) -> dict[str, Any]:
        """All that the result depends on but the contents, as plain values."""
        dataset = self.source.dataset and printable(self.source.dataset)
        mapping, edges = self.settings.to_mapping(), self.voxel_size.spacing
        return _facts(__version__, self.command, self.sample, dataset, mapping, edges)

    def of_labels(self) -> dict[str, Any]:
        """What labels and voids depend on, contents too: what a checkpoint keeps."""
        return labels_part(self.facts()) | {"contents": plain(self._digests(("input", "grey")))}

    def differences_of_labels(self, kept: Mapping[str, Any]) -> list[str]:
        """In which ways a checkpoint (`of_labels`) is of other work, in words; none: it is of this."""
        told = _told(labels_part(self.facts()), {k: v for k, v in kept.items() if k != "contents"})
        return told or _other_contents(plain(self._digests(("input", "grey"))), kept.get("contents") or {})

    def differences(self, provenance: Mapping[str, Any]) -> list[str]:
        """In which ways a finished run (its `run.json`) is of other work, in words; none: it is of this.

        Contents are read last, and only when nothing else differs.
        """
        source = provenance.get("input") or {}
        edges = [(source.get("voxel_size") or {}).get(axis) for axis in "zyx"]
        version, command, sample = (provenance.get(name) for name in ("version", "command", "sample"))
        then = _facts(version, command, sample, source.get("dataset"), provenance.get("settings"), edges)
        told = _told(self.facts(), then)
        if told:
            return told
        channels = {f"channel {name}": record for name, record in (source.get("channels") or {}).items()}
        records = {"input": source, **({"grey": source["grey"]} if "grey" in source else {}), **channels}
        digests = {name: _digest_in(record) for name, record in records.items()}
        return _other_contents(plain(self._digests()), digests)

    def _digests(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        return {n: list(d) if d else None for n, d in self.contents.items() if names is None or n in names}


def _facts(version: Any, command: Any, sample: Any, dataset: Any, settings: Any, edges: Any) -> dict[str, Any]:
    """One flat mapping, settings by `section.name`."""
    facts = {"the version": version, "the command": command, "the sample's name": sample, "the dataset": dataset}
    facts["the voxel size"] = list(edges)
    for section, values in (settings or {}).items():
        if section not in _FREE:
            facts |= {f"{section}.{name}": value for name, value in values.items()}
    facts["run.seed"] = (settings or {}).get("run", {}).get("seed")
    return plain(facts)


def labels_part(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that labels and voids depend on."""
    late = (*(f"{section}." for section in _AFTER_LABELS), "input.channels", "the sample's name")
    return {name: value for name, value in facts.items() if not name.startswith(late)}


def _told(now: Mapping[str, Any], then: Mapping[str, Any]) -> list[str]:
    names = [name for name in {**now, **then} if now.get(name) != then.get(name)]
    return [f"{name} is {_word(now.get(name))}, was {_word(then.get(name))}" for name in names]


def _word(value: Any) -> str:
    if value is None or value == [] or value == "":
        return "empty"
    values = value if isinstance(value, list) else [value]
    return ",".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values)


def _digest_in(record: Mapping[str, Any]) -> list[str] | None:
    return next(([k, record[k]] for k in ("sha256", "sha256-sampled") if k in record), None)


def _other_contents(now: Mapping[str, Any], then: Mapping[str, Any]) -> list[str]:
    words = {"input": "input file", "grey": "grey volume"}
    return [
        f"the content of the {words.get(name, name)} is another one"
        for name in {**now, **then}
        if now.get(name) != then.get(name) or now.get(name) is None
    ]


def in_words(differences: Sequence[str]) -> str:
    """The first differences as part of a sentence."""
    more = len(differences) - MOST_TOLD
    return "; ".join(differences[:MOST_TOLD]) + (f"; and {more} more" if more > 0 else "")
