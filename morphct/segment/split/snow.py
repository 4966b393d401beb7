"""The one address of PoreSpy: its SNOW partitioning, for comparison with morphct's own split."""

import logging

import numpy as np

BYTES_PER_VOXEL = 36  # at its peak, measured


def partition(solid: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Regions of a solid by SNOW (maximum filter of radius 4 on the distance map smoothed by 0.4 voxel).

    Parameters
    ----------
    solid : (Z,Y,X) bool
    distance : (Z,Y,X) float32
        Distance to the background, voxels.

    Returns
    -------
    (Z,Y,X) int32, consecutive from 1, 0 in background. A solid without a peak of its own is flooded through the
    background, so a region need not be in one piece.

    Notes
    -----
    Source: Gostick, Phys. Rev. E 96, 2017, 023307, doi:10.1103/PhysRevE.96.023307.
    """
    from skimage.segmentation import relabel_sequential

    root = logging.getLogger()
    handlers, level, errors = list(root.handlers), root.level, np.geterr()
    try:  # importing it turns numpy's warnings off and sets up the root logger
        from porespy.filters import snow_partitioning

        regions = np.asarray(snow_partitioning(solid, dt=distance).regions)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        np.seterr(**errors)
    regions[~solid] = 0
    return relabel_sequential(regions)[0].astype(np.int32)
