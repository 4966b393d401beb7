"""The weld score of a contact fitted again: `WITH_GREY` and `WITHOUT_GREY` of measurement/aggregates.

    scripts/fit_welds             48 phantoms (15 minutes of one core), both fits beside the figures in use
    scripts/fit_welds --quick     four small ones (a minute)

Each phantom goes through the whole segmentation and the passes. A contact counts where both particles were found (an
intersection over union above one half with a true one); it is a weld where the true pair was welded. Logistic
regression of that on ln(neck thickness), ln(radius of the contact's area), ln(radii of the smaller and of the larger
particle) and dip x radius of the area, as `AggregateOptions.scores` has them; without grey on the neck and both radii.

Told for each coefficient: the fit, its 95 % interval (phantoms drawn again with replacement: contacts of one phantom
are no independent cases), the figure in use. And what matters more, as the terms go together: the log loss of the
figures in use, and that of fits to the other phantoms (four parts of them, each told by the fit to the other three).
"""

import argparse
import multiprocessing
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, log_expit

from morphct.descriptors.options import DescriptorOptions
from morphct.ground.scratch import Scratch
from morphct.measurement import aggregates
from morphct.measurement.all_passes import measure
from morphct.measurement.labelled import Labelled
from morphct.pipeline import segmenting
from morphct.pipeline.job import Job
from morphct.pipeline.memory_plan import plan_work
from morphct.pipeline.settings import Settings
from morphct.results import tabulate
from morphct.truth import scoring
from morphct.truth.phantom import Phantom, PhantomOptions, make

WORK = Path(__file__).parents[1] / "scoreboard-run" / "welds"
CHOICES: dict[str, Sequence[Any]] = {
    "family": ("near-round", "irregular", "faceted", "rods", "plates", "bimodal", "sponge", "dense"),
    "cnr": (2.3, 2.3, 4.0),
    "neck": (0.35, 0.5, 0.65),  # radius over that of the smaller particle
    "weld_share": (0.3, 0.45, 0.6),
    "diameter": (20.0, 28.0, 40.0),
}
NAMES = ("constant", "ln neck", "ln area", "ln smaller", "ln larger", "dip x area")
PARTS = 4  # of the phantoms, each told by the fit to the others
DRAWS = 200  # of phantoms, for the intervals


@dataclass
class Contacts:
    """Contacts of one phantom: features (K, 6) as in NAMES, and whether each is a weld (K,)."""

    features: np.ndarray
    weld: np.ndarray


def cases(count: int, edge: int) -> list[dict[str, Any]]:
    """Settings of so many phantoms."""
    rng = np.random.default_rng(60)
    return [
        {name: values[rng.integers(len(values))] for name, values in CHOICES.items()}
        | {"depth": edge, "height": edge, "width": edge, "seed": 600 + i}
        for i in range(count)
    ]


def contacts(case: dict[str, Any]) -> Contacts:
    """The contacts of a phantom; from a file if they were measured before."""
    file = WORK / f"{case['seed']}_{case['depth']}.pickle"
    if file.is_file():
        return Contacts(*pickle.loads(file.read_bytes()))
    found = found_contacts(make(PhantomOptions(**case)))
    WORK.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps((found.features, found.weld)))
    return found


def found_contacts(made: Phantom) -> Contacts:
    """The contacts of a phantom as a run finds them."""
    with Scratch() as scratch:
        job = Job(made.grey.shape, made.voxel_size, plan_work(made.grey.shape), scratch, map)
        segmented = segmenting.segment(made.grey, job, Settings())
        labels, voids = np.array(segmented.labels[:]), np.array(segmented.voids.labels[:])
        labelled = Labelled(labels, segmented.n, made.voxel_size, replace(segmented.voids, labels=voids))
        wanted = tabulate.needed(DescriptorOptions(names=("class",)))
        measured = measure(labelled, job.work, grey=made.grey, wanted=wanted)
    pairs = measured.results["pairs"]
    sizes = aggregates.Sizes.of(measured.results)
    dips = aggregates.grey_dips(measured.results, pairs.grey_near)
    true = _true_of(made.labels, labels, segmented.n)
    both = np.sort(np.stack([true[pairs.first + 1], true[pairs.second + 1]], axis=1), axis=1)
    table = made.contacts[made.contacts["welded"].to_numpy(bool)]
    welds = {(int(a), int(b)) for a, b in zip(table["label_a"], table["label_b"])}
    used = (both[:, 0] > 0) & (both[:, 0] != both[:, 1]) & (sizes.neck > 0) & np.isfinite(dips)
    columns = [
        np.ones(used.sum()), *(np.log(v[used]) for v in (sizes.neck, sizes.area, sizes.smaller, sizes.larger)),
        dips[used] * sizes.area[used],
    ]  # fmt: skip
    return Contacts(np.stack(columns, axis=1), np.array([tuple(p) in welds for p in both[used].tolist()], bool))


