"""Pages for people: one per run, one per batch; each is one file that opens offline and prints.

In: run folders. Out: `report.html`; its layout is in `templates/`. Start reading at `page`.

- `batch`: the page of a batch: a row per sample, distributions laid over each other, and why a sample failed
- `chosen`: chosen particles side by side, laid out as the reference study's Table S1: size, three ellipticities, S, R
- `doubtful`: the doubtful particles on the page, and how the headline numbers move: sentences, cards, a table
- `page`: the page of a run: self-contained, made from the run folder alone
- `pictures`: pictures inside a page, so that it needs nothing beside it
- `tables`: tables of the page: which rows and columns, and their cells as texts
- `trust`: how far to trust each column: what the calibration of a run found, in sentences and as a table
- `words`: numbers and findings as sentences and cells
"""

from . import chosen
from .batch import Row, is_over_others, write_batch
from .page import draw, page, write

__all__ = ["Row", "chosen", "draw", "is_over_others", "page", "write", "write_batch"]
