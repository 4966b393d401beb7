"""The powders of the scoreboard: families, scales, contrasts, fillings, and what goes wrong in a scan."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from morphct.truth.phantom import Phantom, PhantomOptions, make

FAMILIES = ("near-round", "irregular", "faceted", "rods", "plates", "bimodal", "sponge", "dense")
# one body each, though long, coiled, branched, lobed or hollow; pushed together so that they touch
BODIES = ("tubes", "coils", "dendrites", "lobed", "shells")
EDGES = {20: 160, 40: 208, 76: 304, 150: 400}  # of the volume, by median diameter of the particles
MANY = 40  # voxels of median diameter; larger particles take large volumes, which are drawn for one seed
STUDY = 2.283  # contrast to noise of the reference study: (5737 - 4255) / 649


@dataclass(frozen=True)
class Case:
    """One volume to be segmented: `part` of the board, and the row it belongs to there."""

    part: str
    row: str
    diameter: int
    seed: int
    disturbance: str = ""
    options: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def key(self) -> str:
        """Name of the case, unlike all others."""
        return f"{self.part}/{self.row}/{self.diameter}/{self.seed}"


def cases(seeds: list[int], scales: list[int]) -> Iterator[Case]:
    """All cases, the families at these median diameters; the rest with the first seed only."""
    for seed in seeds:
        for diameter in scales:
            if seed != seeds[0] and diameter > MANY:
                continue
            for family in FAMILIES:
                yield Case("family", family, diameter, seed, options={"family": family})
            for family in BODIES if diameter <= MANY else ():
                yield Case("body", family, diameter, seed, options={"family": family, "settle": True})
    for seed in seeds[:1]:
        for cnr in (1.5, 4.0, 8.0):
            for family in ("mixed", "sponge", "dense"):
                yield Case("contrast", f"{family}, CNR {cnr:g}", 40, seed, options={"family": family, "cnr": cnr})
        for filling in (0.05, 0.2, 0.55):
            yield Case("filling", f"{filling:.0%} solid", 40, seed, options={"solid": filling})
        yield Case("scan", "as the study", 40, seed)
        yield Case("scan", "two phases", 40, seed, options={"phases": 2})
        yield Case("scan", "voxels 3:1:1", 40, seed, options={"voxel_size": "75nm,25nm,25nm"})
        yield Case("scan", "correlated noise", 40, seed, options={"noise_blur": 0.7})
        for name in DISTURBANCES:
            yield Case("scan", name, 40, seed, disturbance=name)


def phantom(case: Case) -> Phantom:
    """The powder of a case, with its disturbance."""
    edge = EDGES[case.diameter]
    sizes = {"depth": edge, "height": edge, "width": edge, "diameter": float(case.diameter), "seed": case.seed}
    options = PhantomOptions.from_mapping(sizes | case.options)
    made = make(options)
    if not case.disturbance:
        return made
    rng = np.random.default_rng([case.seed, 77])
    more = DISTURBANCES[case.disturbance](made, rng) * abs(options.grey_particle - options.grey_air)
    grey = np.clip(np.rint(made.grey + more), 0, np.iinfo(made.grey.dtype).max).astype(made.grey.dtype)
    return replace(made, grey=grey)


def _drift(made: Phantom, rng: np.random.Generator) -> np.ndarray:
    """A background that rises by half the contrast across the volume."""
    axes = [np.linspace(-0.5, 0.5, n, dtype=np.float32) for n in made.grey.shape]
    way = rng.normal(size=3)
    way /= np.abs(way).sum()
    return 0.5 * (way[0] * axes[0][:, None, None] + way[1] * axes[1][:, None] + way[2] * axes[2])


def _rings(made: Phantom, rng: np.random.Generator) -> np.ndarray:
    """Rings about the axis, the same for eight planes at a time; sd a fifth of the contrast."""
    depth, height, width = made.grey.shape
    y, x = np.arange(height) - height / 2, np.arange(width) - width / 2
    radius = np.hypot(y[:, None], x).astype(int)
    strength = 0.2 * rng.normal(size=(-(-depth // 8), radius.max() + 1))
    return np.repeat(strength, 8, axis=0)[:depth][:, radius].astype(np.float32)


def _streaks(made: Phantom, rng: np.random.Generator) -> np.ndarray:
    """Twelve straight streaks in every four planes, two voxels wide, a third of the contrast."""
    depth, height, width = made.grey.shape
    y, x = np.mgrid[:height, :width]
    out = np.zeros(made.grey.shape, np.float32)
    for z in range(0, depth, 4):
        for _ in range(12):
            angle, sign = rng.uniform(0, np.pi), rng.choice((-1.0, 1.0))
            place = (y - rng.uniform(0, height)) * np.cos(angle) + (x - rng.uniform(0, width)) * np.sin(angle)
            out[z : z + 4] += np.float32(sign / 3) * (np.abs(place) < 1)
    return out


def _halo(made: Phantom, rng: np.random.Generator) -> np.ndarray:
    """Phase contrast: bright rims inside surfaces, dark fringes outside them, of two voxels' reach."""
    from scipy import ndimage

    sharp = make(replace(made.options, noise=1e-3, cnr=None, snr=None, noise_blur=0.0)).grey.astype(np.float32)
    contrast = abs(made.options.grey_particle - made.options.grey_air)
    return 0.8 * (sharp - ndimage.gaussian_filter(sharp, 2.0)) / contrast


DISTURBANCES: dict[str, Callable[[Phantom, np.random.Generator], np.ndarray]] = {
    "drift": _drift,
    "rings": _rings,
    "streaks": _streaks,
    "halo": _halo,
}
