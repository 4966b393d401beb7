"""Write docs/calibration.md anew: how errors are found, and how often their intervals hold other bodies' truth."""

import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "calibration.md"
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
DIAMETERS, POSES = (9.0, 14.0, 22.0, 34.0), 6
SEEDS = (90_001, 71_003)  # of the poses; columns and sizes are of the first
HEAD = """# Calibration

Made by `scripts/calibration_table`.

`morphct run` (setting `calibrate.method`, quick unless said otherwise) and `morphct calibrate RUN` (in full) put bodies
whose size and shape are known in closed form (`morphct/truth/bodies.py`) through what stands between a particle and its
numbers, and measure them with the code that measures particles.

Bodies that were measured before are not measured again: batches of them lie in the user's cache folder
(`~/.cache/morphct/calibration`, or as `XDG_CACHE_HOME` or `MORPHCT_CACHE_DIR` say), each under a digest of the bodies,
the conditions, the seed, and the sources, libraries and processor that measure them, so that the numbers are the same
to the byte with and without; `--set calibrate.cache=false`, or an empty `MORPHCT_CACHE_DIR`, keeps nothing.

1. **Sizes**: of equal ratio over the diameters present, up to 56 voxels (quick) or 120 (full).
2. **Bodies**: eighteen shapes (sphere and ellipsoids, cube, plates, blocks sharp, rounded and fully round, octahedra, a
   cross of three bars), and ellipsoids and rounded blocks with four pairs of axis ratios that stand for the particles
   found. Random poses and places between the voxels, seeds from `run.seed`; of each shape and size one (quick) or five
   (full): how much errors differ from shape to shape matters more than how much they differ from pose to pose.
3. **Grey**: the body blurred by what the edges of the scan show (`blur` of `threshold.json`, filter included); noise of
   the size and correlation that the filter leaves; where there is a third phase, a layer of it (.5 to 12 voxels) on up
   to half of a body, for a share of the bodies.
4. **Mask**: the local level of the threshold stage (or the single one), each body's moved by a chance within the
   level's stated uncertainty; dust dropped, holes filled. Labels made elsewhere: digitised at voxel centres, no more is
   known.
5. **Voids**: bodies with balls of the sizes of the voids found, searched for as the run does.
6. **Truth**: closed forms; for silhouettes, roundness and thickness the same measurement on the same body, 72 voxels
   across and without blur.

**Bias and spread** (`calibration.csv`) are mean and standard deviation of measured less true by kind of body and size,
over the truth for all but ratios. A column is **resolved** (not named in `not_resolved`) from the diameter on at which
|bias| + spread stays within `calibrate.tolerance` on bodies with the particles' axis ratios.

**Uncertainty** (`<column>_u`). The error of a particle is that of bodies of like diameter, b/a, c/b and sharpness (by
how much Wadell's sphericity falls short of that of an ellipsoid of these ratios): their root mean square, weighed by
likeness, scaled to the particle's diameter, times the factor within which {cover:.0f} % of the errors near that size
lie; a half of it, so that value ± 2 u holds the truth. For that factor every shape is predicted from all the others,
and one more shape, worse than all, is counted: what is off in one way for a shape (edges are always rounded off) is
known for the bodies of the calibration, but for no particle. Particles sharper, longer or flatter than every body of
the calibration get as much more as they are beyond. Bias is not corrected but included. Splits gone wrong, voids too
small to be seen, drift and halos are no part of it.

Bodies and constants were chosen by leaving out one shape at a time, not by the tables below.

## Held-out bodies

Poses that no calibration has seen, and shapes most of which none has ({shapes}), each at {diameters} voxels in {poses}
poses: share of which value ± 2 u holds the truth. Wanted: 90 to 99 %. The tetrahedron is told apart, in brackets: it is
the sharpest, and once blur has taken its corners its numbers are those of a blunter body, so that some of its columns
are trusted too much. Where most shapes are much like one of the calibration's, intervals are wider than they need be:
the worst shape sets them.

"""


def scans() -> dict:
    """Conditions by name."""
    from morphct.uncertainty.calibration import Conditions

    one, cube, flat = (1.0, 1.0, 1.0), 1.0, 2.0 ** (1 / 3)
    grey = {"level_bound": 0.05, "local": True, "by_dips": True}
    study = Conditions(one, cube, blur=1.28, noise=0.066, noise_sigma=one, **grey)
    return {
        "labels": Conditions(one, cube),
        "labels, z twice as coarse": Conditions((2 / flat, 1 / flat, 1 / flat), cube),
        "two phases": study,
        "three phases": replace(study, binder=0.43, wet=0.55),
        "sharp and quiet": replace(study, blur=0.8, noise=0.03, noise_sigma=(0.5, 0.5, 0.5)),
    }


