"""What a table cannot give as an attribute: `table.morphct.flags`, where `table.flags` is pandas' own.

`class` is a word of Python and `flags` an attribute of every data frame, so these columns are `table["class"]` and
`table["flags"]`, or by the names below. Imported with the first table; pandas keeps it from then on.
"""

import pandas as pd


@pd.api.extensions.register_dataframe_accessor("morphct")
class Words:
    """Columns of words of a table of particles, voids or groups."""

    def __init__(self, table: pd.DataFrame) -> None:
        if "flags" not in table.columns and "class" not in table.columns:
            raise AttributeError(
                f"a table with the columns {', '.join(map(str, table.columns[:4]))} is none of morphct's: it has "
                "neither flags nor class"
            )
        self._table = table

    @property
    def flags(self) -> pd.Series:
        """The column `flags`: words separated by `;`, empty where there is nothing to know."""
        return self._table["flags"].fillna("").astype(str)

    @property
    def class_(self) -> pd.Series:
        """The column `class` of particles."""
        return self._table["class"]

    @property
    def not_resolved(self) -> pd.Series:
        """The column `not_resolved`: columns of which a row is too small, separated by `;`."""
        return self._table["not_resolved"].fillna("").astype(str)

    def flagged(self, word: str) -> pd.Series:
        """Whether each row has this flag, (N,) bool: `table[~table.morphct.flagged("border")]`.

        Raises
        ------
        ValueError
            When there is no such flag.
        """
        from .flags import VOCABULARY

        if word not in VOCABULARY:
            raise ValueError(f"{word!r} is no flag; allowed are {', '.join(VOCABULARY)}")
        return self._has("flags", word)

    def resolved(self, column: str) -> pd.Series:
        """Whether each row is large enough for the values of a column, (N,) bool.

        Raises
        ------
        ValueError
            When the table has no such column.
        """
        if column not in self._table.columns:
            raise ValueError(f"{column!r} is no column of the table; allowed are {', '.join(self._table.columns)}")
        return ~self._has("not_resolved", column)

    def _has(self, name: str, word: str) -> pd.Series:
        texts = self._table[name].fillna("").astype(str)
        return pd.Series([word in text.split(";") for text in texts], self._table.index, dtype=bool)
