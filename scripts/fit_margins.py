"""How far the best `split.join` lies from the one in use: `JOIN_UNCERTAINTY` of segment/split/margins.

    scripts/fit_margins             32 phantoms (drawn as for scripts/fit_joins and kept; half an hour of one core)
    scripts/fit_margins --quick     four small ones (half a minute)

The limit of the joins is moved along LIMITS on the graph of basins of each phantom. The best limit of a phantom is the
middle of the range in which its F1 (particles of 200 voxels and more) stays within NEAR_BEST of the highest; flat
curves say little, so each counts by the inverse square of the width of its range. Told: mean and standard deviation of
the best limit with 95 % intervals (phantoms drawn again), the share of phantoms with a limit as good as the best within
the uncertainty, means by family, and the mean F1 along LIMITS.

And what follows, for reaches of a third to all of the uncertainty in use: on how many phantoms the true number of
particles lies between the numbers found at either end; the particles in doubt (`sensitivity.split_untold`: another
limit within the reach would cut or join them) beside those that are wrong, and the share of the wrong ones in doubt.
"""

import argparse
import multiprocessing
from typing import Any

import numpy as np
from fit_joins import SMALLEST, Trial, drawn, scores
from scoreboard_phantoms import FAMILIES

from morphct.kernels.split.join_scores import REFERENCE_JOIN
from morphct.segment.split import margins, merging

LIMITS = np.arange(0.60, 1.3001, 0.02)
NEAR_BEST = 0.003  # of F1
SHARES = (1 / 3, 1 / 2, 2 / 3, 1.0)  # of the uncertainty in use
DRAWS = 1000  # of phantoms, for the intervals


def curve(trial: Trial) -> np.ndarray:
    """F1 at each of LIMITS: one order of joins holds for all of them."""
    joined = merging.join(trial.graph, 0.0, float(LIMITS[-1]))
    steps = joined.steps
    assert steps is not None
    found = []
    for limit in LIMITS:
        roots = steps.joined(steps.made(float(limit)))[steps.clusters]
        numbers = np.unique(roots, return_inverse=True)[1] + 1
        found.append(scores(trial, lambda _, numbers=numbers: numbers)["f1"])
    return np.array(found)


def best(f1: np.ndarray) -> tuple[float, float]:
    """Middle and width of the range of LIMITS around the best in which F1 stays near it."""
    near = f1 >= f1.max() - NEAR_BEST
    low = high = int(f1.argmax())
    while low > 0 and near[low - 1]:
        low -= 1
    while high < len(f1) - 1 and near[high + 1]:
        high += 1
    return float(0.5 * (LIMITS[low] + LIMITS[high])), float(LIMITS[high] - LIMITS[low] + LIMITS[1] - LIMITS[0])


def spread(found: np.ndarray) -> tuple[float, float]:
    """Weighted mean and standard deviation of best limits; found (N, 2) middles and widths."""
    weight = found[:, 1] ** -2
    mean = float(np.average(found[:, 0], weights=weight))
    return mean, float(np.sqrt(np.average((found[:, 0] - mean) ** 2, weights=weight)))


def _count(trial: Trial, steps: merging.Steps, limit: float) -> int:
    """Particles of SMALLEST voxels and more at a limit."""
    roots = steps.joined(steps.made(limit))[steps.clusters]
    return int((np.bincount(roots, trial.graph.sizes) >= SMALLEST).sum())


