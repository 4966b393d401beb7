"""Filters tried on a sample of a volume: what each leaves of the noise, and which phases it shows."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...kernels.grey.blocks import Flatness, Span, count_codes, gradients
from . import noise_scales
from .codes import Coding, Outside, choose_coding
from .drift import Shading
from .filters import NO_SIGMA, Filter, filter_brick
from .histogram import BINS, PLAIN_VALLEY_RATIO, GreyCounts, PhaseFit, deconvolve, valley
from .noise import BLOCK_VOXELS, FARTHEST_LAG_VOXELS, Noise, Place, cut_blocks, is_segmented, measure_noise, no_noise
from .plan import Bins
from .sampling import Brick, read_bricks

# sds of the denoised noise, particles to the next phase: enough for the mask, see docs/segmentation.md
MASK_SEPARATION_SD = 6.2
FIRST_SIGMA_EDGES = 1.0  # sigma of the first filter tried, edges of the finest axis
FLAT_SHARE = 0.3  # of the voxels, those of the lowest gradient
HALO_VOXELS = 4  # voxels, enough for sigma 1
MOST_RAW_VALUES = 500_000  # enough for a histogram of the raw grey
MOST_STEP_VALUES = 20_000  # enough to tell the step of the grey values


@dataclass(frozen=True)
class Trial:
    """What a filter does to the sample."""

    how: Filter
    residual: Noise
    flatness: Flatness
    bins: Bins
    counts: GreyCounts
    fit: PhaseFit

    @property
    def gap(self) -> float:
        """Grey distance of the two brightest phases; 0 for fewer."""
        return float(self.fit.means[-1] - self.fit.means[-2]) if self.fit.n_phases > 1 else 0.0

    @property
    def excess(self) -> float:
        """Spread of the phase that spreads least, over the noise of flat places: streaks and rings widen all phases."""
        return float(min(self.fit.sds)) / self.residual.sd if self.fit.ok and self.residual.sd else 1.0

    @property
    def reached(self) -> bool:
        """Whether they lie far enough apart for the residual noise."""
        return self.fit.ok and self.gap >= MASK_SEPARATION_SD * self.residual.sd


class Sample:
    """The sample of a volume and the filters tried on it.

    Parameters
    ----------
    volume : array-like (Z, Y, X)
    edges : (z, y, x)
        Voxel edges in units of the shortest one.
    outside : Outside
    phases : "auto" or int
    levels : floats
        Greys that codes must be able to tell from others, seen in the sample or not.
    """

    def __init__(
        self,
        volume: Any,
        edges: tuple[float, float, float],
        outside: Outside,
        phases: int | str = "auto",
        levels: Sequence[float] = (),
    ) -> None:
        self.volume, self.edges, self.outside, self.phases = volume, edges, outside, phases
        self.levels = np.array(levels, float)
        self.bricks: list[Brick] = []
        self.valid: list[np.ndarray | None] = []
        self._read(HALO_VOXELS)
        self.inner = [b.inner for b in self.bricks]
        self.inner_valid = [None if v is None else v[b.core] for b, v in zip(self.bricks, self.valid)]
        self.shading: Shading | None = None

    def flattened(self, shading: Shading) -> "Sample":
        """The same sample with a drift of the grey taken off after every filter; nothing tried before counts for it."""
        other = copy.copy(self)
        other.__dict__.pop("start", None)
        other.__dict__.pop("excess", None)
        other.shading = shading
        return other

    def _read(self, halo: int) -> None:
        self.halo = halo
        self.bricks = read_bricks(self.volume, halo)
        self.valid = [self._valid_of(b) for b in self.bricks]

    def _valid_of(self, brick: Brick) -> np.ndarray | None:
        return self.outside.valid_part(brick.grey, brick.start, self.volume.shape)

    @cached_property
    def start(self) -> Trial:
        """What the Gaussian of FIRST_SIGMA_EDGES does, the first one tried where structure is not too fine for it."""
        return self.trial(self.gaussian(FIRST_SIGMA_EDGES))

    @cached_property
    def excess(self) -> float:
        """Spread of the phase that spreads least after the first filter tried, over the noise of flat places."""
        if (
            not self.noise.sd or self.noise.edge != BLOCK_VOXELS
        ):  # inside classes, streaks and rings are part of the noise
            return 1.0
        return self.start.excess

    @cached_property
    def raw_valley(self) -> float:
        """Depth of the valley between two classes of the raw grey (`histogram.valley`); 1 where there is none."""
        values = np.concatenate([f[:: max(1, f.size * len(self.inner) // MOST_RAW_VALUES)] for f in self.finite])
        values = values[np.isfinite(values)].astype(np.float64)
        if not values.size:
            return 1.0
        low, high = np.quantile(values, [0.0005, 0.9995])
        if not low < high:
            return 1.0
        # no bin narrower than the step of the grey values: a comb is full of valleys
        step = max(_step(values), (high - low) / (BINS - 1))
        edges = low - 0.5 * step + step * np.arange(int((high - low) / step + 0.5) + 2)
        found = valley(np.histogram(np.clip(values, low, high), edges)[0])
        return 1.0 if found is None else found.floor

    @property
    def clear(self) -> bool:
        """Whether a plain valley lies between two classes of the raw grey: one level tells them apart unfiltered."""
        return self.raw_valley < PLAIN_VALLEY_RATIO

    @property
    def finite(self) -> list[np.ndarray]:
        """Raw values of the cores that count, flat."""
        return [g.ravel() if v is None else g[v > 0] for g, v in zip(self.inner, self.inner_valid)]

    @cached_property
    def _flat_places(self) -> tuple[Noise, list[Place]]:
        if is_segmented(self.finite):
            return no_noise(), []
        kind = self.volume.dtype
        ends = (np.iinfo(kind).min, np.iinfo(kind).max) if kind.kind in "ui" and kind.itemsize < 4 else None
        return noise_scales.measure(self.inner, self.inner_valid, ends)

    @property
    def noise(self) -> Noise:
        """Noise of flat places (`noise_scales`)."""
        return self._flat_places[0]

    def residual_noise(self, codes: list[np.ndarray], how: Filter) -> Noise:
        """Noise after a filter: predicted for a Gaussian, measured in flat places for the others."""
        if how.method in ("none", "gaussian"):
            return self.noise.after(how.sigma)
        _, blocks = self._flat_places
        if blocks:
            measured = measure_noise(cut_blocks(codes, blocks))
        else:
            measured, _ = noise_scales.inside_classes(codes, self.inner_valid)
        return Noise(measured.sd * how.coding.scale, measured.acf, measured.n_blocks)

    def coding(self, filtered: bool) -> Coding:
        """Coding that holds the sampled greys."""
        samples = [f for f in (*self.finite, self.levels) if f.size]
        if self.shading is not None:  # less than the least grey and more than the largest are possible then
            return choose_coding(np.dtype(np.float32), [s.astype(np.float32) for s in samples], True)
        return choose_coding(np.dtype(self.volume.dtype), samples, filtered)

    def gaussian(self, sigma: float) -> Filter:
        """A Gaussian of `sigma` finest voxel edges (0: no filter)."""
        if not sigma:
            return Filter("none", NO_SIGMA, self.coding(False), self.outside)
        sigmas = tuple(sigma / e for e in self.edges)
        return Filter("gaussian", sigmas, self.coding(True), self.outside)  # type: ignore[arg-type]

    def codes(self, how: Filter) -> list[np.ndarray]:
        """Filtered bricks with one voxel of halo where there is one."""
        need = max(how.radius) + 1
        if need > self.halo and any(not _is_whole(b, self.volume.shape) for b in self.bricks):
            self._read(need)
        cores = [(0, len(b.grey), 0, b.grey.shape[1]) for b in self.bricks]
        filtered = [filter_brick(b.grey, v, how, c) for b, v, c in zip(self.bricks, self.valid, cores)]
        if self.shading is not None:
            for brick, codes in zip(self.bricks, filtered):
                self.shading.subtract(codes, brick.start, how.coding.scale)
        return filtered

    def trial(self, how: Filter) -> Trial:
        """Filter the sample, count its flat voxels and fit phases."""
        codes = self.codes(how)
        cores = [c[b.core] for c, b in zip(codes, self.bricks)]
        residual = self.residual_noise(cores, how)
        wz, wy, wx = (np.float32(0.25 / e**2) for e in self.edges)
        expected = noise_gradient(residual, how.coding, self.edges)
        free = Flatness(wz, wy, wx, np.float32(np.inf), np.float32(expected))
        slopes = []
        for c, b in zip(codes, self.bricks):
            slope = np.empty(c.shape, np.float32)
            gradients(c, free, slope)
            slopes.append(slope[b.core].ravel())
        limit = _low_quantile(slopes)
        flatness = free._replace(limit=np.float32(limit))
        bins = choose_bins(cores)
        counts = self._count(codes, flatness, bins, how.coding)
        fit = deconvolve(counts, residual.sd, self.phases, self.clear)
        return Trial(how, residual, flatness, bins, counts, fit)

    def _count(self, codes: list[np.ndarray], flatness: Flatness, bins: Bins, coding: Coding) -> GreyCounts:
        octants = np.zeros((8, 2, BINS + 1), np.int64)
        table = bins.of_codes()
        for c, b in zip(codes, self.bricks):
            # rows are cut to the core in y and x: octants are halves of a window there
            cut = c[:, b.core[1], b.core[2]].copy()
            rows = cut.shape[1]
            span = Span((b.core[0].start, b.core[0].stop, 0, rows), (b.start[0], 0))
            count_codes(cut, span, (self.volume.shape[0], rows), table, flatness, True, octants)
        greys = [f for f in self.finite if f.size]
        low, high = min(float(f.min()) for f in greys), max(float(f.max()) for f in greys)
        return GreyCounts(
            bins.edges(coding),
            octants[:, :, :BINS],
            raw_low=low,
            raw_high=high,
            n_low=sum(int(np.count_nonzero(f == low)) for f in greys),
            n_high=sum(int(np.count_nonzero(f == high)) for f in greys),
            n_voxels=int(octants.sum()),
            n_outside=int(octants[:, :, BINS].sum()),
        )


def _step(values: np.ndarray) -> float:
    """The step of grey values that are stored in steps, as far as few of them tell; tiny where they are not."""
    few = np.unique(values[:: max(1, values.size // MOST_STEP_VALUES)])
    return float(np.diff(few).min()) if few.size > 1 else 0.0


def _is_whole(brick: Brick, shape: tuple[int, ...]) -> bool:
    return brick.grey.shape == tuple(shape)


def noise_gradient(noise: Noise, coding: Coding, edges: tuple[float, float, float]) -> float:
    """Mean squared gradient of noise alone, codes^2 per finest voxel edge^2, for differences over two voxels."""
    variance = (noise.sd / coding.scale) ** 2
    lag = min(2, FARTHEST_LAG_VOXELS)
    return sum(0.25 / e**2 * 2 * variance * (1 - float(noise.acf[axis, lag])) for axis, e in enumerate(edges))


def _low_quantile(slopes: list[np.ndarray]) -> float:
    step = max(1, sum(s.size for s in slopes) // 1_000_000)
    values = np.concatenate([s[::step] for s in slopes])
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0
    return float(np.quantile(values, FLAT_SHARE, method="higher"))


def choose_bins(cores: list[np.ndarray]) -> Bins:
    """Bins that cover the sampled codes without their far tails, with room on both sides."""
    step = max(1, sum(c.size for c in cores) // 2_000_000)
    codes = np.concatenate([c.ravel()[::step] for c in cores])
    codes = codes[codes > 0]
    if not codes.size:
        return Bins(1, 1)
    low, high = np.quantile(codes, [0.00005, 0.99995])
    if codes.max() <= BINS:
        return Bins(1, 1)
    room = 0.03 * (high - low) + 2
    width = max(1, math.ceil((high - low + 2 * room) / BINS))
    first = int(0.5 * (low + high) - 0.5 * BINS * width)
    return Bins(max(1, first), width)
