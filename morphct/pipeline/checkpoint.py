"""What an interrupted run leaves for `--resume`: labels and voids, once they are written, and what is known of them.

It lies in the hidden folder in which a run is built. A run of the same input and settings that is told to resume goes
on from there; any other run takes it away.
"""

import hashlib
import json
from typing import Any

import numpy as np

from .. import __version__
from ..ground.cautions import Caution, weight_of
from ..reading.volume import Volume
from ..results.run_folder import CHECKPOINT, RunWriter, open_labels
from ..segment.labels import numbering
from ..segment.split.margins import Margins
from ..segment.voids.facts import VoidFacts
from ..segment.voids.ownership import Voids
from .job import Job
from .segmented import Segmented
from .settings import Settings

WORTH = 60.0  # seconds of work from which it is kept when a run is interrupted; less is sooner done again
_NO_PART = ("run", "output", "qc", "descriptors", "aggregates")  # sections that labels and voids do not depend on


def key_of(command: str, settings: Settings, source: Volume, grey: Volume | None = None) -> str:
    """What labels and voids depend on, as one hash: version, input files (path, size, time), settings."""
    volumes = [source] if grey is None else [source, grey]
    files = [(str(f), f.stat().st_size, f.stat().st_mtime_ns) for v in volumes for f in v.files]
    chosen = {k: v for k, v in settings.to_mapping().items() if k not in _NO_PART}
    facts = [__version__, command, str(source.path), source.dataset, list(source.shape), files, chosen]
    return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()


def save(writer: RunWriter, key: str, found: Segmented, job: Job) -> None:
    """Keep what stages 2 to 11 found; the label stores are in the folder already."""
    writer.json(
        CHECKPOINT,
        {
            "key": key,
            "n": found.n,
            "ids": None if found.ids is None else found.ids.tolist(),
            "owner": found.voids.owner.tolist(),
            "void_facts": found.voids.facts.to_mapping(),
            "detection_diameter": found.detection_diameter,
            "voids_trusted": found.voids_trusted,
            "facts": found.facts,
            "threshold": found.threshold,
            "histogram": found.histogram,
            "margins": None if found.margins is None else found.margins.to_mapping(),
            "cautions": [[str(s), weight_of(s)] for s in job.cautions],
            "stages": job.stages,
        },
    )
    writer.worth_keeping = sum(s["seconds"] for s in job.stages) >= WORTH


def load(writer: RunWriter, key: str, job: Job) -> Segmented | None:
    """What an interrupted run kept, when it was one of the same input and settings; else nothing is left of it."""
    kept = _read(writer)
    if kept is None or kept["key"] != key:
        writer.clear()
        return None
    job.stages += kept["stages"]
    for sentence, weight in kept["cautions"]:
        job.warn(Caution(sentence, weight))
    labels = job.scratch.create("labels", job.shape, np.int32)
    stored = open_labels(writer.folder / "labels.zarr")
    ids = None if kept["ids"] is None else np.array(kept["ids"], np.int64)
    with job.stage("read labels", 2) as work:
        source = stored if ids is None else numbering.numbered(stored, ids)
        work.copy(source, labels)
        void_ids = job.scratch.create("void_ids", job.shape, np.int32)
        work.copy(open_labels(writer.folder / "voids.zarr"), void_ids)
    owner = np.array(kept["owner"], np.int64)
    writer.worth_keeping = True
    return Segmented(
        labels, kept["n"], Voids(void_ids, owner, len(owner) - 1, VoidFacts.from_mapping(kept["void_facts"])), ids,
        kept["detection_diameter"], kept["voids_trusted"], kept["facts"], kept["threshold"], kept["histogram"],
        None if kept["margins"] is None else Margins.from_mapping(kept["margins"]),
    )  # fmt: skip


def _read(writer: RunWriter) -> dict[str, Any] | None:
    try:
        return json.loads((writer.folder / CHECKPOINT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
