"""Looking before computing: what is in a volume, and whether a run with these settings could start."""

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np

from .. import reading
from ..ground.errors import InputError
from ..ground.executors import many_machines
from ..reading.volume import Volume, summary_of
from ..segment.grey.sampling import read_bricks
from ..segment.labels import likeness, values
from ..segment.mask import chosen_values, phase_cut
from ..segment.mask.phase_choice import phase_names
from . import foretelling, threshold_record
from .memory_plan import describe, plan_of
from .run import open_channels, open_volume
from .segmenting import look_at_sample
from .settings import Settings

HISTOGRAM_ROWS = 24  # of the histogram as text
RANGE_PLANES = 9  # read for the range of greys
TAIL_SHARE = 5e-4  # share of voxels left out at either end of it


def inspect(path: str | Path, settings: Settings) -> dict[str, Any]:
    """What is in a volume; reads a sample of it, at most 8 layers of 16 planes.

    Parameters
    ----------
    path : path
        The volume, in any format of `morphct.reading`.
    settings : Settings
        How it is to be read, and the plan's memory and workers.

    Returns
    -------
    dict
        `volume` (shape, type, axes, voxel size and its source), `grey` (range, noise, SNR, CNR, filter), `phases`,
        `choice` (the method that the sample speaks for), `histogram` (rows of grey, count and phase), `cut` (phases of
        the middle plane), `plan` (memory and bricks), `warnings`. Of a segmented volume, the
        range, its `values` with their shares in the sample, `plan` and `warnings`.

    Raises
    ------
    UserError
        When it cannot be read, or holds nothing to look at.
    """
    volume = open_volume(path, settings)
    facts = summary_of(volume)
    plan = plan_of(volume.shape, settings.run)
    held = values.few([plane[None] for plane in values.looked_at(volume)])
    if held is not None:
        held = values.few([brick.inner for brick in read_bricks(volume, 0)])
    if held is not None and not held.noisy:
        copies = foretelling.copies_of_grey([volume], smoothed=False)
        return {
            "volume": facts,
            "grey": {"low": float(held.values[0]), "high": float(held.values[-1])},
            "values": chosen_values.rows(held),
            "phases": [],
            "histogram": [],
            "cut": phase_cut.of_values(volume, held.values).to_mapping(),
            "plan": describe(plan) | foretelling.foretell(plan, settings, grey_copies=copies).to_mapping(),
            "warnings": [*facts["notes"], *chosen_values.advice(held)],
        }
    seen, choice = look_at_sample(volume, volume.voxel_size, settings)
    phases = [
        {"name": name, "mean": float(mean), "sd": float(sd), "weight": float(weight)}
        for name, mean, sd, weight in zip(
            phase_names(seen.fit.n_phases), seen.fit.means, seen.fit.sds, seen.fit.weights, strict=True
        )
    ]
    solid = float(seen.fit.weights[-1]) if seen.fit.ok else None
    foretold = foretelling.foretell(plan, settings, grey_copies=foretelling.copies_of_grey([volume]), solid=solid)
    return {
        "volume": facts,
        "grey": {
            **_range(volume),
            "outside": seen.counts.n_outside / max(seen.counts.n_voxels, 1),
            "noise_sd": seen.noise.sd,
            "noise_correlation": seen.noise.correlation,
            **threshold_record.contrast(seen, seen.fit),
            "filter": seen.method,
            "sigma": list(seen.sigma),
            "sd_after": seen.sd_after,
        },
        "phases": phases,
        "choice": None if choice is None else {"method": choice.method, "reason": choice.reason},
        "histogram": _rows(seen.counts, phases),
        "cut": None if (cut := phase_cut.of_grey(volume, seen)) is None else cut.to_mapping(),
        "plan": describe(plan) | foretold.to_mapping(),
        "warnings": [*facts["notes"], *_labels(volume), *seen.fit.words, *seen.warnings],
    }


def check(path: str | Path, settings: Settings) -> dict[str, Any]:
    """Whether a run could start: opens the file, plans the memory, looks up the columns; reads no voxel.

    Raises
    ------
    UserError
        For what would stop the run before its first voxel.
    """
    volume = open_volume(path, settings)
    size = reading.require_voxel_size(volume)
    channels = open_channels(settings, volume, size)  # looks up columns and limits too
    with many_machines(settings.run.scheduler) as cluster:  # a queue is not asked for jobs to be looked at
        plan = plan_of(volume.shape, settings.run, cluster)
    foretold = foretelling.foretell(
        plan, settings, grey_copies=foretelling.copies_of_grey([volume, *channels.values()])
    )
    return {
        "volume": summary_of(volume)
        | {"voxel_size": list(size.spacing), "voxel_size_source": size.source, "voxel_size_unit": size.unit},
        "plan": describe(plan) | foretold.to_mapping(),
        "warnings": list(volume.notes),
    }


def _labels(volume: Volume) -> list[str]:
    """The sentence on a label image."""
    try:
        likeness.refuse_labels(volume, values.looked_at(volume))
    except InputError as error:
        return [str(error)]
    return []


def _range(volume: Volume) -> dict[str, float]:
    """Least and largest finite grey of a few planes."""
    planes = sorted({round(z) for z in np.linspace(0, volume.shape[0] - 1, RANGE_PLANES)})
    low, high = math.inf, -math.inf
    for z in planes:
        plane = volume[z : z + 1]
        finite = plane[np.isfinite(plane)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return {"low": low, "high": high}


def _rows(counts: Any, phases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The histogram in few rows over the greys that matter, with the phases whose means fall into each."""
    share = np.cumsum(counts.all) / max(counts.all.sum(), 1)
    first, last = int(np.searchsorted(share, TAIL_SHARE)), int(np.searchsorted(share, 1 - TAIL_SHARE)) + 1
    edges = np.unique(np.linspace(first, min(last, len(share)), HISTOGRAM_ROWS + 1).round().astype(int))
    rows = []
    for a, b in itertools.pairwise(edges):
        low, high = float(counts.edges[a]), float(counts.edges[b])
        inside = [phase["name"] for phase in phases if low <= phase["mean"] < high]
        rows.append({"grey": low, "count": int(counts.all[a:b].sum()), "phases": inside})
    return rows
