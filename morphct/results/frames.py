"""Tables: computed columns as data frames, with the names and the order that people's scripts rely on."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..descriptors import Columns
from ..measurement.aggregates import Welds
from ..segment.labels.accumulators import Pairs

if TYPE_CHECKING:
    import pandas as pd

EMPTY_AT_ZERO = ("aggregate_id",)  # whole-number columns where 0 means there is none


def frame(columns: Columns, index: np.ndarray, suffix: str) -> "pd.DataFrame":
    """A table.

    Parameters
    ----------
    columns : Columns
        Computed columns; those asked for become columns, in the order of the table.
    index : (N,) int64
        Labels, void ids or numbers of groups.
    suffix : {"um", "px"}
        Unit of lengths.

    Returns
    -------
    DataFrame
        Whole numbers as int64 (empty ones as Int64), lengths and ratios as float64 with NaN where empty, words as text.
    """
    import pandas as pd

    from . import accessor  # noqa: F401 - gives the frame its `.morphct`

    rows = columns.rows
    data = {}
    for name in rows.columns:
        if name in columns.names:
            data[rows.known[name].column(suffix)] = _series(name, columns.values[name])
    return pd.DataFrame(data, index=pd.Index(np.asarray(index, np.int64), name=rows.index))


def _series(name: str, values: np.ndarray) -> "pd.api.extensions.ExtensionArray | np.ndarray":
    import pandas as pd

    if name in EMPTY_AT_ZERO:
        return pd.array(np.where(values == 0, None, values), dtype="Int64")  # type: ignore[call-overload]
    if values.dtype == object:
        return pd.array(values, dtype=str)
    return values.astype(np.int64) if values.dtype.kind in "iu" else values


def profiles(found: Mapping[str, np.ndarray], ids: np.ndarray) -> "pd.DataFrame":
    """Radial profiles of channels: a row for each particle, channel and shell.

    Parameters
    ----------
    found : mapping of str to (N, S, 3) float
        By channel: voxels, mean and standard deviation in each shell, from the surface (shell 1) to the core.
    ids : (N,) int64
        Labels of the particles.

    Returns
    -------
    DataFrame
        Index `label`; `channel`, `shell`, `mean`, `std`, `n`; mean and std empty where a shell holds no measured voxel.
    """
    import pandas as pd

    shells = next(iter(found.values())).shape[1]
    values = np.stack(list(found.values()), axis=1).reshape(-1, 3)
    return pd.DataFrame(
        {
            "channel": pd.array(np.tile(np.repeat(list(found), shells), len(ids)), dtype=str),
            "shell": np.tile(np.arange(1, shells + 1), len(ids) * len(found)),
            "mean": values[:, 1],
            "std": values[:, 2],
            "n": values[:, 0].astype(np.int64),
        },
        index=pd.Index(np.repeat(ids, len(found) * shells), name="label"),
    )


def contacts(pairs: Pairs, ids: np.ndarray, welds: Welds, least: float, suffix: str) -> "pd.DataFrame":
    """One row for each pair of touching particles: labels, shared voxel faces, area of the interface, signs of a weld.

    `joint` is `gap` where the grey drops too far for a contact, `welded` from the score on that counts as a weld, else
    `touching`.

    Parameters
    ----------
    pairs : Pairs
    ids : (N,) int64
        Labels of the particles.
    welds : Welds
    least : float
        Score from which a contact is a weld (`aggregates.score`).
    """
    import pandas as pd

    joint = np.select([welds.gap, welds.score >= least], ["gap", "welded"], "touching")
    return pd.DataFrame(
        {
            "label_1": ids[pairs.first],
            "label_2": ids[pairs.second],
            "faces": pairs.faces,
            f"contact_area_{suffix}2": pairs.area,
            "weld_ratio": welds.ratio,
            "grey_dip": welds.dip,
            "score": welds.score,
            "joint": joint,
        }
    )
