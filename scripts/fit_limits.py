"""What undisturbed and disturbed scans read on the signs that segment/mask/quality warns of, beside its limits.

    scripts/fit_limits             24 phantoms, six of them disturbed in five ways as well (half an hour of one core)
    scripts/fit_limits --quick     three small ones (half a minute)

Phantoms of all families, CNR 1.5 to 10, blur .5 to 1.4, two and three phases; and the same with a drift of half the
contrast, rings, streaks and a halo as the scoreboard draws them, the halo at half its strength as well. Told of each
sign: its median and 95 % quantile on undisturbed phantoms, how many of these pass the limit (false warnings), and how
many of each disturbance do.
"""

import argparse
import multiprocessing
from typing import Any

import numpy as np
from fit_levels import cases
from scoreboard_phantoms import DISTURBANCES

from morphct.ground.errors import SegmentationError
from morphct.ground.scratch import Scratch
from morphct.pipeline import segmenting
from morphct.pipeline.job import Job
from morphct.pipeline.memory_plan import plan_work
from morphct.pipeline.settings import Settings
from morphct.segment.grey import noise, plan
from morphct.segment.mask import quality
from morphct.truth.phantom import PhantomOptions, make

# sign: its limit, and whether the warning is given above it (else below)
SIGNS: dict[str, tuple[float, bool]] = {
    "plateau spread": (quality.PLATEAU_SPREAD_SHARE, True),
    "halo fringe": (quality.FRINGE_SHARE, True),
    "halo drop": (quality.CORE_DROP_SHARE, True),
    "separation": (quality.RELIABLE_SEPARATION_SD, False),
    "clipped": (quality.CLIPPED_SHARE, True),
    "streak ratio": (plan.STREAK_RATIO, True),
    "lag-1 correlation": (noise.CORRELATED_LAG_1, True),
}
SEEN = ("none", "drift", "rings", "streaks", "halo", "half a halo")


def read(job: tuple[dict[str, Any], str]) -> tuple[str, dict[str, float]]:
    """The signs of a phantom with a disturbance; NaN where one cannot be had."""
    case, name = job
    options = PhantomOptions(**case)
    made = make(options)
    grey = made.grey.astype(np.float32)
    if name != "none":
        strength = 0.5 if name.startswith("half") else 1.0
        more = DISTURBANCES[name.removeprefix("half a ")](made, np.random.default_rng([case["seed"], 77]))
        grey = np.rint(grey + strength * more * abs(options.grey_particle - options.grey_air))
    with Scratch() as scratch:
        work = Job(made.grey.shape, made.voxel_size, plan_work(made.grey.shape), scratch, map)
        try:
            found = segmenting.find_level(np.clip(grey, 0, 65535).astype(np.uint16), work, Settings())
        except SegmentationError:
            return name, dict.fromkeys(SIGNS, np.nan)
    judged, nan = found.threshold.quality, np.nan
    assert judged is not None
    spread = found.threshold.plateau_spread
    signs = (
        spread, judged.signs.halo_fringe, judged.signs.halo_drop, found.fit.separation, judged.clipped_share,
        found.plan.excess, found.plan.noise.correlation,
    )  # fmt: skip
    return name, {sign: nan if value is None else float(value) for sign, value in zip(SIGNS, signs)}


def told(found: list[tuple[str, dict[str, float]]]) -> list[str]:
    """One row a sign, as Markdown."""
    names = [n for n in SEEN if any(n == name for name, _ in found)]
    rows = ["| | limit | median | 95 % | " + " | ".join(f"past it, {n}" for n in names) + " |"]
    rows.append("|---" * (4 + len(names)) + "|")
    for sign, (limit, above) in SIGNS.items():
        values = {n: np.array([read[sign] for name, read in found if name == n]) for n in names}
        known = values["none"][np.isfinite(values["none"])]
        cells = (
            [f"{np.median(known):.3f}", f"{np.quantile(known, 0.95 if above else 0.05):.3f}"]
            if len(known)
            else ["", ""]
        )
        for n in names:
            some = values[n][~np.isnan(values[n])]
            passed = (some > limit) if above else (some < limit)
            cells.append(f"{passed.sum()} of {len(some)}")
        rows.append(f"| {sign} | {limit:g} | " + " | ".join(cells) + " |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phantoms", type=int, default=24)
    parser.add_argument("--edge", type=int, default=128, help="voxels of each side")
    parser.add_argument("--quick", action="store_true", help="three phantoms of 80^3, one halo")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    some = cases(given.phantoms, 0, given.edge)
    jobs = [(c, "none") for c in some] + [(c, name) for name in SEEN[1:] for c in some[:6]]
    if given.quick:
        some = cases(3, 0, 80)
        jobs = [*((c, "none") for c in some), (some[0], "halo")]
    with multiprocessing.get_context("spawn").Pool(given.workers) as pool:
        print("\n".join(told(pool.map(read, jobs, chunksize=1))))


if __name__ == "__main__":
    main()
