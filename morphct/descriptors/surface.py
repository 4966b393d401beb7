"""Surface areas, of the envelope and with the walls of the voids."""

from .registry import POSITIVE, descriptor

_SOURCE = "level of the blurred occupancy that keeps the volume, docs/methods.md, 4"


@descriptor(
    power=2,
    symbol="A",
    source=_SOURCE,
    bounds=POSITIVE,
    smallest=10,
    empty="no_surface",
    also={
        "MorphoLibJ": "SurfaceArea (Crofton, counts void walls)",
        "scikit-image": "mesh_surface_area, 9 % high",
    },
)
def surface_area(outer_area):
    """Area of the envelope's outer surface; walls of enclosed voids do not count."""
    return outer_area


@descriptor(power=2, symbol=r"A_t", source=_SOURCE, bounds=POSITIVE, smallest=10, empty="no_surface")
def surface_area_total(total_area):
    """Area of all surfaces of the solid: the outer one and the walls of closed voids."""
    return total_area
