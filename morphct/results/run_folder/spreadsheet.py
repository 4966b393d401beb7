"""Tables as CSV that a spreadsheet opens without running anything: what looks like a formula is marked as a text."""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

DIGITS = "%.9g"  # parquet keeps every bit; nine digits are beyond any voxel and still fit a spreadsheet cell
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)*|[.,]\d+)([eE][-+]?\d+)?\s*%?")
# signs with which spreadsheets begin a formula, also as full-width letters; OWASP, "CSV injection"
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def defused(value: Any) -> Any:
    """A text that a spreadsheet would run, with the apostrophe that makes it a text; all else as it is."""
    if not isinstance(value, str) or not value:
        return value
    if value[0] in "\t\r\n" or (value.lstrip().startswith(_FORMULA) and not _NUMBER.fullmatch(value.strip())):
        return f"'{value}"
    return value


def csv_of(frame: "pd.DataFrame", index: bool = True) -> str:
    """A table as CSV: nine digits, empty = missing, line feeds, formulas in cells, index and header defused."""
    import pandas as pd

    safe = frame.copy(deep=False)
    for place, kind in enumerate(safe.dtypes):
        if not (pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind)):
            safe.isetitem(place, safe.iloc[:, place].map(defused, na_action="ignore"))
    safe.columns = pd.Index([defused(name) for name in safe.columns])
    if not pd.api.types.is_numeric_dtype(safe.index.dtype):
        safe.index = pd.Index([defused(value) for value in safe.index], name=safe.index.name)
    return safe.to_csv(index=index, float_format=DIGITS, lineterminator="\n")
