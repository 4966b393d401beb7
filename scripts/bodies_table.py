"""Bodies whose size and shape are known, digitised and measured as any label image is: docs/bodies.md.

    scripts/bodies_table             all of it, some minutes
    scripts/bodies_table --quick     two poses of each, printed and not written

Each body is digitised in random poses and at random places between voxel centres (a voxel is the body's when its centre
lies inside), many bodies to a label image, and measured by `morphct.measure`.
"""

import argparse
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import body_values as values  # noqa: E402
import phantoms  # noqa: E402

import morphct  # noqa: E402
from morphct.descriptors import PARTICLES  # noqa: E402

PAGE = ROOT / "docs" / "bodies.md"
HEAD = """# Known bodies, measured

Made by `scripts/bodies_table`. Bodies whose size and shape are known in closed form are digitised in random poses and
at random places between voxel centres (a voxel is the body's when its centre lies inside) and measured as any label
image is. What the columns mean and how they are estimated is in [methods.md](methods.md).

r is the volume-equivalent radius of the body's solid in voxels (in cube roots of a voxel's volume, where its edges
differ). Lengths, areas and volumes are given over r, r^2 and r^3. Errors are shares of the true value, for the
roundnesses differences. *Bias* is the mean error over the poses, *worst* the largest error of any pose. Poses of each
body: {poses}.

Tolerances are what can be promised for a particle of this size in any pose; where there is none, the value means
little at this size. With unequal edges they are those of the radius counted in the longest edges. The true
roundnesses are what their algorithms give in the limit of fine voxels.
"""
SEED = 730_000
STRETCHED = (2.0, 1.0, 1.0)

REASONS = """## What is missed, and why

- `volume`, `equivalent_diameter`, `void_fraction`: a voxel count has no bias, and its scatter is the lattice's own; no
  estimator can do better on a mask. The tolerance is some two standard deviations in random pose; bodies whose faces
  happen to lie along the voxels, as cubes and plates can, scatter most.
- `surface_area`, `sphericity_wadell`, `isoperimetric_quotient`: the blur that takes the steps off a smooth surface
  also rounds sharp edges. What is lost is .6 voxel wide along the edges, most on a tetrahedron, whose edges are the
  sharpest. Less blur leaves steps on every other body. The quotient is the cube of Wadell's sphericity and has three
  times its error.
- `inscribed_radius`, `sphericity`: the largest ball bulges in between the background centres of walls that are nearly
  flat where it touches, by up to half a voxel: flat ellipsoids, plates, tetrahedra and cubes of 8 voxels. The ball of
  the blurred surface would be 1 % small on spheres instead.
- `circumscribed_radius`, `feret_max`: the last voxel centre in a sharp corner lies up to a voxel within it. A quarter
  of a voxel is added, which suits smooth bodies; corners of tetrahedra and octahedra stay short.
- `feret_min`: a quarter of a voxel on either side is too much for an oblique flat face and too little for a curved
  body (methods, 2). A plate of 7 voxels is at the limit, and a sphere of 10 is half a percent beyond it where its
  outermost planes of voxels lie least favourably; more for the one is less for the other.
- `sphericity_silhouette`, `roundness`: the 24 views of one particle scatter by 2 to 3 % (.02 to .04 of roundness)
  about the mean over all views, at any size. Rounded cubes are within .06 from an inscribed radius of 16 voxels on; a
  cube's corners, which have no radius, are those of the blur and the smoothing, .02 to .05 more.
- `roundness_3d`: at an inscribed radius of 10 the blur is a fifth of it and pulls a sphere's value to .94.
- `thickness_mean`: in edges and corners the balls are only a few voxels large and read high, so small bodies with
  edges do. From an inscribed radius of 25 voxels on the painting is on a grid half as fine, which costs up to 2 % on
  smooth bodies and saves nine tenths of the time. The median has neither.
"""


@dataclass(frozen=True)
class Trial:
    """Bodies of one size: volume-equivalent radius in cube roots of a voxel, voxel edges, poses of each."""

    radius: float
    spacing: tuple[float, float, float]
    poses: int
    names: tuple[str, ...]

    @property
    def title(self) -> str:
        """Heading of its columns."""
        edges = "" if self.spacing == (1.0, 1.0, 1.0) else ", voxels " + " x ".join(f"{e:g}" for e in self.spacing)
        return f"r = {self.radius:g}{edges}"

    @property
    def held_to(self) -> float:
        """The radius in the longest edges, which is what tolerances are asked at."""
        return self.length / max(self.spacing)

    @property
    def length(self) -> float:
        """The radius in the unit of the spacing."""
        return self.radius * math.prod(self.spacing) ** (1 / 3)


def trials(quick: bool) -> list[Trial]:
    names = tuple(phantoms.bodies())
    few = tuple(n for n in names if n in ("sphere", "ellipsoid 2:1:1", "cube", "octahedron", "rounded cube .5"))
    one = (1.0, 1.0, 1.0)
    poses = (2, 2, 2, 2) if quick else (24, 16, 8, 12)
    return [
        Trial(10, one, poses[0], names),
        Trial(20, one, poses[1], names),
        Trial(36, one, poses[2], names),
        Trial(20, STRETCHED, poses[3], few),
    ]


