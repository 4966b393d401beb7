"""Grey values of a packed powder: phases, glue, blur and noise, slab by slab."""

import numpy as np

from ...kernels.truth import phantom as kernels
from .options import PhantomOptions

SLAB_VOXELS = 4_000_000
# level of the blurred solid above which wet background is glue: half is a flat surface, so this leaves a thin film
GLUE_LEVEL = 0.36


def weights(sigma: float) -> np.ndarray:
    """Half of a Gaussian's weights, centre first, cut at 4 sigma, summing to one over both sides; float32."""
    radius = max(1, int(np.ceil(4 * sigma)))
    half = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    return (half / (half[0] + 2 * half[1:].sum())).astype(np.float32)


def blurred(planes: np.ndarray, sigma: float) -> np.ndarray:
    """(Z, Y, X) float32 after a Gaussian of `sigma` voxels, edges repeated; the input is used as scratch."""
    if sigma <= 0:
        return planes
    half, other = weights(sigma), np.empty_like(planes)
    kernels.correlate(planes, half, 2, other)
    kernels.correlate(other, half, 1, planes)
    kernels.correlate(planes, half, 0, other)
    return other


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


def grey_volume(labels: np.ndarray, voids: np.ndarray, options: PhantomOptions) -> np.ndarray:
    """Grey of (Z, Y, X) labels and voids with blur and noise, uint16 or uint8."""
    out = np.empty(labels.shape, np.uint8 if options.bits == 8 else np.uint16)
    glue = _Glue(options)
    planes = max(4, SLAB_VOXELS // (labels.shape[1] * labels.shape[2]))
    for z0 in range(0, labels.shape[0], planes):
        z1 = min(z0 + planes, labels.shape[0])
        clean = _clean(labels, voids, z0, z1, glue, options)
        out[z0:z1] = _digital(clean + _noise(z0, z1, options), options)
    return out


def _clean(labels: np.ndarray, voids: np.ndarray, z0: int, z1: int, glue: _Glue, options: PhantomOptions) -> np.ndarray:
    """Blurred grey of planes z0 to z1, float32."""
    depth = labels.shape[0]
    halo = int(np.ceil(4 * options.blur)) if options.blur > 0 else 0
    a, b = max(0, z0 - halo), min(depth, z1 + halo)
    phases = np.empty((b - a, *labels.shape[1:]), np.float32)
    wetting = _wetting(labels, a, b, options)
    greys = np.array([options.grey_air, options.grey_glue, options.grey_particle], np.float32)
    kernels.fill_phases(labels[a:b], voids[a:b], wetting, (glue.coarse, glue.step), a, glue.levels, greys, phases)
    return blurred(phases, options.blur)[z0 - a : z1 - a]


def _wetting(labels: np.ndarray, z0: int, z1: int, options: PhantomOptions) -> np.ndarray:
    if options.phases == 2 or options.glue_wet == 0:
        return np.zeros((z1 - z0, *labels.shape[1:]), np.float32)
    halo = int(np.ceil(4 * options.glue_reach))
    a, b = max(0, z0 - halo), min(labels.shape[0], z1 + halo)
    return blurred((labels[a:b] != 0).astype(np.float32), options.glue_reach)[z0 - a : z1 - a]


def _noise(z0: int, z1: int, options: PhantomOptions) -> np.ndarray:
    """Noise of planes z0 to z1, float32; each plane has its own generator, so slabs do not change it."""
    sigma = options.noise_blur
    # drawn beyond the faces too: repeating edges while blurring would make the faces noisier
    halo = int(np.ceil(4 * sigma)) if sigma > 0 else 0
    noise: np.ndarray = np.empty((z1 - z0 + 2 * halo, options.height + 2 * halo, options.width + 2 * halo), np.float32)
    for k, z in enumerate(range(z0, z1 + 2 * halo)):
        np.random.default_rng([options.seed, 4, z]).standard_normal(out=noise[k], dtype=np.float32)
    if sigma > 0:
        inside = slice(halo, -halo)
        half = weights(sigma).astype(float)
        kept = half[0] ** 2 + 2 * (half[1:] ** 2).sum()  # of the variance, along each axis
        noise = blurred(noise, sigma)[inside, inside, inside] / np.float32(kept**1.5)
    return noise * np.float32(options.noise_sd)


def _digital(grey: np.ndarray, options: PhantomOptions) -> np.ndarray:
    if options.bits == 16:
        return np.clip(np.rint(grey), 0, 65535).astype(np.uint16)
    scaled = (grey - options.grey_low) * (255 / (options.grey_high - options.grey_low))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
