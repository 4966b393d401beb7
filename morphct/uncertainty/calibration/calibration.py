"""The calibration of a run: known bodies through its conditions, bias and spread by size, uncertainty of a particle."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...descriptors import PARTICLES
from ...ground.options import Options, option
from ...ground.work import Work
from ...measurement.all_passes import Measurements
from . import error_model, kept, ladder
from .conditions import Conditions, conditions
from .error_model import ErrorModel
from .ladder import Specimen
from .population_seen import PopulationSeen
from .trials import POROUS_COLUMNS, SHAPE_COLUMNS, Trials, calibrated, is_relative, run_trials, with_references

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CalibrateOptions(Options):
    """How bias and uncertainty of the columns are found."""

    section: ClassVar[str] = "calibrate"

    method: str = option(
        "quick",
        "bodies of known shape put through what the scan did: quick, some hundred; full, some thousand; or none at all",
        choices=("quick", "full", "none"),
    )
    tolerance: float = option(
        0.05,
        "bias and spread together up to which a column counts as resolved: share of a length, area or volume, "
        "difference of a ratio",
        min=0.001,
        max=0.5,
    )
    cache: bool = option(
        True,
        "take bodies measured before under the very same conditions from the user's cache folder, and keep new ones "
        "there: the answer is the same",
    )


@dataclass(frozen=True)
class Line:
    """Errors of a descriptor on the bodies of one kind and size; shares of the value where it has a unit."""

    descriptor: str
    body: str
    diameter_voxels: float
    bias: float
    spread: float
    n: int


@dataclass(frozen=True)
class Calibration:
    """What is known of the errors of a run's columns.

    Attributes
    ----------
    options : CalibrateOptions
    conditions : Conditions
    seed : int
    lines : tuple of Line
        Bias and spread by descriptor, kind of body and size; `all` is every kind but those with voids.
    resolved : dict of str to float
        Diameter in voxels from which on a descriptor is within the tolerance on bodies like the particles found;
        infinite where it never is.
    models : dict of str to ErrorModel
        Of the descriptors of solid bodies, by size and shape; and of `POROUS`, by the mean diameter of voids.
    """

    options: CalibrateOptions
    conditions: Conditions
    seed: int
    lines: tuple[Line, ...]
    resolved: dict[str, float]
    models: dict[str, ErrorModel] = field(repr=False)

    @property
    def limits(self) -> dict[str, float]:
        """Smallest diameter in voxels at which a column is resolved, by name; what was not calibrated is as stated."""
        lowest = min((line.diameter_voxels for line in self.lines if line.body == ladder.AS_FOUND), default=0.0)
        found = {about.name: about.smallest for about in PARTICLES.known.values()}
        for name, limit in self.resolved.items():
            # good on the smallest bodies tried says nothing of smaller ones
            found[name] = min(limit, found[name]) if limit <= lowest else limit
        return found

    def uncertainty(self, name: str, values: np.ndarray, *shape: np.ndarray) -> np.ndarray:
        """Standard uncertainty (N,) of a column.

        Parameters
        ----------
        name : str
            Descriptor.
        values : (N,)
            Its values; lengths in the unit of the run.
        shape : (N,) each
            Equivalent diameter (unit of the run), b/a, c/b, Wadell's sphericity.

        Returns
        -------
        (N,), NaN where the value or the diameter is missing, or the descriptor was not calibrated.
        """
        diameter, *rest = shape
        return self._uncertainty(name, values, error_model.shape_of(diameter / self.conditions.edge, *rest))

    def void_uncertainty(self, name: str, values: np.ndarray, diameter: np.ndarray) -> np.ndarray:
        """The same for a column about voids, by the mean diameter (N,) of each particle's voids (unit of the run)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._uncertainty(name, values, np.log(diameter / self.conditions.edge)[:, None])

    def _uncertainty(self, name: str, values: np.ndarray, shapes: np.ndarray) -> np.ndarray:
        model = self.models.get(name)
        found = np.full(len(values), np.nan)
        known = np.isfinite(values) & np.isfinite(shapes[:, 0])
        if model is None or not known.any():
            return found
        found[known] = model.uncertainty(shapes[known])
        return found * np.abs(values) if is_relative(name) else found

    def table(self) -> "pd.DataFrame":
        """Bias and spread as a table: what `calibration.csv` holds."""
        import pandas as pd

        names = list(Line.__dataclass_fields__)
        frame = pd.DataFrame([[getattr(line, n) for n in names] for line in self.lines], columns=names)
        frame.insert(1, "error", ["relative" if is_relative(line.descriptor) else "absolute" for line in self.lines])
        return frame

    def to_mapping(self) -> dict[str, Any]:
        """What `calibration.json` holds beside the table."""
        return {
            **{name: value for name, value in self.options.to_mapping().items() if name != "cache"},
            "seed": self.seed,
            "conditions": self.conditions.to_mapping(),
            "resolved_from_voxels": self.resolved,
            "coverage_factor": 2,
            "coverage": error_model.COVERED_SHARE,
        }


