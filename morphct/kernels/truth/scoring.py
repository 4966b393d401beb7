"""Runs of equal label pairs along x: the voxel loop under the comparison of two label images."""

import numpy as np

from ..jit import jit


@jit
def pair_runs(first, second):
    """Pairs of labels of two (Z, Y, X) images run by run along x, both 0 left out.

    Returns
    -------
    pairs : (N, 2) int64
        Labels of the run in `first` and `second`; a pair comes back once per run.
    lengths : (N,) int64
        Voxels of the run.
    """
    nz, ny, nx = first.shape
    count = 0
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                a, b = first[z, y, x], second[z, y, x]
                if (a != 0 or b != 0) and (x == 0 or a != first[z, y, x - 1] or b != second[z, y, x - 1]):
                    count += 1
    pairs, lengths = np.empty((count, 2), np.int64), np.zeros(count, np.int64)
    n = -1
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                a, b = first[z, y, x], second[z, y, x]
                if a == 0 and b == 0:
                    continue
                if x == 0 or a != first[z, y, x - 1] or b != second[z, y, x - 1]:
                    n += 1
                    pairs[n, 0], pairs[n, 1] = a, b
                lengths[n] += 1
    return pairs, lengths
