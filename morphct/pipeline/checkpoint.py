"""What an interrupted run leaves for `--resume`: labels and voids, once they are written, and what is known of them.

It lies in the hidden folder in which a run is built. A run of the same version, settings and inputs that is told to
resume goes on from there, when every byte of it is as it was written; else one line says why not, and nothing of it
stays.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ground.cautions import Caution, weight_of
from ..results.run_folder import CHECKPOINT, RunWriter, damage, open_labels
from ..results.run_folder.files import plain
from ..segment.labels import numbering
from ..segment.split.margins import Margins
from ..segment.voids.facts import VoidFacts
from ..segment.voids.ownership import Voids
from .job import Job
from .same_work import Request, in_words
from .segmented import Segmented

LEAST_SECONDS_KEPT = 60.0  # seconds of work from which it is kept when a run is interrupted; less is sooner done again
STORES = ("labels.zarr", "voids.zarr")
log = logging.getLogger("morphct")


def save(writer: RunWriter, request: Request, found: Segmented, job: Job) -> None:
    """Keep what stages 2 to 11 found; the label stores are in the folder already."""
    kept = plain(
        {
            "asked": request.of_labels(),
            "stores": {name: writer.hashes[name] for name in STORES},
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
        }
    )
    writer.json(CHECKPOINT, {"kept": kept, "sha256": _seal(kept)})
    writer.worth_keeping = sum(s["seconds"] for s in job.stages) >= LEAST_SECONDS_KEPT


def load(writer: RunWriter, request: Request, job: Job, others: Sequence[str] = ()) -> Segmented | None:
    """What an interrupted run kept, when it is whole and of the same work; else nothing is left of it but `others`."""
    kept, why = _read(writer)
    if kept is not None:
        why = in_words(request.differences_of_labels(kept["asked"]))
        why = why or next((w for name in STORES if (w := damage(writer.folder / name, kept["stores"][name]))), "")
    if kept is None or why:
        if why:
            sentence = f"labels and voids kept from the interrupted run are not used ({why}); all is done anew"
            log.warning(sentence)
            job.progress.note(sentence)
        writer.clear(keep=others)
        return None
    writer.clear(keep=(CHECKPOINT, *STORES, *others))  # tables and pictures half written by the run that was killed
    writer.worth_keeping = True
    return _restored(writer, kept, job)


def _restored(writer: RunWriter, kept: dict[str, Any], job: Job) -> Segmented:
    """The labels and voids of a checkpoint in scratch, the record of their making in the job."""
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
    return Segmented(
        labels, kept["n"], Voids(void_ids, owner, len(owner) - 1, VoidFacts.from_mapping(kept["void_facts"])), ids,
        kept["detection_diameter"], kept["voids_trusted"], kept["facts"], kept["threshold"], kept["histogram"],
        None if kept["margins"] is None else Margins.from_mapping(kept["margins"]),
    )  # fmt: skip


def _seal(kept: dict[str, Any]) -> str:
    """A hash of the whole record: what was changed or cut since is not taken up."""
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _read(writer: RunWriter) -> tuple[dict[str, Any] | None, str]:
    """The record, or why there is none that can be used (an empty text: there is none at all)."""
    path = writer.folder / CHECKPOINT
    if not path.exists():
        return None, ""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kept, seal = content["kept"], content["sha256"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None, f"{CHECKPOINT} cannot be read"
    return (kept, "") if _seal(kept) == seal else (None, f"{CHECKPOINT} is damaged")
