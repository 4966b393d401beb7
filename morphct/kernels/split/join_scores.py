"""How strongly two clusters of basins want to be one: as parts of a compact body, or of a body that goes on.

Each takes the links of `kernels.joins`, which hold the clusters.
"""

from typing import NamedTuple

import numpy as np

from ..jit import jit, jit_inline

RIM_SLOPE = 8.2  # what a solid share of 1 along the rim takes from a score; `split.join` counts in it
# of `continuing`; like the figures of `Rule` chosen near the best of searches (scripts/fit_joins), docs/segmentation.md
FLAT_RIM_SHARE = 0.65  # solid share along the rim from which it counts as concave: of half space .5, blur adds to it
FLATTEST_RIM = 0.08  # of share: a rim flatter than FLAT_RIM_SHARE by more speaks no more for a join
TYPICAL_PEAK_VOXELS = 6.0  # lower peak at which `size` and `rim_size` add nothing: a mere unit, taken up by `start`
TYPICAL_FACE_PEAK_VOXELS = 16.0  # higher peak at which a thick particle adds nothing at a face: a unit, as above
SMALL_PART_SHARE = 0.3  # of the voxels of the larger one: what is a part of it at a face is smaller
WIDEST_NECK_LOG = 2.5  # of the neck over the inscribed ball's section, 12: only sheets go further
LEAST_SADDLE_SHARE = 0.05  # of the lower peak: lower saddles count as this, so that logarithms stay finite
SADDLE_UNIT = 2**20  # saddles are held as whole numbers, so many to the shortest voxel edge
COARSE_PEAK_VOXELS = 3.5  # lower peak from which it counts: of thinner ones the height is too coarse to tell a waist
# mean of the three variances over their geometric mean; of a cylinder of length L diameters (1/16 1/16 L^2/12):
# 2.5 at L = 3.6
LONG_VARIANCE_RATIO = 2.5
BENT_FILLED_SHARE = 0.4  # of the ellipsoid of equal moments: bent bodies fill less (an ellipsoid 1, a block .89)
ELLIPSOID_VOLUME_FACTOR = 4 / 3 * np.pi * 5**1.5  # its volume over the root of the determinant of the covariance
NO_RIM_SHARE = 0.5  # solid share where the interface has no rim: that of half space
REFERENCE_JOIN = 0.905  # `split.join` at which the figures of `Rule` hold


class Rule(NamedTuple):
    """What decides about a join: figures of a body that goes on (`continuing`), and those of compact ones (`compact`).

    Source: chosen by hand near the best of searches on phantoms of 13 families; scripts/fit_joins makes the phantoms,
    and tells how far each figure can be moved before bodies are found worse. See docs/segmentation.md.

    Attributes
    ----------
    box : float
        What `box` is per `rim` where all is solid.
    area : float
        What areas are counted in, squares of the shortest voxel edge.
    limit : float
        More joins more: the solid share along the rim at which the other features decide alone.
    start : float
        All else even.
    saddle : float
        How strongly a waist, a saddle lower than the lower peak, speaks against a join.
    size : float
        How strongly a thick body speaks for it: blur fills the waist of a thin one.
    rim, rim_size : float
        How strongly a concave rim speaks against it, and how much more in a thick body.
    crumb : float
        How strongly a crumb speaks against it.
    peaks : float
        How strongly peaks of unequal height speak against it.
    wide : float
        How strongly an interface wider than the inscribed ball, as in a sheet, speaks for it.
    face : float
        In place of `start` for a small part of a particle that a face of the volume cuts.
    long : float
        How much more the start is where both together are long or bent (see `is_long`).
    near : float
        Where they are, of the peaks that the clusters had at the interface before any join, or this part of those they
        have now, the higher ones count: a tube that tapers is as thick as it is there.
    thinnest : float
        Lower peak, voxels: thinner bodies count as this thick, where no blur has filled their waists.
    compact_rim : float
        Of compact bodies: how strongly a concave rim speaks against a join.
    compact_neck : float
        How strongly a neck wider than the inscribed ball speaks for it.
    compact_peaks : float
        How strongly peaks of unequal height speak against it.
    compact_sprawl : float
        How strongly room between the two speaks against it.
    crumb_voxels : float
        What is smaller has a shape of noise: its sprawl and its waist say little.
    """

    box: float
    area: float
    limit: float
    start: float = 0.8
    saddle: float = 7.0
    size: float = 1.5
    rim: float = 19.0
    rim_size: float = 4.0
    crumb: float = 3.5
    peaks: float = 3.6
    wide: float = 0.4
    face: float = 0.5
    long: float = 0.0
    near: float = 1.0
    thinnest: float = 0.0
    compact_rim: float = RIM_SLOPE
    compact_neck: float = 0.3
    compact_peaks: float = 0.3
    compact_sprawl: float = 2.8
    crumb_voxels: float = 80.0


# of `Rule` where the mask is exact: no blur has filled the waists, so a thin body is doubted no more than a thick one;
# chosen by hand near the best of searches, see docs/segmentation.md
EXACT = {
    "start": 1.0,
    "saddle": 8.0,
    "crumb": 2.0,
    "peaks": 5.0,
    "wide": 1.0,
    "long": 0.5,
    "near": 0.7,
    "thinnest": 8.0,
}


