"""Irregular particles with voids, and what each descriptor costs on them: particles per second, beside other programs.

    python scripts/bench_particles.py --compare --costs --population 100

`scripts/bench --descriptors` runs it, in one thread. Prints Markdown.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

DIAMETERS = (20, 40, 76, 150, 300, 380)
PARTICLES = 3200
SHARE = 0.4  # of particles with voids, as `morphct phantom` has it
# the reference study's sizes in voxels: log-normal, one particle in 3200 as large as its largest
MEDIAN, LARGEST = 76.0, 380.0
SIGMA = math.log(LARGEST / MEDIAN) / NormalDist().inv_cdf(1 - 1 / PARTICLES)


@dataclass(frozen=True)
class Particle:
    """A particle alone in its box, with a margin of background: envelope, void ids (0: none), grey; all (Z,Y,X)."""

    envelope: np.ndarray
    voids: np.ndarray
    grey: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """The particle as a label image: voids are holes."""
        return (self.envelope & (self.voids == 0)).astype(np.int32)

    def filled(self) -> "Particle":
        """The same without its voids."""
        return Particle(self.envelope, np.zeros_like(self.voids), self.grey)


def particle(diameter: float, seed: int) -> Particle:
    """An irregular crystal of about this volume-equivalent diameter: faces, rounded edges, dents, ball-shaped voids."""
    from scipy.ndimage import zoom

    rng = np.random.default_rng([seed, round(1000 * diameter)])
    normals = rng.normal(size=(16, 3))
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    faces = rng.uniform(0.75, 1.1, 16)
    stretch = np.exp(rng.normal(0, 0.18, 3))
    stretch /= np.cbrt(stretch.prod())
    n = int(0.5 * diameter * 1.45 * stretch.max()) + 6
    axis = np.arange(-n, n + 1, dtype=np.float32)
    p = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1) / np.float32(0.5 * diameter) / stretch.astype("f4")
    far = np.sqrt((p * p).sum(-1)) / 1.15  # a ball around takes off the sharpest corners
    for normal, face in zip(normals.astype("f4"), faces):
        np.maximum(far, p @ normal / np.float32(face), out=far)
    coarse = rng.normal(0, 0.05, (8, 8, 8))
    far += zoom(coarse, len(axis) / 8, order=1).astype(np.float32)[: len(axis), : len(axis), : len(axis)]
    # the level that has the volume asked for
    wanted = round(math.pi / 6 * diameter**3)
    level = np.partition(far, wanted, axis=None)[wanted]
    inside = far < level
    box = tuple(slice(max(i.min() - 3, 0), i.max() + 4) for i in np.nonzero(inside))
    inside, far = inside[box], far[box]
    voids = _voids(inside, far / level, diameter, rng)
    grey = rng.normal(0, 30, inside.shape).astype(np.float32) + np.where(inside & (voids == 0), 200, 100)
    return Particle(inside, voids, np.clip(grey, 0, 65535).astype(np.uint16))


def _voids(inside: np.ndarray, depth: np.ndarray, diameter: float, rng: np.random.Generator) -> np.ndarray:
    """Ids of balls that lie inside and apart, some 5 % of the volume."""
    voids = np.zeros(inside.shape, np.int32)
    places = np.argwhere(depth < 0.75)
    count = 0
    for _ in range(40):
        if count == 20 or not len(places):
            break
        radius = diameter * rng.uniform(0.03, 0.1)
        middle = places[rng.integers(len(places))]
        reach = math.ceil(radius) + 2
        part = tuple(slice(max(m - reach, 0), m + reach + 1) for m in middle)
        off = np.indices(voids[part].shape) - np.array([m - s.start for m, s in zip(middle, part)])[:, None, None, None]
        far = np.sqrt((off**2).sum(0))
        if radius < 1 or voids[part][far < radius + 1.5].any() or not (depth[part][far < radius + 1] < 0.95).all():
            continue
        count += 1
        voids[part][far < radius] = count
    return voids


def quantiles(n: int) -> list[float]:
    """Diameters of n particles that stand for equal shares of the study's size distribution."""
    shares = (np.arange(n) + 0.5) / n
    return [min(LARGEST, MEDIAN * math.exp(SIGMA * NormalDist().inv_cdf(s))) for s in shares]