def untold(trial: Trial, reach: float) -> dict[str, float]:
    """Share of particles in doubt within `reach` of the limit in use, share of wrong ones, and of these in doubt."""
    joined = merging.join(trial.graph, 0.0, REFERENCE_JOIN, reach)
    assert joined.steps is not None
    found = margins.find_margins(trial.graph, joined.steps, joined.particles, REFERENCE_JOIN, reach, SMALLEST)
    doubt = np.isfinite(found.falls_at) | np.isfinite(found.merges_at)
    table, n = trial.table, joined.n
    particle = np.concatenate([[0], joined.particles]).astype(np.int64)[table.found]
    pairs, place = np.unique(np.stack([table.truth, particle]), axis=1, return_inverse=True)
    voxels = np.bincount(place.ravel(), table.voxels)
    sizes = np.bincount(pairs[1], voxels, n + 1)
    both = (pairs > 0).all(axis=0)
    truth, own, shared = pairs[0][both], pairs[1][both], voxels[both]
    right = np.zeros(n + 1, bool)
    right[own[2 * shared > table.truth_sizes[truth] + sizes[own] - shared]] = True
    large = sizes >= SMALLEST
    large[0] = False
    wrong = large & ~right
    true = int((table.truth_sizes >= SMALLEST).sum())
    fewest, most = (_count(trial, joined.steps, at) for at in (REFERENCE_JOIN + reach, REFERENCE_JOIN - reach))
    return {
        "doubt": float(doubt[large].mean()),
        "wrong": float(wrong.sum() / large.sum()),
        "held": float((wrong & doubt).sum() / max(1, wrong.sum())),
        "wrong_count": float(wrong.sum()),
        "count_held": float(fewest <= true <= most),
    }


def told(trials: list[Trial]) -> list[str]:
    """All results, as lines of Markdown."""
    curves = np.array([curve(t) for t in trials])
    found = np.array([best(c) for c in curves])
    rng = np.random.default_rng(0)
    mean, sd = spread(found)
    draws = [spread(found[rng.integers(len(found), size=len(found))]) for _ in range(DRAWS)]
    (mean_low, sd_low), (mean_high, sd_high) = np.quantile(draws, [0.025, 0.975], axis=0)
    rows = [
        f"best limit of {len(trials)} phantoms: {mean:.3f} ({mean_low:.3f} to {mean_high:.3f}; "
        f"in use {REFERENCE_JOIN:g})",
        f"its standard deviation: {sd:.3f} ({sd_low:.3f} to {sd_high:.3f}; in use {margins.JOIN_UNCERTAINTY:g})",
    ]
    by_family = {f: np.array([t.family == f for t in trials]) for f in dict.fromkeys(t.family for t in trials)}
    rows.append("by family: " + ", ".join(f"{f} {spread(found[own])[0]:.2f}" for f, own in by_family.items()))
    means = curves.mean(axis=0)
    rows.append("mean F1: " + ", ".join(f"{v:.3f} at {at:.2f}" for at, v in list(zip(LIMITS, means))[::3]))
    near = np.abs(found[:, 0] - REFERENCE_JOIN) <= margins.JOIN_UNCERTAINTY + found[:, 1] / 2
    rows.append(f"a limit as good as the best within the uncertainty in use: {near.sum()} of {len(near)}")
    rows += ["| reach | true number held | in doubt | wrong | wrong ones in doubt |", "|---" * 5 + "|"]
    for share in SHARES:
        reach = share * margins.JOIN_UNCERTAINTY
        each = [untold(t, reach) for t in trials]
        weight = [e["wrong_count"] for e in each]
        held = np.average([e["held"] for e in each], weights=weight) if sum(weight) else 1.0
        doubt, wrong = (float(np.mean([e[name] for e in each])) for name in ("doubt", "wrong"))
        count = sum(e["count_held"] for e in each)
        rows.append(f"| {reach:.3f} | {count:.0f} of {len(each)} | {doubt:.3f} | {wrong:.3f} | {held:.2f} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[31, 33])
    parser.add_argument("--scales", type=int, nargs="+", default=[20, 28], help="median diameters")
    parser.add_argument("--quick", action="store_true", help="two families, one seed, small volumes")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    jobs: list[Any] = [(f, d, s, False) for f in FAMILIES for d in given.scales for s in given.seeds]
    if given.quick:
        jobs = [(f, 16, s, False) for f in ("irregular", "rods") for s in (31, 33)]
    with multiprocessing.get_context("spawn").Pool(given.workers) as pool:
        trials = pool.map(drawn, jobs, chunksize=1)
    print("\n".join(told(trials)))


if __name__ == "__main__":
    main()