@jit_inline
def _spread(n, sums):
    """Root of the determinant of a covariance, from sums over n voxels; each voxel is a cube, not a point.

    sums: z, y, x, zz, yy, xx, zy, zx, yx.
    """
    z, y, x, zz, yy, xx, zy, zx, yx = sums
    z, y, x = z / n, y / n, x / n
    a, b, c = zz / n - z * z + 1 / 12, yy / n - y * y + 1 / 12, xx / n - x * x + 1 / 12
    d, e, f = zy / n - z * y, zx / n - z * x, yx / n - y * x
    return np.sqrt(a * (b * c - f * f) - d * (d * c - f * e) + e * (d * f - b * e))


@jit
def room(size, moments, i, j):
    """What the ellipsoid of equal moments takes, of cluster i, or of i and j together; in a unit of its own."""
    p, q = moments[i], moments[j]
    if i == j:
        return _spread(np.float64(size[i]), (p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8]))
    both = (
        p[0] + q[0], p[1] + q[1], p[2] + q[2], p[3] + q[3], p[4] + q[4],
        p[5] + q[5], p[6] + q[6], p[7] + q[7], p[8] + q[8],
    )  # fmt: skip
    return _spread(np.float64(size[i] + size[j]), both)


@jit
def is_long(g, a, b):
    """Whether two clusters together are much longer than wide, or fill little of the ellipsoid of equal moments."""
    p, q, n, both = g.moments[a], g.moments[b], np.float64(g.size[a] + g.size[b]), room(g.size, g.moments, a, b)
    if n < BENT_FILLED_SHARE * ELLIPSOID_VOLUME_FACTOR * both:
        return True
    variance = np.float64(p[3] + q[3] + p[4] + q[4] + p[5] + q[5]) / n + 3 / 12
    for k in range(3):
        variance -= ((p[k] + q[k]) / n) ** 2
    return variance > 3 * LONG_VARIANCE_RATIO * both ** (2 / 3)


@jit
def compact(g, e, small, neck, share, rule):
    """How strongly the two of a link look like parts of one compact body, but for the limit.

    With the rule's figures: ln(surf) + compact_neck ln(neck) - compact_peaks ln(peaks)
    - compact_sprawl sprawl n^2 / (n^2 + crumb_voxels^2) - compact_rim f:
    surf, the interface over itself and the surface towards background of the smaller cluster; neck, the interface over
    the cross-section of the lower peak's ball; peaks, the higher over the lower; sprawl, the room (see `room`) of both
    together less that of each, over that of the smaller; n, the voxels of the smaller; f, the mean solid share of the
    boxes along the rim of the interface.
    """
    a, b = g.ends[2 * e], g.ends[2 * e + 1]
    area, voxels = np.float64(g.area[e]), np.float64(g.size[small])
    lower, upper = min(g.peak[a], g.peak[b]), max(g.peak[a], g.peak[b])
    sprawl = (room(g.size, g.moments, a, b) - (g.room[a] + g.room[b])) / g.room[small]
    sprawl *= voxels * voxels / (voxels * voxels + rule.crumb_voxels * rule.crumb_voxels)
    score = np.log(area / (area + g.surface[small])) + rule.compact_neck * np.log(neck)
    score -= rule.compact_peaks * np.log(upper / lower)
    return score - rule.compact_sprawl * sprawl - rule.compact_rim * share


@jit
def continuing(g, e, small, neck, share, rule):
    """How strongly a body seems to go on through the interface, as a tube or a sheet does, but for the limit.

    Its length, its bends and the room it takes do not matter: only whether there is a waist. With the rule's figures:
    start + saddle ln(s / p) + size ln(p / TYPICAL_PEAK_VOXELS) - peaks ln(peaks)
    - (rim + rim_size ln(p / TYPICAL_PEAK_VOXELS)) (f - FLAT_RIM_SHARE) - crumb c^2 / (n^2 + c^2), c = crumb_voxels,
    + wide ln(neck) where it is wider than 1: p, the lower peak; s, the highest point of the interface; the others as in
    `compact`. Where a face of the volume cuts a particle, a bulge of it looks apart: of two that are cut, the small one
    goes by its waist and rim and by how thick the large one is.
    """
    a, b = g.ends[2 * e], g.ends[2 * e + 1]
    voxels = np.float64(g.size[small])
    lower, upper = min(g.peak[a], g.peak[b]), max(g.peak[a], g.peak[b])
    start = rule.start
    if rule.near < 1.0 and lower >= COARSE_PEAK_VOXELS and is_long(g, a, b):
        start += rule.long
        lower = max(g.near[0, e] / SADDLE_UNIT, rule.near * lower)
        upper = max(g.near[1, e] / SADDLE_UNIT, rule.near * upper, lower)
    waist = rule.saddle * np.log(max(min(g.saddle[e] / (SADDLE_UNIT * lower), 1.0), LEAST_SADDLE_SHARE))
    crumb = rule.crumb * rule.crumb_voxels**2 / (voxels * voxels + rule.crumb_voxels**2)
    size = np.log(max(lower, rule.thinnest) / TYPICAL_PEAK_VOXELS)
    concave = max(share - FLAT_RIM_SHARE, -FLATTEST_RIM)
    score = start + waist + rule.size * size - rule.peaks * np.log(upper / lower)
    wide = rule.wide * min(max(np.log(neck), 0.0), WIDEST_NECK_LOG)
    score += wide - (rule.rim + rule.rim_size * size) * concave - crumb
    larger = g.size[a if small == b else b]
    if g.cut[a] and g.cut[b] and voxels < SMALL_PART_SHARE * larger:
        thick = rule.size * np.log(upper / TYPICAL_FACE_PEAK_VOXELS)
        score = max(score, rule.face + waist + thick - rule.rim * concave - crumb)
    return score - rule.compact_rim * REFERENCE_JOIN