def measure_alone(one: Particle) -> float:
    """CPU seconds of all descriptors of a particle, as the product measures it."""
    from morphct.ground.units import VoxelSize
    from morphct.ground.work import Work
    from morphct.measurement.all_passes import measure
    from morphct.measurement.labelled import Labelled
    from morphct.segment.voids.ownership import Voids

    envelope, count = one.envelope.astype(np.int32), int(one.voids.max())
    start = time.process_time()
    voids = Voids(one.voids, np.array([0] + [1] * count), count) if count else None
    labelled = Labelled(envelope, 1, VoxelSize(1.0, 1.0, 1.0, unit="px"), voids)
    measure(labelled, Work.of(len(envelope)), grey=one.grey)
    return time.process_time() - start


def population(sample: int) -> list[str]:
    """Markdown: what 3200 particles of the study's sizes cost, from a sample over the quantiles."""
    for diameter in (20, 60):  # compiles
        measure_alone(particle(diameter, 0))
        measure_alone(particle(diameter, 0).filled())
    porous, filled = [], []
    for i, diameter in enumerate(quantiles(sample)):
        one = particle(diameter, i)
        porous.append(measure_alone(one))
        filled.append(measure_alone(one.filled()))
    most = PARTICLES * float(np.mean(porous))
    usual = PARTICLES * float(np.mean(SHARE * np.array(porous) + (1 - SHARE) * np.array(filled)))
    return [
        "## All descriptors of 3200 particles",
        "",
        f"Log-normal diameters, median {MEDIAN:g} voxels, cap {LARGEST:g}; irregular; grey measured too. From {sample} "
        "particles over the quantiles, each alone in its box, one thread.",
        "",
        "| | CPU seconds | ms a particle | minutes on two cores |",
        "|---|---|---|---|",
        f"| two of five with 20 voids | {usual:.0f} | {1000 * usual / PARTICLES:.0f} | {usual / 120:.1f} |",
        f"| all with 20 voids | {most:.0f} | {1000 * most / PARTICLES:.0f} | {most / 120:.1f} |",
        "",
        f"The larger half takes {100 * sum(porous[sample // 2 :]) / sum(porous):.0f} %.",
    ]


def kernels() -> dict[str, Callable[[Particle], object]]:
    """What the crop pass does, one call each."""
    from morphct.measurement.crops import measure_crop

    names = ("surface", "surface_total", "inscribed", "hull", "thickness", "roundness", "roundness_3d")

    def one(name: str) -> Callable[[Particle], object]:
        def call(p: Particle) -> object:
            solid = (p.envelope & (p.voids == 0)).view(np.uint8) if p.voids.any() else None
            return measure_crop(p.envelope.view(np.uint8), (1.0, 1.0, 1.0), (name,), solid)

        return call

    return {name: one(name) for name in names} | {"all passes": measure_alone}


def costs(diameters: Iterable[float] = DIAMETERS, repeats: int = 3) -> list[str]:
    """Markdown: CPU milliseconds of each kernel by diameter."""
    calls = kernels()
    bodies = [particle(d, 1) for d in diameters]
    lines = ["## CPU milliseconds of a particle", "", "| | " + " | ".join(f"d = {d:g}" for d in diameters) + " |"]
    lines.append("|---|" + "---|" * len(bodies))
    for name, call in calls.items():
        for body in bodies[:2]:
            call(body)
        row = []
        for body in bodies:
            best = math.inf
            for _ in range(repeats if body.envelope.size < 2e6 else 1):
                start = time.process_time()
                call(body)
                best = min(best, time.process_time() - start)
            row.append(f"{1000 * best:.1f}" if best < 0.1 else f"{1000 * best:.0f}")
        lines.append(f"| {name} | " + " | ".join(row) + " |")
    return lines


# what is asked of morphct, and of others for the nearest thing they have
GROUPS = {
    "size, ellipsoid (slab pass)": ("size", "ellipsoid"),
    "surface": ("surface_area", "surface_area_total"),
    "balls": ("spheres",),
    "hull: solidity, Feret, enclosing ball": ("solidity", "feret_max", "feret_min", "circumscribed_radius"),
    "roundness, silhouettes": ("roundness", "sphericity_silhouette"),
    "roundness in 3D": ("roundness_3d",),
    "local thickness": ("thickness",),
    "voids": ("voids",),
    "grey": ("grey",),
    "all": (),
}


@dataclass(frozen=True)
class Scene:
    """Particles side by side along x: envelopes, void ids and their owners, grey."""

    labels: np.ndarray
    voids: np.ndarray
    owner: np.ndarray
    grey: np.ndarray

    @property
    def solid(self) -> np.ndarray:
        """The label image with holes for voids."""
        return np.where(self.voids > 0, 0, self.labels)


