"""From a label image to tables: passes, columns, flags, groups, in order. `morphct.measure` is this in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import aggregates, descriptors, flags, labels, sight, table, voids
from .aggregates import AggregateOptions
from .calibration import CalibrateOptions, Calibration, calibrate_measured
from .denoise import DenoiseOptions
from .descriptors.options import DescriptorOptions
from .errors import InputError
from .executors import RunMap
from .io import check_channels
from .measurement import Measurements
from .measurement import measure as run_passes
from .open_voids import add_open
from .scratch import Scratch
from .slabs import Slab, plan_slabs
from .units import VoxelSize, as_voxel_size
from .void_pass import RESULTS as VOID_RESULTS
from .voids import VoidOptions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Tables:
    """The tables of a label image, as data frames; index = label, void id, number of the group; `channels` where there
    are any."""

    particles: "pd.DataFrame"
    voids: "pd.DataFrame"
    aggregates: "pd.DataFrame"
    contacts: "pd.DataFrame"
    channels: "pd.DataFrame | None" = None


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
    run_map: RunMap = map,
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
    grouped = aggregates.measure_groups(number, welds, results, measured.envelope, limits, run_map)
    group_columns = descriptors.compute(grouped, (), descriptors.AGGREGATES)
    numbers = np.arange(1, len(grouped["members"]) + 1)
    rows = descriptors.particle_rows(tuple(measured.profiles), _compat(options))
    return Tables(
        table.frame(_flagged(descriptors.compute(results, options.names, rows), results), ids, suffix),
        _void_table(measured, ids),
        table.frame(group_columns, numbers, suffix),
        table.contacts(pairs, ids, welds, limits.score, suffix),
        table.profiles(measured.profiles, ids) if measured.profiles else None,
    )


def _flagged(columns: descriptors.Columns, results: dict[str, Any]) -> descriptors.Columns:
    """The same columns with the flags of their rows."""
    columns.values["flags"] = flags.words(columns, results)
    columns.names = (*columns.names, "flags")
    return columns


def _void_table(measured: Measurements, ids: np.ndarray) -> "pd.DataFrame":
    suffix = measured.voxel_size.suffix
    owner = measured.voids["owner_label"]
    results = measured.voids | {"suffix": suffix, "owner_label": ids[owner - 1]}
    columns = _flagged(descriptors.compute(results, (), descriptors.VOIDS), results)
    return table.frame(columns, np.arange(1, len(owner) + 1), suffix)


def measure_array(
    image: Any,
    grey: Any = None,
    voxel_size: str | VoxelSize = "1px",
    *,
    names: Sequence[str] = (),
    channels: Mapping[str, Any] | None = None,
    compat: str | None = None,
    limits: AggregateOptions | None = None,
    void_options: VoidOptions | None = None,
    slabs: Sequence[Slab] | None = None,
    run_map: RunMap = map,
    calibration: Calibration | CalibrateOptions | None = None,
) -> Tables:
    """All tables of a label image in memory.

    Parameters
    ----------
    image : (Z,Y,X) array-like of integers
        Labels of any size, with gaps or without; 0 is background. Holes in a particle that reach neither another one
        nor a face of the volume are its closed voids.
    grey : (Z,Y,X) array-like, optional
        Grey values, any real type.
    voxel_size : str or VoxelSize
        `25nm`, `75nm,25nm,25nm` as z,y,x, or `1px`.
    names : sequence of str
        Columns or groups of columns; none: all.
    channels : mapping of str to (Z,Y,X) array-likes, optional
        Co-registered maps by name (XRF, XANES peak position, d-spacing); what is not finite was not measured.
    compat : {"morphometry"}, optional
        Add columns as other programs define them.
    limits, void_options, slabs, run_map
        As for the command line's run.
    calibration : CalibrateOptions or Calibration, optional
        How uncertainties are found, or what is known of them already; without it there are none.

    Raises
    ------
    InputError
        When the label image is not one, or the grey volume or a channel has another shape.
    SettingsError
        When `names` holds an unknown column, or one that needs a grey volume without there being one.
    """
    image = labels.plain(image, "the label image")
    labels.check(image)
    grey = None if grey is None else labels.plain(grey, "the grey volume", "iubf")
    channels = {n: labels.plain(c, f"the channel {n}", "iubf") for n, c in (channels or {}).items()}
    for what, volume in (("the grey volume", grey), *((f"the channel {n}", c) for n, c in channels.items())):
        if volume is not None and tuple(volume.shape) != tuple(image.shape):
            raise InputError(
                f"{what} has shape {tuple(volume.shape)}, the label image {tuple(image.shape)}; "
                "both must be the same volume in the same z,y,x order"
            )
    check_channels(channels)
    size = as_voxel_size(voxel_size)
    options = DescriptorOptions(names=tuple(names), compat=compat)
    wanted = needed(options, tuple(channels))
    slabs = plan_slabs(image.shape[0], 64) if slabs is None else slabs
    ids = labels.find_ids(image, slabs, run_map)
    numbered = labels.Numbered(image, ids)
    with Scratch() as scratch:
        void_options = void_options or VoidOptions()
        found = voids.inside_labels(numbered, void_options, scratch, slabs, run_map)
        smallest = None
        if grey is not None and "void_voxels_low" in wanted:
            found, smallest = sight.look(found, numbered, grey, size, DenoiseOptions())
        found = add_open(found, numbered, len(ids), size, void_options, slabs, run_map)
        measured = run_passes(
            numbered,
            len(ids),
            size,
            slabs=slabs,
            void_labels=found.labels,
            owner=found.owner,
            void_facts=found.facts,
            grey=grey,
            channels=channels,
            wanted=wanted,
            detection_diameter=smallest,
            run_map=run_map,
        )
        if isinstance(calibration, CalibrateOptions):
            calibration = calibrate_measured(measured, {}, calibration, options.names, run_map=run_map)
        return tabulate(measured, ids, options, limits, run_map, calibration)


def measure(
    image: Any,
    grey: Any = None,
    voxel_size: str | VoxelSize = "1px",
    *,
    names: Sequence[str] = (),
    channels: Mapping[str, Any] | None = None,
    compat: str | None = None,
    calibrate: str = "none",
) -> "pd.DataFrame":
    """The particles table of a label image in memory; parameters and errors as for `measure_array`.

    Parameters
    ----------
    calibrate : {"none", "quick", "full"}
        Uncertainties (`*_u`) from digitised bodies of known shape: none, in some seconds, or in minutes.

    Returns
    -------
    DataFrame
        One row a particle, index = label.
    """
    how = CalibrateOptions(method=calibrate)
    tables = measure_array(image, grey, voxel_size, names=names, channels=channels, compat=compat, calibration=how)
    return tables.particles
