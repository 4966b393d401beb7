"""Digitised bodies measured by the very code that measures particles: what it says of them beside what is true."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

import numpy as np

from ... import descriptors
from ...descriptors import PARTICLES
from ...descriptors.registry import inputs_of
from ...ground.units import VoxelSize
from ...ground.work import Work
from ...measurement.all_passes import measure
from ...measurement.labelled import Labelled
from ...segment.voids.ownership import Voids
from . import kept
from .conditions import Conditions
from .digitising import batches, images, noise_tile
from .ladder import Extent, Specimen, references

# results that say where a body lies or how it is turned: what is made from them is no property of the body
EXTRINSIC = frozenset({"position", "axes", "box", "label_voxels", "shape", "calibration"})
POROUS_COLUMNS = ("void_fraction", "void_volume", "void_largest_diameter")  # columns of bodies with voids
VOID_GROUPS = ("voids", "uncertainty")  # columns that solid bodies do not have
SHAPE_COLUMNS = (
    "equivalent_diameter",
    "ellipticity_yx",
    "ellipticity_zy",
    "sphericity_wadell",
)  # what errors depend on
REFERENCE_DIAMETER_VOXELS = 72.0  # voxels across: bodies whose values stand for the truth where no closed form does


@dataclass(frozen=True)
class Trials:
    """What was measured on N bodies.

    Attributes
    ----------
    trials : list of Specimen
    values : dict of str to (N,) float
        Measured, by name of descriptor, NaN where it could not be had; lengths in cube roots of a voxel.
    truths : dict of str to (N,) float
        True, NaN where nothing is known.
    """

    trials: list[Specimen]
    values: dict[str, np.ndarray]
    truths: dict[str, np.ndarray]

    @property
    def shapes(self) -> list[str]:
        """Kinds of bodies, in order."""
        return list(dict.fromkeys(t.body.name for t in self.trials))

    @property
    def size(self) -> np.ndarray:
        """(N,) place of each body's size on the ladder."""
        return np.array([t.size for t in self.trials], int)

    @property
    def kind(self) -> np.ndarray:
        """(N,) place of each body's shape among those of the calibration."""
        return np.array([t.shape for t in self.trials], int)

    def errors(self, name: str) -> np.ndarray:
        """(N,) measured less true: over the truth for lengths, areas and volumes, as it is for ratios."""
        error = self.values[name] - self.truths[name]
        with np.errstate(divide="ignore", invalid="ignore"):
            return error / self.truths[name] if is_relative(name) else error

    def across(self, place: int) -> float:
        """Diameter that stands for a size of the ladder."""
        return next(t.across for t in self.trials if t.size == place)

    def void_diameters(self) -> np.ndarray:
        """(N,) mean diameter, by volume, of the voids found in each body; NaN where none was."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.cbrt(6 / np.pi * self.values["void_volume"] / self.values["void_count"])


def is_relative(name: str) -> bool:
    """Whether errors of a descriptor are shares of its value: all but ratios, and of these that of voids."""
    return PARTICLES.known[name].bounds[1] > 1 or name == "void_fraction"


def calibrated(names: Collection[str] = ()) -> list[str]:
    """Descriptors that are a body's own, among those asked for (columns and groups; none: all)."""
    known = PARTICLES.known
    asked = set(descriptors.chosen(known, names)) if names else set(PARTICLES.columns)
    return [
        name
        for name in PARTICLES.columns
        if name in asked and known[name].group not in VOID_GROUPS and not EXTRINSIC & inputs_of(known, [name])
    ]


def run_trials(
    trials: Sequence[Specimen],
    names: Collection[str],
    conditions: Conditions,
    seed: int,
    work: Work | None = None,
    cache: bool = False,
) -> Trials:
    """Digitise and measure bodies.

    Parameters
    ----------
    trials : sequence of Specimen
        In order of size.
    names : collection of str
        Descriptors wanted; those that a lone body without grey cannot have are left out.
    conditions : Conditions
    seed : int
        Of the noise.
    work : Work, optional
        Tells of bodies done; default: one batch after the other.
    cache : bool
        Whether batches that were measured before are taken from the user's cache folder, and others kept there.
    """
    trials, columns = list(trials), tuple(sorted(names))
    task = partial(_measured, columns, conditions, _Tile(conditions, seed))
    if cache:
        task = partial(kept.recalled, task, columns, conditions, seed)
    values: dict[str, np.ndarray] = {}
    done = 0
    parts = list(batches(trials, conditions))
    for part, measured in zip(parts, (work or Work(())).over(task, parts, map(len, parts))):
        for name, found in measured.items():
            values.setdefault(name, np.full(len(trials), np.nan))[done : done + len(part)] = found
        done += len(part)
    truths = {name: np.full(len(trials), np.nan) for name in values}
    for i, trial in enumerate(trials):
        for name, value in trial.body.truth(trial.diameter).items():
            if name in truths:
                truths[name][i] = value
    return Trials(trials, values, truths)


class _Tile:
    """The noise of a scan, made when first asked for: what is kept needs none."""

    def __init__(self, conditions: Conditions, seed: int) -> None:
        self._made: np.ndarray | None = None
        self._lock = Lock()
        self._of = conditions, seed

    def __call__(self) -> np.ndarray:
        with self._lock:
            if self._made is None:
                self._made = noise_tile(*self._of)
            return self._made


def _measured(names: tuple[str, ...], conditions: Conditions, tile: _Tile, trials: list[Specimen]) -> dict[str, Any]:
    """Columns of the bodies of a batch, NaN for those that are gone; columns of words are left out."""
    made = images(trials, conditions, tile())
    if not len(made.rows):
        return {}
    wanted = descriptors.required(names) - {"pairs", "void_depth"}
    size = VoxelSize(*conditions.spacing, unit="px")
    voids = None if made.owner is None else Voids(made.void_labels, made.owner, len(made.owner) - 1)
    depth = len(made.labels)
    measured = measure(Labelled(made.labels, len(made.rows), size, voids), Work.of(depth, depth), wanted=wanted)
    results = {name: value for name, value in measured.results.items() if name not in EXTRINSIC}
    columns = descriptors.compute(results).values  # all that the results allow: choosing among them takes longer
    found = {n: np.full(len(trials), np.nan) for n in names if n in columns and columns[n].dtype.kind in "fiu"}
    for name, values in found.items():
        values[made.rows] = columns[name]
    return found


def with_references(trials: Trials, extent: Extent, seed: int, work: Work | None = None, cache: bool = False) -> Trials:
    """The same with true values where there is no closed form: those of the same bodies, large and without blur."""
    lacking = [n for n in trials.values if np.isnan(trials.truths[n]).all()]
    if not lacking or not trials.trials:
        return trials
    bodies = {t.shape: t.body for t in trials.trials}
    ideal = Conditions((1.0, 1.0, 1.0), 1.0)
    wanted = list(references([bodies[k] for k in sorted(bodies)], REFERENCE_DIAMETER_VOXELS, extent, seed))
    large = run_trials(wanted, lacking, ideal, seed, work, cache)
    shape, places = np.array([t.shape for t in large.trials]), np.array([t.shape for t in trials.trials])
    diameters = np.array([t.diameter for t in trials.trials])
    truths = dict(trials.truths)
    for name in lacking:
        if name not in large.values:
            continue
        mean = np.array([large.values[name][shape == k].mean() for k in range(len(bodies))])
        truths[name] = mean[places] * (diameters / REFERENCE_DIAMETER_VOXELS) ** PARTICLES.known[name].power
    return Trials(trials.trials, trials.values, truths)
