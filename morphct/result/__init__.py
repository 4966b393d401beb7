"""The run folder: written whole or not at all, opened lazily; report, render and view read only this."""

from .files import FileWriter
from .folder import RunFolder, open_run
from .labels import CHUNK, LabelStore, label_dtype, open_labels
from .writer import CHECKPOINT, RunWriter

__all__ = [
    "CHECKPOINT",
    "CHUNK",
    "FileWriter",
    "LabelStore",
    "RunFolder",
    "RunWriter",
    "label_dtype",
    "open_labels",
    "open_run",
]
