"""Grey values of a packed powder: phases, glue, blur and noise, made plane by plane in one walk along z."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from ...ground.executors import RunMap, Threads
from ...kernels.truth import phantom_grey as kernels
from .options import PhantomOptions

SLAB_VOXELS = 4_000_000
# level of the blurred solid above which wet background is glue: half is a flat surface, so this leaves a thin film
GLUE_LEVEL = 0.36
ROWS_A_TASK = 64
Source = Callable[[int, int], np.ndarray]


def weights(sigma: float) -> np.ndarray:
    """Half of a Gaussian's weights, centre first, cut at 4 sigma, summing to one over both sides; float32."""
    radius = max(1, int(np.ceil(4 * sigma)))
    half = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    return (half / (half[0] + 2 * half[1:].sum())).astype(np.float32)


def halo(sigma: float) -> int:
    """Planes that a Gaussian of `sigma` voxels reaches to either side."""
    return int(np.ceil(4 * sigma)) if sigma > 0 else 0


class _Glue:
    """Where glue may be: a smooth random field on a coarse lattice, with its levels for "wet" and "full"."""

    def __init__(self, options: PhantomOptions) -> None:
        rng = np.random.default_rng([options.seed, 3])
        self.step = max(4.0, 1.5 * options.diameter)
        size = [int(n / self.step) + 2 for n in options.shape]
        self.coarse = rng.standard_normal(size).astype(np.float32)
        # interpolated values are less spread than the nodes, so the levels are taken on interpolated samples
        at = rng.random((4000, 3)) * (np.array(size) - 1)
        a = np.minimum(at.astype(int), np.array(size) - 2)
        f = at - a
        values = np.zeros(len(at))
        for corner in np.ndindex(2, 2, 2):
            share = np.prod(np.where(np.array(corner), f, 1 - f), axis=1)
            values += share * self.coarse[tuple((a + np.array(corner)).T)]
        wet = 1 - min(1.0, options.glue_wet + options.glue_bulk)
        self.levels = np.array([np.quantile(values, wet), np.quantile(values, 1 - options.glue_bulk), GLUE_LEVEL])
        if options.phases == 2:
            self.levels[:2] = np.inf
        elif options.glue_bulk == 0:
            self.levels[1] = np.inf


class _Window:
    """Planes `first` to `end` of a volume, in memory that is used again as the window moves along z."""

    def __init__(self, most: int, plane: tuple[int, int], dtype: type) -> None:
        self.memory: np.ndarray = np.empty((most, *plane), dtype)
        self.first = self.end = 0

    def move(self, first: int, end: int) -> range:
        """Let go of what lies before `first`, make room up to `end`; the planes that are new and hold nothing yet."""
        for i, z in enumerate(range(first, self.end)):
            if first != self.first:
                self.memory[i] = self.memory[z - self.first]
        new = range(max(first, self.end), end)
        self.first, self.end = first, end
        return new

    def planes(self, first: int, end: int) -> np.ndarray:
        """A view of some of its planes."""
        return self.memory[first - self.first : end - self.first]


def work_bytes(options: PhantomOptions, planes: int, workers: int) -> int:
    """Bytes that `grey_slabs` holds at one time."""
    depth, plane = options.depth, options.height * options.width
    optics, reach = halo(options.blur), _reach(options)
    noise = halo(options.noise_blur)
    wide = (options.height + 2 * noise) * (options.width + 2 * noise)
    floats = min(depth, planes + 2 * optics) + planes + min(depth, planes + optics) + 3 * workers
    floats += min(depth, planes + optics + 2 * reach) if reach else 0
    windows = (planes + 2 * noise + 2 * workers + planes) * wide if noise else workers * plane
    phases = min(depth, planes + optics + 2 * reach)
    return 4 * (floats * plane + windows) + (phases + 2 * planes) * plane


def _reach(options: PhantomOptions) -> int:
    return 0 if options.phases == 2 or options.glue_wet == 0 else halo(options.glue_reach)


