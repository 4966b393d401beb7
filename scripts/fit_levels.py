"""How far the level is off: `LEVEL_UNCERTAINTY` and `LEVEL_UNCERTAINTY_MISSED` of segment/mask/levels.

    scripts/fit_levels             all phantoms, both figures beside those in use (half an hour of two quiet cores)
    scripts/fit_levels --quick     a few small ones (half a minute)

Each phantom is denoised and its level found as in a run. Then the level is moved by shares of the local contrast until
the mask has as many voxels as the true particles: so far it was off. Voxels within 3 of a true void do not count (those
too small to be seen are filled in the mask), nor does what lies more than 6 outside any particle (specks of noise).

Two errors of each phantom, as shares of the local contrast: `off`, for all particles together, positive where the level
lies too high; and `single`, the median over the particles of how far the shift of each alone lies from that. Wanted is
the 95 % quantile of |off| over the phantoms, with the 95 % interval of order statistics, once where denoising reached
its target and once where it missed it. The phantoms are drawn at random (seed 50) from the values in CHOICES, 120
of them, and 64 more with noise as in HARD, so that the target is missed.
"""

import argparse
import json
import multiprocessing
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage, stats

from morphct.ground.bricks import Brick
from morphct.ground.errors import SegmentationError
from morphct.ground.scratch import Scratch
from morphct.pipeline import segmenting
from morphct.pipeline.job import Job
from morphct.pipeline.memory_plan import plan_work
from morphct.pipeline.settings import Settings
from morphct.segment.mask import levels
from morphct.truth.phantom import Phantom, PhantomOptions, make

WORK = Path(__file__).parents[1] / "scoreboard-run" / "levels"
CHOICES: dict[str, Sequence[Any]] = {
    "family": ("mixed", "near-round", "irregular", "rods", "plates", "faceted", "bimodal", "sponge", "dense", "tubes"),
    "cnr": (1.5, 2.3, 4.0, 6.0, 10.0),
    "blur": (0.5, 0.7, 1.0, 1.4),
    "noise_blur": (0.0, 0.0, 0.7),
    "phases": (2, 3),
    "diameter": (20.0, 28.0, 40.0),
}
HARD: dict[str, Sequence[Any]] = {
    "cnr": (1.0, 1.25, 1.5),
    "noise_blur": (0.7, 1.0),
}  # correlated: the filter helps less
SHIFTS = np.arange(-60, 61, 3) / 100  # of the local contrast
NEAR_VOID, FAR_OUTSIDE = 3.0, 6.0  # voxels
LEAST_SINGLE = 500  # voxels of a particle that is looked at alone
QUANTILE = 0.95


@dataclass(frozen=True)
class Found:
    """The level of one phantom; `off` is None where no level was found or none of SHIFTS is far enough."""

    case: dict[str, Any]
    method: str
    reached: bool
    reliable: bool
    off: float | None
    single: float | None
    volume_error: float


def cases(count: int, hard: int, edge: int) -> list[dict[str, Any]]:
    """Settings of so many phantoms, and of so many hard ones."""
    return [*_drawn(CHOICES, count, edge, 500), *_drawn(CHOICES | HARD, hard, edge, 1500)]


def _drawn(choices: dict[str, Sequence[Any]], count: int, edge: int, first: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(50)
    return [
        {name: values[rng.integers(len(values))] for name, values in choices.items()}
        | {"depth": edge, "height": edge, "width": edge, "seed": first + i}
        for i in range(count)
    ]


def measured(case: dict[str, Any]) -> Found:
    """The level's error on one phantom; from a file if it was measured before."""
    file = WORK / (f"{case['seed']}_{case['depth']}.json")
    if file.is_file():
        return Found(**json.loads(file.read_text()))
    found = measure(make(PhantomOptions(**case)), case)
    WORK.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(found)))
    return found