def calibrate(
    found: PopulationSeen,
    scan: Conditions,
    options: CalibrateOptions,
    names: Collection[str] = (),
    seed: int = 0,
    work: Work | None = None,
) -> Calibration:
    """Calibrate the columns of a run.

    Parameters
    ----------
    found : PopulationSeen
        Sizes and shapes present.
    scan : Conditions
    options : CalibrateOptions
        Its method is not `none`.
    names : collection of str
        Columns and groups asked for; none: all that a lone body can have.
    seed : int
        The same seed gives the same bytes, whatever the workers.
    work : Work, optional
        Tells of bodies done; default: one batch after the other.
    """
    extent, wanted = ladder.EXTENTS[options.method], calibrated(names)
    work = work or Work(())
    run = partial(run_trials, conditions=scan, seed=seed, work=work, cache=options.cache)
    solid_trials, porous_trials = planned(found, scan, options, seed)
    solid = run(solid_trials, {*wanted, *SHAPE_COLUMNS})
    solid = with_references(solid, extent, seed, work.telling(None), options.cache)
    porous = run(porous_trials, {*POROUS_COLUMNS, "void_count"})
    if options.cache:
        kept.tidy()
    measured = [name for name in wanted if name in solid.values]
    lines = [line for name in measured for line in _lines(solid, name, [*solid.shapes, "all"])]
    lines += [
        line for name in POROUS_COLUMNS if name in porous.values for line in _lines(porous, name, [ladder.POROUS])
    ]
    models = _models(solid, measured) | _void_models(porous)
    resolved = {n: _resolved(lines, n, options.tolerance) for n in measured}
    return Calibration(
        options, scan, seed, tuple(lines), {n: v for n, v in resolved.items() if not np.isnan(v)}, models
    )


def planned(
    found: PopulationSeen, scan: Conditions, options: CalibrateOptions, seed: int = 0
) -> tuple[list[Specimen], list[Specimen]]:
    """The bodies that `calibrate` will digitise: solid ones, and ones with voids."""
    extent = ladder.EXTENTS[options.method]
    solid = ladder.solid_trials(ladder.shapes(found), ladder.sizes(found, extent), extent, seed)
    return list(solid), list(ladder.porous_trials(found, extent, wall_of(scan), seed))


def wall_of(scan: Conditions) -> float:
    """Voxels of solid around each void of a body: dips are looked for deeper than twice the blur."""
    return 2 * max(2.0, 2 * scan.blur) if scan.by_dips else 2.0


def calibrate_measured(
    measured: Measurements,
    record: Mapping[str, Any],
    options: CalibrateOptions,
    names: Collection[str] = (),
    voids: Mapping[str, Any] | None = None,
    seed: int = 0,
    work: Work | None = None,
) -> Calibration | None:
    """The calibration for what the passes found; None when the options want none, or nothing was found.

    Parameters
    ----------
    measured : Measurements
    record : mapping
        What `threshold.json` holds; empty for labels made elsewhere.
    options, names, seed, work
        As for `calibrate`.
    voids : mapping, optional
        The settings of the section `voids`.
    """
    if options.method == "none" or not measured.n:
        return None
    found = PopulationSeen.of_results(measured.results, measured.voids)
    return calibrate(found, conditions(measured.voxel_size, record, voids), options, names, seed, work)


def _models(solid: Trials, names: Iterable[str]) -> dict[str, ErrorModel]:
    if not set(SHAPE_COLUMNS) <= set(solid.values):  # nothing is left of bodies so small under so much blur
        return {}
    shapes = error_model.shape_of(*(solid.values[name] for name in SHAPE_COLUMNS))
    found = {name: error_model.fit(shapes, solid.errors(name), solid.size, solid.kind) for name in names}
    return {name: model for name, model in found.items() if model is not None}


def _void_models(porous: Trials) -> dict[str, ErrorModel]:
    """Errors by the mean diameter of the voids found, on bodies of which any void was found."""
    if not porous.trials:
        return {}
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.log(porous.void_diameters())[:, None]
    size, kind = porous.size, porous.kind
    found = {n: error_model.fit(mean, porous.errors(n), size, kind) for n in POROUS_COLUMNS if n in porous.values}
    return {name: model for name, model in found.items() if model is not None}


def _lines(trials: Trials, name: str, bodies: Iterable[str]) -> list[Line]:
    error, size = trials.errors(name), trials.size
    kind = np.array([t.body.name for t in trials.trials])
    lines = []
    for body in bodies:
        for place in np.unique(size):
            chosen = error[(size == place) & ((kind == body) | (body == "all")) & np.isfinite(error)]
            if len(chosen):
                spread = float(chosen.std(ddof=1)) if len(chosen) > 1 else float("nan")
                across = trials.across(place)
                lines.append(Line(name, body, across, float(chosen.mean()), spread, len(chosen)))
    return lines


def _resolved(lines: Iterable[Line], name: str, tolerance: float) -> float:
    held = [line for line in lines if line.descriptor == name and line.body == ladder.AS_FOUND]
    columns = np.array([(line.diameter_voxels, line.bias, line.spread) for line in held]).reshape(-1, 3)
    return error_model.resolved(columns[:, 0], columns[:, 1], columns[:, 2], tolerance)
