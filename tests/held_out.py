"""Bodies that no calibration has seen, drawn by sampling their inside, for the coverage of its uncertainties."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import phantoms

from morphct.ground.work import Work
from morphct.truth.bodies import Pose
from morphct.uncertainty.calibration import Calibration, Conditions
from morphct.uncertainty.calibration.ladder import Specimen
from morphct.uncertainty.calibration.trials import SHAPE_COLUMNS, Trials, is_relative, run_trials

SUB = 2  # samples a voxel edge
SEED = 90_001
SHAPES = (
    "sphere",
    "ellipsoid 2:1:1",
    "ellipsoid 1:.5:.25",
    "cylinder",
    "tetrahedron",
    "hexagonal plate",
    "two spheres",
    "rounded cube .25",
)
NAMES = (
    "equivalent_diameter",
    "ellipticity_yx",
    "ellipticity_zx",
    "ellipticity_zy",
    "surface_area",
    "sphericity",
    "sphericity_silhouette",
    "sphericity_wadell",
    "roundness",
)
CLOSED = tuple(n for n in NAMES if n not in ("sphericity", "sphericity_silhouette", "roundness"))  # soon measured


@dataclass(frozen=True)
class Sampled:
    """A body of `phantoms`, with the face of `bodies.Body` that digitising asks for; it has no voids."""

    name: str
    voids: tuple = ()

    @property
    def _reach(self) -> float:
        """Largest distance from its middle, in volume-equivalent radii."""
        body = phantoms.bodies()[self.name]
        return body.extent / body.radius

    def extents(self, turn: np.ndarray) -> np.ndarray:
        """Half extents along z, y, x: never too small."""
        return np.full(3, self._reach)

    def truth(self, diameter: float) -> dict[str, float]:
        """True values of that diameter."""
        return phantoms.truth(self.name, diameter / 2) | {"equivalent_diameter": diameter}

    def draw(self, diameter: float, pose: Pose, soft: float, coat: np.ndarray, out: np.ndarray) -> None:
        """As `bodies.Body.draw`; a cover is where a larger copy of the body is."""
        body = phantoms.bodies()[self.name]
        scale, sub = 0.5 * diameter / body.radius, SUB if soft else 1
        steps = [
            ((np.arange(n * sub) + 0.5) / sub - 0.5) * e - c for n, e, c in zip(out.shape, pose.spacing, pose.centre)
        ]
        points = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1)
        own = points @ pose.turn / scale
        filled = body.inside(own).astype(np.float32)
        if coat[5]:
            wide = body.inside(own / (1 + coat[4] / (0.5 * diameter))) & (points @ coat[:3] > coat[3])
            filled = np.maximum(filled, np.float32(coat[5]) * wide)
        shape = [k for n in out.shape for k in (n, sub)]
        out[:] = filled.reshape(shape).mean(axis=(1, 3, 5))


def trials_of(
    diameters: Sequence[float], poses: int, shapes: Sequence[str] = SHAPES, seed: int = SEED
) -> list[Specimen]:
    """Trials of every shape at every size."""
    return [
        Specimen(Sampled(name), float(d), float(d), size, shape, (seed, size, shape, pose))  # type: ignore[arg-type]
        for size, d in enumerate(diameters)
        for shape, name in enumerate(shapes)
        for pose in range(poses)
    ]


def measured(
    scan: Conditions, trials: list[Specimen], names: Sequence[str] = NAMES, work: Work | None = None
) -> Trials:
    """The bodies under the conditions of a scan; columns without a closed form are held against large bodies."""
    found = run_trials(trials, {*names, *SHAPE_COLUMNS}, scan, SEED, work)
    truths = dict(found.truths)
    lacking = tuple(n for n in names if np.isnan(truths[n]).all())
    shapes = {t.shape: t.body for t in trials}
    if lacking:
        ideal = _large(lacking, tuple(sorted(shapes.items(), key=lambda item: item[0])))
        for n in lacking:
            truths[n] = np.array([ideal[n][t.shape] for t in trials])
    return Trials(trials, found.values, truths)


@cache
def _large(names: tuple[str, ...], shapes: tuple[tuple[int, Sampled], ...]) -> dict[str, dict[int, float]]:
    """Columns of bodies so large that voxels matter little, by shape."""
    trials = [Specimen(body, 80.0, 80.0, 0, shape, (SEED, 9, shape)) for shape, body in shapes]  # type: ignore[arg-type]
    values = run_trials(trials, names, Conditions((1.0, 1.0, 1.0), 1.0), SEED).values
    return {n: {t.shape: float(v) for t, v in zip(trials, values[n])} for n in names}


def coverage(made: Calibration, found: Trials, names: Sequence[str] = NAMES) -> dict[str, np.ndarray]:
    """By column, whether the value give or take twice its uncertainty holds the truth, for each body; NaN where there
    is no value or no truth."""
    shape = [found.values[n] * (made.conditions.edge if n == "equivalent_diameter" else 1) for n in SHAPE_COLUMNS]
    covered = {}
    for n in names:
        u = made.uncertainty(n, found.values[n], *shape)
        error = np.abs(found.values[n] - found.truths[n])
        covered[n] = np.where(np.isfinite(u) & np.isfinite(error), error <= 2 * u, np.nan)
        assert is_relative(n) or np.nanmax(u) < 1
    return covered
