"""How thick the solid is: the diameter of the largest ball in it that holds a point, over all points."""

from .registry import POSITIVE, descriptor

_SOURCE = "Hildebrand & Rueegsegger 1997, doi:10.1046/j.1365-2818.1997.1340694.x; docs/methods.md, 9"
_ALSO = {
    "BoneJ": "Tb.Th, a diameter",
    "PoreSpy": "local_thickness, in voxels, a radius in some versions",
    "GeoDict": "through the opening of the solid, a diameter",
}


@descriptor(power=1, symbol=r"\overline{\tau}", source=_SOURCE, bounds=POSITIVE, smallest=10, also=_ALSO)
def thickness_mean(solid_thickness_mean):
    """Mean local thickness of the solid, voids left out: a diameter."""
    return solid_thickness_mean


@descriptor(power=1, symbol=r"\tau_{50}", source=_SOURCE, bounds=POSITIVE, smallest=10, also=_ALSO)
def thickness_median(solid_thickness_median):
    """Median local thickness of the solid, voids left out: a diameter, less biased than the mean."""
    return solid_thickness_median
