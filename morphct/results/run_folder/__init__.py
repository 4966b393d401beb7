"""The run folder: written whole or not at all, opened lazily; report, render and view read only this.

In: tables, label images, texts. Out: a `RunFolder`. Start reading at `folder`.

- `files`: whole files: each is written under a temporary name and moved into place, so a file that exists is whole
- `folder`: opening a run folder: tables, labels and numbers of a finished run, read when asked for
- `labels`: label images on disk: a Zarr v3 store with OME-Zarr 0.5 metadata, and TIFF for Fiji. Written by planes, in
  order
- `lock`: one morphct at a time in an output folder: a lock that the system frees when its process ends
- `moving`: the final move into place, so that one that was cut off can be finished or taken back
- `spreadsheet`: tables as CSV that a spreadsheet opens without running anything
- `writer`: writing a run folder: built beside its place, moved in whole, or taken away without a trace
"""

from .files import FileWriter
from .folder import RunFolder, open_run
from .labels import CHUNK, LabelStore, damage, label_dtype, open_labels
from .lock import alone
from .spreadsheet import csv_of
from .writer import CHECKPOINT, RunWriter, resumable

__all__ = [
    "CHECKPOINT",
    "CHUNK",
    "FileWriter",
    "LabelStore",
    "RunFolder",
    "RunWriter",
    "alone",
    "csv_of",
    "damage",
    "label_dtype",
    "open_labels",
    "open_run",
    "resumable",
]