def scene(particles: list[Particle]) -> Scene:
    shape = [max(p.envelope.shape[k] for p in particles) for k in range(2)]
    labels = np.zeros((*shape, sum(p.envelope.shape[2] for p in particles)), np.int32)
    voids, grey, owner = np.zeros_like(labels), np.full(labels.shape, 100, np.uint16), [0]
    x = 0
    for label, one in enumerate(particles, start=1):
        z, y, w = one.envelope.shape
        labels[:z, :y, x : x + w] = label * one.envelope
        voids[:z, :y, x : x + w] = np.where(one.voids > 0, one.voids + len(owner) - 1, 0)
        grey[:z, :y, x : x + w] = one.grey
        owner += [label] * int(one.voids.max())
        x += w
    return Scene(labels, voids, np.array(owner), grey)


def measure_scene(given: Scene, names: tuple[str, ...]) -> None:
    """What these descriptors need, and no more."""
    from morphct.descriptors import required
    from morphct.ground.units import VoxelSize
    from morphct.ground.work import Work
    from morphct.measurement.all_passes import measure
    from morphct.measurement.labelled import Labelled
    from morphct.segment.voids.ownership import Voids

    voids = Voids(given.voids, given.owner, len(given.owner) - 1)
    labelled = Labelled(given.labels, int(given.labels.max()), VoxelSize(1.0, 1.0, 1.0, unit="px"), voids)
    measure(labelled, Work.of(len(given.labels)), grey=given.grey, wanted=required(names))


def peers(labels: np.ndarray) -> dict[str, tuple[str, Callable[[], object]]]:
    """By group: what it is called there, and the call."""
    import porespy
    from skimage.measure import regionprops

    def thickness() -> None:
        for region in regionprops(labels):
            porespy.filters.local_thickness(np.pad(region.image, 1))

    def properties() -> None:
        for region in porespy.metrics.regionprops_3D(labels):
            _ = region.volume, region.surface_area, region.sphericity, region.inscribed_sphere.sum(), region.solidity

    hull = "hull: solidity, Feret, enclosing ball"
    return {
        f"{hull}|1": ("scikit-image: solidity", lambda: [r.solidity for r in regionprops(labels)]),
        f"{hull}|2": ("scikit-image: feret_diameter_max", lambda: [r.feret_diameter_max for r in regionprops(labels)]),
        "local thickness|1": ("PoreSpy: local_thickness of each particle", thickness),
        "all|1": ("PoreSpy: regionprops_3D (volume, area, sphericity, inscribed sphere, solidity)", properties),
    }


def comparison(count: int = 32, median: float = 40.0, sigma: float = 0.3) -> list[str]:
    """Markdown: particles per second by group of descriptors, and others' as ratios."""
    sizes = [median * math.exp(sigma * NormalDist().inv_cdf((i + 0.5) / count)) for i in range(count)]
    many = scene([particle(size, i) for i, size in enumerate(sizes)])
    few = scene([particle(size, i) for i, size in enumerate(sizes[:2])])

    def rate(call: Callable[[], object]) -> float:
        start = time.perf_counter()
        call()
        return count / (time.perf_counter() - start)

    lines = [
        "## Descriptors",
        "",
        f"{count} irregular particles with voids, log-normal diameters of {sizes[0]:.0f} to {sizes[-1]:.0f} voxels "
        f"around {median:g}, as a label image; one thread each. Particles per second; the ratio is morphct's rate over "
        "the other's.",
        "",
        "| descriptors | morphct | beside | its rate | ratio |",
        "|---|---|---|---|---|",
    ]
    others = peers(many.solid)
    for warm in peers(few.solid).values():
        warm[1]()
    for group, names in GROUPS.items():
        measure_scene(few, names)
        ours = rate(lambda names=names: measure_scene(many, names))
        beside = [other for key, other in others.items() if key.partition("|")[0] == group]
        lines.append(f"| {group} | {ours:.1f} | | | |")
        for name, call in beside:
            theirs = rate(call)
            lines.append(f"| | | {name} | {theirs:.1f} | {ours / theirs:.1f} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compare", action="store_true", help="beside scikit-image and PoreSpy")
    parser.add_argument("--costs", action="store_true", help="milliseconds by diameter")
    parser.add_argument("--population", type=int, default=0, metavar="N", help="3200 particles, from a sample of N")
    given = parser.parse_args()
    parts = [comparison()] if given.compare else []
    parts += [costs()] if given.costs else []
    parts += [population(given.population)] if given.population else []
    print("\n\n".join("\n".join(lines) for lines in parts))


if __name__ == "__main__":
    main()