def measure(made: Phantom, case: dict[str, Any]) -> Found:
    """The level's error on a phantom."""
    with Scratch() as scratch:
        job = Job(made.grey.shape, made.voxel_size, plan_work(made.grey.shape), scratch, map)
        try:
            grey = segmenting.find_level(made.grey, job, Settings())
        except SegmentationError:
            return Found(case, "refused", False, False, None, None, np.nan)
        zones, truth = _zones(made)
        level = grey.threshold
        volumes = np.array(
            [
                np.bincount(
                    zones[levels.mask_of(grey.codes, levels.shifted(level, float(s)), Brick(0, 0, len(zones)))],
                    minlength=len(truth),
                )
                for s in SHIFTS
            ]
        )
    volumes[:, 0] = truth[0] = 0
    off = -crossing(volumes.sum(axis=1), truth.sum())
    singles = np.array([-crossing(volumes[:, i], truth[i]) for i in np.flatnonzero(truth >= LEAST_SINGLE)])
    error = volumes[len(SHIFTS) // 2].sum() / truth.sum() - 1
    single = None if np.isnan(singles).all() or np.isnan(off) else float(np.nanmedian(np.abs(singles - off)))
    assert level.quality is not None
    return Found(
        case, level.method, grey.plan.reached, level.quality.reliable, None if np.isnan(off) else off, single,
        float(error),
    )  # fmt: skip


def _zones(made: Phantom) -> tuple[np.ndarray, np.ndarray]:
    """The particle nearest to each voxel that counts (Z, Y, X), else 0; true voxels of each that count (N + 1,)."""
    distance, nearest = ndimage.distance_transform_edt(made.labels == 0, return_indices=True)
    zones = made.labels[tuple(nearest)]
    zones[distance > FAR_OUTSIDE] = 0
    zones[ndimage.distance_transform_edt(made.voids == 0) <= NEAR_VOID] = 0
    truth = np.bincount(np.where(made.labels > 0, zones, 0).ravel(), minlength=int(made.labels.max()) + 1)
    return zones, truth.astype(float)


def crossing(volumes: np.ndarray, truth: float) -> float:
    """The shift of the level at which a volume, which falls along SHIFTS, is the true one; NaN: none of them."""
    if not volumes[-1] <= truth <= volumes[0]:
        return np.nan
    return float(np.interp(-truth, -volumes.astype(float), SHIFTS))


def quantile(errors: np.ndarray) -> tuple[float, float, float]:
    """QUANTILE of errors and its 95 % interval from order statistics; an end that is not known is NaN."""
    interval = stats.quantile_test(errors, p=QUANTILE).confidence_interval(0.95)
    return float(np.quantile(errors, QUANTILE)), float(interval.low), float(interval.high)


def told(found: list[Found], in_use: float) -> str:
    """One row: phantoms, bias, quantile and interval, beside the figure in use."""
    errors = np.array([SHIFTS[-1] if f.off is None else f.off for f in found])  # farther off than any of SHIFTS
    if not len(errors):
        return f"0 of {len(found)} | | | | | {in_use}"
    value, low, high = quantile(np.abs(errors))
    within = float((np.abs(errors) <= in_use).mean())
    singles = np.array([f.single for f in found if f.single is not None])
    return (
        f"{len(errors)} of {len(found)} | {np.median(errors):+.3f} | {value:.3f} | {low:.3f} to {high:.3f} | "
        f"{np.median(singles):.3f} | {in_use}, holds {within:.0%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phantoms", type=int, default=120)
    parser.add_argument("--hard", type=int, default=64)
    parser.add_argument("--edge", type=int, default=144, help="voxels of each side")
    parser.add_argument("--quick", action="store_true", help="eight phantoms of 80^3")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    some = cases(6, 2, 80) if given.quick else cases(given.phantoms, given.hard, given.edge)
    with multiprocessing.get_context("spawn").Pool(given.workers) as pool:
        found = pool.map(measured, some, chunksize=1)
    local = [f for f in found if f.method == "deconvolution"]
    groups = {
        "target reached": ([f for f in local if f.reached], levels.LEVEL_UNCERTAINTY),
        "target missed": ([f for f in local if not f.reached], levels.LEVEL_UNCERTAINTY_MISSED),
        "one level or halo": ([f for f in found if f.method in ("otsu", "halo")], levels.LEVEL_UNCERTAINTY),
    }
    print("| | measured | median of off | 95 % of its size | interval | single | in use |")
    print("|---" * 7 + "|")
    for name, (group, in_use) in groups.items():
        print(f"| {name} | {told(group, in_use)} |")
    reached = groups["target reached"][0]
    for key in CHOICES:
        for value in sorted({f.case[key] for f in reached}):
            part = [f for f in reached if f.case[key] == value]
            print(f"| reached, {key} {value} | {told(part, levels.LEVEL_UNCERTAINTY)} |")
    print(f"refused: {sum(f.method == 'refused' for f in found)} of {len(found)}")


if __name__ == "__main__":
    main()
