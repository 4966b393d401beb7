"""How the figures of the joins were found (`Rule` in kernels/split/join_scores.py), their worth, and how sure they are.

    scripts/fit_joins                         phantoms drawn (kept in scoreboard-run/joins/), the rule as it stands told
    scripts/fit_joins --seeds 31 --scales 20  fewer of them
    scripts/fit_joins --profile               each figure moved alone: the range in which bodies are found as well
    scripts/fit_joins --search 300            random steps from the figures that stand, so many seconds
    scripts/fit_joins --exact                 the figures EXACT, on the masks of the true bodies
    scripts/fit_joins --quick                 four small phantoms, one family of each kind, profile of two figures

The graphs of basins of the phantoms do not depend on the rule, so a trial costs seconds. A step of the search is kept
where bodies that are one stay one more often and no family of compact ones loses more than .0005 of its F1 or gains
more than .2 % of merged particles. Seeds of the scoreboard (901, 902) are not to be used here.

The profile moves a figure by factors FACTORS, the others as they stand. It tells the mean F1 of the kind of bodies that
the figure is for, and for which factors the loss against the best of them is within twice its standard error
(differences of the same phantoms): a figure that stands within this range is one the phantoms do not speak against.

The figures in use are not the end of one search: searches like this one gave a neighbourhood, the rounded figures were
chosen in it by hand, and it does not make them again digit by digit. docs/segmentation.md tells what they were
compared on, and which were chosen with a look at seeds of the scoreboard or at real volumes.
"""

import argparse
import multiprocessing
import pickle
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scoreboard_phantoms import BODIES, FAMILIES

from morphct.ground.scratch import Scratch
from morphct.kernels.split import join_scores as kernel
from morphct.pipeline import segmenting
from morphct.pipeline.job import Job
from morphct.pipeline.memory_plan import plan_work
from morphct.pipeline.settings import Settings
from morphct.segment.labels import components
from morphct.segment.mask import sealing
from morphct.segment.split import basin_graph, basins, distance, merging
from morphct.truth import scoring
from morphct.truth.phantom import Phantom, PhantomOptions, make

WORK = Path(__file__).parents[1] / "scoreboard-run" / "joins"
EDGES = {16: 96, 20: 160, 24: 160, 28: 144, 40: 176}  # of the volume, by median diameter
SMALLEST = 200  # voxels
COMPACT = ("compact_rim", "compact_neck", "compact_peaks", "compact_sprawl", "crumb_voxels")
FACTORS = (0.25, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 4.0)  # of a figure that is moved alone
STEPS = {
    "start": 0.6, "saddle": 2.0, "size": 0.6, "rim": 4.0, "rim_size": 4.0, "crumb": 1.0, "peaks": 0.7, "wide": 0.4,
    "face": 0.4,
}  # fmt: skip


@dataclass
class Trial:
    """A phantom as the joins see it: its graph of basins, and the voxels that basins share with true particles."""

    family: str
    graph: basin_graph.Graph
    table: scoring.Contingency


def drawn(job: tuple[str, int, int, bool]) -> Trial:
    """The graph of a phantom, from a file when it was drawn before: of its grey volume, or of its exact mask."""
    family, diameter, seed, exact = job
    file = WORK / f"{family}_{diameter}_{seed}{'_exact' * exact}.pickle"
    if file.is_file():
        return Trial(family, *pickle.loads(file.read_bytes()))
    edge = EDGES[diameter]
    made = make(
        PhantomOptions(
            depth=edge, height=edge, width=edge, diameter=float(diameter), family=family, seed=seed,
            settle=family in BODIES,
        )
    )  # fmt: skip
    found = graph_of(made, exact)
    WORK.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps(found))
    return Trial(family, *found)


def _sealed(made: Phantom, job: Job) -> tuple[Any, Any]:
    """The mask of the true bodies as `few_values.segment_values` hands it to the split, and before sealing."""
    before = np.asarray(made.labels > 0).astype(np.uint8)
    components.fill(before, job.work)
    components.drop_small(before, Settings().particles.min_voxels, job.work)
    mask = before.copy()
    sealing.seal(mask, job.voxel_size.relative, sealing.RADII_EDGES, job.work)
    return mask, before


