"""From a label image to tables: passes, columns, flags, groups, in order. `morphct.measure` is this in memory."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..descriptors.options import DescriptorOptions
from ..ground.errors import InputError
from ..ground.executors import RunMap
from ..ground.scratch import Scratch
from ..ground.slabs import Slab, plan_slabs
from ..ground.units import VoxelSize, as_voxel_size
from ..ground.work import Work
from ..measurement.aggregates import AggregateOptions
from ..measurement.all_passes import measure as run_passes
from ..reading import check_channels
from ..results.tabulate import Tables, needed, tabulate
from ..segment.grey.denoise import DenoiseOptions
from ..segment.labels import ids as label_image
from ..segment.voids import given_labels, holes
from ..segment.voids.open_voids import add_open
from ..segment.voids.options import VoidOptions
from ..uncertainty.calibration import CalibrateOptions, Calibration, calibrate_measured

if TYPE_CHECKING:
    import pandas as pd


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
    image = label_image.plain(image, "the label image")
    label_image.check(image)
    grey = None if grey is None else label_image.plain(grey, "the grey volume", "iubf")
    channels = {n: label_image.plain(c, f"the channel {n}", "iubf") for n, c in (channels or {}).items()}
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
    with Scratch() as scratch:
        work = Work(tuple(slabs), run_map, None, scratch)
        ids = label_image.find_ids(image, work)
        numbered = label_image.Numbered(image, ids)
        void_options = void_options or VoidOptions()
        found = holes.inside_labels(numbered, void_options, work)
        smallest = None
        if grey is not None and "void_voxels_low" in wanted:
            found, smallest = given_labels.look(found, numbered, grey, size, DenoiseOptions())
        found = add_open(found, numbered, len(ids), size, void_options, work)
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
