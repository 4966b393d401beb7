"""Voids of a particle: how much, how thick, how they lie."""

import numpy as np

from .registry import POSITIVE, SHARE, descriptor


@descriptor(symbol=r"V_v/V", source="voxel count", bounds=SHARE, also={"BoneJ": "1 - BV/TV, inside the envelope"})
def void_fraction(void_volume, volume):
    """Volume of its closed voids over the volume of the envelope."""
    return void_volume / volume


@descriptor(symbol=r"V_{v,low}/V", source="docs/methods.md, 10", bounds=SHARE, empty="no_band")
def void_fraction_low(void_voxels_low, void_voxels, voxels):
    """What its void fraction is at least: of the voids found, the voxels beyond the middle between particle and void
    grey, that level moved by its uncertainty."""
    return np.minimum(void_voxels_low, void_voxels) / voxels  # a void may lie in two particles and belong to one


@descriptor(symbol=r"V_{v,high}/V", source="docs/methods.md, 10", bounds=SHARE, empty="no_band")
def void_fraction_high(void_voxels_high, void_voxels, voxels):
    """What its void fraction is at most: each void found stands for as many of its size as its chance to be seen says,
    at the level moved by its uncertainty; and one void that is seen every second time."""
    return np.minimum(np.maximum(void_voxels_high, void_voxels) / voxels, 1.0)


@descriptor(symbol=r"\sum_v V_v / p_v / V", source="Horvitz and Thompson 1952", bounds=SHARE)
def void_fraction_expected(void_voxels_expected, void_voxels, voxels):
    """Its void fraction corrected for voids too small to be seen every time: each void found stands for as many of its
    size as its chance to be seen says (no more than 1 / 0.3). The class `porous` goes by it. Where that chance is not
    known, as for labels made elsewhere, it is the void fraction."""
    return np.minimum(np.maximum(void_voxels_expected, void_voxels) / voxels, 1.0)


@descriptor(symbol=r"n_v", source="count", bounds=POSITIVE)
def void_count(void_number):
    """Closed voids that belong to the particle."""
    return void_number


@descriptor(power=3, symbol=r"V_v", source="voxel count", bounds=POSITIVE)
def void_volume(void_voxels, voxel_volume):
    """Volume of the voids inside the envelope."""
    return void_voxels * voxel_volume


@descriptor(power=1, symbol=r"d_{v,max}", source="voxel count", bounds=POSITIVE, empty="no_voids")
def void_largest_diameter(void_largest_voxels, voxel_volume):
    """Diameter of the sphere of the volume of its largest void; empty without voids."""
    largest = np.where(void_largest_voxels > 0, void_largest_voxels, np.nan)
    return np.cbrt(6 * largest * voxel_volume / np.pi)


@descriptor(power=1, symbol=r"\tau_{v,50}", source="Hildebrand and Rueegsegger 1997", bounds=POSITIVE, empty="no_voids")
def void_thickness_median(voids_thickness):
    """Local thickness, a diameter, above which half of the volume of its closed voids lies: each void counts with the
    median over its own volume; empty without voids."""
    return voids_thickness


@descriptor(symbol=r"V_o/(V + V_o)", source="docs/methods.md, 10", bounds=SHARE, empty="not_searched")
def open_void_fraction(open_void_voxels, voxels, open_searched):
    """Volume of its open voids over that of envelope and open voids. Open is a void whose mouth a ball of
    `voids.closing_radius` closes; narrower mouths than four voxels are closed before the split already (`voids.seal`),
    and such voids count as closed."""
    return np.where(open_searched, open_void_voxels / (voxels + open_void_voxels), np.nan)


@descriptor(symbol=r"\bar q", source="docs/methods.md, 10", bounds=SHARE, empty="few_voids")
def void_depth_rank_mean(voids_rank):
    """Mean depth rank of its closed voids: about .5 at random, near 1 for a shell under the surface, low for a centre;
    empty with fewer than 10 voids."""
    return voids_rank


@descriptor(symbol=r"p_q", source="Besag and Diggle 1977", bounds=SHARE, empty="few_voids")
def void_depth_p(voids_rank_p):
    """How often random throws have a mean depth rank as far out as its own, two-sided, by rank among 199 throws. Over
    hundreds of particles some are small by chance: 1 in 20 below .05."""
    return voids_rank_p


@descriptor(symbol=r"\bar d/\bar d_0", source="Clark and Evans 1954", bounds=POSITIVE, empty="few_voids")
def void_clustering_ratio(voids_apart):
    """Mean distance of its closed voids to the nearest other one, over its mean in 199 throws of the same voids into
    the same particle, without overlap: below 1 clustered, above 1 evenly spread; empty with fewer than 10 voids."""
    return voids_apart


@descriptor(symbol=r"p_d", source="Besag and Diggle 1977", bounds=SHARE, empty="few_voids")
def void_clustering_p(voids_apart_p):
    """How often random throws have a mean distance as far out as its own, two-sided, by rank among 199 throws. Over
    hundreds of particles some are small by chance: 1 in 20 below .05."""
    return voids_apart_p