def graph_of(made: Phantom, exact: bool) -> tuple[basin_graph.Graph, scoring.Contingency]:
    settings, spacing = Settings(), made.voxel_size.spacing
    with Scratch() as scratch:
        job = Job(made.grey.shape, made.voxel_size, plan_work(made.grey.shape), scratch, map)
        if exact:
            mask, before = _sealed(made, job)
        else:
            filled = segmenting.find_envelope(segmenting.find_level(made.grey, job, settings), job, settings)
            mask, before = filled.mask, filled.unsealed
        labels = np.zeros(mask.shape, np.int32)
        heights = distance.heights(mask, spacing, job.work)
        found = basins.find_basins(heights, labels, job.work)
        graph = basin_graph.build_graph(mask, heights, found, distance.relative_edges(spacing), job.work, before)
        basins.write_particles(found, np.arange(1, found.n + 1, dtype=np.int32), job.work)
    return graph, scoring.contingency(made.labels, labels)


def scores(trial: Trial, rule: Any) -> dict[str, float]:
    """F1, share of whole bodies, and merged particles per true one, for a rule from basins to particles."""
    particle = np.concatenate([[0], rule(trial.graph)]).astype(np.int64)
    table, n = trial.table, int(particle.max(initial=0))
    pairs, place = np.unique(np.stack([table.truth, particle[table.found]]), axis=1, return_inverse=True)
    voxels = np.bincount(place.ravel(), table.voxels)
    sizes = np.bincount(pairs[1], voxels, n + 1)
    both = (pairs > 0).all(axis=0)
    truth, found, shared = pairs[0][both], pairs[1][both], voxels[both]
    large = table.truth_sizes >= SMALLEST
    match = large[truth] & (sizes[found] >= SMALLEST) & (2 * shared > table.truth_sizes[truth] + sizes[found] - shared)
    covered, held = np.bincount(truth, shared, len(large)), np.zeros(len(large))
    np.maximum.at(held, truth, shared)
    most = large[truth] & (2 * shared > table.truth_sizes[truth])
    return {
        "f1": float(2 * match.sum() / (large.sum() + (sizes[1:] >= SMALLEST).sum())),
        "one": float((held[large] >= scoring.WHOLE_SHARE * covered[large]).mean()),
        "merged": float((np.bincount(found[most], minlength=n + 1) >= 2).sum() / large.sum()),
    }


def told(trials: list[Trial], figures: dict[str, float]) -> dict[str, dict[str, float]]:
    """Mean scores by family with these figures of the rule."""
    found: dict[str, list[dict[str, float]]] = {}
    for trial in trials:
        found.setdefault(trial.family, []).append(
            scores(trial, lambda graph: merging.join(graph, 0.0, kernel.REFERENCE_JOIN, figures=figures).particles)
        )
    return {f: {name: float(np.mean([s[name] for s in some])) for name in some[0]} for f, some in found.items()}


def profile(trials: list[Trial], name: str, stands: dict[str, float]) -> str:
    """One row: mean F1 with a figure moved by each of FACTORS, and the range of it that is as good as the best."""
    figure = (kernel.Rule._field_defaults | stands)[name]
    kind = FAMILIES if name in COMPACT else BODIES
    own = [t for t in trials if t.family in kind]
    found = np.array([[_f1(t, stands | {name: figure * factor}) for t in own] for factor in FACTORS])
    loss = found[found.mean(axis=1).argmax()] - found
    error = loss.std(axis=1, ddof=1) / np.sqrt(loss.shape[1])
    as_good = np.flatnonzero(loss.mean(axis=1) <= 2 * error)
    cells = [name, f"{figure:g}", f"{figure * FACTORS[as_good[0]]:.3g} to {figure * FACTORS[as_good[-1]]:.3g}"]
    cells[2] += "" if FACTORS.index(1.0) in as_good else ", not as it stands"
    return "| " + " | ".join([*cells, *(f"{f:.4f}" for f in found.mean(axis=1))]) + " |"