def _true_of(truth: np.ndarray, labels: np.ndarray, n: int) -> np.ndarray:
    """True label of each found particle (n + 1,), 0 where none matches."""
    table = scoring.contingency(truth, labels)
    both = (table.truth > 0) & (table.found > 0)
    a, b, shared = table.truth[both], table.found[both], table.voxels[both]
    match = 2 * shared > table.truth_sizes[a] + table.found_sizes[b] - shared
    true = np.zeros(n + 1, np.int64)
    true[b[match]] = a[match]
    return true


def logistic(features: np.ndarray, weld: np.ndarray) -> np.ndarray:
    """Coefficients of the most likely logistic fit (Newton's steps)."""
    found = np.zeros(features.shape[1])
    for _ in range(50):
        chance = expit(features @ found)
        slope = features.T @ (weld - chance)
        bend = (features * (chance * (1 - chance))[:, None]).T @ features + 1e-6 * np.eye(len(found))
        found += (step := np.linalg.solve(bend, slope))
        if np.abs(step).max() < 1e-8:
            break
    return found


def log_loss(features: np.ndarray, weld: np.ndarray, figures: np.ndarray) -> float:
    """Mean of -ln(chance given to what is true)."""
    z = features @ figures
    return float(-np.where(weld, log_expit(z), log_expit(-z)).mean())


def together(found: list[Contacts], terms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features (the terms that are used) and welds of several phantoms."""
    return np.concatenate([f.features for f in found])[:, terms], np.concatenate([f.weld for f in found])


def told(name: str, found: list[Contacts], in_use: Sequence[float]) -> list[str]:
    """The fit beside the figures in use, as Markdown."""
    figures = np.array(in_use)
    terms = figures != 0
    fit = logistic(*together(found, terms))
    rng = np.random.default_rng(0)
    draws = [logistic(*together([found[i] for i in rng.integers(len(found), size=len(found))], terms))
             for _ in range(DRAWS)]  # fmt: skip
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    rows = [f"| {name} | fit | 95 % interval | in use |", "|---" * 4 + "|"]
    for term, *values, used in zip(np.array(NAMES)[terms], fit, low, high, figures[terms]):
        within = "" if values[1] <= used <= values[2] else ", outside"
        rows.append(f"| {term} | {values[0]:.2f} | {values[1]:.2f} to {values[2]:.2f} | {used:.2f}{within} |")
    losses = []
    for part in range(min(PARTS, len(found))):
        inner = [f for i, f in enumerate(found) if i % PARTS != part]
        outer = [f for i, f in enumerate(found) if i % PARTS == part]
        if inner and outer:
            own = logistic(*together(inner, terms))
            losses.append([log_loss(*together(outer, terms), own), log_loss(*together(outer, terms), figures[terms])])
    weld = together(found, terms)[1]
    refit, used = np.mean(losses, axis=0)
    score = expit(together(found, terms)[0] @ figures[terms])
    rows.append(
        f"{len(weld)} contacts, {int(weld.sum())} welds; mean score {score.mean():.3f}, welds {weld.mean():.3f}"
    )
    rows.append(f"log loss of held-out phantoms: figures in use {used:.4f}, fits to the others {refit:.4f}")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phantoms", type=int, default=48)
    parser.add_argument("--edge", type=int, default=128, help="voxels of each side")
    parser.add_argument("--quick", action="store_true", help="four phantoms of 96^3")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    some = cases(given.phantoms, given.edge)
    if given.quick:  # many welds, so that the fit is one
        some = [c | {"weld_share": 0.6, "diameter": 20.0, "cnr": 4.0} for c in cases(4, 96)]
    with multiprocessing.get_context("spawn").Pool(given.workers) as pool:
        found = pool.map(contacts, some, chunksize=1)
    print("\n".join(told("with grey", found, aggregates.SCORE_WEIGHTS_GREY)))
    print("\n".join(told("without grey", found, aggregates.SCORE_WEIGHTS_SHAPE)))


if __name__ == "__main__":
    main()