def measured(trial: Trial, columns: list[str], seed: int) -> dict[str, np.ndarray]:
    """Values by column, (bodies, poses); lengths in volume-equivalent radii."""
    size = ",".join(f"{e:g}um" for e in trial.spacing)
    found = {column: np.full((len(trial.names), trial.poses), np.nan) for column in columns}
    for pose in range(trial.poses):
        parts = [
            phantoms.digitise(name, trial.length, seed + 100 * pose + i, spacing=trial.spacing)
            for i, name in enumerate(trial.names)
        ]
        table = morphct.measure(phantoms.row_of(parts), None, size, names=columns)
        for column in columns:
            about = PARTICLES.known[column]
            found[column][:, pose] = table[about.column("um")].to_numpy(float) / trial.length**about.power
    return found


def number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4g}"


def errors(column: str, value: float, found: np.ndarray) -> np.ndarray:
    """Of every pose, as shares of the true value or as differences."""
    return (found - value) / (1.0 if column in values.ABSOLUTE else value)


@dataclass(frozen=True)
class Cell:
    """A body at one size: mean, bias, worst error, tolerance, all as `errors` counts them."""

    mean: float
    bias: float
    worst: float
    tolerance: float

    @property
    def missed(self) -> bool:
        return bool(self.worst > self.tolerance)


def cell(column: str, name: str, trial: Trial, found: np.ndarray) -> Cell | None:
    """None where the body has no such value, or where this size was not tried."""
    true = values.truths(name)[column]
    if math.isnan(true) or name not in trial.names:
        return None
    row = found[trial.names.index(name)]
    off = errors(column, true, row)
    allowed = values.tolerance(column, name, trial.held_to)
    if trial.spacing != (1.0, 1.0, 1.0) and column.startswith(("surface", "sphericity_wadell", "isoperimetric")):
        allowed = max(allowed, 0.06 if column.startswith("iso") else 0.02)
    return Cell(float(row.mean()), float(off.mean()), float(np.abs(off).max()), allowed)


def section(column: str, tried: list[tuple[Trial, dict[str, np.ndarray]]]) -> list[str]:
    """Markdown of one descriptor."""
    share = column not in values.ABSOLUTE
    unit = {1: " / r", 2: " / r^2", 3: " / r^3"}.get(PARTICLES.known[column].power, "")
    titles = [trial.title for trial, _ in tried]
    lines = [
        f"### `{column}`{unit}",
        "",
        "| body | true | " + " | ".join(f"{t}: mean | bias | worst | tolerance" for t in titles) + " |",
        "|---|---|" + "---|---|---|---|" * len(titles),
    ]

    def told(value: float) -> str:
        return "" if math.isnan(value) else f"{100 * value:.1f} %" if share else f"{value:.3f}"

    for name in phantoms.bodies():
        cells = [cell(column, name, trial, found[column]) for trial, found in tried]
        if not any(cells):
            continue
        row = [name, number(values.truths(name)[column])]
        for one in cells:
            if one is None:
                row += [""] * 4
                continue
            limit = told(one.tolerance) + (" **missed**" if one.missed else "")
            row += [number(one.mean), f"{'+' if one.bias > 0 else ''}{told(one.bias)}", told(one.worst), limit]
        lines.append("| " + " | ".join(row) + " |")
    return lines


def summary(columns: list[str], tried: list[tuple[Trial, dict[str, np.ndarray]]]) -> list[str]:
    """Markdown of all descriptors: how many bodies are within, and which are not."""
    lines = [
        "| descriptor | " + " | ".join(f"{trial.title}: within, worst" for trial, _ in tried) + " | missed |",
        "|---|" + "---|" * len(tried) + "---|",
    ]
    for column in columns:
        row, missed = [f"`{column}`"], []
        for trial, found in tried:
            cells = {name: cell(column, name, trial, found[column]) for name in trial.names}
            held = {n: c for n, c in cells.items() if c is not None and not math.isnan(c.tolerance)}
            if not held:
                row.append("")
                continue
            worst = max(c.worst for c in held.values())
            told = f"{worst:.3f}" if column in values.ABSOLUTE else f"{100 * worst:.1f} %"
            row.append(f"{sum(not c.missed for c in held.values())} of {len(held)}, {told}")
            missed += [f"{n} ({trial.title})" for n, c in held.items() if c.missed]
        lines.append("| " + " | ".join([*row, "; ".join(missed)]) + " |")
    return lines


def text(columns: list[str], tried: list[tuple[Trial, dict[str, np.ndarray]]]) -> str:
    poses = ", ".join(f"{trial.poses} ({trial.title})" for trial, _ in tried)
    parts = [
        HEAD.replace("{poses}", poses).rstrip(),
        "## Summary",
        "\n".join(summary(columns, tried)),
        REASONS.rstrip(),
        "## Descriptor by descriptor",
    ]
    parts += ["\n".join(section(column, tried)) for column in columns]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two poses of each body, printed and not written")
    parser.add_argument("--columns", nargs="*", help="these descriptors only, printed and not written")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    columns = given.columns or list(values.truths("sphere"))
    tried = []
    for trial in trials(given.quick):
        print(trial.title, file=sys.stderr)
        tried.append((trial, measured(trial, columns, given.seed + round(1000 * trial.length))))
    told = text(columns, tried)
    if given.quick or given.columns:
        print(told)
    else:
        PAGE.write_text(told, encoding="utf-8")
        print(f"{PAGE.stat().st_size:>9,} {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