def particles():
    """What the bodies are thought to be found beside: a powder of 6 to 45 voxels."""
    import numpy as np

    from morphct.uncertainty.calibration import PopulationSeen

    rng = np.random.default_rng(1)
    ratios = np.sort(rng.uniform(0.45, 1.0, (300, 2)), axis=1)[:, ::-1]
    voids = rng.lognormal(np.log(5.0), 0.35, 200)
    return PopulationSeen(np.exp(rng.uniform(np.log(6.0), np.log(45.0), 300)), ratios, voids, 3.0)


def held_out_bodies() -> dict:
    """Those of each seed under each scan, by name of the scan."""
    import held_out

    from morphct.ground.executors import Threads
    from morphct.ground.work import Work

    trials = [held_out.trials_of(DIAMETERS, POSES, seed=seed) for seed in SEEDS]
    return {
        name: [held_out.measured(scan, t, work=Work((), Threads(2))) for t in trials] for name, scan in scans().items()
    }


def figures(method: str, bodies: dict) -> list[str]:
    """Tables of one extent of the calibration."""
    import held_out
    import numpy as np

    from morphct.ground.executors import Threads
    from morphct.ground.work import Work
    from morphct.uncertainty.calibration import CalibrateOptions, calibrate

    rows, sizes, seconds = {name: [] for name in held_out.NAMES}, [], []
    for scan_name, scan in scans().items():
        begun = time.process_time()
        made = calibrate(particles(), scan, CalibrateOptions(method=method), work=Work((), Threads(2)))
        seconds.append(time.process_time() - begun)
        first, second = bodies[scan_name]
        sharp = np.array([t.body.name == "tetrahedron" for t in first.trials])
        covered = held_out.coverage(made, first)
        for name, holds in covered.items():
            rows[name].append(f"{100 * np.nanmean(holds[~sharp]):.0f} ({100 * np.nanmean(holds[sharp]):.0f})")
        every = np.array(list(covered.values()))
        other = np.array(list(held_out.coverage(made, second).values()))
        sizes.append([np.nanmean(every[:, ~sharp & (first.size == k)]) for k in range(len(DIAMETERS))])
        sizes[-1] += [np.nanmean(every), np.nanmean(other)]
    heads = list(scans())
    lines = ["| column | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
    lines += [f"| `{name}` | " + " | ".join(cells) + " |" for name, cells in rows.items()]
    rests = [f"all columns at {d:g} voxels" for d in DIAMETERS]
    for k, what in enumerate([*rests, "**all, tetrahedra too**", "the same, poses of another seed"]):
        lines.append(f"| {what} | " + " | ".join(f"{100 * held[k]:.1f}" for held in sizes) + " |")
    lines.append("| processor seconds | " + " | ".join(f"{s:.1f}" for s in seconds) + " |")
    return lines


def void_figures() -> list[str]:
    """Coverage of the void fraction on bodies with voids of other seeds."""
    import numpy as np

    from morphct.ground.executors import Threads
    from morphct.ground.work import Work
    from morphct.uncertainty.calibration import CalibrateOptions, calibrate, ladder
    from morphct.uncertainty.calibration.calibration import wall_of
    from morphct.uncertainty.calibration.trials import POROUS_COLUMNS, run_trials

    lines = ["| scan | bodies with a void found | held | bias at the median void |", "|---|---|---|---|"]
    for name, scan in scans().items():
        made = calibrate(particles(), scan, CalibrateOptions(), ("size", "voids"), work=Work((), Threads(2)))
        extent = replace(ladder.EXTENTS["quick"], porous=24)
        trials = list(ladder.porous_trials(particles(), extent, wall_of(scan), 77))
        found = run_trials(trials, {*POROUS_COLUMNS, "void_count"}, scan, 78, Work((), Threads(2)))
        u = made.void_uncertainty("void_fraction", found.values["void_fraction"], found.void_diameters())
        error = found.values["void_fraction"] - found.truths["void_fraction"]
        known = np.isfinite(u)
        bias = np.nanmedian(found.errors("void_fraction")[known])
        held = (np.abs(error) <= 2 * u)[known].mean()
        lines.append(f"| {name} | {known.sum()} of {len(trials)} | {100 * held:.0f} % | {100 * bias:+.1f} % |")
    return lines


def main() -> None:
    """Compute all of it; some minutes."""
    import held_out

    from morphct.uncertainty.calibration.error_model import COVERED_SHARE

    head = HEAD.format(
        cover=100 * COVERED_SHARE,
        shapes=", ".join(held_out.SHAPES),
        diameters=", ".join(f"{d:g}" for d in DIAMETERS[:-1]) + f" and {DIAMETERS[-1]:g}",
        poses=POSES,
    )
    bodies = held_out_bodies()
    text = [head + "### Quick, in per cent (tetrahedra in brackets)\n", *figures("quick", bodies), ""]
    if "--quick" not in sys.argv:
        text += ["### Full\n", *figures("full", bodies), ""]
    text += [
        "### Void fraction, quick\n",
        "Voids of other seeds, in bodies of which any void was found.\n",
        *void_figures(),
    ]
    OUT.write_text("\n".join(text) + "\n", encoding="utf-8")
    print(f"{OUT.stat().st_size:>9,} {OUT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
