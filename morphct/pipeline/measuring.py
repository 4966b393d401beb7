"""From a label image to tables: passes, columns, flags, groups, in order. `morphct.measure` is this in memory."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..ground.errors import InputError
from ..ground.scratch import Scratch
from ..ground.units import VoxelSize, as_voxel_size
from ..ground.work import Work
from ..measurement.all_passes import measure as run_passes
from ..measurement.labelled import Labelled
from ..reading import check_channels
from ..results.tabulate import Tables, needed, tabulate
from ..segment.labels import ids as label_image
from ..segment.labels import likeness
from ..segment.voids import given_labels, holes
from ..segment.voids.open_voids import add_open
from ..uncertainty.calibration import CalibrateOptions, calibrate_measured
from .settings import Settings

if TYPE_CHECKING:
    import pandas as pd

SLAB_PLANES = 64  # in a slab


def measure_array(
    image: Any,
    grey: Any = None,
    voxel_size: str | VoxelSize = "1px",
    *,
    names: Sequence[str] = (),
    channels: Mapping[str, Any] | None = None,
    compat: str | None = None,
    settings: Settings | None = None,
    work: Work | None = None,
) -> Tables:
    """All tables of a label image in memory.

    Parameters
    ----------
    image : (Z,Y,X) array-like of integers
        Labels of any size, with gaps or without; 0 is background. Holes in a particle are its voids, whatever lies in
        them, and so is background that a face of the volume cuts, which one particle bounds over more than 1.2 times
        the area at the face (`open` is `cut` in the table of voids).
    grey : (Z,Y,X) array-like, optional
        Grey values, any real type.
    voxel_size : str or VoxelSize
        `25nm`, `75nm,25nm,25nm` as z,y,x, or `1px`.
    names : sequence of str
        Columns or groups of columns; none: those of the settings, by default all.
    channels : mapping of str to (Z,Y,X) array-likes, optional
        Co-registered maps by name (XRF, XANES peak position, d-spacing); what is not finite was not measured.
    compat : {"morphometry"}, optional
        Add columns as other programs define them.
    settings : Settings, optional
        Its sections voids, descriptors, aggregates and calibrate count; default: theirs, but no calibration and so
        no uncertainties.
    work : Work, optional
        How the volume is gone over; no number depends on it.

    Raises
    ------
    InputError
        When the label image is not one, or the grey volume or a channel has another shape.
    SettingsError
        When `names` holds an unknown column, or one that needs a grey volume without there being one.

    Warns
    -----
    UserWarning
        When there is no label at all, and when the labels look like the values of a mask.
    """
    settings = settings or Settings(calibrate=CalibrateOptions(method="none"))
    asked = settings.descriptors
    asked = replace(asked, names=tuple(names) or asked.names, compat=compat or asked.compat)
    image, grey, channels = _checked(image, grey, channels or {})
    size = as_voxel_size(voxel_size)
    wanted = needed(asked, tuple(channels))
    with Scratch() as scratch:
        work = replace(work or Work.of(image.shape[0], SLAB_PLANES), scratch=scratch)
        ids = label_image.find_ids(image, work)
        numbered = label_image.Numbered(image, ids)
        _warn(numbered, len(ids), settings, work)
        found = holes.inside_labels(numbered, settings.voids, work)
        smallest = None
        if grey is not None and "void_voxels_low" in wanted:
            found, smallest = given_labels.void_limits(found, numbered, grey, size, settings.denoise)
        found = add_open(found, numbered, len(ids), size, settings.voids, work)
        labelled = Labelled(numbered, len(ids), size, found, smallest)
        measured = run_passes(labelled, work, grey=grey, channels=channels, wanted=wanted, views=asked.views)
        calibration = calibrate_measured(measured, {}, settings.calibrate, asked.names, work=work.telling(None))
        return tabulate(measured, ids, asked, settings.aggregates, work.telling(None), calibration)


def _warn(labels: Any, n: int, settings: Settings, work: Work) -> None:
    """Warn of an image without labels, and of one whose labels are values of a mask."""
    pieces = likeness.pieces_of_labels(labels, n, settings.particles.min_voxels, work)
    if n == 0:
        warnings.warn(likeness.no_labels("the label image"), stacklevel=3)
    if pieces is not None:
        warnings.warn(
            f"the label image looks like a mask, not like labels: its {n} label{'s' * (n > 1)} "
            f"{'lie' if n > 1 else 'lies'} in {pieces:,} separate pieces, and each label was measured as one particle; "
            "number its pieces first (scipy.ndimage.label), or save it and let `morphct run` tell particles apart",
            stacklevel=3,
        )


def _checked(image: Any, grey: Any, channels: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """Labels, grey and channels as plain arrays of one shape."""
    image = label_image.plain(image, "the label image")
    label_image.check(image)
    grey = None if grey is None else label_image.plain(grey, "the grey volume", "iubf")
    channels = {n: label_image.plain(c, f"the channel {n}", "iubf") for n, c in channels.items()}
    for what, volume in (("the grey volume", grey), *((f"the channel {n}", c) for n, c in channels.items())):
        if volume is not None and tuple(volume.shape) != tuple(image.shape):
            raise InputError(
                f"{what} has shape {tuple(volume.shape)}, the label image {tuple(image.shape)}; "
                "both must be the same volume in the same z,y,x order"
            )
    check_channels(channels)
    return image, grey, channels


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
    settings = Settings(calibrate=CalibrateOptions(method=calibrate))
    tables = measure_array(image, grey, voxel_size, names=names, channels=channels, compat=compat, settings=settings)
    return tables.particles