def grey_volume(labels: np.ndarray, voids: np.ndarray, options: PhantomOptions) -> np.ndarray:
    """Grey of (Z, Y, X) labels and voids with blur and noise, uint16 or uint8."""

    def phases(z0: int, z1: int) -> np.ndarray:
        return np.where(labels[z0:z1] == 0, 0, np.where(voids[z0:z1] == 0, 1, 2)).astype(np.uint8)

    out = np.empty(labels.shape, options.grey_type)
    planes = max(4, SLAB_VOXELS // (labels.shape[1] * labels.shape[2]))
    for z0, slab in grey_slabs(phases, options, planes, Threads(1)):
        out[z0 : z0 + len(slab)] = slab
    return out


def grey_slabs(source: Source, options: PhantomOptions, planes: int, run: RunMap) -> Iterator[tuple[int, np.ndarray]]:
    """Grey of a powder, slab by slab along z; the cut changes no byte.

    Parameters
    ----------
    source : function of z0, z1
        (z1 - z0, Y, X) uint8 of these planes: 0 background, 1 particle, 2 void inside a particle. Asked for each plane
        once, in order.
    planes : int
        Of a slab.
    run : map
        Over planes and bands of rows.

    Yields
    ------
    z0, (Z, Y, X) uint8 or uint16
        Memory that the next slab uses again.
    """
    depth, plane = options.depth, options.shape[1:]
    blurred, noise = _Clean(source, options, planes, run), _Noise(options, planes, run)
    out = np.empty((min(planes, depth), *plane), options.grey_type)
    for z0 in range(0, depth, planes):
        z1 = min(z0 + planes, depth)
        clean, noise_of = blurred.slab(z0, z1), noise.slab(z0, z1)
        list(run(partial(_finish, clean, noise_of, z0, options, out), range(z0, z1)))
        yield z0, out[: z1 - z0]


class _Clean:
    """Blurred grey of a powder without noise, slab by slab."""

    def __init__(self, source: Source, options: PhantomOptions, planes: int, run: RunMap) -> None:
        self.source, self.options, self.run, self.glue = source, options, run, _Glue(options)
        self.optics, self.reach = halo(options.blur), _reach(options)
        depth, plane = options.depth, options.shape[1:]
        near = min(depth, planes + self.optics + 2 * self.reach)
        self.phases = _Window(near, plane, np.uint8)
        self.solid = _Window(near if self.reach else 0, plane, np.float32)
        self.grey = _Window(min(depth, planes + 2 * self.optics), plane, np.float32)
        self.wetting = np.zeros((min(depth, planes + self.optics) if self.reach else 1, *plane), np.float32)
        self.out = np.empty((min(planes, depth), *plane), np.float32)

    def slab(self, z0: int, z1: int) -> np.ndarray:
        """Planes z0 to z1, float32; the planes of the slab before are overwritten."""
        depth, options = self.options.depth, self.options
        new = self.grey.move(max(0, z0 - self.optics), min(depth, z1 + self.optics))
        if len(new):
            near = max(0, new.start - self.reach), min(depth, new.stop + self.reach)
            unseen = self.phases.move(*near)
            if len(unseen):
                self.phases.planes(unseen.start, unseen.stop)[:] = self.source(unseen.start, unseen.stop)
            if self.reach:
                half = weights(options.glue_reach)
                self.solid.move(*near)
                list(self.run(partial(self._flat_solid, half), unseen))
                self._deep(self.solid, half, new.start, self.wetting[: len(new)])
            list(self.run(partial(self._flat_grey, new.start), new))
        if not self.optics:
            return self.grey.planes(z0, z1)
        self._deep(self.grey, weights(options.blur), z0, self.out[: z1 - z0])
        return self.out[: z1 - z0]

    def _flat_solid(self, half: np.ndarray, z: int) -> None:
        solid = (self.phases.planes(z, z + 1)[0] != 0).astype(np.float32)
        kernels.blur_plane(solid, half, np.empty_like(solid), self.solid.planes(z, z + 1)[0])

    def _flat_grey(self, first: int, z: int) -> None:
        options, glue, target = self.options, self.glue, self.grey.planes(z, z + 1)[0]
        greys = np.array([options.grey_air, options.grey_glue, options.grey_particle], np.float32)
        wetting = self.wetting[z - first if self.reach else 0]
        phases = np.empty_like(target) if self.optics else target
        kernels.fill_phases(
            self.phases.planes(z, z + 1)[0], wetting, (glue.coarse, glue.step), z, glue.levels, greys, phases
        )
        if self.optics:
            kernels.blur_plane(phases, weights(options.blur), np.empty_like(phases), target)

    def _deep(self, window: _Window, half: np.ndarray, z0: int, out: np.ndarray) -> None:
        _blur_deep(window, half, (z0, self.options.depth), out, self.run)


def _blur_deep(window: _Window, half: np.ndarray, place: tuple[int, int], out: np.ndarray, run: RunMap) -> None:
    """Blur along z, planes place[0] and on of a volume of place[1] planes, bands of rows shared among the workers."""
    first = np.array([window.first, place[0]])

    def band(y: int) -> None:
        rows = np.array([y, min(y + ROWS_A_TASK, out.shape[1])])
        kernels.blur_depth(window.memory, half, first, place[1], rows, out)

    list(run(band, range(0, out.shape[1], ROWS_A_TASK)))


class _Noise:
    """Noise of sd 1; each plane has its own generator, so slabs do not change it."""

    def __init__(self, options: PhantomOptions, planes: int, run: RunMap) -> None:
        self.options, self.run = options, run
        # drawn beyond the faces too: repeating edges while blurring would make the faces noisier
        self.halo = halo(options.noise_blur)
        if self.halo:
            plane = (options.height + 2 * self.halo, options.width + 2 * self.halo)
            self.flat = _Window(min(planes, options.depth) + 2 * self.halo, plane, np.float32)
            self.out = np.empty((min(planes, options.depth), *plane), np.float32)

    def slab(self, z0: int, z1: int) -> Callable[[int], np.ndarray]:
        """A function that gives the (Y, X) float32 noise of each plane from z0 to z1."""
        options = self.options
        if not self.halo:
            return partial(_white, options, options.shape[1:])
        half, inside = weights(options.noise_blur), slice(self.halo, -self.halo)
        list(self.run(partial(self._flat_noise, half), self.flat.move(z0, z1 + 2 * self.halo)))
        # the planes drawn are counted from the first one in front of the volume
        _blur_deep(self.flat, half, (z0 + self.halo, options.depth + 2 * self.halo), self.out[: z1 - z0], self.run)
        wide = half.astype(float)
        kept = np.float32((wide[0] ** 2 + 2 * (wide[1:] ** 2).sum()) ** 1.5)  # of the sd, along all axes
        return lambda z: self.out[z - z0][inside, inside] / kept

    def _flat_noise(self, half: np.ndarray, z: int) -> None:
        white = _white(self.options, self.flat.memory.shape[1:], z)
        kernels.blur_plane(white, half, np.empty_like(white), self.flat.planes(z, z + 1)[0])


def _white(options: PhantomOptions, plane: tuple[int, int], z: int) -> np.ndarray:
    white = np.empty(plane, np.float32)
    np.random.default_rng([options.seed, 4, z]).standard_normal(out=white, dtype=np.float32)
    return white


def _finish(
    clean: np.ndarray,
    noise: Callable[[int], np.ndarray],
    z0: int,
    options: PhantomOptions,
    out: np.ndarray,
    z: int,
) -> None:
    """Add noise to one plane and digitise it, into `out`."""
    scale = np.array([0.0, 1.0], np.float32)
    if options.bits == 8:
        scale[:] = options.grey_low, 255 / (options.grey_high - options.grey_low)
    kernels.digital(clean[z - z0], noise(z), np.float32(options.noise_sd), scale, out[z - z0])
