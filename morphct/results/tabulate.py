"""From the results of the passes to tables: columns, flags, groups of touching particles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import descriptors
from ..descriptors import columns as descriptor_columns
from ..descriptors.options import DescriptorOptions
from ..ground.work import Work
from ..measurement import aggregates
from ..measurement.aggregates import AggregateOptions
from ..measurement.all_passes import Measurements
from ..measurement.void_pass import RESULTS as VOID_RESULTS
from . import flags, frames

if TYPE_CHECKING:
    import pandas as pd

    from ..uncertainty.calibration import Calibration


@dataclass(frozen=True)
class Tables:
    """The tables of a label image, as data frames; index = label, void id, number of the group; `channels` where there
    are any."""

    particles: pd.DataFrame
    voids: pd.DataFrame
    aggregates: pd.DataFrame
    contacts: pd.DataFrame
    channels: pd.DataFrame | None = None


# what voids, groups and flags need even when no column of particles asks for it
ALWAYS = frozenset({"pairs", "ball_inside", *VOID_RESULTS})


def needed(options: DescriptorOptions, channels: Sequence[str] = ()) -> frozenset[str]:
    """Results of passes that the tables need with these options and channels.

    Raises
    ------
    SettingsError
        When a column or group asked for is not known, or a channel has the name of a column.
    """
    return descriptors.required(options.names, descriptors.particle_rows(channels, _compat(options))) | ALWAYS


def column_names(options: DescriptorOptions, suffix: str, channels: Sequence[str] = ()) -> list[str]:
    """Columns that the table of particles can have with these options and channels, in the unit `suffix`."""
    rows = descriptors.particle_rows(channels, _compat(options))
    wanted = (
        descriptors.chosen(rows.known, [*options.names, *descriptor_columns.ALWAYS]) if options.names else rows.columns
    )
    return [rows.known[name].column(suffix) for name in wanted]


def _compat(options: DescriptorOptions) -> str | None:
    """The conventions asked for, also by the name of one of their columns."""
    own = [d for d in descriptors.particle_rows((), "morphometry") if d.group == "compat"]
    called = {word for d in own for word in (d.name, d.group, d.column("um"), d.column("px"))}
    return options.compat if called.isdisjoint(options.names) else "morphometry"


def tabulate(
    measured: Measurements,
    ids: np.ndarray | None = None,
    options: DescriptorOptions | None = None,
    limits: AggregateOptions | None = None,
    work: Work | None = None,
    calibration: Calibration | None = None,
) -> Tables:
    """Tables from the results of the passes.

    Parameters
    ----------
    measured : Measurements
        Made with `wanted=needed(options)` or with everything.
    ids : (N,) int64, optional
        Labels of the particles; default 1 to N.
    options : DescriptorOptions, optional
        Which columns of particles.
    limits : AggregateOptions, optional
        When particles are welded or porous.
    work : Work, optional
        Default: one group after the other.
    calibration : Calibration, optional
        Without it there are no uncertainties, and columns are resolved from their usual sizes on.

    Raises
    ------
    SettingsError
        When a column asked for is not known or was not measured.
    """
    limits, options = limits or AggregateOptions(), options or DescriptorOptions()
    ids = np.arange(1, measured.n + 1) if ids is None else np.asarray(ids, np.int64)
    suffix = measured.voxel_size.suffix
    results = measured.results | {"limits": limits, "suffix": suffix}
    if calibration is not None:
        results["calibration"] = calibration
    pairs = results["pairs"]
    results["welds"] = welds = aggregates.find_welds(results, limits)
    results["group_number"] = number = aggregates.groups(pairs, measured.n, ~welds.gap)
    grouped = aggregates.measure_groups(
        number, welds, results, measured.envelope, measured.corners, limits, work or Work(())
    )
    group_columns = descriptors.compute(grouped, (), descriptors.AGGREGATES)
    numbers = np.arange(1, len(grouped["members"]) + 1)
    rows = descriptors.particle_rows(tuple(measured.profiles), _compat(options))
    return Tables(
        frames.frame(_flagged(descriptors.compute(results, options.names, rows), results), ids, suffix),
        _void_table(measured, ids),
        frames.frame(group_columns, numbers, suffix),
        frames.contacts(pairs, ids, welds, limits.score, suffix),
        frames.profiles(measured.profiles, ids) if measured.profiles else None,
    )


def _flagged(columns: descriptors.Columns, results: dict[str, Any]) -> descriptors.Columns:
    """The same columns with the flags of their rows, and what is too small in each."""
    columns.values |= {"flags": flags.words(columns, results), "not_resolved": flags.unresolved(columns, results)}
    columns.names = (*columns.names, *descriptor_columns.AFTERWARDS)
    return columns


def _void_table(measured: Measurements, ids: np.ndarray) -> pd.DataFrame:
    suffix = measured.voxel_size.suffix
    owner = measured.voids["owner_label"]
    results = measured.voids | {"suffix": suffix, "owner_label": ids[owner - 1]}
    columns = _flagged(descriptors.compute(results, (), descriptors.VOIDS), results)
    return frames.frame(columns, np.arange(1, len(owner) + 1), suffix)
