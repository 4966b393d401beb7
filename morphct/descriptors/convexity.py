"""How convex."""

from .registry import SHARE, descriptor


@descriptor(
    symbol=r"n / n_{hull}",
    source="lattice points in the hull of voxel centres, docs/methods.md, 8",
    bounds=SHARE,
    smallest=20,
    also={"scikit-image": "solidity (hull of voxel corners, low)", "SPAM": "volume / convex volume"},
)
def solidity(hull_share):
    """Voxels of the envelope over the voxel centres inside the convex hull of its voxel centres."""
    return hull_share
