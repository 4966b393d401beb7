"""Pages for people: one per run, one per batch; each is one file that opens offline and prints."""

from . import chosen
from .batch import Row, write_batch
from .page import page, write

__all__ = ["Row", "chosen", "page", "write", "write_batch"]
