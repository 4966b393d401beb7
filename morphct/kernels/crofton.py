"""Areas from pairs of voxels: the 13 lattice directions and what a crossing along each of them weighs."""

import numpy as np

# forward half of the 26 neighbours (dz, dy, dx), in raster order
DIRECTIONS = np.array(
    [(0, 0, 1)] + [(0, 1, dx) for dx in (-1, 0, 1)] + [(1, dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)], np.int64
)


def pair_areas(spacing: tuple[float, float, float]) -> np.ndarray:
    """Area that one pair of unlike voxels stands for, by direction.

    By Cauchy and Crofton, area = 4 sum over directions of (share of the sphere nearest to one sense of the direction) x
    (crossings) x (area a lattice line stands for = voxel volume / step length).

    Parameters
    ----------
    spacing : tuple of float
        (z,y,x) voxel edges.

    Returns
    -------
    (13,) float64
        In the order of DIRECTIONS, in the squared unit of `spacing`.

    Notes
    -----
    Source: Ohser and Muecklich, Statistical Analysis of Microstructures in Materials Science, 2000, section 5.4; for a
    cube the shares are 0.045778, 0.036981 and 0.035196 for steps along edges, face and space diagonals.
    """
    from scipy.spatial import SphericalVoronoi

    steps = DIRECTIONS * np.asarray(spacing, np.float64)
    lengths = np.linalg.norm(steps, axis=1)
    unit = steps / lengths[:, None]
    shares = SphericalVoronoi(np.concatenate([unit, -unit])).calculate_areas() / (4 * np.pi)
    shares = (shares[:13] + shares[13:]) / 2
    # the two senses of a direction, and mirrored directions, have equal shares; make them so to the last digit
    kinds = np.abs(DIRECTIONS) @ np.array([4, 2, 1])
    shares = np.array([shares[kinds == kind].mean() for kind in kinds])
    return 4 * shares * np.prod(np.asarray(spacing, np.float64)) / lengths