def _f1(trial: Trial, figures: dict[str, float]) -> float:
    found = scores(trial, lambda graph: merging.join(graph, 0.0, kernel.LIMIT, figures=figures).particles)
    return found["f1"]


def worth(found: dict[str, dict[str, float]], before: dict[str, dict[str, float]]) -> float:
    """What is sought: bodies that stay one, at no cost to compact ones."""
    value = float(np.mean([0.5 * (found[f]["f1"] + found[f]["one"]) for f in found if f in BODIES]))
    for f in set(found) & set(FAMILIES):
        lost, merged = before[f]["f1"] - found[f]["f1"], found[f]["merged"] - before[f]["merged"]
        value -= 15 * max(0.0, lost - 0.0005) - min(0.005, max(-0.01, -lost)) + 2 * max(0.0, merged - 0.002)
    return value


def search(
    trials: list[Trial], seconds: float, before: dict[str, dict[str, float]], stands: dict[str, float]
) -> dict[str, float]:
    """Random steps of one to three figures at a time, from those that stand; the best of them."""
    rng, best = np.random.default_rng(0), {name: kernel.Rule._field_defaults[name] for name in STEPS} | stands
    reached, end = worth(told(trials, best), before), time.monotonic() + seconds
    while time.monotonic() < end:
        tried = dict(best)
        for name in rng.choice(list(STEPS), rng.integers(1, 4), replace=False):
            tried[name] = max(0.0, tried[name] + STEPS[name] * rng.normal())
        if (value := worth(told(trials, tried), before)) > reached:
            best, reached = tried, value
            print(f"{reached:.4f}", {name: round(float(v), 2) for name, v in best.items()}, flush=True)
    return best


def table(before: dict[str, dict[str, float]], now: dict[str, dict[str, float]]) -> str:
    """Both rules beside each other, as Markdown."""
    lines = ["| | F1 without | F1 | one without | one | merged without | merged |", "|---" * 7 + "|"]
    for f, old in before.items():
        cells = [f"{old[n]:.3f} | {now[f][n]:.3f}" for n in ("f1", "one", "merged")]
        lines.append(f"| {f} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[31, 33, 34])
    parser.add_argument("--scales", type=int, nargs="+", default=[20, 40], choices=EDGES, help="median diameters")
    parser.add_argument("--families", nargs="+", default=[*FAMILIES, *BODIES])
    parser.add_argument("--search", type=float, default=0.0, help="seconds")
    parser.add_argument("--exact", action="store_true", help="masks without blur: the figures EXACT")
    parser.add_argument("--profile", action="store_true", help="each figure moved alone")
    parser.add_argument("--quick", action="store_true", help="four small phantoms, two figures")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    if given.quick:
        given.seeds, given.scales, given.families, given.profile = [31, 33], [16], ["irregular", "tubes"], True
    jobs = [(f, d, s, given.exact) for f in given.families for d in given.scales for s in given.seeds]
    with multiprocessing.get_context("spawn").Pool(given.workers) as pool:
        trials = pool.map(drawn, jobs, chunksize=1)
    before = told(trials, {"start": -99.0, "face": -99.0})
    stands = dict(kernel.EXACT) if given.exact else {}
    print(table(before, told(trials, stands)))
    if given.profile:
        print("| figure | stands at | as good as the best | " + " | ".join(f"x {f:g}" for f in FACTORS) + " |")
        print("|---" * (3 + len(FACTORS)) + "|")
        for name in ("compact_rim", "saddle") if given.quick else (*COMPACT, *STEPS):
            if {t.family for t in trials} & set(FAMILIES if name in COMPACT else BODIES):
                print(profile(trials, name, stands), flush=True)
    if given.search:
        print(table(before, told(trials, search(trials, given.search, before, stands))))


if __name__ == "__main__":
    main()
